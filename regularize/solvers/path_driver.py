"""The path: for each alpha predict, solve on the working set, certify on all features, grow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from regularize.design import Design
from regularize.kernels.quadratic import Status
from regularize.penalties import GroupPenalty, Penalty
from regularize.solvers.answers import Answers
from regularize.solvers.certificate import duality_gaps, flat_projection, has_flat
from regularize.solvers.screening import Candidates, Pass, Reading, Result, Screen
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
        alpha, working = float(self.alphas[k]), self.working
        n_iter, refinements = (yield from self._approach(alpha)), 0
        inner_tolerance = working.inner_share * self.tolerance
        if not working.is_solved(alpha, inner_tolerance):
            working.extend(self._predict(alpha))
        while True:
            status, used = working.solve(alpha, inner_tolerance, max(self.max_iter - n_iter, 0))
            n_iter += used
            answers = working.answer(self.alphas[k : k + 1])
            gaps, read = yield from self.certify(answers, lambda: self._look_ahead(k))
            gap, violating = float(gaps[0]), read.violating()
            if gap <= self.tolerance or status == Status.EXHAUSTED:
                break
            if violating.units.size:
                working.extend(violating.strongest(max(20, working.n_active)))
            elif refinements == REFINEMENTS:
                break
            else:
                refinements += 1
                inner_tolerance *= 0.1
        if n_iter > 0:
            self.remember(alpha, working.residual)
        return Point(gap, n_iter)

    def remember(self, alpha: float, residual: Floats) -> None:
        """Keep the residual of a solution, from which those ahead are predicted."""
        self._solved = [*self._solved[-1:], (alpha, residual)]

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
        read = yield from self.screen.violating(
            working.residual[np.newaxis],
            np.array([alpha]),
            working.contains,
            look_ahead=lambda: [working.residual_at(ahead, tolerance, self.max_iter)],
        )
        working.extend(read.violating().strongest(max(20, working.n_active)))
        self.remember(alpha, working.residual)
        return n_iter

    def _predict(self, alpha: float) -> Columns:
        """Units that may enter at the next alpha."""
        return self.predicted(alpha, PREDICTION_MARGIN).strongest(max(10, self.working.n_active // 6))

    def predicted(self, alpha: float, margin: float) -> Candidates:
        """Units that the secant of the last two residuals brings to ``margin`` of their threshold."""
        residual = self.working.residual
        if len(self._solved) == 2:
            (alpha0, residual0), (alpha1, residual1) = self._solved
            if alpha0 > alpha1:
                residual = residual1 + (alpha1 - alpha) / (alpha0 - alpha1) * (residual1 - residual0)
        return self.screen.predicted(residual, margin * alpha, self.working.contains)

    def _look_ahead(self, k: int) -> list[Floats]:
        """The residual some alphas further down, for the full pass that is due at ``alphas[k]``."""
        self._look_ahead_distance = min(max(k - self._last_pass, 1), LONGEST_LOOK_AHEAD)
        self._last_pass = k
        ahead = min(k + self._look_ahead_distance, self.alphas.size - 1)
        if self.working.price_of_glance > self.design.n_entries or ahead <= k or self.alphas[ahead] >= self.alphas[k]:
            return []
        return [self.working.residual_at(float(self.alphas[ahead]), self.tolerance, self.max_iter)]

    def certify(self, answers: Answers, look_ahead: Callable[[], list[Floats]] = list) -> Pass[tuple[Floats, Reading]]:
        """The duality gaps (k,) over all features, and what was read of those outside the working set."""
        working = self.working
        flags, projections, slack = None, None, 0.0
        if self.has_flat:
            flags, projections = self._project(answers)
            slack = float(np.sqrt(projections.max()))
        knots = answers.alphas[answers.knots]
        read = yield from self.screen.violating(answers.residuals, knots, working.contains, slack, look_ahead)
        penalty, features = working.penalty, working.features
        coefs, correlations = answers.coefs, answers.mixed(answers.correlations)
        if read.units.size:
            penalty = self.penalty.restrict(np.concatenate([working.units, read.units]))
            features = np.concatenate([features, read.features])
            outside = answers.mixed(np.moveaxis(read.correlations, -1, 1))
            coefs = np.concatenate([coefs, np.zeros(outside.shape)], axis=1)
            correlations = np.concatenate([correlations, outside], axis=1)
            if flags is not None:
                flags = np.concatenate([flags, np.zeros(outside.shape, dtype=np.uint8)], axis=1)
        gaps = duality_gaps(
            coefs,
            correlations,
            penalty,
            answers.alphas,
            answers.squares,
            self.design.norms[features],
            flags,
            projections,
        )
        return gaps, read

    def _project(self, answers: Answers) -> tuple[NDArray[np.uint8], Floats]:
        """What of the working set the dual points are made orthogonal to, and the squared norms of that."""
        working = self.working
        flags, projections = np.zeros(answers.coefs.shape, dtype=np.uint8), np.zeros(answers.alphas.size)
        for k, (alpha, coef, correlations) in enumerate(
            zip(answers.alphas, answers.coefs, answers.mixed(answers.correlations), strict=True)
        ):
            flags[k], projections[k] = flat_projection(
                coef,
                correlations,
                working.quadratic.gram_of,
                working.penalty.at(float(alpha)),
                self.design.norms[working.features],
                float(answers.squares[k]),
            )
        return flags, projections
