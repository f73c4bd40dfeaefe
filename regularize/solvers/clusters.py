"""Neighbouring blocks of a working set whose columns are read together, with their Gram matrices."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from regularize.design.working_columns import WorkingColumns
from regularize.penalties import Groups

Floats = NDArray[np.float64]
Integers = NDArray[np.intp]


class Clusters:
    """Runs of blocks, each of as many as the columns allow to be read together, at least one."""

    def __init__(self, columns: WorkingColumns) -> None:
        self._columns = columns
        self._first = [0]  # block of each cluster, and the number of blocks
        self._grams: list[Floats] = []
        self._curvature: list[Floats] = []
        self._arrays: tuple[Integers, Integers, Integers, Floats] | None = None

    def of(self, groups: Groups) -> tuple[tuple[Integers, Integers, Integers, Floats], Floats]:
        """cluster (G,), first (K + 1,), places (K,), grams as in kernels/block_descent.pyx; bounds of the eigenvalues.

        Blocks may have been appended since the last call.
        """
        if self._first[-1] < groups.sizes.size or self._arrays is None:
            self._extend(groups)
        assert self._arrays is not None
        return self._arrays, np.concatenate(self._curvature)

    def _extend(self, groups: Groups) -> None:
        if self._grams:  # the last one may have room
            self._first.pop()
            self._grams.pop()
            self._curvature.pop()
        while (g := self._first[-1]) < groups.sizes.size:
            limit = groups.starts[g] + self._columns.read_together
            end = max(g + 1, int(np.searchsorted(groups.starts, limit, side="right")) - 1)
            matrix = self._columns.matrix(np.arange(groups.starts[g], groups.starts[end]))
            self._grams.append(matrix.T @ matrix)
            self._curvature.append(_largest_eigenvalues(self._grams[-1], groups.starts[g : end + 1] - groups.starts[g]))
            self._first.append(end)
        first = np.array(self._first, dtype=np.intp)
        sizes = np.array([gram.size for gram in self._grams], dtype=np.intp)
        cluster = np.repeat(np.arange(sizes.size, dtype=np.intp), np.diff(first))
        grams = np.concatenate([gram.ravel() for gram in self._grams])
        self._arrays = cluster, first, np.cumsum(sizes) - sizes, grams


def _largest_eigenvalues(gram: Floats, starts: Integers) -> Floats:
    """Gershgorin's bounds of those of the diagonal blocks."""
    label = np.repeat(np.arange(starts.size - 1), np.diff(starts))
    sums = np.where(label[:, np.newaxis] == label, np.abs(gram), 0.0).sum(axis=0)
    return np.maximum.reduceat(sums, starts[:-1])
