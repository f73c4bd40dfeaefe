"""Lasso and ElasticNet."""

from __future__ import annotations

from typing import Any

from regularize.estimators.base import PenalisedRegressor
from regularize.paths import enet_path

__all__ = ["ElasticNet", "Lasso"]


class ElasticNet(PenalisedRegressor):
    """Linear regression with a combined L1 and L2 penalty.

    With weights ``s_i`` that sum to 1 (``1 / n_samples`` without ``sample_weight``) the model minimises, over
    the coefficients ``w`` and the unpenalised intercept ``b``,

    .. code-block:: text

        1/2 sum_i s_i (y_i - b - x_i'w)^2
          + alpha sum_j factor_j (l1_ratio |w_j| + (1 - l1_ratio)/2 w_j^2)
        subject to  lower_j <= w_j <= upper_j

    which for a factor of 1 and no bounds is scikit-learn's objective. Signature, attributes and warnings are
    those of :class:`sklearn.linear_model.ElasticNet`; ``penalty_factor``, ``bounds``, ``standardize`` and
    ``converged_`` are added.

    Parameters
    ----------
    alpha : float, default=1.0
        Strength of the penalty, at least 0. ``alpha=0`` is ordinary least squares and warns, as in
        scikit-learn.
    l1_ratio : float, default=0.5
        Share of the L1 penalty, from 0 (only L2) to 1 (the Lasso).
    fit_intercept : bool, default=True
        Whether to fit an intercept. X is centred implicitly and stays as it is. If False, the data are taken
        as they are.
    precompute : bool or array-like of shape (n_features, n_features), default=False
        True computes the full Gram matrix; False lets the solver decide what to compute. An array is taken as
        the Gram matrix ``X'X`` of the X that is passed, whose columns must then be centred if
        ``fit_intercept=True`` (otherwise it is dropped with a warning); with ``sample_weight`` the rows are
        multiplied by the square roots of the weights, scaled to sum to ``n_samples``. One element is
        compared with X. Sparse X ignores this parameter.
    max_iter : int, default=1000
        Largest number of iterations (sweeps over the coordinates and Newton steps). None is the default.
    copy_X : bool, default=True
        Has no effect: X is never modified, and copied only where the solver needs a part of it.
    tol : float, default=1e-4
        The fit stops when the duality gap is at most ``tol`` times the weighted mean of the squared ``y``
        (centred if there is an intercept).
    warm_start : bool, default=False
        Whether to start from the coefficients of the previous fit.
    positive : bool, default=False
        Whether to force the coefficients to be non-negative. Combines with ``bounds``.
    random_state : int, RandomState instance or None, default=None
        Has no effect, see ``selection``.
    selection : {'cyclic', 'random'}, default='cyclic'
        Has no effect: the solver chooses the order of its updates, and the answer does not depend on it.
    penalty_factor : array-like of shape (n_features,) or dict, default=None
        Factor of each feature's penalty. 0 leaves a feature unpenalised, inf excludes it. A dict maps names
        of the columns of a data frame to factors; the other columns get 1. Factors are used as they are, not
        rescaled to a mean of 1.
    bounds : tuple (lower, upper) or dict, default=None
        Bounds of the coefficients, of any sign; each of the two is a number, an array of shape (n_features,)
        or None for no bound. A dict maps names of the columns of a data frame to pairs (lower, upper).
    standardize : bool, default=False
        Whether to penalise the coefficients of the columns divided by their (weighted) standard deviations.
        ``coef_``, ``bounds`` and predictions are in the original units. X stays as it is.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,) or (n_targets, n_features)
        Coefficients, in the dtype of X (float64 unless X is float32). One-dimensional for one target.
    intercept_ : float or ndarray of shape (n_targets,)
        Intercept; 0.0 without one.
    dual_gap_ : float or ndarray of shape (n_targets,)
        Duality gap that was reached, in units of the objective: an upper bound of how far the objective is
        above its minimum.
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
    Lasso : Only the L1 penalty.
    enet_path : The same problem for many values of alpha.
    RegularizationPathDisplay : Plot of the coefficients over alpha.

    Examples
    --------
    >>> import numpy as np
    >>> from regularize import ElasticNet
    >>> X = np.array([[0.0, 1.0], [1.0, 0.0], [2.0, 1.0], [3.0, 0.0]])
    >>> y = np.array([0.0, 1.0, 2.0, 3.0])
    >>> model = ElasticNet(alpha=0.1, l1_ratio=0.5).fit(X, y)
    >>> print(model.coef_.round(4))
    [0.9231 0.    ]
    >>> ElasticNet(alpha=0.1, penalty_factor=[0, 1]).fit(X, y).coef_.round(4)
    array([1., 0.])
    """

    path = staticmethod(enet_path)

    def __init__(
        self,
        alpha: float = 1.0,
        *,
        l1_ratio: float = 0.5,
        fit_intercept: bool = True,
        precompute: Any = False,
        max_iter: int | None = 1000,
        copy_X: bool = True,
        tol: float = 1e-4,
        warm_start: bool = False,
        positive: bool = False,
        random_state: Any = None,
        selection: str = "cyclic",
        penalty_factor: Any = None,
        bounds: Any = None,
        standardize: bool = False,
    ) -> None:
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.fit_intercept = fit_intercept
        self.precompute = precompute
        self.max_iter = max_iter
        self.copy_X = copy_X
        self.tol = tol
        self.warm_start = warm_start
        self.positive = positive
        self.random_state = random_state
        self.selection = selection
        self.penalty_factor = penalty_factor
        self.bounds = bounds
        self.standardize = standardize


class Lasso(ElasticNet):
    """Linear regression with an L1 penalty.

    With weights ``s_i`` that sum to 1 (``1 / n_samples`` without ``sample_weight``) the model minimises, over
    the coefficients ``w`` and the unpenalised intercept ``b``,

    .. code-block:: text

        1/2 sum_i s_i (y_i - b - x_i'w)^2 + alpha sum_j factor_j |w_j|
        subject to  lower_j <= w_j <= upper_j

    which for a factor of 1 and no bounds is scikit-learn's objective. Signature, attributes and warnings are
    those of :class:`sklearn.linear_model.Lasso`; ``penalty_factor``, ``bounds``, ``standardize`` and
    ``converged_`` are added. The static method ``path`` is :func:`regularize.enet_path`, whose ``l1_ratio``
    is 0.5 by default, as in scikit-learn: use :func:`regularize.lasso_path` for the path of the Lasso.

    Parameters
    ----------
    alpha : float, default=1.0
        Strength of the penalty, at least 0. ``alpha=0`` is ordinary least squares and warns, as in
        scikit-learn.
    fit_intercept : bool, default=True
        Whether to fit an intercept. X is centred implicitly and stays as it is. If False, the data are taken
        as they are.
    precompute : bool or array-like of shape (n_features, n_features), default=False
        True computes the full Gram matrix; False lets the solver decide what to compute. An array is taken as
        the Gram matrix, see :class:`ElasticNet`. Sparse X ignores this parameter.
    copy_X : bool, default=True
        Has no effect: X is never modified, and copied only where the solver needs a part of it.
    max_iter : int, default=1000
        Largest number of iterations (sweeps over the coordinates and Newton steps). None is the default.
    tol : float, default=1e-4
        The fit stops when the duality gap is at most ``tol`` times the weighted mean of the squared ``y``
        (centred if there is an intercept).
    warm_start : bool, default=False
        Whether to start from the coefficients of the previous fit.
    positive : bool, default=False
        Whether to force the coefficients to be non-negative. Combines with ``bounds``.
    random_state : int, RandomState instance or None, default=None
        Has no effect, see ``selection``.
    selection : {'cyclic', 'random'}, default='cyclic'
        Has no effect: the solver chooses the order of its updates, and the answer does not depend on it.
    penalty_factor : array-like of shape (n_features,) or dict, default=None
        Factor of each feature's penalty. 0 leaves a feature unpenalised, inf excludes it. A dict maps names
        of the columns of a data frame to factors; the other columns get 1. Factors are used as they are, not
        rescaled to a mean of 1.
    bounds : tuple (lower, upper) or dict, default=None
        Bounds of the coefficients, of any sign; each of the two is a number, an array of shape (n_features,)
        or None for no bound. A dict maps names of the columns of a data frame to pairs (lower, upper).
    standardize : bool, default=False
        Whether to penalise the coefficients of the columns divided by their (weighted) standard deviations.
        ``coef_``, ``bounds`` and predictions are in the original units. X stays as it is.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,) or (n_targets, n_features)
        Coefficients, in the dtype of X (float64 unless X is float32). One-dimensional for one target.
    intercept_ : float or ndarray of shape (n_targets,)
        Intercept; 0.0 without one.
    dual_gap_ : float or ndarray of shape (n_targets,)
        Duality gap that was reached, in units of the objective: an upper bound of how far the objective is
        above its minimum.
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
    ElasticNet : L1 and L2 penalty.
    lasso_path : The same problem for many values of alpha.
    RegularizationPathDisplay : Plot of the coefficients over alpha.

    Examples
    --------
    >>> from regularize import Lasso
    >>> model = Lasso(alpha=0.1).fit([[0, 0], [1, 1], [2, 2]], [0, 1, 2])
    >>> print(model.predict([[3, 3]]).round(3))
    [2.7]
    >>> model.converged_
    True
    """

    path = staticmethod(enet_path)

    def __init__(
        self,
        alpha: float = 1.0,
        *,
        fit_intercept: bool = True,
        precompute: Any = False,
        copy_X: bool = True,
        max_iter: int | None = 1000,
        tol: float = 1e-4,
        warm_start: bool = False,
        positive: bool = False,
        random_state: Any = None,
        selection: str = "cyclic",
        penalty_factor: Any = None,
        bounds: Any = None,
        standardize: bool = False,
    ) -> None:
        super().__init__(
            alpha=alpha,
            l1_ratio=1.0,
            fit_intercept=fit_intercept,
            precompute=precompute,
            max_iter=max_iter,
            copy_X=copy_X,
            tol=tol,
            warm_start=warm_start,
            positive=positive,
            random_state=random_state,
            selection=selection,
            penalty_factor=penalty_factor,
            bounds=bounds,
            standardize=standardize,
        )
