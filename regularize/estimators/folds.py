"""The folds of a cross-validation: their rows, what is held out, and what did not converge."""

from __future__ import annotations

import inspect
import math
import sys
import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from regularize.paths import listed
from regularize.solvers import FoldPath, PathResult
from regularize.validation import ConvergenceWarning

Floats = NDArray[np.float64]
Rows = NDArray[np.intp]
Split = tuple[Rows, Rows]


def check_splits(splits: Iterable[Any], n_samples: int, sample_weight: Floats | None = None) -> list[Split]:
    """The splits as pairs of arrays of row indices.

    Raises ValueError for no folds, for what is no index of a row, and for training or held-out rows that are none or
    weigh nothing.
    """
    checked = []
    for fold, split in enumerate(splits):
        if not hasattr(split, "__len__") or len(split) != 2:
            raise ValueError(f"cv: fold {fold} must be a pair (train, test) of row indices. Got {split!r}.")
        train = _row_indices(split[0], n_samples, sample_weight, f"cv: the training rows of fold {fold}")
        test = _row_indices(split[1], n_samples, sample_weight, f"cv: the test rows of fold {fold}")
        checked.append((train, test))
    if not checked:
        raise ValueError("cv gave no folds. A generator of splits is used up by one fit: pass a list.")
    return checked


def _row_indices(rows: Any, n_samples: int, sample_weight: Floats | None, what: str) -> Rows:
    """Row indices, also for a mask and for negative indices."""
    array = np.asarray(rows)
    if array.ndim != 1 or (array.size > 0 and array.dtype.kind not in "biu"):
        raise ValueError(f"{what} must be a 1D array of row indices or a mask. Got {rows!r}.")
    indices: Rows = array.astype(np.intp) if array.size else np.empty(0, dtype=np.intp)
    if array.size and (array.dtype.kind == "b" or indices.view(np.uintp).max() >= n_samples):  # as negative ones are
        try:
            indices = np.arange(n_samples, dtype=np.intp)[array]
        except IndexError as error:
            raise ValueError(f"{what} are out of range for {n_samples} samples: {error}.") from None
    if indices.size == 0:
        raise ValueError(f"{what} are empty.")
    if sample_weight is not None and not sample_weight[indices].any():
        raise ValueError(f"{what} all have a sample_weight of 0.")
    return indices


def fold_scorer(
    scorer: Any, fitted_model: Callable[[int, PathResult, int], Any], X: Any, y: Floats, params: dict[str, Any]
) -> Callable[[FoldPath], Floats]:
    """A function that scores each alpha of a fold's path on its held-out rows, (k,).

    X is what the scorer gets rows of, a data frame or an array; ``params`` is its metadata, of all rows.
    """
    rows = X.tocsr() if sparse.issparse(X) else getattr(X, "iloc", X)

    def score(fold_path: FoldPath) -> Floats:
        _, test = fold_path.folded.splits[fold_path.fold]
        X_test, y_test = rows[test], y[test]
        held_out = {name: take_rows(value, test, len(y)) for name, value in params.items()}
        models = (fitted_model(fold_path.penalty, fold_path.path, k) for k in range(fold_path.path.alphas.size))
        return np.array([scorer(model, X_test, y_test, **held_out) for model in models], dtype=np.float64)

    return score


def take_rows(value: Any, rows: Rows | slice, n_samples: int) -> Any:
    """The rows of metadata that has one entry per sample; anything else as it is."""
    per_sample = np.ndim(value) > 0 and len(value) == n_samples
    return np.asarray(value)[rows] if per_sample else value


def takes_weights(scorer: Any) -> bool:
    """Whether a scorer, or the metric inside a scorer of scikit-learn, has a parameter ``sample_weight``."""
    return "sample_weight" in inspect.signature(getattr(scorer, "_score_func", scorer)).parameters


def out_of_fold(n_samples: int, splits: Sequence[Split], predictions: Sequence[Floats]) -> Floats:
    """The prediction of each row, averaged over the folds that hold it out; NaN if none does.

    Those of a fold are (n_test,), or (n_test, T) for T targets.
    """
    total = np.zeros((n_samples, *predictions[0].shape[1:]))
    count = np.zeros((n_samples, *[1] * (total.ndim - 1)))
    for (_, test), predicted in zip(splits, predictions, strict=True):
        np.add.at(total, test, predicted)
        np.add.at(count, test, 1.0)
    with np.errstate(invalid="ignore"):
        return total / count


class Failure(NamedTuple):
    """An alpha whose gap, NaN if it is not known, stayed above the tolerance; fold None is the path on all rows."""

    gap: float
    tolerance: float
    alpha: float
    fold: int | None


def failures_of(path: PathResult, fold: int | None) -> list[Failure]:
    """The alphas of a path that did not converge."""
    return [
        Failure(float(path.dual_gaps[i]), path.tolerance, float(path.alphas[i]), fold)
        for i in np.flatnonzero(~path.converged)
    ]


def warn_not_converged_folds(failures: Sequence[Failure], stacklevel: int) -> None:
    """One ConvergenceWarning for all folds: the worst gap, the alphas and the folds."""
    if not failures:
        return
    known = [failure for failure in failures if not math.isnan(failure.gap)]
    worst = max(known, key=lambda failure: failure.gap / max(failure.tolerance, sys.float_info.min), default=None)
    gap = "" if worst is None else f" Duality gap: {worst.gap:.3e}, tolerance: {worst.tolerance:.3e},"
    alphas = sorted({failure.alpha for failure in failures}, reverse=True)
    folds = sorted({failure.fold for failure in failures if failure.fold is not None})
    places = ["all rows"] * any(failure.fold is None for failure in failures) + [f"fold {fold}" for fold in folds]
    warnings.warn(
        "Objective did not converge. You might want to increase the number of iterations, check the scale of"
        f" the features or consider increasing regularisation.{gap}"
        f" alphas: {listed([f'{alpha:.6g}' for alpha in alphas])}, in: {listed(places)}",
        ConvergenceWarning,
        stacklevel=stacklevel,
    )
