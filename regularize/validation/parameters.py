"""What parameters may be, and the errors that name the one that is not.

scikit-learn's table of parameter constraints is private, so the tables below are our own: one line per parameter,
what is expected (in words) and the predicate that decides it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Floats = NDArray[np.float64]
Constraint = tuple[str, Callable[[Any], bool]]

SELECTIONS = ("cyclic", "random")


class InvalidParameterError(ValueError, TypeError):
    """A parameter has an invalid type or value; both a ValueError and a TypeError, as in scikit-learn."""


def is_boolean(value: Any) -> bool:
    return isinstance(value, bool | np.bool_)


def is_array_like(value: Any) -> bool:
    if sparse.issparse(value) or np.isscalar(value):
        return False
    return hasattr(value, "__len__") or hasattr(value, "shape") or hasattr(value, "__array__")


def is_list(value: Any) -> bool:
    return is_array_like(value) and getattr(value, "shape", None) != ()


def is_count(value: Any) -> bool:
    return isinstance(value, Integral) and int(value) >= 1


def is_non_negative(value: Any) -> bool:
    return isinstance(value, Real) and 0.0 <= float(value) < math.inf


def is_fraction(value: Any) -> bool:
    return isinstance(value, Real) and 0.0 <= float(value) <= 1.0


def is_random_state(value: Any) -> bool:
    is_seed = isinstance(value, Integral) and 0 <= int(value) < 2**32
    return is_seed or value is None or isinstance(value, np.random.RandomState)


BOOLEAN: Constraint = ("an instance of 'bool' or an instance of 'numpy.bool'", is_boolean)
NON_NEGATIVE: Constraint = ("a float in the range [0.0, inf)", is_non_negative)

CONSTRAINTS: dict[str, Constraint] = {
    "alpha": NON_NEGATIVE,
    "l1_ratio": ("a float in the range [0.0, 1.0]", is_fraction),
    "fit_intercept": BOOLEAN,
    "precompute": (f"{BOOLEAN[0]} or an array-like", lambda v: is_boolean(v) or is_array_like(v)),
    "max_iter": ("an int in the range [1, inf) or None", lambda v: v is None or is_count(v)),
    "copy_X": BOOLEAN,
    "tol": NON_NEGATIVE,
    "warm_start": BOOLEAN,
    "positive": BOOLEAN,
    "random_state": (
        "an int in the range [0, 4294967295], an instance of 'numpy.random.mtrand.RandomState' or None",
        is_random_state,
    ),
    "selection": ("a str among {'cyclic', 'random'}", lambda v: isinstance(v, str) and v in SELECTIONS),
    "standardize": BOOLEAN,
    "groups": (
        "an int in the range [1, inf), an array-like or a dict",
        lambda v: is_list(v) or (is_count(v) and not is_boolean(v)),
    ),
    "group_weights": ("an array-like, a dict or None", lambda v: v is None or is_list(v)),
}

PATH_CONSTRAINTS: dict[str, Constraint] = {
    **CONSTRAINTS,
    "precompute": (
        f"a str among {{'auto'}}, {CONSTRAINTS['precompute'][0]}",
        lambda v: v == "auto" if isinstance(v, str) else CONSTRAINTS["precompute"][1](v),
    ),
    "eps": ("a float in the range (0.0, inf)", lambda v: is_non_negative(v) and v > 0.0),
    "alphas": (
        "an int in the range [1, inf), an array-like or None",
        lambda v: v is None or is_count(v) or is_array_like(v),
    ),
    "Xy": ("an array-like or None", lambda v: v is None or is_array_like(v)),
    "coef_init": ("an array-like or None", lambda v: v is None or is_array_like(v)),
    "verbose": (
        f"an int in the range [0, inf), {BOOLEAN[0]}",
        lambda v: is_boolean(v) or (isinstance(v, Integral) and int(v) >= 0),
    ),
    "return_n_iter": BOOLEAN,
    "check_input": BOOLEAN,
}

GROUP_PATH_CONSTRAINTS: dict[str, Constraint] = {
    **PATH_CONSTRAINTS,
    "alphas": ("an int in the range [1, inf) or an array-like", lambda v: is_count(v) or is_array_like(v)),
}

GRID_CONSTRAINTS = {"eps": PATH_CONSTRAINTS["eps"], "alphas": ("an int in the range [1, inf)", is_count)}


def check_parameters(
    caller: str, values: Mapping[str, Any], constraints: Mapping[str, Constraint] = CONSTRAINTS
) -> None:
    """Raise for the first of ``values`` that its constraint refuses; other names are ignored."""
    for name, (expected, is_valid) in constraints.items():
        if name in values and not is_valid(values[name]):
            raise invalid_parameter(caller, name, f"must be {expected}. Got {values[name]!r} instead.")


def invalid_parameter(caller: str, name: str, complaint: str) -> InvalidParameterError:
    return InvalidParameterError(f"The {name!r} parameter of {caller} {complaint}")


def check_alphas(caller: str, alphas: Any) -> Floats:
    """The user's alphas as float64, sorted from large to small; duplicates are kept."""
    values = as_floats(caller, "alphas", alphas)
    if values.ndim != 1 or values.size == 0:
        raise invalid_parameter(caller, "alphas", f"must be a non-empty 1D array. Got shape {values.shape} instead.")
    refused = np.flatnonzero(~((values >= 0.0) & (values < np.inf)))
    if refused.size:
        i = refused[0]
        got = f"alphas[{i}] == {values[i]}, must be >= 0.0 and finite."
        raise invalid_parameter(caller, "alphas", f"is invalid: {got}")
    return np.sort(values)[::-1].copy()


def as_floats(caller: str, name: str, values: Any) -> Floats:
    """``values`` as a float64 array, or an error that names the parameter."""
    try:
        array = np.asarray(values)
        if array.dtype.kind in "biufO":
            return array.astype(np.float64, copy=False)
    except (TypeError, ValueError):  # ragged, or objects that are not numbers
        pass
    raise invalid_parameter(caller, name, f"must hold real numbers. Got {values!r} instead.")
