"""The judge of group penalties is judged: by closed forms, brute force, ``judge.py``, and what a gap must satisfy."""

from __future__ import annotations

import itertools
from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy import sparse

from group_judge import judge_groups, labels_of
from judge import judge

FIELDS = ("objective", "violation", "gap", "relative_gap")


def assert_same_verdict(one, other, rtol=1e-10):
    for name, value in asdict(one).items():
        assert_allclose(value, getattr(other, name), rtol=rtol, atol=1e-13, err_msg=name)


# ------------------------------------------------------------------------------------ brute force


def objective(X, Y, s, labels, norm, l1, l2, intercept, W):
    """Of many W, shape (m, p, T), written down as the problem is stated."""
    residual = Y - np.einsum("np,mpt->mnt", X, W)
    if intercept:
        residual = residual - np.einsum("n,mnt->mt", s, residual)[:, np.newaxis]
    blocks = np.stack([np.sum(W[:, labels == g] ** 2, axis=(1, 2)) for g in range(len(norm))], axis=1)
    own = np.sum(l1[:, np.newaxis] * np.abs(W) + 0.5 * l2[:, np.newaxis] * W**2, axis=(1, 2))
    return 0.5 * np.einsum("n,mnt->m", s, residual**2) + np.sqrt(blocks) @ norm + own


def optimum_of(problem, alpha):
    """A minimiser by plain proximal gradient steps with restarts, and its objective."""
    X, Y, s, labels, norm, l1, l2, lower, upper, intercept = problem
    X, Y = (X - s @ X, Y - s @ Y) if intercept else (X, Y)
    norm, l1, l2 = alpha * norm, alpha * l1[:, np.newaxis], alpha * l2[:, np.newaxis]
    lower, upper = lower[:, np.newaxis], upper[:, np.newaxis]
    gram, linear = X.T @ (s[:, np.newaxis] * X), X.T @ (s[:, np.newaxis] * Y)
    step = 1 / max(np.linalg.norm(gram, 2), 1e-10)
    w = previous = np.zeros(linear.shape)
    momentum = 1.0
    for _ in range(20_000):
        new_momentum = (1 + np.sqrt(1 + 4 * momentum**2)) / 2
        point = w + (momentum - 1) / new_momentum * (w - previous)
        v = point - step * (gram @ point - linear)
        v = np.sign(v) * np.maximum(np.abs(v) - step * l1, 0)
        if np.any(norm > 0):  # their bounds are cones
            v = np.where((v < 0) & (lower == 0) | (v > 0) & (upper == 0), 0, v)
        size = np.sqrt(np.bincount(labels, np.sum(v**2, axis=1)))
        share = np.maximum(1 - step * norm / np.where(size > 0, size, 1), 0)
        v = np.clip(share[labels][:, np.newaxis] * v / (1 + step * l2), lower, upper)
        if np.sum((point - v) * (v - w)) > 0:
            new_momentum = 1.0
        previous, w, momentum = w, v, new_momentum
        if np.max(np.abs(w - previous)) <= 1e-15 * (1 + np.max(np.abs(w))):
            break
    return w


@st.composite
def problems(draw):
    """Tiny problems with every kind of penalty, bound, weight and intercept."""
    n, p, n_targets = draw(st.integers(2, 8)), draw(st.integers(1, 4)), draw(st.integers(1, 2))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    X = rng.standard_normal((n, p)) + draw(st.sampled_from([0.0, 2.0]))
    Y = rng.standard_normal((n, n_targets))
    s = draw(st.sampled_from([np.ones(n), rng.uniform(0.1, 2.0, n)]))
    labels = np.unique(np.array(draw(st.lists(st.integers(0, 2), min_size=p, max_size=p))), return_inverse=True)[1]
    n_groups = int(labels.max()) + 1
    norm = np.array(draw(st.lists(st.sampled_from([0.0, 0.5, 1.0]), min_size=n_groups, max_size=n_groups)))
    l1 = np.array(draw(st.lists(st.sampled_from([0.0, 0.0, 0.5, 1.0]), min_size=p, max_size=p)))
    l2 = np.array(draw(st.lists(st.sampled_from([0.0, 0.0, 0.7]), min_size=n_groups, max_size=n_groups)))[labels]
    pair = st.sampled_from([(-np.inf, np.inf), (-np.inf, np.inf), (0.0, np.inf), (-np.inf, 0.0), (0.0, 0.0)])
    if not norm.any():
        pair = st.sampled_from([(-np.inf, np.inf), (0.0, np.inf), (-np.inf, 0.1), (-0.2, 0.1), (0.1, 0.3)])
    lower, upper = np.array(draw(st.lists(pair, min_size=p, max_size=p))).T
    alpha = draw(st.sampled_from([0.0, 0.01, 0.1, 1.0]))
    return (X, Y, s / s.sum(), labels, norm, l1, l2, lower, upper, draw(st.booleans())), alpha


def verdict_on(problem, alpha, w, **options):
    X, Y, s, labels, norm, l1, l2, lower, upper, intercept = problem
    penalty = dict(groups=labels, norm=norm, l1=l1, l2=l2, bounds=(lower, upper))
    return judge_groups(X, Y, alpha, w.T, sample_weight=s, fit_intercept=intercept, **penalty, **options)


@settings(max_examples=100, deadline=None)
@given(problems(), st.floats(0.0, 2.0), st.integers(0, 1000))
def test_gap_bounds_the_suboptimality_and_vanishes_at_the_optimum(drawn, spread, seed):
    problem, alpha = drawn
    X, Y, s, labels, norm, l1, l2, lower, upper, intercept = problem
    unit = np.sum(s @ Y**2)
    best = optimum_of(problem, alpha)
    at_best = verdict_on(problem, alpha, best)
    assert 0 <= at_best.gap <= 1e-8 * unit
    assert at_best.violation <= 1e-5

    rng = np.random.default_rng(seed)
    cloud = best + spread * rng.standard_normal((500, *best.shape)) * rng.choice([0, 1e-3, 1], (500, 1, 1))
    cloud = np.clip(cloud, lower[:, np.newaxis], upper[:, np.newaxis])
    stated = objective(X, Y, s, labels, alpha * norm, alpha * l1, alpha * l2, intercept, cloud)
    for k in range(3):
        w = cloud[k]
        verdict, noise = verdict_on(problem, alpha, w), 1e-13 * (unit + stated[k])
        assert verdict.objective == pytest.approx(stated[k], rel=1e-11, abs=noise)
        assert verdict.gap >= 0
        # A gap is a lower bound of the optimum, which nothing may undercut.
        assert verdict.objective - verdict.gap <= stated.min() + noise
        assert verdict.objective - verdict.gap <= at_best.objective + noise
        by_reference = verdict_on(problem, alpha, w, reference=best.T)
        assert by_reference.gap <= verdict.gap
        assert by_reference.gap <= verdict.objective - at_best.objective + at_best.gap + 1e-7 * unit


@settings(max_examples=50, deadline=None)
@given(problems())
def test_wrong_coefficients_are_found(drawn):
    """A coefficient that is off by a tenth of what there is costs as much as the gap says at least."""
    problem, alpha = drawn
    _, _, _, _, _, _, _, lower, upper, _ = problem
    best = optimum_of(problem, alpha)
    at_best = verdict_on(problem, alpha, best)
    for j, t in itertools.product(range(best.shape[0]), range(best.shape[1])):
        w = best.copy()
        w[j, t] = np.clip(w[j, t] + 0.1 * (1 + np.abs(best).max()), lower[j], upper[j])
        verdict = verdict_on(problem, alpha, w)
        loss = verdict.objective - at_best.objective
        assert verdict.gap >= loss - 1e-12
        if loss > 1e-6:
            assert verdict.violation > 1e-6 * min(1, loss)


# ------------------------------------------------------------------------------------ closed forms


def orthogonal_design(n=24, p=6, n_targets=1, seed=0):
    """X with X'X = n I, and y."""
    rng = np.random.default_rng(seed)
    q, _ = np.linalg.qr(rng.standard_normal((n, p)))
    Y = rng.standard_normal((n, n_targets))
    return q * np.sqrt(n), Y[:, 0] if n_targets == 1 else Y


@pytest.mark.parametrize("n_targets", [1, 3])
@pytest.mark.parametrize("positive", [False, True])
@pytest.mark.parametrize(("l1", "l2"), [(0.0, 0.0), (0.4, 0.0), (0.0, 0.5), (0.3, 0.5)])
def test_group_soft_thresholding_is_optimal_on_an_orthogonal_design(l1, l2, positive, n_targets):
    X, y = orthogonal_design(n_targets=n_targets)
    labels, alpha = np.array([0, 1, 1, 2, 2, 2]), 0.12
    norm = np.array([1.0, 0.5, 1.5])
    c = (X.T @ y / len(y)).reshape(6, n_targets)
    s = np.sign(c) * np.maximum(np.abs(c) - alpha * l1, 0)
    s = np.maximum(s, 0) if positive else s
    size = np.sqrt(np.bincount(labels, np.sum(s**2, axis=1)))
    share = np.maximum(1 - alpha * norm / np.where(size > 0, size, 1), 0) / (1 + alpha * l2)
    w = share[labels][:, np.newaxis] * s
    assert 0 < np.count_nonzero(share) and np.count_nonzero(w) > 0
    bounds = (0, np.inf) if positive else None
    coef = w[:, 0] if n_targets == 1 else w.T
    verdict = judge_groups(X, y, alpha, coef, groups=labels, norm=norm, l1=l1, l2=l2, bounds=bounds)
    assert verdict.relative_gap < 1e-14
    assert verdict.violation < 1e-14
    off = judge_groups(X, y, alpha, 1.01 * coef, groups=labels, norm=norm, l1=l1, l2=l2, bounds=bounds)
    assert off.gap > 1e-8 and off.violation > 1e-6


def test_one_group_is_ridge_with_its_own_strength():
    rng = np.random.default_rng(1)
    X, w = rng.standard_normal((20, 4)), rng.standard_normal(4)
    gram, alpha = X.T @ X / 20, 0.3
    residual = X @ np.linalg.solve(X.T @ X, 20 * alpha * 2.0 * w / np.linalg.norm(w))  # A'r / 20 = alpha norm w / ||w||
    y = X @ w + residual
    assert_allclose(np.linalg.solve(gram + alpha * 2.0 / np.linalg.norm(w) * np.eye(4), X.T @ y / 20), w)
    verdict = judge_groups(X, y, alpha, w, groups=np.zeros(4, dtype=int), norm=2.0)
    assert verdict.relative_gap < 1e-14
    assert verdict.violation < 1e-14


def test_the_null_model_is_optimal_from_the_largest_group_norm_of_the_correlations_on():
    X, y = orthogonal_design()
    labels = np.array([0, 0, 1, 1, 1, 2])
    c = X.T @ y / len(y)
    largest = np.max(np.sqrt(np.bincount(labels, c**2) / np.bincount(labels)))
    zero = np.zeros(6)
    assert judge_groups(X, y, largest * (1 + 1e-14), zero, groups=labels).relative_gap < 1e-15
    below = judge_groups(X, y, 0.99 * largest, zero, groups=labels)
    assert below.gap > 1e-6 and below.violation > 1e-6


@pytest.mark.parametrize("n_targets", [1, 3])
def test_the_dual_point_is_scaled_as_far_as_l1_and_norm_allow(n_targets):
    """For W = 0 the gap is that of the largest t with ||soft(t C, l1)|| <= norm: found by bisection here."""
    rng = np.random.default_rng(2)
    X, Y = rng.standard_normal((15, 4)), rng.standard_normal((15, n_targets))
    labels, norm, l1, alpha = np.array([0, 1, 1, 0]), np.array([0.3, 0.7]), np.array([0.1, 0.0, 0.2, 0.4]), 0.05
    C = X.T @ Y / 15

    def fits(t):
        s = np.maximum(np.abs(t * C) - alpha * l1[:, np.newaxis], 0)
        return np.all(np.sqrt(np.bincount(labels, np.sum(s**2, axis=1))) <= alpha * norm)

    low, high = 0.0, 1.0
    assert not fits(high)
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    verdict = judge_groups(X, Y, alpha, np.zeros((n_targets, 4)), groups=labels, norm=norm, l1=l1)
    assert verdict.gap == pytest.approx(0.5 * (1 - low) ** 2 * np.sum(Y**2) / 15, rel=1e-12)


def test_unpenalised_groups_are_least_squares():
    rng = np.random.default_rng(3)
    X, Y = rng.standard_normal((12, 3))[:, [0, 1, 0]], rng.standard_normal((12, 2))
    w = np.linalg.lstsq(X, Y, rcond=None)[0].T
    assert judge_groups(X, Y, 1.0, w, groups=[[0, 1], [2]], norm=0.0).relative_gap < 1e-15
    assert judge_groups(X, Y, 0.0, w, groups=[[0, 1], [2]]).relative_gap < 1e-15
    assert judge_groups(X, Y, 1.0, 0.9 * w, groups=[[0, 1], [2]], norm=0.0).gap > 1e-4


# ------------------------------------------------------------------------------------ other judges


@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize("l1_ratio", [1.0, 0.6])
def test_groups_of_one_are_judged_as_the_elastic_net_is(l1_ratio, standardize):
    rng = np.random.default_rng(4)
    X, y, weights = rng.standard_normal((20, 6)) + 1, rng.standard_normal(20), rng.uniform(0, 1, 20)
    factor = np.array([0.0, 1.0, 2.0, 0.5, np.inf, 1.0])
    bounds = (np.array([-np.inf, -0.1, 0, -0.3, -1, -np.inf]), np.array([np.inf, 0.2, 1, np.inf, 1, 0]))
    coefs = np.clip(0.3 * rng.standard_normal((6, 3)), bounds[0][:, None], bounds[1][:, None])
    coefs[4] = 0
    alphas, intercepts = [0.3, 0.1, 0.01], rng.standard_normal(3)
    common = dict(bounds=bounds, sample_weight=weights, standardize=standardize)
    expected = judge(X, y, alphas, coefs, intercepts, l1_ratio=l1_ratio, penalty_factor=factor, **common)
    l2 = (1 - l1_ratio) * np.where(np.isinf(factor), 0, factor)
    one_by_one = dict(groups=np.arange(6), norm=l1_ratio * factor, l2=l2)
    assert_same_verdict(judge_groups(X, y, alphas, coefs, intercepts, **one_by_one, **common), expected)
    without_norm = dict(groups=np.arange(6) // 2, norm=0.0, l1=l1_ratio * factor, l2=l2)
    assert_same_verdict(judge_groups(X, y, alphas, coefs, intercepts, **without_norm, **common), expected)


def test_a_group_of_one_and_excluded_features_is_a_feature():
    rng = np.random.default_rng(5)
    X, y, w = rng.standard_normal((20, 4)), rng.standard_normal(20), np.array([0.3, 0.0, -0.2, 0.0])
    wide = np.insert(X, [1, 2, 3, 4], rng.standard_normal((20, 4)), axis=1)
    coef = np.insert(w, [1, 2, 3, 4], 0.0)
    l1 = np.tile([0.0, np.inf], 4)
    one, other = judge_groups(wide, y, 0.1, coef, groups=np.arange(8) // 2, norm=0.8, l1=l1), judge(X, y, 0.08, w)
    assert_same_verdict(one, other)


def test_several_targets_are_the_stacked_problem():
    """A block of W is a group of the design with X once per target; weights are a T-th, so is the objective."""
    rng = np.random.default_rng(6)
    X, Y, W = rng.standard_normal((10, 4)), rng.standard_normal((10, 3)), rng.standard_normal((3, 4))
    labels, norm = np.array([0, 1, 1, 2]), np.array([1.0, 0.5, 2.0])
    W[:, 3] = 0
    together = judge_groups(X, Y, 0.2, W, groups=labels, norm=norm, l1=0.1)
    stacked = np.kron(np.eye(3), X)
    one = judge_groups(stacked, Y.T.ravel(), 0.2 / 3, W.ravel(), groups=np.tile(labels, 3), norm=norm, l1=0.1)
    assert 3 * one.objective == pytest.approx(together.objective, rel=1e-12)
    assert 3 * one.gap == pytest.approx(together.gap, rel=1e-10)
    assert one.relative_gap == pytest.approx(together.relative_gap, rel=1e-10)


# ------------------------------------------------------------------------------------ invariances


def example(seed=7, n=25, n_targets=2, k=3):
    """X, y, and coefficients of a path of k alphas: (T, p, k), and intercepts (T, k)."""
    rng = np.random.default_rng(seed)
    X, Y = rng.standard_normal((n, 6)) + 1, rng.standard_normal((n, n_targets)) + 2
    coefs = rng.standard_normal((n_targets, 6, k)) * np.array([1, 1, 0, 0, 0, 1])[:, np.newaxis]
    return X, Y, np.array([0.5, 0.1, 0.0])[:k], coefs, rng.standard_normal((n_targets, k))


LABELS = np.array([0, 0, 1, 2, 1, 3])
PENALTY = dict(groups=LABELS, l1=0.2, l2=np.array([0.1, 0.1, 0, 0.3, 0, 0]))


def test_a_path_is_judged_as_its_points_are():
    X, Y, alphas, coefs, intercepts = example()
    path = judge_groups(X, Y, alphas, coefs, intercepts, **PENALTY)
    points = [judge_groups(X, Y, alphas[k], coefs[:, :, k], intercepts[:, k], **PENALTY) for k in range(3)]
    for field in FIELDS:
        assert_allclose(getattr(path, field), [getattr(point, field) for point in points], rtol=1e-12)


def test_one_target_may_be_given_as_a_vector_or_a_column():
    X, Y, alphas, coefs, intercepts = example(n_targets=1)
    column = judge_groups(X, Y, alphas, coefs, intercepts, **PENALTY)
    assert_same_verdict(column, judge_groups(X, Y[:, 0], alphas, coefs[0], intercepts[0], **PENALTY), 1e-12)


@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize("intercept", [False, True])
@pytest.mark.parametrize("dtype", [np.float64, np.longdouble])
def test_sparse_and_dense_are_judged_alike(intercept, standardize, dtype):
    X, Y, alphas, coefs, _ = example()
    X = X * (np.random.default_rng(8).random(X.shape) < 0.4)
    weights = np.random.default_rng(9).uniform(0, 1, len(X))
    options = dict(sample_weight=weights, fit_intercept=intercept, standardize=standardize, dtype=dtype, **PENALTY)
    one, other = (judge_groups(form, Y, alphas, coefs, **options) for form in (X, sparse.csr_array(X)))
    assert_same_verdict(one, other)


def test_integer_weights_are_repetitions_and_zero_weights_are_absent_rows():
    X, Y, alphas, coefs, intercepts = example()
    weights = np.random.default_rng(10).integers(0, 4, len(X))
    rows = np.repeat(np.arange(len(X)), weights)
    weighted = judge_groups(X, Y, alphas, coefs, intercepts, sample_weight=weights, **PENALTY)
    assert_same_verdict(weighted, judge_groups(X[rows], Y[rows], alphas, coefs, intercepts, **PENALTY))


def test_standardisation_is_that_of_the_columns():
    X, Y, alphas, coefs, _ = example()
    X = X * np.array([1, 10, 0.1, 5, 1, 1])
    scale = X.std(axis=0)
    one = judge_groups(X, Y, alphas, coefs, standardize=True, fit_intercept=True, **PENALTY)
    other = judge_groups(X / scale, Y, alphas, coefs * scale[:, np.newaxis], fit_intercept=True, **PENALTY)
    assert_same_verdict(one, other)


def test_given_intercepts_add_their_own_excess():
    X, Y, _, coefs, _ = example()
    w = coefs[:, :, 0]
    best = np.mean(Y - X @ w.T, axis=0)
    implied = judge_groups(X, Y, 0.1, w, fit_intercept=True, **PENALTY)
    given_ones = judge_groups(X, Y, 0.1, w, best + [0.3, -0.4], **PENALTY)
    assert given_ones.gap == pytest.approx(implied.gap + 0.125, rel=1e-12)
    assert given_ones.objective == pytest.approx(implied.objective + 0.125, rel=1e-12)
    assert given_ones.violation > 0


@pytest.mark.parametrize("groups", [["b", "a", "b", "a", "c", "a"], [[1, 3, 5], [0, 2], [4]]])
def test_groups_are_labels_or_lists_of_features(groups):
    labels = labels_of(groups, 6)
    assert [sorted(np.flatnonzero(labels == g).tolist()) for g in range(3)] == [[1, 3, 5], [0, 2], [4]]


@pytest.mark.parametrize("groups", [[[0, 1], [1, 2]], [[0], [2]]])
def test_a_feature_in_two_groups_or_none_is_refused(groups):
    with pytest.raises(ValueError, match="a feature in"):
        labels_of(groups, 3)


def test_coefficients_outside_the_bounds_or_not_finite_are_rejected():
    X, y = orthogonal_design()
    w, options = np.zeros(6), dict(groups=LABELS)
    assert judge_groups(X, y, 0.1, w - 1e-9, bounds=(0, None), **options).gap == np.inf
    assert judge_groups(X, y, 0.1, w, bounds=(0, None), **options).gap < np.inf
    assert judge_groups(X, y, 0.1, w, norm=np.inf, **options).gap < np.inf
    assert judge_groups(X, y, 0.1, w + 1e-9, norm=np.inf, **options).objective == np.inf
    assert judge_groups(X, y, 0.1, w + np.nan, **options).relative_gap == np.inf


def test_what_no_closed_form_covers_is_refused():
    X, y = orthogonal_design()
    with pytest.raises(ValueError, match="bounds"):
        judge_groups(X, y, 0.1, np.zeros(6), groups=LABELS, bounds=(-1, 1))
    with pytest.raises(ValueError, match="l2"):
        judge_groups(X, y, 0.1, np.zeros(6), groups=LABELS, l2=np.arange(6.0))
    judge_groups(X, y, 0.1, np.zeros(6), groups=LABELS, norm=0.0, bounds=(-1, 1), l2=np.arange(6.0))


def test_extended_precision_resolves_gaps_and_scales_beyond_float64():
    X, y = orthogonal_design()
    labels, alpha = LABELS, 0.1
    c = X.T @ y / len(y)
    size = np.sqrt(np.bincount(labels, c**2))
    w = np.maximum(1 - alpha * np.sqrt(np.bincount(labels)) / size, 0)[labels] * c
    assert np.count_nonzero(w)
    big, small = 1e150, 1e-150
    verdict = judge_groups(small * X, big * y, alpha, w * big / small, groups=labels, dtype=np.longdouble)
    assert verdict.relative_gap < 1e-14
    if np.finfo(np.longdouble).eps < np.finfo(np.float64).eps:
        assert judge_groups(X, y, alpha, w, groups=labels, dtype=np.longdouble).gap > 0


def test_constant_responses_have_relative_gap_zero_only_at_the_optimum():
    X, _ = orthogonal_design()
    Y = np.tile([2.0, -3.0], (len(X), 1))
    assert judge_groups(X, Y, 0.1, np.zeros((2, 6)), [2.0, -3.0], groups=LABELS).relative_gap == 0
    assert judge_groups(X, Y, 0.1, np.ones((2, 6)), [2.0, -3.0], groups=LABELS).relative_gap == np.inf
