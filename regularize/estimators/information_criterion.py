"""LassoIC and ElasticNetIC: one path, and the alpha that minimises an information criterion."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import column_or_1d

from regularize.design import Design, make_design
from regularize.estimators.base import (
    DEFAULT_MAX_ITER,
    PenalisedRegressor,
    fit_task,
    unchanged_on_failure,
    with_callbacks,
)
from regularize.estimators.criteria import IC_CONSTRAINTS, Candidates, noise_variance
from regularize.grids import geometric_grid, no_grid_error
from regularize.paths import refuse_non_finite, warn_not_converged
from regularize.penalties import Penalty
from regularize.solvers import PathPoint, PathResult, squared_loss_path
from regularize.solvers.problem import OnPoint
from regularize.validation import (
    Samples,
    check_alphas,
    check_fit_data,
    check_parameters,
    column_names,
    make_penalty,
)

__all__ = ["ElasticNetIC", "LassoIC"]

Floats = NDArray[np.float64]


class ElasticNetIC(PenalisedRegressor):
    r"""Elastic net whose alpha minimises an information criterion along the path.

    With weights ``w_i`` (1 without ``sample_weight``), ``n = sum_i w_i`` and ``RSS = sum_i w_i r_i^2`` they are

    .. code-block:: text

        aic   n log(2 pi sigma^2) + RSS / sigma^2 + 2 df
        aicc  aic + 2 k (k + 1) / (n - k - 1)
        bic   n log(2 pi sigma^2) + RSS / sigma^2 + log(n) df
        ebic  bic + 2 ebic_gamma log(m choose a)
        gcv   n RSS / (n - k)^2

    ``df`` are the degrees of freedom of the fit without its intercept: for the Lasso the rank of the active
    columns, for the elastic net ``trace[X_A (X_A'W X_A + n alpha L_A)^-1 X_A'W]`` with the l2 terms ``L``. Active
    is a coefficient that is not zero and not at one of its bounds; features without L1 penalty always are.
    ``k`` adds to ``df`` one for the intercept and, in aicc, one for a variance that is not known. ``a`` of the
    ``m`` features with an L1 penalty have a coefficient that is not zero. Where ``n - k - 1`` (aicc) or
    ``n - k`` (gcv) is not positive the criterion is infinite.

    Parameters
    ----------
    criterion : {'aic', 'aicc', 'bic', 'ebic', 'gcv'}, default='aic'
        What is minimised.
    l1_ratio : float, default=0.5
        Share of the L1 penalty, from 0 (only L2; needs explicit ``alphas``) to 1 (the Lasso).
    eps : float, default=1e-3
        Smallest alpha of the automatic grid as a fraction of the largest.
    alphas : int or array-like, default=100
        Number of alphas of the automatic grid (see :func:`alpha_grid`), or the alphas themselves; they are
        sorted from large to small.
    noise_variance : float, default=None
        Variance ``sigma^2`` of the noise. None estimates it by least squares on all
        features within their bounds, ``RSS / (n - n_features - 1)`` as
        :class:`sklearn.linear_model.LassoLarsIC` does; excluded features, and an intercept that is not
        fitted, are not subtracted. With too few rows for that, each candidate's own ``RSS / n`` is taken (the
        profile likelihood), and candidates with ``df`` and intercept above ``n / 2`` have an infinite criterion.
        Not used by 'gcv'.
    ebic_gamma : float, default=1.0
        Weight of the number of models in 'ebic'; 0 is 'bic'.
    fit_intercept : bool, default=True
        Whether to fit an intercept. X is centred implicitly and stays as it is.
    max_iter : int, default=1000
        Largest number of iterations per alpha.
    tol : float, default=1e-4
        Each alpha is solved to a duality gap of at most ``tol`` times the weighted mean of the squared ``y``
        (centred if there is an intercept). Lower it where the exact pattern matters.
    positive : bool, default=False
        Whether to force the coefficients to be non-negative. Combines with ``bounds``.
    penalty_factor : array-like of shape (n_features,) or dict, default=None
        Factor of each feature's penalty, see :class:`ElasticNet`.
    bounds : tuple (lower, upper) or dict, default=None
        Bounds of the coefficients, see :class:`ElasticNet`.
    standardize : bool, default=False
        Whether to penalise the coefficients of standardised columns, see :class:`ElasticNet`.

    Attributes
    ----------
    alpha_ : float
        The chosen alpha; the largest of several with the same criterion.
    alphas_ : ndarray of shape (n_alphas,)
        Alphas, from large to small.
    criterion_ : ndarray of shape (n_alphas,)
        The criterion at each alpha.
    df_ : ndarray of shape (n_alphas,)
        Degrees of freedom at each alpha, the intercept not counted.
    noise_variance_ : float or None
        The variance that was given or estimated; None if none was used.
    coef_ : ndarray of shape (n_features,)
        Coefficients at ``alpha_``, in the dtype of X (float64 unless X is float32).
    intercept_ : float
        Intercept at ``alpha_``; 0.0 without one.
    coef_path_, intercept_path_ : ndarray of shape (n_features, n_alphas) and (n_alphas,)
        Coefficients and intercepts at each alpha.
    dual_gap_ : float
        Duality gap at ``alpha_``.
    converged_ : bool
        Whether all alphas reached the gap that ``tol`` asks for.
    n_iter_ : int
        Iterations of the whole path.
    n_features_in_, feature_names_in_ : int and ndarray of shape (n_features_in_,)
        Number of features, and their names if X has string column names.

    See Also
    --------
    LassoIC : Only the L1 penalty.
    ElasticNet : One alpha.

    Notes
    -----
    Weights are counts: a weight of 2 is the row twice, a weight of 0 is no row. So, unlike in the other models,
    their scale matters here; weights that are precisions should be scaled to sum to the number of rows.

    References
    ----------
    Zou, Hastie and Tibshirani (2007), "On the degrees of freedom of the lasso". Tibshirani and Taylor (2012),
    "Degrees of freedom in lasso problems". Hurvich and Tsai (1989) for AICc, Chen and Chen (2008) for EBIC.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from regularize import ElasticNetIC
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = ElasticNetIC("bic", l1_ratio=0.9, alphas=50).fit(X, y)
    >>> model.coef_.shape, model.criterion_.shape
    ((10,), (50,))
    """

    def __init__(
        self,
        criterion: str = "aic",
        *,
        l1_ratio: float = 0.5,
        eps: float = 1e-3,
        alphas: Any = 100,
        noise_variance: float | None = None,
        ebic_gamma: float = 1.0,
        fit_intercept: bool = True,
        max_iter: int | None = 1000,
        tol: float = 1e-4,
        positive: bool = False,
        penalty_factor: Any = None,
        bounds: Any = None,
        standardize: bool = False,
    ) -> None:
        self.criterion = criterion
        self.l1_ratio = l1_ratio
        self.eps = eps
        self.alphas = alphas
        self.noise_variance = noise_variance
        self.ebic_gamma = ebic_gamma
        self.fit_intercept = fit_intercept
        self.max_iter = max_iter
        self.tol = tol
        self.positive = positive
        self.penalty_factor = penalty_factor
        self.bounds = bounds
        self.standardize = standardize

    def fit(self, X: Any, y: Any, sample_weight: Any = None, check_input: bool = True) -> ElasticNetIC:
        """Fit the path and choose alpha.

        Parameters
        ----------
        X : {array-like, sparse matrix, sparse array} of shape (n_samples, n_features)
            Training data, at least two rows; see :meth:`ElasticNet.fit`. Never modified.
        y : array-like of shape (n_samples,)
            Target.
        sample_weight : float or array-like of shape (n_samples,), default=None
            How often each row counts, non-negative. A single number weighs all rows alike: it is no count.
        check_input : bool, default=True
            If False, X and y are not checked.

        Returns
        -------
        self : object
            The fitted estimator. If fit raises or is interrupted, the estimator is left as it was.

        Raises
        ------
        ValueError
            If a parameter, X, y or sample_weight is invalid, or if the criterion is infinite at all alphas.

        Warns
        -----
        ConvergenceWarning
            If some alphas did not reach the gap that ``tol`` asks for; once per call.

        Examples
        --------
        >>> from regularize import LassoIC
        >>> X, y = [[0.0], [1.0], [2.0], [3.0], [4.0]], [0.0, 1.1, 1.9, 3.1, 4.0]
        >>> LassoIC("aicc", alphas=[1.0, 0.1]).fit(X, y).df_
        array([1., 1.])
        """
        with unchanged_on_failure(self):
            check_parameters(type(self).__name__, vars(self), IC_CONSTRAINTS)
            path = self._fit(X, y, sample_weight, check_input)
            warn_not_converged([path], stacklevel=3)
        return self

    @with_callbacks
    def _fit(self, X: Any, y: Any, sample_weight: Any, check_input: bool) -> PathResult:
        """Check, solve, choose and set the fitted attributes."""
        caller = type(self).__name__
        automatic = isinstance(self.alphas, Integral)
        alphas = None if automatic else check_alphas(caller, self.alphas)
        if automatic and self.l1_ratio == 0:
            raise no_grid_error(caller)
        columns = column_names(X)
        samples = check_fit_data(self, X, y, sample_weight, check_input, finite_by_moments=True)
        if samples.y.ndim == 2:
            samples = replace(samples, y=column_or_1d(samples.y, warn=True))
        penalty = make_penalty(
            caller,
            samples.X.shape[1],
            l1_ratio=self.l1_ratio,
            penalty_factor=self.penalty_factor,
            bounds=self.bounds,
            positive=self.positive,
            columns=columns,
        )
        design = make_design(
            samples.X,
            sample_weight=samples.sample_weight,
            fit_intercept=bool(self.fit_intercept),
            standardize=bool(self.standardize),
        )
        n_alphas = int(self.alphas) if alphas is None else alphas.size
        with self._progress(samples, n_alphas) as on_point:
            path = squared_loss_path(
                design,
                samples.y,
                penalty,
                alphas if alphas is not None else lambda top: geometric_grid(caller, top, self.eps, n_alphas),
                tol=float(self.tol),
                max_iter=DEFAULT_MAX_ITER if self.max_iter is None else int(self.max_iter),
                solve_all=True,  # between two solutions are features of both, which degrees of freedom would count
                on_point=on_point,
            )
            if path.interrupted:  # Ctrl-C: a fit must not swallow it
                raise KeyboardInterrupt
            self._choose(samples, design, penalty, path)
        return path

    @contextmanager
    def _progress(self, samples: Samples, n_alphas: int) -> Iterator[OnPoint]:
        """Tell the callbacks of the fit and of each alpha."""
        task = fit_task(self, samples)
        callbacks = self._init_callback_context(max_subtasks=n_alphas)
        callbacks.call_on_fit_task_begin(**task)

        def on_point(_: PathPoint) -> None:
            subtask = callbacks.subcontext(task_name="alpha")
            subtask.call_on_fit_task_begin(**task)
            subtask.call_on_fit_task_end(**task)

        yield on_point
        callbacks.call_on_fit_task_end(**task, reconstruction_attributes={})

    def _choose(self, samples: Samples, design: Design, penalty: Penalty, path: PathResult) -> None:
        """Compute the criterion and set the attributes, all of them or none."""
        dtype = samples.X.dtype
        with np.errstate(over="ignore"):
            coefs, intercepts = path.coefs.astype(dtype, copy=False), path.intercepts.astype(dtype, copy=False)
        refuse_non_finite(coefs, intercepts, path.dual_gaps)
        variance = None if self.noise_variance is None else float(self.noise_variance)
        if self.criterion == "gcv":
            variance = None
        elif variance is None:
            variance = noise_variance(samples, design, penalty, path.coefs[:, -1])
        candidates = Candidates.of(samples, design, penalty, path)
        criterion = candidates.criterion(self.criterion, variance, float(self.ebic_gamma))
        if np.isinf(criterion).all():
            raise ValueError(
                f"The {self.criterion!r} criterion of {type(self).__name__} is infinite at all alphas:"
                f" {candidates.n_samples:g} samples (the sum of the weights) are too few for the degrees of freedom."
            )
        best = int(np.argmin(criterion))
        self.__dict__.update(
            alpha_=float(path.alphas[best]),
            alphas_=path.alphas,
            criterion_=criterion,
            df_=candidates.df,
            noise_variance_=variance,
            coef_=coefs[:, best].copy(),
            intercept_=intercepts[best] if self.fit_intercept else 0.0,
            coef_path_=coefs,
            intercept_path_=intercepts,
            dual_gap_=path.dual_gaps[best],
            converged_=bool(path.converged.all()),
            n_iter_=int(path.n_iters.sum()),
        )

    def __sklearn_tags__(self) -> Any:
        """Tags: one target only."""
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = False
        return tags


class LassoIC(ElasticNetIC):
    """Lasso whose alpha minimises an information criterion along the path.

    The criteria, the degrees of freedom (the rank of the active columns) and all parameters are those of
    :class:`ElasticNetIC` with ``l1_ratio=1``. With the same ``noise_variance`` the values of 'aic' and 'bic' are
    those of :class:`sklearn.linear_model.LassoLarsIC` at the same alphas.

    Parameters
    ----------
    criterion : {'aic', 'aicc', 'bic', 'ebic', 'gcv'}, default='aic'
        What is minimised, see :class:`ElasticNetIC`.
    eps, alphas : float and int or array-like, default=1e-3 and 100
        The grid of alphas.
    noise_variance : float, default=None
        Variance of the noise; None estimates it.
    ebic_gamma : float, default=1.0
        Weight of the number of models in 'ebic'; 0 is 'bic'.
    fit_intercept : bool, default=True
        Whether to fit an intercept.
    max_iter, tol : int and float, default=1000 and 1e-4
        Limits of the solver, see :class:`Lasso`.
    positive : bool, default=False
        Whether to force the coefficients to be non-negative.
    penalty_factor, bounds : array-like, tuple or dict, default=None
        Factors of the penalty and bounds of the coefficients, see :class:`Lasso`.
    standardize : bool, default=False
        Whether to penalise the coefficients of standardised columns.

    Attributes
    ----------
    alpha_, criterion_, alphas_, df_, noise_variance_, coef_, intercept_, coef_path_, intercept_path_ : object
        The choice and what it rests on, see :class:`ElasticNetIC`.
    dual_gap_, converged_, n_iter_, n_features_in_, feature_names_in_ : object
        As in :class:`ElasticNetIC`.

    See Also
    --------
    ElasticNetIC : L1 and L2 penalty; all definitions.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from regularize import LassoIC
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = LassoIC("bic").fit(X, y)
    >>> int((model.coef_ != 0).sum())
    7
    """

    def __init__(
        self,
        criterion: str = "aic",
        *,
        eps: float = 1e-3,
        alphas: Any = 100,
        noise_variance: float | None = None,
        ebic_gamma: float = 1.0,
        fit_intercept: bool = True,
        max_iter: int | None = 1000,
        tol: float = 1e-4,
        positive: bool = False,
        penalty_factor: Any = None,
        bounds: Any = None,
        standardize: bool = False,
    ) -> None:
        super().__init__(
            criterion=criterion,
            l1_ratio=1.0,
            eps=eps,
            alphas=alphas,
            noise_variance=noise_variance,
            ebic_gamma=ebic_gamma,
            fit_intercept=fit_intercept,
            max_iter=max_iter,
            tol=tol,
            positive=positive,
            penalty_factor=penalty_factor,
            bounds=bounds,
            standardize=standardize,
        )
