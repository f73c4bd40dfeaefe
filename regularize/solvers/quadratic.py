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

    def along(
        self,
        coef: Floats,
        penalty: Any,
        alphas: Floats,
        tolerance: float,
        max_iter: int,
        n_iters: NDArray[np.intp],
        solve_all: bool,
    ) -> tuple[Floats, NDArray[np.uint8]]:
        """The path from ``coef`` along alphas (k,), leaving everything as it was: (k, |W|, ...), and which are knots.

        ``n_iters`` (k,) says what each alpha has had already, and is brought up to date.
        """
        coefs, is_knot = np.empty((alphas.size, *coef.shape)), np.zeros(alphas.size, dtype=np.uint8)
        state = self.correlations.copy(), coef.copy(), self.squared_target
        done = 0
        while done < alphas.size:
            rest = tolerance, max_iter, done, coefs, n_iters, is_knot, solve_all
            done = self._solver.solve_path(*self._data(penalty), *state, alphas, *rest)
        return coefs, is_knot

    def _data(self, penalty: Any) -> tuple[Any, ...]:
        """Gram matrix, response and penalty as the kernel takes them."""
        return self._gram, self._response[: self.size], penalty.l1, penalty.l2, penalty.lower, penalty.upper

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
            rest = correlations, coef, self.squared_target, alpha, tolerance, max_iter - n_iter
            status, used = solver.solve(*self._data(penalty), *rest)
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
        state = correlations, coef, self.squared_target
        limits = np.array([alpha]), tolerance, max_iter, 0
        out = np.empty((1, *coef.shape)), np.zeros(1, dtype=np.intp), np.zeros(1, dtype=np.uint8)
        while not solver.solve_path(*self._data(penalty), *state, *limits, *out):
            pass
        return int(solver.status), int(out[1][0])

    def _data(self, penalty: GroupPenalty) -> tuple[Any, ...]:
        return self._gram, self._response[: self.size], *penalty.arrays
