"""Which features outside the working set violate optimality, reading as little of X as possible.

Some residuals are kept with the correlations of all features. A new residual is written r = t1 r1 + t0 r0 + e (least
squares on the two that are nearest), and then

    |z_j'r| <= |t1 c1_j + t0 c0_j| + ||z_j|| ||e||               (Cauchy-Schwarz)

so that only features whose bound exceeds their threshold are read. For a group the same holds with the norm of its
correlations and the largest singular value of its columns, for several targets with those of all of them. When they are
many, a full pass over X gives new correlations: of the residuals in question, or, where X is large, of the first and
the last of them, as those in between are close to their span. For a single residual a look-ahead takes the place of the
last one: the residual that the working set alone would have some alphas further down. Both cost one reading of X,
whereas a span of past residuals would have to extrapolate. The bound is safe whatever the residuals: the gap that it
certifies is a true one.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from regularize.design import Design
from regularize.kernels import scan
from regularize.penalties import GroupPenalty, Penalty
from regularize.penalties.penalty import Spans

Floats = NDArray[np.float64]
Columns = NDArray[np.intp]
Flags = NDArray[np.uint8]
Result = TypeVar("Result")
Pass = Generator[Floats, Floats, Result]  # yields residuals (rows), is sent their correlations with all features

# When more columns than this share are in doubt, a full pass pays: it serves the next alphas too. (Measured from 0.005
# to 0.2 on nine problems: small X prefers less, groups more. Columns of X in C order cost eight times as much by
# themselves as in a pass.)
FULL_PASS_SHARE = 0.1
SMALL = 1 << 20  # entries of X up to which a full pass takes all residuals in question
PARALLEL = 1e-12  # squared sine of the angle between two residuals below which the second says nothing


@dataclass(frozen=True)
class Candidates:
    """Units of the penalty that are, or may soon be, in violation, and how strongly."""

    units: Columns
    strengths: Floats

    def strongest(self, count: int) -> Columns:
        """At most ``count`` units."""
        if self.units.size <= count:
            return self.units
        return self.units[np.argpartition(-self.strengths, count)[:count]]


@dataclass(frozen=True)
class Reading:
    """Units whose correlations with some residuals (K, ..., n) were read, because they might violate optimality.

    alphas (K,): those of the residuals; correlations (K, ..., m): of all features of the units; critical (K, units):
    the alphas at which each unit would not violate.
    """

    residuals: Floats
    alphas: Floats
    units: Columns
    penalty: Penalty | GroupPenalty
    features: Columns
    correlations: Floats
    critical: Floats

    def violating(self, first: int = 0) -> Candidates:
        """Those that do at the residuals from ``first`` on, by how much of alpha they exceed it at most."""
        excess = (self.critical[first:] - self.alphas[first:, np.newaxis]).max(axis=0, initial=0.0)
        return Candidates(self.units[excess > 0], excess[excess > 0])


class Known:
    """Residuals (A, ..., n) with their correlations (A, ..., p), and what they say about others."""

    def __init__(self, residuals: Floats, correlations: Floats) -> None:
        self._residuals = np.ascontiguousarray(residuals.reshape(len(residuals), -1))
        self._products = self._residuals @ self._residuals.T
        self.correlations = np.ascontiguousarray(correlations)

    def spans(self, residuals: Floats) -> Spans:
        """The two that are nearest to each residual (K, ..., n), what of each makes it up, and how far off that is."""
        count = len(residuals)
        rows = np.ascontiguousarray(residuals.reshape(count, -1))
        pairs, shares, distances = np.empty((count, 2), dtype=np.intp), np.empty((count, 2)), np.empty(count)
        scan.spans(self._residuals, self._products, rows, PARALLEL, pairs, shares, distances)
        return pairs, shares, distances

    def exceeding(
        self,
        penalty: Penalty | GroupPenalty,
        residuals: Floats,
        alphas: Floats,
        radii: Floats,
        skip: Flags,
        slack: float,
    ) -> Flags:
        """The units of a penalty on the same features that may violate at some of the residuals."""
        pairs, shares, distances = self.spans(residuals)
        return penalty.exceeding(self.correlations, (pairs, shares, distances + slack), radii, alphas, skip)


class Screen:
    """Some residuals with the correlations of all features, and what they say about other residuals."""

    def __init__(
        self, design: Design, penalty: Penalty | GroupPenalty, residual: Floats, correlations: Floats | None
    ) -> None:
        self.design = design
        self.penalty = penalty
        self.radii = penalty.radii(design.norms)
        self._nothing = penalty.restrict(np.empty(0, dtype=np.intp))
        self._last_reading: tuple[Reading, Known] | None = None
        self._is_small = design.n_entries <= SMALL
        known = design.correlations(residual) if correlations is None else correlations
        self.keep(residual[np.newaxis], known[np.newaxis])

    def keep(self, residuals: Floats, correlations: Floats) -> None:
        """Hold on to some residuals (along the first axis) with the correlations of all features."""
        self._known = Known(residuals, correlations)

    def reach(self) -> float:
        """The alpha to which the first of the residuals belongs: that of the strongest unit."""
        return float(self.penalty.critical_alphas(self._known.correlations[0]).max(initial=0.0))

    def predicted(self, residual: Floats, alpha: float, skip: Flags) -> Candidates:
        """Units that would violate optimality at ``residual`` as far as the residuals that are known can tell."""
        known, (pairs, shares, distances) = self._known.correlations, self._known.spans(residual[np.newaxis])
        spans = pairs, shares, np.zeros_like(distances)
        units = np.flatnonzero(self.penalty.exceeding(known, spans, self.radii, np.array([alpha]), skip))
        if units.size == 0:
            return Candidates(units, np.empty(0))
        features, (first, other) = self.penalty.features_of(units), pairs[0].tolist()
        correlations = shares[0, 0] * known[first][..., features] + shares[0, 1] * known[other][..., features]
        return Candidates(units, self.penalty.restrict(units, features).critical_alphas(correlations))

    def violating(
        self,
        residuals: Floats,
        alphas: Floats,
        skip: Flags,
        slack: float = 0.0,
        look_ahead: Callable[[], list[Floats]] = list,
    ) -> Pass[Reading]:
        """Units read exactly because they might violate at some of the residuals (K, ..., n); may ask for a full pass.

        ``slack`` is the norm of a further, unknown change of the residuals (the projection of the certificate);
        ``look_ahead`` gives the residuals, none or one, that are worth having along with a full pass.
        """
        units = self._doubtful(residuals, alphas, skip, slack)
        features = self.penalty.features_of(units)
        is_known = False
        if features.size > FULL_PASS_SHARE * self.design.n_features:
            is_known = self._is_small or len(residuals) <= 2
            wanted = np.array([*(residuals if is_known else residuals[[0, -1]]), *look_ahead()])
            known = yield wanted.reshape(-1, wanted.shape[-1])
            self.keep(wanted, known.reshape(*wanted.shape[:-1], -1))
            units = self._doubtful(residuals, alphas, skip, slack)
            features = self.penalty.features_of(units)
        if units.size == 0:
            shapes = (*residuals.shape[:-1], 0), (len(residuals), 0)
            return Reading(residuals, alphas, units, self._nothing, features, *map(np.empty, shapes))
        penalty, shape = self.penalty.restrict(units, features), residuals.shape[:-1]
        if is_known:
            correlations = self._known.correlations[: len(residuals)][..., features]
        else:
            rows = residuals.reshape(-1, residuals.shape[-1])
            correlations = self.design.correlations(rows, features).reshape(*shape, features.size)
        critical = penalty.critical_alphas(correlations)
        reading = Reading(residuals, alphas, units, penalty, features, correlations, critical)
        if not (is_known or self._is_small):
            self._last_reading = reading, Known(residuals, correlations)
        return reading

    def _doubtful(self, residuals: Floats, alphas: Floats, skip: Flags, slack: float) -> Columns:
        """Units that may violate at some of the residuals."""
        flags = self._known.exceeding(self.penalty, residuals, alphas, self.radii, skip, slack)
        if self._last_reading is not None:
            reading, known = self._last_reading
            units = reading.units
            fresh = flags[units]  # those that were read a moment ago may be known well enough
            if fresh.any():
                radii = self.radii[units]
                flags[units] = known.exceeding(reading.penalty, residuals, alphas, radii, 1 - fresh, slack)
        return np.flatnonzero(flags)
