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
    LARGEST_LOSS,
    MAX_REFINEMENTS,
    NO_ROOM,
    Corrections,
    RidgeForm,
    Solutions,
    Which,
    traces,
)
from regularize.solvers.ridge.shifted_system import EPS, RELIABLE, FactoredSystem, ShiftedSystem
from regularize.solvers.ridge.units import RidgeProblem
from regularize.solvers.ridge.unpenalised import Unpenalised

Floats = NDArray[np.float64]

APART = 2.0  # times a bound of the largest eigenvalue: no eigenvector mixes with what is set apart
ROW_LIMIT = 1e9  # condition numbers up to which leave-one-out errors are precise: nothing corrects them
DUAL_LOSS = 1e4  # by which the kernel's condition number may be smaller: coefficients come from large dual variables
TINY = float(np.finfo(np.float64).tiny)


class SampleForm(RidgeForm):
    """One kernel matrix, or one QR factorisation of the transpose of X, for all alphas and targets."""

    def __init__(self, problem: RidgeProblem, n_alphas: int, orthogonal: bool = False) -> None:
        self.problem = problem
        self.name = "svd" if orthogonal else "cholesky"
        design = problem.design
        self._root = design.root_weights
        self._multiplier = np.zeros(design.n_features)
        self._multiplier[problem.penalised] = 1.0 / np.sqrt(problem.standardised_factors()[problem.penalised])
        self._unpenalised = Unpenalised(problem)
        self._rhs = self._unpenalised.off(problem.targets)
        self._lost = 1.0
        if orthogonal:
            factor = design.dual_triangle(self._multiplier, self._unpenalised.basis)
        else:
            known = design.known_kernel
            if known is not None and np.array_equal(known[0], self._multiplier):
                kernel = known[1].copy()
            else:
                kernel = design.kernel(self._multiplier)
        if orthogonal:
            self._system = FactoredSystem(self._set_apart_factor(factor), with_null=True)
        else:
            kernel *= self._root
            kernel *= self._root[:, np.newaxis]
            self._system = ShiftedSystem(self._set_apart(kernel), n_alphas)

    def _set_apart(self, kernel: Floats) -> Floats:
        """P K P + c Q Q', with c not below the eigenvalues of P K P."""
        Q = self._unpenalised.basis
        if self._unpenalised.rank:
            before = np.trace(kernel)
            images = kernel @ Q
            half = images - 0.5 * Q @ (Q.T @ images)
            kernel -= half @ Q.T
            kernel -= Q @ half.T
            left = float(np.trace(kernel))
            self._lost = max(1.0, float(before) / left) if left > EPS * before else np.inf
            largest = APART * max(float(np.abs(kernel).sum(axis=0).max(initial=0.0)), TINY)
            kernel += (largest * Q) @ Q.T
        return kernel

    def _set_apart_factor(self, factor: Floats) -> Floats:
        """The same for the factor R of P K P = R'R."""
        Q = self._unpenalised.basis
        largest = APART * max(float(np.sqrt(np.einsum("ij,ij->", factor, factor))), np.sqrt(TINY))
        return np.asarray(np.linalg.qr(np.concatenate([factor, largest * Q.T]), mode="r"))

    # ------------------------------------------------------------------------------ solutions

    def reliable(self, alphas: Floats, for_rows: bool) -> NDArray[np.bool_]:
        if self._lost > LARGEST_LOSS:
            return np.zeros(alphas.size, dtype=np.bool_)
        return self._system.reliable(alphas, self._lost, ROW_LIMIT if for_rows else RELIABLE / DUAL_LOSS)

    def solve(self, alphas: Floats, which: Which) -> Solutions:
        design = self.problem.design
        duals = self._system.solve(alphas, self._rhs[which])
        by_data = self.corrected_by_data(self._system, alphas, which, self._lost)
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
            helps = corrections.take(_norms(correction), _norms(duals))
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
        for alpha in alphas:
            shifted = values + max(float(alpha), TINY)
            with np.errstate(invalid="ignore", divide="ignore"):
                errors = (along / shifted) @ vectors.T / (squares @ (1.0 / shifted)) / self._root
            if weightless.any():
                found = self.solve(np.array([alpha]), np.arange(len(along)))
                predicted = problem.design.combinations(found.coefs[0]) + found.offsets[0][:, np.newaxis]
                errors[:, weightless] = (problem.responses.T - predicted)[:, weightless]
            errors[:, alone & ~weightless] = np.nan
            yield errors * problem.scale[:, np.newaxis]


def _norms(vectors: Floats) -> Floats:
    return np.sqrt(np.einsum("kmn,kmn->km", vectors, vectors))
