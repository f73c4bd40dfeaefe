"""The inner solver on Gram matrices of every kind, in each build that runs here."""

from __future__ import annotations

import importlib

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from judge import judge
from regularize.kernels import BUILDS, runs_here

BUILT = [build for build in BUILDS if runs_here(build)]
PENALTIES = ["lasso", "elastic net", "ridge", "none", "mixed", "non-negative", "box"]


@pytest.fixture(params=BUILT)
def kernel(request):
    return importlib.import_module(f"regularize.kernels._quadratic_{request.param}")


class Quadratic:
    """1/2 ||y - Z w||^2 + penalty, with the arrays that the kernel takes."""

    def __init__(self, Z, y, kind="lasso", spare=0):
        p = Z.shape[1]
        self.Z, self.y, self.p = Z, y, p
        self.gram = np.full((p + spare, p + spare), np.nan)
        self.gram[:p, :p] = Z.T @ Z
        self.response = Z.T @ y
        self.norm = float(y @ y)
        rng = np.random.default_rng(p)
        self.l1, self.l2 = np.ones(p), np.zeros(p)
        self.lower, self.upper = np.full(p, -np.inf), np.full(p, np.inf)
        if kind in {"ridge", "none"}:
            self.l1 = np.zeros(p)
        if kind in {"ridge", "elastic net"}:
            self.l2 = np.full(p, 0.7)
        if kind == "mixed":
            self.l1, self.l2 = rng.choice([0.0, 0.5, 1.0], p), rng.choice([0.0, 1.0], p)
        if kind in {"non-negative", "box"}:
            self.lower = np.zeros(p)
        if kind == "box":
            self.lower, self.upper = rng.choice([-np.inf, -0.1, 0.0, 0.05], p), rng.choice([np.inf, 0.1], p)

    def start(self, coef=None):
        """Coefficients, and their correlations."""
        coef = np.clip(np.zeros(self.p) if coef is None else coef, self.lower, self.upper)
        return coef, self.response - self.gram[: self.p, : self.p] @ coef

    def solve(self, solver, alpha, tol=1e-14, max_iter=1000, state=None):
        """(status, iterations, coef, correlations); ``tol`` relative to y'y."""
        coef, correlations = self.start() if state is None else state
        status, n_iter = solver.solve(
            gram=self.gram,
            response=self.response,
            l1=self.l1,
            l2=self.l2,
            lower=self.lower,
            upper=self.upper,
            correlations=correlations,
            coef=coef,
            response_norm=self.norm,
            alpha=alpha,
            tolerance=tol * self.norm,
            max_iter=max_iter,
        )
        return status, n_iter, coef, correlations

    def gap(self, coef, alpha, reference=None):
        """The judge's relative gap."""
        root = np.sqrt(len(self.y))  # the judge averages over the rows
        options = dict(l1=self.l1, l2=self.l2, bounds=(self.lower, self.upper), reference=reference)
        return judge(root * self.Z, root * self.y, alpha, coef, **options).relative_gap


def columns(kind, seed=0, n=25, p=10):
    """Z of full rank, wide, with duplicates (also negative), of low rank, or with empty columns; and y."""
    rng = np.random.default_rng(seed)
    Z = rng.standard_normal((n, p))
    if kind == "wide":
        Z = rng.standard_normal((6, p))
    if kind == "duplicates":
        Z = Z[:, rng.integers(0, 4, p)] * rng.choice([-1.0, 1.0], p)
    if kind == "low rank":
        Z = Z[:, :3] @ rng.standard_normal((3, p))
    if kind == "nearly dependent":
        Z[:, p // 2 :] = Z[:, : p - p // 2] + 1e-4 * Z[:, p // 2 :]
    if kind == "hardly independent":
        Z[:, p // 2 :] = Z[:, : p - p // 2] + 1e-6 * Z[:, p // 2 :]
    if kind == "empty columns":
        Z[:, ::3] = 0.0
    Z /= np.maximum(np.linalg.norm(Z, axis=0), 1e-300)
    y = Z @ rng.standard_normal(p) + 0.3 * rng.standard_normal(len(Z))
    return Z, y


KINDS = ["full rank", "wide", "duplicates", "low rank", "nearly dependent", "hardly independent", "empty columns"]


def test_orthogonal_columns_have_a_closed_form(kernel):
    rng = np.random.default_rng(0)
    Z = np.linalg.qr(rng.standard_normal((20, 8)))[0]
    problem = Quadratic(Z, rng.standard_normal(20), "elastic net")
    problem.lower[0], problem.upper[1] = 0.3, -0.1
    u = problem.response
    expected = np.sign(u) * np.maximum(np.abs(u) - 0.1, 0) / (1 + 0.1 * 0.7)
    status, _, coef, _ = problem.solve(kernel.QuadraticSolver(), 0.1)
    assert status == kernel.Status.CONVERGED
    assert_allclose(coef, np.clip(expected, problem.lower, problem.upper), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("tol", [1e-4, 1e-8, 1e-14])  # where Newton steps are exact enough, and where not
@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("kind", KINDS)
def test_the_optimum_is_reached_on_every_kind_of_gram_matrix(kernel, kind, penalty, tol):
    if kind == "hardly independent" and penalty in {"mixed", "none"}:
        pytest.skip("a Gram matrix does not tell such columns apart where nothing is penalised")
    for seed in range(3):
        problem = Quadratic(*columns(kind, seed), penalty)
        for alpha in (0.3, 0.01):
            status, _, coef, correlations = problem.solve(kernel.QuadraticSolver(), alpha, tol)
            assert status in {kernel.Status.CONVERGED, kernel.Status.STALLED}
            size = max(1.0, np.abs(coef).sum())  # large where columns are dependent and nothing is penalised
            assert problem.gap(coef, alpha) < max(1.001 * tol, 1e-12 * size)
            assert_allclose(correlations, problem.start(coef)[1], rtol=0, atol=1e-14 * size)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "hardly independent"])
def test_without_a_penalty_it_is_least_squares(kernel, kind):
    Z, y = columns(kind)
    problem = Quadratic(Z, y, "none")
    _, _, coef, _ = problem.solve(kernel.QuadraticSolver(), 1.0)
    fitted = Z @ np.linalg.lstsq(Z, y, rcond=1e-11)[0]
    tolerance = 1e-6 if kind == "nearly dependent" else 1e-10
    assert_allclose(Z @ coef, fitted, rtol=0, atol=tolerance)


def test_ridge_is_a_linear_system(kernel):
    problem = Quadratic(*columns("full rank"), "ridge")
    expected = np.linalg.solve(problem.gram + 0.2 * 0.7 * np.eye(10), problem.response)
    assert_allclose(problem.solve(kernel.QuadraticSolver(), 0.2)[2], expected, rtol=1e-10)


@pytest.mark.parametrize("kind", ["full rank", "duplicates", "low rank", "wide"])
@pytest.mark.parametrize("penalty", ["lasso", "elastic net", "mixed", "box"])
def test_a_factor_kept_along_a_path_gives_what_a_new_one_gives(kernel, kind, penalty):
    """Columns enter and leave: alpha goes down and up again, and twice all of the pattern changes at once."""
    problem = Quadratic(*columns(kind, p=30), penalty)
    kept, state = kernel.QuadraticSolver(), problem.start()
    alphas = np.concatenate([np.geomspace(1, 1e-3, 15), np.geomspace(1e-3, 1, 15), [1e-4, 2.0, 0.05]])
    for alpha in alphas:
        _, _, *state = problem.solve(kept, alpha, state=state)
        _, _, fresh, _ = problem.solve(kernel.QuadraticSolver(), alpha)
        assert problem.gap(state[0], alpha) < 1e-13
        assert_allclose(problem.Z @ state[0], problem.Z @ fresh, rtol=0, atol=1e-6)


def test_columns_may_be_appended_between_calls(kernel):
    """Room is left in the Gram matrix; what lies beyond the working set (NaN) is never read."""
    whole = Quadratic(*columns("full rank", p=20), "lasso")
    solver, coef = kernel.QuadraticSolver(), np.empty(0)
    for size in (3, 4, 11, 20):
        part = Quadratic(whole.Z[:, :size], whole.y, "lasso", spare=25 - size)
        _, _, coef, _ = part.solve(solver, 0.05, state=part.start(np.append(coef, np.zeros(size - coef.size))))
        assert part.gap(coef, 0.05) < 1e-14


@pytest.mark.parametrize("tol", [1e-2, 1e-6, 1e-10])
@pytest.mark.parametrize("penalty", PENALTIES)
def test_converged_means_that_the_gap_is_within_the_tolerance(kernel, tol, penalty):
    for seed in range(5):
        problem = Quadratic(*columns("wide" if seed % 2 else "full rank", seed, p=20), penalty)
        for alpha in (0.5, 0.05, 0.001):
            status, _, coef, _ = problem.solve(kernel.QuadraticSolver(), alpha, tol)
            assert status == kernel.Status.CONVERGED
            best = problem.solve(kernel.QuadraticSolver(), alpha)[2]
            assert problem.gap(coef, alpha, reference=best) <= tol


@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("kind", ["full rank", "duplicates", "low rank"])
@pytest.mark.parametrize("max_iter", [1, 2, 3, 5, 8, 13])
def test_max_iter_is_never_exceeded_and_the_state_stays_valid(kernel, penalty, kind, max_iter):
    problem = Quadratic(*columns(kind, p=30), penalty)
    solver = kernel.QuadraticSolver()
    status, n_iter, coef, correlations = problem.solve(solver, 1e-3, max_iter=max_iter)
    assert n_iter <= max_iter
    assert status != kernel.Status.EXHAUSTED or n_iter == max_iter
    assert np.all((coef >= problem.lower) & (coef <= problem.upper))
    assert_allclose(correlations, problem.start(coef)[1], rtol=0, atol=1e-12)
    _, _, coef, _ = problem.solve(solver, 1e-3, state=(coef, correlations))  # and the solver goes on from it
    assert problem.gap(coef, 1e-3) < 1e-13


@pytest.mark.parametrize("kind", KINDS)
def test_a_tolerance_of_zero_ends_at_rounding(kernel, kind):
    problem = Quadratic(*columns(kind, p=30), "lasso")
    status, n_iter, coef, _ = problem.solve(kernel.QuadraticSolver(), 0.01, tol=0.0, max_iter=10_000)
    assert status in {kernel.Status.STALLED, kernel.Status.CONVERGED}
    assert n_iter < 1000
    assert problem.gap(coef, 0.01) < 1e-14


def test_a_solution_is_recognised_without_a_sweep(kernel):
    problem = Quadratic(*columns("full rank"), "lasso")
    _, _, coef, correlations = problem.solve(kernel.QuadraticSolver(), 0.05)
    before = coef.copy()
    status, n_iter, coef, _ = problem.solve(kernel.QuadraticSolver(), 0.05, tol=1e-8, state=(coef, correlations))
    assert (status, n_iter) == (kernel.Status.CONVERGED, 0)
    assert_array_equal(coef, before)


def path_arrays(problem, alphas):
    return dict(
        gram=problem.gram,
        response=problem.response,
        l1=problem.l1,
        l2=problem.l2,
        lower=problem.lower,
        upper=problem.upper,
        response_norm=problem.norm,
        alphas=alphas,
        max_iter=1000,
        coefs=np.zeros((alphas.size, problem.p)),
        n_iters=np.zeros(alphas.size, dtype=np.intp),
        is_knot=np.zeros(alphas.size, dtype=np.uint8),
    )


@pytest.mark.parametrize("penalty", PENALTIES)
def test_a_path_in_one_call_is_its_alphas_one_by_one(kernel, penalty):
    problem = Quadratic(*columns("full rank"), penalty)
    alphas = np.geomspace(1, 1e-3, 12)
    arrays = path_arrays(problem, alphas)
    coef, correlations = problem.start()
    done = kernel.QuadraticSolver().solve_path(
        **arrays, coef=coef, correlations=correlations, tolerance=1e-12 * problem.norm, first=0
    )
    assert done == alphas.size
    solver, state = kernel.QuadraticSolver(), problem.start()
    for k, alpha in enumerate(alphas):
        _, n_iter, *state = problem.solve(solver, alpha, tol=1e-12, state=state)
        assert_array_equal(arrays["coefs"][k], state[0])
        assert arrays["n_iters"][k] == n_iter
    assert_array_equal(coef, state[0])


@pytest.fixture(scope="module")
def long_problem():
    """So many free columns that one refactorisation spends the work budget of a call."""
    rng = np.random.default_rng(0)
    p = 1400
    Z = np.linalg.qr(rng.standard_normal((p, 40)))[0]
    problem = Quadratic(Z[:, :1], Z[:, 0], "ridge")
    problem.p, problem.gram = p, Z @ Z.T + 0.01 * np.eye(p)
    problem.l1, problem.l2 = np.full(p, 1e-4), np.full(p, 0.1)
    problem.lower, problem.upper = np.full(p, -np.inf), np.full(p, np.inf)
    solution = rng.standard_normal(p)
    problem.response = problem.gram @ solution
    problem.norm = float(solution @ problem.response)
    return problem


def test_a_call_pauses_after_its_budget_and_the_next_goes_on(long_problem):
    from regularize.kernels import quadratic

    problem, solver = long_problem, quadratic.QuadraticSolver()
    state, statuses = problem.start(), []
    while not statuses or (statuses[-1] == quadratic.Status.PAUSED and len(statuses) < 50):
        status, _, *state = problem.solve(solver, 0.1, tol=1e-13, state=state)
        statuses.append(status)
        assert_allclose(state[1], problem.start(state[0])[1], rtol=0, atol=1e-9)  # valid whenever it returns
    assert statuses[0] == quadratic.Status.PAUSED
    assert statuses[-1] in {quadratic.Status.CONVERGED, quadratic.Status.STALLED}
    w = state[0]
    slope = problem.response - problem.gram @ w - 0.1 * (problem.l1 * np.sign(w) + problem.l2 * w)
    assert np.max(np.abs(slope[w != 0])) < 1e-7


def test_a_path_ends_early_after_its_budget_and_can_be_continued(long_problem):
    from regularize.kernels import quadratic

    problem, alphas = long_problem, np.array([0.1, 0.099, 0.05])
    arrays, (coef, correlations) = path_arrays(problem, alphas), problem.start()
    options = dict(tolerance=1e-10 * problem.norm, coef=coef, correlations=correlations)
    solver, stops = quadratic.QuadraticSolver(), [0]
    while stops[-1] < alphas.size and len(stops) < 50:
        stops.append(solver.solve_path(**arrays, **options, first=stops[-1]))
    assert len(stops) > 2 and stops[-1] == alphas.size and stops == sorted(stops)
    for k, alpha in enumerate(alphas):
        w = arrays["coefs"][k]
        slope = problem.response - problem.gram @ w - alpha * (problem.l1 * np.sign(w) + problem.l2 * w)
        assert np.max(np.abs(slope[w != 0])) < 1e-4


def test_what_only_goes_in_may_be_read_only(kernel):
    problem = Quadratic(*columns("full rank"))
    for name in ("gram", "response", "l1", "l2", "lower", "upper"):
        getattr(problem, name).flags.writeable = False
    assert problem.solve(kernel.QuadraticSolver(), 0.1)[0] == kernel.Status.CONVERGED


@pytest.mark.skipif(len(BUILT) < 2, reason="this processor or compiler has the baseline build only")
@pytest.mark.parametrize("penalty", PENALTIES)
def test_the_builds_agree(penalty):
    solvers = [importlib.import_module(f"regularize.kernels._quadratic_{build}") for build in BUILT]
    problem = Quadratic(*columns("full rank", p=25, n=40), penalty)
    for alpha in (0.5, 0.05, 0.005):
        baseline, v3 = (problem.solve(solver.QuadraticSolver(), alpha)[2] for solver in solvers)
        assert_allclose(v3, baseline, rtol=1e-8, atol=1e-10)
        assert_array_equal(v3 == 0, baseline == 0)
