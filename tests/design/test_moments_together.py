"""Moments under several weights in one reading of X, judged by those under each by itself."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from regularize.design import make_design
from regularize.design.dense import moments_together


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_moments_are_those_under_each_weight(dtype, order):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((60, 9)) * 10.0 ** np.arange(-4, 5)
    X[:, 1] += 50.0
    X[:, 2] = 7.3  # constant on all rows,
    X[20:, 3] = -0.1  # on the training rows alone,
    X[:, 4] = 0.0
    X[:20, 5] *= 1e6  # and nearly so
    X = np.asarray(X, dtype=dtype, order=order)
    weights = np.array([np.arange(60) >= 20, rng.integers(0, 3, 60)], dtype=float)
    means, deviations = moments_together(X, weights / weights.sum(axis=1, keepdims=True), map)
    for k, weight in enumerate(weights):
        alone, together = make_design(X, weight), make_design(X, weight)
        together.take_moments(means[k], deviations[k])
        assert np.all(np.abs(together.mean - alone.mean) <= 1e-15 * np.abs(X).max(axis=0))
        assert_allclose(together.deviation, alone.deviation, rtol=1e-11)
        assert_array_equal(together.deviation == 0, alone.deviation == 0)


@pytest.mark.parametrize("size", [1e-200, 1e-150, 1e150])
def test_sizes_without_squares(size):
    X = np.asfortranarray(np.random.default_rng(1).standard_normal((30, 3)) * size)
    weights = np.full((2, 30), 1 / 30)
    means, deviations = moments_together(X, weights, map)
    expected = make_design(X)
    together = make_design(X)
    together.take_moments(means[1], deviations[1])
    assert_allclose(together.mean, expected.mean, rtol=1e-10)
    assert_allclose(together.deviation, expected.deviation, rtol=1e-10)
