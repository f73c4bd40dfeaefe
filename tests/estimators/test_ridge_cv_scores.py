"""RidgeCV: every score against models that are fitted one by one, GCV against its hat matrix."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.metrics import make_scorer, mean_absolute_error, mean_squared_error
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold, LeaveOneOut

from folds import SPLITS
from regularize import Ridge, RidgeCV
from ridge_refits import (
    ALPHAS,
    TARGETS,
    WEIGHT,
    WIDE,
    ZEROS,
    X,
    Y,
    grid_search,
    left_out_predictions,
    penalised_score,
)


class TestLeaveOneOut:
    @pytest.mark.parametrize("fit_intercept", [True, False])
    @pytest.mark.parametrize("weight", [None, WEIGHT, ZEROS], ids=["equal", "weighted", "with zeros"])
    @pytest.mark.parametrize("data", [X, WIDE], ids=["n > p", "p > n"])
    @pytest.mark.parametrize(
        ("form", "gcv_mode"),
        [(np.asarray, "svd"), (np.asarray, None), (np.asfortranarray, "eigen"), (sparse.csc_matrix, None)],
        ids=["svd", "C", "F", "sparse"],
    )
    def test_is_what_explicit_refits_give(self, fit_intercept, weight, data, form, gcv_mode):
        n = len(data)
        targets, weight = TARGETS[:n, :2], None if weight is None else weight[:n]
        expected = left_out_predictions(data, targets, ALPHAS, weight, fit_intercept=fit_intercept)
        options = {"fit_intercept": fit_intercept, "gcv_mode": gcv_mode, "store_cv_results": True}
        model = RidgeCV(ALPHAS, scoring=lambda model, X, y: -mean_squared_error(y, model.predict(X)), **options)  # noqa: N803
        fitted = model.fit(form(data), targets, sample_weight=weight)
        assert_allclose(fitted.cv_results_, expected, rtol=1e-7, atol=1e-9)
        assert_allclose(fitted.cv_mean_, -np.square(expected - targets[:, :, None]).mean(axis=(0, 1)), rtol=1e-8)

        fitted = RidgeCV(ALPHAS, **options).fit(form(data), targets, sample_weight=weight)
        squares = (1.0 if weight is None else weight[:, None, None]) * np.square(expected - targets[:, :, None])
        assert_allclose(fitted.cv_results_, squares, rtol=1e-7, atol=1e-9)
        assert_allclose(fitted.cv_mean_, -squares.mean(axis=(0, 1)), rtol=1e-8)
        assert fitted.best_score_ == fitted.cv_mean_.max()
        assert fitted.alpha_ == ALPHAS[fitted.cv_mean_.argmax()]

    def test_holds_with_factors_and_a_prior_and_stores_the_predictions_at_alpha(self):
        factor, prior = [1.0, 0.0, 2.0, np.inf, 1.0], [1.0, 0.0, 0.0, 0.0, 2.0]
        expected = left_out_predictions(X, Y[:, None], ALPHAS, WEIGHT, penalty_factor=factor, prior=prior)
        model = RidgeCV(ALPHAS, scoring="r2", store_cv_results=True, store_predictions=True)
        model.set_params(penalty_factor=factor, coef_prior=prior).fit(X, Y, sample_weight=WEIGHT)
        assert_allclose(model.cv_results_, expected[:, 0], rtol=1e-8)
        assert_array_equal(model.oof_predictions_, model.cv_results_[:, ALPHAS.index(model.alpha_)])

    def test_rows_without_weight_do_not_take_part(self):
        kept = ZEROS > 0
        for rule in ("min", "1se"):
            model = RidgeCV(np.logspace(-2, 4, 25), selection_rule=rule)
            all_rows, some = clone(model).fit(X, Y, ZEROS), clone(model).fit(X[kept], Y[kept], ZEROS[kept])
            assert all_rows.alpha_ == some.alpha_
            assert_allclose(all_rows.cv_mean_ * 24, some.cv_mean_ * kept.sum(), rtol=1e-9)
            assert_allclose(all_rows.cv_se_ * 24, some.cv_se_ * kept.sum(), rtol=1e-9)

    def test_a_weight_that_is_one_number_is_that_of_each_row(self):
        one, each = (RidgeCV(ALPHAS).fit(X, Y, sample_weight=weight) for weight in (3.0, np.full(24, 3.0)))
        assert_allclose(one.cv_mean_, each.cv_mean_, rtol=1e-12)
        assert_allclose(one.coef_, Ridge(one.alpha_ / 3.0).fit(X, Y).coef_, rtol=1e-9)

    def test_the_scorer_sees_all_predictions_at_once_and_the_weights_if_it_takes_them(self):
        plain, weighted = (
            RidgeCV(ALPHAS, scoring=scoring, store_cv_results=True).fit(X, Y, sample_weight=WEIGHT)
            for scoring in ("neg_max_error", "neg_mean_absolute_error")
        )
        errors = np.abs(plain.cv_results_ - Y[:, None])
        assert_allclose(plain.cv_mean_, -errors.max(axis=0))
        assert_allclose(weighted.cv_mean_, -np.average(errors, axis=0, weights=WEIGHT))

    def test_of_equal_scores_the_first_alpha_is_taken_and_a_nan_never(self):
        assert RidgeCV(ALPHAS, scoring=lambda *args: 0.42).fit(X, Y).alpha_ == ALPHAS[0]
        scores = iter([np.nan, 1.0, 2.0])
        with pytest.warns(UserWarning, match=r"test scores are non-finite: \[nan +1. +2.\]"):
            assert RidgeCV(ALPHAS, scoring=lambda *args: next(scores)).fit(X, Y).alpha_ == ALPHAS[2]

    def test_svd_of_sparse_samples_falls_back_with_a_warning(self):
        with pytest.warns(FutureWarning, match="The 'svd' mode is not supported for sparse X"):
            fitted = RidgeCV(ALPHAS, gcv_mode="svd").fit(sparse.csr_matrix(X), Y)
        assert_allclose(fitted.cv_mean_, RidgeCV(ALPHAS).fit(X, Y).cv_mean_, rtol=1e-9)


class TestGeneralisedCrossValidation:
    @staticmethod
    def criterion(X, targets, weight, fit_intercept, factor=None):  # noqa: N803
        """From the hat matrix of the weighted rows."""
        n, p = X.shape
        total, root = weight.sum(), np.sqrt(weight)[:, None]
        design = root * (np.c_[np.ones(n), X] if fit_intercept else X)
        penalty = np.diag(np.r_[np.zeros(int(fit_intercept)), np.ones(p) if factor is None else factor])
        values = []
        for alpha in ALPHAS:
            hat = design @ np.linalg.pinv(design.T @ design + alpha * penalty) @ design.T
            residuals = root * targets - hat @ (root * targets)
            values.append(np.square(residuals).sum(axis=0) / total / (1 - np.trace(hat) / total) ** 2)
        return np.array(values)

    @pytest.mark.parametrize("fit_intercept", [True, False])
    @pytest.mark.parametrize("weight", [np.ones(24), WEIGHT, 3.0 * ZEROS], ids=["equal", "weighted", "with zeros"])
    @pytest.mark.parametrize("data", [X, WIDE], ids=["n > p", "p > n"])
    @pytest.mark.parametrize("form", [np.asarray, sparse.csc_matrix])
    def test_is_what_its_definition_says(self, fit_intercept, weight, data, form):
        n = len(data)
        targets, weight = TARGETS[:n], weight[:n]
        values = self.criterion(data, targets, weight, fit_intercept)
        model = RidgeCV(ALPHAS, criterion="gcv", fit_intercept=fit_intercept)
        given = None if (weight == 1.0).all() else weight
        together = clone(model).fit(form(data), targets, sample_weight=given)
        assert_allclose(together.cv_mean_, -values.mean(axis=1), rtol=1e-7)
        assert together.alpha_ == ALPHAS[values.mean(axis=1).argmin()]
        assert_allclose(together.best_score_, -values.mean(axis=1).min(), rtol=1e-7)
        each = model.set_params(alpha_per_target=True).fit(form(data), targets, sample_weight=given)
        assert_allclose(each.cv_mean_, -values.T, rtol=1e-7)
        assert_array_equal(each.alpha_, np.array(ALPHAS)[values.argmin(axis=0)])

    def test_a_weight_is_a_repetition(self):
        counts = np.arange(24) % 4
        for data in (X, np.c_[X, X**2, np.sin(X), np.cos(X), X**3]):
            weighted = RidgeCV(ALPHAS, criterion="gcv").fit(data, Y, sample_weight=counts)
            repeated = RidgeCV(ALPHAS, criterion="gcv").fit(np.repeat(data, counts, axis=0), np.repeat(Y, counts))
            assert_allclose(weighted.cv_mean_, repeated.cv_mean_, rtol=1e-8)
            assert_allclose(weighted.coef_, repeated.coef_, rtol=1e-8)

    def test_has_no_folds_and_no_rows_that_are_left_out(self):
        fitted = RidgeCV(ALPHAS, criterion="gcv").fit(X, Y)
        assert np.isnan(fitted.cv_se_).all()
        assert np.isnan(fitted.alpha_1se_)
        seen = []
        RidgeCV(ALPHAS, criterion="gcv", selection_rule=lambda *args: seen.append(args) or 0).fit(X, Y)
        assert_array_equal(seen[0][1], -fitted.cv_mean_[[1, 2, 0], None])

    def test_too_few_rows_for_the_degrees_of_freedom_are_refused(self):
        with pytest.raises(ValueError, match="'gcv' criterion of RidgeCV is infinite at all alphas: 2.4 samples"):
            RidgeCV([1e-9], criterion="gcv").fit(X, Y, sample_weight=np.full(24, 0.1))


class TestFolds:
    MAE = make_scorer(mean_absolute_error, greater_is_better=False)

    @pytest.mark.parametrize(
        ("scoring", "targets"), [(None, Y), (None, TARGETS), ("neg_max_error", Y), (MAE, Y), (MAE, TARGETS)]
    )
    @pytest.mark.parametrize("weight", [None, WEIGHT], ids=["equal", "weighted"])
    @pytest.mark.parametrize("data", [X, WIDE], ids=["n > p", "p > n"])
    @pytest.mark.filterwarnings("ignore:The scoring")
    def test_the_scores_are_those_of_a_grid_search(self, scoring, targets, weight, data):
        n = len(data)
        y = targets[:n]
        weight = None if weight is None else weight[:n]
        expected = grid_search(data, y, weight, cv=4, scoring=scoring)
        fitted = RidgeCV(ALPHAS, cv=4, scoring=scoring).fit(data, y, sample_weight=weight)
        assert_allclose(fitted.cv_mean_, expected.cv_results_["mean_test_score"], rtol=1e-9)
        folds = np.array([expected.cv_results_[f"split{k}_test_score"] for k in range(4)])
        assert_allclose(fitted.cv_se_, folds.std(axis=0, ddof=1) / 2.0, rtol=1e-7)
        assert fitted.alpha_ == expected.best_params_["alpha"]
        assert_allclose(fitted.best_score_, expected.best_score_, rtol=1e-9)
        assert_allclose(fitted.coef_, expected.best_estimator_.coef_, rtol=1e-8)
        assert_allclose(fitted.intercept_, expected.best_estimator_.intercept_, rtol=1e-8)

    @pytest.mark.parametrize("name", SPLITS)
    @pytest.mark.parametrize("data", [X, WIDE], ids=["n > p", "p > n"])
    @pytest.mark.parametrize("form", [np.asarray, sparse.csc_matrix])
    def test_any_splits_will_do(self, name, data, form):
        n = len(data)
        splits = SPLITS[name](n)
        expected = grid_search(data, Y[:n], WEIGHT[:n], cv=splits, scoring="neg_mean_squared_error")
        fitted = RidgeCV(ALPHAS, cv=iter(splits), scoring="neg_mean_squared_error")
        fitted.fit(form(data), Y[:n], sample_weight=WEIGHT[:n])
        assert_allclose(fitted.cv_mean_, expected.cv_results_["mean_test_score"], rtol=1e-8)
        for (train, test), (own_train, own_test) in zip(splits, fitted.cv_splits_, strict=True):
            assert_array_equal(own_train, train)
            assert_array_equal(own_test, test)

    @pytest.mark.parametrize("form", [np.asarray, sparse.csr_matrix])
    @pytest.mark.parametrize("fit_intercept", [True, False])
    def test_leaving_one_out_fold_by_fold_is_leaving_one_out_by_formula(self, form, fit_intercept):
        for data in (X, WIDE):
            y = Y[: len(data)]
            model = RidgeCV(ALPHAS, scoring="neg_mean_squared_error", fit_intercept=fit_intercept)
            by_formula, by_folds = (clone(model).set_params(cv=cv).fit(form(data), y) for cv in (None, LeaveOneOut()))
            assert_allclose(by_folds.cv_mean_, by_formula.cv_mean_, rtol=1e-8)

    def test_a_splitter_is_given_the_groups(self):
        groups = np.arange(24) % 5
        expected = grid_search(X, Y, cv=list(GroupKFold(3).split(X, groups=groups)))
        fitted = RidgeCV(ALPHAS, cv=GroupKFold(3)).fit(X, Y, groups=groups)
        assert_allclose(fitted.cv_mean_, expected.cv_results_["mean_test_score"], rtol=1e-9)

    @pytest.mark.parametrize("y", [Y, TARGETS], ids=["1D", "three targets"])
    def test_a_function_is_given_a_fitted_model_and_the_held_out_rows(self, y):
        pandas = pytest.importorskip("pandas")
        frame = pandas.DataFrame(X, columns=list("abcde"), index=range(100, 124))
        seen = []

        def score(model, X, y):  # noqa: N803
            seen.append((type(model), list(X.columns), X.index[0], model.fit_intercept))
            return penalised_score(model, X, y)

        with warnings.catch_warnings():
            warnings.simplefilter("error")
            fitted = RidgeCV(ALPHAS, cv=KFold(3), scoring=score).fit(frame, y)
        assert seen == [(Ridge, list("abcde"), first, True) for first in (100, 108, 116) for _ in ALPHAS]
        expected = grid_search(X, y, cv=3, scoring=penalised_score)
        assert_allclose(fitted.cv_mean_, expected.cv_results_["mean_test_score"], rtol=1e-9)

    def test_no_penalty_is_allowed(self):
        expected = grid_search(X, Y, cv=3, alphas=[0.0, 1.0])
        fitted = RidgeCV([0.0, 1.0], cv=3).fit(X, Y)
        assert_allclose(fitted.cv_mean_, expected.cv_results_["mean_test_score"], rtol=1e-8)

    @pytest.mark.parametrize("prior", [None, [1.0, 0.0, 2.0, 0.5, 0.0]])
    def test_bounds_hold_in_every_fold(self, prior):
        options = {"bounds": (0.0, 1.0), "coef_prior": prior}
        expected = GridSearchCV(Ridge(tol=1e-12, **options), {"alpha": ALPHAS}, cv=3).fit(X, Y)
        fitted = RidgeCV(ALPHAS, cv=3, **options).fit(X, Y)
        assert_allclose(fitted.cv_mean_, expected.cv_results_["mean_test_score"], rtol=1e-4)
        assert 0.0 <= fitted.coef_.min() <= fitted.coef_.max() <= 1.0

    def test_the_options_of_the_model_hold_in_every_fold(self):
        options = {"penalty_factor": [1, 0, 2, np.inf, 1], "standardize": True, "coef_prior": [1.0, 0, 0, 0, 2]}
        expected = GridSearchCV(Ridge(**options), {"alpha": ALPHAS}, cv=3).fit(X, Y, sample_weight=WEIGHT)
        fitted = RidgeCV(ALPHAS, cv=3, **options).fit(X, Y, sample_weight=WEIGHT)
        assert_allclose(fitted.cv_mean_, expected.cv_results_["mean_test_score"], rtol=1e-9)

    def test_stored_predictions_are_those_of_the_fold_that_held_the_row_out(self):
        splits = [(range(18), [18, 19, 20]), (range(6, 24), [0, 1, 18])]
        fitted = RidgeCV(ALPHAS, cv=splits, store_predictions=True, alpha_per_target=True).fit(X, TARGETS)
        expected = np.full(TARGETS.shape, np.nan)
        for j, alpha in enumerate(fitted.alpha_):
            first, second = (Ridge(alpha).fit(X[train], TARGETS[train, j]).predict(X) for train, _ in splits)
            expected[[19, 20], j], expected[[0, 1], j] = first[[19, 20]], second[[0, 1]]
            expected[18, j] = (first[18] + second[18]) / 2
        assert len(set(fitted.alpha_)) > 1
        assert_allclose(fitted.oof_predictions_, expected, rtol=1e-9)

    def test_r2_of_single_rows_is_nan_and_told(self):
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="R\\^2 score")
            with pytest.warns(UserWarning, match="test scores are non-finite"):
                fitted = RidgeCV(ALPHAS, cv=LeaveOneOut()).fit(X, Y)
            assert fitted.alpha_ == ALPHAS[0]  # as in scikit-learn
            assert np.isnan(fitted.best_score_)
            warnings.simplefilter("ignore")
            with pytest.raises(ValueError, match="NaN for every alpha"):
                RidgeCV(ALPHAS, cv=LeaveOneOut(), selection_rule="1se").fit(X, Y)
