"""Cross-validation with groups, scorers and weights, with and without scikit-learn's metadata routing."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import make_regression
from sklearn.metrics import make_scorer, mean_absolute_error, mean_squared_error
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from regularize import ElasticNet, ElasticNetCV, Lasso, LassoCV

X, Y = make_regression(n_samples=40, n_features=8, n_informative=4, bias=3.0, noise=5.0, random_state=0)
WEIGHT = np.linspace(0.1, 2.0, 40)
GROUPS = np.arange(40) % 7
CONVERGED = {"tol": 1e-10, "max_iter": 10_000}


@pytest.fixture
def routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


class TestGroups:
    """Groups and further metadata, with and without routing."""

    EXPECTED = list(GroupKFold(3).split(X, Y, GROUPS))

    def check(self, fitted):
        for (train, test), (expected_train, expected_test) in zip(fitted.cv_splits_, self.EXPECTED, strict=True):
            assert_array_equal(train, expected_train)
            assert_array_equal(test, expected_test)

    def test_without_routing_they_go_to_the_splitter(self):
        self.check(LassoCV(cv=GroupKFold(3), alphas=3).fit(X, Y, groups=GROUPS))

    def test_with_routing_they_go_to_who_asks(self, routing):
        self.check(LassoCV(cv=GroupKFold(3), alphas=3).fit(X, Y, groups=GROUPS))
        with pytest.raises(TypeError, match="groups"):
            LassoCV(alphas=3).fit(X, Y, groups=GROUPS)

    def test_with_routing_they_pass_through_a_pipeline(self, routing):
        pipeline = make_pipeline(StandardScaler(), LassoCV(cv=GroupKFold(3), alphas=3)).fit(X, Y, groups=GROUPS)
        self.check(pipeline[-1])

    def test_without_routing_other_metadata_is_refused(self):
        with pytest.raises(ValueError, match="enable_metadata_routing=True"):
            LassoCV().fit(X, Y, season=GROUPS)

    def test_with_routing_other_metadata_reaches_a_splitter_that_asks(self, routing):
        class BySeason(GroupKFold):
            def split(self, X, y=None, groups=None, season=None):
                return super().split(X, y, season)

        splitter = BySeason(3).set_split_request(season=True)
        self.check(LassoCV(cv=splitter, alphas=3).fit(X, Y, season=GROUPS))

    def test_asking_for_the_routing_does_not_use_up_a_generator(self, routing):
        model = LassoCV(cv=(split for split in self.EXPECTED), alphas=3)
        model.get_metadata_routing()
        self.check(model.fit(X, Y))
        with pytest.raises(ValueError, match="generator"):
            model.fit(X, Y)


class TestScoring:
    """Other measures than the mean squared error."""

    def test_negative_mean_squared_error_is_the_default_with_the_sign_turned(self):
        default = ElasticNetCV(alphas=20, selection_rule="1se").fit(X, Y, sample_weight=WEIGHT)
        scored = clone(default).set_params(scoring="neg_mean_squared_error").fit(X, Y, sample_weight=WEIGHT)
        assert scored.alpha_ == default.alpha_
        assert_allclose(scored.cv_mean_, -default.cv_mean_)
        assert_allclose(scored.cv_se_, default.cv_se_)
        assert_array_equal(scored.mse_path_, default.mse_path_)

    @pytest.mark.parametrize("form", [np.asarray, sparse.csc_matrix, sparse.coo_array])
    def test_a_name_and_a_function_score_the_held_out_rows(self, form):
        by_name = LassoCV(scoring="neg_mean_absolute_error", alphas=5, **CONVERGED).fit(form(X), Y)
        by_function = clone(by_name).set_params(scoring=lambda m, X, y: -mean_absolute_error(y, m.predict(X)))
        assert_array_equal(by_function.fit(form(X), Y).cv_mean_, by_name.cv_mean_)
        k, errors = 2, []
        for train, test in by_name.cv_splits_:
            model = Lasso(alpha=by_name.alphas_[k], **CONVERGED).fit(X[train], Y[train])
            errors.append(mean_absolute_error(Y[test], model.predict(X[test])))
        assert_allclose(by_name.cv_mean_[k], -np.mean(errors), rtol=1e-3)
        assert by_name.alpha_ == by_name.alphas_[by_name.cv_mean_.argmax()]

    def test_the_scorer_gets_a_fitted_model_and_rows_with_the_columns_of_the_data_frame(self):
        pandas = pytest.importorskip("pandas")
        frame = pandas.DataFrame(X, columns=list("abcdefgh"), index=range(100, 140))
        seen = []

        def scorer(model, X, y):
            seen.append((type(model), list(model.feature_names_in_), list(X.columns), model.l1_ratio, model.alpha))
            return model.score(X, y)

        with warnings.catch_warnings():
            warnings.simplefilter("error")
            fitted = ElasticNetCV(scoring=scorer, alphas=[1.0], l1_ratio=0.7, cv=2).fit(frame, Y)
        assert seen == [(ElasticNet, list("abcdefgh"), list("abcdefgh"), 0.7, 1.0)] * 2
        assert list(fitted.feature_names_in_) == list("abcdefgh")

    def test_weights_reach_a_metric_that_takes_them_and_spare_one_that_does_not(self):
        options = {"alphas": 4, "cv": 3}
        weighted = LassoCV(scoring="neg_mean_squared_error", **options).fit(X, Y, sample_weight=WEIGHT)
        assert_allclose(weighted.cv_mean_, -weighted.mse_path_.mean(axis=1))
        LassoCV(scoring="neg_max_error", **options).fit(X, Y, sample_weight=WEIGHT)  # has no sample_weight

    def test_with_routing_the_weights_go_to_the_scorer_as_it_asks(self, routing):
        options = {"alphas": 4, "cv": 3}
        fitted = {}
        for asks in (True, False):
            scorer = make_scorer(mean_squared_error, greater_is_better=False).set_score_request(sample_weight=asks)
            fitted[asks] = LassoCV(scoring=scorer, **options).fit(X, Y, sample_weight=WEIGHT)
        assert_allclose(fitted[True].cv_mean_, -fitted[True].mse_path_.mean(axis=1))
        assert not np.allclose(fitted[False].cv_mean_, fitted[True].cv_mean_)

    def test_scores_of_nan_alone_select_nothing(self):
        with pytest.raises(ValueError, match="NaN for every alpha"):
            LassoCV(scoring=lambda model, X, y: np.nan).fit(X, Y)
