"""The estimators inside scikit-learn's and joblib's machinery, each combination once."""

from __future__ import annotations

import joblib
import numpy as np
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_diabetes
from sklearn.feature_selection import SelectFromModel
from sklearn.model_selection import GridSearchCV, cross_val_score, cross_validate
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from regularize import ElasticNet, Lasso


@parametrize_with_checks([Lasso(), ElasticNet()])
def test_the_estimator_checks_of_scikit_learn_pass(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def diabetes():
    return load_diabetes(return_X_y=True)


def test_pipeline(diabetes):
    X, y = diabetes
    piped = make_pipeline(StandardScaler(), Lasso(alpha=1.0, tol=1e-10)).fit(X, y)
    alone = Lasso(alpha=1.0, tol=1e-10).fit(StandardScaler().fit_transform(X), y)
    assert_allclose(piped.predict(X), alone.predict(StandardScaler().fit_transform(X)))
    assert piped.score(X, y) > 0.4


def test_a_pipeline_of_frames_knows_columns_by_name():
    pytest.importorskip("pandas")
    X, y = load_diabetes(return_X_y=True, as_frame=True)
    scaler = StandardScaler().set_output(transform="pandas")
    piped = make_pipeline(scaler, Lasso(alpha=1e6, penalty_factor={"bmi": 0.0})).fit(X, y)
    assert list(piped[-1].feature_names_in_[piped[-1].coef_ != 0]) == ["bmi"]


def test_grid_search_and_cross_validation(diabetes):
    X, y = diabetes
    search = GridSearchCV(ElasticNet(), {"alpha": [1e-4, 1.0, 100.0], "l1_ratio": [0.2, 1.0]}, cv=3).fit(X, y)
    assert search.best_params_["alpha"] == 1e-4
    assert search.best_score_ == pytest.approx(cross_val_score(ElasticNet(**search.best_params_), X, y, cv=3).mean())


def test_select_from_model_keeps_what_the_lasso_keeps(diabetes):
    X, y = diabetes
    selector = SelectFromModel(Lasso(alpha=0.5)).fit(X, y)
    assert_array_equal(selector.get_support(), np.abs(Lasso(alpha=0.5).fit(X, y).coef_) > 1e-5)
    assert 0 < selector.transform(X).shape[1] < 10


def test_multi_output_regressor_equals_several_targets(diabetes):
    X, y = diabetes
    targets = np.c_[y, np.sqrt(y)]
    wrapped = MultiOutputRegressor(Lasso(alpha=0.1)).fit(X, targets)
    assert_allclose(wrapped.predict(X), Lasso(alpha=0.1).fit(X, targets).predict(X))


@pytest.mark.parametrize("backend", ["threading", "loky"])
def test_joblib_workers_give_the_answers_of_one_process(backend, diabetes):
    X, y = diabetes
    models = [Lasso(alpha=alpha) for alpha in (0.01, 0.1, 1.0, 10.0)]
    with joblib.parallel_backend(backend, n_jobs=2):
        fitted = joblib.Parallel()(joblib.delayed(model.fit)(X, y) for model in models)
    for model, parallel in zip(models, fitted, strict=True):
        assert_array_equal(parallel.coef_, model.fit(X, y).coef_)


def test_sample_weight_is_routed_when_it_is_requested(diabetes):
    X, y = diabetes
    weight = np.linspace(0, 1, len(y))
    with sklearn.config_context(enable_metadata_routing=True):
        model = Lasso(alpha=0.1).set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        piped = make_pipeline(StandardScaler(), Lasso(alpha=0.1).set_fit_request(sample_weight=True))
        result = cross_validate(model, X, y, cv=3, params={"sample_weight": weight}, return_estimator=True)
        piped[0].set_fit_request(sample_weight=False)
        piped.fit(X, y, sample_weight=weight)
    train = np.arange(len(y)) >= 148  # the first of three folds holds 148 rows out
    expected = Lasso(alpha=0.1).fit(X[train], y[train], sample_weight=weight[train])
    assert_allclose(result["estimator"][0].coef_, expected.coef_)
    scaled = StandardScaler().fit_transform(X)
    assert_allclose(piped[-1].coef_, Lasso(alpha=0.1).fit(scaled, y, sample_weight=weight).coef_)


def test_check_input_is_no_metadata():
    with sklearn.config_context(enable_metadata_routing=True):
        assert "check_input" not in str(Lasso().get_metadata_routing())
        with pytest.raises(TypeError):
            Lasso().set_fit_request(check_input=True)
