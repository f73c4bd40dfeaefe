"""What the tests of group penalties and several targets share: problems with every ingredient, and their solution."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from group_judge import judge_groups
from judge import Verdict
from problems import LAYOUTS, Array, dense
from regularize.design import Design, make_design
from regularize.penalties import GroupPenalty, Groups, Penalty
from regularize.solvers import PathResult, squared_loss_alpha_max, squared_loss_path


@dataclass(frozen=True)
class GroupProblem:
    """Data and penalty; y is (n,), or (n, T) for targets that are fitted together.

    labels (p,) are the groups 0 to G - 1; norm (G,), None for the root of the size, infinite to exclude; l1 and l2 for
    all features or for each, an infinite l1 to exclude one. Targets together have l1 terms and bounds that exclude
    features, and no others: see ``jointly``.
    """

    X: Any
    y: Array
    labels: Array
    norm: Array | None = None
    l1: Any = 0.0
    l2: Any = 0.0
    weights: Array | None = None
    bounds: tuple[Any, Any] | None = None
    fit_intercept: bool = True
    standardize: bool = False

    @property
    def p(self) -> int:
        """Number of features."""
        return self.X.shape[1]

    @property
    def norms(self) -> Array:
        """The factors of the norms as numbers."""
        return np.sqrt(np.bincount(self.labels)) if self.norm is None else np.asarray(self.norm, dtype=np.float64)

    @property
    def n_targets(self) -> int:
        """Number of targets T."""
        return 1 if self.y.ndim == 1 else self.y.shape[1]

    def stored(self, layout: str) -> GroupProblem:
        """The same problem with X in another layout."""
        return replace(self, X=LAYOUTS[layout](dense(self.X)))

    def box(self) -> tuple[Array, Array]:
        """The bounds of each feature."""
        low, high = (None, None) if self.bounds is None else self.bounds
        return np.full(self.p, -np.inf if low is None else low), np.full(self.p, np.inf if high is None else high)

    def jointly(self) -> GroupProblem:
        """The same with a penalty that several targets may have.

        In place of l1 terms norms are larger, in place of bounds groups have l2 terms; what excludes a feature stays.
        """
        l1, (lower, upper) = np.full(self.p, self.l1, dtype=np.float64), self.box()
        norm, l2 = self.norms, np.full(self.p, self.l2, dtype=np.float64)
        more = np.zeros(norm.size)
        np.maximum.at(more, self.labels, np.where(np.isinf(l1), 0.0, l1))
        excluded = (lower == 0) & (upper == 0)
        bounded = (np.isfinite(lower) | np.isfinite(upper)) & ~excluded
        return replace(
            self,
            norm=norm + more if more.any() else self.norm,
            l1=np.where(np.isinf(l1), np.inf, 0.0) if np.isinf(l1).any() else 0.0,
            l2=l2 + 0.5 * np.isin(self.labels, self.labels[bounded]) if bounded.any() else self.l2,
            bounds=(np.where(excluded, 0.0, -np.inf), np.where(excluded, 0.0, np.inf)) if excluded.any() else None,
        )

    def with_targets(self, n_targets: int, seed: int = 0) -> GroupProblem:
        """The same ``jointly`` with further targets, for 2 or more; they depend on other features, too."""
        if n_targets == 1:
            return self
        rng = np.random.default_rng(seed)
        X = dense(self.X)
        size = np.abs(X).max(axis=0)
        coef = rng.standard_normal((self.p, n_targets - 1)) * (rng.random((self.p, 1)) < 0.3)
        coef /= np.where(size > 0, size, 1)[:, np.newaxis]
        others = X @ coef + 0.3 * np.multiply.outer(self.y, rng.standard_normal(n_targets - 1))
        others += rng.standard_normal(others.shape) - 2.0
        return replace(self.jointly(), y=np.column_stack([self.y, others]))

    def penalty(self) -> GroupPenalty:
        """The record of the penalty."""
        p, norm = self.p, self.norms
        lower, upper = self.box()
        l1, l2 = np.full(p, self.l1, dtype=np.float64), np.full(p, self.l2, dtype=np.float64)
        excluded = np.isinf(l1) | np.isinf(norm[self.labels])
        for values in (l1, lower, upper):  # a group has one l2 term, that of its excluded features, too
            values[excluded] = 0.0
        norm = np.where(np.bincount(self.labels, ~excluded) == 0, 0.0, norm)
        return GroupPenalty(Penalty(l1, l2, lower, upper), Groups.of_labels(np.asarray(self.labels)), norm)

    def design(self) -> Design:
        """A new view of X."""
        options: Any = {"fit_intercept": self.fit_intercept, "standardize": self.standardize}
        return make_design(self.X, self.weights, group_of=self.penalty().groups.labels, **options)

    def alpha_max(self) -> float:
        """The engine's."""
        return squared_loss_alpha_max(self.design(), self.y, self.penalty())

    def grid(self, k: int = 8, eps: float = 1e-2) -> Array:
        """A geometric grid below alpha_max (or below one if that is zero)."""
        return (self.alpha_max() or 1.0) * np.geomspace(1.0, eps, k)

    def solve(self, alphas: Any, tol: float = 1e-10, **options: Any) -> PathResult:
        """The engine's solution."""
        alphas = np.atleast_1d(np.asarray(alphas, dtype=np.float64))
        return squared_loss_path(self.design(), self.y, self.penalty(), alphas, tol=tol, **options)

    def judged(self, result: PathResult, reference: PathResult | None = None, dtype: Any = np.float64) -> Verdict:
        """The judge's view of a solution."""
        return judge_groups(
            self.X,
            self.y,
            result.alphas,
            result.coefs,
            result.intercepts if self.fit_intercept else None,
            groups=self.labels,
            norm=self.norms,
            l1=self.l1,
            l2=self.l2,
            bounds=self.bounds,
            sample_weight=self.weights,
            standardize=self.standardize,
            reference=None if reference is None else reference.coefs,
            dtype=dtype,
        )


def blocks_of(result: PathResult) -> Array:
    """The coefficients as (k, p, T)."""
    coefs = result.coefs[np.newaxis] if result.coefs.ndim == 2 else result.coefs
    return coefs.transpose(2, 1, 0)


def grouped(n: int = 30, sizes: Any = (3,) * 5, seed: int = 0, rho: float = 0.5, **options: Any) -> GroupProblem:
    """Columns with AR(rho) correlation in groups of these sizes, two groups informative, and some noise."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(len(sizes)), sizes)
    X = rng.standard_normal((n, labels.size))
    for j in range(1, labels.size):
        X[:, j] = rho * X[:, j - 1] + np.sqrt(1 - rho * rho) * X[:, j]
    informative = rng.permutation(len(sizes))[:2]
    coef = rng.standard_normal(labels.size) * np.isin(labels, informative)
    return GroupProblem(np.asfortranarray(X), X @ coef + 0.5 * rng.standard_normal(n) + 3.0, labels, **options)


def interleaved(problem: GroupProblem, seed: int = 0) -> GroupProblem:
    """The same with its groups in no order; ingredients per feature must be the same for all."""
    labels = np.random.default_rng(seed).permutation(problem.labels)
    return replace(problem, labels=labels)


def anything(seed: int, n: int | None = None, p: int | None = None) -> GroupProblem:
    """A random problem of any kind: sparse, duplicated or dependent columns, weights, norms, bounds, targets."""
    rng = np.random.default_rng(seed)
    n, p = n or int(rng.integers(2, 40)), p or int(rng.integers(1, 40))
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
    labels = np.unique(rng.integers(0, rng.integers(1, p + 1), p), return_inverse=True)[1]
    if rng.random() < 0.3:
        X = X * (10.0 ** rng.integers(-3, 4, labels.max() + 1))[labels]
    n_targets = int(rng.choice([1, 1, 2, 4]))
    y = X @ (rng.standard_normal((p, n_targets)) * (rng.random((p, 1)) < 0.3)) + rng.standard_normal((n, n_targets)) + 5
    n_groups = int(labels.max()) + 1
    norm = rng.choice([0.5, 1, 1, 2, np.inf], n_groups) if rng.random() < 0.5 else None
    l1 = rng.choice([0, 0.2, 0.5, 1, np.inf], p, p=[0.2, 0.3, 0.2, 0.2, 0.1]) if rng.random() < 0.4 else 0.0
    l2 = rng.choice([0, 0.1, 1.0], n_groups)[labels] if rng.random() < 0.3 else 0.0
    weights = np.append(1.0, rng.integers(0, 4, n - 1)) if rng.random() < 0.5 else None
    bounds = None
    if rng.random() < 0.3:
        bounds = (rng.choice([-np.inf, 0], p), rng.choice([np.inf, np.inf, 0], p))
    problem = GroupProblem(
        LAYOUTS[str(rng.choice(["C", "F", "CSC int32", "CSC int64"]))](X),
        y[:, 0] if n_targets == 1 else y,
        labels,
        norm,
        l1,
        l2,
        weights,
        bounds,
        bool(rng.random() < 0.7),
        bool(rng.random() < 0.3),
    )
    return problem if n_targets == 1 else problem.jointly()


# ------------------------------------------------------------------------------------ cases

UNEQUAL = (1, 2, 5, 3, 7)
SMALL = (3,) * 5


def changed(problem: GroupProblem, change: Callable[[np.ndarray], object]) -> GroupProblem:
    """The problem with columns of X changed in place."""
    X = problem.X.copy(order="F")
    change(X)
    return replace(problem, X=X)


def _duplicates(X):
    X[:, 1] = X[:, 0]  # in a group
    X[:, 4] = X[:, 9]  # in two
    X[:, 12:15] = X[:, 6:9]  # a whole group


def _constants(X):
    X[:, 1] = 3.0
    X[:, 3:6] = [0.0, 1.0, -2.0]


def _scaled_groups(X):
    X *= np.repeat(10.0 ** np.array([-6, -3, 0, 3, 6]), 3)


def _scaled_columns(X):
    X *= np.tile([1e-3, 1.0, 1e3], 5)


def _far_from_zero(X):
    X[:, ::2] += 1e5


def _dependent(X):
    X[:] = X[:, :6] @ np.random.default_rng(0).standard_normal((6, 15))


def one_hot() -> GroupProblem:
    """Factors with all their levels, whose columns add up to one, and a number."""
    rng = np.random.default_rng(1)
    levels = (2, 3, 6)
    X = np.hstack([np.eye(k)[rng.integers(0, k, 60)] for k in levels] + [rng.standard_normal((60, 1))])
    labels = np.repeat(np.arange(4), (*levels, 1))
    return GroupProblem(X, X @ rng.standard_normal(12) + 0.3 * rng.standard_normal(60), labels)


def everything() -> GroupProblem:
    """Most ingredients at once."""
    rng = np.random.default_rng(2)
    problem = interleaved(grouped(40, UNEQUAL, norm=np.array([0.0, 1.0, 2.0, np.inf, 1.5])))
    l1, upper = rng.choice([0.0, 0.3, np.inf], 18, p=[0.4, 0.5, 0.1]), rng.choice([0.0, np.inf], 18, p=[0.2, 0.8])
    weights = rng.integers(0, 4, 40).astype(float)
    bounds = (np.full(18, -np.inf), upper)
    return replace(problem, l1=l1, l2=0.1, bounds=bounds, weights=weights, standardize=True)


RNG = np.random.default_rng(3)
CASES: dict[str, Callable[[], GroupProblem]] = {
    "equal sizes": lambda: grouped(30, SMALL),
    "unequal sizes": lambda: grouped(30, UNEQUAL),
    "interleaved": lambda: interleaved(grouped(30, UNEQUAL)),
    "singletons": lambda: grouped(30, (1, 1, 4, 1, 2, 1, 5)),
    "one group": lambda: grouped(30, (6,)),
    "groups of one": lambda: grouped(30, (1,) * 10),
    "n < p": lambda: interleaved(grouped(15, (4,) * 12)),
    "n << p": lambda: grouped(10, (1, 5, 10) * 20),
    "a group wider than n": lambda: grouped(8, (12, 3, 12)),
    "n >> p": lambda: grouped(200, SMALL),
    "own norms": lambda: grouped(30, SMALL, norm=np.array([0.1, 1.0, 3.0, 0.5, 2.0])),
    "l1": lambda: grouped(30, UNEQUAL, l1=0.5),
    "l1, n < p": lambda: interleaved(grouped(15, (4,) * 12, l1=0.5)),
    "l1 of some": lambda: grouped(30, SMALL, l1=np.tile([0.0, 0.3, 2.0], 5)),
    "l1 alone": lambda: grouped(30, SMALL, norm=np.zeros(5), l1=1.0),
    "a group with l1 alone": lambda: grouped(30, SMALL, norm=np.array([0.0, 1, 1, 1, 1]), l1=0.4),
    "l2": lambda: grouped(30, UNEQUAL, l2=0.5),
    "l2, n < p": lambda: grouped(15, (4,) * 12, l2=0.5),
    "l2 per group": lambda: grouped(30, SMALL, l2=np.repeat([0.0, 0.1, 1.0, 3.0, 0.0], 3)),
    "l1 and l2": lambda: interleaved(grouped(30, UNEQUAL, l1=0.3, l2=0.2)),
    "unpenalised": lambda: grouped(30, SMALL, norm=np.array([0.0, 1, 1, 2, 1])),
    "unpenalised, n < p": lambda: grouped(15, (4,) * 12, norm=np.array([0.0] + [1.0] * 11)),
    "excluded group": lambda: grouped(30, SMALL, norm=np.array([np.inf, 1, 1, np.inf, 1])),
    "excluded features": lambda: grouped(30, SMALL, l1=np.tile([0.0, np.inf, 0.0], 5)),
    "a group whose features are excluded": lambda: grouped(30, SMALL, l1=np.repeat([np.inf, 0.0, 0.0, 0.2, 0.0], 3)),
    "positive": lambda: grouped(30, UNEQUAL, bounds=(0, None)),
    "positive, n < p": lambda: grouped(15, (4,) * 12, bounds=(0, None)),
    "positive, l1, l2": lambda: grouped(30, UNEQUAL, bounds=(0, None), l1=0.3, l2=0.1),
    "signs": lambda: grouped(
        30, SMALL, bounds=(np.tile([-np.inf, 0.0, -np.inf], 5), np.tile([0.0, np.inf, np.inf], 5))
    ),
    "weights": lambda: grouped(30, SMALL, weights=RNG.uniform(0.1, 3, 30)),
    "weights with zeros": lambda: grouped(30, SMALL, weights=RNG.integers(0, 3, 30).astype(float)),
    "standardize": lambda: changed(grouped(30, SMALL, standardize=True), _scaled_columns),
    "standardize, l1, l2": lambda: changed(grouped(30, SMALL, standardize=True, l1=0.3, l2=0.1), _scaled_columns),
    "standardize, no intercept": lambda: grouped(30, SMALL, standardize=True, fit_intercept=False),
    "standardize, constant columns": lambda: changed(grouped(30, SMALL, standardize=True), _constants),
    "no intercept": lambda: grouped(30, SMALL, fit_intercept=False),
    "duplicates": lambda: changed(grouped(30, SMALL), _duplicates),
    "duplicates, l1": lambda: changed(grouped(30, SMALL, l1=0.4), _duplicates),
    "constant columns": lambda: changed(grouped(30, SMALL), _constants),
    "constant columns, no intercept": lambda: changed(grouped(30, SMALL, fit_intercept=False), _constants),
    "badly scaled groups": lambda: changed(grouped(30, SMALL), _scaled_groups),
    "badly scaled columns": lambda: changed(grouped(30, SMALL), _scaled_columns),
    "far from zero": lambda: changed(grouped(30, SMALL), _far_from_zero),
    "dependent columns": lambda: changed(grouped(30, SMALL), _dependent),
    "almost collinear": lambda: grouped(30, SMALL, rho=0.99),
    "one hot": one_hot,
    "everything": everything,
}
