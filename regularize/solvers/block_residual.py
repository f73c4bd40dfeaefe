"""A penalty on blocks of coefficients on a working set for which a Gram matrix does not pay, by its residual.

Block coordinate descent with two accelerations. Each proposes a combination of known solutions with weights that sum
to one: its residual and correlations are the same combination, so that it costs no reading of the columns to judge
it, and it is taken only if the objective is lower there.

* Along a path, blocks move smoothly in alpha while their pattern stays: the first guess at a new alpha is the
  polynomial through the last solutions. Often it is good enough as it is.
* After every sweep the last ones are combined so that their steps cancel best (kernels/anderson.pxd).

All sweeps of a round start from correlations that are known, and keep what they change of the residual. Where several
sweeps pass between two readings, columns and change are float32: half of the memory is read, and at the end of the
round residual and correlations are made exact again.

What this leaves open Newton steps close, quadratically. They are taken by conjugate gradients (block_newton.py): the
curvature depends on the coefficients, so that a matrix would have to be factored anew at each step; on 1000 x 10000
with 4,400 active features that costs as much as a hundred sweeps, and a step by conjugate gradients as much as thirty.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lstsq

from regularize.design.working_columns import WorkingColumns
from regularize.kernels.block_descent import BlockDescent
from regularize.kernels.quadratic import Status
from regularize.penalties import GroupPenalty
from regularize.solvers.block_newton import NewtonSystem, State
from regularize.solvers.clusters import Clusters
from regularize.solvers.residual_quadratic import STALLED_ROUNDS, ResidualQuadratic

Floats = NDArray[np.float64]

COMBINED = 8  # sweeps of a round
NEAR = 20.0  # gap, in units of the tolerance, from which the first round reads the gap after each of its sweeps
PROGRESS = 1e-3  # share of the gap by which the objective falls in a round that is not stalled
WORTHWHILE = 0.9  # share of the gap that a round may leave; if it leaves more, Newton steps take turns with sweeps
CG_STEPS = 60
CG_ACCURACY = 0.03
HALVINGS = 8  # of a Newton step that does not lower the objective, at most
REMEMBERED = 3  # solutions that the first guess is made of
GLANCE = 2  # sweeps of a look ahead


class BlockResidualQuadratic(ResidualQuadratic):
    """Solves on the columns and the residual; ``residual`` is that of the last solution."""

    def __init__(self, columns: WorkingColumns, correlations: Floats) -> None:
        self._clusters = Clusters(columns)
        self._solved: list[tuple[float, State]] = []  # the last alphas
        self.residual: Floats = np.empty(0)
        super().__init__(columns, correlations)

    def solve(
        self, coef: Floats, residual: Floats, penalty: Any, alpha: float, tolerance: float, max_iter: int
    ) -> tuple[int, int]:
        """Minimise from ``coef``, in place, with its residual; returns (status, guesses and sweeps)."""
        state = State(coef, residual, self.correlations)
        status: int = Status.EXHAUSTED
        n_iter = 0
        if self._gap_of(*state, penalty, alpha) <= tolerance:
            status = Status.CONVERGED
        elif max_iter > 0:
            state = self._guess(state, penalty, alpha)
            status, n_iter, state = self._descend(state, penalty, alpha, tolerance, max_iter)
            coef[:] = state.coef
            self._solved = [*self._solved[1 - REMEMBERED :], (alpha, State(coef.copy(), *state[1:]))]
        self.residual, self.correlations = state.residual, state.correlations
        return status, n_iter

    def glance(
        self, coef: Floats, residual: Floats, penalty: Any, alpha: float, tolerance: float, max_iter: int
    ) -> Floats:
        state = self._guess(State(coef, residual, self.correlations), penalty, alpha)
        end = state.coef.copy(), state.residual.copy()
        descent = self._clusters.descent(penalty, alpha, residual.shape)
        chosen = penalty.to_visit(state.coef, state.correlations, alpha)
        count = min(GLANCE, max_iter)
        self._columns.block_round(descent, chosen, state.correlations, state.residual, end, count, combined=False)
        return end[0]

    def _descend(
        self, state: State, penalty: GroupPenalty, alpha: float, tolerance: float, max_iter: int
    ) -> tuple[int, int, State]:
        """Rounds of sweeps over what is active or in violation, whose iterates are combined, or of a Newton step.

        Whichever is slow hands over to the other: where many more entries than rows are free, along a path of kinks,
        neither alone gets there.
        """
        n_iter, stalled, best, value, rounds, by_newton = 1, 0, np.inf, np.inf, 0, False
        gap = self._gap_of(*state, penalty, alpha)
        descent = self._clusters.descent(penalty, alpha, state.residual.shape)
        held = penalty.holds()
        flat = np.flatnonzero((held.l1 == 0) & (held.l2 == 0) & np.isinf(held.lower) & np.isinf(held.upper))
        while gap > tolerance:
            if n_iter >= max_iter:
                return Status.EXHAUSTED, n_iter, state
            count = 1 if by_newton else min(COMBINED, max_iter - n_iter)
            enough = tolerance if rounds == 0 and gap <= NEAR * tolerance else None  # later the gap falls slowly
            state, used = self._sweeps(state, count, descent, penalty, alpha, enough, flat)
            n_iter += used
            if by_newton:
                state = self._fitted(self._step_on_blocks(state, penalty, alpha), flat)
                n_iter += 1
            rounds += 1
            gap = self._gap_of(*state, penalty, alpha)
            before, value = value, _objective(state, penalty, alpha)
            has_moved = gap < 0.9 * best or value < before - PROGRESS * gap  # a gap may rise while Newton steps begin
            stalled = 0 if has_moved else stalled + 1
            if stalled >= 2 * STALLED_ROUNDS:  # of both kinds
                return Status.STALLED, n_iter, state
            by_newton = not by_newton if gap > WORTHWHILE * best else by_newton
            best = min(gap, best)
        return Status.CONVERGED, n_iter, state

    def _sweeps(
        self,
        state: State,
        count: int,
        descent: BlockDescent,
        penalty: GroupPenalty,
        alpha: float,
        enough: float | None,
        flat: NDArray[np.intp],
    ) -> tuple[State, int]:
        """A round of sweeps over what is active or in violation; the state and how many there were.

        ``enough``: read the gap after each, and stop where it is within that.
        """
        chosen, combined = penalty.to_visit(state.coef, state.correlations, alpha), count > 1 and flat.size == 0
        at_once = count if combined and enough is None else 1
        for used in range(at_once, count + 1, at_once):
            end = state.coef.copy(), state.residual.copy()
            self._columns.block_round(descent, chosen, state.correlations, state.residual, end, at_once, combined)
            if flat.size:
                self._fit_flat(flat, *end)
            ended = State(*end, state.correlations)
            state = self._refreshed(ended) if at_once == 1 else self._corrected(ended, state)
            if enough is not None and self._gap_of(*state, penalty, alpha) <= enough:
                return state, used
        return state, count

    def _refreshed(self, state: State) -> State:
        """The state with the correlations of its residual."""
        return State(state.coef, state.residual, self._columns.correlations(state.residual))

    def _corrected(self, state: State, start: State) -> State:
        """The state with residual and correlations to all digits, from those of a state before."""
        residual = start.residual - self._columns.combine(state.coef - start.coef)
        return self._refreshed(State(state.coef, residual, state.correlations))

    def _step_on_blocks(self, state: State, penalty: GroupPenalty, alpha: float) -> State:
        """A Newton step on the blocks that are not zero; the state as it is if no part of the step is of use."""
        system = NewtonSystem(state, penalty.at(alpha), self._curvature)
        step, image, products = self._conjugate_gradients_of(system, state.residual.shape)
        length = 1.0
        for _ in range(HALVINGS):
            coef = system.ended(length * step)
            if np.array_equal(coef, state.coef + length * step):
                residual, correlations = state.residual - length * image, state.correlations - length * products
            else:
                residual = state.residual - self._columns.combine(coef - state.coef)
                correlations = self._columns.correlations(residual)
            guess = State(coef, residual, correlations)
            if self._better(guess, state, penalty, alpha) is guess:
                return guess
            length *= 0.5
        return state

    def _conjugate_gradients_of(self, system: NewtonSystem, shape: tuple[int, ...]) -> tuple[Floats, Floats, Floats]:
        """The solution of the system to a few digits, its image under Z_W and the correlations of that."""
        left = system.slope
        step, products, image = np.zeros_like(left), np.zeros_like(left), np.zeros(shape)
        if not left.any():
            return step, image, products
        direction = system.preconditioned(left)
        size = start = float(np.vdot(left, direction))
        for _ in range(CG_STEPS):
            own_image = self._columns.combine(direction)
            own_products = self._columns.correlations(own_image)
            applied = system.masked(own_products) + system.penalty_times(direction)
            curvature = float(np.vdot(direction, applied))
            if not curvature > 0:
                break
            share = size / curvature
            step += share * direction
            image += share * own_image
            products += share * own_products
            left = left - share * applied
            ahead = system.preconditioned(left)
            before, size = size, float(np.vdot(left, ahead))
            if size <= CG_ACCURACY * CG_ACCURACY * start:
                break
            direction = ahead + size / before * direction
        return step, image, products

    def _fit_flat(self, flat: NDArray[np.intp], coef: Floats, residual: Floats) -> None:
        """Minimise over the features without any penalty together: the dual point must be orthogonal to them."""
        Z = self._columns.matrix(flat)
        step = lstsq(Z, residual.T, cond=1e-13)[0]
        coef[flat] += step
        residual -= (Z @ step).T

    def _fitted(self, state: State, flat: NDArray[np.intp]) -> State:
        """The state after minimising over the features without any penalty."""
        if flat.size == 0:
            return state
        coef, residual = state.coef.copy(), state.residual.copy()
        self._fit_flat(flat, coef, residual)
        return self._refreshed(State(coef, residual, state.correlations))

    def _guess(self, state: State, penalty: GroupPenalty, alpha: float) -> State:
        """The polynomial through the last solutions at alpha, if the objective is lower there."""
        alphas = np.array([solved for solved, _ in self._solved])
        if alphas.size < 2 or not np.all(np.diff(alphas) < 0) or not alpha < alphas[-1]:
            return state
        for count in range(2, alphas.size + 1):
            own = alphas[-count:]
            shares = [float(np.prod([(alpha - b) / (a - b) for b in own if b != a])) for a in own]
            known = [solved for _, solved in self._solved[-count:]]
            guess = state.combined(shares, known)
            first = min(len(solved.coef) for solved in known)
            guess.correlations[first:] = self._columns.correlations(guess.residual, first)
            state = self._better(guess, state, penalty, alpha)
        return state

    @staticmethod
    def _better(guess: State, state: State, penalty: GroupPenalty, alpha: float) -> State:
        """The guess if it is feasible and its objective is lower, else the state."""
        lower, upper = penalty.features.lower[:, np.newaxis], penalty.features.upper[:, np.newaxis]
        if not (np.all(guess.coef >= lower) and np.all(guess.coef <= upper)):
            return state
        return guess if _objective(guess, penalty, alpha) < _objective(state, penalty, alpha) else state


def _objective(state: State, penalty: GroupPenalty, alpha: float) -> float:
    own = float(penalty.values(state.coef[np.newaxis], np.array([alpha]))[0])
    return 0.5 * float(np.vdot(state.residual, state.residual)) + own
