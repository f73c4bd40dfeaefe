"""Sufficient statistics of least squares: sums over rows, which add up over parts of the data."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import wraps
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from regularize.design.blocks import LEAST_ROWS, Run, add_gram, blocks
from regularize.kernels import gram as gram_kernel
from regularize.kernels import threads

Floats = NDArray[np.float64]

TILE_ENTRIES = 1 << 17  # of a tile of X that stays in the cache while all sums take it in
ROUNDING = 1e-14  # of the mean of equal numbers
SMALLEST = 1e-280  # sum of squared responses that has kept its digits
MANY_ROWS = 1 << 14
LONG_ROWS = 1 << 12  # of a stretch that is worth a call of its own
ROWS_PER_LABEL = 128  # of a tile with many labels
SHARES = 8  # of the rows, that threads may take,
SHARED_ENTRIES = 1 << 22  # if the Gram matrices of all of them have so few entries, or a quarter of those of X
SAMPLED_ROWS = 256
SAMPLED_ENTRIES = 1 << 20  # of wide X fewer rows are sampled,
LEAST_SAMPLED = 16  # but at least these
KEPT_SHARE = 1e-6  # of the squares of all terms, that a sum of squared errors must have to keep its digits
LARGEST_LOSS = 1e3  # a variance may be this much smaller than the sums that it is the difference of
SMALL_MEAN = 4.0  # a mean of at most this many times the spread costs no digits that matter


def rows_of_tile(n_features: int) -> float:
    """So many rows that adding what they give to a Gram matrix costs little beside its computation."""
    return max(TILE_ENTRIES / max(n_features, 1), 2 * LEAST_ROWS)


def tiles(n_rows: int, n_features: int) -> Iterator[slice]:
    """Tiles of rows for a Gram matrix."""
    return blocks(n_rows, 1, rows_of_tile(n_features))


def _is_usual(squares: Any) -> bool:
    """Whether sums of squares have neither vanished nor overflowed."""
    return bool(np.all((squares > SMALLEST) & (squares < np.inf)))


def quietly(method: Callable[..., Any]) -> Callable[..., Any]:
    """Without warnings of numpy: what overflows is found by its result, and not used."""

    @wraps(method)
    def quiet(*args: Any) -> Any:
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            return method(*args)

    return quiet


@quietly
def sampled_shift(X: NDArray[Any]) -> Floats | None:
    """Means of the columns over a sample of the rows; None if means are so small that they cost no digits."""
    n_rows = max(LEAST_SAMPLED, min(SAMPLED_ROWS, SAMPLED_ENTRIES // max(X.shape[1], 1)))
    sample = np.asarray(X[:: max(1, len(X) // n_rows)], dtype=np.float64)
    mean = np.ones(len(sample)) @ sample / len(sample)
    square = np.einsum("ij,ij->j", sample, sample) / len(sample)
    # mean^2 <= SMALL_MEAN^2 (square - mean^2)
    return None if np.all(mean * mean * (1.0 + SMALL_MEAN**-2) <= square) else mean


SUMS = ("weight", "response", "squares", "columns", "products", "gram")


class Statistics:
    """Weighted sums about fixed shifts of the columns and of one or several responses.

    weight : sum s; columns (p,) : X's, if there is an intercept; gram (p, p) : X'SX, its upper triangle until
    ``complete``; products (p,) or (p, t) : X'Sy; response, squares : s'y and y'Sy, numbers or (t,).
    """

    def __init__(self, n_features: int, targets: tuple[int, ...] = (), centred: bool = True) -> None:
        self._centred = centred
        self.weight: float = 0.0
        self.response: Any = np.zeros(targets)
        self.squares: Any = np.zeros(targets)
        self.columns, self.products = np.zeros(n_features), np.zeros((n_features, *targets))
        self.gram = np.zeros((n_features, n_features))

    def take_in(self, rows: Floats, y: Floats, root: Floats) -> None:
        """Add rows and responses that are multiplied by the roots of their weights."""
        self.weight += float(root @ root)
        self.response += root @ y
        self.squares += np.einsum("i...,i...->...", y, y)
        for part in blocks(len(rows), rows.shape[1], TILE_ENTRIES):  # what is read twice stays in the cache
            if self._centred:
                self.columns += root[part] @ rows[part]
            self.products += rows[part].T @ y[part]
        with threads.all_threads(rows.size * self.gram.shape[0]):
            add_gram(rows, self.gram)

    def complete(self) -> Statistics:
        """Copy the upper triangle to the lower one."""
        gram_kernel.mirror(self.gram, 0)
        return self

    @staticmethod
    @quietly
    def total(parts: Sequence[Statistics], less: Sequence[Statistics] = ()) -> Statistics:
        """New sums over the rows of all parts together, without those of ``less``."""
        sums = Statistics(0, centred=parts[0]._centred)
        for name in SUMS:
            value = getattr(parts[0], name) + 0.0
            for part in parts[1:]:
                value += getattr(part, name)
            for part in less:
                value -= getattr(part, name)
            setattr(sums, name, value)
        return sums

    def squared_errors(self, coefs: Floats, intercepts: Floats, target: int = 0) -> Floats:
        """Sums of s (y - b - x'w)^2 (k,) of a target, for coefficients (p, k); NaN where rounding would show."""
        response, squares = np.atleast_1d(self.response)[target], np.atleast_1d(self.squares)[target]
        products = self.products.reshape(len(coefs), -1)[:, target]
        quadratic = np.einsum("jk,jk->k", coefs, self.gram @ coefs)
        offsets = intercepts * (intercepts * self.weight - 2.0 * (response - self.columns @ coefs))
        errors = squares - 2.0 * (products @ coefs) + quadratic + offsets
        sizes = np.sqrt(np.maximum(np.diagonal(self.gram), 0.0)) @ np.abs(coefs)  # of what is added up and cancels
        sizes += np.sqrt(squares) + np.abs(intercepts) * np.sqrt(self.weight)
        return np.where(errors > KEPT_SHARE * sizes * sizes, errors, np.nan)


@dataclass(frozen=True)
class Moments:
    """Weighted means, and second moments about them (about zero without an intercept).

    mean (p,), gram (p, p) and products (p,) of the columns with themselves and with the response; response_mean (zero
    without an intercept) and response_variance; for several responses products (p, t) and the last two (t,); lost :
    how much larger than some variance the sums are whose difference it is, and so by how much rounding counts for more.
    A design that takes the Gram matrix takes it for good, and scales it in place.
    """

    mean: Floats
    gram: Floats
    products: Floats
    response_mean: Any
    response_variance: Any
    lost: float


@quietly
def moments_at_once(X: NDArray[Any], y: Floats, weights: Floats, centred: bool) -> Moments | None:
    """Of data that fit into one tile, from a centred copy: no digit is lost. ``weights`` have the sum one."""
    mean, response_mean = (weights @ X, weights @ y) if centred else (np.zeros(X.shape[1]), np.zeros(y.shape[1:]))
    columns, responses = X - mean, y - response_mean
    if centred:  # what rounding has left of the means
        drift = weights @ columns
        columns -= drift
        mean = mean + drift
    root = np.sqrt(weights)
    columns *= root[:, np.newaxis]  # in place, and multiplied by themselves: half the work
    variance, gram = weights @ (responses * responses), columns.T @ columns
    is_constant = np.any(variance <= np.square(ROUNDING * response_mean))
    if is_constant or not (np.isfinite(gram).all() and _is_usual(variance)):
        return None
    return Moments(mean, gram, columns.T @ (responses.T * root).T, response_mean, variance, 1.0)


class Gatherer:
    """Takes rows of a dense X and of y into statistics, a tile at a time."""

    def __init__(
        self, X: NDArray[Any], y: Floats, sample_weight: Floats | None, centred: bool, shift: Floats | None = None
    ) -> None:
        """``shift``: what is subtracted from the columns; those whose means would cost digits need one."""
        self._X, self._y = X, y
        self._weight = sample_weight
        self._centred = centred
        self.shift: Floats = np.zeros(X.shape[1]) if shift is None else shift
        self.response_shift: Any = np.zeros(y.shape[1:])
        self._as_they_are = sample_weight is None and X.dtype == np.float64 and shift is None
        self._is_stopped = False
        if centred:
            with np.errstate(over="ignore", invalid="ignore"):
                self.response_shift = y[:: max(1, len(y) // SAMPLED_ROWS)].mean(axis=0)

    @quietly
    def gather(self, rows: NDArray[np.intp] | None = None) -> Statistics:
        """The statistics of some rows, or of all; not completed."""
        n_rows = len(self._X) if rows is None else rows.size
        sums = self._nothing()
        as_it_lies = self._as_they_are and rows is None  # nothing is copied: the fewer tiles the better
        for part in blocks(n_rows, 1, MANY_ROWS) if as_it_lies else tiles(n_rows, self._X.shape[1]):
            sums.take_in(*self._tile(part if rows is None else rows[part]))
        return sums

    def gather_labelled(self, labels: NDArray[np.integer[Any]], count: int, run: Run = map) -> list[Statistics]:
        """Those of the rows of each label, in one reading of X, completed.

        ``run`` may apply a function to shares of the rows in several threads; the result does not depend on it.
        """
        n, p = self._X.shape
        n_shares = min(SHARES, max(n * p // 4, SHARED_ENTRIES) // (count * p * p))
        shares = list(blocks(n, 1, max(n / max(n_shares, 1), LEAST_ROWS)))
        try:
            found = list(run(lambda share: self._gather_share(labels, count, share), shares))
        except BaseException:  # Ctrl-C: what other threads are at ends at their next tile
            self._is_stopped = True
            raise
        sums = [[share[label] for share in found if label in share] for label in range(count)]
        return [Statistics.total(own or [self._nothing()]).complete() for own in sums]

    @quietly
    def _gather_share(self, labels: NDArray[np.integer[Any]], count: int, share: slice) -> dict[int, Statistics]:
        """The same for some of the rows and those labels that they have, not completed."""
        sums: dict[int, Statistics] = defaultdict(self._nothing)
        for rows in self._stretches(labels, count, share):
            if self._is_stopped:
                break
            tile, y, root = self._tile(rows)
            own = labels[rows]
            if own.min() == own.max():
                sums[own[0]].take_in(tile, y, root)
                continue
            order = np.argsort(own, kind="stable")
            tile, y, root = tile[order], y[order], root[order]
            ends = np.cumsum(np.bincount(own, minlength=count))
            for label in np.unique(own):
                mine = slice(ends[label - 1] if label else 0, ends[label])
                sums[label].take_in(tile[mine], y[mine], root[mine])
        return sums

    def _nothing(self) -> Statistics:
        """The statistics of no rows."""
        return Statistics(self._X.shape[1], self._y.shape[1:], self._centred)

    def _stretches(self, labels: NDArray[np.integer[Any]], count: int, share: slice) -> Iterator[slice]:
        """Long rows of one label each, if labels lie like that and nothing has to be copied; else tiles."""
        n, own = share.stop - share.start, labels[share]
        ends = np.flatnonzero(own[1:] != own[:-1]) + 1
        if self._as_they_are and (ends.size + 1) * LONG_ROWS <= n:
            edges, at_once = [0, *ends.tolist(), n], float(MANY_ROWS)
        else:
            edges, at_once = [0, n], max(rows_of_tile(self._X.shape[1]), ROWS_PER_LABEL * count)
        for begin, end in pairwise(edges):
            for part in blocks(end - begin, 1, at_once):
                yield slice(share.start + begin + part.start, share.start + begin + part.stop)

    @quietly
    def moments(self, sums: Statistics, whole: Statistics) -> Moments | None:
        """From sums that are those of the ``whole`` or a difference from it; None where that has lost too many digits.

        The Gram matrix of the sums becomes that of the moments, in place.
        """
        squares = np.diagonal(sums.gram)  # which bound the other entries
        if not (sums.weight > 0 and np.isfinite(squares).all() and _is_usual(sums.squares)):
            return None
        columns, response = sums.columns / sums.weight, sums.response / sums.weight
        variances, terms = squares / sums.weight, np.diagonal(whole.gram) / sums.weight
        products, variance = sums.products / sums.weight, sums.squares / sums.weight
        if self._centred:
            variances -= columns * columns
            products -= np.multiply.outer(columns, response)
            variance -= response * response
        large = terms > np.square(ROUNDING * self.shift)
        ratios = terms[large] / np.maximum(variances[large], 0.0)
        lost = max(float(ratios.max(initial=0.0)), whole.weight / sums.weight)
        lost = float(np.max(whole.squares / sums.weight / np.maximum(variance, 0.0), initial=lost))
        if not lost <= LARGEST_LOSS:
            return None
        gram_kernel.centre(sums.gram, sums.weight, columns)
        response_mean = response + self.response_shift if self._centred else np.zeros_like(response)
        return Moments(columns + self.shift, sums.gram, products, response_mean, variance, lost)

    def _tile(self, rows: slice | NDArray[np.intp]) -> tuple[Floats, Floats, Floats]:
        """Rows of X and y, shifted and multiplied by the roots of their weights, and those."""
        tile, y = self._X[rows], self._y[rows] - self.response_shift
        if self._as_they_are:
            return tile, y, np.ones(len(y))
        tile = tile - self.shift
        if self._weight is None:
            return tile, y, np.ones(len(y))
        root = np.sqrt(self._weight[rows])
        return tile * root[:, np.newaxis], (y.T * root).T, root
