"""One or a few alphas by sweeps alone, from wherever the start is: for fits that are not part of a path.

A fit to the usual tolerances takes some tens of sweeps, in which nothing is factored and no path is followed. Sweeps
are cheap: they read float32 columns, correlations are those known at the start of many of them and small corrections,
and the last ones are combined (kernels/block_descent.pyx). Once the gap on the columns in hand is small, residual and
correlations of all features are computed anew from X: that certifies the answer, or says what else is to be taken in,
and as sweeps go on from there, the gap can become as small as rounding leaves it.

Where sweeps converge slowly this gives up, and what it has found is a start for Newton steps.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, log

import numpy as np
from numpy.typing import NDArray

from regularize.design import Design
from regularize.penalties import GroupPenalty, Penalty
from regularize.solvers.block_newton import State
from regularize.solvers.certificate import duality_gaps, has_flat
from regularize.solvers.clusters import Clusters

Floats = NDArray[np.float64]
Columns = NDArray[np.intp]

FEW_ALPHAS = 5  # from ten on, paths on working sets are as fast
LEAST_ROWS = 500  # with fewer, Newton's matrices are so small that a step costs no more than a sweep
ROUND, LONGEST_ROUND = 4, 8  # sweeps between two looks at the gap
SHARE = 0.8  # of the tolerance that the gap on the columns in hand may have
GROWTH_SHARE = 0.2  # of the gap of all features: with less on the columns in hand, it is time for others
NARROW = 1e-6  # relative precision of what float32 columns say of a change: by its size, the root of the gap
ALL = 3  # times so many columns as there are features: then all are taken, what stays at zero costs sweeps little
SETTLED = 0.1  # share of the active features by which their number changes while the pattern still does
FAR = 2  # times as many sweeps as they are worth end them at once, while the pattern changes or for a Gram matrix
CROWDED = 0.5  # active features per row from which Newton steps are cut short, and sweeps get
CROWDED_PATIENCE = 10  # times as many sweeps
TINY = float(np.finfo(np.float64).tiny)
HELPFUL = 0.1  # share of the first gap that sweeps must get to, or what they have found is no start for others
LEAST_WORTH, ACTIVE_PER_SWEEP = 8, 8  # Newton steps cost as much as so many sweeps, and one more per so many features


def suits(design: Design, penalty: Penalty | GroupPenalty, alphas: Floats) -> bool:
    """Whether alphas are for sweeps: few, and no dual point must be orthogonal to features without any penalty."""
    return alphas.size <= FEW_ALPHAS and design.n_samples >= LEAST_ROWS and not has_flat(penalty, float(alphas.min()))


@dataclass(frozen=True)
class Fit:
    """Coefficients (p, T), their gap and the sweeps taken; the gap is None if others are to go on from there."""

    coef: Floats
    gap: float | None
    n_iter: int


class SweepFit:
    """Solves one alpha after the other, each from where the last one ended; targets are (T, n).

    Everything is in the units of Z, as for PathDriver. ``start`` (p, T) are the first coefficients, ``null`` (T, p) the
    correlations of all features with the target. ``instead``: sweeps that take as long as what else there is.
    """

    def __init__(
        self,
        design: Design,
        target: Floats,
        penalty: GroupPenalty,
        tolerance: float,
        start: Floats,
        null: Floats,
        instead: float = inf,
    ) -> None:
        self._instead = instead
        self._design, self._target, self._penalty, self._tolerance = design, target, penalty, tolerance
        self._columns = design.swept_columns()
        self._clusters = Clusters(self._columns)
        self._units = self._features = np.empty(0, dtype=np.intp)
        everything = np.arange(penalty.n_units)
        self._order = penalty.features_of(everything)  # of features, group by group
        self._ordered = penalty.restrict(everything, self._order)
        usable = (design.norms > 0) & ~penalty.features.excluded
        self._outside = np.zeros(penalty.n_units, dtype=bool)  # units that may be taken in
        self._outside[penalty.units_with(usable)] = True
        coef = np.clip(start.T, penalty.features.lower, penalty.features.upper).T
        is_active = np.asarray(np.any(coef, axis=1))
        self._state = self._exact(coef) if is_active.any() else State(coef, target, null.T)
        self._take(np.union1d(penalty.always_active(), penalty.units_with(is_active)))

    @property
    def size(self) -> int:
        """Features that sweeps see."""
        return self._features.size

    def solve(self, alpha: float, max_iter: int) -> Fit:
        """Move to another alpha; sweeps end where Newton steps would be faster, or rounding leaves no more."""
        pace, n_iter, before = Pace(self._target.shape[1], SHARE * self._tolerance, self._instead), 0, inf
        start, gap = self._state.coef.copy(), self._gap_of_all(alpha)
        far = HELPFUL * gap
        while gap > self._tolerance and n_iter < max_iter:
            has_grown = self._grow(alpha)
            if not has_grown and gap > before / 2:
                return Fit(self._state.coef, None, n_iter)
            used = self._rounds(alpha, gap, pace, max_iter - n_iter)
            n_iter, before = n_iter + used, gap
            if pace.is_slow:
                return Fit(start if pace.gap > far else self._state.coef, None, n_iter)
            self._state = self._exact(self._state.coef)
            gap = self._gap_of_all(alpha)
        return Fit(self._state.coef, gap, n_iter)

    def _exact(self, coef: Floats) -> State:
        """The state with these coefficients (p, T), from X."""
        active = np.flatnonzero(np.any(coef, axis=1))
        residual = self._target - self._design.combination(active, coef[active])
        return State(coef, residual, self._design.correlations(residual).T)

    def _grow(self, alpha: float) -> bool:
        """Take in what violates, or everything if that is much; whether there was anything."""
        critical = self._penalty.critical_alphas(self._state.correlations.T)
        units = np.flatnonzero((critical > alpha) & self._outside)
        limit, n_units = max(self._design.n_samples, self._features.size), self._penalty.n_units
        if ALL * (self._units.size + min(units.size, limit)) > n_units:
            units = np.flatnonzero(self._outside)
        elif units.size > limit:
            units = units[np.argpartition(-critical[units], limit)[:limit]]
        self._take(units)
        return units.size > 0

    def _take(self, units: Columns) -> None:
        features = self._penalty.features_of(units)
        self._columns.append(features)
        self._outside[units] = False
        self._units, self._features = np.concatenate([self._units, units]), np.concatenate([self._features, features])

    def _rounds(self, alpha: float, gap_of_all: float, pace: Pace, max_iter: int) -> int:
        """Sweeps on the columns in hand until the gap is as small there as is of use; how many. Changes the coef."""
        penalty, state = self._penalty.restrict(self._units, self._features), self._state
        enough = max(SHARE * self._tolerance, NARROW * float(np.sqrt(gap_of_all * np.vdot(self._target, self._target))))
        if self._outside.any():
            enough = max(enough, GROWTH_SHARE * gap_of_all)
        descent = self._clusters.descent(penalty, alpha, state.residual.shape)
        coef, residual = np.ascontiguousarray(state.coef[self._features]), state.residual.copy()
        known = np.ascontiguousarray(state.correlations[self._features])
        correlations, n_iter, left = known, 0, float(ROUND)
        while n_iter < max_iter and not pace.is_slow:
            n_sweeps = min(max(int(left), 2), LONGEST_ROUND, max_iter - n_iter)
            chosen = penalty.to_visit(coef, correlations, alpha)
            self._columns.block_round(descent, chosen, known, state.residual, (coef, residual), n_sweeps)
            n_iter += n_sweeps
            correlations = known + self._columns.correlations(residual - state.residual)
            gap = self._gap(alpha, penalty, State(coef, residual, correlations), self._features)
            if gap <= enough:
                break
            left = pace.sweeps_left(gap, enough, n_sweeps, int(np.count_nonzero(np.any(coef, axis=1))))
        state.coef[self._features] = coef
        return n_iter

    def _gap_of_all(self, alpha: float) -> float:
        """The duality gap of the state."""
        coef, correlations = self._state.coef[self._order], self._state.correlations[self._order]
        return self._gap(alpha, self._ordered, State(coef, self._state.residual, correlations), self._order)

    def _gap(self, alpha: float, penalty: GroupPenalty, state: State, features: Columns) -> float:
        """The duality gap of a state of these features and no others."""
        squares = np.array([float(np.vdot(state.residual, state.residual))])
        norms, coefs, correlations = self._design.norms[features], state.coef, state.correlations
        gaps = duality_gaps(coefs[np.newaxis], correlations[np.newaxis], penalty, np.array([alpha]), squares, norms)
        return float(gaps[0])


class Pace:
    """How fast gaps fall, and whether Newton steps, or what is worth so many sweeps ``instead``, would be faster."""

    def __init__(self, n_samples: int, goal: float, instead: float) -> None:
        self._n_samples, self._goal, self._instead = n_samples, max(goal, TINY), instead
        self.gap = inf  # the last one
        self._first, self._n_sweeps = inf, 0  # the first one, and the sweeps since
        self._n_active, self._warnings = 0, 0

    def sweeps_left(self, gap: float, enough: float, n_sweeps: int, n_active: int) -> float:
        """Sweeps to a gap that is small enough, after some sweeps to this one."""
        has_settled = abs(n_active - self._n_active) <= SETTLED * n_active
        rate = log(self.gap / gap) / n_sweeps if self.gap < inf else inf
        if self._first == inf:
            self._first = gap
        else:
            self._n_sweeps += n_sweeps
        self.gap, self._n_active = gap, n_active
        if has_settled and rate < inf:
            left = self._to_goal(rate)
            is_slow, is_far = rate <= 0 or left > self._worth, FAR * self._instead < left < inf
            self._warnings = 2 if is_far else self._warnings + 1 if is_slow else 0
            return log(gap / enough) / rate if rate > 0 else LONGEST_ROUND
        if self._n_sweeps >= LONGEST_ROUND:
            is_far = self._to_goal(log(self._first / gap) / self._n_sweeps) > FAR * self._worth
            self._warnings += 2 * is_far
        return ROUND

    def _to_goal(self, rate: float) -> float:
        """Sweeps, at such a rate."""
        return log(self.gap / self._goal) / rate if rate > 0 else inf

    @property
    def _worth(self) -> float:
        """Sweeps that Newton steps, or what there is instead, would take as long as."""
        if self._n_active > CROWDED * self._n_samples:
            return CROWDED_PATIENCE * (LEAST_WORTH + self._n_active / ACTIVE_PER_SWEEP)
        return min(LEAST_WORTH + self._n_active / ACTIVE_PER_SWEEP, self._instead)

    @property
    def is_slow(self) -> bool:
        """Whether that was so twice in a row, or by far."""
        return self._warnings > 1
