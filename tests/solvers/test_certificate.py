"""The duality gap is an upper bound of the suboptimality, whatever the coefficients, and zero at the optimum."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from problems import Problem, anything, dense, gaussian
from regularize.penalties import Penalty
from regularize.solvers.certificate import duality_gaps, flat_projection


def objective(Z, z, penalty, w):
    return 0.5 * np.sum((z - Z @ w) ** 2) + penalty.l1 @ np.abs(w) + 0.5 * penalty.l2 @ w**2


def equilibrated(problem):
    """Z, z and the penalty in the user's units (no scaling): all that the certificate needs."""
    X = dense(problem.X)
    s = np.ones(len(X)) if problem.weights is None else problem.weights
    s = s / s.sum()
    Z, z = X, problem.y
    if problem.fit_intercept:
        Z, z = X - s @ X, z - s @ z
    return np.sqrt(s)[:, None] * Z, np.sqrt(s) * z


def certified(Z, z, penalty, w):
    """The gap as the solvers ask for it."""
    r = z - Z @ w
    c, norms = Z.T @ r, np.linalg.norm(Z, axis=0)
    projected, squared = flat_projection(w, c, lambda part: Z[:, part].T @ Z[:, part], penalty, norms, float(r @ r))
    one = np.ones(1)
    flags = projected[np.newaxis].astype(np.uint8)
    return duality_gaps(w[np.newaxis], c[np.newaxis], penalty, one, one * (r @ r), norms, flags, one * squared)[0]


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 10**6), st.just(0.0) | st.floats(1e-9, 1.0), st.floats(0.0, 1.5))
def test_the_gap_is_an_upper_bound_of_the_suboptimality(seed, share, spread):
    problem = replace(anything(seed, p=8), standardize=False)
    rng = np.random.default_rng(seed)
    if rng.random() < 0.5 and problem.factor is not None:
        problem.factor[rng.integers(0, 8, 2)] = 0.0
    alpha = share * (problem.alpha_max() or 1.0)
    best = problem.solve(alpha, 1e-14).coefs[:, 0]
    Z, z = equilibrated(problem)
    penalty = problem.penalty().at(alpha)
    w = best + spread * rng.standard_normal(8) * (np.abs(best).max() + 0.1) * (rng.random(8) < 0.5)
    w = np.clip(w, penalty.lower, penalty.upper)
    suboptimality = objective(Z, z, penalty, w) - objective(Z, z, penalty, best)
    noise = 1e-13 * (z @ z + objective(Z, z, penalty, w))
    assert certified(Z, z, penalty, w) >= suboptimality - noise


@pytest.mark.xfail(strict=False, reason="the floor under nearly dependent flat columns takes 4e-12 of the gap")
def test_the_gap_bounds_where_flat_columns_are_nearly_dependent():
    test_the_gap_is_an_upper_bound_of_the_suboptimality.hypothesis.inner_test(68517, 0.0, 1.0)


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("l1_ratio", [1.0, 0.5])
def test_an_unfitted_free_feature_is_paid_for_in_full(seed, l1_ratio):
    """All but the free feature are optimal given it: what its projection does to the others belongs to the gap."""
    factor = np.where(np.arange(8) == 0, 0.0, 1.0)
    problem = gaussian(30, 8, seed, rho=0.8, factor=factor, fit_intercept=False, l1_ratio=l1_ratio)
    Z, z = equilibrated(problem)
    penalty = problem.penalty().at(0.1)
    optimum = problem.solve(0.1, 1e-15).coefs[:, 0]
    off = optimum[0] + 0.01 * (-1) ** seed
    others = replace(problem, factor=np.where(factor == 0, np.inf, 1.0), y=problem.y - problem.X[:, 0] * off)
    w = others.solve(0.1, 1e-15).coefs[:, 0]
    w[0] = off
    suboptimality = objective(Z, z, penalty, w) - objective(Z, z, penalty, optimum)
    gap = certified(Z, z, penalty, w)
    assert suboptimality - 1e-13 * (z @ z) <= gap <= 1.0


@pytest.mark.parametrize("l1_ratio", [1.0, 0.5, 0.01])
@pytest.mark.parametrize("bounded", [False, True])
@pytest.mark.parametrize("free", [0, 3])
def test_the_gap_is_zero_at_the_optimum(l1_ratio, bounded, free):
    bounds = (np.full(12, -0.3), np.full(12, 0.4)) if bounded else None
    factor = np.where(np.arange(12) < free, 0.0, 1.0)
    problem = gaussian(40, 12, l1_ratio=l1_ratio, bounds=bounds, factor=factor)
    Z, z = equilibrated(problem)
    alphas = problem.grid(5, 1e-2)
    result = problem.solve(alphas, 1e-15)
    for k, alpha in enumerate(alphas):
        gap = certified(Z, z, problem.penalty().at(alpha), result.coefs[:, k])
        assert gap <= 1e-11 * (z @ z)


def test_for_the_lasso_it_is_the_textbook_gap():
    """max(|X'r|) scales the residual: 1/2 ||r||^2 (1 - t)^2 + alpha ||w||_1 - t r'X w."""
    problem = gaussian(30, 10)
    Z, z = equilibrated(problem)
    w = np.random.default_rng(0).standard_normal(10) * (np.arange(10) < 4)
    alpha = 0.3
    r = z - Z @ w
    t = min(1.0, alpha / np.max(np.abs(Z.T @ r)))
    textbook = 0.5 * (1 - t) ** 2 * (r @ r) + alpha * np.abs(w).sum() - t * (r @ Z @ w)
    at_zero = 0.5 * (r @ r) + alpha * np.abs(w).sum()  # t = 0 is feasible too
    got = certified(Z, z, Penalty.elastic_net(10).at(alpha), w)
    assert got == pytest.approx(min(textbook, at_zero), rel=1e-12)


def test_several_coefficient_vectors_are_certified_as_one_by_one():
    problem = gaussian(30, 10, l1_ratio=0.5)
    Z, z = equilibrated(problem)
    W = np.random.default_rng(0).standard_normal((10, 4))
    R = z[:, None] - Z @ W
    penalty = problem.penalty()
    alphas = np.array([1.0, 0.5, 0.1, 0.01])
    together = duality_gaps(W.T, R.T @ Z, penalty, alphas, np.sum(R * R, axis=0), np.linalg.norm(Z, axis=0))
    for k, alpha in enumerate(alphas):
        assert together[k] == pytest.approx(certified(Z, z, penalty.at(alpha), W[:, k]), rel=1e-12)


@pytest.mark.parametrize("seed", range(40))
def test_a_reported_gap_is_not_below_the_true_suboptimality(seed):
    """Roughly solved paths: the claimed gap against the objective of a tight fit."""
    problem = anything(seed)
    rough = problem.solve(problem.grid(6, 1e-3), 1e-2)
    tight = problem.solve(rough.alphas, 1e-14)
    ours, best = problem.judged(rough), problem.judged(tight)
    noise = 1e-15 * ours.objective.max()
    assert np.all(rough.dual_gaps >= ours.objective - best.objective - noise)


@pytest.mark.parametrize("level", [1e2, 1e4, 1e6])
@pytest.mark.parametrize("layout", ["C", "F", "CSC int32"])
def test_large_means_do_not_make_a_claim_untrue(layout, level):
    """Centring then costs digits: more of them than the tolerance means not converged, not a false gap."""
    problem = gaussian(40, 6)
    shifted = Problem(np.round(problem.X * 2**20) / 2**20 + level, problem.y).stored(layout)
    result = shifted.solve(shifted.grid(6, 1e-3), 1e-8)
    truth = shifted.judged(result, dtype=np.longdouble).relative_gap
    assert np.all(truth[result.converged] <= 1.01e-8)
    assert result.converged.all()


@pytest.mark.parametrize("layout", ["C", "F", "CSC int32"])
def test_nearly_dependent_columns_do_not_make_a_claim_untrue(layout):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((40, 5))
    X = np.hstack([X, X + 1e-7 * rng.standard_normal((40, 5))])
    problem = Problem(X, X[:, 0] - X[:, 5] + rng.standard_normal(40)).stored(layout)
    result = problem.solve(problem.grid(8, 1e-4), 1e-12)
    truth = problem.judged(result, dtype=np.longdouble).relative_gap
    assert np.all(truth[result.converged] <= 1.1e-12)
