"""The features that the inner problem sees, and the state of the solution on them.

Features enter by units of the penalty: one by one, or by groups. With a group penalty coefficients have the shape
(|W|, T) and residuals (T, n); T is one for a single target.
"""

from __future__ import annotations

from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from regularize.design import Design
from regularize.design.working_columns import grown
from regularize.kernels.quadratic import Status
from regularize.penalties import GroupPenalty, Penalty
from regularize.solvers.answers import Answers
from regularize.solvers.block_residual import BlockResidualQuadratic
from regularize.solvers.quadratic import BlockQuadratic, GramQuadratic
from regularize.solvers.residual_quadratic import ResidualQuadratic

Floats = NDArray[np.float64]
Columns = NDArray[np.intp]

WIDEST_GRAM = 1000  # columns up to which a Gram matrix is always kept
WIDEST_BLOCKS = 300  # the same for blocks, whose Newton steps keep no factor
MOST_PER_SAMPLE = 2  # columns per row up to which a sweep reads less of a Gram matrix than of the columns
SHARE, SHARE_OF_SWEEPS = 0.3, 0.8  # of the tolerance goes to the inner problem; more where it converges slowly
MOST_TRUSTED = 10  # solutions whose residual may be the one that their solver kept
GLANCE_PRICE = 80  # entries of X that may be read in the time of a look ahead, per pair of active features
GLANCE_PRICE_OF_BLOCKS = 3  # or per entry of the working set, where blocks keep a residual
SPARSE_SHARE = 20  # |W| beyond this many times the entries of a column makes the residual the cheaper thing to keep


def nonzero(coef: Floats) -> NDArray[np.bool_]:
    """The features with coefficients that are not zero."""
    return coef != 0 if coef.ndim == 1 else np.asarray(np.any(coef, axis=tuple(range(1, coef.ndim))))


class WorkingSet:
    """Columns that are, were or may soon be active, with coefficients, residual and quadratic.

    Invariants after every method: ``residual = y - Z_W coef``; ``contains[u]`` is one exactly for the units whose
    features are in ``features``; the quadratic's correlations are those of the residual.
    """

    def __init__(self, design: Design, penalty: Penalty | GroupPenalty, target: Floats) -> None:
        self.design = design
        self.target = target
        self.residual = target.copy()
        self.contains = np.zeros(penalty.n_units, dtype=np.uint8)
        self._all_penalties = penalty
        self._columns = design.working_columns()
        self._features = np.empty(0, dtype=np.intp)
        self._units = np.empty(0, dtype=np.intp)
        self._coef = np.empty((0, *target.shape[:-1]))
        self.penalty = penalty.restrict(self._units)
        kind = BlockQuadratic if isinstance(penalty, GroupPenalty) else GramQuadratic
        self.quadratic: Any = kind(float(np.vdot(target, target)), target.shape[:-1])
        self.size = 0
        self._trusted = 0  # solutions since the residual was computed from the coefficients

    @property
    def inner_share(self) -> float:
        """The share of the tolerance that goes to the inner problem, the rest is for the features outside."""
        return SHARE_OF_SWEEPS if isinstance(self.quadratic, BlockResidualQuadratic) else SHARE

    @property
    def is_exact(self) -> bool:
        """Whether solutions end at rounding, by Newton steps on a Gram matrix: to ask for more costs little."""
        return not isinstance(self.quadratic, ResidualQuadratic)

    @property
    def features(self) -> Columns:
        """The features in the working set, in order of entry."""
        return self._features[: self.size]

    @property
    def units(self) -> Columns:
        """The units of the penalty that are in the working set, in order of entry."""
        return self._units

    @property
    def coef(self) -> Floats:
        """Their coefficients, in the units of Z."""
        return self._coef[: self.size]

    @property
    def n_active(self) -> int:
        """How many units have coefficients that are not zero."""
        return int(self.penalty.units_with(nonzero(self.coef)).size)

    def extend(self, units: Columns, start: Floats | None = None) -> None:
        """Add units, with the coefficients nearest to zero or those of ``start`` (p, ...), clipped to the box."""
        if units.size == 0:
            return
        features, first = self._all_penalties.features_of(units), self.size
        self.size = first + features.size
        self._features = grown(self._features, self.size)
        self._coef = grown(self._coef, self.size)
        self._features[first : self.size] = features
        self.contains[units] = 1
        self._units = np.concatenate([self._units, units])
        self.penalty = self._all_penalties.restrict(self._units)
        wanted = np.zeros((features.size, *self._coef.shape[1:])) if start is None else start[features]
        box = self.penalty.features.lower[first:], self.penalty.features.upper[first:]
        self._coef[first : self.size] = np.clip(wanted.T, *box).T
        self._columns.append(features)
        if self._coef[first : self.size].any():
            self.update_residual()
        correlations = self._known_correlations(first)
        if self._is_too_wide():
            kind = BlockResidualQuadratic if isinstance(self.penalty, GroupPenalty) else ResidualQuadratic
            self.quadratic = kind(self._columns, correlations)
        else:
            self.quadratic.extend(self._columns, self.coef, correlations)

    def _is_too_wide(self) -> bool:
        """Whether to leave the Gram matrix for the residual."""
        return self.is_exact and self.room < 0

    @property
    def room(self) -> float:
        """How many features may come before the Gram matrix is left.

        That is when |W| > n and an l2 term or norms of groups let as many be active, or when columns are so sparse that
        keeping a residual is far cheaper than keeping |W| correlations.
        """
        n, has_groups = self.target.shape[-1], isinstance(self.penalty, GroupPenalty)
        widest = SPARSE_SHARE * self._columns.entries / self.size if self.size else np.inf
        if has_groups:
            widest = min(widest, n)
        elif np.any(self.penalty.features.l2 > 0):
            widest = min(widest, MOST_PER_SAMPLE * n)
        return max(widest, WIDEST_BLOCKS if has_groups else WIDEST_GRAM) - self.size

    def solve(self, alpha: float, tolerance: float, max_iter: int) -> tuple[int, int]:
        """Minimise over the working set; returns (status, sweeps and Newton steps)."""
        if self.size == 0:
            return 0, 0
        status, n_iter = self.quadratic.solve(self.coef, self.residual, self.penalty, alpha, tolerance, max_iter)
        self._trusted += 1
        if isinstance(self.quadratic, BlockResidualQuadratic) and self._trusted < MOST_TRUSTED:
            self.residual = self.quadratic.residual
            return status, n_iter
        self._trusted = 0
        self.update_residual()
        self.quadratic.refresh(self._columns.correlations(self.residual))
        return status, n_iter

    def along(
        self, alphas: Floats, tolerance: float, max_iter: int, n_iters: Columns, solve_all: bool
    ) -> tuple[Floats, NDArray[np.uint8]]:
        """Coefficients (k, |W|, ...) that W alone would have at alphas (k,), and which are knots; nothing changes."""
        return cast(
            tuple[Floats, NDArray[np.uint8]],
            self.quadratic.along(self.coef, self.penalty, alphas, tolerance, max_iter, n_iters, solve_all),
        )

    def answer(self, alphas: Floats) -> Answers:
        """The present state, as the answer to the only one of alphas (1,)."""
        state = self.coef, self.residual, self.quadratic.correlations
        coefs, residuals, correlations = (part[np.newaxis] for part in state)
        return Answers(alphas, coefs, np.zeros(1, dtype=np.intp), residuals, correlations)

    def answers(self, alphas: Floats, coefs: Floats, knots: Columns) -> Answers:
        """Coefficients (k, |W|, ...) at alphas (k,), with residuals and correlations of the knots among them."""
        rows = np.tile(self.target.reshape(-1, self.target.shape[-1]), (knots.size, 1))
        residuals = rows - self._columns.combine(np.moveaxis(coefs[knots], 1, 0).reshape(self.size, len(rows)))
        found = self._columns.correlations(residuals).reshape(self.size, knots.size, *self.target.shape[:-1])
        correlations = np.ascontiguousarray(np.moveaxis(found, 0, 1))
        return Answers(alphas, coefs, knots, residuals.reshape(knots.size, *self.target.shape), correlations)

    def move_to(self, coef: Floats, residual: Floats, correlations: Floats) -> None:
        """Take other coefficients, whose residual and correlations are known."""
        self.coef[:] = coef
        self.residual = residual
        self.quadratic.refresh(correlations)

    def _known_correlations(self, first: int) -> Floats:
        """Of all columns; those before ``first`` as they are known, where they belong to the residual as it is."""
        if first == 0 or self._coef[first : self.size].any():
            return self._columns.correlations(self.residual)
        return np.concatenate([self.quadratic.correlations, self._columns.correlations(self.residual, first)])

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

    @property
    def price_of_glance(self) -> float:
        """How many entries of X are read in about the time that ``residual_at`` takes.

        Times the targets: one residual of each is read in the same time as none, many are not.
        """
        if isinstance(self.quadratic, BlockResidualQuadratic):
            n_targets = self.target.size // self.target.shape[-1]
            return float(GLANCE_PRICE_OF_BLOCKS * self._columns.entries * n_targets)
        return float(GLANCE_PRICE * np.count_nonzero(nonzero(self.coef)) ** 2)

    def correlations_with(self, residual: Floats, first: int) -> Floats:
        """Of the features from position ``first`` on with another residual."""
        correlations: Floats = self._columns.correlations(residual, first)
        return correlations

    def update_residual(self) -> None:
        """residual = y - Z_W coef"""
        self.residual = self.target - self._columns.combine(self.coef)

    def full_coef(self) -> Floats:
        """Coefficients of all features."""
        coef = np.zeros((self.design.n_features, *self._coef.shape[1:]))
        coef[self.features] = self.coef
        return coef
