"""Which features outside the working set violate optimality, reading as little of X as possible.

Two residuals r1, r0 are kept with the correlations c1, c0 of all features. A new
residual is written r = t1 r1 + t0 r0 + e (least squares), and then

    |z_j'r| <= |t1 c1_j + t0 c0_j| + ||z_j|| ||e||               (Cauchy-Schwarz)

so that only features whose bound exceeds their threshold are read. When they are many, a full pass over X gives new
correlations, of the present residual and of a look-ahead: the residual that the working set alone would have some
alphas further down. Both cost one reading of X, and residuals between the two are close to their span, whereas a span
of past residuals would have to extrapolate. How far to look ahead follows from how long the last pair served. The bound
is safe whatever the pair: the gap that it certifies is a true one.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from regularize.design import Design
from regularize.kernels import scan
from regularize.penalties import Penalty

Floats = NDArray[np.float64]
Columns = NDArray[np.intp]
Flags = NDArray[np.uint8]
Result = TypeVar("Result")
Pass = Generator[Floats, Floats, Result]  # yields residuals (rows), is sent their correlations with all features

# When more columns than this share are in doubt, a full pass pays: it serves the next alphas too.
FULL_PASS_SHARE = 0.2


@dataclass(frozen=True)
class Candidates:
    """Features with their correlations: exact when read, predicted when not."""

    features: Columns
    correlations: Floats

    def strongest(self, penalty: Penalty, alpha: float, count: int) -> Columns:
        """At most ``count`` features above the threshold, largest correlation relative to it first."""
        if self.features.size <= count:
            return self.features
        with np.errstate(divide="ignore"):
            ratio = np.abs(self.correlations) / (alpha * penalty.l1[self.features])
        return self.features[np.argpartition(-ratio, count)[:count]]


class Screen:
    """Two residuals with the correlations of all features, and what they say about other residuals."""

    def __init__(self, design: Design, penalty: Penalty, residual: Floats, correlations: Floats | None) -> None:
        self.design = design
        self.penalty = penalty
        self._found = np.empty(design.n_features, dtype=np.intp)
        self._cleared = np.zeros(design.n_features, dtype=bool)
        self._last_read = (residual, np.empty(0, dtype=np.intp), np.empty(0))
        known = design.correlations(residual) if correlations is None else correlations
        self.keep(residual[np.newaxis], known[np.newaxis])

    def keep(self, residuals: Floats, correlations: Floats) -> None:
        """Hold on to one or two residuals (rows) with the correlations of all features."""
        self._residuals = residuals
        self._inverse = np.linalg.pinv(residuals @ residuals.T, rcond=1e-12, hermitian=True)
        self._correlations = correlations

    def reach(self) -> float:
        """The alpha to which the newest residual belongs: that of the strongest feature."""
        newest, penalty = self._correlations[0], self.penalty
        open_side = np.where(newest > 0, penalty.upper > 0, penalty.lower < 0) & (penalty.l1 > 0)
        return float(np.max(np.abs(newest[open_side]) / penalty.l1[open_side], initial=0.0))

    def _project(self, residual: Floats) -> tuple[float, float, float]:
        """t1, t0 and ||e|| of residual = t1 r1 + t0 r0 + e."""
        shares = self._inverse @ (self._residuals @ residual)
        distance = residual - shares @ self._residuals
        return float(shares[0]), float(shares[1:].sum()), float(np.sqrt(distance @ distance))

    def _exceeding(self, shares: tuple[float, float], distance: float, alpha: float, skip: Flags) -> Columns:
        penalty = self.penalty
        count = scan.exceeding(
            self._correlations[0], self._correlations[-1], *shares, self.design.norms, distance,
            alpha, penalty.l1, penalty.lower, penalty.upper, skip, self._found,
        )  # fmt: skip
        return self._found[:count].copy()

    def predicted(self, residual: Floats, alpha: float, skip: Flags) -> Candidates:
        """Features that would violate optimality at ``residual`` as far as the pair can tell."""
        share1, share0, _ = self._project(residual)
        features = self._exceeding((share1, share0), 0.0, alpha, skip)
        newest, older = self._correlations[0], self._correlations[-1]
        return Candidates(features, share1 * newest[features] + share0 * older[features])

    def violating(
        self, residual: Floats, alpha: float, skip: Flags, slack: float, look_ahead: Callable[[], list[Floats]]
    ) -> Pass[tuple[Candidates, Candidates]]:
        """Features read exactly because they might violate, and those of them that do; may ask for a full pass.

        ``slack`` is the norm of a further, unknown change of the residual (the projection of the certificate);
        ``look_ahead`` gives the residuals, none or one, that are worth having along with a full pass.
        """
        share1, share0, distance = self._project(residual)
        features = self._exceeding((share1, share0), distance + slack, alpha, skip)
        features = self._not_cleared_by_last_read(features, residual, alpha, slack)
        if features.size > FULL_PASS_SHARE * self.design.n_features:
            residuals = np.array([residual, *look_ahead()])
            self.keep(residuals, (yield residuals))
            features = self._exceeding((1.0, 0.0), slack, alpha, skip)
            correlations = self._correlations[0][features]
        else:
            correlations = self.design.correlations(residual, features)
            self._last_read = (residual, features, np.abs(correlations))
        read = Candidates(features, correlations)
        over = np.abs(correlations) > alpha * self.penalty.l1[features]
        over &= np.where(correlations > 0, self.penalty.upper[features] > 0, self.penalty.lower[features] < 0)
        return read, Candidates(features[over], correlations[over])

    def _not_cleared_by_last_read(self, features: Columns, residual: Floats, alpha: float, slack: float) -> Columns:
        """Drop those that were read a moment ago, for a residual so close that they cannot violate now."""
        read_residual, read_features, sizes = self._last_read
        if features.size == 0 or read_features.size == 0:
            return features
        change = residual - read_residual
        reach = float(np.sqrt(change @ change)) + slack
        limits = alpha * self.penalty.l1[read_features]
        cleared = read_features[sizes + self.design.norms[read_features] * reach < limits]
        self._cleared[cleared] = True
        kept = features[~self._cleared[features]]
        self._cleared[cleared] = False
        return kept
