"""adelie: ``grpnet`` with groups of one; ``gaussian_cov`` on the Gram matrix (timed with it) when n >= 5 p.

It needs numpy < 2, so it lives in an environment of its own. Its tol bounds the
change of the objective in a sweep.
"""

from __future__ import annotations

import os
from typing import Any

import adelie
import numpy as np
from scipy import sparse

PACKAGE = "adelie"
FINEST = 1e-24  # a tenth of the tol brings a third of the gap
SEED = 0
THREADS = int(os.environ.get("OMP_NUM_THREADS", "1"))


def skip(X: Any, y: Any, alphas: Any) -> str:
    """Takes everything."""
    return ""


def solve(X: Any, y: Any, alphas: Any, tol: float) -> Any:
    """The path."""
    n, p = X.shape
    options = dict(lmda_path=alphas, tol=tol, early_exit=False, progress_bar=False, n_threads=THREADS)
    if not sparse.issparse(X) and n >= 5 * p:
        gram, products = np.asfortranarray(X.T @ X / n), X.T @ y / n
        return adelie.gaussian_cov(gram, products, **options).betas.T
    return adelie.grpnet(_matrix(X), adelie.glm.gaussian(y), intercept=False, **options).betas.T


def skip_cross_validation(X: Any, y: Any, l1_ratios: Any) -> str:
    """Its grid is the lasso's."""
    return "" if len(l1_ratios) == 1 and l1_ratios[0] == 1 else "cv_grpnet has no grid of its own for each l1_ratio"


def prepare_cross_validation(X: Any, y: Any) -> tuple[Any, Any]:
    """The rows in such an order that the folds, which it draws at random, become the contiguous ones."""
    np.random.seed(SEED)
    rows = np.argsort(np.random.choice(y.size, y.size, replace=False))
    return (X[rows] if sparse.issparse(X) else np.asfortranarray(X[rows])), y[rows]


def cross_validate(X: Any, y: Any, alphas: Any, l1_ratios: Any, tests: Any, tol: float, n_jobs: int) -> None:
    """All folds, and the refit, from the matrix (it has no cross-validation on Gram matrices)."""
    matrix, glm = _matrix(X), adelie.glm.gaussian(y)
    ratio, options = alphas[0, -1] / alphas[0, 0], _options(tol)
    found = adelie.cv.cv_grpnet(
        matrix, glm, min_ratio=ratio, lmda_path_size=alphas.shape[1], n_folds=len(tests), seed=SEED, **options
    )
    found.fit(matrix, glm, **options)


def fold_paths(X: Any, y: Any, alphas: Any, l1_ratios: Any, tests: Any, tol: float, keep: Any) -> None:
    """Computed once more, by zero weights as there: cv_grpnet keeps the losses of the paths only."""
    np.random.seed(SEED)
    order = np.random.choice(y.size, y.size, replace=False)
    matrix = _matrix(X)
    for fold, test in enumerate(tests):
        weights = np.ones(y.size)
        weights[order[test]] = 0
        glm = adelie.glm.gaussian(y, weights=weights / np.sum(weights))
        options = _options(tol) | {"early_exit": False, "ddev_tol": 0}
        state = adelie.grpnet(matrix, glm, lmda_path=alphas[0], **options)
        keep(0, fold, state.betas.T, state.intercepts)


def _matrix(X: Any) -> Any:
    wrap = adelie.matrix.sparse if sparse.issparse(X) else adelie.matrix.dense
    return wrap(X, method="naive", n_threads=THREADS)


def _options(tol: float) -> dict[str, Any]:
    return dict(tol=tol, progress_bar=False, n_threads=THREADS)
