"""skglm: block coordinate descent on working sets. Its tol is an absolute violation, here times alpha_max.

It has a path for several targets but not for groups; there each alpha starts from the last one. The solver would
compute the groups' Lipschitz constants anew for each alpha: here they are computed once.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import float64
from scipy import sparse
from skglm.datafits import QuadraticMultiTask
from skglm.datafits.group import QuadraticGroup
from skglm.penalties import L2_1, WeightedGroupL2
from skglm.solvers import GroupBCD, MultiTaskBCD
from skglm.utils.data import grp_converter
from skglm.utils.jit_compilation import compiled_clone

from rivals import groups

PACKAGE = "skglm"
OPTIONS: dict[str, Any] = dict(fit_intercept=False, max_iter=1000, max_epochs=100_000)


class Quadratic(QuadraticGroup):
    """Half the mean squared residual, with the Lipschitz constants (G,) given."""

    def __init__(self, grp_ptr: Any, grp_indices: Any, lipschitz: Any) -> None:
        self.grp_ptr, self.grp_indices, self.lipschitz = grp_ptr, grp_indices, lipschitz

    def get_spec(self) -> Any:
        """For the compiler."""
        return (*QuadraticGroup.get_spec(self), ("lipschitz", float64[:]))

    def params_to_dict(self) -> dict[str, Any]:
        """For the compiler."""
        return dict(grp_ptr=self.grp_ptr, grp_indices=self.grp_indices, lipschitz=self.lipschitz)

    def get_lipschitz(self, X: Any, y: Any) -> Any:
        """As given."""
        return self.lipschitz

    def get_lipschitz_sparse(self, X_data: Any, X_indptr: Any, X_indices: Any, y: Any) -> Any:
        """As given."""
        return self.lipschitz


def skip(X: Any, y: Any, alphas: Any) -> str:
    """Takes everything."""
    return ""


def solve(X: Any, y: Any, alphas: Any, tol: float) -> Any:
    """The path; alphas[0] is alpha_max."""
    blocks = groups.of(X, y)
    if blocks.is_multi_task:
        solver = MultiTaskBCD(tol=tol * alphas[0], **OPTIONS)
        return solver.path(X, blocks.y, QuadraticMultiTask(), L2_1(alphas[0]), alphas=np.asarray(alphas))[1]
    return _group_path(X, y, blocks, alphas, tol)


def _group_path(X: Any, y: Any, blocks: groups.Blocks, alphas: Any, tol: float) -> Any:
    indices, starts = grp_converter(blocks.sizes.tolist(), X.shape[1])
    datafit = Quadratic(starts, indices, _lipschitz(X, y, starts, indices))
    solver = GroupBCD(tol=tol * alphas[0], **OPTIONS)
    coef, fit = np.zeros(X.shape[1]), np.zeros(y.size)
    path = np.empty((X.shape[1], len(alphas)), order="F")
    for k, alpha in enumerate(alphas):
        penalty = WeightedGroupL2(alpha, blocks.weights, starts, indices)
        coef = solver.solve(X, y, datafit, penalty, coef, fit)[0]  # brings coef and fit up to date in place
        path[:, k] = coef
    return path


def _lipschitz(X: Any, y: Any, starts: Any, indices: Any) -> Any:
    datafit = compiled_clone(QuadraticGroup(starts, indices))
    if sparse.issparse(X):
        return datafit.get_lipschitz_sparse(X.data, X.indptr, X.indices, y)
    return datafit.get_lipschitz(X, y)
