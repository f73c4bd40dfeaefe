"""Paths on all folds of a cross-validation, and on all rows, beside each other."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from regularize.design import Design, FoldedDesign, Moments, SplitStatistics
from regularize.design.blocks import blocks
from regularize.kernels.threads import one_thread
from regularize.penalties import GroupPenalty, Penalty
from regularize.solvers.crew import paths_beside_each_other
from regularize.solvers.problem import PathResult
from regularize.solvers.squared_loss import (
    LARGEST_INT,
    AnyPenalty,
    blocked,
    path_of_moments,
    shaped,
    squared_loss_alpha_max,
    squared_loss_path,
    wants_gram,
)

Floats = NDArray[np.float64]

WORTH_A_THREAD = 1 << 20  # entries of X; with fewer, threads would mostly wait for the interpreter
MOST_TOGETHER = 32  # problems that are prepared together


@dataclass(frozen=True)
class FoldPath:
    """The path of one penalty, fitted to the training rows of one fold."""

    penalty: int
    fold: int
    path: PathResult
    folded: FoldedDesign
    y: Floats
    statistics: SplitStatistics | None = None

    def predictions(self) -> Floats:
        """Of the held-out rows, shape (n_test, k), or (n_test, T, k) for T targets together."""
        coefs, intercepts = self.path.coefs, self.path.intercepts
        if coefs.ndim == 2:
            return self.folded.predictions(self.fold, coefs, intercepts)
        targets = zip(coefs, intercepts, strict=True)
        return np.stack([self.folded.predictions(self.fold, *target) for target in targets], axis=1)

    def mean_squared_errors(self) -> Floats:
        """Weighted mean squared error on the held-out rows, shape (k,); of targets fitted together the mean."""
        if self.statistics is not None:
            errors = self.statistics.mean_squared_errors(self.fold, self.path.coefs, self.path.intercepts)
            if errors is not None:
                return errors
        _, test = self.folded.splits[self.fold]
        squares = np.square(self.predictions() - self.y[test, ..., np.newaxis])
        if squares.ndim == 3:
            squares = squares.mean(axis=1)
        weight = self.folded.sample_weight
        return np.asarray(np.average(squares, axis=0, weights=None if weight is None else weight[test]))


OnFold = Callable[[FoldPath], None]
"""Called in the caller's thread when a fold's path is done; the path is dropped afterwards."""


def cross_validated_alpha_max(
    folded: FoldedDesign, y: Floats, penalty: AnyPenalty, n_alphas: int, n_jobs: int = 1
) -> float:
    """``squared_loss_alpha_max`` on all rows, from statistics that paths of so many alphas need anyway, if any."""
    moments = None
    y, penalty = blocked(y, penalty)
    if wants_gram(folded.full, y, n_alphas, None):
        with _pool(folded, n_jobs) as pool:
            statistics = folded.statistics(y, pool.map)
        moments = None if statistics is None else statistics.moments(None)
        if moments is not None:
            folded.full.take_gram(moments)
    return squared_loss_alpha_max(folded.full, y, penalty, moments)


def cross_validated_paths(
    folded: FoldedDesign,
    y: Floats,
    penalties: Sequence[AnyPenalty],
    alphas: Floats,
    on_fold: OnFold,
    *,
    tol: float = 1e-4,
    max_iter: int = 1000,
    n_jobs: int = 1,
    with_full: bool = False,
) -> list[PathResult]:
    """Solve every penalty along its row of ``alphas`` (L, k), non-increasing, on every fold.

    Returns the paths on all rows, one per penalty, if ``with_full``. The results do not depend on ``n_jobs``. Ctrl-C
    raises KeyboardInterrupt as soon as the alphas that are being solved are done. ``y`` is told by identity.
    """
    given, (y, penalties) = y, blocked_together(y, penalties)
    solve = _by_gram if wants_gram(folded.full, y, alphas.shape[1], None) else _by_columns
    full: list[PathResult] = []
    with _pool(folded, n_jobs) as pool:
        for found in solve(folded, y, penalties, alphas, pool, n_jobs, tol, min(max_iter, LARGEST_INT), with_full):
            if isinstance(found, FoldPath):
                on_fold(replace(found, path=shaped(found.path, given.shape[1:]), y=given))
            else:
                full.append(shaped(found, given.shape[1:]))
    return full


@contextmanager
def _pool(folded: FoldedDesign, n_jobs: int) -> Iterator[Executor]:
    """Threads, each with one of BLAS; a single one where X is small."""
    is_large = folded.full.n_samples * folded.full.n_features >= WORTH_A_THREAD
    with one_thread(fixed=True), ThreadPoolExecutor(n_jobs if is_large else 1) as pool:
        yield pool


def blocked_together(y: Floats, penalties: Sequence[AnyPenalty]) -> tuple[Floats, list[AnyPenalty]]:
    """As ``blocked``, for penalties that share the statistics of y: of groups all, or none."""
    if all(isinstance(blocked(y, penalty)[1], Penalty) for penalty in penalties):
        return y.reshape(len(y)), [blocked(y, penalty)[1] for penalty in penalties]
    y = y.reshape(len(y), -1)
    simple = [blocked(y, penalty)[1] for penalty in penalties]
    return y, [GroupPenalty.of_features(own) if isinstance(own, Penalty) else own for own in simple]


Found = Iterator[FoldPath | PathResult]


def _by_gram(
    folded: FoldedDesign,
    y: Floats,
    penalties: Sequence[AnyPenalty],
    alphas: Floats,
    pool: Executor,
    n_jobs: int,
    tol: float,
    max_iter: int,
    with_full: bool,
) -> Found:
    """Fold by fold on the Gram matrix of its training rows, from statistics of all folds together if they have any."""
    statistics = folded.statistics(y, pool.map)
    if statistics is None or not statistics.are_finite:
        folded.full.refuse_non_finite()  # rows, too, that no split trains on
    stop = threading.Event()

    def path(design: Design, moments: Moments | None, penalty: AnyPenalty, alphas: Floats) -> PathResult:
        options: Any = {"tol": tol, "max_iter": max_iter}
        if moments is None:
            return squared_loss_path(design, y, penalty, alphas, on_point=lambda _: stop.is_set(), **options)
        return path_of_moments(design, y, moments, penalty, alphas, stop=stop, **options)

    def solve(fold: int | None) -> list[PathResult]:
        design = folded.full if fold is None else folded.fold(fold)
        moments = None if statistics is None else statistics.moments(fold)
        if moments is not None:
            design.take_gram(moments)
        return [path(design, moments, *task) for task in zip(penalties, alphas, strict=True)]

    tasks = [(fold, pool.submit(solve, fold)) for fold in range(len(folded.splits))]
    full = pool.submit(solve, None) if with_full else None
    try:
        while tasks:
            fold, task = tasks.pop(0)
            for penalty, found in enumerate(task.result()):
                yield FoldPath(penalty, fold, found, folded, y, statistics)
        if full is not None:
            yield from full.result()
    finally:  # what ends the loop early ends what still runs
        stop.set()
        for unfinished in [*(task for _, task in tasks), *([full] if full is not None else [])]:
            unfinished.cancel()


def _by_columns(
    folded: FoldedDesign,
    y: Floats,
    penalties: Sequence[AnyPenalty],
    alphas: Floats,
    pool: Executor,
    n_jobs: int,
    tol: float,
    max_iter: int,
    with_full: bool,
) -> Found:
    """Folds beside each other, on working sets of columns; the path on all rows, the longest, begins first."""
    if not with_full:
        folded.full.refuse_non_finite()
    folds: list[int | None] = [*([None] if with_full else []), *range(len(folded.splits))]
    for index, (penalty, own_alphas) in enumerate(zip(penalties, alphas, strict=True)):
        for together in blocks(len(folds), 1, MOST_TOGETHER):
            group = folds[together]
            designs = [folded.full if fold is None else folded.fold(fold, by_columns=True) for fold in group]
            folded.gather_moments([design for design in designs if design is not folded.full], pool.map)
            recorders = paths_beside_each_other(
                folded, designs, y, penalty, own_alphas, pool, n_jobs, tol=tol, max_iter=max_iter
            )
            for fold, recorder in zip(group, recorders, strict=True):
                path = recorder.result()
                if fold is None:
                    yield path
                    continue
                path = replace(path, intercepts=folded.uncentre(path.coefs, path.intercepts))
                yield FoldPath(index, fold, path, folded, y)
