"""Sparse X: CSC with int32 or int64 indices, float32 or float64. It is never made dense.

What is copied: the columns of the working set; all columns where the Gram matrix of all features is wanted.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from regularize.design.blocks import ENTRIES, Run, blocks
from regularize.design.design import Design, Floats
from regularize.design.working_columns import SparseWorkingColumns
from regularize.kernels import products

SHARES = 8  # of X, that threads may take
LEAST_ENTRIES = 1 << 17  # of a share
DENSE_ENTRIES = 1 << 20  # of a product of rows of X with a dense matrix


class SparseDesign(Design):
    """A CSC matrix under weights, implicit centring and scaling."""

    is_sparse = True

    def __init__(self, X: Any, *options: Any) -> None:
        super().__init__(X, *options)
        if not X.has_canonical_format:
            X = X.copy()
            X.sum_duplicates()
        if X.indices.size and not 0 <= X.indices.min() <= X.indices.max() < X.shape[0]:
            raise ValueError("X is not a valid CSC matrix: some of its row indices lie outside its shape.")
        self._X = X
        index = np.promote_types(X.indices.dtype, X.indptr.dtype)
        self._arrays = (X.data, X.indices.astype(index, copy=False), X.indptr.astype(index, copy=False))

    @property
    def n_entries(self) -> int:
        return int(self._arrays[0].size)

    @property
    def _stored_values(self) -> NDArray[Any]:
        return self._arrays[0]

    def _moments(self) -> tuple[Floats, Floats]:
        self.n_passes += 1.0
        mean, deviation = np.empty(self.n_features), np.empty(self.n_features)
        for block in self._blocks(self.n_features):
            products.csc_moments(*self._arrays, self.weights, block.start, mean[block], deviation[block])
        return mean, deviation

    def _blocks(self, n_columns: int) -> Iterator[slice]:
        """Ranges of columns that make one kernel call each."""
        entries = self._arrays[0].size
        return blocks(n_columns, entries / self.n_features, min(ENTRIES, max(entries / SHARES, LEAST_ENTRIES)))

    def products(self, V: Floats, columns: NDArray[np.intp] | None = None, run: Run = map) -> Floats:
        columns = np.arange(self.n_features, dtype=np.intp) if columns is None else columns
        out = np.empty((len(V), columns.size))

        def fill(block: slice) -> None:
            part = np.empty((len(V), block.stop - block.start))
            products.csc_dots(*self._arrays, columns[block], V, part)
            out[:, block] = part

        for _ in run(fill, list(self._blocks(columns.size))):
            pass
        return out

    @property
    def columns(self) -> Any:
        return self._X

    def working_columns(self) -> SparseWorkingColumns:
        return SparseWorkingColumns(self.root_weights, self._gather)

    def _gather(self, columns: NDArray[np.intp]) -> tuple[Floats, NDArray[Any], NDArray[Any], Floats]:
        """Stored values of columns, scaled and weighted, with their rows, counts and offsets.

        A column that stores every row is centred explicitly: it stays as sparse as it is, and only such columns can
        have a mean so large against their spread that an offset would cost digits.
        """
        data, indices, indptr = self._arrays
        counts = np.asarray(indptr[columns + 1] - indptr[columns], dtype=np.int64)
        starts = np.cumsum(counts) - counts
        entries = np.arange(counts.sum()) + np.repeat(indptr[columns] - starts, counts)
        rows = indices[entries]
        centre, inverse_scale = self.centre[columns], self.inverse_scale[columns]
        explicit = np.where(counts == self.n_samples, centre, 0.0)
        values = (data[entries] - np.repeat(explicit, counts)) * self.root_weights[rows]
        values *= np.repeat(inverse_scale, counts)
        return values, rows, counts, (centre - explicit) * inverse_scale

    def _full_gram(self) -> Floats:
        self.n_passes += 1.0
        columns = self.working_columns()
        columns.append(np.arange(self.n_features, dtype=np.intp))
        gram = np.empty((self.n_features, self.n_features))
        columns.extend_gram(gram, 0)
        return gram

    # ------------------------------------------------------------- verbs of several vectors at once

    def combinations(self, coefs: Floats, rough: bool = False) -> Floats:
        self.n_passes += 1.0
        return np.ascontiguousarray((self._X @ coefs.T).T)

    def residual_correlations(self, coefs: Floats, targets: Floats) -> tuple[Floats, Floats]:
        raw = coefs * self.inverse_scale
        predictions = self.combinations(raw) - (raw @ self.centre)[:, np.newaxis]
        residuals = targets - self.root_weights * predictions
        return residuals, self.correlations(residuals)

    def weighted_sums(self, weights: Floats, rough: bool = False) -> Floats:
        self.n_passes += 1.0
        sums = self.products(weights[np.newaxis])[0]
        return sums if self.shift is None else sums - weights.sum() * self.shift

    def adjoint(self, residuals: Floats, rough: bool = False) -> Floats:
        return self.correlations(residuals)

    @cached_property
    def shift(self) -> Floats | None:
        """The means of those columns that store every row: only they can have means large against their spread."""
        data, _, indptr = self._arrays
        full = np.flatnonzero(np.diff(indptr) == self.n_samples) if self.fit_intercept else np.empty(0, dtype=np.intp)
        if not full.size:
            return None
        shift = np.zeros(self.n_features)
        for column in full:
            shift[column] = np.mean(data[indptr[column] : indptr[column + 1]], dtype=np.float64)
        return shift

    def _shifted(self) -> Any:
        """X less the shift, as sparse as X; X itself if nothing is to be done."""
        if self.shift is None:
            return self._X
        counts = np.diff(self._X.indptr)
        shifted = self._X.copy()
        shifted.data = shifted.data - np.repeat(self.shift, counts)
        return shifted

    def kernel(self, multiplier: Floats) -> Floats:
        self.n_passes += 1.0
        scaled = self._shifted() @ sparse.diags_array(multiplier)
        return np.asarray((scaled @ scaled.T).toarray(), dtype=np.float64)

    def row_tiles(self, rows: int) -> Iterator[tuple[slice, Floats]]:
        X, shift = self._shifted().tocsr(), np.zeros(self.n_features) if self.shift is None else self.shift
        for chosen in blocks(self.n_samples, 1, rows):
            tile = (X[chosen].toarray() - (self.centre - shift)) * self.inverse_scale
            yield chosen, tile * self.root_weights[chosen, np.newaxis]

    def column_tiles(self, columns: int) -> Iterator[tuple[slice, Floats]]:
        X = self._shifted()
        for chosen in blocks(self.n_features, 1, columns):
            yield chosen, X[:, chosen].toarray() * self.root_weights[:, np.newaxis]

    def dual_products(self, V: Floats, multiplier: Floats, with_combinations: bool = True) -> tuple[Floats, Floats]:
        coefs = self.products(V) * multiplier
        self.n_passes += 1.0
        if not with_combinations:
            return coefs, np.zeros(V.shape)
        shift = 0.0 if self.shift is None else coefs @ self.shift
        return coefs, (self.combinations(coefs).T - shift).T

    def leverages(self, directions: Floats, shares: Floats) -> Floats:
        out = np.empty((self.n_samples, shares.shape[1]))
        raw = directions * self.inverse_scale[:, np.newaxis]
        offsets, X = self.centre @ raw, self._X.tocsr()
        for rows in blocks(self.n_samples, directions.shape[1], DENSE_ENTRIES):
            along = (X[rows] @ raw - offsets) * self.root_weights[rows, np.newaxis]
            out[rows] = np.square(along) @ shares
        self.n_passes += 1.0
        return out
