"""Elimination of the unpenalised features: the triangular blocks of a factor of their Gram matrix with all others."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, cholesky, qr, solve_triangular

Floats = NDArray[np.float64]
Features = NDArray[np.intp]

DEPENDENT = 1e-13  # of the norm of a column, that the others do not explain


class Elimination:
    """For [Z_F, Z_P] = Q [[R, C], [0, S]]: what is left of a system when z_F is eliminated, and z_F from the rest."""

    def __init__(self, triangle: Floats, crossed: Floats) -> None:
        self.triangle, self.crossed = triangle, crossed
        self.size = len(triangle)

    @classmethod
    def of_gram(cls, free: Floats, crossed: Floats) -> Elimination:
        """From G_FF and G_FP. Raises LinAlgError where G_FF is singular."""
        if not len(free):
            return cls(free, crossed)
        triangle = cholesky(free, check_finite=False)
        if np.min(np.diagonal(triangle)) <= np.sqrt(DEPENDENT):
            raise LinAlgError
        return cls(triangle, solve_triangular(triangle, crossed, trans="T", check_finite=False))

    def reduce(self, penalised: Floats, free: Floats) -> tuple[Floats, Floats]:
        """Right-hand sides (..., q) after the elimination, and what ``back`` needs of those of F (..., f)."""
        if not self.size:
            return penalised, free
        flat = solve_triangular(self.triangle, free.reshape(-1, self.size).T, trans="T", check_finite=False)
        kept = flat.T.reshape(free.shape)
        return penalised - kept @ self.crossed, kept

    def back(self, u: Floats, kept: Floats) -> Floats:
        """z_F (..., f), from the penalised coefficients (..., q)."""
        if not self.size:
            return np.zeros((*u.shape[:-1], 0))
        left = kept - u @ self.crossed.T
        return np.asarray(
            solve_triangular(self.triangle, left.reshape(-1, self.size).T, check_finite=False).T.reshape(left.shape)
        )


def independent(triangle: Floats) -> Features:
    """Columns of a triangular factor that do not depend on each other, as many as there are, in ascending order."""
    if not triangle.size:
        return np.empty(0, dtype=np.intp)
    norms = np.sqrt(np.einsum("ij,ij->j", triangle, triangle))
    _, R, order = qr(triangle / np.where(norms > 0, norms, 1.0), pivoting=True, check_finite=False)
    return np.sort(order[: int(np.sum(np.abs(np.diagonal(R)) > DEPENDENT))])
