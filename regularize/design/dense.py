"""Dense X: C or Fortran order, float32 or float64, read-only or memory-mapped.

What is copied: nothing of X in C or Fortran order, which are read as they lie; X with gaps between its rows or columns
(a view of a larger array) gets a working copy when single columns are to be read. Float64 columns whose mean is more
than ``LARGE_MEAN`` times their spread are centred in a working copy, because implicit centring would lose that many
digits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from regularize.design.blocks import ENTRIES, LEAST_ROWS, MULTIPLY_ADDS, Run, add_gram, blocks
from regularize.design.design import Design, Floats
from regularize.design.narrow_columns import NarrowColumns
from regularize.design.statistics import TILE_ENTRIES, Gatherer, Moments, moments_at_once, sampled_shift, tiles
from regularize.design.working_columns import DenseWorkingColumns
from regularize.kernels import column_products, products, row_products, threads
from regularize.kernels.gram import mirror

LARGE_MEAN = 1e6
MODERATE_MEAN = 1e4  # times the spread: costs four digits
KEPT_VARIANCE = 1e-3  # of the squares about a common shift: with less, a variance is computed by itself
LEAST_COLUMNS = 64  # of a tile of X in C order, so that whole cache lines are read
PRODUCT_ENTRIES = 1 << 20  # of X in one such product
WIDE = 1024  # columns of X in C order that are read together
LINE = 8  # numbers in a line of the cache: what a column of X in C order costs to read, in columns


def moments_together(X: NDArray[Any], weights: Floats, run: Run) -> tuple[Floats, Floats]:
    """Means and standard deviations (K, p) of the columns of X under weights (K, n) of sum one.

    One reading of X for all: squares are about the mean over all rows, which is near those under the weights.
    """
    means, deviations = np.empty((2, len(weights), X.shape[1]))

    def fill(columns: slice) -> None:
        tile = np.asarray(X[:, columns], dtype=np.float64)
        with np.errstate(over="ignore", invalid="ignore"):
            shift = tile.mean(axis=0)
            tile = tile - shift
            mean = weights @ tile
            squares = weights @ np.square(tile, out=tile)
            variance = squares - mean * mean
            means[:, columns], deviations[:, columns] = shift + mean, np.sqrt(np.maximum(variance, 0.0))
            lossy = np.argwhere(~(variance > KEPT_VARIANCE * squares))
        for j in np.unique(lossy[:, 1]):
            own = slice(columns.start + j, columns.start + j + 1)
            column = np.asfortranarray(X[:, own])
            for k in lossy[lossy[:, 1] == j, 0]:
                column_products.moments(column, weights[k], 0, means[k, own], deviations[k, own])

    for _ in run(fill, list(_whole_lines(X, X.shape[1], TILE_ENTRIES))):
        pass
    return means, deviations


def _whole_lines(X: NDArray[Any], n_columns: int, entries: int) -> Iterator[slice]:
    """Ranges of columns with so many entries each; of X that is read by rows at least a line of the cache wide."""
    n = max(X.shape[0], 1)
    return blocks(n_columns, n, entries if X.flags.f_contiguous else max(entries, LINE * n))


class DenseDesign(Design):
    """A dense array under weights, centring and scaling."""

    def __init__(self, X: NDArray[Any], *options: Any) -> None:
        super().__init__(X, *options)
        self._X = np.asarray(X)

    # ------------------------------------------------------------------------------- storage

    @cached_property
    def columns(self) -> NDArray[Any]:
        """X as it lies, or a Fortran-ordered copy, centred explicitly when implicit centring would lose digits."""
        if self._is_contiguous and not self._centred_copy:
            return self._X
        if self.shares_with is not None and not (self._centred_copy or self.shares_with.centring.any()):
            return self.shares_with.columns
        out = np.empty(self._X.shape, dtype=self._X.dtype, order="F")
        for block in self._column_blocks(self.n_features):
            out[:, block] = self._X[:, block]
            if self._centred_copy:
                out[:, block] -= self.centre[block]
        return out

    @property
    def _stored_values(self) -> NDArray[Any]:
        return self._X

    @property
    def _is_contiguous(self) -> bool:
        return self._X.flags.f_contiguous or self._X.flags.c_contiguous

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

    def _column_blocks(self, n_columns: int) -> Iterator[slice]:
        """Ranges of columns that one call may read."""
        return _whole_lines(self._X, n_columns, ENTRIES)

    # --------------------------------------------------------------------------------- verbs

    def _moments(self) -> tuple[Floats, Floats]:
        mean, deviation = np.empty(self.n_features), np.empty(self.n_features)
        self.n_passes += 1.0
        for block in _whole_lines(self._X, self.n_features, ENTRIES if self._is_contiguous else TILE_ENTRIES):
            if self._is_contiguous:
                X, first = self._X, block.start
            else:
                X, first = np.asfortranarray(self._X[:, block]), 0
            of_columns = column_products.moments if X.flags.f_contiguous else row_products.moments
            of_columns(X, self.weights, first, mean[block], deviation[block])
        return mean, deviation

    def products(self, V: Floats, columns: NDArray[np.intp] | None = None, run: Run = map) -> Floats:
        if columns is not None:
            return self._listed_products(V, columns)
        stretch, least = column_products.stretch, 1
        if not self.columns.flags.f_contiguous:
            stretch, least = row_products.stretch, WIDE

        def multiply(block: slice, part: Floats) -> None:
            stretch(self.columns, V, block.start, part)

        at_once = max(PRODUCT_ENTRIES, least * self.n_samples)
        parts = blocks(self.n_features, self.n_samples, at_once)
        return self._by_blocks(multiply, len(V), self.n_features, parts, run)

    def _listed_products(self, V: Floats, columns: NDArray[np.intp]) -> Floats:
        of_columns = products.dense_dots
        if not self.columns.flags.f_contiguous:
            if columns.size * LINE > self.n_features:
                return self.products(V)[:, columns]
            of_columns = row_products.listed

        def multiply(block: slice, part: Floats) -> None:
            of_columns(self.columns, columns[block], V, part)

        return self._by_blocks(multiply, len(V), columns.size, self._column_blocks(columns.size))

    @staticmethod
    def _by_blocks(
        multiply: Callable[[slice, Floats], None],
        n_vectors: int,
        n_columns: int,
        parts: Iterator[slice],
        run: Run = map,
    ) -> Floats:
        """What ``multiply`` fills in for each block of columns."""
        out = np.empty((n_vectors, n_columns))

        def fill(block: slice) -> None:
            part = np.empty((n_vectors, block.stop - block.start))
            multiply(block, part)
            out[:, block] = part

        for _ in run(fill, list(parts)):
            pass
        return out

    def working_columns(self) -> DenseWorkingColumns:
        return DenseWorkingColumns(self.n_samples, self._gather)

    def swept_columns(self) -> NarrowColumns:
        return NarrowColumns(self.n_samples, self._gather)

    def _gather(self, columns: NDArray[np.intp], out: NDArray[Any]) -> None:
        """Copy columns of Z."""
        units = (self.root_weights, self._stored_centre, self.inverse_scale)
        gather = column_products.gather if self.columns.flags.f_contiguous else row_products.gather
        for block in self._column_blocks(columns.size):
            gather(self.columns, columns[block], *units, out[:, block])

    def _full_gram(self) -> Floats:
        """Z'Z by centred tiles."""
        gram = np.zeros((self.n_features, self.n_features))
        for rows in tiles(self.n_samples, self.n_features):
            tile = np.asarray(self._X[rows] - self.centre, dtype=np.float64)
            tile *= self.root_weights[rows, np.newaxis]
            add_gram(tile, gram)
        mirror(gram, 0)
        self.n_passes += 1.0
        return gram * np.multiply.outer(self.inverse_scale, self.inverse_scale)

    # ------------------------------------------------------------- verbs that keep to the order of X

    @cached_property
    def shift(self) -> Floats | None:
        return sampled_shift(self._X) if self.fit_intercept else None

    @cached_property
    def _rest(self) -> Floats:
        """What is still to be subtracted from tiles."""
        return self.centre if self.shift is None else self.centre - self.shift

    @cached_property
    def _rough_shift(self) -> Floats | None:
        """What products that may lose a few digits subtract from tiles: nothing, unless it would be many digits."""
        if self.shift is None or np.all(np.abs(self.shift) <= MODERATE_MEAN * self.deviation, where=self.deviation > 0):
            return None
        return self.shift

    def _tile(self, rows: slice, columns: slice = slice(None)) -> Floats:
        """A part of X, shifted; X itself where nothing is to be done."""
        return self._shifted(self.shift, rows, columns)

    def _shifted(self, shift: Floats | None, rows: slice, columns: slice) -> Floats:
        tile = self._X[rows, columns]
        if shift is not None:
            return tile - shift[columns]
        return np.asarray(tile, dtype=np.float64)

    def _as_it_lies(self, shift: Floats | None) -> bool:
        """Whether tiles are parts of X, not copies."""
        return shift is None and self._X.dtype == np.float64

    def _long_tiles(self, entries: int = TILE_ENTRIES) -> Iterator[slice]:
        """Tiles of rows; of X in Fortran order with enough rows to read whole cache lines."""
        n, p = self._X.shape
        least = 1 if self._X.flags.c_contiguous else max(1, min(LEAST_ROWS // 2, n // 8))
        return blocks(n, 1, max(entries / max(p, 1), least))

    def _wide_tiles(self, least: int, entries: int = TILE_ENTRIES) -> Iterator[slice]:
        """Tiles of at least so many columns."""
        n, p = self._X.shape
        return blocks(p, 1, max(entries / max(n, 1), least))

    def _tiles_read_once(self, n_vectors: int, shift: Floats | None) -> tuple[Iterator[slice], Iterator[slice]]:
        """Rows and columns of tiles that are multiplied once: along the memory, and few where they are not copied.

        One of the two is a single slice of everything.
        """
        (n, p), uncopied = self._X.shape, self._as_it_lies(shift)
        entries = int(min(ENTRIES, MULTIPLY_ADDS / max(n_vectors, 1))) if uncopied else TILE_ENTRIES
        if self._X.flags.f_contiguous and (n < p or uncopied):  # copies of a few long columns would be slow
            return blocks(n, 1, n), self._wide_tiles(1, entries)
        return self._long_tiles(entries), blocks(p, 1, p)

    def combinations(self, coefs: Floats, rough: bool = False) -> Floats:
        out, shift = np.zeros((len(coefs), self.n_samples)), self._rough_shift if rough else self.shift
        for rows, columns in product(*self._tiles_read_once(len(coefs), shift)):
            out[:, rows] += coefs[:, columns] @ self._shifted(shift, rows, columns).T
        self.n_passes += 1.0
        return out if shift is None else out + (coefs @ shift)[:, np.newaxis]

    def residual_correlations(self, coefs: Floats, targets: Floats) -> tuple[Floats, Floats]:
        raw = coefs * self.inverse_scale
        offsets = (raw @ self._rest)[:, np.newaxis]
        residuals, correlations = np.empty(targets.shape), np.zeros(coefs.shape)
        for rows in self._long_tiles():
            tile, root = self._tile(rows), self.root_weights[rows]
            residuals[:, rows] = targets[:, rows] - root * (raw @ tile.T - offsets)
            correlations += (root * residuals[:, rows]) @ tile
        self.n_passes += 1.0
        correlations -= (residuals @ self.root_weights)[:, np.newaxis] * self._rest
        return residuals, correlations * self.inverse_scale

    def weighted_sums(self, weights: Floats, rough: bool = False) -> Floats:
        out = np.zeros((*weights.shape[:-1], self.n_features))
        shift = self._rough_shift if rough else self.shift
        for rows, columns in product(*self._tiles_read_once(weights[..., 0:1].size, shift)):
            out[..., columns] += weights[..., rows] @ self._shifted(shift, rows, columns)
        self.n_passes += 1.0
        if shift is not self.shift:
            assert self.shift is not None
            out -= np.multiply.outer(weights.sum(axis=-1), self.shift)
        return out

    def adjoint(self, residuals: Floats, rough: bool = False) -> Floats:
        weighted = self.root_weights * residuals
        sums = self.weighted_sums(weighted, rough)
        return (sums - np.outer(weighted.sum(axis=1), self._rest)) * self.inverse_scale

    def kernel(self, multiplier: Floats) -> Floats:
        kernel = np.zeros((self.n_samples, self.n_samples))
        plain = bool(np.all(multiplier == 1.0))
        for columns in self._wide_tiles(LEAST_ROWS):
            tile = self._tile(slice(None), columns)
            with threads.all_threads(tile.size * self.n_samples):
                add_gram((tile if plain else tile * multiplier[columns]).T, kernel)
        mirror(kernel, 0)
        self.n_passes += 1.0
        return kernel

    def dual_products(self, V: Floats, multiplier: Floats, with_combinations: bool = True) -> tuple[Floats, Floats]:
        coefs, out = np.empty((len(V), self.n_features)), np.zeros((len(V), self.n_samples))
        for columns in self._wide_tiles(
            LEAST_COLUMNS, PRODUCT_ENTRIES if self._as_it_lies(self.shift) else TILE_ENTRIES
        ):
            tile = self._tile(slice(None), columns)
            coefs[:, columns] = (V @ tile) * multiplier[columns]
            if with_combinations:
                out += coefs[:, columns] @ tile.T
        self.n_passes += 1.0
        return coefs, out

    def leverages(self, directions: Floats, shares: Floats) -> Floats:
        out = np.empty((self.n_samples, shares.shape[1]))
        raw = directions * self.inverse_scale[:, np.newaxis]
        offsets = self._rest @ raw
        for rows in blocks(self.n_samples, 1, max(TILE_ENTRIES / max(directions.shape[1], 1), LEAST_ROWS)):
            along = (self._tile(rows) @ raw - offsets) * self.root_weights[rows, np.newaxis]
            out[rows] = np.square(along, out=along) @ shares
        self.n_passes += 1.0
        return out

    @property
    def is_small(self) -> bool:
        return self._X.size <= TILE_ENTRIES and self._X.dtype.kind == "f"

    def small_copy(self) -> Floats:
        self.n_passes += 1.0
        Z = np.empty(self._X.shape, order="F")
        self._gather(np.arange(self.n_features), Z)
        return Z.T

    def row_tiles(self, rows: int) -> Iterator[tuple[slice, Floats]]:
        for chosen in blocks(self.n_samples, 1, rows):
            tile = (self._tile(chosen) - self._rest) * self.inverse_scale
            yield chosen, tile * self.root_weights[chosen, np.newaxis]

    def column_tiles(self, columns: int) -> Iterator[tuple[slice, Floats]]:
        for chosen in blocks(self.n_features, 1, columns):
            yield chosen, self._tile(slice(None), chosen) * self.root_weights[:, np.newaxis]

    def gather(self, y: Floats) -> Moments | None:
        self.n_passes += 1.0
        if self.is_small:
            moments = moments_at_once(self._X, y, self.weights, self.fit_intercept)
        else:
            weights = self.weights if self.weighted else None
            gatherer = Gatherer(self._X, y, weights, self.fit_intercept, self.shift)
            sums = gatherer.gather()
            moments = gatherer.moments(sums, sums)
        if moments is not None:
            self.take_gram(moments)
        return moments
