"""How the alphas of a ridge regression fare on rows that were left out: by formula, or fold by fold.

Design notes
------------
a. Everything is a score, larger is better, as scikit-learn counts it; rules of selection see errors, which are scores
   with the sign turned.
b. A *unit* is what gets an alpha of its own: all targets together, or each of them.
c. Rows of weight zero are no rows: with or without them the same alpha is selected. Only the scale of the scores
   tells of them, as in scikit-learn, whose leave-one-out score is a mean over all rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from regularize.design import FoldedDesign
from regularize.estimators.criteria import Candidates
from regularize.estimators.folds import Failure, Rows, take_rows
from regularize.penalties import Penalty
from regularize.selection import Rule, mean_and_standard_error, select, smallest, within_one_standard_error
from regularize.solvers.ridge import RidgeFold, RidgeResult, RidgeSolver, ridge_folds
from regularize.validation import Samples

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]
Unit = int | slice  # of the axis of targets


@dataclass(frozen=True)
class Problem:
    """What is to be fitted, checked.

    truth : (n,) or (n, t), what scorers compare with; table : X as scorers get it; alphas : (k,) in the user's order
    and units; units : what gets an alpha of its own.
    """

    samples: Samples
    truth: NDArray[Any]
    table: Any
    penalty: Penalty
    prior: Floats | None
    alphas: Floats
    units: Sequence[Unit]

    def total(self, rows: Rows | slice = slice(None)) -> float:
        """The sum of the weights of some rows; their number without weights."""
        weights = self.samples.sample_weight
        return float(len(self.samples.y[rows]) if weights is None else weights[rows].sum())

    def by_unit(self, values: Floats) -> Floats:
        """Values (t, ...) of each target as (u, ...): means over the targets of a unit."""
        return np.array([values[unit] if isinstance(unit, int) else values[unit].mean(axis=0) for unit in self.units])


@dataclass(frozen=True)
class Scoring:
    """A scorer, None if nothing asks for one, with all that it may ask for; ``params`` is its metadata, of all rows."""

    scorer: Callable[..., Any] | None
    problem: Problem
    params: dict[str, Any]

    def __call__(self, models: Iterable[tuple[Any, Any]], rows: Rows | slice) -> Floats:
        """Scores (u,) of one model per unit, each with its X of the given rows."""
        assert self.scorer is not None
        truth = self.problem.truth
        held_out = {name: take_rows(value, rows, len(truth)) for name, value in self.params.items()}
        scores = [
            self.scorer(model, X, truth[rows] if truth.ndim == 1 else truth[rows, unit], **held_out)
            for (model, X), unit in zip(models, self.problem.units, strict=True)
        ]
        return np.array(scores, dtype=np.float64)


@dataclass(frozen=True)
class Choice:
    """Positions among the alphas, (u,): what was selected, what 'min' and '1se' select (None for a single score)."""

    index: Indices
    least: Indices
    one_se: Indices | None


@dataclass(frozen=True)
class Validation:
    """What was found about k alphas, for each of u units.

    means, standard_errors : (u, k), of ``n_scores`` scores; errors : (u, k, n_scores), None if no rule asks for them;
    residuals : (k, t, m) of the m rows that each fold held out (all rows for leave-one-out), None if they are not kept.
    """

    means: Floats
    standard_errors: Floats
    n_scores: int
    errors: Floats | None = None
    residuals: Sequence[Floats] | None = None
    failures: Sequence[Failure] = ()

    def choose(self, rule: str | Rule, alphas: Floats) -> Choice:
        """Apply a rule to each unit. Of equally good alphas 'min' takes the first, as in scikit-learn."""
        unknown = [bool(np.isnan(means).all()) for means in self.means]
        least = np.array([0 if nan else smallest(-means) for nan, means in zip(unknown, self.means, strict=True)])
        order = np.argsort(-alphas, kind="stable")  # other rules are given alphas from large to small
        one_se = None
        if self.n_scores > 1 and (rule == "1se" or not any(unknown)):
            pairs = zip(-self.means[:, order], self.standard_errors[:, order], strict=True)
            one_se = order[[within_one_standard_error(*pair) for pair in pairs]]
        index = least
        if callable(rule):
            assert self.errors is not None
            index = order[[select(rule, alphas[order], errors[order]) for errors in self.errors]]
        elif rule == "1se" and one_se is not None:
            index = one_se
        return Choice(index, least, one_se)


def generalised(problem: Problem, solver: RidgeSolver, fit_intercept: bool) -> Validation:
    """Scores by generalised cross-validation: minus the mean squared residual over ``(1 - df / total)^2``."""
    alphas, n_targets, total = problem.alphas, problem.samples.targets.shape[1], problem.total()
    found = solver.path(np.repeat(alphas[:, np.newaxis] / total, n_targets, axis=1))
    df = solver.effective_df(alphas / total) - fit_intercept
    candidates = Candidates(total, fit_intercept, found.squared_errors.T, df, np.zeros(alphas.size))
    errors = problem.by_unit(candidates.criterion("gcv", None, 0.0))
    return Validation(-errors, np.full_like(errors, np.nan), 1, errors[:, :, np.newaxis])


def leave_one_out(
    problem: Problem,
    solver: RidgeSolver,
    score: Callable[[Floats], Floats] | None,
    *,
    with_errors: bool,
    with_residuals: bool,
) -> Validation:
    """Scores of each row's prediction by the model of the others.

    Without ``score`` each row is a fold, and its score is minus its squared error times its weight. Else ``score``
    gives those (u,) of the predictions (t, n) of all rows.
    """
    targets, weights = problem.samples.targets, problem.samples.sample_weight
    n, shape = len(targets), (len(problem.units), problem.alphas.size)
    counted = np.arange(n) if weights is None else np.flatnonzero(weights)
    n_scores = counted.size if score is None else 1
    means, standard_errors = np.empty(shape), np.empty(shape)
    kept = np.empty((*shape, n_scores)) if with_errors else None
    residuals = np.empty((problem.alphas.size, *targets.T.shape)) if with_residuals else None
    for chosen, left in solver.leave_one_out(problem.alphas / problem.total()):
        if score is not None:
            errors = -np.stack([score(targets.T - own) for own in left], axis=1)[..., np.newaxis]
        else:
            squares = np.square(left) if weights is None else weights * np.square(left)
            errors = problem.by_unit(squares.transpose(1, 0, 2))
            if counted.size < n:
                errors = errors[..., counted] * (counted.size / n)
        means[:, chosen], standard_errors[:, chosen] = mean_and_standard_error(errors)
        if kept is not None:
            kept[:, chosen] = errors
        if residuals is not None:
            residuals[chosen] = left
    return Validation(-means, standard_errors, n_scores, kept, None if residuals is None else [residuals])


def fold_by_fold(
    problem: Problem,
    folded: FoldedDesign,
    score: Callable[[RidgeFold], Floats],
    report: Callable[[], None],
    *,
    with_coefs: bool,
    with_residuals: bool,
) -> Validation:
    """Scores (u, k) of the held-out rows of each fold; ``report`` is called after each."""
    targets = problem.samples.targets
    totals = np.array([problem.total(train) for train, _ in folded.splits])
    scores = np.empty((len(problem.units), problem.alphas.size, len(totals)))
    residuals: list[Floats] = [np.empty(0)] * len(totals)
    failures: list[Failure] = []
    options: dict[str, Any] = {"prior": problem.prior, "with_coefs": with_coefs}
    for fold in ridge_folds(folded, targets, problem.penalty, problem.alphas, totals, **options):
        scores[:, :, fold.fold] = score(fold)
        failed = problem.alphas[~fold.converged.all(axis=1)]
        failures.extend(Failure(np.nan, np.nan, float(alpha), fold.fold) for alpha in failed)
        if with_residuals:
            residuals[fold.fold] = targets[folded.splits[fold.fold][1]].T - fold.predictions
        report()
    means, standard_errors = mean_and_standard_error(scores)
    return Validation(means, standard_errors, len(totals), -scores, residuals if with_residuals else None, failures)


def failures_of(result: RidgeResult, total: float) -> list[Failure]:
    """What did not converge on all rows, in the user's units; ``total`` is the sum of the weights."""
    return [
        Failure(
            gap=2.0 * total * float(result.dual_gaps[i, j]),
            tolerance=2.0 * total * float(result.tolerance[j]),
            alpha=total * float(result.alphas[i, j]),
            fold=None,
        )
        for i, j in np.argwhere(~result.converged)
    ]
