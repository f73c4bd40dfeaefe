"""The path of a model at the end of a pipeline, fold by fold.

Design notes
------------
a. The pipeline does its own work: only its last step is replaced, by a :class:`PathStep` that solves the path where
   the model would be fitted once. So preprocessing, caching and metadata go the way they always go.
b. Every alpha becomes a fitted copy of the model, which the scorer sees with the held-out rows as the other steps
   transform them, once for all alphas.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.stats import rankdata
from sklearn.base import BaseEstimator, clone
from sklearn.pipeline import Pipeline

from regularize.design import make_design
from regularize.estimators.base import DEFAULT_MAX_ITER
from regularize.estimators.elastic_net import ElasticNet
from regularize.estimators.folds import Failure, failures_of
from regularize.solvers import PathResult, squared_loss_alpha_max, squared_loss_path
from regularize.validation import check_fit_data, check_gram, column_names, make_penalty

Floats = NDArray[np.float64]


def final_model(estimator: Any) -> Any:
    """The last step of a pipeline, or the estimator itself."""
    return estimator.steps[-1][1] if isinstance(estimator, Pipeline) else estimator


class PathStep(BaseEstimator):
    """Stands for a model in its pipeline and solves its path for each l1_ratio.

    ``alphas`` has shape (L, k), one row per l1_ratio; None only finds ``alpha_max_``, (L,).
    """

    def __init__(self, model: ElasticNet, l1_ratios: Floats, alphas: Floats | None) -> None:
        self.model = model
        self.l1_ratios = l1_ratios
        self.alphas = alphas

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> PathStep:
        """Solve ``paths_[l1_ratio][target]``; the parameters of the model have been checked."""
        model, caller = self.model, type(self.model).__name__
        columns = column_names(X)
        self.samples_ = samples = check_fit_data(model, X, y, sample_weight)
        gram, use_gram = check_gram(samples, model.precompute, fit_intercept=model.fit_intercept)
        design = make_design(
            samples.X,
            sample_weight=samples.sample_weight,
            fit_intercept=bool(model.fit_intercept),
            standardize=bool(model.standardize),
            gram=gram,
        )
        penalties = [
            make_penalty(
                caller,
                samples.X.shape[1],
                l1_ratio=float(l1_ratio),
                penalty_factor=model.penalty_factor,
                bounds=model.bounds,
                positive=model.positive,
                columns=columns,
            )
            for l1_ratio in self.l1_ratios
        ]
        targets = samples.targets.T
        if self.alphas is None:
            largest = [
                max(squared_loss_alpha_max(design, target, penalty) for target in targets) for penalty in penalties
            ]
            self.alpha_max_ = np.array(largest)
            return self
        options: dict[str, Any] = {
            "tol": float(model.tol),
            "max_iter": DEFAULT_MAX_ITER if model.max_iter is None else int(model.max_iter),
            "use_gram": use_gram,
        }
        self.paths_ = [
            [squared_loss_path(design, target, penalty, alphas, **options) for target in targets]
            for penalty, alphas in zip(penalties, self.alphas, strict=True)
        ]
        if any(path.interrupted for paths in self.paths_ for path in paths):
            raise KeyboardInterrupt
        return self

    def transform(self, X: Any) -> Any:
        """Hand on what the steps before have made of X."""
        return X

    def models(self) -> Iterator[ElasticNet]:
        """The fitted model of each l1_ratio and, within it, of each alpha."""
        for l1_ratio, paths in zip(self.l1_ratios, self.paths_, strict=True):
            for k, alpha in enumerate(paths[0].alphas):
                model = copy(self.model)
                model.alpha, model.l1_ratio = float(alpha), float(l1_ratio)
                model._set_fitted(self.samples_, [_point(path, k) for path in paths])
                yield model

    def get_metadata_routing(self) -> Any:
        """Ask for what the model asks for."""
        return self.model.get_metadata_routing()


def _point(path: PathResult, k: int) -> PathResult:
    """A path of one alpha, as a single fit gives it."""
    one = slice(k, k + 1)
    return replace(
        path,
        alphas=path.alphas[one],
        coefs=path.coefs[:, one],
        intercepts=path.intercepts[one],
        dual_gaps=path.dual_gaps[one],
        n_iters=path.n_iters[one],
        converged=path.converged[one],
    )


@dataclass(frozen=True)
class Task:
    """What all folds share. ``fit_params`` and ``score_params`` are for all rows."""

    estimator: Any
    X: Any
    y: Any
    scorer: Any
    fit_params: dict[str, Any]
    score_params: dict[str, Any]

    def with_path(self, l1_ratios: Floats, alphas: Floats | None) -> tuple[Any, PathStep]:
        """A clone of the estimator with a path step at its end, and that step."""
        estimator = clone(self.estimator)
        step = PathStep(final_model(estimator), l1_ratios, alphas)
        if not isinstance(estimator, Pipeline):
            return step, step
        estimator.steps[-1] = (estimator.steps[-1][0], step)
        return estimator, step

    def alpha_max(self, l1_ratios: Floats) -> Floats:
        """Of each l1_ratio, (L,), with the preprocessing fitted to all rows."""
        estimator, step = self.with_path(l1_ratios, None)
        estimator.fit(self.X, self.y, **self.fit_params)
        return step.alpha_max_

    def scores(self, l1_ratios: Floats, alphas: Floats, fold: int, split: Any) -> tuple[Floats, list[Failure]]:
        """Scores (L, k) on the held-out rows of a fold, and what did not converge."""
        train, test = split
        estimator, step = self.with_path(l1_ratios, alphas)
        estimator.fit(*self._rows(train), **self._take(self.fit_params, train))
        X_test, y_test = self._rows(test)
        X_test, score_params = estimator.transform(X_test), self._take(self.score_params, test)
        scores = [self.scorer(model, X_test, y_test, **score_params) for model in step.models()]
        failures = [failure for paths in step.paths_ for path in paths for failure in failures_of(path, fold)]
        return np.array(scores, dtype=np.float64).reshape(alphas.shape), failures

    def _rows(self, rows: Any) -> tuple[Any, Any]:
        return rows_of(self.X, rows), None if self.y is None else rows_of(self.y, rows)

    def _take(self, params: dict[str, Any], rows: Any) -> dict[str, Any]:
        """Metadata that has one entry per sample, of some rows; anything else as it is."""
        n_samples = n_rows(self.X)
        return {name: rows_of(value, rows) if _has_rows(value, n_samples) else value for name, value in params.items()}


def n_rows(data: Any) -> int:
    """Of an array, a sparse matrix, a data frame or a list."""
    return int(data.shape[0]) if hasattr(data, "shape") else len(data)


def rows_of(data: Any, rows: Any) -> Any:
    """Some rows of an array, a sparse matrix, a data frame or a list, in its own type."""
    if hasattr(data, "iloc"):
        return data.iloc[rows]
    if hasattr(data, "shape"):
        return data.tocsr()[rows] if sparse.issparse(data) else data[rows]
    return [data[i] for i in rows]


def _has_rows(value: Any, n_samples: int) -> bool:
    is_array_like = hasattr(value, "__len__") or hasattr(value, "shape")
    return (
        is_array_like
        and not isinstance(value, str)
        and getattr(value, "shape", None) != ()
        and n_rows(value) == n_samples
    )


def results_table(candidates: list[dict[str, float]], scores: Floats) -> dict[str, Any]:
    """GridSearchCV's table from scores (m, K)."""
    mean = scores.mean(axis=1)
    columns = {f"param_{name}": np.ma.array([params[name] for params in candidates]) for name in candidates[0]}
    splits = {f"split{fold}_test_score": column for fold, column in enumerate(scores.T)}
    rank = rankdata(np.where(np.isnan(mean), np.inf, -mean), method="min").astype(np.int32)
    return {
        **columns,
        "params": candidates,
        **splits,
        "mean_test_score": mean,
        "std_test_score": scores.std(axis=1),
        "rank_test_score": rank,
    }


def refitted_has(name: str) -> Callable[[Any], bool]:
    """Whether a method can be delegated; the AttributeError says why if not."""

    def check(search: Any) -> bool:
        if not search.refit:
            raise AttributeError(
                f"This {type(search).__name__} instance was initialized with `refit=False`. {name} is available only"
                " after refitting on the best parameters. You can refit an estimator manually using the"
                " `best_params_` attribute"
            )
        getattr(getattr(search, "best_estimator_", search.estimator), name)
        return True

    return check
