"""On real data ridge is its closed form, or leaves no residual in the normal equations."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import linalg, sparse

from data import load_or_skip
from regularize import Ridge, RidgeClassifier, RidgeCV, ridge_path
from ridge_judge import judge_ridge, normal_residuals, reference

ALPHAS = [1e4, 1e2, 1.0, 1e-2, 1e-6, 0.0]


def hitters():
    return load_or_skip("hitters")[:2]


def prostate():
    return load_or_skip("prostate")[:2]


def zipcode():
    """The published training rows."""
    X, digits, meta = load_or_skip("zipcode")
    return X[meta["train"]], digits[meta["train"]], X[~meta["train"]], digits[~meta["train"]]


def bike():
    """All levels of the factors are kept: the columns are dependent."""
    X, counts, meta = load_or_skip("bike")
    return X[::20], np.log1p(counts[::20]), meta


def imdb():
    X, y, _ = load_or_skip("imdb", n_docs=300, target="rating")
    return sparse.csc_matrix(X), y


def closed_form(X, targets, alpha):
    """``(Z'Z + alpha I)^-1 Z'z`` for one alpha per target, coefficients (t, p)."""
    Z, z = X - X.mean(axis=0), targets - targets.mean(axis=0)
    gram, right, identity = Z.T @ Z, Z.T @ z, np.eye(X.shape[1])
    alphas = np.broadcast_to(alpha, z.shape[1])
    return np.array(
        [linalg.solve(gram + a * identity, c, assume_a="pos") for a, c in zip(alphas, right.T, strict=True)]
    )


@pytest.mark.parametrize("load", [hitters, prostate])
@pytest.mark.parametrize("standardize", [False, True])
def test_small_tables_are_solved_to_the_last_digits(load, standardize):
    X, y = load()
    deviations = X.std(axis=0)
    for alpha in ALPHAS:
        model = Ridge(alpha=alpha, standardize=standardize).fit(X, y)
        coef, intercept = reference(X, y, alpha, standardize=standardize)
        unit = np.linalg.norm(deviations * coef)
        assert np.linalg.norm(deviations * (model.coef_ - coef)) <= 1e-11 * unit
        assert model.intercept_ == pytest.approx(float(intercept), rel=1e-11)
        assert model.converged_


@pytest.mark.parametrize("load", [hitters, prostate])
def test_a_path_is_the_sequence_of_its_models(load):
    X, y = load()
    alphas, coefs, gaps = ridge_path(X, y, ALPHAS, fit_intercept=True)
    assert_allclose(alphas, ALPHAS)
    assert np.all(gaps >= 0)
    deviations = X.std(axis=0)
    for alpha, coef in zip(alphas, coefs.T, strict=True):
        expected = deviations * reference(X, y, alpha)[0]
        assert np.linalg.norm(deviations * coef - expected) <= 1e-11 * np.linalg.norm(expected)


def test_ten_classes_of_digits_share_one_factorisation():
    X, digits, X_test, digits_test = zipcode()
    codes = np.where(digits[:, None] == np.arange(10), 1.0, -1.0)
    model = RidgeClassifier(alpha=10.0).fit(X, digits)
    assert_allclose(model.coef_, closed_form(X, codes, 10.0), rtol=0, atol=1e-10)
    assert np.max(normal_residuals(X, codes, [10.0], model.coef_[np.newaxis])) <= 1e-12
    assert model.score(X_test, digits_test) > 0.85

    alphas = np.geomspace(0.1, 1e4, 10)
    by_class = Ridge(alpha=alphas).fit(X, codes)
    assert_allclose(by_class.coef_, closed_form(X, codes, alphas), rtol=0, atol=1e-9)
    assert np.max(normal_residuals(X, codes, alphas[np.newaxis], by_class.coef_[np.newaxis])) <= 1e-11


def test_digits_from_a_few_rows_are_solved_from_the_rows():
    X, digits, _, _ = zipcode()
    X, codes = X[:100], np.where(digits[:100, None] == np.arange(10), 1.0, -1.0)
    for alpha in (1e-4, 1.0, 1e4):
        model = Ridge(alpha=alpha).fit(X, codes)
        assert np.max(normal_residuals(X, codes, [alpha], model.coef_[np.newaxis])) <= 1e-10


@pytest.mark.parametrize("alpha", [1e3, 1.0, 1e-4])
@pytest.mark.parametrize("is_sparse", [False, True])
def test_dependent_factors_are_no_trouble(alpha, is_sparse):
    X, y, meta = bike()
    model = Ridge(alpha=alpha, tol=1e-14).fit(sparse.csc_matrix(X) if is_sparse else X, y)
    verdict = judge_ridge(X, y, alpha, model.coef_, model.intercept_, dtype=np.float64)
    assert verdict.residual <= 1e-6
    assert verdict.relative_gap <= 1e-13
    assert model.converged_
    # The levels of a factor add up to the intercept, which is free: the penalty makes them sum to zero.
    for group in np.unique(meta["groups"]):
        levels = X[:, meta["groups"] == group]
        if np.all(levels.sum(axis=1) == 1):
            assert abs(model.coef_[meta["groups"] == group].sum()) <= 1e-6


@pytest.mark.parametrize("solver", ["auto", "sparse_cg", "lsqr"])
@pytest.mark.parametrize("alpha", [100.0, 1.0, 0.01])
def test_sparse_text_is_solved_without_making_it_dense(solver, alpha):
    X, y = imdb()
    model = Ridge(alpha=alpha, solver=solver, tol=1e-12).fit(X, y)
    Z, z = X.toarray() - X.toarray().mean(axis=0), y - y.mean()
    coef = Z.T @ linalg.solve(Z @ Z.T + alpha * np.eye(len(y)), z, assume_a="pos")
    assert np.linalg.norm(model.coef_ - coef) <= 1e-5 * np.linalg.norm(coef)
    verdict = judge_ridge(X, y, alpha, model.coef_, model.intercept_, dtype=np.float64)
    assert verdict.relative_gap <= 1e-12
    assert model.converged_


def test_sparse_text_keeps_its_default_tolerance():
    X, y = imdb()
    model = Ridge(alpha=0.1).fit(X, y)
    verdict = judge_ridge(X, y, 0.1, model.coef_, model.intercept_, dtype=np.float64)
    assert verdict.relative_gap <= 1e-4
    assert verdict.gap <= model.dual_gap_ * 1.001 + 1e-12


@pytest.mark.parametrize("load", [hitters, prostate, imdb])
def test_the_chosen_model_of_a_cross_validation_solves_its_equations(load):
    X, y = load()
    for cv in (None, 5):
        model = RidgeCV(alphas=[1e3, 10.0, 0.1], cv=cv).fit(X, y)
        assert judge_ridge(X, y, model.alpha_, model.coef_, model.intercept_, dtype=np.float64).relative_gap <= 1e-12
