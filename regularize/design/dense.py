"""Dense X: C or Fortran order, float32 or float64, read-only or memory-mapped.

What is copied: nothing for Fortran-ordered X; one Fortran-ordered working copy of C-ordered X when single columns
are to be read (not for the full Gram matrix). Float64 columns whose mean is more than ``LARGE_MEAN`` times their
spread are centred in such a working copy, because implicit centring would lose that many digits.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from regularize.design.design import SMALLEST, Design, Floats
from regularize.design.working_columns import DenseWorkingColumns
from regularize.kernels import products, threads

LARGE_MEAN = 1e6
BLOCK_BYTES = 1 << 27  # work per BLAS call, so that Ctrl-C is seen soon
TILE_BYTES = 1 << 20  # a tile of X that stays in the cache
FLOPS_PER_CALL = 1e10
LARGE_SHARE = 16.0  # of a squared mean to the variance, up to which X'X keeps its digits through the centring
SAMPLED_ROWS = 256


class DenseDesign(Design):
    """A dense array under weights, centring and scaling."""

    def __init__(self, X: NDArray[Any], *options: Any) -> None:
        super().__init__(X, *options)
        self._X = np.asarray(X)

    # ------------------------------------------------------------------------------- storage

    @cached_property
    def _columns(self) -> NDArray[Any]:
        """X in Fortran order, centred explicitly when implicit centring would lose digits."""
        if self._X.flags.f_contiguous:
            return np.asfortranarray(self._X - self.centre) if self._centred_copy else self._X
        out = np.empty(self._X.shape, dtype=self._X.dtype, order="F")
        centre = self.centre if self._centred_copy else np.zeros(self.n_features)
        products.transpose(np.ascontiguousarray(self._X), centre, out)
        return out

    @cached_property
    def _centred_copy(self) -> bool:
        """Whether some column's mean is so large that implicit centring would lose digits."""
        if not self.fit_intercept:
            return False
        informative = self.deviation > 0
        large = np.abs(self.centre) > LARGE_MEAN * self.deviation
        return self._X.dtype == np.float64 and bool(np.any(large & informative))

    @property
    def _stored_centre(self) -> Floats:
        return np.zeros(self.n_features) if self._centred_copy else self.centre

    def _column_blocks(self) -> Iterator[slice]:
        """Ranges of columns that make one BLAS call each."""
        step = max(1, BLOCK_BYTES // max(1, 8 * self.n_samples))
        for first in range(0, self.n_features, step):
            yield slice(first, min(first + step, self.n_features))

    # --------------------------------------------------------------------------------- verbs

    def _moments(self) -> tuple[Floats, Floats]:
        mean, deviation = np.empty(self.n_features), np.empty(self.n_features)
        self.n_passes += 1.0
        if self._X.flags.f_contiguous:
            for block in self._column_blocks():
                products.dense_moments(self._X, self.weights, block.start, mean[block], deviation[block])
            return mean, deviation
        mean = np.zeros(self.n_features)
        for rows in self._row_tiles():  # one product would convert the whole of a float32 X
            mean += self.weights[rows] @ self._X[rows]
        variance, drift = np.zeros(self.n_features), np.zeros(self.n_features)
        for rows in self._row_tiles():
            tile = self._X[rows] - mean
            drift += self.weights[rows] @ tile
            variance += self.weights[rows] @ (tile * tile)
        return mean + drift, np.sqrt(np.maximum(variance - drift * drift, 0.0))

    def _row_tiles(self) -> Iterator[slice]:
        step = max(1, TILE_BYTES // (8 * self.n_features))
        for first in range(0, self.n_samples, step):
            yield slice(first, first + step)

    def _products(self, V: Floats, columns: NDArray[np.intp] | None) -> Floats:
        if columns is not None:
            return self._dots(V, columns)
        if self._X.dtype == np.float64 and len(V) == 1 and self._X.flags.c_contiguous and not self._centred_copy:
            return V @ self._X  # as it lies: a copy is made when single columns are asked for
        out = np.empty((len(V), self.n_features))
        for block in self._column_blocks():
            if self._X.dtype == np.float64 and len(V) == 1:
                with threads.all_threads(self.n_samples * (block.stop - block.start)):
                    out[0, block] = self._columns[:, block].T @ V[0]
            else:  # BLAS would convert, or pack X for a thin product, at the price of several passes
                out[:, block] = self._dots(V, np.arange(block.start, block.stop, dtype=np.intp))
        return out

    def _dots(self, V: Floats, columns: NDArray[np.intp]) -> Floats:
        out = np.empty((len(V), columns.size))
        products.dense_dots(self._columns, columns, V, out)
        return out

    def working_columns(self) -> DenseWorkingColumns:
        return DenseWorkingColumns(self.n_samples, self._gather)

    def _gather(self, columns: NDArray[np.intp], out: Floats) -> None:
        """Copy columns of Z."""
        products.gather_columns(self._columns, columns, self.root_weights, self._stored_centre, self.inverse_scale, out)

    def _full_gram(self) -> Floats:
        """Z'Z as X'X minus the rank-one term of the centring where that loses no digits, else by centred tiles."""
        gram = self._uncentred_gram() if self._has_small_means() else None
        if gram is None:
            gram = np.zeros((self.n_features, self.n_features))
            for rows in self._row_tiles():
                tile = np.asarray(self._X[rows] - self.centre, dtype=np.float64)
                tile *= self.root_weights[rows, np.newaxis]
                gram += tile.T @ tile
        self.n_passes += 1.0
        gram *= self.inverse_scale
        gram *= self.inverse_scale[:, np.newaxis]
        return gram

    def _uncentred_gram(self) -> Floats | None:
        """X'SX - centre centre' for equal weights, with the moments as a by-product; None if digits would be lost."""
        step = max(1, int(FLOPS_PER_CALL / self.n_features**2))
        gram = np.zeros((self.n_features, self.n_features))
        for first in range(0, self.n_samples, step):
            rows = self._X[first : first + step]
            gram += rows.T @ rows
        gram /= self.n_samples
        if not self.fit_intercept:
            norms, _ = self._trusted(np.sqrt(np.diagonal(gram)), np.zeros(self.n_features))
            norms[norms < SMALLEST] = 0.0
            self.__dict__.setdefault("_raw_norms", norms)
            return gram
        if "moments" not in self.__dict__:
            mean = self.weights @ self._X
            variance = np.diagonal(gram) - mean * mean
            if np.any(variance < mean * mean / LARGE_SHARE):
                return None
            self.n_passes += 1.0
            self.__dict__["moments"] = self._trusted(mean, np.sqrt(variance))
        gram -= np.outer(self.centre, self.centre)
        return gram

    def _has_small_means(self) -> bool:
        """Whether X'X itself may serve: float64, equal weights, and means (of a sample) that do not dwarf the spread.

        Columns that do not vary in the sample have no say; the centring looks at all of them again.
        """
        if self.weighted or self._X.dtype != np.float64:
            return False
        if not self.fit_intercept:
            return True
        rows = self._X[:: max(1, self.n_samples // SAMPLED_ROWS)]
        mean, mean_square = rows.sum(axis=0) / len(rows), np.einsum("ij,ij->j", rows, rows) / len(rows)
        variance = mean_square - mean * mean
        return bool(((mean * mean <= LARGE_SHARE * variance) | (variance <= 1e-12 * mean_square)).all())
