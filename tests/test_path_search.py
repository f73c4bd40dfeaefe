"""PathSearchCV finds what GridSearchCV finds, preprocesses each fold once and leaks nothing."""

from __future__ import annotations

import pickle
import warnings

import numpy as np
import pytest
import sklearn
import sklearn.linear_model
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.compose import make_column_transformer
from sklearn.datasets import make_regression
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.metrics import make_scorer, mean_absolute_error
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold, ShuffleSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler, OneHotEncoder, PolynomialFeatures, StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from regularize import ElasticNet, Lasso, LassoCV, PathSearchCV, alpha_grid

TIGHT = {"tol": 1e-12, "max_iter": 10_000}
ALPHAS = np.geomspace(50.0, 0.05, 12)


@pytest.fixture
def data():
    return make_regression(n_samples=60, n_features=6, n_informative=3, bias=3.0, noise=30.0, random_state=0)


def scaled():
    return make_pipeline(StandardScaler(), Lasso(**TIGHT))


def polynomial():
    return make_pipeline(PolynomialFeatures(2, include_bias=False), StandardScaler(), ElasticNet(l1_ratio=0.8, **TIGHT))


def columns():
    numbers = (StandardScaler(), [0, 1, 2, 3, 4])
    categories = (OneHotEncoder(handle_unknown="ignore"), [5])
    return make_pipeline(make_column_transformer(numbers, categories), Lasso(penalty_factor=None, **TIGHT))


def standardized():
    return Lasso(standardize=True, **TIGHT)


def assert_same_search(search, grid):
    for name, expected in grid.cv_results_.items():
        if name.endswith("_test_score") and not name.startswith("rank"):
            assert_allclose(search.cv_results_[name], expected, rtol=1e-8, err_msg=name)
        elif name.startswith("param_"):
            assert_array_equal(search.cv_results_[name].astype(float), expected.astype(float))
    assert_array_equal(search.cv_results_["rank_test_score"], grid.cv_results_["rank_test_score"])
    assert search.cv_results_["params"] == grid.cv_results_["params"]
    assert search.best_index_ == grid.best_index_ and search.best_params_ == grid.best_params_
    assert search.best_score_ == pytest.approx(grid.best_score_) and search.n_splits_ == grid.n_splits_


@pytest.mark.parametrize("pipeline", [scaled, polynomial, columns, standardized])
@pytest.mark.parametrize("scoring", [None, "neg_mean_absolute_error"])
@pytest.mark.parametrize("cv", [None, ShuffleSplit(3, random_state=0)])
def test_winner_and_scores_are_those_of_grid_search(pipeline, scoring, cv, data):
    X, y = data
    X[:, 5] = np.round(X[:, 5])
    estimator = pipeline()
    name = "alpha" if isinstance(estimator, Lasso) else f"{estimator.steps[-1][0]}__alpha"
    grid = GridSearchCV(estimator, {name: ALPHAS}, cv=cv, scoring=scoring).fit(X, y)
    search = PathSearchCV(estimator, alphas=ALPHAS[::-1], cv=cv, scoring=scoring).fit(X, y)
    assert_same_search(search, grid)
    assert_allclose(search.predict(X), grid.predict(X))
    assert search.score(X, y) == pytest.approx(grid.score(X, y))
    assert not hasattr(estimator, "n_features_in_"), "the estimator that was passed stays unfitted"


@pytest.mark.parametrize("layout", [sparse.csr_matrix, sparse.coo_array])
def test_sparse_data_and_several_targets_work_as_in_grid_search(layout, data):
    X, y = data
    X, y = layout(np.where(np.abs(X) > 0.5, X, 0.0)), np.c_[y, -(y**2) / 50]
    pipeline = make_pipeline(MaxAbsScaler(), Lasso(**TIGHT))
    grid = GridSearchCV(pipeline, {"lasso__alpha": ALPHAS}).fit(X, y)
    assert_same_search(PathSearchCV(pipeline, alphas=ALPHAS).fit(X, y), grid)


def test_several_l1_ratios_are_searched_together(data):
    X, y = data
    model = ElasticNet(**TIGHT)
    search = PathSearchCV(model, alphas=ALPHAS, l1_ratio=[0.2, 0.9]).fit(X, y)
    grid = GridSearchCV(model, [{"alpha": ALPHAS, "l1_ratio": [l1_ratio]} for l1_ratio in (0.2, 0.9)]).fit(X, y)
    assert_same_search(search, grid)
    assert search.alphas_.shape == (12,)
    automatic = PathSearchCV(model, alphas=5, l1_ratio=[0.2, 0.9]).fit(X, y)
    assert_allclose(automatic.alphas_, [alpha_grid(X, y, l1_ratio=ratio, alphas=5) for ratio in (0.2, 0.9)])
    best = automatic.best_params_
    assert (best["l1_ratio"], best["alpha"]) == (
        [0.2, 0.9][automatic.best_index_ // 5],
        automatic.alphas_.flat[automatic.best_index_],
    )


def test_the_automatic_grid_is_that_of_the_preprocessed_data(data):
    X, y = data
    search = PathSearchCV(scaled(), alphas=7, eps=0.01).fit(X, y)
    assert_allclose(search.alphas_, alpha_grid(StandardScaler().fit_transform(X), y, alphas=7, eps=0.01))


class Recorder(TransformerMixin, BaseEstimator):
    """Remembers the rows (by their first entry) that each fit and each transform saw, over all its clones.

    It has no fitted attribute, which a pipeline allows.
    """

    fitted: list = []
    transformed: list = []

    def fit(self, X, y=None):
        self.fitted.append(set(X[:, 0]))
        return self

    def transform(self, X):
        self.transformed.append(set(X[:, 0]))
        return X


def test_preprocessing_is_fitted_once_per_fold_and_sees_its_training_rows_only(data):
    X, y = data
    Recorder.fitted, Recorder.transformed = [], []
    PathSearchCV(make_pipeline(Recorder(), Lasso()), alphas=ALPHAS, cv=3).fit(X, y)
    splits = [(set(X[train, 0]), set(X[test, 0])) for train, test in KFold(3).split(X)]
    assert Recorder.fitted == [train for train, _ in splits] + [set(X[:, 0])]
    assert Recorder.transformed == [rows for split in splits for rows in split] + [set(X[:, 0])]


def test_selection_rules_are_those_of_lasso_cv(data):
    X, y = data
    for rule in ("min", "1se"):
        expected = LassoCV(alphas=ALPHAS, selection_rule=rule, **TIGHT).fit(X, y).alpha_
        search = PathSearchCV(Lasso(**TIGHT), alphas=ALPHAS, selection_rule=rule, scoring="neg_mean_squared_error")
        assert search.fit(X, y).best_params_ == {"alpha": expected}
    assert PathSearchCV(Lasso(), alphas=ALPHAS, selection_rule=lambda alphas, errors: 3).fit(X, y).best_index_ == 3


def test_weights_reach_fits_and_scores_as_in_grid_search(data):
    X, y = data
    weight = np.linspace(0.0, 3.0, len(y))
    for scoring in (None, "neg_mean_squared_error"):
        grid = GridSearchCV(Lasso(**TIGHT), {"alpha": ALPHAS}, scoring=scoring).fit(X, y, sample_weight=weight)
        search = PathSearchCV(Lasso(**TIGHT), alphas=ALPHAS, scoring=scoring).fit(X, y, sample_weight=weight)
        assert_same_search(search, grid)
    grid = GridSearchCV(scaled(), {"lasso__alpha": ALPHAS}).fit(X, y, lasso__sample_weight=weight)
    assert_same_search(PathSearchCV(scaled(), alphas=ALPHAS).fit(X, y, lasso__sample_weight=weight), grid)


def test_groups_reach_the_splitter(data):
    X, y = data
    groups = np.arange(len(y)) % 4
    grid = GridSearchCV(scaled(), {"lasso__alpha": ALPHAS}, cv=GroupKFold(4)).fit(X, y, groups=groups)
    assert_same_search(PathSearchCV(scaled(), alphas=ALPHAS, cv=GroupKFold(4)).fit(X, y, groups=groups), grid)


def test_metadata_is_routed_to_who_requests_it(data):
    X, y = data
    weight, groups = np.linspace(0.1, 3.0, len(y)), np.arange(len(y)) % 4
    with sklearn.config_context(enable_metadata_routing=True):
        pipeline = make_pipeline(
            StandardScaler().set_fit_request(sample_weight=True), Lasso(**TIGHT).set_fit_request(sample_weight=True)
        )
        scorer = make_scorer(mean_absolute_error, greater_is_better=False).set_score_request(sample_weight=True)
        options = {"cv": GroupKFold(4), "scoring": scorer}
        grid = GridSearchCV(pipeline, {"lasso__alpha": ALPHAS}, **options)
        search = PathSearchCV(pipeline, alphas=ALPHAS, **options)
        for model in (grid, search):
            model.fit(X, y, sample_weight=weight, groups=groups)
        assert_same_search(search, grid)
        assert search.score(X, y, sample_weight=weight) == pytest.approx(grid.score(X, y, sample_weight=weight))


def test_data_frames_keep_their_names(data):
    pd = pytest.importorskip("pandas")
    X, y = pd.DataFrame(data[0], columns=list("abcdef")), pd.Series(data[1])
    pipeline = make_pipeline(StandardScaler().set_output(transform="pandas"), Lasso(penalty_factor={"c": 0}, **TIGHT))
    grid = GridSearchCV(pipeline, {"lasso__alpha": ALPHAS}).fit(X, y)
    search = PathSearchCV(pipeline, alphas=ALPHAS).fit(X, y)
    assert_same_search(search, grid)
    assert_array_equal(search.feature_names_in_, list("abcdef"))


def test_threads_change_nothing(data):
    one, two = (PathSearchCV(polynomial(), alphas=10, n_jobs=n_jobs).fit(*data) for n_jobs in (None, 2))
    assert_array_equal(one.cv_results_["mean_test_score"], two.cv_results_["mean_test_score"])


def test_a_search_is_cloned_pickled_and_tuned_like_any_estimator(data):
    search = PathSearchCV(scaled(), alphas=[1.0, 0.1])
    assert clone(search).get_params()["estimator__lasso__tol"] == 1e-12
    search.set_params(estimator__lasso__tol=1e-6).fit(*data)
    loaded = pickle.loads(pickle.dumps(search))
    assert_array_equal(loaded.predict(data[0]), search.predict(data[0]))
    assert loaded.n_features_in_ == 6
    assert not hasattr(clone(search), "best_estimator_")


def test_without_refit_only_the_choice_is_kept(data):
    search = PathSearchCV(scaled(), alphas=[1.0, 0.1], refit=False).fit(*data)
    assert search.best_params_["lasso__alpha"] in (1.0, 0.1)
    assert not hasattr(search, "best_estimator_") and not hasattr(search, "n_features_in_")
    with pytest.raises(AttributeError, match="predict"):
        search.predict(data[0])
    with pytest.raises(NotFittedError):
        PathSearchCV(scaled()).predict(data[0])


def test_one_warning_names_alphas_and_folds(data):
    pipeline = make_pipeline(StandardScaler(), Lasso(tol=1e-14, max_iter=1))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        PathSearchCV(pipeline, alphas=[1.0, 1e-3], cv=2, refit=False).fit(*data)
    assert [warning.category for warning in caught] == [ConvergenceWarning]
    assert "in: fold 0, fold 1" in str(caught[0].message) and caught[0].filename == __file__


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"estimator": sklearn.linear_model.Lasso()}, "must be a Lasso or an ElasticNet of regularize"),
        ({"estimator": make_pipeline(Lasso(), StandardScaler())}, "Pipeline whose last step is one"),
        ({"l1_ratio": [0.5]}, "The 'l1_ratio' parameter of PathSearchCV must be None for a Lasso"),
        ({"estimator": ElasticNet(), "l1_ratio": 0.0}, "not supported for l1_ratio=0"),
        ({"estimator": Lasso(tol=-1.0)}, "The 'tol' parameter of Lasso"),
        ({"alphas": 0}, "The 'alphas' parameter of PathSearchCV"),
        ({"alphas": [1.0, -1.0]}, "must be >= 0.0"),
        ({"selection_rule": "max"}, "The 'selection_rule' parameter"),
        ({"refit": "r2"}, "The 'refit' parameter"),
        ({"scoring": ["r2"]}, "The 'scoring' parameter"),
        ({"cv": []}, "no folds"),
        ({"scoring": lambda *_: np.nan}, "NaN for every alpha"),
    ],
)
def test_what_is_invalid_is_named(parameters, message, data):
    with pytest.raises(ValueError, match=message):
        PathSearchCV(**{"estimator": Lasso(), **parameters}).fit(*data)


def test_a_fit_that_fails_leaves_the_search_as_it_was(data):
    search = PathSearchCV(scaled(), alphas=[1.0, 0.1]).fit(*data)
    before = dict(vars(search))
    with pytest.raises(ValueError, match="NaN"):
        search.fit(np.where(data[0] == data[0].max(), np.nan, data[0]), data[1])
    assert vars(search) == before


def test_ctrl_c_is_not_swallowed_and_changes_nothing(data):
    def interrupt(model, X, y):
        raise KeyboardInterrupt

    search = PathSearchCV(Lasso(), alphas=[1.0, 0.1]).fit(*data)
    before = dict(vars(search), scoring=interrupt)
    with pytest.raises(KeyboardInterrupt):
        search.set_params(scoring=interrupt).fit(*data)
    assert vars(search) == before


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


def test_each_fold_is_a_task_of_callbacks(data):
    pytest.importorskip("sklearn.callback")
    hooks = Hooks()
    search = PathSearchCV(scaled(), alphas=[1.0, 0.1], cv=2).set_callbacks(hooks).fit(*data)
    assert hooks.events == ["begin fit", *["begin fold", "end fold"] * 2, "end fit"]
    assert hooks.score == search.score(*data)


def test_the_own_alpha_of_the_model_has_no_effect(data):
    one, other = (PathSearchCV(Lasso(alpha=alpha), alphas=[1.0, 0.1]).fit(*data) for alpha in (1.0, -1.0))
    assert one.best_score_ == other.best_score_


@pytest.mark.parametrize("estimator", [Lasso(), make_pipeline(MaxAbsScaler(), ElasticNet())])
def test_scikit_learn_accepts_the_search(estimator):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # Preprocessing does not see the weights, and knows more rows than their repetition.
        reason = "steps before the model are not weighted"
        expected = {f"check_sample_weight_equivalence_on_{kind}_data": reason for kind in ("dense", "sparse")}
        check_estimator(
            PathSearchCV(estimator, cv=2, alphas=10),
            expected_failed_checks={} if isinstance(estimator, Lasso) else expected,
        )
