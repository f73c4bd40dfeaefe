"""Ridge on the Gram matrix of the features, for n >= p.

With ``u = z / metric`` for the penalised features z (coefficients of Z), metric_j = l2_j^(-1/2), the problem is

    minimise 1/2 ||y - Z_F z_F - Z_P diag(metric) u||^2 + alpha/2 ||u||^2,

whose unpenalised part F is eliminated: (M + alpha I) u = b with the Schur complement M of G_FF. One matrix M serves all
alphas. What forming M costs in digits (the square of the condition number of Z) is given back by corrections from the
true residual, which take one reading of X each: always one for few answers, for a long path only where the condition
number asks for them. Where M has lost the problem, its factor comes from a QR factorisation of Z by tiles instead
(``orthogonal``), and the corrections converge for all condition numbers of Z that the data can tell from infinity.

Sources: Golub and Van Loan (2013), Matrix Computations, sections 5.3.5 and 6.1.1; Bjorck (1987), "Stability analysis of
the method of seminormal equations"; leverages: Rifkin and Lippert (2007), "Notes on regularized least squares".
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, solve_triangular

from regularize.design import Moments
from regularize.solvers.ridge.elimination import Elimination, independent
from regularize.solvers.ridge.forms import (
    MAX_REFINEMENTS,
    NO_ROOM,
    TRACEABLE,
    Corrections,
    RidgeForm,
    Solutions,
    Which,
    lengths,
    traces,
)
from regularize.solvers.ridge.shifted_system import RELIABLE, TINY, FactoredSystem, ShiftedSystem
from regularize.solvers.ridge.units import RidgeProblem

Floats = NDArray[np.float64]

SMALL_ERROR = 1e-6  # a share of the squared responses of which differences have lost digits


class FeatureForm(RidgeForm):
    """One Gram matrix, or one QR factorisation, for all alphas and targets."""

    answer_limit, row_limit = RELIABLE, TRACEABLE

    def __init__(
        self, problem: RidgeProblem, n_alphas: int, orthogonal: bool = False, moments: Moments | None = None
    ) -> None:
        self.problem = problem
        self.name = "svd" if orthogonal else "cholesky"
        design = problem.design
        correlations = self._correlations(orthogonal, moments)
        informative = design.norms > 0
        self._penalised = problem.penalised[informative[problem.penalised]]
        self._free = problem.free[informative[problem.free]]
        self._plain = self._penalised.size == design.n_features
        self._metric = (design.scale * problem.multiplier)[self._penalised]
        if orthogonal:
            self._factorise_columns()
        else:
            self._factorise_gram(n_alphas)
        self._targets_penalised = correlations[:, self._penalised] * self._metric
        self._targets_free = correlations[:, self._free]

    def _correlations(self, orthogonal: bool, moments: Moments | None) -> Floats:
        """Z' targets (t, p); takes the Gram matrix in the same reading of X, if it is to be used."""
        design, problem = self.problem.design, self.problem
        if moments is not None:
            return moments.products.T / problem.scale[:, np.newaxis] * design.inverse_scale
        varying = problem.squared_targets > 0
        if not (orthogonal or design.has_gram):
            moments = design.gather(np.asfortranarray(problem.responses[:, varying]))
        if moments is None:
            return design.adjoint(problem.targets)
        correlations = np.zeros((varying.size, design.n_features))
        correlations[varying] = moments.products.T * design.inverse_scale
        return correlations

    def _factorise_gram(self, n_alphas: int) -> None:
        matrix = self._gram(self._penalised, self._penalised)
        matrix *= self._metric
        matrix *= self._metric[:, np.newaxis]
        try:
            self._elimination: Elimination | None = Elimination.of_gram(
                self._gram(self._free, self._free), self._gram(self._free, self._penalised) * self._metric
            )
            if self._elimination.size:
                before = np.diagonal(matrix).copy()
                matrix -= self._elimination.crossed.T @ self._elimination.crossed
                left = np.maximum(np.diagonal(matrix), TINY)
                self._lost = max(1.0, float(np.max(before / left, initial=1.0)))
        except LinAlgError:
            self._elimination, self._lost = None, np.inf
        self._system = ShiftedSystem(matrix, n_alphas)
        self._lost *= self.problem.design.lost

    def _gram(self, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> Floats:
        if not rows.size:
            return np.zeros((0, columns.size))
        gram = self.problem.design.gram
        whole = rows.size == columns.size == len(gram)
        return gram.copy() if whole else gram[np.ix_(rows, columns)]

    def _factorise_columns(self) -> None:
        """Unpenalised features that depend on others are left out: their coefficients stay zero."""
        design, f = self.problem.design, self._free.size
        factor = design.triangle(np.concatenate([self._free, self._penalised]), np.zeros((0, design.n_samples)))
        chosen = independent(factor[:f, :f])
        if chosen.size < f:
            kept = np.concatenate([chosen, np.arange(f, len(factor))])
            factor = np.asarray(np.linalg.qr(factor[:, kept], mode="r"))
            self._free, f = self._free[chosen], chosen.size
        factor[:, f:] *= self._metric
        self._elimination = Elimination(factor[:f, :f], factor[:f, f:])
        self._system = FactoredSystem(factor[f:, f:])

    # ------------------------------------------------------------------------------ solutions

    def _solve(self, alphas: Floats, penalised: Floats, free: Floats) -> tuple[Floats, Floats]:
        """u (k, m, q) and z_F (k, m, f) for right-hand sides (m, .) or (k, m, .)."""
        assert self._elimination is not None
        rest, kept = self._elimination.reduce(penalised, free)
        u = self._system.solve(alphas, rest)
        return u, self._elimination.back(u, kept)

    def solve(self, alphas: Floats, which: Which) -> Solutions:
        return self._answers(alphas, which, self.certified)

    def _answers(self, alphas: Floats, which: Which, certified: bool) -> Solutions:
        """The solutions; if not ``certified``, nothing is corrected without need and gaps are coarser bounds."""
        design = self.problem.design
        u, free = self._solve(alphas, self._targets_penalised[which], self._targets_free[which])
        by_data = self.corrected_by_data(alphas, which, certified)
        gaps, errors, ended = np.empty(u.shape[:2]), np.empty(u.shape[:2]), np.ones(u.shape[:2], dtype=np.bool_)
        if by_data.any():
            part = self._correct_by_data(alphas[by_data], which, u[by_data], free[by_data])
            u[by_data], free[by_data], gaps[by_data], errors[by_data], ended[by_data] = part
        rest = ~by_data
        if rest.any():
            u[rest], free[rest], gaps[rest], own = self._correct_by_matrix(alphas[rest], which, u[rest], certified)
            errors[rest] = self._recomputed(own, u[rest], free[rest], which) if certified else own
        coefs = self._coefs(u, free) * design.inverse_scale
        return Solutions(coefs, -(coefs @ design.centre), gaps, errors, np.zeros(gaps.shape, dtype=np.intp), ended)

    def _recomputed(self, errors: Floats, u: Floats, free: Floats, which: Which) -> Floats:
        """Squared errors, from X where they are small differences of large sums."""
        small = np.argwhere(errors < SMALL_ERROR * self.problem.squared_targets[which])
        if small.size:
            rows, columns = small.T
            coefs = self._coefs(u, free)[rows, columns]
            residuals, _ = self.problem.design.residual_correlations(coefs, self.problem.targets[which[columns]])
            errors[rows, columns] = np.einsum("ij,ij->i", residuals, residuals)
        return errors

    def _coefs(self, u: Floats, free: Floats) -> Floats:
        """Coefficients of Z (k, m, p)."""
        if self._plain:
            return u * self._metric
        out = np.zeros((*u.shape[:2], self.problem.design.n_features))
        out[..., self._penalised] = u * self._metric
        out[..., self._free] = free
        return out

    def _correct_by_data(
        self, alphas: Floats, which: Which, u: Floats, free: Floats
    ) -> tuple[Floats, Floats, Floats, Floats, NDArray[np.bool_]]:
        """Newton corrections from the residual of X; the gap is that before the last one, which makes it smaller."""
        targets = np.tile(self.problem.targets[which], (alphas.size, 1))
        corrections = Corrections(self._system.condition(alphas) * self._lost)
        for _ in range(MAX_REFINEMENTS):
            residuals, slopes = self.problem.design.residual_correlations(
                self._coefs(u, free).reshape(len(targets), -1), targets
            )
            slopes = slopes.reshape(*u.shape[:2], -1)
            own = slopes if self._plain else slopes[..., self._penalised]
            penalised = own * self._metric - alphas[:, np.newaxis, np.newaxis] * u
            du, dfree = self._solve(alphas, penalised, slopes[..., self._free])
            errors = np.einsum("ij,ij->i", residuals, residuals).reshape(u.shape[:2])
            helps = corrections.take(lengths(du, dfree), lengths(u, free))[..., np.newaxis]
            u, free = u + du * helps, free + dfree * helps
            if corrections.done:
                break
        gaps = self._gaps(alphas, penalised, slopes[..., self._free], du, dfree, corrections.trusted)
        return u, free, gaps, errors, corrections.trusted | self.is_nothing(gaps, which)

    def _correct_by_matrix(
        self, alphas: Floats, which: Which, u: Floats, certified: bool
    ) -> tuple[Floats, Floats, Floats, Floats]:
        """One correction from the residual of the eliminated system, if answers are certified; the gap before it."""
        assert self._elimination is not None and isinstance(self._system, ShiftedSystem)
        rhs, kept = self._elimination.reduce(self._targets_penalised[which], self._targets_free[which])
        slopes = rhs - u @ self._system.matrix - alphas[:, np.newaxis, np.newaxis] * u
        correction = self._system.solve(alphas, slopes) if certified else np.zeros(u.shape)
        u = u + correction
        free = self._elimination.back(u, kept)
        nothing = np.zeros(free.shape)
        if certified:
            gaps = self._gaps(alphas, slopes, nothing, correction, nothing, np.bool_(True))
        else:  # the smallest eigenvalue is at hand, and a bound that needs no correction
            floor = np.maximum(self._system.smallest + alphas, TINY)[:, np.newaxis]
            gaps = 0.5 * np.einsum("kmq,kmq->km", slopes, slopes) / floor
        explained = np.einsum("kmq,mq->km", u, self._targets_penalised[which])
        explained += np.einsum("kmf,mf->km", free, self._targets_free[which])
        explained += alphas[:, np.newaxis] * np.einsum("kmq,kmq->km", u, u)
        return u, free, gaps, np.maximum(self.problem.squared_targets[which] - explained, 0.0)

    @staticmethod
    def _gaps(
        alphas: Floats,
        slopes: Floats,
        slopes_free: Floats,
        du: Floats,
        dfree: Floats,
        trusted: NDArray[np.bool_] | np.bool_,
    ) -> Floats:
        """How far the objective is above its minimum, at most: ||slope||^2 / (2 alpha), and the decrement of the free.

        Where corrections have shrunk as they should, twice Newton's decrement is a bound too, and one that rounding
        does not blow up when alpha is small.
        """
        free = 0.5 * np.abs(np.einsum("kmf,kmf->km", slopes_free, dfree))
        decrement = np.abs(np.einsum("kmq,kmq->km", slopes, du))
        with np.errstate(divide="ignore", invalid="ignore"):
            bound = 0.5 * np.einsum("kmq,kmq->km", slopes, slopes) / alphas[:, np.newaxis]
        bound = np.where(alphas[:, np.newaxis] > 0, bound, np.inf if slopes.shape[2] else 0.0)
        return free + np.where(trusted, np.minimum(bound, decrement), bound)

    # ------------------------------------------------------------------------- error estimates

    def effective_df(self, alphas: Floats) -> Floats:
        out = self._free.size + self.problem.design.fit_intercept + traces(self._system.eigenvalues, alphas)
        for k in np.flatnonzero(self._is_hard(alphas)):  # trace of M (M + alpha I)^-1 = q - alpha ||B||^2
            root = self._system.inverse_root(alphas[k])
            out[k] = self._free.size + self.problem.design.fit_intercept + self._system.size
            out[k] -= alphas[k] * np.einsum("ij,ij->", root, root)
        return out

    def _is_hard(self, alphas: Floats) -> NDArray[np.bool_]:
        """For which alphas the spectrum of M does not have the digits of small features."""
        _ = self._system.spectrum
        return self._system.is_hard(alphas)

    def leave_one_out(self, alphas: Floats) -> Iterator[Floats]:
        every = np.arange(self.problem.responses.shape[1])
        rest = self._shares_left(alphas)
        for block in self.chunks(alphas.size):
            errors = self._left(self._answers(alphas[block], every, certified=False))
            errors *= self.problem.scale[:, np.newaxis]
            errors /= rest[block, np.newaxis]
            yield errors

    def _shares_left(self, alphas: Floats) -> Floats:
        """One minus the leverage of each row, (k, n)."""
        design, hard = self.problem.design, self._is_hard(alphas)
        values, vectors = self._system.spectrum
        values = np.where(self._system.eigenvalues > 0.0, values, np.inf)
        leverages = np.empty((design.n_samples, alphas.size))
        shares = 1.0 / (values[:, np.newaxis] + alphas[~hard])
        leverages[:, ~hard] = design.leverages(*self._with_free(vectors, shares))
        for k in np.flatnonzero(hard):
            root = self._system.inverse_root(alphas[k])
            leverages[:, [k]] = design.leverages(*self._with_free(root, np.ones((len(root), 1))))
        if design.fit_intercept:
            leverages += design.weights[:, np.newaxis]
        left = 1.0 - leverages.T
        left[left <= NO_ROOM] = np.nan
        return left

    def _with_free(self, vectors: Floats, shares: Floats) -> tuple[Floats, Floats]:
        """Directions in coefficients of Z (p, r) from those of u, with those of unpenalised features; and shares."""
        assert self._elimination is not None
        f, r = self._free.size, vectors.shape[1]
        directions = np.zeros((self.problem.design.n_features, r + f))
        directions[self._penalised, :r] = vectors * self._metric[:, np.newaxis]
        if f:
            directions[self._free, :r] = self._elimination.back(vectors.T, np.zeros((1, f))).T
            directions[self._free, r:] = solve_triangular(self._elimination.triangle, np.eye(f))
        return directions, np.concatenate([shares, np.ones((f, shares.shape[1]))])
