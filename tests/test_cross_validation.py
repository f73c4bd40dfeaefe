"""Cross-validation is many single fits: each is checked against such a fit, or against scikit-learn's answer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn import linear_model
from sklearn.model_selection import GroupKFold, KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from folds import SHAPES, SPLITS, TIGHT, Array, data, groups_of, weights_of
from problems import LAYOUTS
from regularize import ElasticNet, ElasticNetCV, Lasso, LassoCV

pytestmark = pytest.mark.by_columns


def assert_same_selection(ours: Any, theirs: Any, rtol: float = 1e-5) -> None:
    """Errors, selected alpha and model are equal."""
    assert_allclose(ours.alphas_, theirs.alphas_, rtol=rtol)
    assert_allclose(ours.mse_path_, theirs.mse_path_, rtol=rtol)
    assert ours.alpha_ == pytest.approx(theirs.alpha_, rel=rtol)
    size = np.max(np.abs(theirs.coef_))
    assert_allclose(ours.coef_, theirs.coef_, rtol=10 * rtol, atol=rtol * size)
    assert ours.intercept_ == pytest.approx(theirs.intercept_, rel=10 * rtol, abs=rtol)


def options_of(splits: Any) -> dict[str, Any]:
    return {"cv": splits, "eps": 0.02, "alphas": 8, "max_iter": 100_000}


@pytest.mark.parametrize("is_weighted", [False, True])
@pytest.mark.parametrize("splits", SPLITS)
def test_lasso_cv_is_scikit_learns(splits: str, is_weighted: bool) -> None:
    X, y = data()
    weight = np.maximum(weights_of(60), 0.1) if is_weighted else None
    options = options_of(SPLITS[splits](60))
    ours = LassoCV(tol=TIGHT, **options).fit(X, y, sample_weight=weight)
    theirs = linear_model.LassoCV(tol=1e-11, **options).fit(X, y, sample_weight=weight)
    assert_same_selection(ours, theirs)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_lasso_cv_of_every_storage_is_scikit_learns(layout: str) -> None:
    X, y = data(density=0.4)
    X = X.astype(np.float32).astype(np.float64)
    stored = LAYOUTS[layout](X)
    options = options_of(3)
    ours = LassoCV(tol=TIGHT, **options).fit(stored, y)
    assert ours.coef_.dtype == stored.dtype
    theirs = linear_model.LassoCV(tol=1e-11, **options).fit(X, y)
    assert_same_selection(ours, theirs, rtol=1e-5 if stored.dtype == np.float64 else 1e-4)


@pytest.mark.parametrize("is_weighted", [False, True])
@pytest.mark.parametrize("is_sparse", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
def test_elastic_net_cv_is_scikit_learns(shape: str, is_sparse: bool, is_weighted: bool) -> None:
    X, y = data(*SHAPES[shape], density=0.4)
    X = sparse.csc_matrix(X) if is_sparse else X
    weight = np.maximum(weights_of(len(y)), 0.1) if is_weighted else None
    options = options_of(3) | {"l1_ratio": [0.4, 0.9], "alphas": 4, "eps": 0.1}
    ours = ElasticNetCV(tol=TIGHT, **options).fit(X, y, sample_weight=weight)
    theirs = linear_model.ElasticNetCV(tol=1e-10, **options).fit(X, y, sample_weight=weight)
    assert ours.l1_ratio_ == theirs.l1_ratio_
    assert_same_selection(ours, theirs, rtol=1e-4)


@pytest.mark.parametrize("positive", [False, True])
@pytest.mark.parametrize("fit_intercept", [False, True])
def test_models_without_intercept_or_signs_are_scikit_learns(fit_intercept: bool, positive: bool) -> None:
    X, y = data()
    options = options_of(4) | {"fit_intercept": fit_intercept, "positive": positive}
    ours = ElasticNetCV(tol=TIGHT, **options).fit(X, y)
    assert_same_selection(ours, linear_model.ElasticNetCV(tol=1e-11, **options).fit(X, y))


@pytest.mark.parametrize("splits", SPLITS)
def test_errors_are_those_of_lasso_fitted_to_each_fold(splits: str) -> None:
    X, y = data()
    model = LassoCV(cv=SPLITS[splits](60), alphas=4, eps=0.05, tol=TIGHT).fit(X, y)
    for k, (train, test) in enumerate(model.cv_splits_):
        for i, alpha in enumerate(model.alphas_):
            single = Lasso(alpha=alpha, tol=TIGHT).fit(X[train], y[train])
            assert model.mse_path_[i, k] == pytest.approx(np.mean((single.predict(X[test]) - y[test]) ** 2), rel=1e-6)
    whole = Lasso(alpha=model.alpha_, tol=TIGHT).fit(X, y)
    assert_allclose(model.coef_, whole.coef_, atol=1e-7)
    assert model.intercept_ == pytest.approx(whole.intercept_, rel=1e-7)


def test_groups_reach_the_splitter() -> None:
    X, y = data()
    groups = groups_of(60)
    model = LassoCV(cv=GroupKFold(3), alphas=5).fit(X, y, groups=groups)
    for (train, test), (expected_train, expected_test) in zip(model.cv_splits_, SPLITS["grouped"](60), strict=True):
        assert_array_equal(train, expected_train)
        assert_array_equal(test, expected_test)
        assert not set(groups[train]) & set(groups[test])


def test_splits_are_drawn_once() -> None:
    X, y = data()
    draws = 0

    class Counting(KFold):
        def split(self, *args: Any, **kwargs: Any) -> Any:
            nonlocal draws
            draws += 1
            return super().split(*args, **kwargs)

    random = Counting(3, shuffle=True, random_state=np.random.RandomState(0))
    model = ElasticNetCV(cv=random, l1_ratio=[0.5, 1.0], alphas=5, tol=TIGHT).fit(X, y)
    assert draws == 1
    again = ElasticNetCV(cv=iter(model.cv_splits_), l1_ratio=[0.5, 1.0], alphas=5, tol=TIGHT).fit(X, y)
    assert_array_equal(again.mse_path_, model.mse_path_)


@pytest.mark.parametrize("shape", SHAPES)
def test_estimators_do_not_depend_on_threads(shape: str) -> None:
    X, y = data(*SHAPES[shape])
    one, two = (ElasticNetCV(n_jobs=n_jobs, l1_ratio=[0.5, 1.0], **options_of(4)).fit(X, y) for n_jobs in (1, 2))
    for name in ("mse_path_", "alpha_", "l1_ratio_", "coef_", "coef_path_"):
        assert_array_equal(getattr(one, name), getattr(two, name))


# ------------------------------------------------------------------------------------------------------- invariances


@pytest.mark.parametrize("shape", SHAPES)
def test_the_order_of_the_rows_changes_nothing(shape: str) -> None:
    X, y = data(*SHAPES[shape])
    n = len(y)
    weight, splits, rows = weights_of(n), SPLITS["shuffled"](n), np.random.default_rng(5).permutation(n)
    place = np.argsort(rows)
    moved = [(np.sort(place[train]), np.sort(place[test])) for train, test in splits]
    model = LassoCV(tol=TIGHT, **options_of(splits)).fit(X, y, sample_weight=weight)
    permuted = LassoCV(tol=TIGHT, **options_of(moved)).fit(X[rows], y[rows], sample_weight=weight[rows])
    assert_same_selection(permuted, model, rtol=1e-6)


@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
def test_an_integer_weight_is_a_repetition(shape: str, standardize: bool) -> None:
    """And a zero weight is a removed row."""
    X, y = data(*SHAPES[shape])
    n = len(y)
    weight = np.random.default_rng(4).integers(0, 4, n)
    rows = np.repeat(np.arange(n), weight)
    splits = SPLITS["contiguous"](n)
    repeated = [tuple(np.flatnonzero(np.isin(rows, part)) for part in split) for split in splits]
    weighted = LassoCV(tol=TIGHT, standardize=standardize, **options_of(splits)).fit(X, y, sample_weight=weight)
    model = LassoCV(tol=TIGHT, standardize=standardize, **options_of(repeated)).fit(X[rows], y[rows])
    assert_same_selection(weighted, model, rtol=1e-6)


def test_only_proportions_of_weights_matter() -> None:
    X, y = data()
    weight = weights_of(60)
    model, scaled = (LassoCV(tol=TIGHT, alphas=5).fit(X, y, sample_weight=c * weight) for c in (1, 1e-6))
    assert_same_selection(scaled, model, rtol=1e-9)


@pytest.mark.parametrize("is_sparse", [False, True])
@pytest.mark.parametrize("shape", ["n >> p", "p > n"])
def test_each_fold_is_standardised_by_its_training_rows(shape: str, is_sparse: bool) -> None:
    X, y = data(*SHAPES[shape], density=0.5)
    X[: len(y) // 3, :3] *= 10  # so that the folds differ from the whole
    stored = sparse.csc_matrix(X) if is_sparse else X
    model = LassoCV(tol=TIGHT, standardize=True, cv=3, alphas=3, eps=0.1).fit(stored, y)
    for k, (train, test) in enumerate(model.cv_splits_):
        for i, alpha in enumerate(model.alphas_):
            pipeline = make_pipeline(StandardScaler(), linear_model.Lasso(alpha=alpha, tol=1e-11, max_iter=100_000))
            predictions = pipeline.fit(X[train], y[train]).predict(X[test])
            assert model.mse_path_[i, k] == pytest.approx(np.mean((predictions - y[test]) ** 2), rel=1e-4)
    pipeline.set_params(lasso__alpha=model.alpha_).fit(X, y)
    assert_allclose(model.coef_, pipeline[-1].coef_ / pipeline[0].scale_, rtol=1e-4, atol=1e-5)


# --------------------------------------------------------------------------------------------------------- selection


def glmnets_choice(alphas: Array, errors: Array, sizes: Array) -> tuple[Array, Array, float, float]:
    """cvm, cvsd, lambda.min and lambda.1se of R's cv.glmnet: folds weighted by their sizes, lambda descending."""
    cvm = np.average(errors, axis=1, weights=sizes)
    cvsd = np.sqrt(np.average((errors - cvm[:, np.newaxis]) ** 2, axis=1, weights=sizes) / (len(sizes) - 1))
    best = np.min(cvm)
    smallest = np.max(alphas[cvm <= best])
    limit = (cvm + cvsd)[alphas == smallest][0]
    return cvm, cvsd, smallest, np.max(alphas[cvm <= limit])


@pytest.mark.parametrize("seed", range(4))
def test_one_standard_error_is_glmnets(seed: int) -> None:
    X, y = data(seed=seed)  # folds of equal size, where glmnet's weights are equal
    options = {"cv": 5, "alphas": 30, "tol": TIGHT}
    models = {rule: LassoCV(selection_rule=rule, **options).fit(X, y) for rule in ("min", "1se")}
    for rule, model in models.items():
        cvm, cvsd, alpha_min, alpha_1se = glmnets_choice(model.alphas_, model.mse_path_, np.full(5, 12))
        assert_allclose(model.cv_mean_, cvm)
        assert_allclose(model.cv_se_, cvsd)
        assert (model.alpha_min_, model.alpha_1se_) == (alpha_min, alpha_1se)
        assert model.alpha_ == {"min": alpha_min, "1se": alpha_1se}[rule]
        assert model.alpha_1se_ >= model.alpha_min_
        assert_allclose(model.coef_, ElasticNet(model.alpha_, l1_ratio=1, tol=TIGHT).fit(X, y).coef_, atol=1e-7)
    assert models["1se"].alpha_ > models["min"].alpha_


@pytest.mark.parametrize("splits", SPLITS)
def test_out_of_fold_predictions_are_means_over_the_folds_that_hold_a_row_out(splits: str) -> None:
    X, y = data()
    model = LassoCV(cv=SPLITS[splits](60), alphas=5, tol=TIGHT, store_predictions=True).fit(X, y)
    sums, counts = np.zeros(60), np.zeros(60)
    for train, test in model.cv_splits_:
        np.add.at(sums, test, Lasso(model.alpha_, tol=TIGHT).fit(X[train], y[train]).predict(X[test]))
        np.add.at(counts, test, 1)
    with np.errstate(invalid="ignore"):
        assert_allclose(model.oof_predictions_, sums / counts, rtol=1e-6)
