"""RidgeCV: scikit-learn's contract, rules of selection, routing and errors; the scores are in test_ridge_cv_scores."""

from __future__ import annotations

import inspect
import pickle
from dataclasses import replace

import numpy as np
import pytest
import sklearn.linear_model
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import config_context
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import make_scorer, max_error, mean_absolute_error, mean_squared_error
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from regularize import Ridge, RidgeCV
from regularize.solvers import ridge as engine
from ridge_refits import ALPHAS, TARGETS, WEIGHT, X, Y, penalised_score, refit

OURS = {
    "criterion": "loo",
    "selection_rule": "min",
    "store_predictions": False,
    "penalty_factor": None,
    "bounds": None,
    "standardize": False,
    "coef_prior": None,
}


@parametrize_with_checks(
    [
        RidgeCV(),
        RidgeCV(cv=3),
        RidgeCV(criterion="gcv"),
        RidgeCV(cv=3, scoring=penalised_score, selection_rule="1se", alpha_per_target=True, store_predictions=True),
    ]
)
@pytest.mark.filterwarnings("ignore:R\\^2 score")
@pytest.mark.filterwarnings("ignore:One or more of the test scores")
def test_the_estimator_checks_of_scikit_learn_pass(estimator, check):
    check(estimator)


def test_the_signature_is_that_of_scikit_learn_plus_our_keywords():
    ours, theirs = (inspect.signature(model).parameters for model in (RidgeCV, sklearn.linear_model.RidgeCV))
    assert list(ours) == [*theirs, *OURS]
    for name, parameter in theirs.items():
        assert (ours[name].default, ours[name].kind) == (parameter.default, parameter.kind)
    for name, default in OURS.items():
        assert (ours[name].default, ours[name].kind) == (default, inspect.Parameter.KEYWORD_ONLY)
    assert not any(base.__module__.startswith("sklearn.linear_model") for base in RidgeCV.__mro__)
    assert list(inspect.signature(RidgeCV.fit).parameters) == ["self", "X", "y", "sample_weight", "groups", "params"]


class TestAttributes:
    @pytest.mark.parametrize("options", [{}, {"cv": 3}, {"alpha_per_target": True}, {"scoring": "r2"}], ids=str)
    @pytest.mark.parametrize("fit_intercept", [True, False])
    @pytest.mark.parametrize("y", [Y, Y[:, None], TARGETS], ids=["1D", "column", "three targets"])
    @pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
    def test_have_the_values_shapes_and_dtypes_of_scikit_learn(self, options, fit_intercept, y, dtype):
        data, stored = (10 * X).astype(dtype), "cv" not in options
        options = {"fit_intercept": fit_intercept, "store_cv_results": stored, **options}
        theirs, ours = (
            model([300.0, 30.0], **options).fit(data, y) for model in (sklearn.linear_model.RidgeCV, RidgeCV)
        )
        names = ("alpha_", "best_score_", "coef_", "intercept_", "n_features_in_", "cv_results_")
        for name in names if stored else names[:-1]:
            expected, found = getattr(theirs, name), getattr(ours, name)
            assert np.shape(found) == np.shape(expected), name
            assert np.asarray(found).dtype == np.asarray(expected).dtype, name
            assert_allclose(found, expected, rtol=1e-3 if dtype == np.float32 else 1e-8, atol=1e-6, err_msg=name)
        assert type(ours.intercept_) is type(theirs.intercept_)
        assert ours.predict(data).shape == theirs.predict(data).shape

    @pytest.mark.parametrize("alphas", [2, 2.0, [2], (2.0,), np.array(2.0), np.array([2.0]), np.float32(2)], ids=repr)
    def test_one_alpha_may_be_given_in_any_form(self, alphas):
        fitted = RidgeCV(alphas).fit(X, Y)
        assert fitted.alphas is alphas
        assert fitted.alpha_ == 2.0
        assert_allclose(fitted.coef_, Ridge(2.0).fit(X, Y).coef_, rtol=1e-10)

    @pytest.mark.parametrize("cv", [None, 4])
    def test_the_model_is_that_of_a_fit_at_alpha(self, cv):
        options = {"penalty_factor": [1, 0, 2, np.inf, 1], "standardize": True, "coef_prior": [1.0, 0, 0, 0, 2]}
        fitted = RidgeCV(ALPHAS, cv=cv, **options).fit(X, Y, sample_weight=WEIGHT)
        coef, intercept = refit(
            X,
            Y,
            fitted.alpha_,
            sample_weight=WEIGHT,
            penalty_factor=options["penalty_factor"],
            standardize=True,
            prior=options["coef_prior"],
        )
        assert_allclose(fitted.coef_, coef, rtol=1e-9, atol=1e-12)
        assert_allclose(fitted.intercept_, intercept, rtol=1e-9)
        assert fitted.converged_ is True
        assert 0.0 <= fitted.dual_gap_ < 1e-6

    def test_the_gap_and_whether_it_is_small_enough_are_those_of_the_model(self):
        fitted = RidgeCV(ALPHAS, cv=3, bounds=(0.0, 1.0)).fit(X, TARGETS, sample_weight=WEIGHT)
        model = Ridge(fitted.alpha_, bounds=(0.0, 1.0)).fit(X, TARGETS, sample_weight=WEIGHT)
        assert_allclose(fitted.dual_gap_, model.dual_gap_, rtol=1e-6)
        assert fitted.dual_gap_.max() > 0.0
        assert_array_equal(fitted.converged_, [True, True, True])

    def test_those_of_an_earlier_fit_do_not_survive(self):
        fitted = RidgeCV(store_cv_results=True, store_predictions=True).fit(X, Y)
        fitted.set_params(store_cv_results=False, store_predictions=False, cv=3).fit(X, Y)
        assert not hasattr(fitted, "cv_results_")
        assert not hasattr(fitted, "oof_predictions_")
        assert not hasattr(fitted.set_params(cv=None).fit(X, Y), "cv_splits_")

    def test_a_copy_by_pickle_predicts_the_same_and_a_clone_is_unfitted(self):
        fitted = RidgeCV(ALPHAS, cv=3, selection_rule="1se", store_predictions=True).fit(X, Y)
        copy = pickle.loads(pickle.dumps(fitted))
        assert_array_equal(copy.predict(X), fitted.predict(X))
        assert_array_equal(copy.oof_predictions_, fitted.oof_predictions_)
        unfitted = clone(fitted)
        assert unfitted.get_params() == fitted.get_params()
        assert not hasattr(unfitted, "coef_")

    def test_names_of_columns_are_kept(self):
        pandas = pytest.importorskip("pandas")
        frame = pandas.DataFrame(X, columns=list("abcde"))
        fitted = RidgeCV(penalty_factor={"b": np.inf}, coef_prior={"a": 1.0}).fit(frame, Y)
        assert list(fitted.feature_names_in_) == list("abcde")
        assert fitted.coef_[1] == 0.0


class TestSelection:
    GRID = np.logspace(4, -2, 25)

    @pytest.mark.parametrize("cv", [None, 6])
    def test_one_standard_error_is_what_the_books_say(self, cv):
        fitted = RidgeCV(self.GRID, cv=cv, selection_rule="1se").fit(X, Y)
        mean, se = fitted.cv_mean_, fitted.cv_se_
        assert fitted.alpha_ == fitted.alpha_1se_ == self.GRID[mean >= mean.max() - se[mean.argmax()]].max()
        assert fitted.alpha_1se_ > fitted.alpha_min_ == self.GRID[mean.argmax()]
        assert fitted.best_score_ == mean[list(self.GRID).index(fitted.alpha_)]

    def test_each_row_that_is_left_out_is_a_fold(self):
        fitted = RidgeCV(ALPHAS, store_cv_results=True).fit(X, TARGETS, sample_weight=WEIGHT)
        rows = fitted.cv_results_.mean(axis=1)
        assert_allclose(fitted.cv_se_, rows.std(axis=0, ddof=1) / np.sqrt(24), rtol=1e-10)

    @pytest.mark.parametrize("cv", [None, 4])
    def test_the_order_of_the_alphas_does_not_matter(self, cv):
        backward, forward = (
            RidgeCV(grid, cv=cv, selection_rule="1se").fit(X, Y) for grid in (self.GRID, self.GRID[::-1])
        )
        assert backward.alpha_ == forward.alpha_
        assert_allclose(backward.cv_mean_, forward.cv_mean_[::-1], rtol=1e-10)

    @pytest.mark.parametrize(("cv", "n_folds"), [(None, 24), (4, 4)])
    def test_a_function_is_given_alphas_from_large_to_small_and_errors_that_it_may_spoil(self, cv, n_folds):
        seen = {}

        def rule(alphas, errors):
            seen.update(alphas=alphas.copy(), errors=errors.copy())
            alphas[:], errors[:] = 0.0, 0.0
            return 1

        fitted = RidgeCV(ALPHAS, cv=cv, selection_rule=rule).fit(X, Y, sample_weight=WEIGHT)
        assert_array_equal(seen["alphas"], [30.0, 3.0, 0.3])
        assert seen["errors"].shape == (3, n_folds)
        assert_allclose(seen["errors"].mean(axis=1), -fitted.cv_mean_[[1, 2, 0]], rtol=1e-12)
        assert fitted.alpha_ == 3.0
        assert fitted.alpha_min_ == ALPHAS[fitted.cv_mean_.argmax()]

    @pytest.mark.parametrize(
        "options",
        [
            {},
            {"selection_rule": "1se"},
            {"criterion": "gcv"},
            {
                "scoring": "neg_mean_absolute_error",
                "selection_rule": lambda alphas, errors: int(errors[:, 0].argmin()) + 1,
            },
            {"cv": 5},
            {"cv": 5, "selection_rule": "1se", "scoring": penalised_score},
            {"cv": 5, "selection_rule": lambda alphas, errors: int(errors.max(axis=1).argmin())},
        ],
        ids=str,
    )
    def test_each_target_is_selected_by_itself(self, options):
        model = RidgeCV(np.logspace(4, -2, 13), alpha_per_target=True, **options)
        together = model.fit(X, TARGETS, sample_weight=WEIGHT)
        alone = [clone(model).fit(X, y, sample_weight=WEIGHT) for y in TARGETS.T]
        for name in ("alpha_", "alpha_min_", "alpha_1se_", "converged_"):
            assert_array_equal(getattr(together, name), [getattr(fitted, name) for fitted in alone], err_msg=name)
        for name in ("best_score_", "cv_mean_", "cv_se_", "coef_", "intercept_"):
            expected = [getattr(fitted, name) for fitted in alone]
            assert_allclose(getattr(together, name), expected, rtol=1e-8, err_msg=name)


@pytest.fixture
def routing():
    with config_context(enable_metadata_routing=True):
        yield


@pytest.mark.usefixtures("routing")
class TestRouting:
    def test_the_default_score_takes_the_weights(self):
        for cv in (None, 3):
            with config_context(enable_metadata_routing=False):
                expected = RidgeCV(ALPHAS, cv=cv).fit(X, Y, sample_weight=WEIGHT)
            fitted = RidgeCV(ALPHAS, cv=cv).fit(X, Y, sample_weight=WEIGHT)
            assert_array_equal(fitted.cv_mean_, expected.cv_mean_)
        RidgeCV().get_metadata_routing()

    @pytest.mark.parametrize("cv", [None, 3])
    def test_a_scorer_gets_the_weights_that_it_asks_for(self, cv):
        scores = {}
        for asks in (True, False):
            scorer = make_scorer(mean_absolute_error, greater_is_better=False).set_score_request(sample_weight=asks)
            scores[asks] = RidgeCV(ALPHAS, cv=cv, scoring=scorer).fit(X, Y, sample_weight=WEIGHT).cv_mean_
        assert not np.allclose(scores[True], scores[False])
        with config_context(enable_metadata_routing=False):
            expected = RidgeCV(ALPHAS, cv=cv, scoring="neg_mean_absolute_error").fit(X, Y, sample_weight=WEIGHT)
        assert_array_equal(scores[True], expected.cv_mean_)

    def test_the_splitter_gets_its_groups(self):
        groups = np.arange(24) % 5
        fitted = RidgeCV(ALPHAS, cv=GroupKFold(3)).fit(X, Y, groups=groups)
        assert all(set(groups[train]).isdisjoint(groups[test]) for train, test in fitted.cv_splits_)

    def test_what_nobody_asks_for_is_refused(self):
        with pytest.raises(TypeError, match="colours"):
            RidgeCV(cv=3).fit(X, Y, colours=Y)


def test_further_parameters_need_routing():
    with pytest.raises(ValueError, match=r"\['colours'\] are passed to fit of RidgeCV"):
        RidgeCV(cv=3).fit(X, Y, colours=Y)


def test_it_is_part_of_pipelines_and_searches():
    pipeline = make_pipeline(StandardScaler(), RidgeCV(ALPHAS, cv=3)).fit(X, Y)
    search = GridSearchCV(pipeline, {"ridgecv__fit_intercept": [True, False]}, cv=3).fit(X, Y)
    assert search.best_params_ == {"ridgecv__fit_intercept": True}


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"alphas": (1, -1, -100)}, ValueError, r"alphas\[1\] == -1, must be > 0.0"),
        ({"alphas": (0.0, 1.0)}, ValueError, r"alphas\[0\] == 0.0, must be > 0.0"),
        ({"alphas": [0.0]}, ValueError, "alphas == 0.0, must be > 0.0"),
        ({"alphas": (1.0, 0.0), "criterion": "gcv"}, ValueError, r"alphas\[1\] == 0.0, must be > 0.0"),
        ({"alphas": (1.0, -1.0), "cv": 3}, ValueError, r"alphas\[1\] == -1.0, must be >= 0.0"),
        ({"alphas": (1, 1.0, "1")}, TypeError, r"alphas\[2\] must be an instance of float, not str"),
        (
            {"alphas": 0.0},
            ValueError,
            "The 'alphas' parameter of RidgeCV must be an array-like or a float in the range",
        ),
        (
            {"alphas": None},
            ValueError,
            "The 'alphas' parameter of RidgeCV must be an array-like or a float in the range",
        ),
        ({"alphas": []}, ValueError, "The 'alphas' parameter of RidgeCV must be a non-empty 1D array"),
        ({"alphas": [1.0, np.nan]}, ValueError, "The 'alphas' parameter of RidgeCV is invalid"),
        ({"gcv_mode": "lu"}, ValueError, "The 'gcv_mode' parameter of RidgeCV must be a str among"),
        ({"criterion": "aic"}, ValueError, "The 'criterion' parameter of RidgeCV must be a str among {'loo', 'gcv'}"),
        ({"cv": 1}, ValueError, "The 'cv' parameter of RidgeCV"),
        ({"scoring": 3}, ValueError, "The 'scoring' parameter of RidgeCV"),
        ({"scoring": "no_such_score"}, ValueError, "The 'scoring' parameter"),
        ({"scoring": max_error}, ValueError, "looks like it is a metric function rather than a scorer"),
        (
            {"store_cv_results": 1},
            ValueError,
            "The 'store_cv_results' parameter of RidgeCV must be an instance of 'bool'",
        ),
        ({"alpha_per_target": 2}, ValueError, "The 'alpha_per_target' parameter"),
        ({"selection_rule": "2se"}, ValueError, "The 'selection_rule' parameter"),
        ({"penalty_factor": [1.0]}, ValueError, "The 'penalty_factor' parameter"),
        ({"coef_prior": [1.0]}, ValueError, "The 'coef_prior' parameter"),
        ({"cv": 3, "store_cv_results": True}, ValueError, "cv!=None and store_cv_results=True are incompatible"),
        ({"bounds": (0, None)}, ValueError, "cv=None and bounds are incompatible"),
        ({"criterion": "gcv", "scoring": "r2"}, ValueError, "criterion='gcv' and scoring are incompatible"),
        ({"criterion": "gcv", "store_cv_results": True}, ValueError, "criterion='gcv' has no predictions"),
        ({"criterion": "gcv", "store_predictions": True}, ValueError, "criterion='gcv' has no predictions"),
        (
            {"criterion": "gcv", "selection_rule": "1se"},
            ValueError,
            "'1se' needs the scores of folds or rows: criterion",
        ),
        ({"scoring": "r2", "selection_rule": "1se"}, ValueError, "'1se' needs the scores of folds or rows: scoring"),
        ({"cv": [(range(20), [20, 21])], "selection_rule": "1se"}, ValueError, "'1se' needs at least two folds. Got 1"),
        ({"cv": [(range(20), [24])]}, ValueError, "test rows of fold 0 are out of range for 24 samples"),
        ({"cv": []}, ValueError, "cv gave no folds"),
    ],
)
def test_what_makes_no_sense_is_refused_before_any_work(parameters, error, message, monkeypatch):
    def work(*args, **kwargs):
        raise AssertionError("work was done")

    monkeypatch.setattr("regularize.estimators.base_ridge_cv.make_design", work)
    monkeypatch.setattr("regularize.estimators.base_ridge_cv.FoldedDesign", work)
    with pytest.raises(error, match=message):
        RidgeCV(**parameters).fit(X, Y)


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
@pytest.mark.parametrize("cv", [None, 3])
def test_a_fit_that_fails_half_way_leaves_the_estimator_as_it_was(error, cv):
    calls = []

    def scorer(model, X, y):  # noqa: N803
        calls.append(1)
        if len(calls) == 3:
            raise error
        return mean_squared_error(y, model.predict(X))

    model = RidgeCV(cv=cv).fit(X, Y)
    before = dict(vars(model))
    model.scoring = scorer
    with pytest.raises(error):
        model.fit(X[:, :4], Y)
    model.scoring = None
    assert vars(model).keys() == before.keys()
    assert all(vars(model)[name] is value for name, value in before.items())


def test_what_did_not_converge_is_told_once_with_alphas_and_folds(monkeypatch):
    def folds(*args, **kwargs):
        for fold in engine.ridge_folds(*args, **kwargs):
            converged = np.ones_like(fold.converged)
            converged[1] = fold.fold == 0
            yield replace(fold, converged=converged)

    monkeypatch.setattr("regularize.estimators.ridge_validation.ridge_folds", folds)
    with pytest.warns(ConvergenceWarning, match="alphas: 30, in: fold 1, fold 2") as told:
        RidgeCV(ALPHAS, cv=3).fit(X, Y)
    assert len(told) == 1
    assert told[0].filename == __file__


def test_each_fold_is_a_task_of_the_callbacks():
    pytest.importorskip("sklearn.callback", reason="scikit-learn has callbacks since 1.9")
    events = []

    class Recorder:
        def setup(self, estimator, context):
            events.append("setup")

        def teardown(self, estimator, context):
            events.append("teardown")

        def on_fit_task_begin(self, estimator, context):
            events.append(f"begin {context.task_name}")

        def on_fit_task_end(self, estimator, context, **kwargs):
            events.append(f"end {context.task_name}")

    RidgeCV(cv=2).set_callbacks(Recorder()).fit(X, Y)
    assert events == ["setup", "begin fit", *["begin fold", "end fold"] * 2, "end fit", "teardown"]
