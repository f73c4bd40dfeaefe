"""What the tests of the ridge engine share: a problem with every option, the solver for it, and its true solution."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from problems import LAYOUTS, dense
from regularize.design import Design, make_design
from regularize.penalties import Penalty
from regularize.solvers.ridge import RidgeResult, RidgeSolver
from ridge_judge import reference

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class RidgeData:
    """Data and penalty of a ridge problem; alphas are those of scikit-learn's Ridge everywhere."""

    X: Any
    targets: Array  # (n, t)
    weights: Array | None = None
    factor: Array | None = None
    prior: Array | None = None  # (p,) or (t, p)
    fit_intercept: bool = True
    standardize: bool = False

    def stored(self, layout: str) -> RidgeData:
        """The same with X in another layout."""
        return replace(self, X=LAYOUTS[layout](dense(self.X)))

    @property
    def total(self) -> float:
        """The sum of the weights."""
        return float(len(self.targets) if self.weights is None else self.weights.sum())

    def penalty(self) -> Penalty:
        """The record of the penalty."""
        return Penalty.elastic_net(self.X.shape[1], 0.0, factor=self.factor)

    def design(self) -> Design:
        """A new view of X."""
        return make_design(self.X, self.weights, fit_intercept=self.fit_intercept, standardize=self.standardize)

    def solver(self, design: Design | None = None, *, tol: float = 1e-13, **options: Any) -> RidgeSolver:
        """The engine."""
        design = self.design() if design is None else design
        targets = np.asfortranarray(self.targets)
        return RidgeSolver(design, targets, self.penalty(), prior=self.prior, tol=tol, **options)

    def solve(self, alphas: Any, **options: Any) -> RidgeResult:
        """The engine's solutions for alphas (k,) of all targets, or (k, t)."""
        options.setdefault("n_alphas", np.unique(alphas).size)
        return self.solver(**options).path(self.inner(alphas))

    def inner(self, alphas: Any) -> Array:
        """Alphas (k, t) in the engine's units."""
        alphas = np.asarray(alphas, dtype=np.float64)
        alphas = alphas if alphas.ndim == 2 else alphas[:, np.newaxis]
        return np.tile(alphas / self.total, (1, self.targets.shape[1] // alphas.shape[1]))

    def truth(self, alphas: Any) -> tuple[Array, Array]:
        """Coefficients (k, t, p) and intercepts (k, t) from extended precision."""
        shape = alphas.size, self.targets.shape[1]
        coefs, intercepts = np.empty((*shape, self.X.shape[1])), np.zeros(shape)
        for i, j in np.ndindex(shape):
            prior = self.prior[j] if self.prior is not None and self.prior.ndim == 2 else self.prior
            coefs[i, j], intercepts[i, j] = reference(
                dense(self.X),
                self.targets[:, j],
                alphas[i],
                sample_weight=self.weights,
                fit_intercept=self.fit_intercept,
                penalty_factor=self.factor,
                standardize=self.standardize,
                prior=prior,
            )
        return coefs, intercepts


def ridge_data(n: int = 25, p: int = 8, t: int = 3, seed: int = 0, **options: Any) -> RidgeData:
    """Columns with means and unequal scales, some of whose entries are zero; targets of unequal levels and sizes."""
    rng = np.random.default_rng(seed)
    X = (rng.standard_normal((n, p)) + 0.5) * rng.uniform(0.5, 3, p) * (rng.random((n, p)) < 0.8)
    noise = rng.standard_normal((n, t))
    targets = (X[:, :5] @ rng.standard_normal((min(p, 5), t)) + noise + 3) * 10.0 ** rng.integers(-1, 3, t)
    return RidgeData(np.asfortranarray(X), targets, **options)


def option(name: str, n: int, p: int, t: int = 3) -> dict[str, Any]:
    """One of the options, or all together."""
    rng = np.random.default_rng(1)
    factor = rng.choice([0.5, 1.0, 2.0], p)
    factor[1], factor[2] = 0.0, np.inf
    options: dict[str, dict[str, Any]] = {
        "plain": {},
        "no intercept": {"fit_intercept": False},
        "weights": {"weights": rng.uniform(0.5, 3, n) * (rng.random(n) < 0.85)},
        "factors": {"factor": factor},
        "prior": {"prior": rng.standard_normal((t, p))},  # of what is excluded, too
        "standardize": {"standardize": True},
    }
    everything = {key: value for own in options.values() for key, value in own.items()} | {"fit_intercept": True}
    return everything if name == "everything" else options[name]


OPTIONS = ("plain", "no intercept", "weights", "factors", "prior", "standardize", "everything")
