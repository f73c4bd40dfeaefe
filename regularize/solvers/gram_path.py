"""The path when the Gram matrix of all features is known: nothing of X is read again.

The whole path is one kernel call (a few, so that Ctrl-C is seen). All alphas are certified together afterwards,
from the correlations ``q - G w``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.lapack import dpotrf

from regularize.kernels import quadratic
from regularize.penalties import Penalty
from regularize.solvers.certificate import FLAT, duality_gaps, flat_projection, has_flat

Floats = NDArray[np.float64]

AT_ONCE = 256  # alphas certified together, so that Ctrl-C loses no more than these
INNER_SHARE = 0.5  # of the tolerance, so that the certificate's own view of the gap fits in


@dataclass(frozen=True)
class GramProblem:
    """The sufficient statistics G = Z'Z, q = Z'y and y'y, with the penalty and the norms of the columns."""

    gram: Floats
    response: Floats
    squared_target: float
    penalty: Penalty
    norms: Floats
    lost: float = 1.0  # by how much the rounding of the statistics exceeds that of sums of this size

    def solve(
        self,
        alphas: Floats,
        tolerance: float,
        max_iter: int,
        start: Floats,
        on_solved: Callable[[int, Floats, NDArray[np.intp]], bool],
    ) -> None:
        """Hand each run of solved alphas to ``on_solved(first, coefs (k, p), n_iters (k,))`` until it returns True."""
        penalty = self.penalty
        coef = np.clip(start, penalty.lower, penalty.upper)
        gram = self._definite_gram(float(alphas[-1]))
        correlations = self.response - gram @ coef
        coefs = np.zeros((alphas.size, coef.size))
        n_iters = np.zeros(alphas.size, dtype=np.intp)
        solver = quadratic.QuadraticSolver()
        done = 0
        while done < alphas.size:
            first = done
            done = solver.solve_path(
                gram,
                self.response,
                penalty.l1,
                penalty.l2,
                penalty.lower,
                penalty.upper,
                correlations,
                coef,
                self.squared_target,
                alphas,
                INNER_SHARE * tolerance,
                max_iter,
                first,
                coefs,
                n_iters,
            )
            for begin in range(first, done, AT_ONCE):
                part = slice(begin, min(begin + AT_ONCE, done))
                if on_solved(begin, coefs[part], n_iters[part]):
                    return

    def _definite_gram(self, alpha: float) -> Floats:
        """The Gram matrix, with a ridge of rounding size if some feature has no penalty to hold it.

        A singular Gram matrix has eigenvalues of either sign at the size of rounding, and a quadratic that falls
        without end along some direction. Only a penalty can keep the solver from following it.
        """
        flat = (self.penalty.l1 * alpha <= FLAT) & (self.penalty.l2 * alpha <= FLAT) & (self.norms > 0)
        if not flat.any():
            return self.gram
        pivots = dpotrf(self.gram[np.ix_(flat, flat)], lower=True)[0].diagonal()
        if np.all(pivots > 1e-5):
            return self.gram
        ridge = 4.0 * float(np.finfo(np.float64).eps) * float(np.linalg.norm(self.gram))
        return self.gram + ridge * np.eye(len(self.gram))

    def certify(self, alphas: Floats, coefs: Floats) -> Floats:
        """Duality gaps (k,) of coefs (k, p)."""
        correlations = self.response - coefs @ self.gram
        fitted = np.einsum("kj,kj->k", coefs, self.response + correlations)
        squared_residuals = np.maximum(self.squared_target - fitted, 0.0)
        projected, projections = None, None
        if has_flat(self.penalty, float(alphas.min())):
            projected, projections = self._project(alphas, coefs, correlations, squared_residuals)
        return duality_gaps(
            coefs, correlations, self.penalty, alphas, squared_residuals, self.norms, projected, projections
        )

    def _project(
        self, alphas: Floats, coefs: Floats, correlations: Floats, squared_residuals: Floats
    ) -> tuple[NDArray[np.uint8], Floats]:
        """What the dual points of all alphas are made orthogonal to, and the squared norms of that."""
        projected, projections = np.zeros(coefs.shape, dtype=np.uint8), np.zeros(alphas.size)
        for k, alpha in enumerate(alphas):
            projected[k], projections[k] = flat_projection(
                coefs[k],
                correlations[k],
                lambda part: self.gram[np.ix_(part, part)],
                self.penalty.at(float(alpha)),
                self.norms,
                float(squared_residuals[k]),
            )
        return projected, projections

    def gap_noise(self, coef: Floats, enough: float) -> float:
        """What rounding may hide in a gap computed from the Gram matrix instead of X.

        An entry of ``q - G w`` carries an error of a few units in the last place of the terms that were added up. The
        sum of all terms is only taken if a simple bound of it is above ``enough``.
        """
        size, unit = np.abs(coef), 8 * self.lost * float(np.finfo(np.float64).eps)
        total = float(size.sum())
        bound = unit * (self.squared_target + 4.0 * total * (np.sqrt(self.squared_target) + 2.0 * total))
        if bound <= enough:
            return bound
        terms = size @ (np.abs(self.response) + np.abs(self.gram) @ size)
        return unit * (self.squared_target + 2.0 * float(terms))
