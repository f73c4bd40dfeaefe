"""glum: its regressor along given alphas. Its tol is an absolute violation, here times alpha_max."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from glum import GeneralizedLinearRegressor, GeneralizedLinearRegressorCV
from sklearn.exceptions import ConvergenceWarning

from rivals import splits

PACKAGE = "glum"
MOST_COLUMNS = 2500
FINEST_RIDGE = 1e-12
OPTIONS: dict[str, Any] = dict(
    family="normal",
    solver="irls-cd",
    max_iter=1000,
    max_inner_iter=1_000_000,
    check_input=False,
    scale_predictors=False,
)


def skip(X: Any, y: Any, alphas: Any) -> str:
    """Not for wide problems."""
    p = X.shape[1]
    return f"its Hessian is p x p, p = {p}" if p > MOST_COLUMNS else ""


def solve(X: Any, y: Any, alphas: Any, tol: float) -> Any:
    """The path; alphas[0] is alpha_max."""
    model = GeneralizedLinearRegressor(
        l1_ratio=1.0,
        fit_intercept=False,
        gradient_tol=tol * alphas[0],
        alpha_search=True,
        alphas=alphas,
        copy_X=False,
        **OPTIONS,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(X, y)
    return model.coef_path_.T


def skip_cross_validation(X: Any, y: Any, l1_ratios: Any) -> str:
    """Not for wide problems."""
    return skip(X, y, None)


def cross_validate(X: Any, y: Any, alphas: Any, l1_ratios: Any, tests: Any, tol: float, n_jobs: int) -> None:
    """All folds, and the refit; its threads are processes, so it runs with one."""
    _cross_validated(X, y, alphas, l1_ratios, tests, tol, n_jobs)


def fold_paths(X: Any, y: Any, alphas: Any, l1_ratios: Any, tests: Any, tol: float, keep: Any) -> None:
    """As the estimator keeps them."""
    model = _cross_validated(X, y, alphas, l1_ratios, tests, tol, 1)
    for fold, l1_ratio in np.ndindex(*model.coef_path_.shape[:2]):
        keep(l1_ratio, fold, model.coef_path_[fold, l1_ratio].T, np.ravel(model.intercept_path_[fold, l1_ratio]))


def _cross_validated(
    X: Any, y: Any, alphas: Any, l1_ratios: Any, tests: Any, tol: float, n_jobs: int
) -> GeneralizedLinearRegressorCV:
    if len(l1_ratios) == 1:
        grid = {"alphas": alphas[0]}
    else:
        grid = {"n_alphas": alphas.shape[1], "min_alpha_ratio": alphas[0, -1] / alphas[0, 0]}
    model = GeneralizedLinearRegressorCV(
        l1_ratio=list(l1_ratios),
        gradient_tol=tol * np.max(alphas * l1_ratios[:, np.newaxis]),
        cv=splits(y.size, tests),
        n_jobs=n_jobs,
        **grid,
        **OPTIONS,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(X, y)


def ridge_variants(task: str, X: Any) -> dict[str, float]:
    """One fit, and folds."""
    return {"irls-ls": FINEST_RIDGE} if task in {"fit", "5-fold"} and X.shape[1] <= MOST_COLUMNS else {}


def ridge(task: str, variant: str, X: Any, y: Any, alphas: Any, tol: float) -> tuple[Any, Any]:
    """Its objective is ``1 / (2 n)`` of the one here; on the rows of a fold n is smaller, and so is its penalty."""
    options = OPTIONS | {"solver": variant, "gradient_tol": tol, "l1_ratio": 0.0}
    n = y.size
    if task == "fit":
        model = GeneralizedLinearRegressor(alpha=alphas[0] / n, **options)
    else:
        model = GeneralizedLinearRegressorCV(alphas=alphas / n, cv=5, **options)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(X, y)
    alpha = model.alpha if task == "fit" else model.alpha_
    return model.coef_[np.newaxis, np.newaxis], np.array([alpha * n])
