"""scikit-learn: ``lasso_path`` of several targets, and MultiTaskLassoCV. Its tol is the gap relative to ||Y||^2."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import MultiTaskLassoCV, lasso_path

from rivals import groups, splits

PACKAGE = "scikit-learn"
N_JOBS = (1, 2)
MAX_ITER = 1_000_000


def skip(X: Any, y: Any, alphas: Any) -> str:
    """Not for groups."""
    return "" if y.ndim == 2 else "has no group lasso"


def solve(X: Any, y: Any, alphas: Any, tol: float) -> Any:
    """The path."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return lasso_path(X, groups.of(X, y).y, alphas=alphas, tol=tol, max_iter=MAX_ITER, copy_X=False)[1]


def skip_cross_validation(X: Any, y: Any, l1_ratios: Any) -> str:
    """Not for groups."""
    return skip(X, y, None)


def cross_validate(X: Any, y: Any, alphas: Any, l1_ratios: Any, tests: Any, tol: float, n_jobs: int) -> None:
    """All folds, and the refit."""
    model = MultiTaskLassoCV(alphas=alphas[0], cv=splits(len(y), tests), tol=tol, max_iter=MAX_ITER, n_jobs=n_jobs)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(X, groups.of(X, y).y)


def fold_paths(X: Any, y: Any, alphas: Any, l1_ratios: Any, tests: Any, tol: float, keep: Any) -> None:
    """Computed once more: MultiTaskLassoCV keeps the errors of the paths only."""
    for fold, (train, _) in enumerate(splits(len(y), tests)):
        means, y_means = X[train].mean(axis=0), y[train].mean(axis=0)
        X_train, y_train = np.asfortranarray(X[train] - means), y[train] - y_means
        coefs = solve(X_train, y_train, alphas[0], tol)
        keep(0, fold, coefs, y_means[:, np.newaxis] - np.einsum("j,tjk->tk", means, coefs))
