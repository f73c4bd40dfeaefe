"""The path when the Gram matrix of all features is known: nothing of X is read again.

The whole path is one kernel call (a few, so that Ctrl-C is seen). All alphas are certified together afterwards,
from the correlations ``q - G w``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.lapack import dpotrf

from regularize.kernels import blocks, quadratic
from regularize.penalties import GroupPenalty, Penalty
from regularize.solvers.certificate import FLAT, duality_gaps, flat_projection, has_flat

Floats = NDArray[np.float64]
Columns = NDArray[np.intp]

MOST_AT_ONCE, FEWEST_AT_ONCE = 256, 32  # alphas certified together, so that Ctrl-C loses no more than these
CHEAP_PRODUCT = 1e8  # multiply-adds of that: with more, what is zero in all these alphas is left out more often
INNER_SHARE = 0.5  # of the tolerance, so that the certificate's own view of the gap fits in


@dataclass(frozen=True)
class GramProblem:
    """The sufficient statistics G = Z'Z, q = Z'y and y'y, with the penalty and the norms of the columns."""

    gram: Floats
    response: Floats
    squared_target: float
    penalty: Any
    norms: Floats
    lost: float = 1.0  # by how much the rounding of the statistics exceeds that of sums of this size

    @property
    def features(self) -> slice | Columns:
        """The features in the order of coefs."""
        return slice(None)

    def solve(
        self,
        alphas: Floats,
        tolerance: float,
        max_iter: int,
        start: Floats,
        on_solved: Callable[[int, Floats, NDArray[np.intp]], bool],
        solve_all: bool = False,
    ) -> None:
        """Hand each run of solved alphas to ``on_solved(first, coefs (k, p), n_iters (k,))`` until it returns True."""
        features = self.penalty.features
        coef = np.ascontiguousarray(np.clip(start.T, features.lower, features.upper).T)
        gram = self._definite_gram(float(alphas[-1]))
        correlations = self.response - gram @ coef if coef.any() else self.response.copy()
        coefs = np.zeros((alphas.size, *coef.shape))
        n_iters, is_knot = np.zeros(alphas.size, dtype=np.intp), np.zeros(alphas.size, dtype=np.uint8)
        solver, arrays = self._solver()
        at_once = int(np.clip(CHEAP_PRODUCT / gram.size, FEWEST_AT_ONCE, MOST_AT_ONCE))
        done = 0
        while done < alphas.size:
            first = done
            done = solver.solve_path(
                gram,
                self.response,
                *arrays,
                correlations,
                coef,
                self.squared_target,
                alphas,
                INNER_SHARE * tolerance,
                max_iter,
                first,
                coefs,
                n_iters,
                is_knot,
                solve_all,
            )
            for begin in range(first, done, at_once):
                part = slice(begin, min(begin + at_once, done))
                if on_solved(begin, coefs[part], n_iters[part]):
                    return

    def _solver(self) -> tuple[Any, tuple[Any, ...]]:
        """What solves the path, and the penalty as it takes it."""
        p = self.penalty.features
        return quadratic.QuadraticSolver(), (p.l1, p.l2, p.lower, p.upper)

    def _definite_gram(self, alpha: float) -> Floats:
        """The Gram matrix, with a ridge of rounding size if some feature has no penalty to hold it.

        A singular Gram matrix has eigenvalues of either sign at the size of rounding, and a quadratic that falls
        without end along some direction. Only a penalty can keep the solver from following it.
        """
        penalty = self.penalty.holds()
        flat = (penalty.l1 * alpha <= FLAT) & (penalty.l2 * alpha <= FLAT) & (self.norms > 0)
        if not flat.any():
            return self.gram
        pivots = dpotrf(self.gram[np.ix_(flat, flat)], lower=True)[0].diagonal()
        if np.all(pivots > 1e-5):
            return self.gram
        ridge = 4.0 * float(np.finfo(np.float64).eps) * float(np.linalg.norm(self.gram))
        return self.gram + ridge * np.eye(len(self.gram))

    def certify(self, alphas: Floats, coefs: Floats) -> Floats:
        """Duality gaps (k,) of coefs (k, p)."""
        correlations = self.response - self._times_gram(coefs)
        k = len(coefs)
        fitted = np.einsum("ki,ki->k", coefs.reshape(k, -1), (self.response + correlations).reshape(k, -1))
        squared_residuals = np.maximum(self.squared_target - fitted, 0.0)
        projected, projections = None, None
        if has_flat(self.penalty, float(alphas.min())):
            projected, projections = self._project(alphas, coefs, correlations, squared_residuals)
        return duality_gaps(
            coefs, correlations, self.penalty, alphas, squared_residuals, self.norms, projected, projections
        )

    def _times_gram(self, coefs: Floats) -> Floats:
        """G w for each w of coefs, from the rows of G that some of them need."""
        used = np.flatnonzero(coefs.any(axis=0))
        return coefs[:, used] @ self.gram[used] if 2 * used.size < len(self.gram) else coefs @ self.gram

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

    def gap_noises(self, coefs: Floats, enough: float) -> Floats:
        """What rounding may hide in the gaps (k,) of coefs (k, p) computed from the Gram matrix instead of X.

        An entry of ``q - G w`` carries an error of a few units in the last place of the terms that were added up. The
        sum of all terms is only taken if a simple bound of it is above ``enough``.
        """
        sizes, unit = np.abs(coefs), 8 * self.lost * float(np.finfo(np.float64).eps)
        totals = sizes.reshape(len(sizes), -1).sum(axis=1)
        noises = unit * (self.squared_target + 4.0 * totals * (np.sqrt(self.squared_target) + 2.0 * totals))
        doubtful = np.flatnonzero(noises > enough)
        if doubtful.size:
            magnitudes = np.abs(self.gram)
            for k in doubtful:
                terms = np.vdot(sizes[k], np.abs(self.response) + magnitudes @ sizes[k])
                noises[k] = unit * (self.squared_target + 2.0 * float(terms))
        return noises


@dataclass(frozen=True)
class BlockGramProblem(GramProblem):
    """The same for a group penalty on coefficients (p, T), with the features in the order of their groups."""

    order: Any = None

    @property
    def features(self) -> Columns:
        order: Columns = self.order
        return order

    def _solver(self) -> tuple[Any, tuple[Any, ...]]:
        return blocks.BlockSolver(), self.penalty.arrays

    def _times_gram(self, coefs: Floats) -> Floats:
        k, p, n_targets = coefs.shape
        products = self.gram @ coefs.transpose(1, 0, 2).reshape(p, k * n_targets)
        return products.reshape(p, k, n_targets).transpose(1, 0, 2)


def gram_problem(
    gram: Floats,
    response: Floats,
    squared_target: float,
    penalty: Penalty | GroupPenalty,
    norms: Floats,
    lost: float,
) -> GramProblem:
    """The problem of these statistics; ``response`` is (p,), or (T, p) for a group penalty."""
    if isinstance(penalty, Penalty):
        return GramProblem(gram, response, squared_target, penalty, norms, lost)
    order = penalty.groups.indices
    if np.any(np.diff(order) != 1):
        gram = gram[np.ix_(order, order)]
    penalty = penalty.restrict(np.arange(penalty.n_units, dtype=np.intp))
    response = np.ascontiguousarray(response[:, order].T)
    return BlockGramProblem(gram, response, squared_target, penalty, norms[order], lost, order)
