"""No rival but a unit: the product and the factorisation that nobody gets around, as numpy and LAPACK run them.

``X'X``, or ``XX'`` if that is smaller (numpy calls syrk), then Cholesky for one alpha, or eigenvectors for all.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse
from scipy.linalg import lapack

from rivals import DIRECT

PACKAGE = "numpy"
CHOLESKY, EIGENVECTORS = "syrk + potrf", "syrk + eigh"


def ridge_variants(task: str, X: Any) -> dict[str, float]:
    """Cholesky for a fit, and for the path that is compared with one; eigenvectors for the rest."""
    if sparse.issparse(X):
        return {}
    return {CHOLESKY: DIRECT} if task in {"fit", "path"} else {EIGENVECTORS: DIRECT}


def ridge(task: str, variant: str, X: Any, y: Any, alphas: Any, tol: float) -> tuple[None, Any]:
    """No coefficients."""
    gram = X.T @ X if X.shape[0] >= X.shape[1] else X @ X.T
    gram.flat[:: len(gram) + 1] += alphas[-1]
    if variant == CHOLESKY:
        lapack.dpotrf(gram, overwrite_a=True)
    else:
        np.linalg.eigh(gram)
    return None, alphas
