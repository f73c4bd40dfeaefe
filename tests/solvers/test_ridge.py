"""Whichever form solves a ridge problem: which one is taken, that it is right, and how often it reads X."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from problems import dense
from regularize.penalties import Penalty
from regularize.solvers.ridge import RidgeSolver, feature_form, krylov_form, sample_form, small_form
from regularize.solvers.ridge import solver as engine
from ridge_engine import OPTIONS, RidgeData, option, ridge_data
from ridge_judge import judge_ridge

ALPHAS = np.array([1e3, 3.0, 1e-2])
SHAPES = {"tall": (25, 8), "square": (9, 9), "wide": (9, 20)}
METHODS = ("auto", "cholesky", "svd", "cg")  # small data are solved at once if none of the forms is asked for
MODEST = 10.0  # times the rounding of a true solution
EPS = np.finfo(np.float64).eps


@pytest.fixture
def made(monkeypatch):
    """The forms that solvers make, in order."""
    forms = []

    def spied(form):
        class Spy(form):
            def __init__(self, *arguments, **keywords):
                super().__init__(*arguments, **keywords)
                forms.append(f"{form.__name__} {self.name}")

        return Spy

    modules = {
        "FeatureForm": feature_form,
        "SampleForm": sample_form,
        "KrylovForm": krylov_form,
        "SmallForm": small_form,
    }
    for name, module in modules.items():
        monkeypatch.setattr(engine, name, spied(getattr(module, name)))
    return forms


def assert_solved(data, alphas, result, rtol=1e-9):
    """Coefficients and intercepts are the true ones, up to rtol of their sizes; errors and gaps belong to them."""
    coefs, intercepts = data.truth(alphas)
    sizes = np.abs(coefs).max(axis=2, keepdims=True)
    assert_allclose(result.coefs / sizes, coefs / sizes, rtol=0, atol=rtol)
    levels = np.abs(data.targets).max(axis=0)
    assert_allclose(result.intercepts / levels, intercepts / levels, rtol=0, atol=rtol)
    assert result.converged.all()
    assert np.all(result.dual_gaps >= 0)
    weights = np.full(len(data.targets), 1.0) if data.weights is None else data.weights
    left = data.targets.T - result.coefs @ dense(data.X).T - result.intercepts[..., np.newaxis]
    assert_allclose(result.squared_errors, left**2 @ weights / weights.sum(), rtol=1e-6, atol=1e-12 * levels.max() ** 2)


# ------------------------------------------------------------------------------------------ right


@pytest.mark.parametrize("name", OPTIONS)
@pytest.mark.parametrize("layout", ["C", "F", "CSC int32"])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("method", METHODS)
def test_every_form_finds_the_solution(method, shape, layout, name):
    data = ridge_data(*SHAPES[shape], **option(name, *SHAPES[shape])).stored(layout)
    result = data.solve(ALPHAS, method=method)
    assert result.method == (method if method != "auto" else "cholesky")
    assert_solved(data, ALPHAS, result, rtol=1e-9 if method != "cg" else 1e-7)


@pytest.mark.parametrize("layout", ["F float32", "C memory-mapped", "CSC int64", "CSC float32", "CSC not canonical"])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("method", METHODS)
def test_every_form_reads_every_layout(method, shape, layout):
    data = ridge_data(*SHAPES[shape], **option("everything", *SHAPES[shape])).stored(layout)
    assert_solved(data, ALPHAS, data.solve(ALPHAS, method=method), rtol=1e-9 if method != "cg" else 1e-7)


@pytest.mark.parametrize("n_alphas", [1, 30])  # by Cholesky, and from one reduction
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("certified", [True, False])
def test_few_answers_and_many_are_the_same(shape, n_alphas, certified):
    data = ridge_data(*SHAPES[shape], **option("everything", *SHAPES[shape]))
    solver = data.solver(n_alphas=n_alphas)
    solver.certified = certified
    assert_solved(data, ALPHAS, solver.path(data.inner(ALPHAS)))
    one = solver.path(data.inner(ALPHAS[1:2]))
    assert_solved(data, ALPHAS[1:2], one)


@pytest.mark.parametrize("shape", ["tall", "wide"])
@pytest.mark.parametrize("method", METHODS)
def test_each_target_may_have_its_own_alphas(method, shape):
    data = ridge_data(*SHAPES[shape], t=4, **option("everything", *SHAPES[shape], t=4))
    alphas = np.array([[1e3, 1.0, 1.0, 10.0], [0.1, 1.0, 0.1, 1e-3]])
    together = data.solve(alphas, method=method)
    for j in range(4):
        alone = RidgeData(**vars(data) | {"targets": data.targets[:, j : j + 1], "prior": data.prior[j : j + 1]}).solve(
            alphas[:, j], method=method
        )
        for name in ("coefs", "intercepts", "squared_errors", "tolerance", "converged"):
            of_target = np.take(getattr(together, name), [j], axis=-2 if name == "coefs" else -1)
            assert_allclose(of_target, getattr(alone, name), rtol=1e-6, err_msg=name)


@pytest.mark.parametrize("shape", ["tall", "wide"])
@pytest.mark.parametrize("method", METHODS)
def test_a_target_without_variance_has_the_model_of_its_mean(method, shape):
    data = ridge_data(*SHAPES[shape])
    data.targets[:, 1] = 0.1
    data.targets[:, 2] = 0.0
    result = data.solve(ALPHAS, method=method)
    assert_array_equal(result.coefs[:, 1:], 0.0)
    assert_allclose(result.intercepts[:, 1:], [[0.1, 0.0]] * 3, rtol=1e-15)
    assert_array_equal(result.squared_errors[:, 1:], 0.0)
    assert result.converged.all()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("factor", [[np.inf] * 4, [0.0] * 4, [0.0, np.inf, 0.0, np.inf]], ids=str)
def test_nothing_may_be_penalised(method, factor):
    data = ridge_data(12, 4, factor=np.array(factor))
    result = data.solve(ALPHAS, method=method)
    free = np.column_stack([np.ones(12), data.X * (np.array(factor) == 0)])
    expected = np.linalg.lstsq(free, data.targets)[0]
    for coefs, intercepts in zip(result.coefs, result.intercepts, strict=True):
        assert_allclose(coefs, expected[1:].T, rtol=1e-9, atol=1e-9)
        assert_allclose(intercepts, expected[0], rtol=1e-9)
    assert result.converged.all()


@pytest.mark.parametrize("shape", ["tall", "wide"])
@pytest.mark.parametrize("method", METHODS)
def test_df_and_leave_one_out_are_those_of_explicit_fits(method, shape):
    """Conjugate gradients have no answer to that: a factorisation gives it."""
    n, p = SHAPES[shape]
    data = ridge_data(n, p, **option("everything", n, p) | {"standardize": False})
    solver = data.solver(method=method, n_alphas=ALPHAS.size)
    inner = ALPHAS / data.total
    # The trace of the hat matrix: what each row's fit gains when its response is raised by one, off the prior.
    kept = data.weights > 0
    raised = RidgeData(**vars(data) | {"targets": np.eye(n)[:, kept], "prior": None})
    coefs, intercepts = raised.truth(ALPHAS)
    hat = np.einsum("kip,ip->k", coefs, data.X[kept]) + intercepts.sum(axis=1)
    assert_allclose(solver.effective_df(inner), hat, rtol=1e-9)
    found = np.empty((3, *data.targets.T.shape))
    for positions, errors in solver.leave_one_out(inner):
        found[positions] = errors
    for i in range(3):
        for row in (0, n - 1, int(np.flatnonzero(data.weights == 0)[0])):
            rest = np.arange(n) != row
            fewer = RidgeData(
                **vars(data) | {"X": data.X[rest], "targets": data.targets[rest], "weights": data.weights[rest]}
            )
            coefs, intercepts = fewer.truth(ALPHAS[i : i + 1])
            expected = data.targets[row] - coefs[0] @ data.X[row] - intercepts[0]
            assert_allclose(found[i][:, row], expected, rtol=1e-8)


def test_bounds_are_kept_and_the_claim_about_them_is_true():
    data = ridge_data(30, 6)
    lower, upper = np.array([-0.1, 0, -np.inf, 0.2, 0, -1]), np.array([0.1, np.inf, 0, 0.3, 0, np.inf])
    penalty = Penalty.elastic_net(6, 0.0, lower=lower, upper=upper)
    prior = np.array([0.0, 1.0, 0.5, 0.0, 0.0, -2.0])
    solver = RidgeSolver(data.design(), data.targets, penalty, prior=prior, tol=1e-10)
    alphas = np.array([[1.0, 10.0, 3.0], [5.0, 0.1, 0.0]])
    result = solver.path(alphas / 30)
    assert result.method == "descent"
    assert result.converged.all()
    assert np.all((result.coefs >= lower) & (result.coefs <= upper))
    for i, j in np.ndindex(2, 3):
        coef, y = result.coefs[i, j], data.targets[:, j]
        left = y - data.X @ coef - result.intercepts[i, j]
        assert left.sum() == pytest.approx(0.0, abs=1e-9 * np.abs(y).sum())
        slope = data.X.T @ left - alphas[i, j] * (coef - prior)
        slope /= np.abs(data.X.T @ y).max()
        assert np.all((slope < 1e-6) | (coef == upper)) and np.all((slope > -1e-6) | (coef == lower))


@pytest.mark.parametrize("method", METHODS)
def test_an_excluded_feature_is_no_bound(method, made):
    data = ridge_data(factor=np.where(np.arange(8) == 3, np.inf, 1.0))
    assert data.solve(ALPHAS, method=method).method != "descent"
    assert len(made) == 1


# ----------------------------------------------------------------------------------------- choice


@pytest.mark.parametrize(
    ("shape", "layout", "method", "expected"),
    [
        ("tall", "F", "auto", "SmallForm cholesky"),
        ("wide", "C", "auto", "SmallForm cholesky"),
        ("tall", "F", "cholesky", "FeatureForm cholesky"),
        ("square", "F", "cholesky", "FeatureForm cholesky"),
        ("wide", "C", "cholesky", "SampleForm cholesky"),
        ("tall", "C", "svd", "FeatureForm svd"),
        ("wide", "F", "svd", "SampleForm svd"),
        ("tall", "CSC int32", "auto", "FeatureForm cholesky"),
        ("wide", "CSC int64", "auto", "SampleForm cholesky"),
        ("tall", "F", "cg", "KrylovForm cg"),
        ("wide", "CSC int32", "cg", "KrylovForm cg"),
    ],
)
def test_the_smaller_matrix_is_factorised_unless_something_else_is_asked_for(shape, layout, method, expected, made):
    ridge_data(*SHAPES[shape]).stored(layout).solve(ALPHAS, method=method)
    assert made == [expected]


@pytest.mark.parametrize("layout", ["C", "CSC int32"])
def test_what_is_too_large_is_left_to_conjugate_gradients(layout, made, monkeypatch):
    monkeypatch.setattr(engine, "LARGEST_DENSE", 7)
    monkeypatch.setattr(engine, "LARGEST_SPARSE", 7)
    data = ridge_data(25, 8).stored(layout)
    assert data.solve(ALPHAS).method == "cg"
    assert data.solve(ALPHAS, method="cholesky").method == "cholesky"
    assert ridge_data(25, 7).stored(layout).solve(ALPHAS).method == "cholesky"


@pytest.mark.parametrize(
    ("condition", "alphas", "factor", "expected"),
    [
        (1e3, ALPHAS, None, ["SmallForm cholesky"]),
        (1e6, [4e-9], None, ["SmallForm cholesky", "FORM cholesky"]),
        (1e3, [1e3, 3.0, 1.0, 1e-2], None, ["FORM cholesky"]),
        (1e3, ALPHAS, 0, ["FORM cholesky"]),
    ],
    ids=["plain", "ill-conditioned", "more alphas than three", "an unpenalised feature"],
)
@pytest.mark.parametrize("shape", ["tall", "wide"])
def test_what_small_data_ask_for_beyond_one_call_is_left_to_the_forms(shape, condition, alphas, factor, expected, made):
    n, p = SHAPES[shape]
    data = with_condition(n, p, condition)
    data = RidgeData(data.X, data.targets, factor=None if factor is None else np.r_[factor, np.ones(p - 1)])
    assert_solved(data, np.array(alphas), data.solve(alphas), rtol=1e-9 if condition < 1e6 else 1e-7)
    assert made == [name.replace("FORM", FORM_OF[shape]) for name in expected]


def test_sparse_x_is_factorised_where_that_is_less_work_than_iterations(made, monkeypatch):
    monkeypatch.setattr(engine, "WORTH_A_PRODUCT", 0.06)
    for t, expected in ((1, "KrylovForm cg"), (100, "FeatureForm cholesky")):
        ridge_data(40, 12, t=t).stored("CSC int32").solve(ALPHAS)
        assert made.pop() == expected


def test_error_estimates_need_a_factorisation_which_is_made_when_they_are_asked_for(made):
    data = ridge_data(25, 8).stored("CSC int32")
    solver = data.solver(method="cg")
    solver.path(data.inner(ALPHAS))
    assert made == ["KrylovForm cg"]
    solver.effective_df(ALPHAS)
    list(solver.leave_one_out(ALPHAS))
    assert made == ["KrylovForm cg", "FeatureForm cholesky"]


# --------------------------------------------------------------------------------------- fallback


def with_condition(n, p, condition):
    """Data whose singular values fall evenly in logarithm, and a response that all of them matter for."""
    rng = np.random.default_rng(3)
    rank = min(n, p)
    left, right = (np.linalg.qr(rng.standard_normal((size, rank)))[0] for size in (n, p))
    X = left * np.geomspace(1, 1 / condition, rank) @ right.T
    y = left @ rng.standard_normal(rank) + 0.1 * rng.standard_normal(n)
    return RidgeData(np.asfortranarray(X), y[:, np.newaxis])


FORM_OF = {"tall": "FeatureForm", "wide": "SampleForm"}


@pytest.mark.parametrize("n_alphas", [1, 20])
@pytest.mark.parametrize("shape", ["tall", "wide"])
def test_columns_of_very_different_sizes_are_no_reason_to_leave_cholesky(shape, n_alphas, made):
    n, p = SHAPES[shape]
    data = ridge_data(n, p)
    sizes = np.geomspace(1e-6, 1e6, p) if shape == "tall" else np.geomspace(1e-3, 1e3, n)[:, np.newaxis]
    data = RidgeData(data.X * sizes, data.targets)
    result = data.solve(np.array([1.0]), n_alphas=n_alphas, method="cholesky")
    assert made == [f"{FORM_OF[shape]} cholesky"]
    coefs, _ = data.truth(np.array([1.0]))
    norms = np.linalg.norm(data.X, axis=0)
    assert_allclose(result.coefs * norms, coefs * norms, rtol=1e-6, atol=1e-9 * np.abs(coefs * norms).max())


def residual_of_rounding(data, alpha):
    """The largest residual of the true solution, whose coefficients have moved to a float64 beside the nearest one."""
    coefs, intercepts = data.truth(np.array([alpha]))
    nearest, rng = coefs[0, 0].astype(np.float64), np.random.default_rng(0)
    rounded = (nearest + rng.choice([-1.0, 0.0, 1.0], nearest.size) * np.spacing(nearest) for _ in range(20))
    y, intercept = data.targets[:, 0], intercepts[0, 0]
    return max(judge_ridge(data.X, y, alpha, coef, intercept).residual for coef in rounded)


@pytest.mark.parametrize("condition", [1e9, 1e14])
@pytest.mark.parametrize("shape", ["tall", "wide"])
def test_of_an_ill_conditioned_path_only_the_small_alphas_decompose_x(shape, condition, made):
    """These are then solved as well as rounding their true solutions would; the others lose what a matrix loses."""
    data = with_condition(*SHAPES[shape], condition)
    alphas = np.array([1.0, 1e-3, 1e-15, 1e-17])
    result = data.solve(alphas)
    assert made == [f"{FORM_OF[shape]} cholesky", f"{FORM_OF[shape]} svd"]
    decomposed = alphas < 1e-3
    largest = np.linalg.norm(data.X - data.X.mean(axis=0), 2) ** 2
    for i, alpha in enumerate(alphas):
        verdict = judge_ridge(data.X, data.targets[:, 0], alpha, result.coefs[i, 0], result.intercepts[i, 0])
        matrix = 0.0 if decomposed[i] else EPS * (largest + alpha) / alpha
        assert verdict.residual <= MODEST * max(residual_of_rounding(data, alpha), matrix)
    made.clear()
    data.solve(alphas[:2], method="cholesky")
    assert made == [f"{FORM_OF[shape]} cholesky"]


@pytest.mark.parametrize("shape", ["tall", "wide"])
def test_what_is_well_conditioned_never_is_decomposed(shape, made):
    with_condition(*SHAPES[shape], 1e3).solve(np.geomspace(10, 1e-4, 30))
    assert made == [f"{FORM_OF[shape]} cholesky"]


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_without_a_penalty_and_of_deficient_rank_the_smallest_solution_is_found(order, fit_intercept, made):
    rng = np.random.default_rng(4)
    for X, form in (
        (rng.standard_normal((20, 3)) @ rng.standard_normal((3, 7)), "FeatureForm svd"),
        (np.repeat(rng.standard_normal((4, 12)), 2, axis=0), "SampleForm svd"),
    ):
        data = RidgeData(np.array(X, order=order), rng.standard_normal((len(X), 2)), fit_intercept=fit_intercept)
        result = data.solve(np.zeros(1))
        assert made[-1] == form
        centred = X - X.mean(axis=0) if fit_intercept else X
        smallest = np.linalg.lstsq(centred, data.targets - fit_intercept * data.targets.mean(axis=0), rcond=1e-12)[0]
        assert_allclose(result.coefs[0], smallest.T, rtol=1e-9, atol=1e-10)


def test_unpenalised_features_that_depend_on_each_other_are_fitted_all_the_same(made):
    data = ridge_data(30, 6, factor=np.array([0.0, 0.0, 0.0, 1.0, 1.0, 1.0]))
    data.X[:, 2] = data.X[:, 0] - 2 * data.X[:, 1] + 1.0
    result = data.solve(ALPHAS)
    assert made == ["FeatureForm cholesky", "FeatureForm svd"]
    once = RidgeData(data.X[:, [0, 1, 3, 4, 5]], data.targets, factor=np.array([0.0, 0.0, 1.0, 1.0, 1.0]))
    expected = once.solve(ALPHAS)
    assert_allclose(result.coefs[..., 3:], expected.coefs[..., 2:], rtol=1e-9)
    assert_allclose(result.squared_errors, expected.squared_errors, rtol=1e-9)


# --------------------------------------------------------------------------------------- readings


@pytest.mark.parametrize(
    ("shape", "layout", "of_one", "of_many"),
    [
        ("tall", "F", 2, 1),  # statistics; the residual of a few answers
        ("tall", "CSC int32", 5, 3),  # means, Gram matrix, correlations; the residual, in two products
        ("wide", "C", 2, 3),  # kernel, coefficients; the centre where they are not corrected by X
        ("wide", "CSC int32", 3, 3),
    ],
)
def test_a_path_reads_x_about_as_often_as_one_fit(shape, layout, of_one, of_many):
    data = ridge_data(*SHAPES[shape], t=1).stored(layout)
    for alphas, at_most in ((ALPHAS[:1], of_one), (np.geomspace(1e3, 1e-1, 100), of_many)):
        design = data.design()
        data.solve(alphas, design=design)
        assert design.n_passes <= at_most


def test_a_solver_that_need_not_be_certified_reads_dense_x_once():
    data = ridge_data(t=1)
    design = data.design()
    solver = data.solver(design)
    solver.certified = False
    solver.path(data.inner(ALPHAS[1:2]))
    assert design.n_passes == 1
