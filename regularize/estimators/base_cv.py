"""The one ``fit`` and ``predict`` of the cross-validated penalised regressors.

Design notes
------------
a. The splits are drawn once and checked before any work: as row indices, so that masks and negative indices mean
   what they mean to NumPy.
b. Nothing is refitted: the path on all rows is solved beside those of the folds (with several l1_ratios after them,
   for the chosen one), and each of its points carries a certificate of its own. ``coef_`` is the point at ``alpha_``.
c. Everything is selected on errors, smaller is better: mean squared errors, or scores with the sign turned.
d. As in ``base``, attributes are set last and a fit that fails leaves the estimator as it was.
e. A problem is what gets an alpha of its own: one target, or several that are fitted together (their coefficients are
   (T, p, k), their predictions (n, T, k): the alphas come last in both).
"""

from __future__ import annotations

import sys
from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from joblib import effective_n_jobs  # type: ignore[import-untyped]
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.metrics import check_scoring
from sklearn.model_selection import check_cv
from sklearn.utils.validation import column_or_1d

from regularize.design import FoldedDesign
from regularize.estimators.base import (
    CallbackSupportMixin,
    LinearPredictor,
    fit_task,
    unchanged_on_failure,
    with_callbacks,
)
from regularize.estimators.cv_constraints import CV_CONSTRAINTS, check_user_alphas
from regularize.estimators.cv_routing import SplitterAndScorer, is_splitter
from regularize.estimators.folds import (
    Failure,
    Split,
    check_splits,
    failures_of,
    fold_scorer,
    out_of_fold,
    warn_not_converged_folds,
)
from regularize.estimators.target_fit import TargetFit
from regularize.grids import geometric_grid, no_grid_error
from regularize.penalties import GroupPenalty, Penalty
from regularize.selection import select, smallest
from regularize.solvers import (
    FoldPath,
    PathResult,
    cross_validated_alpha_max,
    cross_validated_paths,
    squared_loss_path,
)
from regularize.validation import (
    Samples,
    check_fit_data,
    check_gram,
    check_parameters,
    column_names,
    is_matrix,
    make_penalty,
)

__all__ = ["PenalisedRegressorCV"]

Floats = NDArray[np.float64]


class PenalisedRegressorCV(CallbackSupportMixin, SplitterAndScorer, LinearPredictor, RegressorMixin, BaseEstimator):
    """Cross-validation of squared loss and a convex penalty: all that the estimators share.

    A subclass may have ``precompute`` and ``alpha_per_target``, and it has the parameters that its ``_penalties`` are
    made of: ``positive``, ``penalty_factor`` and ``bounds``, unless it overrides that method.
    """

    @abstractmethod
    def _model(self, alpha: float, l1_ratio: float) -> Any:
        """The unfitted estimator of one alpha."""

    def _fitted_model(self, penalty: int, path: PathResult, index: int) -> Any:
        """The estimator of one point of a fold's path, which scorers are given."""
        model = self._model(float(path.alphas[index]), float(self._l1_ratios()[penalty]))
        names = {name: value for name, value in vars(self).items() if name in ("n_features_in_", "feature_names_in_")}
        intercept = path.intercepts[..., index]
        vars(model).update(
            names,
            coef_=path.coefs[..., index].copy(),
            intercept_=intercept.copy() if intercept.ndim else float(intercept),
        )
        return model

    def fit(self, X: Any, y: Any, sample_weight: Any = None, groups: Any = None, **params: Any) -> PenalisedRegressorCV:
        """Fit the paths of all folds and of all rows, and select alpha.

        Parameters
        ----------
        X : {array-like, sparse matrix, sparse array} of shape (n_samples, n_features)
            Training data, at least two rows. float32 and float64 arrays of any memory order and CSC matrices are
            used as they are, for the folds too. X is never modified.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Target. Several targets need ``alpha_per_target=True``; the multi-task estimators take nothing but
            two-dimensional y.
        sample_weight : float or array-like of shape (n_samples,), default=None
            Non-negative weights of the rows, in the fits and in the mean squared error of each fold. The mean over
            the folds is not weighted. A scorer gets the weights of the held-out rows if it takes ``sample_weight``;
            with metadata routing, if it requests them.
        groups : array-like of shape (n_samples,), default=None
            Groups of the rows, for the splitter. With metadata routing the splitter must request them, as those
            that split by groups do.
        **params : dict
            Further metadata for the splitter and the scorer; only with metadata routing enabled.

        Returns
        -------
        self : object
            The fitted estimator. If fit raises or is interrupted, the estimator is left as it was.

        Raises
        ------
        ValueError
            If a parameter, X, y, sample_weight or a split is invalid: indices out of range, no folds, or training
            or held-out rows that are none or weigh nothing. The message names it; nothing is computed then. Also
            if every alpha scores NaN.

        Warns
        -----
        ConvergenceWarning
            If the duality gap that ``tol`` asks for was not reached; once per call, with the alphas and folds.

        Examples
        --------
        >>> from sklearn.datasets import load_diabetes
        >>> from sklearn.model_selection import GroupKFold
        >>> from regularize import LassoCV
        >>> X, y = load_diabetes(return_X_y=True)
        >>> model = LassoCV(cv=GroupKFold(4)).fit(X, y, groups=range(len(y)))
        >>> model.mse_path_.shape
        (100, 4)
        """
        with unchanged_on_failure(self):
            check_parameters(type(self).__name__, vars(self), CV_CONSTRAINTS)
            failures = self._fit(X, y, sample_weight, groups, params)
            warn_not_converged_folds(failures, stacklevel=3)
        return self

    @with_callbacks
    def _fit(self, X: Any, y: Any, sample_weight: Any, groups: Any, params: dict[str, Any]) -> list[Failure]:
        """Check, cross-validate every problem and set the fitted attributes."""
        user_alphas = check_user_alphas(type(self).__name__, self.alphas)
        if user_alphas is None and not self._has_grid():
            raise no_grid_error(type(self).__name__)
        columns = column_names(X)
        precompute = getattr(self, "precompute", "auto")
        later = not is_matrix(precompute)
        samples = self._one_alpha_each(check_fit_data(self, X, y, sample_weight, finite_by_moments=later))
        penalties = self._penalties(samples, columns)
        check_gram(samples, precompute, fit_intercept=self.fit_intercept, stacklevel=5)
        scorer = self._scorer()
        splitter_params, scorer_params = self._route(scorer, samples.sample_weight, groups, params)
        drawn = self.cv  # an iterable of splits
        if is_splitter(self.cv):
            drawn = check_cv(self.cv).split(samples.X, samples.y, **splitter_params)
        splits = check_splits(drawn, samples.X.shape[0], samples.sample_weight)
        if len(splits) == 1 and self.selection_rule == "1se":
            raise ValueError("selection_rule='1se' needs at least two folds. Got 1.")
        problems = self._problems(samples)
        callbacks = self._init_callback_context(max_subtasks=len(problems) * len(penalties) * len(splits))
        task = fit_task(self, samples)
        callbacks.call_on_fit_task_begin(**task)
        folded = FoldedDesign(
            samples.X,
            splits,
            samples.sample_weight,
            fit_intercept=bool(self.fit_intercept),
            standardize=bool(self.standardize),
            group_of=penalties[0].group_of,
        )
        table = X if columns is not None and hasattr(self, "feature_names_in_") else samples.X
        failures: list[Failure] = []

        def report(fold_path: FoldPath) -> None:
            failures.extend(failures_of(fold_path.path, fold_path.fold))
            self._report(fold_path)
            subtask = callbacks.subcontext(task_name="fold")
            subtask.call_on_fit_task_begin(**task)
            subtask.call_on_fit_task_end(**task)

        fits = []
        for y_of_problem in problems:
            alphas = self._alpha_grids(folded, y_of_problem, penalties, user_alphas)
            score = None
            if scorer is not None:
                score = fold_scorer(scorer, self._fitted_model, table, y_of_problem, scorer_params)
            fits.append(self._cross_validate(folded, y_of_problem, penalties, alphas, score, report))
            failures.extend(failures_of(fits[-1].path, None))
        self._set_fitted(samples, splits, fits, user_alphas)
        callbacks.call_on_fit_task_end(**task, reconstruction_attributes={})
        return failures

    def _l1_ratios(self) -> Floats:
        """The values of l1_ratio, (L,)."""
        return np.atleast_1d(np.asarray(getattr(self, "l1_ratio", 1.0), dtype=np.float64))

    def _has_grid(self) -> bool:
        """Whether every penalty has a part that keeps coefficients at zero, so that there is a largest alpha."""
        return 0.0 not in self._l1_ratios()

    def _one_alpha_each(self, samples: Samples) -> Samples:
        """The samples, with one-dimensional y unless each target gets its alpha."""
        if samples.y.ndim == 1 or self.alpha_per_target:
            return samples
        if samples.y.shape[1] > 1:
            raise ValueError(
                f"For multi-task outputs, use MultiTask{type(self).__name__} for targets that share their features, or"
                " alpha_per_target=True for independent ones."
            )
        return Samples(samples.X, column_or_1d(samples.y, warn=True), samples.sample_weight)

    def _problems(self, samples: Samples) -> list[Floats]:
        """The y of each problem: (n,), or (n, T) for targets that are fitted together."""
        return list(samples.targets.T)

    def _penalties(self, samples: Samples, columns: list[Any] | None) -> Sequence[Penalty | GroupPenalty]:
        """The penalty of each l1_ratio, all with the same groups if they have any."""
        return [
            make_penalty(
                type(self).__name__,
                samples.X.shape[1],
                l1_ratio=float(l1_ratio),
                penalty_factor=self.penalty_factor,
                bounds=self.bounds,
                positive=self.positive,
                columns=columns,
            )
            for l1_ratio in self._l1_ratios()
        ]

    def _alpha_grids(
        self, folded: FoldedDesign, y: Floats, penalties: Sequence[Penalty | GroupPenalty], user_alphas: Floats | None
    ) -> Floats:
        """The alphas of each penalty, (L, k), from large to small."""
        if user_alphas is not None:
            return np.tile(user_alphas, (len(penalties), 1))
        options = int(self.alphas), effective_n_jobs(self.n_jobs)
        largest = [cross_validated_alpha_max(folded, y, penalty, *options) for penalty in penalties]
        return np.array([geometric_grid(type(self).__name__, top, self.eps, int(self.alphas)) for top in largest])

    def _cross_validate(
        self,
        folded: FoldedDesign,
        y: Floats,
        penalties: Sequence[Penalty | GroupPenalty],
        alphas: Floats,
        score: Callable[[FoldPath], Floats] | None,
        report: Callable[[FoldPath], None],
    ) -> TargetFit:
        """Solve all paths of one problem and select."""
        errors = np.empty((*alphas.shape, len(folded.splits)))
        scores = None if score is None else np.empty_like(errors)
        predictions: dict[tuple[int, int], Floats] = {}

        def on_fold(fold_path: FoldPath) -> None:
            where = fold_path.penalty, slice(None), fold_path.fold
            errors[where] = fold_path.mean_squared_errors()
            if score is not None and scores is not None:
                scores[where] = score(fold_path)
            if self.store_predictions:
                predictions[fold_path.penalty, fold_path.fold] = fold_path.predictions()
            report(fold_path)

        options: dict[str, Any] = {"tol": float(self.tol), "max_iter": int(self.max_iter)}
        paths = cross_validated_paths(
            folded,
            y,
            penalties,
            alphas,
            on_fold,
            n_jobs=effective_n_jobs(self.n_jobs),
            with_full=len(penalties) == 1,
            **options,
        )
        criterion = errors if scores is None else -scores
        best = smallest(criterion.mean(axis=2)) // alphas.shape[1]
        path = paths[0] if paths else squared_loss_path(folded.full, y, penalties[best], alphas[best], **options)
        if path.interrupted:  # Ctrl-C came after the last fold: a fit must not swallow it
            raise KeyboardInterrupt
        index = select(self.selection_rule, alphas[best], criterion[best])
        one_fold = len(folded.splits) == 1
        held_out = [predictions[best, fold][..., index] for fold in range(len(folded.splits))] if predictions else None
        return TargetFit(
            alphas=alphas,
            errors=errors,
            scores=scores,
            l1_ratio=best,
            index=index,
            index_min=select("min", alphas[best], criterion[best]),
            index_1se=None if one_fold else select("1se", alphas[best], criterion[best]),
            path=path,
            predictions=None if held_out is None else out_of_fold(len(y), folded.splits, held_out),
        )

    def _scorer(self) -> Any:
        return None if self.scoring is None else check_scoring(self, scoring=self.scoring)

    def _report(self, fold_path: FoldPath) -> None:
        """One line per fold, to where joblib writes its own."""
        if self.verbose:
            n_folds, n_ratios = len(fold_path.folded.splits), len(self._l1_ratios())
            ratio = f", l1_ratio {self._l1_ratios()[fold_path.penalty]:g}" if n_ratios > 1 else ""
            sys.stderr.write(f"[{type(self).__name__}] fold {fold_path.fold + 1} of {n_folds}{ratio}\n")

    def _set_fitted(
        self, samples: Samples, splits: list[Split], fits: list[TargetFit], user_alphas: Floats | None
    ) -> None:
        """Set the attributes in scikit-learn's shapes and dtypes; several problems are stacked along the first axis."""
        found = [fit.attributes(samples.X.dtype) for fit in fits]
        one = self._problems(samples)[0].ndim == samples.y.ndim
        fitted: dict[str, Any] = {name: [attributes[name] for attributes in found] for name in found[0]}
        for name, values in fitted.items():
            if one:
                fitted[name] = values[0]
            elif name != "n_iter_":  # a list, as in Lasso
                fitted[name] = np.stack(values, axis=-1 if name == "oof_predictions_" else 0)
        if not self.fit_intercept:
            fitted["intercept_"] = 0.0
        if user_alphas is not None:
            fitted["alphas_"] = user_alphas
        if hasattr(self, "l1_ratio"):
            ratios = self._l1_ratios()[[fit.l1_ratio for fit in fits]]
            fitted["l1_ratio_"] = ratios[0] if one else ratios
        self.__dict__.pop("oof_predictions_", None)  # of an earlier fit
        self.__dict__.update(fitted, cv_splits_=splits)

    def __sklearn_tags__(self) -> Any:
        """Tags: sparse X is accepted, and several targets are if each gets its alpha."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.target_tags.multi_output = bool(getattr(self, "alpha_per_target", False))
        return tags
