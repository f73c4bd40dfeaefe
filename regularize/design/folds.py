"""One X under the weights of every fold: a fold is the same X with zero weights on its held-out rows.

What is copied: nothing of dense X, or one working copy for all folds where a single design needs one (see ``dense``).
Where the Gram matrices of all features are wanted, one reading of X gives the statistics of the cells of rows that all
splits treat alike, if these are few; else those of the rows that a split holds out are subtracted from those of all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from regularize.design.blocks import ENTRIES, Run, blocks
from regularize.design.cells import Cells, Split, are_complements, cells_of
from regularize.design.dense import moments_together
from regularize.design.design import Design, Floats, make_design
from regularize.design.statistics import Gatherer, Moments, Statistics

Rows = NDArray[np.intp]

SPARE_ENTRIES = 1 << 22  # of the Gram matrices of all cells, that may always be kept
MOST_ADDED = 16  # cells whose statistics are always added up, which costs no digits


class FoldedDesign:
    """The design of all rows, and those of the training rows of each split.

    ``splits`` are pairs (train, test) of row indices; they may overlap, repeat rows (a row twice in a training set
    weighs twice) or leave rows out.
    """

    def __init__(
        self,
        X: Any,
        splits: Sequence[Split],
        sample_weight: Floats | None = None,
        *,
        fit_intercept: bool = True,
        standardize: bool = False,
        group_of: Rows | None = None,
    ) -> None:
        self._X = X
        self.splits = splits
        self.sample_weight = None if sample_weight is None else sample_weight / sample_weight.max()
        self.fit_intercept, self.standardize = fit_intercept, standardize
        self._options: Any = {"fit_intercept": fit_intercept, "standardize": standardize, "group_of": group_of}
        self._statistics: tuple[Floats, SplitStatistics | None] | None = None
        self.full = make_design(X, self.sample_weight, **self._options)

    def fold(self, k: int, by_columns: bool = False) -> Design:
        """The design of the training rows of a split; made anew, so that nothing of it outlives its use.

        ``by_columns`` is for solvers that read columns: all folds share the working copy of X, if there is one. Its
        columns may be centred by the means of all rows: ``uncentre`` the intercepts.
        """
        X = self.full.columns if by_columns or sparse.issparse(self._X) else self._X
        design = make_design(X, self._training_weight(self.splits[k][0]), **self._options)
        design.shares_with = self.full
        return design

    def gather_moments(self, designs: Sequence[Design], run: Run = map) -> None:
        """The moments of folds by columns, in one reading of a dense X."""
        if self.full.is_sparse or len(designs) < 2:
            return
        weights = np.array([design.weights for design in designs])
        for design, mean, deviation in zip(designs, *moments_together(self.full.columns, weights, run), strict=True):
            design.take_moments(mean, deviation)

    def uncentre(self, path_coefs: Floats, intercepts: Floats) -> Floats:
        """Intercepts (k,) for X as it was given, from those for its columns as they are read."""
        return intercepts - self.full.centring @ path_coefs

    def correlations(self, designs: Sequence[Design], residuals: Sequence[Floats], run: Run = map) -> list[Floats]:
        """Of all features with residuals (rows) of several of the designs by columns, in one reading of X."""
        vectors = [design.root_weights * own for design, own in zip(designs, residuals, strict=True)]
        products = self.full.products(np.concatenate(vectors), run=run)
        ends = np.cumsum([len(own) for own in residuals])
        parts = np.split(products, ends[:-1])
        return [design.correlations_of(own, part) for design, own, part in zip(designs, vectors, parts, strict=True)]

    def _training_weight(self, train: Rows) -> Callable[[], Floats]:
        def weight() -> Floats:
            counts = np.bincount(train, minlength=self._X.shape[0]).astype(np.float64)
            return counts if self.sample_weight is None else counts * self.sample_weight

        return weight

    def predictions(self, fold: int, coefs: Floats, intercepts: Floats) -> Floats:
        """X_test coefs + intercepts, shape (n_test, k); coefs are (p, k)."""
        _, test = self.splits[fold]
        used = np.flatnonzero(coefs.any(axis=1))
        out = np.tile(intercepts, (test.size, 1))
        for rows in blocks(test.size, max(used.size, 1), ENTRIES):
            if sparse.issparse(self._X):
                part = self._X[:, used][test[rows]]
            else:
                part = self._X[np.ix_(test[rows], used)]
            out[rows] += part @ coefs[used]
        return out

    def statistics(self, y: Floats, run: Run = map) -> SplitStatistics | None:
        """Statistics for all splits of a dense X; None where splits have nothing in common. Kept for the last y.

        ``run`` may gather them in several threads; the result does not depend on it.
        """
        if self._statistics is None or not is_same_array(self._statistics[0], y):
            self._statistics = (y, self._gather_statistics(y, run))
        return self._statistics[1]

    def _gather_statistics(self, y: Floats, run: Run) -> SplitStatistics | None:
        if sparse.issparse(self._X):
            return None
        n, p = self._X.shape
        most_kept = max(n * p // 2, SPARE_ENTRIES) // (p * p)
        cells = cells_of(self.splits, n, most_kept)
        if cells is None and not are_complements(self.splits, n):
            return None
        return SplitStatistics(self, self._X, y, cells, len(self.splits) <= most_kept, run)


def is_same_array(a: Floats, b: Floats) -> bool:
    """Whether two arrays are views of the same numbers in the same shape."""
    place = a.__array_interface__["data"], a.shape, a.strides
    return place == (b.__array_interface__["data"], b.shape, b.strides)


class SplitStatistics:
    """The statistics of all rows, and of those that each split trains on and holds out.

    With cells they are sums over these. Without, each split trains on the rows that it does not hold out, whose
    statistics are subtracted; they are kept, or gathered when they are due.
    """

    def __init__(
        self, folded: FoldedDesign, X: NDArray[Any], y: Floats, cells: Cells | None, are_kept: bool, run: Run
    ) -> None:
        self._folded, self._cells = folded, cells
        self._gatherer = Gatherer(X, y, folded.sample_weight, folded.fit_intercept, folded.full.shift)
        self._kept: list[Statistics] = []  # of the cells, or of the held-out rows
        if cells is not None:
            self._kept = self._gatherer.gather_labelled(cells.labels, cells.count, run)
            self._all = Statistics.total(self._kept)
            return
        self._all = self._gatherer.gather()
        if are_kept:
            self._kept = list(run(self._gather_held_out, range(len(folded.splits))))

    def _gather_held_out(self, fold: int) -> Statistics:
        return self._gatherer.gather(np.sort(self._folded.splits[fold][1])).complete()  # in the order of the memory

    @property
    def are_finite(self) -> bool:
        """Whether X is, and its squares are."""
        return bool(np.isfinite(np.diagonal(self._all.gram)).all())

    def _of_cells(self, chosen: NDArray[np.bool_]) -> list[Statistics]:
        return [self._kept[cell] for cell in np.flatnonzero(chosen)]

    def moments(self, fold: int | None) -> Moments | None:
        """Of the training rows of a fold, or of all rows; None where differences would have lost digits."""
        held_out: list[Statistics] = []
        trained = [self._all]
        if fold is not None and self._cells is not None:
            cells = self._cells.trains[fold]
            if np.count_nonzero(cells) <= MOST_ADDED:
                trained = self._of_cells(cells)
            else:
                held_out = self._of_cells(~cells)
        elif fold is not None:
            held_out = [self._kept[fold] if self._kept else self._gather_held_out(fold)]
        sums = Statistics.total(trained, held_out)
        return self._gatherer.moments(sums, self._all if held_out else sums)

    def mean_squared_errors(self, fold: int, coefs: Floats, intercepts: Floats) -> Floats | None:
        """On the held-out rows, for coefficients (p, k); None where rounding would show, or no statistics are kept.

        Of several targets, with coefficients (T, p, k), the mean.
        """
        if not self._kept:
            return None
        gatherer = self._gatherer
        sums = self._kept[fold] if self._cells is None else Statistics.total(self._of_cells(self._cells.tests[fold]))
        shape = -1, *coefs.shape[-2:]
        shifts = np.atleast_1d(gatherer.response_shift)
        targets = zip(
            range(shifts.size), coefs.reshape(shape), intercepts.reshape(shifts.size, -1), shifts, strict=True
        )
        errors = np.mean(
            [sums.squared_errors(w, b + gatherer.shift @ w - shift, t) for t, w, b, shift in targets], axis=0
        )
        return None if np.isnan(errors).any() else np.asarray(errors / sums.weight)
