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
    wrap = adelie.matrix.sparse if sparse.issparse(X) else adelie.matrix.dense
    matrix = wrap(X, method="naive", n_threads=THREADS)
    return adelie.grpnet(matrix, adelie.glm.gaussian(y), intercept=False, **options).betas.T
