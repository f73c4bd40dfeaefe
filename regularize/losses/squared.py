"""The squared loss of least squares."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class SquaredLoss:
    """loss(y, eta) = (y - eta)^2 / 2, whose conjugate is loss^*(y, u) = u y + u^2 / 2."""

    def value(self, y: Floats, eta: Floats, weights: Floats) -> Any:
        """sum_i s_i (y_i - eta_i)^2 / 2, a number, or (T,) for y of shape (n, T)."""
        return 0.5 * (weights @ (y - eta) ** 2)

    def gradient_curvature(self, y: Floats, eta: Floats) -> tuple[Floats, Floats]:
        """eta - y and one."""
        return eta - y, np.ones_like(eta)

    def dual_value(self, y: Floats, theta: Floats, weights: Floats) -> float:
        """sum_i s_i (theta_i y_i - theta_i^2 / 2)"""
        return float(weights @ (theta * (y - 0.5 * theta)))

    def mean(self, eta: Floats) -> Floats:
        """The linear predictor itself."""
        return eta
