"""Neighbouring blocks of a working set whose columns are read together, with their Gram matrices."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from regularize.design.working_columns import SweptColumns
from regularize.kernels.block_descent import BlockDescent
from regularize.penalties import GroupPenalty

Floats = NDArray[np.float64]
Integers = NDArray[np.intp]


class Clusters:
    """Runs of blocks, each of as many as the columns allow to be read together, at least one."""

    def __init__(self, columns: SweptColumns) -> None:
        self._columns = columns
        self._first = np.zeros(1, dtype=np.intp)  # block of each cluster, and the number of blocks
        self._places = np.zeros(1, dtype=np.intp)  # where the Gram matrix of each begins, and their numbers
        self._grams = self._curvature = np.empty(0)

    def descent(self, penalty: GroupPenalty, alpha: float, shape: tuple[int, ...]) -> BlockDescent:
        """What sweeps over the blocks of a penalty, for residuals of this shape.

        Blocks may have been appended since the last call.
        """
        starts, norm, *terms = penalty.arrays
        if self._first[-1] < norm.size:
            self._extend(starts)
        cluster = np.repeat(np.arange(self._first.size - 1), np.diff(self._first))
        clusters = cluster, self._first, self._places[:-1], self._grams
        return BlockDescent(shape[1], shape[0], alpha, starts, *clusters, norm, self._curvature, *terms)

    def _extend(self, starts: Integers) -> None:
        known = max(self._first.size - 2, 0)  # the last one may have room
        first = _bounds(starts, int(self._first[known]), self._columns.read_together)
        grams = self._columns.grams_of_runs(starts[first])
        places = self._places[known] + np.concatenate([[0], np.cumsum(np.square(np.diff(starts[first])))])
        self._grams = np.concatenate([self._grams[: places[0]], grams])
        self._curvature = np.concatenate([self._curvature[: first[0]], _largest_eigenvalues(grams, first, starts)])
        self._first = np.concatenate([self._first[:known], first])
        self._places = np.concatenate([self._places[:known], places])


def _bounds(starts: Integers, begin: int, at_once: int) -> Integers:
    """The first block of each cluster from block ``begin`` on, and the number of blocks."""
    last = starts.size - 1
    if starts[last] - starts[begin] == last - begin:  # blocks of one column
        return np.append(np.arange(begin, last, at_once), last)
    first = [begin]
    while first[-1] < last:
        end = int(np.searchsorted(starts, starts[first[-1]] + at_once, side="right")) - 1
        first.append(max(first[-1] + 1, end))
    return np.array(first)


def _largest_eigenvalues(grams: Floats, first: Integers, starts: Integers) -> Floats:
    """Gershgorin's bounds of those of each block, by the Gram matrices of their clusters."""
    bounds, place = [], 0
    if starts[first[-1]] - starts[first[0]] == first[-1] - first[0]:  # blocks of one column
        sizes = np.diff(first)
        places = np.repeat(np.cumsum(np.square(sizes)) - np.square(sizes), sizes)
        within = np.arange(first[-1] - first[0]) - np.repeat(first[:-1] - first[0], sizes)
        return np.asarray(grams[places + within * (np.repeat(sizes, sizes) + 1)])
    for low, high in pairwise(first):
        own = starts[low : high + 1] - starts[low]
        sizes = np.abs(grams[place : place + own[-1] ** 2].reshape(own[-1], own[-1]))
        label = np.repeat(np.arange(high - low), np.diff(own))
        sums = np.where(label[:, np.newaxis] == label, sizes, 0.0).sum(axis=0)
        bounds.append(np.maximum.reduceat(sums, own[:-1]))
        place += own[-1] ** 2
    return np.concatenate(bounds)
