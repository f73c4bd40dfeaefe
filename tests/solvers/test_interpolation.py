"""A path is solved at knots only, and what lies between is interpolated where its gap allows that, on every route."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from group_problems import grouped
from problems import gaussian
from regularize.kernels import quadratic
from regularize.solvers.working_set import WorkingSet

pytestmark = pytest.mark.by_columns

PROBLEMS = {  # the last three by working sets
    "lasso": gaussian(200, 30, seed=1),
    "elastic net": gaussian(200, 30, seed=2, l1_ratio=0.5),
    "bounds": gaussian(200, 30, seed=3, bounds=(np.full(30, -0.1), np.full(30, 0.3))),
    "weights": gaussian(200, 30, seed=4, weights=np.random.default_rng(0).integers(0, 3, 200).astype(float)),
    "groups": grouped(200, (5,) * 6, seed=5),
    "wide": gaussian(60, 400, seed=6),
    "wide, within bounds": gaussian(60, 400, seed=7, bounds=(np.full(400, -0.1), np.full(400, 0.3))),
    "wide groups": grouped(60, (4,) * 100, seed=8),
}


WIDE = ["wide", "wide, within bounds", "wide groups"]  # on working sets, whose knots are nearly exact: most are solved
TALL = [name for name in PROBLEMS if name not in WIDE]


@pytest.fixture(params=PROBLEMS)
def problem(request):
    return PROBLEMS[request.param]


@pytest.fixture
def is_wide(problem):
    return any(problem is PROBLEMS[name] for name in WIDE)


@pytest.mark.parametrize("tol", [1e-2, 1e-4, 1e-6])
def test_a_loose_path_is_solved_at_some_alphas_and_certified_at_all(problem, is_wide, tol):
    result = problem.solve(problem.grid(300, 1e-3), tol)
    solved = np.count_nonzero(result.n_iters)
    assert 0 < solved < (270 if is_wide else 200)
    assert result.converged.all()
    assert np.all(problem.judged(result).relative_gap <= tol)


def test_a_tight_path_is_solved_everywhere(problem):
    result = problem.solve(problem.grid(60, 1e-2), 1e-11)
    assert np.count_nonzero(result.n_iters) > 40  # where all are at their bounds there is nothing to do
    assert np.all(problem.judged(result).relative_gap <= 1e-11)


def test_what_is_between_knots_is_solved_where_interpolation_would_not_do(problem, is_wide):
    fine = problem.grid(200, 0.5)
    alphas = np.concatenate([fine, fine[-1] * np.geomspace(0.5, 1e-3, 12)])  # knots that were near are far apart
    result = problem.solve(alphas, 1e-5)
    assert np.count_nonzero(result.n_iters[: fine.size]) < (0.75 if is_wide else 0.5) * fine.size
    assert np.count_nonzero(result.n_iters[fine.size :]) >= (7 if is_wide else 10)
    assert np.all(problem.judged(result).relative_gap <= 1e-5)


@pytest.mark.parametrize("name", TALL)
def test_on_request_every_alpha_is_solved(name):
    problem = PROBLEMS[name]
    alphas = problem.grid(60, 1e-2)
    result = problem.solve(alphas, 1e-3, solve_all=True)
    assert np.count_nonzero(result.n_iters) > np.count_nonzero(problem.solve(alphas, 1e-3).n_iters)
    assert np.all(problem.judged(result).relative_gap <= 1e-3)


@pytest.mark.parametrize("name", WIDE)
def test_on_request_every_alpha_of_a_stretch_is_solved(name, monkeypatch):
    problem, seen = PROBLEMS[name], []

    def spied(working, *arguments):
        coefs, is_knot = along(working, *arguments)
        if working.size:
            seen.append(is_knot.all())
        return coefs, is_knot

    along = WorkingSet.along
    monkeypatch.setattr(WorkingSet, "along", spied)
    alphas = problem.grid(200, 1e-1)
    result = problem.solve(alphas, 1e-3, solve_all=True)
    assert all(seen)
    assert np.all(problem.judged(result).relative_gap <= 1e-3)
    problem.solve(alphas, 1e-3)
    assert not all(seen)


def test_equal_alphas_have_equal_answers(problem):
    alphas = np.repeat(problem.grid(20, 1e-2), 3)
    result = problem.solve(alphas, 1e-4)
    assert np.all(problem.judged(result).relative_gap <= 1e-4)
    assert_allclose(result.coefs[..., 1::3], result.coefs[..., 2::3], atol=0.02 * np.abs(result.coefs).max())


def test_a_solver_can_be_used_for_another_path_with_more_columns_or_fewer():
    rng = np.random.default_rng(0)
    solver = quadratic.QuadraticSolver()
    all_columns, y = rng.standard_normal((50, 12)), rng.standard_normal(50)
    for p in (6, 12, 12, 6):
        X = all_columns[:, :p]
        gram, response, zeros = X.T @ X / 50, X.T @ y / 50, np.zeros(p)
        alphas = np.abs(response).max() * np.geomspace(1, 1e-2, 40)
        infinite, coefs = np.full(p, np.inf), np.empty((40, p))
        n_iters, is_knot = np.zeros(40, dtype=np.intp), np.zeros(40, dtype=np.uint8)
        arrays = gram, response, np.ones(p), zeros, -infinite, infinite, response.copy(), zeros.copy()
        assert solver.solve_path(*arrays, y @ y / 50, alphas, 1e-12, 1000, 0, coefs, n_iters, is_knot) == 40
        assert is_knot.all()
        excess = np.abs(response - coefs @ gram).max(axis=1) - alphas
        assert np.all(excess <= 1e-6)


@pytest.mark.parametrize("gap", [0.0, 1e-3, 0.4, 0.6, 3.0, 1e300, np.inf, np.nan])
def test_the_next_knot_is_as_far_as_the_last_gap_allows(gap):
    def expected(stride, span=8):
        return gap * (stride / span) ** 2 * max(stride / span, 1.0)

    stride = quadratic.longest_stride(gap, last=5, span=8, longest=9)
    assert 1 <= stride <= 9
    assert stride == 1 or expected(stride) <= 0.5
    assert stride == 9 or not expected(stride + 1) <= 0.5
    assert quadratic.longest_stride(0.0, last=2, span=4, longest=9) == 4  # no more than twice the last one
