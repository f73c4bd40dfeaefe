"""RidgeClassifierCV."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from regularize.estimators.base_ridge_cv import BaseRidgeCV
from regularize.estimators.ridge_classifier import RidgeClassifier, RidgeLabels
from regularize.validation import Samples

__all__ = ["RidgeClassifierCV"]


class PredictedLabels(RidgeLabels, BaseEstimator):
    """Stands for a fitted classifier whose decisions are at hand: they are its X."""

    def decision_function(self, X: Any) -> Any:
        """What it was given; one-dimensional for two classes."""
        return X[:, 0] if X.shape[1] == 1 else X


class RidgeClassifierCV(RidgeLabels, BaseRidgeCV):
    """Classification by ridge regression whose alpha is selected by cross-validation.

    The labels are coded by -1 and 1: one target for two classes, else one target per class, or per column of an
    indicator matrix; see :class:`RidgeClassifier`. All targets share one alpha, which is selected as in
    :class:`RidgeCV`, by leave-one-out, generalised or k-fold cross-validation. Signature, attributes, shapes and
    errors are those of :class:`sklearn.linear_model.RidgeClassifierCV`.

    Parameters
    ----------
    alphas : float or array-like of shape (n_alphas,), default=(0.1, 1.0, 10.0)
        The alphas. Positive; with ``cv`` 0 is allowed.
    fit_intercept : bool, default=True
        Whether to fit an intercept.
    scoring : str, callable or None, default=None
        What the predictions of the held-out rows are judged by, see :class:`RidgeCV`; a scorer is given labels. None
        is minus the weighted squared error of the coded labels for leave-one-out, the accuracy with ``cv``.
    cv : int, splitter, iterable or None, default=None
        None leaves each row out in turn. Else the folds, see :class:`RidgeCV`; a number is that of
        :class:`sklearn.model_selection.StratifiedKFold` (of :class:`sklearn.model_selection.KFold` for an indicator
        matrix).
    class_weight : dict or 'balanced', default=None
        Weights of the classes, ``{class: weight}``; classes that are not named weigh 1. 'balanced' is
        ``n_samples / (n_classes * np.bincount(y))``, from all rows for the folds too. They multiply
        ``sample_weight``, in the scores as well.
    store_cv_results : bool, default=False
        Whether to keep ``cv_results_``. Only with ``cv=None`` and ``criterion='loo'``.
    criterion : {'loo', 'gcv'}, default='loo'
        What is minimised with ``cv=None``: squared errors of the coded labels of rows that are left out, or
        generalised cross-validation; means over the targets. See :class:`RidgeCV`.
    selection_rule : {'min', '1se'} or callable, default='min'
        How alpha is selected, see :class:`RidgeCV`.
    store_predictions : bool, default=False
        Whether to keep ``oof_predictions_``; until alpha is selected this takes the decisions of all alphas.
    penalty_factor : array-like of shape (n_features,) or dict, default=None
        Factor of each feature's penalty: 0 leaves a feature unpenalised, inf excludes it; see :class:`Ridge`.
    bounds : tuple (lower, upper) or dict, default=None
        Bounds of the coefficients; see :class:`Ridge`. Only with ``cv``.
    standardize : bool, default=False
        Whether to penalise the coefficients of standardised columns; see :class:`RidgeCV`.
    coef_prior : array-like of shape (n_features,) or (n_targets, n_features), or dict, default=None
        What the coefficients are shrunk towards; see :class:`Ridge`.

    Attributes
    ----------
    alpha_ : float
        The selected alpha.
    best_score_ : float
        Mean score at ``alpha_``.
    coef_ : ndarray of shape (n_features,) or (n_targets, n_features)
        Coefficients at ``alpha_``, fitted to all rows, in the dtype of X (float64 unless X is float32).
        One-dimensional for two classes.
    intercept_ : float or ndarray of shape (n_targets,)
        Intercepts, of shape (1,) for two classes; 0.0 without intercept.
    classes_ : ndarray of shape (n_classes,)
        Classes; for an indicator matrix the numbers of its columns.
    cv_results_ : ndarray of shape (n_samples, n_targets, n_alphas)
        Weighted squared errors of the rows that were left out, with ``scoring`` their decisions. Only with
        ``store_cv_results=True``.
    cv_mean_, cv_se_ : ndarray of shape (n_alphas,)
        Mean scores in the order of ``alphas`` and their standard errors, see :class:`RidgeCV`.
    alpha_min_, alpha_1se_ : float
        What 'min' and '1se' select.
    cv_splits_ : list of tuple (train, test)
        The folds as arrays of row indices, drawn once. Only with ``cv``.
    oof_predictions_ : ndarray of shape (n_samples,) or (n_samples, n_targets)
        Decision for each row at ``alpha_`` by the model that did not see it; the mean if several held it out, NaN if
        none. Only with ``store_predictions=True``.
    dual_gap_, converged_ : float and bool, or ndarray of shape (n_targets,)
        Duality gap of ``coef_``, and whether it is small enough.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, if X has string column names.

    See Also
    --------
    RidgeClassifier : The model of one alpha.
    RidgeCV : Regression; all definitions.

    Notes
    -----
    With ``cv=None`` and ``scoring``, scorers are given the labels also for two classes and for indicator matrices,
    where scikit-learn 1.9 gives them an argmax of the coded labels, so that any accuracy is 1 (its issue 34942).

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from regularize import RidgeClassifierCV
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> model = RidgeClassifierCV([0.1, 1.0, 10.0], standardize=True, scoring="accuracy").fit(X, y)
    >>> print(model.alpha_, model.best_score_.round(3))
    10.0 0.96
    """

    default_scoring = "accuracy"

    def __init__(
        self,
        alphas: Any = (0.1, 1.0, 10.0),
        *,
        fit_intercept: bool = True,
        scoring: Any = None,
        cv: Any = None,
        class_weight: Any = None,
        store_cv_results: bool = False,
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
        self.class_weight = class_weight
        self.store_cv_results = store_cv_results
        self.criterion = criterion
        self.selection_rule = selection_rule
        self.store_predictions = store_predictions
        self.penalty_factor = penalty_factor
        self.bounds = bounds
        self.standardize = standardize
        self.coef_prior = coef_prior

    def _check_data(self, X: Any, y: Any, sample_weight: Any) -> tuple[Samples, float, NDArray[Any]]:
        samples, total, labels = self._check_labelled(X, y, sample_weight)
        if len(samples.y) < 2:
            raise ValueError(f"Found 1 sample, while a minimum of 2 is required by {type(self).__name__}.")
        return samples, total, labels

    def _predicted(self) -> PredictedLabels:
        stand_in = PredictedLabels()
        stand_in.classes_, stand_in._label_binarizer = self.classes_, self._label_binarizer
        return stand_in

    def _model(self, alpha: float) -> RidgeClassifier:
        return RidgeClassifier(alpha, fit_intercept=self.fit_intercept)
