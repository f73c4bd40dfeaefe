"""GroupLasso and GroupElasticNet, and what all models with groups of features share."""

from __future__ import annotations

import inspect
import pickle
import warnings

import numpy as np
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from group_judge import judge_groups
from regularize import ElasticNet, GroupElasticNet, GroupLasso, Lasso, SparseGroupLasso

MODELS = [GroupLasso, GroupElasticNet, SparseGroupLasso]
RNG = np.random.default_rng(0)
NAMES = ["a", "b", "c", "d", "e", "f"]
X = RNG.standard_normal((40, 6)) * [1.0, 2.0, 0.5, 1.0, 3.0, 1.0] + 1.0
Y = X @ [1.0, -1.0, 0.0, 0.0, 0.5, 0.1] + 0.5 * RNG.standard_normal(40) + 3.0
UNEVEN = [0, 1, 1, 2, 2, 2]
WEIGHT = np.linspace(0.0, 2.0, 40)
EXACT = {"tol": 1e-12, "max_iter": 10_000}


def coef(X=X, y=Y, model=GroupLasso, alpha=0.2, **parameters):  # noqa: N803
    return model(alpha=alpha, **EXACT, **parameters).fit(X, y).coef_


@parametrize_with_checks([GroupLasso(), GroupElasticNet(), SparseGroupLasso()])
def test_the_estimator_checks_of_scikit_learn_pass(estimator, check):
    check(estimator)


@pytest.mark.parametrize("model", MODELS)
def test_alpha_is_the_only_positional_parameter(model):
    parameters = inspect.signature(model).parameters
    assert [name for name, p in parameters.items() if p.kind is not inspect.Parameter.KEYWORD_ONLY] == ["alpha"]
    assert parameters["groups"].default == 1 and parameters["group_weights"].default is None
    assert list(inspect.signature(model.fit).parameters) == list(inspect.signature(Lasso.fit).parameters)


class TestSolution:
    """The coefficients minimise the objective of the docstring."""

    @pytest.mark.parametrize("layout", ["C", "F", "csc_matrix", "csr_array", "csc_array64", "float32"])
    @pytest.mark.parametrize("fit_intercept", [True, False])
    def test_the_judge_finds_no_gap(self, fit_intercept, layout):
        data = as_layout(layout)
        fitted = GroupLasso(0.2, groups=UNEVEN, fit_intercept=fit_intercept, **EXACT).fit(data, Y)
        verdict = judged(fitted, np.asarray(data.toarray() if sparse.issparse(data) else data, dtype=np.float64))
        assert verdict.relative_gap <= (1e-10 if layout != "float32" else 1e-6)
        assert fitted.coef_.dtype == data.dtype
        assert_allclose(fitted.predict(data), X @ fitted.coef_ + fitted.intercept_, rtol=1e-4)

    @pytest.mark.parametrize("weight", [None, WEIGHT], ids=["equal", "weighted"])
    @pytest.mark.parametrize("standardize", [True, False])
    def test_rows_and_groups_may_have_weights_and_columns_be_standardised(self, standardize, weight):
        options = {"groups": UNEVEN, "group_weights": [0.5, 3.0, 1.0], "standardize": standardize}
        fitted = GroupLasso(0.2, **options, **EXACT).fit(X, Y, sample_weight=weight)
        verdict = judged(fitted, norm=[0.5, 3.0, 1.0], sample_weight=weight, standardize=standardize)
        assert verdict.relative_gap <= 1e-10

    def test_the_group_elastic_net_weighs_norms_and_squares(self):
        weights = np.array([0.5, 3.0, 1.0])
        fitted = GroupElasticNet(0.2, l1_ratio=0.3, groups=UNEVEN, group_weights=weights, **EXACT).fit(X, Y)
        assert judged(fitted, norm=0.3 * weights, l2=0.7 * weights[UNEVEN]).relative_gap <= 1e-10

    @pytest.mark.parametrize("bounds", [(0.0, np.inf), (-np.inf, 0.0), ([0, -np.inf] * 3, [np.inf, 0] * 3)])
    def test_constraints_of_sign_are_solved_exactly(self, bounds):
        fitted = GroupLasso(0.1, groups=UNEVEN, bounds=bounds, **EXACT).fit(X, Y)
        assert judged(fitted, bounds=bounds).relative_gap <= 1e-10
        assert fitted.n_active_groups_ > 0

    def test_a_group_is_zero_or_has_no_zero(self):
        fitted = GroupLasso(0.5, groups=[["a", "b"], ["c", "f"], ["d", "e"]], **EXACT).fit(frame(), Y)
        assert [np.count_nonzero(fitted.coef_[group]) for group in fitted.groups_] == [2, 0, 2]

    @pytest.mark.parametrize("fraction", [0.3, 0.9, 1.1])
    def test_one_group_of_orthonormal_columns_is_a_closed_form(self, fraction):
        columns, _ = np.linalg.qr(X)
        product = columns.T @ Y / np.sqrt(40)
        largest = np.linalg.norm(product)
        found = coef(np.sqrt(40) * columns, groups=6, alpha=fraction * largest / np.sqrt(6), fit_intercept=False)
        assert_allclose(found, max(0.0, 1.0 - fraction) * product, rtol=1e-6)


def as_layout(layout):
    if layout == "float32":
        return X.astype(np.float32)
    if layout in ("C", "F"):
        return np.array(X, order=layout)
    matrix = getattr(sparse, layout.removesuffix("64"))(X)
    if layout.endswith("64"):
        matrix.indices, matrix.indptr = matrix.indices.astype(np.int64), matrix.indptr.astype(np.int64)
    return matrix


def judged(fitted, X=X, **options):  # noqa: N803
    intercept = fitted.intercept_ if fitted.fit_intercept else None
    return judge_groups(X, Y, fitted.alpha, np.float64(fitted.coef_), intercept, groups=fitted.groups_, **options)


def frame():
    return pytest.importorskip("pandas").DataFrame(X, columns=NAMES)


class TestEquivalences:
    """Models that are values of other models."""

    OPTIONS = ({}, {"fit_intercept": False}, {"positive": True}, {"bounds": (-0.3, 0.5)}, {"standardize": True})

    @pytest.mark.parametrize("options", OPTIONS, ids=str)
    def test_the_group_lasso_of_groups_of_one_is_the_lasso(self, options):
        assert_allclose(coef(**options), coef(model=Lasso, **options), rtol=1e-6, atol=1e-9)

    @pytest.mark.parametrize("options", OPTIONS, ids=str)
    def test_the_group_elastic_net_of_groups_of_one_is_the_elastic_net(self, options):
        options = {"l1_ratio": 0.4, **options}
        assert_allclose(coef(model=GroupElasticNet, **options), coef(model=ElasticNet, **options), rtol=1e-6, atol=1e-9)

    def test_weights_of_groups_of_one_are_penalty_factors(self):
        factor = [0.0, 1.0, np.inf, 0.5, 2.0, 1.0]
        for ours, theirs in ((GroupLasso, Lasso), (GroupElasticNet, ElasticNet)):
            expected = coef(model=theirs, penalty_factor=factor)
            assert_allclose(coef(model=ours, group_weights=factor), expected, rtol=1e-6, atol=1e-9)

    def test_with_an_l1_ratio_of_1_the_group_elastic_net_is_the_group_lasso(self):
        both = [coef(model=GroupElasticNet, groups=UNEVEN, l1_ratio=1.0), coef(groups=UNEVEN)]
        assert_allclose(*both, rtol=1e-6)

    def test_with_an_l1_ratio_of_0_it_is_ridge_with_the_weights_of_the_groups(self):
        found = coef(model=GroupElasticNet, groups=UNEVEN, l1_ratio=0.0, fit_intercept=False)
        weights = 0.2 * np.sqrt([1.0, 2.0, 2.0, 3.0, 3.0, 3.0])
        assert_allclose(found, np.linalg.solve(X.T @ X / 40 + np.diag(weights), X.T @ Y / 40), rtol=1e-5)

    @pytest.mark.parametrize(
        "groups",
        [
            [9, 1, 1, 0, 0, 0],
            np.array(list("pqqrrr")),
            [[0], [2, 1], [3, 4, 5]],
            [["a"], ["b", "c"], ["d", "f", "e"]],
            {"one": ["a"], "two": [1, 2], "three": range(3, 6)},
        ],
        ids=["labels", "strings", "lists", "names", "dict"],
    )
    @pytest.mark.parametrize("model", MODELS)
    def test_every_form_of_groups_gives_the_same_answer(self, model, groups):
        expected = coef(frame(), model=model, groups=UNEVEN)
        assert_array_equal(coef(frame(), model=model, groups=groups), expected)

    def test_a_size_makes_consecutive_groups(self):
        assert_array_equal(coef(groups=3), coef(groups=[0, 0, 0, 1, 1, 1]))

    def test_the_order_of_the_columns_does_not_matter(self):
        order = np.array([4, 0, 2, 5, 1, 3])
        permuted = coef(X[:, order], groups=np.array(UNEVEN)[order])
        assert_allclose(permuted, coef(groups=UNEVEN)[order], rtol=1e-6, atol=1e-9)


class TestWeights:
    """group_weights of 0 and infinity, and by name."""

    @pytest.mark.parametrize("model", [GroupLasso, GroupElasticNet])
    def test_an_unpenalised_group_is_fitted_by_least_squares(self, model):
        found = coef(model=model, alpha=1e4, groups=UNEVEN, group_weights=[1.0, 0.0, 1.0])
        expected = np.linalg.lstsq(np.c_[X[:, 1:3], np.ones(40)], Y, rcond=None)[0][:2]
        assert_allclose(found, [0.0, *expected, 0.0, 0.0, 0.0], rtol=1e-6)

    @pytest.mark.parametrize("model", MODELS)
    def test_an_excluded_group_might_as_well_not_be_there(self, model):
        found = coef(model=model, groups=UNEVEN, group_weights=[1.0, np.inf, 1.7])
        without = coef(X[:, [0, 3, 4, 5]], model=model, groups=[0, 1, 1, 1], group_weights=[1.0, 1.7])
        assert_allclose(found, np.insert(without, 1, [0.0, 0.0]), rtol=1e-6, atol=1e-9)

    def test_all_groups_may_be_excluded(self):
        fitted = GroupLasso(groups=UNEVEN, group_weights=np.full(3, np.inf)).fit(X, Y)
        assert_array_equal(fitted.coef_, np.zeros(6))
        assert_allclose(fitted.intercept_, Y.mean())
        assert fitted.n_active_groups_ == 0

    def test_a_dict_names_labels_and_the_others_have_the_default(self):
        named = coef(groups=list("uvvwww"), group_weights={"w": 0.1})
        assert_allclose(named, coef(groups=UNEVEN, group_weights=[1.0, np.sqrt(2.0), 0.1]), rtol=1e-9)


class TestAttributes:
    """What a fit leaves behind."""

    @pytest.mark.parametrize("model", MODELS)
    def test_groups_and_their_norms(self, model):
        fitted = model(alpha=0.3, groups=[2, 0, 0, 1, 1, 1], **EXACT).fit(X, Y)
        assert [list(group) for group in fitted.groups_] == [[0], [1, 2], [3, 4, 5]]
        expected = [np.linalg.norm(fitted.coef_[group]) for group in fitted.groups_]
        assert_allclose(fitted.group_norms_, expected)
        assert fitted.n_active_groups_ == np.count_nonzero(expected)
        assert type(fitted.n_active_groups_) is int
        assert fitted.converged_ is True and fitted.dual_gap_ >= 0 and type(fitted.n_iter_) is int
        assert fitted.n_features_in_ == 6 and fitted.sparse_coef_.shape == (1, 6)

    @pytest.mark.parametrize("model", MODELS)
    def test_several_targets_are_independent_problems(self, model):
        targets = np.c_[Y, -2.0 * Y, np.zeros(40)]
        together = model(alpha=0.2, groups=UNEVEN, **EXACT).fit(X, targets)
        assert together.coef_.shape == (3, 6) and together.intercept_.shape == (3,)
        assert together.group_norms_.shape == (3, 3) and together.n_active_groups_.shape == (3,)
        for k, y in enumerate(targets.T):
            alone = model(alpha=0.2, groups=UNEVEN, **EXACT).fit(X, y)
            assert_allclose(together.coef_[k], alone.coef_, rtol=1e-9)
            assert_allclose(together.group_norms_[k], alone.group_norms_, rtol=1e-9)
            assert together.n_active_groups_[k] == alone.n_active_groups_

    @pytest.mark.parametrize("scale", [1e-200, 1e200])
    def test_norms_of_tiny_and_huge_coefficients_do_not_vanish_or_overflow(self, scale):
        fitted = GroupLasso(0.0, groups=UNEVEN)
        fitted.groups_, fitted.coef_ = (
            [np.array([0]), np.array([1, 2]), np.array([3])],
            scale * np.array([0.0, 3, 4, 1]),
        )
        assert_allclose(fitted.group_norms_, [0.0, 5 * scale, scale])
        assert fitted.n_active_groups_ == 2

    @pytest.mark.parametrize("model", MODELS)
    def test_an_unfitted_model_has_none_of_them(self, model):
        names = ("groups_", "group_norms_", "n_active_groups_", "coef_")
        assert not any(hasattr(model(groups=2), name) for name in names)

    def test_names_of_columns_are_kept(self):
        fitted = GroupLasso(groups={"u": ["a", "c"], "v": ["b", "d", "e", "f"]}).fit(frame(), Y)
        assert list(fitted.feature_names_in_) == NAMES
        assert [list(group) for group in fitted.groups_] == [[0, 2], [1, 3, 4, 5]]

    def test_an_alpha_of_0_warns_as_the_lasso_does(self):
        with pytest.warns(UserWarning, match="With alpha=0, this algorithm does not converge well"):
            fitted = GroupLasso(0.0, groups=2, tol=1e-10).fit(X, Y)
        expected = np.linalg.lstsq(np.c_[X, np.ones(40)], Y, rcond=None)[0][:-1]
        assert_allclose(fitted.coef_, expected, rtol=1e-4)


class TestMachinery:
    """clone, pickle, pipelines, searches, warm start, routing."""

    GROUPS = {"u": ["a", "b"], "v": ["c", "d", "e", "f"]}

    @pytest.mark.parametrize("model", MODELS)
    def test_a_copy_by_pickle_or_clone_is_equal(self, model):
        fitted = model(alpha=0.1, groups=self.GROUPS, group_weights={"u": 2.0}).fit(frame(), Y)
        loaded = pickle.loads(pickle.dumps(fitted))
        assert_array_equal(loaded.predict(frame()), fitted.predict(frame()))
        assert_array_equal(loaded.group_norms_, fitted.group_norms_)
        copied = clone(fitted)
        assert not hasattr(copied, "coef_")
        assert copied.groups == self.GROUPS
        assert_array_equal(copied.fit(frame(), Y).coef_, fitted.coef_)

    def test_parameters_are_neither_changed_nor_copied(self):
        groups, weights = [[0, 1], [2, 3, 4, 5]], np.array([1.0, 2.0])
        model = GroupLasso(groups=groups, group_weights=weights).fit(X, Y)
        assert model.groups is groups and model.group_weights is weights
        assert groups == [[0, 1], [2, 3, 4, 5]]
        model.groups_[0][:] = -1  # the user's to spoil
        assert_array_equal(model.fit(X, Y).groups_[0], [0, 1])

    @pytest.mark.parametrize("model", MODELS)
    def test_the_representations_name_the_model(self, model):
        fitted = model(alpha=0.5, groups=3).fit(X, Y)
        assert repr(fitted).startswith(f"{model.__name__}(alpha=0.5") and "groups=3" in repr(fitted)
        assert model.__name__ in fitted._repr_html_()

    def test_a_pipeline_of_frames_knows_groups_by_name(self):
        scaler = StandardScaler().set_output(transform="pandas")
        piped = make_pipeline(scaler, GroupLasso(1e6, groups=self.GROUPS, group_weights={"u": 0.0})).fit(frame(), Y)
        assert_array_equal(piped[-1].coef_ != 0, [True, True, False, False, False, False])

    def test_a_grid_search_tries_groups_and_weights(self):
        grid = {"groups": [1, 2, UNEVEN], "alpha": [0.01, 100.0]}
        search = GridSearchCV(GroupLasso(), grid, cv=3).fit(X, Y)
        assert search.best_params_["alpha"] == 0.01
        assert len(search.cv_results_["params"]) == 6

    def test_sample_weight_is_routed_when_it_is_requested(self):
        with sklearn.config_context(enable_metadata_routing=True):
            model = GroupLasso(0.1, groups=UNEVEN, **EXACT).set_fit_request(sample_weight=True)
            model.set_score_request(sample_weight=True)
            assert model.get_metadata_routing().consumes("fit", ["groups", "sample_weight"]) == {"sample_weight"}
            result = cross_validate(model, X, Y, cv=2, params={"sample_weight": WEIGHT}, return_estimator=True)
        expected = clone(model).fit(X[20:], Y[20:], sample_weight=WEIGHT[20:])
        assert_array_equal(result["estimator"][0].coef_, expected.coef_)

    @pytest.mark.parametrize("model", MODELS)
    def test_warm_start_does_not_change_the_answer_and_saves_work(self, model):
        warm = model(alpha=0.5, groups=UNEVEN, warm_start=True, **EXACT).fit(X, Y)
        warm.set_params(alpha=0.1).fit(X, Y)
        cold = model(alpha=0.1, groups=UNEVEN, **EXACT).fit(X, Y)
        assert_allclose(warm.coef_, cold.coef_, rtol=1e-6, atol=1e-9)
        assert warm.fit(X, Y).n_iter_ < cold.n_iter_

    def test_warm_start_refuses_coefficients_of_other_features(self):
        model = GroupLasso(groups=2, warm_start=True).fit(X, Y)
        with pytest.raises(ValueError, match=r"coef_ \(warm_start=True\) of GroupLasso must have shape \(1, 4\)"):
            model.fit(X[:, :4], Y)

    def test_weights_are_repetitions_of_rows(self):
        weight = np.arange(40) % 3
        model = GroupLasso(0.1, groups=UNEVEN, **EXACT)
        weighted = clone(model).fit(X, Y, sample_weight=weight)
        assert_allclose(weighted.coef_, model.fit(np.repeat(X, weight, 0), np.repeat(Y, weight)).coef_, rtol=1e-6)

    def test_nothing_is_said_when_all_is_well(self):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            GroupLasso(0.1, groups=self.GROUPS).fit(frame(), Y).predict(frame())


class TestRefusals:
    """What is invalid is refused by name, and the estimator stays as it was."""

    @pytest.mark.parametrize("model", MODELS)
    @pytest.mark.parametrize(
        ("parameters", "message"),
        [
            ({"groups": 4}, "The 'groups' parameter of {} must divide the number of features"),
            ({"groups": None}, "The 'groups' parameter of {} must be an int in the range [1, inf), an array-like"),
            ({"groups": [[0, 1, 2], [2, 3, 4, 5]]}, "These are listed more than once: feature 2."),
            ({"groups": [[0, 1], [3, 4, 5]]}, "These are in no group: feature 2."),
            ({"groups": {"u": list("abcdef")}}, "X is not a data frame with column names"),
            ({"group_weights": [1.0, -1.0, 1.0], "groups": 2}, "The 'group_weights' parameter of {} must be in"),
            ({"group_weights": 2.0}, "The 'group_weights' parameter of {} must be an array-like, a dict or None"),
            ({"groups": 2, "bounds": (-1.0, 1.0)}, "The 'bounds' parameter of {} must be 0 or infinite"),
            ({"groups": 2, "bounds": (1.0, -1.0)}, "The 'bounds' parameter of {} must have lower <= upper"),
            ({"alpha": -1.0}, "The 'alpha' parameter of {} must be a float in the range [0.0, inf)"),
            ({"max_iter": 0}, "The 'max_iter' parameter of {}"),
            ({"tol": None}, "The 'tol' parameter of {}"),
            ({"standardize": 1}, "The 'standardize' parameter of {}"),
        ],
        ids=lambda value: str(value)[:30],
    )
    def test_before_any_work(self, model, parameters, message, monkeypatch):
        def fail(*args, **kwargs):
            raise AssertionError("work was done")

        fitted = model(alpha=0.1, groups=2).fit(X, Y)
        fitted.set_params(**parameters)
        before = dict(vars(fitted))
        monkeypatch.setattr("regularize.estimators.base.squared_loss_path", fail)
        with pytest.raises(ValueError) as error:
            fitted.fit(X, Y)
        assert message.format(model.__name__) in str(error.value)
        assert vars(fitted) == before

    @pytest.mark.parametrize("model", [GroupElasticNet, SparseGroupLasso])
    @pytest.mark.parametrize("l1_ratio", [-0.1, 1.1, None])
    def test_an_l1_ratio_outside_the_unit_interval(self, model, l1_ratio):
        with pytest.raises(ValueError, match=f"'l1_ratio' parameter of {model.__name__} must be a float in the range"):
            model(l1_ratio=l1_ratio).fit(X, Y)

    @pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
    def test_a_fit_that_fails_half_way_changes_nothing(self, error, monkeypatch):
        model = GroupLasso(groups=2).fit(X, Y)
        before = dict(vars(model))

        def fail(*args, **kwargs):
            raise error

        monkeypatch.setattr("regularize.estimators.base.squared_loss_path", fail)
        with pytest.raises(error):
            model.fit(X[:, :4], Y)
        assert vars(model).keys() == before.keys()
        assert all(vars(model)[name] is value for name, value in before.items())
