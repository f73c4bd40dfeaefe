"""The rows of the page on groups: group lasso, multi-task lasso, and their cross-validations.

Every row is ``min_W ||Y - X W||^2 / (2 n) + alpha sum_g weight_g ||W_g||`` for a descending geometric grid of alphas:
groups of columns that weigh the root of their size, or single columns over several targets. Columns of a group stand
beside each other, as adelie needs them. For paths dense X and y are centred here, of sparse X only y, and nobody fits
an intercept; in cross-validations X and y are as they are, and everybody does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse
from scipy.cluster import hierarchy
from scipy.spatial.distance import squareform

from problems import N_FOLDS, Data, autoregressive, from_tests, real

N_ACTIVE = {"groups": 10, "targets": 50}  # groups, and features of several targets, with true coefficients
SNR = 5.0
CLUSTER_DISTANCE = 0.5  # 1 - |correlation|, at most, of two columns of a cluster
TINY = 20  # by which smoke tests divide synthetic problems

Loaded = tuple[Any, np.ndarray, np.ndarray]
"""X, y and the sizes of the groups."""


@dataclass(frozen=True)
class GroupProblem(Data):
    """y (n,) or (n, T); alphas (k,) descending from alpha_max; sizes (G,) of the groups of neighbouring columns.

    has_folds : five contiguous folds and an intercept, or a path without.
    """

    alphas: np.ndarray
    sizes: np.ndarray
    has_folds: bool

    @property
    def groups(self) -> str:
        """What the blocks are, in words."""
        if self.y.ndim == 2:
            return f"{self.y.shape[1]} targets"
        low, high = self.sizes.min(), self.sizes.max()
        return f"{self.sizes.size} groups of {low}" + (f" to {high}" if high > low else "")

    @property
    def labels(self) -> np.ndarray:
        """The group of each column (p,)."""
        return np.repeat(np.arange(self.sizes.size), self.sizes)

    @property
    def weights(self) -> np.ndarray:
        """The factor of each group's norm (G,)."""
        return np.sqrt(self.sizes)

    @property
    def tests(self) -> list[np.ndarray]:
        """The held-out rows of each fold, as ``KFold(5)`` chooses them."""
        return np.array_split(np.arange(len(self.y)), N_FOLDS)


@dataclass(frozen=True)
class GroupRow:
    """``load(is_tiny)`` gives X, y and sizes; the path ends at ``ratio * alpha_max``."""

    load: Callable[[bool], Loaded]
    ratio: float
    is_quick: bool = False
    has_folds: bool = False
    is_multi_task: bool = False


def make(name: str, n_alphas: int = 100, is_tiny: bool = False) -> GroupProblem:
    """The problem of a row; FileNotFoundError if its data are not on this machine."""
    row = ROWS[name]
    X, y, sizes = row.load(is_tiny)
    y = np.asarray(y, dtype=np.float64)
    centred = y - np.mean(y, axis=0)
    X = sparse.csc_matrix(X) if sparse.issparse(X) else np.asfortranarray(X)
    if not row.has_folds:
        y = centred
        X = X if sparse.issparse(X) else np.asfortranarray(X - np.mean(X, axis=0))
    # A centred y makes the correlations those of centred columns too.
    squares = np.square(X.T @ centred / len(y)).reshape(X.shape[1], -1).sum(axis=1)
    starts = np.cumsum(sizes) - sizes
    alpha_max = np.max(np.sqrt(np.add.reduceat(squares, starts) / sizes))
    return GroupProblem(name, X, y, alpha_max * np.geomspace(1, row.ratio, n_alphas), sizes, row.has_folds)


def _synthetic(n: int, p: int, smallest: int, largest: int) -> Callable[[bool], Loaded]:
    """Columns as of the lasso rows; ten groups have coefficients."""

    def load(is_tiny: bool) -> Loaded:
        rows, columns = (max(size // TINY, 2 * largest) if is_tiny else size for size in (n, p))
        X, _ = autoregressive(rows, columns)
        rng = np.random.default_rng(1)
        sizes = _random_sizes(columns, smallest, largest, rng)
        active = rng.choice(sizes.size, min(N_ACTIVE["groups"], sizes.size), replace=False)
        w = rng.standard_normal(columns) * np.isin(np.repeat(np.arange(sizes.size), sizes), active)
        return X, _noisy(X @ w, rng), sizes

    return load


def _random_sizes(total: int, smallest: int, largest: int, rng: np.random.Generator) -> np.ndarray:
    """Uniform between the bounds, but for what the end enforces."""
    sizes, rest = [], total
    while rest > largest:
        sizes.append(int(rng.integers(smallest, min(largest, rest - smallest), endpoint=True)))
        rest -= sizes[-1]
    return np.array([*sizes, rest])


def _several_targets(n: int, p: int, n_targets: int) -> Callable[[bool], Loaded]:
    """Columns as of the lasso rows; fifty of them have coefficients, for all targets."""

    def load(is_tiny: bool) -> Loaded:
        rows, columns = (n // TINY, p // TINY) if is_tiny else (n, p)
        X, _ = autoregressive(rows, columns)
        rng = np.random.default_rng(1)
        W = np.zeros((columns, n_targets))
        active = rng.choice(columns, min(N_ACTIVE["targets"], columns), replace=False)
        W[active] = rng.standard_normal((active.size, n_targets))
        return X, _noisy(X @ W, rng), np.ones(columns, dtype=np.intp)

    return load


def _noisy(fit: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """With ``||fit|| / ||noise|| = SNR``."""
    noise = rng.standard_normal(fit.shape)
    return fit + noise * np.linalg.norm(fit) / np.linalg.norm(noise) / SNR


def _imdb(is_tiny: bool) -> Loaded:
    """Four terms at random make a group."""
    X, y = real("imdb", target="rating", **({"n_docs": 200} if is_tiny else {}))
    columns = np.random.default_rng(0).permutation(X.shape[1])[: X.shape[1] // 4 * 4]
    return sparse.csc_matrix(X)[:, columns], y, np.full(columns.size // 4, 4)


def _with_own_groups(name: str) -> Callable[[bool], Loaded]:
    """Data that say which columns belong together."""

    def load(is_tiny: bool) -> Loaded:
        X, y, meta = getattr(from_tests("data").loaders(), f"load_{name}")()
        return X, y, np.bincount(meta["groups"])

    return load


def _bike(is_tiny: bool) -> Loaded:
    X, counts, meta = from_tests("data").loaders().load_bike(interactions=True)
    rows = slice(None, None, 40 if is_tiny else 1)
    return X[rows], np.log1p(counts[rows]), np.bincount(meta["groups"])


def _riboflavin(is_tiny: bool) -> Loaded:
    """Clusters of correlated genes, by complete linkage."""
    X, y = real("riboflavin")
    X = X[:, :400] if is_tiny else X
    distances = 1 - np.abs(np.corrcoef(X, rowvar=False))
    tree = hierarchy.linkage(squareform(distances, checks=False), "complete")
    clusters = hierarchy.fcluster(tree, CLUSTER_DISTANCE, "distance")
    return X[:, np.argsort(clusters, kind="stable")], y, np.bincount(clusters)[1:]


FIXED, VARIED, TALL = _synthetic(1000, 10_000, 10, 10), _synthetic(500, 20_000, 5, 20), _synthetic(50_000, 500, 5, 5)
TARGETS, BARDET = _several_targets(500, 5000, 20), _with_own_groups("bardet")

ROWS = {
    "groups 1000 x 10000": GroupRow(FIXED, 1e-2),
    "groups 500 x 20000": GroupRow(VARIED, 1e-2),
    "groups 50000 x 500": GroupRow(TALL, 1e-3),
    "imdb groups of 4": GroupRow(_imdb, 1e-2),
    "multi-task 500 x 5000 x 20": GroupRow(TARGETS, 1e-2, is_multi_task=True),
    "bardet": GroupRow(BARDET, 1e-3, is_quick=True),
    "birthwt": GroupRow(_with_own_groups("birthwt"), 1e-3, is_quick=True),
    "bike groups": GroupRow(_bike, 1e-3),
    "riboflavin clusters": GroupRow(_riboflavin, 1e-2),
    "5-fold groups 1000 x 10000": GroupRow(FIXED, 1e-2, has_folds=True),
    "5-fold groups 500 x 20000": GroupRow(VARIED, 1e-2, has_folds=True),
    "5-fold groups 50000 x 500": GroupRow(TALL, 1e-3, has_folds=True),
    "5-fold multi-task 500 x 5000 x 20": GroupRow(TARGETS, 1e-2, has_folds=True, is_multi_task=True),
    "5-fold bardet": GroupRow(BARDET, 1e-3, is_quick=True, has_folds=True),
}
