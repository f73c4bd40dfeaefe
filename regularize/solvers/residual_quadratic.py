"""One penalised quadratic on a working set for which a Gram matrix does not pay, by its residual.

Coordinate descent costs a column here (n, or its stored entries), not |W|. The Newton step on the free columns F is the
same as in the Gram solver. With D = alpha l2 on every free column and fewer rows than those,

    (Z_F'Z_F + D)^-1 = D^-1 - D^-1 Z_F' (I + Z_F D^-1 Z_F')^-1 Z_F D^-1                            (Woodbury)

and what is factored is n x n. Otherwise the matrix of the free columns is factored, or, where that is more work than
multiplying by sparse columns, conjugate gradients solve the system.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, cho_factor, cho_solve
from scipy.sparse.linalg import LinearOperator, cg

from regularize.design.working_columns import WorkingColumns
from regularize.kernels.quadratic import Status
from regularize.kernels.threads import all_threads
from regularize.penalties import Penalty
from regularize.solvers.certificate import duality_gaps, flat_projection, has_flat

Floats = NDArray[np.float64]

SPARSE = 0.1  # share of entries that are stored
PATTERN_SWEEPS, SPARSE_PATTERN_SWEEPS = 10, 100  # sweeps of sparse columns cost little beside a Newton step
NEWTON_STEPS = 3  # in turn: a cut step takes out one feature, sweeps many
LEAST_CG_STEPS, CG_STEPS = 20, 200  # more only once the pattern has settled
PRODUCTS_PER_ENTRY = 2500  # of a Gram matrix, in the time in which conjugate gradients read an entry of the columns
STALLED_ROUNDS = 4
BLOCK = 256  # columns made dense at a time


class ResidualQuadratic:
    """Solves on the columns and the residual themselves; nothing of size |W|^2 exists.

    Invariant: ``correlations = Z_W' residual`` after ``extend``, ``refresh`` and ``solve``.
    """

    def __init__(self, columns: WorkingColumns, correlations: Floats) -> None:
        self._columns = columns
        self._accuracy, self._cg_steps = 1e-4, LEAST_CG_STEPS  # of the conjugate gradients
        self._curvature = np.empty(0)
        self._asked: tuple[Any, float, bool] = (None, 0.0, False)  # see _has_flat
        self.correlations = correlations
        self.extend(columns, np.empty(0), correlations)

    def extend(self, columns: WorkingColumns, coef: Floats, correlations: Floats) -> None:
        """Take in the columns that were appended."""
        self._curvature = np.concatenate([self._curvature, columns.squared_norms(self._curvature.size)])
        self.correlations = correlations

    def refresh(self, correlations: Floats) -> None:
        """Replace the correlations by those of the true residual."""
        self.correlations = correlations

    def gram_of(self, positions: NDArray[np.intp]) -> Floats:
        """Z_P'Z_P for a few positions."""
        matrix = self._columns.matrix(positions)
        return matrix.T @ matrix

    def solve(
        self, coef: Floats, residual: Floats, penalty: Penalty, alpha: float, tolerance: float, max_iter: int
    ) -> tuple[int, int]:
        """Minimise from ``coef``, in place, with its residual; returns (status, sweeps and Newton steps)."""
        residual = residual.copy()
        self._accuracy, self._cg_steps = min(max(tolerance, 1e-12), 1e-4), LEAST_CG_STEPS
        n_iter, stalled, best = 0, 0, np.inf
        if self._gap(coef, residual, penalty, alpha) <= tolerance:
            return Status.CONVERGED, 0
        while n_iter < max_iter:
            n_iter += self._settle(coef, residual, penalty, alpha, max_iter - n_iter)
            gap = self._gap(coef, residual, penalty, alpha)
            for _ in range(min(NEWTON_STEPS, max_iter - n_iter)):
                if gap <= tolerance:
                    break
                whole = self._newton_step(coef, residual, penalty.at(alpha))
                n_iter += 1
                gap = self._gap(coef, residual, penalty, alpha)
                if whole:
                    self._cg_steps = min(2 * self._cg_steps, CG_STEPS)
                    break
            if gap <= tolerance:
                return Status.CONVERGED, n_iter
            stalled = 0 if gap < 0.5 * best else stalled + 1
            best = min(gap, best)
            if stalled >= STALLED_ROUNDS:
                return Status.STALLED, n_iter
        return Status.EXHAUSTED, n_iter

    def glance(
        self, coef: Floats, residual: Floats, penalty: Penalty, alpha: float, tolerance: float, max_iter: int
    ) -> Floats:
        """The solution at another alpha, leaving everything as it was."""
        coef, correlations = coef.copy(), self.correlations
        self.solve(coef, residual, penalty, alpha, tolerance, max_iter)
        self.correlations = correlations
        return coef

    def _settle(self, coef: Floats, residual: Floats, penalty: Penalty, alpha: float, max_iter: int) -> int:
        """One sweep over all columns, then over the active ones until their pattern settles."""
        arrays = (self._curvature, penalty.l1, penalty.l2, penalty.lower, penalty.upper)
        self._columns.sweep(coef, residual, alpha, False, *arrays)
        n_iter, at_most = 1, min(self._pattern_sweeps(residual.size), max_iter)
        while n_iter < at_most:
            n_iter += 1
            if self._columns.sweep(coef, residual, alpha, True, *arrays) == 0:
                break
        return n_iter

    def _pattern_sweeps(self, n: int) -> int:
        """Sweeps of a round, at most."""
        is_sparse = self._columns.entries < SPARSE * n * self._columns.size
        return SPARSE_PATTERN_SWEEPS if is_sparse else PATTERN_SWEEPS

    def _gap(self, coef: Floats, residual: Floats, penalty: Penalty, alpha: float) -> float:
        """The duality gap on the working set; brings the correlations up to date."""
        self.correlations = self._columns.correlations(residual)
        return self._gap_of(coef, residual, self.correlations, penalty, alpha)

    def _gap_of(self, coef: Floats, residual: Floats, correlations: Floats, penalty: Any, alpha: float) -> float:
        """The duality gap on the working set."""
        norms, squared_residual = np.sqrt(self._curvature), float(np.vdot(residual, residual))
        projected, projections = None, None
        if self._has_flat(penalty, alpha):
            flags, projection = flat_projection(
                coef, correlations, self.gram_of, penalty.at(alpha), norms, squared_residual
            )
            projected, projections = flags[np.newaxis].astype(np.uint8), np.array([projection])
        gaps = duality_gaps(
            coef[np.newaxis],
            correlations[np.newaxis],
            penalty,
            np.array([alpha]),
            np.array([squared_residual]),
            norms,
            projected,
            projections,
        )
        return float(gaps[0])

    def _has_flat(self, penalty: Any, alpha: float) -> bool:
        """Whether some feature has no penalty to speak of; the last answer is kept."""
        if self._asked[0] is not penalty or self._asked[1] != alpha:
            self._asked = penalty, alpha, has_flat(penalty, alpha)
        return self._asked[2]

    def _newton_step(self, coef: Floats, residual: Floats, penalty: Penalty) -> bool:
        """One step to the minimum over the free columns; True when it stayed within the pattern (or there is none).

        Where coordinates would leave their segment they are clipped to it, if that lowers the objective; if not, the
        step ends where the first of them gets there.
        """
        free = np.flatnonzero((penalty.lower < coef) & (coef < penalty.upper) & ((coef != 0) | (penalty.l1 == 0)))
        if free.size == 0:
            return True
        own, w = penalty.restrict(free), coef[free]
        slope = self.correlations[free] - own.l1 * np.sign(w) - own.l2 * w
        direction = self._solver_of(free, own.l2, residual.size)(slope, free, own.l2)
        low = np.where((own.l1 > 0) & (w > 0), np.maximum(own.lower, 0.0), own.lower)
        high = np.where((own.l1 > 0) & (w < 0), np.minimum(own.upper, 0.0), own.upper)
        clipped = np.clip(w + direction, low, high)
        leaving = clipped != w + direction
        step = np.zeros_like(coef)
        step[free] = clipped - w
        change = self._columns.combine(step)
        if leaving.any() and self._objective_change(step[free], change, w, residual, own) >= 0:
            shares = np.where(leaving, (clipped - w) / np.where(leaving, direction, 1.0), 1.0)
            first = np.argmin(shares)
            cut = np.clip(w + shares[first] * direction, low, high)
            clipped = np.where(np.arange(w.size) == first, clipped, cut)
            step[free] = clipped - w
            change = self._columns.combine(step)
        coef[free] = clipped
        residual -= change
        return not leaving.any()

    def _objective_change(self, step: Floats, change: Floats, w: Floats, residual: Floats, penalty: Penalty) -> float:
        """Of moving the free columns by ``step`` and the fit by ``change``."""
        value = 0.5 * float(change @ change) - float(residual @ change)
        value += float(np.sum(penalty.l1 * (np.abs(w + step) - np.abs(w))))
        return value + float(np.sum(penalty.l2 * step * (w + 0.5 * step)))

    def _image(self, coef: Floats, free: NDArray[np.intp]) -> Floats:
        """Z_F coef."""
        full = np.zeros(self._columns.size)
        full[free] = coef
        return self._columns.combine(full)

    def _solver_of(self, free: NDArray[np.intp], l2: Floats, n: int) -> Callable[..., Floats]:
        """Of Newton's system."""
        if n < free.size and np.all(l2 > 0):
            return self._woodbury
        if n * free.size**2 <= PRODUCTS_PER_ENTRY * self._columns.entries:
            return self._factorisation
        return self._conjugate_gradients

    def _factorisation(self, slope: Floats, free: NDArray[np.intp], l2: Floats) -> Floats:
        """(Z_F'Z_F + diag(l2))^-1 slope."""
        columns = self._columns.matrix(free)
        with all_threads(columns.size * free.size):
            matrix = columns.T @ columns
        matrix[np.diag_indices(free.size)] += l2
        try:
            return np.asarray(cho_solve(cho_factor(matrix, overwrite_a=True), slope))
        except LinAlgError:  # columns that depend on each other, and no l2 term
            return self._conjugate_gradients(slope, free, l2)

    def _conjugate_gradients(self, slope: Floats, free: NDArray[np.intp], l2: Floats) -> Floats:
        """(Z_F'Z_F + diag(l2))^-1 slope, to a few digits or the tolerance: the next step corrects the rest."""

        def product(x: Floats) -> Floats:
            return self._columns.correlations(self._image(x, free))[free] + l2 * x

        operator = LinearOperator((free.size, free.size), matvec=product, dtype=np.float64)
        return cg(operator, slope, rtol=self._accuracy, maxiter=self._cg_steps)[0]

    def _woodbury(self, slope: Floats, free: NDArray[np.intp], l2: Floats) -> Floats:
        """(Z_F'Z_F + diag(l2))^-1 slope."""
        image = self._image(slope / l2, free)
        kernel = np.eye(image.size)
        for part in _blocks(np.arange(free.size)):
            block = self._columns.matrix(free[part])
            block /= np.sqrt(l2[part])
            with all_threads(image.size**2 * part.size):
                kernel += block @ block.T
        inner = cho_solve(cho_factor(kernel, overwrite_a=True), image)
        return (slope - self._columns.correlations(inner)[free]) / l2


def _blocks(positions: NDArray[np.intp]) -> list[NDArray[np.intp]]:
    return [positions[first : first + BLOCK] for first in range(0, positions.size, BLOCK)]
