"""Lazy certification clears a feature only when it cannot violate optimality."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from problems import Problem, anything, gaussian, take_route
from regularize.penalties import Penalty
from regularize.solvers import screening
from regularize.solvers.screening import Candidates, Screen


def screen_of(design, penalty, residual):
    return Screen(design, penalty, residual, design.correlations(residual))


def violating(screen, residuals, alphas, *question):
    """The answer of the screen about one residual or several, with X read for it when it asks."""
    steps = screen.violating(np.atleast_2d(residuals), np.atleast_1d(alphas), *question)
    try:
        residuals = next(steps)
        steps.send(screen.design.correlations(residuals))
    except StopIteration as end:
        return end.value
    raise AssertionError("one full pass is enough")


def true_violators(design, penalty, residual, alpha):
    """Features whose exact correlation exceeds the threshold on a side that the box leaves open."""
    c = design.correlations(residual)
    over = np.abs(c) > alpha * penalty.l1 * (1 + 1e-12) + 1e-12
    return set(np.flatnonzero(over & np.where(c > 0, penalty.upper > 0, penalty.lower < 0)))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.floats(0, 2), st.booleans())
def test_no_violation_is_missed_whatever_the_residual(seed, spread, with_look_ahead):
    rng = np.random.default_rng(seed)
    problem = anything(seed, n=15, p=30)
    design, penalty = problem.design(), problem.penalty()
    y = design.root_weights * (problem.y - design.weighted_mean(problem.y))
    skip = (rng.random(30) < 0.2).astype(np.uint8)
    screen, previous = screen_of(design, penalty, y), y
    unit = float(np.abs(design.correlations(y)).max()) or 1.0
    for step in range(6):
        noise = rng.standard_normal(15) * design.root_weights
        noise -= design.root_weights * (design.root_weights @ noise) * design.fit_intercept
        residual = previous * rng.uniform(0.5, 1.0) + spread * 0.5**step * np.linalg.norm(y) * noise
        alpha, slack = unit * rng.uniform(0, 1), rng.choice([0.0, 0.1 * np.linalg.norm(y)])
        ahead = [0.5 * residual] if with_look_ahead else []
        read = violating(screen, residual, alpha, skip, slack, lambda ahead=ahead: ahead)
        found, exact = read.violating(), design.correlations(residual)
        assert_allclose(read.correlations[0], exact[read.features], rtol=1e-10, atol=1e-12)
        violators = true_violators(design, penalty, residual, alpha) - set(np.flatnonzero(skip))
        assert violators <= set(found.units) <= set(read.units)
        assert not skip[read.features].any()
        # what was not read is certified for every residual within the slack
        rest = np.setdiff1d(np.arange(30), np.append(read.features, np.flatnonzero(skip)))
        reach = np.abs(exact[rest]) + slack * design.norms[rest]
        closed = np.where(exact[rest] > 0, penalty.upper[rest] <= 0, penalty.lower[rest] >= 0) & (slack == 0)
        one_sided = (penalty.upper[rest] <= 0) | (penalty.lower[rest] >= 0)
        assert np.all((reach <= alpha * penalty.l1[rest] + 1e-10) | closed | one_sided)
        previous = residual


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 6), st.floats(0, 1), st.booleans())
def test_no_violation_is_missed_at_any_of_several_residuals(seed, count, spread, is_small):
    rng = np.random.default_rng(seed)
    problem = anything(seed, n=15, p=30)
    design, penalty = problem.design(), problem.penalty()
    y = design.root_weights * (problem.y - design.weighted_mean(problem.y))
    skip, screen = (rng.random(30) < 0.2).astype(np.uint8), screen_of(design, penalty, y)
    unit = float(np.abs(design.correlations(y)).max()) or 1.0
    screen._is_small = is_small
    for step in range(4):
        noise = rng.standard_normal((count, 15)) * design.root_weights
        noise -= np.multiply.outer(noise @ design.root_weights, design.root_weights) * design.fit_intercept
        residuals = (
            np.multiply.outer(0.7 ** (step + np.arange(count)), y) + spread * 0.5**step * np.linalg.norm(y) * noise
        )
        alphas = unit * np.sort(rng.uniform(0, 1, count))[::-1]
        read, exact = violating(screen, residuals, alphas, skip), design.correlations(residuals)
        assert_allclose(read.correlations, exact[:, read.features], rtol=1e-10, atol=1e-12)
        assert not skip[read.features].any()
        for first in range(count):
            later = [
                true_violators(design, penalty, *one) for one in zip(residuals[first:], alphas[first:], strict=True)
            ]
            assert (
                set().union(*later) - set(np.flatnonzero(skip)) <= set(read.violating(first).units) <= set(read.units)
            )


@pytest.mark.parametrize("slack_share", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("side", [1.0, -1.0])
def test_the_bound_is_reached_by_a_change_along_the_column_itself(slack_share, side, monkeypatch):
    """r = r1 / 2 + e with e along z_j: then Cauchy-Schwarz is an equality, and a smaller bound would miss j."""
    monkeypatch.setattr(screening, "FULL_PASS_SHARE", 1.0)  # read the listed ones only
    problem = gaussian(40, 60)
    design, penalty = problem.design(), problem.penalty()
    r1 = design.root_weights * (problem.y - problem.y.mean())
    W = design.working_columns()
    W.append(np.arange(60))
    for j in range(60):
        z = W.matrix(np.array([j]))[:, 0]
        e = z - r1 * (r1 @ z) / (r1 @ r1)
        e *= side * 1e-3 * np.sign(r1 @ z) / np.linalg.norm(e)
        residual, slack = 0.5 * r1 + (1 - slack_share) * e, slack_share * float(np.linalg.norm(e))
        bound = abs(z @ (0.5 * r1)) + np.linalg.norm(z) * 1e-3
        listed = []
        for share in (1 - 1e-9, 1 + 1e-9):
            screen = screen_of(design, penalty, r1)
            read = violating(screen, residual, bound * share, np.zeros(60, dtype=np.uint8), slack, list)
            listed.append(j in read.features)
        assert listed == [True, False]


@pytest.mark.parametrize("layout", ["F", "CSC int32"])
@pytest.mark.parametrize("l1_ratio", [1.0, 0.5])
def test_at_every_alpha_of_a_path_no_feature_violates_optimality(layout, l1_ratio, monkeypatch):
    take_route(monkeypatch, "working set")
    problem = gaussian(60, 400, n_informative=20, l1_ratio=l1_ratio).stored(layout)
    result = problem.solve(problem.grid(30, 1e-2), 1e-12)
    X = problem.X.toarray() if layout != "F" else problem.X
    Xc = X - X.mean(axis=0)
    for k, alpha in enumerate(result.alphas):
        w = result.coefs[:, k]
        c = Xc.T @ (problem.y - problem.y.mean() - Xc @ w) / 60 - alpha * (1 - l1_ratio) * w
        assert np.max(np.abs(c)) <= alpha * l1_ratio * (1 + 1e-5)


def test_a_residual_between_the_pair_is_certified_almost_without_reading():
    problem = gaussian(60, 500, n_informative=10)
    design, penalty = problem.design(), problem.penalty()
    y = design.root_weights * (problem.y - problem.y.mean())
    screen = screen_of(design, penalty, y)
    skip = np.zeros(500, dtype=np.uint8)
    alpha = float(np.abs(design.correlations(y)).max())
    violating(screen, y, 0.2 * alpha, skip, 0.0, lambda: [0.5 * y])  # many violate: a full pass, with a look-ahead
    before = design.n_passes
    read = violating(screen, 0.8 * y, 0.79 * alpha, skip, 0.0, list)
    assert design.n_passes - before < 0.05
    assert 1 <= read.features.size < 25


def test_many_doubts_are_settled_by_one_full_pass(monkeypatch):
    problem = gaussian(60, 500)
    design = problem.design()
    y = design.root_weights * (problem.y - problem.y.mean())
    screen = screen_of(design, problem.penalty(), y)
    other = np.roll(y, 1)
    before = design.n_passes
    violating(screen, other, 0.1, np.zeros(500, dtype=np.uint8), 0.0, lambda: [0.5 * other])
    assert design.n_passes - before == 1  # and it served two residuals
    monkeypatch.setattr(screening, "FULL_PASS_SHARE", 1.0)
    before = design.n_passes
    violating(screen, y, 0.1, np.zeros(500, dtype=np.uint8), 0.0, lambda: [0.5 * y])
    assert design.n_passes - before <= 1


def test_the_strongest_are_those_furthest_above_their_threshold():
    candidates = Candidates(np.array([0, 1, 3, 5]), np.array([2.0, 1.1, 2.5, 1.5]))
    assert set(candidates.strongest(2)) == {3, 0}
    assert set(candidates.strongest(3)) == {3, 0, 5}
    assert_allclose(candidates.strongest(10), [0, 1, 3, 5])


def test_a_feature_stays_at_zero_down_to_its_critical_alpha():
    penalty = Penalty.elastic_net(
        4, factor=np.array([1.0, 4.0, 0.0, 1.0]), lower=np.array([-np.inf, -np.inf, -np.inf, 0.0])
    )
    assert_allclose(penalty.critical_alphas(np.array([2.0, -4.4, 0.1, -3.0])), [2.0, 1.1, 0.0, 0.0])


def test_excluded_features_are_never_read(monkeypatch):
    take_route(monkeypatch, "working set")
    factor = np.where(np.arange(40) % 2, np.inf, 1.0)
    problem = gaussian(30, 40, factor=factor)
    result = problem.solve(problem.grid(10, 1e-2), 1e-12)
    assert not result.coefs[1::2].any()
    part = Problem(problem.X[:, ::2], problem.y)
    assert_allclose(result.coefs[::2], part.solve(result.alphas, 1e-12).coefs, rtol=0, atol=1e-7)
