"""SparseGroupLassoCV."""

from __future__ import annotations

from typing import Any

from regularize.estimators.grouped import GroupRegressorCV
from regularize.estimators.sparse_group_lasso import SparseGroupLasso
from regularize.validation import Shares

__all__ = ["SparseGroupLassoCV"]


class SparseGroupLassoCV(GroupRegressorCV):
    """Sparse-group lasso whose alpha, and if wanted l1_ratio, is selected by cross-validation.

    For each alpha, l1_ratio and fold the model minimises over the training rows, with weights ``s_i`` that sum to 1,

    .. code-block:: text

        1/2 sum_i s_i (y_i - b - x_i'w)^2
          + alpha (l1_ratio sum_j factor_j |w_j| + (1 - l1_ratio) sum_g weight_g ||w_g||_2)
        subject to  lower_j <= w_j <= upper_j

    and is judged on the held-out rows. All parameters are those of :class:`SparseGroupLasso`, for the model, and of
    :class:`ElasticNetCV`, for the cross-validation.

    Parameters
    ----------
    l1_ratio : float or list of float, default=0.5
        Share of the absolute values of single coefficients, from 0 (the group lasso) to 1 (the lasso). Of several the
        one with the smallest mean error is taken; then ``selection_rule`` selects alpha on its path.
    groups : int, array-like, list of lists or dict, default=1
        Which *features* belong together: a size, a label per feature, lists of features (positions or names of
        columns), or a dict that maps names of groups to such lists; see :class:`GroupElasticNet`. Groups of rows, for
        the splitter, are an argument of ``fit``.
    group_weights : array-like of shape (n_groups,) or dict, default=None
        Weight of each group's norm, used as it is; None is the square root of the group's size. 0 leaves it
        unpenalised, inf excludes the group. See :class:`GroupElasticNet`.
    penalty_factor : array-like of shape (n_features,) or dict, default=None
        Factor of the absolute value of each coefficient, not rescaled; see :class:`SparseGroupLasso`.
    eps : float, default=1e-3
        Smallest alpha of the automatic grid as a fraction of the largest.
    alphas : int or array-like, default=100
        Number of alphas of the automatic grid, which is that of all rows for every fold; or the alphas themselves,
        which are sorted from large to small.
    fit_intercept : bool, default=True
        Whether to fit an intercept.
    max_iter : int, default=1000
        Largest number of iterations per alpha.
    tol : float, default=1e-4
        Each point of each path is solved until its duality gap is at most ``tol`` times the weighted mean of the
        squared (centred) ``y`` of its rows.
    cv : int, splitter, iterable or None, default=None
        The folds: a number of folds of :class:`sklearn.model_selection.KFold` (None is 5), a splitter, or an iterable
        of pairs (train, test) of row indices or masks. They may overlap, leave rows out and repeat rows.
    verbose : bool or int, default=False
        Whether to print a line per fold to stderr.
    n_jobs : int or None, default=None
        Number of threads that solve paths beside each other; None is 1 outside of a joblib context, -1 all
        processors. The answer does not depend on it.
    positive : bool, default=False
        Whether to force the coefficients to be non-negative.
    selection_rule : {'min', '1se'} or callable, default='min'
        How alpha is selected: 'min' takes the smallest mean error, '1se' the largest alpha whose mean error is at
        most the smallest one plus its standard error, a callable its own choice; see :class:`ElasticNetCV`. With
        several values of ``l1_ratio`` the rule sees the path of the best one.
    scoring : str, callable or None, default=None
        What the folds are judged by: None is the mean squared error, else a name or a function
        ``scorer(estimator, X, y)`` of scikit-learn, which is given a fitted :class:`SparseGroupLasso`; see
        :class:`ElasticNetCV`.
    store_predictions : bool, default=False
        Whether to keep ``oof_predictions_``.
    bounds : tuple (lower, upper) or dict, default=None
        Bounds of the coefficients, only 0 and infinity in a penalised group of several features; see
        :class:`GroupElasticNet`.
    standardize : bool, default=False
        Whether to penalise the coefficients of the columns divided by their (weighted) standard deviations, which
        are those of the training rows in every fold. ``coef_`` is in the original units.
    alpha_per_target : bool, default=False
        Whether y may have several columns: independent problems on the same folds, each with its own alpha. For
        two-dimensional y the attributes then get a first axis of length n_targets (``oof_predictions_`` a last one).

    Attributes
    ----------
    alpha_ : float
        The selected alpha.
    l1_ratio_ : float
        The selected share.
    coef_ : ndarray of shape (n_features,) or (n_targets, n_features)
        Coefficients at ``alpha_``, fitted to all rows, in the dtype of X.
    intercept_ : float or ndarray of shape (n_targets,)
        Intercept at ``alpha_``; 0.0 without one.
    groups_ : list of ndarray
        The features of each group, in increasing order.
    group_norms_ : ndarray of shape (n_groups,) or (n_targets, n_groups)
        Euclidean norm of the coefficients of each group.
    n_active_groups_ : int or ndarray of shape (n_targets,)
        Number of groups whose coefficients are not all zero.
    alphas_ : ndarray of shape (n_alphas,) or (n_l1_ratio, n_alphas)
        The alphas, from large to small. Two-dimensional for an automatic grid and several values of l1_ratio.
    mse_path_ : ndarray of shape (n_alphas, n_folds) or (n_l1_ratio, n_alphas, n_folds)
        Mean squared error on the held-out rows of each fold; also with ``scoring``. Axes of length 1 are dropped.
    cv_mean_, cv_se_ : ndarray of shape (n_alphas,) or (n_l1_ratio, n_alphas)
        Mean over the folds of the mean squared error, or of the score, and its standard error.
    alpha_min_, alpha_1se_ : float
        What 'min' and '1se' select at ``l1_ratio_``.
    coef_path_ : ndarray of shape (n_features, n_alphas)
        Coefficients of all alphas at ``l1_ratio_``, fitted to all rows.
    intercept_path_ : ndarray of shape (n_alphas,)
        Their intercepts.
    cv_splits_ : list of tuple (train, test)
        The folds as arrays of row indices, drawn once.
    oof_predictions_ : ndarray of shape (n_samples,)
        Prediction of each row at ``alpha_`` by the fold that held it out; the mean if several did, NaN if none. Only
        with ``store_predictions=True``.
    dual_gap_ : float
        Duality gap of ``coef_``, an upper bound of how far the objective is above its minimum.
    converged_ : bool
        Whether ``dual_gap_`` is as small as ``tol`` asks.
    n_iter_ : int or list of int
        Iterations at ``alpha_``, at least 1; a list for two-dimensional y.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, if X has string column names.

    See Also
    --------
    SparseGroupLasso : The model of one alpha.
    GroupLassoCV : Only the norms of groups.
    LassoCV : Only the absolute values.

    Notes
    -----
    There is no refit: ``coef_`` is the point at ``alpha_`` of the path on all rows, with a certificate of its own.

    Examples
    --------
    >>> import numpy as np
    >>> from regularize import SparseGroupLassoCV
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((50, 8))
    >>> y = X[:, 2] + X[:, 4] + 0.5 * rng.standard_normal(50)
    >>> model = SparseGroupLassoCV(l1_ratio=[0.1, 0.9], groups=4, alphas=20).fit(X, y)
    >>> model.mse_path_.shape
    (2, 20, 5)
    >>> float(model.l1_ratio_)
    0.9
    """

    def __init__(
        self,
        *,
        l1_ratio: Any = 0.5,
        groups: Any = 1,
        group_weights: Any = None,
        penalty_factor: Any = None,
        eps: float = 1e-3,
        alphas: Any = 100,
        fit_intercept: bool = True,
        max_iter: int = 1000,
        tol: float = 1e-4,
        cv: Any = None,
        verbose: bool | int = False,
        n_jobs: int | None = None,
        positive: bool = False,
        selection_rule: Any = "min",
        scoring: Any = None,
        store_predictions: bool = False,
        bounds: Any = None,
        standardize: bool = False,
        alpha_per_target: bool = False,
    ) -> None:
        self.l1_ratio = l1_ratio
        self.groups = groups
        self.group_weights = group_weights
        self.penalty_factor = penalty_factor
        self.eps = eps
        self.alphas = alphas
        self.fit_intercept = fit_intercept
        self.max_iter = max_iter
        self.tol = tol
        self.cv = cv
        self.verbose = verbose
        self.n_jobs = n_jobs
        self.positive = positive
        self.selection_rule = selection_rule
        self.scoring = scoring
        self.store_predictions = store_predictions
        self.bounds = bounds
        self.standardize = standardize
        self.alpha_per_target = alpha_per_target

    def _model(self, alpha: float, l1_ratio: float) -> SparseGroupLasso:
        return SparseGroupLasso(alpha=alpha, l1_ratio=l1_ratio, **self._model_parameters())

    def _shares(self, l1_ratio: float) -> Shares:
        return Shares.sparse_group_lasso(l1_ratio)

    def _has_grid(self) -> bool:
        return True  # without absolute values the norms keep coefficients at zero
