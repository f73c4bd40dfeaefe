"""Which rows the splits of a cross-validation train on and hold out: cells of rows that all of them treat alike.

Sums over the training rows of any split are sums over cells, so one reading of X serves all splits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Flags = NDArray[np.bool_]
Rows = NDArray[np.intp]
Split = tuple[Rows, Rows]

MOST_CELLS = 256


@dataclass(frozen=True)
class Cells:
    """labels (n,) : the cell of each row; trains, tests (K, C) : the cells that a split trains on and holds out."""

    labels: NDArray[np.integer]
    trains: Flags
    tests: Flags

    @property
    def count(self) -> int:
        """C"""
        return self.trains.shape[1]


def cells_of(splits: Sequence[Split], n_samples: int, at_most: int) -> Cells | None:
    """The cells; None where there would be more, or where a split names a row twice."""
    if len(splits) < at_most and (parted := _of_partition(splits, n_samples)) is not None:
        return parted
    labels, seen = np.zeros(n_samples, dtype=np.uint16), np.zeros((0, 1), dtype=np.uint8)
    for split in splits:
        role = _roles(split, n_samples)
        if role is None:
            return None
        labels = labels * np.uint16(4) + role
        is_used = np.zeros(4 * seen.shape[1], dtype=np.bool_)
        is_used[labels] = True
        used = np.flatnonzero(is_used)
        if used.size > min(at_most, MOST_CELLS):
            return None
        seen = np.vstack([seen[:, used // 4], (used % 4).astype(np.uint8)])
        labels = (np.cumsum(is_used) - 1).astype(np.uint16)[labels]
    return Cells(labels, (seen & 1) > 0, (seen & 2) > 0)


def _of_partition(splits: Sequence[Split], n_samples: int) -> Cells | None:
    """If every row is held out at most once and else trained on, as by K folds; in half the time."""
    count = len(splits)
    labels = np.full(n_samples, count, dtype=np.min_scalar_type(count))
    for k, (_, test) in enumerate(splits):
        labels[test] = k
    sizes = np.bincount(labels, minlength=count + 1)
    for k, (train, test) in enumerate(splits):
        if sizes[k] != test.size or train.size + test.size != n_samples:
            return None
        if not np.array_equal(train, np.flatnonzero(labels != k)):
            return None
    tests = np.eye(count, count + 1, dtype=np.bool_)
    return Cells(labels, ~tests, tests)


def _roles(split: Split, n_samples: int) -> NDArray[np.uint8] | None:
    """Of each row: one if it is trained on, two if held out, three for both; None where a row comes twice."""
    train, test = split
    role = np.zeros(n_samples, dtype=np.uint8)
    role[train] = 1
    n_trained = np.count_nonzero(role)
    role[test] += 2
    is_repeated = n_trained < train.size or np.count_nonzero(role > 1) < test.size
    return None if is_repeated else role


def are_complements(splits: Sequence[Split], n_samples: int) -> bool:
    """Whether each split trains on exactly the rows that it does not hold out."""
    for split in splits:
        role = None if split[0].size + split[1].size != n_samples else _roles(split, n_samples)
        if role is None or role.min() == 0:
            return False
    return True
