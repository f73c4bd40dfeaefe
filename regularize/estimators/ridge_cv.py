"""RidgeCV."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, MultiOutputMixin, RegressorMixin
from sklearn.metrics import r2_score

from regularize.estimators.base import LinearPredictor
from regularize.estimators.base_ridge_cv import BaseRidgeCV
from regularize.estimators.folds import Rows, take_rows
from regularize.estimators.ridge import Ridge
from regularize.estimators.ridge_validation import Scoring
from regularize.validation import Samples, check_fit_data, total_weight

__all__ = ["RidgeCV"]

Floats = NDArray[np.float64]


class Predicted(RegressorMixin, BaseEstimator):
    """Stands for a fitted regressor whose predictions are at hand: they are its X."""

    def predict(self, X: Any) -> Any:
        """What it was given."""
        return X

    def decision_function(self, X: Any) -> Any:
        """What it was given."""
        return X


class RidgeCV(LinearPredictor, MultiOutputMixin, RegressorMixin, BaseRidgeCV):
    """Ridge regression whose alpha is selected by leave-one-out, generalised or k-fold cross-validation.

    For each alpha and target the model minimises, over the coefficients ``w`` and the unpenalised intercept ``b``,

    .. code-block:: text

        sum_i s_i (y_i - b - x_i'w)^2 + alpha sum_j factor_j (w_j - prior_j)^2
        subject to  lower_j <= w_j <= upper_j

    with the weights ``s_i`` of ``sample_weight``, or 1, and is judged on rows that were left out. Signature,
    attributes, shapes and errors are those of :class:`sklearn.linear_model.RidgeCV`; generalised cross-validation,
    rules of selection, ``groups``, predictions of the held-out rows, one alpha per target also with ``cv``, penalty
    factors, bounds, standardisation and a prior are added.

    Parameters
    ----------
    alphas : float or array-like of shape (n_alphas,), default=(0.1, 1.0, 10.0)
        The alphas. Positive; with ``cv`` 0 is allowed.
    fit_intercept : bool, default=True
        Whether to fit an intercept.
    scoring : str, callable or None, default=None
        What the predictions of the held-out rows are judged by: a name of :func:`sklearn.metrics.get_scorer_names` or
        a function ``scorer(estimator, X, y)``.

        - None is minus the weighted squared error for leave-one-out, R2 with ``cv``.
        - With ``cv=None`` the scorer sees all rows at once, as in scikit-learn: an estimator that returns what it is
          given, and as X the predictions of each row by the model of the others.
        - With ``cv`` it sees the held-out rows of a fold, and a function that is no scorer of
          :func:`sklearn.metrics.make_scorer` is given a :class:`Ridge` with the coefficients of that fold.
    cv : int, splitter, iterable or None, default=None
        None leaves each row out in turn. Else the folds: a number of folds of
        :class:`sklearn.model_selection.KFold`, a splitter, or an iterable of pairs (train, test) of row indices or
        masks. They may overlap, leave rows out and repeat rows.
    gcv_mode : {'auto', 'svd', 'eigen'}, default=None
        With ``cv=None``, how the errors of the rows that are left out are computed: 'svd' decomposes X, the others
        (the same as None) decompose the Gram matrix of its columns or rows while its precision allows.
        Sparse X is never decomposed; there 'svd' warns.
    store_cv_results : bool, default=False
        Whether to keep ``cv_results_``. Only with ``cv=None`` and ``criterion='loo'``.
    alpha_per_target : bool, default=False
        Whether each target gets its own alpha: independent problems on the same rows and folds. For two-dimensional y
        the attributes about alpha then get a first axis of length n_targets.
    criterion : {'loo', 'gcv'}, default='loo'
        What is minimised with ``cv=None``, exactly and from one factorisation.

        - 'loo': the mean of ``s_i e_i^2`` over the rows, where ``e_i`` is y minus the prediction of row i by the model
          of all other rows. A row with a weight is left out as a whole.
        - 'gcv': generalised cross-validation, ``sum_i s_i r_i^2 / n / (1 - df / n)^2`` with the residuals ``r_i``,
          the sum ``n`` of the weights (the number of rows without them) and the effective degrees of freedom ``df``,
          the intercept included ([1]_). A weight of 2 is the row twice.
    selection_rule : {'min', '1se'} or callable, default='min'
        How alpha is selected. 'min' takes the best mean score, of equal ones the first in ``alphas``; '1se' the
        largest alpha whose mean score is within one standard error of the best (for leave-one-out each row is a
        fold). A callable is given the alphas (n_alphas,), from large to small, and the errors (n_alphas, n_folds),
        which are the scores with the sign turned, and returns an index. Where there is a single score ('gcv', and
        ``scoring`` with ``cv=None``), n_folds is 1 and '1se' is an error.
    store_predictions : bool, default=False
        Whether to keep ``oof_predictions_``; until alpha is selected this takes the predictions of all alphas.
    penalty_factor : array-like of shape (n_features,) or dict, default=None
        Factor of each feature's penalty: 0 leaves a feature unpenalised, inf excludes it; see :class:`Ridge`.
    bounds : tuple (lower, upper) or dict, default=None
        Bounds of the coefficients; see :class:`Ridge`. Only with ``cv``: the formulas of leave-one-out and
        generalised cross-validation do not hold within bounds.
    standardize : bool, default=False
        Whether to penalise the coefficients of the columns divided by their (weighted) standard deviations: with
        ``cv`` those of the training rows in every fold, otherwise those of all rows. ``coef_`` is in the original
        units.
    coef_prior : array-like of shape (n_features,) or (n_targets, n_features), or dict, default=None
        What the coefficients are shrunk towards; see :class:`Ridge`.

    Attributes
    ----------
    alpha_ : float or ndarray of shape (n_targets,)
        The selected alpha; an array with ``alpha_per_target=True`` and several targets.
    best_score_ : float or ndarray of shape (n_targets,)
        Mean score at ``alpha_``; an array with ``alpha_per_target=True`` and two-dimensional y. Minus the mean of
        ``s_i e_i^2`` for leave-one-out, as in scikit-learn not divided by the mean weight.
    coef_ : ndarray of shape (n_features,) or (n_targets, n_features)
        Coefficients at ``alpha_``, fitted to all rows, in the dtype of X (float64 unless X is float32).
        One-dimensional for one target.
    intercept_ : float or ndarray of shape (n_targets,)
        Intercept at ``alpha_``; 0.0 without one.
    cv_results_ : ndarray of shape (n_samples, n_alphas) or (n_samples, n_targets, n_alphas)
        ``s_i e_i^2`` of each row, with ``scoring`` its prediction by the model of the others. Only with
        ``store_cv_results=True``.
    cv_mean_ : ndarray of shape (n_alphas,) or (n_targets, n_alphas)
        Mean scores, in the order of ``alphas``: over the rows for leave-one-out, over the folds with ``cv``; minus
        the criterion for 'gcv'.
    cv_se_ : ndarray of shape (n_alphas,) or (n_targets, n_alphas)
        Standard errors of ``cv_mean_``: standard deviation over the rows or folds (``ddof=1``) divided by the root of
        their number; NaN for a single score.
    alpha_min_ : float or ndarray of shape (n_targets,)
        What 'min' selects.
    alpha_1se_ : float or ndarray of shape (n_targets,)
        What '1se' selects, at least ``alpha_min_``; NaN for a single score.
    cv_splits_ : list of tuple (train, test)
        The folds as arrays of row indices, drawn once. Only with ``cv``.
    oof_predictions_ : ndarray of shape (n_samples,) or (n_samples, n_targets)
        Prediction of each row at ``alpha_`` by the model that did not see it; the mean if several held it out, NaN if
        none. Only with ``store_predictions=True``.
    dual_gap_ : float or ndarray of shape (n_targets,)
        Duality gap of ``coef_``, an upper bound of how far the objective is above its minimum.
    converged_ : bool or ndarray of shape (n_targets,)
        Whether ``dual_gap_`` is small enough.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, if X has string column names.

    See Also
    --------
    Ridge : The model of one alpha.
    RidgeClassifierCV : Classification.
    ridge_path : Coefficients and errors of all alphas.

    Notes
    -----
    With ``cv`` the scores are those that scikit-learn's ``GridSearchCV`` gives a :class:`Ridge`: weighted within a
    fold if the scorer takes weights, and a plain mean over the folds. Nothing is refitted: the folds share products of
    X, and an error in a scorer is raised.

    References
    ----------
    .. [1] G. H. Golub, M. Heath and G. Wahba, Generalized cross-validation as a method for choosing a good ridge
       parameter, Technometrics 21 (1979), 215-223.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_diabetes
    >>> from regularize import RidgeCV
    >>> X, y = load_diabetes(return_X_y=True)
    >>> alphas = np.logspace(-3, 1, 30)
    >>> print(RidgeCV(alphas).fit(X, y).alpha_.round(4))
    0.0036
    >>> print(RidgeCV(alphas, criterion="gcv").fit(X, y).alpha_.round(4))
    0.0067
    >>> model = RidgeCV(alphas, cv=10, selection_rule="1se").fit(X, y)
    >>> bool(model.alpha_ == model.alpha_1se_ > model.alpha_min_)
    True
    """

    default_scoring = "r2"

    def __init__(
        self,
        alphas: Any = (0.1, 1.0, 10.0),
        *,
        fit_intercept: bool = True,
        scoring: Any = None,
        cv: Any = None,
        gcv_mode: str | None = None,
        store_cv_results: bool = False,
        alpha_per_target: bool = False,
        criterion: str = "loo",
        selection_rule: Any = "min",
        store_predictions: bool = False,
        penalty_factor: Any = None,
        bounds: Any = None,
        standardize: bool = False,
        coef_prior: Any = None,
    ) -> None:
        self.alphas = alphas
        self.fit_intercept = fit_intercept
        self.scoring = scoring
        self.cv = cv
        self.gcv_mode = gcv_mode
        self.store_cv_results = store_cv_results
        self.alpha_per_target = alpha_per_target
        self.criterion = criterion
        self.selection_rule = selection_rule
        self.store_predictions = store_predictions
        self.penalty_factor = penalty_factor
        self.bounds = bounds
        self.standardize = standardize
        self.coef_prior = coef_prior

    def _check_data(self, X: Any, y: Any, sample_weight: Any) -> tuple[Samples, float, NDArray[Any]]:
        samples = check_fit_data(self, X, y, sample_weight)
        return samples, total_weight(samples, sample_weight), samples.y

    def _scores_of_path(self, scoring: Scoring, predictions: Floats, rows: Rows) -> Floats:
        if self.scoring not in (None, "r2"):
            return super()._scores_of_path(scoring, predictions, rows)
        # scikit-learn's checks cost more than the arithmetic: one call for all alphas and targets
        k, t, m = predictions.shape
        truth = np.tile(scoring.problem.truth[rows].reshape(m, t), (1, k))
        weights = scoring.params.get("sample_weight")
        scores = r2_score(
            truth,
            predictions.reshape(k * t, m).T,
            sample_weight=None if weights is None else take_rows(weights, rows, len(scoring.problem.truth)),
            multioutput="raw_values",
        )
        # one number, not a number, if there is but one row
        return scoring.problem.by_unit(np.broadcast_to(scores, k * t).reshape(k, t).T)

    def _predicted(self) -> Predicted:
        return Predicted()

    def _model(self, alpha: float) -> Ridge:
        return Ridge(alpha, fit_intercept=self.fit_intercept)
