"""This package: ``group_lasso_path``, and ``lasso_path`` of several targets. Its tol is the relative duality gap."""

from __future__ import annotations

from typing import Any

import numpy as np

import regularize
from rivals import groups, splits

PACKAGE = "regularize"
N_JOBS = (1, 2)
MAX_ITER = 100_000


def skip(X: Any, y: Any, alphas: Any) -> str:
    """Takes everything."""
    return ""


def solve(X: Any, y: Any, alphas: Any, tol: float) -> Any:
    """The path."""
    return _path(X, y, alphas, tol, fit_intercept=False)


def figures(X: Any, y: Any, alphas: Any, tol: float) -> dict[str, float]:
    """Passes over X and the size of the final working set, which the public path does not return."""
    from regularize.design import make_design
    from regularize.solvers import squared_loss_path

    penalty = _penalty(groups.of(X, y))
    design = make_design(X, fit_intercept=False, group_of=penalty.groups.labels)
    result = squared_loss_path(design, y, penalty, alphas, tol=tol, max_iter=MAX_ITER)
    return {"passes": float(result.n_passes), "working_set": int(result.working_set_size)}


def skip_cross_validation(X: Any, y: Any, l1_ratios: Any) -> str:
    """Takes everything."""
    return ""


def cross_validate(X: Any, y: Any, alphas: Any, l1_ratios: Any, tests: Any, tol: float, n_jobs: int) -> None:
    """All folds, and the refit."""
    blocks = groups.of(X, y)
    options: dict[str, Any] = dict(
        alphas=alphas[0], cv=splits(len(y), tests), tol=tol, max_iter=MAX_ITER, n_jobs=n_jobs
    )
    if blocks.is_multi_task:
        regularize.MultiTaskLassoCV(**options).fit(X, blocks.y)
    else:
        regularize.GroupLassoCV(groups=blocks.labels, **options).fit(X, y)


def fold_paths(X: Any, y: Any, alphas: Any, l1_ratios: Any, tests: Any, tol: float, keep: Any) -> None:
    """The engine's paths, as the estimators run it."""
    from regularize.design import FoldedDesign
    from regularize.solvers.cross_validation import cross_validated_paths

    penalty = _penalty(groups.of(X, y))
    cross_validated_paths(
        FoldedDesign(X, splits(len(y), tests), group_of=penalty.groups.labels),
        y,
        [penalty],
        alphas,
        lambda done: keep(done.penalty, done.fold, done.path.coefs, done.path.intercepts),
        tol=tol,
        max_iter=MAX_ITER,
    )


def full_paths(X: Any, y: Any, alphas: Any, l1_ratios: Any, tol: float) -> None:
    """The path on all rows."""
    _path(X, y, alphas[0], tol, fit_intercept=True)


def _path(X: Any, y: Any, alphas: Any, tol: float, *, fit_intercept: bool) -> Any:
    blocks = groups.of(X, y)
    options: dict[str, Any] = dict(alphas=alphas, tol=tol, max_iter=MAX_ITER, fit_intercept=fit_intercept)
    if blocks.is_multi_task:
        return regularize.lasso_path(X, blocks.y, **options)[1]
    return regularize.group_lasso_path(X, y, groups=blocks.labels, **options)[1]


def _penalty(blocks: groups.Blocks) -> Any:
    from regularize.penalties import GroupPenalty, Groups, Penalty

    p = blocks.labels.size
    features = Penalty(np.zeros(p), np.zeros(p), np.full(p, -np.inf), np.full(p, np.inf))
    return GroupPenalty(features, Groups.of_labels(blocks.labels), blocks.weights)
