"""A penalty is data: one record of arrays, one entry per feature.

The record describes, for a coefficient vector ``w`` of ``p`` features,

    alpha * sum_j l1_j |w_j|  +  alpha / 2 * sum_j l2_j w_j^2,     lower_j <= w_j <= upper_j.

Design notes
------------
a. Lasso, elastic net, adaptive, unpenalised (factor 0), excluded (factor inf), non-negative and box
   constrained models are *values* of this record, never branches of a solver.
b. ``alpha`` stays outside: a path is one record and many alphas.
c. An excluded feature is the box ``[0, 0]`` with factor 0: no infinity reaches a kernel's arithmetic.
d. Solvers ask for *units*: what enters the working set as a whole. Here a unit is a feature, in a
   :class:`GroupPenalty` it is a group.
e. Implicit standardisation and equilibration are a change of units, ``w_j = u_j / scale_j``, so they
   are :meth:`Penalty.in_units_of` and nothing else: no solver knows that columns were scaled.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from regularize.kernels import scan

Floats = NDArray[np.float64]
Columns = NDArray[np.intp]
Flags = NDArray[np.uint8]
Spans = tuple[Columns, Floats, Floats]  # pairs (K, 2), shares (K, 2) and distances (K,): see kernels/scan.pyx


@dataclass(frozen=True)
class Penalty:
    """Arrays ``l1``, ``l2``, ``lower``, ``upper``, each of shape (p,), float64."""

    l1: Floats
    l2: Floats
    lower: Floats
    upper: Floats

    @classmethod
    def elastic_net(
        cls,
        n_features: int,
        l1_ratio: float = 1.0,
        *,
        factor: Floats | None = None,
        lower: Floats | None = None,
        upper: Floats | None = None,
    ) -> Penalty:
        """The elastic net ``l1_ratio |w| + (1 - l1_ratio)/2 w^2``, times a factor per feature."""
        factor = np.ones(n_features) if factor is None else np.array(factor, dtype=np.float64)
        lower = np.full(n_features, -np.inf) if lower is None else np.array(lower, dtype=np.float64)
        upper = np.full(n_features, np.inf) if upper is None else np.array(upper, dtype=np.float64)
        excluded = np.isinf(factor)
        factor[excluded] = 0.0
        lower[excluded] = 0.0
        upper[excluded] = 0.0
        return cls(l1_ratio * factor, (1.0 - l1_ratio) * factor, lower, upper)

    @property
    def n_features(self) -> int:
        """Number of features p."""
        return self.l1.shape[0]

    @property
    def excluded(self) -> NDArray[np.bool_]:
        """Features whose box is zero alone."""
        return (self.lower == 0.0) & (self.upper == 0.0)

    @property
    def features(self) -> Penalty:
        """What each feature has of its own: this record."""
        return self

    @property
    def n_units(self) -> int:
        """Number of units."""
        return self.n_features

    @property
    def group_of(self) -> None:
        """The groups of features that share a unit: there are none."""
        return None

    def features_of(self, units: Columns) -> Columns:
        """The features of some units."""
        return units

    def units_with(self, features: NDArray[np.bool_]) -> Columns:
        """The units that have some of the features, given by flags (p,)."""
        return np.flatnonzero(features)

    def holds(self) -> Penalty:
        """The record with l1 terms of what keeps features at zero."""
        return self

    def radii(self, norms: Floats) -> Floats:
        """What a residual of norm one may add to the correlations of each unit, by the norms of the columns (p,)."""
        return norms

    def exceeding(self, known: Floats, spans: Spans, radii: Floats, alphas: Floats, skip: Flags) -> Flags:
        """Which units (n_units,) may violate optimality at one of some residuals; see kernels/scan.pyx.

        known (A, p): correlations of residuals that are known; spans: what they say about the others; ``radii`` as of
        :meth:`radii`; alphas: those of the residuals; ``skip`` (n_units,): units that are never marked.
        """
        exceeds = np.empty(self.n_units, dtype=np.uint8)
        scan.exceeding(known, *spans, alphas, radii, self.l1, self.lower, self.upper, skip, exceeds)
        return exceeds

    def critical_alphas(self, correlations: Floats) -> Floats:
        """The smallest alphas (..., n_units) at which each unit stays at zero, by correlations (..., p)."""
        open_side = np.where(correlations > 0, self.upper > 0, self.lower < 0)
        alphas = np.zeros(correlations.shape)
        return np.divide(np.abs(correlations), self.l1, out=alphas, where=open_side & (self.l1 > 0))

    def without_kinks(self) -> Penalty:
        """The record at an alpha so large that only what nothing keeps at zero can move."""
        held = self.l1 > 0
        rest, zero = np.clip(0.0, self.lower, self.upper), np.zeros(self.n_features)
        lower, upper = np.where(held, rest, self.lower), np.where(held, rest, self.upper)
        return Penalty(zero, np.where(held, 0.0, self.l2), lower, upper)

    @property
    def has_kinks(self) -> bool:
        """Whether some coefficient that may move has an l1 term or a bound."""
        bounded = np.isfinite(self.lower) | np.isfinite(self.upper)
        return bool(np.any((self.l1 > 0) | bounded, where=~self.excluded))

    def restrict(self, columns: Columns, features: Columns | None = None) -> Penalty:
        """The record of some of the features, which are its units."""
        return Penalty(self.l1[columns], self.l2[columns], self.lower[columns], self.upper[columns])

    def at(self, alpha: float) -> Penalty:
        """The record with ``alpha`` multiplied in."""
        return Penalty(alpha * self.l1, alpha * self.l2, self.lower, self.upper)

    def values(self, coefs: Floats, alphas: Floats) -> Floats:
        """The penalty (k,) of each row of ``coefs`` (k, p) at its alpha."""
        sizes = np.abs(coefs)
        return np.asarray(alphas * (sizes @ self.l1 + 0.5 * (np.square(sizes) @ self.l2)))

    def in_units_of(self, scale: Floats, penalty_scale: Floats, response_scale: float) -> Penalty:
        """The record for ``u = w * scale / response_scale``, the objective divided by response_scale^2.

        The box scales with u. The penalty sees ``w * scale / penalty_scale = u * response_scale / penalty_scale``
        (penalty_scale differs from scale when the penalty is on standardised coefficients), so l1 becomes
        ``l1 / (penalty_scale * response_scale)`` and l2 becomes ``l2 / penalty_scale^2``.
        """
        return Penalty(
            self.l1 / penalty_scale / response_scale,
            self.l2 / penalty_scale / penalty_scale,
            self.lower * scale / response_scale,
            self.upper * scale / response_scale,
        )

    def always_active(self) -> Columns:
        """Units that no alpha keeps at zero: free of an l1 term, or with zero outside their box."""
        movable = self.lower < self.upper
        return np.flatnonzero(((self.l1 == 0) & movable) | (self.lower > 0) | (self.upper < 0))
