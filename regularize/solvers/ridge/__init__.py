"""Ridge regression: every alpha, target and error estimate from one factorisation."""

from regularize.solvers.ridge.folds import RidgeFold, ridge_folds
from regularize.solvers.ridge.result import RidgeResult
from regularize.solvers.ridge.solver import TOO_LARGE, RidgeSolver

__all__ = ["TOO_LARGE", "RidgeFold", "RidgeResult", "RidgeSolver", "ridge_folds"]
