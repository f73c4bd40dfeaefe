"""What the tests of cross-validation share: data, and splits of every kind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.model_selection import GroupKFold, KFold, LeaveOneOut, ShuffleSplit, TimeSeriesSplit

Array = np.ndarray[Any, np.dtype[Any]]
Splits = list[tuple[Array, Array]]

TIGHT = 1e-12  # of our solver
SHAPES = {"n >> p": (300, 6), "p > n": (40, 90), "p > n, p > 200": (40, 220), "n > p > 200": (230, 205)}


def data(n: int = 60, p: int = 15, seed: int = 0, density: float = 1.0) -> tuple[Array, Array]:
    """X with means and unequal scales, some of its entries zero; y depends on five columns."""
    rng = np.random.default_rng(seed)
    X = (rng.standard_normal((n, p)) + 0.5) * rng.uniform(0.5, 2, p) * (rng.random((n, p)) < density)
    return X, X[:, :5] @ rng.choice([-1, 1], min(p, 5)) + rng.standard_normal(n) + 3


def groups_of(n: int) -> Array:
    return np.random.default_rng(1).integers(0, 7, n)


def _bootstrap(n: int) -> Splits:
    """Training rows drawn with replacement, held out are those that were not drawn."""
    draws = np.random.default_rng(2).integers(0, n, (3, n))
    return [(draw, np.setdiff1d(np.arange(n), draw)) for draw in draws]


SPLITS: dict[str, Callable[[int], Splits]] = {
    "contiguous": lambda n: list(KFold(4).split(np.empty(n))),
    "shuffled": lambda n: list(KFold(3, shuffle=True, random_state=0).split(np.empty(n))),
    "grouped": lambda n: list(GroupKFold(3).split(np.empty(n), groups=groups_of(n))),
    "overlapping": lambda n: list(ShuffleSplit(4, test_size=0.3, random_state=0).split(np.empty(n))),
    "incomplete": lambda n: [(np.arange(5, n // 2), np.arange(n // 2, n - 8)), (np.arange(n - 9, 8, -1), np.arange(7))],
    "time series": lambda n: list(TimeSeriesSplit(3).split(np.empty(n))),
    "leave one out": lambda n: list(LeaveOneOut().split(np.empty(n)))[:: max(1, n // 20)],
    "repeated rows": _bootstrap,
}


def weights_of(n: int) -> Array:
    """Unequal, some zero."""
    rng = np.random.default_rng(3)
    return rng.uniform(0.5, 3, n) * (rng.random(n) < 0.85)


def alphas_of(X: Any, y: Array, ratio: float = 0.02, k: int = 6) -> Array:
    X = X.toarray() if sparse.issparse(X) else X
    return np.max(np.abs((X - X.mean(axis=0)).T @ (y - y.mean()))) / len(y) * np.geomspace(1, ratio, k)
