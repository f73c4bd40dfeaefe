"""Orchestration in plain Python: no arithmetic on X."""

from regularize.solvers.problem import PathPoint, PathResult
from regularize.solvers.squared_loss import squared_loss_alpha_max, squared_loss_path

__all__ = ["PathPoint", "PathResult", "squared_loss_alpha_max", "squared_loss_path"]
