"""What a solver may ask of a loss."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Loss(Protocol):
    """A convex function of the linear predictor ``eta``, observation by observation.

    ``weights`` sum to one, so every value is an average in the units of the user's objective.
    """

    def value(self, y: Floats, eta: Floats, weights: Floats) -> float:
        """sum_i s_i loss(y_i, eta_i)"""

    def gradient_curvature(self, y: Floats, eta: Floats) -> tuple[Floats, Floats]:
        """First and second derivatives of loss(y_i, eta_i) in eta_i."""

    def dual_value(self, y: Floats, theta: Floats, weights: Floats) -> float:
        """-sum_i s_i loss^*(y_i, -theta_i), the dual objective at generalised residuals theta."""

    def mean(self, eta: Floats) -> Floats:
        """The expected response at the linear predictor."""
