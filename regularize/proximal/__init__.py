"""Proximal operators, penalties, and the accelerated proximal gradient method for functions of one's own.

The proximal operator of a penalty P maps v to ``argmin_x 1/2 ||x - v||^2 + P(x)``. Here are the operators as functions
of arrays (:func:`soft_threshold`, :func:`prox_elastic_net`, :func:`prox_squared_l2`, :func:`prox_box`,
:func:`prox_group`, :func:`prox_sparse_group`); the penalties they belong to as objects with a value and a prox; and
:func:`proximal_gradient`, which minimises a smooth function plus such a penalty.

Examples
--------
The lasso for a loss that no estimator has, expectile regression:

>>> import numpy as np
>>> from regularize import proximal
>>> X, y = np.eye(3)[[0, 1, 2, 0, 1]], np.array([1.0, 2.0, 0.1, 3.0, 2.0])
>>> def fun(w):
...     residual = y - X @ w
...     weight = np.where(residual > 0, 0.8, 0.2)
...     return weight @ residual**2 / 2, -X.T @ (weight * residual)
>>> proximal.proximal_gradient(fun, np.zeros(3), proximal.L1Penalty(0.2)).x.round(4)
array([2.4  , 1.875, 0.   ])
"""

from regularize.proximal.gradient_method import ProximalIterate, ProximalResult, proximal_gradient
from regularize.proximal.groups import Groups
from regularize.proximal.operators import (
    prox_box,
    prox_elastic_net,
    prox_group,
    prox_sparse_group,
    prox_squared_l2,
    soft_threshold,
)
from regularize.proximal.penalties import (
    BoxConstraint,
    ElasticNetPenalty,
    GroupPenalty,
    L1Penalty,
    Proximable,
    SparseGroupPenalty,
    SquaredL2Penalty,
)

__all__ = [
    "BoxConstraint",
    "ElasticNetPenalty",
    "GroupPenalty",
    "Groups",
    "L1Penalty",
    "Proximable",
    "ProximalIterate",
    "ProximalResult",
    "SparseGroupPenalty",
    "SquaredL2Penalty",
    "prox_box",
    "prox_elastic_net",
    "prox_group",
    "prox_sparse_group",
    "prox_squared_l2",
    "proximal_gradient",
    "soft_threshold",
]
