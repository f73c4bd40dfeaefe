"""The one ``fit`` of RidgeCV and RidgeClassifierCV.

Design notes
------------
a. One factorisation serves all: the errors of rows left out, the degrees of freedom and the coefficients at the alpha
   that was selected. The folds are not refitted either (:func:`regularize.solvers.ridge.ridge_folds`).
b. With ``cv`` the scores are those of scikit-learn's GridSearchCV: of each fold on its held-out rows, weighted if the
   scorer takes weights, then a plain mean over the folds.
c. As in ``base``, attributes are set last and a fit that fails leaves the estimator as it was.
"""

from __future__ import annotations

import warnings
from abc import abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn import get_config
from sklearn.base import BaseEstimator, is_classifier
from sklearn.metrics import check_scoring, get_scorer
from sklearn.model_selection import check_cv

from regularize.design import Design, FoldedDesign, make_design
from regularize.estimators.base import CallbackSupportMixin, fit_task, unchanged_on_failure, with_callbacks
from regularize.estimators.cv_constraints import RIDGE_CV_CONSTRAINTS, check_ridge_alphas
from regularize.estimators.cv_routing import SplitterAndScorer, is_splitter
from regularize.estimators.folds import Failure, Rows, Split, check_splits, out_of_fold, warn_not_converged_folds
from regularize.estimators.ridge_validation import (
    Choice,
    Problem,
    Scoring,
    Validation,
    failures_of,
    fold_by_fold,
    generalised,
    leave_one_out,
)
from regularize.ridge_answers import finite_solution
from regularize.solvers.ridge import RidgeFold, RidgeResult, RidgeSolver
from regularize.validation import (
    Samples,
    check_coef_prior,
    check_parameters,
    column_names,
    make_penalty,
)

__all__ = ["BaseRidgeCV"]

Floats = NDArray[np.float64]

PREDICTIONS_ONLY = type(get_scorer("r2"))  # such a scorer asks a model for its predictions and nothing else


class BaseRidgeCV(CallbackSupportMixin, SplitterAndScorer, BaseEstimator):
    """Selection of alpha for ridge regression on one or several targets: all that the estimators share."""

    default_scoring: str  # what ``score`` computes
    alpha_per_target = False
    gcv_mode: str | None = None

    @abstractmethod
    def _check_data(self, X: Any, y: Any, sample_weight: Any) -> tuple[Samples, float, NDArray[Any]]:
        """X, numerical targets and weights, the sum of the weights, and what scorers compare with."""

    @abstractmethod
    def _predicted(self) -> Any:
        """What stands for a fitted model where its predictions are at hand: they are what it takes for X."""

    @abstractmethod
    def _model(self, alpha: float) -> Any:
        """The model of one alpha, without coefficients."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None, groups: Any = None, **params: Any) -> BaseRidgeCV:
        """Score all alphas, select one, and fit the model at it.

        Parameters
        ----------
        X : {array-like, sparse matrix, sparse array} of shape (n_samples, n_features)
            Training data. float32 and float64 arrays of any memory order and CSC matrices are used as they are, for
            the folds too. X is never modified; sparse X is never made dense.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Targets; for a classifier class labels, or an indicator matrix of several labels.
        sample_weight : float or array-like of shape (n_samples,), default=None
            Non-negative weights of the rows, not rescaled: with all weights doubled alpha counts half. They weigh the
            squared errors of leave-one-out, and a scorer gets those of the held-out rows if it takes
            ``sample_weight``; with metadata routing, if it requests them.
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
            If a parameter, X, y, sample_weight or a split is invalid, or parameters exclude each other. The message
            names it; nothing is computed then. Also if '1se' is asked for and every alpha scores NaN.

        Warns
        -----
        ConvergenceWarning
            If bounds or conjugate gradients left a duality gap that is too large; once per call.
        UserWarning
            If scores are NaN, such as R2 of a fold with a single row. Such an alpha is never the best; if all are,
            the first is taken, as in scikit-learn.

        Examples
        --------
        >>> from sklearn.datasets import load_diabetes
        >>> from sklearn.model_selection import GroupKFold
        >>> from regularize import RidgeCV
        >>> X, y = load_diabetes(return_X_y=True)
        >>> model = RidgeCV([0.01, 0.1, 1.0], cv=GroupKFold(4)).fit(X, y, groups=range(len(y)))
        >>> model.cv_mean_.round(3)
        array([0.471, 0.473, 0.403])
        """
        with unchanged_on_failure(self):
            check_parameters(type(self).__name__, vars(self), RIDGE_CV_CONSTRAINTS)
            self._check_combination()
            failures = self._fit(X, y, sample_weight, groups, params)
            warn_not_converged_folds(failures, stacklevel=3)
        return self

    def _check_combination(self) -> None:
        """Refuse parameters that exclude each other."""
        if self.cv is not None:
            if self.store_cv_results:
                raise ValueError("cv!=None and store_cv_results=True are incompatible")
            return
        gcv = self.criterion == "gcv"
        if self.bounds is not None:
            raise ValueError(
                "cv=None and bounds are incompatible: the formulas of leave-one-out and generalised cross-validation"
                " do not hold within bounds. Pass cv."
            )
        if gcv and self.scoring is not None:
            raise ValueError("criterion='gcv' and scoring are incompatible: the criterion is the score")
        if gcv and (self.store_cv_results or self.store_predictions):
            raise ValueError("criterion='gcv' has no predictions that could be stored: it leaves no rows out")
        if self.selection_rule == "1se" and (gcv or self.scoring is not None):
            what = "criterion='gcv'" if gcv else "scoring without cv"
            raise ValueError(f"selection_rule='1se' needs the scores of folds or rows: {what} gives a single one.")

    @with_callbacks
    def _fit(self, X: Any, y: Any, sample_weight: Any, groups: Any, params: dict[str, Any]) -> list[Failure]:
        """Check, score all alphas, select and set the fitted attributes."""
        problem = self._problem(X, y, sample_weight)
        samples = problem.samples
        routed = get_config().get("enable_metadata_routing", False)
        scorer = self._scorer() if routed or self.cv is not None or self.scoring is not None else None
        splitter_params, scorer_params = self._route(scorer, samples.sample_weight, groups, params)
        scoring = Scoring(scorer, problem, scorer_params)
        splits = [] if self.cv is None else self._draw(problem, splitter_params)
        callbacks = self._init_callback_context(max_subtasks=len(splits))
        task = fit_task(self, samples)
        callbacks.call_on_fit_task_begin(**task)

        def report() -> None:
            subtask = callbacks.subcontext(task_name="fold")
            subtask.call_on_fit_task_begin(**task)
            subtask.call_on_fit_task_end(**task)

        options: dict[str, Any] = {"fit_intercept": bool(self.fit_intercept), "standardize": bool(self.standardize)}
        if splits:
            folded = FoldedDesign(samples.X, splits, samples.sample_weight, **options)
            solver = self._solver(problem, folded.full)
            validation = self._by_folds(problem, folded, scoring, report)
        else:
            solver = self._solver(problem, make_design(samples.X, samples.sample_weight, **options))
            validation = self._by_formula(problem, solver, scoring)
        if np.isnan(validation.means).any():  # GridSearchCV's words
            message = f"One or more of the test scores are non-finite: {validation.means.squeeze()}"
            warnings.warn(message, UserWarning, stacklevel=4)
        choice = validation.choose(self.selection_rule, problem.alphas)
        result = solver.path(self._alpha_of_targets(problem, choice)[np.newaxis] / problem.total())
        self._set_fitted(problem, splits, validation, choice, result)
        callbacks.call_on_fit_task_end(**task, reconstruction_attributes={})
        return [*validation.failures, *failures_of(result, problem.total())]

    def _problem(self, X: Any, y: Any, sample_weight: Any) -> Problem:
        """Check everything but the splits."""
        caller, columns = type(self).__name__, column_names(X)
        alphas = check_ridge_alphas(caller, self.alphas, with_zero=self.cv is not None)
        samples, total, truth = self._check_data(X, y, sample_weight)
        n_targets, (n_samples, n_features) = samples.targets.shape[1], samples.X.shape
        if samples.sample_weight is None and total != n_samples:  # one number: its size counts here
            samples = Samples(samples.X, samples.y, np.full(n_samples, total / n_samples))
        penalty = make_penalty(
            caller,
            n_features,
            l1_ratio=0.0,
            penalty_factor=self.penalty_factor,
            bounds=self.bounds,
            columns=columns,
        )
        each = samples.y.ndim == 1 or self.alpha_per_target
        return Problem(
            samples=samples,
            truth=truth,
            table=X if columns is not None and hasattr(self, "feature_names_in_") else samples.X,
            penalty=penalty,
            prior=check_coef_prior(caller, self.coef_prior, n_targets, penalty, columns),
            alphas=alphas,
            units=list(range(n_targets)) if each else [slice(None)],
        )

    def _draw(self, problem: Problem, params: dict[str, Any]) -> list[Split]:
        """The splits, drawn once."""
        drawn = self.cv  # an iterable of splits
        if is_splitter(self.cv):
            splitter = check_cv(self.cv, problem.truth, classifier=is_classifier(self))
            drawn = splitter.split(problem.samples.X, problem.truth, **params)
        splits = check_splits(drawn, len(problem.truth), problem.samples.sample_weight)
        if len(splits) == 1 and self.selection_rule == "1se":
            raise ValueError("selection_rule='1se' needs at least two folds. Got 1.")
        return splits

    def _scorer(self) -> Any:
        if self.scoring is not None:
            return check_scoring(self, scoring=self.scoring)
        scorer = get_scorer(self.default_scoring)
        if get_config().get("enable_metadata_routing", False):  # as in scikit-learn the default takes weights
            scorer.set_score_request(sample_weight=True)
        return scorer

    def _solver(self, problem: Problem, design: Design) -> RidgeSolver:
        """The solver on all rows."""
        method = "auto"
        if self.cv is None and self.gcv_mode == "svd":
            if sparse.issparse(problem.samples.X):
                message = "The 'svd' mode is not supported for sparse X, we fallback to `gcv_mode='eigen'`."
                warnings.warn(message, FutureWarning, stacklevel=5)
            else:
                method = "svd"
        return RidgeSolver(
            design,
            problem.samples.targets,
            problem.penalty,
            prior=problem.prior,
            method=method,
            n_alphas=problem.alphas.size if self.cv is None else len(problem.units),
        )

    def _by_formula(self, problem: Problem, solver: RidgeSolver, scoring: Scoring) -> Validation:
        """Each row left out in turn, or generalised cross-validation."""
        if self.criterion == "gcv":
            validation = generalised(problem, solver, bool(self.fit_intercept))
            if np.isinf(validation.means).all(axis=1).any():
                raise ValueError(
                    f"The 'gcv' criterion of {type(self).__name__} is infinite at all alphas: {problem.total():g}"
                    " samples (the sum of the weights) are too few for the degrees of freedom."
                )
            return validation

        def score(predictions: Floats) -> Floats:
            return self._scores_of_predictions(scoring, predictions, slice(None))

        return leave_one_out(
            problem,
            solver,
            None if self.scoring is None else score,
            with_errors=callable(self.selection_rule),
            with_residuals=self.store_cv_results or self.store_predictions,
        )

    def _by_folds(
        self, problem: Problem, folded: FoldedDesign, scoring: Scoring, report: Callable[[], None]
    ) -> Validation:
        """Each fold held out in turn."""
        with_models = callable(self.scoring) and not isinstance(self.scoring, PREDICTIONS_ONLY)

        def score(fold: RidgeFold) -> Floats:
            _, test = folded.splits[fold.fold]
            if with_models:
                return self._scores_of_models(scoring, fold, test)
            return self._scores_of_path(scoring, fold.predictions, test)

        options = {"with_coefs": with_models, "with_residuals": self.store_predictions}
        return fold_by_fold(problem, folded, score, report, **options)

    def _scores_of_path(self, scoring: Scoring, predictions: Floats, rows: Rows) -> Floats:
        """Scores (u, k) of predictions (k, t, m)."""
        return np.stack([self._scores_of_predictions(scoring, own, rows) for own in predictions], axis=1)

    def _scores_of_predictions(self, scoring: Scoring, predictions: Floats, rows: Rows | slice) -> Floats:
        """Scores (u,) of predictions (t, m)."""
        model = self._predicted()
        return scoring([(model, predictions.T[:, unit]) for unit in scoring.problem.units], rows)

    def _scores_of_models(self, scoring: Scoring, fold: RidgeFold, rows: Rows) -> Floats:
        """Scores (u, k) of the models of a fold."""
        table, units = scoring.problem.table, scoring.problem.units
        X = (table.tocsr() if sparse.issparse(table) else getattr(table, "iloc", table))[rows]
        scores = []
        for alpha, coefs, intercepts in zip(scoring.problem.alphas, fold.coefs, fold.intercepts, strict=True):
            models = [self._fitted_model(float(alpha), coefs[unit], intercepts[unit]) for unit in units]
            scores.append(scoring([(model, X) for model in models], rows))
        return np.stack(scores, axis=1)

    def _fitted_model(self, alpha: float, coefs: Floats, intercepts: Any) -> Any:
        """The model with coefficients (p,) or (t, p)."""
        model = self._model(alpha)
        known = ("n_features_in_", "feature_names_in_", "classes_", "_label_binarizer")
        vars(model).update({name: value for name, value in vars(self).items() if name in known})
        model.coef_ = coefs[0] if coefs.shape[0] == 1 and coefs.ndim == 2 else coefs
        model.intercept_ = intercepts if self.fit_intercept else 0.0
        return model

    def _alpha_of_targets(self, problem: Problem, choice: Choice) -> Floats:
        """The selected alpha of each target, (t,)."""
        return np.broadcast_to(problem.alphas[choice.index], problem.samples.targets.shape[1])

    def _set_fitted(
        self, problem: Problem, splits: list[Split], validation: Validation, choice: Choice, result: RidgeResult
    ) -> None:
        """Set the attributes in scikit-learn's shapes and dtypes, all of them or none."""
        coefs, intercepts = finite_solution(result, problem.samples)
        flat, one = problem.samples.y.ndim == 1, coefs.shape[1] == 1
        # Two-dimensional y with alpha_per_target: an axis of targets; alpha_ itself is a number for one of them.
        units: Any = slice(None) if self.alpha_per_target and not flat else 0
        alphas: Any = 0 if one else units
        gaps = 2.0 * problem.total() * result.dual_gaps[0]
        one_se = np.full(choice.index.shape, np.nan) if choice.one_se is None else problem.alphas[choice.one_se]
        fitted = {
            "alpha_": problem.alphas[choice.index][alphas],
            "best_score_": np.take_along_axis(validation.means, choice.index[:, np.newaxis], axis=1)[:, 0][units],
            "alpha_min_": problem.alphas[choice.least][alphas],
            "alpha_1se_": one_se[alphas],
            "cv_mean_": validation.means[units],
            "cv_se_": validation.standard_errors[units],
            "coef_": coefs[0, 0] if one else coefs[0],
            "intercept_": (intercepts[0, 0] if flat else intercepts[0]) if self.fit_intercept else 0.0,
            "dual_gap_": gaps[0] if one else gaps,
            "converged_": bool(result.converged[0, 0]) if one else result.converged[0],
        }
        if splits:
            fitted["cv_splits_"] = splits
        if self.store_cv_results:
            details = self._cv_results(problem, validation).astype(problem.samples.X.dtype, copy=False)
            fitted["cv_results_"] = details[:, 0] if flat else details
        if self.store_predictions:
            predictions = self._out_of_fold(problem, splits, validation, choice)
            fitted["oof_predictions_"] = predictions[:, 0] if one else predictions
        for name in ("cv_splits_", "cv_results_", "oof_predictions_"):  # of an earlier fit
            self.__dict__.pop(name, None)
        self.__dict__.update(fitted)

    def _cv_results(self, problem: Problem, validation: Validation) -> Floats:
        """Weighted squared errors, with ``scoring`` predictions, of the rows that were left out; (n, t, k)."""
        assert validation.residuals is not None
        residuals = validation.residuals[0].transpose(2, 1, 0)
        if self.scoring is not None:
            return problem.samples.targets[:, :, np.newaxis] - residuals
        weights = problem.samples.sample_weight
        return np.square(residuals) * (1.0 if weights is None else weights[:, np.newaxis, np.newaxis])

    @staticmethod
    def _out_of_fold(problem: Problem, splits: list[Split], validation: Validation, choice: Choice) -> Floats:
        """Predictions (n, t) of the rows by the models that did not see them, at the selected alphas."""
        assert validation.residuals is not None
        n, t = problem.samples.targets.shape
        folds = splits or [(np.empty(0, dtype=np.intp), np.arange(n))]
        at = np.broadcast_to(choice.index, t)
        residuals = [[own[at[j], j] for own in validation.residuals] for j in range(t)]
        return problem.samples.targets - np.stack([out_of_fold(n, folds, own) for own in residuals], axis=1)

    def __sklearn_tags__(self) -> Any:
        """Tags: sparse X is accepted."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
