"""The one ``fit`` and ``predict`` of the penalised linear regressors.

Design notes
------------
a. A fit is a path of one alpha. Everything is computed first and the attributes are set last, so that a fit
   that fails or is interrupted leaves the estimator as it was.
b. Only scikit-learn's public API: no subclassing of its linear models, so a new release does not break us.
   ``fit`` does not go through ``get_params`` (a signature inspection per call): ``vars(self)`` has it all.
c. Callbacks exist since scikit-learn 1.9; with older releases the estimators simply do not have them. A fit
   of one target is a leaf task, a fit of several targets has one subtask per target.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn import get_config
from sklearn.base import BaseEstimator, MultiOutputMixin, RegressorMixin
from sklearn.utils.metadata_routing import UNUSED
from sklearn.utils.validation import check_is_fitted, validate_data

from regularize.design import Design, make_design
from regularize.paths import refuse_non_finite, warn_not_converged
from regularize.penalties import GroupPenalty, Penalty
from regularize.solvers import PathResult, squared_loss_path
from regularize.validation import (
    Samples,
    check_coef_init,
    check_fit_data,
    check_gram,
    check_parameters,
    column_names,
    is_matrix,
    make_penalty,
)

if TYPE_CHECKING:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
else:
    try:
        from sklearn.callback import CallbackSupportMixin, with_callbacks
    except ImportError:  # scikit-learn < 1.9

        class NoCallbacks:
            """Stands in for a callback context: its hooks do nothing."""

            def subcontext(self, **kwargs):
                return self

            call_on_fit_task_begin = call_on_fit_task_end = subcontext

        class CallbackSupportMixin:
            """Stands in for scikit-learn's mixin."""

            def _init_callback_context(self, **kwargs):
                return NoCallbacks()

        def with_callbacks(method):
            """Stand in for scikit-learn's decorator; one frame like its own, for warnings to skip."""

            def callback_managed_method(estimator, *args):
                return method(estimator, *args)

            return callback_managed_method


__all__ = [
    "CallbackSupportMixin",
    "LinearPredictor",
    "PenalisedRegressor",
    "fit_task",
    "unchanged_on_failure",
    "with_callbacks",
]

Floats = NDArray[np.float64]

DEFAULT_MAX_ITER = 1000


@contextmanager
def unchanged_on_failure(estimator: Any) -> Iterator[None]:
    """Give the estimator its attributes back when the block raises, Ctrl-C included."""
    before = dict(vars(estimator))
    try:
        yield
    except BaseException:
        vars(estimator).clear()
        vars(estimator).update(before)
        raise


class LinearPredictor:
    """Prediction from ``coef_`` and ``intercept_``."""

    coef_: Any
    intercept_: Any

    def predict(self, X: Any) -> Any:
        """Predict ``X @ coef_ + intercept_``.

        Parameters
        ----------
        X : {array-like, sparse matrix, sparse array} of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_targets)
            Predicted targets.

        Examples
        --------
        >>> from regularize import Lasso
        >>> model = Lasso(alpha=0.1).fit([[0.0], [1.0], [2.0]], [0.0, 1.0, 2.0])
        >>> model.predict([[3.0]]).round(4)
        array([2.7])
        """
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse=["csr", "csc", "coo"], reset=False)
        return X @ self.coef_.T + self.intercept_


class PenalisedRegressor(CallbackSupportMixin, LinearPredictor, RegressorMixin, MultiOutputMixin, BaseEstimator):
    """Squared loss and a convex penalty: all that the estimators share.

    A subclass has the parameters ``alpha``, ``fit_intercept``, ``max_iter``, ``tol``, ``warm_start`` and
    ``standardize``, it may have ``precompute``, and it has those that its ``_penalty`` is made of: ``l1_ratio``,
    ``positive``, ``penalty_factor`` and ``bounds``, unless it overrides that method.
    """

    # check_input speeds up calls by code that has checked already: nothing to route through a pipeline.
    __metadata_request__fit = {"check_input": UNUSED}

    def fit(self, X: Any, y: Any, sample_weight: Any = None, check_input: bool = True) -> PenalisedRegressor:
        """Fit the model.

        Parameters
        ----------
        X : {array-like, sparse matrix, sparse array} of shape (n_samples, n_features)
            Training data, at least two rows. float32 and float64 arrays of any memory order (read-only and
            memory-mapped ones too) and CSC matrices with 32- or 64-bit indices are used as they are; other
            sparse formats are converted to CSC, everything else to float64. X is never modified.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Targets. Several targets are independent problems that share the work on X.
        sample_weight : float or array-like of shape (n_samples,), default=None
            Non-negative weights. Only their proportions matter: a weight of 2 is the row twice, a weight of
            0 is no row. A single number weighs all rows alike.
        check_input : bool, default=True
            If False, X must be a float32 or float64 array or sparse matrix and y a numeric array, both finite
            and of the right shapes: nothing is checked.

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
        >>> from regularize import Lasso
        >>> Lasso(alpha=0.1).fit([[0.0], [1.0], [2.0]], [0.0, 1.0, 2.0]).coef_.round(4)
        array([0.85])
        """
        with unchanged_on_failure(self):
            check_parameters(type(self).__name__, vars(self))
            if self.alpha == 0:
                warnings.warn(
                    "With alpha=0, this algorithm does not converge well. You are advised to use the"
                    " LinearRegression estimator",
                    stacklevel=2,
                )
            results = self._fit(X, y, sample_weight, check_input)
            warn_not_converged(results, stacklevel=3)
        return self

    @with_callbacks
    def _fit(self, X: Any, y: Any, sample_weight: Any, check_input: bool) -> list[PathResult]:
        """Check, solve and set the fitted attributes."""
        columns = column_names(X)
        precompute = getattr(self, "precompute", False)
        later = not is_matrix(precompute)
        samples = self._check_targets(check_fit_data(self, X, y, sample_weight, check_input, finite_by_moments=later))
        n_targets, n_features = samples.targets.shape[1], samples.X.shape[1]
        penalty = self._penalty(n_features, columns)
        gram, use_gram = check_gram(
            samples, precompute, fit_intercept=self.fit_intercept, check_input=check_input, stacklevel=5
        )
        starts = self._starts((n_targets, n_features), penalty)
        callbacks = self._init_callback_context(max_subtasks=self._n_subtasks(n_targets))
        task = fit_task(self, samples)
        callbacks.call_on_fit_task_begin(**task)
        design = make_design(
            samples.X,
            sample_weight=samples.sample_weight,
            fit_intercept=bool(self.fit_intercept),
            standardize=bool(self.standardize),
            gram=gram,
            group_of=penalty.group_of,
        )
        options = {
            "tol": float(self.tol),
            "max_iter": DEFAULT_MAX_ITER if self.max_iter is None else int(self.max_iter),
            "use_gram": use_gram,
        }
        results = self._solve(design, samples.targets, penalty, starts, options, callbacks, task)
        self._set_fitted(samples, results)
        callbacks.call_on_fit_task_end(**task, reconstruction_attributes={})
        return results

    def _check_targets(self, samples: Samples) -> Samples:
        """Raise if y has a shape that the model does not take."""
        return samples

    def _n_subtasks(self, n_targets: int) -> int:
        """Subtasks that callbacks are told of: one for each of several targets that are solved by themselves."""
        return n_targets if n_targets > 1 else 0

    def _penalty(self, n_features: int, columns: list[Any] | None) -> Penalty | GroupPenalty:
        """Check the parameters of the penalty and build its record; ``columns`` are the names of the features."""
        return make_penalty(
            type(self).__name__,
            n_features,
            l1_ratio=self.l1_ratio,
            penalty_factor=self.penalty_factor,
            bounds=self.bounds,
            positive=self.positive,
            columns=columns,
        )

    def _starts(self, shape: tuple[int, int], penalty: Penalty | GroupPenalty) -> Floats | None:
        """The coefficients of the last fit, (n_targets, n_features), if this one is to start from them."""
        if not (self.warm_start and hasattr(self, "coef_")):
            return None
        name = "coef_ (warm_start=True)"
        return check_coef_init(type(self).__name__, np.atleast_2d(self.coef_), shape, penalty, name=name)

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
        """One path of one alpha per target."""
        alphas = np.array([self.alpha], dtype=np.float64)
        results = []
        for k in range(targets.shape[1]):
            subtask = callbacks.subcontext(task_name="target") if targets.shape[1] > 1 else None
            if subtask is not None:
                subtask.call_on_fit_task_begin(**task)
            start = None if starts is None else starts[k]
            result = squared_loss_path(design, targets[:, k], penalty, alphas, coef_init=start, **options)
            if result.interrupted:  # Ctrl-C came after the last alpha: a fit must not swallow it
                raise KeyboardInterrupt
            if subtask is not None:
                subtask.call_on_fit_task_end(**task)
            results.append(result)
        return results

    def _set_fitted(self, samples: Samples, results: list[PathResult]) -> None:
        """Set the attributes in scikit-learn's shapes and dtypes, all of them or none."""
        dtype = samples.X.dtype
        gaps = np.array([result.dual_gaps[0] for result in results])
        with np.errstate(over="ignore"):
            coef = np.array([result.coefs[:, 0] for result in results], dtype=dtype)
            intercept = np.array([result.intercepts[0] for result in results], dtype=dtype)
        refuse_non_finite(coef, intercept, gaps)
        n_iters = [int(result.n_iters[0]) for result in results]
        converged = np.array([result.converged[0] for result in results])
        one = len(results) == 1
        fitted: dict[str, Any] = {"coef_": coef[0] if one else coef, "intercept_": 0.0}
        if self.fit_intercept:  # an array for a 2D y of one column, as in scikit-learn
            fitted["intercept_"] = intercept[0] if samples.y.ndim == 1 else intercept
        fitted["dual_gap_"] = gaps[0] if one else gaps
        fitted["n_iter_"] = n_iters[0] if one else n_iters
        fitted["converged_"] = bool(converged[0]) if one else converged
        self.__dict__.update(fitted)

    @property
    def sparse_coef_(self) -> Any:
        """Coefficients as a sparse CSR matrix of shape (n_targets, n_features), (1, n_features) for 1D y."""
        arrays = get_config().get("sparse_interface", "spmatrix") == "sparray"
        return (sparse.csr_array if arrays else sparse.csr_matrix)(np.atleast_2d(self.coef_))

    def __sklearn_tags__(self) -> Any:
        """Tags: sparse X is accepted, and several targets are."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def fit_task(estimator: Any, samples: Samples) -> dict[str, Any]:
    """What a callback hook is told about a fit."""
    metadata = None if samples.sample_weight is None else {"sample_weight": samples.sample_weight}
    return {"estimator": estimator, "X": samples.X, "y": samples.y, "metadata": metadata}
