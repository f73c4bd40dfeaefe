"""The path: for each alpha predict, solve on the working set, certify on all features, grow."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from regularize.design import Design
from regularize.kernels.quadratic import Status
from regularize.penalties import GroupPenalty, Penalty
from regularize.solvers.certificate import duality_gaps, flat_projection, has_flat
from regularize.solvers.screening import Candidates, Pass, Result, Screen
from regularize.solvers.working_set import WorkingSet, nonzero

Floats = NDArray[np.float64]
Columns = NDArray[np.intp]

PREDICTION_MARGIN = 0.96  # features predicted above this share of their threshold enter ahead of time
APPROACH = 0.5  # ratio of alphas beyond which the path between them is followed roughly
ROUGH = 1e-3  # relative tolerance of that
CROWDED = 0.35  # active features per row from which the path is followed closely: by
CLOSE_APPROACH, CLOSE_SHARE = 0.8, 0.03  # this ratio of alphas, and to this share of the tolerance
LONGEST_LOOK_AHEAD = 10  # alphas to look ahead at most
REFINEMENTS = 3  # rounds without violation that may try to get below the tolerance


@dataclass(frozen=True)
class Point:
    """The state in which one alpha was left."""

    gap: float
    n_iter: int
    is_clean: bool  # no unit outside the working set is in violation


class PathDriver:
    """Solves one alpha after the other, each from where the last one ended.

    Everything is in the units of Z: ``target`` is the centred, weighted and scaled response, ``penalty`` and alpha
    those of the equilibrated columns, ``tolerance`` absolute.
    """

    def __init__(
        self,
        design: Design,
        target: Floats,
        penalty: Penalty | GroupPenalty,
        alphas: Floats,
        tolerance: float,
        max_iter: int,
        start: Floats,
        null: Floats | None = None,
    ) -> None:
        self.design = design
        self.penalty = penalty
        self.alphas = alphas
        self.tolerance = tolerance
        self.max_iter = max_iter
        self.squared_target = float(np.vdot(target, target))
        self.has_flat = has_flat(penalty, float(alphas.min()))
        self.working = WorkingSet(design, penalty, target)
        started = penalty.units_with(nonzero(start))
        self.working.extend(np.union1d(penalty.always_active(), started), start)
        residual = self.working.residual
        self.screen = Screen(design, penalty, residual, null if np.array_equal(residual, target) else None)
        self._solved: list[tuple[float, Floats]] = []  # the last two alphas with their residuals
        self._last_pass, self._look_ahead_distance = 0, 2  # when X was last read, and how many alphas to look ahead

    def solve(self, k: int) -> Point:
        """Move to ``alphas[k]``."""
        return self.run(self.steps(k))

    def run(self, steps: Pass[Result]) -> Result:
        """Run steps of one problem alone, reading X as they ask."""
        try:
            residuals = next(steps)
            while True:
                residuals = steps.send(self.design.correlations(residuals))
        except StopIteration as end:
            result: Result = end.value
            return result

    def steps(self, k: int) -> Pass[Point]:
        """Move to ``alphas[k]``: predict, then solve, certify and grow until the gap is within the tolerance.

        Whoever runs these steps reads X for them where they need all features, maybe for several drivers at once.
        """
        alpha = float(self.alphas[k])
        n_iter, refinements = (yield from self._approach(alpha)), 0
        inner_tolerance = self.working.inner_share * self.tolerance
        if not self.working.is_solved(alpha, inner_tolerance):
            self.working.extend(self._predict(alpha))
        while True:
            status, used = self.working.solve(alpha, inner_tolerance, max(self.max_iter - n_iter, 0))
            n_iter += used
            gap, violating = yield from self._certify(k)
            if gap <= self.tolerance or status == Status.EXHAUSTED:
                break
            if violating.units.size:
                self.working.extend(violating.strongest(max(20, self.working.n_active)))
            elif refinements == REFINEMENTS:
                break
            else:
                refinements += 1
                inner_tolerance *= 0.1
        if n_iter > 0:
            self._remember(alpha)
        return Point(gap, n_iter, violating.units.size == 0)

    def _remember(self, alpha: float) -> None:
        self._solved = [*self._solved[-1:], (alpha, self.working.residual)]

    def _approach(self, alpha: float) -> Pass[int]:
        """Follow the path roughly when ``alpha`` is far below the last one, or below where the start belongs.

        A cold fit is a short path: without it the working set would grow from residuals that belong nowhere. Where
        nearly as many features are active as there are rows, every subset of them is nearly dependent, and a start
        that is far off costs a hundred Newton steps: there the path is followed closely.
        """
        last = self._solved[-1][0] if self._solved else self.screen.reach()
        if not 0 < alpha < APPROACH * last:
            return 0
        n_iter, step = 0, self._next_step(last, alpha)
        while step > alpha and n_iter < self.max_iter:
            ahead = self._next_step(step, alpha)
            n_iter += yield from self._pass_through(step, ahead, self.max_iter - n_iter)
            step = self._next_step(step, alpha)
        return n_iter

    def _next_step(self, last: float, alpha: float) -> float:
        """The alpha after ``last`` in even steps to ``alpha``, which are small where the solution is crowded."""
        ratio = CLOSE_APPROACH if self._is_crowded() else APPROACH
        n_steps = max(1.0, np.ceil(np.log(alpha / last) / np.log(ratio)))
        return alpha if n_steps == 1.0 else float(last * (alpha / last) ** (1.0 / n_steps))

    def _is_crowded(self) -> bool:
        """Whether many features are active for the rows there are, held by an l1 term alone, and Newton steps solve."""
        working, n = self.working, self.design.n_samples
        return (
            working.is_exact and int(np.sum(nonzero(working.coef) & (working.penalty.features.l2 == 0))) > CROWDED * n
        )

    def _pass_through(self, alpha: float, ahead: float, max_iter: int) -> Pass[int]:
        """Solve roughly at ``alpha`` and take in what violates there, once; no certificate."""
        working, tolerance = self.working, max(self.tolerance, ROUGH * self.squared_target)
        if self._is_crowded():
            tolerance = CLOSE_SHARE * self.tolerance
        working.extend(self._predict(alpha))
        n_iter = working.solve(alpha, tolerance, max_iter)[1]
        _, violating = yield from self.screen.violating(
            working.residual,
            alpha,
            working.contains,
            0.0,
            lambda: [working.residual_at(ahead, tolerance, self.max_iter)],
        )
        working.extend(violating.strongest(max(20, working.n_active)))
        self._remember(alpha)
        return n_iter

    def _predict(self, alpha: float) -> Columns:
        """Units that the secant of the last two residuals brings to their threshold at ``alpha``."""
        residual = self.working.residual
        if len(self._solved) == 2:
            (alpha0, residual0), (alpha1, residual1) = self._solved
            if alpha0 > alpha1:
                residual = residual1 + (alpha1 - alpha) / (alpha0 - alpha1) * (residual1 - residual0)
        predicted = self.screen.predicted(residual, PREDICTION_MARGIN * alpha, self.working.contains)
        return predicted.strongest(max(10, self.working.n_active // 6))

    def _look_ahead(self, k: int) -> list[Floats]:
        """The residual some alphas further down, for the full pass that is due at ``alphas[k]``."""
        self._look_ahead_distance = min(max(k - self._last_pass, 1), LONGEST_LOOK_AHEAD)
        self._last_pass = k
        ahead = min(k + self._look_ahead_distance, self.alphas.size - 1)
        if self.working.price_of_glance > self.design.n_entries or ahead <= k or self.alphas[ahead] >= self.alphas[k]:
            return []
        return [self.working.residual_at(float(self.alphas[ahead]), self.tolerance, self.max_iter)]

    def _certify(self, k: int) -> Pass[tuple[float, Candidates]]:
        """The duality gap over all features, and the units outside the working set that are in violation."""
        working, alpha = self.working, float(self.alphas[k])
        residual = working.residual
        squared_residual = float(np.vdot(residual, residual))
        projected, projection = self._project(alpha, squared_residual)
        slack = float(np.sqrt(projection))
        read, violating = yield from self.screen.violating(
            residual, alpha, working.contains, slack, lambda: self._look_ahead(k)
        )
        penalty, features = working.penalty, working.features
        coef, correlations = working.coef[np.newaxis], working.quadratic.correlations[np.newaxis]
        if read.units.size:
            penalty = self.penalty.restrict(np.concatenate([working.units, read.units]))
            features = np.concatenate([features, read.features])
            coef = np.concatenate([coef, np.zeros((1, *read.correlations.T.shape))], axis=1)
            correlations = np.concatenate([correlations, read.correlations.T[np.newaxis]], axis=1)
        flags, projections = None, None
        if self.has_flat:
            flags, projections = np.zeros(coef.shape, dtype=np.uint8), np.array([projection])
            flags[0, : working.size] = projected
        norms, squares = self.design.norms[features], np.array([squared_residual])
        gaps = duality_gaps(coef, correlations, penalty, np.array([alpha]), squares, norms, flags, projections)
        return float(gaps[0]), violating

    def _project(self, alpha: float, squared_residual: float) -> tuple[NDArray[np.bool_] | bool, float]:
        """What of the working set the dual point is made orthogonal to, and the squared norm of that."""
        working = self.working
        if not self.has_flat:
            return False, 0.0
        return flat_projection(
            working.coef,
            working.quadratic.correlations,
            working.quadratic.gram_of,
            working.penalty.at(alpha),
            self.design.norms[working.features],
            squared_residual,
        )
