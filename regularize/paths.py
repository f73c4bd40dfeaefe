"""Regularisation paths: functions with scikit-learn's contract.

Design notes
------------
a. The public functions only collect what they were asked into a :class:`PathRequest`; one function
   answers it.
b. A path that Ctrl-C ends early returns what is finished, with a warning that says how much that is.
c. Engine and kernels are silent: the warnings about convergence are written here, once per call.
d. One column of y is one target, whatever its shape: the norm of one number is its absolute value. Only several
   columns are a problem of their own.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from regularize.design import make_design
from regularize.design.design import OVERFLOW
from regularize.grids import geometric_grid, no_grid_error
from regularize.solvers import PathPoint, PathResult, squared_loss_path
from regularize.validation import (
    PATH_CONSTRAINTS,
    ConvergenceWarning,
    Samples,
    check_alphas,
    check_coef_init,
    check_gram,
    check_parameters,
    check_path_data,
    column_names,
    is_matrix,
)
from regularize.validation.multi_task import path_problem

__all__ = [
    "PathRequest",
    "answered",
    "enet_path",
    "lasso_path",
    "listed",
    "refuse_non_finite",
    "reporter",
    "warn_not_converged",
]

Floats = NDArray[np.float64]

# What the path functions take as **params, with the defaults.
SOLVER_OPTIONS: dict[str, Any] = {
    "tol": 1e-4,
    "max_iter": 1000,
    "random_state": None,
    "selection": "cyclic",
    "X_offset": None,
    "X_scale": None,
    "do_screening": True,
    "check_input": True,
}


@dataclass(frozen=True)
class PathRequest:
    """What a path function was asked: its arguments other than X and y, under their own names."""

    caller: str
    l1_ratio: float
    eps: float
    alphas: Any
    precompute: Any
    Xy: Any
    copy_X: bool
    coef_init: Any
    verbose: bool | int
    return_n_iter: bool
    positive: bool
    fit_intercept: bool
    sample_weight: Any
    penalty_factor: Any
    bounds: Any
    standardize: bool
    params: dict[str, Any]


def lasso_path(
    X: Any,
    y: Any,
    *,
    eps: float = 1e-3,
    n_alphas: Any = "deprecated",
    alphas: Any = "warn",
    precompute: Any = "auto",
    Xy: Any = None,
    copy_X: bool = True,
    coef_init: Any = None,
    verbose: bool | int = False,
    return_n_iter: bool = False,
    positive: bool = False,
    fit_intercept: bool = False,
    sample_weight: Any = None,
    penalty_factor: Any = None,
    bounds: Any = None,
    standardize: bool = False,
    **params: Any,
) -> tuple[Any, ...]:
    """Compute the coefficients of the Lasso for many values of alpha.

    With weights ``s_i`` that sum to 1 (``1 / n_samples`` without ``sample_weight``), for each alpha the path
    minimises over ``w`` (and over the intercept ``b`` if ``fit_intercept=True``)

    .. code-block:: text

        1/2 sum_i s_i (y_i - b - x_i'w)^2 + alpha sum_j factor_j |w_j|,   lower_j <= w_j <= upper_j

    Several targets share their features, as in :class:`MultiTaskLasso`: ``y_i``, ``b`` and ``w_j`` are vectors of
    length n_targets, squares and ``|w_j|`` are those of Euclidean norms.

    Parameters
    ----------
    X : {array-like, sparse matrix, sparse array} of shape (n_samples, n_features)
        Data, at least two rows; see :meth:`Lasso.fit`. Never modified.
    y : array-like of shape (n_samples,) or (n_samples, n_targets)
        Target, or several that are fitted together.
    eps : float, default=1e-3
        Smallest alpha of the automatic grid as a fraction of the largest.
    n_alphas : int, default='deprecated'
        Number of alphas. Deprecated in scikit-learn 1.9, to be removed in 1.11; use ``alphas``.
    alphas : int or array-like, default=100
        Number of alphas of the automatic grid (see :func:`alpha_grid`), or the alphas themselves; they are
        sorted from large to small. None means 100 and is deprecated.
    precompute : 'auto', bool or array-like of shape (n_features, n_features), default='auto'
        True computes the full Gram matrix, 'auto' and False let the solver decide; an array is taken as the
        Gram matrix, see :class:`Lasso`.
    Xy : array-like of shape (n_features,) or (n_features, n_targets), default=None
        Accepted for compatibility; ``X'y`` is always computed from X and y.
    copy_X : bool, default=True
        Has no effect: X is never modified.
    coef_init : array-like of shape (n_features,) or (n_targets, n_features), default=None
        Start of the first alpha.
    verbose : bool or int, default=False
        1 prints a dot per alpha to stderr, 2 the number of the alpha, 3 also its gap and iterations.
    return_n_iter : bool, default=False
        Whether to return the numbers of iterations.
    positive : bool, default=False
        Whether to force the coefficients to be non-negative; only for one-dimensional y.
    fit_intercept : bool, default=False
        Whether to fit an intercept: X and y are centred implicitly. As in scikit-learn the default is False.
        The intercepts are ``mean(y) - mean(X, axis=0) @ coefs`` (weighted means).
    sample_weight : float or array-like of shape (n_samples,), default=None
        Non-negative weights; only their proportions matter.
    penalty_factor : array-like of shape (n_features,) or dict, default=None
        Factor of each feature's penalty, not rescaled; see :class:`Lasso`.
    bounds : tuple (lower, upper) or dict, default=None
        Bounds of the coefficients; see :class:`Lasso`. Not for several targets.
    standardize : bool, default=False
        Whether to penalise the coefficients of standardised columns; see :class:`Lasso`.
    **params : dict
        ``tol`` (1e-4) and ``max_iter`` (1000, per alpha) as in :class:`Lasso`. ``random_state``,
        ``selection`` and ``do_screening`` have no effect on the answer. ``X_offset`` with sparse X means, as
        in scikit-learn, that the columns are to be centred; the means are taken from X itself, and
        ``X_scale`` is ignored, as both are for dense X. ``check_input=False`` skips the checks of X and y.

    Returns
    -------
    alphas : ndarray of shape (n_alphas,)
        Alphas, from large to small. Fewer than asked for if Ctrl-C ended the path.
    coefs : ndarray of shape (n_features, n_alphas) or (n_targets, n_features, n_alphas)
        Coefficients, in the dtype of X; three-dimensional for two-dimensional y.
    dual_gaps : ndarray of shape (n_alphas,)
        Duality gaps that were reached, in units of the objective.
    n_iters : list of int
        Iterations per alpha, 0 for those that were interpolated; only if ``return_n_iter=True``.

    Raises
    ------
    ValueError
        If an argument is invalid; the message names it. Nothing is computed then.

    Warns
    -----
    ConvergenceWarning
        If some alphas did not reach the gap that ``tol`` asks for (one warning that names them), or if
        Ctrl-C ended the path early.

    See Also
    --------
    enet_path : L1 and L2 penalty.
    RegularizationPathDisplay : Plot of a path.

    Notes
    -----
    The path is solved at as many alphas as ``tol`` asks for. Those between are interpolated where the duality gap of
    the result is within the tolerance, too; coefficients are then not zero if they are not at either neighbour. With
    ``tol`` at 1e-10 or below every alpha is solved.

    Examples
    --------
    >>> import numpy as np
    >>> from regularize import lasso_path
    >>> X = np.array([[1, 2, 3.1], [2.3, 5.4, 4.3]]).T
    >>> y = np.array([1, 2, 3.1])
    >>> alphas, coefs, dual_gaps = lasso_path(X, y, alphas=[5.0, 1.0, 0.5], tol=1e-10)
    >>> print(coefs.round(4) + 0.0)
    [[0.     0.     0.4692]
     [0.2159 0.4426 0.2367]]
    """
    return _path(
        X,
        y,
        PathRequest(
            caller="lasso_path",
            l1_ratio=1.0,
            eps=eps,
            alphas=_resolve_alphas(n_alphas, alphas),
            precompute=precompute,
            Xy=Xy,
            copy_X=copy_X,
            coef_init=coef_init,
            verbose=verbose,
            return_n_iter=return_n_iter,
            positive=positive,
            fit_intercept=fit_intercept,
            sample_weight=sample_weight,
            penalty_factor=penalty_factor,
            bounds=bounds,
            standardize=standardize,
            params=params,
        ),
    )


def enet_path(
    X: Any,
    y: Any,
    *,
    l1_ratio: float = 0.5,
    eps: float = 1e-3,
    n_alphas: Any = "deprecated",
    alphas: Any = "warn",
    precompute: Any = "auto",
    Xy: Any = None,
    copy_X: bool = True,
    coef_init: Any = None,
    verbose: bool | int = False,
    return_n_iter: bool = False,
    positive: bool = False,
    check_input: bool = True,
    fit_intercept: bool = False,
    sample_weight: Any = None,
    penalty_factor: Any = None,
    bounds: Any = None,
    standardize: bool = False,
    **params: Any,
) -> tuple[Any, ...]:
    """Compute the coefficients of the elastic net for many values of alpha.

    With weights ``s_i`` that sum to 1 (``1 / n_samples`` without ``sample_weight``), for each alpha the path
    minimises over ``w`` (and over the intercept ``b`` if ``fit_intercept=True``)

    .. code-block:: text

        1/2 sum_i s_i (y_i - b - x_i'w)^2
          + alpha sum_j factor_j (l1_ratio |w_j| + (1 - l1_ratio)/2 w_j^2),   lower_j <= w_j <= upper_j

    Several targets share their features, as in :class:`MultiTaskElasticNet`: ``y_i``, ``b`` and ``w_j`` are vectors of
    length n_targets, squares and ``|w_j|`` are those of Euclidean norms.

    Parameters
    ----------
    X : {array-like, sparse matrix, sparse array} of shape (n_samples, n_features)
        Data, at least two rows; see :meth:`ElasticNet.fit`. Never modified.
    y : array-like of shape (n_samples,) or (n_samples, n_targets)
        Target, or several that are fitted together.
    l1_ratio : float, default=0.5
        Share of the L1 penalty, from 0 (only L2; needs explicit ``alphas``) to 1 (the Lasso).
    eps : float, default=1e-3
        Smallest alpha of the automatic grid as a fraction of the largest.
    n_alphas : int, default='deprecated'
        Number of alphas. Deprecated in scikit-learn 1.9, to be removed in 1.11; use ``alphas``.
    alphas : int or array-like, default=100
        Number of alphas of the automatic grid (see :func:`alpha_grid`), or the alphas themselves; they are
        sorted from large to small. None means 100 and is deprecated.
    precompute : 'auto', bool or array-like of shape (n_features, n_features), default='auto'
        True computes the full Gram matrix, 'auto' and False let the solver decide; an array is taken as the
        Gram matrix, see :class:`ElasticNet`.
    Xy : array-like of shape (n_features,) or (n_features, n_targets), default=None
        Accepted for compatibility; ``X'y`` is always computed from X and y.
    copy_X : bool, default=True
        Has no effect: X is never modified.
    coef_init : array-like of shape (n_features,) or (n_targets, n_features), default=None
        Start of the first alpha.
    verbose : bool or int, default=False
        1 prints a dot per alpha to stderr, 2 the number of the alpha, 3 also its gap and iterations.
    return_n_iter : bool, default=False
        Whether to return the numbers of iterations.
    positive : bool, default=False
        Whether to force the coefficients to be non-negative; only for one-dimensional y.
    check_input : bool, default=True
        False skips the checks of X, y and the Gram matrix.
    fit_intercept : bool, default=False
        Whether to fit an intercept: X and y are centred implicitly. As in scikit-learn the default is False.
        The intercepts are ``mean(y) - mean(X, axis=0) @ coefs`` (weighted means).
    sample_weight : float or array-like of shape (n_samples,), default=None
        Non-negative weights; only their proportions matter.
    penalty_factor : array-like of shape (n_features,) or dict, default=None
        Factor of each feature's penalty, not rescaled; see :class:`ElasticNet`.
    bounds : tuple (lower, upper) or dict, default=None
        Bounds of the coefficients; see :class:`ElasticNet`. Not for several targets.
    standardize : bool, default=False
        Whether to penalise the coefficients of standardised columns; see :class:`ElasticNet`.
    **params : dict
        ``tol``, ``max_iter``, ``random_state``, ``selection``, ``do_screening``, ``X_offset`` and
        ``X_scale``; see :func:`lasso_path`.

    Returns
    -------
    alphas : ndarray of shape (n_alphas,)
        Alphas, from large to small. Fewer than asked for if Ctrl-C ended the path.
    coefs : ndarray of shape (n_features, n_alphas) or (n_targets, n_features, n_alphas)
        Coefficients, in the dtype of X; three-dimensional for two-dimensional y.
    dual_gaps : ndarray of shape (n_alphas,)
        Duality gaps that were reached, in units of the objective.
    n_iters : list of int
        Iterations per alpha, 0 for those that were interpolated; only if ``return_n_iter=True``.

    Raises
    ------
    ValueError
        If an argument is invalid; the message names it. Nothing is computed then.

    Warns
    -----
    ConvergenceWarning
        If some alphas did not reach the gap that ``tol`` asks for (one warning that names them), or if
        Ctrl-C ended the path early.

    See Also
    --------
    lasso_path : Only the L1 penalty.
    alpha_grid : The automatic grid of alphas.

    Notes
    -----
    The path is solved at as many alphas as ``tol`` asks for. Those between are interpolated where the duality gap of
    the result is within the tolerance, too; coefficients are then not zero if they are not at either neighbour. With
    ``tol`` at 1e-10 or below every alpha is solved.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from regularize import enet_path
    >>> X, y = load_diabetes(return_X_y=True)
    >>> alphas, coefs, dual_gaps = enet_path(X, y, l1_ratio=0.9, alphas=5, fit_intercept=True)
    >>> coefs.shape
    (10, 5)
    >>> (coefs != 0).sum(axis=0)[0]
    np.int64(0)
    """
    return _path(
        X,
        y,
        PathRequest(
            caller="enet_path",
            l1_ratio=l1_ratio,
            eps=eps,
            alphas=_resolve_alphas(n_alphas, alphas),
            precompute=precompute,
            Xy=Xy,
            copy_X=copy_X,
            coef_init=coef_init,
            verbose=verbose,
            return_n_iter=return_n_iter,
            positive=positive,
            fit_intercept=fit_intercept,
            sample_weight=sample_weight,
            penalty_factor=penalty_factor,
            bounds=bounds,
            standardize=standardize,
            params={**params, "check_input": check_input},
        ),
    )


def _path(X: Any, y: Any, request: PathRequest) -> tuple[Any, ...]:
    """Answer a request: check, solve, warn, return."""
    caller = request.caller
    options = _checked_options(request)
    alphas = None if isinstance(request.alphas, Integral) else check_alphas(caller, request.alphas)
    if alphas is None and request.l1_ratio == 0:
        raise no_grid_error(caller)
    columns = column_names(X)
    samples = check_path_data(
        caller,
        X,
        y,
        request.sample_weight,
        options["check_input"],
        finite_by_moments=not is_matrix(request.precompute),
    )
    target, penalty = path_problem(
        caller,
        samples,
        l1_ratio=request.l1_ratio,
        penalty_factor=request.penalty_factor,
        bounds=request.bounds,
        positive=request.positive,
        columns=columns,
    )
    start = None
    if request.coef_init is not None:
        shape = (*samples.y.shape[1:], samples.X.shape[1])
        start = check_coef_init(caller, request.coef_init, shape, penalty)
        start = start if target.ndim == 2 else start.reshape(-1)
    centre = bool(request.fit_intercept) or (options["X_offset"] is not None and sparse.issparse(samples.X))
    gram, use_gram = check_gram(
        samples, request.precompute, fit_intercept=centre, check_input=options["check_input"], stacklevel=4
    )
    design = make_design(
        samples.X,
        sample_weight=samples.sample_weight,
        fit_intercept=centre,
        standardize=bool(request.standardize),
        gram=gram,
        group_of=penalty.group_of,
    )
    n_alphas = int(request.alphas) if alphas is None else len(alphas)
    result = squared_loss_path(
        design,
        target,
        penalty,
        alphas if alphas is not None else lambda largest: geometric_grid(caller, largest, request.eps, n_alphas),
        tol=float(options["tol"]),
        max_iter=int(options["max_iter"] or SOLVER_OPTIONS["max_iter"]),
        coef_init=start,
        use_gram=use_gram,
        on_point=reporter(int(request.verbose), n_alphas),
    )
    return answered(result, samples, n_alphas, request.return_n_iter)


def answered(result: PathResult, samples: Samples, n_alphas: int, return_n_iter: bool) -> tuple[Any, ...]:
    """What a path function returns, in scikit-learn's shapes; called by what the public function calls."""
    with np.errstate(over="ignore"):
        coefs = result.coefs.astype(samples.X.dtype, copy=False)
    refuse_non_finite(coefs, result.intercepts, result.dual_gaps)
    warn_not_converged([result], stacklevel=5, n_asked=n_alphas)
    if coefs.ndim == samples.y.ndim:  # one column of y is a target by itself
        coefs = coefs[None]
    answer = (result.alphas, coefs, result.dual_gaps)
    return (*answer, [int(n) for n in result.n_iters]) if return_n_iter else answer


def _resolve_alphas(n_alphas: Any, alphas: Any) -> Any:
    """One meaning for scikit-learn's two parameters, with its warnings (until they go in 1.11)."""
    number = 100
    if not (isinstance(n_alphas, str) and n_alphas == "deprecated"):
        warnings.warn(
            "'n_alphas' was deprecated in 1.9 and will be removed in 1.11 of scikit-learn, and here with it."
            " Pass the number to 'alphas', which accepts an integer, and leave 'n_alphas' to its default to"
            " silence this warning.",
            FutureWarning,
            stacklevel=3,
        )
        number = n_alphas
    if isinstance(alphas, str) and alphas == "warn":
        return number
    if alphas is None:
        warnings.warn(
            "'alphas=None' is deprecated and will be removed in 1.11 of scikit-learn, and here with it."
            " Set 'alphas=100' to silence this warning.",
            FutureWarning,
            stacklevel=3,
        )
        return number
    return alphas


def _checked_options(request: PathRequest) -> dict[str, Any]:
    """The ``**params`` with their defaults; raises for unknown and for invalid ones."""
    unknown = sorted(request.params.keys() - SOLVER_OPTIONS.keys())
    if unknown:
        raise ValueError(f"Unexpected parameters in params of {request.caller}: {', '.join(unknown)}.")
    options = {**SOLVER_OPTIONS, **request.params}
    check_parameters(request.caller, {**vars(request), **options}, PATH_CONSTRAINTS)
    return options


def reporter(verbose: int, n_alphas: int) -> Callable[[PathPoint], None] | None:
    """What prints the progress of a path, None if nothing does."""
    if not verbose:
        return None

    def report(point: PathPoint) -> None:
        if verbose == 1:
            sys.stderr.write(".")
        else:
            detail = f": alpha {point.alpha:.6g}, gap {point.dual_gap:.3e}, {point.n_iter} iterations"
            print(f"Path: {point.index:03d} out of {n_alphas:03d}{detail if verbose > 2 else ''}")

    return report


def refuse_non_finite(coefs: NDArray[Any], intercepts: NDArray[Any], gaps: Floats) -> None:
    """Raise if the arithmetic overflowed. An infinite gap is no overflow: it certifies nothing, correctly."""
    if not (np.isfinite(coefs).all() and np.isfinite(intercepts).all()) or np.isnan(gaps).any():
        raise ValueError(OVERFLOW)


def warn_not_converged(results: Sequence[PathResult], stacklevel: int, n_asked: int = 0) -> None:
    """One ConvergenceWarning for all results of a call: what was interrupted, and what did not converge.

    ``results`` has one entry per target, or is one path of which ``n_asked`` alphas were asked for.
    """
    first = results[0]
    if first.interrupted:
        warnings.warn(
            f"The path was interrupted: {len(first.alphas)} of {n_asked} alphas are done and are returned.",
            ConvergenceWarning,
            stacklevel=stacklevel,
        )
    if all(result.converged.all() for result in results):
        return
    failed = [
        (float(result.dual_gaps[i]), result.tolerance, float(result.alphas[i]), k)
        for k, result in enumerate(results)
        for i in np.flatnonzero(~result.converged)
    ]
    gap, tolerance, alpha, _ = max(failed)
    where = f"alpha: {alpha:.6g}"
    if len(results) > 1:
        where += f", targets: {listed([str(k) for *_, k in failed])}"
    elif len(failed) > 1:
        names = listed([f"{alpha:.6g}" for _, _, alpha, _ in failed])
        where = f"{len(failed)} of {len(first.alphas)} alphas: {names}"
    warnings.warn(
        "Objective did not converge. You might want to increase the number of iterations, check the scale of"
        " the features or consider increasing regularisation."
        f" Duality gap: {gap:.3e}, tolerance: {tolerance:.3e}, {where}",
        ConvergenceWarning,
        stacklevel=stacklevel,
    )


def listed(names: list[str], shown: int = 5) -> str:
    """The first few of the names and how many follow."""
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return ", ".join(names[:shown]) + more
