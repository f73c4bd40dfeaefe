"""The judge of ridge is judged: by exact arithmetic, and by what gaps and residuals must satisfy."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import linalg, sparse

from ridge_judge import judge_ridge, normal_residuals, reference


def exact(X, y, alpha, weights, d, prior):
    """Coefficients and intercept from the normal equations, with 120 digits."""
    with mpmath.workdps(120):
        n, p = X.shape
        A = mpmath.matrix(np.column_stack([X, np.ones(n)]).tolist())
        weighted = A.copy()
        for i in range(n):
            weighted[i, :] *= mpmath.mpf(float(weights[i]))
        system, right = weighted.T * A, weighted.T * mpmath.matrix(y.tolist())
        for j in range(p):
            strength = mpmath.mpf(alpha) * mpmath.mpf(float(d[j]))
            system[j, j] += strength
            right[j] += strength * mpmath.mpf(float(prior[j]))
        return np.array([np.longdouble(mpmath.nstr(value, 30)) for value in mpmath.lu_solve(system, right)])


@pytest.fixture
def problem():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((12, 5)) * [1.0, 1e3, 1e-3, 1.0, 1.0] + 2.0
    X[:, 4] = X[:, 0] + 1e-7 * rng.standard_normal(12)
    return X, rng.standard_normal(12), rng.integers(0, 3, 12).astype(float)


@pytest.mark.parametrize("alpha", [0.0, 1e-12, 1.0, 1e8])
def test_the_reference_is_that_of_exact_arithmetic(problem, alpha):
    X, y, weights = problem
    factor, prior = np.array([0.0, 1.0, 2.0, 1.0, 0.5]), np.arange(5.0)
    coef, intercept = reference(X, y, alpha, sample_weight=weights, penalty_factor=factor, prior=prior)
    truth = exact(X, y, alpha, weights, factor, prior)
    # The columns are dependent up to 1e-7: of 19 digits, at most 2 * 7 are lost.
    assert_allclose(np.append(coef, intercept), truth, rtol=1e-4 if alpha < 1 else 1e-9)


def test_the_reference_of_a_hilbert_matrix_is_that_of_exact_arithmetic():
    X = linalg.hilbert(9)
    y, n = np.cos(np.arange(9.0)), 9
    coef, intercept = reference(X, y, 1e-12)
    truth = exact(X, y, 1e-12, np.ones(n), np.ones(n), np.zeros(n))
    assert_allclose(np.append(coef, intercept), truth, rtol=1e-7)


OPTIONS = {
    "plain": {},
    "no intercept": dict(fit_intercept=False),
    "weights": dict(sample_weight=np.array([0, 1, 2, 3, 0.5, 1, 1, 1, 1, 1, 1, 1.0])),
    "factors": dict(penalty_factor=np.array([0.0, 1.0, 2.0, np.inf, 0.5])),
    "standardize": dict(standardize=True),
    "prior": dict(prior=np.arange(5.0)),
    "everything": dict(
        sample_weight=np.arange(12.0),
        penalty_factor=np.array([0.0, 1.0, 2.0, np.inf, 0.5]),
        standardize=True,
        prior=np.arange(5.0),
    ),
}


def objective(X, y, alpha, coef, intercept, options):
    """The objective as it is written down."""
    weights = options.get("sample_weight", np.ones(len(y)))
    d = options.get("penalty_factor", np.ones(X.shape[1]))
    if options.get("standardize"):
        d = d * np.average((X - np.average(X, axis=0, weights=weights)) ** 2, axis=0, weights=weights)
    kept = np.isfinite(d)
    away = (coef - options.get("prior", 0.0))[kept]
    return weights @ (y - intercept - X @ coef) ** 2 + alpha * (d[kept] @ away**2)


@pytest.mark.parametrize("name", OPTIONS)
@pytest.mark.parametrize("alpha", [0.03, 30.0])
def test_the_reference_is_optimal_and_anything_else_is_not(problem, name, alpha):
    X, y, options = *problem[:2], OPTIONS[name]
    coef, intercept = reference(X, y, alpha, **options)
    given = intercept if options.get("fit_intercept", True) else None
    best = judge_ridge(X, y, alpha, coef, given, **options)
    assert best.residual <= 1e-14
    assert best.relative_gap <= 1e-28
    assert float(best.objective) == pytest.approx(objective(X, y, alpha, coef, intercept, options), rel=1e-12)

    moved = coef + np.where(coef != 0, 1e-3, 0.0)
    worse = judge_ridge(X, y, alpha, moved, given, **options)
    assert worse.residual > 1e-6
    assert worse.objective - best.objective <= worse.gap
    assert worse.gap > 0


def test_an_excluded_coefficient_must_be_zero(problem):
    X, y, _ = problem
    factor = np.array([1.0, np.inf, 1.0, 1.0, 1.0])
    coef, _ = reference(X, y, 1.0, penalty_factor=factor)
    assert coef[1] == 0
    coef[1] = 1e-9
    assert judge_ridge(X, y, 1.0, coef, fit_intercept=True, penalty_factor=factor).residual == np.inf


def test_weights_are_repetitions(problem):
    X, y, weights = problem
    often = np.repeat(np.arange(12), weights.astype(int))
    one, _ = reference(X, y, 0.5, sample_weight=weights)
    other, _ = reference(X[often], y[often], 0.5)
    assert_allclose(one, other, rtol=1e-6)
    judged = [judge_ridge(X, y, 0.5, np.ones(5), 0.1, sample_weight=weights)]
    judged += [judge_ridge(X[often], y[often], 0.5, np.ones(5), 0.1)]
    for name in ("objective", "residual", "gap", "relative_gap"):
        first, second = (getattr(verdict, name) for verdict in judged)
        assert float(first) == pytest.approx(float(second), rel=1e-12)


def test_many_targets_and_alphas_are_judged_as_each_alone(problem):
    X, y, weights = problem
    rng = np.random.default_rng(1)
    targets, coefs = np.column_stack([y, y**2]), rng.standard_normal((3, 2, 5))
    alphas = np.array([[0.1, 1.0], [1.0, 2.0], [10.0, 0.0]])
    together = normal_residuals(X, targets, alphas, coefs, sample_weight=weights)
    as_sparse = normal_residuals(sparse.csc_matrix(X), targets, alphas, coefs, sample_weight=weights)
    for i, j in np.ndindex(3, 2):
        options = dict(sample_weight=weights, fit_intercept=True)
        alone = judge_ridge(X, targets[:, j], alphas[i, j], coefs[i, j], **options)
        assert together[i, j] == pytest.approx(float(alone.residual), rel=1e-9)
        assert as_sparse[i, j] == pytest.approx(float(alone.residual), rel=1e-6)
