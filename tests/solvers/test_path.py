"""A path is its alphas one by one, and what is reported along it is true."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from problems import ROUTES, anything, gaussian, take_route
from regularize.solvers import PathPoint


@pytest.fixture(params=ROUTES)
def route(request, monkeypatch):
    take_route(monkeypatch, request.param)
    return request.param


@pytest.fixture
def problem(route):
    return gaussian(20, 40, l1_ratio=0.3 if route == "residual" else 1.0)


def test_a_path_is_its_single_fits(problem):
    alphas = problem.grid(8, 0.01)
    path = problem.solve(alphas, 1e-13)
    for k, alpha in enumerate(alphas):
        assert_allclose(problem.solve(alpha, 1e-13).coefs[:, 0], path.coefs[:, k], rtol=0, atol=1e-6)


def test_an_alpha_does_not_depend_on_those_after_it(problem):
    alphas = problem.grid(8, 0.01)
    assert_allclose(
        problem.solve(alphas[:5], 1e-12).coefs, problem.solve(alphas, 1e-12).coefs[:, :5], rtol=0, atol=1e-6
    )


def test_equal_alphas_have_equal_answers(problem):
    alphas = problem.grid(4, 0.1)
    result = problem.solve(np.repeat(alphas, [1, 3, 1, 2]), 1e-12)
    assert_allclose(result.coefs[:, [1, 1]], result.coefs[:, [2, 3]], rtol=0, atol=1e-8)
    assert_allclose(result.coefs[:, 5], result.coefs[:, 6], rtol=0, atol=1e-8)


def test_a_warm_start_at_the_solution_is_recognised_soon(problem, route):
    alpha = problem.alpha_max() / 10
    cold = problem.solve(alpha, 1e-12)
    warm = problem.solve(alpha, 1e-6, coef_init=cold.coefs[:, 0].copy())
    assert warm.n_iters[0] <= (cold.n_iters[0] if route == "residual" else 2) < 100
    assert_allclose(warm.coefs, cold.coefs, rtol=0, atol=1e-7)


@pytest.mark.parametrize("seed", range(5))
def test_any_start_leads_to_the_solution(problem, seed):
    alpha = problem.alpha_max() / 20
    start = 10.0 ** (seed - 2) * np.random.default_rng(seed).standard_normal(40)
    given = start.copy()
    result = problem.solve(alpha, 1e-12, coef_init=start)
    assert_array_equal(start, given)
    assert result.converged[0]
    assert_allclose(result.coefs, problem.solve(alpha, 1e-12).coefs, rtol=0, atol=1e-5)


def test_a_start_outside_the_box_is_brought_into_it(problem):
    bounded = gaussian(20, 40, bounds=(np.zeros(40), np.full(40, 0.2)), l1_ratio=problem.l1_ratio)
    result = bounded.solve(bounded.alpha_max() / 20, 1e-12, coef_init=np.linspace(-5, 5, 40))
    assert np.all((result.coefs >= 0) & (result.coefs <= 0.2))
    assert bounded.judged(result).relative_gap[0] <= 1e-12


@pytest.mark.parametrize("max_iter", [1, 2, 4, 7])
def test_max_iter_is_honoured_at_every_alpha_and_failure_is_told(problem, max_iter):
    result = problem.solve(problem.grid(6, 1e-3), 1e-14, max_iter=max_iter)
    assert np.all(result.n_iters <= max_iter)
    assert not result.converged.all()
    truth = problem.judged(result, reference=problem.solve(result.alphas, 1e-14))
    assert np.all(truth.gap <= result.dual_gaps * 1.001 + 1e-12)


def test_converged_is_what_the_gap_and_the_tolerance_say(problem):
    result = problem.solve(problem.grid(6, 1e-3), 1e-6, max_iter=6)
    assert_array_equal(result.converged, result.dual_gaps <= result.tolerance)
    y = problem.y - problem.y.mean()
    assert result.tolerance == pytest.approx(1e-6 * np.mean(y * y), rel=1e-12)


def test_without_an_intercept_the_tolerance_is_of_the_raw_mean_square():
    problem = gaussian(20, 5, fit_intercept=False)
    result = problem.solve(problem.grid(3), 1e-6)
    assert result.tolerance == pytest.approx(1e-6 * np.mean(problem.y**2), rel=1e-12)
    assert_array_equal(result.intercepts, 0)


@pytest.mark.parametrize("tol", [1e-2, 1e-4, 1e-6, 1e-8])
def test_a_looser_tolerance_does_not_cost_more(problem, route, tol):
    alphas = problem.grid(10, 1e-3)
    loose, tight = problem.solve(alphas, tol), problem.solve(alphas, 1e-12)
    if route != "sweeps":  # which are not to be counted against the Newton steps that they give way to
        assert loose.n_iters.sum() <= tight.n_iters.sum() + 5
    assert loose.converged.all() and tight.converged.all()


def test_each_alpha_is_reported_with_what_the_result_says_of_it(problem):
    points: list[PathPoint] = []
    result = problem.solve(problem.grid(6), on_point=points.append)
    assert [point.index for point in points] == list(range(6))
    assert_array_equal([point.alpha for point in points], result.alphas)
    assert_array_equal([point.dual_gap for point in points], result.dual_gaps)
    assert_array_equal([point.n_iter for point in points], result.n_iters)
    assert_array_equal([point.n_active for point in points], np.count_nonzero(result.coefs, axis=0))
    assert not result.interrupted


@pytest.mark.parametrize("stop", [0, 2, 5])
def test_a_callback_that_returns_true_ends_the_path_there(problem, stop):
    alphas = problem.grid(6)
    whole = problem.solve(alphas)
    result = problem.solve(alphas, on_point=lambda point: point.index == stop)
    assert result.interrupted
    assert_array_equal(result.alphas, alphas[: stop + 1])
    assert_array_equal(result.coefs, whole.coefs[:, : stop + 1])
    for name in ("intercepts", "dual_gaps", "n_iters", "converged"):
        assert_array_equal(getattr(result, name), getattr(whole, name)[: stop + 1])


def test_ctrl_c_returns_the_finished_prefix(problem):
    def interrupt(point):
        if point.index == 3:
            raise KeyboardInterrupt

    result = problem.solve(problem.grid(6), on_point=interrupt)
    assert result.interrupted
    assert 3 <= len(result.alphas) <= 4 and result.coefs.shape == (40, len(result.alphas))


def test_ctrl_c_before_the_first_alpha_is_raised(problem, monkeypatch):
    from regularize.solvers.recorder import Recorder

    def interrupt(self, *arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(Recorder, "_take", interrupt)  # what every recorded alpha passes through
    with pytest.raises(KeyboardInterrupt):
        problem.solve(problem.grid(6))


def test_the_same_call_gives_the_same_bits(problem):
    alphas = problem.grid(6, 1e-3)
    one, other = problem.solve(alphas), problem.solve(alphas)
    for name in ("coefs", "intercepts", "dual_gaps", "n_iters"):
        assert_array_equal(getattr(one, name), getattr(other, name))


def test_a_design_may_be_used_again(problem):
    from regularize.solvers import squared_loss_path

    design, alphas = problem.design(), problem.grid(5)
    first = squared_loss_path(design, problem.y, problem.penalty(), alphas, tol=1e-10)
    squared_loss_path(design, -(problem.y**2), problem.penalty(), alphas, tol=1e-10)
    again = squared_loss_path(design, problem.y, problem.penalty(), alphas, tol=1e-10)
    assert_allclose(first.coefs, again.coefs, rtol=1e-9, atol=1e-12)  # the second time from kept statistics


# ------------------------------------------------------------------------------------- alpha_max


@pytest.mark.parametrize("seed", range(30))
def test_alpha_max_is_the_smallest_that_keeps_the_penalised_at_rest(seed):
    problem = anything(seed)
    penalty, largest = problem.penalty(), problem.alpha_max()
    if not 0 < largest < np.inf:
        return
    at_rest = np.clip(0, penalty.lower, penalty.upper)
    penalised = (penalty.l1 > 0) & (at_rest == 0)
    above = problem.solve(largest * (1 + 1e-9), 1e-14).coefs[:, 0]
    below = problem.solve(largest * 0.99, 1e-14).coefs[:, 0]
    assert_allclose(above[penalised], 0, atol=1e-7)
    assert np.abs(below - np.where(penalised, at_rest, above)).max() > 0


def test_alpha_max_of_plain_data_is_the_largest_correlation():
    problem = gaussian(30, 12, l1_ratio=0.5)
    Xc, yc = problem.X - problem.X.mean(axis=0), problem.y - problem.y.mean()
    assert problem.alpha_max() == pytest.approx(np.max(np.abs(Xc.T @ yc)) / 30 / 0.5, rel=1e-12)


def test_alpha_max_is_zero_where_nothing_is_correlated():
    problem = gaussian(30, 5)
    for other in (np.full(30, 2.0), np.zeros(30)):
        assert replace(problem, y=other).alpha_max() == 0
    assert replace(problem, factor=np.full(5, np.inf)).alpha_max() == 0
    correlations = (problem.X - problem.X.mean(axis=0)).T @ problem.y
    one_sided = (np.where(correlations > 0, -np.inf, 0.0), np.where(correlations > 0, 0.0, np.inf))
    assert replace(problem, bounds=one_sided).alpha_max() == 0
