"""The largest alpha that matters, and the grid of alphas below it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from regularize.design import make_design
from regularize.solvers import squared_loss_alpha_max
from regularize.validation import GRID_CONSTRAINTS, check_parameters, check_path_data, column_names
from regularize.validation.multi_task import path_problem

Floats = NDArray[np.float64]


def alpha_max(
    X: Any,
    y: Any,
    *,
    l1_ratio: float = 1.0,
    fit_intercept: bool = True,
    sample_weight: Any = None,
    penalty_factor: Any = None,
    positive: bool = False,
    bounds: Any = None,
    standardize: bool = False,
) -> float:
    """Smallest alpha for which all penalised coefficients are 0.

    Without options this is ``max_j |sum_i s_i (x_ij - mean_j) (y_i - mean)| / l1_ratio`` with weights ``s_i``
    that sum to 1; for several targets ``y_i`` is a vector and ``|.|`` its Euclidean norm. Features with a factor of 0
    are fitted first; signs that the bounds forbid do not count.

    Parameters
    ----------
    X : {array-like, sparse matrix, sparse array} of shape (n_samples, n_features)
        Data, at least two rows.
    y : array-like of shape (n_samples,) or (n_samples, n_targets)
        Target, or several that are fitted together: see :func:`lasso_path`.
    l1_ratio : float, default=1.0
        Share of the L1 penalty, above 0.
    fit_intercept : bool, default=True
        Whether the model has an intercept.
    sample_weight : float or array-like of shape (n_samples,), default=None
        Non-negative weights; only their proportions matter.
    penalty_factor : array-like of shape (n_features,) or dict, default=None
        Factor of each feature's penalty; see :class:`ElasticNet`.
    positive : bool, default=False
        Whether the coefficients are forced to be non-negative; only for one-dimensional y.
    bounds : tuple (lower, upper) or dict, default=None
        Bounds of the coefficients; see :class:`ElasticNet`. Not for several targets.
    standardize : bool, default=False
        Whether the coefficients of standardised columns are penalised.

    Returns
    -------
    alpha_max : float
        The smallest alpha, rounded up by 1e-14 of itself so that it is one in every order of the sums; 0.0 if
        nothing in X is correlated with y.

    Raises
    ------
    ValueError
        If an argument is invalid, or ``l1_ratio`` is 0.

    Examples
    --------
    >>> from regularize import alpha_max
    >>> round(alpha_max([[-1.0], [0.0], [1.0]], [-1.0, 0.0, 1.0]), 6)
    0.666667
    """
    caller = "alpha_max"
    booleans = {"fit_intercept": fit_intercept, "positive": positive, "standardize": standardize}
    check_parameters(caller, {"l1_ratio": l1_ratio, **booleans})
    if l1_ratio == 0:
        raise no_grid_error(caller)
    columns = column_names(X)
    samples = check_path_data(caller, X, y, sample_weight)
    target, penalty = path_problem(
        caller,
        samples,
        l1_ratio=l1_ratio,
        penalty_factor=penalty_factor,
        bounds=bounds,
        positive=positive,
        columns=columns,
    )
    design = make_design(
        samples.X,
        sample_weight=samples.sample_weight,
        fit_intercept=fit_intercept,
        standardize=standardize,
        group_of=penalty.group_of,
    )
    return float(squared_loss_alpha_max(design, target, penalty))


def alpha_grid(
    X: Any,
    y: Any,
    *,
    l1_ratio: float = 1.0,
    eps: float = 1e-3,
    alphas: int = 100,
    fit_intercept: bool = True,
    sample_weight: Any = None,
    penalty_factor: Any = None,
    positive: bool = False,
    bounds: Any = None,
    standardize: bool = False,
) -> Floats:
    """Geometric grid of alphas from :func:`alpha_max` down to ``eps`` times it.

    Parameters
    ----------
    X : {array-like, sparse matrix, sparse array} of shape (n_samples, n_features)
        Data, at least two rows.
    y : array-like of shape (n_samples,) or (n_samples, n_targets)
        Target, or several that are fitted together: see :func:`lasso_path`.
    l1_ratio : float, default=1.0
        Share of the L1 penalty, above 0.
    eps : float, default=1e-3
        Smallest alpha as a fraction of the largest.
    alphas : int, default=100
        Number of alphas.
    fit_intercept : bool, default=True
        Whether the model has an intercept.
    sample_weight : float or array-like of shape (n_samples,), default=None
        Non-negative weights; only their proportions matter.
    penalty_factor : array-like of shape (n_features,) or dict, default=None
        Factor of each feature's penalty; see :class:`ElasticNet`.
    positive : bool, default=False
        Whether the coefficients are forced to be non-negative; only for one-dimensional y.
    bounds : tuple (lower, upper) or dict, default=None
        Bounds of the coefficients; see :class:`ElasticNet`. Not for several targets.
    standardize : bool, default=False
        Whether the coefficients of standardised columns are penalised.

    Returns
    -------
    alphas : ndarray of shape (alphas,)
        Alphas, from large to small. All 1e-15 if nothing in X is correlated with y, as in scikit-learn.

    Raises
    ------
    ValueError
        If an argument is invalid, or ``l1_ratio`` is 0.

    Examples
    --------
    >>> from regularize import alpha_grid
    >>> print(alpha_grid([[-1.0], [0.0], [1.0]], [-3.0, 0.0, 3.0], alphas=3, eps=0.01))
    [2.   0.2  0.02]
    """
    check_parameters("alpha_grid", {"eps": eps, "alphas": alphas}, GRID_CONSTRAINTS)
    largest = alpha_max(
        X,
        y,
        l1_ratio=l1_ratio,
        fit_intercept=fit_intercept,
        sample_weight=sample_weight,
        penalty_factor=penalty_factor,
        positive=positive,
        bounds=bounds,
        standardize=standardize,
    )
    return geometric_grid("alpha_grid", largest, eps, int(alphas))


def no_grid_error(caller: str) -> ValueError:
    """What to raise where no largest alpha exists: without an L1 part coefficients only tend to zero."""
    return ValueError(
        "Automatic alpha grid generation is not supported for l1_ratio=0. Please supply a grid by providing"
        f" your estimator with the appropriate `alphas=` argument. (Raised by {caller}.)"
    )


def geometric_grid(caller: str, largest: float, eps: float, n_alphas: int) -> Floats:
    """The alphas from the largest down to ``eps`` times it; constant, as in scikit-learn, if the largest is zero."""
    if not np.isfinite(largest):
        raise ValueError(f"{caller}: alpha_max overflows, an L1 penalty is next to nothing; pass the alphas.")
    resolution = np.finfo(np.float64).resolution
    if largest <= resolution:
        return np.full(n_alphas, resolution)
    return np.geomspace(largest, largest * eps, num=n_alphas)
