"""Fast and exact regularised linear models with scikit-learn's interface."""

from __future__ import annotations

from regularize import proximal
from regularize.displays import RegularizationPathDisplay
from regularize.estimators import (
    ElasticNet,
    ElasticNetCV,
    ElasticNetIC,
    GroupElasticNet,
    GroupElasticNetCV,
    GroupLasso,
    GroupLassoCV,
    Lasso,
    LassoCV,
    LassoIC,
    MultiTaskElasticNet,
    MultiTaskElasticNetCV,
    MultiTaskLasso,
    MultiTaskLassoCV,
    Ridge,
    RidgeClassifier,
    RidgeClassifierCV,
    RidgeCV,
    SparseGroupLasso,
    SparseGroupLassoCV,
)
from regularize.grids import alpha_grid, alpha_max
from regularize.group_paths import group_elastic_net_path, group_lasso_path, sparse_group_lasso_path
from regularize.path_search import PathSearchCV
from regularize.paths import enet_path, lasso_path
from regularize.priors import alpha_from_prior, prior_from_alpha
from regularize.ridge_paths import RidgeDiagnostics, ridge_path, ridge_regression

__all__ = [  # noqa: F822
    "ElasticNet",
    "ElasticNetCV",
    "ElasticNetIC",
    "GroupElasticNet",
    "GroupElasticNetCV",
    "GroupLasso",
    "GroupLassoCV",
    "Lasso",
    "LassoCV",
    "LassoIC",
    "MultiTaskElasticNet",
    "MultiTaskElasticNetCV",
    "MultiTaskLasso",
    "MultiTaskLassoCV",
    "PathSearchCV",
    "RegularizationPathDisplay",
    "Ridge",
    "RidgeCV",
    "RidgeClassifier",
    "RidgeClassifierCV",
    "RidgeDiagnostics",
    "SparseGroupLasso",
    "SparseGroupLassoCV",
    "__version__",
    "alpha_from_prior",
    "alpha_grid",
    "alpha_max",
    "enet_path",
    "group_elastic_net_path",
    "group_lasso_path",
    "lasso_path",
    "prior_from_alpha",
    "proximal",
    "ridge_path",
    "ridge_regression",
    "sparse_group_lasso_path",
]


def __getattr__(name: str) -> str:
    """Look up ``__version__`` when it is asked for: reading the metadata of the distribution takes time."""
    if name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib.metadata

    return importlib.metadata.version("regularize")
