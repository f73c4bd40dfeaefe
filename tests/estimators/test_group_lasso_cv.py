"""GroupLassoCV, GroupElasticNetCV and SparseGroupLassoCV."""

from __future__ import annotations

import inspect
import pickle

import numpy as np
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import DataConversionWarning
from sklearn.metrics import mean_squared_error
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from regularize import (
    ElasticNetCV,
    GroupElasticNet,
    GroupElasticNetCV,
    GroupLasso,
    GroupLassoCV,
    LassoCV,
    SparseGroupLasso,
    SparseGroupLassoCV,
)

MODELS = {GroupLassoCV: GroupLasso, GroupElasticNetCV: GroupElasticNet, SparseGroupLassoCV: SparseGroupLasso}
NOT_OURS = {"precompute", "copy_X", "random_state", "selection", "penalty_factor"}
RNG = np.random.default_rng(2)
X = RNG.standard_normal((40, 6)) + 0.5
Y = X @ [1.0, -1.0, 0.0, 0.0, 0.5, 0.1] + RNG.standard_normal(40) + 2.0
GROUPS = [0, 1, 1, 2, 2, 2]
WEIGHT = np.linspace(0.1, 2.0, 40)
ROWS = np.arange(40) % 7
EXACT = {"tol": 1e-11, "max_iter": 10_000}


@pytest.mark.parametrize("model", MODELS)
def test_the_signature_is_that_of_elastic_net_cv_without_what_has_no_effect(model):
    ours, reference = inspect.signature(model).parameters, inspect.signature(ElasticNetCV).parameters
    own = {"groups", "group_weights", *(["penalty_factor"] if model is SparseGroupLassoCV else [])}
    without = NOT_OURS | ({"l1_ratio"} if model is GroupLassoCV else set())
    assert set(ours) == (set(reference) - without) | own
    assert all(ours[name].default == reference[name].default for name in set(ours) & set(reference))
    assert all(p.kind is inspect.Parameter.KEYWORD_ONLY for p in ours.values())
    assert list(inspect.signature(model.fit).parameters) == ["self", "X", "y", "sample_weight", "groups", "params"]


@pytest.mark.parametrize(
    "model",
    [
        GroupLassoCV(),
        GroupElasticNetCV(l1_ratio=[0.5, 1.0], alphas=5, selection_rule="1se", store_predictions=True),
        SparseGroupLassoCV(l1_ratio=[0.0, 0.5], alphas=5, scoring="r2"),
        GroupLassoCV(alpha_per_target=True, alphas=5),
    ],
    ids=["GroupLassoCV", "GroupElasticNetCV", "SparseGroupLassoCV", "alpha_per_target"],
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
@pytest.mark.filterwarnings("ignore:R\\^2 score")
def test_check_estimator_has_nothing_to_object(model):
    check_estimator(model)


def fitted_alone(fitted, k, train, **parameters):
    """The model of one alpha on some rows."""
    model = MODELS[type(fitted)](alpha=fitted.alphas_[k], groups=fitted.groups, **EXACT, **parameters)
    model.set_params(group_weights=fitted.group_weights, standardize=fitted.standardize)
    return model.fit(X[train], Y[train], sample_weight=WEIGHT[train])


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize("form", [np.asarray, sparse.csc_matrix], ids=["dense", "sparse"])
def test_the_errors_are_those_of_fits_to_the_rows_of_each_fold(model, form, standardize):
    options = {"groups": GROUPS, "group_weights": [1.0, 0.5, 2.0], "standardize": standardize}
    fitted = model(alphas=[0.5, 0.05], cv=3, **options, **EXACT).fit(form(X), Y, sample_weight=WEIGHT)
    for fold, (train, test) in enumerate(fitted.cv_splits_):
        for k in range(2):
            alone = fitted_alone(fitted, k, train)
            expected = mean_squared_error(Y[test], alone.predict(X[test]), sample_weight=WEIGHT[test])
            assert_allclose(fitted.mse_path_[k, fold], expected, rtol=1e-5)
    k = int(fitted.mse_path_.mean(axis=1).argmin())
    assert fitted.alpha_ == fitted.alphas_[k]
    assert_allclose(fitted.coef_, fitted_alone(fitted, k, slice(None)).coef_, rtol=1e-4, atol=1e-8)


def test_with_groups_of_one_they_are_lasso_cv_and_elastic_net_cv():
    for ours, theirs in (
        (GroupLassoCV(alphas=12, **EXACT), LassoCV(alphas=12, **EXACT)),
        (
            GroupElasticNetCV(l1_ratio=[0.3, 0.8], alphas=12, **EXACT),
            ElasticNetCV(l1_ratio=[0.3, 0.8], alphas=12, **EXACT),
        ),
    ):
        found, expected = ours.fit(X, Y), theirs.fit(X, Y)
        for name in ("alphas_", "alpha_", "mse_path_", "coef_", "coef_path_", "cv_se_", "alpha_1se_"):
            assert_allclose(getattr(found, name), getattr(expected, name), rtol=1e-5, atol=1e-8, err_msg=name)


def test_a_grid_search_selects_the_same_alpha():
    folds = KFold(4, shuffle=True, random_state=0)
    fitted = GroupLassoCV(groups=GROUPS, alphas=8, eps=0.01, cv=folds, **EXACT).fit(X, Y)
    search = GridSearchCV(
        GroupLasso(groups=GROUPS, **EXACT), {"alpha": fitted.alphas_}, cv=folds, scoring="neg_mean_squared_error"
    ).fit(X, Y)
    assert search.best_params_["alpha"] == fitted.alpha_
    assert_allclose(-search.cv_results_["mean_test_score"], fitted.cv_mean_, rtol=1e-6)
    assert_allclose(search.best_estimator_.coef_, fitted.coef_, rtol=1e-5, atol=1e-8)
    assert 0 < np.flatnonzero(fitted.alphas_ == fitted.alpha_)[0] < 7  # the ends would prove little


@pytest.mark.parametrize("model", [GroupElasticNetCV, SparseGroupLassoCV])
def test_of_several_l1_ratios_the_best_is_selected(model):
    ratios = [0.1, 0.5, 1.0]
    fitted = model(l1_ratio=ratios, groups=GROUPS, alphas=6, cv=3, **EXACT).fit(X, Y)
    assert fitted.mse_path_.shape == (3, 6, 3) and fitted.alphas_.shape == (3, 6)
    best = int(fitted.cv_mean_.min(axis=1).argmin())
    assert fitted.l1_ratio_ == ratios[best]
    for row, l1_ratio in enumerate(ratios):
        alone = model(l1_ratio=l1_ratio, groups=GROUPS, alphas=6, cv=3, **EXACT).fit(X, Y)
        assert_allclose(fitted.alphas_[row], alone.alphas_, rtol=1e-10)
        assert_allclose(fitted.mse_path_[row], alone.mse_path_, rtol=1e-5)
        if row == best:
            assert fitted.alpha_ == alone.alpha_
            assert_allclose(fitted.coef_, alone.coef_, rtol=1e-5, atol=1e-8)


def test_only_the_group_elastic_net_cannot_make_a_grid_for_an_l1_ratio_of_0():
    with pytest.raises(ValueError, match="not supported for l1_ratio=0.*GroupElasticNetCV"):
        GroupElasticNetCV(l1_ratio=[0.0, 0.5]).fit(X, Y)
    given = GroupElasticNetCV(l1_ratio=[0.0, 0.5], alphas=[1.0, 0.1], groups=2, cv=2).fit(X, Y)
    assert given.mse_path_.shape == (2, 2, 2)
    fitted = SparseGroupLassoCV(l1_ratio=0.0, groups=GROUPS, alphas=5, cv=2, **EXACT).fit(X, Y)
    expected = GroupLassoCV(groups=GROUPS, alphas=5, cv=2, **EXACT).fit(X, Y)
    assert_allclose(fitted.alphas_, expected.alphas_, rtol=1e-10)
    assert_allclose(fitted.coef_path_, expected.coef_path_, rtol=1e-5, atol=1e-8)


def test_groups_of_rows_are_for_the_splitter_and_groups_of_features_for_the_model():
    expected = list(GroupKFold(3).split(X, Y, ROWS))
    fits = [GroupLassoCV(groups=GROUPS, cv=GroupKFold(3), alphas=3).fit(X, Y, groups=ROWS)]
    with sklearn.config_context(enable_metadata_routing=True):
        model = GroupLassoCV(groups=GROUPS, cv=GroupKFold(3), alphas=3)
        fits.extend(
            (model.fit(X, Y, groups=ROWS), make_pipeline(StandardScaler(), clone(model)).fit(X, Y, groups=ROWS)[-1])
        )
    for fitted in fits:
        for (train, test), (expected_train, expected_test) in zip(fitted.cv_splits_, expected, strict=True):
            assert_array_equal(train, expected_train)
            assert_array_equal(test, expected_test)
        assert [len(group) for group in fitted.groups_] == [1, 2, 3]


def test_groups_by_name_reach_every_fold():
    frame = pytest.importorskip("pandas").DataFrame(X, columns=list("abcdef"))
    named = {"u": ["b", "c"], "v": ["a"], "w": ["f", "d", "e"]}
    by_name = GroupLassoCV(groups=named, group_weights={"v": 2.0}, alphas=4, cv=3).fit(frame, Y)
    plain = GroupLassoCV(groups=[[1, 2], [0], [3, 4, 5]], group_weights={1: 2.0}, alphas=4, cv=3).fit(
        np.asfortranarray(X), Y
    )
    assert_allclose(by_name.mse_path_, plain.mse_path_, rtol=1e-9)
    assert [list(group) for group in by_name.groups_] == [[1, 2], [0], [3, 4, 5]]


@pytest.mark.parametrize("model", MODELS)
def test_a_scorer_is_given_a_fitted_model_with_its_groups(model):
    seen = []

    def scorer(estimator, X, y):
        seen.append(
            (type(estimator), estimator.alpha, estimator.l1_ratio, len(estimator.group_norms_), estimator.groups)
        )
        return -float(estimator.n_active_groups_)

    fitted = model(groups=GROUPS, alphas=[10.0, 0.01], cv=2, scoring=scorer)
    if model is not GroupLassoCV:
        fitted.set_params(l1_ratio=0.8)
    l1_ratio = 1.0 if model is GroupLassoCV else 0.8
    fitted.fit(X, Y)
    assert seen == [(MODELS[model], alpha, l1_ratio, 3, GROUPS) for alpha in (10.0, 0.01)] * 2
    assert fitted.alpha_ == 10.0
    assert_array_equal(fitted.cv_mean_, [0.0, -3.0])


@pytest.mark.parametrize("model", MODELS)
def test_attributes_of_groups_follow_the_selected_coefficients(model):
    fitted = model(groups=GROUPS, alphas=6, cv=3, store_predictions=True, selection_rule="1se").fit(X, Y)
    assert fitted.alpha_ == fitted.alpha_1se_ >= fitted.alpha_min_
    assert_allclose(fitted.group_norms_, [np.linalg.norm(fitted.coef_[group]) for group in fitted.groups_])
    assert fitted.n_active_groups_ == np.count_nonzero(fitted.group_norms_)
    assert fitted.oof_predictions_.shape == (40,) and not np.isnan(fitted.oof_predictions_).any()
    assert fitted.converged_ and fitted.n_features_in_ == 6
    copy = pickle.loads(pickle.dumps(fitted))
    assert_array_equal(copy.group_norms_, fitted.group_norms_)
    assert_array_equal(copy.predict(X), fitted.predict(X))
    assert not hasattr(clone(fitted), "groups_")
    assert model.__name__ in fitted._repr_html_()


class TestSeveralTargets:
    """alpha_per_target."""

    TARGETS = np.c_[Y, WEIGHT]

    def test_each_is_fitted_by_itself(self):
        model = GroupLassoCV(groups=GROUPS, alphas=6, cv=3, alpha_per_target=True)
        together = clone(model).fit(X, self.TARGETS)
        assert together.group_norms_.shape == (2, 3) and together.n_active_groups_.shape == (2,)
        for k, y in enumerate(self.TARGETS.T):
            alone = clone(model).fit(X, y)
            for name in ("alpha_", "alphas_", "mse_path_", "coef_", "group_norms_", "n_active_groups_"):
                assert_allclose(getattr(together, name)[k], getattr(alone, name), rtol=1e-9, err_msg=name)

    def test_without_it_they_are_refused(self):
        with pytest.raises(ValueError, match=r"GroupLassoCV takes several targets only with alpha_per_target=True"):
            GroupLassoCV(alphas=3).fit(X, self.TARGETS)
        with pytest.warns(DataConversionWarning):
            assert GroupLassoCV(alphas=3).fit(X, Y[:, None]).coef_.shape == (6,)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"groups": 4}, "The 'groups' parameter of {} must divide the number of features"),
        ({"groups": 0}, "The 'groups' parameter of {} must be an int in the range"),
        ({"group_weights": [np.nan] * 3}, "The 'group_weights' parameter of {} must be in the range"),
        ({"groups": 2, "bounds": (0.0, 1.0)}, "The 'bounds' parameter of {} must be 0 or infinite"),
        ({"alphas": None}, "The 'alphas' parameter of {} must be an int in the range"),
        ({"cv": 1}, "The 'cv' parameter of {} must be"),
        ({"selection_rule": "2se"}, "The 'selection_rule' parameter of {}"),
        ({"max_iter": None}, "The 'max_iter' parameter of {}"),
    ],
    ids=lambda value: str(value)[:25],
)
def test_invalid_parameters_are_refused_by_name_and_change_nothing(model, parameters, message, monkeypatch):
    def fail(*args, **kwargs):
        raise AssertionError("work was done")

    fitted = model(groups=2, alphas=3, cv=2).fit(X, Y)
    fitted.set_params(**parameters)
    before = dict(vars(fitted))
    monkeypatch.setattr("regularize.estimators.base_cv.FoldedDesign", fail)
    with pytest.raises(ValueError) as error:
        fitted.fit(X, Y)
    assert message.format(model.__name__) in str(error.value)
    assert vars(fitted) == before


@pytest.mark.parametrize("l1_ratio", [1.5, [], [0.5, 2.0], None])
def test_an_invalid_l1_ratio_is_refused(l1_ratio):
    for model in (GroupElasticNetCV, SparseGroupLassoCV):
        with pytest.raises(ValueError, match=f"The 'l1_ratio' parameter of {model.__name__}"):
            model(l1_ratio=l1_ratio).fit(X, Y)


def test_the_answer_does_not_depend_on_the_number_of_threads():
    one, two = (SparseGroupLassoCV(l1_ratio=[0.2, 0.8], groups=2, alphas=5, n_jobs=n).fit(X, Y) for n in (1, 2))
    assert_array_equal(one.mse_path_, two.mse_path_)
    assert_array_equal(one.coef_, two.coef_)
