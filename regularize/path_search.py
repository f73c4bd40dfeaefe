"""PathSearchCV: the alpha of the last step of a pipeline, cross-validated along whole paths."""

from __future__ import annotations

from numbers import Integral, Number
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn import get_config
from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone
from sklearn.metrics import check_scoring
from sklearn.model_selection import check_cv
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags, indexable
from sklearn.utils.metadata_routing import UNUSED, MetadataRouter, MethodMapping, process_routing
from sklearn.utils.metaestimators import available_if
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import check_is_fitted

from regularize.estimators.base import CallbackSupportMixin, fit_task, unchanged_on_failure, with_callbacks
from regularize.estimators.cv_constraints import CV_CONSTRAINTS
from regularize.estimators.elastic_net import ElasticNet
from regularize.estimators.folds import Failure, check_splits, takes_weights, warn_not_converged_folds
from regularize.estimators.path_step import Task, final_model, n_rows, refitted_has, results_table
from regularize.grids import geometric_grid, no_grid_error
from regularize.selection import select, smallest
from regularize.validation import (
    PATH_CONSTRAINTS,
    Constraint,
    InvalidParameterError,
    Samples,
    check_alphas,
    check_parameters,
)

__all__ = ["PathSearchCV"]

Floats = NDArray[np.float64]

SEARCH_CONSTRAINTS: dict[str, Constraint] = {
    **{name: CV_CONSTRAINTS[name] for name in ("alphas", "eps", "cv", "scoring", "selection_rule", "n_jobs")},
    "l1_ratio": (
        f"{CV_CONSTRAINTS['l1_ratio'][0]} or None",
        lambda value: value is None or CV_CONSTRAINTS["l1_ratio"][1](value),
    ),
    "refit": PATH_CONSTRAINTS["copy_X"],
}


class PathSearchCV(CallbackSupportMixin, MetaEstimatorMixin, BaseEstimator):
    """Cross-validated search of alpha for the last step of a pipeline, one path per fold.

    Finds what :class:`sklearn.model_selection.GridSearchCV` finds over the same alphas (the scores agree as far as
    ``tol`` of the model says), but preprocesses each fold once and solves all its alphas as one path. All steps
    before the model are fitted to the training rows of the fold only.

    Parameters
    ----------
    estimator : Lasso, ElasticNet or Pipeline
        The model, or a pipeline whose last step it is. Its own ``alpha`` has no effect. It stays unfitted.
    alphas : int or array-like, default=100
        The alphas; they are sorted from large to small. A number makes an automatic grid for each l1_ratio from
        the data of all rows, as they arrive at the model; see :func:`alpha_grid`.
    l1_ratio : float or array-like, default=None
        Values of ``l1_ratio`` that are tried, only for ElasticNet. None is that of the model.
    eps : float, default=1e-3
        Smallest alpha of the automatic grid as a fraction of the largest.
    cv : int, splitter or iterable of (train, test), default=None
        The folds; None is 5-fold.
    scoring : str or callable, default=None
        The score, larger is better; None is the model's own (R^2). A callable is given the fitted *model*, the
        held-out rows as the other steps transform them, and their y.
    selection_rule : {'min', '1se'} or callable, default='min'
        'min' takes the best mean score, '1se' the largest alpha whose mean score is within one standard error of
        the best. A callable ``(alphas, errors) -> index`` gets the alphas (k,) from large to small and the negated
        scores (k, n_splits). The l1_ratio is always that of the best mean score.
    refit : bool, default=True
        Whether to fit the estimator to all rows with what was selected.
    n_jobs : int, default=None
        Number of threads that work on folds.

    Attributes
    ----------
    cv_results_ : dict of ndarrays
        As in GridSearchCV, one entry per candidate: ``params``, ``param_*``, ``split*_test_score``,
        ``mean_test_score``, ``std_test_score`` and ``rank_test_score``; no times. Candidates are sorted by l1_ratio
        as given and then from large to small alpha.
    alphas_ : ndarray of shape (n_alphas,) or (n_l1_ratio, n_alphas)
        The alphas; two-dimensional for automatic grids of an array-like ``l1_ratio``.
    best_index_, best_params_, best_score_ : int, dict, float
        The selected candidate, its parameters and its mean score.
    best_estimator_ : estimator
        The estimator fitted to all rows, if ``refit=True``.
    scorer_ : callable
        The scorer.
    n_splits_ : int
        Number of folds.
    n_features_in_, feature_names_in_ : int, ndarray of shape (n_features_in_,)
        Those of ``best_estimator_``, if it has them.

    See Also
    --------
    lasso_path : One path without folds.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from regularize import Lasso, PathSearchCV
    >>> X, y = load_diabetes(return_X_y=True)
    >>> search = PathSearchCV(make_pipeline(StandardScaler(), Lasso()), alphas=[10.0, 1.0, 0.1]).fit(X, y)
    >>> search.best_params_
    {'lasso__alpha': 0.1}
    """

    # Who asks for weights and groups are the model, the scorer and the splitter.
    __metadata_request__fit = {"sample_weight": UNUSED, "groups": UNUSED}

    def __init__(
        self,
        estimator: Any,
        *,
        alphas: Any = 100,
        l1_ratio: Any = None,
        eps: float = 1e-3,
        cv: Any = None,
        scoring: Any = None,
        selection_rule: Any = "min",
        refit: bool = True,
        n_jobs: int | None = None,
    ) -> None:
        self.estimator = estimator
        self.alphas = alphas
        self.l1_ratio = l1_ratio
        self.eps = eps
        self.cv = cv
        self.scoring = scoring
        self.selection_rule = selection_rule
        self.refit = refit
        self.n_jobs = n_jobs

    def fit(self, X: Any, y: Any, sample_weight: Any = None, groups: Any = None, **params: Any) -> PathSearchCV:
        """Solve the paths of all folds, select, and fit the estimator to all rows.

        Parameters
        ----------
        X : array-like, sparse matrix or data frame of shape (n_samples, n_features)
            What the estimator takes.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Target.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights for the fits of the model (not for other steps) and for the scorer, if it takes them. With
            metadata routing they go to whoever requests them.
        groups : array-like of shape (n_samples,), default=None
            Groups of the rows, for the splitter.
        **params : dict
            Further parameters of ``estimator.fit``; what has one entry per row is split like X. With metadata routing
            they go to whoever requests them.

        Returns
        -------
        self : object
            The fitted search. If fit raises or is interrupted, it is left as it was.

        Raises
        ------
        ValueError
            If a parameter is invalid, or if every candidate scores NaN. Errors of steps and scorer are not caught.

        Warns
        -----
        ConvergenceWarning
            If some alphas of some folds did not reach the gap that ``tol`` asks for: one warning that names them.

        Examples
        --------
        >>> from regularize import Lasso, PathSearchCV
        >>> X, y = [[0.0], [1.0], [2.0], [3.0]], [0.0, 1.0, 2.0, 3.0]
        >>> PathSearchCV(Lasso(), alphas=[1.0, 0.1], cv=2).fit(X, y).best_params_
        {'alpha': 0.1}
        """
        with unchanged_on_failure(self):
            check_parameters(type(self).__name__, vars(self), SEARCH_CONSTRAINTS)
            warn_not_converged_folds(self._fit(X, y, sample_weight, groups, params), stacklevel=3)
        return self

    @with_callbacks
    def _fit(self, X: Any, y: Any, sample_weight: Any, groups: Any, params: dict[str, Any]) -> list[Failure]:
        """Check, score all folds, select and set the fitted attributes."""
        l1_ratios = self._l1_ratios()
        given = None if isinstance(self.alphas, Integral) else check_alphas(type(self).__name__, self.alphas)
        if given is None and 0.0 in l1_ratios:
            raise no_grid_error(type(self).__name__)
        X, y, groups = indexable(X, y, groups)
        if not isinstance(sample_weight, Number):
            (sample_weight,) = indexable(sample_weight)
        scorer = self._scorer()
        fit_params, score_params, split_params = self._route(scorer, sample_weight, groups, params)
        splits = check_splits(check_cv(self.cv, y).split(X, y, **split_params), n_rows(X))
        task = Task(self.estimator, X, y, scorer, fit_params, score_params)
        alphas = self._grids(task, l1_ratios) if given is None else np.tile(given, (l1_ratios.size, 1))
        told = fit_task(self, Samples(X, y, sample_weight))
        callbacks = self._init_callback_context(max_subtasks=len(splits))
        callbacks.call_on_fit_task_begin(**told)
        folds = []
        for result in Parallel(n_jobs=self.n_jobs, require="sharedmem", return_as="generator")(
            delayed(task.scores)(l1_ratios, alphas, fold, split) for fold, split in enumerate(splits)
        ):
            folds.append(result)
            subtask = callbacks.subcontext(task_name="fold")
            subtask.call_on_fit_task_begin(**told)
            subtask.call_on_fit_task_end(**told)
        scores = np.stack([scores for scores, _ in folds], axis=-1)
        self._set_fitted(task, l1_ratios, alphas, scores)
        self.alphas_ = alphas[0] if given is not None or np.ndim(self.l1_ratio) == 0 else alphas
        callbacks.call_on_fit_task_end(**told, reconstruction_attributes={})
        return [failure for _, failures in folds for failure in failures]

    def _l1_ratios(self) -> Floats:
        """The values of l1_ratio that are tried, (L,); checks the estimator."""
        model = final_model(self.estimator)
        if not isinstance(model, ElasticNet):
            raise InvalidParameterError(
                f"The 'estimator' parameter of {type(self).__name__} must be a Lasso or an ElasticNet of regularize, or"
                f" a Pipeline whose last step is one. Got {model!r} instead."
            )
        check_parameters(type(model).__name__, {**vars(model), "alpha": 1.0})
        if self.l1_ratio is None:
            return np.array([model.l1_ratio], dtype=np.float64)
        if "l1_ratio" not in model.get_params():
            raise InvalidParameterError(
                f"The 'l1_ratio' parameter of {type(self).__name__} must be None for a {type(model).__name__}, which"
                f" has none. Got {self.l1_ratio!r} instead."
            )
        return np.atleast_1d(np.asarray(self.l1_ratio, dtype=np.float64))

    def _grids(self, task: Task, l1_ratios: Floats) -> Floats:
        """The automatic alphas of each l1_ratio, (L, k)."""
        largest = task.alpha_max(l1_ratios)
        return np.array([geometric_grid(type(self).__name__, top, self.eps, int(self.alphas)) for top in largest])

    def _set_fitted(self, task: Task, l1_ratios: Floats, alphas: Floats, scores: Floats) -> None:
        """Select from scores (L, k, K), refit, and set the attributes."""
        errors = -scores
        best = smallest(errors.mean(axis=2)) // alphas.shape[1]
        index = best * alphas.shape[1] + select(self.selection_rule, alphas[best], errors[best])
        candidates = self._candidates(l1_ratios, alphas)
        self.cv_results_ = results_table(candidates, scores.reshape(len(candidates), -1))
        self.best_index_ = index
        self.best_params_ = candidates[index]
        self.best_score_ = self.cv_results_["mean_test_score"][index]
        self.scorer_ = task.scorer
        self.n_splits_ = scores.shape[2]
        self.__dict__.pop("best_estimator_", None)  # of an earlier fit
        if self.refit:
            refitted = clone(self.estimator).set_params(**self.best_params_)
            self.best_estimator_ = refitted.fit(task.X, task.y, **task.fit_params)

    def _candidates(self, l1_ratios: Floats, alphas: Floats) -> list[dict[str, float]]:
        """The parameters of each candidate, under the names that set_params of the estimator takes."""
        prefix = self._prefix()
        return [
            {f"{prefix}alpha": float(alpha)} | ({} if self.l1_ratio is None else {f"{prefix}l1_ratio": float(l1_ratio)})
            for l1_ratio, row in zip(l1_ratios, alphas, strict=True)
            for alpha in row
        ]

    def _prefix(self) -> str:
        return f"{self.estimator.steps[-1][0]}__" if isinstance(self.estimator, Pipeline) else ""

    def _scorer(self) -> Any:
        return check_scoring(self.estimator, scoring=self.scoring)

    def _route(
        self, scorer: Any, sample_weight: Any, groups: Any, params: dict[str, Any]
    ) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
        """The parameters of the estimator's fit, of the scorer and of the splitter."""
        weight = {} if sample_weight is None else {"sample_weight": sample_weight}
        group = {} if groups is None else {"groups": groups}
        if get_config().get("enable_metadata_routing", False):
            routed = process_routing(self, "fit", **weight, **group, **params)
            return dict(routed.estimator.fit), dict(routed.scorer.score), dict(routed.splitter.split)
        weigh_scores = self.scoring is None or takes_weights(scorer)
        of_model = {self._prefix() + name: value for name, value in weight.items()}
        return {**of_model, **params}, weight if weigh_scores else {}, group

    def get_metadata_routing(self) -> Any:
        """Tell who asks for which metadata: the estimator, the scorer and the splitter.

        Returns
        -------
        routing : MetadataRouter
            The requests, see :class:`sklearn.utils.metadata_routing.MetadataRouter`.

        Examples
        --------
        >>> from regularize import Lasso, PathSearchCV
        >>> sorted(PathSearchCV(Lasso()).get_metadata_routing()._route_mappings)
        ['estimator', 'scorer', 'splitter']
        """
        # An iterable of splits asks for nothing, and looking at it might use it up.
        splitter = self.cv if hasattr(self.cv, "split") else check_cv(None)
        of_scores = MethodMapping().add(caller="fit", callee="score").add(caller="score", callee="score")
        router = MetadataRouter(owner=self)
        router.add(estimator=self.estimator, method_mapping=MethodMapping().add(caller="fit", callee="fit"))
        router.add(scorer=self._scorer(), method_mapping=of_scores)
        return router.add(splitter=splitter, method_mapping=MethodMapping().add(caller="fit", callee="split"))

    @available_if(refitted_has("predict"))
    def predict(self, X: Any) -> Any:
        """Predict with the refitted estimator.

        Parameters
        ----------
        X : array-like, sparse matrix or data frame of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_targets)
            Predicted targets.

        Examples
        --------
        >>> from regularize import Lasso, PathSearchCV
        >>> search = PathSearchCV(Lasso(), alphas=[0.1], cv=2).fit([[0.0], [1.0], [2.0], [3.0]], [0.0, 1.0, 2.0, 3.0])
        >>> search.predict([[4.0]]).round(4)
        array([3.8])
        """
        check_is_fitted(self)
        return self.best_estimator_.predict(X)

    @available_if(refitted_has("score"))
    def score(self, X: Any, y: Any, **params: Any) -> float:
        """Score of the refitted estimator, by ``scoring``.

        Parameters
        ----------
        X : array-like, sparse matrix or data frame of shape (n_samples, n_features)
            Samples.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Targets.
        **params : dict
            Metadata of the scorer, such as ``sample_weight``.

        Returns
        -------
        score : float
            The score, larger is better.

        Examples
        --------
        >>> from regularize import Lasso, PathSearchCV
        >>> search = PathSearchCV(Lasso(), alphas=[0.0], cv=2).fit([[0.0], [1.0], [2.0], [3.0]], [0.0, 1.0, 2.0, 3.0])
        >>> round(search.score([[4.0], [5.0]], [4.0, 5.0]), 4)
        1.0
        """
        check_is_fitted(self)
        if get_config().get("enable_metadata_routing", False):
            params = process_routing(self, "score", **params).scorer.score
        return float(self.scorer_(self.best_estimator_, X, y, **params))

    def __sklearn_is_fitted__(self) -> bool:
        """Whether fit has finished, and refitted if it was asked to."""
        return hasattr(self, "best_estimator_" if self.refit else "cv_results_")

    def __getattr__(self, name: str) -> Any:
        """What the refitted estimator knows of the features."""
        if name in ("n_features_in_", "feature_names_in_") and "best_estimator_" in vars(self):
            return getattr(self.best_estimator_, name)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __sklearn_tags__(self) -> Any:
        """Tags: those of the estimator."""
        tags, own = super().__sklearn_tags__(), get_tags(self.estimator)
        tags.estimator_type, tags.regressor_tags = own.estimator_type, own.regressor_tags
        tags.target_tags, tags.input_tags.sparse = own.target_tags, own.input_tags.sparse
        return tags
