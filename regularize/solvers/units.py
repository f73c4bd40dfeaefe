"""The units in which the solvers work: every column, and the response, of size about one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from regularize.design import Design, Moments
from regularize.design.design import CONSTANT, power_of_two
from regularize.losses import SquaredLoss
from regularize.penalties import GroupPenalty, Penalty

Floats = NDArray[np.float64]

SMALLEST_RESPONSE = 1e-300  # below it the coefficients, too, would lose digits to underflow


@dataclass(frozen=True)
class Units:
    """How the user's coefficients, alphas and gaps relate to those of the equilibrated problem.

    ``u = w * scale / response_scale``; gaps are divided by ``response_scale^2``; alpha is the same.
    """

    response_mean: Any
    response_scale: float
    coef_scale: Floats
    penalty: Penalty | GroupPenalty
    squared_target: float
    make_target: Callable[[], Floats]

    @cached_property
    def target(self) -> Floats:
        """The response as the solvers see it, (n,) or (T, n): centred, weighted, scaled."""
        return self.make_target()

    @classmethod
    def of(cls, design: Design, y: Floats, penalty: Penalty | GroupPenalty) -> Units:
        """Centre, weight and scale the response; take the penalty along."""
        size = float(power_of_two(np.max(np.abs(y), initial=0.0)))  # first, so that no square overflows
        y = y / size
        mean = design.weighted_mean(y)
        target = design.root_weights * np.ascontiguousarray((y - mean).T)
        norms = np.sqrt(2.0 * SquaredLoss().value(y, np.full_like(y, mean), design.weights))
        constant = (norms <= CONSTANT * np.abs(mean)) | (size < SMALLEST_RESPONSE)  # nothing but rounding is left
        target[constant] = 0.0
        norm = float(np.sqrt(np.sum(np.square(norms[~constant]))))
        own = float(power_of_two(np.array(norm)))
        target /= own
        scale = size * own if norm > 0 else 1.0
        return cls._scaled(design, penalty, mean * size, scale, float(np.vdot(target, target)), lambda: target)

    @classmethod
    def of_moments(cls, design: Design, y: Floats, penalty: Penalty | GroupPenalty, moments: Moments) -> Units:
        """The same from known moments; nothing of length n is made unless the target is asked for."""
        mean, variance = moments.response_mean, float(np.sum(moments.response_variance))
        scale = float(power_of_two(np.sqrt(variance)))
        return cls._scaled(
            design,
            penalty,
            mean,
            scale,
            variance / scale / scale,
            lambda: design.root_weights * np.ascontiguousarray(((y - mean) / scale).T),
        )

    def correlations(self, design: Design, moments: Moments) -> Floats:
        """Of the columns of Z with the target, (p,) or (T, p)."""
        return moments.products.T * design.inverse_scale / self.response_scale

    @classmethod
    def _scaled(
        cls,
        design: Design,
        penalty: Penalty | GroupPenalty,
        mean: Any,
        scale: float,
        squared_target: float,
        make_target: Callable[[], Floats],
    ) -> Units:
        inner = penalty.in_units_of(design.scale, design.penalty_scale, scale)
        return cls(mean, scale, design.scale / scale, inner, squared_target, make_target)
