"""RidgeClassifierCV: scikit-learn's contract, and every score against classifiers that are fitted one by one."""

from __future__ import annotations

import functools
import inspect
import pickle

import numpy as np
import pytest
import sklearn.linear_model
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn import config_context
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.metrics import accuracy_score, f1_score, make_scorer, roc_auc_score
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import LabelBinarizer, StandardScaler
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.estimator_checks import parametrize_with_checks

from regularize import RidgeClassifier, RidgeClassifierCV, RidgeCV

OURS = {
    "criterion": "loo",
    "selection_rule": "min",
    "store_predictions": False,
    "penalty_factor": None,
    "bounds": None,
    "standardize": False,
    "coef_prior": None,
}
ALPHAS = [0.3, 300.0, 10.0]  # in no order
X, CLASSES = make_classification(48, 6, n_informative=4, n_classes=3, flip_y=0.2, class_sep=0.7, random_state=1)
X = X + 0.5
WEIGHT = np.random.default_rng(0).uniform(0.2, 3.0, 48)
LABELS = np.array(["ant", "bee", "cat"], dtype=object)[CLASSES]
KINDS = {
    "two": CLASSES > 0,
    "two strings": np.where(CLASSES > 1, "yes", "no"),
    "three": CLASSES,
    "three strings": LABELS,
    "labels": np.c_[CLASSES == 0, CLASSES < 2, X[:, 0] > 0.5].astype(int),
}


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@pytest.fixture
def y(kind):
    return KINDS[kind]


def penalised_score(model, X, y):  # noqa: N803
    """A score that predictions alone do not give."""
    return model.score(X, y) - 1e-2 * np.abs(model.coef_).sum() - 1e-4 * model.alpha


def grid_search(X, y, weight=None, **options):  # noqa: N803
    """scikit-learn's search over its own RidgeClassifier, as precise as that is."""
    search = GridSearchCV(sklearn.linear_model.RidgeClassifier(solver="svd"), {"alpha": ALPHAS}, **options)
    return search.fit(X, y, sample_weight=weight)


@functools.cache
def left_out(kind, alpha, method="decision_function"):
    """Predictions of each row by the model of the others, which scikit-learn fits one by one."""
    model = sklearn.linear_model.RidgeClassifier(alpha, solver="svd")
    return cross_val_predict(model, X, KINDS[kind], cv=KFold(len(X)), method=method)


@parametrize_with_checks(
    [
        RidgeClassifierCV(),
        RidgeClassifierCV(scoring="accuracy", store_predictions=True),
        RidgeClassifierCV(cv=3, scoring=penalised_score, selection_rule="1se"),
    ]
)
def test_the_estimator_checks_of_scikit_learn_pass(estimator, check):
    check(estimator)


def test_the_signature_is_that_of_scikit_learn_plus_our_keywords():
    ours, theirs = (
        inspect.signature(model).parameters for model in (RidgeClassifierCV, sklearn.linear_model.RidgeClassifierCV)
    )
    assert list(ours) == [*theirs, *OURS]
    for name, parameter in theirs.items():
        assert (ours[name].default, ours[name].kind) == (parameter.default, parameter.kind)
    for name, default in OURS.items():
        assert (ours[name].default, ours[name].kind) == (default, inspect.Parameter.KEYWORD_ONLY)
    assert not any(base.__module__.startswith("sklearn.linear_model") for base in RidgeClassifierCV.__mro__)


@pytest.mark.parametrize("options", [{}, {"cv": 3}, {"class_weight": "balanced"}], ids=str)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_attributes_are_those_of_scikit_learn(y, options, dtype, fit_intercept):
    stored = "cv" not in options
    options = {"store_cv_results": stored, "fit_intercept": fit_intercept, **options}
    models = sklearn.linear_model.RidgeClassifierCV, RidgeClassifierCV
    theirs, ours = (model(ALPHAS, **options).fit(X.astype(dtype), y) for model in models)
    names = ("alpha_", "best_score_", "coef_", "intercept_", "n_features_in_", "cv_results_")
    for name in names if stored else names[:-1]:
        expected, found = getattr(theirs, name), getattr(ours, name)
        assert np.shape(found) == np.shape(expected), name
        assert np.asarray(found).dtype == np.asarray(expected).dtype, name
        assert_allclose(found, expected, rtol=2e-3 if dtype == np.float32 else 1e-8, atol=1e-5, err_msg=name)
    assert_array_equal(ours.classes_, theirs.classes_)
    assert_array_equal(ours.predict(X), theirs.predict(X))
    assert_allclose(ours.decision_function(X), theirs.decision_function(X), rtol=2e-3, atol=1e-4)


class TestRowsThatAreLeftOut:
    @pytest.mark.parametrize("criterion", ["loo", "gcv"])
    @pytest.mark.parametrize("form", [np.asarray, sparse.csr_matrix])
    def test_are_those_of_a_regression_on_the_coded_labels(self, y, criterion, form):
        coded = LabelBinarizer(neg_label=-1).fit_transform(y)
        options = {"criterion": criterion, "penalty_factor": [1, 0, 2, np.inf, 1, 1], "standardize": True}
        expected = RidgeCV(ALPHAS, **options).fit(form(X), coded, sample_weight=WEIGHT)
        fitted = RidgeClassifierCV(ALPHAS, **options).fit(form(X), y, sample_weight=WEIGHT)
        for name in ("alpha_", "best_score_", "cv_mean_", "cv_se_", "coef_", "intercept_", "dual_gap_"):
            assert_array_equal(getattr(fitted, name), getattr(expected, name), err_msg=name)

    @pytest.mark.parametrize("metric", [accuracy_score, f1_score], ids=["accuracy", "f1"])
    def test_are_scored_by_their_labels(self, kind, y, metric):
        options = {} if metric is accuracy_score else {"average": "macro", "pos_label": None}
        fitted = RidgeClassifierCV(ALPHAS, scoring=make_scorer(metric, **options), store_cv_results=True).fit(X, y)
        decisions = np.stack([left_out(kind, alpha).reshape(48, -1) for alpha in ALPHAS], axis=2)
        assert_allclose(fitted.cv_results_, decisions, rtol=1e-7, atol=1e-9)
        expected = [metric(y, left_out(kind, alpha, "predict"), **options) for alpha in ALPHAS]
        assert_allclose(fitted.cv_mean_, expected)
        assert fitted.best_score_ == max(fitted.cv_mean_) < 1.0
        assert fitted.alpha_ == ALPHAS[np.argmax(expected)]

    def test_may_be_scored_by_their_decisions_and_by_the_name_of_a_class(self):
        y = KINDS["two strings"]
        decisions = [left_out("two strings", alpha) for alpha in ALPHAS]
        by_rank = RidgeClassifierCV(ALPHAS, scoring="roc_auc").fit(X, y)
        assert_allclose(by_rank.cv_mean_, [roc_auc_score(y == "yes", own) for own in decisions])
        shape = make_scorer(lambda y, decisions: float(decisions.ndim), response_method="decision_function")
        assert RidgeClassifierCV(ALPHAS, scoring=shape).fit(X, y).best_score_ == 1.0
        by_name = RidgeClassifierCV(ALPHAS, scoring=make_scorer(f1_score, pos_label="no")).fit(X, y)
        assert_allclose(by_name.cv_mean_, [f1_score(y == "no", own <= 0) for own in decisions])

    def test_are_weighted_by_rows_and_classes(self):
        weight = WEIGHT * compute_sample_weight({"ant": 3.0, "cat": 0.5}, LABELS)
        for options in ({}, {"scoring": "accuracy"}, {"cv": 3}):
            by_class = RidgeClassifierCV(ALPHAS, class_weight={"ant": 3.0, "cat": 0.5}, **options)
            by_row = RidgeClassifierCV(ALPHAS, **options).fit(X, LABELS, sample_weight=weight)
            by_class.fit(X, LABELS, sample_weight=WEIGHT)
            for name in ("cv_mean_", "alpha_", "coef_"):
                assert_allclose(getattr(by_class, name), getattr(by_row, name), rtol=1e-12, err_msg=name)

    def test_are_a_fold_each(self):
        grid = np.logspace(3, -2, 20)
        fitted = RidgeClassifierCV(grid, selection_rule="1se", store_cv_results=True).fit(X, CLASSES)
        mean, rows = fitted.cv_mean_, fitted.cv_results_.mean(axis=1)
        assert_allclose(fitted.cv_se_, rows.std(axis=0, ddof=1) / np.sqrt(48), rtol=1e-10)
        assert fitted.alpha_ == grid[mean >= mean.max() - fitted.cv_se_[mean.argmax()]].max() > fitted.alpha_min_

    def test_keep_their_decisions(self, kind, y):
        fitted = RidgeClassifierCV(ALPHAS, store_predictions=True).fit(X, y)
        expected = left_out(kind, fitted.alpha_)
        assert_allclose(fitted.oof_predictions_, expected, rtol=1e-7, atol=1e-9)


class TestFolds:
    @pytest.mark.parametrize("scoring", [None, "balanced_accuracy", "f1_macro", penalised_score])
    @pytest.mark.parametrize("weight", [None, WEIGHT], ids=["equal", "weighted"])
    @pytest.mark.parametrize("form", [np.asarray, sparse.csr_matrix])
    @pytest.mark.filterwarnings("ignore:The scoring")
    def test_the_scores_are_those_of_a_grid_search(self, y, scoring, weight, form):
        if scoring == "balanced_accuracy" and y.ndim == 2:
            scoring = "f1_samples"
        expected = grid_search(X, y, weight, cv=4, scoring=scoring)
        fitted = RidgeClassifierCV(ALPHAS, cv=4, scoring=scoring).fit(form(X), y, sample_weight=weight)
        assert_allclose(fitted.cv_mean_, expected.cv_results_["mean_test_score"], rtol=1e-9)
        assert fitted.alpha_ == expected.best_params_["alpha"]
        assert_allclose(fitted.best_score_, expected.best_score_, rtol=1e-9)
        assert_allclose(fitted.coef_, expected.best_estimator_.coef_, rtol=1e-8)
        assert_array_equal(fitted.predict(X), expected.predict(X))

    def test_decisions_may_be_scored(self):
        expected = grid_search(X, KINDS["two"], cv=4, scoring="roc_auc")
        fitted = RidgeClassifierCV(ALPHAS, cv=4, scoring="roc_auc").fit(X, KINDS["two"])
        assert_allclose(fitted.cv_mean_, expected.cv_results_["mean_test_score"])

    def test_a_class_may_be_missing_from_the_training_rows(self):
        order = np.argsort(CLASSES, kind="stable")
        expected = grid_search(X[order], LABELS[order], cv=KFold(4))
        fitted = RidgeClassifierCV(ALPHAS, cv=KFold(4)).fit(X[order], LABELS[order])
        assert_allclose(fitted.cv_mean_, expected.cv_results_["mean_test_score"])

    def test_a_splitter_is_given_the_groups(self):
        groups = np.arange(48) % 7
        expected = grid_search(X, LABELS, cv=list(GroupKFold(3).split(X, groups=groups)))
        fitted = RidgeClassifierCV(ALPHAS, cv=GroupKFold(3)).fit(X, LABELS, groups=groups)
        assert_allclose(fitted.cv_mean_, expected.cv_results_["mean_test_score"])

    def test_options_and_bounds_hold_in_every_fold(self):
        options = {"standardize": True, "bounds": (-0.3, 0.3)}
        expected = GridSearchCV(RidgeClassifier(tol=1e-12, **options), {"alpha": ALPHAS}, cv=3).fit(X, LABELS)
        fitted = RidgeClassifierCV(ALPHAS, cv=3, **options).fit(X, LABELS)
        assert_allclose(fitted.cv_mean_, expected.cv_results_["mean_test_score"], atol=0.05)
        assert np.abs(fitted.coef_).max() <= 0.3


@pytest.mark.parametrize("cv", [None, 3])
def test_of_equal_scores_the_first_alpha_is_taken(cv):
    fitted = RidgeClassifierCV(ALPHAS, cv=cv, scoring=make_scorer(lambda y, predicted: 0.42)).fit(X, LABELS)
    assert (fitted.alpha_, fitted.best_score_) == (ALPHAS[0], 0.42)


def test_with_routing_the_default_score_takes_the_weights():
    for cv in (None, 3):
        expected = RidgeClassifierCV(ALPHAS, cv=cv).fit(X, LABELS, sample_weight=WEIGHT)
        with config_context(enable_metadata_routing=True):
            fitted = RidgeClassifierCV(ALPHAS, cv=cv).fit(X, LABELS, sample_weight=WEIGHT)
            RidgeClassifierCV().get_metadata_routing()
        assert_array_equal(fitted.cv_mean_, expected.cv_mean_)


def test_a_copy_by_pickle_predicts_the_same_and_a_clone_is_unfitted(y):
    fitted = RidgeClassifierCV(ALPHAS, cv=3, class_weight="balanced").fit(X, y)
    copy = pickle.loads(pickle.dumps(fitted))
    assert_array_equal(copy.predict(X), fitted.predict(X))
    unfitted = clone(fitted)
    assert unfitted.get_params() == fitted.get_params()
    assert not hasattr(unfitted, "classes_")


def test_it_is_part_of_pipelines_and_searches():
    pipeline = make_pipeline(StandardScaler(), RidgeClassifierCV(ALPHAS, cv=3)).fit(X, LABELS)
    search = GridSearchCV(pipeline, {"ridgeclassifiercv__class_weight": [None, "balanced"]}, cv=3).fit(X, LABELS)
    assert set(search.predict(X)) <= set(LABELS)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"alphas": (0.0, 1.0)}, r"alphas\[0\] == 0.0, must be > 0.0"),
        ({"class_weight": "equal"}, "The 'class_weight' parameter of RidgeClassifierCV must be an instance of 'dict'"),
        ({"cv": 3, "store_cv_results": True}, "cv!=None and store_cv_results=True are incompatible"),
        ({"bounds": (0, None)}, "cv=None and bounds are incompatible"),
        ({"scoring": "r2", "selection_rule": "1se"}, "'1se' needs the scores of folds or rows"),
    ],
)
def test_what_makes_no_sense_is_refused(parameters, message):
    with pytest.raises(ValueError, match=message):
        RidgeClassifierCV(**parameters).fit(X, LABELS)


def test_a_fit_that_fails_half_way_leaves_the_estimator_as_it_was():
    def scorer(model, X, y):  # noqa: N803
        raise RuntimeError("the scorer fails")

    model = RidgeClassifierCV().fit(X, LABELS)
    before = dict(vars(model))
    for cv in (None, 3):
        with pytest.raises(RuntimeError):
            model.set_params(scoring=scorer, cv=cv).fit(X[:, :4], CLASSES)
    model.set_params(scoring=None, cv=None)
    assert vars(model).keys() == before.keys()
    assert all(vars(model)[name] is value for name, value in before.items())
