"""Which features outside the working set violate optimality, reading as little of X as possible.

The residuals r1, r0 of the last two full passes over X are kept with the correlations c1, c0 of all features. A new
residual is written r = t1 r1 + t0 r0 + e (least squares), and then

    |z_j'r| <= |t1 c1_j + t0 c0_j| + ||z_j|| ||e||               (Cauchy-Schwarz)

so that only features whose bound exceeds their threshold are read. When they are many, one full pass
replaces the older residual. The bound is safe: the gap that it certifies is a true one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from regularize.design import Design
from regularize.kernels import scan
from regularize.penalties import Penalty

Floats = NDArray[np.float64]
Columns = NDArray[np.intp]

# A full pass is a BLAS product; reading this share of the columns one by one costs about as much.
FULL_PASS_SHARE = 0.3


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
    """The last two full passes, and what they say about other residuals."""

    def __init__(self, design: Design, penalty: Penalty, residual: Floats) -> None:
        self.design = design
        self.penalty = penalty
        self._found = np.empty(design.n_features, dtype=np.intp)
        self._residuals = [residual]
        self._correlations = [design.correlations(residual)]

    @property
    def newest(self) -> Floats:
        """Correlations of all features at the last full pass."""
        return self._correlations[0]

    def _project(self, residual: Floats) -> tuple[float, float, float]:
        """t1, t0 and ||e|| of residual = t1 r1 + t0 r0 + e."""
        basis = np.column_stack(self._residuals)
        shares = np.linalg.lstsq(basis.T @ basis, basis.T @ residual, rcond=1e-12)[0]
        distance = float(np.linalg.norm(residual - basis @ shares))
        return float(shares[0]), float(shares[-1]) if shares.size > 1 else 0.0, distance

    def _exceeding(
        self, shares: tuple[float, float], distance: float, alpha: float, skip: NDArray[np.uint8]
    ) -> Columns:
        penalty = self.penalty
        count = scan.exceeding(
            self._correlations[0], self._correlations[-1], *shares, self.design.norms, distance,
            alpha, penalty.l1, penalty.lower, penalty.upper, skip, self._found,
        )  # fmt: skip
        return self._found[:count].copy()

    def predicted(self, residual: Floats, alpha: float, skip: NDArray[np.uint8]) -> Candidates:
        """Features that would violate optimality at ``residual`` as far as the two passes can tell."""
        share1, share0, _ = self._project(residual)
        features = self._exceeding((share1, share0), 0.0, alpha, skip)
        correlations = share1 * self._correlations[0][features] + share0 * self._correlations[-1][features]
        return Candidates(features, correlations)

    def violating(
        self, residual: Floats, alpha: float, skip: NDArray[np.uint8], slack: float
    ) -> tuple[Candidates, Candidates]:
        """Features read exactly because they might violate, and those of them that do.

        ``slack`` is the norm of a further, unknown change of the residual (the projection of the certificate).
        """
        share1, share0, distance = self._project(residual)
        features = self._exceeding((share1, share0), distance + slack, alpha, skip)
        if features.size > FULL_PASS_SHARE * self.design.n_features:
            self._full_pass(residual)
            features = self._exceeding((1.0, 0.0), slack, alpha, skip)
            correlations = self.newest[features]
        else:
            correlations = self.design.correlations(residual, features)
        read = Candidates(features, correlations)
        over = np.abs(correlations) > alpha * self.penalty.l1[features]
        over &= np.where(correlations > 0, self.penalty.upper[features] > 0, self.penalty.lower[features] < 0)
        return read, Candidates(features[over], correlations[over])

    def _full_pass(self, residual: Floats) -> None:
        self._residuals = [residual, self._residuals[0]]
        self._correlations = [self.design.correlations(residual), self._correlations[0]]
