"""skglm: the path of its working-set solver. Its tol is an absolute violation, here times alpha_max."""

from __future__ import annotations

from typing import Any

import numpy as np
from skglm import Lasso
from skglm.datafits import Quadratic
from skglm.penalties import L1
from skglm.solvers import AndersonCD

PACKAGE = "skglm"


def skip(X: Any, y: Any, alphas: Any) -> str:
    """Takes everything."""
    return ""


def solve(X: Any, y: Any, alphas: Any, tol: float) -> Any:
    """The path; alphas[0] is alpha_max."""
    solver = AndersonCD(tol=tol * alphas[0], fit_intercept=False, max_iter=1000, max_epochs=1_000_000)
    return solver.path(X, y, Quadratic(), L1(alphas[0]), alphas=np.asarray(alphas))[1]


def fit(X: Any, y: Any, alpha: float) -> tuple[Any, float]:
    """One alpha, as users call it."""
    model = Lasso(alpha=alpha).fit(X, y)
    return model.coef_, model.intercept_
