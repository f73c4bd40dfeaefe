"""The solvers that are compared: one module each, imported only inside the process that runs it.

A module has

    PACKAGE : the name of its distribution, for the version in the table
    skip(X, y, alphas) -> str : why it cannot take this problem; "" if it can
    FINEST : optional; the smallest tol worth trying, if that is not 1e-16
    solve(X, y, alphas, tol) -> coefs (p, k), dense or sparse : the timed call. No intercept, nothing is
        standardised; ``alphas`` in the unit of ``||y - X w||^2 / (2 n) + alpha ||w||_1``; ``tol`` in the
        rival's own unit, but made free of the scale of the data where the rival's is absolute
    fit(X, y, alpha) -> (coef, intercept) : optional; the estimator as its users call it, at default tolerance
"""

from __future__ import annotations

import importlib
from types import ModuleType

NAMES = ("regularize", "scikit_learn", "celer", "skglm", "glum", "adelie")
OURS = "regularize"


def load(name: str) -> ModuleType:
    """The module of a rival."""
    return importlib.import_module(f"rivals.{name}")
