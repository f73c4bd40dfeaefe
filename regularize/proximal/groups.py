"""Which rows belong together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from regularize.kernels import proximal as kernel
from regularize.proximal.arguments import Array
from regularize.validation.parameters import Floats, InvalidParameterError, invalid_parameter

Rows = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Groups:
    """Disjoint groups of rows, that is, of entries along the first axis of an array.

    Group g holds the rows ``indices[starts[g]:starts[g + 1]]``. Of a vector these are entries; of a matrix, for
    example of coefficients of shape (n_features, n_targets), they are whole rows. Rows in no group are not
    penalised.

    Parameters
    ----------
    starts : array-like of int, shape (n_groups + 1,)
        Where each group starts in ``indices``; the last entry is the length of ``indices``. Groups may be empty.
    indices : array-like of int, default=None
        Rows of all groups, one group after the other, none of them twice. None: groups of consecutive rows,
        ``starts[g]`` to ``starts[g + 1] - 1``.

    Attributes
    ----------
    n_groups : int
        Number of groups.
    sizes : ndarray of int, shape (n_groups,)
        Number of rows of each group.

    Raises
    ------
    ValueError
        If the arrays are no such partition.

    See Also
    --------
    GroupPenalty : A penalty for each group.

    Examples
    --------
    >>> from regularize.proximal import Groups
    >>> Groups([0, 2, 5]).sizes  # rows 0 and 1, rows 2 to 4
    array([2, 3])
    >>> groups = Groups.from_labels(["a", "b", "a", "b", "b"])
    >>> groups.indices
    array([0, 2, 1, 3, 4])
    """

    starts: Any
    indices: Any = None

    def __post_init__(self) -> None:
        starts = _integers("starts", self.starts)
        if starts.size == 0 or starts[0] != 0 or np.any(np.diff(starts) < 0):
            raise InvalidParameterError(f"The 'starts' of Groups must rise from 0. Got {self.starts!r} instead.")
        indices = np.arange(starts[-1]) if self.indices is None else _distinct(_integers("indices", self.indices))
        if indices.size != starts[-1]:
            got = f"{starts[-1]} and {indices.size}"
            raise InvalidParameterError(f"The last of the 'starts' of Groups must be the number of indices. Got {got}.")
        starts.flags.writeable = indices.flags.writeable = False
        object.__setattr__(self, "starts", starts)
        object.__setattr__(self, "indices", indices)

    @classmethod
    def from_labels(cls, labels: Any) -> Groups:
        """Group the rows that have the same label.

        Parameters
        ----------
        labels : array-like of shape (n_rows,)
            Label of each row: numbers or strings.

        Returns
        -------
        Groups
            One group per label, in the order of the sorted labels.

        Raises
        ------
        ValueError
            If the labels are not one-dimensional.

        Examples
        --------
        >>> from regularize.proximal import Groups
        >>> Groups.from_labels([1, 0, 1]).starts
        array([0, 1, 3])
        """
        labels = np.asarray(labels)
        if labels.ndim != 1:
            raise InvalidParameterError(f"The 'labels' of Groups must be 1D. Got shape {labels.shape} instead.")
        _, group, sizes = np.unique(labels, return_inverse=True, return_counts=True)
        return cls(np.concatenate([[0], np.cumsum(sizes)]), np.argsort(group, kind="stable"))

    @property
    def n_groups(self) -> int:
        """Number of groups."""
        return len(self.starts) - 1

    @property
    def sizes(self) -> Rows:
        """Number of rows of each group."""
        return np.diff(self.starts)


def group_norms(values: Array, groups: Groups) -> Floats:
    """Euclidean norm of each group of rows, (n_groups,)."""
    norms = np.empty(groups.n_groups)
    kernel.group_norms(rows_of(np.ascontiguousarray(values)), groups.starts, groups.indices, norms)
    return norms


def check_groups(caller: str, groups: Groups | None, values: Array) -> Groups:
    """The groups of the rows of these values, each row by default."""
    if values.ndim == 0:
        raise invalid_parameter(caller, "value", "must have rows, that is, at least one dimension.")
    if groups is None:
        return Groups(np.arange(len(values) + 1))
    if not isinstance(groups, Groups):
        raise invalid_parameter(caller, "groups", f"must be Groups or None. Got {groups!r} instead.")
    if groups.indices.size and groups.indices.max() >= len(values):
        got = f"Got {groups.indices.max()} and {len(values)} rows."
        raise invalid_parameter(caller, "groups", f"must not name rows that value does not have. {got}")
    return groups


def rows_of(values: Array) -> Array:
    """A view of shape (n_rows, entries of a row) of an array in C order."""
    return values.reshape(len(values), int(np.prod(values.shape[1:])))


def _integers(name: str, values: Any) -> Rows:
    array = np.array(values)
    if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
        raise InvalidParameterError(f"The {name!r} of Groups must be a 1D array of integers. Got {values!r} instead.")
    return array.astype(np.intp)


def _distinct(indices: Rows) -> Rows:
    if np.any(indices < 0) or np.unique(indices).size != indices.size:
        raise InvalidParameterError("The 'indices' of Groups must be non-negative and different from each other.")
    return indices
