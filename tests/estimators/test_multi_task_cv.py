"""MultiTaskLassoCV and MultiTaskElasticNetCV: scikit-learn's answers and contract, and what they add."""

from __future__ import annotations

import inspect
import pickle

import numpy as np
import pytest
import sklearn
import sklearn.linear_model
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import mean_squared_error, r2_score
from sklearn.model_selection import GroupKFold, ShuffleSplit
from sklearn.pipeline import make_pipeline
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import check_estimator

import regularize
from regularize import (
    ElasticNetCV,
    LassoCV,
    MultiTaskElasticNet,
    MultiTaskElasticNetCV,
    MultiTaskLasso,
    MultiTaskLassoCV,
)

MODELS = [MultiTaskLassoCV, MultiTaskElasticNetCV]
OURS = {
    "selection_rule": "min",
    "scoring": None,
    "store_predictions": False,
    "penalty_factor": None,
    "standardize": False,
}
TIGHT = {"tol": 1e-13, "max_iter": 100_000}
FEW = {"alphas": 6, "eps": 0.01, "cv": 3}
N, P, T = 30, 7, 3
RNG = np.random.default_rng(0)
X = (RNG.standard_normal((N, P)) + 1.0) * (RNG.random((N, P)) < 0.6)
Y = X[:, :3] @ RNG.standard_normal((3, T)) + RNG.standard_normal((N, T)) + 2.0
WEIGHT = RNG.integers(1, 4, N).astype(float)
FORMS = {"dense": np.asarray, "sparse": sparse.csr_matrix}
since_1_9 = pytest.mark.skipif(
    tuple(map(int, sklearn.__version__.split(".")[:2])) < (1, 9),
    reason="scikit-learn's multi-task models take weights, sparse X and a number of alphas since 1.9",
)


def theirs(model, **parameters):
    return getattr(sklearn.linear_model, model.__name__)(**{**TIGHT, **parameters})


@since_1_9
@pytest.mark.parametrize("model", MODELS)
def test_the_signature_is_that_of_scikit_learn_plus_our_keywords(model):
    ours, reference = inspect.signature(model).parameters, inspect.signature(type(theirs(model))).parameters
    assert list(ours) == [*reference, *OURS]
    assert {name: p.default for name, p in ours.items()} == {**{n: p.default for n, p in reference.items()}, **OURS}
    assert all(p.kind is inspect.Parameter.KEYWORD_ONLY for p in ours.values())
    assert list(inspect.signature(model.fit).parameters) == ["self", "X", "y", "sample_weight", "groups", "params"]


@pytest.mark.parametrize("model", MODELS)
def test_it_is_no_model_of_scikit_learn_and_has_its_path_and_tags(model):
    assert not any(base.__module__.startswith("sklearn.linear_model") for base in model.__mro__)
    assert model.path is (regularize.lasso_path if model is MultiTaskLassoCV else regularize.enet_path)
    tags = get_tags(model())
    assert tags.target_tags == get_tags(getattr(sklearn.linear_model, model.__name__)()).target_tags
    assert tags.input_tags.sparse


@pytest.mark.parametrize(
    "model",
    [
        MultiTaskLassoCV(alphas=5, scoring="r2", selection_rule="1se", store_predictions=True),
        MultiTaskElasticNetCV(alphas=5, l1_ratio=[0.5, 1.0]),
    ],
    ids=["MultiTaskLassoCV", "MultiTaskElasticNetCV"],
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
@pytest.mark.filterwarnings("ignore:R\\^2 score")
def test_check_estimator_has_nothing_to_object(model):
    check_estimator(model)


@since_1_9
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("form", FORMS)
def test_the_search_is_that_of_scikit_learn(fit_intercept, weighted, form):
    options = {**FEW, "l1_ratio": [0.5, 1.0], "fit_intercept": fit_intercept}
    weight = WEIGHT if weighted else None
    expected = theirs(MultiTaskElasticNetCV, **options).fit(X, Y, sample_weight=weight)
    fitted = MultiTaskElasticNetCV(**options, **TIGHT).fit(FORMS[form](X), Y, sample_weight=weight)
    assert_allclose(fitted.alphas_, expected.alphas_, rtol=1e-10)
    assert_allclose(fitted.mse_path_, expected.mse_path_, rtol=1e-6)
    assert (fitted.alpha_, fitted.l1_ratio_) == pytest.approx((expected.alpha_, expected.l1_ratio_))
    assert_allclose(fitted.coef_, expected.coef_, rtol=1e-5, atol=1e-6)
    assert_allclose(fitted.intercept_, expected.intercept_, rtol=1e-5, atol=1e-6)
    assert_allclose(fitted.predict(X), expected.predict(X), rtol=1e-5, atol=1e-5)


@since_1_9
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("n_targets", [1, T])
@pytest.mark.parametrize("changes", [{}, {"alphas": [0.3]}, {"alphas": [0.3, 0.1], "l1_ratio": [0.5, 1.0]}], ids=str)
def test_attributes_have_the_shapes_and_dtypes_of_scikit_learn(dtype, fit_intercept, n_targets, changes):
    options = {**FEW, "tol": 1e-4, "fit_intercept": fit_intercept, **changes}
    del options["eps"]
    expected = theirs(MultiTaskElasticNetCV, **options).fit(X.astype(dtype), Y[:, :n_targets])
    fitted = MultiTaskElasticNetCV(**options).fit(X.astype(dtype), Y[:, :n_targets])
    for name in ("coef_", "intercept_", "alpha_", "l1_ratio_", "alphas_", "mse_path_", "dual_gap_", "n_iter_"):
        ours, reference = getattr(fitted, name), getattr(expected, name)
        assert np.shape(ours) == np.shape(reference), name
        assert np.asarray(ours).dtype == np.asarray(reference).dtype, name
    assert fitted.predict(X).shape == (N, n_targets)


def test_the_added_attributes_have_the_shapes_that_are_documented():
    fitted = MultiTaskElasticNetCV(l1_ratio=[0.5, 1.0], store_predictions=True, **FEW).fit(X.astype(np.float32), Y)
    assert fitted.coef_path_.shape == (T, P, 6) and fitted.coef_path_.dtype == np.float32
    assert fitted.intercept_path_.shape == (T, 6)
    assert fitted.cv_mean_.shape == fitted.cv_se_.shape == (2, 6)
    assert fitted.oof_predictions_.shape == (N, T)
    assert fitted.converged_ is True
    assert len(fitted.cv_splits_) == 3
    assert np.shape(fitted.alpha_min_) == np.shape(fitted.alpha_1se_) == ()


@pytest.mark.parametrize(("model", "alone"), [(MultiTaskLassoCV, LassoCV), (MultiTaskElasticNetCV, ElasticNetCV)])
def test_one_target_is_the_search_of_one_target(model, alone):
    options = {**FEW, **TIGHT, "standardize": True, "store_predictions": True, "selection_rule": "1se"}
    expected = alone(**options).fit(X, Y[:, 0], sample_weight=WEIGHT)
    fitted = model(**options).fit(X, Y[:, [0]], sample_weight=WEIGHT)
    assert isinstance(expected.intercept_, np.float64) and isinstance(fitted.intercept_, np.ndarray)
    for name in ("alpha_", "alpha_min_", "alphas_", "mse_path_", "cv_mean_", "cv_se_"):
        assert_allclose(getattr(fitted, name), getattr(expected, name), rtol=1e-6, err_msg=name)
    for name in ("coef_", "intercept_", "coef_path_", "intercept_path_"):
        assert_allclose(getattr(fitted, name)[0], getattr(expected, name), rtol=1e-5, atol=1e-6, err_msg=name)
    assert_allclose(fitted.oof_predictions_[:, 0], expected.oof_predictions_, rtol=1e-6)


@pytest.mark.parametrize("form", FORMS)
def test_the_coefficients_are_those_of_a_fit_at_alpha(form):
    factor = np.array([0.0, 1.0, 2.0, 0.5, np.inf, 1.0, 1.0])
    shared = {"standardize": True, "penalty_factor": factor, **TIGHT}
    fitted = MultiTaskElasticNetCV(l1_ratio=0.7, **FEW, **shared).fit(FORMS[form](X), Y, sample_weight=WEIGHT)
    model = MultiTaskElasticNet(alpha=fitted.alpha_, l1_ratio=0.7, **shared).fit(X, Y, sample_weight=WEIGHT)
    assert_allclose(fitted.coef_, model.coef_, rtol=1e-5, atol=1e-7)
    assert_allclose(fitted.intercept_, model.intercept_, rtol=1e-5)
    index = int(np.flatnonzero(fitted.alphas_ == fitted.alpha_)[0])
    assert_array_equal(fitted.coef_, fitted.coef_path_[:, :, index])
    assert_array_equal(fitted.intercept_, fitted.intercept_path_[:, index])
    assert_array_equal(fitted.coef_[:, 4], 0.0)


def test_any_split_gives_the_errors_and_predictions_of_fits_to_its_rows():
    splitter = ShuffleSplit(3, test_size=0.3, random_state=0)  # overlapping, and some rows are never held out
    options = {"standardize": True, **TIGHT}
    search = MultiTaskLassoCV(cv=splitter, alphas=[0.5, 0.1], store_predictions=True, **options)
    fitted = search.fit(X, Y, sample_weight=WEIGHT)
    total, count = np.zeros((N, T)), np.zeros((N, 1))
    for fold, (train, test) in enumerate(fitted.cv_splits_):
        for k, alpha in enumerate(fitted.alphas_):
            model = MultiTaskLasso(alpha=alpha, **options).fit(X[train], Y[train], sample_weight=WEIGHT[train])
            predicted = model.predict(X[test])
            expected = mean_squared_error(Y[test], predicted, sample_weight=WEIGHT[test])
            assert_allclose(fitted.mse_path_[k, fold], expected, rtol=1e-6)
            if alpha == fitted.alpha_:
                total[test] += predicted
                count[test] += 1.0
    with np.errstate(invalid="ignore"):
        assert_allclose(fitted.oof_predictions_, total / count, rtol=1e-6)
    assert np.isnan(fitted.oof_predictions_).any()


def test_a_weight_is_a_repetition():
    rows = np.repeat(np.arange(N), WEIGHT.astype(int))
    fold_of = np.arange(N) % 3
    weighted_splits = [(np.flatnonzero(fold_of != k), np.flatnonzero(fold_of == k)) for k in range(3)]
    repeated_splits = [(np.flatnonzero(fold_of[rows] != k), np.flatnonzero(fold_of[rows] == k)) for k in range(3)]
    options = {"alphas": 5, "eps": 0.01, **TIGHT}
    weighted = MultiTaskLassoCV(cv=weighted_splits, **options).fit(X, Y, sample_weight=3.0 * WEIGHT)
    repeated = MultiTaskLassoCV(cv=repeated_splits, **options).fit(X[rows], Y[rows])
    assert_allclose(weighted.alphas_, repeated.alphas_)
    assert_allclose(weighted.mse_path_, repeated.mse_path_, rtol=1e-6)
    assert_allclose(weighted.coef_, repeated.coef_, rtol=1e-5, atol=1e-7)


def test_the_rule_decides_which_alpha():
    fits = {rule: MultiTaskLassoCV(selection_rule=rule, **FEW).fit(X, Y) for rule in ("min", "1se", lambda a, e: 2)}
    least, one_se, own = fits.values()
    assert least.alpha_ == least.alpha_min_ <= one_se.alpha_ == one_se.alpha_1se_ == least.alpha_1se_
    assert own.alpha_ == own.alphas_[2]
    mean = least.mse_path_.mean(axis=1)
    standard_error = least.mse_path_.std(axis=1, ddof=1) / np.sqrt(3)
    assert_allclose(least.cv_se_, standard_error)
    assert one_se.alpha_ == least.alphas_[mean <= mean.min() + standard_error[mean.argmin()]].max()


def test_a_scorer_is_given_multi_task_models_and_rows_of_all_targets():
    seen = []

    def scorer(model, features, targets):
        seen.append((type(model), model.coef_.shape, model.intercept_.shape, targets.shape))
        return r2_score(targets, model.predict(features), multioutput="variance_weighted")

    fitted = MultiTaskLassoCV(scoring=scorer, **FEW).fit(X, Y)
    assert set(seen) == {(MultiTaskLasso, (T, P), (T,), (N // 3, T))}
    assert fitted.alpha_ == fitted.alphas_[fitted.cv_mean_.argmax()]
    by_name = MultiTaskElasticNetCV(scoring="neg_mean_squared_error", **FEW).fit(X, Y)
    assert_allclose(by_name.cv_mean_, -by_name.mse_path_.mean(axis=1))


def test_groups_of_rows_reach_the_splitter_with_and_without_routing():
    groups = np.arange(N) % 7
    expected = list(GroupKFold(3).split(X, Y, groups))
    model = MultiTaskLassoCV(cv=GroupKFold(3), alphas=3)
    plain = clone(model).fit(X, Y, groups=groups)
    with sklearn.config_context(enable_metadata_routing=True):
        routed = make_pipeline("passthrough", clone(model)).fit(X, Y, groups=groups)[-1]
    for fitted in (plain, routed):
        for (train, test), (expected_train, expected_test) in zip(fitted.cv_splits_, expected, strict=True):
            assert_array_equal(train, expected_train)
            assert_array_equal(test, expected_test)


def test_columns_may_be_named():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=list("abcdefg"))
    named = MultiTaskLassoCV(penalty_factor={"c": 0.0, "a": np.inf}, **FEW).fit(frame, Y)
    plain = MultiTaskLassoCV(penalty_factor=[np.inf, 1, 0, 1, 1, 1, 1], **FEW).fit(X, Y)
    assert_allclose(named.coef_, plain.coef_, rtol=1e-10)
    assert not named.coef_[:, 0].any() and named.coef_[:, 2].all()
    assert list(named.feature_names_in_) == list("abcdefg")


@pytest.mark.parametrize(
    ("model", "changes", "message"),
    [
        (MultiTaskLassoCV(), {"y": Y[:, 0]}, "For mono-task outputs, use LassoCV. MultiTaskLassoCV takes y of shape"),
        (MultiTaskElasticNetCV(), {"y": Y[:, 0]}, "For mono-task outputs, use ElasticNetCV. "),
        (MultiTaskLassoCV(), {"y": np.where(Y > 2, np.nan, Y)}, "Input y contains NaN"),
        (MultiTaskLassoCV(alphas=None), {}, "The 'alphas' parameter of MultiTaskLassoCV must be an int in the range"),
        (MultiTaskLassoCV(alphas=[-1.0]), {}, r"alphas\[0\] == -1.0, must be >= 0.0"),
        (MultiTaskElasticNetCV(l1_ratio=[2.0]), {}, "The 'l1_ratio' parameter of MultiTaskElasticNetCV"),
        (MultiTaskElasticNetCV(l1_ratio=[0.5, 0.0]), {}, "Automatic alpha grid generation is not supported"),
        (MultiTaskLassoCV(cv=1), {}, "The 'cv' parameter of MultiTaskLassoCV"),
        (MultiTaskLassoCV(selection_rule="2se"), {}, "The 'selection_rule' parameter"),
        (MultiTaskLassoCV(penalty_factor=[1.0]), {}, "The 'penalty_factor' parameter of MultiTaskLassoCV"),
        (MultiTaskLassoCV(cv=[(range(5), [])]), {}, "test rows of fold 0 are empty"),
    ],
)
def test_bad_arguments_are_refused_by_name_before_any_work(model, changes, message, monkeypatch):
    monkeypatch.setattr("regularize.estimators.base_cv.FoldedDesign", None)  # any work would raise TypeError
    with pytest.raises(ValueError, match=message):
        model.fit(**{"X": X, "y": Y, **changes})
    assert not hasattr(model, "n_features_in_")


def test_a_grid_for_squares_alone_must_be_given():
    fitted = MultiTaskElasticNetCV(l1_ratio=0, alphas=[0.3, 0.1], cv=3, **TIGHT).fit(X, Y)
    ridge = sklearn.linear_model.Ridge(alpha=N * fitted.alpha_).fit(X, Y)
    assert_allclose(fitted.coef_, ridge.coef_, rtol=1e-5)


def test_what_did_not_converge_is_told_once_with_alphas_and_folds(monkeypatch):
    failures = regularize.estimators.base_cv.failures_of

    def all_failed(path, fold):
        path.converged[:] = False
        return failures(path, fold)

    monkeypatch.setattr("regularize.estimators.base_cv.failures_of", all_failed)
    with pytest.warns(ConvergenceWarning) as caught:
        MultiTaskLassoCV(cv=2, alphas=[0.5, 0.1]).fit(X, Y)
    assert len(caught) == 1 and caught[0].filename == __file__
    assert "alphas: 0.5, 0.1, in: all rows, fold 0, fold 1" in str(caught[0].message)


def test_copies_and_threads_change_nothing():
    model = MultiTaskElasticNetCV(l1_ratio=[0.5, 1.0], store_predictions=True, **FEW)
    fitted = clone(model).fit(X, Y)
    assert_array_equal(pickle.loads(pickle.dumps(fitted)).oof_predictions_, fitted.oof_predictions_)
    assert clone(fitted).get_params() == fitted.get_params()
    assert_array_equal(clone(model).set_params(n_jobs=2).fit(X, Y).mse_path_, fitted.mse_path_)


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

    MultiTaskElasticNetCV(l1_ratio=[0.5, 1.0], **FEW).set_callbacks(Recorder()).fit(X, Y)
    assert events == ["setup", "begin fit", *["begin fold", "end fold"] * 6, "end fit", "teardown"]
