"""Penalties as records of arrays."""

from regularize.penalties.group_penalty import GroupPenalty
from regularize.penalties.groups import Groups
from regularize.penalties.penalty import Penalty

__all__ = ["GroupPenalty", "Groups", "Penalty"]
