"""Ridge on the kernel matrix of the samples, for p > n.

With K = diag(sqrt(s)) X diag(1 / l2) X' diag(sqrt(s)) and P the projection off the intercept and the unpenalised
features, the dual variable solves (P K P + alpha I) a = P y, and the coefficients are X' (sqrt(s) a) / l2. The
directions that P takes away are given the largest eigenvalue of all, so that they cost no condition number and are
told from the others by their place in the spectrum. The duality gap at (w, alpha a) is 1/2 ||P (y - Z w) - alpha a||^2.

Sources: Saunders, Gammerman and Vovk (1998), "Ridge regression learning algorithm in dual variables"; leave-one-out:
Rifkin and Lippert (2007), "Notes on regularized least squares", section 4.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from regularize.solvers.ridge.forms import (
    MAX_REFINEMENTS,
    NO_ROOM,
    Corrections,
    RidgeForm,
    Solutions,
    Which,
    lengths,
    traces,
)
from regularize.solvers.ridge.shifted_system import RELIABLE, TINY, FactoredSystem, ShiftedSystem
from regularize.solvers.ridge.units import RidgeProblem
from regularize.solvers.ridge.unpenalised import Unpenalised, set_apart, set_apart_factor

Floats = NDArray[np.float64]

ROW_LIMIT = 1e9  # condition numbers up to which leave-one-out errors are precise: nothing corrects them
DUAL_LOSS = 1e4  # by which the kernel's condition number may be smaller: coefficients come from large dual variables


class SampleForm(RidgeForm):
    """One kernel matrix, or one QR factorisation of the transpose of X, for all alphas and targets."""

    answer_limit, row_limit = RELIABLE / DUAL_LOSS, ROW_LIMIT

    def __init__(self, problem: RidgeProblem, n_alphas: int, orthogonal: bool = False) -> None:
        self.problem = problem
        self.name = "svd" if orthogonal else "cholesky"
        self._root, self._multiplier = problem.design.root_weights, problem.multiplier
        self._unpenalised = Unpenalised(problem)
        self._rhs = self._unpenalised.off(problem.targets)
        basis = self._unpenalised.basis
        if orthogonal:
            factor = problem.design.dual_triangle(self._multiplier, basis)
            self._system = FactoredSystem(set_apart_factor(factor, basis), with_null=True)
        else:
            kernel = self._kernel()
            kernel *= self._root
            kernel *= self._root[:, np.newaxis]
            self._lost = set_apart(kernel, basis)
            self._system = ShiftedSystem(kernel, n_alphas)

    def _kernel(self) -> Floats:
        """A new array with the kernel of the rows."""
        known = self.problem.design.known_kernel
        if known is not None and np.array_equal(known[0], self._multiplier):
            return known[1].copy()
        return self.problem.design.kernel(self._multiplier)

    # ------------------------------------------------------------------------------ solutions

    def solve(self, alphas: Floats, which: Which) -> Solutions:
        design = self.problem.design
        duals = self._system.solve(alphas, self._rhs[which])
        by_data = self.corrected_by_data(alphas, which, self.certified)
        coefs = np.zeros((*duals.shape[:2], design.n_features))
        offsets, gaps = np.empty(duals.shape[:2]), np.empty(duals.shape[:2])
        ended = np.ones(duals.shape[:2], dtype=np.bool_)
        if by_data.any():
            part = self._answer_by_data(alphas[by_data], which, duals[by_data])
            coefs[by_data], offsets[by_data], gaps[by_data], duals[by_data], ended[by_data] = part
        rest = ~by_data
        if rest.any():
            coefs[rest], offsets[rest], gaps[rest], duals[rest] = self._answer_by_matrix(
                alphas[rest], which, duals[rest]
            )
        residuals = alphas[:, np.newaxis, np.newaxis] * duals
        errors = np.einsum("kmn,kmn->km", residuals, residuals)
        return Solutions(coefs, offsets, gaps, errors, np.zeros(gaps.shape, dtype=np.intp), ended)

    def _answer_by_data(
        self, alphas: Floats, which: Which, duals: Floats
    ) -> tuple[Floats, Floats, Floats, Floats, NDArray[np.bool_]]:
        """Coefficients and dual variables, both corrected by the residual of X until that gains nothing.

        The coefficients take the correction's, instead of being computed anew from the dual variables: these are large
        when alpha is small, and so is the rounding of what is computed from them.
        """
        shape, n = duals.shape[:2], duals.shape[2]
        corrections = Corrections(self._system.condition(alphas) * self._lost)
        design, step = self.problem.design, duals
        flat, combined = np.zeros((shape[0] * shape[1], design.n_features)), np.zeros((shape[0] * shape[1], n))
        for _ in range(MAX_REFINEMENTS):
            flat_step = self._unpenalised.off(step.reshape(-1, n))  # rounding along large columns would be amplified
            own, images = design.dual_products(flat_step * self._root, self._multiplier**2)
            flat, combined = flat + own, combined + images
            left = self._rhs[which] - self._unpenalised.off(combined * self._root).reshape(duals.shape)
            slopes = left - alphas[:, np.newaxis, np.newaxis] * duals
            gaps = 0.5 * np.einsum("kmn,kmn->km", slopes, slopes)
            correction = self._system.solve(alphas, slopes)
            helps = corrections.take(lengths(correction), lengths(duals))
            if corrections.done:
                break
            step = correction * helps[..., np.newaxis]
            duals = duals + step
        coefs = flat.reshape(*shape, -1)
        shifted = 0.0 if design.shift is None else coefs @ design.shift
        offsets, _ = self._unpenalised.fit(coefs, combined.reshape(duals.shape), self.problem.targets[which])
        return coefs, offsets - shifted, gaps, duals, corrections.trusted | self.is_nothing(gaps, which)

    def _answer_by_matrix(self, alphas: Floats, which: Which, duals: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """One correction from the residual on the kernel, then one reading of X for all coefficients.

        The gap is that before the correction.
        """
        assert isinstance(self._system, ShiftedSystem)
        shape, shift, matrix = duals.shape[:2], alphas[:, np.newaxis, np.newaxis], self._system.matrix
        slopes = self._rhs[which] - duals @ matrix - shift * duals
        duals = duals + self._system.solve(alphas, slopes)
        duals = self._unpenalised.off(duals.reshape(-1, self._root.size)).reshape(duals.shape)
        gaps = 0.5 * np.einsum("kmn,kmn->km", slopes, slopes)
        design = self.problem.design
        flat, _ = design.dual_products((duals * self._root).reshape(-1, self._root.size), self._multiplier**2, False)
        coefs = flat.reshape(*shape, -1)
        if self.problem.free.size:
            combined = design.combinations(flat).reshape(duals.shape)
            offsets, _ = self._unpenalised.fit(coefs, combined, self.problem.targets[which])
            return coefs, offsets, gaps, duals
        return coefs, -(coefs @ design.centre_alone), gaps, duals

    # ------------------------------------------------------------------------- error estimates

    def effective_df(self, alphas: Floats) -> Floats:
        apart = self._unpenalised.rank
        return apart + traces(self._system.eigenvalues[: self._system.size - apart], alphas)

    def leave_one_out(self, alphas: Floats) -> Iterator[Floats]:
        problem, inside = self.problem, self._system.size - self._unpenalised.rank
        values, vectors = self._system.spectrum
        values, vectors = np.maximum(values[:inside], 0.0), vectors[:, :inside]
        along, squares = self._rhs @ vectors, np.square(vectors)
        weightless = self._root == 0
        alone = squares.sum(axis=1) <= NO_ROOM  # rows that the unpenalised features fit by themselves
        for block in self.chunks(alphas.size):
            shares = 1.0 / (values + np.maximum(alphas[block], TINY)[:, np.newaxis])
            with np.errstate(invalid="ignore", divide="ignore"):
                errors = (along * shares[:, np.newaxis]) @ vectors.T
                errors /= ((shares @ squares.T) * self._root)[:, np.newaxis]
            if weightless.any():
                found = self.solve(alphas[block], np.arange(len(along)))
                errors[..., weightless] = self._left(found)[..., weightless]
            errors[..., alone & ~weightless] = np.nan
            errors *= problem.scale[:, np.newaxis]
            yield errors
