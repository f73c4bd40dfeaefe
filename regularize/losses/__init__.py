"""Losses: pointwise functions of the response and the linear predictor. They never see X."""

from regularize.losses.loss import Loss
from regularize.losses.squared import SquaredLoss

__all__ = ["Loss", "SquaredLoss"]
