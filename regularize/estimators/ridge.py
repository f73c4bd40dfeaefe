"""Ridge, and what its classifier shares with it.

Design notes
------------
a. One call of the engine solves all targets, each at its own alpha, from one factorisation.
b. scikit-learn's solver names are accepted and checked by its rules. They choose between a factorisation, a singular
   value decomposition, conjugate gradients and (for bounds) coordinate descent, whose optimum is the same.
c. Everything is computed first and the attributes are set last, so that a fit that fails or is interrupted leaves
   the estimator as it was.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator, MultiOutputMixin, RegressorMixin

from regularize.design import make_design
from regularize.estimators.base import LinearPredictor, unchanged_on_failure
from regularize.ridge_answers import finite_solution, reported_iterations, ridge_solver, warn_ridge_not_converged
from regularize.validation import (
    RIDGE_CONSTRAINTS,
    Samples,
    check_coef_prior,
    check_fit_data,
    check_parameters,
    check_target_alphas,
    column_names,
    make_penalty,
    ridge_solver_name,
    total_weight,
)

__all__ = ["Ridge", "RidgeModel"]


class RidgeModel(BaseEstimator):
    """Parameters and the fit of a ridge regression on targets that are columns of numbers."""

    def __init__(
        self,
        *,
        alpha: Any,
        fit_intercept: bool,
        copy_X: bool,
        max_iter: int | None,
        tol: float,
        solver: str,
        positive: bool,
        random_state: Any,
        penalty_factor: Any,
        bounds: Any,
        standardize: bool,
        coef_prior: Any,
    ) -> None:
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.copy_X = copy_X
        self.max_iter = max_iter
        self.tol = tol
        self.solver = solver
        self.positive = positive
        self.random_state = random_state
        self.penalty_factor = penalty_factor
        self.bounds = bounds
        self.standardize = standardize
        self.coef_prior = coef_prior

    def _fit_targets(self, samples: Samples, total: float, columns: list[Any] | None) -> None:
        """Solve and set the fitted attributes; ``total`` is the sum of the weights as they were given."""
        caller = type(self).__name__
        n_targets, n_features = samples.targets.shape[1], samples.X.shape[1]
        name = ridge_solver_name(
            self.solver,
            is_bounded=bool(self.positive) or self.bounds is not None,
            is_sparse=sparse.issparse(samples.X),
            fit_intercept=bool(self.fit_intercept),
        )
        alphas = check_target_alphas(caller, self.alpha, n_targets)
        penalty = make_penalty(
            caller,
            n_features,
            l1_ratio=0.0,
            penalty_factor=self.penalty_factor,
            bounds=self.bounds,
            positive=self.positive,
            columns=columns,
        )
        prior = check_coef_prior(caller, self.coef_prior, n_targets, penalty, columns)
        design = make_design(
            samples.X,
            sample_weight=samples.sample_weight,
            fit_intercept=bool(self.fit_intercept),
            standardize=bool(self.standardize),
        )
        engine = ridge_solver(
            design,
            samples,
            penalty,
            alphas=alphas,
            prior=prior,
            solver=self.solver,
            tol=self.tol,
            max_iter=self.max_iter,
        )
        result = engine.path(alphas[np.newaxis] / total)
        coefs, intercepts = finite_solution(result, samples)
        gaps = 2.0 * total * result.dual_gaps[0]
        one = n_targets == 1
        fitted: dict[str, Any] = {"coef_": coefs[0, 0] if one else coefs[0], "intercept_": 0.0}
        if self.fit_intercept:  # an array for a 2D y of one column, as in scikit-learn
            fitted["intercept_"] = intercepts[0, 0] if samples.y.ndim == 1 else intercepts[0]
        fitted["n_iter_"] = reported_iterations(result, name)
        fitted["solver_"] = "svd" if name == "cholesky" and result.method == "svd" else name
        fitted["dual_gap_"] = gaps[0] if one else gaps
        fitted["converged_"] = bool(result.converged[0, 0]) if one else result.converged[0]
        self.__dict__.update(fitted)
        warn_ridge_not_converged(result, total, name, stacklevel=4)

    def __sklearn_tags__(self) -> Any:
        """Tags: sparse X is accepted by the solvers that take it in scikit-learn."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = self.solver != "svd" and (self.solver != "cholesky" or not self.fit_intercept)
        return tags


class Ridge(LinearPredictor, MultiOutputMixin, RegressorMixin, RidgeModel):
    """Linear regression with an L2 penalty.

    For each target the model minimises, over the coefficients ``w`` and the unpenalised intercept ``b``,

    .. code-block:: text

        sum_i s_i (y_i - b - x_i'w)^2 + alpha sum_j factor_j (w_j - prior_j)^2
        subject to  lower_j <= w_j <= upper_j

    with the weights ``s_i`` of ``sample_weight``, or 1, which for a factor of 1, a prior of 0 and no bounds is
    scikit-learn's objective. It is a sum and no mean: twice as many rows halve the effect of ``alpha``, other than in
    :class:`ElasticNet`. Signature, attributes and errors are those of :class:`sklearn.linear_model.Ridge`;
    ``penalty_factor``, ``bounds``, ``standardize``, ``coef_prior``, ``dual_gap_`` and ``converged_`` are added.

    Parameters
    ----------
    alpha : float or array-like of shape (n_targets,), default=1.0
        Strength of the penalty, at least 0; one for all targets or one for each. ``alpha=0`` is least squares, of the
        smallest norm (in the units of the penalty) where it is not unique.
    fit_intercept : bool, default=True
        Whether to fit an intercept. X is centred implicitly and stays as it is. If False, the data are taken
        as they are.
    copy_X : bool, default=True
        Has no effect: X is never modified.
    max_iter : int, default=None
        Largest number of iterations of what iterates; None lets the solver decide.
    tol : float, default=1e-4
        What iterates stops when the duality gap is at most ``tol`` times the weighted sum of the squared ``y``
        (centred if there is an intercept). Without effect on factorisations.
    solver : {'auto', 'svd', 'cholesky', 'lsqr', 'sparse_cg', 'sag', 'saga', 'lbfgs'}, default='auto'
        What computes the coefficients, which are the same for all up to rounding and ``tol``. Which names sparse X
        allows, with and without an intercept, is as in scikit-learn.

        - 'auto' and 'cholesky' factorise the Gram matrix of the columns or of the rows, whichever is smaller, in
          float64; where it is singular or so ill-conditioned that digits are lost, X itself is decomposed. For large
          sparse X 'auto' iterates.
        - 'svd' decomposes X. Not for sparse X.
        - 'sparse_cg', 'lsqr', 'sag' and 'saga' are conjugate gradients, which read X only in products. Dense X with at
          most 256 rows or columns is factorised all the same, unless ``max_iter`` is given: that is exact, takes less
          time where X is ill-conditioned and little more where it is not.
        - 'lbfgs' and 'auto' solve models with ``positive=True`` or ``bounds`` exactly, by coordinate descent
          and Newton steps.
    positive : bool, default=False
        Whether to force the coefficients to be non-negative. Combines with ``bounds``.
    random_state : int, RandomState instance or None, default=None
        Has no effect: no solver draws random numbers.
    penalty_factor : array-like of shape (n_features,) or dict, default=None
        Factor of each feature's penalty. 0 leaves a feature unpenalised, inf excludes it. A dict maps names
        of the columns of a data frame to factors; the other columns get 1. Factors are used as they are, not
        rescaled to a mean of 1.
    bounds : tuple (lower, upper) or dict, default=None
        Bounds of the coefficients, of any sign; each of the two is a number, an array of shape (n_features,)
        or None for no bound. A dict maps names of the columns of a data frame to pairs (lower, upper).
    standardize : bool, default=False
        Whether to penalise the coefficients of the columns divided by their (weighted) standard deviations, that
        is, each ``w_j - prior_j`` times that of column j (1 for a constant column, which only matters without an
        intercept). ``coef_``, ``bounds``, ``coef_prior`` and predictions are in
        the original units. X stays as it is.
    coef_prior : array-like of shape (n_features,) or (n_targets, n_features), or dict, default=None
        What the coefficients are shrunk towards instead of 0, such as the coefficients of an earlier model. A dict
        maps names of the columns of a data frame to values; the other columns get 0. Must be 0 where
        ``penalty_factor`` is inf.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,) or (n_targets, n_features)
        Coefficients, in the dtype of X (float64 unless X is float32). One-dimensional for one target.
    intercept_ : float or ndarray of shape (n_targets,)
        Intercept; 0.0 without one.
    n_iter_ : None or ndarray of shape (n_targets,)
        Iterations for the solvers 'lsqr', 'sag' and 'saga', as in scikit-learn (1 if X was factorised); otherwise
        None.
    solver_ : str
        The solver under scikit-learn's name: what 'auto' stands for, and 'svd' where 'cholesky' met a singular
        matrix.
    dual_gap_ : float or ndarray of shape (n_targets,)
        Duality gap that was reached, in units of the objective: an upper bound of how far the objective is
        above its minimum.
    converged_ : bool or ndarray of shape (n_targets,)
        Whether ``dual_gap_`` is as small as ``tol`` asks.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, if X has string column names.

    See Also
    --------
    RidgeClassifier : Classification by ridge regression.
    ridge_path : The same problem for many values of alpha.
    ElasticNet : L1 and L2 penalty.

    Examples
    --------
    >>> import numpy as np
    >>> from regularize import Ridge
    >>> X = np.array([[0.0, 1.0], [1.0, 0.0], [2.0, 1.0], [3.0, 0.0]])
    >>> y = np.array([0.0, 1.0, 2.0, 3.0])
    >>> print(Ridge(alpha=1.0).fit(X, y).coef_.round(4))
    [ 0.8182 -0.0909]
    >>> print(Ridge(alpha=1.0, coef_prior=[1.0, 0.0]).fit(X, y).coef_.round(4))
    [1. 0.]
    """

    def __init__(
        self,
        alpha: Any = 1.0,
        *,
        fit_intercept: bool = True,
        copy_X: bool = True,
        max_iter: int | None = None,
        tol: float = 1e-4,
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

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Ridge:
        """Fit the model.

        Parameters
        ----------
        X : {array-like, sparse matrix, sparse array} of shape (n_samples, n_features)
            Training data. float32 and float64 arrays of any memory order (read-only and memory-mapped ones too)
            and CSC matrices with 32- or 64-bit indices are used as they are; other sparse formats are converted to
            CSC, everything else to float64. X is never modified.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Targets. Several targets are independent problems that share the factorisation.
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
        >>> from regularize import Ridge
        >>> Ridge(alpha=1.0).fit([[0.0], [1.0], [2.0]], [0.0, 1.0, 2.0]).coef_.round(4)
        array([0.6667])
        """
        with unchanged_on_failure(self):
            check_parameters(type(self).__name__, vars(self), RIDGE_CONSTRAINTS)
            columns = column_names(X)
            samples = check_fit_data(self, X, y, sample_weight, min_samples=1)
            self._fit_targets(samples, total_weight(samples, sample_weight), columns)
        return self
