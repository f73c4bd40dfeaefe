"""scikit-learn: ``lasso_path``; computes a Gram matrix when n > p. Its tol is the gap relative to ||y||^2."""

from __future__ import annotations

import warnings
from typing import Any

from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import Lasso, lasso_path

PACKAGE = "scikit-learn"


def skip(X: Any, y: Any, alphas: Any) -> str:
    """Takes everything."""
    return ""


def solve(X: Any, y: Any, alphas: Any, tol: float) -> Any:
    """The path."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return lasso_path(X, y, alphas=alphas, tol=tol, max_iter=1_000_000, copy_X=False)[1]


def fit(X: Any, y: Any, alpha: float) -> tuple[Any, float]:
    """One alpha, as users call it."""
    model = Lasso(alpha=alpha).fit(X, y)
    return model.coef_, model.intercept_
