"""MultiTaskLassoCV and MultiTaskElasticNetCV."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from regularize.estimators.base_cv import PenalisedRegressorCV
from regularize.estimators.multi_task import (
    MultiTaskElasticNet,
    MultiTaskLasso,
    TargetsTogether,
    refuse_one_dimensional,
)
from regularize.paths import enet_path, lasso_path
from regularize.penalties import GroupPenalty
from regularize.validation import Samples
from regularize.validation.multi_task import make_multi_task_penalty

__all__ = ["MultiTaskElasticNetCV", "MultiTaskLassoCV"]

Floats = NDArray[np.float64]


class MultiTaskRegressorCV(TargetsTogether, PenalisedRegressorCV):
    """Cross-validation of several targets that are fitted together: one problem, one alpha."""

    def _one_alpha_each(self, samples: Samples) -> Samples:
        return refuse_one_dimensional(type(self).__name__, samples)

    def _problems(self, samples: Samples) -> list[Floats]:
        return [samples.y]

    def _penalties(self, samples: Samples, columns: list[Any] | None) -> list[GroupPenalty]:
        return [
            make_multi_task_penalty(
                type(self).__name__,
                samples.X.shape[1],
                l1_ratio=float(l1_ratio),
                penalty_factor=self.penalty_factor,
                columns=columns,
            )
            for l1_ratio in self._l1_ratios()
        ]


class MultiTaskElasticNetCV(MultiTaskRegressorCV):
    """Multi-task elastic net whose alpha, and if wanted l1_ratio, is selected by cross-validation.

    For each alpha, l1_ratio and fold the model minimises over the training rows, with weights ``s_i`` that sum to 1,

    .. code-block:: text

        1/2 sum_i s_i ||y_i - b - W'x_i||^2
          + alpha sum_j factor_j (l1_ratio ||w_j|| + (1 - l1_ratio)/2 ||w_j||^2)

    with one row ``w_j`` of ``W`` per feature and Euclidean norms, and is judged on the held-out rows. All targets share
    one alpha. Signature, attributes and shapes are those of :class:`sklearn.linear_model.MultiTaskElasticNetCV`; rules
    of selection, scoring, ``groups``, predictions of the held-out rows, penalty factors and standardisation are added.

    Parameters
    ----------
    l1_ratio : float or list of float, default=0.5
        Share of the norms, from 0 (only their squares; needs explicit ``alphas``) to 1 (the multi-task lasso). Of
        several the one with the smallest mean error is taken; then ``selection_rule`` selects alpha on its path.
    eps : float, default=1e-3
        Smallest alpha of the automatic grid as a fraction of the largest.
    alphas : int or array-like, default=100
        Number of alphas of the automatic grid, which is that of all rows (see :func:`alpha_grid`) for every fold; or
        the alphas themselves, which are sorted from large to small.
    fit_intercept : bool, default=True
        Whether to fit intercepts.
    max_iter : int, default=1000
        Largest number of iterations per alpha.
    tol : float, default=1e-4
        Each point of each path is solved until its duality gap is at most ``tol`` times the weighted mean of the
        squared norms of the (centred) rows of ``y``.
    cv : int, splitter, iterable or None, default=None
        The folds: a number of folds of :class:`sklearn.model_selection.KFold` (None is 5), a splitter, or an iterable
        of pairs (train, test) of row indices or masks. They may overlap, leave rows out and repeat rows.
    copy_X : bool, default=True
        Has no effect: X is never modified, and not copied for the folds.
    verbose : bool or int, default=0
        Whether to print a line per fold to stderr.
    n_jobs : int or None, default=None
        Number of threads that solve paths beside each other; None is 1 outside of a joblib context, -1 all
        processors. The answer does not depend on it.
    random_state : int, RandomState instance or None, default=None
        Has no effect, see ``selection``.
    selection : {'cyclic', 'random'}, default='cyclic'
        Has no effect: the answer does not depend on the order of the updates.
    selection_rule : {'min', '1se'} or callable, default='min'
        How alpha is selected. 'min' takes the smallest mean error; '1se' the largest alpha whose mean error is at
        most the smallest one plus its standard error ([1]_; needs two folds). A callable is given the alphas
        (n_alphas,), from large to small, and the errors (n_alphas, n_folds), and returns an index. With ``scoring``
        the errors are the scores with the sign turned. With several values of
        ``l1_ratio`` the rule sees the path of the best one.
    scoring : str, callable or None, default=None
        What the folds are judged by. None is the mean squared error over rows and targets, the rows weighted by
        ``sample_weight`` within a fold. Else a name of :func:`sklearn.metrics.get_scorer_names` or a function
        ``scorer(estimator, X, y)``, which is given a :class:`MultiTaskElasticNet` with ``coef_`` and
        ``intercept_``, and the held-out rows; the largest mean score is the best, and a mean of NaN never is.
    store_predictions : bool, default=False
        Whether to keep ``oof_predictions_``; until alpha is selected this takes the predictions of all alphas.
    penalty_factor : array-like of shape (n_features,) or dict, default=None
        Factor of each feature's penalty, not rescaled; see :class:`MultiTaskElasticNet`.
    standardize : bool, default=False
        Whether to penalise the coefficients of the columns divided by their (weighted) standard deviations, which
        are those of the training rows in every fold. ``coef_`` is in the original units.

    Attributes
    ----------
    alpha_ : float
        The selected alpha.
    l1_ratio_ : float
        The selected share of the norms.
    coef_ : ndarray of shape (n_targets, n_features)
        Coefficients at ``alpha_``, fitted to all rows, in the dtype of X.
    intercept_ : ndarray of shape (n_targets,) or float
        Intercepts at ``alpha_``; 0.0 without them.
    alphas_ : ndarray of shape (n_alphas,) or (n_l1_ratio, n_alphas)
        The alphas, from large to small. Two-dimensional for an automatic grid and several values of l1_ratio.
    mse_path_ : ndarray of shape (n_alphas, n_folds) or (n_l1_ratio, n_alphas, n_folds)
        Mean squared error on the held-out rows of each fold, mean over the targets; also with ``scoring``. Axes of
        length 1 are dropped, as in scikit-learn.
    cv_mean_ : ndarray of shape (n_alphas,) or (n_l1_ratio, n_alphas)
        Unweighted mean over the folds of the mean squared error, or of the score.
    cv_se_ : ndarray of shape (n_alphas,) or (n_l1_ratio, n_alphas)
        Standard error of ``cv_mean_``: the standard deviation over the folds (``ddof=1``) divided by
        ``sqrt(n_folds)``; NaN for one fold.
    alpha_min_ : float
        What 'min' selects at ``l1_ratio_``.
    alpha_1se_ : float
        What '1se' selects at ``l1_ratio_``, at least ``alpha_min_``; NaN for one fold.
    coef_path_ : ndarray of shape (n_targets, n_features, n_alphas)
        Coefficients of all alphas at ``l1_ratio_``, fitted to all rows.
    intercept_path_ : ndarray of shape (n_targets, n_alphas)
        Their intercepts.
    cv_splits_ : list of tuple (train, test)
        The folds as arrays of row indices, drawn once.
    oof_predictions_ : ndarray of shape (n_samples, n_targets)
        Prediction of each row at ``alpha_`` by the fold that held it out; the mean if several did, NaN if none. Only
        with ``store_predictions=True``.
    dual_gap_ : float
        Duality gap of ``coef_``, an upper bound of how far the objective is above its minimum.
    converged_ : bool
        Whether ``dual_gap_`` is as small as ``tol`` asks.
    n_iter_ : int
        Iterations at ``alpha_``, at least 1.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, if X has string column names.

    See Also
    --------
    MultiTaskElasticNet : The model of one alpha.
    MultiTaskLassoCV : Only the norms.
    ElasticNetCV : With ``alpha_per_target=True``, targets one by one.

    Notes
    -----
    There is no refit: ``coef_`` is the point at ``alpha_`` of the path on all rows, with a certificate of its own.

    References
    ----------
    .. [1] T. Hastie, R. Tibshirani and J. Friedman, The Elements of Statistical Learning, 2nd edition, Springer 2009,
       section 7.10.

    Examples
    --------
    >>> from sklearn.datasets import load_linnerud
    >>> from regularize import MultiTaskElasticNetCV
    >>> X, y = load_linnerud(return_X_y=True)
    >>> model = MultiTaskElasticNetCV(l1_ratio=[0.5, 1.0], alphas=10, cv=4).fit(X, y)
    >>> model.mse_path_.shape
    (2, 10, 4)
    >>> model.coef_path_.shape
    (3, 3, 10)
    """

    path = staticmethod(enet_path)

    def __init__(
        self,
        *,
        l1_ratio: Any = 0.5,
        eps: float = 1e-3,
        alphas: Any = 100,
        fit_intercept: bool = True,
        max_iter: int = 1000,
        tol: float = 1e-4,
        cv: Any = None,
        copy_X: bool = True,
        verbose: bool | int = 0,
        n_jobs: int | None = None,
        random_state: Any = None,
        selection: str = "cyclic",
        selection_rule: Any = "min",
        scoring: Any = None,
        store_predictions: bool = False,
        penalty_factor: Any = None,
        standardize: bool = False,
    ) -> None:
        self.l1_ratio = l1_ratio
        self.eps = eps
        self.alphas = alphas
        self.fit_intercept = fit_intercept
        self.max_iter = max_iter
        self.tol = tol
        self.cv = cv
        self.copy_X = copy_X
        self.verbose = verbose
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.selection = selection
        self.selection_rule = selection_rule
        self.scoring = scoring
        self.store_predictions = store_predictions
        self.penalty_factor = penalty_factor
        self.standardize = standardize

    def _model(self, alpha: float, l1_ratio: float) -> MultiTaskElasticNet:
        return MultiTaskElasticNet(alpha=alpha, l1_ratio=l1_ratio, fit_intercept=self.fit_intercept)


class MultiTaskLassoCV(MultiTaskRegressorCV):
    """Multi-task lasso whose alpha is selected by cross-validation.

    For each alpha and fold the model minimises over the training rows, with weights ``s_i`` that sum to 1,

    .. code-block:: text

        1/2 sum_i s_i ||y_i - b - W'x_i||^2 + alpha sum_j factor_j ||w_j||

    with one row ``w_j`` of ``W`` per feature and Euclidean norms, and is judged on the held-out rows. All targets share
    one alpha. Signature, attributes and shapes are those of :class:`sklearn.linear_model.MultiTaskLassoCV`; rules of
    selection, scoring, ``groups``, predictions of the held-out rows, penalty factors and standardisation are added.

    Parameters
    ----------
    eps : float, default=1e-3
        Smallest alpha of the automatic grid as a fraction of the largest.
    alphas : int or array-like, default=100
        Number of alphas of the automatic grid, which is that of all rows (see :func:`alpha_grid`) for every fold; or
        the alphas themselves, which are sorted from large to small.
    fit_intercept : bool, default=True
        Whether to fit intercepts.
    max_iter : int, default=1000
        Largest number of iterations per alpha.
    tol : float, default=1e-4
        Each point of each path is solved until its duality gap is at most ``tol`` times the weighted mean of the
        squared norms of the (centred) rows of ``y``.
    copy_X : bool, default=True
        Has no effect: X is never modified, and not copied for the folds.
    cv : int, splitter, iterable or None, default=None
        The folds: a number of folds of :class:`sklearn.model_selection.KFold` (None is 5), a splitter, or an iterable
        of pairs (train, test) of row indices or masks. They may overlap, leave rows out and repeat rows.
    verbose : bool or int, default=False
        Whether to print a line per fold to stderr.
    n_jobs : int or None, default=None
        Number of threads that solve paths beside each other; None is 1 outside of a joblib context, -1 all
        processors. The answer does not depend on it.
    random_state : int, RandomState instance or None, default=None
        Has no effect, see ``selection``.
    selection : {'cyclic', 'random'}, default='cyclic'
        Has no effect: the answer does not depend on the order of the updates.
    selection_rule : {'min', '1se'} or callable, default='min'
        How alpha is selected. 'min' takes the smallest mean error; '1se' the largest alpha whose mean error is at
        most the smallest one plus its standard error ([1]_; needs two folds). A callable is given the alphas
        (n_alphas,), from large to small, and the errors (n_alphas, n_folds), and returns an index. With ``scoring``
        the errors are the scores with the sign turned.
    scoring : str, callable or None, default=None
        What the folds are judged by. None is the mean squared error over rows and targets, the rows weighted by
        ``sample_weight`` within a fold. Else a name of :func:`sklearn.metrics.get_scorer_names` or a function
        ``scorer(estimator, X, y)``, which is given a :class:`MultiTaskLasso` with ``coef_`` and
        ``intercept_``, and the held-out rows; the largest mean score is the best, and a mean of NaN never is.
    store_predictions : bool, default=False
        Whether to keep ``oof_predictions_``; until alpha is selected this takes the predictions of all alphas.
    penalty_factor : array-like of shape (n_features,) or dict, default=None
        Factor of each feature's penalty, not rescaled; see :class:`MultiTaskLasso`.
    standardize : bool, default=False
        Whether to penalise the coefficients of the columns divided by their (weighted) standard deviations, which
        are those of the training rows in every fold. ``coef_`` is in the original units.

    Attributes
    ----------
    alpha_ : float
        The selected alpha.
    coef_ : ndarray of shape (n_targets, n_features)
        Coefficients at ``alpha_``, fitted to all rows, in the dtype of X.
    intercept_ : ndarray of shape (n_targets,) or float
        Intercepts at ``alpha_``; 0.0 without them.
    alphas_ : ndarray of shape (n_alphas,)
        The alphas, from large to small.
    mse_path_ : ndarray of shape (n_alphas, n_folds)
        Mean squared error on the held-out rows of each fold, mean over the targets; also with ``scoring``. Axes of
        length 1 are dropped, as in scikit-learn.
    cv_mean_ : ndarray of shape (n_alphas,)
        Unweighted mean over the folds of the mean squared error, or of the score.
    cv_se_ : ndarray of shape (n_alphas,)
        Standard error of ``cv_mean_``: the standard deviation over the folds (``ddof=1``) divided by
        ``sqrt(n_folds)``; NaN for one fold.
    alpha_min_ : float
        What 'min' selects.
    alpha_1se_ : float
        What '1se' selects, at least ``alpha_min_``; NaN for one fold.
    coef_path_ : ndarray of shape (n_targets, n_features, n_alphas)
        Coefficients of all alphas, fitted to all rows.
    intercept_path_ : ndarray of shape (n_targets, n_alphas)
        Their intercepts.
    cv_splits_ : list of tuple (train, test)
        The folds as arrays of row indices, drawn once.
    oof_predictions_ : ndarray of shape (n_samples, n_targets)
        Prediction of each row at ``alpha_`` by the fold that held it out; the mean if several did, NaN if none. Only
        with ``store_predictions=True``.
    dual_gap_ : float
        Duality gap of ``coef_``, an upper bound of how far the objective is above its minimum.
    converged_ : bool
        Whether ``dual_gap_`` is as small as ``tol`` asks.
    n_iter_ : int
        Iterations at ``alpha_``, at least 1.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, if X has string column names.

    See Also
    --------
    MultiTaskLasso : The model of one alpha.
    MultiTaskElasticNetCV : Norms and their squares.
    LassoCV : With ``alpha_per_target=True``, targets one by one.

    Notes
    -----
    There is no refit: ``coef_`` is the point at ``alpha_`` of the path on all rows, with a certificate of its own.

    References
    ----------
    .. [1] T. Hastie, R. Tibshirani and J. Friedman, The Elements of Statistical Learning, 2nd edition, Springer 2009,
       section 7.10.

    Examples
    --------
    >>> from sklearn.datasets import load_linnerud
    >>> from regularize import MultiTaskLassoCV
    >>> X, y = load_linnerud(return_X_y=True)
    >>> model = MultiTaskLassoCV(alphas=10, cv=4, selection_rule="1se", store_predictions=True).fit(X, y)
    >>> bool(model.alpha_ == model.alpha_1se_ >= model.alpha_min_)
    True
    >>> model.oof_predictions_.shape
    (20, 3)
    """

    path = staticmethod(lasso_path)

    def __init__(
        self,
        *,
        eps: float = 1e-3,
        alphas: Any = 100,
        fit_intercept: bool = True,
        max_iter: int = 1000,
        tol: float = 1e-4,
        copy_X: bool = True,
        cv: Any = None,
        verbose: bool | int = False,
        n_jobs: int | None = None,
        random_state: Any = None,
        selection: str = "cyclic",
        selection_rule: Any = "min",
        scoring: Any = None,
        store_predictions: bool = False,
        penalty_factor: Any = None,
        standardize: bool = False,
    ) -> None:
        self.eps = eps
        self.alphas = alphas
        self.fit_intercept = fit_intercept
        self.max_iter = max_iter
        self.tol = tol
        self.cv = cv
        self.copy_X = copy_X
        self.verbose = verbose
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.selection = selection
        self.selection_rule = selection_rule
        self.scoring = scoring
        self.store_predictions = store_predictions
        self.penalty_factor = penalty_factor
        self.standardize = standardize

    def _model(self, alpha: float, l1_ratio: float) -> MultiTaskLasso:
        return MultiTaskLasso(alpha=alpha, fit_intercept=self.fit_intercept)
