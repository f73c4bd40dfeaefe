"""Groups of features and their penalty.

Design notes
------------
a. ``groups`` comes in many forms, and all of them become one label per feature. The order of the groups, which that of
   ``group_weights`` and ``groups_`` follows, is that of the user: of the lists, of the dict, or of the first features.
b. As in scikit-learn's ColumnTransformer an integer is a position and anything else the name of a column, so what a
   list of integers means does not depend on how the columns are called.
c. Sign constraints and the norm of a group have a closed proximal step together; other bounds and a norm have not. So
   bounds that the step could not respect exactly are refused here.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import replace
from numbers import Integral
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from regularize.penalties import GroupPenalty, Groups, Penalty
from regularize.validation.parameters import Floats, as_floats, invalid_parameter, is_list
from regularize.validation.penalty import feature_name, make_penalty

SHOWN = 5  # features that a message names


class Shares(NamedTuple):
    """How alpha is shared out: norms of groups, half their squares, and absolute values of single coefficients."""

    norm: float
    squares: float = 0.0
    single: float = 0.0

    @classmethod
    def group_elastic_net(cls, l1_ratio: float) -> Shares:
        """Norms and squares of groups; the group lasso is ``l1_ratio=1``."""
        return cls(norm=l1_ratio, squares=1.0 - l1_ratio)

    @classmethod
    def sparse_group_lasso(cls, l1_ratio: float) -> Shares:
        """Absolute values, and norms of groups."""
        return cls(norm=1.0 - l1_ratio, single=l1_ratio)


def make_group_penalty(
    caller: str,
    n_features: int,
    shares: Shares,
    *,
    groups: Any,
    group_weights: Any = None,
    penalty_factor: Any = None,
    bounds: Any = None,
    positive: bool = False,
    columns: list[Any] | None = None,
) -> GroupPenalty:
    """Check the parameters against each other and build the penalty record.

    With the three shares it is ``alpha (norm sum_g weight_g ||w_g|| + squares/2 sum_g weight_g ||w_g||^2 + single
    sum_j factor_j |w_j|)``. ``columns`` are the names that dicts and lists of names refer to, None if X has none.
    """
    partition, names = _check_groups(caller, groups, n_features, columns)
    weights = _check_group_weights(caller, group_weights, partition, names)
    features = make_penalty(
        caller,
        n_features,
        l1_ratio=1.0,
        penalty_factor=penalty_factor,
        bounds=bounds,
        positive=positive,
        columns=columns,
    )
    excluded = np.isinf(weights)
    weights = np.where(excluded, 0.0, weights)
    features = _without(caller, features, excluded[partition.labels], columns)
    empty = np.bincount(partition.labels[~features.excluded], minlength=weights.size) == 0
    norm = np.where(empty, 0.0, shares.norm * weights)
    _check_group_bounds(caller, features, partition, norm, columns)
    squares = shares.squares * weights[partition.labels]
    return GroupPenalty(replace(features, l1=shares.single * features.l1, l2=squares), partition, norm)


def _check_groups(caller: str, groups: Any, n_features: int, columns: list[Any] | None) -> tuple[Groups, Sequence[Any]]:
    """The partition of the features, and the names of the groups: keys, labels, or numbers."""
    if isinstance(groups, Integral):
        size = int(groups)
        if n_features % size:
            complaint = f"must divide the number of features if it is a size: {n_features} is no multiple of {size}."
            raise invalid_parameter(caller, "groups", complaint)
        return Groups.of_labels(np.arange(n_features) // size), range(n_features // size)
    if isinstance(groups, Mapping):
        return _of_lists(caller, groups.values(), list(groups), n_features, columns)
    if isinstance(groups, np.ndarray) and groups.ndim == 1 and groups.dtype.kind in "iu":
        return _of_integers(caller, groups, n_features)
    items = list(groups)
    are_lists = [is_list(item) for item in items]
    if items and all(are_lists):
        return _of_lists(caller, items, range(len(items)), n_features, columns)
    if any(are_lists):
        first = are_lists.index(True), are_lists.index(False)
        complaint = f"must hold lists of features or labels, not both. Got {items[first[0]]!r} and {items[first[1]]!r}."
        raise invalid_parameter(caller, "groups", complaint)
    return _of_labels(caller, items, n_features, columns)


def _of_labels(caller: str, labels: list[Any], n_features: int, columns: list[Any] | None) -> tuple[Groups, list[Any]]:
    """Groups in the order in which their labels first appear."""
    _check_length(caller, labels, n_features)
    numbers: dict[Any, int] = {}
    coded = np.empty(n_features, dtype=np.intp)
    for j, label in enumerate(labels):
        if not isinstance(label, Hashable):
            complaint = f"must hold hashable labels. Got {label!r} for {feature_name(j, columns)}."
            raise invalid_parameter(caller, "groups", complaint)
        if _is_missing(label):
            raise invalid_parameter(caller, "groups", f"has no label for {feature_name(j, columns)}: {label!r}.")
        coded[j] = numbers.setdefault(label, len(numbers))
    return Groups.of_labels(coded), list(numbers)


def _of_integers(caller: str, labels: NDArray[Any], n_features: int) -> tuple[Groups, list[Any]]:
    """The same for an array of integers."""
    _check_length(caller, labels, n_features)
    names, first, coded = np.unique(labels, return_index=True, return_inverse=True)
    order = np.argsort(first)
    numbers = np.empty(order.size, dtype=np.intp)
    numbers[order] = np.arange(order.size)
    return Groups.of_labels(numbers[coded]), list(names[order])


def _check_length(caller: str, labels: Sequence[Any] | NDArray[Any], n_features: int) -> None:
    if len(labels) != n_features:
        complaint = f"must have one label per feature, {n_features} of them. Got {len(labels)}."
        raise invalid_parameter(caller, "groups", complaint)


def _is_missing(label: Any) -> bool:
    """Whether it is None, NaN or what pandas has for that."""
    try:
        return label is None or bool(label != label)
    except TypeError:  # pandas.NA is neither equal nor unequal to itself
        return True


def _of_lists(
    caller: str, lists: Iterable[Any], names: Sequence[Any], n_features: int, columns: list[Any] | None
) -> tuple[Groups, Sequence[Any]]:
    """Groups in the order of the lists, which have to part the features."""
    position = {} if columns is None else {column: j for j, column in enumerate(columns)}
    members = [_features(caller, group, name, n_features, position) for group, name in zip(lists, names, strict=True)]
    count = np.bincount([j for group in members for j in group], minlength=n_features)
    for wrong, where in ((count == 0, "in no group"), (count > 1, "listed more than once")):
        if wrong.any():
            found = _listed(np.flatnonzero(wrong), columns)
            raise invalid_parameter(caller, "groups", f"must hold every feature once. These are {where}: {found}.")
    labels = np.empty(n_features, dtype=np.intp)
    for g, group in enumerate(members):
        labels[group] = g
    return Groups.of_labels(labels), names


def _features(caller: str, group: Any, name: Any, n_features: int, position: dict[Any, int]) -> list[int]:
    """The positions of the features of one group."""
    if not is_list(group) or isinstance(group, Mapping):
        complaint = f"must map each group to a list of features. Got {group!r} for group {name!r}."
        raise invalid_parameter(caller, "groups", complaint)
    found = []
    for member in group:
        if isinstance(member, Integral) and not isinstance(member, bool):
            j, known = int(member), f"positions from 0 to {n_features - 1}"
        else:
            is_name = isinstance(member, Hashable) and not isinstance(member, bool | np.bool_)  # True equals 1
            j = position.get(member, -1) if is_name else -1
            known = "columns of X" if position else "positions, for X is not a data frame with column names"
        if not 0 <= j < n_features:
            raise invalid_parameter(caller, "groups", f"must hold {known}. Got {member!r} in group {name!r}.")
        found.append(j)
    if not found:
        raise invalid_parameter(caller, "groups", f"must hold no empty group. Group {name!r} is empty.")
    return found


def _listed(features: NDArray[np.intp], columns: list[Any] | None) -> str:
    more = f" and {features.size - SHOWN} more" if features.size > SHOWN else ""
    return ", ".join(feature_name(int(j), columns) for j in features[:SHOWN]) + more


def _check_group_weights(caller: str, value: Any, groups: Groups, names: Sequence[Any]) -> Floats:
    """The weight of each group; inf excludes it. Default is the square root of its size."""
    weights: Floats = np.sqrt(groups.sizes)
    if value is None:
        return weights
    if isinstance(value, Mapping):
        numbers = {name: g for g, name in enumerate(names)}
        unknown = sorted(repr(name) for name in value if name not in numbers)
        if unknown:
            known = ", ".join(map(repr, list(names)[:SHOWN])) + (", ..." if len(names) > SHOWN else "")
            complaint = f"names groups that there are not: {', '.join(unknown)}. The groups are {known}."
            raise invalid_parameter(caller, "group_weights", complaint)
        given = as_floats(caller, "group_weights", list(value.values()))
        if given.ndim != 1:
            raise invalid_parameter(caller, "group_weights", f"must map each group to a number. Got {value!r}.")
        weights[[numbers[name] for name in value]] = given
    else:
        weights = as_floats(caller, "group_weights", value)
    if weights.shape != groups.sizes.shape:
        complaint = f"must have shape {groups.sizes.shape}, one entry per group. Got {weights.shape}."
        raise invalid_parameter(caller, "group_weights", complaint)
    refused = np.flatnonzero(~(weights >= 0.0))
    if refused.size:
        got = f"Got {weights[refused[0]]} for group {names[refused[0]]!r}."
        raise invalid_parameter(caller, "group_weights", f"must be in the range [0.0, inf]. {got}")
    return weights


def _without(caller: str, features: Penalty, excluded: NDArray[np.bool_], columns: list[Any] | None) -> Penalty:
    """The record with the features of excluded groups held at zero."""
    conflict = np.flatnonzero(excluded & ((features.lower > 0.0) | (features.upper < 0.0)))
    if conflict.size:
        where = feature_name(int(conflict[0]), columns)
        raise invalid_parameter(caller, "bounds", f"must contain 0 where group_weights is inf: {where}.")
    l1, lower, upper = (np.where(excluded, 0.0, side) for side in (features.l1, features.lower, features.upper))
    return replace(features, l1=l1, lower=lower, upper=upper)


def _check_group_bounds(
    caller: str, features: Penalty, groups: Groups, norm: Floats, columns: list[Any] | None
) -> None:
    """Refuse bounds other than signs where a norm of several features is penalised."""
    together = ((norm > 0.0) & (groups.sizes > 1))[groups.labels]
    signs = np.isin(features.lower, (-np.inf, 0.0)) & np.isin(features.upper, (0.0, np.inf))
    refused = np.flatnonzero(together & ~signs)
    if refused.size:
        j = int(refused[0])
        got = f"Got ({features.lower[j]}, {features.upper[j]}) for {feature_name(j, columns)}."
        complaint = f"must be 0 or infinite in a penalised group of several features. {got}"
        raise invalid_parameter(caller, "bounds", complaint)
