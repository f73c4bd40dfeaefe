"""Ridge on dense data that are small, where calls into numpy would take more time than the arithmetic."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh

from regularize.kernels import ridge
from regularize.solvers.ridge.forms import ERRORS_AT_ONCE, NO_ROOM, TRUSTED, WELL_CONDITIONED, Solutions, Which
from regularize.solvers.ridge.units import RidgeProblem

Floats = NDArray[np.float64]

LARGEST = 1e8  # condition number of a matrix that is solved here; beyond, the other forms have more to offer


class SmallForm:
    """A copy of Z with all features in units of their penalty; none must be unpenalised."""

    name = "cholesky"

    def __init__(self, problem: RidgeProblem) -> None:
        design = problem.design
        metric = design.scale * problem.multiplier
        self._problem, self._units = problem, metric * design.inverse_scale
        self._columns = design.small_copy()
        self._columns *= metric[:, np.newaxis]

    def solve(self, alphas: Floats, which: Which) -> Solutions | None:
        """Solutions for alphas (k,) and the targets ``which`` (m,); None if that takes more than is done here."""
        problem, (p, n), shape = self._problem, self._columns.shape, (alphas.size, which.size)
        u, gaps, errors = np.empty((*shape, p)), np.empty(shape), np.empty(shape)
        work, integers = np.empty(ridge.space(p, n, which.size)), np.empty(min(p, n), dtype=np.intc)
        targets = problem.targets[which]
        if not ridge.at_once(self._columns, targets, alphas, LARGEST, TRUSTED, u, gaps, errors, work, integers):
            return None
        coefs = u * self._units
        offsets = -(coefs @ problem.design.centre)
        return Solutions(coefs, offsets, gaps, errors, np.zeros(shape, np.intp), np.ones(shape, np.bool_))

    def leave_one_out(self, alphas: Floats) -> Floats | None:
        """The errors (k, t, n) of predictions without the row; None if that takes more than is done here."""
        problem, design, (p, n) = self._problem, self._problem.design, self._columns.shape
        root, targets = design.root_weights, problem.targets
        if n < p or alphas.size * targets.size > ERRORS_AT_ONCE or not root.all():
            return None
        matrix = self._columns @ self._columns.T
        if not np.isfinite(matrix).all():
            return None
        values, vectors = eigh(matrix, driver="evd", check_finite=False)
        shifted = values + alphas[:, np.newaxis]
        if not np.all(shifted[:, 0] * WELL_CONDITIONED > np.abs(shifted[:, -1])):
            return None
        along = vectors.T @ self._columns
        errors = targets - ((targets @ along.T) / shifted[:, np.newaxis]) @ along
        room = 1.0 - (1.0 / shifted) @ np.square(along)
        if design.fit_intercept:
            room -= design.weights
        room[room <= NO_ROOM] = np.nan
        errors /= (room * root)[:, np.newaxis]
        return np.asarray(errors * problem.scale[:, np.newaxis])
