"""Ridge within bounds: the path engine, whose penalty record has the l2 term and the box already."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from regularize.design import Design
from regularize.penalties import Penalty
from regularize.solvers.ridge.result import RidgeResult
from regularize.solvers.squared_loss import squared_loss_path

Floats = NDArray[np.float64]

EXACT = 1e-14  # the tolerance that the engine is given: it ends with Newton steps, which reach it
MAX_ITER = 1000


def bounded_path(
    design: Design,
    targets: Floats,
    penalty: Penalty,
    alphas: Floats,
    prior: Floats | None,
    tol: float,
    max_iter: int | None,
) -> RidgeResult:
    """Solutions for alphas (k, t) and targets (n, t); whether they converged is judged by ``tol``."""
    k, t = alphas.shape
    p = design.n_features
    own = np.zeros((t, p)) if prior is None else np.array(prior * np.ones((t, 1)))
    coefs, tolerance = np.empty((k, t, p)), np.empty(t)
    intercepts, errors, gaps = np.empty((k, t)), np.empty((k, t)), np.empty((k, t))
    n_iters = np.empty((k, t), dtype=np.intp)
    for j in range(t):
        y = targets[:, j] - design.combinations(own[j : j + 1])[0] if prior is not None else targets[:, j]
        box = Penalty(penalty.l1, penalty.l2, penalty.lower - own[j], penalty.upper - own[j])
        descending = np.argsort(-alphas[:, j], kind="stable")
        path = squared_loss_path(
            design, y, box, alphas[descending, j], tol=EXACT, max_iter=MAX_ITER if max_iter is None else max_iter
        )
        if path.interrupted:
            raise KeyboardInterrupt
        coefs[descending, j] = np.clip(path.coefs.T + own[j], penalty.lower, penalty.upper)
        intercepts[descending, j], gaps[descending, j] = path.intercepts, path.dual_gaps
        n_iters[descending, j] = path.n_iters
        residuals = y - design.combinations(path.coefs.T) - path.intercepts[:, np.newaxis]
        errors[descending, j] = np.square(residuals) @ design.weights
        tolerance[j] = path.tolerance / EXACT * max(0.5 * tol, 1e-14)
    return RidgeResult(alphas, coefs, intercepts, errors, gaps, gaps <= tolerance, n_iters, tolerance, "descent")
