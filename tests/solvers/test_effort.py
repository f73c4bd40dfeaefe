"""Guards against regressions of effort on fixed problems: passes over X, working set, iterations.

The bounds are about twice what is needed now; none depends on the machine.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse

from problems import gaussian
from regularize.solvers.working_set import GLANCE_PRICE, WorkingSet


@pytest.fixture(scope="module", params=["F", "CSC int32"])
def wide(request):
    return gaussian(100, 1500, n_informative=20).stored(request.param)


@pytest.mark.parametrize("tol", [1e-4, 1e-12])
def test_a_path_reads_x_rarely_and_keeps_the_working_set_small(wide, tol):
    result = wide.solve(wide.grid(100, 1e-2), tol)
    n_active = np.count_nonzero(result.coefs, axis=0).max()
    assert result.converged.all()
    assert 60 < n_active < 100
    assert result.n_passes <= 20
    assert result.working_set_size <= 4 * n_active
    assert result.n_iters.max() <= 60
    assert result.n_iters.sum() <= 800


def test_looking_ahead_ends_where_it_would_cost_more_than_it_saves(wide, monkeypatch):
    active = []

    def spied(working, *arguments):
        active.append(working.n_active)
        return residual_at(working, *arguments)

    residual_at = WorkingSet.residual_at
    monkeypatch.setattr(WorkingSet, "residual_at", spied)
    wide = replace(wide, factor=np.append(0.0, np.ones(1499)))  # with a feature without a penalty alphas go one by one
    result = wide.solve(wide.grid(100, 1e-2), 1e-8)
    entries = wide.X.nnz if sparse.issparse(wide.X) else wide.X.size
    assert active
    assert GLANCE_PRICE * max(active) ** 2 <= entries
    assert GLANCE_PRICE * np.count_nonzero(result.coefs, axis=0).max() ** 2 > entries


def test_a_single_cold_fit_reads_x_rarely(wide):
    result = wide.solve(wide.alpha_max() / 50, 1e-8)
    n_active = np.count_nonzero(result.coefs)
    assert result.n_passes <= 15
    assert result.working_set_size <= 5 * n_active
    assert result.n_iters[0] <= 150


def test_at_alpha_max_next_to_nothing_is_done(wide):
    result = wide.solve(wide.alpha_max(), 1e-8)
    assert not result.coefs.any()
    assert result.n_passes <= 3
    assert result.working_set_size <= 30


def test_a_tall_problem_reads_x_for_its_gram_matrix_and_no_more():
    problem = gaussian(500, 50)
    result = problem.solve(problem.grid(100, 1e-3), 1e-10)
    assert result.converged.all()
    assert result.n_passes <= 4  # moments, correlations with y, Gram matrix
    assert result.n_iters.max() <= 40


@pytest.mark.parametrize("l1_ratio", [1.0, 0.5, 0.1])
def test_newton_steps_make_iterations_few_on_correlated_columns(l1_ratio):
    """Coordinate descent alone needs thousands of sweeps here."""
    problem = gaussian(80, 60, rho=0.99, l1_ratio=l1_ratio)
    result = problem.solve(problem.grid(30, 1e-3), 1e-12)
    assert result.converged.all()
    assert result.n_iters.max() <= 100
    assert np.median(result.n_iters) <= 50


def test_a_problem_without_a_unique_solution_ends_soon():
    rng = np.random.default_rng(0)
    problem = gaussian(40, 30)
    X = np.asfortranarray(problem.X[:, rng.integers(0, 10, 60)])
    twins = replace(problem, X=X)
    result = twins.solve(twins.grid(30, 1e-3), 1e-12)
    assert result.converged.all()
    assert result.n_iters.max() <= 100
