"""What the engine's tests share: ways to store X, problems with every ingredient, and routes to their solution."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import sparse

from judge import Verdict, judge
from regularize.design import Design, make_design
from regularize.penalties import Penalty
from regularize.solvers import (
    PathResult,
    residual_quadratic,
    squared_loss_alpha_max,
    squared_loss_path,
    sweep_fit,
    working_set,
)
from regularize.solvers import squared_loss as entry

Array = np.ndarray[Any, np.dtype[Any]]


def _read_only(X: Array) -> Array:
    X.flags.writeable = False
    return X


def _memory_mapped(X: Array, order: str) -> Array:
    file = tempfile.TemporaryFile()  # noqa: SIM115 (lives as long as the map)
    mapped = np.memmap(file, dtype=X.dtype, shape=X.shape, order=order)
    mapped[:] = X
    return _read_only(mapped)


def _sparse(X: Array, index: type, value: type = np.float64) -> sparse.csc_matrix:
    out = sparse.csc_matrix(X.astype(value))
    out.indices, out.indptr = out.indices.astype(index), out.indptr.astype(index)
    return out


def _with_stored_zeros_and_duplicates(X: Array) -> sparse.csc_matrix:
    """The same matrix, each entry stored in two parts in no order, and some zeros stored."""
    rows, columns = np.nonzero(X)
    values = X[rows, columns]
    zeros = np.argwhere(X == 0)[:5]
    rows = np.concatenate([rows, zeros[:, 0], rows])[::-1]
    columns = np.concatenate([columns, zeros[:, 1], columns])[::-1]
    values = np.concatenate([0.5 * values, np.zeros(len(zeros)), 0.5 * values])[::-1]
    order = np.argsort(columns, kind="stable")
    indptr = np.concatenate([[0], np.cumsum(np.bincount(columns, minlength=X.shape[1]))])
    return sparse.csc_matrix((values[order], rows[order], indptr), shape=X.shape)


DENSE: dict[str, Callable[[Array], Any]] = {
    "C": np.ascontiguousarray,
    "F": np.asfortranarray,
    "C float32": lambda X: np.ascontiguousarray(X, dtype=np.float32),
    "F float32": lambda X: np.asfortranarray(X, dtype=np.float32),
    "C read-only": lambda X: _read_only(np.array(X, order="C")),
    "F read-only": lambda X: _read_only(np.array(X, order="F")),
    "C memory-mapped": lambda X: _memory_mapped(X, "C"),
    "F memory-mapped": lambda X: _memory_mapped(X, "F"),
    "strided": lambda X: np.repeat(np.repeat(X, 2, axis=0), 3, axis=1)[::2, ::3],
}
SPARSE: dict[str, Callable[[Array], Any]] = {
    "CSC int32": lambda X: _sparse(X, np.int32),
    "CSC int64": lambda X: _sparse(X, np.int64),
    "CSC float32": lambda X: _sparse(X, np.int32, np.float32),
    "CSC float32 int64": lambda X: _sparse(X, np.int64, np.float32),
    "CSC array": lambda X: sparse.csc_array(X),
    "CSC not canonical": _with_stored_zeros_and_duplicates,
}
LAYOUTS = DENSE | SPARSE


def dense(X: Any) -> Array:
    """X as it is stored, in float64."""
    return np.array(X.toarray() if sparse.issparse(X) else X, dtype=np.float64)


@dataclass(frozen=True)
class Problem:
    """Data and penalty; ``bounds`` and ``factor`` as the judge and the estimators take them."""

    X: Any
    y: Array
    weights: Array | None = None
    l1_ratio: float = 1.0
    factor: Array | None = None
    bounds: tuple[Array, Array] | None = None
    fit_intercept: bool = True
    standardize: bool = False

    def stored(self, layout: str) -> Problem:
        """The same problem with X in another layout."""
        return replace(self, X=LAYOUTS[layout](dense(self.X)))

    def penalty(self) -> Penalty:
        """The record of the penalty."""
        lower, upper = (None, None) if self.bounds is None else self.bounds
        return Penalty.elastic_net(self.X.shape[1], self.l1_ratio, factor=self.factor, lower=lower, upper=upper)

    def design(self) -> Design:
        """A new view of X."""
        return make_design(self.X, self.weights, fit_intercept=self.fit_intercept, standardize=self.standardize)

    def alpha_max(self) -> float:
        """The engine's."""
        return squared_loss_alpha_max(self.design(), self.y, self.penalty())

    def grid(self, k: int = 10, eps: float = 1e-2) -> Array:
        """A geometric grid below alpha_max (or below one if that is zero)."""
        return (self.alpha_max() or 1.0) * np.geomspace(1.0, eps, k)

    def solve(self, alphas: Any, tol: float = 1e-10, **options: Any) -> PathResult:
        """The engine's solution."""
        alphas = np.atleast_1d(np.asarray(alphas, dtype=np.float64))
        return squared_loss_path(self.design(), self.y, self.penalty(), alphas, tol=tol, **options)

    def judged(self, result: PathResult, reference: PathResult | None = None, dtype: Any = np.float64) -> Verdict:
        """The judge's view of a solution."""
        return judge(
            self.X,
            self.y,
            result.alphas,
            result.coefs,
            result.intercepts if self.fit_intercept else None,
            l1_ratio=self.l1_ratio,
            penalty_factor=self.factor,
            bounds=self.bounds,
            sample_weight=self.weights,
            standardize=self.standardize,
            reference=None if reference is None else reference.coefs,
            dtype=dtype,
        )


def gaussian(
    n: int = 30, p: int = 12, seed: int = 0, rho: float = 0.5, n_informative: int = 5, **options: Any
) -> Problem:
    """Columns with AR(rho) correlation, a few of them informative, and some noise."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, p))
    for j in range(1, p):
        X[:, j] = rho * X[:, j - 1] + np.sqrt(1 - rho * rho) * X[:, j]
    coef = np.zeros(p)
    coef[rng.permutation(p)[:n_informative]] = rng.choice([-1.0, 1.0], min(n_informative, p))
    return Problem(np.asfortranarray(X), X @ coef + 0.5 * rng.standard_normal(n) + 3.0, **options)


def anything(seed: int, n: int | None = None, p: int | None = None) -> Problem:
    """A random problem of any kind: sparse, duplicated or dependent columns, weights, factors, bounds, levels."""
    rng = np.random.default_rng(seed)
    n, p = n or int(rng.integers(2, 40)), p or int(rng.integers(1, 50))
    X = rng.standard_normal((n, p))
    kind = rng.choice(["full", "sparse", "binary", "duplicates", "low rank"])
    if kind == "sparse":
        X *= rng.random((n, p)) < 0.2
    elif kind == "binary":
        X = (rng.random((n, p)) < 0.3).astype(float)
    elif kind == "duplicates":
        X = X[:, rng.integers(0, max(1, p // 2), p)]
    elif kind == "low rank":
        rank = max(1, min(n, p) // 3)
        X = X[:, :rank] @ rng.standard_normal((min(rank, p), p))
    if rng.random() < 0.2:
        X[:, 0] = 3.0
    if rng.random() < 0.3:
        X = X * 10.0 ** rng.integers(-3, 4, p)
    y = X @ (rng.standard_normal(p) * (rng.random(p) < 0.3)) + rng.standard_normal(n) + 5
    weights = np.append(1.0, rng.integers(0, 4, n - 1)) if rng.random() < 0.5 else None
    factor = rng.choice([0.5, 1, 1, 2, np.inf], p) if rng.random() < 0.5 else None
    bounds = None
    if rng.random() < 0.4:
        bounds = (rng.choice([-np.inf, -1, 0, 0.1], p), rng.choice([np.inf, 1, 2, 0.2], p))
    return Problem(
        LAYOUTS[str(rng.choice(["C", "F", "CSC int32", "CSC int64"]))](X),
        y,
        weights,
        float(rng.choice([1, 1, 0.9, 0.5, 0.1, 0.01])),
        factor,
        bounds,
        bool(rng.random() < 0.7),
        bool(rng.random() < 0.3),
    )


def take_route(monkeypatch: Any, route: str) -> None:
    """Make the engine solve by the full Gram matrix, a working set, residuals where |W| > n, or try sweeps first.

    By residuals Newton's matrix is factored, or conjugate gradients solve its system.
    """
    everywhere = np.iinfo(np.int64).max
    monkeypatch.setattr(entry, "SMALL_GRAM", everywhere if route == "gram" else -1)
    monkeypatch.setattr(entry, "GRAM_PER_ALPHA", 0)
    monkeypatch.setattr(entry, "GRAM_FAR_DOWN", 0)
    by_residuals = route in ("residual", "conjugate gradients")
    monkeypatch.setattr(working_set, "WIDEST_GRAM", 0 if by_residuals else everywhere)
    monkeypatch.setattr(working_set, "MOST_PER_SAMPLE", 1)
    if route == "conjugate gradients":
        monkeypatch.setattr(residual_quadratic, "PRODUCTS_PER_ENTRY", 0)
    monkeypatch.setattr(sweep_fit, "LEAST_ROWS", 0)
    monkeypatch.setattr(sweep_fit, "FEW_ALPHAS", everywhere if route == "sweeps" else 0)


ROUTES = ("gram", "working set", "residual", "conjugate gradients", "sweeps")
