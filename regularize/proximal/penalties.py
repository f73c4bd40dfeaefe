"""Penalties: a value and a proximal operator that belong together.

Design notes
------------
a. An object with two methods, and not two functions: a value and a prox that are given apart can disagree. The
   functions in ``operators.py`` remain for those who write an iteration of their own.
b. Names end in Penalty, since :class:`regularize.ElasticNet` is an estimator.
c. Parameters are checked once, in the constructor, and kept as read-only arrays.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from regularize.proximal.arguments import check_bounds, check_center, check_strength, check_values, spread
from regularize.proximal.groups import Groups, check_groups, group_norms
from regularize.proximal.operators import (
    prox_box,
    prox_elastic_net,
    prox_group,
    prox_sparse_group,
    prox_squared_l2,
    soft_threshold,
)
from regularize.validation.parameters import Floats


class Proximable(Protocol):
    """A convex function P of an array, and its proximal operator.

    What :func:`proximal_gradient` needs of a penalty. The ready-made ones inherit from this class; a class of your own
    need not.

    See Also
    --------
    proximal_gradient : Minimises a smooth function plus such a penalty.

    Examples
    --------
    The Euclidean ball of radius 1, whose prox is the projection:

    >>> import numpy as np
    >>> class UnitBall:
    ...     def value(self, x):
    ...         return 0.0 if np.linalg.norm(x) <= 1 + 1e-12 else np.inf
    ...
    ...     def prox(self, v, step):
    ...         return v / max(1.0, np.linalg.norm(v))
    >>> UnitBall().prox(np.array([3.0, 4.0]), step=0.1)
    array([0.6, 0.8])
    """

    def value(self, x: Any) -> float:
        """Evaluate the penalty.

        Parameters
        ----------
        x : array-like
            Real numbers.

        Returns
        -------
        float
            ``P(x)``; ``inf`` where x is not allowed.
        """

    def prox(self, v: Any, step: float) -> Any:
        """Apply the proximal operator of ``step`` times the penalty.

        Parameters
        ----------
        v : array-like
            Real numbers; not to be changed.
        step : float
            Positive.

        Returns
        -------
        ndarray
            ``argmin_x 1/2 ||x - v||^2 + step P(x)``, a new array.
        """


@dataclass(frozen=True, eq=False)
class L1Penalty(Proximable):
    """The L1 norm, ``sum_i alpha_i |x_i|``.

    Parameters
    ----------
    alpha : float or array-like
        Non-negative; broadcasts to the shape of x. ``inf`` keeps an entry at zero.

    Raises
    ------
    ValueError
        If alpha is invalid.

    See Also
    --------
    soft_threshold : The proximal operator as a function.

    Examples
    --------
    >>> from regularize.proximal import L1Penalty
    >>> penalty = L1Penalty(0.5)
    >>> float(penalty.value([1.0, -3.0]))
    2.0
    >>> penalty.prox([1.0, -3.0], step=2.0)
    array([ 0., -2.])
    """

    alpha: Any

    def __post_init__(self) -> None:
        _keep(self, alpha=check_strength("L1Penalty", "alpha", self.alpha))

    def value(self, x: Any) -> float:
        return _weighted_sum(self, "alpha", np.abs(_floats(x)))

    def prox(self, v: Any, step: float) -> Any:
        return soft_threshold(v, step * self.alpha)


@dataclass(frozen=True, eq=False)
class ElasticNetPenalty(Proximable):
    """L1 norm, squared L2 norm and bounds in one.

    .. code-block:: text

        sum_i (l1_i |x_i| + l2_i/2 x_i^2)   subject to  lower_i <= x_i <= upper_i

    Parameters
    ----------
    l1 : float or array-like
        Non-negative; broadcasts to the shape of x, as all parameters do. For the estimators' penalty it is
        ``alpha * l1_ratio * penalty_factor``.
    l2 : float or array-like, default=0.0
        Non-negative. For the estimators' penalty it is ``alpha * (1 - l1_ratio) * penalty_factor``.
    lower, upper : float or array-like, default=no bounds
        Bounds of x.

    Raises
    ------
    ValueError
        If a parameter is invalid; the message names it.

    See Also
    --------
    prox_elastic_net : The proximal operator as a function.

    Examples
    --------
    >>> from regularize.proximal import ElasticNetPenalty
    >>> penalty = ElasticNetPenalty(1.0, 2.0, lower=0.0)
    >>> float(penalty.value([1.0, 2.0])), float(penalty.value([1.0, -2.0]))
    (8.0, inf)
    """

    l1: Any
    l2: Any = 0.0
    lower: Any = -np.inf
    upper: Any = np.inf

    def __post_init__(self) -> None:
        name = "ElasticNetPenalty"
        lower, upper = check_bounds(name, self.lower, self.upper)
        l1, l2 = check_strength(name, "l1", self.l1), check_strength(name, "l2", self.l2)
        _keep(self, l1=l1, l2=l2, lower=lower, upper=upper)

    def value(self, x: Any) -> float:
        x = _floats(x)
        if not _is_inside(self, x):
            return np.inf
        return _weighted_sum(self, "l1", np.abs(x)) + 0.5 * _weighted_sum(self, "l2", x * x)

    def prox(self, v: Any, step: float) -> Any:
        return prox_elastic_net(v, step * self.l1, step * self.l2, lower=self.lower, upper=self.upper)


@dataclass(frozen=True, eq=False)
class SquaredL2Penalty(Proximable):
    """Half the squared distance from a center, ``sum_i l2_i/2 (x_i - center_i)^2``.

    Parameters
    ----------
    l2 : float or array-like
        Non-negative; broadcasts to the shape of x. ``inf`` keeps an entry at its center.
    center : float or array-like, default=0.0
        Finite; broadcasts to the shape of x.

    Raises
    ------
    ValueError
        If a parameter is invalid; the message names it.

    See Also
    --------
    prox_squared_l2 : The proximal operator as a function.

    Examples
    --------
    >>> from regularize.proximal import SquaredL2Penalty
    >>> float(SquaredL2Penalty(2.0, center=1.0).value([1.0, 4.0]))
    9.0
    """

    l2: Any
    center: Any = 0.0

    def __post_init__(self) -> None:
        name = "SquaredL2Penalty"
        _keep(self, l2=check_strength(name, "l2", self.l2), center=check_center(name, self.center))

    def value(self, x: Any) -> float:
        x = _floats(x)
        return 0.5 * _weighted_sum(self, "l2", (x - _spread(self, "center", x).reshape(x.shape)) ** 2)

    def prox(self, v: Any, step: float) -> Any:
        return prox_squared_l2(v, step * self.l2, self.center)


@dataclass(frozen=True, eq=False)
class BoxConstraint(Proximable):
    """The indicator function of a box: 0 if ``lower_i <= x_i <= upper_i`` for all i, else infinite.

    Parameters
    ----------
    lower, upper : float or array-like, default=no bounds
        Bounds; broadcast to the shape of x.

    Raises
    ------
    ValueError
        If the box is empty.

    See Also
    --------
    prox_box : The projection as a function.

    Examples
    --------
    >>> from regularize.proximal import BoxConstraint
    >>> BoxConstraint(lower=0.0).prox([1.0, -1.0], step=1.0)
    array([1., 0.])
    """

    lower: Any = -np.inf
    upper: Any = np.inf

    def __post_init__(self) -> None:
        lower, upper = check_bounds("BoxConstraint", self.lower, self.upper)
        _keep(self, lower=lower, upper=upper)

    def value(self, x: Any) -> float:
        return 0.0 if _is_inside(self, _floats(x)) else np.inf

    def prox(self, v: Any, step: float) -> Any:
        return prox_box(v, self.lower, self.upper)


@dataclass(frozen=True, eq=False)
class GroupPenalty(Proximable):
    """The sum of the norms of groups of rows, ``sum_g alpha_g ||X_g||``.

    Parameters
    ----------
    alpha : float or array-like of shape (n_groups,)
        Non-negative, for all groups or for each: weights of groups are factors of their alpha. ``inf`` keeps a
        group at zero.
    groups : Groups, default=None
        Which rows are a group. None: each row is one, which for a matrix is the penalty of the multi-task lasso.
        Rows in no group are not penalised.

    Raises
    ------
    ValueError
        If alpha is invalid.

    See Also
    --------
    prox_group : The proximal operator as a function.

    Examples
    --------
    >>> import numpy as np
    >>> from regularize.proximal import GroupPenalty, Groups
    >>> groups = Groups([0, 2, 5])
    >>> penalty = GroupPenalty(0.1 * np.sqrt(groups.sizes), groups)
    >>> round(penalty.value([3.0, 4.0, 0.0, 0.0, 0.0]), 4)
    0.7071
    """

    alpha: Any
    groups: Groups | None = None

    def __post_init__(self) -> None:
        _keep(self, alpha=check_strength("GroupPenalty", "alpha", self.alpha))

    def value(self, x: Any) -> float:
        x = _floats(x)
        return _weighted_sum(self, "alpha", group_norms(x, check_groups("GroupPenalty", self.groups, x)))

    def prox(self, v: Any, step: float) -> Any:
        return prox_group(v, step * self.alpha, self.groups)


@dataclass(frozen=True, eq=False)
class SparseGroupPenalty(Proximable):
    """L1 norm plus norms of groups of rows, ``sum_i l1_alpha_i |X_i| + sum_g group_alpha_g ||X_g||``.

    Parameters
    ----------
    l1_alpha : float or array-like
        Non-negative; broadcasts to the shape of X.
    group_alpha : float or array-like of shape (n_groups,)
        Non-negative, for all groups or for each.
    groups : Groups, default=None
        Which rows are a group. None: each row is one. Rows in no group see the L1 norm alone.

    Raises
    ------
    ValueError
        If a parameter is invalid; the message names it.

    See Also
    --------
    prox_sparse_group : The proximal operator as a function.

    Examples
    --------
    >>> from regularize.proximal import Groups, SparseGroupPenalty
    >>> penalty = SparseGroupPenalty(1.0, 2.0, Groups([0, 2, 4]))
    >>> float(penalty.value([3.0, -4.0, 0.0, 0.0]))
    17.0
    """

    l1_alpha: Any
    group_alpha: Any
    groups: Groups | None = None

    def __post_init__(self) -> None:
        name = "SparseGroupPenalty"
        l1_alpha = check_strength(name, "l1_alpha", self.l1_alpha)
        _keep(self, l1_alpha=l1_alpha, group_alpha=check_strength(name, "group_alpha", self.group_alpha))

    def value(self, x: Any) -> float:
        x = _floats(x)
        norms = group_norms(x, check_groups("SparseGroupPenalty", self.groups, x))
        return _weighted_sum(self, "l1_alpha", np.abs(x)) + _weighted_sum(self, "group_alpha", norms)

    def prox(self, v: Any, step: float) -> Any:
        return prox_sparse_group(v, step * self.l1_alpha, step * self.group_alpha, self.groups)


def _keep(penalty: Any, **parameters: Floats) -> None:
    """Set checked parameters of a frozen record, as read-only copies."""
    for name, parameter in parameters.items():
        copy = np.array(parameter)
        copy.flags.writeable = False
        object.__setattr__(penalty, name, copy)


def _floats(x: Any) -> Floats:
    return np.asarray(check_values("value", "x", x), dtype=np.float64)


def _spread(penalty: Any, name: str, x: Floats) -> Floats:
    """A parameter with one entry per entry of x, flat."""
    return spread(type(penalty).__name__, name, getattr(penalty, name), x.shape)


def _weighted_sum(penalty: Any, name: str, sizes: Floats) -> float:
    """sum_i weights_i sizes_i, where an infinite weight of nothing is nothing"""
    weights, sizes = _spread(penalty, name, sizes), sizes.reshape(-1)
    with np.errstate(invalid="ignore"):
        return float(np.sum(np.where(sizes == 0.0, 0.0, weights * sizes)))


def _is_inside(penalty: Any, x: Floats) -> bool:
    lower, upper = _spread(penalty, "lower", x), _spread(penalty, "upper", x)
    return not np.any((x.reshape(-1) < lower) | (x.reshape(-1) > upper))
