"""Anderson acceleration of sweeps.

From the combinations of the last sweeps with weights that sum to one, it takes that of the ends whose steps, combined
alike, are smallest. Where sweeps act linearly, the next one goes on from there as from any other point. References:
Anderson (1965), "Iterative procedures for nonlinear integral equations"; Bertrand and Massias (2021), "Anderson
acceleration of coordinate descent", who restart it every few sweeps.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from regularize.solvers.block_newton import State

Floats = NDArray[np.float64]

MEMORY = 5  # sweeps


class History:
    """The last sweeps: the step that each took, and where it ended."""

    def __init__(self) -> None:
        self._steps: list[Floats] = []
        self._ends: list[State] = []
        self._products = np.empty((0, 0))

    def combined(self, begin: State, end: State) -> State:
        """Take in a sweep; the combination of all ends whose steps cancel best, or this end if there is none."""
        step = (end.coef - begin.coef).ravel()
        self._steps, self._ends = [*self._steps[1 - MEMORY :], step], [*self._ends[1 - MEMORY :], end]
        count, known = len(self._steps), self._products[1 - MEMORY :, 1 - MEMORY :]
        self._products = np.empty((count, count))
        self._products[:-1, :-1] = known
        self._products[-1] = self._products[:, -1] = [other @ step for other in self._steps]
        if count == 1:
            return end
        ridge = 1e-12 * np.trace(self._products) * np.eye(count)
        try:
            shares = np.linalg.solve(self._products + ridge, np.ones(count))
        except np.linalg.LinAlgError:
            return end
        shares /= shares.sum()
        return end.combined(shares, self._ends) if np.isfinite(shares).all() else end
