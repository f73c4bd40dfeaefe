"""A penalty is data: one record of arrays, one entry per feature.

The record describes, for a coefficient vector ``w`` of ``p`` features,

    alpha * sum_j l1_j |w_j|  +  alpha / 2 * sum_j l2_j w_j^2,     lower_j <= w_j <= upper_j.

Design notes
------------
a. Lasso, elastic net, adaptive, unpenalised (factor 0), excluded (factor inf), non-negative and box
   constrained models are *values* of this record, never branches of a solver.
b. ``alpha`` stays outside: a path is one record and many alphas.
c. An excluded feature is the box ``[0, 0]`` with factor 0: no infinity reaches a kernel's arithmetic.
d. Implicit standardisation and equilibration are a change of units, ``w_j = u_j / scale_j``, so they
   are :meth:`Penalty.in_units_of` and nothing else: no solver knows that columns were scaled.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


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

    def restrict(self, columns: NDArray[np.intp]) -> Penalty:
        """The record of some of the features."""
        return Penalty(self.l1[columns], self.l2[columns], self.lower[columns], self.upper[columns])

    def at(self, alpha: float) -> Penalty:
        """The record with ``alpha`` multiplied in."""
        return Penalty(alpha * self.l1, alpha * self.l2, self.lower, self.upper)

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

    def always_active(self) -> NDArray[np.intp]:
        """Features that no alpha keeps at zero: free of an l1 term, or with zero outside their box."""
        movable = self.lower < self.upper
        return np.flatnonzero(((self.l1 == 0) & movable) | (self.lower > 0) | (self.upper < 0))
