"""Every design gives the same answers as dense algebra on Z = S^(1/2) (X - 1 mean') / scale."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from designs import close, exact, example, orthogonal_to, weights_of
from problems import DENSE, LAYOUTS, SPARSE
from regularize.design import blocks, make_design, working_columns
from regularize.design import dense as dense_design
from regularize.design import sparse as sparse_design
from regularize.design.design import power_of_two


def test_moments_are_weighted_means_and_standard_deviations(design, layout, weights, fit_intercept):
    _, mean, deviation = exact(LAYOUTS[layout](example()), weights, fit_intercept)
    assert_allclose(design.mean, mean.astype(float), rtol=1e-14, atol=1e-15)
    assert_allclose(design.deviation, deviation.astype(float), rtol=1e-13, atol=1e-15)
    assert_array_equal(design.deviation[1:3], 0.0)


def test_norms_are_those_of_the_columns_and_of_size_one(design, Z, fit_intercept):
    close(design.norms, np.linalg.norm(Z, axis=0))
    informative = design.norms > 0
    assert np.all((design.norms[informative] >= 1) & (design.norms[informative] < 2))
    assert_array_equal(informative[:4], [True, False, not fit_intercept, True])
    assert_array_equal(np.frexp(design.scale)[0], 0.5)  # a power of two


def test_correlations_are_those_of_the_columns(design, Z, residual):
    passes = design.n_passes
    close(design.correlations(residual), Z.T @ residual)
    assert design.n_passes == passes + 1


def test_listed_correlations_are_a_part_of_all(design, Z, residual):
    columns = np.array([7, 0, 3])
    before = (design.norms, design.n_passes)
    close(design.correlations(residual, columns), Z[:, columns].T @ residual)
    assert design.n_passes - before[1] == pytest.approx(3 / 9)
    assert design.correlations(residual, np.empty(0, dtype=np.intp)).shape == (0,)


def test_two_residuals_share_one_pass(design, Z):
    residuals = orthogonal_to(design.root_weights, rows=(2,))
    passes = design.n_passes
    together = design.correlations(residuals)
    assert together.shape == (2, 9)
    close(together, residuals @ Z)
    assert design.n_passes == passes + 1


def test_the_gram_matrix_is_that_of_the_columns(design, Z):
    close(design.gram, Z.T @ Z)
    assert_array_equal(design.gram, design.gram.T)


def test_working_columns_grow_and_answer_like_the_columns(design, Z, residual):
    W, gram = design.working_columns(), np.full((12, 12), np.nan)
    order = np.array([4, 1, 3, 0, 8, 2, 7, 5, 6])
    coef = np.arange(9.0) - 3
    size = 0
    for part in (order[:2], order[2:3], order[3:]):
        W.append(part)
        first, size = size, size + part.size
        assert W.size == size
        W.extend_gram(gram, first)
        own = Z[:, order[:size]]
        close(gram[:size, :size], own.T @ own)
        close(W.combine(coef[:size]), own @ coef[:size])
        close(W.correlations(residual), own.T @ residual)
        positions = np.arange(size)[::-2].copy()
        close(W.matrix(positions), own[:, positions])
        assert W.matrix(positions).flags.f_contiguous


@pytest.mark.parametrize("active_only", [False, True])
def test_a_sweep_minimises_over_each_coordinate_in_turn(design, Z, residual, active_only):
    W = design.working_columns()
    W.append(np.arange(9))
    curvature = np.einsum("ij,ij->j", Z, Z)
    l1, l2 = np.array([0.1, 0, 0.1, 0.2, 0.1, 0, 0.1, 0.1, 0.1]), np.array([0, 1, 0, 1, 0, 0, 0.5, 0, 0.0])
    lower, upper = np.full(9, -np.inf), np.full(9, np.inf)
    lower[4], upper[5], lower[7], upper[8] = -0.05, 0.01, 0.02, 0.0
    alpha = 0.7
    coef, r = np.zeros(9), residual.copy()
    expected, changes = coef.copy(), 0
    for j in range(9):
        if active_only and l1[j] > 0:
            continue
        u = Z[:, j] @ (residual - Z @ expected)
        bend = curvature[j] + alpha * l2[j]
        w = np.sign(u) * max(abs(u) - alpha * l1[j], 0) / bend if bend > 1e-20 else 0.0
        expected[j] = np.clip(w, lower[j], upper[j])
        changes += expected[j] != 0
    counted = W.sweep(coef, r, alpha, active_only, curvature, l1, l2, lower, upper)
    close(coef, expected)
    close(r, residual - Z @ expected)
    assert counted == changes > 0
    W.sweep(coef, r, alpha, active_only, curvature, l1, l2, lower, upper)
    close(r, residual - Z @ coef)


def test_answers_do_not_depend_on_the_length_of_the_calls(layout, weights, fit_intercept, residual, monkeypatch):
    def answers():
        design = make_design(LAYOUTS[layout](example()), weights, fit_intercept=fit_intercept)
        W, gram, coef, r = design.working_columns(), np.zeros((9, 9)), np.zeros(9), residual.copy()
        for first, last in ((0, 4), (4, 9)):
            W.append(np.arange(first, last))
            W.extend_gram(gram, first)
        box = np.full(9, -1.0), np.full(9, 1.0)
        yield W.sweep(coef, r, 0.1, False, design.norms**2, *np.zeros((2, 9)), *box)
        yield from (coef, r, gram, W.combine(coef), W.correlations(r), design.gram, design.mean, design.deviation)
        yield from (design.correlations(r), design.correlations(np.array([r, residual])))

    whole = list(answers())
    for module in (blocks, dense_design, sparse_design, working_columns):
        for limit in ("MULTIPLY_ADDS", "ENTRIES", "STEPS", "TILE_ENTRIES", "PANEL"):
            monkeypatch.setattr(module, limit, 3, raising=False)
    for short, expected in zip(answers(), whole, strict=True):
        close(short, expected)


def test_x_is_not_modified(layout, weights, fit_intercept):
    X = LAYOUTS[layout](example())
    arrays = (X.data, X.indices, X.indptr) if sparse.issparse(X) else (X,)
    before = [array.copy() for array in arrays]
    design = make_design(X, weights, fit_intercept=fit_intercept)
    W = design.working_columns()
    W.append(np.arange(9))
    r = orthogonal_to(design.root_weights)
    W.sweep(np.zeros(9), r, 0.1, False, design.norms**2, *np.zeros((2, 9)), np.full(9, -1.0), np.full(9, 1.0))
    assert design.gram.shape == (9, 9)
    assert design.correlations(r).shape == (9,)
    for array, copy in zip(arrays, before, strict=True):
        assert_array_equal(array, copy)


@pytest.mark.parametrize("layout", ["C", "F", "CSC int32"])
def test_an_integer_weight_is_a_repeated_row_and_zero_is_none(layout, fit_intercept):
    X, repeat = example(), weights_of("with zeros", 13).astype(int)
    assert (repeat == 0).any()
    weighted = make_design(LAYOUTS[layout](X), repeat.astype(float), fit_intercept=fit_intercept)
    repeated = make_design(LAYOUTS[layout](np.repeat(X, repeat, axis=0)), fit_intercept=fit_intercept)
    for name in ("mean", "deviation", "norms", "gram"):
        close(getattr(weighted, name), getattr(repeated, name))
    v = np.random.default_rng(0).standard_normal(13)
    close(weighted.weighted_mean(v), repeated.weighted_mean(np.repeat(v, repeat)))


@pytest.mark.parametrize("factor", [3.0, 1e-300, 1e300])
def test_only_the_proportions_of_the_weights_matter(factor):
    weights = weights_of("with zeros", 13)
    ours, scaled = make_design(example(), weights), make_design(example(), factor * weights)
    assert_allclose(scaled.weights, ours.weights, rtol=1e-15)
    assert scaled.weights.sum() == pytest.approx(1.0, rel=1e-15)


@pytest.mark.parametrize("layout", ["C", "F", "CSC int32"])
@pytest.mark.parametrize("weighted", [False, True])
def test_columns_of_any_size_meet_without_overflow(layout, weighted):
    X, sizes = example(), 10.0 ** np.array([-150, 0, 0, 150, 100, -100, 3, -3, 0])
    weights = weights_of("integer", 13) if weighted else None
    plain = make_design(LAYOUTS[layout](X), weights)
    scaled = make_design(LAYOUTS[layout](X * sizes), weights)
    turn = plain.scale * sizes / scaled.scale  # Z differs by no more than a factor of two per column
    assert np.all((turn > 0.4) & (turn < 2.1))
    r = orthogonal_to(plain.root_weights)
    W = scaled.working_columns()
    W.append(np.arange(9))
    close(scaled.norms, plain.norms * turn)
    close(scaled.gram, plain.gram * turn * turn[:, None])
    close(scaled.correlations(r), plain.correlations(r) * turn)
    close(W.correlations(r), plain.correlations(r) * turn)


@pytest.mark.parametrize("layout", ["C", "F", "CSC int32"])
@pytest.mark.parametrize("level", [0.1, 1 / 3, 1e10, -7e-200])
def test_a_constant_column_is_exactly_zero_at_any_level(layout, level):
    X = example()
    X[:, 5] = level
    for weights in (None, weights_of("integer", 13)):
        design = make_design(LAYOUTS[layout](X), weights)
        assert design.norms[5] == 0 == design.inverse_scale[5]
        assert design.correlations(orthogonal_to(design.root_weights))[5] == 0
        assert_array_equal(design.gram[5], 0.0)
        W = design.working_columns()
        W.append(np.array([5, 0]))
        assert_array_equal(W.matrix(np.array([0])), 0.0)


@pytest.mark.parametrize("layout", ["C", "F", "C read-only", "F memory-mapped"])
def test_a_large_mean_costs_no_digits_of_the_rest(layout):
    X = np.round(example(40, 6) * 1024)  # integers: the sum with the mean is exact
    shifted = X + 2.0**30 * np.array([0, 0, 1, 1, -1, 4])
    design = make_design(LAYOUTS[layout](shifted))
    Z, _, deviation = exact(shifted, None, True, design.scale)
    deviation[[1, 2]] = Z[:, [1, 2]] = 0  # constant columns
    r = orthogonal_to(design.root_weights)
    assert_allclose(design.deviation, deviation.astype(float), rtol=1e-12)
    assert_allclose(design.correlations(r), (Z.T @ r).astype(float), rtol=1e-12, atol=1e-12)
    assert_allclose(design.gram, (Z.T @ Z).astype(float), rtol=1e-12, atol=1e-12)


def test_a_large_mean_of_a_sparse_column_costs_its_correlations_no_more_than_rounding():
    X = np.round(example(40, 6) * 1024)
    shifted = X + 2.0**30 * np.array([0, 0, 1, 1, -1, 4])
    design = make_design(sparse.csc_matrix(shifted))
    Z, _, deviation = exact(shifted, None, True, design.scale)
    deviation[[1, 2]] = Z[:, [1, 2]] = 0
    r = orthogonal_to(design.root_weights)
    rounding = 1e-15 * np.max(np.abs(design.mean * design.inverse_scale))
    assert_allclose(design.deviation, deviation.astype(float), rtol=1e-12)
    assert_allclose(design.correlations(r), (Z.T @ r).astype(float), rtol=0, atol=100 * rounding)


@pytest.mark.parametrize("layout", ["C", "F", "CSC int32"])
def test_sums_that_overflow_are_refused(layout):
    with pytest.raises(ValueError, match="large values"):
        make_design(LAYOUTS[layout](np.array([[1e308, 1.0], [-1e308, 2.0], [1e308, 0.0]]))).moments  # noqa: B018


@pytest.mark.parametrize("layout", ["C", "F", "CSC int32"])
def test_the_users_gram_matrix_is_the_same_in_our_units(layout, fit_intercept):
    X = example()
    centred = X - X.mean(axis=0) if fit_intercept else X
    given = make_design(LAYOUTS[layout](X), fit_intercept=fit_intercept, gram=centred.T @ centred)
    close(given.gram, make_design(LAYOUTS[layout](X), fit_intercept=fit_intercept).gram)


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_standardisation_changes_the_units_of_the_penalty_only(fit_intercept):
    plain = make_design(example(), fit_intercept=fit_intercept)
    standardized = make_design(example(), fit_intercept=fit_intercept, standardize=True)
    assert_array_equal(standardized.gram, plain.gram)
    assert_array_equal(plain.penalty_scale, plain.scale)
    informative = plain.deviation > 0
    assert_array_equal(
        standardized.penalty_scale[informative], (plain.scale / np.where(informative, plain.deviation, 1))[informative]
    )


@pytest.mark.parametrize("layout", list(DENSE))
def test_dense_x_is_not_copied_unless_it_has_gaps(layout):
    X = DENSE[layout](example())
    design = make_design(X)
    design.correlations(np.zeros(13))
    has_gaps = not (X.flags.f_contiguous or X.flags.c_contiguous)
    assert np.shares_memory(design.columns, X) != has_gaps
    assert design.columns.dtype == X.dtype


@pytest.mark.parametrize("layout", [name for name in SPARSE if name != "CSC not canonical"])
def test_sparse_x_is_not_copied(layout):
    X = SPARSE[layout](example())
    design = make_design(X)
    design.correlations(np.zeros(13))
    data, indices, _ = design._arrays
    assert np.shares_memory(data, X.data) and np.shares_memory(indices, X.indices)


def test_index_arrays_may_differ_in_type():
    X = sparse.csc_matrix(example())
    X.indices, X.indptr = X.indices.astype(np.int64), X.indptr.astype(np.int32)
    close(make_design(X).gram, make_design(example()).gram)


@pytest.mark.parametrize("layout", ["C", "F", "CSC int32", "CSC int64"])
def test_a_matrix_without_any_entry_has_no_information(layout):
    design = make_design(LAYOUTS[layout](np.zeros((4, 3))))
    assert_array_equal(design.norms, 0.0)
    assert_array_equal(design.gram, np.zeros((3, 3)))
    assert_array_equal(design.correlations(np.ones(4)), np.zeros(3))
    W = design.working_columns()
    W.append(np.arange(3))
    assert_array_equal(W.combine(np.ones(3)), np.zeros(4))


@pytest.mark.parametrize(
    ("norm", "power"), [(1.0, 1.0), (1.5, 1.0), (2.0, 2.0), (0.75, 0.5), (0.0, 1.0), (5e-324, 5e-324)]
)
def test_power_of_two_is_the_largest_not_above(norm, power):
    assert power_of_two(np.array(norm)) == power
