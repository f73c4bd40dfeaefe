"""MultiTaskLasso and MultiTaskElasticNet."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from regularize.design import Design
from regularize.estimators.base import PenalisedRegressor, unchanged_on_failure
from regularize.paths import enet_path, refuse_non_finite, warn_not_converged
from regularize.penalties import GroupPenalty, Penalty
from regularize.solvers import PathResult, squared_loss_path
from regularize.validation import Samples, check_parameters
from regularize.validation.multi_task import make_multi_task_penalty

__all__ = ["MultiTaskElasticNet", "MultiTaskLasso", "TargetsTogether", "refuse_one_dimensional"]

Floats = NDArray[np.float64]


def refuse_one_dimensional(caller: str, samples: Samples) -> Samples:
    """The samples; ValueError that names the estimator of one target if y is one-dimensional."""
    if samples.y.ndim == 1:
        alone = caller.removeprefix("MultiTask")
        raise ValueError(f"For mono-task outputs, use {alone}. {caller} takes y of shape (n_samples, n_targets).")
    return samples


class TargetsTogether(BaseEstimator):
    """The tags of an estimator whose y has one column per target, all of them fitted together."""

    def __sklearn_tags__(self) -> Any:
        """Tags: y must be two-dimensional."""
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        tags.target_tags.single_output = False
        return tags


class NoCheckInput(BaseEstimator):
    """Cancels, for a ``fit`` without ``check_input``, what a base class further left says of it.

    ``PenalisedRegressor`` takes ``check_input`` out of the metadata, and scikit-learn refuses to take away what is not
    there. Metadata are read from the last base class to the first, so this puts it there before.
    """

    __metadata_request__fit = {"check_input": None}


class MultiTaskElasticNet(TargetsTogether, PenalisedRegressor, NoCheckInput):
    """Linear regression of several targets that share their features, with a combined L1/L2 and L2 penalty.

    With weights ``s_i`` that sum to 1 (``1 / n_samples`` without ``sample_weight``) the model minimises, over the
    coefficients ``W`` (one row ``w_j`` per feature, one column per target) and the unpenalised intercepts ``b``,

    .. code-block:: text

        1/2 sum_i s_i ||y_i - b - W'x_i||^2
          + alpha sum_j factor_j (l1_ratio ||w_j|| + (1 - l1_ratio)/2 ||w_j||^2)

    with Euclidean norms: a feature has coefficients for all targets or for none. For a factor of 1 this is
    scikit-learn's objective. Signature, attributes and warnings are those of
    :class:`sklearn.linear_model.MultiTaskElasticNet`; ``penalty_factor``, ``standardize`` and ``converged_`` are added.

    Parameters
    ----------
    alpha : float, default=1.0
        Strength of the penalty, at least 0.
    l1_ratio : float, default=0.5
        Share of the norms, from 0 (only their squares, which is ridge regression) to 1 (:class:`MultiTaskLasso`).
    fit_intercept : bool, default=True
        Whether to fit intercepts. X is centred implicitly and stays as it is. If False, the data are taken as they
        are.
    copy_X : bool, default=True
        Has no effect: X is never modified, and copied only where the solver needs a part of it.
    max_iter : int, default=1000
        Largest number of iterations. None is the default.
    tol : float, default=1e-4
        The fit stops when the duality gap is at most ``tol`` times the weighted mean of the squared norms of the rows
        of ``y`` (centred if there is an intercept).
    warm_start : bool, default=False
        Whether to start from the coefficients of the previous fit.
    random_state : int, RandomState instance or None, default=None
        Has no effect, see ``selection``.
    selection : {'cyclic', 'random'}, default='cyclic'
        Has no effect: the solver chooses the order of its updates, and the answer does not depend on it.
    penalty_factor : array-like of shape (n_features,) or dict, default=None
        Factor of each feature's penalty. 0 leaves a feature unpenalised, inf excludes it. A dict maps names of the
        columns of a data frame to factors; the other columns get 1. Factors are used as they are, not rescaled to a
        mean of 1.
    standardize : bool, default=False
        Whether to penalise the coefficients of the columns divided by their (weighted) standard deviations. ``coef_``
        and predictions are in the original units. X stays as it is.

    Attributes
    ----------
    coef_ : ndarray of shape (n_targets, n_features)
        Coefficients ``W'``, in the dtype of X (float64 unless X is float32).
    intercept_ : ndarray of shape (n_targets,) or float
        Intercepts; 0.0 without them.
    dual_gap_ : float
        Duality gap that was reached, in units of the objective: an upper bound of how far the objective is above its
        minimum.
    eps_ : float
        ``n_samples`` times the largest ``dual_gap_`` that counts as converged. scikit-learn's attribute, which is in
        units of the sum over the rows, whereas ``dual_gap_`` is, there as here, in units of their mean.
    converged_ : bool
        Whether ``dual_gap_`` is as small as ``tol`` asks.
    n_iter_ : int
        Iterations that were used.
    sparse_coef_ : sparse matrix of shape (n_targets, n_features)
        Coefficients as a CSR matrix.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, if X has string column names.

    See Also
    --------
    MultiTaskLasso : Only the norms.
    MultiTaskElasticNetCV : Selection of alpha and l1_ratio by cross-validation.
    ElasticNet : Fits several targets one by one.
    enet_path : The same problem for many values of alpha.

    Examples
    --------
    >>> from regularize import MultiTaskElasticNet
    >>> X = [[-1.0, 1.0], [-1.0, -1.0], [1.0, 1.0], [1.0, -1.0]]
    >>> y = [[-3.0, -4.0], [-3.0, -4.0], [3.0, 4.0], [3.0, 4.0]]
    >>> model = MultiTaskElasticNet(alpha=1.0, tol=1e-10).fit(X, y)
    >>> print(model.coef_.round(4) + 0.0)
    [[1.8 0. ]
     [2.4 0. ]]
    """

    path = staticmethod(enet_path)
    precompute = False  # not a parameter, as in scikit-learn

    def __init__(
        self,
        alpha: float = 1.0,
        *,
        l1_ratio: float = 0.5,
        fit_intercept: bool = True,
        copy_X: bool = True,
        max_iter: int | None = 1000,
        tol: float = 1e-4,
        warm_start: bool = False,
        random_state: Any = None,
        selection: str = "cyclic",
        penalty_factor: Any = None,
        standardize: bool = False,
    ) -> None:
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.fit_intercept = fit_intercept
        self.copy_X = copy_X
        self.max_iter = max_iter
        self.tol = tol
        self.warm_start = warm_start
        self.random_state = random_state
        self.selection = selection
        self.penalty_factor = penalty_factor
        self.standardize = standardize

    def fit(  # type: ignore[override]  # no check_input, as in scikit-learn
        self, X: Any, y: Any, sample_weight: Any = None
    ) -> MultiTaskElasticNet:
        """Fit the model.

        Parameters
        ----------
        X : {array-like, sparse matrix, sparse array} of shape (n_samples, n_features)
            Training data, at least two rows. float32 and float64 arrays of any memory order (read-only and
            memory-mapped ones too) and CSC matrices with 32- or 64-bit indices are used as they are; other sparse
            formats are converted to CSC, everything else to float64. X is never modified.
        y : array-like of shape (n_samples, n_targets)
            Targets, one per column.
        sample_weight : float or array-like of shape (n_samples,), default=None
            Non-negative weights. Only their proportions matter: a weight of 2 is the row twice, a weight of 0 is no
            row. A single number weighs all rows alike.

        Returns
        -------
        self : object
            The fitted estimator. If fit raises or is interrupted, the estimator is left as it was.

        Raises
        ------
        ValueError
            If a parameter, X, y or sample_weight is invalid; the message names it. Nothing is computed then. Also for
            one-dimensional y.

        Warns
        -----
        ConvergenceWarning
            If the duality gap that ``tol`` asks for was not reached.

        Examples
        --------
        >>> from regularize import MultiTaskLasso
        >>> X, y = [[0.0, 1.0], [1.0, 0.0], [2.0, 1.0]], [[0.0, 0.0], [1.0, 2.0], [2.0, 4.0]]
        >>> MultiTaskLasso(alpha=0.1, tol=1e-10).fit(X, y).coef_.round(4) + 0.0
        array([[0.9329, 0.    ],
               [1.8658, 0.    ]])
        """
        with unchanged_on_failure(self):
            check_parameters(type(self).__name__, vars(self))
            results = self._fit(X, y, sample_weight, True)
            warn_not_converged(results, stacklevel=3)
        return self

    def _check_targets(self, samples: Samples) -> Samples:
        return refuse_one_dimensional(type(self).__name__, samples)

    def _n_subtasks(self, n_targets: int) -> int:
        return 0

    def _penalty(self, n_features: int, columns: list[Any] | None) -> GroupPenalty:
        return make_multi_task_penalty(
            type(self).__name__,
            n_features,
            l1_ratio=self.l1_ratio,
            penalty_factor=self.penalty_factor,
            columns=columns,
        )

    def _solve(
        self,
        design: Design,
        targets: Floats,
        penalty: Penalty | GroupPenalty,
        starts: Floats | None,
        options: dict[str, Any],
        callbacks: Any,
        task: dict[str, Any],
    ) -> list[PathResult]:
        """One path of one alpha for all targets."""
        alphas = np.array([self.alpha], dtype=np.float64)
        result = squared_loss_path(design, targets, penalty, alphas, coef_init=starts, **options)
        if result.interrupted:  # Ctrl-C came after the last alpha: a fit must not swallow it
            raise KeyboardInterrupt
        return [result]

    def _set_fitted(self, samples: Samples, results: list[PathResult]) -> None:
        """Set the attributes in scikit-learn's shapes and dtypes, all of them or none."""
        (result,) = results
        dtype = samples.X.dtype
        with np.errstate(over="ignore"):
            coef = np.ascontiguousarray(result.coefs[:, :, 0], dtype=dtype)
            intercept = np.ascontiguousarray(result.intercepts[:, 0], dtype=dtype)
        refuse_non_finite(coef, intercept, result.dual_gaps)
        fitted: dict[str, Any] = {
            "coef_": coef,
            "intercept_": intercept if self.fit_intercept else 0.0,
            "dual_gap_": float(result.dual_gaps[0]),
            "eps_": samples.X.shape[0] * float(result.tolerance),
            "converged_": bool(result.converged[0]),
            "n_iter_": int(result.n_iters[0]),
        }
        self.__dict__.update(fitted)


class MultiTaskLasso(MultiTaskElasticNet):
    """Linear regression of several targets that share their features, with an L1/L2 penalty.

    With weights ``s_i`` that sum to 1 (``1 / n_samples`` without ``sample_weight``) the model minimises, over the
    coefficients ``W`` (one row ``w_j`` per feature, one column per target) and the unpenalised intercepts ``b``,

    .. code-block:: text

        1/2 sum_i s_i ||y_i - b - W'x_i||^2 + alpha sum_j factor_j ||w_j||

    with Euclidean norms: a feature has coefficients for all targets or for none ([1]_, [2]_). For a factor of 1 this is
    scikit-learn's objective. Signature, attributes and warnings are those of
    :class:`sklearn.linear_model.MultiTaskLasso`; ``penalty_factor``, ``standardize`` and ``converged_`` are added. The
    static method ``path`` is :func:`regularize.enet_path`, whose ``l1_ratio`` is 0.5 by default, as in scikit-learn:
    use :func:`regularize.lasso_path` for the path of this model.

    Parameters
    ----------
    alpha : float, default=1.0
        Strength of the penalty, at least 0.
    fit_intercept : bool, default=True
        Whether to fit intercepts. X is centred implicitly and stays as it is. If False, the data are taken as they
        are.
    copy_X : bool, default=True
        Has no effect: X is never modified, and copied only where the solver needs a part of it.
    max_iter : int, default=1000
        Largest number of iterations. None is the default.
    tol : float, default=1e-4
        The fit stops when the duality gap is at most ``tol`` times the weighted mean of the squared norms of the rows
        of ``y`` (centred if there is an intercept).
    warm_start : bool, default=False
        Whether to start from the coefficients of the previous fit.
    random_state : int, RandomState instance or None, default=None
        Has no effect, see ``selection``.
    selection : {'cyclic', 'random'}, default='cyclic'
        Has no effect: the solver chooses the order of its updates, and the answer does not depend on it.
    penalty_factor : array-like of shape (n_features,) or dict, default=None
        Factor of each feature's penalty. 0 leaves a feature unpenalised, inf excludes it. A dict maps names of the
        columns of a data frame to factors; the other columns get 1. Factors are used as they are, not rescaled to a
        mean of 1.
    standardize : bool, default=False
        Whether to penalise the coefficients of the columns divided by their (weighted) standard deviations. ``coef_``
        and predictions are in the original units. X stays as it is.

    Attributes
    ----------
    coef_ : ndarray of shape (n_targets, n_features)
        Coefficients ``W'``, in the dtype of X (float64 unless X is float32).
    intercept_ : ndarray of shape (n_targets,) or float
        Intercepts; 0.0 without them.
    dual_gap_ : float
        Duality gap that was reached, in units of the objective: an upper bound of how far the objective is above its
        minimum.
    eps_ : float
        ``n_samples`` times the largest ``dual_gap_`` that counts as converged; see :class:`MultiTaskElasticNet`.
    converged_ : bool
        Whether ``dual_gap_`` is as small as ``tol`` asks.
    n_iter_ : int
        Iterations that were used.
    sparse_coef_ : sparse matrix of shape (n_targets, n_features)
        Coefficients as a CSR matrix.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, if X has string column names.

    See Also
    --------
    MultiTaskElasticNet : Norms and their squares.
    MultiTaskLassoCV : Selection of alpha by cross-validation.
    Lasso : Fits several targets one by one.
    lasso_path : The same problem for many values of alpha.

    References
    ----------
    .. [1] A. Argyriou, T. Evgeniou and M. Pontil, Convex multi-task feature learning, Machine Learning 73, 2008,
       pages 243-272.
    .. [2] G. Obozinski, B. Taskar and M. I. Jordan, Joint covariate selection and joint subspace selection for multiple
       classification problems, Statistics and Computing 20, 2010, pages 231-252.

    Examples
    --------
    >>> from regularize import MultiTaskLasso
    >>> model = MultiTaskLasso(alpha=0.1, tol=1e-10).fit([[0, 1], [1, 0], [2, 1]], [[0, 0], [1, 2], [2, 4]])
    >>> print(model.predict([[3, 0]]).round(3))
    [[2.866 5.732]]
    """

    path = staticmethod(enet_path)

    def __init__(
        self,
        alpha: float = 1.0,
        *,
        fit_intercept: bool = True,
        copy_X: bool = True,
        max_iter: int | None = 1000,
        tol: float = 1e-4,
        warm_start: bool = False,
        random_state: Any = None,
        selection: str = "cyclic",
        penalty_factor: Any = None,
        standardize: bool = False,
    ) -> None:
        super().__init__(
            alpha=alpha,
            l1_ratio=1.0,
            fit_intercept=fit_intercept,
            copy_X=copy_X,
            max_iter=max_iter,
            tol=tol,
            warm_start=warm_start,
            random_state=random_state,
            selection=selection,
            penalty_factor=penalty_factor,
            standardize=standardize,
        )
