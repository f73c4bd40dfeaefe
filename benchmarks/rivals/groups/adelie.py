"""adelie: ``grpnet``; ``gaussian_cov`` on the Gram matrix (timed with it) for groups of a dense X with n >= 5 p.

Its tol bounds the change of the objective in a sweep: paths with 1e-2 and 1e-6 are nearly the same, so the values in
between, which would look like stalling, are left out. Its loss of several targets is divided by their number, and so
are the alphas.
"""

from __future__ import annotations

from typing import Any

import adelie
import numpy as np
from scipy import sparse

from rivals import groups, splits
from rivals.adelie import THREADS

PACKAGE = "adelie"
COARSEST, LEFT_OUT = 1e-2, 1e-4
FINEST = 1e-20  # a tenth of the tol brings a third of the gap


def skip(X: Any, y: Any, alphas: Any) -> str:
    """Takes everything."""
    return ""


def solve(X: Any, y: Any, alphas: Any, tol: float) -> Any:
    """The path."""
    n, p = X.shape
    blocks = groups.of(X, y)
    if sparse.issparse(X) or blocks.is_multi_task or n < 5 * p:
        return _path(_matrix(X), blocks, alphas, tol, None, intercept=False)[0]
    gram, products = np.asfortranarray(X.T @ X / n), X.T @ y / n
    penalty: dict[str, Any] = dict(groups=blocks.starts, penalty=blocks.weights)
    return adelie.gaussian_cov(gram, products, lmda_path=alphas, **penalty, **_options(tol)).betas.T


def skip_cross_validation(X: Any, y: Any, l1_ratios: Any) -> str:
    """Takes everything."""
    return ""


def cross_validate(X: Any, y: Any, alphas: Any, l1_ratios: Any, tests: Any, tol: float, n_jobs: int) -> None:
    """All folds, their errors, and the refit, as ``cv_grpnet`` does it; that cannot be given the grid, or folds."""
    targets, matrix = groups.of(X, y).y, _matrix(X)
    errors = np.zeros(alphas.shape[1])

    def add(l1_ratio: int, fold: int, coefs: Any, intercepts: Any) -> None:
        test = tests[fold]
        fitted = np.tensordot(X[test], coefs.toarray() if sparse.issparse(coefs) else coefs, (1, -2)) + intercepts
        errors[:] += np.sum(np.square(fitted - targets[test, ..., np.newaxis]), axis=tuple(range(targets.ndim)))

    fold_paths(X, y, alphas, l1_ratios, tests, tol, add)
    best = int(np.argmin(errors))
    _path(matrix, groups.of(X, y), alphas[0, : best + 1], tol, None, intercept=True)


def fold_paths(X: Any, y: Any, alphas: Any, l1_ratios: Any, tests: Any, tol: float, keep: Any) -> None:
    """By zero weights, as in ``cv_grpnet``."""
    matrix, blocks = _matrix(X), groups.of(X, y)
    for fold, (train, _) in enumerate(splits(len(y), tests)):
        weights = np.zeros(len(y))
        weights[train] = 1 / train.size
        keep(0, fold, *_path(matrix, blocks, alphas[0], tol, weights, intercept=True))


def _path(
    matrix: Any, blocks: groups.Blocks, alphas: Any, tol: float, weights: Any, *, intercept: bool
) -> tuple[Any, Any]:
    """Coefficients and intercepts from the matrix."""
    options = _options(tol) | {"intercept": intercept}
    if not blocks.is_multi_task:
        glm = adelie.glm.gaussian(blocks.y, weights=weights)
        state = adelie.grpnet(
            matrix, glm, lmda_path=alphas, groups=blocks.starts, penalty=blocks.weights, ddev_tol=0, **options
        )
        return state.betas.T, state.intercepts
    p, n_targets = blocks.sizes.size, blocks.y.shape[1]
    glm = adelie.glm.multigaussian(np.ascontiguousarray(blocks.y), weights=weights)
    # The penalty of a multi-response glm has one entry per column; the targets' intercepts are columns of its own.
    state = adelie.grpnet(matrix, glm, lmda_path=alphas / n_targets, penalty=np.ones(p), ddev_tol=0, **options)
    coefs = state.betas.toarray().reshape(-1, p, n_targets).transpose(2, 1, 0)
    return coefs, np.asarray(state.intercepts).T


def _matrix(X: Any) -> Any:
    wrap = adelie.matrix.sparse if sparse.issparse(X) else adelie.matrix.dense
    return wrap(X, method="naive", n_threads=THREADS)


def _options(tol: float) -> dict[str, Any]:
    tol = tol if tol >= COARSEST else LEFT_OUT * tol
    return dict(tol=tol, early_exit=False, progress_bar=False, n_threads=THREADS)
