"""LassoCV and ElasticNetCV."""

from __future__ import annotations

from typing import Any

from regularize.estimators.base_cv import PenalisedRegressorCV
from regularize.estimators.elastic_net import ElasticNet, Lasso
from regularize.paths import enet_path, lasso_path

__all__ = ["ElasticNetCV", "LassoCV"]


class ElasticNetCV(PenalisedRegressorCV):
    """Elastic net whose alpha, and if wanted l1_ratio, is selected by cross-validation.

    For each alpha, l1_ratio and fold the model minimises over the training rows, with weights ``s_i`` that sum to 1,

    .. code-block:: text

        1/2 sum_i s_i (y_i - b - x_i'w)^2
          + alpha sum_j factor_j (l1_ratio |w_j| + (1 - l1_ratio)/2 w_j^2)
        subject to  lower_j <= w_j <= upper_j

    and is judged on the held-out rows. Signature, attributes and shapes are those of
    :class:`sklearn.linear_model.ElasticNetCV`; rules of selection, scoring, ``groups``, predictions of the held-out
    rows, penalty factors, bounds, standardisation and one alpha per target are added.

    Parameters
    ----------
    l1_ratio : float or list of float, default=0.5
        Share of the L1 penalty, from 0 (only L2; needs explicit ``alphas``) to 1 (the Lasso). Of several the one with
        the smallest mean error is taken; then ``selection_rule`` selects alpha on its path.
    eps : float, default=1e-3
        Smallest alpha of the automatic grid as a fraction of the largest.
    alphas : int or array-like, default=100
        Number of alphas of the automatic grid, which is that of all rows (see :func:`alpha_grid`) for every fold; or
        the alphas themselves, which are sorted from large to small.
    fit_intercept : bool, default=True
        Whether to fit an intercept.
    precompute : 'auto', bool or array-like of shape (n_features, n_features), default='auto'
        Has no effect on the answer: the solver decides what to compute. An array is checked to be the Gram matrix of
        X, see :class:`ElasticNet`.
    max_iter : int, default=1000
        Largest number of iterations per alpha.
    tol : float, default=1e-4
        Each point of each path is solved until its duality gap is at most ``tol`` times the weighted mean of the
        squared (centred) ``y`` of its rows.
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
    positive : bool, default=False
        Whether to force the coefficients to be non-negative.
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
        What the folds are judged by. None is the mean squared error, weighted by ``sample_weight`` within a fold.
        Else a name of :func:`sklearn.metrics.get_scorer_names` or a function ``scorer(estimator, X, y)``, which is
        given a :class:`ElasticNet` with ``coef_`` and ``intercept_``, and the held-out rows; the largest mean score is
        the best, and a mean of NaN never is.
    store_predictions : bool, default=False
        Whether to keep ``oof_predictions_``; until alpha is selected this takes the predictions of all alphas.
    penalty_factor : array-like of shape (n_features,) or dict, default=None
        Factor of each feature's penalty, not rescaled; see :class:`ElasticNet`.
    bounds : tuple (lower, upper) or dict, default=None
        Bounds of the coefficients; see :class:`ElasticNet`.
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
        The selected share of the L1 penalty.
    coef_ : ndarray of shape (n_features,) or (n_targets, n_features)
        Coefficients at ``alpha_``, fitted to all rows, in the dtype of X.
    intercept_ : float or ndarray of shape (n_targets,)
        Intercept at ``alpha_``; 0.0 without one.
    alphas_ : ndarray of shape (n_alphas,) or (n_l1_ratio, n_alphas)
        The alphas, from large to small. Two-dimensional for an automatic grid and several values of l1_ratio.
    mse_path_ : ndarray of shape (n_alphas, n_folds) or (n_l1_ratio, n_alphas, n_folds)
        Mean squared error on the held-out rows of each fold; also with ``scoring``. Axes of length 1 are dropped, as
        in scikit-learn.
    cv_mean_ : ndarray of shape (n_alphas,) or (n_l1_ratio, n_alphas)
        Unweighted mean over the folds of the mean squared error, or of the score.
    cv_se_ : ndarray of shape (n_alphas,) or (n_l1_ratio, n_alphas)
        Standard error of ``cv_mean_``: the standard deviation over the folds (``ddof=1``) divided by
        ``sqrt(n_folds)``; NaN for one fold.
    alpha_min_ : float
        What 'min' selects at ``l1_ratio_``.
    alpha_1se_ : float
        What '1se' selects at ``l1_ratio_``, at least ``alpha_min_``; NaN for one fold.
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
    ElasticNet : The model of one alpha.
    LassoCV : Only the L1 penalty.

    Notes
    -----
    There is no refit: ``coef_`` is the point at ``alpha_`` of the path on all rows, with a certificate of its own.

    References
    ----------
    .. [1] T. Hastie, R. Tibshirani and J. Friedman, The Elements of Statistical Learning, 2nd edition, Springer 2009,
       section 7.10.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from regularize import ElasticNetCV
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = ElasticNetCV(l1_ratio=[0.5, 0.9, 1.0], selection_rule="1se").fit(X, y)
    >>> model.mse_path_.shape
    (3, 100, 5)
    >>> bool(model.alpha_ == model.alpha_1se_ > model.alpha_min_)
    True
    """

    path = staticmethod(enet_path)

    def __init__(
        self,
        *,
        l1_ratio: Any = 0.5,
        eps: float = 1e-3,
        alphas: Any = 100,
        fit_intercept: bool = True,
        precompute: Any = "auto",
        max_iter: int = 1000,
        tol: float = 1e-4,
        cv: Any = None,
        copy_X: bool = True,
        verbose: bool | int = 0,
        n_jobs: int | None = None,
        positive: bool = False,
        random_state: Any = None,
        selection: str = "cyclic",
        selection_rule: Any = "min",
        scoring: Any = None,
        store_predictions: bool = False,
        penalty_factor: Any = None,
        bounds: Any = None,
        standardize: bool = False,
        alpha_per_target: bool = False,
    ) -> None:
        self.eps = eps
        self.alphas = alphas
        self.fit_intercept = fit_intercept
        self.precompute = precompute
        self.max_iter = max_iter
        self.tol = tol
        self.copy_X = copy_X
        self.cv = cv
        self.verbose = verbose
        self.n_jobs = n_jobs
        self.positive = positive
        self.random_state = random_state
        self.selection = selection
        self.selection_rule = selection_rule
        self.scoring = scoring
        self.store_predictions = store_predictions
        self.penalty_factor = penalty_factor
        self.bounds = bounds
        self.standardize = standardize
        self.alpha_per_target = alpha_per_target
        self.l1_ratio = l1_ratio

    def _model(self, alpha: float, l1_ratio: float) -> ElasticNet:
        return ElasticNet(alpha=alpha, l1_ratio=l1_ratio, fit_intercept=self.fit_intercept)


class LassoCV(PenalisedRegressorCV):
    """Lasso whose alpha is selected by cross-validation.

    For each alpha and fold the model minimises over the training rows, with weights ``s_i`` that sum to 1,

    .. code-block:: text

        1/2 sum_i s_i (y_i - b - x_i'w)^2 + alpha sum_j factor_j |w_j|
        subject to  lower_j <= w_j <= upper_j

    and is judged on the held-out rows. Signature, attributes and shapes are those of
    :class:`sklearn.linear_model.LassoCV`; rules of selection, scoring, ``groups``, predictions of the held-out rows,
    penalty factors, bounds, standardisation and one alpha per target are added.

    Parameters
    ----------
    eps : float, default=1e-3
        Smallest alpha of the automatic grid as a fraction of the largest.
    alphas : int or array-like, default=100
        Number of alphas of the automatic grid, which is that of all rows (see :func:`alpha_grid`) for every fold; or
        the alphas themselves, which are sorted from large to small.
    fit_intercept : bool, default=True
        Whether to fit an intercept.
    precompute : 'auto', bool or array-like of shape (n_features, n_features), default='auto'
        Has no effect on the answer: the solver decides what to compute. An array is checked to be the Gram matrix of
        X, see :class:`Lasso`.
    max_iter : int, default=1000
        Largest number of iterations per alpha.
    tol : float, default=1e-4
        Each point of each path is solved until its duality gap is at most ``tol`` times the weighted mean of the
        squared (centred) ``y`` of its rows.
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
    positive : bool, default=False
        Whether to force the coefficients to be non-negative.
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
        What the folds are judged by. None is the mean squared error, weighted by ``sample_weight`` within a fold.
        Else a name of :func:`sklearn.metrics.get_scorer_names` or a function ``scorer(estimator, X, y)``, which is
        given a :class:`Lasso` with ``coef_`` and ``intercept_``, and the held-out rows; the largest mean score is
        the best, and a mean of NaN never is.
    store_predictions : bool, default=False
        Whether to keep ``oof_predictions_``; until alpha is selected this takes the predictions of all alphas.
    penalty_factor : array-like of shape (n_features,) or dict, default=None
        Factor of each feature's penalty, not rescaled; see :class:`Lasso`.
    bounds : tuple (lower, upper) or dict, default=None
        Bounds of the coefficients; see :class:`Lasso`.
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
    coef_ : ndarray of shape (n_features,) or (n_targets, n_features)
        Coefficients at ``alpha_``, fitted to all rows, in the dtype of X.
    intercept_ : float or ndarray of shape (n_targets,)
        Intercept at ``alpha_``; 0.0 without one.
    alphas_ : ndarray of shape (n_alphas,)
        The alphas, from large to small.
    mse_path_ : ndarray of shape (n_alphas, n_folds)
        Mean squared error on the held-out rows of each fold; also with ``scoring``. Axes of length 1 are dropped, as
        in scikit-learn.
    cv_mean_ : ndarray of shape (n_alphas,)
        Unweighted mean over the folds of the mean squared error, or of the score.
    cv_se_ : ndarray of shape (n_alphas,)
        Standard error of ``cv_mean_``: the standard deviation over the folds (``ddof=1``) divided by
        ``sqrt(n_folds)``; NaN for one fold.
    alpha_min_ : float
        What 'min' selects.
    alpha_1se_ : float
        What '1se' selects, at least ``alpha_min_``; NaN for one fold.
    coef_path_ : ndarray of shape (n_features, n_alphas)
        Coefficients of all alphas, fitted to all rows.
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
    Lasso : The model of one alpha.
    ElasticNetCV : L1 and L2 penalty.

    Notes
    -----
    There is no refit: ``coef_`` is the point at ``alpha_`` of the path on all rows, with a certificate of its own.

    References
    ----------
    .. [1] T. Hastie, R. Tibshirani and J. Friedman, The Elements of Statistical Learning, 2nd edition, Springer 2009,
       section 7.10.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from regularize import LassoCV
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = LassoCV(cv=5).fit(X, y)
    >>> model.mse_path_.shape
    (100, 5)
    >>> sparser = LassoCV(cv=5, selection_rule="1se").fit(X, y)
    >>> bool((sparser.coef_ != 0).sum() < (model.coef_ != 0).sum())
    True
    """

    path = staticmethod(lasso_path)

    def __init__(
        self,
        *,
        eps: float = 1e-3,
        alphas: Any = 100,
        fit_intercept: bool = True,
        precompute: Any = "auto",
        max_iter: int = 1000,
        tol: float = 1e-4,
        copy_X: bool = True,
        cv: Any = None,
        verbose: bool | int = False,
        n_jobs: int | None = None,
        positive: bool = False,
        random_state: Any = None,
        selection: str = "cyclic",
        selection_rule: Any = "min",
        scoring: Any = None,
        store_predictions: bool = False,
        penalty_factor: Any = None,
        bounds: Any = None,
        standardize: bool = False,
        alpha_per_target: bool = False,
    ) -> None:
        self.eps = eps
        self.alphas = alphas
        self.fit_intercept = fit_intercept
        self.precompute = precompute
        self.max_iter = max_iter
        self.tol = tol
        self.copy_X = copy_X
        self.cv = cv
        self.verbose = verbose
        self.n_jobs = n_jobs
        self.positive = positive
        self.random_state = random_state
        self.selection = selection
        self.selection_rule = selection_rule
        self.scoring = scoring
        self.store_predictions = store_predictions
        self.penalty_factor = penalty_factor
        self.bounds = bounds
        self.standardize = standardize
        self.alpha_per_target = alpha_per_target

    def _model(self, alpha: float, l1_ratio: float) -> Lasso:
        return Lasso(alpha=alpha, fit_intercept=self.fit_intercept)
