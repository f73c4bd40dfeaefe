"""Penalties as records of arrays."""

from regularize.penalties.penalty import Penalty

__all__ = ["Penalty"]
