"""The only code that knows how X is stored."""

from regularize.design.design import Design, make_design
from regularize.design.folds import FoldedDesign, SplitStatistics
from regularize.design.statistics import Moments

__all__ = ["Design", "FoldedDesign", "Moments", "SplitStatistics", "make_design"]
