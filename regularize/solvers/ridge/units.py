"""The ridge problem in the units of its solvers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from regularize.design import Design
from regularize.design.design import CONSTANT, power_of_two
from regularize.penalties import Penalty

Floats = NDArray[np.float64]
Features = NDArray[np.intp]


@dataclass(frozen=True)
class RidgeProblem:
    """Responses as the solvers see them, and which features are penalised.

    The user's coefficients are ``w = prior + scale * v`` with v the solution for ``responses`` (n, t): those of the
    user, less what the prior predicts, centred and divided by ``scale`` (t,), a power of two. ``levels`` (t,) were
    subtracted. ``targets`` (t, n) are the same, multiplied by the roots of the weights. ``penalised`` and ``free``
    features: the others are excluded, or constant and so of no use. ``factors`` (p,) are the penalty's l2, for
    coefficients in the user's units (those of standardised columns if so asked).
    """

    design: Design
    responses: Floats
    levels: Floats
    scale: Floats
    prior: Floats
    penalised: Features
    free: Features
    factors: Floats

    @classmethod
    def of(cls, design: Design, y: Floats, penalty: Penalty, prior: Floats | None) -> RidgeProblem:
        """The problem for targets y (n, t)."""
        n_targets = y.shape[1]
        usable = ~penalty.excluded
        own = prior_of_targets(prior, n_targets, design.n_features)
        if prior is not None:
            own[:, ~usable] = 0.0
            y = y - design.combinations(own).T
        sizes = power_of_two(np.max(np.abs(y), axis=0, initial=0.0))
        responses, levels = y / sizes, np.zeros(n_targets)
        if design.fit_intercept:
            levels = weighted_mean(responses, design.weights)
            responses = responses - levels
        norms = np.sqrt(design.weights @ np.square(responses))
        nothing = norms <= CONSTANT * np.abs(levels)
        responses[:, nothing], norms[nothing] = 0.0, 0.0
        own_size, is_penalised = power_of_two(norms), penalty.l2 > 0
        return cls(
            design,
            np.asfortranarray(responses / own_size),
            levels * sizes,
            sizes * own_size,
            own,
            np.flatnonzero(usable & is_penalised),
            np.flatnonzero(usable & ~is_penalised),
            penalty.l2,
        )

    @cached_property
    def targets(self) -> Floats:
        """The responses times the roots of the weights, (t, n)."""
        return np.ascontiguousarray((self.responses * self.design.root_weights[:, np.newaxis]).T)

    @cached_property
    def squared_targets(self) -> Floats:
        """Weighted squares of the responses (t,)."""
        return np.asarray(np.einsum("ti,ti->t", self.targets, self.targets))

    @cached_property
    def multiplier(self) -> Floats:
        """What brings columns, as the user gave them, to a penalty of one: l2^(-1/2) (p,), zero if not penalised."""
        out = np.zeros(self.design.n_features)
        out[self.penalised] = 1.0 / np.sqrt(standardised(self.factors, self.design)[self.penalised])
        return out


def standardised(factors: Floats, design: Design) -> Floats:
    """l2 (p,) for coefficients in the user's units."""
    if not design.standardize:
        return factors
    return factors * np.square(np.where(design.deviation > 0, design.deviation, 1.0))


def weighted_mean(responses: Floats, weights: Floats) -> Floats:
    """Of responses (n,) or (n, t), about the first of them, so that equal ones are their own mean."""
    return np.asarray(responses[0] + weights @ (responses - responses[0]))


def prior_of_targets(prior: Floats | None, n_targets: int, n_features: int) -> Floats:
    """A prior (p,) or (t, p) as a new array (t, p); zeros for None."""
    out = np.zeros((n_targets, n_features))
    if prior is not None:
        out[:] = prior
    return out
