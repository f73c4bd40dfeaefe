"""celer: ``celer_path`` with pruning, as its GroupLasso uses it, and ``mtl_path``.

Its tol is the gap relative to ||y||^2. Its cross-validations do not start with scikit-learn 1.9.
"""

from __future__ import annotations

import warnings
from typing import Any

from celer import celer_path
from celer.homotopy import mtl_path
from sklearn.exceptions import ConvergenceWarning

from rivals import groups

PACKAGE = "celer"
OPTIONS: dict[str, Any] = dict(prune=1, max_iter=200, max_epochs=1_000_000)


def skip(X: Any, y: Any, alphas: Any) -> str:
    """Takes everything."""
    return ""


def solve(X: Any, y: Any, alphas: Any, tol: float) -> Any:
    """The path."""
    blocks = groups.of(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        if blocks.is_multi_task:
            return mtl_path(X, blocks.y, alphas=alphas, tol=tol, **OPTIONS)[1]
        own: dict[str, Any] = dict(groups=blocks.sizes.tolist(), weights=blocks.weights)
        return celer_path(X, y, "grouplasso", alphas=alphas, tol=tol, **own, **OPTIONS)[1]
