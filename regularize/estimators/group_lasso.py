"""GroupElasticNet and GroupLasso."""

from __future__ import annotations

from typing import Any

from regularize.estimators.grouped import GroupRegressor
from regularize.validation import Shares

__all__ = ["GroupElasticNet", "GroupLasso"]


class GroupElasticNet(GroupRegressor):
    """Linear regression that selects groups of features, with a share of ridge shrinkage.

    With weights ``s_i`` that sum to 1 (``1 / n_samples`` without ``sample_weight``) the model minimises, over
    the coefficients ``w``, whose part in group g is ``w_g``, and the unpenalised intercept ``b``,

    .. code-block:: text

        1/2 sum_i s_i (y_i - b - x_i'w)^2
          + alpha sum_g weight_g (l1_ratio ||w_g||_2 + (1 - l1_ratio)/2 ||w_g||_2^2)
        subject to  lower_j <= w_j <= upper_j

    The coefficients of a group are all zero or, in general, all different from zero ([1]_). With groups of one
    feature and weights of 1 this is :class:`ElasticNet`.

    Parameters
    ----------
    alpha : float, default=1.0
        Strength of the penalty, at least 0. ``alpha=0`` is ordinary least squares and warns, as in :class:`Lasso`.
    l1_ratio : float, default=0.5
        Share of the norms, from 0 (only their squares: ridge shrinkage) to 1 (the group lasso).
    groups : int, array-like, list of lists or dict, default=1
        Which features belong together:

        - an int: consecutive features in groups of this size, which has to divide ``n_features``;
        - an array-like of shape (n_features,): a label per feature, integers or strings, say. The groups are in the
          order in which their labels first appear. A list of ``n_features`` integers is this, too;
        - a list of lists of features that together hold every feature once: integers are positions, anything else is
          the name of a column of a data frame;
        - a dict that maps names of groups to such lists.
    group_weights : array-like of shape (n_groups,) or dict, default=None
        Weight of each group's penalty, used as it is; None is the square root of the group's size. 0 leaves a group
        unpenalised, inf excludes it. A dict maps groups (labels, keys of the dict, otherwise numbers from 0) to
        weights; the other groups get the default.
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
        Bounds of the coefficients; each of the two is a number, an array of shape (n_features,) or None for no
        bound. A dict maps names of the columns of a data frame to pairs (lower, upper). In a group of several
        features whose norm is penalised only 0 and infinity are possible: constraints of sign.
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
        Duality gap that was reached, in units of the objective: an upper bound of how far the objective is above its
        minimum.
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
    GroupLasso : Only the norms.
    SparseGroupLasso : Selects features within the groups, too.
    GroupElasticNetCV : Selects alpha and l1_ratio by cross-validation.
    group_elastic_net_path : The same problem for many values of alpha.

    Notes
    -----
    The weights multiply the norms and their squares alike.

    References
    ----------
    .. [1] M. Yuan and Y. Lin, Model selection and estimation in regression with grouped variables, Journal of the
       Royal Statistical Society B 68 (2006), 49-67.

    Examples
    --------
    >>> import numpy as np
    >>> from regularize import GroupElasticNet
    >>> X = np.random.default_rng(0).standard_normal((50, 4))
    >>> y = X[:, 0] + 0.5 * X[:, 1]
    >>> model = GroupElasticNet(alpha=0.1, l1_ratio=0.9, groups=["a", "a", "b", "b"]).fit(X, y)
    >>> model.n_active_groups_
    1
    >>> print(model.group_norms_.round(2))
    [0.95 0.  ]
    """

    def __init__(
        self,
        alpha: float = 1.0,
        *,
        l1_ratio: float = 0.5,
        groups: Any = 1,
        group_weights: Any = None,
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
        self.fit_intercept = fit_intercept
        self.max_iter = max_iter
        self.tol = tol
        self.warm_start = warm_start
        self.positive = positive
        self.bounds = bounds
        self.standardize = standardize

    def _shares(self, l1_ratio: float) -> Shares:
        return Shares.group_elastic_net(l1_ratio)


class GroupLasso(GroupElasticNet):
    """Linear regression that selects groups of features.

    With weights ``s_i`` that sum to 1 (``1 / n_samples`` without ``sample_weight``) the model minimises, over
    the coefficients ``w``, whose part in group g is ``w_g``, and the unpenalised intercept ``b``,

    .. code-block:: text

        1/2 sum_i s_i (y_i - b - x_i'w)^2 + alpha sum_g weight_g ||w_g||_2
        subject to  lower_j <= w_j <= upper_j

    The coefficients of a group are all zero or, in general, all different from zero ([1]_). With groups of one
    feature, the default, and weights of 1 this is :class:`Lasso`.

    Parameters
    ----------
    alpha : float, default=1.0
        Strength of the penalty, at least 0. ``alpha=0`` is ordinary least squares and warns, as in :class:`Lasso`.
    groups : int, array-like, list of lists or dict, default=1
        Which features belong together: a size, a label per feature, lists of features (positions or names of
        columns), or a dict that maps names of groups to such lists; see :class:`GroupElasticNet`.
    group_weights : array-like of shape (n_groups,) or dict, default=None
        Weight of each group's penalty, used as it is; None is the square root of the group's size. 0 leaves a group
        unpenalised, inf excludes it. See :class:`GroupElasticNet`.
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
    GroupElasticNet : With a share of ridge shrinkage.
    SparseGroupLasso : Selects features within the groups, too.
    GroupLassoCV : Selects alpha by cross-validation.
    group_lasso_path : The same problem for many values of alpha.

    References
    ----------
    .. [1] M. Yuan and Y. Lin, Model selection and estimation in regression with grouped variables, Journal of the
       Royal Statistical Society B 68 (2006), 49-67.

    Examples
    --------
    >>> import numpy as np
    >>> from regularize import GroupLasso
    >>> X = np.random.default_rng(0).standard_normal((50, 6))
    >>> y = X[:, 2] - X[:, 3]
    >>> model = GroupLasso(alpha=0.1, groups=2).fit(X, y)  # features 0 and 1, 2 and 3, 4 and 5
    >>> print(model.group_norms_.round(2))
    [0.   1.28 0.  ]
    >>> GroupLasso(alpha=10.0, groups=2, group_weights=[0.0, 1.0, 1.0]).fit(X, y).n_active_groups_
    1
    """

    def __init__(
        self,
        alpha: float = 1.0,
        *,
        groups: Any = 1,
        group_weights: Any = None,
        fit_intercept: bool = True,
        max_iter: int | None = 1000,
        tol: float = 1e-4,
        warm_start: bool = False,
        positive: bool = False,
        bounds: Any = None,
        standardize: bool = False,
    ) -> None:
        super().__init__(
            alpha=alpha,
            l1_ratio=1.0,
            groups=groups,
            group_weights=group_weights,
            fit_intercept=fit_intercept,
            max_iter=max_iter,
            tol=tol,
            warm_start=warm_start,
            positive=positive,
            bounds=bounds,
            standardize=standardize,
        )
