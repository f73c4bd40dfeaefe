"""celer: ``celer_path`` with pruning, as its Lasso class uses it. Its tol is the gap relative to ||y||^2."""

from __future__ import annotations

import warnings
from typing import Any

from celer import Lasso, celer_path
from sklearn.exceptions import ConvergenceWarning

PACKAGE = "celer"


def skip(X: Any, y: Any, alphas: Any) -> str:
    """Takes everything."""
    return ""


def solve(X: Any, y: Any, alphas: Any, tol: float) -> Any:
    """The path."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return celer_path(X, y, "lasso", alphas=alphas, tol=tol, prune=1, max_iter=200, max_epochs=1_000_000)[1]


def fit(X: Any, y: Any, alpha: float) -> tuple[Any, float]:
    """One alpha, as users call it."""
    model = Lasso(alpha=alpha).fit(X, y)
    return model.coef_, model.intercept_
