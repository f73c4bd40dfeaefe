"""One X under the weights of every fold: a fold is the same X with zero weights on its held-out rows.

What is copied: nothing of dense X, or one working copy for all folds where a single design needs one (see ``dense``).
Where the Gram matrices of all features are wanted and the folds part the rows, one reading of X gives the statistics of
each part; the training rows of a fold are all rows minus its part.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from regularize.design.blocks import ENTRIES, Run, blocks
from regularize.design.dense import moments_together
from regularize.design.design import Design, Floats, make_design
from regularize.design.statistics import Gatherer, Moments, Statistics

Rows = NDArray[np.intp]
Split = tuple[Rows, Rows]

SPARE_ENTRIES = 1 << 22  # of all parts' Gram matrices, that may always be kept


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
        self._parts: tuple[Floats, Parts | None] | None = None
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

    def parts(self, y: Floats, run: Run = map) -> Parts | None:
        """The statistics of the parts of a dense X; None where the splits do not part the rows. Kept for the last y.

        ``run`` may gather them in several threads; the result does not depend on it.
        """
        if self._parts is None or not is_same_array(self._parts[0], y):
            labels = None if sparse.issparse(self._X) else partition(self.splits, self._X.shape[0])
            self._parts = (y, None if labels is None else Parts(self, self._X, y, labels, run))
        return self._parts[1]


def is_same_array(a: Floats, b: Floats) -> bool:
    """Whether two arrays are views of the same numbers in the same shape."""
    place = a.__array_interface__["data"], a.shape, a.strides
    return place == (b.__array_interface__["data"], b.shape, b.strides)


def partition(splits: Sequence[Split], n_samples: int) -> NDArray[np.integer[Any]] | None:
    """The fold that holds each row out (K: none), if every row is held out at most once and else trained on."""
    labels = np.full(n_samples, len(splits), dtype=np.min_scalar_type(len(splits)))
    for k, (_, test) in enumerate(splits):
        labels[test] = k
    sizes = np.bincount(labels, minlength=len(splits) + 1)
    for k, (train, test) in enumerate(splits):
        if sizes[k] != test.size or train.size + test.size != n_samples:
            return None
        if not np.array_equal(train, np.flatnonzero(labels != k)):
            return None
    return labels


class Parts:
    """The statistics of all rows and of the rows that each fold holds out.

    They are kept if that takes little memory, otherwise those of a fold are gathered anew when it is due.
    """

    def __init__(
        self, folded: FoldedDesign, X: NDArray[Any], y: Floats, labels: NDArray[np.integer[Any]], run: Run
    ) -> None:
        self._folded = folded
        self._gatherer = Gatherer(X, y, folded.sample_weight, folded.fit_intercept, folded.full.shift)
        n, p = X.shape
        count = len(folded.splits) + 1
        self._kept: list[Statistics] = []
        if count * p * p <= max(n * p // 2, SPARE_ENTRIES):
            self._kept = self._gatherer.gather_parts(labels, count, run)
            self._all = reduce(Statistics.plus, self._kept)
            self._holders = sum(np.diagonal(part.gram) > 0 for part in self._kept)  # of what is not zero, per column
        else:
            self._all = self._gatherer.gather()

    def held_out(self, fold: int) -> Statistics:
        """Of the rows that the fold holds out."""
        return self._kept[fold] if self._kept else self._gatherer.gather(self._folded.splits[fold][1])

    def moments(self, fold: int | None) -> Moments | None:
        """Of the training rows of a fold, or of all rows; None where differences would have lost digits."""
        sums = deepcopy(self._all) if fold is None else self._all.plus(self.held_out(fold), -1.0)
        present = None
        if self._kept:
            present = self._holders - (0 if fold is None else np.diagonal(self._kept[fold].gram) > 0) > 0
        return self._gatherer.moments(sums, self._all, present)

    def mean_squared_errors(self, fold: int, coefs: Floats, intercepts: Floats) -> Floats | None:
        """On the held-out rows, for coefficients (p, k); None where rounding would show, or no statistics are kept.

        Of several targets, with coefficients (T, p, k), the mean.
        """
        if not self._kept:
            return None
        sums, gatherer = self._kept[fold], self._gatherer
        shape = -1, *coefs.shape[-2:]
        shifts = np.atleast_1d(gatherer.response_shift)
        targets = zip(
            range(shifts.size), coefs.reshape(shape), intercepts.reshape(shifts.size, -1), shifts, strict=True
        )
        errors = np.mean(
            [sums.squared_errors(w, b + gatherer.shift @ w - shift, t) for t, w, b, shift in targets], axis=0
        )
        return None if np.isnan(errors).any() else np.asarray(errors / sums.weight)
