"""The working set keeps its invariants while it grows and is solved, by Gram matrix or by residuals."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from problems import gaussian, take_route
from regularize.solvers.units import Units
from regularize.solvers.working_set import WorkingSet


@pytest.fixture(params=["working set", "residual"])
def route(request, monkeypatch):
    take_route(monkeypatch, request.param)
    return request.param


@pytest.fixture(params=["F", "CSC int32"])
def working(request, route):
    problem = gaussian(15, 50, l1_ratio=0.2).stored(request.param)
    design = problem.design()
    units = Units.of(design, problem.y, problem.penalty())
    return WorkingSet(design, units.penalty, units.target)


def assert_invariants(working):
    design, target = working.design, working.target
    W = design.working_columns()
    W.append(working.features)
    assert_allclose(working.residual, target - W.combine(working.coef), rtol=0, atol=1e-12)
    assert_allclose(working.quadratic.correlations, W.correlations(working.residual), rtol=0, atol=1e-12)
    assert_array_equal(np.flatnonzero(working.contains), np.sort(working.features))
    assert np.unique(working.features).size == working.size
    full = working.full_coef()
    assert_array_equal(full[working.features], working.coef)
    assert np.count_nonzero(full) == working.n_active


def test_invariants_hold_through_growth_and_solves(working):
    order = np.random.default_rng(0).permutation(50)
    assert working.solve(0.1, 1e-8, 100) == (0, 0)  # nothing to do yet
    for first, last in ((0, 3), (3, 4), (4, 4), (4, 20), (20, 50)):
        working.extend(order[first:last])
        assert working.size == last
        assert_invariants(working)
        for alpha in (0.3, 0.05):
            working.solve(alpha, 1e-10, 1000)
            assert_invariants(working)


def test_a_start_is_taken_over_and_clipped(working):
    start = np.linspace(-1, 1, 50)
    working.extend(np.array([40, 3, 22]), start)
    assert_array_equal(working.coef, start[[40, 3, 22]])
    assert_invariants(working)


def test_a_glance_at_another_alpha_changes_nothing(working):
    working.extend(np.arange(40))
    working.solve(0.3, 1e-10, 1000)
    coef, residual = working.coef.copy(), working.residual.copy()
    correlations = working.quadratic.correlations.copy()
    ahead = working.residual_at(0.05, 1e-10, 1000)
    assert_array_equal(working.coef, coef)
    assert_array_equal(working.residual, residual)
    assert_array_equal(working.quadratic.correlations, correlations)
    working.solve(0.05, 1e-10, 1000)
    assert_allclose(ahead, working.residual, rtol=0, atol=1e-4)


def test_gram_entries_are_those_of_the_columns(working):
    order = np.random.default_rng(1).permutation(50)
    working.extend(order[:10])
    working.extend(order[10:40])
    positions = np.array([5, 31, 0])
    W = working.design.working_columns()
    W.append(working.features)
    own = W.matrix(positions)
    assert_allclose(working.quadratic.gram_of(positions), own.T @ own, rtol=0, atol=1e-13)
