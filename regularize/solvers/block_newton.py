"""The Newton system of a penalty on blocks of coefficients, as products: nothing of its size squared exists.

With alpha in the penalty, kappa_g = norm_g / ||W_g|| and U_g = W_g / ||W_g||, the Hessian on the features that move
smoothly is

    G + l2 + kappa_g (I - vec(U_g) vec(U_g)')   on block g,

and the preconditioner of its conjugate gradients has the squared norms of the columns in place of G.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from regularize.penalties import GroupPenalty

Floats = NDArray[np.float64]


class State(NamedTuple):
    """Coefficients (m, T) with their residual (T, n) and its correlations (m, T)."""

    coef: Floats
    residual: Floats
    correlations: Floats

    def combined(self, shares: Sequence[float] | Floats, states: Sequence[State]) -> State:
        """The combination of states with weights that sum to one; coefficients they did not have yet are zero."""
        coef, correlations = np.zeros_like(self.coef), np.zeros_like(self.correlations)
        for share, state in zip(shares, states, strict=True):
            coef[: len(state.coef)] += share * state.coef
            correlations[: len(state.coef)] += share * state.correlations
        return State(coef, np.tensordot(shares, [state.residual for state in states], 1), correlations)


class NewtonSystem:
    """The slope of the objective at a state, and products with its Hessian, for a penalty with alpha multiplied in.

    ``squares`` are the squared norms of the columns.
    """

    def __init__(self, state: State, penalty: GroupPenalty, squares: Floats) -> None:
        features, groups = penalty.features, penalty.groups
        self._coef, self._features, self._starts, self._labels = state.coef, features, groups.starts[:-1], groups.labels
        norms = np.sqrt(self._sums(np.square(state.coef).sum(axis=1)))
        active = (norms > 0) | (penalty.norm == 0)
        low, high = features.lower[:, np.newaxis], features.upper[:, np.newaxis]
        smooth = (low < state.coef) & (state.coef < high) & ((state.coef != 0) | (features.l1 == 0)[:, np.newaxis])
        self._free = smooth & active[self._labels][:, np.newaxis]
        kappa = np.divide(penalty.norm, norms, out=np.zeros_like(norms), where=norms > 0)
        self._kappa = kappa[self._labels][:, np.newaxis]
        self._unit = state.coef / np.where(norms > 0, norms, 1.0)[self._labels][:, np.newaxis]
        self._l2 = features.l2[:, np.newaxis]
        self._square = np.maximum(self._sums(squares) / groups.sizes, 1e-300)[self._labels][:, np.newaxis]
        signs = features.l1[:, np.newaxis] * np.sign(state.coef)
        self.slope = self.masked(state.correlations - (self._l2 + self._kappa) * state.coef - signs)

    def _sums(self, values: Floats) -> Floats:
        return np.asarray(np.add.reduceat(values, self._starts))

    def masked(self, values: Floats) -> Floats:
        """Zero where nothing moves."""
        return np.where(self._free, values, 0.0)

    def _along(self, values: Floats) -> Floats:
        """U_g <U_g, values_g> for each block."""
        sums = self._sums(np.einsum("jt,jt->j", self._unit, values))
        return self.masked(self._unit * sums[self._labels][:, np.newaxis])

    def penalty_times(self, values: Floats) -> Floats:
        """The penalty's Hessian times values."""
        return (self._l2 + self._kappa) * values - self._kappa * self._along(values)

    def preconditioned(self, values: Floats) -> Floats:
        """The inverse of the preconditioner times values."""
        across = self._square + self._l2
        return (values + self._kappa / across * self._along(values)) / (across + self._kappa)

    def ended(self, step: Floats) -> Floats:
        """The coefficients after a step: it ends at kinks and bounds, and blocks that would turn round end at zero."""
        low, high = self._features.lower[:, np.newaxis], self._features.upper[:, np.newaxis]
        has_l1 = (self._features.l1 > 0)[:, np.newaxis]
        low = np.where(has_l1 & (self._coef > 0), np.maximum(low, 0.0), low)
        high = np.where(has_l1 & (self._coef < 0), np.minimum(high, 0.0), high)
        coef = np.where(self._free, np.clip(self._coef + step, low, high), self._coef)
        turned = self._sums(np.einsum("jt,jt->j", self._coef, coef)) <= 0.0
        coef[turned[self._labels] & (self._kappa[:, 0] > 0)] = 0.0
        return coef
