"""This package: ``lasso_path``. Its tol is the relative duality gap."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

import regularize
from rivals import DIRECT, chosen, grid, splits

PACKAGE = "regularize"
N_JOBS = (1, 2)
MAX_ITER = 100_000
FINEST_RIDGE = 1e-16
AUTO, ONE_FIT = "", "one fit"


def skip(X: Any, y: Any, alphas: Any) -> str:
    """Takes everything."""
    return ""


def solve(X: Any, y: Any, alphas: Any, tol: float) -> Any:
    """The path."""
    return regularize.lasso_path(X, y, alphas=alphas, tol=tol, max_iter=MAX_ITER)[1]


def fit(X: Any, y: Any, alpha: float) -> tuple[Any, float]:
    """One alpha, as users call it."""
    model = regularize.Lasso(alpha=alpha).fit(X, y)
    return model.coef_, model.intercept_


def figures(X: Any, y: Any, alphas: Any, tol: float) -> dict[str, float]:
    """Passes over X and the size of the final working set, which the public path does not return."""
    from regularize.design import make_design
    from regularize.penalties import Penalty
    from regularize.solvers import squared_loss_path

    design = make_design(X, fit_intercept=False)
    result = squared_loss_path(design, y, Penalty.elastic_net(X.shape[1]), alphas, tol=tol, max_iter=MAX_ITER)
    return {"passes": float(result.n_passes), "working_set": int(result.working_set_size)}


def skip_cross_validation(X: Any, y: Any, l1_ratios: Any) -> str:
    """Takes everything."""
    return ""


def cross_validate(X: Any, y: Any, alphas: Any, l1_ratios: Any, tests: Any, tol: float, n_jobs: int) -> None:
    """All folds, and the refit."""
    options = dict(cv=splits(y.size, tests), tol=tol, max_iter=MAX_ITER, n_jobs=n_jobs) | grid(alphas)
    if len(l1_ratios) == 1 and l1_ratios[0] == 1:
        regularize.LassoCV(**options).fit(X, y)
    else:
        regularize.ElasticNetCV(l1_ratio=list(l1_ratios), **options).fit(X, y)


def fold_paths(X: Any, y: Any, alphas: Any, l1_ratios: Any, tests: Any, tol: float, keep: Any) -> None:
    """The engine's paths, as the estimators run it."""
    from regularize.design import FoldedDesign
    from regularize.penalties import Penalty
    from regularize.solvers.cross_validation import cross_validated_paths

    penalties = [Penalty.elastic_net(X.shape[1], l1_ratio) for l1_ratio in l1_ratios]
    cross_validated_paths(
        FoldedDesign(X, splits(y.size, tests)),
        y,
        penalties,
        alphas,
        lambda done: keep(done.penalty, done.fold, done.path.coefs, done.path.intercepts),
        tol=tol,
        max_iter=MAX_ITER,
    )


def full_paths(X: Any, y: Any, alphas: Any, l1_ratios: Any, tol: float) -> None:
    """The paths on all rows."""
    for l1_ratio, row in zip(l1_ratios, np.asarray(alphas), strict=True):
        regularize.enet_path(X, y, l1_ratio=l1_ratio, alphas=row, tol=tol, max_iter=MAX_ITER, fit_intercept=True)


def ridge_variants(task: str, X: Any) -> dict[str, float]:
    """Defaults; beside a path one fit, at its middle alpha; beside a fit of dense X the solvers that iterate."""
    finest = FINEST_RIDGE if sparse.issparse(X) else DIRECT
    if task == "fit" and not sparse.issparse(X):
        return {AUTO: finest, "sparse_cg": FINEST_RIDGE, "lsqr": FINEST_RIDGE}
    return {AUTO: finest, ONE_FIT: finest} if task == "path" else {AUTO: finest}


def ridge(task: str, variant: str, X: Any, y: Any, alphas: Any, tol: float) -> tuple[Any, Any]:
    """By the public classes and ``ridge_path``."""
    if task == "path" and variant != ONE_FIT:
        alphas, coefs, _ = regularize.ridge_path(X, y, alphas, fit_intercept=True, tol=tol)
        return coefs.T[:, np.newaxis], alphas
    models = {
        "leave-one-out": lambda: regularize.RidgeCV(alphas),
        "5-fold": lambda: regularize.RidgeCV(alphas, cv=5),
        "classifier, leave-one-out": lambda: regularize.RidgeClassifierCV(alphas),
    }
    solver = variant if task == "fit" and variant else "auto"
    one = lambda: regularize.Ridge(alpha=alphas[len(alphas) // 2], tol=tol, solver=solver)  # noqa: E731
    return chosen(models.get(task, one)().fit(X, y))
