"""The solvers that are compared: one module each, imported only inside the process that runs it.

A module has

    PACKAGE : the name of its distribution, for the version in the table
    skip(X, y, alphas) -> str : why it cannot take this problem; "" if it can
    FINEST : optional; the smallest tol worth trying, if that is not 1e-16
    solve(X, y, alphas, tol) -> coefs (p, k), dense or sparse : the timed call. No intercept, nothing is
        standardised; ``alphas`` in the unit of ``||y - X w||^2 / (2 n) + alpha ||w||_1``; ``tol`` in the
        rival's own unit, but made free of the scale of the data where the rival's is absolute
    fit(X, y, alpha) -> (coef, intercept) : optional; the estimator as its users call it, at default tolerance

and, if it cross-validates, with ``alphas`` (n_l1_ratios, k), ``tests`` the held-out rows of each fold, and an intercept

    skip_cross_validation(X, y, l1_ratios) -> str : as ``skip``
    prepare_cross_validation(X, y) -> (X, y) : optional; what its users would have at hand, outside the clock
    N_JOBS : optional; the numbers of threads to run with, if not 1 alone
    cross_validate(X, y, alphas, l1_ratios, tests, tol, n_jobs) : the timed call: all folds, and the refit
    fold_paths(X, y, alphas, l1_ratios, tests, tol, keep) : the paths of the folds for the judge, each handed over as
        ``keep(l1_ratio index, fold index, coefs (p, k), intercepts (k,))``; computed once more at the same tol if
        the timed call does not give them away
    full_paths(X, y, alphas, l1_ratios, tol) : this package only; the paths on all rows, for comparison

and, if it does ridge regression, with ``alphas`` in the unit of ``||y - b - X w||^2 + alpha ||w||^2``, an intercept,
and the task one of those in ``problems_ridge.py``

    ridge_variants(task, X) -> {variant: finest tol} : its ways to do it; DIRECT for one that has no tolerance
    ridge(task, variant, X, y, alphas, tol) -> (coefs (k, t, p), their alphas (k,)) : the timed call; k is one, the
        chosen alpha, for cross-validation; None instead of coefs for what is a unit and no rival
"""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any

import numpy as np

NAMES = ("regularize", "scikit_learn", "celer", "skglm", "glum", "adelie")
OURS = "regularize"
DIRECT = 1e-2  # the first tolerance that is tried is the last


def load(name: str) -> ModuleType:
    """The module of a rival."""
    return importlib.import_module(f"rivals.{name}")


def splits(n: int, tests: list[Any]) -> list[tuple[Any, Any]]:
    """(train, test) of each fold."""
    pairs = []
    for test in tests:
        trains = np.ones(n, dtype=bool)
        trains[test] = False
        pairs.append((np.flatnonzero(trains), test))
    return pairs


def chosen(model: Any) -> tuple[Any, Any]:
    """Coefficients (1, t, p) and alpha (1,) of a fitted ridge regression."""
    alpha = model.alpha_ if hasattr(model, "alpha_") else model.alpha
    return np.atleast_2d(model.coef_)[np.newaxis], np.atleast_1d(alpha)


def grid(alphas: Any) -> dict[str, Any]:
    """Options of an estimator with scikit-learn's grid: the alphas, or the same said for each l1_ratio."""
    if len(alphas) == 1:
        return {"alphas": alphas[0]}
    return {"alphas": alphas.shape[1], "eps": alphas[0, -1] / alphas[0, 0]}
