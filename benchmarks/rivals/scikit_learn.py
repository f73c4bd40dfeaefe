"""scikit-learn: ``lasso_path``; computes a Gram matrix when n > p. Its tol is the gap relative to ||y||^2."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import (
    ElasticNetCV,
    Lasso,
    LassoCV,
    Ridge,
    RidgeClassifierCV,
    RidgeCV,
    enet_path,
    lasso_path,
)

from rivals import DIRECT, chosen, grid, splits

PACKAGE = "scikit-learn"
N_JOBS = (1, 2)
MAX_ITER = 1_000_000
FINEST_RIDGE = 1e-16


def skip(X: Any, y: Any, alphas: Any) -> str:
    """Takes everything."""
    return ""


def solve(X: Any, y: Any, alphas: Any, tol: float) -> Any:
    """The path."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return lasso_path(X, y, alphas=alphas, tol=tol, max_iter=MAX_ITER, copy_X=False)[1]


def fit(X: Any, y: Any, alpha: float) -> tuple[Any, float]:
    """One alpha, as users call it."""
    model = Lasso(alpha=alpha).fit(X, y)
    return model.coef_, model.intercept_


def skip_cross_validation(X: Any, y: Any, l1_ratios: Any) -> str:
    """Takes everything."""
    return ""


def cross_validate(X: Any, y: Any, alphas: Any, l1_ratios: Any, tests: Any, tol: float, n_jobs: int) -> None:
    """All folds, and the refit."""
    options = dict(cv=splits(y.size, tests), tol=tol, max_iter=MAX_ITER, n_jobs=n_jobs) | grid(alphas)
    is_lasso = len(l1_ratios) == 1 and l1_ratios[0] == 1
    model = LassoCV(**options) if is_lasso else ElasticNetCV(l1_ratio=list(l1_ratios), **options)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(X, y)


def fold_paths(X: Any, y: Any, alphas: Any, l1_ratios: Any, tests: Any, tol: float, keep: Any) -> None:
    """Computed once more: LassoCV keeps the errors of the paths only."""
    for fold, (train, _) in enumerate(splits(y.size, tests)):
        X_train, y_train = X[train], y[train] - np.mean(y[train])
        means = np.ravel(X_train.mean(axis=0))
        if sparse.issparse(X):
            options = {"X_offset": means, "X_scale": np.ones_like(means)}
        else:
            X_train, options = np.asfortranarray(X_train - means), {}
        for i, l1_ratio in enumerate(l1_ratios):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)
                _, coefs, _ = enet_path(
                    X_train, y_train, l1_ratio=l1_ratio, alphas=alphas[i], tol=tol, max_iter=MAX_ITER, **options
                )
            keep(i, fold, coefs, np.mean(y[train]) - means @ coefs)


def ridge_variants(task: str, X: Any) -> dict[str, float]:
    """The solvers that apply; for paths, which it has not, those that are not hopeless once per alpha."""
    iterative = dict.fromkeys(("sparse_cg", "lsqr"), FINEST_RIDGE)
    if task == "leave-one-out":
        return dict.fromkeys(("svd", "eigen"), DIRECT)
    if task in {"5-fold", "classifier, leave-one-out"}:
        return {"": DIRECT}
    if sparse.issparse(X):
        return iterative
    direct = dict.fromkeys(("cholesky", "svd"), DIRECT)
    return direct if task == "path" else direct | iterative | dict.fromkeys(("sag", "saga"), FINEST_RIDGE)


def ridge(task: str, variant: str, X: Any, y: Any, alphas: Any, tol: float) -> tuple[Any, Any]:
    """A path is one fit per alpha."""
    models = {
        "leave-one-out": lambda: RidgeCV(alphas, gcv_mode=variant),
        "5-fold": lambda: RidgeCV(alphas, cv=5),
        "classifier, leave-one-out": lambda: RidgeClassifierCV(alphas),
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        if task in models:
            return chosen(models[task]().fit(X, y))
        fits = [Ridge(alpha=alpha, solver=variant, tol=tol, max_iter=MAX_ITER).fit(X, y) for alpha in alphas]
    return np.array([model.coef_ for model in fits])[:, np.newaxis], alphas
