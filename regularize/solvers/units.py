"""The units in which the solvers work: every column, and the response, of size about one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from regularize.design import Design
from regularize.design.design import CONSTANT, power_of_two
from regularize.losses import SquaredLoss
from regularize.penalties import Penalty

Floats = NDArray[np.float64]

SMALLEST_RESPONSE = 1e-300  # below it the coefficients, too, would lose digits to underflow


@dataclass(frozen=True)
class Units:
    """How the user's coefficients, alphas and gaps relate to those of the equilibrated problem.

    ``u = w * scale / response_scale``; gaps are divided by ``response_scale^2``; alpha is the same.
    """

    target: Floats
    response_mean: float
    response_scale: float
    coef_scale: Floats
    penalty: Penalty
    squared_target: float

    @classmethod
    def of(cls, design: Design, y: Floats, penalty: Penalty) -> Units:
        """Centre, weight and scale the response; take the penalty along."""
        size = float(power_of_two(np.max(np.abs(y), initial=0.0)))  # first, so that no square overflows
        y = y / size
        mean = design.weighted_mean(y)
        target = design.root_weights * (y - mean)
        norm = float(np.sqrt(2.0 * SquaredLoss().value(y, np.full_like(y, mean), design.weights)))
        if norm <= CONSTANT * abs(mean) or size < SMALLEST_RESPONSE:  # nothing but rounding is left
            target, norm = np.zeros_like(target), 0.0
        own = float(power_of_two(np.array(norm)))
        target /= own
        response_scale = size * own if norm > 0 else 1.0
        mean *= size
        coef_scale = design.scale / response_scale
        inner = penalty.in_units_of(design.scale, design.penalty_scale, response_scale)
        return cls(target, mean, response_scale, coef_scale, inner, float(target @ target))
