"""The products of columns against NumPy, for every type of value and index, and around the unrolled loops' ends."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import sparse

from regularize.kernels import products

LENGTHS = [1, 2, 3, 4, 5, 7, 8, 31, 32, 33, 47, 48, 49, 100]  # inline up to 48, BLAS from there, tiles of 32
VALUES, INDICES = [np.float64, np.float32], [np.int32, np.int64]


def matrix(n, p=6, dtype=np.float64, density=0.5, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, p)) * (rng.random((n, p)) < density)
    X[:, 0] = 0.0
    return np.asfortranarray(X, dtype=dtype)


def arrays_of(X, index):
    S = sparse.csc_matrix(X)
    return {"data": S.data, "indices": S.indices.astype(index), "indptr": S.indptr.astype(index)}


def read_only(array):
    array.flags.writeable = False
    return array


@pytest.fixture(params=LENGTHS)
def n(request):
    return request.param


@pytest.mark.parametrize("dtype", VALUES)
def test_dense_products_are_those_of_numpy(n, dtype):
    X = read_only(matrix(n, dtype=dtype, density=1.0))
    dense = X.astype(float)
    V = read_only(np.random.default_rng(1).standard_normal((3, n)))
    columns = np.array([5, 0, 2, 2])
    out = np.full((3, 4), np.nan)
    products.dense_dots(X=X, columns=columns, V=V, out=out)
    assert_allclose(out, V @ dense[:, columns], rtol=1e-14, atol=1e-14)
    total = V[0].copy()
    products.dense_combination(X=X, coef=np.array([1.0, 0.0, -2.0, 0.5, 0.0, 3.0]), out=total)
    assert_allclose(total, V[0] + dense @ [1.0, 0.0, -2.0, 0.5, 0.0, 3.0], rtol=1e-14, atol=1e-14)


@pytest.mark.parametrize("dtype", VALUES)
@pytest.mark.parametrize("index", INDICES)
def test_sparse_products_are_those_of_numpy(n, dtype, index):
    X = matrix(n, dtype=dtype)
    dense, stored = X.astype(float), arrays_of(X, index)
    for array in stored.values():
        read_only(array)
    V = np.random.default_rng(1).standard_normal((3, n))
    columns = np.array([5, 0, 2, 2])
    out = np.full((3, 4), np.nan)
    products.csc_dots(**stored, columns=columns, V=V, out=out)
    assert_allclose(out, V @ dense[:, columns], rtol=1e-14, atol=1e-14)
    total = V[0].copy()
    products.csc_combination(**stored, coef=np.array([1.0, 0.0, -2.0, 0.5, 0.0, 3.0]), out=total)
    assert_allclose(total, V[0] + dense @ [1.0, 0.0, -2.0, 0.5, 0.0, 3.0], rtol=1e-14, atol=1e-14)


@pytest.mark.parametrize("dtype", VALUES)
@pytest.mark.parametrize("index", INDICES)
def test_moments_are_weighted_means_and_centred_norms(n, dtype, index):
    X = matrix(n, dtype=dtype)
    X[:, 1] = 7.0
    weights = np.random.default_rng(2).integers(0, 4, n) + np.eye(n)[0]
    weights /= weights.sum()
    mean, norm = np.full(4, np.nan), np.full(4, np.nan)
    products.csc_moments(**arrays_of(X, index), weights=weights, first=1, mean=mean, norm=norm)
    dense = X[:, 1:5].astype(np.longdouble)
    expected = weights @ dense
    assert_allclose(mean, expected.astype(float), rtol=1e-14, atol=1e-15)
    assert_allclose(norm, np.sqrt(weights @ (dense - expected) ** 2).astype(float), rtol=1e-12, atol=2e-15)
    assert norm[0] <= 1e-14


def test_sums_of_float32_are_taken_in_float64():
    n = 100
    X = np.full((n, 1), np.float32(1e8), order="F")
    X[1::2] = np.float32(-1e8)
    X[-1] = 1.0
    v = np.ones(n)
    exact = X.astype(float)[:, 0] @ v
    out = np.empty((1, 1))
    products.dense_dots(X=X, columns=np.array([0]), V=v[None], out=out)
    assert out[0, 0] == exact == 1e8 + 1
