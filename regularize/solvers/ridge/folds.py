"""Ridge on all folds of a cross-validation, without a refit on the rows of any.

n >= p: one reading of X gives the statistics of the training rows of all folds (design/cells.py); each fold then costs
one factorisation of a p x p matrix for all alphas and targets. p > n: one kernel matrix, whose submatrices are those of
the folds. Standardisation, unpenalised features and sparse X with many rows and columns are solved fold by fold, on the
same X under the weights of the fold.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError

from regularize.design import FoldedDesign
from regularize.kernels.threads import one_thread
from regularize.penalties import Penalty
from regularize.solvers.ridge.forms import WELL_CONDITIONED
from regularize.solvers.ridge.shifted_system import RELIABLE, ShiftedSystem
from regularize.solvers.ridge.solver import LARGEST_SPARSE, RidgeSolver, is_bounded
from regularize.solvers.ridge.units import weighted_mean
from regularize.solvers.ridge.unpenalised import set_apart

Floats = NDArray[np.float64]

LARGEST_KERNEL = 10_000  # rows whose kernel matrix is kept beside that of a fold
TOL = 1e-8  # of iterations, where a fold has no factorisation


@dataclass(frozen=True)
class RidgeFold:
    """One fold: predictions (k, t, m) for its m held-out rows; coefs (k, t, p), if asked for, and intercepts."""

    fold: int
    predictions: Floats
    coefs: Floats
    intercepts: Floats
    converged: NDArray[np.bool_]


def ridge_folds(
    folded: FoldedDesign,
    targets: Floats,
    penalty: Penalty,
    alphas: Floats,
    total_weights: Floats,
    *,
    prior: Floats | None = None,
    with_coefs: bool = True,
) -> Iterator[RidgeFold]:
    """Solve every fold at alphas (k,), in the scale of sums: ``total_weights`` are the sums of training weights.

    ``with_coefs=False``: coefficients are not needed and may be empty, (k, t, 0).
    """
    folds = _Folds(folded, targets, penalty, alphas, total_weights, prior)
    for fold in range(len(folded.splits)):
        with one_thread():
            found = folds.by_kernel(fold, with_coefs) if folds.has_kernel else None
            yield folds.by_rows(fold) if found is None else found


class _Folds:
    """What the folds share: targets less what the prior predicts, and a kernel matrix or the statistics of cells."""

    def __init__(
        self,
        folded: FoldedDesign,
        targets: Floats,
        penalty: Penalty,
        alphas: Floats,
        total_weights: Floats,
        prior: Floats | None,
    ) -> None:
        self._folded, self._penalty, self._alphas, self._totals = folded, penalty, alphas, total_weights
        n, p = folded.full.n_samples, folded.full.n_features
        self._prior = np.zeros((targets.shape[1], p))
        self._own, self._by_prior = targets, np.zeros((targets.shape[1], n))
        self._bounded = is_bounded(penalty)
        usable = ~penalty.excluded
        if prior is not None:
            self._prior[:] = np.where(usable, prior, 0.0)
            if not self._bounded:  # with bounds the solver moves them, too
                self._by_prior = folded.full.combinations(self._prior)
                self._own = np.asfortranarray(targets - self._by_prior.T)
        every_penalised = bool(np.all(penalty.l2[usable] > 0))
        self.has_kernel = (
            n < p
            and n <= (LARGEST_SPARSE if folded.full.is_sparse else LARGEST_KERNEL)
            and every_penalised
            and not self._bounded
            and not folded.standardize
        )
        if self.has_kernel:
            self._multiplier = np.where(usable, 1.0, 0.0) / np.sqrt(np.where(penalty.l2 > 0, penalty.l2, 1.0))
            with one_thread():
                self._kernel = folded.full.kernel(self._multiplier)
            folded.full.known_kernel = (self._multiplier, self._kernel)  # for the fit on all rows

    # ------------------------------------------------------------------------------- by rows

    def by_rows(self, fold: int) -> RidgeFold:
        """From the statistics of all folds where there are any, else from X under the weights of the fold."""
        k, t = self._alphas.size, self._own.shape[1]
        design, moments = self._folded.fold(fold), None
        if design.n_samples >= design.n_features and not self._bounded:
            statistics = self._folded.statistics(self._own)
            moments = None if statistics is None else statistics.moments(fold)
            if statistics is not None and not self._folded.full.has_gram:
                whole = statistics.moments(None)
                if whole is not None:
                    self._folded.full.take_gram(whole)  # for the fit on all rows
            if moments is not None:
                design.take_gram(moments)
        solver = RidgeSolver(
            design,
            self._own,
            self._penalty,
            prior=self._prior if self._bounded and self._prior.any() else None,
            tol=TOL,
            n_alphas=k,
            moments=moments,
        )
        solver.certified = False
        found = solver.path(np.tile(self._alphas[:, np.newaxis] / self._totals[fold], (1, t)))
        coefs, intercepts = found.coefs, found.intercepts
        predicted = self._folded.predictions(fold, coefs.reshape(k * t, -1).T, intercepts.ravel())
        coefs = coefs if self._bounded else coefs + self._prior
        return self._answer(fold, predicted.T.reshape(k, t, -1), coefs, intercepts, found.converged)

    def _answer(
        self, fold: int, predictions: Floats, coefs: Floats, intercepts: Floats, converged: NDArray[np.bool_]
    ) -> RidgeFold:
        _, test = self._folded.splits[fold]
        return RidgeFold(fold, predictions + self._by_prior[:, test], coefs, intercepts, converged)

    # ----------------------------------------------------------------------------- by kernel

    def by_kernel(self, fold: int, with_coefs: bool) -> RidgeFold | None:
        """From the submatrix of the training rows; None where that would cost digits."""
        train, test = self._folded.splits[fold]
        rows, counts = np.unique(train, return_counts=True)
        sample_weight = self._folded.sample_weight
        weights = counts.astype(np.float64) if sample_weight is None else counts * sample_weight[rows]
        weights /= weights.sum()
        root = np.sqrt(weights)
        kernel = self._kernel[np.ix_(rows, rows)]
        means = kernel @ weights if self._folded.fit_intercept else np.zeros(rows.size)
        own, levels = self._own[rows], np.zeros(self._own.shape[1])
        if self._folded.fit_intercept:
            levels = weighted_mean(own, weights)
        matrix = kernel * root * root[:, np.newaxis]
        lost = set_apart(matrix, root[:, np.newaxis][:, : int(self._folded.fit_intercept)])
        system = ShiftedSystem(matrix, self._alphas.size)
        alphas = self._alphas / self._totals[fold]
        rhs = ((own - levels) * root[:, np.newaxis]).T
        try:
            duals = system.solve(alphas, rhs)
        except LinAlgError:
            return None
        if np.any(system.condition(alphas) * lost > min(np.square(WELL_CONDITIONED), RELIABLE)):
            return None
        shift = alphas[:, np.newaxis, np.newaxis]
        duals = duals + system.solve(alphas, rhs - duals @ system.matrix - shift * duals)
        sums = duals * root  # of rows of X: the coefficients are X' sums, times the squared multipliers
        centred = sums - weights * sums.sum(axis=2, keepdims=True) if self._folded.fit_intercept else sums
        offsets = levels - centred @ means
        predictions = centred @ self._kernel[np.ix_(rows, test)] + offsets[..., np.newaxis]
        coefs = np.zeros((*offsets.shape, 0))
        if with_coefs:
            coefs, offsets = self._coefs(rows, centred, offsets)
        return self._answer(fold, predictions, coefs, offsets, np.ones(offsets.shape, dtype=np.bool_))

    def _coefs(self, rows: NDArray[np.intp], sums: Floats, offsets: Floats) -> tuple[Floats, Floats]:
        """Coefficients, and intercepts for X as it was given."""
        full = self._folded.full
        spread = np.zeros((sums.shape[0] * sums.shape[1], full.n_samples))
        spread[:, rows] = sums.reshape(len(spread), -1)
        flat, _ = full.dual_products(spread, np.square(self._multiplier), False)
        coefs = flat.reshape(*offsets.shape, -1)
        shifted = 0.0 if full.shift is None else coefs @ full.shift
        return coefs + self._prior, offsets - shifted
