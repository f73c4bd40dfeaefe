"""An independent judge of ridge solutions, and a reference in extended precision.

The problem, in the units of scikit-learn's Ridge:

    minimise over b, w :  sum_i s_i (y_i - b - x_i'w)^2 + alpha sum_j d_j (w_j - prior_j)^2

with ``d_j`` the penalty factor, times the weighted variance of column j if the penalty is on standardised columns;
``w_j = 0`` where the factor is infinite. Nothing is imported from the package.

    verdict = judge_ridge(X, y, alpha, coef, intercept)
    assert verdict.residual <= 1e-12

Design notes
------------
a. With the prior moved into y this is an elastic net without l1 term, so ``judge.py`` has the objective and the gap;
   its weights sum to one, hence the factors ``sum_i s_i`` here.
b. The normal equations are the measure of solvers: they cost a product with X and its transpose, and their residual,
   relative to the right-hand side, is what conjugate gradients stop by.
c. The reference is Householder's QR of the augmented matrix ``[Z; sqrt(alpha d)]``, ``Z = S^(1/2) (X - 1 mean')``, in
   extended precision. The matrix is never squared: what a stable solver loses in float64, the reference loses too, but
   2,000 times less.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from judge import judge, standard_deviations, weighted_and_centred

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class RidgeVerdict:
    """What is true of the coefficients of one target at one alpha.

    objective, gap : in the units of the problem; relative_gap : gap / sum_i s_i (y_i - ybar - (x_i - xbar)'prior)^2.
    residual : see :func:`normal_residuals`.
    violation : the largest residual of a single equation, in units of the norms of its column and of y.
    """

    objective: Any
    residual: Any
    violation: Any
    gap: Any
    relative_gap: Any


def judge_ridge(
    X: Any,
    y: Any,
    alpha: float,
    coef: Any,
    intercept: Any = None,
    *,
    sample_weight: Any = None,
    fit_intercept: bool | None = None,
    penalty_factor: Any = None,
    standardize: bool = False,
    prior: Any = None,
    dtype: Any = np.longdouble,
) -> RidgeVerdict:
    """Judge the coefficients of one target; the intercept as :func:`judge.judge` takes it."""
    n, p = X.shape
    total = dtype(n) if sample_weight is None else np.sum(np.asarray(sample_weight, dtype=dtype))
    centre = intercept is not None if fit_intercept is None else fit_intercept
    options = dict(sample_weight=sample_weight, penalty_factor=penalty_factor, standardize=standardize)
    residual = normal_residuals(
        X, y, [alpha], np.reshape(coef, (1, 1, p)), fit_intercept=centre, prior=prior, dtype=dtype, **options
    )
    start = _prior(p, prior, penalty_factor, dtype)
    verdict = judge(
        X,
        np.ravel(y).astype(dtype) - (X.astype(dtype) if sparse.issparse(X) else np.asarray(X, dtype=dtype)) @ start,
        dtype(alpha) / total,
        np.asarray(coef, dtype=dtype) - start,
        intercept,
        l1_ratio=0.0,
        fit_intercept=centre,
        dtype=dtype,
        **options,
    )
    return RidgeVerdict(
        2 * total * verdict.objective, residual[0, 0], verdict.violation, 2 * total * verdict.gap, verdict.relative_gap
    )


def normal_residuals(
    X: Any,
    targets: Any,
    alphas: Any,
    coefs: Any,
    *,
    sample_weight: Any = None,
    fit_intercept: bool = True,
    penalty_factor: Any = None,
    standardize: bool = False,
    prior: Any = None,
    dtype: Any = np.float64,
) -> Array:
    """Relative residuals of normal equations, ``|Z'(z - Z w) - alpha d (w - prior)| / |Z'z + alpha d prior|`` (k, t).

    targets (n,) or (n, t), alphas (k,) or (k, t), coefs (k, t, p); the intercept is the best one for the coefficients.
    Infinite where an excluded coefficient is not zero.
    """
    targets = np.asarray(targets, dtype=dtype).reshape(X.shape[0], -1)
    coefs = np.asarray(coefs, dtype=dtype)
    k, t, p = coefs.shape
    design, _, _ = weighted_and_centred(X, targets[:, 0], sample_weight, fit_intercept, dtype)
    weights = design.root**2
    total = dtype(X.shape[0]) if sample_weight is None else np.sum(np.asarray(sample_weight, dtype=dtype))
    z = design.root[:, None] * (targets - (weights @ targets if fit_intercept else 0))

    d, kept = _diagonal(X, sample_weight, penalty_factor, standardize, dtype)
    start = _prior(p, prior, penalty_factor, dtype)
    strength = np.broadcast_to(np.reshape(np.asarray(alphas, dtype=dtype), (k, -1)), (k, t))[:, :, None] / total * d
    residuals = np.tile(z, (1, k)) - design.predict(coefs.reshape(k * t, p).T)
    slopes = design.correlations(residuals).T.reshape(k, t, p) - strength * (coefs - start)
    right = design.correlations(z).T + strength * start
    size, unit = (np.sqrt(np.sum(values[..., kept] ** 2, axis=-1)) for values in (slopes, right))
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = np.where(size == 0, 0, size / unit)
    return np.where(np.any(coefs[..., ~kept] != 0, axis=-1), np.inf, relative)


@dataclass(frozen=True)
class Augmented:
    """Ridge as least squares: ``min_u |matrix u - right|``, where u is ``w - prior`` of the features in ``kept``."""

    matrix: Array  # [Z; sqrt(alpha d)], (n + q, q)
    right: Array  # [z - Z prior; 0]
    kept: Array  # (p,) bool
    prior: Array  # (p,)
    mean: Array  # (p,), zero without an intercept
    y_mean: Any

    def solution(self, u: Array) -> tuple[Array, Any]:
        """Coefficients (p,) and intercept."""
        coef = self.prior.copy()
        coef[self.kept] += u
        return coef, self.y_mean - self.mean @ coef


def augmented(
    X: Any,
    y: Any,
    alpha: float,
    *,
    sample_weight: Any = None,
    fit_intercept: bool = True,
    penalty_factor: Any = None,
    standardize: bool = False,
    prior: Any = None,
    dtype: Any = np.longdouble,
) -> Augmented:
    """The least-squares problem of one target; X dense."""
    design, z, y_mean = weighted_and_centred(X, y, sample_weight, fit_intercept, dtype)
    total = dtype(X.shape[0]) if sample_weight is None else np.sum(np.asarray(sample_weight, dtype=dtype))
    d, kept = _diagonal(X, sample_weight, penalty_factor, standardize, dtype)
    start = _prior(X.shape[1], prior, penalty_factor, dtype)
    penalised = np.diag(np.sqrt(dtype(alpha) / total * d[kept]))
    matrix = np.vstack([design.matrix[:, kept], penalised])
    right = np.concatenate([z - design.matrix @ start, np.zeros(len(penalised), dtype=dtype)])
    return Augmented(matrix, right, kept, start, design.mean, y_mean)


def reference(X: Any, y: Any, alpha: float, **options: Any) -> tuple[Array, Any]:
    """Coefficients (p,) and intercept in extended precision; X dense and, with the penalty, of full column rank."""
    problem = augmented(X, y, alpha, **options)
    return problem.solution(least_squares(problem.matrix, problem.right))


def least_squares(matrix: Array, right: Array) -> Array:
    """The minimiser of ``|matrix u - right|`` by Householder reflections, columns brought to norm one."""
    norms = np.sqrt(np.sum(matrix**2, axis=0))
    rest, right = matrix / norms, right.copy()
    n_columns = rest.shape[1]
    for j in range(n_columns):
        mirror = rest[j:, j].copy()
        length = np.sqrt(mirror @ mirror)
        mirror[0] += length if mirror[0] >= 0 else -length
        mirror /= np.sqrt(mirror @ mirror)
        rest[j:, j:] -= 2 * np.outer(mirror, mirror @ rest[j:, j:])
        right[j:] -= 2 * mirror * (mirror @ right[j:])
    u = np.zeros(n_columns, dtype=right.dtype)
    for j in reversed(range(n_columns)):
        u[j] = (right[j] - rest[j, j + 1 : n_columns] @ u[j + 1 :]) / rest[j, j]
    return u / norms


def _diagonal(X: Any, sample_weight: Any, factor: Any, standardize: bool, dtype: Any) -> tuple[Array, Array]:
    """d (p,), zero for excluded features, and which are not excluded."""
    d = np.full(X.shape[1], 1 if factor is None else factor, dtype=dtype)
    kept = np.isfinite(d)
    d[~kept] = 0
    return (d * standard_deviations(X, sample_weight, dtype) ** 2 if standardize else d), kept


def _prior(n_features: int, prior: Any, factor: Any, dtype: Any) -> Array:
    """What the coefficients are shrunk towards (p,): zero for excluded features."""
    start = np.full(n_features, 0 if prior is None else prior, dtype=dtype)
    start[np.isinf(np.full(n_features, 1.0 if factor is None else factor))] = 0
    return start
