"""The triangular factor of a tall matrix, tile by tile: what a QR factorisation of all rows at once would give.

A tile is stacked below the factor so far and factorised with it, so that no copy of the matrix is needed and its
condition number is not squared. Source: Golub and Van Loan (2013), Matrix Computations, section 6.5; Demmel et al.
(2012), "Communication-optimal parallel and sequential QR and LU factorizations".
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack

Floats = NDArray[np.float64]

ROWS_PER_COLUMN = 2  # of a tile, so that the factor below which it is stacked adds little work


def triangle(tiles: Iterable[Floats], size: int) -> Floats:
    """R (size, size), upper triangular, with R'R = A'A for the matrix A whose rows the tiles hold."""
    factor = np.zeros((0, size))
    for tile in tiles:
        stacked = np.asfortranarray(np.concatenate([factor, tile]))
        reduced, _, _, _ = lapack.dgeqrf(stacked, overwrite_a=1)
        factor = np.triu(reduced[:size])
    return np.concatenate([factor, np.zeros((size - len(factor), size))])


def rows_at_once(size: int, tile_entries: int) -> int:
    """Rows of a tile with ``size`` columns."""
    return max(1, ROWS_PER_COLUMN * size, tile_entries // max(size, 1))
