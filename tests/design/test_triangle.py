"""The factor that grows by tiles is that of the whole matrix, and does not square its condition number."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from regularize.design.triangle import rows_at_once, triangle


@pytest.mark.parametrize("sizes", [[7], [1] * 7, [3, 4], [6, 1], [0, 5, 0, 2], [2], [], [4, 1]], ids=str)
@pytest.mark.parametrize("p", [0, 1, 5])
def test_the_gram_matrix_of_the_factor_is_that_of_all_rows(sizes, p):
    tiles = [np.random.default_rng(i).standard_normal((rows, p)) for i, rows in enumerate(sizes)]
    before = [tile.copy() for tile in tiles]
    R = triangle(iter(tiles), p)
    A = np.concatenate([np.empty((0, p)), *tiles])
    assert R.shape == (p, p)
    assert_array_equal(R, np.triu(R))
    assert_allclose(R.T @ R, A.T @ A, rtol=1e-13, atol=1e-13)
    for tile, copy in zip(tiles, before, strict=True):
        assert_array_equal(tile, copy)


def test_small_singular_values_keep_their_digits():
    rng = np.random.default_rng(0)
    left, right = (np.linalg.qr(rng.standard_normal((n, 6)))[0] for n in (50, 6))
    values = np.geomspace(1, 1e-12, 6)
    R = triangle(np.array_split(left * values @ right.T, 5), 6)
    assert_allclose(np.linalg.svd(R, compute_uv=False), values, rtol=0, atol=1e-15 * 10)


@pytest.mark.parametrize(("size", "entries", "rows"), [(10, 1000, 100), (100, 1000, 200), (0, 1000, 1000), (0, 0, 1)])
def test_tiles_fit_into_the_cache_but_are_higher_than_the_factor(size, entries, rows):
    assert rows_at_once(size, entries) == rows
