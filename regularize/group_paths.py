"""Paths of the group lasso and its kin: functions with the contract of :func:`regularize.lasso_path`.

The public functions only say what their penalty consists of; one function answers them.
"""

from __future__ import annotations

from collections.abc import Callable
from numbers import Integral
from typing import Any

from regularize.design import make_design
from regularize.grids import geometric_grid, no_grid_error
from regularize.paths import answered, reporter
from regularize.solvers import squared_loss_path
from regularize.validation import (
    GROUP_PATH_CONSTRAINTS,
    Samples,
    Shares,
    check_alphas,
    check_coef_init,
    check_parameters,
    check_path_data,
    column_names,
    make_group_penalty,
)

__all__ = ["group_elastic_net_path", "group_lasso_path", "sparse_group_lasso_path"]

DEFAULT_MAX_ITER = 1000


def group_lasso_path(
    X: Any,
    y: Any,
    *,
    groups: Any,
    group_weights: Any = None,
    alphas: Any = 100,
    eps: float = 1e-3,
    tol: float = 1e-4,
    max_iter: int | None = 1000,
    fit_intercept: bool = False,
    sample_weight: Any = None,
    positive: bool = False,
    bounds: Any = None,
    standardize: bool = False,
    coef_init: Any = None,
    verbose: bool | int = False,
    return_n_iter: bool = False,
) -> tuple[Any, ...]:
    """Compute the coefficients of the group lasso for many values of alpha.

    With weights ``s_i`` that sum to 1 (``1 / n_samples`` without ``sample_weight``), for each alpha the path
    minimises over ``w``, whose part in group g is ``w_g`` (and over the intercept ``b`` if ``fit_intercept=True``)

    .. code-block:: text

        1/2 sum_i s_i (y_i - b - x_i'w)^2 + alpha sum_g weight_g ||w_g||_2,   lower_j <= w_j <= upper_j

    Parameters
    ----------
    X : {array-like, sparse matrix, sparse array} of shape (n_samples, n_features)
        Data, at least two rows; see :meth:`GroupLasso.fit`. Never modified.
    y : array-like of shape (n_samples,) or (n_samples, 1)
        Target.
    groups : int, array-like, list of lists or dict
        Which features belong together: a size, a label per feature, lists of features (positions or names of
        columns), or a dict that maps names of groups to such lists; see :class:`GroupElasticNet`.
    group_weights : array-like of shape (n_groups,) or dict, default=None
        Weight of each group's penalty; None is the square root of the group's size. 0 leaves a group unpenalised,
        inf excludes it. See :class:`GroupElasticNet`.
    alphas : int or array-like, default=100
        The alphas, which are sorted from large to small, or the number of alphas of a geometric grid. The grid starts
        at the smallest alpha for which all penalised coefficients are 0.
    eps : float, default=1e-3
        Smallest alpha of the grid as a fraction of the largest.
    tol : float, default=1e-4
        Each alpha is solved until the duality gap is at most ``tol`` times the weighted mean of the squared ``y``
        (centred if there is an intercept).
    max_iter : int, default=1000
        Largest number of iterations per alpha. None is the default.
    fit_intercept : bool, default=False
        Whether to fit an intercept: X and y are centred implicitly. As in :func:`lasso_path` the default is False.
        The intercepts are ``mean(y) - mean(X, axis=0) @ coefs`` (weighted means).
    sample_weight : float or array-like of shape (n_samples,), default=None
        Non-negative weights; only their proportions matter.
    positive : bool, default=False
        Whether to force the coefficients to be non-negative.
    bounds : tuple (lower, upper) or dict, default=None
        Bounds of the coefficients, only 0 and infinity in a penalised group of several features; see
        :class:`GroupElasticNet`.
    standardize : bool, default=False
        Whether to penalise the coefficients of standardised columns; see :class:`GroupLasso`.
    coef_init : array-like of shape (n_features,), default=None
        Start of the first alpha.
    verbose : bool or int, default=False
        1 prints a dot per alpha to stderr, 2 the number of the alpha, 3 also its gap and iterations.
    return_n_iter : bool, default=False
        Whether to return the numbers of iterations.

    Returns
    -------
    alphas : ndarray of shape (n_alphas,)
        Alphas, from large to small. Fewer than asked for if Ctrl-C ended the path.
    coefs : ndarray of shape (n_features, n_alphas) or (1, n_features, n_alphas)
        Coefficients, in the dtype of X; three-dimensional for two-dimensional y.
    dual_gaps : ndarray of shape (n_alphas,)
        Duality gaps that were reached, in units of the objective.
    n_iters : list of int
        Iterations per alpha, 0 for those that were interpolated (see Notes of :func:`lasso_path`); only if
        ``return_n_iter=True``.

    Raises
    ------
    ValueError
        If an argument is invalid; the message names it. Nothing is computed then.

    Warns
    -----
    ConvergenceWarning
        If some alphas did not reach the gap that ``tol`` asks for (one warning that names them), or if Ctrl-C ended
        the path early.

    See Also
    --------
    GroupLasso : The model of one alpha.
    group_elastic_net_path : With a share of ridge shrinkage.
    sparse_group_lasso_path : Selects features within the groups, too.

    Examples
    --------
    >>> import numpy as np
    >>> from regularize import group_lasso_path
    >>> X = np.random.default_rng(0).standard_normal((50, 6))
    >>> y = X[:, 2] - X[:, 3]
    >>> alphas, coefs, dual_gaps = group_lasso_path(X, y, groups=2, alphas=[0.5, 0.1])
    >>> print((coefs != 0).astype(int))
    [[0 0]
     [0 0]
     [1 1]
     [1 1]
     [0 0]
     [0 0]]
    """
    return _path("group_lasso_path", Shares.group_elastic_net, {"l1_ratio": 1.0, **locals()})


def group_elastic_net_path(
    X: Any,
    y: Any,
    *,
    groups: Any,
    l1_ratio: float = 0.5,
    group_weights: Any = None,
    alphas: Any = 100,
    eps: float = 1e-3,
    tol: float = 1e-4,
    max_iter: int | None = 1000,
    fit_intercept: bool = False,
    sample_weight: Any = None,
    positive: bool = False,
    bounds: Any = None,
    standardize: bool = False,
    coef_init: Any = None,
    verbose: bool | int = False,
    return_n_iter: bool = False,
) -> tuple[Any, ...]:
    """Compute the coefficients of the group elastic net for many values of alpha.

    For each alpha the path minimises the objective of :class:`GroupElasticNet`, without its intercept unless
    ``fit_intercept=True``:

    .. code-block:: text

        1/2 sum_i s_i (y_i - b - x_i'w)^2
          + alpha sum_g weight_g (l1_ratio ||w_g||_2 + (1 - l1_ratio)/2 ||w_g||_2^2),   lower_j <= w_j <= upper_j

    The parameters that are not explained here are those of :func:`group_lasso_path`.

    Parameters
    ----------
    X : {array-like, sparse matrix, sparse array} of shape (n_samples, n_features)
        Data, at least two rows; see :meth:`GroupElasticNet.fit`. Never modified.
    y : array-like of shape (n_samples,) or (n_samples, 1)
        Target.
    groups : int, array-like, list of lists or dict
        Which features belong together; see :class:`GroupElasticNet`.
    l1_ratio : float, default=0.5
        Share of the norms, from 0 (only their squares; needs explicit ``alphas``) to 1 (the group lasso).
    group_weights : array-like of shape (n_groups,) or dict, default=None
        Weight of each group's penalty; see :class:`GroupElasticNet`.
    alphas, eps : int or array-like and float, default=100 and 1e-3
        The alphas or the number and the range of a grid.
    tol, max_iter : float and int, default=1e-4 and 1000
        Relative duality gap at which an alpha is solved, and limit of iterations per alpha.
    fit_intercept : bool, default=False
        Whether to fit an intercept.
    sample_weight : float or array-like of shape (n_samples,), default=None
        Non-negative weights; only their proportions matter.
    positive, bounds : bool and tuple or dict, default=False and None
        Bounds of the coefficients; see :class:`GroupElasticNet`.
    standardize : bool, default=False
        Whether to penalise the coefficients of standardised columns.
    coef_init : array-like of shape (n_features,), default=None
        Start of the first alpha.
    verbose, return_n_iter : bool or int, default=False
        What is printed, and whether the numbers of iterations are returned.

    Returns
    -------
    alphas : ndarray of shape (n_alphas,)
        Alphas, from large to small.
    coefs : ndarray of shape (n_features, n_alphas) or (1, n_features, n_alphas)
        Coefficients, in the dtype of X; three-dimensional for two-dimensional y.
    dual_gaps : ndarray of shape (n_alphas,)
        Duality gaps that were reached, in units of the objective.
    n_iters : list of int
        Iterations per alpha, 0 for those that were interpolated (see Notes of :func:`lasso_path`); only if
        ``return_n_iter=True``.

    Raises
    ------
    ValueError
        If an argument is invalid, or if ``l1_ratio`` is 0 and a grid is asked for.

    Warns
    -----
    ConvergenceWarning
        As :func:`group_lasso_path` does.

    See Also
    --------
    GroupElasticNet : The model of one alpha.
    group_lasso_path : Only the norms.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from regularize import group_elastic_net_path
    >>> X, y = load_diabetes(return_X_y=True)
    >>> alphas, coefs, dual_gaps = group_elastic_net_path(X, y, groups=5, l1_ratio=0.9, alphas=20, fit_intercept=True)
    >>> coefs.shape
    (10, 20)
    """
    return _path("group_elastic_net_path", Shares.group_elastic_net, locals())


def sparse_group_lasso_path(
    X: Any,
    y: Any,
    *,
    groups: Any,
    l1_ratio: float = 0.5,
    group_weights: Any = None,
    penalty_factor: Any = None,
    alphas: Any = 100,
    eps: float = 1e-3,
    tol: float = 1e-4,
    max_iter: int | None = 1000,
    fit_intercept: bool = False,
    sample_weight: Any = None,
    positive: bool = False,
    bounds: Any = None,
    standardize: bool = False,
    coef_init: Any = None,
    verbose: bool | int = False,
    return_n_iter: bool = False,
) -> tuple[Any, ...]:
    """Compute the coefficients of the sparse-group lasso for many values of alpha.

    For each alpha the path minimises the objective of :class:`SparseGroupLasso`, without its intercept unless
    ``fit_intercept=True``:

    .. code-block:: text

        1/2 sum_i s_i (y_i - b - x_i'w)^2
          + alpha (l1_ratio sum_j factor_j |w_j| + (1 - l1_ratio) sum_g weight_g ||w_g||_2),   lower_j <= w_j <= upper_j

    The parameters that are not explained here are those of :func:`group_lasso_path`.

    Parameters
    ----------
    X : {array-like, sparse matrix, sparse array} of shape (n_samples, n_features)
        Data, at least two rows; see :meth:`SparseGroupLasso.fit`. Never modified.
    y : array-like of shape (n_samples,) or (n_samples, 1)
        Target.
    groups : int, array-like, list of lists or dict
        Which features belong together; see :class:`GroupElasticNet`.
    l1_ratio : float, default=0.5
        Share of the absolute values of single coefficients, from 0 (the group lasso) to 1 (the lasso).
    group_weights : array-like of shape (n_groups,) or dict, default=None
        Weight of each group's norm; see :class:`SparseGroupLasso`.
    penalty_factor : array-like of shape (n_features,) or dict, default=None
        Factor of the absolute value of each coefficient; see :class:`SparseGroupLasso`.
    alphas, eps : int or array-like and float, default=100 and 1e-3
        The alphas or the number and the range of a grid.
    tol, max_iter : float and int, default=1e-4 and 1000
        Relative duality gap at which an alpha is solved, and limit of iterations per alpha.
    fit_intercept : bool, default=False
        Whether to fit an intercept.
    sample_weight : float or array-like of shape (n_samples,), default=None
        Non-negative weights; only their proportions matter.
    positive, bounds : bool and tuple or dict, default=False and None
        Bounds of the coefficients; see :class:`GroupElasticNet`.
    standardize : bool, default=False
        Whether to penalise the coefficients of standardised columns.
    coef_init : array-like of shape (n_features,), default=None
        Start of the first alpha.
    verbose, return_n_iter : bool or int, default=False
        What is printed, and whether the numbers of iterations are returned.

    Returns
    -------
    alphas : ndarray of shape (n_alphas,)
        Alphas, from large to small.
    coefs : ndarray of shape (n_features, n_alphas) or (1, n_features, n_alphas)
        Coefficients, in the dtype of X; three-dimensional for two-dimensional y.
    dual_gaps : ndarray of shape (n_alphas,)
        Duality gaps that were reached, in units of the objective.
    n_iters : list of int
        Iterations per alpha, 0 for those that were interpolated (see Notes of :func:`lasso_path`); only if
        ``return_n_iter=True``.

    Raises
    ------
    ValueError
        If an argument is invalid; the message names it. Nothing is computed then.

    Warns
    -----
    ConvergenceWarning
        As :func:`group_lasso_path` does.

    See Also
    --------
    SparseGroupLasso : The model of one alpha.
    group_lasso_path : Only the norms of groups.
    lasso_path : Only the absolute values.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from regularize import sparse_group_lasso_path
    >>> X, y = load_diabetes(return_X_y=True)
    >>> alphas, coefs, dual_gaps = sparse_group_lasso_path(X, y, groups=5, alphas=20, fit_intercept=True)
    >>> print((coefs[:, 0] != 0).sum(), (coefs[:, -1] != 0).sum())
    0 10
    """
    return _path("sparse_group_lasso_path", Shares.sparse_group_lasso, locals())


def _path(caller: str, shares: Callable[[float], Shares], asked: dict[str, Any]) -> tuple[Any, ...]:
    """Check, solve, warn, return; ``asked`` holds the arguments of the public function under their names."""
    check_parameters(caller, asked, GROUP_PATH_CONSTRAINTS)
    penalised = shares(float(asked["l1_ratio"]))
    alphas = None if isinstance(asked["alphas"], Integral) else check_alphas(caller, asked["alphas"])
    if alphas is None and penalised.norm == penalised.single == 0.0:
        raise no_grid_error(caller)
    columns = column_names(asked["X"])
    samples = check_path_data(caller, asked["X"], asked["y"], asked["sample_weight"], finite_by_moments=True)
    target, n_features = _one_target(caller, samples), samples.X.shape[1]
    names = ("groups", "group_weights", "penalty_factor", "positive", "bounds")
    options = {name: asked[name] for name in names if name in asked}
    penalty = make_group_penalty(caller, n_features, penalised, columns=columns, **options)
    start = None
    if asked["coef_init"] is not None:
        shape = (*samples.y.shape[1:], n_features)
        start = check_coef_init(caller, asked["coef_init"], shape, penalty).reshape(-1)
    design = make_design(
        samples.X,
        sample_weight=samples.sample_weight,
        fit_intercept=bool(asked["fit_intercept"]),
        standardize=bool(asked["standardize"]),
        group_of=penalty.group_of,
    )
    n_alphas = int(asked["alphas"]) if alphas is None else alphas.size
    result = squared_loss_path(
        design,
        target,
        penalty,
        alphas if alphas is not None else lambda top: geometric_grid(caller, top, float(asked["eps"]), n_alphas),
        tol=float(asked["tol"]),
        max_iter=int(asked["max_iter"] or DEFAULT_MAX_ITER),
        coef_init=start,
        on_point=reporter(int(asked["verbose"]), n_alphas),
    )
    return answered(result, samples, n_alphas, asked["return_n_iter"])


def _one_target(caller: str, samples: Samples) -> Any:
    """The only target, (n,)."""
    if samples.targets.shape[1] != 1:
        raise ValueError(f"{caller} takes one target. Got y of shape {samples.y.shape}; call it for each column.")
    return samples.targets[:, 0]
