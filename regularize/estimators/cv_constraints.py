"""What the parameters of the cross-validated estimators may be; see :mod:`regularize.validation`."""

from __future__ import annotations

from collections.abc import Iterable
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_scalar

from regularize.selection import RULES
from regularize.validation import GRID_CONSTRAINTS, PATH_CONSTRAINTS, RIDGE_CONSTRAINTS, Constraint, check_alphas

_BOOLEAN = PATH_CONSTRAINTS["copy_X"]
_IS_COUNT = GRID_CONSTRAINTS["alphas"][1]


def _is_array_like(value: Any) -> bool:
    return value is not None and PATH_CONSTRAINTS["Xy"][1](value)


def _is_cv(value: Any) -> bool:
    if isinstance(value, Integral):
        return int(value) >= 2
    splitter = hasattr(value, "split") and hasattr(value, "get_n_splits") and not isinstance(value, str)
    return value is None or splitter or (isinstance(value, Iterable) and not isinstance(value, str))


def _are_fractions(value: Any) -> bool:
    if not _is_array_like(value):
        return PATH_CONSTRAINTS["l1_ratio"][1](value)
    return np.ndim(value) == 1 and len(value) > 0 and all(PATH_CONSTRAINTS["l1_ratio"][1](item) for item in value)


CV_CONSTRAINTS: dict[str, Constraint] = {
    **PATH_CONSTRAINTS,
    "l1_ratio": ("a float in the range [0.0, 1.0] or a non-empty list of them", _are_fractions),
    "alphas": ("an int in the range [1, inf) or an array-like", lambda v: _IS_COUNT(v) or _is_array_like(v)),
    "max_iter": ("an int in the range [1, inf)", _IS_COUNT),
    "cv": (
        "an int in the range [2, inf), an object implementing 'split' and 'get_n_splits', an iterable or None",
        _is_cv,
    ),
    "n_jobs": ("an int other than 0 or None", lambda v: v is None or (isinstance(v, Integral) and v != 0)),
    "selection_rule": (
        "a str among {'1se', 'min'} or a callable",
        lambda v: v in RULES if isinstance(v, str) else callable(v),
    ),
    "scoring": ("a str, a callable or None", lambda v: v is None or isinstance(v, str) or callable(v)),
    "store_predictions": _BOOLEAN,
    "alpha_per_target": _BOOLEAN,
}

RIDGE_CRITERIA = ("loo", "gcv")
GCV_MODES = ("auto", "eigen", "svd")

RIDGE_CV_CONSTRAINTS: dict[str, Constraint] = {
    **CV_CONSTRAINTS,
    "alphas": (
        "an array-like or a float in the range (0.0, inf)",
        lambda v: (isinstance(v, Real) and float(v) > 0.0) or _is_array_like(v),
    ),
    "class_weight": RIDGE_CONSTRAINTS["class_weight"],
    "gcv_mode": (
        f"a str among {{{str(GCV_MODES)[1:-1]}}} or None",
        lambda v: v is None or (isinstance(v, str) and v in GCV_MODES),
    ),
    "store_cv_results": _BOOLEAN,
    "criterion": (f"a str among {{{str(RIDGE_CRITERIA)[1:-1]}}}", lambda v: isinstance(v, str) and v in RIDGE_CRITERIA),
}


def check_user_alphas(caller: str, alphas: Any) -> NDArray[np.float64] | None:
    """The alphas from large to small, None if only their number is given; scikit-learn's errors for single alphas."""
    if isinstance(alphas, Integral):
        return None
    for i, alpha in enumerate(np.atleast_1d(np.asarray(alphas, dtype=object))):
        check_scalar(alpha, f"alphas[{i}]", target_type=Real, min_val=0.0)
    return check_alphas(caller, alphas)


def check_ridge_alphas(caller: str, alphas: Any, *, with_zero: bool) -> NDArray[np.float64]:
    """The alphas in the user's order; scikit-learn's errors for single alphas."""
    values = np.atleast_1d(np.asarray(alphas, dtype=object))
    for i, alpha in enumerate(values):
        name = "alphas" if len(values) == 1 else f"alphas[{i}]"
        boundaries = "left" if with_zero else "neither"
        check_scalar(alpha, name, target_type=Real, min_val=0.0, include_boundaries=boundaries)
    check_alphas(caller, values)
    return values.astype(np.float64)
