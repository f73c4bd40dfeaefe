"""RidgeClassifier: scikit-learn's contract for every kind of y, and the regressions that it stands for."""

from __future__ import annotations

import inspect
import pickle
import warnings
from dataclasses import replace

import numpy as np
import pytest
import sklearn.linear_model
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.feature_selection import SelectFromModel
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from regularize import Ridge, RidgeClassifier
from regularize.solvers.ridge import RidgeSolver
from ridge_judge import judge_ridge

OURS = {"penalty_factor": None, "bounds": None, "standardize": False, "coef_prior": None}
X, CLASSES = make_classification(60, 6, n_informative=4, n_classes=3, flip_y=0.2, random_state=0)
WEIGHT = np.random.default_rng(0).uniform(0.2, 3.0, 60)
LABELS = np.array(["ant", "bee", "cat"], dtype=object)[CLASSES]
INDICATOR = np.c_[CLASSES == 0, CLASSES < 2, X[:, 0] > 0].astype(int)
KINDS = {
    "two numbers": CLASSES > 0,
    "two strings": LABELS == "bee",
    "three classes": CLASSES,
    "three strings": LABELS,
    "a column": (CLASSES > 0)[:, None].astype(int),
    "labels": INDICATOR,
    "sparse labels": sparse.csr_matrix(INDICATOR),
    "sparse array of labels": sparse.csr_array(INDICATOR),
}


@pytest.fixture(params=KINDS)
def y(request):
    return KINDS[request.param]


@parametrize_with_checks(
    [RidgeClassifier(), RidgeClassifier(solver="sparse_cg", max_iter=1000)],
    expected_failed_checks=lambda _: {
        "check_non_transformer_estimators_n_iter": "n_iter_ is None for these solvers, as in scikit-learn"
    },
)
def test_the_estimator_checks_of_scikit_learn_pass(estimator, check):
    check(estimator)


def test_the_signature_is_that_of_scikit_learn_plus_our_keywords():
    reference = sklearn.linear_model.RidgeClassifier
    ours, theirs = (inspect.signature(model).parameters for model in (RidgeClassifier, reference))
    assert list(ours) == [*theirs, *OURS]
    for name, parameter in theirs.items():
        assert (ours[name].default, ours[name].kind) == (parameter.default, parameter.kind)
    assert not any(base.__module__.startswith("sklearn.linear_model") for base in RidgeClassifier.__mro__)


@pytest.mark.filterwarnings("ignore:A column-vector y was passed")
class TestLabels:
    @pytest.mark.parametrize("solver", ["auto", "svd", "lsqr"])
    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    @pytest.mark.parametrize("fit_intercept", [True, False])
    def test_attributes_and_predictions_are_those_of_scikit_learn(self, y, solver, dtype, fit_intercept):
        data = X.astype(dtype)
        parameters = {"solver": solver, "fit_intercept": fit_intercept, "tol": 1e-12}
        theirs = sklearn.linear_model.RidgeClassifier(**parameters).fit(data, y, sample_weight=WEIGHT)
        ours = RidgeClassifier(**parameters).fit(data, y, sample_weight=WEIGHT)
        assert vars(ours).keys() - {*OURS, "dual_gap_", "converged_"} == vars(theirs).keys()
        for name in ("coef_", "intercept_", "n_iter_", "classes_"):
            assert np.shape(getattr(ours, name)) == np.shape(getattr(theirs, name)), name
            assert np.asarray(getattr(ours, name)).dtype == np.asarray(getattr(theirs, name)).dtype, name
        assert_array_equal(ours.classes_, theirs.classes_)
        assert_allclose(ours.coef_, theirs.coef_, rtol=1e-3, atol=1e-5)
        assert ours.decision_function(data).shape == theirs.decision_function(data).shape
        predicted, expected = ours.predict(data), theirs.predict(data)
        assert type(predicted) is type(expected)
        assert predicted.dtype == expected.dtype
        assert abs(predicted != expected).sum() == 0
        assert ours.solver_ == theirs.solver_

    def test_the_columns_are_ridge_regressions(self, y):
        targets = np.where(sklearn.preprocessing.LabelBinarizer().fit_transform(y), 1.0, -1.0)
        targets = targets.toarray() if sparse.issparse(targets) else targets
        expected = Ridge(alpha=0.5).fit(X, targets, sample_weight=WEIGHT)
        fitted = RidgeClassifier(alpha=0.5).fit(X, y, sample_weight=WEIGHT)
        assert_allclose(fitted.coef_, expected.coef_, atol=1e-12)
        assert_allclose(fitted.intercept_, expected.intercept_, atol=1e-12)

    @pytest.mark.parametrize("container", [sparse.csr_matrix, sparse.csc_array])
    def test_sparse_samples_give_the_same_answer(self, y, container):
        dense = RidgeClassifier().fit(X, y)
        fitted = RidgeClassifier(tol=1e-14).fit(container(X), y)
        assert_allclose(fitted.decision_function(container(X)), dense.decision_function(X), atol=1e-6)

    @pytest.mark.parametrize("fit_intercept", [True, False])
    def test_a_single_class_is_predicted_always(self, fit_intercept):
        fitted = RidgeClassifier(fit_intercept=fit_intercept).fit(X, np.full(60, "only"))
        assert_array_equal(fitted.predict(X), np.full(60, "only"))

    def test_more_than_one_class_per_output_is_refused(self):
        with pytest.raises(ValueError, match="(?i)multioutput"):
            RidgeClassifier().fit(X, np.c_[CLASSES, CLASSES])


class TestWeights:
    COUNTS = np.array([0, 1, 2, 3, 1, 2] * 10)

    @pytest.mark.parametrize("class_weight", [None, {0: 2.0, 1: 0.5}])
    def test_are_repetitions_and_zeros_are_removed_rows(self, class_weight):
        model = RidgeClassifier(class_weight=class_weight)
        rows = np.repeat(np.arange(60), self.COUNTS)
        weighted = model.fit(X, CLASSES, sample_weight=self.COUNTS).coef_
        assert_allclose(weighted, clone(model).fit(X[rows], CLASSES[rows]).coef_)

    @pytest.mark.parametrize("sample_weight", [None, 3.0, WEIGHT])
    @pytest.mark.parametrize("y", [CLASSES, LABELS == "bee"], ids=["three classes", "two classes"])
    def test_of_classes_multiply_those_of_rows(self, sample_weight, y):
        of_classes = {label: 1.0 + 2.0 * k for k, label in enumerate(np.unique(y))}
        of_rows = np.array([of_classes[label] for label in y]) * (1.0 if sample_weight is None else sample_weight)
        expected = RidgeClassifier().fit(X, y, sample_weight=of_rows)
        fitted = RidgeClassifier(class_weight=of_classes).fit(X, y, sample_weight=sample_weight)
        assert_allclose(fitted.coef_, expected.coef_)

    def test_balanced_makes_up_for_the_sizes_of_the_classes(self):
        y = X[:, 0] > 1.0
        by_hand = {label: 60 / (2 * np.count_nonzero(y == label)) for label in (True, False)}
        fitted, expected = (RidgeClassifier(class_weight=weight).fit(X, y) for weight in ("balanced", by_hand))
        assert_allclose(fitted.coef_, expected.coef_)

    @pytest.mark.parametrize("y", [INDICATOR, sparse.csr_matrix(INDICATOR)], ids=["dense", "sparse"])
    def test_of_labels_are_those_of_scikit_learn(self, y):
        expected = sklearn.linear_model.RidgeClassifier(class_weight="balanced").fit(X, INDICATOR)
        assert_allclose(RidgeClassifier(class_weight="balanced").fit(X, y).coef_, expected.coef_)


class TestOptions:
    def test_all_at_once_solve_the_normal_equations_of_every_class(self):
        options = {"penalty_factor": [1, 0, np.inf, 2, 0.5, 1], "standardize": True}
        prior = np.array([[0.5, 7.0, 0.0, -1.0, 0.0, 2.0], np.zeros(6), [1, 1, 0, 1, 1, 1]])
        alphas = [3.0, 0.1, 40.0]
        fitted = RidgeClassifier(alpha=alphas, coef_prior=prior, **options).fit(X, CLASSES, sample_weight=WEIGHT)
        for k, alpha in enumerate(alphas):
            target = np.where(k == CLASSES, 1.0, -1.0)
            given = {"sample_weight": WEIGHT, "prior": prior[k], **options}
            assert judge_ridge(X, target, alpha, fitted.coef_[k], fitted.intercept_[k], **given).residual <= 1e-11

    def test_bounds(self):
        fitted = RidgeClassifier(bounds=(-0.05, 0.1)).fit(X, CLASSES)
        assert fitted.coef_.min() == -0.05
        assert fitted.coef_.max() == 0.1
        assert RidgeClassifier(positive=True).fit(X, CLASSES).coef_.min() == 0.0

    @pytest.mark.parametrize(
        ("parameters", "message"),
        [
            ({"class_weight": "even"}, "'class_weight' parameter of RidgeClassifier must be an instance of 'dict'"),
            ({"alpha": None}, "'alpha' parameter of RidgeClassifier must be a float in the range"),
            ({"alpha": [1.0, 2.0]}, "Number of targets and number of penalties do not correspond: 2 != 3"),
            ({"solver": "lbfgs"}, "'lbfgs' solver can be used only when positive=True"),
            ({"coef_prior": np.ones((2, 6))}, "'coef_prior' parameter of RidgeClassifier must have shape"),
        ],
    )
    def test_a_bad_parameter_is_refused_by_name(self, parameters, message):
        with pytest.raises(ValueError) as error:
            RidgeClassifier(**parameters).fit(X, CLASSES)
        assert message in str(error.value)


class TestBehaviour:
    def test_names_of_columns_are_kept_and_checked(self):
        pandas = pytest.importorskip("pandas")
        frame = pandas.DataFrame(X, columns=list("abcdef"))
        fitted = RidgeClassifier(penalty_factor={"b": np.inf}).fit(frame, CLASSES)
        assert list(fitted.feature_names_in_) == list("abcdef")
        assert_array_equal(fitted.coef_[:, 1], np.zeros(3))
        with pytest.raises(ValueError, match="feature names should match"):
            fitted.predict(frame[list("fedcba")])

    def test_a_copy_by_pickle_or_clone_is_equal(self, y):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of y as a column
            fitted = RidgeClassifier(class_weight="balanced").fit(X, y)
        loaded = pickle.loads(pickle.dumps(fitted))
        assert abs(loaded.predict(X) != fitted.predict(X)).sum() == 0
        assert not hasattr(clone(fitted), "coef_")

    def test_tags_are_those_of_scikit_learn(self):
        for parameters in ({}, {"solver": "svd"}, {"solver": "cholesky", "fit_intercept": False}):
            theirs = sklearn.linear_model.RidgeClassifier(**parameters).__sklearn_tags__()
            assert RidgeClassifier(**parameters).__sklearn_tags__() == replace(theirs, array_api_support=False)

    def test_pipelines_selection_and_routing(self):
        piped = make_pipeline(StandardScaler(), RidgeClassifier())
        assert cross_val_score(piped, X, CLASSES, cv=3).mean() > 0.5
        selected = SelectFromModel(RidgeClassifier()).fit(X, CLASSES)
        expected = SelectFromModel(sklearn.linear_model.RidgeClassifier()).fit(X, CLASSES)
        assert_array_equal(selected.get_support(), expected.get_support())
        with sklearn.config_context(enable_metadata_routing=True):
            model = RidgeClassifier().set_fit_request(sample_weight=True)
            routed = make_pipeline(StandardScaler().set_fit_request(sample_weight=False), model)
            routed.fit(X, CLASSES, sample_weight=WEIGHT)
        scaled = StandardScaler().fit_transform(X)
        assert_allclose(routed[-1].coef_, RidgeClassifier().fit(scaled, CLASSES, sample_weight=WEIGHT).coef_)

    def test_not_fitted_and_not_converged_are_said(self):
        with pytest.raises(NotFittedError):
            RidgeClassifier().predict(X)
        with pytest.warns(ConvergenceWarning, match="sparse_cg did not converge") as caught:
            fitted = RidgeClassifier(solver="sparse_cg", max_iter=1, tol=1e-14).fit(X, CLASSES)
        assert len(caught) == 1
        assert caught[0].filename == __file__
        assert fitted.converged_.tolist() == [False, False, False]

    def test_the_html_representation_names_the_model(self):
        assert "RidgeClassifier" in RidgeClassifier()._repr_html_()

    @pytest.mark.parametrize("failure", [{"y": [np.nan] * 60}, {"y": X[:, 0]}, {"sample_weight": -WEIGHT}, {}])
    def test_a_fit_that_fails_leaves_the_estimator_as_it_was(self, failure, monkeypatch):
        model = RidgeClassifier().fit(X, CLASSES)
        before = dict(vars(model))
        if not failure:
            monkeypatch.setattr(RidgeSolver, "path", lambda *_: pytest.fail("inside the solver"))
        with pytest.raises((ValueError, pytest.fail.Exception)):
            model.fit(**{"X": X[:, :4], "y": LABELS, **failure})
        assert vars(model) == before
