"""Fast and exact regularised linear models with scikit-learn's interface."""

from __future__ import annotations

from regularize import proximal
from regularize.displays import RegularizationPathDisplay
from regularize.estimators import (
    ElasticNet,
    ElasticNetCV,
    ElasticNetIC,
    Lasso,
    LassoCV,
    LassoIC,
    Ridge,
    RidgeClassifier,
    RidgeClassifierCV,
    RidgeCV,
)
from regularize.path_search import PathSearchCV
from regularize.paths import alpha_grid, alpha_max, enet_path, lasso_path
from regularize.priors import alpha_from_prior, prior_from_alpha
from regularize.ridge_paths import RidgeDiagnostics, ridge_path, ridge_regression

__all__ = [  # noqa: F822
    "ElasticNet",
    "ElasticNetCV",
    "ElasticNetIC",
    "Lasso",
    "LassoCV",
    "LassoIC",
    "PathSearchCV",
    "RegularizationPathDisplay",
    "Ridge",
    "RidgeCV",
    "RidgeClassifier",
    "RidgeClassifierCV",
    "RidgeDiagnostics",
    "__version__",
    "alpha_from_prior",
    "alpha_grid",
    "alpha_max",
    "enet_path",
    "lasso_path",
    "prior_from_alpha",
    "proximal",
    "ridge_path",
    "ridge_regression",
]


def __getattr__(name: str) -> str:
    """Look up ``__version__`` when it is asked for: reading the metadata of the distribution takes time."""
    if name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib.metadata

    return importlib.metadata.version("regularize")
