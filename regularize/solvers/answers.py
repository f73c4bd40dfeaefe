"""Solutions on a working set at some alphas: knots, which were solved, and what is interpolated between them.

The residual of a mixture of solutions is the mixture of their residuals, and so are its correlations: nothing but those
of the knots has to be computed.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Answers:
    """Coefficients (k, |W|, ...) at alphas (k,), non-increasing, the first and the last of which are knots.

    knots (K,): their positions; residuals (K, ..., n) and correlations (K, |W|, ...): those of the knots.
    """

    alphas: Floats
    coefs: Floats
    knots: NDArray[np.intp]
    residuals: Floats
    correlations: Floats

    @cached_property
    def _shares(self) -> Floats:
        """What of each knot is in each of the answers, (k, K)."""
        k, places = self.alphas.size, self.knots
        right = np.searchsorted(places, np.arange(k))
        left = np.maximum(right - 1, 0)
        begin, end = self.alphas[places[left]], self.alphas[places[right]]
        share = np.divide(begin - self.alphas, begin - end, out=np.ones(k), where=begin > end)
        shares = np.zeros((k, places.size))
        shares[np.arange(k), left] = 1.0 - share
        shares[np.arange(k), right] += share
        return shares

    def mixed(self, of_knots: Floats) -> Floats:
        """What belongs to all answers, given for the knots along the first axis."""
        if len(of_knots) == self.alphas.size:
            return of_knots
        mixed = self._shares @ of_knots.reshape(self.knots.size, -1)
        return mixed.reshape(self.alphas.size, *of_knots.shape[1:])

    @cached_property
    def squares(self) -> Floats:
        """The squared norm of each residual, (k,)."""
        rows = self.residuals.reshape(self.knots.size, -1)
        if self.knots.size == self.alphas.size:
            return np.einsum("ij,ij->i", rows, rows)
        return np.maximum(np.einsum("ij,ij->i", self._shares @ (rows @ rows.T), self._shares), 0.0)
