"""Proximal operators as functions of arrays.

Design notes
------------
a. Values keep their dtype, float32 or float64; all else becomes float64. Arithmetic is in float64.
b. Parameters broadcast to the shape of the values, never the other way round: a prox is a map of a space to itself.
c. Everything is computed in place in a copy of the values, which is ``out`` if its memory allows that. So ``out``
   may be the values themselves, overlap with them, or have any strides.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from regularize.kernels import proximal as kernel
from regularize.proximal.arguments import (
    check_bounds,
    check_center,
    check_strength,
    check_values,
    result_of,
    spread,
    working_copy,
)
from regularize.proximal.groups import Groups, check_groups, rows_of
from regularize.validation.parameters import Floats


def soft_threshold(value: Any, threshold: Any, *, out: Any = None) -> Any:
    """Compute the prox of the L1 norm, entry by entry.

    .. code-block:: text

        argmin_x  1/2 ||x - value||^2 + sum_i threshold_i |x_i|
          = sign(value) max(|value| - threshold, 0)

    Parameters
    ----------
    value : array-like
        Real numbers of any shape; float32 stays float32, all else becomes float64. NaN stays NaN.
    threshold : float or array-like
        Non-negative; broadcasts to the shape of ``value``. ``inf`` gives zero.
    out : ndarray, default=None
        Array of the shape and dtype of the result to write it to; may be ``value`` itself.

    Returns
    -------
    ndarray or scalar
        The result; ``out`` if that is given.

    Raises
    ------
    ValueError
        If an argument is invalid; the message names it.

    See Also
    --------
    prox_elastic_net : With a squared L2 norm and bounds.
    prox_group : Thresholds norms of groups.

    References
    ----------
    .. [1] N. Parikh and S. Boyd (2014), Proximal algorithms, Foundations and Trends in Optimization 1(3),
       section 6.5.

    Examples
    --------
    >>> from regularize.proximal import soft_threshold
    >>> soft_threshold([-3.0, 0.5, 2.0], 1.0)
    array([-2.,  0.,  1.])
    >>> soft_threshold([-3.0, 0.5, 2.0], [0.0, 0.0, float("inf")])
    array([-3. ,  0.5,  0. ])
    """
    caller = "soft_threshold"
    strength = check_strength(caller, "threshold", threshold)
    return _elementwise(kernel.soft_threshold, caller, value, out, threshold=strength)


def prox_elastic_net(
    value: Any, l1: Any, l2: Any, *, lower: Any = -np.inf, upper: Any = np.inf, out: Any = None
) -> Any:
    """Compute the prox of the elastic net with bounds, entry by entry.

    .. code-block:: text

        argmin_x  1/2 ||x - value||^2 + sum_i (l1_i |x_i| + l2_i/2 x_i^2)   subject to  lower_i <= x_i <= upper_i
          = clip(soft_threshold(value, l1) / (1 + l2), lower, upper)

    Parameters
    ----------
    value : array-like
        Real numbers of any shape; float32 stays float32, all else becomes float64. NaN stays NaN.
    l1, l2 : float or array-like
        Non-negative; broadcast to the shape of ``value``. ``inf`` gives the feasible point that is nearest to zero.
    lower, upper : float or array-like, default=no bounds
        Bounds of the result; broadcast to the shape of ``value``.
    out : ndarray, default=None
        Array of the shape and dtype of the result to write it to; may be ``value`` itself.

    Returns
    -------
    ndarray or scalar
        The result; ``out`` if that is given.

    Raises
    ------
    ValueError
        If an argument is invalid; the message names it.

    See Also
    --------
    soft_threshold : The L1 norm alone.
    prox_squared_l2 : The squared L2 norm alone, about any point.
    prox_box : The bounds alone.

    References
    ----------
    .. [1] N. Parikh and S. Boyd (2014), Proximal algorithms, Foundations and Trends in Optimization 1(3),
       section 6.5.

    Examples
    --------
    >>> from regularize.proximal import prox_elastic_net
    >>> prox_elastic_net([-3.0, 0.5, 5.0], 1.0, 1.0, upper=1.5)
    array([-1. ,  0. ,  1.5])
    """
    caller = "prox_elastic_net"
    low, high = check_bounds(caller, lower, upper)
    l1, l2 = check_strength(caller, "l1", l1), check_strength(caller, "l2", l2)
    return _elementwise(kernel.elastic_net, caller, value, out, l1=l1, l2=l2, lower=low, upper=high)


def prox_squared_l2(value: Any, l2: Any, center: Any = 0.0, *, out: Any = None) -> Any:
    """Compute the prox of half the squared L2 norm, entry by entry.

    .. code-block:: text

        argmin_x  1/2 ||x - value||^2 + sum_i l2_i/2 (x_i - center_i)^2
          = (value + l2 center) / (1 + l2)

    Parameters
    ----------
    value : array-like
        Real numbers of any shape; float32 stays float32, all else becomes float64. NaN stays NaN.
    l2 : float or array-like
        Non-negative; broadcasts to the shape of ``value``. ``inf`` gives ``center``.
    center : float or array-like, default=0.0
        What the values are shrunk towards; finite, broadcasts to the shape of ``value``.
    out : ndarray, default=None
        Array of the shape and dtype of the result to write it to; may be ``value`` itself.

    Returns
    -------
    ndarray or scalar
        The result; ``out`` if that is given.

    Raises
    ------
    ValueError
        If an argument is invalid; the message names it.

    See Also
    --------
    prox_elastic_net : With an L1 norm and bounds.

    References
    ----------
    .. [1] N. Parikh and S. Boyd (2014), Proximal algorithms, Foundations and Trends in Optimization 1(3),
       section 2.2.

    Examples
    --------
    >>> from regularize.proximal import prox_squared_l2
    >>> prox_squared_l2([-3.0, 0.0, 2.0], 1.0, center=1.0)
    array([-1. ,  0.5,  1.5])
    """
    caller = "prox_squared_l2"
    strength = check_strength(caller, "l2", l2)
    return _elementwise(kernel.squared_l2, caller, value, out, l2=strength, center=check_center(caller, center))


def prox_box(value: Any, lower: Any = -np.inf, upper: Any = np.inf, *, out: Any = None) -> Any:
    """Project onto a box, which is the prox of its indicator function.

    .. code-block:: text

        argmin_x  1/2 ||x - value||^2   subject to  lower_i <= x_i <= upper_i
          = clip(value, lower, upper)

    Parameters
    ----------
    value : array-like
        Real numbers of any shape; float32 stays float32, all else becomes float64. NaN stays NaN.
    lower, upper : float or array-like, default=no bounds
        Bounds of the result; broadcast to the shape of ``value``.
    out : ndarray, default=None
        Array of the shape and dtype of the result to write it to; may be ``value`` itself.

    Returns
    -------
    ndarray or scalar
        The result; ``out`` if that is given.

    Raises
    ------
    ValueError
        If an argument is invalid; the message names it.

    See Also
    --------
    prox_elastic_net : With L1 and squared L2 norms.

    References
    ----------
    .. [1] N. Parikh and S. Boyd (2014), Proximal algorithms, Foundations and Trends in Optimization 1(3),
       section 6.2.

    Examples
    --------
    >>> from regularize.proximal import prox_box
    >>> prox_box([-3.0, 0.5, 2.0], 0.0, [1.0, 1.0, 3.0])
    array([0. , 0.5, 2. ])
    """
    caller = "prox_box"
    low, high = check_bounds(caller, lower, upper)
    return _elementwise(kernel.box, caller, value, out, lower=low, upper=high)


def prox_group(value: Any, threshold: Any, groups: Groups | None = None, *, out: Any = None) -> Any:
    """Compute the prox of the sum of the norms of groups of rows.

    .. code-block:: text

        argmin_X  1/2 ||X - value||^2 + sum_g threshold_g ||X_g||
          X_g = max(1 - threshold_g / ||value_g||, 0) value_g

    with Euclidean (for matrices Frobenius) norms.

    Parameters
    ----------
    value : array-like of shape (n_rows, ...)
        Real numbers; float32 stays float32, all else becomes float64. A group with a NaN becomes NaN.
    threshold : float or array-like of shape (n_groups,)
        Non-negative, for all groups or for each: weights of groups are factors of their thresholds. ``inf`` gives
        zero.
    groups : Groups, default=None
        Which rows are a group. None: each row is one, which for a matrix is the penalty of the multi-task lasso and
        for a vector soft-thresholding. Rows in no group are left as they are.
    out : ndarray, default=None
        Array of the shape and dtype of the result to write it to; may be ``value`` itself.

    Returns
    -------
    ndarray
        The result; ``out`` if that is given.

    Raises
    ------
    ValueError
        If an argument is invalid; the message names it.

    See Also
    --------
    prox_sparse_group : With an L1 norm.

    References
    ----------
    .. [1] N. Parikh and S. Boyd (2014), Proximal algorithms, Foundations and Trends in Optimization 1(3),
       section 6.5.

    Examples
    --------
    >>> from regularize.proximal import Groups, prox_group
    >>> prox_group([3.0, 4.0, 0.5, -0.5], 2.5, Groups([0, 2, 4]))
    array([1.5, 2. , 0. , 0. ])
    >>> prox_group([[3.0, 4.0], [0.3, 0.4]], 1.0)
    array([[2.4, 3.2],
           [0. , 0. ]])
    """
    caller = "prox_group"
    strength = check_strength(caller, "threshold", threshold)
    values = check_values(caller, "value", value)
    groups = check_groups(caller, groups, values)
    thresholds = spread(caller, "threshold", strength, (groups.n_groups,), out)
    work = working_copy(caller, values, out)
    kernel.shrink_groups(rows_of(work), thresholds, groups.starts, groups.indices)
    return result_of(work, out)


def prox_sparse_group(
    value: Any, l1_threshold: Any, group_threshold: Any, groups: Groups | None = None, *, out: Any = None
) -> Any:
    """Compute the prox of an L1 norm plus the norms of groups of rows.

    .. code-block:: text

        argmin_X  1/2 ||X - value||^2 + sum_i l1_threshold_i |X_i| + sum_g group_threshold_g ||X_g||
          = prox_group(soft_threshold(value, l1_threshold), group_threshold)

    Parameters
    ----------
    value : array-like of shape (n_rows, ...)
        Real numbers; float32 stays float32, all else becomes float64. A group with a NaN becomes NaN.
    l1_threshold : float or array-like
        Non-negative; broadcasts to the shape of ``value``.
    group_threshold : float or array-like of shape (n_groups,)
        Non-negative, for all groups or for each.
    groups : Groups, default=None
        Which rows are a group. None: each row is one. Rows in no group see the L1 norm alone.
    out : ndarray, default=None
        Array of the shape and dtype of the result to write it to; may be ``value`` itself.

    Returns
    -------
    ndarray
        The result; ``out`` if that is given.

    Raises
    ------
    ValueError
        If an argument is invalid; the message names it.

    See Also
    --------
    prox_group : Without the L1 norm.
    soft_threshold : Without the groups.

    References
    ----------
    .. [1] N. Simon, J. Friedman, T. Hastie and R. Tibshirani (2013), A sparse-group lasso, Journal of Computational
       and Graphical Statistics 22(2).

    Examples
    --------
    >>> from regularize.proximal import Groups, prox_sparse_group
    >>> prox_sparse_group([4.0, 5.0, 0.5, -1.5], 1.0, 2.5, Groups([0, 2, 4]))
    array([1.5, 2. , 0. , 0. ])
    """
    caller = "prox_sparse_group"
    l1 = check_strength(caller, "l1_threshold", l1_threshold)
    group = check_strength(caller, "group_threshold", group_threshold)
    values = check_values(caller, "value", value)
    groups = check_groups(caller, groups, values)
    l1 = spread(caller, "l1_threshold", l1, values.shape, out)
    group = spread(caller, "group_threshold", group, (groups.n_groups,), out)
    work = working_copy(caller, values, out)
    kernel.soft_threshold(work.reshape(-1), l1)
    kernel.shrink_groups(rows_of(work), group, groups.starts, groups.indices)
    return result_of(work, out)


def _elementwise(kernel: Callable[..., None], caller: str, value: Any, out: Any, **parameters: Floats) -> Any:
    """Apply a kernel of flat arrays to values and parameters of any shape."""
    values = check_values(caller, "value", value)
    flat = [spread(caller, name, parameter, values.shape, out) for name, parameter in parameters.items()]
    work = working_copy(caller, values, out)
    kernel(work.reshape(-1), *flat)
    return result_of(work, out)
