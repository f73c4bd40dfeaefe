"""Conjugate gradients for all alphas at once: what they read, when they stop, and what they claim."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from problems import LAYOUTS, dense
from regularize.design import make_design
from regularize.penalties import Penalty
from regularize.solvers.ridge.krylov_form import KrylovForm
from regularize.solvers.ridge.units import RidgeProblem
from ridge_engine import RidgeData, ridge_data

GRID = np.geomspace(1e4, 1e-1, 25)


def sparse_data(n=150, p=60, t=1, layout="CSC int32", **options):
    return ridge_data(n, p, t, seed=5, **options).stored(layout)


def solved(data, alphas, **options):
    """The result, and how often X was read."""
    design = data.design()
    _ = design.norms  # the moments take a reading of their own
    before = design.n_passes
    result = data.solve(alphas, design=design, method="cg", **options)
    return result, design.n_passes - before


def relative_gradients(data, alphas, coefs):
    """Of the objective without its intercept, relative to that of no coefficients (k, t)."""
    X, targets = dense(data.X), data.targets - data.targets.mean(axis=0)
    X = X - X.mean(axis=0)
    slopes = (targets.T - coefs @ X.T) @ X - alphas[:, np.newaxis, np.newaxis] * coefs
    return np.linalg.norm(slopes, axis=2) / np.linalg.norm(targets.T @ X, axis=1)


@pytest.mark.parametrize("shape", [(150, 60), (60, 150)])
@pytest.mark.parametrize("tol", [1e-4, 1e-10])
def test_many_alphas_read_x_as_often_as_the_smallest_alone(shape, tol):
    data = sparse_data(*shape)
    alone, readings_alone = solved(data, GRID[-1:], tol=tol)
    together, readings = solved(data, GRID, tol=tol)
    assert readings_alone > 20
    assert readings <= readings_alone + 2
    assert together.n_iters[-1] == alone.n_iters
    assert_allclose(together.coefs[-1], alone.coefs[0], rtol=1e-12, atol=1e-12 * np.abs(alone.coefs).max())


def test_targets_read_x_together():
    data = sparse_data(t=4)
    each = [solved(RidgeData(data.X, data.targets[:, [j]]), GRID)[1] for j in range(4)]
    assert solved(data, GRID)[1] <= max(each)


def test_larger_alphas_are_done_earlier():
    n_iters = solved(sparse_data(), GRID)[0].n_iters[:, 0]
    assert np.all(np.diff(n_iters) >= 0)
    assert 0 < n_iters[0] < n_iters[-1] / 2


def test_alphas_may_come_in_any_order_and_twice():
    data, order = sparse_data(t=2), np.array([3, 20, 0, 3, 24])
    assert_allclose(solved(data, GRID[order])[0].coefs, solved(data, GRID)[0].coefs[order], rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("layout", ["CSC int32", "CSC float32 int64", "C", "F float32"])
@pytest.mark.parametrize("tol", [1e-5, 1e-9])
def test_a_gradient_is_as_small_as_was_asked_for(tol, layout):
    data = sparse_data(t=2, layout=layout)
    result, _ = solved(data, GRID, tol=tol)
    assert result.converged.all()
    reached = relative_gradients(data, GRID, result.coefs)
    assert np.all(reached <= tol * (1 + 1e-5))
    assert reached.max() > tol / 10  # and no more work is done than that takes


@pytest.mark.parametrize("alphas", [GRID, np.array([1e-3])], ids=["grid", "one"])
@pytest.mark.parametrize("tol", [1e-1, 1e-2, 1e-4])
def test_iterations_go_on_until_the_gap_is_as_small_as_was_asked_for(tol, alphas):
    """A small gradient does not make the gap small where alpha is small."""
    data = sparse_data(t=2)
    result, _ = solved(data, alphas, tol=tol)
    assert np.all(result.dual_gaps <= tol * data.targets.var(axis=0) * (1 + 1e-12))
    assert result.converged.all()


def test_what_is_asked_for_is_reached_when_rounding_makes_shifted_systems_drift():
    """Then those that are behind are taken further by themselves."""
    rng = np.random.default_rng(6)
    left, right = (np.linalg.qr(rng.standard_normal((size, 40)))[0] for size in (80, 40))
    X = left * np.geomspace(1, 1e-6, 40) @ right.T
    data = RidgeData(X, (left @ rng.standard_normal(40))[:, np.newaxis]).stored("CSC int32")
    alphas = np.geomspace(1, 1e-10, 20)
    result, _ = solved(data, alphas, tol=1e-12)
    assert result.converged.all()
    assert np.all(relative_gradients(data, alphas, result.coefs) <= 1e-11)


@pytest.mark.parametrize("max_iter", [1, 5])
def test_iterations_end_where_they_are_told_to_and_say_so(max_iter):
    data = sparse_data(t=2)
    result, readings = solved(data, GRID, max_iter=max_iter, tol=1e-8)
    assert readings <= 2 * max_iter + 8
    assert result.n_iters.max() == max_iter
    assert not result.converged.all()
    exact = data.solve(GRID, method="cholesky")
    reached, least = (
        found.squared_errors + GRID[:, np.newaxis] / 150 * np.sum(found.coefs**2, axis=2) for found in (result, exact)
    )
    assert np.all(reached - least <= 2 * result.dual_gaps + 1e-12 * reached)
    assert np.all((reached - least)[result.converged] <= 1e-8 * reached.max())


def test_nothing_to_explain_takes_no_iterations():
    data = sparse_data(t=2)
    data.targets[:, 1] = 7.0
    result, _ = solved(data, GRID)
    assert_array_equal(result.n_iters[:, 1], 0)
    assert_array_equal(result.coefs[:, 1], 0.0)
    assert result.converged.all()


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_no_penalty_at_all_gives_least_squares(fit_intercept):
    data = sparse_data(fit_intercept=fit_intercept)
    result, _ = solved(data, np.zeros(1), tol=1e-12)
    X = np.column_stack([dense(data.X), np.ones((150, int(fit_intercept)))])
    expected = np.linalg.lstsq(X, data.targets[:, 0])[0]
    assert_allclose(result.coefs[0, 0], expected[:60], rtol=1e-7, atol=1e-9)


def test_error_estimates_are_not_for_conjugate_gradients():
    design = make_design(LAYOUTS["CSC int32"](np.eye(4)))
    problem = RidgeProblem.of(design, np.arange(4.0)[:, np.newaxis], Penalty.elastic_net(4, 0.0), None)
    form = KrylovForm(problem, 1e-4, None)
    assert form.reliable(GRID, for_rows=False).all()
    for estimate in (form.effective_df, form.leave_one_out):
        with pytest.raises(NotImplementedError, match="factorisation"):
            estimate(GRID)
