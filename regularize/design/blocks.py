"""Long work in short calls: Python sees Ctrl-C between two calls into compiled code, never inside one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MULTIPLY_ADDS = 2e9  # of one matrix product: a fifth of a second on one thread
ENTRIES = 1 << 24  # of X that a call of any other kind touches
CHAIN_STEPS = 1e8  # of a sparse Gram product in one call
PANEL = 512  # columns of a Gram matrix that one product gives, enough to be bound by arithmetic


def blocks(length: int, work: float, limit: float) -> Iterator[slice]:
    """Slices that cover ``range(length)``, each with as many items as ``limit`` allows at ``work`` per item."""
    step = max(1, int(limit / max(work, 1)))
    for first in range(0, length, step):
        yield slice(first, min(first + step, length))


def inner_products(A: NDArray[Any], B: NDArray[Any]) -> Floats:
    """A'B, by blocks of rows."""
    work = A.shape[1] * B.shape[1]
    if len(A) * work <= MULTIPLY_ADDS:
        return A.T @ B
    out = np.zeros((A.shape[1], B.shape[1]))
    for rows in blocks(len(A), work, MULTIPLY_ADDS):
        out += A[rows].T @ B[rows]
    return out


def fill_gram(Z: NDArray[Any], gram: Floats, first: int = 0) -> None:
    """Fill the rows and columns of ``gram`` from ``first`` on with Z'Z.

    Panels keep what each block of rows adds to small beside the work of adding it, and nothing is computed twice.
    """
    for begin in range(first, Z.shape[1], PANEL):
        panel = slice(begin, min(begin + PANEL, Z.shape[1]))
        columns, before = Z[:, panel], Z[:, :begin]
        gram[panel, panel] = inner_products(columns, columns)
        if begin:
            gram[panel, :begin] = inner_products(columns, before)
            gram[:begin, panel] = gram[panel, :begin].T
