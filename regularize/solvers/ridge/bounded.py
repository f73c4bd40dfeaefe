"""Ridge within bounds: Newton on the dual for p > n, else the path engine, whose penalty record has both terms."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from regularize.design import Design
from regularize.design.design import power_of_two
from regularize.penalties import Penalty
from regularize.solvers.ridge.dual_newton import DualNewton
from regularize.solvers.ridge.result import RidgeResult
from regularize.solvers.ridge.units import prior_of_targets, standardised
from regularize.solvers.squared_loss import squared_loss_path

Floats = NDArray[np.float64]
Found = tuple[Floats, Floats, Floats, NDArray[np.intp]]

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
    own = prior_of_targets(prior, t, design.n_features)
    coefs, tolerance = np.empty((k, t, design.n_features)), np.empty(t)
    intercepts, errors, gaps = np.empty((k, t)), np.empty((k, t)), np.empty((k, t))
    n_iters = np.empty((k, t), dtype=np.intp)
    for j in range(t):
        y = targets[:, j] - design.combinations(own[j : j + 1])[0] if prior is not None else targets[:, j]
        box = Penalty(penalty.l1, penalty.l2, penalty.lower - own[j], penalty.upper - own[j])
        order = np.argsort(-alphas[:, j], kind="stable")
        solve = _by_dual if _is_strictly_convex(design, penalty, alphas[:, j]) else _by_path
        found, intercepts[order, j], gaps[order, j], n_iters[order, j] = solve(
            design, y, box, alphas[order, j], max_iter
        )
        coefs[order, j] = np.clip(found + own[j], penalty.lower, penalty.upper)
        residuals = y - design.combinations(found) - intercepts[order, j][:, np.newaxis]
        errors[order, j] = np.square(residuals) @ design.weights
        centred = y - design.weighted_mean(y)
        tolerance[j] = max(0.5 * tol, EXACT) * float(design.weights @ np.square(centred))
    return RidgeResult(alphas, coefs, intercepts, errors, gaps, gaps <= tolerance, n_iters, tolerance, "descent")


def _is_strictly_convex(design: Design, penalty: Penalty, alphas: Floats) -> bool:
    """Whether there are more features than rows, and all of those that may move have a penalty."""
    wide = design.n_features > design.n_samples
    return wide and bool(np.all(penalty.l2[~penalty.excluded] > 0)) and bool(np.all(alphas > 0))


def _by_dual(design: Design, y: Floats, penalty: Penalty, alphas: Floats, max_iter: int | None) -> Found:
    """Coefficients (k, p), intercepts, gaps and iterations (k,) for alphas from large to small."""
    size = float(power_of_two(np.max(np.abs(y))))  # so that no square overflows
    box = Penalty(penalty.l1, penalty.l2, penalty.lower / size, penalty.upper / size)
    newton = DualNewton(design, y / size, box, standardised(penalty.l2, design))
    coefs, intercepts, gaps, n_iters = zip(*(newton.solve(float(alpha), max_iter) for alpha in alphas), strict=True)
    with np.errstate(over="ignore"):
        gaps_of_y = size * (size * np.array(gaps))
    return size * np.stack(coefs), size * np.array(intercepts), gaps_of_y, np.array(n_iters, dtype=np.intp)


def _by_path(design: Design, y: Floats, penalty: Penalty, alphas: Floats, max_iter: int | None) -> Found:
    """The same by the path engine; on the Gram matrix where n >= p, because no coefficient is zero for long."""
    path = squared_loss_path(
        design,
        y,
        penalty,
        alphas,
        tol=EXACT,
        max_iter=MAX_ITER if max_iter is None else max_iter,
        use_gram=True if design.n_samples >= design.n_features else None,
    )
    if path.interrupted:
        raise KeyboardInterrupt
    return path.coefs.T, path.intercepts, path.dual_gaps, path.n_iters
