"""Lasso and ElasticNet behave as scikit-learn's: signature, shapes, dtypes, attributes, warnings."""

from __future__ import annotations

import inspect
import pickle
import warnings

import numpy as np
import pytest
import sklearn.linear_model
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import make_regression
from sklearn.exceptions import ConvergenceWarning, NotFittedError

import regularize
from regularize import ElasticNet, Lasso

MODELS = [Lasso, ElasticNet]
OURS = {"penalty_factor": None, "bounds": None, "standardize": False}


@pytest.fixture
def data():
    return make_regression(n_samples=40, n_features=8, n_informative=4, bias=3.0, noise=5.0, random_state=0)


def theirs(model, **parameters):
    return getattr(sklearn.linear_model, model.__name__)(tol=1e-12, max_iter=100_000, **parameters)


@pytest.mark.parametrize("model", MODELS)
def test_the_signature_is_that_of_scikit_learn_plus_our_keywords(model):
    ours = inspect.signature(model).parameters
    reference = inspect.signature(getattr(sklearn.linear_model, model.__name__)).parameters
    assert list(ours) == [*reference, *OURS]
    for name, parameter in reference.items():
        assert (ours[name].default, ours[name].kind) == (parameter.default, parameter.kind)
    for name, default in OURS.items():
        assert (ours[name].default, ours[name].kind) == (default, inspect.Parameter.KEYWORD_ONLY)
    assert list(inspect.signature(model.fit).parameters) == ["self", "X", "y", "sample_weight", "check_input"]


@pytest.mark.parametrize("model", MODELS)
def test_lasso_is_an_elastic_net_and_not_a_model_of_scikit_learn(model):
    assert issubclass(model, ElasticNet)
    assert not any(base.__module__.startswith("sklearn.linear_model") for base in model.__mro__)
    assert model.path is regularize.enet_path


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("positive", [True, False])
@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("layout", ["C", "F", "csc_matrix", "csr_array", "coo_matrix", "csc_array64"])
def test_the_solution_is_that_of_scikit_learn(model, fit_intercept, positive, weighted, layout, data):
    X, y = data
    weight = np.linspace(0.0, 2.0, len(y)) if weighted else None
    parameters = {"alpha": 0.3, "fit_intercept": fit_intercept, "positive": positive}
    expected = theirs(model, **parameters).fit(X, y, sample_weight=weight)
    fitted = model(tol=1e-12, **parameters).fit(as_layout(X, layout), y, sample_weight=weight)
    assert_allclose(fitted.coef_, expected.coef_, rtol=1e-6, atol=1e-7)
    assert_allclose(fitted.intercept_, expected.intercept_, rtol=1e-6, atol=1e-7)
    assert_allclose(fitted.predict(X), expected.predict(X), rtol=1e-6, atol=1e-6)
    assert_allclose(fitted.predict(as_layout(X, layout)), fitted.predict(X))
    assert fitted.converged_


def as_layout(X, layout):
    if layout in ("C", "F"):
        return np.array(X, order=layout)
    matrix = getattr(sparse, layout.removesuffix("64"))(X)
    if layout.endswith("64"):
        matrix.indices = matrix.indices.astype(np.int64)
        matrix.indptr = matrix.indptr.astype(np.int64)
    return matrix


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
@pytest.mark.parametrize("shape", ["1D", "column", "two targets"])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_attributes_have_the_shapes_and_dtypes_of_scikit_learn(model, dtype, shape, fit_intercept, data):
    X, y = data
    X = (10 * X).astype(dtype)
    y = {"1D": y, "column": y[:, None], "two targets": np.c_[y, -y]}[shape]
    expected = getattr(sklearn.linear_model, model.__name__)(fit_intercept=fit_intercept).fit(X, y)
    fitted = model(fit_intercept=fit_intercept).fit(X, y)
    for name in ("coef_", "intercept_", "dual_gap_", "n_iter_"):
        assert np.shape(getattr(fitted, name)) == np.shape(getattr(expected, name)), name
    for name in ("coef_", "intercept_"):
        assert np.asarray(getattr(fitted, name)).dtype == np.asarray(getattr(expected, name)).dtype, name
    assert type(fitted.n_iter_) is type(expected.n_iter_)
    assert np.shape(fitted.converged_) == np.shape(expected.dual_gap_)
    assert fitted.predict(X).shape == expected.predict(X).shape
    assert type(fitted.sparse_coef_) is type(expected.sparse_coef_)
    assert fitted.sparse_coef_.shape == expected.sparse_coef_.shape
    assert_array_equal(fitted.sparse_coef_.toarray(), np.atleast_2d(fitted.coef_))


def test_several_targets_are_independent_problems(data):
    X, y = data
    targets = np.c_[y, y**2, -y]
    together = ElasticNet(alpha=0.1, tol=1e-10).fit(X, targets)
    for k in range(3):
        alone = ElasticNet(alpha=0.1, tol=1e-10).fit(X, targets[:, k])
        assert_allclose(together.coef_[k], alone.coef_)
        assert_allclose(together.intercept_[k], alone.intercept_)
        assert together.n_iter_[k] == alone.n_iter_
        assert together.converged_[k] == alone.converged_


def test_the_dual_gap_bounds_the_distance_to_the_minimum(data):
    X, y = data

    def objective(model):
        residual = y - model.predict(X)
        return 0.5 * np.mean(residual**2) + model.alpha * np.abs(model.coef_).sum()

    best = objective(Lasso(alpha=0.5, tol=1e-14).fit(X, y))
    rough = Lasso(alpha=0.5, tol=1e-2).fit(X, y)
    assert -1e-12 * best <= objective(rough) - best <= rough.dual_gap_ + 1e-12 * best
    assert rough.dual_gap_ <= 1e-2 * np.mean((y - y.mean()) ** 2)


def test_names_of_columns_are_kept_and_checked(data):
    pandas = pytest.importorskip("pandas")
    X, y = data
    frame = pandas.DataFrame(X, columns=list("abcdefgh"))
    fitted = Lasso().fit(frame, y)
    assert list(fitted.feature_names_in_) == list("abcdefgh")
    assert fitted.n_features_in_ == 8
    with pytest.raises(ValueError, match="feature names should match"):
        fitted.predict(frame[list("hgfedcba")])


def test_alpha_zero_warns_as_in_scikit_learn_and_is_least_squares(data):
    X, y = data
    with pytest.warns(UserWarning, match="With alpha=0, this algorithm does not converge well"):
        fitted = Lasso(alpha=0, tol=1e-12).fit(X, y)
    expected = sklearn.linear_model.LinearRegression().fit(X, y)
    assert_allclose(fitted.coef_, expected.coef_, rtol=1e-6)


@pytest.mark.parametrize("n_targets", [1, 3])
def test_a_fit_that_does_not_converge_warns_once_with_gap_tolerance_and_alpha(n_targets):
    X, y = make_regression(n_samples=30, n_features=60, n_targets=n_targets, noise=1.0, random_state=0)
    with pytest.warns(ConvergenceWarning) as caught:
        fitted = Lasso(alpha=0.001, tol=1e-14, max_iter=1).fit(X, y)
    assert len(caught) == 1
    message = str(caught[0].message)
    assert message.startswith("Objective did not converge. You might want to increase the number of iterations")
    assert "Duality gap: " in message and "tolerance: " in message and "alpha: 0.001" in message
    assert ("targets: 0, 1, 2" in message) == (n_targets == 3)
    assert caught[0].filename == __file__
    assert not np.any(fitted.converged_)


def test_a_fit_that_converges_is_silent(data):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Lasso().fit(*data)


@pytest.mark.parametrize("model", MODELS)
def test_order_and_seed_of_updates_do_not_change_the_answer(model, data):
    cyclic = model().fit(*data)
    random = model(selection="random", random_state=np.random.RandomState(3)).fit(*data)
    assert_array_equal(cyclic.coef_, random.coef_)


def test_max_iter_none_is_the_default(data):
    assert_array_equal(Lasso(max_iter=None).fit(*data).coef_, Lasso().fit(*data).coef_)


def test_warm_start_continues_from_the_last_coefficients(data):
    X, y = data
    model = Lasso(alpha=0.1, tol=1e-8, warm_start=True).fit(X, y)
    assert model.fit(X, y).n_iter_ == 0
    with pytest.raises(ValueError, match=r"coef_ \(warm_start=True\) of Lasso must have shape \(1, 7\)"):
        model.fit(X[:, :7], y)
    assert model.n_features_in_ == 8  # the failed fit changed nothing


def test_warm_start_does_not_write_into_the_last_coefficients(data):
    X, y = data
    model = Lasso(alpha=1.0, warm_start=True).fit(X, y)
    kept, values = model.coef_, model.coef_.copy()
    model.set_params(alpha=0.01).fit(X, y)
    assert_array_equal(kept, values)


@pytest.mark.parametrize("check_input", [True, False])
@pytest.mark.parametrize("copy_X", [True, False])
@pytest.mark.parametrize("layout", ["C", "F", "csc_matrix", "csr_array"])
def test_nothing_that_is_passed_is_modified(check_input, copy_X, layout, data):  # noqa: N803
    X, y = as_layout(data[0], layout), data[1]
    weight = np.linspace(0.5, 2.0, len(y))
    before = (X.copy(), y.copy(), weight.copy())
    ElasticNet(copy_X=copy_X).fit(X, y, sample_weight=weight, check_input=check_input)
    changed = X != before[0]
    assert (changed.nnz if sparse.issparse(X) else changed.sum()) == 0
    assert_array_equal(y, before[1])
    assert_array_equal(weight, before[2])


@pytest.mark.parametrize("layout", ["C", "F", "csc_matrix", "csr_matrix"])
def test_check_input_false_gives_the_same_answer(layout, data):
    X, y = as_layout(data[0], layout), data[1]
    assert_array_equal(Lasso().fit(X, y, check_input=False).coef_, Lasso().fit(X, y).coef_)


def test_a_copy_by_pickle_or_clone_is_equal(data):
    X, y = data
    fitted = Lasso(alpha=0.1, penalty_factor=np.arange(8.0), bounds=(-1.0, None)).fit(X, y)
    loaded = pickle.loads(pickle.dumps(fitted))
    assert_array_equal(loaded.predict(X), fitted.predict(X))
    copied = clone(fitted)
    assert not hasattr(copied, "coef_")
    assert_array_equal(copied.penalty_factor, fitted.penalty_factor)
    assert_array_equal(copied.fit(X, y).coef_, fitted.coef_)


@pytest.mark.parametrize("fitted", [True, False])
def test_the_html_representation_names_the_model(fitted, data):
    model = Lasso(alpha=0.5, penalty_factor={"a": 0.0})
    if fitted:
        model = Lasso(alpha=0.5).fit(*data)
    assert "Lasso" in model._repr_html_()
    assert repr(model).startswith("Lasso(alpha=0.5")


def test_predict_before_fit_raises():
    with pytest.raises(NotFittedError):
        Lasso().predict([[1.0]])


class TestPrecompute:
    def test_true_gives_the_same_answer(self, data):
        X, y = data
        expected = ElasticNet(alpha=0.1, tol=1e-12).fit(X, y)
        assert_allclose(ElasticNet(alpha=0.1, tol=1e-12, precompute=True).fit(X, y).coef_, expected.coef_)

    @pytest.mark.parametrize("fit_intercept", [True, False])
    @pytest.mark.parametrize("weighted", [True, False])
    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_the_gram_of_the_user_gives_the_same_answer(self, fit_intercept, weighted, dtype, data):
        X, y = data
        weight = np.linspace(0.5, 1.5, len(y)) if weighted else np.ones(len(y))
        weight *= len(y) / weight.sum()
        if fit_intercept:
            X = X - np.average(X, axis=0, weights=weight)
        X = X.astype(dtype)
        gram = (X * np.sqrt(weight)[:, None]).T @ (X * np.sqrt(weight)[:, None])
        model = ElasticNet(alpha=0.1, tol=1e-6, fit_intercept=fit_intercept)
        expected = model.fit(X, y, sample_weight=weight).coef_
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            fitted = clone(model).set_params(precompute=gram).fit(X, y, sample_weight=weight)
        assert_allclose(fitted.coef_, expected, rtol=1e-3)

    def test_the_gram_of_columns_that_are_not_centred_is_dropped_with_a_warning(self, data):
        X, y = data
        X = X + 1.0
        model = ElasticNet(alpha=0.1, tol=1e-10, precompute=X.T @ X)
        message = "Gram matrix was provided but X was centered to fit intercept: recomputing Gram matrix."
        with pytest.warns(UserWarning, match=message) as caught:
            model.fit(X, y)
        assert caught[0].filename == __file__
        assert_allclose(model.coef_, ElasticNet(alpha=0.1, tol=1e-10).fit(X, y).coef_)

    def test_the_gram_of_other_data_is_refused(self, data):
        X, y = data
        wrong = 2.0 * X.T @ X
        with pytest.raises(ValueError, match="Gram matrix.*did not pass validation"):
            ElasticNet(precompute=wrong, fit_intercept=False).fit(X, y)

    @pytest.mark.parametrize("gram", [np.eye(3), np.full((8, 8), np.nan)])
    def test_a_gram_of_wrong_shape_or_not_finite_is_refused(self, gram, data):
        X, y = data
        with pytest.raises(ValueError, match="precompute"):
            ElasticNet(precompute=gram, fit_intercept=False).fit(X, y)

    def test_sparse_data_ignore_it(self, data):
        X, y = data
        expected = ElasticNet().fit(sparse.csc_matrix(X), y).coef_
        for precompute in (True, np.eye(8)):
            fitted = ElasticNet(precompute=precompute).fit(sparse.csc_matrix(X), y)
            assert_array_equal(fitted.coef_, expected)


class TestFailedFit:
    """A fit that fails leaves the estimator as it was."""

    @pytest.mark.parametrize(
        "failure",
        [
            {"y": [np.nan] * 40},
            {"sample_weight": -np.ones(40)},
            {"sample_weight": np.zeros(40)},
            {"X": np.ones((40, 3)), "sample_weight": np.ones(7)},
        ],
    )
    def test_by_bad_input(self, failure, data):
        model = Lasso().fit(*data)
        before = dict(vars(model))
        with pytest.raises(ValueError):
            model.fit(**{"X": data[0][:, :5], "y": data[1], **failure})
        assert vars(model) == before

    @pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
    def test_inside_the_solver(self, error, data, monkeypatch):
        model = Lasso().fit(*data)
        before = dict(vars(model))

        def fail(*_, **__):
            raise error

        monkeypatch.setattr("regularize.estimators.base.squared_loss_path", fail)
        with pytest.raises(error):
            model.fit(data[0][:, :5], data[1])
        assert vars(model) == before
        unfitted = Lasso()
        with pytest.raises(error):
            unfitted.fit(*data)
        assert not hasattr(unfitted, "n_features_in_")

    def test_because_a_warning_is_an_error(self):
        X, y = make_regression(n_samples=30, n_features=60, noise=1.0, random_state=0)
        model = Lasso(alpha=0.001, tol=1e-14, max_iter=1)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with pytest.raises(ConvergenceWarning):
                model.fit(X, y)
        assert not hasattr(model, "coef_")
