"""SparseGroupLasso."""

from __future__ import annotations

from typing import Any

from regularize.estimators.grouped import GroupRegressor
from regularize.validation import Shares

__all__ = ["SparseGroupLasso"]


class SparseGroupLasso(GroupRegressor):
    """Linear regression that selects groups of features, and features within them.

    With weights ``s_i`` that sum to 1 (``1 / n_samples`` without ``sample_weight``) the model minimises, over
    the coefficients ``w``, whose part in group g is ``w_g``, and the unpenalised intercept ``b``,

    .. code-block:: text

        1/2 sum_i s_i (y_i - b - x_i'w)^2
          + alpha (l1_ratio sum_j factor_j |w_j| + (1 - l1_ratio) sum_g weight_g ||w_g||_2)
        subject to  lower_j <= w_j <= upper_j

    which is the :class:`Lasso` for ``l1_ratio=1`` and the :class:`GroupLasso` for ``l1_ratio=0`` ([1]_).

    Parameters
    ----------
    alpha : float, default=1.0
        Strength of the penalty, at least 0. ``alpha=0`` is ordinary least squares and warns, as in :class:`Lasso`.
    l1_ratio : float, default=0.5
        Share of the absolute values of single coefficients, from 0 (only the norms of groups) to 1 (the lasso).
    groups : int, array-like, list of lists or dict, default=1
        Which features belong together: a size, a label per feature, lists of features (positions or names of
        columns), or a dict that maps names of groups to such lists; see :class:`GroupElasticNet`.
    group_weights : array-like of shape (n_groups,) or dict, default=None
        Weight of each group's norm, used as it is; None is the square root of the group's size. 0 leaves the norm
        unpenalised, inf excludes the group. See :class:`GroupElasticNet`.
    penalty_factor : array-like of shape (n_features,) or dict, default=None
        Factor of the absolute value of each coefficient. 0 leaves it unpenalised (its group's norm is still
        penalised), inf excludes the feature. A dict maps names of the columns of a data frame to factors; the other
        columns get 1. Factors are used as they are, not rescaled to a mean of 1.
    fit_intercept : bool, default=True
        Whether to fit an intercept. X is centred implicitly and stays as it is.
    max_iter : int, default=1000
        Largest number of iterations. None is the default.
    tol : float, default=1e-4
        The fit stops when the duality gap is at most ``tol`` times the weighted mean of the squared ``y`` (centred
        if there is an intercept).
    warm_start : bool, default=False
        Whether to start from the coefficients of the previous fit.
    positive : bool, default=False
        Whether to force the coefficients to be non-negative. Combines with ``bounds``.
    bounds : tuple (lower, upper) or dict, default=None
        Bounds of the coefficients, only 0 and infinity in a penalised group of several features; see
        :class:`GroupElasticNet`.
    standardize : bool, default=False
        Whether to penalise the coefficients of the columns divided by their (weighted) standard deviations.
        ``coef_``, ``group_norms_``, ``bounds`` and predictions are in the original units. X stays as it is.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,) or (n_targets, n_features)
        Coefficients, in the dtype of X (float64 unless X is float32). One-dimensional for one target.
    intercept_ : float or ndarray of shape (n_targets,)
        Intercept; 0.0 without one.
    groups_ : list of ndarray
        The features of each group, in increasing order.
    group_norms_ : ndarray of shape (n_groups,) or (n_targets, n_groups)
        Euclidean norm of the coefficients of each group.
    n_active_groups_ : int or ndarray of shape (n_targets,)
        Number of groups whose coefficients are not all zero.
    dual_gap_ : float or ndarray of shape (n_targets,)
        Duality gap that was reached, in units of the objective.
    converged_ : bool or ndarray of shape (n_targets,)
        Whether ``dual_gap_`` is as small as ``tol`` asks.
    n_iter_ : int or list of int
        Iterations that were used, per target.
    sparse_coef_ : sparse matrix of shape (n_targets, n_features)
        Coefficients as a CSR matrix.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, if X has string column names.

    See Also
    --------
    GroupLasso : Only the norms of groups.
    Lasso : Only the absolute values.
    SparseGroupLassoCV : Selects alpha and l1_ratio by cross-validation.
    sparse_group_lasso_path : The same problem for many values of alpha.

    References
    ----------
    .. [1] N. Simon, J. Friedman, T. Hastie and R. Tibshirani, A sparse-group lasso, Journal of Computational and
       Graphical Statistics 22 (2013), 231-245.

    Examples
    --------
    >>> import numpy as np
    >>> from regularize import SparseGroupLasso
    >>> X = np.random.default_rng(0).standard_normal((50, 6))
    >>> y = X[:, 2] - X[:, 3]
    >>> model = SparseGroupLasso(alpha=0.2, l1_ratio=0.9, groups=3).fit(X, y)  # features 0 to 2, 3 to 5
    >>> print(np.flatnonzero(model.coef_))
    [2 3]
    """

    def __init__(
        self,
        alpha: float = 1.0,
        *,
        l1_ratio: float = 0.5,
        groups: Any = 1,
        group_weights: Any = None,
        penalty_factor: Any = None,
        fit_intercept: bool = True,
        max_iter: int | None = 1000,
        tol: float = 1e-4,
        warm_start: bool = False,
        positive: bool = False,
        bounds: Any = None,
        standardize: bool = False,
    ) -> None:
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.groups = groups
        self.group_weights = group_weights
        self.penalty_factor = penalty_factor
        self.fit_intercept = fit_intercept
        self.max_iter = max_iter
        self.tol = tol
        self.warm_start = warm_start
        self.positive = positive
        self.bounds = bounds
        self.standardize = standardize

    def _shares(self, l1_ratio: float) -> Shares:
        return Shares.sparse_group_lasso(l1_ratio)
