"""Fits by sweeps alone: who takes them, what they leave to others, and that the judge agrees whatever the problem."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from group_problems import CASES, grouped, interleaved
from group_problems import anything as any_groups
from problems import DENSE, LAYOUTS, Problem, gaussian, take_route
from regularize.penalties import Groups
from regularize.solvers import path_driver, squared_loss, sweep_fit
from regularize.solvers.clusters import Clusters


@pytest.fixture
def by_sweeps(monkeypatch):
    """All that sweeps can solve is theirs, however small; what they leave to others is counted."""
    take_route(monkeypatch, "sweeps")
    left = []

    class Spy(path_driver.PathDriver):
        def __init__(self, design, target, penalty, alphas, *arguments):
            left.append(alphas.size)
            super().__init__(design, target, penalty, alphas, *arguments)

    monkeypatch.setattr(squared_loss, "PathDriver", Spy)
    return left


@pytest.fixture
def patiently(monkeypatch):
    """Newton steps are never worth it."""
    monkeypatch.setattr(sweep_fit, "LEAST_WORTH", np.inf)


def swept(monkeypatch):
    """The alphas that sweeps solve from here on."""
    alphas, solve = [], sweep_fit.SweepFit.solve

    def spied(self, alpha, max_iter):
        alphas.append(alpha)
        return solve(self, alpha, max_iter)

    monkeypatch.setattr(sweep_fit.SweepFit, "solve", spied)
    return alphas


# --------------------------------------------------------------------------------- who takes them


@pytest.mark.parametrize(
    ("n", "n_alphas", "factor", "by_them"),
    [(600, 1, 1.0, True), (600, 5, 1.0, True), (600, 6, 1.0, False), (400, 1, 1.0, False), (600, 1, 0.0, False)],
)
def test_sweeps_are_for_few_alphas_enough_rows_and_no_feature_without_penalty(
    n, n_alphas, factor, by_them, monkeypatch
):
    alphas = swept(monkeypatch)
    problem = gaussian(n, 700)
    problem = replace(problem, factor=np.append(factor, np.ones(699)))
    result = problem.solve(problem.grid(10, 0.1)[-n_alphas:], 1e-6)
    assert result.converged.all()
    assert np.all(problem.judged(result).relative_gap <= 1.001e-6)
    assert_array_equal(alphas, result.alphas if by_them else [])


def test_slow_sweeps_give_way_to_newton_steps(by_sweeps):
    rng = np.random.default_rng(0)
    X = 0.02 * rng.standard_normal((200, 60)) + rng.standard_normal((200, 3)) @ rng.standard_normal((3, 60))
    problem = Problem(X, X @ rng.standard_normal(60) + rng.standard_normal(200))
    result = problem.solve(problem.grid(3, 1e-3)[2:], 1e-8)
    assert by_sweeps == [1]
    assert result.converged.all()
    assert np.all(problem.judged(result).relative_gap <= 1.001e-8)


def test_what_is_left_goes_on_from_where_sweeps_have_got(by_sweeps, patiently, monkeypatch):
    solve = sweep_fit.SweepFit.solve
    problem = gaussian(60, 30)
    alphas = problem.grid(4, 0.01)

    def gives_up_at_the_third(self, alpha, max_iter):
        fit = solve(self, alpha, max_iter)
        return replace(fit, gap=None) if alpha == alphas[2] else fit

    expected = problem.solve(alphas, 1e-9)
    assert by_sweeps == []
    monkeypatch.setattr(sweep_fit.SweepFit, "solve", gives_up_at_the_third)
    result = problem.solve(alphas, 1e-9)
    assert by_sweeps == [2]
    assert result.converged.all()
    assert result.n_iters[2] >= expected.n_iters[2]  # those of the sweeps are counted
    assert_allclose(result.coefs, expected.coefs, atol=1e-4)


@pytest.mark.parametrize("helpful", [0.0, np.inf])
def test_what_sweeps_have_found_is_a_start_only_if_it_helps(by_sweeps, monkeypatch, helpful):
    starts, driver = [], squared_loss.PathDriver

    def spied(*arguments):
        starts.append(arguments[6].copy())
        return driver(*arguments)

    monkeypatch.setattr(squared_loss, "PathDriver", spied)
    monkeypatch.setattr(sweep_fit, "HELPFUL", helpful)
    monkeypatch.setattr(sweep_fit.Pace, "is_slow", property(lambda self: self.gap < np.inf))
    problem = gaussian(60, 30)
    result = problem.solve(problem.grid(2, 0.01)[1:], 1e-9)
    assert result.converged.all()
    assert [bool(start.any()) for start in starts] == [helpful > 0]


@pytest.mark.parametrize("max_iter", [1, 3, 10])
def test_no_more_iterations_than_allowed(by_sweeps, patiently, max_iter):
    problem = gaussian(30, 50)
    result = problem.solve(problem.grid(1, 0.01) * 0.01, 1e-9, max_iter=max_iter)
    assert result.n_iters[0] <= max_iter
    assert not result.converged[0]
    assert problem.judged(result).gap[0] <= result.dual_gaps[0] * 1.001


@pytest.mark.parametrize("tol", [0.0, 1e-18])
def test_what_rounding_leaves_is_left_to_others(by_sweeps, patiently, monkeypatch, tol):
    problem, sweeps, solve = gaussian(60, 30), [], sweep_fit.SweepFit.solve

    def spied(self, alpha, max_iter):
        fit = solve(self, alpha, max_iter)
        sweeps.append(fit.n_iter)
        return fit

    monkeypatch.setattr(sweep_fit.SweepFit, "solve", spied)
    monkeypatch.setattr(sweep_fit.Pace, "is_slow", False)
    result = problem.solve(problem.grid(2, 0.1)[1:], tol)
    assert by_sweeps == [1]
    assert sweeps[0] < 200
    assert problem.judged(result).relative_gap[0] <= 1e-14


def test_a_start_near_the_answer_saves_sweeps(by_sweeps, patiently):
    problem = gaussian(200, 100)
    alpha = problem.alpha_max() * np.array([0.05])
    cold = problem.solve(alpha, 1e-10)
    warm = problem.solve(alpha * 0.99, 1e-10, coef_init=cold.coefs[:, 0])
    assert warm.n_iters[0] < problem.solve(alpha * 0.99, 1e-10).n_iters[0]
    again = problem.solve(alpha, 1e-9, coef_init=cold.coefs[:, 0])
    assert again.n_iters[0] == 0
    assert_array_equal(again.coefs, cold.coefs)
    assert by_sweeps == []


# ------------------------------------------------------------------------------- the judge agrees


@pytest.mark.parametrize("n_targets", [1, 3])
@pytest.mark.parametrize("case", CASES)
def test_the_judge_certifies_groups_and_targets(by_sweeps, case, n_targets):
    problem = CASES[case]().with_targets(n_targets)
    for tol in (1e-3, 1e-10):
        result = problem.solve(problem.grid(4), tol)
        assert result.converged.all()
        assert np.max(problem.judged(result).relative_gap) <= 1.01 * tol


@pytest.mark.parametrize("seed", range(80))
def test_the_judge_certifies_any_groups(by_sweeps, seed):
    problem = any_groups(seed)
    tol = 10.0 ** -np.random.default_rng(seed).integers(2, 11)
    result = problem.solve(problem.grid(4, 1e-3), tol)
    assert result.converged.all()
    if np.ptp(np.asarray(problem.y).reshape(len(problem.y), -1), axis=0).any():
        assert np.max(problem.judged(result).relative_gap) <= 1.01 * tol


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_gives_the_same_answer(by_sweeps, patiently, layout):
    problem = interleaved(grouped(40, (1, 4, 2, 12, 3, 9, 1, 1)))
    alphas = problem.grid(3)
    expected, result = problem.solve(alphas, 1e-11), problem.stored(layout).solve(alphas, 1e-11)
    assert result.converged.all()
    assert_allclose(result.coefs, expected.coefs, atol=1e-5)
    assert by_sweeps == []


def test_more_violate_than_are_taken_at_once(by_sweeps, patiently):
    problem = gaussian(20, 500, n_informative=10)
    result = problem.solve(problem.grid(2, 0.01)[1:], 1e-8)
    assert result.converged.all()
    assert np.all(problem.judged(result).relative_gap <= 1.001e-8)


# ------------------------------------------------------------------------------------ the pieces


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("sizes", [(1,) * 21, (3, 1, 1, 40, 2, 9, 9, 1), (4,) * 6])
def test_clusters_know_their_gram_matrices_however_they_come(layout, sizes):
    problem = grouped(30, sizes).stored(layout)
    design, starts = problem.design(), np.concatenate([[0], np.cumsum(sizes)])
    Z = design.small_copy().T if layout in DENSE else design.working_columns()
    if layout not in DENSE:
        Z.append(np.arange(design.n_features))
        Z = Z.matrix(np.arange(design.n_features))
    at_once = None
    for cuts in ([len(sizes)], [1, 2, len(sizes)], [len(sizes) // 2, len(sizes)]):
        columns = design.swept_columns()
        clusters = Clusters(columns)
        for cut in cuts:
            columns.append(np.arange(columns.size, starts[cut]))
            clusters._extend(starts[: cut + 1])
        first, places, bounds = clusters._first, clusters._places, clusters._curvature
        at_once = first if at_once is None else at_once
        assert_array_equal(first, at_once)
        assert first[0] == 0
        assert first[-1] == len(sizes)
        for low, high, place in zip(first, first[1:], places, strict=False):
            own = Z[:, starts[low] : starts[high]]
            gram = clusters._grams[place : place + own.shape[1] ** 2].reshape(own.shape[1], -1)
            assert_allclose(gram, own.T @ own, atol=1e-5)
            assert high == low + 1 or own.shape[1] <= columns.read_together
        for g, bound in enumerate(bounds):
            own = Z[:, starts[g] : starts[g + 1]]
            assert bound >= np.linalg.norm(own, 2) ** 2 * (1 - 1e-6)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_combination_of_some_columns_is_that_of_all_with_zeros(layout, monkeypatch):
    monkeypatch.setattr("regularize.design.design.TILE_ENTRIES", 40)
    design = gaussian(12, 9).stored(layout).design()
    rng = np.random.default_rng(0)
    features, coefs = rng.permutation(9)[:5], rng.standard_normal((5, 2))
    whole = design.working_columns()
    whole.append(np.arange(9))
    expected = np.zeros((9, 2))
    expected[features] = coefs
    assert_allclose(design.combination(features, coefs), whole.combine(expected), atol=1e-12)
    swept = design.swept_columns()
    swept.append(features)
    residual = rng.standard_normal((2, 12))
    assert_allclose(swept.correlations(residual), whole.correlations(residual)[features], atol=1e-5)


def test_single_columns_are_read_so_many_at_once():
    starts = Groups.of_one(50).starts
    columns = gaussian(10, 50).design().swept_columns()
    columns.append(np.arange(50))
    clusters = Clusters(columns)
    clusters._extend(starts)
    assert_array_equal(np.diff(clusters._first[:-1]), columns.read_together)
