"""Columns of Z gathered side by side, for everything that happens on the working set."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from regularize.design.blocks import ENTRIES, STEPS, blocks, fill_gram
from regularize.kernels import column_products, descent, products, threads
from regularize.kernels.block_descent import BlockDescent
from regularize.kernels.row_runs import RowRuns

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.uint8]

THIN_RUN = 16  # columns up to which loops of our own are faster than BLAS
SPARE = 3.0  # share of further columns that room is reserved for: it costs no memory before they come


def grown(array: NDArray[Any], length: int, axis: int = 0, spare: float = 0.5) -> NDArray[Any]:
    """The array with room for ``length`` entries along an axis: its own, or a share as much again."""
    if array.shape[axis] >= length:
        return array
    shape = list(array.shape)
    shape[axis] = length + int(spare * length) + 16
    larger = np.empty(shape, dtype=array.dtype, order="F" if axis else "C")
    larger[tuple(slice(0, size) for size in array.shape)] = array
    return larger


def grams_of_runs(Z: NDArray[Any], bounds: NDArray[np.intp]) -> Floats:
    """Z_R'Z_R of runs of the columns, one after the other."""
    sizes = np.diff(bounds)
    if sizes.max(initial=0) > THIN_RUN:
        rows = Z.T
        grams = [(rows[begin:end] @ rows[begin:end].T).ravel() for begin, end in pairwise(bounds)]
        return np.concatenate(grams, dtype=np.float64)
    out = np.empty(int(np.sum(np.square(sizes))), dtype=Z.dtype)
    column_products.grams_of_runs(Z, bounds, out)
    return out.astype(np.float64)


class SweptColumns(ABC):
    """An appendable list of columns of Z that sweeps over blocks read."""

    size: int
    read_together: int  # neighbouring columns, so that blocks of them are visited together

    @property
    @abstractmethod
    def entries(self) -> int:
        """Stored entries of all columns."""

    @abstractmethod
    def append(self, columns: NDArray[np.intp]) -> None:
        """Copy columns of the design."""

    @abstractmethod
    def correlations(self, residual: Floats, first: int = 0) -> Floats:
        """Z_W' residual, shape (|W|,), or (|W|, T) for a residual (T, n); of the columns from ``first`` on."""

    @abstractmethod
    def grams_of_runs(self, bounds: NDArray[np.intp]) -> Floats:
        """Z_R'Z_R of each run of neighbours, from one of the bounds (K + 1,) up to the next, one after the other."""

    def block_round(
        self,
        descent: BlockDescent,
        chosen: Flags,
        known: Floats,
        start: Floats,
        end: tuple[Floats, Floats],
        n_sweeps: int,
        combined: bool = True,
    ) -> None:
        """Sweeps over the chosen blocks of columns; ``combined``: after each with those before it.

        known (|W|, T): correlations of the residual ``start`` (T, n). end: coefficients (|W|, T) and their residual,
        changed in place. Several sweeps may lose digits of the residual, but not of what the known correlations say.
        """
        sweep = self._sweeper(descent, n_sweeps > 1)
        for part in blocks(n_sweeps, self.entries * len(start), STEPS):
            sweep(known, chosen, start, *end, part.stop - part.start, combined)

    @abstractmethod
    def _sweeper(self, descent: BlockDescent, narrow: bool) -> Callable[..., None]:
        """The kernel's round over these columns; ``narrow``: as float32 if sweeps gain from that."""


class WorkingColumns(SweptColumns):
    """Such a list with the products that the inner solvers need."""

    @abstractmethod
    def extend_gram(self, gram: Floats, first: int) -> None:
        """Fill the rows and columns of ``gram`` from ``first`` on with Z_W'Z_W."""

    @abstractmethod
    def squared_norms(self, first: int) -> Floats:
        """Of the columns from ``first`` on."""

    @abstractmethod
    def combine(self, coef: Floats) -> Floats:
        """Z_W coef, shape (n,); for coef (|W|, T) of shape (T, n)."""

    @abstractmethod
    def matrix(self, positions: NDArray[np.intp]) -> Floats:
        """Some of the columns as a dense (n, m) array in Fortran order."""

    @abstractmethod
    def sweep(self, coef: Floats, residual: Floats, alpha: float, active_only: bool, *penalty: Floats) -> int:
        """One sweep of coordinate descent that keeps the residual; how many patterns changed.

        ``penalty``: squared norms of the columns, l1, l2, lower and upper, each (|W|,).
        """


class DenseWorkingColumns(WorkingColumns):
    """Explicitly centred columns in one Fortran-ordered block, and when asked for a copy of it in float32."""

    read_together = 32

    def __init__(self, n_samples: int, gather: Callable[[NDArray[np.intp], Floats], None]) -> None:
        self.size = 0
        self._gather = gather
        self._block = np.empty((n_samples, 0), order="F")
        self._narrow = np.empty((n_samples, 0), dtype=np.float32, order="F")
        self._narrowed = 0  # columns of the copy

    def append(self, columns: NDArray[np.intp]) -> None:
        first = self.size
        self.size += columns.size
        self._block = grown(self._block, self.size, axis=1, spare=SPARE)
        self._gather(columns, self._block[:, first : self.size])

    @property
    def entries(self) -> int:
        return self._block.shape[0] * self.size

    @property
    def columns(self) -> Floats:
        """Z_W."""
        return self._block[:, : self.size]

    def extend_gram(self, gram: Floats, first: int) -> None:
        with threads.all_threads(self._block.shape[0] * self.size * (self.size - first)):
            fill_gram(self.columns, gram, first)

    def grams_of_runs(self, bounds: NDArray[np.intp]) -> Floats:
        return grams_of_runs(self.columns, bounds)

    def squared_norms(self, first: int) -> Floats:
        block = self.columns[:, first:]
        return np.einsum("ij,ij->j", block, block)

    def combine(self, coef: Floats) -> Floats:
        out = np.zeros((*coef.shape[1:], self._block.shape[0]))
        for block in self._blocks():
            if coef.ndim == 1:
                products.dense_combination(self.columns[:, block], coef[block], out)
            else:
                out += coef[block].T @ self.columns[:, block].T
        return out

    def correlations(self, residual: Floats, first: int = 0) -> Floats:
        columns = self.columns[:, first:]
        out = np.empty((self.size - first, *residual.shape[:-1]))
        for block in blocks(self.size - first, self._block.shape[0], ENTRIES):
            np.matmul(columns[:, block].T, residual.T, out=out[block])
        return out

    def matrix(self, positions: NDArray[np.intp]) -> Floats:
        return np.asfortranarray(self._block[:, positions])

    def sweep(self, coef: Floats, residual: Floats, alpha: float, active_only: bool, *penalty: Floats) -> int:
        changes = 0
        for block in self._blocks():
            own = [array[block] for array in penalty]
            changes += descent.dense_sweep(self.columns[:, block], coef[block], residual, alpha, active_only, *own)
        return changes

    def _sweeper(self, descent: BlockDescent, narrow: bool) -> Callable[..., None]:
        return partial(descent.dense_round, self._narrow_columns() if narrow else self.columns)

    def _narrow_columns(self) -> NDArray[np.float32]:
        """Z_W in float32: half of the memory is read."""
        self._narrow = grown(self._narrow, self.size, axis=1, spare=SPARE)
        self._narrow[:, self._narrowed : self.size] = self._block[:, self._narrowed : self.size]
        self._narrowed = self.size
        return self._narrow[:, : self.size]

    def _blocks(self) -> Iterator[slice]:
        """Ranges of columns that one call may read."""
        return blocks(self.size, self._block.shape[0], ENTRIES)


class SparseWorkingColumns(WorkingColumns):
    """Sparse columns, scaled and weighted, minus ``offset_j`` times the root weights."""

    read_together = 1

    def __init__(
        self,
        root_weights: Floats,
        gather: Callable[[NDArray[np.intp]], tuple[Floats, NDArray[Any], NDArray[Any], Floats]],
    ) -> None:
        self.size = 0
        self._gather = gather
        self._root_weights = root_weights
        self._indptr: Integers = np.zeros(1, dtype=np.int64)
        self._offsets: Floats = np.empty(0)
        self._data: Floats = np.empty(0)
        self._rows: Integers = np.empty(0, dtype=np.int64)
        self._runs = RowRuns(root_weights.size)

    @property
    def entries(self) -> int:
        return int(self._indptr[-1])

    def append(self, columns: NDArray[np.intp]) -> None:
        data, rows, counts, offsets = self._gather(columns)
        used = int(self._indptr[-1])
        total = used + data.size
        for name in ("_data", "_rows"):
            setattr(self, name, grown(getattr(self, name), total))
        self._data[used:total] = data
        self._rows[used:total] = rows
        self._indptr = np.concatenate([self._indptr, used + np.cumsum(counts, dtype=np.int64)])
        self._offsets = np.concatenate([self._offsets, offsets])
        self.size += counts.size

    def extend_gram(self, gram: Floats, first: int) -> None:
        longest = 1 + int(np.diff(self._indptr[first:]).max(initial=0))
        for block in blocks(self.size - first, longest * self.size, STEPS):  # an entry meets all columns at most
            indptr = self._indptr[: first + block.stop + 1]
            self._runs.extend(self._data, self._rows, indptr, self._offsets, gram)

    def grams_of_runs(self, bounds: NDArray[np.intp]) -> Floats:
        if np.all(np.diff(bounds) == 1):
            return self.squared_norms(int(bounds[0]))[: bounds.size - 1]
        matrices = [self.matrix(np.arange(*run)) for run in pairwise(bounds)]
        return np.concatenate([(matrix.T @ matrix).ravel() for matrix in matrices])

    def squared_norms(self, first: int) -> Floats:
        squares = np.concatenate([[0.0], np.cumsum(self._data[: self.entries] ** 2)])[self._indptr]
        return np.diff(squares)[first:] - self._offsets[first:] ** 2

    def combine(self, coef: Floats) -> Floats:
        if coef.ndim == 2:
            return np.array([self.combine(np.ascontiguousarray(column)) for column in coef.T])
        out = -float(self._offsets @ coef) * self._root_weights
        products.csc_combination(self._data, self._rows, self._indptr, coef, out)
        return out

    def correlations(self, residual: Floats, first: int = 0) -> Floats:
        rows, columns = np.atleast_2d(residual), np.arange(first, self.size, dtype=np.intp)
        out = np.empty((len(rows), columns.size))
        products.csc_dots(self._data, self._rows, self._indptr, columns, rows, out)
        out -= np.multiply.outer(rows @ self._root_weights, self._offsets[first:])
        return np.ascontiguousarray(out.T) if residual.ndim == 2 else out[0]

    def matrix(self, positions: NDArray[np.intp]) -> Floats:
        out = np.outer(self._root_weights, -self._offsets[positions]).copy(order="F")
        for k, j in enumerate(positions):
            entries = slice(self._indptr[j], self._indptr[j + 1])
            out[self._rows[entries], k] += self._data[entries]
        return out

    def sweep(self, coef: Floats, residual: Floats, alpha: float, active_only: bool, *penalty: Floats) -> int:
        changes, shift = descent.csc_sweep(
            self._data, self._rows, self._indptr, self._offsets, coef, residual, alpha, active_only, *penalty
        )
        residual += shift * self._root_weights
        return changes

    def _sweeper(self, descent: BlockDescent, narrow: bool) -> Callable[..., None]:
        return partial(descent.csc_round, self._data, self._rows, self._indptr, self._offsets, self._root_weights)
