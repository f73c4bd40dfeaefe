"""Ridge regression as functions: one alpha per target, or all coefficients along a grid of alphas.

Design notes
------------
a. As in scikit-learn the objective is a *sum* of squares, so that the weights of the rows are counts. Below this
   layer weights sum to one: an alpha there is the user's over the sum of the weights, and a gap is the user's over
   twice that sum.
b. The engine is silent. What it says about convergence becomes one warning per call (:mod:`.ridge_answers`).
"""

from __future__ import annotations

from collections.abc import Iterable
from numbers import Integral
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from regularize.design import Design, make_design
from regularize.ridge_answers import (
    finite_solution,
    reported_iterations,
    ridge_grid,
    ridge_solver,
    warn_ridge_not_converged,
)
from regularize.selection import generalised_errors
from regularize.solvers.ridge import RidgeResult, RidgeSolver
from regularize.validation import (
    RIDGE_PATH_CONSTRAINTS,
    RIDGE_REGRESSION_CONSTRAINTS,
    Samples,
    check_alphas,
    check_coef_prior,
    check_diagnostics,
    check_parameters,
    check_path_data,
    check_target_alphas,
    column_names,
    make_penalty,
    ridge_solver_name,
    total_weight,
)

Floats = NDArray[np.float64]


class RidgeDiagnostics(NamedTuple):
    """What :func:`ridge_path` knows of each alpha besides the coefficients.

    Arrays have shape (n_alphas,), or (n_targets, n_alphas) if y is two-dimensional. What was not asked for is None.

    Attributes
    ----------
    intercepts : ndarray
        Intercepts, 0 without one.
    converged : ndarray of bool
        Whether the duality gap is as small as ``tol`` asks.
    n_iters : ndarray of int
        Iterations, 0 where a factorisation gave the answer.
    mean_squared_errors : ndarray
        Weighted means of the squared residuals on the data.
    df : ndarray of shape (n_alphas,) or None
        Effective degrees of freedom: the trace of the matrix that maps y to its fit, with the intercept.
    gcv_errors : ndarray or None
        Generalised cross-validation, ``mean_squared_errors / (1 - df / n)^2`` where ``n`` is the sum of the
        weights (the number of rows without them); inf where ``df``
        is ``n`` up to rounding, or above.
    loo_errors : ndarray or None
        Weighted means of the squared errors of leave-one-out cross-validation: each row is predicted by the model
        of the other rows. A row with a weight is left out as a whole; the standard deviations of ``standardize=True``
        remain those of all rows.

    Examples
    --------
    >>> from regularize import ridge_path
    >>> X, y = [[0.0], [1.0], [2.0], [3.0]], [0.0, 1.5, 1.5, 3.0]
    >>> *_, found = ridge_path(X, y, [1.0, 0.1], fit_intercept=True, return_diagnostics="df")
    >>> print(found.df.round(3), found.loo_errors)
    [1.833 1.98 ] None
    """

    intercepts: Floats
    converged: NDArray[np.bool_]
    n_iters: NDArray[np.intp]
    mean_squared_errors: Floats
    df: Floats | None = None
    gcv_errors: Floats | None = None
    loo_errors: Floats | None = None


def ridge_regression(
    X: Any,
    y: Any,
    alpha: Any,
    *,
    sample_weight: Any = None,
    solver: str = "auto",
    max_iter: int | None = None,
    tol: float = 1e-4,
    verbose: bool | int = 0,
    positive: bool = False,
    random_state: Any = None,
    return_n_iter: bool = False,
    return_intercept: bool = False,
    check_input: bool = True,
) -> Any:
    """Solve the ridge equations.

    For each target the coefficients ``w`` minimise

    .. code-block:: text

        sum_i s_i (y_i - x_i'w)^2 + alpha sum_j w_j^2

    with the weights ``s_i`` of ``sample_weight``, or 1. Signature and answer are those of
    :func:`sklearn.linear_model.ridge_regression`; :class:`Ridge` has more options.

    Parameters
    ----------
    X : {array-like, sparse matrix, sparse array} of shape (n_samples, n_features)
        Data; see :meth:`Ridge.fit`. Never modified.
    y : array-like of shape (n_samples,) or (n_samples, n_targets)
        Targets.
    alpha : float or array-like of shape (n_targets,)
        Strength of the penalty, at least 0; one for all targets or one for each.
    sample_weight : float or array-like of shape (n_samples,), default=None
        Non-negative weights of the rows, not rescaled: a weight of 2 is the row twice.
    solver : {'auto', 'svd', 'cholesky', 'lsqr', 'sparse_cg', 'sag', 'saga', 'lbfgs'}, default='auto'
        What computes the answer, which is the same for all; see :class:`Ridge`.
    max_iter : int, default=None
        Largest number of iterations of what iterates; None lets the solver decide.
    tol : float, default=1e-4
        Precision of what iterates; see :class:`Ridge`.
    verbose : bool or int, default=0
        Has no effect.
    positive : bool, default=False
        Whether to force the coefficients to be non-negative.
    random_state : int, RandomState instance or None, default=None
        Has no effect: no solver draws random numbers.
    return_n_iter : bool, default=False
        Whether to return the numbers of iterations.
    return_intercept : bool, default=False
        Whether to fit an intercept and return it. As in scikit-learn only for the solvers 'auto' and 'sag'.
    check_input : bool, default=True
        False skips the checks of X and y.

    Returns
    -------
    coef : ndarray of shape (n_features,) or (n_targets, n_features)
        Coefficients, in the dtype of X (float64 unless X is float32). One-dimensional for one target.
    n_iter : None or ndarray of shape (n_targets,)
        Iterations for the solvers 'lsqr', 'sag' and 'saga' (1 if X was factorised), otherwise None; only if
        ``return_n_iter=True``.
    intercept : float or ndarray of shape (n_targets,)
        Intercepts; only if ``return_intercept=True``.

    Raises
    ------
    ValueError
        If an argument is invalid; the message names it. Nothing is computed then.

    Warns
    -----
    ConvergenceWarning
        If an iterative solver did not reach the gap that ``tol`` asks for.

    See Also
    --------
    Ridge : The estimator.
    ridge_path : The same problem for many values of alpha.

    Examples
    --------
    >>> from regularize import ridge_regression
    >>> X, y = [[1.0, 0.0], [0.0, 2.0], [1.0, 1.0]], [1.0, 2.0, 2.0]
    >>> print(ridge_regression(X, y, alpha=1.0).round(4))
    [0.7059 0.8824]
    """
    caller = "ridge_regression"
    check_parameters(caller, locals(), RIDGE_REGRESSION_CONSTRAINTS)
    if positive and solver not in ("auto", "lbfgs"):
        raise ValueError(
            "When positive=True, only 'lbfgs' solver can be used. Please change solver"
            f" {solver} to 'lbfgs' or set positive=False."
        )
    if return_intercept and (positive or solver not in ("auto", "sag")):
        raise ValueError(
            "In Ridge, only 'sag' solver can directly fit the intercept. Please change solver to 'sag' or set"
            " return_intercept=False."
        )
    samples = check_path_data(caller, X, y, sample_weight, check_input, min_samples=1)
    n_targets, total = samples.targets.shape[1], total_weight(samples, sample_weight)
    alphas = check_target_alphas(caller, alpha, n_targets)
    is_sparse = sparse.issparse(samples.X)
    name = ridge_solver_name(solver, is_bounded=positive, is_sparse=is_sparse, fit_intercept=False)
    penalty = make_penalty(caller, samples.X.shape[1], l1_ratio=0.0, positive=positive)
    design = make_design(samples.X, sample_weight=samples.sample_weight, fit_intercept=return_intercept)
    engine = ridge_solver(design, samples, penalty, solver=solver, tol=tol, max_iter=max_iter, alphas=alphas)
    result = engine.path(alphas[np.newaxis] / total)
    coefs, intercepts = finite_solution(result, samples)
    warn_ridge_not_converged(result, total, name, stacklevel=3)
    one = n_targets == 1
    answer = [coefs[0, 0] if one else coefs[0]]
    if return_n_iter:
        answer.append(reported_iterations(result, "sag" if return_intercept else name))
    if return_intercept:
        answer.append(intercepts[0, 0] if one else intercepts[0])
    return tuple(answer) if len(answer) > 1 else answer[0]


def ridge_path(
    X: Any,
    y: Any,
    alphas: Any = 100,
    *,
    eps: float = 1e-8,
    fit_intercept: bool = False,
    sample_weight: Any = None,
    penalty_factor: Any = None,
    positive: bool = False,
    bounds: Any = None,
    standardize: bool = False,
    coef_prior: Any = None,
    tol: float = 1e-4,
    max_iter: int | None = None,
    check_input: bool = True,
    return_diagnostics: bool | str | Iterable[str] = False,
) -> tuple[Any, ...]:
    """Compute the coefficients of ridge regression for many values of alpha, from one factorisation.

    For each target and each alpha the path minimises over ``w`` (and over the intercept ``b`` if
    ``fit_intercept=True``)

    .. code-block:: text

        sum_i s_i (y_i - b - x_i'w)^2 + alpha sum_j factor_j (w_j - prior_j)^2,   lower_j <= w_j <= upper_j

    with the weights ``s_i`` of ``sample_weight``, or 1: the objective of :class:`Ridge`.

    Parameters
    ----------
    X : {array-like, sparse matrix, sparse array} of shape (n_samples, n_features)
        Data; see :meth:`Ridge.fit`. Never modified.
    y : array-like of shape (n_samples,) or (n_samples, n_targets)
        Targets. Several targets are independent problems that share the factorisation.
    alphas : int or array-like, default=100
        The alphas, which are sorted from large to small, or the number of alphas of a geometric grid. The grid
        starts at ``100 trace(X'SX)`` (of the centred columns, in the units of the penalty), where no coefficient
        keeps more than 1 % of its unpenalised size.
    eps : float, default=1e-8
        Smallest alpha of the grid as a fraction of the largest.
    fit_intercept : bool, default=False
        Whether to fit an intercept: X and y are centred implicitly. The default is False, as in
        :func:`lasso_path`.
    sample_weight : float or array-like of shape (n_samples,), default=None
        Non-negative weights of the rows, not rescaled: a weight of 2 is the row twice.
    penalty_factor : array-like of shape (n_features,) or dict, default=None
        Factor of each feature's penalty; see :class:`Ridge`.
    positive : bool, default=False
        Whether to force the coefficients to be non-negative.
    bounds : tuple (lower, upper) or dict, default=None
        Bounds of the coefficients; see :class:`Ridge`. With bounds each alpha is solved by itself.
    standardize : bool, default=False
        Whether to penalise the coefficients of standardised columns; see :class:`Ridge`.
    coef_prior : array-like of shape (n_features,) or (n_targets, n_features), or dict, default=None
        What the coefficients are shrunk towards; see :class:`Ridge`.
    tol : float, default=1e-4
        Precision of what iterates (bounds, and large sparse X); see :class:`Ridge`.
    max_iter : int, default=None
        Largest number of iterations of what iterates; None lets the solver decide.
    check_input : bool, default=True
        False skips the checks of X and y.
    return_diagnostics : bool, str or iterable of str, default=False
        Whether to return a :class:`RidgeDiagnostics`, and what of 'df', 'gcv' and 'loo' it is to hold; True is all
        that the model has. The formulas of all three do not hold within bounds: there True leaves them None, and
        asking for one by name is an error.

    Returns
    -------
    alphas : ndarray of shape (n_alphas,)
        Alphas, from large to small.
    coefs : ndarray of shape (n_features, n_alphas) or (n_targets, n_features, n_alphas)
        Coefficients, in the dtype of X; three-dimensional for two-dimensional y.
    dual_gaps : ndarray of shape (n_alphas,) or (n_targets, n_alphas)
        Duality gaps that were reached, in units of the objective.
    diagnostics : RidgeDiagnostics
        Intercepts, errors and degrees of freedom; only if ``return_diagnostics`` is not False.

    Raises
    ------
    ValueError
        If an argument is invalid; the message names it. Nothing is computed then.

    Warns
    -----
    ConvergenceWarning
        If some alphas did not reach the gap that ``tol`` asks for; one warning that names them.

    See Also
    --------
    Ridge : One alpha, or one per target.
    RegularizationPathDisplay : Plot of a path.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from regularize import ridge_path
    >>> X, y = load_diabetes(return_X_y=True)
    >>> alphas, coefs, _, found = ridge_path(X, y, [10, 1, 0.1], fit_intercept=True, return_diagnostics=True)
    >>> coefs.shape
    (10, 3)
    >>> print(found.df.round(2))
    [1.83 4.94 8.64]
    >>> print(alphas[found.loo_errors.argmin()])
    0.1
    """
    caller = "ridge_path"
    check_parameters(caller, locals(), RIDGE_PATH_CONSTRAINTS)
    wanted = check_diagnostics(return_diagnostics, is_bounded=bool(positive) or bounds is not None)
    given = None if isinstance(alphas, Integral) else check_alphas(caller, alphas)
    columns = column_names(X)
    samples = check_path_data(caller, X, y, sample_weight, check_input, min_samples=1)
    n_targets, total = samples.targets.shape[1], total_weight(samples, sample_weight)
    penalty = make_penalty(
        caller,
        samples.X.shape[1],
        l1_ratio=0.0,
        penalty_factor=penalty_factor,
        bounds=bounds,
        positive=positive,
        columns=columns,
    )
    prior = check_coef_prior(caller, coef_prior, n_targets, penalty, columns)
    design = make_design(
        samples.X,
        sample_weight=samples.sample_weight,
        fit_intercept=bool(fit_intercept),
        standardize=bool(standardize),
    )
    grid = ridge_grid(design, penalty, total, int(alphas), eps) if given is None else given
    engine = ridge_solver(design, samples, penalty, prior=prior, tol=tol, max_iter=max_iter, alphas=grid)
    result = engine.path(np.repeat(grid[:, np.newaxis] / total, n_targets, axis=1))
    coefs, intercepts = finite_solution(result, samples)
    warn_ridge_not_converged(result, total, stacklevel=3)
    one = samples.y.ndim == 1
    gaps = 2.0 * total * result.dual_gaps
    answer = (grid, coefs[:, 0].T if one else coefs.transpose(1, 2, 0), _of_targets(gaps, one))
    if return_diagnostics is False:
        return answer
    return (*answer, _diagnostics(engine, samples, design, result, grid / total, total, wanted))


def _diagnostics(
    engine: RidgeSolver,
    samples: Samples,
    design: Design,
    result: RidgeResult,
    alphas: Floats,
    total: float,
    wanted: frozenset[str],
) -> RidgeDiagnostics:
    """What is wanted of a path at alphas (k,) in the units of the engine."""
    one = samples.y.ndim == 1
    df = engine.effective_df(alphas) if wanted & {"df", "gcv"} else None
    gcv = generalised_errors(result.squared_errors.T, df / total).T if df is not None and "gcv" in wanted else None
    loo = None
    if "loo" in wanted:
        loo = np.empty(result.alphas.shape)
        for chosen, errors in engine.leave_one_out(alphas):
            loo[chosen] = np.square(errors, out=errors) @ design.weights
    return RidgeDiagnostics(
        intercepts=_of_targets(result.intercepts, one),
        converged=_of_targets(result.converged, one),
        n_iters=_of_targets(result.n_iters, one),
        mean_squared_errors=_of_targets(result.squared_errors, one),
        df=df if "df" in wanted else None,
        gcv_errors=None if gcv is None else _of_targets(gcv, one),
        loo_errors=None if loo is None else _of_targets(loo, one),
    )


def _of_targets(values: NDArray[Any], one: bool) -> NDArray[Any]:
    """(k, t) as (k,) for one-dimensional y, else as (t, k)."""
    return values[:, 0] if one else values.T
