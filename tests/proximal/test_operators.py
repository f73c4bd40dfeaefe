"""Every proximal operator against its definition, and what its arguments may be."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from regularize import proximal
from regularize.proximal import (
    BoxConstraint,
    ElasticNetPenalty,
    GroupPenalty,
    Groups,
    L1Penalty,
    SparseGroupPenalty,
    SquaredL2Penalty,
    prox_box,
    prox_elastic_net,
    prox_group,
    prox_sparse_group,
    prox_squared_l2,
    soft_threshold,
)

SEEDS = st.integers(0, 2**32 - 1)
GROUPS = Groups([0, 2, 2, 5], [4, 0, 1, 5, 2])  # of two, none and three rows; row 3 is in none
MEMBERS = ([4, 0], [], [1, 5, 2])


def strengths(rng, *shape):
    return rng.choice([0.0, 0.3, 1.0, 2.5, np.inf], shape)


def bounds(rng, n):
    low, high = rng.choice([-np.inf, -1.0, 0.0, 0.2], n), rng.choice([0.2, 1.0, np.inf], n)
    return low, high


def total(weights, sizes):
    """sum_i weights_i sizes_i with inf * 0 = 0"""
    return sum(w * s for w, s in zip(np.ravel(weights), np.ravel(sizes), strict=True) if s != 0.0)


def inside(x, low, high):
    return 0.0 if np.all((low <= x) & (x <= high)) else np.inf


def norms(X, members=MEMBERS):
    return [np.linalg.norm(X[rows]) for rows in members]


def l1_case(rng):
    alpha = strengths(rng, 6)
    return L1Penalty(alpha), lambda x: total(alpha, np.abs(x)), (6,)


def elastic_net_case(rng):
    l1, l2, (low, high) = strengths(rng, 6), strengths(rng, 6), bounds(rng, 6)
    low[np.isinf(l1 + l2)] = 0.0  # nothing else is finite there
    penalty = ElasticNetPenalty(l1, l2, low, high)
    return penalty, lambda x: total(l1, np.abs(x)) + total(l2, x * x / 2) + inside(x, low, high), (6,)


def squared_l2_case(rng):
    l2, center = strengths(rng, 6), rng.standard_normal(6)
    return SquaredL2Penalty(l2, center), lambda x: total(l2, (x - center) ** 2 / 2), (6,)


def box_case(rng):
    low, high = bounds(rng, 6)
    return BoxConstraint(low, high), lambda x: inside(x, low, high), (6,)


def group_case(rng):
    alpha = strengths(rng, 3)
    return GroupPenalty(alpha, GROUPS), lambda x: total(alpha, norms(x)), (6,)


def matrix_group_case(rng):
    alpha = strengths(rng, 3)
    return GroupPenalty(alpha, GROUPS), lambda x: total(alpha, norms(x)), (6, 2)


def rows_case(rng):
    alpha = strengths(rng, 4)
    return GroupPenalty(alpha), lambda x: total(alpha, np.linalg.norm(x, axis=1)), (4, 3)


def sparse_group_case(rng):
    l1, group = strengths(rng, 6), strengths(rng, 3)
    return SparseGroupPenalty(l1, group, GROUPS), lambda x: total(l1, np.abs(x)) + total(group, norms(x)), (6,)


CASES = {
    "L1": l1_case,
    "elastic net": elastic_net_case,
    "squared L2": squared_l2_case,
    "box": box_case,
    "groups": group_case,
    "groups of rows of a matrix": matrix_group_case,
    "rows": rows_case,
    "sparse groups": sparse_group_case,
}
every_case = pytest.mark.parametrize("make", CASES.values(), ids=CASES)


@every_case
@settings(max_examples=60, deadline=None)
@given(SEEDS, st.sampled_from([0.1, 1.0, 7.0]), st.sampled_from([0.1, 1.0, 10.0]))
def test_the_prox_is_the_minimiser_of_its_definition(make, seed, step, scale):
    """1/2 ||x - v||^2 + step P(x) is strongly convex: it rises by 1/2 ||x - p||^2 at least from its minimiser p."""
    rng = np.random.default_rng(seed)
    penalty, value, shape = make(rng)
    v = scale * rng.standard_normal(shape)
    p = penalty.prox(v, step)

    def definition(x):
        return 0.5 * np.sum((x - v) ** 2) + step * value(x)

    assert np.isfinite(definition(p))
    for size in (1e-3, 0.1, 1.0, 10.0):
        others = [p + size * rng.standard_normal(shape) * (rng.random(shape) < 0.5), v, (1 - size) * p, 0 * p]
        for x in others:
            assert definition(x) - definition(p) >= 0.5 * np.sum((x - p) ** 2) - 1e-12 * (1 + definition(p))


@every_case
@settings(max_examples=40, deadline=None)
@given(SEEDS, st.floats(0.01, 100))
def test_the_prox_is_firmly_non_expansive(make, seed, step):
    rng = np.random.default_rng(seed)
    penalty, _, shape = make(rng)
    v, w = rng.standard_normal(shape), 3 * rng.standard_normal(shape)
    p, q = penalty.prox(v, step), penalty.prox(w, step)
    assert np.sum((p - q) ** 2) <= np.sum((p - q) * (v - w)) + 1e-14 * np.sum((v - w) ** 2)


@every_case
@settings(max_examples=20, deadline=None)
@given(SEEDS)
def test_the_value_of_a_penalty_is_its_formula(make, seed):
    rng = np.random.default_rng(seed)
    penalty, value, shape = make(rng)
    for x in (rng.standard_normal(shape), penalty.prox(rng.standard_normal(shape), 0.3), np.zeros(shape)):
        assert penalty.value(x) == pytest.approx(value(x), rel=1e-14)
    assert isinstance(penalty.value(x), float)


# ------------------------------------------------------------------------------- closed forms, duality


def test_moreau_soft_thresholding_is_what_clipping_leaves():
    """prox of a norm + projection onto the ball of the dual norm = identity."""
    v = np.linspace(-3, 3, 25)
    assert_allclose(soft_threshold(v, 1.0) + np.clip(v, -1.0, 1.0), v, rtol=0, atol=1e-15)


def test_moreau_the_group_prox_is_what_the_projection_onto_balls_leaves():
    v = np.random.default_rng(0).standard_normal((6, 2))
    thresholds = np.array([0.5, 1.0, 2.0])
    projection = np.zeros_like(v)
    for rows, threshold in zip(MEMBERS, thresholds, strict=True):
        projection[rows] = v[rows] * min(1.0, threshold / max(np.linalg.norm(v[rows]), 1e-300))
    assert_allclose(prox_group(v, thresholds, GROUPS) + projection, v, rtol=0, atol=1e-15)


def test_moreau_the_sparse_group_prox_leaves_a_dual_point():
    """u = v - p is a subgradient of P at p: of dual norm at most one, u'p = P(p)."""
    rng = np.random.default_rng(0)
    for _ in range(20):
        l1, group, v = rng.random(6), rng.random(3), 3 * rng.standard_normal(6)
        p = prox_sparse_group(v, l1, group, GROUPS)
        u = v - p
        rest = np.sign(u) * np.maximum(np.abs(u) - l1, 0.0)
        assert np.all(np.array(norms(rest)) <= group + 1e-14)
        assert abs(rest[3]) <= 1e-14  # in no group
        assert u @ p == pytest.approx(total(l1, np.abs(p)) + total(group, norms(p)), rel=1e-13)


def test_the_group_prox_is_that_of_the_norm_along_a_ray():
    assert_allclose(prox_group([3.0, 4.0], 2.5, Groups([0, 2])), [1.5, 2.0], rtol=1e-15)
    assert_array_equal(prox_group([3.0, 4.0], 5.0, Groups([0, 2])), [0.0, 0.0])


def test_groups_of_one_are_soft_thresholding():
    v, threshold = np.random.default_rng(0).standard_normal(50), np.linspace(0, 2, 50)
    assert_allclose(prox_group(v, threshold), soft_threshold(v, threshold), rtol=1e-15)


def test_special_cases_of_the_elastic_net_agree():
    v = np.random.default_rng(0).standard_normal(50)
    assert_array_equal(prox_elastic_net(v, 0.4, 0.0), soft_threshold(v, 0.4))
    assert_array_equal(prox_elastic_net(v, 0.0, 0.7), prox_squared_l2(v, 0.7))
    assert_array_equal(prox_elastic_net(v, 0.0, 0.0, lower=-0.1, upper=0.3), prox_box(v, -0.1, 0.3))
    assert_array_equal(prox_sparse_group(v, 0.4, 0.0), soft_threshold(v, 0.4))
    assert_array_equal(prox_sparse_group(v, 0.0, 0.4), prox_group(v, 0.4))


# ------------------------------------------------------------------------------------------ edge cases

OPERATORS = {
    "soft_threshold": lambda v, t=0.5, **o: soft_threshold(v, t, **o),
    "prox_elastic_net": lambda v, t=0.5, **o: prox_elastic_net(v, t, 0.1, lower=-2.0, upper=2.0, **o),
    "prox_squared_l2": lambda v, t=0.5, **o: prox_squared_l2(v, t, 0.25, **o),
    "prox_box": lambda v, t=0.5, **o: prox_box(v, -t, t, **o),
    "prox_group": lambda v, t=0.5, **o: prox_group(v, t, **o),
    "prox_sparse_group": lambda v, t=0.5, **o: prox_sparse_group(v, t, 0.1, **o),
}
every_operator = pytest.mark.parametrize("prox", OPERATORS.values(), ids=OPERATORS)
with_rows = {"prox_group", "prox_sparse_group"}


def values(*shape, dtype=np.float64):
    return np.random.default_rng(0).standard_normal(shape).astype(dtype)


@every_operator
@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0), (1,), (2, 3, 4)])
def test_any_shape_is_kept(prox, shape):
    assert prox(values(*shape)).shape == shape


@pytest.mark.parametrize("name", sorted(set(OPERATORS) - with_rows))
def test_a_scalar_gives_a_scalar(name):
    result = OPERATORS[name](3.0)
    assert np.isscalar(result)
    assert result == OPERATORS[name]([3.0])[0]


@every_operator
def test_nan_stays_nan_and_harms_no_other_row(prox):
    v = values(4, 3)
    expected = prox(v)
    v[1, 2] = np.nan
    result = prox(v)
    assert np.isnan(result[1, 2])
    assert_array_equal(result[[0, 2, 3]], expected[[0, 2, 3]])


def test_zero_strength_changes_nothing():
    v = values(4, 3)
    for result in (soft_threshold(v, 0), prox_elastic_net(v, 0, 0), prox_squared_l2(v, 0, 5.0), prox_box(v)):
        assert_array_equal(result, v)
    assert_array_equal(prox_group(v, 0.0), v)
    assert_array_equal(prox_group(v, 3.0, Groups([0])), v)  # no groups


def test_infinite_strength_gives_zero_or_what_is_nearest():
    v = values(4, 3)
    for result in (soft_threshold(v, np.inf), prox_elastic_net(v, 0, np.inf), prox_group(v, np.inf)):
        assert_array_equal(result, np.zeros_like(v))
    assert not np.signbit([soft_threshold(v, np.inf), prox_group(v, np.inf)]).any()  # prints as 0
    assert not np.signbit(soft_threshold([-1.0], 1.0))
    assert_array_equal(prox_elastic_net(v, np.inf, 0, lower=0.5, upper=1.0), np.full_like(v, 0.5))
    assert_array_equal(prox_squared_l2(v, np.inf, 7.0), np.full_like(v, 7.0))


@pytest.mark.parametrize("size", [1e-200, 1e200])
def test_norms_of_groups_neither_overflow_nor_vanish(size):
    result = prox_group(size * np.array([3.0, 4.0]), 2.5 * size, Groups([0, 2]))
    assert_allclose(result, size * np.array([1.5, 2.0]), rtol=1e-14)
    assert GroupPenalty(2.0, Groups([0, 2])).value(size * np.array([3.0, 4.0])) == pytest.approx(10 * size, rel=1e-14)


@every_operator
def test_float32_stays_float32_and_is_rounded_once(prox):
    v = values(5, 3, dtype=np.float32)
    result = prox(v)
    assert result.dtype == np.float32
    assert_allclose(result, prox(v.astype(np.float64)), rtol=2e-7)


@every_operator
@pytest.mark.parametrize("v", [[[1, -2], [3, 4]], np.array([[1, -2], [3, 4]], dtype=np.float16), [[True, False]]])
def test_other_numbers_become_float64(prox, v):
    result = prox(v)
    assert result.dtype == np.float64
    assert_array_equal(result, prox(np.array(v, dtype=np.float64)))


@every_operator
def test_memory_layout_does_not_matter_and_values_stay(prox):
    v = values(6, 4)
    expected = prox(v.copy())
    wide = np.zeros((12, 8))
    wide[::2, ::-2] = v
    read_only = v.copy()
    read_only.flags.writeable = False
    for stored in (np.asfortranarray(v), wide[::2, ::-2], read_only):
        before = stored.copy()
        assert_array_equal(prox(stored), expected)
        assert_array_equal(stored, before)


@every_operator
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_out_takes_the_result_whatever_its_memory(prox, dtype):
    v = values(6, 4, dtype=dtype)
    expected = prox(v.copy())
    strided = np.empty((12, 8), dtype=dtype)[::2, ::2]
    for out in (np.empty_like(v), np.empty_like(v, order="F"), strided):
        assert prox(v, out=out) is out
        assert_array_equal(out, expected)
    assert prox(v, out=v) is v
    assert_array_equal(v, expected)


@every_operator
def test_out_may_overlap_with_the_values(prox):
    memory = values(7, 4)
    expected = prox(memory[:-1].copy())
    prox(memory[:-1], out=memory[1:])
    assert_array_equal(memory[1:], expected)


def test_out_may_be_the_threshold():
    v, threshold = values(5), np.linspace(0, 1, 5)
    expected = soft_threshold(v, threshold.copy())
    assert_array_equal(soft_threshold(v, threshold, out=threshold), expected)


def test_parameters_broadcast_to_the_values():
    v = values(4, 3)
    for threshold in ([0.1, 0.2, 0.3], [[0.1], [0.2], [0.3], [0.4]], [0.1], [[0.1]], np.full((4, 3), 0.1)):
        full = np.broadcast_to(threshold, (4, 3)).copy()
        assert_array_equal(soft_threshold(v, threshold), soft_threshold(v, full))
    assert_array_equal(prox_box(v, lower=[[0.0]], upper=[0.1, 0.2, 0.3]), np.clip(v, 0.0, [0.1, 0.2, 0.3]))


@every_case
def test_penalties_are_not_changed_by_their_owner_later(make):
    penalty, _, shape = make(np.random.default_rng(0))
    arrays = [field for field in vars(penalty).values() if isinstance(field, np.ndarray)]
    assert arrays
    assert not any(array.flags.writeable for array in arrays)
    mine = np.ones(3)
    assert L1Penalty(mine).alpha is not mine
    assert mine.flags.writeable


# --------------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: soft_threshold([1.0], -1.0), "'threshold' parameter of soft_threshold must be in the range"),
        (lambda: soft_threshold([1.0], np.nan), "'threshold' parameter of soft_threshold must be in the range"),
        (lambda: soft_threshold([1.0], "a"), "'threshold' parameter of soft_threshold must hold real numbers"),
        (lambda: soft_threshold([1j], 1.0), "'value' parameter of soft_threshold must hold real numbers"),
        (lambda: soft_threshold([1.0, 2.0], [1.0, 2.0, 3.0]), r"'threshold' .* must broadcast to shape \(2,\)"),
        (lambda: soft_threshold(1.0, [1.0, 2.0]), r"'threshold' .* must broadcast to shape \(\)"),
        (lambda: soft_threshold([1.0], 1.0, out=np.empty(2)), r"'out' .* float64 of shape \(1,\)"),
        (lambda: soft_threshold([1.0], 1.0, out=np.empty(1, np.float32)), "'out' .* Got float32"),
        (lambda: soft_threshold([1.0], 1.0, out=[0.0]), "'out' .* must be a writeable array"),
        (lambda: prox_elastic_net([1.0], 1.0, -1.0), "'l2' parameter of prox_elastic_net"),
        (lambda: prox_elastic_net([1.0], 1.0, 1.0, lower=2.0, upper=1.0), "'lower' .* at most upper"),
        (lambda: prox_box([1.0], [0.0, 1.0], [1.0, 2.0, 3.0]), "'lower' .* does not fit that of upper"),
        (lambda: prox_box([1.0], np.inf), "'lower' .* at most upper"),
        (lambda: prox_squared_l2([1.0], 1.0, np.inf), "'center' .* must be finite"),
        (lambda: prox_group(1.0, 1.0), "'value' parameter of prox_group must have rows"),
        (lambda: prox_group([1.0], 1.0, [0, 1]), "'groups' parameter of prox_group must be Groups or None"),
        (lambda: prox_group([1.0], 1.0, Groups([0, 2])), "'groups' .* must not name rows that value does not have"),
        (lambda: prox_group([1.0, 2.0], [1.0, 2.0], Groups([0, 2])), r"'threshold' .* shape \(1,\)"),
        (lambda: L1Penalty(-1.0), "'alpha' parameter of L1Penalty"),
        (lambda: ElasticNetPenalty(1.0, -1.0), "'l2' parameter of ElasticNetPenalty"),
        (lambda: SparseGroupPenalty(1.0, -1.0), "'group_alpha' parameter of SparseGroupPenalty"),
        (lambda: L1Penalty([[1.0], [2.0]]).value([1.0, 2.0]), r"'alpha' parameter of L1Penalty must broadcast"),
        (lambda: SquaredL2Penalty(1.0, [[1.0], [2.0]]).value([1.0, 2.0]), "'center' parameter of SquaredL2Penalty"),
        (lambda: BoxConstraint([[1.0], [2.0]]).value([1.0, 2.0]), "'lower' parameter of BoxConstraint"),
        (lambda: GroupPenalty([1.0, 2.0]).value([1.0]), "'alpha' parameter of GroupPenalty"),
        (lambda: BoxConstraint(1.0, 0.0), "'lower' parameter of BoxConstraint"),
        (lambda: Groups([1, 2]), "'starts' of Groups must rise from 0"),
        (lambda: Groups([0, 2, 1]), "'starts' of Groups must rise from 0"),
        (lambda: Groups([]), "'starts' of Groups must rise from 0"),
        (lambda: Groups([0, 3], [0, 1]), "'starts' of Groups must be the number of indices"),
        (lambda: Groups([0, 2], [1, 1]), "'indices' of Groups must be non-negative and different"),
        (lambda: Groups([0, 1], [-1]), "'indices' of Groups must be non-negative and different"),
        (lambda: Groups([0.0, 1.0]), "'starts' of Groups must be a 1D array of integers"),
        (lambda: Groups.from_labels([[0, 1]]), "'labels' of Groups must be 1D"),
    ],
)
def test_errors_name_the_argument(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_labels_make_groups():
    groups = Groups.from_labels(["b", "a", "b", "c", "a", "b"])
    assert_array_equal(groups.starts, [0, 2, 5, 6])
    assert_array_equal(groups.indices, [1, 4, 0, 2, 5, 3])
    assert groups.n_groups == 3
    assert_array_equal(groups.sizes, [2, 3, 1])
    assert Groups.from_labels([]).n_groups == 0


def test_every_public_object_has_a_docstring():
    assert all(getattr(proximal, name).__doc__ for name in proximal.__all__)
