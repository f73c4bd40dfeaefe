"""What a ridge solver answers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class RidgeResult:
    """Solutions for k rows of alphas and t targets, in the user's units.

    alphas : (k, t), coefs : (k, t, p), intercepts : (k, t); squared_errors : (k, t), weighted means of the squared
    residuals; dual_gaps : (k, t) in units of ``1/2 sum_i s_i (y_i - b - x_i'w)^2 + alpha/2 sum_j l2_j (w_j -
    prior_j)^2`` with ``sum s = 1``; converged : (k, t) bool; n_iters : (k, t), iterations, zero where a factorisation
    gave the answer; tolerance : (t,), the absolute gap that ``converged`` is about; method : 'cholesky', 'eigen',
    'svd', 'cg' or 'descent'.
    """

    alphas: Floats
    coefs: Floats
    intercepts: Floats
    squared_errors: Floats
    dual_gaps: Floats
    converged: NDArray[np.bool_]
    n_iters: NDArray[np.intp]
    tolerance: Floats
    method: str
