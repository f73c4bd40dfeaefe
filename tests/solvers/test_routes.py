"""Whatever the route, the layout and the problem: the answer is optimal, and the claim about it true."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from problems import ROUTES, anything, gaussian, take_route
from regularize import ElasticNet, ElasticNetCV
from regularize.solvers import cross_validation, residual_quadratic, working_set
from regularize.solvers import squared_loss as entry


@pytest.fixture(params=ROUTES)
def route(request, monkeypatch):
    take_route(monkeypatch, request.param)
    return request.param


def agree(problem, one, other, tol):
    """Both within ``tol`` of each other in the objective, whatever the solution set."""
    assert np.all(problem.judged(one, reference=other).relative_gap <= tol)
    assert np.all(problem.judged(other, reference=one).relative_gap <= tol)


@pytest.mark.parametrize("seed", range(60))
def test_random_problems_are_solved_and_rightly_certified(route, seed):
    problem = anything(seed)
    tol = 10.0 ** -np.random.default_rng(seed).integers(2, 11)
    result = problem.solve(problem.grid(8, 1e-3), tol)
    tight = problem.solve(result.alphas, 1e-13)
    assert result.converged.all()
    assert np.all(problem.judged(result, reference=tight).relative_gap <= tol * 1.001 + 1e-13)


@pytest.mark.parametrize("seed", range(60, 80))
def test_every_route_ends_at_the_same_optimum(seed, monkeypatch):
    problem, results = anything(seed), []
    alphas = problem.grid(6, 1e-3)
    for route in ROUTES:
        take_route(monkeypatch, route)
        results.append(problem.solve(alphas, 1e-12))
    for other in results[1:]:
        agree(problem, results[0], other, 1e-11)


@pytest.mark.parametrize("l1_ratio", [1.0, 0.5, 0.05])
@pytest.mark.parametrize("layout", ["C", "F", "CSC int32", "CSC int64", "F memory-mapped"])
def test_routes_and_layouts_give_the_same_coefficients(route, l1_ratio, layout):
    problem = gaussian(25, 40, l1_ratio=l1_ratio)
    alphas = problem.grid(8, 0.02)
    expected = problem.solve(alphas, 1e-16)  # sweeps end at the tolerance, and a gap leaves coefficients its root
    result = problem.stored(layout).solve(alphas, 1e-16)
    assert_allclose(result.coefs, expected.coefs, rtol=0, atol=1e-7)
    assert_allclose(result.intercepts, expected.intercepts, rtol=0, atol=1e-7)


@pytest.mark.parametrize("layout", ["C float32", "F float32", "CSC float32", "CSC float32 int64"])
def test_single_precision_data_are_solved_in_double_precision(route, layout):
    problem = gaussian(25, 40).stored(layout)
    result = problem.solve(problem.grid(5, 0.1), 1e-12)
    assert result.coefs.dtype == np.float64
    assert np.all(problem.judged(result).relative_gap <= 1e-12)


def test_the_residual_route_is_really_taken_where_the_working_set_outgrows_n(monkeypatch):
    take_route(monkeypatch, "residual")
    solved = []

    class Spy(residual_quadratic.ResidualQuadratic):
        def solve(self, coef, *arguments):
            solved.append(coef.size)
            return super().solve(coef, *arguments)

    monkeypatch.setattr(working_set, "ResidualQuadratic", Spy)
    for layout in ("F", "CSC int64"):
        solved.clear()
        problem = gaussian(15, 60, l1_ratio=0.05).stored(layout)
        result = problem.solve(problem.grid(8, 1e-3), 1e-12)
        assert solved and min(solved) > 15
        assert np.all(problem.judged(result).relative_gap <= 1e-12)


@pytest.mark.parametrize("l1_ratio", [1.0, 0.5])
@pytest.mark.parametrize("layout", ["F", "CSC int32"])
@pytest.mark.parametrize("seed", range(4))
def test_a_relative_gap_of_1e_12_is_reached_on_every_route(route, l1_ratio, layout, seed):
    n, p = [(60, 20), (20, 60), (30, 30), (100, 5)][seed]
    problem = gaussian(n, p, seed, rho=0.9, l1_ratio=l1_ratio).stored(layout)
    result = problem.solve(problem.grid(10, 1e-3), 1e-12)
    assert result.converged.all()
    assert np.all(problem.judged(result).relative_gap <= 1e-12)


def test_x_y_and_the_penalty_are_not_modified(route):
    problem = anything(5, n=20, p=30)
    data = problem.X if isinstance(problem.X, np.ndarray) else problem.X.data
    given = [data, problem.y, *(a for a in (problem.weights, problem.factor) if a is not None)]
    before = [array.copy() for array in given]
    problem.solve(problem.grid(5))
    for array, copy in zip(given, before, strict=True):
        assert_array_equal(array, copy)


def test_unpenalised_features_are_fitted_exactly(route):
    factor = np.where(np.arange(12) < 3, 0.0, 1.0)
    problem = gaussian(30, 12, factor=factor)
    result = problem.solve(problem.grid(5, 0.1), 1e-13)
    residual = problem.y[:, None] - result.intercepts - problem.X @ result.coefs
    assert_allclose((problem.X - problem.X.mean(axis=0))[:, :3].T @ residual, 0, atol=1e-5)
    assert np.all(problem.judged(result, reference=result).relative_gap <= 1e-12)
    assert_allclose(result.coefs[3:, 0], 0, atol=1e-12)  # the grid begins where the penalised ones are zero


def test_alpha_zero_is_least_squares(route):
    problem = gaussian(40, 8)
    result = problem.solve([0.1, 0.0], 1e-14)
    A = np.column_stack([np.ones(40), problem.X])
    expected = np.linalg.lstsq(A, problem.y, rcond=None)[0]
    assert result.converged.all()
    assert_allclose(np.append(result.intercepts[1], result.coefs[:, 1]), expected, rtol=1e-6)


def test_alpha_zero_with_more_features_than_rows_fits_the_response(route):
    problem = gaussian(10, 25)
    result = problem.solve([0.1, 0.0], 1e-12)
    assert result.converged.all()
    assert_allclose(problem.X @ result.coefs[:, 1] + result.intercepts[1], problem.y, atol=1e-4)


@pytest.mark.parametrize("by_columns", [False, True])
@pytest.mark.parametrize("l1_ratio", [1.0, 0.5])
def test_folds_of_a_wide_x_are_solved_either_way(l1_ratio, by_columns, monkeypatch):
    routes = []
    for name in ("_by_gram", "_by_columns"):
        solve = getattr(cross_validation, name)
        spy = lambda *a, name=name, solve=solve: (routes.append(name), solve(*a))[1]  # noqa: E731
        monkeypatch.setattr(cross_validation, name, spy)
    monkeypatch.setattr(entry, "WIDE_GRAM", 0 if by_columns else 1200)
    rng = np.random.default_rng(0)
    X = rng.standard_normal((40, 300))
    y = X[:, :3].sum(axis=1) + rng.standard_normal(40)
    model = ElasticNetCV(l1_ratio=l1_ratio, cv=4, tol=1e-10, alphas=np.geomspace(1, 0.01, 20)).fit(X, y)
    assert routes == ["_by_columns" if by_columns else "_by_gram"]
    for fold, (train, test) in enumerate(model.cv_splits_):
        for k in (3, 19):
            one = ElasticNet(model.alphas_[k], l1_ratio=l1_ratio, tol=1e-12).fit(X[train], y[train])
            error = np.mean((one.predict(X[test]) - y[test]) ** 2)
            assert model.mse_path_[k, fold] == pytest.approx(error, rel=1e-4)
