"""Orchestration in plain Python: no arithmetic on X."""

from regularize.solvers.cross_validation import FoldPath, cross_validated_alpha_max, cross_validated_paths
from regularize.solvers.problem import PathPoint, PathResult
from regularize.solvers.squared_loss import squared_loss_alpha_max, squared_loss_path

__all__ = [
    "FoldPath",
    "PathPoint",
    "PathResult",
    "cross_validated_alpha_max",
    "cross_validated_paths",
    "squared_loss_alpha_max",
    "squared_loss_path",
]
