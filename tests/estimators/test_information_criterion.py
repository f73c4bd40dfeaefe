"""LassoIC and ElasticNetIC: degrees of freedom, values of the criteria, and how they behave as estimators."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from scipy.special import comb
from sklearn.datasets import make_regression
from sklearn.linear_model import LassoLarsIC
from sklearn.utils.estimator_checks import check_estimator

from regularize import ElasticNetIC, Lasso, LassoIC
from regularize.solvers.degrees_of_freedom import _trace_by_columns

CRITERIA = ["aic", "aicc", "bic", "ebic", "gcv"]
TIGHT = {"tol": 1e-12, "max_iter": 10_000}


@pytest.fixture
def data():
    return make_regression(n_samples=60, n_features=12, n_informative=4, bias=3.0, noise=20.0, random_state=0)


def trace(X, weight, coef, alpha, *, l1_ratio, fit_intercept=True, standardize=False):
    """trace[X_A (X_A'WX_A + n alpha (1 - l1_ratio) D)^-1 X_A'W], with D the variances if standardised."""
    mean = np.average(X, axis=0, weights=weight)
    variance = np.average((X - mean) ** 2, axis=0, weights=weight)
    active = coef != 0
    X = ((X - mean) if fit_intercept else X)[:, active]
    l2 = weight.sum() * alpha * (1 - l1_ratio) * (variance[active] if standardize else np.ones(active.sum()))
    gram = X.T @ (weight[:, None] * X)
    return np.trace(X @ np.linalg.solve(gram + np.diag(l2), X.T * weight))


@pytest.mark.parametrize("layout", [np.asarray, sparse.csc_array])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("standardize", [True, False])
@pytest.mark.parametrize("l1_ratio", [1.0, 0.4])
def test_degrees_of_freedom_are_the_trace_of_the_hat_matrix(layout, fit_intercept, standardize, l1_ratio, data):
    X, y = data
    X = X * np.geomspace(0.1, 10.0, X.shape[1])
    weight = np.linspace(0.0, 2.0, len(y))
    options = {"fit_intercept": fit_intercept, "standardize": standardize}
    model = ElasticNetIC(l1_ratio=l1_ratio, alphas=12, **options, **TIGHT).fit(layout(X), y, weight)
    expected = [
        trace(X, weight, coef, alpha, l1_ratio=l1_ratio, **options)
        for alpha, coef in zip(model.alphas_, model.coef_path_.T, strict=True)
    ]
    assert_allclose(model.df_, expected, rtol=1e-9, atol=1e-9)
    assert model.df_[0] == 0 and model.df_[-1] > 5


def test_on_an_orthogonal_design_each_active_feature_counts_its_shrinkage():
    X = np.linalg.qr(np.random.default_rng(0).normal(size=(40, 5)))[0] * np.sqrt(40)  # X'X = n I
    y = X @ [5.0, 4.0, 3.0, 2.0, 1.0]
    alphas = np.array([3.7, 1.3, 0.2])
    model = ElasticNetIC(l1_ratio=0.7, alphas=alphas, fit_intercept=False, noise_variance=1.0, **TIGHT).fit(X, y)
    n_active = [(np.arange(1, 6) > 0.7 * alpha).sum() for alpha in alphas]
    assert_allclose(model.df_, n_active / (1 + 0.3 * alphas))


def test_ridge_with_more_features_than_rows_has_the_degrees_of_freedom_of_its_eigenvalues():
    rng = np.random.default_rng(0)
    X, y, alphas = rng.normal(size=(15, 40)), rng.normal(size=15), np.array([10.0, 0.1])
    squares = np.linalg.svd(X - X.mean(axis=0), compute_uv=False) ** 2
    expected = [(squares / (squares + 15 * alpha)).sum() for alpha in alphas]
    for layout in (np.asarray, sparse.csc_array):
        model = ElasticNetIC(l1_ratio=0.0, alphas=alphas, noise_variance=1.0, **TIGHT).fit(layout(X), y)
        assert_allclose(model.df_, expected, rtol=1e-9)


@pytest.mark.parametrize("n_samples", [60, 12])
def test_unpenalised_features_count_in_full(n_samples, data):
    """Also with more active features than rows, where they are projected out."""
    X, y = data[0][:n_samples], data[1][:n_samples]
    X = np.c_[X, X**2]
    factor = np.r_[0.0, 0.0, np.ones(22)]
    model = ElasticNetIC(l1_ratio=0.0, alphas=[1e9, 1.0], penalty_factor=factor, noise_variance=1.0, tol=1e-8).fit(X, y)
    assert_allclose(model.df_[0], 2.0, atol=1e-5)
    centred = X - X.mean(axis=0)
    hat = centred @ np.linalg.solve(centred.T @ centred + n_samples * np.diag(factor), centred.T)
    assert_allclose(model.df_[1], np.trace(hat), rtol=1e-8)


@pytest.mark.parametrize("n_samples", [300, 25])
def test_at_the_default_tolerance_features_of_neighbouring_alphas_hardly_count(n_samples):
    X, y = make_regression(n_samples=n_samples, n_features=40, n_informative=10, noise=20.0, random_state=1)
    alphas = np.geomspace(20.0, 2.0, 60)
    expected = LassoIC(alphas=alphas, noise_variance=400.0, **TIGHT).fit(X, y).df_
    found = LassoIC(alphas=alphas, noise_variance=400.0).fit(X, y).df_
    assert np.abs(found - expected).sum() <= 10  # over 20 if what lies between solutions were interpolated


def test_the_rank_counts_and_not_the_number_of_features(data):
    X, y = data
    unpenalised = Lasso(alpha=1.0, **TIGHT).fit(X, y).coef_
    doubled = np.c_[X, X[:, :3], X[:, 0] + X[:, 1]]
    model = LassoIC(alphas=[1.0], penalty_factor=np.r_[np.zeros(3), np.ones(9), np.zeros(4)], noise_variance=1.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        df = model.fit(doubled, y).df_[0]
    assert df == np.linalg.matrix_rank((doubled - doubled.mean(axis=0))[:, (model.coef_ != 0)])
    assert df <= X.shape[1] < 16 and (unpenalised != 0).any()


def test_a_column_that_rounding_alone_makes_independent_does_not_count():
    gram = np.array([[2.0, 2.0], [2.0, 2.0 + 1e-14]])
    assert np.linalg.cholesky(gram)[1, 1] > 0
    assert _trace_by_columns(gram, np.zeros(2)) == 1
    assert _trace_by_columns(gram, np.array([0.0, 0.5])) == pytest.approx(1)


def test_a_feature_at_its_bound_does_not_count(data):
    X, y = data
    free = LassoIC(alphas=[0.1], **TIGHT).fit(X, y)
    upper = np.where(np.arange(12) == np.argmax(free.coef_), 1.0, np.inf)
    model = LassoIC(alphas=[0.1], bounds=(None, upper), **TIGHT).fit(X, y)
    assert model.coef_.max() > 0 and model.coef_[np.argmax(free.coef_)] == 1.0
    assert model.df_[0] == np.count_nonzero(model.coef_) - 1


@pytest.mark.parametrize("criterion", ["aic", "bic"])
@pytest.mark.parametrize("noise_variance", [300.0, None])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("positive", [True, False])
def test_values_are_those_of_lasso_lars_ic(criterion, noise_variance, fit_intercept, positive, data):
    X, y = data
    options = {"criterion": criterion, "noise_variance": noise_variance, "fit_intercept": fit_intercept}
    expected = LassoLarsIC(**options, positive=positive).fit(X, y)
    # A hair above a knot the feature that enters there is zero for both.
    knots = slice(0, np.flatnonzero(expected.alphas_ > 1e-3)[-1] + 1)
    model = LassoIC(alphas=expected.alphas_[knots] * (1 + 1e-8), positive=positive, **options, **TIGHT).fit(X, y)
    assert_allclose(model.noise_variance_, expected.noise_variance_, rtol=1e-8)
    assert_allclose(model.criterion_, expected.criterion_[knots], rtol=1e-6)
    assert model.alpha_ == pytest.approx(expected.alpha_)


@pytest.mark.parametrize("criterion", CRITERIA)
@pytest.mark.parametrize("known", [True, False])
def test_values_are_those_of_the_formulas(criterion, known):
    X, y = make_regression(n_samples=40, n_features=60, n_informative=3, noise=5.0, random_state=1)
    alphas = np.array([50.0, 20.0, 8.0])
    model = LassoIC(criterion, alphas=alphas, ebic_gamma=0.5, noise_variance=30.0 if known else None, **TIGHT).fit(X, y)
    n, p = X.shape
    for k, alpha in enumerate(alphas):
        single = Lasso(alpha=alpha, **TIGHT).fit(X, y)
        rss, df = np.sum((y - single.predict(X)) ** 2), np.count_nonzero(single.coef_)
        variance = 30.0 if known else rss / n
        fit = n * np.log(2 * np.pi * variance) + rss / variance
        count = df + 1 + (not known)
        expected = {
            "aic": fit + 2 * df,
            "aicc": fit + 2 * df + 2 * count * (count + 1) / (n - count - 1),
            "bic": fit + np.log(n) * df,
            "ebic": fit + np.log(n) * df + np.log(comb(p, df)),
            "gcv": n * rss / (n - df - 1) ** 2,
        }
        assert df > 0
        assert_allclose(model.criterion_[k], expected[criterion], rtol=1e-8)
    assert (model.noise_variance_ == 30.0) if known and criterion != "gcv" else model.noise_variance_ is None


def test_without_a_variance_models_that_use_half_of_the_rows_are_left_out():
    X, y = make_regression(n_samples=30, n_features=80, n_informative=3, noise=5.0, random_state=0)
    model = LassoIC("bic", eps=1e-4, **TIGHT).fit(X, y)
    assert_array_equal(np.isinf(model.criterion_), model.df_ + 1 > 15)
    assert model.df_.max() > 25 and np.count_nonzero(model.coef_) <= 15


@pytest.mark.parametrize("model", [LassoIC, ElasticNetIC])
@pytest.mark.parametrize("criterion", CRITERIA)
def test_a_weight_is_a_number_of_rows(model, criterion, data):
    X, y = data
    weight = np.arange(len(y)) % 4
    weighted = model(criterion, alphas=20, **TIGHT).fit(X, y, weight)
    repeated = model(criterion, alphas=20, **TIGHT).fit(np.repeat(X, weight, axis=0), np.repeat(y, weight))
    assert_allclose(weighted.criterion_, repeated.criterion_, rtol=1e-8)
    assert_allclose(weighted.df_, repeated.df_, atol=1e-8)
    assert_allclose(weighted.coef_, repeated.coef_, rtol=1e-6, atol=1e-6)
    assert weighted.alpha_ == pytest.approx(repeated.alpha_)


@pytest.mark.parametrize("criterion", CRITERIA)
@pytest.mark.parametrize("standardize", [True, False])
def test_sparse_equals_dense(criterion, standardize):
    X, y = make_regression(n_samples=50, n_features=70, n_informative=5, noise=3.0, random_state=0)
    X[np.abs(X) < 1.0] = 0.0
    options = {"alphas": 30, "standardize": standardize, "l1_ratio": 0.8, **TIGHT}
    dense = ElasticNetIC(criterion, **options).fit(X, y)
    for layout in (sparse.csc_array, sparse.csr_matrix):
        model = ElasticNetIC(criterion, **options).fit(layout(X), y)
        assert_allclose(model.criterion_, dense.criterion_, rtol=1e-7)
        assert_allclose(model.coef_, dense.coef_, atol=1e-5)
        assert model.alpha_ == pytest.approx(dense.alpha_)


def test_standardizing_equals_standardized_columns(data):
    X, y = data
    X = X * np.geomspace(0.1, 10.0, 12)
    scaled = ElasticNetIC("bic", **TIGHT).fit((X - X.mean(axis=0)) / X.std(axis=0), y)
    model = ElasticNetIC("bic", standardize=True, **TIGHT).fit(X, y)
    assert_allclose(model.criterion_, scaled.criterion_, rtol=1e-8)
    assert_allclose(model.coef_ * X.std(axis=0), scaled.coef_, rtol=1e-5)


def test_attributes_are_those_of_the_best_alpha(data):
    X, y = data[0].astype(np.float32), data[1]
    model = LassoIC("bic", alphas=[1.0, 5.0, 0.1]).fit(X, y)
    best = np.argmin(model.criterion_)
    assert_array_equal(model.alphas_, [5.0, 1.0, 0.1])
    assert model.alpha_ == model.alphas_[best]
    assert_array_equal(model.coef_, model.coef_path_[:, best])
    assert model.intercept_ == model.intercept_path_[best]
    assert model.coef_.dtype == np.float32 and model.coef_path_.shape == (12, 3)
    assert model.converged_ and model.n_iter_ >= 1
    assert LassoIC(fit_intercept=False).fit(X, y).intercept_ == 0.0


class Hooks:
    """A callback of scikit-learn 1.9 that writes down its tasks and the score that it can compute at the end."""

    def __init__(self):
        self.events = []

    def setup(self, estimator, context):
        pass

    teardown = setup

    def on_fit_task_begin(self, estimator, context):
        self.events.append(f"begin {context.task_name}")

    def on_fit_task_end(self, estimator, context, *, X=None, y=None, fitted_estimator=None):  # noqa: N803
        self.events.append(f"end {context.task_name}")
        if fitted_estimator is not None:
            self.score = fitted_estimator.score(X, y)


def test_each_alpha_is_a_task_of_callbacks(data):
    pytest.importorskip("sklearn.callback")
    hooks = Hooks()
    model = LassoIC(alphas=2).set_callbacks(hooks).fit(*data)
    assert hooks.events == ["begin fit", *["begin alpha", "end alpha"] * 2, "end fit"]
    assert hooks.score == model.score(*data)


@pytest.mark.parametrize("model", [LassoIC, ElasticNetIC])
def test_scikit_learn_accepts_the_estimator(model):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check_estimator(model())


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"criterion": "cp"}, "The 'criterion' parameter of ElasticNetIC must be a str among"),
        ({"alphas": None}, "The 'alphas' parameter of ElasticNetIC must be an int"),
        ({"alphas": [-1.0]}, "must be >= 0.0"),
        ({"noise_variance": 0.0}, "The 'noise_variance' parameter"),
        ({"ebic_gamma": -1.0}, "The 'ebic_gamma' parameter"),
        ({"l1_ratio": 0.0}, "not supported for l1_ratio=0"),
        ({"tol": -1.0}, "The 'tol' parameter"),
    ],
)
def test_invalid_parameters_are_named(parameters, message, data):
    with pytest.raises(ValueError, match=message):
        ElasticNetIC(**parameters).fit(*data)


def test_too_few_samples_are_refused_and_leave_the_model_as_it_was(data):
    X, y = data
    model = LassoIC("gcv", alphas=[1e-8]).fit(X, y)
    before = dict(vars(model))
    with pytest.raises(ValueError, match="infinite at all alphas: 5 samples"):
        model.fit(X[:5], y[:5])
    assert vars(model) == before
    with pytest.raises(ValueError, match="1 samples"):
        LassoIC("gcv").fit(X, y, np.full(60, 1 / 60))


def test_constant_y_gives_the_empty_model(data):
    model = LassoIC("bic").fit(data[0], np.ones(60))
    assert not model.coef_.any() and np.isfinite(model.criterion_).all()
