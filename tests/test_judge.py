"""The judge itself is judged: by closed forms, by brute force, and by what a gap must satisfy."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from judge import judge


def brute_force(X, y, s, l1, l2, lower, upper, intercept):
    """Optimum of a tiny problem: each coordinate is at a bound, zero, positive or negative; try all patterns.

    The free coordinates of a pattern solve its linear equations. Clipped to the bounds every candidate is
    feasible, so the smallest objective is the optimum: some optimum has a pattern with a unique solution.
    """
    if intercept:
        X, y = X - s @ X, y - s @ y
    gram, linear = X.T @ (s[:, None] * X) + np.diag(l2), X.T @ (s * y)
    best, optimum = None, np.inf
    for pattern in itertools.product(("lower", "upper", 0, 1, -1), repeat=X.shape[1]):
        signs = np.array([state if state in {1, -1} else 0 for state in pattern])
        free = signs != 0
        at = [{"lower": low, "upper": up}.get(state, 0.0) for state, low, up in zip(pattern, lower, upper, strict=True)]
        w = np.array(at)
        if not np.all(np.isfinite(w)):
            continue
        target = (linear - gram @ w - l1 * signs)[free]
        w[free] = np.linalg.lstsq(gram[np.ix_(free, free)], target, rcond=1e-13)[0]
        w = np.clip(w, lower, upper)
        value = 0.5 * s @ (y - X @ w) ** 2 + l1 @ np.abs(w) + 0.5 * l2 @ w**2
        if value < optimum:
            best, optimum = w, value
    return best, optimum


@st.composite
def problems(draw):
    """Tiny problems with every kind of penalty, bound, weight and intercept."""
    n, p = draw(st.integers(2, 8)), draw(st.integers(1, 3))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    X, y = rng.standard_normal((n, p)) + draw(st.sampled_from([0.0, 3.0])), rng.standard_normal(n)
    weights = draw(st.sampled_from([None, rng.uniform(0.1, 2.0, n)]))
    factor = np.array(draw(st.lists(st.sampled_from([0.0, 0.5, 1.0, np.inf]), min_size=p, max_size=p)))
    pair = st.sampled_from([(-np.inf, np.inf), (0.0, np.inf), (-np.inf, 0.1), (-0.2, 0.1), (0.1, 0.3), (-0.5, -0.4)])
    lower, upper = np.array(draw(st.lists(pair, min_size=p, max_size=p))).T
    alpha, l1_ratio = draw(st.sampled_from([0.0, 0.01, 0.1, 1.0])), draw(st.sampled_from([1.0, 0.5, 0.0]))
    return X, y, weights, factor, lower, upper, alpha, l1_ratio, draw(st.booleans())


@settings(max_examples=100, deadline=None)
@given(problems(), st.floats(0.0, 2.0), st.integers(0, 1000))
def test_gap_bounds_the_suboptimality_and_vanishes_at_the_optimum(problem, spread, seed):
    X, y, weights, factor, lower, upper, alpha, l1_ratio, intercept = problem
    s = np.ones(len(y)) if weights is None else weights
    s = s / s.sum()
    excluded = np.isinf(factor)
    low, high = np.where(excluded, 0, lower), np.where(excluded, 0, upper)
    finite = alpha * np.where(excluded, 0, factor)
    best, optimum = brute_force(X, y, s, l1_ratio * finite, (1 - l1_ratio) * finite, low, high, intercept)
    options = dict(l1_ratio=l1_ratio, penalty_factor=factor, bounds=(lower, upper))
    options |= dict(sample_weight=weights, fit_intercept=intercept)
    unit = s @ y**2

    at_best = judge(X, y, alpha, best, **options)
    assert at_best.objective == pytest.approx(optimum, rel=1e-12, abs=1e-14 * unit)
    assert 0 <= at_best.gap <= 1e-11 * unit
    assert at_best.violation <= 1e-7

    w = np.clip(best + spread * np.random.default_rng(seed).standard_normal(best.size), low, high)
    verdict = judge(X, y, alpha, w, **options)
    suboptimality, noise = verdict.objective - optimum, 1e-14 * (unit + verdict.objective)
    assert verdict.gap >= suboptimality - noise

    by_reference = judge(X, y, alpha, w, reference=best, **options)
    assert suboptimality - noise <= by_reference.gap <= verdict.gap
    assert by_reference.gap <= suboptimality + 1e3 * noise


@settings(max_examples=60, deadline=None)
@given(problems(), st.floats(-3, 3))
def test_given_intercept_adds_its_own_excess(problem, shift):
    X, y, weights, factor, lower, upper, alpha, l1_ratio, _ = problem
    s = np.ones(len(y)) if weights is None else weights
    s = s / s.sum()
    w = np.where(np.isinf(factor), 0, np.clip(0.05, lower, upper))
    options = dict(l1_ratio=l1_ratio, penalty_factor=factor, bounds=(lower, upper), sample_weight=weights)
    best = s @ (y - X @ w)
    implied = judge(X, y, alpha, w, fit_intercept=True, **options)
    given_one = judge(X, y, alpha, w, best + shift, **options)
    assert given_one.gap == pytest.approx(implied.gap + shift**2 / 2, abs=1e-12)
    assert given_one.objective == pytest.approx(implied.objective + shift**2 / 2, abs=1e-12)


def orthogonal_design(n=16, p=5, seed=0):
    """X with X'X = n I, and y."""
    rng = np.random.default_rng(seed)
    q, _ = np.linalg.qr(rng.standard_normal((n, p)))
    return q * np.sqrt(n), rng.standard_normal(n)


@pytest.mark.parametrize("l1_ratio", [1.0, 0.7, 0.0])
def test_soft_thresholding_is_optimal_on_an_orthogonal_design(l1_ratio):
    X, y = orthogonal_design()
    alpha = 0.2
    c = X.T @ y / len(y)
    w = np.sign(c) * np.maximum(np.abs(c) - alpha * l1_ratio, 0) / (1 + alpha * (1 - l1_ratio))
    verdict = judge(X, y, alpha, w, l1_ratio=l1_ratio)
    assert verdict.relative_gap < 1e-15
    assert verdict.violation < 1e-14


@pytest.mark.parametrize("bounds", [(0, np.inf), (-0.05, 0.05), (0.1, 0.2), (-0.3, -0.2), (-np.inf, -0.1)])
@pytest.mark.parametrize("factor", [0.0, 1.0])
def test_clipped_soft_thresholding_is_optimal_within_bounds(bounds, factor):
    X, y = orthogonal_design()
    alpha = 0.2
    c = X.T @ y / len(y)
    w = np.clip(np.sign(c) * np.maximum(np.abs(c) - alpha * factor, 0), *bounds)
    verdict = judge(X, y, alpha, w, penalty_factor=factor, bounds=bounds)
    assert verdict.relative_gap < 1e-14
    assert verdict.violation < 1e-14


def test_one_feature_with_weights_intercept_and_standardisation_has_its_closed_form():
    rng = np.random.default_rng(1)
    x, y, weights = rng.uniform(5, 9, 12), rng.standard_normal(12), rng.uniform(0, 1, 12)
    s = weights / weights.sum()
    centred = x - s @ x
    scale = np.sqrt(s @ centred**2)
    c, alpha = s @ (centred / scale * y), 0.05
    w = np.sign(c) * max(abs(c) - 0.6 * alpha, 0) / (1 + 0.4 * alpha) / scale
    b = s @ (y - x * w)
    options = dict(l1_ratio=0.6, sample_weight=weights)
    verdict = judge(x[:, None], y, alpha, [w], b, standardize=True, **options)
    assert verdict.relative_gap < 1e-15
    assert verdict.violation < 1e-14
    assert judge(x[:, None], y, alpha, [w], b, **options).relative_gap > 1e-6


def test_ridge_and_least_squares_have_zero_gap():
    rng = np.random.default_rng(2)
    X, y, alpha = rng.standard_normal((20, 6)), rng.standard_normal(20), 0.3
    ridge = np.linalg.solve(X.T @ X / 20 + alpha * np.eye(6), X.T @ y / 20)
    assert judge(X, y, alpha, ridge, l1_ratio=0.0).relative_gap < 1e-15
    centred = X - X.mean(axis=0)
    ols = np.linalg.lstsq(centred, y, rcond=None)[0]
    verdict = judge(X, y, 0.0, ols, np.mean(y - X @ ols))
    assert verdict.relative_gap < 1e-15
    assert verdict.objective == pytest.approx(0.5 * np.mean((y - y.mean() - centred @ ols) ** 2))


def test_unpenalised_columns_may_be_dependent():
    rng = np.random.default_rng(3)
    X = rng.standard_normal((10, 2))[:, [0, 1, 0]]
    y = rng.standard_normal(10)
    w = np.linalg.lstsq(X, y, rcond=None)[0]
    assert judge(X, y, 1.0, w, penalty_factor=0.0).relative_gap < 1e-15
    assert judge(X, y, 1.0, 0.9 * w, penalty_factor=0.0).gap > 1e-4


def test_coefficients_outside_the_bounds_or_not_finite_are_rejected():
    X, y = orthogonal_design()
    w = np.zeros(5)
    assert judge(X, y, 0.1, w - 1e-9, bounds=(0, None)).gap == np.inf
    assert judge(X, y, 0.1, w, bounds=(0, None)).gap < np.inf
    assert judge(X, y, 0.1, w, bounds=(None, 0)).gap < np.inf
    assert judge(X, y, 0.1, w, penalty_factor=np.inf).gap < np.inf
    assert judge(X, y, 0.1, w + 1e-9, penalty_factor=np.inf).objective == np.inf
    assert judge(X, y, 0.1, w + np.nan).relative_gap == np.inf


@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize("intercept", [False, True])
def test_sparse_and_dense_are_judged_alike(intercept, standardize):
    rng = np.random.default_rng(4)
    X = sparse.random_array((30, 8), density=0.3, rng=rng, format="csr")
    y, weights, w = rng.standard_normal(30), rng.uniform(0, 1, 30), rng.standard_normal(8)
    options = dict(sample_weight=weights, fit_intercept=intercept, standardize=standardize, l1_ratio=0.8)
    dense, thin = (judge(matrix, y, 0.1, w, **options) for matrix in (X.toarray(), X))
    for field in ("objective", "violation", "gap", "relative_gap"):
        assert getattr(thin, field) == pytest.approx(getattr(dense, field), rel=1e-12)


def test_a_path_is_judged_as_its_points_are():
    rng = np.random.default_rng(5)
    X, y = rng.standard_normal((15, 4)), rng.standard_normal(15)
    alphas, coefs, intercepts = np.array([0.5, 0.1, 0.0]), rng.standard_normal((4, 3)), rng.standard_normal(3)
    path = judge(X, y, alphas, coefs, intercepts)
    points = [judge(X, y, alphas[k], coefs[:, k], intercepts[k]) for k in range(3)]
    for field in ("objective", "violation", "gap", "relative_gap"):
        np.testing.assert_allclose(getattr(path, field), [getattr(point, field) for point in points], rtol=1e-12)


def test_integer_weights_are_repetitions_and_zero_weights_are_absent_rows():
    rng = np.random.default_rng(6)
    X, y, w = rng.standard_normal((6, 3)), rng.standard_normal(6), rng.standard_normal(3)
    weights = np.array([0, 1, 2, 3, 1, 0])
    rows = np.repeat(np.arange(6), weights)
    weighted = judge(X, y, 0.1, w, 0.3, sample_weight=weights)
    repeated = judge(X[rows], y[rows], 0.1, w, 0.3)
    assert weighted.gap == pytest.approx(repeated.gap, rel=1e-12)
    assert weighted.violation == pytest.approx(repeated.violation, rel=1e-12)


def test_violation_measures_the_distance_to_the_subdifferential():
    X, y = orthogonal_design()
    alpha, p = 0.2, X.shape[1]
    c = X.T @ y / len(y)
    w = np.zeros(p)
    unit = np.maximum(alpha, np.sqrt(np.mean(y**2)))
    assert judge(X, y, alpha, w).violation == pytest.approx(np.max(np.maximum(np.abs(c) - alpha, 0)) / unit)
    assert judge(X, y, alpha, w, bounds=(0, 0)).violation == 0


def test_extended_precision_resolves_gaps_and_scales_beyond_float64():
    X, y = orthogonal_design()
    alpha = 0.2
    c = X.T @ y / len(y)
    w = np.sign(c) * np.maximum(np.abs(c) - alpha, 0)
    big, small = 1e150, 1e-150
    verdict = judge(small * X, big * y, alpha, w * big / small, dtype=np.longdouble)
    assert verdict.relative_gap < 1e-14
    if np.finfo(np.longdouble).eps < np.finfo(np.float64).eps:
        assert judge(X, y, alpha, w, dtype=np.longdouble).gap > 0


def test_constant_response_has_relative_gap_zero_only_at_the_optimum():
    X, _ = orthogonal_design()
    y = np.full(len(X), 2.0)
    assert judge(X, y, 0.1, np.zeros(5), 2.0).relative_gap == 0
    assert judge(X, y, 0.1, np.ones(5), 2.0).relative_gap == np.inf
