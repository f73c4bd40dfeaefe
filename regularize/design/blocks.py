"""Long work in short calls: Python sees Ctrl-C between two calls into compiled code, never inside one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from regularize.kernels import gram as gram_kernel

Floats = NDArray[np.float64]
Run = Callable[[Callable[[Any], Any], Iterable[Any]], Iterable[Any]]  # map, or that of a thread pool

MULTIPLY_ADDS = 4e9  # of one matrix product: a fifth of a second on one thread
ENTRIES = 1 << 24  # of X that a call of any other kind touches
STEPS = 1e8  # of a sparse Gram product, or of sweeps over blocks, in one call
LEAST_ROWS = 1024  # that are added to a Gram matrix at once, so that reading it costs little beside the arithmetic


def blocks(length: int, work: float, limit: float) -> Iterator[slice]:
    """Slices that cover ``range(length)``, each with as many items as ``limit`` allows at ``work`` per item."""
    step = max(1, int(limit / max(work, 1)))
    for first in range(0, length, step):
        yield slice(first, min(first + step, length))


def add_gram(Z: NDArray[Any], gram: Floats, first: int = 0) -> None:
    """Add Z'Z to the columns of the upper triangle of ``gram`` from ``first`` on, by calls of bounded length."""
    n, p = Z.shape
    work = max((p - first) * (p + first) / 2, 1)  # per row, of which a triangle takes half the square
    for rows in blocks(n, 1, max(LEAST_ROWS, int(MULTIPLY_ADDS / work))):
        part = np.asarray(Z[rows], dtype=np.float64)
        at_once = p if len(part) * work <= MULTIPLY_ADDS else max(1, int(MULTIPLY_ADDS / (len(part) * p)))
        for begin in range(first, p, at_once):
            gram_kernel.add_gram(part, gram, begin, min(begin + at_once, p))


def fill_gram(Z: NDArray[Any], gram: Floats, first: int = 0) -> None:
    """Fill the rows and columns of ``gram`` from ``first`` on with Z'Z."""
    p = Z.shape[1]
    gram[:p, first:p] = 0.0
    add_gram(Z, gram, first)
    gram_kernel.mirror(gram[:p], first)
