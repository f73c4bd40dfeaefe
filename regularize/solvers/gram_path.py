"""The path when the Gram matrix of all features is known: nothing of X is read again.

The whole path is one kernel call (a few, so that Ctrl-C is seen). All alphas are certified together afterwards,
from the correlations ``q - G w``.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from regularize.kernels import quadratic
from regularize.penalties import Penalty
from regularize.solvers.certificate import duality_gap, flat_projection

Floats = NDArray[np.float64]

INNER_SHARE = 0.5  # of the tolerance, so that the certificate's own view of the gap fits in


def solve_gram_path(
    gram: Floats,
    response: Floats,
    squared_target: float,
    penalty: Penalty,
    alphas: Floats,
    tolerance: float,
    max_iter: int,
    start: Floats,
    on_solved: Callable[[int, Floats, NDArray[np.intp]], bool],
) -> None:
    """Hand each run of solved alphas to ``on_solved(first, coefs (k, p), n_iters (k,))`` until it returns True."""
    coef = np.clip(start, penalty.lower, penalty.upper)
    correlations = response - gram @ coef
    coefs = np.zeros((alphas.size, coef.size))
    n_iters = np.zeros(alphas.size, dtype=np.intp)
    solver = quadratic.QuadraticSolver()
    done = 0
    while done < alphas.size:
        first = done
        done = solver.solve_path(
            gram, response, penalty.l1, penalty.l2, penalty.lower, penalty.upper, correlations, coef, squared_target,
            alphas, INNER_SHARE * tolerance, max_iter, done, coefs, n_iters,
        )  # fmt: skip
        if on_solved(first, coefs[first:done], n_iters[first:done]):
            break


def certify_gram_path(
    gram: Floats, response: Floats, squared_target: float, penalty: Penalty, alphas: Floats, coefs: Floats, norms: Floats
) -> Floats:
    """Duality gaps (k,) of coefs (k, p)."""
    w = coefs.T
    correlations = response[:, np.newaxis] - gram @ w
    squared_residuals = squared_target - np.einsum("jk,jk->k", w, response[:, np.newaxis] + correlations)
    column = Penalty(*(a[:, np.newaxis] for a in (penalty.l1, penalty.l2, penalty.lower, penalty.upper)))
    projected = np.zeros(w.shape, dtype=bool)
    projections = np.zeros(alphas.size)
    if np.any((penalty.l1 == 0) & (penalty.l2 == 0)) or alphas[-1] == 0:
        for k, alpha in enumerate(alphas):
            projected[:, k], projections[k] = flat_projection(
                coefs[k], correlations[:, k], lambda part: gram[np.ix_(part, part)], penalty.at(alpha), norms
            )
    gaps = duality_gap(
        w,
        correlations,
        Penalty(column.l1 * alphas, column.l2 * alphas, column.lower, column.upper),
        np.maximum(squared_residuals, 0.0),
        projected=projected,
        projection=projections,
        slack=norms[:, np.newaxis] * np.sqrt(projections),
    )
    return np.asarray(gaps)
