"""What is asked and what is given: the records that cross the boundary between API and solvers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class PathPoint:
    """One solved alpha, as handed to a progress callback."""

    index: int
    alpha: float
    dual_gap: float
    n_iter: int
    n_active: int


@dataclass(frozen=True)
class PathResult:
    """Solutions along a path, in the user's units.

    With ``k`` solved alphas (fewer than asked for when the path was interrupted):

    alphas : (k,), coefs : (p, k), intercepts : (k,), or (T, p, k) and (T, k) for T targets fitted together; dual_gaps
    : (k,) in units of the objective ``1/2 sum_i s_i (y_i - b - x_i'w)^2 + penalty`` with ``sum s = 1``; n_iters :
    (k,) int; converged : (k,) bool, ``dual_gap <= tolerance``; tolerance : the absolute gap that ``tol`` asked for;
    interrupted : a KeyboardInterrupt or the callback ended the path early;
    n_passes : passes over X, column reads counted as fractions; working_set_size : columns in the
    final working set.
    """

    alphas: Floats
    coefs: Floats
    intercepts: Floats
    dual_gaps: Floats
    n_iters: NDArray[np.intp]
    converged: NDArray[np.bool_]
    tolerance: float
    interrupted: bool
    n_passes: float
    working_set_size: int


OnPoint = Callable[[PathPoint], bool | None]
"""Called after each alpha; returning True ends the path after this alpha."""
