"""The scan lists exactly the features that the bound cannot clear."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from regularize.kernels import scan


def listed(newest, older, shares, norms, distance, alpha, l1, lower, upper, skip):
    found = np.full(newest.size, -1, dtype=np.intp)
    count = scan.exceeding(
        newest=newest,
        older=older,
        share_newest=shares[0],
        share_older=shares[1],
        norms=norms,
        distance=distance,
        alpha=alpha,
        l1=l1,
        lower=lower,
        upper=upper,
        skip=skip,
        found=found,
    )
    assert_array_equal(found[count:], -1)
    return found[:count]


@pytest.mark.parametrize("seed", range(5))
def test_features_are_listed_when_their_bound_exceeds_the_threshold(seed):
    rng = np.random.default_rng(seed)
    p = 200
    newest, older = rng.standard_normal((2, p))
    shares, norms, distance, alpha = rng.standard_normal(2), rng.random(p), 0.3, 0.8
    l1 = rng.choice([0.0, 0.5, 1.0, 2.0], p)
    lower, upper = rng.choice([-np.inf, -1.0, 0.0, 0.5], p), rng.choice([np.inf, 1.0, 0.0], p)
    skip = (rng.random(p) < 0.2).astype(np.uint8)
    value, room = shares[0] * newest + shares[1] * older, alpha * l1 - norms * distance
    expected = (((value > room) & (upper > 0)) | ((-value > room) & (lower < 0))) & (skip == 0)
    found = listed(newest, older, shares, norms, distance, alpha, l1, lower, upper, skip)
    assert 10 < found.size < 150
    assert_array_equal(found, np.flatnonzero(expected))


def test_a_feature_exactly_at_its_threshold_is_certified():
    c = np.array([0.5, -0.5, np.nextafter(0.5, 1), -np.nextafter(0.5, 1)])
    free, none = np.full(4, np.inf), np.zeros(4, dtype=np.uint8)
    found = listed(c, np.zeros(4), (1.0, 0.0), np.ones(4), 0.0, 1.0, np.full(4, 0.5), -free, free, none)
    assert_array_equal(found, [2, 3])


def test_an_infinite_threshold_is_never_exceeded():
    free, none = np.full(3, np.inf), np.zeros(3, dtype=np.uint8)
    found = listed(np.full(3, 1e300), np.zeros(3), (1.0, 0.0), np.ones(3), 1.0, 1.0, free, -free, free, none)
    assert found.size == 0
