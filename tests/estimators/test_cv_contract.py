"""LassoCV and ElasticNetCV: what they accept, what they select, what they leave behind."""

from __future__ import annotations

import inspect
import pickle

import numpy as np
import pytest
import sklearn.linear_model
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import make_regression
from sklearn.exceptions import ConvergenceWarning, DataConversionWarning
from sklearn.metrics import mean_squared_error
from sklearn.model_selection import KFold, LeaveOneOut, ShuffleSplit, TimeSeriesSplit
from sklearn.utils.estimator_checks import check_estimator

import regularize
from regularize import ElasticNet, ElasticNetCV, Lasso, LassoCV

MODELS = [LassoCV, ElasticNetCV]
OURS = {
    "selection_rule": "min",
    "scoring": None,
    "store_predictions": False,
    "penalty_factor": None,
    "bounds": None,
    "standardize": False,
    "alpha_per_target": False,
}
X, Y = make_regression(n_samples=40, n_features=8, n_informative=4, bias=3.0, noise=5.0, random_state=0)
WEIGHT = np.linspace(0.1, 2.0, 40)
CONVERGED = {"tol": 1e-10, "max_iter": 10_000}


@pytest.mark.parametrize("model", MODELS)
def test_the_signature_is_that_of_scikit_learn_plus_our_keywords(model):
    ours = inspect.signature(model).parameters
    reference = inspect.signature(getattr(sklearn.linear_model, model.__name__)).parameters
    assert list(ours) == [*reference, *OURS]
    assert {name: p.default for name, p in ours.items()} == {**{n: p.default for n, p in reference.items()}, **OURS}
    assert all(p.kind is inspect.Parameter.KEYWORD_ONLY for p in ours.values())
    assert list(inspect.signature(model.fit).parameters) == ["self", "X", "y", "sample_weight", "groups", "params"]


@pytest.mark.parametrize("model", MODELS)
def test_it_is_no_model_of_scikit_learn_and_carries_its_path_function(model):
    assert not any(base.__module__.startswith("sklearn.linear_model") for base in model.__mro__)
    assert model.path is (regularize.lasso_path if model is LassoCV else regularize.enet_path)


@pytest.mark.parametrize(
    "model",
    [
        LassoCV(),
        ElasticNetCV(),
        ElasticNetCV(l1_ratio=[0.5, 1.0], alphas=5, scoring="r2", selection_rule="1se", store_predictions=True),
        LassoCV(alpha_per_target=True),
    ],
    ids=["LassoCV", "ElasticNetCV", "options", "alpha_per_target"],
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
@pytest.mark.filterwarnings("ignore:R\\^2 score")
def test_check_estimator_has_nothing_to_object(model):
    check_estimator(model)


def test_the_rule_decides_which_alpha_and_coefficients():
    fits = {rule: LassoCV(selection_rule=rule).fit(X, Y) for rule in ("min", "1se", lambda alphas, errors: 17)}
    least, one_se, own = fits.values()
    assert least.alpha_ == least.alpha_min_ < least.alpha_1se_ == one_se.alpha_
    assert own.alpha_ == own.alphas_[17]
    assert_array_equal(own.coef_, own.coef_path_[:, 17])
    mean = least.mse_path_.mean(axis=1)
    se = least.mse_path_.std(axis=1, ddof=1) / np.sqrt(5)
    assert_allclose(least.cv_mean_, mean)
    assert_allclose(least.cv_se_, se)
    assert one_se.alpha_ == least.alphas_[mean <= mean.min() + se[mean.argmin()]].max()


def test_a_rule_is_given_alphas_and_errors_that_it_may_spoil():
    seen = {}

    def rule(alphas, errors):
        seen.update(alphas=alphas.copy(), errors=errors.copy())
        alphas[:], errors[:] = 0.0, 0.0
        return 3

    fitted = LassoCV(selection_rule=rule, cv=3, alphas=10).fit(X, Y)
    assert_array_equal(seen["alphas"], fitted.alphas_)
    assert_array_equal(seen["errors"], fitted.mse_path_)
    assert fitted.alpha_ == seen["alphas"][3]


def test_of_several_l1_ratios_the_rule_sees_the_path_of_the_best():
    ratios = [0.2, 0.9, 1.0]
    fitted = ElasticNetCV(l1_ratio=ratios, selection_rule="1se", alphas=20, **CONVERGED).fit(X, Y)
    assert fitted.mse_path_.shape == (3, 20, 5)
    assert fitted.alphas_.shape == fitted.cv_mean_.shape == fitted.cv_se_.shape == (3, 20)
    best = fitted.cv_mean_.min(axis=1).argmin()
    assert fitted.l1_ratio_ == ratios[best]
    alone = ElasticNetCV(l1_ratio=ratios[best], selection_rule="1se", alphas=20, **CONVERGED).fit(X, Y)
    assert fitted.alpha_ == alone.alpha_ == fitted.alpha_1se_
    assert fitted.alpha_min_ == alone.alpha_min_
    assert_allclose(fitted.coef_path_, alone.coef_path_, atol=1e-3)


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["equal", "weighted"])
@pytest.mark.parametrize("form", [np.asarray, sparse.csr_matrix], ids=["dense", "sparse"])
def test_the_coefficients_are_those_of_a_fit_at_alpha(form, weight):
    fitted = ElasticNetCV(l1_ratio=[0.5, 0.9], standardize=True, **CONVERGED).fit(form(X), Y, sample_weight=weight)
    model = ElasticNet(alpha=fitted.alpha_, l1_ratio=fitted.l1_ratio_, standardize=True, **CONVERGED)
    model.fit(form(X), Y, sample_weight=weight)
    assert_allclose(fitted.coef_, model.coef_, rtol=1e-3)
    assert_allclose(fitted.intercept_, model.intercept_, rtol=1e-3)
    assert fitted.converged_
    index = int(np.flatnonzero(fitted.coef_path_[0] == fitted.coef_[0])[0])
    assert_array_equal(fitted.coef_, fitted.coef_path_[:, index])
    assert fitted.intercept_ == fitted.intercept_path_[index]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_coefficients_have_the_dtype_of_the_data(dtype):
    fitted = LassoCV().fit(X.astype(dtype), Y)
    names = ("coef_", "intercept_", "coef_path_", "intercept_path_")
    assert [getattr(fitted, name).dtype for name in names] == [dtype] * 4
    assert isinstance(fitted.alpha_, float)
    assert LassoCV(fit_intercept=False).fit(X, Y).intercept_ == 0.0


SPLITTERS = {
    "LeaveOneOut": LeaveOneOut(),
    "TimeSeriesSplit": TimeSeriesSplit(4),
    "overlapping": ShuffleSplit(6, test_size=0.4, random_state=0),
    "list": [(range(20), range(20, 40)), (list(range(15, 40)), list(range(15)))],
    "masks": [(np.arange(40) < 30, np.arange(40) >= 30), (np.arange(40) >= 8, np.arange(40) < 8)],
    "negative": [(np.arange(-30, 0), np.arange(10)), (np.arange(30), np.arange(-10, 0))],
}


@pytest.mark.parametrize("name", SPLITTERS)
def test_any_split_gives_the_errors_of_fits_to_its_rows(name):
    fitted = LassoCV(cv=SPLITTERS[name], alphas=[2.0, 0.5], **CONVERGED).fit(X, Y, sample_weight=WEIGHT)
    assert fitted.mse_path_.shape == (2, len(fitted.cv_splits_))
    for fold, (train, test) in list(enumerate(fitted.cv_splits_))[:6]:
        for k, alpha in enumerate(fitted.alphas_):
            model = Lasso(alpha=alpha, **CONVERGED).fit(X[train], Y[train], sample_weight=WEIGHT[train])
            expected = mean_squared_error(Y[test], model.predict(X[test]), sample_weight=WEIGHT[test])
            assert_allclose(fitted.mse_path_[k, fold], expected, rtol=1e-4)


def test_the_splits_are_drawn_once_and_kept():
    class Counting(KFold):
        drawn = 0

        def split(self, *args, **kwargs):
            type(self).drawn += 1
            return super().split(*args, **kwargs)

    splitter = Counting(3, shuffle=True, random_state=np.random.RandomState(0))
    fitted = ElasticNetCV(l1_ratio=[0.5, 1.0], cv=splitter, alphas=5).fit(X, Y)
    assert Counting.drawn == 1
    again = ElasticNetCV(l1_ratio=[0.5, 1.0], cv=fitted.cv_splits_, alphas=5).fit(X, Y)
    assert_array_equal(again.mse_path_, fitted.mse_path_)


def test_one_fold_has_no_standard_error():
    one = [(range(30), range(30, 40))]
    fitted = LassoCV(cv=one, alphas=7).fit(X, Y)
    assert fitted.mse_path_.shape == fitted.cv_mean_.shape == (7,)
    assert np.isnan(fitted.cv_se_).all()
    assert np.isnan(fitted.alpha_1se_)
    with pytest.raises(ValueError, match="'1se' needs at least two folds"):
        LassoCV(cv=one, selection_rule="1se").fit(X, Y)


BAD_SPLITS = {
    "no folds": ([], "cv gave no folds"),
    "no pair": ([(range(5), range(5), range(5))], r"fold 0 must be a pair"),
    "numbers": (np.array([1, 2]), r"fold 0 must be a pair"),
    "empty test": ([(range(20), range(20, 40)), (range(20), [])], "test rows of fold 1 are empty"),
    "empty training": ([(np.zeros(40, bool), range(20))], "training rows of fold 0 are empty"),
    "out of range": ([(range(20), [3, 40])], "test rows of fold 0 are out of range for 40 samples"),
    "wrong mask": ([(np.ones(39, bool), [3])], "training rows of fold 0 are out of range"),
    "floats": ([(range(20), [0.5])], "1D array of row indices or a mask"),
    "training weighs nothing": ([(range(5), range(5, 40))], "training rows of fold 0 all have a sample_weight of 0"),
    "test weighs nothing": ([(range(5, 40), range(5))], "test rows of fold 0 all have a sample_weight of 0"),
}


@pytest.mark.parametrize("name", BAD_SPLITS)
def test_a_bad_split_is_refused_by_name_before_any_work(name, monkeypatch):
    def fail(*args, **kwargs):
        raise AssertionError("work was done")

    monkeypatch.setattr("regularize.estimators.base_cv.FoldedDesign", fail)
    splits, message = BAD_SPLITS[name]
    with pytest.raises(ValueError, match=message):
        LassoCV(cv=splits).fit(X, Y, sample_weight=np.r_[np.zeros(5), np.ones(35)])


class TestAlphaPerTarget:
    """Several targets."""

    TARGETS = np.c_[Y, WEIGHT, -2.0 * Y + 50.0 * WEIGHT]
    SELECTED = ("alpha_", "alpha_min_", "alpha_1se_", "l1_ratio_", "alphas_", "mse_path_", "cv_mean_", "cv_se_")
    FITTED = ("coef_", "intercept_", "coef_path_", "intercept_path_", "n_iter_", "converged_")

    def test_each_target_is_fitted_and_selected_by_itself(self):
        model = ElasticNetCV(
            l1_ratio=[0.5, 1.0], alpha_per_target=True, store_predictions=True, alphas=20, selection_rule="1se"
        )
        together = clone(model).fit(X, self.TARGETS)
        for k, y in enumerate(self.TARGETS.T):
            alone = clone(model).fit(X, y)
            for name in (*self.SELECTED, *self.FITTED):
                assert_allclose(getattr(together, name)[k], getattr(alone, name), rtol=1e-12, err_msg=name)
            assert_allclose(together.oof_predictions_[:, k], alone.oof_predictions_, rtol=1e-12)
        assert together.predict(X).shape == self.TARGETS.shape

    def test_the_users_alphas_are_shared(self):
        fitted = LassoCV(alpha_per_target=True, alphas=[0.1, 1.0]).fit(X, self.TARGETS)
        assert_array_equal(fitted.alphas_, [1.0, 0.1])
        assert fitted.alpha_.shape == (3,)

    @pytest.mark.parametrize("model", MODELS)
    def test_without_it_several_targets_are_refused(self, model):
        with pytest.raises(ValueError, match=f"use MultiTask{model.__name__} .* alpha_per_target=True"):
            model().fit(X, self.TARGETS)

    def test_without_it_a_column_is_taken_as_one_dimensional_with_a_warning(self):
        with pytest.warns(DataConversionWarning):
            fitted = LassoCV().fit(X, Y[:, None])
        assert_array_equal(fitted.coef_, LassoCV().fit(X, Y).coef_)
        assert fitted.coef_.shape == (8,)


def test_stored_predictions_are_those_of_the_fold_that_held_the_row_out():
    splits = [(range(0, 30), [30, 31, 32]), (range(10, 40), [0, 1, 30])]
    fitted = LassoCV(cv=splits, alphas=[1.0, 0.2], store_predictions=True, **CONVERGED).fit(X, Y)
    models = [Lasso(alpha=fitted.alpha_, **CONVERGED).fit(X[train], Y[train]) for train, _ in splits]
    first, second = (model.predict(X) for model in models)
    expected = np.full(40, np.nan)
    expected[[31, 32]] = first[[31, 32]]
    expected[[0, 1]] = second[[0, 1]]
    expected[30] = (first[30] + second[30]) / 2
    assert_allclose(fitted.oof_predictions_, expected, rtol=1e-3)
    assert not hasattr(fitted.set_params(store_predictions=False).fit(X, Y), "oof_predictions_")


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"alphas": None}, "The 'alphas' parameter of LassoCV must be an int in the range"),
        ({"alphas": [0.1, -1.0]}, r"alphas\[1\] == -1.0, must be >= 0.0"),
        ({"alphas": []}, "The 'alphas' parameter of LassoCV must be a non-empty 1D array"),
        ({"alphas": [np.nan]}, "The 'alphas' parameter of LassoCV is invalid"),
        ({"cv": 1}, "The 'cv' parameter of LassoCV must be"),
        ({"cv": "five"}, "The 'cv' parameter"),
        ({"precompute": "yes"}, "The 'precompute' parameter"),
        ({"n_jobs": 0}, "The 'n_jobs' parameter"),
        ({"selection_rule": "2se"}, "The 'selection_rule' parameter"),
        ({"scoring": 3}, "The 'scoring' parameter"),
        ({"scoring": "no_such_score"}, "'scoring' parameter"),
        ({"max_iter": None}, "The 'max_iter' parameter"),
        ({"store_predictions": 1}, "The 'store_predictions' parameter"),
        ({"penalty_factor": [1.0]}, "The 'penalty_factor' parameter"),
        ({"precompute": np.eye(3)}, "Gram matrix passed in via 'precompute' parameter must have shape"),
    ],
)
def test_invalid_parameters_are_refused_by_name(parameters, message):
    with pytest.raises(ValueError, match=message):
        LassoCV(**parameters).fit(X, Y)


@pytest.mark.parametrize("l1_ratio", [1.5, [], [0.5, 2.0], "half", None])
def test_an_invalid_l1_ratio_is_refused(l1_ratio):
    with pytest.raises(ValueError, match="The 'l1_ratio' parameter of ElasticNetCV"):
        ElasticNetCV(l1_ratio=l1_ratio).fit(X, Y)


def test_a_grid_for_an_l1_ratio_of_0_must_be_given():
    with pytest.raises(ValueError, match="Automatic alpha grid generation is not supported for l1_ratio=0"):
        ElasticNetCV(l1_ratio=[0.5, 0.0]).fit(X, Y)
    assert ElasticNetCV(l1_ratio=[0.5, 0.0], alphas=[1.0]).fit(X, Y).mse_path_.shape == (2, 5)


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_a_fit_that_fails_half_way_leaves_the_estimator_as_it_was(error):
    calls = []

    def scorer(model, X, y):
        calls.append(1)
        if len(calls) == 7:
            raise error
        return model.score(X, y)

    model = LassoCV(alphas=3).fit(X, Y)
    before = dict(vars(model))
    model.scoring = scorer
    with pytest.raises(error):
        model.fit(X[:, :4], Y)
    model.scoring = None
    assert vars(model).keys() == before.keys()
    assert all(vars(model)[name] is value for name, value in before.items())


@pytest.mark.parametrize("model", MODELS)
def test_a_pickled_copy_predicts_the_same_and_a_clone_is_unfitted(model):
    fitted = model(cv=3, alphas=10, selection_rule="1se", store_predictions=True).fit(X, Y)
    copy = pickle.loads(pickle.dumps(fitted))
    assert_array_equal(copy.predict(X), fitted.predict(X))
    assert_array_equal(copy.oof_predictions_, fitted.oof_predictions_)
    unfitted = clone(fitted)
    assert unfitted.get_params() == fitted.get_params()
    assert not hasattr(unfitted, "coef_")


def test_the_answer_does_not_depend_on_the_number_of_threads():
    one, two = (ElasticNetCV(l1_ratio=[0.5, 1.0], n_jobs=n_jobs).fit(X, Y) for n_jobs in (1, 2))
    assert_array_equal(one.mse_path_, two.mse_path_)
    assert_array_equal(one.coef_, two.coef_)


def test_what_did_not_converge_is_told_once_with_alphas_and_folds():
    X, y = make_regression(n_samples=30, n_features=60, noise=1.0, random_state=0)
    with pytest.warns(ConvergenceWarning) as caught:
        LassoCV(max_iter=1, tol=1e-12, cv=2, alphas=[5.0, 0.1]).fit(X, y)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    message = str(caught[0].message)
    assert "Objective did not converge" in message
    assert "alphas: 5, 0.1, in: all rows, fold 0, fold 1" in message


def test_verbose_writes_a_line_per_fold(capsys):
    ElasticNetCV(cv=2, l1_ratio=[0.5, 1.0], alphas=3, verbose=1).fit(X, Y)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "[ElasticNetCV] fold 1 of 2, l1_ratio 0.5"
    assert len(lines) == 4


def test_each_fold_is_a_subtask_of_the_callbacks():
    pytest.importorskip("sklearn.callback", reason="scikit-learn has callbacks since 1.9")
    events = []

    class Recorder:
        def setup(self, estimator, context):
            events.append("setup")

        def teardown(self, estimator, context):
            events.append("teardown")

        def on_fit_task_begin(self, estimator, context):
            events.append(f"begin {context.task_name}")

        def on_fit_task_end(self, estimator, context):
            events.append(f"end {context.task_name}")

    ElasticNetCV(cv=3, l1_ratio=[0.5, 1.0], alphas=3).set_callbacks(Recorder()).fit(X, Y)
    assert events == ["setup", "begin fit", *["begin fold", "end fold"] * 6, "end fit", "teardown"]
