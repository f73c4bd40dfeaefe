"""The rows of the ridge page: data, alphas, and what is to be done with them.

Every row is ``min_{b, w} ||y - b - X w||^2 + alpha ||w||^2`` for one alpha or for a descending geometric grid. Alphas
are in units of ``trace(Z'Z) / min(n, p)``, Z the centred X. Dense X is C-ordered, as numpy makes it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from problems import Data, autoregressive, real

SINGLE_ALPHA = 1e-2
LARGEST, SMALLEST = 1e2, 1e-4  # alphas of a grid
TINY = 40  # by which smoke tests divide synthetic problems

FIT, PATH, LOO, K_FOLD, CLASSIFIER = "fit", "path", "leave-one-out", "5-fold", "classifier, leave-one-out"


@dataclass(frozen=True)
class RidgeProblem(Data):
    """alphas (k,) descending; task is one of the five above; y are labels if that is to classify."""

    alphas: np.ndarray
    task: str
    calls: int

    @property
    def targets(self) -> np.ndarray:
        """What is regressed on, (n, t): y, or a column of -1 and 1 for each class."""
        if self.task != CLASSIFIER:
            return self.y[:, np.newaxis]
        return np.where(self.y[:, np.newaxis] == np.unique(self.y), 1.0, -1.0)


@dataclass(frozen=True)
class RidgeRow:
    """``load(is_tiny)`` gives X and y; the fastest of ``calls`` calls is one measurement."""

    load: Callable[[bool], tuple[Any, np.ndarray]]
    task: str
    n_alphas: int = 1
    calls: int = 1
    is_quick: bool = False


def make(name: str, n_alphas: int | None, is_tiny: bool) -> RidgeProblem:
    """The problem of a row; FileNotFoundError if its data are not on this machine."""
    row = RIDGE_ROWS[name]
    X, y = row.load(is_tiny)
    X = sparse.csc_matrix(X) if sparse.issparse(X) else np.ascontiguousarray(X)
    squares = X.multiply(X) if sparse.issparse(X) else X * X
    unit = (np.sum(squares) - X.shape[0] * np.sum(np.square(X.mean(axis=0)))) / min(X.shape)
    k = 1 if row.n_alphas == 1 else n_alphas or row.n_alphas
    alphas = unit * (np.array([SINGLE_ALPHA]) if k == 1 else np.geomspace(LARGEST, SMALLEST, k))
    return RidgeProblem(name, X, np.asarray(y, dtype=np.float64), alphas, row.task, row.calls)


def _synthetic(n: int, p: int) -> Callable[[bool], tuple[np.ndarray, np.ndarray]]:
    return lambda is_tiny: autoregressive(*(max(20, size // TINY) if is_tiny else size for size in (n, p)))


def _sparse(n: int, p: int, density: float) -> Callable[[bool], tuple[Any, np.ndarray]]:
    """Uniform entries at random places; y = X w + noise of half its size."""

    def load(is_tiny: bool) -> tuple[Any, np.ndarray]:
        rows, columns, share = (n // TINY, p // TINY, TINY * density) if is_tiny else (n, p, density)
        rng = np.random.default_rng(0)
        X = sparse.random(rows, columns, share, format="csc", random_state=rng)
        fit, noise = X @ rng.standard_normal(columns), rng.standard_normal(rows)
        return X, fit + 0.5 * np.linalg.norm(fit) / np.linalg.norm(noise) * noise

    return load


def _imdb(is_tiny: bool) -> tuple[Any, np.ndarray]:
    return real("imdb", target="rating", **({"n_docs": 200} if is_tiny else {}))


def _zipcode(is_tiny: bool) -> tuple[np.ndarray, np.ndarray]:
    X, y = real("zipcode")
    return (X[::30], y[::30]) if is_tiny else (X, y)


def _bike(is_tiny: bool) -> tuple[np.ndarray, np.ndarray]:
    X, counts = real("bike", interactions=True)
    return (X[::60], np.log1p(counts[::60])) if is_tiny else (X, np.log1p(counts))


def _iris(is_tiny: bool) -> tuple[np.ndarray, np.ndarray]:
    from sklearn.datasets import load_iris

    return load_iris(return_X_y=True)


def _diabetes(is_tiny: bool) -> tuple[np.ndarray, np.ndarray]:
    from sklearn.datasets import load_diabetes

    return load_diabetes(return_X_y=True)


RIDGE_ROWS = {
    "fit 40000 x 800": RidgeRow(_synthetic(40_000, 800), FIT),
    "fit 800 x 40000": RidgeRow(_synthetic(800, 40_000), FIT),
    "fit bike": RidgeRow(_bike, FIT),
    "fit zipcode": RidgeRow(_zipcode, FIT),
    "fit imdb": RidgeRow(_imdb, FIT),
    "fit diabetes": RidgeRow(_diabetes, FIT, calls=100, is_quick=True),
    "path 40000 x 800": RidgeRow(_synthetic(40_000, 800), PATH, 100),
    "path 5000 x 600": RidgeRow(_synthetic(5000, 600), PATH, 100, is_quick=True),
    "path 800 x 40000": RidgeRow(_synthetic(800, 40_000), PATH, 100),
    "path imdb": RidgeRow(_imdb, PATH, 25),
    "path sparse 20000 x 50000": RidgeRow(_sparse(20_000, 50_000, 1e-3), PATH, 25),
    "leave-one-out 5000 x 500": RidgeRow(_synthetic(5000, 500), LOO, 25, is_quick=True),
    "leave-one-out diabetes": RidgeRow(_diabetes, LOO, 25, calls=50, is_quick=True),
    "leave-one-out bike": RidgeRow(_bike, LOO, 25),
    "5-fold 5000 x 500": RidgeRow(_synthetic(5000, 500), K_FOLD, 25, is_quick=True),
    "5-fold 500 x 5000": RidgeRow(_synthetic(500, 5000), K_FOLD, 25),
    "5-fold bike": RidgeRow(_bike, K_FOLD, 25),
    "classifier zipcode": RidgeRow(_zipcode, CLASSIFIER, 25),
    "classifier iris": RidgeRow(_iris, CLASSIFIER, 25, calls=50, is_quick=True),
}
