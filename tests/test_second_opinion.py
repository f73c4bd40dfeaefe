"""The proximal gradient method, which shares nothing with the solvers, agrees with every estimator and option.

It minimises, over w alone, ``1/2 sum_i s_i (y_i - ybar - (x_i - xbar)'w)^2 + penalty``: weights sum to one, and an
intercept is centring.
"""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import sparse

from problems import gaussian
from regularize import ElasticNet, Lasso, Ridge, enet_path, lasso_path, ridge_path, ridge_regression
from regularize.proximal import ElasticNetPenalty, SquaredL2Penalty, proximal_gradient

N, P = 60, 12
FACTOR = np.array([0.0, np.inf, 0.5, 2.0] + [1.0] * (P - 4))
PRIOR = np.where(np.isinf(FACTOR), 0.0, np.linspace(-1, 1, P))
LOWER, UPPER = np.full(P, -np.inf), np.full(P, np.inf)
LOWER[2], UPPER[3], LOWER[4], UPPER[5] = 0.1, -0.1, -0.2, 0.3
COMMON = {
    "plain": {},
    "no intercept": {"fit_intercept": False},
    "weights": {"sample_weight": np.random.default_rng(1).integers(0, 4, N).astype(float)},
    "positive": {"positive": True},
    "bounds": {"bounds": (LOWER, UPPER)},
    "factor": {"penalty_factor": FACTOR},
    "standardize": {"standardize": True},
}
TOGETHER = COMMON["weights"] | COMMON["bounds"] | COMMON["factor"] | COMMON["standardize"]


@pytest.fixture(scope="module")
def data():
    problem = gaussian(N, P, seed=3, n_informative=6)
    return problem.X * np.geomspace(0.5, 2, P) + 1.0, problem.y


class BoundedRidge:
    """``l2/2 (w - center)^2`` within bounds: ready-made are only its parts."""

    def __init__(self, l2, center, lower, upper):
        self.l2, self.center, self.lower, self.upper = l2, center, lower, upper

    def value(self, x):
        return SquaredL2Penalty(self.l2, self.center).value(x)

    def prox(self, v, step):
        return np.clip(SquaredL2Penalty(self.l2, self.center).prox(v, step), self.lower, self.upper)


def second_opinion(
    X,
    y,
    alpha,
    l1_ratio,
    *,
    fit_intercept=True,
    sample_weight=None,
    positive=False,
    bounds=None,
    penalty_factor=None,
    standardize=False,
    coef_prior=None,
):
    """Coefficients and intercept; alpha in the units of the elastic net."""
    n, p = X.shape
    s = np.ones(n) if sample_weight is None else sample_weight
    s = s / s.sum()
    mean, level = (s @ X, s @ y) if fit_intercept else (np.zeros(p), 0.0)
    Z, z = X - mean, y - level
    scale = np.sqrt(s @ (X - s @ X) ** 2) if standardize else np.ones(p)
    factor = np.ones(p) if penalty_factor is None else penalty_factor
    l1 = np.zeros(p) if l1_ratio == 0 else alpha * l1_ratio * factor * scale
    l2 = np.zeros(p) if l1_ratio == 1 else alpha * (1 - l1_ratio) * factor * scale**2
    lower, upper = (np.full(p, -np.inf), np.full(p, np.inf)) if bounds is None else bounds
    lower = np.maximum(lower, 0.0) if positive else lower
    lower, upper = np.where(np.isinf(factor), 0.0, lower), np.where(np.isinf(factor), 0.0, upper)
    penalty = ElasticNetPenalty(l1, l2, lower, upper)
    if coef_prior is not None:
        penalty = BoundedRidge(l2, coef_prior, lower, upper)

    def fun(w):
        residual = Z @ w - z
        return 0.5 * s @ residual**2, Z.T @ (s * residual)

    result = proximal_gradient(fun, np.zeros(p), penalty, tol=1e-12)
    assert result.converged
    return result.x, level - mean @ result.x


def assert_agrees(model, X, y, expected, sample_weight=None):
    model.fit(X, y, sample_weight=sample_weight)
    assert_allclose(model.coef_, expected[0], atol=1e-8)
    assert_allclose(model.intercept_, expected[1], atol=1e-8)


def split(options):
    """What goes to fit, and the rest."""
    return options.get("sample_weight"), {name: value for name, value in options.items() if name != "sample_weight"}


@pytest.mark.parametrize("options", [*COMMON.values(), TOGETHER], ids=[*COMMON, "together"])
@pytest.mark.parametrize("l1_ratio", [1.0, 0.5, 0.0])
@pytest.mark.parametrize("form", [np.asarray, sparse.csc_matrix], ids=["dense", "sparse"])
def test_the_elastic_net(data, options, l1_ratio, form):
    X, y = data
    weights, parameters = split(options)
    model = ElasticNet(alpha=0.2, l1_ratio=l1_ratio, tol=1e-14, **parameters)
    assert_agrees(model, form(X), y, second_opinion(X, y, 0.2, l1_ratio, **options), weights)


@pytest.mark.parametrize("options", [*COMMON.values(), TOGETHER], ids=[*COMMON, "together"])
def test_the_lasso(data, options):
    X, y = data
    weights, parameters = split(options)
    expected = second_opinion(X, y, 0.2, 1.0, **options)
    assert 0 < np.count_nonzero(expected[0]) < P
    assert_agrees(Lasso(alpha=0.2, tol=1e-14, **parameters), X, y, expected, weights)


def test_the_lasso_with_more_features_than_samples():
    problem = gaussian(20, 50, seed=1)
    expected = second_opinion(problem.X, problem.y, 0.05, 1.0)
    assert_agrees(Lasso(alpha=0.05, tol=1e-14), problem.X, problem.y, expected)


@pytest.mark.parametrize("prior", [None, PRIOR], ids=["no prior", "prior"])
@pytest.mark.parametrize("options", [*COMMON.values(), TOGETHER], ids=[*COMMON, "together"])
def test_ridge_regression(data, options, prior):
    """Its objective is a sum and has no 1/2: alpha is divided by the sum of the weights."""
    X, y = data
    weights, parameters = split(options)
    total = N if weights is None else weights.sum()
    expected = second_opinion(X, y, 5.0 / total, 0.0, coef_prior=prior, **options)
    assert_agrees(Ridge(alpha=5.0, tol=1e-14, coef_prior=prior, **parameters), X, y, expected, weights)


def test_targets_with_an_alpha_each(data):
    X, y = data
    coefs = ridge_regression(X, np.column_stack([y, -y]), [1.0, 30.0])
    for coef, sign, alpha in zip(coefs, (1, -1), (1.0, 30.0), strict=True):
        assert_allclose(coef, second_opinion(X, sign * y, alpha / N, 0.0, fit_intercept=False)[0], atol=1e-8)


@pytest.mark.parametrize("options", [{}, TOGETHER], ids=["plain", "together"])
def test_paths(data, options):
    X, y = data
    alphas = [0.5, 0.1, 0.02]
    _, lassos, *_ = lasso_path(X, y, alphas=alphas, tol=1e-14, fit_intercept=True, **options)
    _, nets, *_ = enet_path(X, y, l1_ratio=0.3, alphas=alphas, tol=1e-14, fit_intercept=True, **options)
    total = np.sum(options.get("sample_weight", np.ones(N)))
    _, ridges, *_ = ridge_path(X, y, np.multiply(alphas, total), tol=1e-14, fit_intercept=True, **options)
    for k, alpha in enumerate(alphas):
        assert_allclose(ridges[:, k], second_opinion(X, y, alpha, 0.0, **options)[0], atol=1e-8)
        assert_allclose(lassos[:, k], second_opinion(X, y, alpha, 1.0, **options)[0], atol=1e-8)
        assert_allclose(nets[:, k], second_opinion(X, y, alpha, 0.3, **options)[0], atol=1e-8)
