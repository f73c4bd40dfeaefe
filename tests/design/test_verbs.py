"""What ridge asks of a design, beside dense algebra: products of X with several vectors, kernels, factors and tiles."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from designs import close, exact, example, orthogonal_to, weights_of
from problems import LAYOUTS, dense
from regularize.design import blocks, make_design
from regularize.design import dense as dense_design
from regularize.design import design as base
from regularize.design import sparse as sparse_design

FACTOR = np.array([1.0, 2.0, 0.5, 1.0, 0.0, 3.0, 1.0, 0.25, 1.0])  # per column
FEATURES = np.array([3, 0, 2])


def given(*shape, seed=3):
    """Numbers that a verb must not change."""
    values = np.random.default_rng(seed).standard_normal(shape)
    values.flags.writeable = False
    return values


def shifted(design, X):
    return X if design.shift is None else X - design.shift


def assembled(tiles, shape):
    """A matrix from its tiles, which must not leave anything out."""
    out = np.full(shape, np.nan)
    for place, tile in tiles:
        out[place] = tile
    return out


def orthonormal(root):
    """The root weights and another direction."""
    return np.linalg.qr(np.column_stack([root, np.arange(root.size)]))[0]


# Each verb gives pairs: its answer, and that of dense algebra on X as it is stored and on Z.
Verb = Callable[..., Iterator[tuple[object, object]]]


def combinations(design, X, Z):
    coefs = given(4, 9)
    yield design.combinations(coefs), coefs @ X.T
    yield design.combinations(coefs, rough=True), coefs @ X.T
    yield design.combinations(coefs[:0]), np.empty((0, 13))


def residual_correlations(design, X, Z):
    coefs, targets = given(4, 9), given(4, 13, seed=4)
    residuals, correlations = design.residual_correlations(coefs, targets)
    yield residuals, targets - coefs @ Z.T
    yield correlations, (targets - coefs @ Z.T) @ Z


def adjoint(design, X, Z):
    residuals = given(2, 13)  # with a component along the root weights
    yield design.adjoint(residuals), residuals @ Z
    yield design.adjoint(residuals, rough=True), residuals @ Z


def weighted_sums(design, X, Z):
    weights = given(13)
    yield design.weighted_sums(weights), weights @ shifted(design, X)
    yield design.weighted_sums(weights, rough=True), weights @ shifted(design, X)


def kernel(design, X, Z):
    scaled = shifted(design, X) * FACTOR
    found = design.kernel(FACTOR)
    yield found, scaled @ scaled.T
    assert_array_equal(found, found.T)
    yield design.kernel(np.ones(9)), shifted(design, X) @ shifted(design, X).T


def dual_products(design, X, Z):
    V = orthogonal_to(np.full(13, 13**-0.5), rows=(3,))
    coefs, products = design.dual_products(V, FACTOR)
    yield coefs, V @ X * FACTOR
    yield products, (V @ X * FACTOR) @ shifted(design, X).T
    yield design.dual_products(V, FACTOR, False)[0], V @ X * FACTOR


def leverages(design, X, Z):
    directions, shares = given(9, 4), np.abs(given(4, 2, seed=4))
    yield design.leverages(directions, shares), (Z @ directions) ** 2 @ shares
    yield design.leverages(directions[:, :0], shares[:0]), np.zeros((13, 2))


def row_tiles(design, X, Z):
    for rows in (1, 4, 100):
        yield assembled(design.row_tiles(rows), (13, 9)), Z


def column_tiles(design, X, Z):
    expected = design.root_weights[:, np.newaxis] * shifted(design, X)
    for columns in (1, 4, 100):
        tiles = (((slice(None), place), tile) for place, tile in design.column_tiles(columns))
        yield assembled(tiles, (13, 9)), expected


def triangle(design, X, Z):
    targets = given(2, 13)
    for features in (FEATURES, np.arange(9), FEATURES[:0]):
        A = np.column_stack([Z[:, features], targets.T])
        R = design.triangle(features, targets)
        yield R.T @ R, A.T @ A
        assert_array_equal(R, np.triu(R))


def dual_triangle(design, X, Z):
    A = design.root_weights[:, np.newaxis] * shifted(design, X) * FACTOR
    for basis in (orthonormal(design.root_weights), np.zeros((13, 0))):
        left = A - basis @ (basis.T @ A)
        R = design.dual_triangle(FACTOR, basis)
        yield R.T @ R, left @ left.T
        assert_array_equal(R, np.triu(R))


def centre_alone(design, X, Z):
    expected = design.weights @ X if design.fit_intercept else np.zeros(9)
    fresh = make_design(LAYOUTS["C"](X), design.weights, fit_intercept=design.fit_intercept)
    yield design.centre_alone, expected
    yield fresh.centre_alone, expected


VERBS: dict[str, Verb] = {
    verb.__name__: verb
    for verb in (
        combinations,
        residual_correlations,
        adjoint,
        weighted_sums,
        kernel,
        dual_products,
        leverages,
        row_tiles,
        column_tiles,
        triangle,
        dual_triangle,
        centre_alone,
    )
}


@pytest.fixture(params=list(VERBS))
def verb(request):
    return VERBS[request.param]


def test_every_verb_is_that_of_dense_algebra(verb, design, layout, Z):
    for found, expected in verb(design, dense(LAYOUTS[layout](example())), Z):
        assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("layout", ["C", "F", "C float32", "CSC int32", "CSC int64"])
def test_without_large_means_nothing_is_shifted(verb, layout):
    X = dense(LAYOUTS[layout](example()))
    X[:, 2:4] = X[:, 2:4] - 3.0
    X[0, 2:4] = 0.0  # so that no column stores every row
    design = make_design(LAYOUTS[layout](X))
    assert design.shift is None
    Z, _, _ = exact(X, None, True, design.scale)
    for found, expected in verb(design, X, Z.astype(float)):
        assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("layout", ["C", "F", "F float32", "CSC int32", "CSC float32 int64"])
def test_answers_do_not_depend_on_the_length_of_the_calls(verb, layout, monkeypatch):
    for module in (blocks, base, dense_design, sparse_design):
        limits = ("MULTIPLY_ADDS", "ENTRIES", "STEPS", "TILE_ENTRIES", "DENSE_ENTRIES", "LEAST_ROWS")
        for limit in (*limits, "LEAST_COLUMNS", "LEAST_ENTRIES"):
            monkeypatch.setattr(module, limit, 3, raising=False)
    weights = weights_of("with zeros", 13)
    design = make_design(LAYOUTS[layout](example()), weights)
    Z, _, deviation = exact(LAYOUTS[layout](example()), weights, True, design.scale)
    Z *= deviation > 1e-15
    for found, expected in verb(design, dense(LAYOUTS[layout](example())), Z.astype(float)):
        assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("layout", ["C", "F", "CSC int32"])
def test_standardisation_is_not_their_business(verb, layout):
    plain, standardized = (make_design(LAYOUTS[layout](example()), standardize=own) for own in (False, True))
    Z, _, deviation = exact(example(), None, True, plain.scale)
    Z = (Z * (deviation > 1e-15)).astype(float)
    for (one, _), (other, _) in zip(verb(plain, example(), Z), verb(standardized, example(), Z), strict=True):
        assert_allclose(one, other, rtol=1e-15)


@pytest.mark.parametrize("layout", ["C", "F", "CSC int32", "CSC int64"])
def test_x_is_not_modified(verb, layout):
    X = LAYOUTS[layout](example())
    arrays = (X.data, X.indices, X.indptr) if sparse.issparse(X) else (X,)
    before = [array.copy() for array in arrays]
    assert len(list(verb(make_design(X), example(), np.zeros((13, 9))))) > 0
    for array, copy in zip(arrays, before, strict=True):
        assert_array_equal(array, copy)


@pytest.mark.parametrize("layout", ["C", "F", "CSC int32"])
def test_a_matrix_without_any_entry_is_no_exception(verb, layout):
    nothing = np.zeros((13, 9))
    for found, expected in verb(make_design(LAYOUTS[layout](nothing)), nothing, nothing):
        assert_allclose(found, expected, atol=1e-15)


@pytest.mark.parametrize("layout", ["C", "F"])
def test_dense_x_is_read_once(layout):
    design = make_design(LAYOUTS[layout](example()))
    assert design.norms.shape == (9,)  # its moments are known from here on
    V = orthogonal_to(design.root_weights, rows=(3,))
    calls = (
        lambda: design.combinations(given(3, 9)),
        lambda: design.residual_correlations(given(3, 9), V),
        lambda: design.adjoint(V),
        lambda: design.weighted_sums(V[0]),
        lambda: design.kernel(FACTOR),
        lambda: design.dual_products(V, FACTOR),
        lambda: design.leverages(given(9, 3), given(3, 1)),
    )
    for number, call in enumerate(calls):
        before = design.n_passes
        call()
        assert design.n_passes == before + 1, number


def with_large_means(layout):
    """A design with means up to 2^28 times the spread, Z, and the projection off the root weights.

    That takes out what the rounding of the means themselves puts in. All but empty columns store every row: among
    sparse ones only those can have means that are large against their spread.
    """
    X = np.round(example(40, 6) * 16)
    X[:, [0, 4, 5]] += 0.5 * (X[:, [0, 4, 5]] == 0)
    X = LAYOUTS[layout](X + 2.0 ** (18 if "float32" in layout else 30) * np.array([1, 0, 1, 1, -1, 4]))  # exact
    design = make_design(X, weights_of("integer", 40))
    Z, _, _ = exact(X, weights_of("integer", 40), True, design.scale)
    Z[:, 1:3] = 0.0  # constant
    off = np.eye(40) - np.outer(design.root_weights, design.root_weights)
    return design, off @ Z.astype(float), off


@pytest.mark.parametrize("layout", ["C", "F", "C read-only", "F memory-mapped", "C float32", "CSC int32"])
def test_large_means_cost_kernels_and_factors_no_digits(layout):
    design, Z, off = with_large_means(layout)
    root, multiplier = design.root_weights, FACTOR[:6] / design.scale
    close(off @ (root[:, np.newaxis] * design.kernel(multiplier) * root) @ off, Z * FACTOR[:6] ** 2 @ Z.T)
    close(off @ assembled(design.row_tiles(7), Z.shape), Z)
    tiles = (((slice(None), place), tile) for place, tile in design.column_tiles(4))
    close(off @ assembled(tiles, Z.shape) / design.scale, Z)
    features, targets = np.array([0, 3, 4, 5]), given(1, 40) @ off
    R, A = design.triangle(features, targets), np.column_stack([Z[:, features], targets.T])
    close(R.T @ R, A.T @ A)
    R = design.dual_triangle(multiplier, root[:, np.newaxis])
    close(R.T @ R, Z * FACTOR[:6] ** 2 @ Z.T)


@pytest.mark.parametrize("layout", ["C", "F", "C read-only", "F memory-mapped", "C float32", "F float32"])
def test_large_means_cost_products_with_dense_x_no_digits(layout):
    design, Z, off = with_large_means(layout)
    coefs, targets = given(3, 6), given(3, 40, seed=4) @ off
    residuals, correlations = design.residual_correlations(coefs, targets)
    close(residuals @ off, targets - coefs @ Z.T)
    close(correlations, (targets - coefs @ Z.T) @ Z)
    close(design.adjoint(targets), targets @ Z)
    found, images = design.dual_products(targets * design.root_weights, 1 / design.scale)
    close(found, targets @ Z)
    close(images * design.root_weights @ off, targets @ (Z * design.scale) @ Z.T)


@pytest.mark.parametrize("layout", ["C", "F", "C float32", "CSC int32"])
def test_the_centre_alone_takes_no_pass_for_the_deviations(layout):
    design = make_design(LAYOUTS[layout](example(40, 6) + [0, 0, 1e8, -1e8, 0, 0]), weights_of("integer", 40))
    alone = design.centre_alone
    assert "moments" not in vars(design)
    assert_allclose(alone, design.mean, rtol=1e-15, atol=1e-15)
