"""(M + alpha I) x = b for many alphas, M symmetric and positive semidefinite.

Three ways, the cheapest that serves: Cholesky for a few alphas (q^3 / 3 each); for many one reduction to a tridiagonal
matrix (4/3 q^3, a quarter of the time of an eigendecomposition), after which an alpha costs O(q); all eigenvectors
only where leverages are wanted, and then for everything. The last two see M as a whole: features of very different
sizes cost them digits. So alphas that are hard for them go to Cholesky, which does not feel sizes: M + alpha I is
scaled to a unit diagonal. Sources: Elden (1977), "Algorithms for the regularization of ill-conditioned least squares
problems", for the tridiagonal form's sibling, the bidiagonal one; Higham (2002), Accuracy and Stability of Numerical
Algorithms, section 10.1, for the scaling.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, eigh, eigh_tridiagonal, lapack, svd

from regularize.kernels.threads import all_threads

Floats = NDArray[np.float64]

FEW_ALPHAS = 3  # whose Cholesky factors cost less than the reduction
EPS = float(np.finfo(np.float64).eps)
TINY = float(np.finfo(np.float64).tiny)
UNEVEN = 1e3  # columns of a factor whose norms differ by more are scaled
HARD = 1e8  # condition number of M + alpha I from which on Cholesky takes over
RELIABLE = 1e-2 / EPS  # condition numbers up to which corrections by true residuals converge


class ShiftedSystem:
    """The system, for up to ``n_alphas`` different alphas. ``matrix`` (q, q) is kept and not changed."""

    keeps_digits = False  # of the factor of M

    def __init__(self, matrix: Floats, n_alphas: int) -> None:
        self.matrix = matrix
        self.size = len(matrix)
        self._is_finite = bool(np.isfinite(matrix).all())
        self._few = n_alphas <= FEW_ALPHAS
        self._factors: dict[float, ScaledFactor] = {}

    def solve(self, alphas: Floats, rhs: Floats) -> Floats:
        """Solutions (k, m, q) for alphas (k,) and right-hand sides (m, q), or (k, m, q): m for each alpha.

        Raises LinAlgError where rounding hides whether M + alpha I is positive definite.
        """
        out = np.zeros((alphas.size, rhs.shape[-2], self.size))
        if not out.size:
            return out
        each = rhs if rhs.ndim == 3 else [rhs] * alphas.size
        hard = self.is_hard(alphas)
        for k in np.flatnonzero(hard):
            out[k] = self.factor(alphas[k]).solve(each[k])
        if not hard.all():
            easy = ~hard
            together = self._by_spectrum if "spectrum" in self.__dict__ else self._by_tridiagonal
            out[easy] = together(alphas[easy], rhs if rhs.ndim == 2 else rhs[easy])
        return out

    def is_hard(self, alphas: Floats) -> NDArray[np.bool_]:
        """Which alphas (k,) are left to Cholesky."""
        if not self.size:
            return np.zeros(alphas.size, dtype=np.bool_)
        if self.size == 1 or (self._few and "spectrum" not in self.__dict__):
            return np.ones(alphas.size, dtype=np.bool_)
        return ~(self._whole_condition(alphas) <= HARD)

    def reliable(self, alphas: Floats, lost: float, limit: float = RELIABLE) -> NDArray[np.bool_]:
        """Where corrections by true residuals converge; ``lost`` multiplies the rounding in M."""
        if not self._is_finite:
            return np.zeros(alphas.size, dtype=np.bool_)
        return np.asarray(self.condition(alphas) * lost < limit)

    def condition(self, alphas: Floats) -> Floats:
        """Condition numbers (k,) of what is solved, infinite where M + alpha I is not positive definite."""
        if not self.size:
            return np.ones(alphas.size)
        hard = self.is_hard(alphas)
        out = np.empty(alphas.size) if hard.all() else self._whole_condition(alphas)
        for k in np.flatnonzero(hard):
            try:
                out[k] = self.factor(alphas[k]).condition
            except LinAlgError:
                out[k] = np.inf
        return out

    def _whole_condition(self, alphas: Floats) -> Floats:
        smallest, largest = self._extremes
        with np.errstate(divide="ignore", invalid="ignore"):
            condition = (largest + alphas) / (smallest + alphas)
        return np.where(smallest + alphas > EPS * self.size * largest, condition, np.inf)

    @property
    def smallest(self) -> float:
        """The smallest eigenvalue of M, or zero."""
        return max(self._extremes[0], 0.0)

    @cached_property
    def _extremes(self) -> tuple[float, float]:
        """The smallest and the largest eigenvalue of M."""
        if not self.size:
            return 0.0, 0.0
        if self.size == 1:
            return float(self.matrix[0, 0]), max(float(self.matrix[0, 0]), 0.0)
        if "spectrum" in self.__dict__:
            return float(self.spectrum[0][0]), max(float(self.spectrum[0][-1]), 0.0)
        diagonal, off, _, _ = self._tridiagonal
        smallest, largest = (
            eigh_tridiagonal(diagonal, off, eigvals_only=True, select="i", select_range=(i, i), check_finite=False)[0]
            for i in (0, self.size - 1)
        )
        return float(smallest), max(float(largest), 0.0)

    def factor(self, alpha: float) -> ScaledFactor:
        """The Cholesky factor of M + alpha I. Raises LinAlgError where that is not positive definite."""
        if alpha not in self._factors:
            if len(self._factors) >= FEW_ALPHAS:
                self._factors.clear()
            self._factors[alpha] = ScaledFactor(self.matrix, float(alpha))
        return self._factors[alpha]

    def inverse_root(self, alpha: float) -> Floats:
        """B (q, q) with (M + alpha I)^-1 = B B'."""
        return self.factor(alpha).inverse_root()

    # -------------------------------------------------------------------------- tridiagonal

    @cached_property
    def _tridiagonal(self) -> tuple[Floats, Floats, Floats, Floats]:
        """Diagonal and off-diagonal of T = Q'MQ, and the reflectors of Q as those of a QR factorisation."""
        lwork, _ = lapack.dsytrd_lwork(self.size, lower=1)
        with all_threads(self.size**3):
            reduced, diagonal, off, tau, _ = lapack.dsytrd(
                np.array(self.matrix, order="F"), lower=1, lwork=int(lwork), overwrite_a=1
            )
        return diagonal, off, np.asfortranarray(reduced[1:, :-1]), tau

    def _rotated(self, columns: Floats, transposed: bool) -> Floats:
        """Q columns, or Q' columns; columns are (q, m)."""
        _, _, reflectors, tau = self._tridiagonal
        out = np.array(columns, order="F")
        body = np.asfortranarray(out[1:])
        trans = "T" if transposed else "N"
        work = 64 * max(1, body.shape[1])
        out[1:], _, _ = lapack.dormqr("L", trans, reflectors, tau, body, lwork=work, overwrite_c=1)
        return out

    def _by_tridiagonal(self, alphas: Floats, rhs: Floats) -> Floats:
        diagonal, off, _, _ = self._tridiagonal
        rotated = self._rotated(rhs.reshape(-1, self.size).T, True).T.reshape(rhs.shape)
        each = np.broadcast_to(rotated, (alphas.size, *rhs.shape[-2:]))
        out = np.empty(each.shape)
        for k, alpha in enumerate(alphas):
            _, _, solution, info = lapack.dptsv(diagonal + alpha, off, np.asfortranarray(each[k].T))
            if info != 0:
                raise LinAlgError
            out[k] = solution.T
        return np.ascontiguousarray(self._rotated(out.reshape(-1, self.size).T, False).T).reshape(out.shape)

    @cached_property
    def eigenvalues(self) -> Floats:
        """Those of M (q,), ascending; zero where they are rounding."""
        if self.size < 2 or "spectrum" in self.__dict__:
            return self._without_rounding(self.matrix.ravel() if self.size < 2 else self.spectrum[0])
        diagonal, off, _, _ = self._tridiagonal
        return self._without_rounding(eigh_tridiagonal(diagonal, off, eigvals_only=True, check_finite=False))

    def _without_rounding(self, values: Floats) -> Floats:
        return np.where(values > EPS * self.size * np.max(values, initial=0.0), values, 0.0)

    # ----------------------------------------------------------------------------- spectrum

    @cached_property
    def spectrum(self) -> tuple[Floats, Floats]:
        """Eigenvalues (q,), ascending, those of rounding size as they are, and eigenvectors (q, q) as columns."""
        if self.size == 0:
            return np.zeros(0), np.zeros((0, 0))
        with all_threads(self.size**3):
            values, vectors = eigh(self.matrix, driver="evd", check_finite=False)
        self.__dict__.pop("_tridiagonal", None)
        return values, vectors

    def _by_spectrum(self, alphas: Floats, rhs: Floats) -> Floats:
        values, vectors = self.spectrum
        shifted = values + alphas[:, np.newaxis]
        if not np.all(shifted > 0.0):
            raise LinAlgError
        return ((rhs @ vectors) / shifted[:, np.newaxis, :]) @ vectors.T


class ScaledFactor:
    """M + alpha I = D L L' D, with D such that L L' has a unit diagonal."""

    def __init__(self, matrix: Floats, alpha: float) -> None:
        diagonal = matrix.diagonal() + alpha
        if not diagonal.min() > 0.0:
            raise LinAlgError
        self.scale, size = np.sqrt(diagonal), len(matrix)
        shifted = np.array(matrix, order="F")
        shifted.flat[:: size + 1] = diagonal
        shifted /= self.scale
        shifted /= self.scale[:, np.newaxis]
        norm = lapack.dlange("1", shifted)
        with all_threads(size**3 / 3):
            self.lower, info = lapack.dpotrf(shifted, lower=1, overwrite_a=1, clean=0)
        if info != 0:
            raise LinAlgError
        self.condition = 1.0 / max(lapack.dpocon(self.lower, norm, uplo="L")[0], TINY)

    def solve(self, rhs: Floats) -> Floats:
        """Rows (m, q) of solutions."""
        solution, _ = lapack.dpotrs(self.lower, (rhs / self.scale).T, lower=1)
        return np.asarray(solution.T / self.scale)

    def inverse_root(self) -> Floats:
        """B (q, q) with (M + alpha I)^-1 = B B'."""
        inverse, _ = lapack.dtrtri(np.tril(self.lower), lower=1)
        return np.asarray(inverse.T / self.scale[:, np.newaxis])


class FactoredSystem:
    """The same for M = R'R given by its factor R (q, q): the condition number of R counts, not that of M.

    Directions along which R is rounding are left out of all solutions, unless ``with_null`` says that right-hand sides
    have a part in the null space of M. Where the columns of R differ much in size, the
    factor of each M + alpha I is scaled to columns of norm one before that is decided.
    """

    keeps_digits = True

    def __init__(self, factor: Floats, with_null: bool = False) -> None:
        self.size = len(factor)
        self._factor, self._with_null = factor, with_null
        norms = np.sqrt(np.einsum("ij,ij->j", factor, factor))
        self._uneven = not with_null and bool(norms.size and norms.min() * UNEVEN < norms.max())
        values, right = _right_vectors(factor)
        self.spectrum = np.square(values[::-1]), np.ascontiguousarray(right[::-1].T)
        self.eigenvalues = self.spectrum[0]

    def solve(self, alphas: Floats, rhs: Floats) -> Floats:
        """As in ShiftedSystem; always possible."""
        each = rhs if rhs.ndim == 3 else [rhs] * alphas.size
        if self._uneven:
            return np.stack([self._scaled(float(alpha), b) for alpha, b in zip(alphas, each, strict=True)])
        return np.stack([self._whole(float(alpha), b) for alpha, b in zip(alphas, each, strict=True)])

    def _whole(self, alpha: float, rhs: Floats) -> Floats:
        values, vectors = self.spectrum
        kept = (values > 0.0) | (self._with_null and alpha > 0.0)
        return ((rhs @ vectors) / (np.where(kept, values, np.inf) + alpha)) @ vectors.T

    def _scaled(self, alpha: float, rhs: Floats) -> Floats:
        stacked = np.concatenate([self._factor, np.sqrt(alpha) * np.eye(self.size)])
        scale = np.sqrt(np.einsum("ij,ij->j", stacked, stacked))
        scale[scale == 0.0] = 1.0
        values, right = _right_vectors(stacked / scale)
        if alpha == 0.0 and not values.all():
            return self._whole(alpha, rhs)  # the smallest of many solutions
        inverse = np.where(values > 0.0, 1.0 / np.maximum(values, TINY), 0.0)
        return np.asarray((((rhs / scale) @ right.T * inverse**2) @ right) / scale)

    def reliable(self, alphas: Floats, lost: float, limit: float = RELIABLE) -> NDArray[np.bool_]:
        """All: there is nothing better."""
        return np.ones(alphas.size, dtype=np.bool_)

    def is_hard(self, alphas: Floats) -> NDArray[np.bool_]:
        """None: the spectrum has all digits that there are."""
        return np.zeros(alphas.size, dtype=np.bool_)

    def inverse_root(self, alpha: float) -> Floats:
        """B (q, q) with (M + alpha I)^+ = B B'."""
        values, vectors = self.spectrum
        return vectors / np.sqrt(np.where(values > 0.0, values, np.inf) + alpha)

    def condition(self, alphas: Floats) -> Floats:
        """Condition numbers (k,) of the factor of M + alpha I."""
        values = self.eigenvalues[self.eigenvalues > 0.0]
        if not values.size:
            return np.ones(alphas.size)
        return np.asarray(np.sqrt((values[-1] + alphas) / (values[0] + alphas)))


def _right_vectors(factor: Floats) -> tuple[Floats, Floats]:
    """Singular values (q,), those of rounding size set to zero, and right singular vectors as rows (q, q)."""
    try:
        _, values, right = svd(factor, full_matrices=False, check_finite=False)
    except LinAlgError:  # the faster driver did not converge
        _, values, right = svd(factor, full_matrices=False, check_finite=False, lapack_driver="gesvd")
    values[values <= EPS * len(factor) * np.max(values, initial=0.0)] = 0.0
    return values, right
