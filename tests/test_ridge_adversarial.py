"""Inputs that look harmless and are not: constant columns, groups of equal rows, columns of very different sizes."""

from __future__ import annotations

import itertools
import warnings

import numpy as np
import pytest
from scipy import sparse

from regularize import Ridge, RidgeClassifierCV, RidgeCV, ridge_path
from ridge_judge import least_squares, reference
from ridge_refits import left_out_predictions

RNG = np.random.default_rng(0)
ALPHAS = [0.01, 1.0]


def left_out_errors(X, y, alphas):  # noqa: N803
    """Squared errors (n, k) of rows left out in turn, in extended precision."""
    errors = np.empty((len(y), len(alphas)))
    for i, (k, alpha) in itertools.product(range(len(y)), enumerate(alphas)):
        rest = np.arange(len(y)) != i
        coef, intercept = reference(X[rest], y[rest], alpha)
        errors[i, k] = np.square(y[i] - X[i] @ coef - intercept)
    return errors


def degrees_of_freedom(X, alpha):  # noqa: N803
    """1 + the trace of the hat matrix of the centred columns, in extended precision."""
    Z = X.astype(np.longdouble) - X.astype(np.longdouble).mean(axis=0)
    n, p = Z.shape
    matrix = np.vstack([Z, np.sqrt(np.longdouble(alpha)) * np.eye(p, dtype=np.longdouble)])
    return float(1 + sum(Z[i] @ least_squares(matrix, np.eye(n + p, dtype=np.longdouble)[i]) for i in range(n)))


class TestLeaveOneOutOfWideData:
    @pytest.mark.parametrize("n", [2, 6])
    def test_is_exact_for_two_groups_of_equal_rows(self, n):
        X = np.repeat([[0.0], [1.0]], n // 2, axis=0) * RNG.standard_normal(n + 3)
        y = RNG.standard_normal(n)
        expected = np.square(y[:, np.newaxis] - left_out_predictions(X, y[:, np.newaxis], ALPHAS)[:, 0])
        found = RidgeCV(ALPHAS, store_cv_results=True).fit(X, y).cv_results_
        np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-12)

    def test_by_svd_is_exact_for_one_column_among_zeros(self):
        X, y = np.zeros((6, 9)), RNG.standard_normal(6)
        X[:, 0] = RNG.standard_normal(6)
        expected = RidgeCV(ALPHAS, store_cv_results=True).fit(X[:, :1], y).cv_results_
        found = RidgeCV(ALPHAS, store_cv_results=True, gcv_mode="svd").fit(X, y).cv_results_
        np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-12)


class TestOneColumnThatIsMuchLarger:
    @pytest.mark.parametrize("shape", [(12, 4), (6, 10)])
    @pytest.mark.parametrize("mode", ["eigen", "svd"])
    def test_leaves_the_errors_of_left_out_rows_as_they_are(self, shape, mode):
        X = RNG.standard_normal(shape)
        X[:, 0] *= 1e8
        y = X[:, 1] + 0.1 * RNG.standard_normal(len(X))
        found = RidgeCV(ALPHAS, gcv_mode=mode, store_cv_results=True).fit(X, y).cv_results_
        np.testing.assert_allclose(found.mean(axis=0), left_out_errors(X, y, ALPHAS).mean(axis=0), rtol=1e-5)

    def test_leaves_the_degrees_of_freedom_of_the_others(self):
        X = RNG.standard_normal((6, 10))
        X[:, 0] *= 1e8
        alphas, *_, found = ridge_path(X, X[:, 1], ALPHAS, fit_intercept=True, return_diagnostics="df")
        np.testing.assert_allclose(found.df, [degrees_of_freedom(X, alpha) for alpha in alphas], rtol=1e-6)


@pytest.mark.parametrize("container", [np.asarray, sparse.csc_array])
@pytest.mark.parametrize("mean", [1e5, 1e7])
def test_an_unpenalised_column_of_ones_is_an_intercept(mean, container):
    X = RNG.standard_normal((60, 5)) + mean
    y = (X - mean).sum(axis=1) + RNG.standard_normal(60)
    ones, factor = container(np.c_[np.ones(60), X]), np.r_[0.0, np.ones(5)]
    alphas = np.logspace(-1, 3, 20)
    _, expected, _, same = ridge_path(X, y, alphas, fit_intercept=True, return_diagnostics="loo")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        _, coefs, _, found = ridge_path(ones, y, alphas, penalty_factor=factor, return_diagnostics="loo")
    if not caught:  # what is not told must be right
        np.testing.assert_allclose(coefs[1:], expected, atol=1e-6)
        np.testing.assert_allclose(found.loo_errors, same.loo_errors, rtol=1e-5)


class TestConstantColumns:
    @pytest.mark.parametrize("shape", [(50, 4), (8000, 20)])
    @pytest.mark.parametrize("cv", [None, 5])
    def test_with_weights_are_no_trouble(self, shape, cv):
        for seed in range(6):  # it is rounding that decides
            rng = np.random.default_rng(seed)
            X, y, weight = rng.standard_normal(shape), rng.standard_normal(len(range(shape[0]))), rng.random(shape[0])
            X[:, 0] = 3.7
            model = RidgeCV(cv=cv).fit(X, y, weight)
            assert model.coef_[0] == 0.0

    @pytest.mark.parametrize("estimator", [RidgeCV(), RidgeClassifierCV()])
    def test_alone_are_the_mean_of_y(self, estimator):
        y = np.array([1, 0, 1, 1])
        assert estimator.fit(np.ones((4, 1)), y).coef_ == 0.0

    @pytest.mark.parametrize("factor", [0.0, np.inf])
    def test_like_features_that_are_all_excluded_or_free_can_be_left_out_row_by_row(self, factor):
        X, y = RNG.standard_normal((8, 2)), RNG.standard_normal(8)
        model = RidgeCV([1.0], penalty_factor=[factor] * 2).fit(X, y)
        alone = np.zeros((8, 1)) if factor else X
        expected = np.square(y - left_out_predictions(alone, y[:, np.newaxis], [0.0 if factor == 0 else 1.0])[:, 0, 0])
        np.testing.assert_allclose(-model.best_score_, expected.mean(), rtol=1e-8)

    @pytest.mark.filterwarnings("error")
    def test_of_wide_data_are_silent(self):
        assert not Ridge().fit(np.ones((3, 5)), [0.0, 1.0, 3.0]).coef_.any()


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("fit_intercept", [False, True])
def test_a_target_that_no_column_explains_converges(fit_intercept):
    design = np.array(list(itertools.product([-1.0, 1.0], repeat=3)))
    y = 1.7 * design.prod(axis=1) + (0.3 if fit_intercept else 0.0)  # all main effects are zero
    model = Ridge(7.0, fit_intercept=fit_intercept).fit(design + 0.1 * fit_intercept, y)
    assert model.converged_


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("solver", ["lsqr", "sparse_cg"])
def test_conjugate_gradients_go_on_until_the_gap_is_what_tol_asks_for(solver):
    X = RNG.standard_normal((60, 30)) * np.logspace(-1.5, 1.5, 30)
    y = X[:, 0] / 0.03 + RNG.standard_normal(60)
    model = Ridge(1e-3, solver=solver, max_iter=1000).fit(X, y)
    assert model.dual_gap_ <= 1e-4 * np.square(y - y.mean()).sum()


@pytest.mark.parametrize("solver", ["auto", "svd", "lsqr"])
def test_unpenalised_features_may_have_any_size(solver):
    X = RNG.standard_normal((6, 10))
    X[:, 0] *= 1e9
    X[:, 1] /= 1e9
    y, factor = 1e9 * X[:, 1] + 0.1 * RNG.standard_normal(6), np.r_[0.0, 0.0, np.ones(8)]
    expected, _ = reference(X, y, 1.0, penalty_factor=factor)
    found = Ridge(1.0, penalty_factor=factor, solver=solver, tol=1e-12, max_iter=1000).fit(X, y).coef_
    np.testing.assert_allclose(found[1:], expected[1:].astype(float), rtol=1e-6)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("shape", [(8, 3), (3, 8)])
def test_alphas_that_cannot_be_squared_leave_the_mean_of_y(shape):
    X, y = RNG.standard_normal(shape), RNG.standard_normal(shape[0])
    *_, found = ridge_path(X, y, [1e300], fit_intercept=True, return_diagnostics=True)
    np.testing.assert_allclose(found.mean_squared_errors, np.var(y))


@pytest.mark.filterwarnings("error")
def test_targets_that_cannot_be_squared_have_an_infinite_gap_and_no_warning():
    X, y = RNG.standard_normal((8, 3)), RNG.standard_normal(8)
    model = Ridge().fit(X, 1e200 * y)
    np.testing.assert_allclose(model.coef_ / 1e200, Ridge().fit(X, y).coef_)


class TestBoundsThatMeet:
    @pytest.mark.parametrize("lower", [0.5, [0.5, -np.inf, -1.0]])
    @pytest.mark.parametrize("factor", [1.0, 0.0])
    def test_fix_a_coefficient(self, lower, factor):
        X, y = RNG.standard_normal((12, 3)), RNG.standard_normal(12)
        upper = 0.5 if np.ndim(lower) == 0 else [0.5, np.inf, np.inf]
        model = Ridge(bounds=(lower, upper), penalty_factor=np.full(3, factor)).fit(X, y)
        assert model.coef_[0] == 0.5

    def test_may_have_a_prior_elsewhere_where_there_is_no_penalty(self):
        X, y = RNG.standard_normal((12, 2)), RNG.standard_normal(12)
        bounds, factor = ([0.5, -1.0], [0.5, 1.0]), [0.0, 1.0]
        assert Ridge(bounds=bounds, penalty_factor=factor, coef_prior=[1.0, 0.0]).fit(X, y).coef_[0] == 0.5


def test_a_row_that_alone_tells_a_free_coefficient_is_predicted_without_it_or_not_at_all():
    X, y = RNG.standard_normal((10, 3)), RNG.standard_normal(10)
    X[:, 2] = np.arange(10) == 0
    factor = [1.0, 1.0, 0.0]
    left_out = np.arange(1, 10)
    coef, intercept = reference(X[left_out, :2], y[left_out], 1.0)
    expected = np.square(y[0] - X[0, :2] @ coef - intercept)  # what cv=LeaveOneOut() gives
    found = RidgeCV([1.0], penalty_factor=factor, store_cv_results=True).fit(X, y).cv_results_[0, 0]
    assert not np.isfinite(found) or found == pytest.approx(float(expected))


def test_the_criterion_of_a_saturated_model_has_its_limit_or_is_infinite():
    X, y = RNG.standard_normal((20, 20)), RNG.standard_normal(20)
    alphas = np.logspace(-12, -4, 9)
    values, vectors = np.linalg.eigh((X - X.mean(axis=0)) @ (X - X.mean(axis=0)).T)
    shares = alphas / (values[1:, np.newaxis] + alphas)
    residuals = np.square(shares * (vectors[:, 1:].T @ y)[:, np.newaxis])
    expected = residuals.sum(axis=0) / shares.sum(axis=0) ** 2 * 20
    found = -RidgeCV(alphas, criterion="gcv").fit(X, y).cv_mean_
    finite = np.isfinite(found)
    np.testing.assert_allclose(found[finite], expected[finite], rtol=1e-3)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("alpha", [0.0, 1e-30])
def test_folds_without_a_penalty_converge(alpha):
    X, y = RNG.standard_normal((30, 4)), RNG.standard_normal(30)
    assert RidgeCV([alpha, 1.0], cv=3).fit(X, y).converged_


def test_constant_targets_are_predicted_exactly():
    X = RNG.standard_normal((22, 3))
    assert RidgeCV(cv=3).fit(X, np.full(22, 1.0)).best_score_ == 1.0


def test_unchecked_integers_have_coefficients_that_are_no_integers():
    X, y = RNG.integers(-9, 9, (12, 3)), RNG.standard_normal(12)
    np.testing.assert_allclose(ridge_path(X, y, [1.0], check_input=False)[1], ridge_path(X, y, [1.0])[1])


@pytest.mark.filterwarnings("error")
def test_many_coefficients_of_one_sign_converge():
    X, y = RNG.standard_normal((50, 2000)), RNG.standard_normal(50)
    assert Ridge(positive=True).fit(X, y).converged_


@pytest.mark.parametrize(
    "fit", [Ridge().fit, RidgeCV().fit, RidgeCV(cv=2).fit, ridge_path], ids=["fit", "leave-one-out", "folds", "path"]
)
@pytest.mark.parametrize("size", [1e160, 1e300])
def test_columns_too_large_to_be_squared_are_refused_in_words_of_ridge(fit, size):
    X = size * RNG.standard_normal((9, 4))
    with pytest.raises(ValueError, match="too large to be squared|overflows; rescale X"):
        fit(X, X[:, 0] / size)
