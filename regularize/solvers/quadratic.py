"""One penalised quadratic on a working set, by its Gram matrix."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from regularize.design.working_columns import WorkingColumns, grown
from regularize.kernels import blocks, quadratic
from regularize.penalties import GroupPenalty

Floats = NDArray[np.float64]


class GramQuadratic:
    """Keeps Z_W'Z_W, the correlations and a Cholesky factor while the working set grows.

    Invariant: ``correlations = Z_W' (y - Z_W coef)``.
    """

    make_solver: Any = quadratic.QuadraticSolver

    def __init__(self, squared_target: float, targets: tuple[int, ...] = ()) -> None:
        self.squared_target = squared_target
        self.size = 0
        self._solver = self.make_solver()
        self._scout = self.make_solver()
        self._gram = np.empty((0, 0))
        self._response = np.empty((0, *targets))
        self._correlations = np.empty((0, *targets))

    @property
    def correlations(self) -> Floats:
        """c_W."""
        return self._correlations[: self.size]

    @property
    def gram(self) -> Floats:
        """G_WW."""
        return self._gram[: self.size, : self.size]

    def extend(self, columns: WorkingColumns, coef: Floats, correlations: Floats) -> None:
        """Take in the columns that were appended; ``coef`` and ``correlations`` are those of all of W."""
        first, self.size = self.size, columns.size
        if self.size > self._gram.shape[0]:
            self._grow(first, self.size + self.size // 2 + 16)
        columns.extend_gram(self._gram, first)
        self._correlations[: self.size] = correlations
        self._response[first : self.size] = correlations[first:] + self.gram[first:] @ coef

    def _grow(self, used: int, capacity: int) -> None:
        larger = np.empty((capacity, capacity))
        larger[:used, :used] = self._gram[:used, :used]
        self._gram = larger
        self._response = grown(self._response, capacity)
        self._correlations = grown(self._correlations, capacity)

    def refresh(self, correlations: Floats) -> None:
        """Replace the correlations by those of the true residual."""
        self._correlations[: self.size] = correlations

    def gram_of(self, positions: NDArray[np.intp]) -> Floats:
        """Z_P'Z_P for some positions."""
        return self._gram[np.ix_(positions, positions)]

    def solve(
        self, coef: Floats, residual: Floats, penalty: Any, alpha: float, tolerance: float, max_iter: int
    ) -> tuple[int, int]:
        """Minimise from ``coef``, in place; returns (status, sweeps and Newton steps)."""
        return self._run(self._solver, self.correlations, coef, penalty, alpha, tolerance, max_iter)

    def glance(
        self, coef: Floats, residual: Floats, penalty: Any, alpha: float, tolerance: float, max_iter: int
    ) -> Floats:
        """The solution at another alpha, with a factor of its own, leaving everything as it was."""
        coef = coef.copy()
        self._run(self._scout, self.correlations.copy(), coef, penalty, alpha, tolerance, max_iter)
        return coef

    def _run(
        self,
        solver: Any,
        correlations: Floats,
        coef: Floats,
        penalty: Any,
        alpha: float,
        tolerance: float,
        max_iter: int,
    ) -> tuple[int, int]:
        n_iter, status = 0, int(quadratic.Status.PAUSED)
        while status == quadratic.Status.PAUSED:
            status, used = solver.solve(
                self._gram,
                self._response[: self.size],
                penalty.l1,
                penalty.l2,
                penalty.lower,
                penalty.upper,
                correlations,
                coef,
                self.squared_target,
                alpha,
                tolerance,
                max_iter - n_iter,
            )
            n_iter += used
        return status, n_iter


class BlockQuadratic(GramQuadratic):
    """The same for a group penalty, with coefficients and correlations of shape (|W|, T)."""

    make_solver = blocks.BlockSolver

    def _run(
        self,
        solver: Any,
        correlations: Floats,
        coef: Floats,
        penalty: GroupPenalty,
        alpha: float,
        tolerance: float,
        max_iter: int,
    ) -> tuple[int, int]:
        data = self._gram, self._response[: self.size], *penalty.arrays
        limits = np.array([alpha]), tolerance, max_iter, 0
        solved, n_iters = np.empty((1, *coef.shape)), np.zeros(1, dtype=np.intp)
        while not solver.solve_path(*data, correlations, coef, self.squared_target, *limits, solved, n_iters):
            pass
        return int(solver.status), int(n_iters[0])
