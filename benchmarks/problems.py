"""The problems of the benchmark: one row of the table each.

Every row is ``min_w ||y - X w||^2 / (2 n) + alpha ||w||_1`` for a descending geometric grid of alphas.
Dense X and y are centred here, sparse X keeps its zeros and only y is centred; no rival fits an intercept,
so all of them solve the same problem. Dense X is Fortran-ordered, which all of them prefer.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from scipy import signal, sparse

TESTS = Path(__file__).resolve().parents[1] / "tests"
N_FOLDS = 5


@dataclass(frozen=True)
class Data:
    """X (n, p) dense Fortran-ordered or CSC, y (n,)."""

    name: str
    X: Any
    y: np.ndarray

    @property
    def shape(self) -> str:
        """``n x p``, and the fraction of stored entries of a sparse X."""
        n, p = self.X.shape
        return f"{n} x {p}" + (f", {self.X.nnz / (n * p):.2%} stored" if sparse.issparse(self.X) else "")

    @property
    def n_bytes(self) -> int:
        """Memory of X."""
        if sparse.issparse(self.X):
            return self.X.data.nbytes + self.X.indices.nbytes + self.X.indptr.nbytes
        return self.X.nbytes


@dataclass(frozen=True)
class Problem(Data):
    """One path: alphas (k,) descending from alpha_max."""

    alphas: np.ndarray


@dataclass(frozen=True)
class CrossValidation(Data):
    """A path for each l1_ratio, on each of five contiguous folds; X and y as they are, everybody fits an intercept.

    alphas (n_l1_ratios, k): each row descends from the smallest alpha without a non-zero coefficient on all rows.
    """

    l1_ratios: np.ndarray
    alphas: np.ndarray

    @property
    def tests(self) -> list[np.ndarray]:
        """The held-out rows of each fold, as ``KFold(5)`` chooses them."""
        return np.array_split(np.arange(self.y.size), N_FOLDS)


@dataclass(frozen=True)
class Row:
    """How to make a problem, and down to which ``alpha_min / alpha_max`` it is solved."""

    load: Callable[[], tuple[Any, np.ndarray]]
    ratio: float
    is_quick: bool = False
    l1_ratios: tuple[float, ...] = (1.0,)  # in the table of cross-validations


def from_tests(name: str) -> ModuleType:
    """A module of the tests: the judges, and the finder of the real data."""
    if str(TESTS) not in sys.path:
        sys.path.append(str(TESTS))  # last: the tests have a module "problems", too
    return importlib.import_module(name)


def make(name: str, n_alphas: int = 100) -> Problem:
    """The problem of a row; FileNotFoundError if its data are not on this machine."""
    return _on_grid(name, ROWS[name], n_alphas)


def make_fit(name: str) -> Problem:
    """The same for a row of the single fits: its smallest alpha alone."""
    whole = _on_grid(name, FIT_ROWS[name], 2)
    return replace(whole, alphas=whole.alphas[1:])


def _on_grid(name: str, row: Row, n_alphas: int) -> Problem:
    X, y = row.load()
    y = np.asarray(y, dtype=np.float64) - np.mean(y)
    X = sparse.csc_matrix(X) if sparse.issparse(X) else np.asfortranarray(X - np.mean(X, axis=0))
    alpha_max = np.max(np.abs(X.T @ y)) / y.size
    return Problem(name, X, y, alpha_max * np.geomspace(1, row.ratio, n_alphas))


def make_cross_validation(name: str, n_alphas: int = 100) -> CrossValidation:
    """The cross-validation of a row; FileNotFoundError if its data are not on this machine."""
    row = CV_ROWS[name]
    X, y = row.load()
    y, l1_ratios = np.asarray(y, dtype=np.float64), np.array(row.l1_ratios)
    X = sparse.csc_matrix(X) if sparse.issparse(X) else np.asfortranarray(X)
    # A centred y makes the correlations those of centred columns too.
    alpha_max = np.max(np.abs(X.T @ (y - np.mean(y)))) / y.size / l1_ratios
    return CrossValidation(name, X, y, l1_ratios, np.multiply.outer(alpha_max, np.geomspace(1, row.ratio, n_alphas)))


def autoregressive(n: int, p: int, n_nonzero: int = 50, snr: float = 5.0) -> tuple[np.ndarray, np.ndarray]:
    """Gaussian columns, corr(x_j, x_k) = 0.5^|j - k|; y = X w + noise with ``||X w|| / ||noise|| = snr``."""
    rng = np.random.default_rng(0)
    noise = rng.standard_normal((p, n))
    noise[1:] *= np.sqrt(1 - 0.5**2)
    X = signal.lfilter([1.0], [1.0, -0.5], noise, axis=0).T
    w = np.zeros(p)
    w[rng.choice(p, min(n_nonzero, p), replace=False)] = rng.standard_normal(min(n_nonzero, p))
    fit, error = X @ w, rng.standard_normal(n)
    return X, fit + error * np.linalg.norm(fit) / np.linalg.norm(error) / snr


def real(name: str, **options: Any) -> tuple[Any, np.ndarray]:
    """X and y of a data set; FileNotFoundError if the data sets are not on this machine."""
    X, y, _ = getattr(from_tests("data").loaders(), f"load_{name}")(**options)
    return X, y


def _bike() -> tuple[np.ndarray, np.ndarray]:
    X, counts = real("bike", interactions=True)
    return X, np.log1p(counts)


def _california() -> tuple[np.ndarray, np.ndarray]:
    X, y = real("california")
    load = from_tests("data").loaders()
    return load.standardize(load.polynomial(load.standardize(X), 3)), y


def _diabetes() -> tuple[np.ndarray, np.ndarray]:
    from sklearn.datasets import load_diabetes

    return load_diabetes(return_X_y=True)


ROWS = {
    "synthetic 1000 x 20000": Row(lambda: autoregressive(1000, 20000), 1e-2),
    "synthetic 200 x 20000": Row(lambda: autoregressive(200, 20000), 1e-2),
    "synthetic 1000 x 5000": Row(lambda: autoregressive(1000, 5000), 1e-3),
    "synthetic 5000 x 2000": Row(lambda: autoregressive(5000, 2000), 1e-3),
    "synthetic 200000 x 100": Row(lambda: autoregressive(200000, 100), 1e-3),
    "leukemia": Row(lambda: real("leukemia"), 1e-2),
    "riboflavin": Row(lambda: real("riboflavin"), 1e-2, is_quick=True),
    "imdb": Row(lambda: real("imdb", target="rating"), 1e-2),
    "bike": Row(_bike, 1e-3),
    "california": Row(_california, 1e-3),
    "diabetes": Row(_diabetes, 1e-3, is_quick=True),
}

CV_ROWS = {
    "synthetic 1000 x 3000": Row(lambda: autoregressive(1000, 3000), 1e-3),
    "synthetic 800 x 20000": Row(lambda: autoregressive(800, 20000), 1e-2),
    "synthetic 100000 x 150": Row(lambda: autoregressive(100_000, 150), 1e-3),
    "synthetic 1000000 x 50": Row(lambda: autoregressive(1_000_000, 50), 1e-3),
    "riboflavin": Row(lambda: real("riboflavin"), 1e-2, is_quick=True),
    "imdb": Row(lambda: real("imdb", target="rating"), 1e-2),
    "bike": Row(_bike, 1e-3, l1_ratios=(0.1, 0.5, 0.9, 1.0)),
    "diabetes": Row(_diabetes, 1e-3, is_quick=True),
}

_SHAPES = {(600, 800): (1e-2, 3e-3), (2000, 500): (1e-2, 1e-3), (5000, 2000): (1e-1, 1e-2, 1e-3)}
_SHAPES |= {(1000, 5000): (1e-1, 1e-2, 1e-3), (1000, 20000): (1e-2,), (20000, 600): (1e-2,)}

FIT_ROWS = {
    f"synthetic {n} x {p} at {ratio:g}": Row(partial(autoregressive, n, p), ratio, is_quick=n == 600)
    for (n, p), ratios in _SHAPES.items()
    for ratio in ratios
} | {
    "leukemia at 0.01": Row(lambda: real("leukemia"), 1e-2),
    "imdb at 0.01": Row(lambda: real("imdb", target="rating"), 1e-2),
    "bike at 0.001": Row(_bike, 1e-3),
}
