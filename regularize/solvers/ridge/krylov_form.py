"""Conjugate gradients for X that is large and sparse: all alphas from one Krylov space, X is read twice per step.

The shifted systems (Z'Z + alpha I) u = Z'y have the same Krylov space, and their residuals are multiples of that of the
smallest alpha, the seed, which is the slowest. The seed keeps the residual s = y - Z u itself and forms its gradient
from it, so that rounding does not pile up; the gradients of all answers are then recomputed from X, and those that
are not small enough are taken further, each by itself.

Sources: Frommer and Maass (1999), "Fast CG-based methods for Tikhonov-Phillips regularization"; van den Eshof and
Sleijpen (2004), "Accurate conjugate gradient methods for families of shifted systems", for the shifted CGLS form.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from regularize.kernels.krylov import advance
from regularize.solvers.ridge.forms import RidgeForm, Solutions, Which
from regularize.solvers.ridge.shifted_system import EPS
from regularize.solvers.ridge.units import RidgeProblem
from regularize.solvers.ridge.unpenalised import Unpenalised

Floats = NDArray[np.float64]

DEFAULT_MAX_ITER = 10_000
SMALLEST_TOL = 8.0 * EPS
MAX_RESTARTS = 3
PATIENCE = 50  # iterations without a new smallest gradient; or half of all so far, if that is more
LARGEST_GROWTH = 1e12  # of the square of the gradient above its smallest
ROUNDING = 64.0 * EPS  # of a gradient, times the norms it is computed from


class KrylovForm(RidgeForm):
    """Products with X and nothing else; an answer is done when its gradient is ``tol`` times that of zero."""

    name = "cg"

    def __init__(self, problem: RidgeProblem, tol: float, max_iter: int | None) -> None:
        self.problem = problem
        self._tol = max(tol, SMALLEST_TOL)
        self._max_iter = DEFAULT_MAX_ITER if max_iter is None else max_iter
        self._unpenalised = Unpenalised(problem)
        self._root = problem.design.root_weights
        self._multiplier = problem.multiplier
        self._units = self._multiplier * problem.design.scale

    def reliable(self, alphas: Floats, for_rows: bool) -> NDArray[np.bool_]:
        return np.ones(alphas.size, dtype=np.bool_)

    def _combined(self, u: Floats, rough: bool = False) -> Floats:
        """X w (m, n) for the coefficients w that rows u (m, p) stand for."""
        return self.problem.design.combinations(u * self._multiplier, rough)

    def _forward(self, combined: Floats) -> Floats:
        """Z u for what X combines: without its part along what is not penalised."""
        return self._unpenalised.off(combined * self._root)

    def _adjoint(self, remainders: Floats, rough: bool = False) -> Floats:
        """Z' s (m, p) for rows s (m, n)."""
        return self.problem.design.adjoint(remainders, rough) * self._units

    # ------------------------------------------------------------------------------ solutions

    def solve(self, alphas: Floats, which: Which) -> Solutions:
        k, m, p = alphas.size, which.size, self.problem.design.n_features
        order = np.argsort(alphas, kind="stable")
        targets = self._unpenalised.off(self.problem.targets[which])
        gradients = self._adjoint(targets)
        sizes = np.sqrt(np.einsum("mp,mp->m", gradients, gradients))
        by_gap = np.sqrt(np.outer(alphas, self._tol * self.problem.squared_targets[which]))  # 1/2 gradient^2 / alpha
        limits = np.minimum(self._tol * sizes, np.where(alphas[:, np.newaxis] > 0, by_gap, np.inf))
        limits = np.maximum(limits, SMALLEST_TOL * sizes)
        shifts = np.tile(alphas[order], (m, 1))
        found, counts = self._descend(targets, np.zeros((m, p)), gradients, shifts, limits[order].T, self._max_iter)
        u, n_iters = np.empty((k, m, p)), np.empty((k, m), dtype=np.intp)
        for j in range(m):
            u[order, j] = found[j].T
            n_iters[order, j] = counts[j]
        for restart in range(MAX_RESTARTS + 1):
            combined, left, slopes, noise = self._true_gradients(alphas, u, targets)
            late = np.sqrt(np.einsum("kmp,kmp->km", slopes, slopes)) > np.maximum(limits * (1.0 + 1e-6), noise)
            again = late & (n_iters < self._max_iter)
            if restart == MAX_RESTARTS or not again.any():
                break
            self._take_further(alphas, u, n_iters, left, slopes, limits, again)
        return self._answers(alphas, which, u, combined, slopes, n_iters, ~late)

    def _true_gradients(self, alphas: Floats, u: Floats, targets: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """What X combines (k, m, n), remainders, gradients, and the size of the rounding in these."""
        k, m, p = u.shape
        combined = self._combined(u.reshape(-1, p))
        images = self._forward(combined).reshape(k, m, -1)
        left = targets - images
        slopes = self._adjoint(left.reshape(k * m, -1)).reshape(u.shape)
        lengths = np.linalg.norm(left, axis=2) + np.linalg.norm(images, axis=2)
        norm = np.linalg.norm(self._units * self.problem.design.norms)
        return (
            combined.reshape(left.shape),
            left,
            slopes - alphas[:, np.newaxis, np.newaxis] * u,
            ROUNDING * norm * lengths,
        )

    def _take_further(
        self,
        alphas: Floats,
        u: Floats,
        n_iters: NDArray[np.intp],
        left: Floats,
        slopes: Floats,
        limits: Floats,
        again: NDArray[np.bool_],
    ) -> None:
        """Conjugate gradients from where the chosen answers stand, each with its own alpha."""
        rows, _ = np.nonzero(again)
        room = int(self._max_iter - n_iters[again].max())
        found, counts = self._descend(
            left[again], u[again], slopes[again], alphas[rows][:, np.newaxis], limits[again][:, np.newaxis], room
        )
        u[again] += np.stack([solutions[:, 0] for solutions in found])
        n_iters[again] += np.array([count[0] for count in counts], dtype=np.intp)

    def _descend(
        self, remainders: Floats, start: Floats, gradients: Floats, shifts: Floats, limits: Floats, max_iter: int
    ) -> tuple[list[Floats], list[NDArray[np.intp]]]:
        """Corrections (p, k) for each of m starts (m, p), at shifts (m, k) that ascend, the first being the seed's.

        ``remainders`` (m, n) and ``gradients`` (m, p) are those at the start; for several shifts it must be zero.
        """
        states = [
            ShiftedState(own, gradient, row, limit)
            for own, gradient, row, limit in zip(start, gradients, shifts, limits, strict=True)
        ]
        remainders = remainders.copy()
        for _ in range(max_iter):
            active = np.array([j for j, state in enumerate(states) if state.n_open], dtype=np.intp)
            if not active.size:
                break
            images = self._forward(self._combined(np.stack([states[j].direction for j in active]), rough=True))
            curvatures = np.einsum("mn,mn->m", images, images)
            for j, curvature in zip(active, curvatures, strict=True):
                states[j].choose_step(float(curvature))
            steps = np.array([states[j].step for j in active])
            remainders[active] -= steps[:, np.newaxis] * images
            slopes = self._adjoint(remainders[active], rough=True)
            for j, slope in zip(active, slopes, strict=True):
                states[j].advance(slope)
        return [state.solutions for state in states], [state.n_iters for state in states]

    def _answers(
        self,
        alphas: Floats,
        which: Which,
        u: Floats,
        combined: Floats,
        slopes: Floats,
        n_iters: NDArray[np.intp],
        converged: NDArray[np.bool_],
    ) -> Solutions:
        coefs = u * self._multiplier
        offsets, rest = self._unpenalised.fit(coefs, combined, self.problem.targets[which])
        errors = np.einsum("kmn,kmn->km", rest, rest)
        squares = np.einsum("kmp,kmp->km", u, u)
        with np.errstate(divide="ignore", invalid="ignore"):
            gaps = 0.5 * np.einsum("kmp,kmp->km", slopes, slopes) / alphas[:, np.newaxis]
        most = 0.5 * errors + 0.5 * alphas[:, np.newaxis] * squares  # the dual value at zero is zero
        gaps = np.fmin(gaps, most)
        exact = gaps <= ROUNDING * self.problem.squared_targets[which]  # as far as objectives can tell
        return Solutions(coefs, offsets, gaps, errors, n_iters, converged | exact)

    # ------------------------------------------------------------------------- error estimates

    def effective_df(self, alphas: Floats) -> Floats:
        raise NotImplementedError("needs a factorisation")

    def leave_one_out(self, alphas: Floats) -> Iterator[Floats]:
        raise NotImplementedError("needs a factorisation")


class ShiftedState:
    """Conjugate gradients of one right-hand side: the seed's scalars, and the vectors of all shifts.

    With theta = zeta_new / zeta, the ratio by which a shifted gradient falls behind the seed's,

        1 / theta = 1 + step * shift + step * momentum_old / step_old * (1 - theta_old),

    a shifted system takes the step ``step * theta * zeta`` and the momentum ``momentum * theta`` with directions
    that are divided by zeta.
    """

    def __init__(self, start: Floats, gradient: Floats, shifts: Floats, limits: Floats) -> None:
        self._seed, self._shifts, self._limits = float(shifts[0]), shifts - shifts[0], limits
        self.direction, self._start = gradient.copy(), start
        self.solutions = np.zeros((gradient.size, shifts.size))
        self._directions = np.repeat(gradient[:, np.newaxis], shifts.size, axis=1)
        self._zeta, self._theta = np.ones(shifts.size), np.ones(shifts.size)
        self._square = float(gradient @ gradient)
        self.step, self._momentum = 0.0, 0.0
        self.n_iters = np.zeros(shifts.size, dtype=np.intp)
        self.n_open = int(np.sum(np.sqrt(self._square) > limits))
        self._least, self._since = self._square, 0

    def choose_step(self, curvature: float) -> None:
        """Along the seed's direction d, given ||Z d||^2."""
        step_old = self.step
        self.step = self._square / (curvature + self._seed * float(self.direction @ self.direction))
        behind = self.step * self._momentum / step_old * (1.0 - self._theta) if step_old else 0.0
        self._theta = 1.0 / (1.0 + self.step * self._shifts + behind)

    def advance(self, product: Floats) -> None:
        """Take the step; ``product`` is Z's for the remainder s after it."""
        n = self.n_open
        theta, zeta = self._theta[:n], self._zeta[:n]
        steps = np.ascontiguousarray(self.step * theta * zeta)
        gradient = steps[0] * self.direction  # of the seed, in place: these are long vectors
        gradient += self.solutions[:, 0]
        gradient += self._start
        gradient *= -self._seed
        gradient += product
        square = float(gradient @ gradient)
        self._momentum = square / self._square if self._square else 0.0
        momenta = np.ascontiguousarray(self._momentum * theta)
        advance(self.solutions, self._directions, gradient, steps, momenta)
        self.direction *= self._momentum
        self.direction += gradient
        self._zeta[:n] *= theta
        self._square = square
        self.n_iters[:n] += 1
        self._since = 0 if square < self._least else self._since + 1
        self._least = min(self._least, square)
        if not square < LARGEST_GROWTH * self._least or self._since > max(PATIENCE, int(self.n_iters[0]) // 2):
            self.n_open = 0  # rounding: the true gradients decide what to do
        while self.n_open and self._zeta[self.n_open - 1] * np.sqrt(square) <= self._limits[self.n_open - 1]:
            self.n_open -= 1
