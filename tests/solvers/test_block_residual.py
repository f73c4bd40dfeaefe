"""The inner problem on columns: working sets of groups that are too wide for a Gram matrix, here all of them."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from group_judge import judge_groups
from group_problems import CASES, anything, grouped
from problems import take_route
from regularize import SparseGroupLasso, sparse_group_lasso_path
from regularize.penalties import GroupPenalty
from regularize.solvers.block_newton import NewtonSystem, State
from regularize.solvers.block_residual import BlockResidualQuadratic
from regularize.solvers.residual_quadratic import ResidualQuadratic
from regularize.solvers.working_set import WorkingSet


@pytest.fixture(autouse=True)
def every_working_set_of_groups_is_too_wide(monkeypatch):
    take_route(monkeypatch, "working set")
    solve = BlockResidualQuadratic.solve
    used = []

    def is_too_wide(working):
        return isinstance(working.penalty, GroupPenalty) and not isinstance(working.quadratic, ResidualQuadratic)

    def counted(*args):
        used.append(1)
        return solve(*args)

    monkeypatch.setattr(WorkingSet, "_is_too_wide", is_too_wide)
    monkeypatch.setattr(BlockResidualQuadratic, "solve", counted)
    return used


@pytest.mark.parametrize("n_targets", [1, 3])
@pytest.mark.parametrize("case", CASES)
def test_the_judge_certifies_the_path(case, n_targets, every_working_set_of_groups_is_too_wide):
    problem = CASES[case]().with_targets(n_targets)
    result = problem.solve(problem.grid(), 1e-8)
    assert result.converged.all()
    assert np.max(problem.judged(result).relative_gap) <= 1.01e-8
    is_plain = isinstance(problem.penalty().simplified(problem.n_targets), GroupPenalty)
    assert bool(every_working_set_of_groups_is_too_wide) == is_plain


@pytest.mark.parametrize("seed", range(30))
def test_the_judge_certifies_anything(seed):
    problem = anything(seed)
    result = problem.solve(problem.grid(12), 1e-6)
    assert np.all(problem.judged(result).relative_gap[result.converged] <= 1.01e-6)
    assert result.converged.all()


def test_newton_steps_make_an_answer_exact():
    """Rounds of sweeps alone stall far above this here."""
    problem = grouped(40, (5,) * 30, rho=0.9)
    result = problem.solve(problem.grid(5), 1e-11)
    assert np.max(problem.judged(result).relative_gap) <= 1.01e-11


@pytest.mark.parametrize("shape", [(100, 2000), (60, 3000)])
def test_a_cold_fit_of_small_groups_far_below_alpha_max_converges(shape):
    """Far more entries than rows move between kinks: neither sweeps nor Newton steps alone get there."""
    rng = np.random.default_rng(shape[0])
    X, w = rng.standard_normal(shape), np.zeros(shape[1])
    w[rng.choice(shape[1], 20, replace=False)] = rng.standard_normal(20)
    y = X @ w + 0.5 * rng.standard_normal(shape[0])
    options = {"groups": 10, "l1_ratio": 0.95, "fit_intercept": False}
    alpha = 1e-3 * sparse_group_lasso_path(X, y, alphas=1, **options)[0][0]
    fitted = SparseGroupLasso(alpha=alpha, tol=1e-6, max_iter=2000, **options).fit(X, y)
    verdict = judge_groups(
        X,
        y,
        alpha,
        fitted.coef_,
        groups=np.arange(shape[1]) // 10,
        norm=np.full(shape[1] // 10, 0.05 * np.sqrt(10)),
        l1=np.full(shape[1], 0.95),
    )
    assert fitted.converged_
    assert verdict.relative_gap <= 1.01e-6


@pytest.mark.parametrize("n_targets", [1, 3])
def test_float32_sweeps_give_answers_to_all_digits(n_targets):
    problem = grouped(50, (4,) * 60, rho=0.5).with_targets(n_targets)
    result = problem.solve(problem.grid(8), 1e-12)
    assert result.converged.all()
    assert np.max(problem.judged(result).relative_gap) <= 1.01e-12


@pytest.mark.parametrize("n_targets", [1, 3])
def test_the_newton_system_is_the_derivative_of_the_slope(n_targets):
    rng = np.random.default_rng(0)
    problem = grouped(20, (1, 4, 3), l1=0.1 if n_targets == 1 else 0.0, l2=0.3).with_targets(n_targets)
    penalty = problem.penalty().at(0.2)
    Z = rng.standard_normal((20, 8))
    target = rng.standard_normal((n_targets, 20))

    def system(coef):
        residual = target - (Z @ coef).T
        return NewtonSystem(State(coef, residual, Z.T @ residual.T), penalty, np.square(Z).sum(axis=0))

    coef, step = rng.standard_normal((8, n_targets)), rng.standard_normal((8, n_targets))
    change = (system(coef + 1e-6 * step).slope - system(coef - 1e-6 * step).slope) / 2e-6
    assert_allclose(Z.T @ (Z @ step) + system(coef).penalty_times(step), -change, rtol=1e-6, atol=1e-8)
    preconditioned = system(coef).preconditioned(step)
    assert np.vdot(step, preconditioned) > 0
    other = rng.standard_normal(step.shape)
    assert_allclose(np.vdot(other, preconditioned), np.vdot(system(coef).preconditioned(other), step), rtol=1e-12)
