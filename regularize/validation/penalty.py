"""The penalty: factors, bounds, and a start within them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from regularize.penalties import GroupPenalty, Penalty
from regularize.validation.parameters import Floats, as_floats, invalid_parameter, is_array_like


def make_penalty(
    caller: str,
    n_features: int,
    *,
    l1_ratio: float,
    penalty_factor: Any = None,
    bounds: Any = None,
    positive: bool = False,
    columns: list[Any] | None = None,
) -> Penalty:
    """Check ``penalty_factor``, ``bounds`` and ``positive`` against each other and build the penalty record.

    ``columns`` are the names that a dict refers to, None if X has none.
    """
    if penalty_factor is None and bounds is None:
        lower = np.zeros(n_features) if positive else None
        return Penalty.elastic_net(n_features, float(l1_ratio), lower=lower)
    factor = _check_penalty_factor(caller, penalty_factor, n_features, columns)
    lower, upper = _check_bounds(caller, bounds, positive, n_features, columns)
    conflict = np.isinf(factor) & ((lower > 0.0) | (upper < 0.0))
    if conflict.any():
        where = feature_name(np.flatnonzero(conflict)[0], columns)
        raise invalid_parameter(caller, "bounds", f"must contain 0 where penalty_factor is inf: {where}.")
    return Penalty.elastic_net(n_features, float(l1_ratio), factor=factor, lower=lower, upper=upper)


def _check_penalty_factor(caller: str, value: Any, n_features: int, columns: list[Any] | None) -> Floats:
    if value is None:
        return np.ones(n_features)
    if isinstance(value, Mapping):
        value = by_column(caller, "penalty_factor", value, columns, 1.0)
    factor = as_floats(caller, "penalty_factor", value)
    if factor.shape != (n_features,):
        complaint = f"must have shape {(n_features,)}, one entry per feature. Got {factor.shape}."
        raise invalid_parameter(caller, "penalty_factor", complaint)
    refused = np.flatnonzero(~(factor >= 0.0))
    if refused.size:
        got = f"Got {factor[refused[0]]} for {feature_name(refused[0], columns)}."
        raise invalid_parameter(caller, "penalty_factor", f"must be in the range [0.0, inf]. {got}")
    return factor


def _check_bounds(
    caller: str, bounds: Any, positive: bool, n_features: int, columns: list[Any] | None
) -> tuple[Floats, Floats]:
    """Lower and upper bounds of each feature; ``positive`` raises the lower ones to 0."""
    pair: Any = bounds
    if bounds is None:
        pair = (None, None)
    elif isinstance(bounds, Mapping):
        rows = by_column(caller, "bounds", bounds, columns, (None, None))
        if any(not _is_pair(row) for row in rows):
            raise invalid_parameter(caller, "bounds", "must map each column name to a pair (lower, upper).")
        pair = ([_or(row[0], -np.inf) for row in rows], [_or(row[1], np.inf) for row in rows])
    elif not _is_pair(bounds):
        complaint = f"must be a pair (lower, upper), a dict or None. Got {bounds!r} instead."
        raise invalid_parameter(caller, "bounds", complaint)
    lower = _check_side(caller, _or(pair[0], -np.inf), n_features)
    upper = _check_side(caller, _or(pair[1], np.inf), n_features)
    if positive:
        lower = np.maximum(lower, 0.0)
    refused = np.flatnonzero(~((lower <= upper) & (lower < np.inf) & (upper > -np.inf)))
    if refused.size:
        j = refused[0]
        got = f"Got ({lower[j]}, {upper[j]}) for {feature_name(j, columns)}."
        raise invalid_parameter(
            caller, "bounds", f"must have lower <= upper, also with lower >= 0 if positive=True. {got}"
        )
    return lower, upper


def _check_side(caller: str, side: Any, n_features: int) -> Floats:
    values = as_floats(caller, "bounds", side)
    if values.shape not in ((), (n_features,)):
        complaint = f"must hold numbers or arrays of shape {(n_features,)}. Got shape {values.shape}."
        raise invalid_parameter(caller, "bounds", complaint)
    return np.broadcast_to(values, (n_features,))


def _is_pair(value: Any) -> bool:
    return is_array_like(value) and not isinstance(value, Mapping) and len(value) == 2


def _or(value: Any, default: float) -> Any:
    return default if value is None else value


def by_column(caller: str, name: str, values: Mapping[Any, Any], columns: list[Any] | None, default: Any) -> list[Any]:
    """The values in the order of the columns of X, ``default`` for columns that are not named."""
    if columns is None:
        raise invalid_parameter(caller, name, "is a dict by column name, but X is not a data frame with column names.")
    unknown = sorted(map(repr, set(values) - set(columns)))
    if unknown:
        raise invalid_parameter(caller, name, f"names columns that X does not have: {', '.join(unknown)}.")
    return [values.get(column, default) for column in columns]


def feature_name(j: int, columns: list[Any] | None) -> str:
    return f"feature {j}" if columns is None else f"feature {columns[j]!r}"


def check_coef_init(
    caller: str, coef_init: Any, shape: tuple[int, ...], penalty: Penalty | GroupPenalty, name: str = "coef_init"
) -> Floats:
    """A start of the given shape, moved into the bounds."""
    coefs = as_floats(caller, name, coef_init)
    if coefs.shape != shape:
        raise ValueError(f"{name} of {caller} must have shape {shape}. Got {coefs.shape} instead.")
    if not np.isfinite(coefs).all():
        raise ValueError(f"{name} of {caller} contains NaN or infinity.")
    return np.clip(coefs, penalty.features.lower, penalty.features.upper)
