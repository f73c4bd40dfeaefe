"""What the solvers may ask of X, whatever its storage.

Design notes
------------
a. Below this folder X is ``Z``: the columns centred, scaled and multiplied by the root of the row weights,

       Z = diag(sqrt(s)) (X - 1 centre') / scale,      sum_i s_i = 1,

   so that plain inner products are the weighted ones and ``n`` never appears. Z is never formed for
   all columns at once.
b. ``scale`` is the power of two next to the norm of a column. Multiplying by it is exact, so it changes
   no digit of any result, and it brings every Gram entry, correlation and threshold near one: columns of
   size 1e-150 and 1e150 meet in one problem without overflow. Standardisation is a matter of the
   penalty alone (see Penalty.in_units_of).
c. Centring is implicit. Correlations subtract ``centre_j * sum(v)``; working columns, which are copied
   anyway, are centred explicitly when dense and carry one offset each when sparse.
d. The norm of a group of coefficients is one only in units that all its features share. With ``group_of`` the
   columns of a group have the scale of the largest of them; standardised ones, whose penalty is on coefficients of
   columns of unit deviation, that deviation.
e. Every solver but some forms of ridge needs the moments of all columns before anything else, and a column that is not
   finite has none. So large X need not be read once more only to see that it is finite.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from regularize.design.blocks import Run, blocks
from regularize.design.statistics import TILE_ENTRIES, Moments
from regularize.design.triangle import rows_at_once, triangle
from regularize.design.working_columns import SweptColumns, WorkingColumns

Floats = NDArray[np.float64]
Columns = NDArray[np.intp]

# Below this share of its mean the spread of a column is rounding: the column is taken as constant.
CONSTANT = 8 * np.finfo(np.float64).eps
# Below this the squares that the spread was computed from have lost digits or vanished.
SMALLEST = 1e-152
OVERFLOW = (  # scikit-learn's message
    "Coordinate descent iterations resulted in non-finite parameter values. The input data may contain large values"
    " and need to be preprocessed."
)


class Design(ABC):
    """A view of X under row weights, centring and scaling; cheap to make, X is shared.

    Attributes: ``n_samples``, ``n_features``; ``weights`` and ``root_weights`` (n,); ``mean`` (p,) weighted
    means; ``deviation`` (p,) weighted standard deviations; ``centre`` (p,) what is subtracted (zeros without
    intercept); ``scale`` (p,); ``norms`` (p,) of the columns of Z, zero for a column without information.
    """

    n_samples: int
    n_features: int
    is_sparse = False

    def __init__(
        self,
        X: Any,
        sample_weight: Floats | Callable[[], Floats] | None,
        fit_intercept: bool,
        standardize: bool,
        gram: Floats | None,
        group_of: Columns | None,
    ) -> None:
        self.n_samples, self.n_features = X.shape
        self.fit_intercept = fit_intercept
        self.standardize = standardize
        self.n_passes = 0.0
        self.weighted = sample_weight is not None
        self.lost = 1.0  # see Moments
        self.overflow = OVERFLOW  # what to say of columns that cannot be squared
        self.shares_with: Design | None = None  # a design of the same X, whose working copy of X will do
        self.known_kernel: tuple[Floats, Floats] | None = None  # a multiplier and its kernel, if somebody keeps them
        self._sample_weight = sample_weight
        self._user_gram = gram
        self._group_of = group_of

    @cached_property
    def weights(self) -> Floats:
        """Row weights (n,), of sum one; made when asked for."""
        if self._sample_weight is None:
            return np.full(self.n_samples, 1.0 / self.n_samples)
        given = self._sample_weight() if callable(self._sample_weight) else self._sample_weight
        weights = given / given.max()
        return np.asarray(weights / weights.sum())

    @cached_property
    def root_weights(self) -> Floats:
        """Their roots (n,)."""
        return np.sqrt(self.weights)

    # ------------------------------------------------------------------------------ moments

    @abstractmethod
    def _moments(self) -> tuple[Floats, Floats]:
        """Weighted means and standard deviations of the columns, in one pass."""

    @cached_property
    def moments(self) -> tuple[Floats, Floats]:
        """Weighted means, and standard deviations with those of rounding size set to zero."""
        with np.errstate(over="ignore", invalid="ignore"):
            return self._trusted(*self._moments())

    def _trusted(self, mean: Floats, deviation: Floats) -> tuple[Floats, Floats]:
        """The moments, refused if they are not finite; spreads that are but rounding become zero."""
        if not (np.isfinite(mean).all() and np.isfinite(deviation).all()):
            raise ValueError(self._what_is_not_finite() or self.overflow)
        deviation[(deviation <= CONSTANT * np.abs(mean)) | (deviation < SMALLEST)] = 0.0
        return mean, deviation

    def refuse_non_finite(self) -> None:
        """Raise ValueError if X is not finite; reads it unless its moments are known."""
        _ = self.moments

    def _what_is_not_finite(self) -> str:
        """What scikit-learn would have said of X; nothing if all numbers are finite. See note e."""
        values = self._stored_values
        if np.isnan(values).any():
            return "Input X contains NaN."
        if np.isinf(values).any():
            return f"Input X contains infinity or a value too large for {values.dtype!r}."
        return ""

    @property
    @abstractmethod
    def _stored_values(self) -> NDArray[Any]:
        """The numbers of X that are stored."""

    @property
    def mean(self) -> Floats:
        """Weighted column means."""
        return self.moments[0]

    @property
    def deviation(self) -> Floats:
        """Weighted standard deviations (ddof = 0), zero for constant columns."""
        return self.moments[1]

    @cached_property
    def centre(self) -> Floats:
        """What is subtracted from each column."""
        return self.mean if self.fit_intercept else np.zeros(self.n_features)

    @cached_property
    def _raw_norms(self) -> Floats:
        """Weighted norms of the centred columns, before scaling."""
        return self.deviation if self.fit_intercept else np.hypot(self.mean, self.deviation)

    @cached_property
    def scale(self) -> Floats:
        """Powers of two next to the norms, one for columns without information; see note d for groups."""
        if self._group_of is None:
            return power_of_two(self._raw_norms)
        if self.standardize:
            return np.where(self.deviation > 0, self.deviation, 1.0)
        largest = np.zeros(self._group_of.max() + 1)
        np.maximum.at(largest, self._group_of, self._raw_norms)
        return power_of_two(largest)[self._group_of]

    @cached_property
    def inverse_scale(self) -> Floats:
        """1 / scale; zero for columns without information, so that they are exactly zero in Z."""
        return (self._raw_norms > 0) / self.scale

    @cached_property
    def norms(self) -> Floats:
        """Norms of the columns of Z: in [1, 2), or zero; in groups, of the largest column of each."""
        return self._raw_norms / self.scale

    @cached_property
    def penalty_scale(self) -> Floats:
        """The units of the penalty: coefficients of Z are those it sees times this."""
        if not self.standardize:
            return self.scale
        return self.scale / np.where(self.deviation > 0, self.deviation, 1.0)

    # -------------------------------------------------------------------------------- verbs

    @abstractmethod
    def products(self, V: Floats, columns: Columns | None = None, run: Run = map) -> Floats:
        """V times X as it is stored, all columns or those listed; V is (t, n), the result (t, m), float64.

        ``run`` may apply a function to parts of X in several threads; the result does not depend on it, nor does that
        of a row on those beside it.
        """

    def correlations(self, residuals: Floats, columns: Columns | None = None) -> Floats:
        """Z' residual for all columns (one pass over X) or for those listed; rows of a (t, n) array share the pass.

        Z'r = (X'(root_weights r) - centre sum(root_weights r)) / scale
        """
        V = np.atleast_2d(self.root_weights * residuals)
        result = self.correlations_of(V, self.products(V, columns), columns)
        return result if residuals.ndim == 2 else result[0]

    def correlations_of(self, V: Floats, products: Floats, columns: Columns | None = None) -> Floats:
        """The same when V = root_weights * residuals and its products with X are known."""
        centre, inverse_scale = self._stored_centre, self.inverse_scale
        if columns is None:
            self.n_passes += 1.0
        else:
            self.n_passes += columns.size / self.n_features
            centre, inverse_scale = centre[columns], inverse_scale[columns]
        found = np.multiply.outer(-V.sum(axis=1), centre)
        found += products
        found *= inverse_scale
        return found

    @property
    def n_entries(self) -> int:
        """Numbers that X stores."""
        return self.n_samples * self.n_features

    @abstractmethod
    def combinations(self, coefs: Floats, rough: bool = False) -> Floats:
        """X coefs (m, n) for rows of coefs (m, p), in the user's units: no weights, no centring.

        ``rough``: for the sake of speed a few of the digits that large means cost may be lost.
        """

    @abstractmethod
    def residual_correlations(self, coefs: Floats, targets: Floats) -> tuple[Floats, Floats]:
        """Residuals r = target - Z u (m, n), and Z'r (m, p), for coefs u (m, p); one reading of X if it is dense."""

    @abstractmethod
    def adjoint(self, residuals: Floats, rough: bool = False) -> Floats:
        """Z'r (m, p) for rows of residuals (m, n), without a working copy of X; ``rough`` as in ``combinations``."""

    @abstractmethod
    def kernel(self, multiplier: Floats) -> Floats:
        """X diag(multiplier^2) X' (n, n), not weighted; centred only so far as large means would cost digits."""

    @abstractmethod
    def dual_products(self, V: Floats, multiplier: Floats, with_combinations: bool = True) -> tuple[Floats, Floats]:
        """Coefs w = (V X) * multiplier (m, p), and X w' (m, n), about the same shifts as in ``kernel``.

        Both are what they would be without the shifts if the rows of V sum to zero, the second up to a constant.
        """

    @cached_property
    def shift(self) -> Floats | None:
        """What is subtracted from X before products, so that large means cost no digits; None for nothing."""
        return None

    @cached_property
    def centre_alone(self) -> Floats:
        """The centre (p,), without the pass for the standard deviations if those are not known."""
        if "moments" in self.__dict__ or not self.fit_intercept:
            return self.centre
        with np.errstate(over="ignore", invalid="ignore"):
            shift = np.zeros(self.n_features) if self.shift is None else self.shift
            return shift + self.weighted_sums(self.weights)

    @property
    def is_small(self) -> bool:
        """Whether X is dense and a copy of it costs next to nothing."""
        return False

    def small_copy(self) -> Floats:
        """Z' (p, n) as a new array, of an X that is small."""
        raise NotImplementedError("only of small dense X")

    @abstractmethod
    def row_tiles(self, rows: int) -> Iterator[tuple[slice, Floats]]:
        """Dense tiles of so many rows of Z, all columns."""

    @abstractmethod
    def column_tiles(self, columns: int) -> Iterator[tuple[slice, Floats]]:
        """Dense tiles of so many columns of diag(root_weights) (X - shift)."""

    def triangle(self, features: Columns, targets: Floats) -> Floats:
        """The triangular factor of [Z_features, targets], for targets (t, n)."""
        size = features.size + len(targets)
        tiles = self.row_tiles(rows_at_once(size, TILE_ENTRIES))
        return triangle((np.column_stack([tile[:, features], targets[:, rows].T]) for rows, tile in tiles), size)

    def dual_triangle(self, multiplier: Floats, basis: Floats) -> Floats:
        """The triangular factor of the transpose of diag(root_weights) X diag(multiplier), off the basis (n, r)."""

        def off(tile: Floats) -> Floats:
            return np.asarray(tile - basis @ (basis.T @ tile))

        tiles = self.column_tiles(rows_at_once(self.n_samples, TILE_ENTRIES))
        return triangle((off(off(tile * multiplier[columns])).T for columns, tile in tiles), self.n_samples)

    @abstractmethod
    def weighted_sums(self, weights: Floats, rough: bool = False) -> Floats:
        """Sums of the rows of X, less the shift, under weights (n,); of dense X also under several, rows of (m, n).

        ``rough`` as in ``combinations``.
        """

    @abstractmethod
    def leverages(self, directions: Floats, shares: Floats) -> Floats:
        """(Z directions)^2 shares (n, k), for directions (p, r) and shares (r, k)."""

    @property
    @abstractmethod
    def columns(self) -> Any:
        """X as its columns are read: what was given, or the working copy."""

    @property
    def centring(self) -> Floats:
        """What was subtracted from the columns as they are stored."""
        return self.centre - self._stored_centre

    @property
    def _stored_centre(self) -> Floats:
        """What is still to be subtracted from the columns as they are stored."""
        return self.centre

    @abstractmethod
    def working_columns(self) -> WorkingColumns:
        """An empty set of columns of Z to work on."""

    def swept_columns(self) -> SweptColumns:
        """The same for sweeps alone, which may have fewer digits."""
        return self.working_columns()

    def combination(self, features: Columns, coefs: Floats) -> Floats:
        """Z_F coefs (T, n) for the coefs (m, T) of some features, whose columns are copied a few at a time."""
        out = np.zeros((coefs.shape[1], self.n_samples))
        for block in blocks(features.size, self.n_entries / self.n_features, TILE_ENTRIES):
            columns = self.working_columns()
            columns.append(features[block])
            out += columns.combine(coefs[block])
        return out

    @abstractmethod
    def _full_gram(self) -> Floats:
        """Z'Z, in one pass."""

    @cached_property
    def gram(self) -> Floats:
        """Z'Z of all columns, shape (p, p): one pass over X, or the user's matrix in these units."""
        if self._user_gram is None:
            return self._full_gram()
        gram = np.array(self._user_gram, dtype=np.float64, order="C") / self.n_samples
        gram *= self.inverse_scale
        gram *= self.inverse_scale[:, np.newaxis]
        return gram

    def gather(self, y: Floats) -> Moments | None:
        """Take the Gram matrix and all moments in one reading of X, and give them; None if that would cost digits."""
        return None

    def take_gram(self, moments: Moments) -> None:
        """Take (weighted) means and X'SX about the centre from elsewhere: X need not be read for them.

        The matrix is taken as it is, not copied, and scaled in place.
        """
        self.lost = moments.lost
        norms = np.sqrt(np.maximum(np.diagonal(moments.gram), 0.0))  # rounding may have left less than nothing
        if self.fit_intercept:
            self.__dict__["moments"] = self._trusted(moments.mean, norms)
        else:
            norms, _ = self._trusted(norms, np.zeros(self.n_features))
            norms[norms < SMALLEST] = 0.0
            self.__dict__["_raw_norms"] = norms
        self.__dict__["gram"] = moments.gram
        if np.any(self.inverse_scale != 1.0):
            for rows in blocks(self.n_features, self.n_features, TILE_ENTRIES):
                moments.gram[rows] *= self.inverse_scale
                moments.gram[rows] *= self.inverse_scale[rows, np.newaxis]

    def take_moments(self, mean: Floats, deviation: Floats) -> None:
        """Take weighted means and standard deviations from elsewhere: X need not be read for them."""
        self.__dict__["moments"] = self._trusted(mean, deviation)

    @property
    def has_gram(self) -> bool:
        """Whether Z'Z is at hand, or can be had without X."""
        return self._user_gram is not None or "gram" in self.__dict__

    def weighted_mean(self, y: Floats) -> Any:
        """sum_i s_i y_i, a number or (T,), or zero without an intercept."""
        return self.weights @ y if self.fit_intercept else np.zeros(y.shape[1:])


def power_of_two(norms: Floats) -> Floats:
    """The largest powers of two that are not above the norms; one where the norm is zero."""
    exponent = np.frexp(norms)[1] - 1
    return np.ldexp(1.0, np.where(norms > 0, exponent, 0))


def make_design(
    X: Any,
    sample_weight: Floats | Callable[[], Floats] | None = None,
    *,
    fit_intercept: bool = True,
    standardize: bool = False,
    gram: Floats | None = None,
    group_of: Columns | None = None,
) -> Design:
    """The design of an ndarray (any order, float32 or float64) or of a CSC matrix (int32 or int64 indices).

    ``sample_weight`` may be a function that makes the weights when they are needed; ``group_of`` (p,) numbers the
    groups of features that share a unit.
    """
    from regularize.design.dense import DenseDesign
    from regularize.design.sparse import SparseDesign

    kind = SparseDesign if sparse.issparse(X) else DenseDesign
    return kind(X, sample_weight, fit_intercept, standardize, gram, group_of)
