"""The only code that knows how X is stored."""

from regularize.design.design import Design, make_design

__all__ = ["Design", "make_design"]
