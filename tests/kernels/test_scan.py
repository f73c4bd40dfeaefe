"""The scan lists exactly the features that the bound cannot clear."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

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


def spans(known, residuals):
    pairs, shares = np.full((len(residuals), 2), -1, dtype=np.intp), np.empty((len(residuals), 2))
    distances = np.empty(len(residuals))
    scan.spans(known, known @ known.T, residuals, 1e-12, pairs, shares, distances)
    return pairs, shares, distances


@pytest.mark.parametrize("count", [2, 3, 7])
def test_a_residual_is_spanned_by_the_two_nearest_ones(count):
    rng = np.random.default_rng(count)
    known, residuals = rng.standard_normal((count, 9)), rng.standard_normal((5, 9))
    residuals[0] = known[-1]
    for residual, pair, share, distance in zip(residuals, *spans(known, residuals), strict=True):
        order = np.argsort(np.linalg.norm(known - residual, axis=1))
        assert_array_equal(pair, order[:2])
        expected, rest, *_ = np.linalg.lstsq(known[pair].T, residual)
        assert_allclose(share, expected, atol=1e-12)
        assert_allclose(distance, np.sqrt(rest[0]), atol=1e-12)


@pytest.mark.parametrize("known", [[[1.0, 2.0]], [[1.0, 2.0], [2.0, 4.0]], [[0.0, 0.0], [1.0, 2.0]], [[0.0, 0.0]]])
def test_what_says_nothing_has_no_share(known):
    known, residual = np.array(known), np.array([[3.0, 6.0], [0.1, 0.0]])
    pairs, shares, distances = spans(known, residual)
    assert np.count_nonzero(shares, axis=1).max() <= 1
    made = np.einsum("ki,kij->kj", shares, known[pairs])
    assert_allclose(distances, np.linalg.norm(residual - made, axis=1), atol=1e-14)
    if known[pairs[0, 0]].any():
        assert distances[0] <= 1e-14
