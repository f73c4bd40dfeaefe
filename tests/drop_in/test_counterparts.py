"""What the tests listed in not_applicable.py mean to protect, in a form that applies to regularize."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

from regularize import (
    ElasticNet,
    ElasticNetCV,
    Lasso,
    LassoCV,
    MultiTaskElasticNet,
    MultiTaskElasticNetCV,
    MultiTaskLassoCV,
    Ridge,
    RidgeCV,
    ridge_regression,
)


def _problem(n_samples: int, n_features: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n_samples, n_features))
    return X, X[:, :10].sum(axis=1) + 0.1 * rng.standard_normal(n_samples)


def test_unchecked_input_may_have_any_memory_order_and_mixed_dtypes() -> None:
    X, y = _problem(20, 10)
    checked = ElasticNet(tol=1e-10).fit(X, y)
    for ordered in (np.ascontiguousarray(X), np.asfortranarray(X)):
        unchecked = ElasticNet(tol=1e-10).fit(ordered, y, check_input=False)
        assert_allclose(unchecked.coef_, checked.coef_, rtol=1e-6)
        single = ElasticNet(tol=1e-10).fit(ordered.astype(np.float32), y, check_input=False)
        assert_allclose(single.coef_, checked.coef_, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("check_input", [True, False])
def test_copy_x_false_leaves_x_as_it_was(check_input: bool) -> None:
    X, y = _problem(20, 10)
    X = np.asfortranarray(X)
    before = X.copy()
    ElasticNet(copy_X=False).fit(X, y, check_input=check_input)
    assert_array_equal(X, before)


def test_the_reported_gap_of_an_unfinished_fit_is_that_of_its_coefficients() -> None:
    X, y = _problem(10, 30)
    n_samples = len(y)
    alpha = 0.01 * np.max(np.abs(X.T @ y)) / n_samples
    with pytest.warns(ConvergenceWarning):
        model = Lasso(alpha=alpha, fit_intercept=False, tol=1e-8, max_iter=5).fit(X, y)
    residual = y - X @ model.coef_
    primal = 0.5 * np.mean(residual**2) + alpha * np.sum(np.abs(model.coef_))
    feasible = residual / max(1.0, np.max(np.abs(X.T @ residual)) / (n_samples * alpha))
    dual = 0.5 * (np.mean(y**2) - np.mean((y - feasible) ** 2))
    assert model.dual_gap_ > 1e-4
    assert_allclose(model.dual_gap_, primal - dual)


@pytest.mark.parametrize("estimator", [ElasticNet, MultiTaskElasticNet])
def test_a_warm_start_goes_on_from_an_unfinished_fit(estimator: type) -> None:
    X, y = _problem(50, 200)
    if estimator is MultiTaskElasticNet:
        y = np.column_stack([y, X[:, 5:15].sum(axis=1)])
    alpha, l1_ratio = 0.01, 0.5
    model = estimator(alpha=alpha, l1_ratio=l1_ratio, max_iter=5, warm_start=True)
    objectives = []
    for _ in range(3):
        with pytest.warns(ConvergenceWarning):
            model.fit(X, y)
        norms = np.linalg.norm(np.atleast_2d(model.coef_), axis=0)
        penalty = alpha * (l1_ratio * norms.sum() + 0.5 * (1.0 - l1_ratio) * norms @ norms)
        objectives.append(0.5 * np.sum((y - model.predict(X)) ** 2) / len(y) + penalty)
    assert objectives[0] > objectives[1] > objectives[2]


@pytest.mark.parametrize("precompute", [True, "auto", False])
def test_precompute_stays_as_it_was_set_and_changes_no_answer(precompute: bool | str) -> None:
    X, y = _problem(50, 20)
    model = LassoCV(precompute=precompute).fit(X, y)
    assert model.precompute == precompute
    assert_array_equal(model.coef_, LassoCV().fit(X, y).coef_)


@pytest.mark.parametrize("estimator", [LassoCV, ElasticNetCV, MultiTaskLassoCV, MultiTaskElasticNetCV])
def test_metadata_other_than_groups_needs_routing(estimator: type) -> None:
    X, y = _problem(20, 5)
    if estimator in (MultiTaskLassoCV, MultiTaskElasticNetCV):
        y = y[:, np.newaxis]
    with pytest.raises(ValueError, match="only supported if enable_metadata_routing=True"):
        estimator().fit(X, y, unknown=np.ones(20))


@pytest.mark.parametrize("tol", [1e-3, 1e-10])
def test_sag_fits_the_intercept_of_sparse_data_without_ado(tol: float) -> None:
    X, y = _problem(20, 10)
    X[np.abs(X) < 0.5] = 0.0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = Ridge(solver="sag", tol=tol).fit(sparse.csr_matrix(X), y + 5.0)
    expected = Ridge().fit(X, y + 5.0)
    assert_allclose(model.intercept_, expected.intercept_, rtol=np.sqrt(tol))
    assert_allclose(model.coef_, expected.coef_, atol=np.sqrt(tol))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"solver": "sparse_cg"}, r"sparse_cg did not converge after [0-9]+ iterations."),
        ({"solver": "lbfgs", "positive": True}, "lbfgs solver did not converge"),
    ],
)
def test_a_ridge_regression_that_is_stopped_early_says_so(options: dict[str, object], words: str) -> None:
    X, y = _problem(50, 20)
    X = X + 3.0 * X[:, :1]
    with pytest.warns(ConvergenceWarning, match=words):
        ridge_regression(X, y, alpha=1.0, tol=0.0, max_iter=1, **options)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        exact = ridge_regression(X, y, alpha=1.0, tol=1e-14, **options)
    gradient = X.T @ (y - X @ exact) - exact
    assert np.all(np.abs(gradient[exact != 0]) <= 1e-9 * np.abs(X.T @ y).max())


def test_an_alpha_per_target_is_selected_in_cross_validation_too() -> None:
    X, y = _problem(60, 10)
    targets = np.column_stack([y, np.random.default_rng(1).standard_normal(60)])
    alphas = [1e-3, 1.0, 1e3]
    together = RidgeCV(alphas, cv=3, alpha_per_target=True).fit(X, targets)
    alone = [RidgeCV(alphas, cv=3).fit(X, target) for target in targets.T]
    assert_array_equal(together.alpha_, [model.alpha_ for model in alone])
    assert together.alpha_[0] < together.alpha_[1]
    assert_allclose(together.coef_, [model.coef_ for model in alone])
