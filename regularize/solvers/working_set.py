"""The features that the inner problem sees, and the state of the solution on them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from regularize.design import Design
from regularize.design.working_columns import grown
from regularize.kernels.quadratic import Status
from regularize.penalties import Penalty
from regularize.solvers.quadratic import GramQuadratic
from regularize.solvers.residual_quadratic import ResidualQuadratic

Floats = NDArray[np.float64]
Columns = NDArray[np.intp]

WIDEST_GRAM = 1000  # columns up to which a Gram matrix is always kept
SPARSE_SHARE = 20  # |W| beyond this many times the entries of a column makes the residual the cheaper thing to keep


class WorkingSet:
    """Columns that are, were or may soon be active, with coefficients, residual and quadratic.

    Invariants after every method: ``residual = y - Z_W coef``; ``contains[j]`` is one exactly for the features in
    ``features``; the quadratic's correlations are those of the residual.
    """

    def __init__(self, design: Design, penalty: Penalty, target: Floats) -> None:
        self.design = design
        self.target = target
        self.residual = target.copy()
        self.contains = np.zeros(design.n_features, dtype=np.uint8)
        self._all_penalties = penalty
        self._columns = design.working_columns()
        self._features = np.empty(0, dtype=np.intp)
        self._coef = np.empty(0)
        self.penalty = penalty.restrict(self._features)
        self.quadratic: GramQuadratic | ResidualQuadratic = GramQuadratic(float(target @ target))
        self.size = 0

    @property
    def features(self) -> Columns:
        """The features in the working set, in order of entry."""
        return self._features[: self.size]

    @property
    def coef(self) -> Floats:
        """Their coefficients, in the units of Z."""
        return self._coef[: self.size]

    @property
    def n_active(self) -> int:
        """How many coefficients are not zero."""
        return int(np.count_nonzero(self.coef))

    def extend(self, features: Columns, start: Floats | None = None) -> None:
        """Add features, with the coefficients nearest to zero or those of ``start`` (p,), clipped to the box."""
        if features.size == 0:
            return
        first, self.size = self.size, self.size + features.size
        self._features = grown(self._features, self.size)
        self._coef = grown(self._coef, self.size)
        self._features[first : self.size] = features
        self.contains[features] = 1
        self.penalty = self._all_penalties.restrict(self.features)
        wanted = np.zeros(features.size) if start is None else start[features]
        self._coef[first : self.size] = np.clip(wanted, self.penalty.lower[first:], self.penalty.upper[first:])
        self._columns.append(features)
        if self._coef[first : self.size].any():
            self.update_residual()
        correlations = self._columns.correlations(self.residual)
        if self._is_too_wide():
            self.quadratic = ResidualQuadratic(self._columns, correlations)
        else:
            self.quadratic.extend(self._columns, self.coef, correlations)

    def _is_too_wide(self) -> bool:
        """Whether to leave the Gram matrix for the residual.

        That is when |W| > n and an l2 term lets as many be active, or when columns are so sparse that keeping a
        residual is far cheaper than keeping |W| correlations.
        """
        if isinstance(self.quadratic, ResidualQuadratic) or self.size <= WIDEST_GRAM:
            return False
        if self.size > SPARSE_SHARE * self._columns.entries / self.size:
            return True
        return self.size > self.target.size and bool(np.any(self.penalty.l2 > 0))

    def solve(self, alpha: float, tolerance: float, max_iter: int) -> tuple[int, int]:
        """Minimise over the working set; returns (status, sweeps and Newton steps)."""
        if self.size == 0:
            return 0, 0
        status, n_iter = self.quadratic.solve(self.coef, self.residual, self.penalty, alpha, tolerance, max_iter)
        self.update_residual()
        self.quadratic.refresh(self._columns.correlations(self.residual))
        return status, n_iter

    def is_solved(self, alpha: float, tolerance: float) -> bool:
        """Whether the present coefficients are good enough at another alpha, on a working set that is not empty."""
        if self.size == 0:
            return False
        status, _ = self.quadratic.solve(self.coef, self.residual, self.penalty, alpha, tolerance, 0)
        return status == Status.CONVERGED

    def residual_at(self, alpha: float, tolerance: float, max_iter: int) -> Floats:
        """The residual that the working set alone would have at another alpha; nothing changes."""
        coef = self.quadratic.glance(self.coef, self.residual, self.penalty, alpha, tolerance, max_iter)
        return self.target - self._columns.combine(coef)

    def update_residual(self) -> None:
        """residual = y - Z_W coef"""
        self.residual = self.target - self._columns.combine(self.coef)

    def full_coef(self) -> Floats:
        """Coefficients of all features."""
        coef = np.zeros(self.design.n_features)
        coef[self.features] = self.coef
        return coef
