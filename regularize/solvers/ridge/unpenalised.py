"""The intercept and the features without a penalty: projected out first, fitted to what the others leave."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lstsq, qr

from regularize.solvers.ridge.elimination import DEPENDENT
from regularize.solvers.ridge.shifted_system import EPS, TINY
from regularize.solvers.ridge.units import RidgeProblem

Floats = NDArray[np.float64]

APART = 2.0  # times a bound of the largest eigenvalue: no eigenvector mixes with what is set apart


class Unpenalised:
    """Their columns times the roots of the weights, and an orthonormal ``basis`` (n, r) of what they span."""

    def __init__(self, problem: RidgeProblem) -> None:
        design = problem.design
        columns = [np.ones((design.n_samples, 1))] if design.fit_intercept else []
        if problem.free.size:
            chosen = np.zeros((problem.free.size, design.n_features))
            chosen[np.arange(problem.free.size), problem.free] = 1.0
            columns.append(design.combinations(chosen).T)
        self._problem = problem
        self._columns = np.concatenate([np.zeros((design.n_samples, 0)), *columns], axis=1)
        self._columns *= design.root_weights[:, np.newaxis]
        norms = np.sqrt(np.einsum("ij,ij->j", self._columns, self._columns))
        self._norms = np.where(norms > 0, norms, 1.0)
        self._columns /= self._norms
        self.basis = _orthonormal(self._columns)
        self.rank = self.basis.shape[1]

    def off(self, rows: Floats) -> Floats:
        """Rows (m, n) without their part in the span."""
        return rows - (rows @ self.basis) @ self.basis.T if self.rank else rows

    def fit(self, coefs: Floats, combined: Floats, targets: Floats) -> tuple[Floats, Floats]:
        """Set the free coefficients in ``coefs`` (k, m, p); intercepts (k, m), and what is left of the targets.

        ``combined`` (k, m, n) is X coefs for the penalised ones.
        """
        left = targets - combined * self._problem.design.root_weights
        offsets, free = np.zeros(coefs.shape[:2]), self._problem.free
        if not self.rank:
            return offsets, left
        fitted = lstsq(self._columns, left.reshape(-1, left.shape[-1]).T, check_finite=False)[0].T
        left = left - (fitted @ self._columns.T).reshape(left.shape)
        fitted = (fitted / self._norms).reshape(*coefs.shape[:2], -1)
        coefs[..., free] = fitted[..., fitted.shape[2] - free.size :]
        return (fitted[..., 0] if self._problem.design.fit_intercept else offsets), left


def _orthonormal(columns: Floats) -> Floats:
    if not columns.shape[1]:
        return columns
    Q, R, _ = qr(columns, mode="economic", pivoting=True, check_finite=False)
    return np.asarray(Q[:, : int(np.sum(np.abs(np.diagonal(R)) > DEPENDENT))])


def project(kernel: Floats, Q: Floats) -> None:
    """Replace K by P K P, for the projection P off the orthonormal columns of Q."""
    images = kernel @ Q
    half = images - 0.5 * Q @ (Q.T @ images)
    kernel -= half @ Q.T
    kernel -= Q @ half.T


def set_apart(kernel: Floats, Q: Floats) -> float:
    """Replace K by P K P + c Q Q', with c above the eigenvalues of P K P; by how much K was larger than P K P."""
    if not Q.shape[1]:
        return 1.0
    before = float(np.trace(kernel))
    project(kernel, Q)
    left = float(np.trace(kernel))
    largest = APART * max(float(np.abs(kernel).sum(axis=0).max(initial=0.0)), TINY)
    kernel += (largest * Q) @ Q.T
    return max(1.0, before / left) if left > EPS * before else np.inf


def set_apart_factor(factor: Floats, Q: Floats) -> Floats:
    """The same for the factor R of P K P = R'R."""
    largest = APART * max(float(np.sqrt(np.einsum("ij,ij->", factor, factor))), np.sqrt(TINY))
    return np.asarray(np.linalg.qr(np.concatenate([factor, largest * Q.T]), mode="r"))
