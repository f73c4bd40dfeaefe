"""The products of X in C order against NumPy: around the ends of the unrolled loops, of tiles and of stretches."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from regularize.kernels import row_products

VALUES = [np.float64, np.float32]


@pytest.fixture(params=[1, 2, 3, 4, 5, 7, 8, 9, 16, 33])
def n(request):
    return request.param


@pytest.fixture(params=[6, 1023, 1024, 1025])
def p(request):
    return request.param


def matrix(n, p, dtype=np.float64):
    X = np.random.default_rng(0).standard_normal((n, p)).astype(dtype)
    X.flags.writeable = False
    return X


@pytest.mark.parametrize("dtype", VALUES)
@pytest.mark.parametrize("first", [0, 2])
def test_products_with_a_stretch_of_columns(n, p, dtype, first):
    X, V = matrix(n, p, dtype), np.random.default_rng(1).standard_normal((3, n))
    out = np.full((3, p - first - 1), np.nan)
    row_products.stretch(X=X, V=V, first=first, out=out)
    assert_allclose(out, V @ X[:, first : p - 1].astype(float), rtol=1e-14, atol=1e-13)


@pytest.mark.parametrize("dtype", VALUES)
def test_products_with_listed_columns(n, dtype):
    X, V = matrix(n, 6, dtype), np.random.default_rng(1).standard_normal((3, n))
    columns = np.array([5, 0, 2, 2])
    out = np.full((3, 4), np.nan)
    row_products.listed(X=X, columns=columns, V=V, out=out)
    assert_allclose(out, V @ X[:, columns].astype(float), rtol=1e-14, atol=1e-13)


@pytest.mark.parametrize("light", ["first", "last"])
def test_rows_of_next_to_no_weight_leave_no_trace_in_the_moments(light):
    """Blocks of rows are merged: what was far off and weighed nothing must not cost the digits of the rest."""
    X = np.random.default_rng(0).standard_normal((100, 1024))  # three blocks of 32 rows, and some
    rows = slice(0, 32) if light == "first" else slice(68, 100)
    X[rows] += 1e10
    weights = np.ones(100)
    weights[rows] = 1e-24
    weights /= weights.sum()
    mean, norm = np.full((2, 1024), np.nan)
    row_products.moments(X=X, weights=weights, first=0, mean=mean, norm=norm)
    exact = X.astype(np.longdouble)
    expected = weights @ exact
    assert_allclose(mean, expected.astype(float), rtol=0, atol=1e-14)
    assert_allclose(norm, np.sqrt(weights @ (exact - expected) ** 2).astype(float), rtol=1e-12)


def test_sums_of_float32_are_taken_in_float64():
    X = np.full((100, 1), np.float32(1e8))
    X[1::2] = np.float32(-1e8)
    X[-1] = 1.0
    for function, columns in ((row_products.stretch, {"first": 0}), (row_products.listed, {"columns": np.array([0])})):
        out = np.empty((1, 1))
        function(X=X, V=np.ones((1, 100)), out=out, **columns)
        assert out[0, 0] == 1e8 + 1
