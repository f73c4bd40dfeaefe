"""What both memory orders of dense X have a kernel for, around the ends of unrolled loops and of tiles."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from regularize.kernels import column_products, row_products

KERNELS = {"C": row_products, "F": column_products}
VALUES = [np.float64, np.float32]


def matrix(n, p, dtype, order):
    return np.array(np.random.default_rng(0).standard_normal((n, p)), dtype=dtype, order=order)


@pytest.mark.parametrize("dtype", VALUES)
@pytest.mark.parametrize("order", KERNELS)
@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 7, 8, 9, 16, 33, 100, 4097])
@pytest.mark.parametrize("p", [3, 4, 6, 9, 1023, 1024, 1025])
def test_moments_are_weighted_means_and_centred_norms(n, p, dtype, order):
    X = matrix(n, p, dtype, order)
    X[:, 1] = 7.0
    X.flags.writeable = False
    weights = np.random.default_rng(2).integers(0, 4, n) + np.eye(n)[0]
    weights /= weights.sum()
    mean, norm = np.full((2, p - 2), np.nan)
    KERNELS[order].moments(X=X, weights=weights, first=1, mean=mean, norm=norm)
    exact = X[:, 1 : p - 1].astype(np.longdouble)
    expected = weights @ exact
    assert_allclose(mean, expected.astype(float), rtol=1e-14, atol=1e-15)
    assert_allclose(norm, np.sqrt(weights @ (exact - expected) ** 2).astype(float), rtol=1e-12, atol=2e-15)
    assert norm[0] <= 1e-14


@pytest.mark.parametrize("stored", VALUES)
@pytest.mark.parametrize("dtype", VALUES)
@pytest.mark.parametrize("order", KERNELS)
@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 33, 1025])
def test_gathered_columns_are_weighted_centred_and_scaled(n, stored, dtype, order):
    X, rng = matrix(n, 6, dtype, order), np.random.default_rng(3)
    X.flags.writeable = False
    root, centre, inverse = rng.random(n), rng.standard_normal(6), rng.random(6)
    columns, out = np.array([4, 1]), np.full((n, 2), np.nan, order="F", dtype=stored)
    KERNELS[order].gather(X=X, columns=columns, root_weights=root, centre=centre, inverse_scale=inverse, out=out)
    expected = root[:, None] * (X.astype(float) - centre)[:, columns] * inverse[columns]
    assert_allclose(out, expected, rtol=1e-14 if stored == np.float64 else 1e-7, atol=1e-15)
