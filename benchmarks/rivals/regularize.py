"""This package: ``lasso_path``. Its tol is the relative duality gap."""

from __future__ import annotations

from typing import Any

import regularize

PACKAGE = "regularize"


def skip(X: Any, y: Any, alphas: Any) -> str:
    """Takes everything."""
    return ""


def solve(X: Any, y: Any, alphas: Any, tol: float) -> Any:
    """The path."""
    return regularize.lasso_path(X, y, alphas=alphas, tol=tol, max_iter=100_000)[1]


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
    result = squared_loss_path(design, y, Penalty.elastic_net(X.shape[1]), alphas, tol=tol, max_iter=100_000)
    return {"passes": float(result.n_passes), "working_set": int(result.working_set_size)}
