"""A path in stretches: whatever the working set was ready for, all answers are certified, and no alpha is left out."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from group_problems import grouped
from problems import gaussian, take_route
from regularize.solvers import stretches
from regularize.solvers.answers import Answers

PROBLEMS = {
    "lasso": gaussian(60, 300, seed=1),
    "elastic net": gaussian(60, 300, seed=2, l1_ratio=0.5),
    "bounds": gaussian(60, 300, seed=3, bounds=(np.full(300, -0.1), np.full(300, 0.3))),
    "sparse": gaussian(60, 300, seed=4).stored("CSC int32"),
    "C order": gaussian(60, 300, seed=5).stored("C"),
    "groups": grouped(60, (4,) * 75, seed=6),
}
UNREADY = {"LEAST_AHEAD": 0, "MARGIN": 5.0}  # nothing is predicted: each stretch fails where something enters
EAGER = {"LEAST_AHEAD": 300, "MARGIN": 0.5}
LONG = {"SHORTEST": 60, "FIRST": 60, "LONGEST": 60}
SHORT = {"SHORTEST": 1, "FIRST": 1, "LONGEST": 1}


@pytest.fixture(params=PROBLEMS)
def problem(request):
    return PROBLEMS[request.param]


@pytest.fixture(params=[{}, SHORT, UNREADY, UNREADY | LONG, EAGER | LONG], ids=str)
def settings(request, monkeypatch):
    take_route(monkeypatch, "working set")
    for name, value in request.param.items():
        monkeypatch.setattr(stretches, name, value)


@pytest.mark.parametrize("tol", [1e-3, 1e-9])
@pytest.mark.usefixtures("settings")
def test_all_answers_are_certified(problem, tol):
    result = problem.solve(problem.grid(60, 1e-2), tol)
    assert result.converged.all()
    assert result.coefs.shape[1] == 60
    assert np.all(problem.judged(result).relative_gap <= tol)


@pytest.mark.usefixtures("settings")
def test_what_is_not_solved_says_so(problem):
    result = problem.solve(problem.grid(60, 1e-3), 1e-13, max_iter=1)
    assert result.coefs.shape[1] == 60
    judged = problem.judged(result).relative_gap
    assert_allclose(result.converged, judged <= 1e-13)
    assert not result.converged.all()
    assert result.n_iters.max() <= 2  # the last sweep or step may be one of a pair


@pytest.mark.usefixtures("settings")
def test_a_tolerance_out_of_reach_ends(problem):
    result = problem.solve(problem.grid(20, 1e-2), 0.0)
    assert result.coefs.shape[1] == 20
    assert np.all(problem.judged(result).relative_gap <= 1e-12)


@pytest.mark.parametrize(
    ("hard", "tol", "max_iter", "reached"),
    [
        (gaussian(100, 1500, seed=1, rho=0.9, n_informative=20), 0.0, 100, 1e-14),
        (grouped(150, (4,) * 300, 1).with_targets(3), 1e-8, 20, 1e-4),
    ],
)
def test_the_working_set_grows_though_iterations_are_spent(hard, tol, max_iter, reached):
    result = hard.solve(hard.grid(30, 1e-2), tol, use_gram=False, max_iter=max_iter)
    assert np.median(hard.judged(result).relative_gap) <= reached


def test_each_alpha_is_reported_once_and_in_order_until_told_to_end(problem, monkeypatch):
    take_route(monkeypatch, "working set")
    seen = []

    def on_point(point):
        seen.append(point.index)
        return point.index == 13

    result = problem.solve(problem.grid(40, 1e-2), 1e-6, on_point=on_point)
    assert seen == list(range(14))
    assert result.interrupted
    assert result.coefs.shape[1] == 14


def test_what_lies_between_knots_is_their_mixture():
    alphas = np.array([1.0, 0.75, 0.5, 0.5, 0.25, 0.0])
    knots = np.array([0, 3, 5])
    residuals = np.arange(12.0).reshape(3, 4)
    answers = Answers(alphas, np.zeros((6, 0)), knots, residuals, np.zeros((3, 0)))
    expected = [residuals[0], (residuals[0] + residuals[1]) / 2, residuals[1], residuals[1]]
    expected += [(residuals[1] + residuals[2]) / 2, residuals[2]]
    assert_allclose(answers.mixed(residuals), expected)
    assert_allclose(answers.squares, np.square(expected).sum(axis=1))
