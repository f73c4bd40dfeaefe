"""RidgeClassifier, and what all classifiers by ridge regression share."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.base import ClassifierMixin
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data

from regularize.estimators.base import unchanged_on_failure
from regularize.estimators.ridge import RidgeModel
from regularize.validation import (
    RIDGE_CONSTRAINTS,
    Samples,
    check_labelled_data,
    check_parameters,
    check_sample_weight,
    column_names,
    total_weight,
)

__all__ = ["RidgeClassifier", "RidgeLabels"]


class RidgeLabels(ClassifierMixin):
    """Labels as columns of -1 and 1 to regress on, and labels from the predictions of those columns.

    A subclass has the parameter ``class_weight``.
    """

    coef_: Any
    intercept_: Any
    classes_: Any
    class_weight: Any

    def _check_labelled(self, X: Any, y: Any, sample_weight: Any) -> tuple[Samples, float, NDArray[Any]]:
        """Checked data with the labels as targets (n, t), the sum of the weights, and the labels themselves.

        The weights are multiplied by those of the classes. Sets ``classes_``, ``n_features_in_`` and
        ``feature_names_in_``.
        """
        X, y = check_labelled_data(self, X, y)
        self._label_binarizer, targets = _coded(y)
        self.classes_ = self._label_binarizer.classes_
        if not self._label_binarizer.y_type_.startswith("multilabel"):
            y = column_or_1d(y, warn=True)
        labels = y.toarray() if sparse.issparse(y) else y
        samples = Samples(X, targets, check_sample_weight(sample_weight, len(targets)))
        total = total_weight(samples, sample_weight)
        if not self.class_weight:
            return samples, total, labels
        weights = (
            np.full(len(targets), total / len(targets)) if samples.sample_weight is None else samples.sample_weight
        )
        weights = weights * compute_sample_weight(self.class_weight, labels)
        samples = Samples(X, targets, check_sample_weight(weights, len(targets)))
        return samples, total_weight(samples, weights), labels

    def decision_function(self, X: Any) -> NDArray[Any]:
        """Predict the regressions on the labels, ``X @ coef_.T + intercept_``.

        Parameters
        ----------
        X : {array-like, sparse matrix, sparse array} of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        scores : ndarray of shape (n_samples,) or (n_samples, n_classes)
            One column for each class; for two classes one-dimensional, positive for ``classes_[1]``.

        Examples
        --------
        >>> from regularize import RidgeClassifier
        >>> model = RidgeClassifier().fit([[0.0], [1.0], [2.0], [3.0]], ["a", "a", "b", "b"])
        >>> model.decision_function([[0.0], [3.0]]).round(4)
        array([-1.,  1.])
        """
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse=["csr", "csc", "coo"], reset=False)
        return X @ self.coef_.T + self.intercept_

    def predict(self, X: Any) -> Any:
        """Predict the class with the largest decision, or all labels with a positive one.

        Parameters
        ----------
        X : {array-like, sparse matrix, sparse array} of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        y : ndarray of shape (n_samples,) or {ndarray, sparse matrix} of shape (n_samples, n_labels)
            Predicted classes. If y was an indicator matrix, one of the same kind.

        Examples
        --------
        >>> from regularize import RidgeClassifier
        >>> model = RidgeClassifier().fit([[0.0], [1.0], [2.0], [3.0]], ["a", "a", "b", "b"])
        >>> print(model.predict([[0.5], [2.5]]))
        ['a' 'b']
        """
        scores = self.decision_function(X)
        return self._label_binarizer.inverse_transform(scores)

    def __sklearn_tags__(self) -> Any:
        """Tags: several labels per sample are accepted."""
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


def _coded(y: Any) -> tuple[LabelBinarizer, NDArray[np.float64]]:
    """The fitted coder of the labels, and the labels as columns of -1 and 1.

    The coder looks at integers a dozen times, which takes longer than a small fit: it is told what they are.
    """
    coder = LabelBinarizer(pos_label=1, neg_label=-1)
    if isinstance(y, np.ndarray) and y.ndim == 1 and y.dtype.kind in "biu":
        classes, index = np.unique(y, return_inverse=True)
        if 2 <= classes.size <= y.size // 2:
            coder.classes_, coder.sparse_input_ = classes, False
            coder.y_type_ = "binary" if classes.size == 2 else "multiclass"
            members = index[:, np.newaxis] == (np.arange(classes.size) if classes.size > 2 else 1)
            return coder, np.asarray(np.where(members, 1.0, -1.0), order="F")
    return coder, np.asarray(coder.fit_transform(y), dtype=np.float64, order="F")


class RidgeClassifier(RidgeLabels, RidgeModel):
    """Classification by ridge regression on labels of -1 and 1.

    For two classes there is one target, 1 for ``classes_[1]`` and -1 for ``classes_[0]``; for more there is one target
    per class, 1 for its members and -1 for all others; an indicator matrix has one target per column. For each target
    the model minimises, over the coefficients ``w`` and the unpenalised intercept ``b``,

    .. code-block:: text

        sum_i s_i (y_i - b - x_i'w)^2 + alpha sum_j factor_j (w_j - prior_j)^2
        subject to  lower_j <= w_j <= upper_j

    with weights ``s_i`` that are those of ``sample_weight``, or 1, times those of ``class_weight``. Signature,
    attributes and errors are those of :class:`sklearn.linear_model.RidgeClassifier`; ``penalty_factor``, ``bounds``,
    ``standardize``, ``coef_prior``, ``dual_gap_`` and ``converged_`` are added, see :class:`Ridge`.

    Parameters
    ----------
    alpha : float or array-like of shape (n_targets,), default=1.0
        Strength of the penalty, at least 0; one for all targets or one for each.
    fit_intercept : bool, default=True
        Whether to fit an intercept. X is centred implicitly and stays as it is. If False, the data are taken
        as they are.
    copy_X : bool, default=True
        Has no effect: X is never modified.
    max_iter : int, default=None
        Largest number of iterations of what iterates; None lets the solver decide.
    tol : float, default=1e-4
        What iterates stops when the duality gap is at most ``tol`` times the weighted sum of the squared targets
        (centred if there is an intercept). Without effect on factorisations.
    class_weight : dict or 'balanced', default=None
        Weights of the classes, ``{class: weight}``; classes that are not named weigh 1. 'balanced' is
        ``n_samples / (n_classes * np.bincount(y))``.
    solver : {'auto', 'svd', 'cholesky', 'lsqr', 'sparse_cg', 'sag', 'saga', 'lbfgs'}, default='auto'
        What computes the coefficients, which are the same for all; see :class:`Ridge`.
    positive : bool, default=False
        Whether to force the coefficients to be non-negative. Combines with ``bounds``.
    random_state : int, RandomState instance or None, default=None
        Has no effect: no solver draws random numbers.
    penalty_factor : array-like of shape (n_features,) or dict, default=None
        Factor of each feature's penalty: 0 leaves a feature unpenalised, inf excludes it; see :class:`Ridge`.
    bounds : tuple (lower, upper) or dict, default=None
        Bounds of the coefficients; see :class:`Ridge`.
    standardize : bool, default=False
        Whether to penalise the coefficients of standardised columns; see :class:`Ridge`.
    coef_prior : array-like of shape (n_features,) or (n_targets, n_features), or dict, default=None
        What the coefficients are shrunk towards; see :class:`Ridge`.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,) or (n_targets, n_features)
        Coefficients, in the dtype of X (float64 unless X is float32). One-dimensional for two classes.
    intercept_ : float or ndarray of shape (n_targets,)
        Intercepts, of shape (1,) for two classes; 0.0 without intercept.
    classes_ : ndarray of shape (n_classes,)
        Classes; for an indicator matrix the numbers of its columns.
    n_iter_ : None or ndarray of shape (n_targets,)
        Iterations for the solvers 'lsqr', 'sag' and 'saga', as in scikit-learn (1 if X was factorised); otherwise
        None.
    solver_ : str
        The solver under scikit-learn's name; see :class:`Ridge`.
    dual_gap_ : float or ndarray of shape (n_targets,)
        Duality gap that was reached, in units of the objective.
    converged_ : bool or ndarray of shape (n_targets,)
        Whether ``dual_gap_`` is as small as ``tol`` asks.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, if X has string column names.

    See Also
    --------
    Ridge : Regression.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from regularize import RidgeClassifier
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> model = RidgeClassifier(standardize=True).fit(X, y)
    >>> print(round(model.score(X, y), 3))
    0.968
    """

    def __init__(
        self,
        alpha: Any = 1.0,
        *,
        fit_intercept: bool = True,
        copy_X: bool = True,
        max_iter: int | None = None,
        tol: float = 1e-4,
        class_weight: Any = None,
        solver: str = "auto",
        positive: bool = False,
        random_state: Any = None,
        penalty_factor: Any = None,
        bounds: Any = None,
        standardize: bool = False,
        coef_prior: Any = None,
    ) -> None:
        super().__init__(
            alpha=alpha,
            fit_intercept=fit_intercept,
            copy_X=copy_X,
            max_iter=max_iter,
            tol=tol,
            solver=solver,
            positive=positive,
            random_state=random_state,
            penalty_factor=penalty_factor,
            bounds=bounds,
            standardize=standardize,
            coef_prior=coef_prior,
        )
        self.class_weight = class_weight

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> RidgeClassifier:
        """Fit the model.

        Parameters
        ----------
        X : {array-like, sparse matrix, sparse array} of shape (n_samples, n_features)
            Training data; see :meth:`Ridge.fit`.
        y : array-like of shape (n_samples,) or {array-like, sparse matrix} of shape (n_samples, n_labels)
            Classes, or an indicator matrix of several labels per sample.
        sample_weight : float or array-like of shape (n_samples,), default=None
            Non-negative weights, not rescaled: a weight of 2 is the row twice, a weight of 0 is no row. A single
            number is the weight of all rows.

        Returns
        -------
        self : object
            The fitted estimator. If fit raises or is interrupted, the estimator is left as it was.

        Raises
        ------
        ValueError
            If a parameter, X, y or sample_weight is invalid; the message names it. Nothing is computed then.

        Warns
        -----
        ConvergenceWarning
            If the duality gap that ``tol`` asks for was not reached; once per call.

        Examples
        --------
        >>> from regularize import RidgeClassifier
        >>> RidgeClassifier().fit([[0.0], [1.0], [2.0], [3.0]], ["a", "a", "b", "b"]).coef_.round(4)
        array([0.6667])
        """
        with unchanged_on_failure(self):
            check_parameters(type(self).__name__, vars(self), RIDGE_CONSTRAINTS)
            columns = column_names(X)
            samples, total, _ = self._check_labelled(X, y, sample_weight)
            self._fit_targets(samples, total, columns)
        return self
