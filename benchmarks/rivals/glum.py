"""glum: its regressor along given alphas. Its tol is an absolute violation, here times alpha_max."""

from __future__ import annotations

import warnings
from typing import Any

from glum import GeneralizedLinearRegressor
from sklearn.exceptions import ConvergenceWarning

PACKAGE = "glum"
MOST_COLUMNS = 2500


def skip(X: Any, y: Any, alphas: Any) -> str:
    """Not for wide problems."""
    p = X.shape[1]
    return f"its Hessian is p x p, p = {p}" if p > MOST_COLUMNS else ""


def solve(X: Any, y: Any, alphas: Any, tol: float) -> Any:
    """The path; alphas[0] is alpha_max."""
    model = GeneralizedLinearRegressor(
        l1_ratio=1.0,
        fit_intercept=False,
        family="normal",
        solver="irls-cd",
        gradient_tol=tol * alphas[0],
        max_iter=1000,
        max_inner_iter=1_000_000,
        alpha_search=True,
        alphas=alphas,
        copy_X=False,
        check_input=False,
        scale_predictors=False,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(X, y)
    return model.coef_path_.T
