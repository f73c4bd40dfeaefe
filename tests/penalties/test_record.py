"""The record of a penalty: models are values of it, and a change of units does not change what it says."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from regularize.penalties import Penalty


def value(penalty, w, alpha=1.0):
    """alpha sum l1 |w| + alpha/2 sum l2 w^2, infinite outside the box."""
    if np.any((w < penalty.lower) | (w > penalty.upper)):
        return np.inf
    return alpha * float(penalty.l1 @ np.abs(w) + 0.5 * penalty.l2 @ w**2)


@pytest.fixture
def penalty():
    lower, upper = np.array([-np.inf, 0.0, -1.0, 0.5, -np.inf]), np.array([np.inf, np.inf, 2.0, 1.0, -0.5])
    return Penalty.elastic_net(5, 0.3, factor=np.array([1.0, 0.0, 2.0, 0.5, 1.0]), lower=lower, upper=upper)


def test_the_elastic_net_splits_the_factor_by_the_ratio():
    record = Penalty.elastic_net(3, 0.25, factor=np.array([1.0, 2.0, 0.0]))
    assert_array_equal(record.l1, [0.25, 0.5, 0.0])
    assert_array_equal(record.l2, [0.75, 1.5, 0.0])
    assert_array_equal(record.lower, [-np.inf] * 3)
    assert_array_equal(record.upper, [np.inf] * 3)
    assert record.n_features == 3


def test_lasso_and_ridge_are_its_ends():
    lasso, ridge = Penalty.elastic_net(2, 1.0), Penalty.elastic_net(2, 0.0)
    assert_array_equal([lasso.l1, lasso.l2], [[1, 1], [0, 0]])
    assert_array_equal([ridge.l1, ridge.l2], [[0, 0], [1, 1]])


@pytest.mark.parametrize("l1_ratio", [1.0, 0.5, 0.0])
def test_an_excluded_feature_is_the_box_at_zero_without_infinities(l1_ratio):
    lower, upper = np.array([-1.0, -1.0]), np.array([1.0, 1.0])
    record = Penalty.elastic_net(2, l1_ratio, factor=np.array([np.inf, 1.0]), lower=lower, upper=upper)
    assert (record.l1[0], record.l2[0], record.lower[0], record.upper[0]) == (0, 0, 0, 0)
    assert np.all(np.isfinite([record.l1, record.l2]))


def test_the_arrays_of_the_caller_are_copied_and_kept():
    factor, lower, upper = np.array([np.inf, 1.0]), np.full(2, -1.0), np.full(2, 1.0)
    record = Penalty.elastic_net(2, factor=factor, lower=lower, upper=upper)
    assert_array_equal(factor, [np.inf, 1.0])
    assert_array_equal(lower, -1.0)
    assert_array_equal(upper, 1.0)
    assert not any(np.shares_memory(a, b) for a in (record.lower, record.upper) for b in (lower, upper))


def test_alpha_multiplies_the_terms_and_not_the_box(penalty):
    w = np.array([-3.0, 1.0, -0.5, 0.75, -1.0])
    assert value(penalty.at(0.7), w) == pytest.approx(value(penalty, w, 0.7), rel=1e-15)
    assert_array_equal(penalty.at(0.7).lower, penalty.lower)
    assert value(penalty.at(0.0), w) == 0


def test_a_restricted_record_is_that_of_the_columns(penalty):
    columns = np.array([3, 0])
    part = penalty.restrict(columns)
    for name in ("l1", "l2", "lower", "upper"):
        assert_array_equal(getattr(part, name), getattr(penalty, name)[columns])
    assert penalty.restrict(np.empty(0, dtype=np.intp)).n_features == 0


@pytest.mark.parametrize("standardized", [False, True])
def test_a_change_of_units_changes_no_value(penalty, standardized):
    """u = w scale / response_scale, objective / response_scale^2; deviation = scale / penalty_scale."""
    rng = np.random.default_rng(0)
    scale, response_scale = 2.0 ** rng.integers(-5, 6, 5), 8.0
    deviation = rng.uniform(1, 2, 5) * scale if standardized else np.ones(5)
    penalty_scale = scale / deviation if standardized else scale
    inner = penalty.in_units_of(scale, penalty_scale, response_scale)
    for w in (np.array([-3.0, 1.0, -0.5, 0.75, -1.0]), np.array([0.0, 0.0, 2.0, 1.0, -0.5]), np.full(5, 0.1)):
        penalised = w * deviation
        expected = penalty.l1 @ np.abs(penalised) + 0.5 * penalty.l2 @ penalised**2
        inside = np.all((w >= penalty.lower) & (w <= penalty.upper))
        got = value(inner, w * scale / response_scale) * response_scale**2
        assert_allclose(got, expected if inside else np.inf, rtol=1e-14)


def test_always_active_are_the_features_that_no_alpha_keeps_at_zero():
    record = Penalty(
        l1=np.array([1.0, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0]),
        l2=np.array([0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0]),
        lower=np.array([-np.inf, -np.inf, 0.0, 0.1, -1.0, 0.0, 0.0]),
        upper=np.array([np.inf, np.inf, 2.0, 1.0, -0.1, 0.0, 0.0]),
    )
    assert_array_equal(record.always_active(), [1, 2, 3, 4])
