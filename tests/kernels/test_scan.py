"""The scan marks exactly the features and groups that the bound cannot clear."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from regularize.kernels import scan


def marked(known, pairs, shares, distances, alphas, norms, l1, lower, upper, skip):
    exceeds = np.full(norms.size, 9, dtype=np.uint8)
    scan.exceeding(
        known=known,
        pairs=np.array(pairs, dtype=np.intp),
        shares=np.array(shares),
        distances=np.array(distances),
        alphas=np.array(alphas),
        norms=norms,
        l1=l1,
        lower=lower,
        upper=upper,
        skip=skip,
        exceeds=exceeds,
    )
    return exceeds


def expected_marks(known, pairs, shares, distances, alphas, norms, l1, lower, upper, skip):
    """By the definition, residual by residual."""
    marks = np.zeros(norms.size, dtype=bool)
    for (first, other), (one, two), distance, alpha in zip(pairs, shares, distances, alphas, strict=True):
        value, room = one * known[first] + two * known[other], alpha * l1 - norms * distance
        marks |= ((value > room) & (upper > 0)) | ((-value > room) & (lower < 0))
    return marks & (skip == 0)


@pytest.mark.parametrize("count", [1, 2, 5])
@pytest.mark.parametrize("p", [200, 512, 1500])
def test_features_are_marked_when_a_bound_exceeds_the_threshold(p, count):
    rng = np.random.default_rng(count)
    known, pairs, shares = rng.standard_normal((3, p)), rng.integers(0, 3, (count, 2)), rng.standard_normal((count, 2))
    norms, distances, alphas = rng.random(p), 0.3 * rng.random(count), rng.uniform(0.8, 3.0, count)
    l1 = rng.choice([0.0, 0.5, 1.0, 2.0], p)
    lower, upper = rng.choice([-np.inf, -1.0, 0.0, 0.5], p), rng.choice([np.inf, 1.0, 0.0], p)
    skip = (rng.random(p) < 0.2).astype(np.uint8)
    scene = known, pairs, shares, distances, alphas, norms, l1, lower, upper, skip
    found = marked(*scene)
    assert 0.05 * p < np.count_nonzero(found) < 0.75 * p
    assert_array_equal(found, expected_marks(*scene))


def marked_by_one(c, alpha, distance, l1):
    free, none = np.full(c.size, np.inf), np.zeros(c.size, dtype=np.uint8)
    one = c[np.newaxis], [[0, 0]], [[1.0, 0.0]], [distance], [alpha]
    return marked(*one, np.ones(c.size), np.full(c.size, l1), -free, free, none)


def test_a_feature_exactly_at_its_threshold_is_certified():
    c = np.array([0.5, -0.5, np.nextafter(0.5, 1), -np.nextafter(0.5, 1)])
    assert_array_equal(marked_by_one(c, 1.0, 0.0, 0.5), [0, 0, 1, 1])


def test_an_infinite_threshold_is_never_exceeded():
    assert not marked_by_one(np.full(3, 1e300), 1.0, 1.0, np.inf).any()


@pytest.mark.parametrize("n_targets", [1, 3])
@pytest.mark.parametrize("count", [1, 4])
def test_groups_are_marked_when_the_bound_of_their_norm_exceeds_the_threshold(count, n_targets):
    rng = np.random.default_rng(count)
    starts = np.array([0, 1, 2, 5, 6, 10, 12, 20])
    p, G = starts[-1], starts.size - 1
    indices = rng.permutation(p)
    known, pairs = rng.standard_normal((3, n_targets, p)), rng.integers(0, 3, (count, 2))
    shares, alphas, distances = rng.random((count, 2)), rng.uniform(0.3, 1.5, count), 0.3 * rng.random(count)
    radii, l1 = rng.random(G), rng.choice([0.0, 0.2, 0.6], p)
    norm = np.array([0.0, 0.5, 1.0, 0.0, 2.0, 1.5, 0.7])
    lower, upper = np.full(p, -np.inf), np.full(p, np.inf)
    lower[indices[0]] = 0.0
    skip, exceeds = np.zeros(G, dtype=np.uint8), np.full(G, 9, dtype=np.uint8)
    skip[-1] = 1
    scene = {"radii": radii, "l1": l1, "lower": lower, "upper": upper, "norm": norm, "skip": skip}
    of_groups = {"starts": starts, "indices": indices, "exceeds": exceeds}
    scan.exceeding_blocks(known, pairs, shares, distances, alphas, **scene, **of_groups)
    expected = np.zeros(G, dtype=bool)
    for (first, other), (one, two), distance, alpha in zip(pairs, shares, distances, alphas, strict=True):
        c = one * known[first] + two * known[other]
        beyond = np.maximum(np.abs(c) - alpha * l1, 0)
        for g in range(G):
            features = indices[starts[g] : starts[g + 1]]
            if norm[g] > 0:
                expected[g] |= np.linalg.norm(beyond[:, features]) + radii[g] * distance > alpha * norm[g]
            else:
                (j,) = features
                excess = np.where(lower[j] < 0, np.abs(c[:, j]), c[:, j]) + radii[g] * distance - alpha * l1[j]
                expected[g] |= bool((excess > 0).any())
    assert_array_equal(exceeds, expected & (skip == 0))


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
