"""The squared loss keeps what the protocol of losses promises."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from regularize.losses import SquaredLoss


@pytest.fixture
def sample():
    rng = np.random.default_rng(0)
    y, eta = rng.standard_normal((2, 20)) * 3
    weights = rng.random(20)
    return y, eta, weights / weights.sum()


def test_the_value_is_the_weighted_mean_of_half_squares(sample):
    y, eta, weights = sample
    assert SquaredLoss().value(y, eta, weights) == pytest.approx(
        sum(s * (a - b) ** 2 / 2 for s, a, b in zip(weights, y, eta, strict=True)), rel=1e-14
    )


def test_gradient_and_curvature_are_the_derivatives(sample):
    y, eta, _ = sample
    loss, h = SquaredLoss(), 1e-4
    gradient, curvature = loss.gradient_curvature(y, eta)
    for i, one in enumerate(np.eye(20)):
        above, here, below = (loss.value(y, eta + step * one, one) for step in (h, 0.0, -h))
        assert gradient[i] == pytest.approx((above - below) / (2 * h), abs=1e-9)
        assert curvature[i] == pytest.approx((above - 2 * here + below) / h**2, abs=1e-6)


def test_the_dual_value_is_below_every_value_and_meets_it_at_the_residual(sample):
    """-sum s loss^*(y, -theta) <= sum s (loss(y, eta) + theta eta), with equality at theta = y - eta."""
    y, eta, weights = sample
    loss, rng = SquaredLoss(), np.random.default_rng(1)
    for theta in rng.standard_normal((20, 20)):
        assert loss.dual_value(y, theta, weights) <= loss.value(y, eta, weights) + weights @ (theta * eta) + 1e-12
    theta = -loss.gradient_curvature(y, eta)[0]
    assert loss.dual_value(y, theta, weights) == pytest.approx(
        loss.value(y, eta, weights) + weights @ (theta * eta), rel=1e-13
    )


def test_the_expected_response_is_the_linear_predictor(sample):
    assert_array_equal(SquaredLoss().mean(sample[1]), sample[1])


def test_the_minimum_over_a_constant_is_at_the_weighted_mean(sample):
    y, _, weights = sample
    gradient, _ = SquaredLoss().gradient_curvature(y, np.full_like(y, weights @ y))
    assert_allclose(weights @ gradient, 0.0, atol=1e-15)
