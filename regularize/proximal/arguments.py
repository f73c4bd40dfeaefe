"""What operators and penalties are given: values, parameters that broadcast to them, and where results go."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from regularize.validation.parameters import Floats, as_floats, invalid_parameter

Array = NDArray[Any]  # float32 or float64


def check_values(caller: str, name: str, values: Any) -> Array:
    """Real numbers as they are if they are float32, otherwise as float64."""
    array = np.asarray(values)
    return array if array.dtype == np.float32 else as_floats(caller, name, array)


def check_strength(caller: str, name: str, value: Any) -> Floats:
    """One number or many in [0, inf], as float64."""
    strength = as_floats(caller, name, value)
    if not np.all(strength >= 0.0):
        raise invalid_parameter(caller, name, f"must be in the range [0.0, inf]. Got {value!r} instead.")
    return strength


def check_center(caller: str, center: Any) -> Floats:
    """Finite numbers, as float64."""
    array = as_floats(caller, "center", center)
    if not np.all(np.isfinite(array)):
        raise invalid_parameter(caller, "center", f"must be finite. Got {center!r} instead.")
    return array


def check_bounds(caller: str, lower: Any, upper: Any) -> tuple[Floats, Floats]:
    """Bounds as float64; each interval holds a finite number."""
    low, high = as_floats(caller, "lower", lower), as_floats(caller, "upper", upper)
    try:
        is_valid = np.all((low <= high) & (low < np.inf) & (high > -np.inf))
    except ValueError:
        complaint = f"has shape {low.shape}, which does not fit that of upper, {high.shape}."
        raise invalid_parameter(caller, "lower", complaint) from None
    if not is_valid:
        got = f"Got {lower!r} and {upper!r} instead."
        raise invalid_parameter(caller, "lower", f"must be at most upper, neither of them NaN. {got}")
    return low, high


def spread(caller: str, name: str, parameter: Floats, shape: tuple[int, ...], out: Any = None) -> Floats:
    """A parameter with one entry per value, flat: a view, of stride zero for a single number.

    It is a copy if it shares memory with ``out``, which is written before it is read.
    """
    try:
        full = np.broadcast_to(parameter, shape)
    except ValueError:
        complaint = f"must broadcast to shape {shape}. Got shape {parameter.shape} instead."
        raise invalid_parameter(caller, name, complaint) from None
    flat = np.broadcast_to(parameter.reshape(()), full.size) if parameter.size == 1 else full.reshape(-1)
    return flat.copy() if out is not None and np.may_share_memory(flat, out) else flat


def working_copy(caller: str, values: Array, out: Any) -> Array:
    """The values in C order, to be changed in place: in ``out`` where its memory allows that."""
    if out is None:
        return np.array(values, order="C")
    if not (isinstance(out, np.ndarray) and out.flags.writeable):
        raise invalid_parameter(caller, "out", f"must be a writeable array. Got {type(out).__name__} instead.")
    if out.shape != values.shape or out.dtype != values.dtype:
        expected = f"must be like value, {values.dtype} of shape {values.shape}"
        raise invalid_parameter(caller, "out", f"{expected}. Got {out.dtype} of shape {out.shape} instead.")
    work = out if out.flags.c_contiguous else np.empty(out.shape, dtype=out.dtype)
    np.copyto(work, values)  # right also where both share memory
    return work


def result_of(work: Array, out: Any) -> Any:
    """What an operator returns: ``out`` if there is one, a scalar for a scalar."""
    if out is None:
        return work if work.ndim else work[()]
    if work is not out:
        np.copyto(out, work)
    return out
