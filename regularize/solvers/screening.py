"""Which features outside the working set violate optimality, reading as little of X as possible.

Two residuals r1, r0 are kept with the correlations c1, c0 of all features. A new
residual is written r = t1 r1 + t0 r0 + e (least squares), and then

    |z_j'r| <= |t1 c1_j + t0 c0_j| + ||z_j|| ||e||               (Cauchy-Schwarz)

so that only features whose bound exceeds their threshold are read. For a group the same holds with the norm of its
correlations and the largest singular value of its columns, for several targets with those of all of them. When they are
many, a full pass over X gives new correlations, of the present residual and of a look-ahead: the residual that the
working set alone would have some alphas further down. Both cost one reading of X, and residuals between the two are
close to their span, whereas a span of past residuals would have to extrapolate. How far to look ahead follows from how
long the last pair served. The bound is safe whatever the pair: the gap that it certifies is a true one.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from regularize.design import Design
from regularize.penalties import GroupPenalty, Penalty

Floats = NDArray[np.float64]
Columns = NDArray[np.intp]
Flags = NDArray[np.uint8]
Result = TypeVar("Result")
Pass = Generator[Floats, Floats, Result]  # yields residuals (rows), is sent their correlations with all features

# When more columns than this share are in doubt, a full pass pays: it serves the next alphas too. (Measured from 0.005
# to 0.2 on nine problems: small X prefers less, groups more. Columns of X in C order cost eight times as much by
# themselves as in a pass.)
FULL_PASS_SHARE = 0.1
PARALLEL = 1e-12  # squared sine of the angle between two residuals below which the second says nothing


@dataclass(frozen=True)
class Candidates:
    """Units of the penalty that are, or may soon be, in violation, with the alphas at which they would not be."""

    units: Columns
    alphas: Floats

    def strongest(self, count: int) -> Columns:
        """At most ``count`` units, the largest alpha first."""
        if self.units.size <= count:
            return self.units
        return self.units[np.argpartition(-self.alphas, count)[:count]]


@dataclass(frozen=True)
class Reading:
    """Units whose correlations with a residual were read: those (..., m) of all their features, and their penalty."""

    residual: Floats
    units: Columns
    penalty: Penalty | GroupPenalty
    features: Columns
    correlations: Floats


def _inverse_of(gram: Floats) -> Floats:
    """Of the Gram matrix of one or two residuals; if they are one and the same direction, of the first alone."""
    inverse = np.zeros(gram.shape)
    squared = float(gram[0, 0])
    if len(gram) == 2:
        across, other = float(gram[0, 1]), float(gram[1, 1])
        determinant = squared * other - across * across
        if determinant > PARALLEL * squared * other:
            return np.array([[other, -across], [-across, squared]]) / determinant
    inverse[0, 0] = 1.0 / squared if squared > 0 else 0.0
    return inverse


class Screen:
    """Two residuals with the correlations of all features, and what they say about other residuals."""

    def __init__(
        self, design: Design, penalty: Penalty | GroupPenalty, residual: Floats, correlations: Floats | None
    ) -> None:
        self.design = design
        self.penalty = penalty
        self.radii = penalty.radii(design.norms)
        self._found = np.empty(penalty.n_units, dtype=np.intp)
        self._cleared = np.zeros(penalty.n_units, dtype=bool)
        self._last_reading: Reading | None = None
        self._nothing = penalty.restrict(np.empty(0, dtype=np.intp))
        known = design.correlations(residual) if correlations is None else correlations
        self.keep(residual[np.newaxis], known[np.newaxis])

    def keep(self, residuals: Floats, correlations: Floats) -> None:
        """Hold on to one or two residuals (along the first axis) with the correlations of all features."""
        self._residuals = residuals.reshape(len(residuals), -1)
        self._inverse = _inverse_of(self._residuals @ self._residuals.T)
        self._correlations = correlations

    def reach(self) -> float:
        """The alpha to which the newest residual belongs: that of the strongest unit."""
        return float(self.penalty.critical_alphas(self._correlations[0]).max(initial=0.0))

    def _project(self, residual: Floats) -> tuple[float, float, float]:
        """t1, t0 and ||e|| of residual = t1 r1 + t0 r0 + e."""
        residual = residual.ravel()
        shares = self._inverse @ (self._residuals @ residual)
        distance = residual - shares @ self._residuals
        return float(shares[0]), float(shares[1:].sum()), float(np.sqrt(distance @ distance))

    def _exceeding(self, shares: tuple[float, float], distance: float, alpha: float, skip: Flags) -> Columns:
        pair = self._correlations[0], self._correlations[-1]
        count = self.penalty.exceeding(pair, shares, self.radii, distance, alpha, skip, self._found)
        return self._found[:count].copy()

    def predicted(self, residual: Floats, alpha: float, skip: Flags) -> Candidates:
        """Units that would violate optimality at ``residual`` as far as the pair can tell."""
        share1, share0, _ = self._project(residual)
        units = self._exceeding((share1, share0), 0.0, alpha, skip)
        if units.size == 0:
            return Candidates(units, np.empty(0))
        features = self.penalty.features_of(units)
        newest, older = self._correlations[0], self._correlations[-1]
        correlations = share1 * newest[..., features] + share0 * older[..., features]
        return Candidates(units, self.penalty.restrict(units, features).critical_alphas(correlations))

    def violating(
        self, residual: Floats, alpha: float, skip: Flags, slack: float, look_ahead: Callable[[], list[Floats]]
    ) -> Pass[tuple[Reading, Candidates]]:
        """Units read exactly because they might violate, and those of them that do; may ask for a full pass.

        ``slack`` is the norm of a further, unknown change of the residual (the projection of the certificate);
        ``look_ahead`` gives the residuals, none or one, that are worth having along with a full pass.
        """
        share1, share0, distance = self._project(residual)
        units = self._exceeding((share1, share0), distance + slack, alpha, skip)
        units = self._not_cleared_by_last_reading(units, residual, alpha, slack)
        if units.size == 0:
            self._last_reading = Reading(residual, units, self._nothing, units, np.empty((*residual.shape[:-1], 0)))
            return self._last_reading, Candidates(units, np.empty(0))
        features = self.penalty.features_of(units)
        is_full = features.size > FULL_PASS_SHARE * self.design.n_features
        if is_full:
            residuals = np.array([residual, *look_ahead()])
            known = yield residuals.reshape(-1, residuals.shape[-1])
            self.keep(residuals, known.reshape(*residuals.shape[:-1], -1))
            units = self._exceeding((1.0, 0.0), slack, alpha, skip)
            features = self.penalty.features_of(units)
            correlations = self._correlations[0][..., features]
        else:
            correlations = self.design.correlations(residual, features)
        reading = Reading(residual, units, self.penalty.restrict(units, features), features, correlations)
        if not is_full:
            self._last_reading = reading
        alphas = reading.penalty.critical_alphas(correlations)
        return reading, Candidates(units[alphas > alpha], alphas[alphas > alpha])

    def _not_cleared_by_last_reading(self, units: Columns, residual: Floats, alpha: float, slack: float) -> Columns:
        """Drop those that were read a moment ago, for a residual so close that they cannot violate now."""
        last = self._last_reading
        if last is None or units.size == 0 or last.units.size == 0:
            return units
        change = (residual - last.residual).ravel()
        reach = float(np.sqrt(change @ change)) + slack
        pair = last.correlations, last.correlations
        skip, found = np.zeros(last.units.size, dtype=np.uint8), np.empty(last.units.size, dtype=np.intp)
        count = last.penalty.exceeding(pair, (1.0, 0.0), self.radii[last.units], reach, alpha, skip, found)
        self._cleared[last.units] = True
        self._cleared[last.units[found[:count]]] = False
        kept = units[~self._cleared[units]]
        self._cleared[last.units] = False
        return kept
