"""SparseGroupLasso: what it has beyond GroupLasso, whose tests cover the rest."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from group_judge import judge_groups
from regularize import GroupLasso, Lasso, SparseGroupLasso

RNG = np.random.default_rng(3)
X = RNG.standard_normal((30, 6)) + 0.5
Y = X @ [2.0, 0.0, 0.0, -1.0, 0.0, 1.0] + 0.3 * RNG.standard_normal(30)
GROUPS = [0, 0, 0, 1, 1, 2]
EXACT = {"tol": 1e-12, "max_iter": 10_000}
FACTOR = np.array([0.0, 1.0, np.inf, 2.0, 0.5, 1.0])


def coef(model=SparseGroupLasso, alpha=0.2, X=X, **parameters):  # noqa: N803
    return model(alpha=alpha, **EXACT, **parameters).fit(X, Y).coef_


OPTIONS = ({}, {"fit_intercept": False}, {"positive": True}, {"standardize": True})


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_with_an_l1_ratio_of_1_it_is_the_lasso(options):
    found = coef(groups=GROUPS, l1_ratio=1.0, penalty_factor=FACTOR, **options)
    assert_allclose(found, coef(Lasso, penalty_factor=FACTOR, **options), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_with_an_l1_ratio_of_0_it_is_the_group_lasso(options):
    weights = [1.0, 0.5, 2.0]
    found = coef(groups=GROUPS, l1_ratio=0.0, group_weights=weights, **options)
    assert_allclose(found, coef(GroupLasso, groups=GROUPS, group_weights=weights, **options), rtol=1e-6, atol=1e-9)


def test_with_groups_of_one_it_is_the_lasso_whatever_the_l1_ratio():
    assert_allclose(coef(l1_ratio=0.3), coef(Lasso), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("l1_ratio", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("weight", [None, np.linspace(0.0, 2.0, 30)], ids=["equal", "weighted"])
@pytest.mark.parametrize("form", [np.asarray, sparse.csc_matrix], ids=["dense", "sparse"])
def test_the_judge_finds_no_gap(l1_ratio, weight, form):
    weights, factor = np.array([0.5, 2.0, 1.0]), np.array([1.0, 0.0, 2.0, 1.0, 0.5, 1.0])
    model = SparseGroupLasso(0.15, l1_ratio=l1_ratio, groups=GROUPS, group_weights=weights, penalty_factor=factor)
    fitted = model.set_params(standardize=True, **EXACT).fit(form(X), Y, sample_weight=weight)
    verdict = judge_groups(
        X,
        Y,
        0.15,
        fitted.coef_,
        fitted.intercept_,
        groups=GROUPS,
        norm=(1.0 - l1_ratio) * weights,
        l1=l1_ratio * factor,
        sample_weight=weight,
        standardize=True,
    )
    assert verdict.relative_gap <= 1e-10
    assert fitted.n_active_groups_ > 0


def test_it_selects_features_within_active_groups():
    fitted = SparseGroupLasso(0.2, l1_ratio=0.9, groups=GROUPS, **EXACT).fit(X, Y)
    inside = [np.count_nonzero(fitted.coef_[group]) for group in fitted.groups_]
    assert fitted.n_active_groups_ == 3
    assert 0 < inside[0] < 3


def test_an_infinite_factor_excludes_a_feature_and_leaves_its_group():
    found = coef(groups=GROUPS, l1_ratio=0.4, penalty_factor=[1, np.inf, 1, 1, 1, 1])
    kept = [0, 2, 3, 4, 5]
    weights = np.sqrt([3.0, 2.0, 1.0])  # of the groups as they were
    without = coef(X=X[:, kept], groups=[0, 0, 1, 1, 2], group_weights=weights, l1_ratio=0.4)
    assert found[1] == 0.0
    assert_allclose(found[kept], without, rtol=1e-6, atol=1e-9)


def test_a_group_without_features_that_may_move_stays_at_zero():
    fitted = SparseGroupLasso(1e-3, groups=GROUPS, penalty_factor=[np.inf] * 3 + [1.0] * 3).fit(X, Y)
    assert_array_equal(fitted.group_norms_ > 0, [False, True, True])


def test_without_any_penalty_features_are_fitted_by_least_squares():
    found = coef(alpha=1e4, groups=GROUPS, group_weights=[1.0, 0.0, 1.0], penalty_factor=[1, 1, 1, 0, 0, 1])
    expected = np.linalg.lstsq(np.c_[X[:, 3:5], np.ones(30)], Y, rcond=None)[0][:2]
    assert_allclose(found, [0, 0, 0, *expected, 0], rtol=1e-6)


def test_factors_by_name_and_in_an_array_are_the_same():
    frame = pytest.importorskip("pandas").DataFrame(X, columns=list("abcdef"))
    by_name = coef(X=frame, groups=GROUPS, penalty_factor={"b": np.inf, "d": 0.0})
    assert_allclose(by_name, coef(groups=GROUPS, penalty_factor=[1, np.inf, 1, 0, 1, 1]), rtol=1e-9)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"penalty_factor": [1.0, -1.0, 1, 1, 1, 1]}, "'penalty_factor' parameter of SparseGroupLasso must be in the"),
        ({"penalty_factor": [1.0]}, "'penalty_factor' parameter of SparseGroupLasso must have shape"),
        ({"bounds": (-1.0, None)}, "'bounds' parameter of SparseGroupLasso must be 0 or infinite in a penalised group"),
        ({"l1_ratio": 2.0}, "'l1_ratio' parameter of SparseGroupLasso must be a float in the range"),
    ],
)
def test_invalid_parameters_are_refused_by_name(parameters, message):
    with pytest.raises(ValueError, match=message):
        SparseGroupLasso(groups=GROUPS, **parameters).fit(X, Y)


def test_any_bounds_are_possible_if_no_norm_is_penalised():
    found = coef(groups=GROUPS, l1_ratio=1.0, bounds=(-0.2, 0.7))
    assert_allclose(found, coef(Lasso, bounds=(-0.2, 0.7)), rtol=1e-6, atol=1e-9)
    assert found.max() == 0.7


def test_a_working_set_wider_than_n_converges():
    """Sweeps over its columns slow down long before the tolerance, and the gap rises on the way."""
    rng = np.random.default_rng(0)
    X = np.asfortranarray(rng.standard_normal((200, 5000)))
    coef = np.zeros(5000)
    coef[rng.permutation(5000)[:300]] = rng.standard_normal(300)
    y = X @ coef + rng.standard_normal(200)
    correlations = (X.T @ (y - y.mean()) / 200).reshape(100, 50)
    alpha = 0.03 * np.linalg.norm(correlations, axis=1).max() / np.sqrt(50)
    model = SparseGroupLasso(alpha, l1_ratio=0.95, groups=50, tol=1e-8).fit(X, y)
    assert model.converged_
    assert model.dual_gap_ <= 1e-8 * np.var(y)
