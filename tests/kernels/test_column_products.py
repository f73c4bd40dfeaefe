"""Products with columns of X in Fortran order against NumPy, around the ends of unrolled loops and of tiles."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from regularize.kernels import column_products


def matrix(n, p, dtype):
    X = np.asfortranarray(np.random.default_rng(0).standard_normal((n, p)), dtype=dtype)
    X.flags.writeable = False
    return X


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 8, 9, 33, 4095, 4096, 4097, 9000])
@pytest.mark.parametrize("n_vectors", [1, 2, 3, 4, 7])
def test_products_with_a_stretch_of_columns(n, n_vectors, dtype):
    V = np.random.default_rng(1).standard_normal((n_vectors, n))
    for p in (1, 3, 4, 5, 16, 17, 23):
        X = matrix(n, p + 3, dtype)
        out = np.full((n_vectors, p), np.nan)
        column_products.stretch(X=X, V=V, first=2, out=out)
        assert_allclose(out, V @ X[:, 2 : p + 2].astype(float), rtol=1e-13, atol=1e-12)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("n", [7, 100, 5000])
def test_what_a_vector_gives_does_not_depend_on_its_company(n, dtype):
    X, V = matrix(n, 23, dtype), np.random.default_rng(1).standard_normal((6, n))

    def products(rows):
        out = np.empty((len(rows), 23))
        column_products.stretch(X=X, V=V[rows], first=0, out=out)
        return out

    alone = np.concatenate([products([t]) for t in range(6)])
    for company in ([0, 1], [1, 0], [2, 3, 4], [4, 2, 0], [5, 4, 3, 2, 1, 0], [3, 3, 5, 0, 1]):
        assert_array_equal(products(company), alone[company])


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_is_not_lost(bad):
    X = np.ones((40, 9), order="F")
    X[17, 5] = bad
    out = np.empty((3, 9))
    column_products.stretch(X=X, V=np.ones((3, 40)), first=0, out=out)
    assert not np.isfinite(out[:, 5]).any()
    assert np.all(out[:, np.arange(9) != 5] == 40.0)


@pytest.mark.parametrize("level", [1e8, -3e12])
def test_a_constant_column_has_a_norm_of_rounding_size_at_any_level(level):
    n = 100_001
    X, weights = np.full((n, 3), level, order="F"), np.random.default_rng(0).random(n)
    X[:, 1] += np.random.default_rng(1).standard_normal(n)
    weights /= weights.sum()
    mean, norm = np.full((2, 3), np.nan)
    column_products.moments(X=X, weights=weights, first=0, mean=mean, norm=norm)
    assert np.all(norm[[0, 2]] <= 1e-15 * abs(level))
    assert np.all(np.abs(mean[[0, 2]] - level) <= np.abs(np.spacing(level)))
    exact = X[:, 1].astype(np.longdouble)
    assert_allclose(norm[1], float(np.sqrt(weights @ (exact - weights @ exact) ** 2)), rtol=1e-6)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("n", [1, 9, 300])
@pytest.mark.parametrize("bounds", [[0, 8, 16, 19], [0, 1, 3, 3, 9], [2, 6], [4]], ids=str)
def test_gram_matrices_of_runs_of_columns(bounds, n, dtype):
    Z, bounds = matrix(n, 20, dtype), np.array(bounds)
    expected = [(Z[:, a:b].astype(float).T @ Z[:, a:b].astype(float)).ravel() for a, b in pairwise(bounds)]
    out = np.full(sum(part.size for part in expected), np.nan, dtype=dtype)
    column_products.grams_of_runs(Z=Z, bounds=bounds, out=out)
    assert_allclose(out, np.concatenate([*expected, []]), rtol=0, atol=n * (1e-15 if dtype == np.float64 else 1e-6))
