"""The side of the judge for cross-validations: every fold's path counts."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import numpy as np

import measure
import rivals
from measure import Goal, Measured, OverBudgetError, Settings, Worker, WorkerDiedError
from problems import CrossValidation

KIND = "gap"  # what the coefficients prove alone
JUDGED_AT_ONCE = 2e7  # residuals, so that the judge needs little memory beside X


def save(problem: CrossValidation, folder: Path) -> None:
    """Write the problem where workers find it."""
    measure.save(problem, folder)
    np.save(folder / "l1_ratios.npy", problem.l1_ratios)
    np.savez(folder / "tests.npz", *problem.tests)


def times(rival: str, problem: CrossValidation, folder: Path, targets: list[float], settings: Settings) -> Measured:
    """Time to each target for the worst alpha of the worst fold, by the fastest tolerance that reaches it."""
    measured = Measured()
    with measure.started(rival, folder, settings) as worker:
        try:
            hello = worker.ask("hello", measure.START_SECONDS)
            measured.skip, measured.version = hello["skip"], hello["version"]
            measured.blas_threads = hello["blas_threads"]
            if not measured.skip:
                rung = functools.partial(_rung, worker, problem, folder, settings)
                measure.climb(rung, [(KIND, target) for target in targets], settings, measured, hello["finest"])
        except (OverBudgetError, WorkerDiedError) as failure:
            measured.skip = f"does not start: {failure}"
    if not measured.skip:
        _extra(rival, folder, problem, targets, settings, measured, hello["n_jobs"])
    return measured


def _rung(
    worker: Worker, problem: CrossValidation, folder: Path, settings: Settings, tol: float, left: list[Goal]
) -> tuple[float, dict[str, float], list[Goal]]:
    """Seconds, judged gap and goals reached at one tolerance with one thread."""
    seconds = worker.ask("solve", settings.budget, tol=tol, n_jobs=1)["seconds"]
    worker.ask("fold_paths", 10 * settings.budget, tol=tol)
    gap = judged(problem, folder)
    done = [goal for goal in left if gap <= goal[1]]
    if done:
        seconds = measure.best_of(worker, settings, seconds, "solve", tol=tol, n_jobs=1)
    return seconds, {KIND: gap}, done


def judged(problem: CrossValidation, folder: Path) -> float:
    """Worst relative gap over the alphas of all folds."""
    n, k = problem.y.size, problem.alphas.shape[1]
    parts = np.array_split(np.arange(k), min(k, int(np.ceil(n * k / JUDGED_AT_ONCE))))
    worst = 0.0
    for fold, test in enumerate(problem.tests):
        weight = np.ones(n)
        weight[test] = 0
        for i, l1_ratio in enumerate(problem.l1_ratios):
            path = np.load(folder / f"path_{i}_{fold}.npz")
            coefs, intercepts = path["coefs"], path["intercepts"]
            for part in parts:
                verdict = measure.judge(
                    problem.X,
                    problem.y,
                    problem.alphas[i, part],
                    coefs[:, part],
                    intercepts[part],
                    l1_ratio=l1_ratio,
                    sample_weight=weight,
                )
                worst = max(worst, float(np.max(verdict.relative_gap)))
    return worst


def _extra(
    rival: str,
    folder: Path,
    problem: CrossValidation,
    targets: list[float],
    settings: Settings,
    measured: Measured,
    n_jobs: list[int],
) -> None:
    """At the tolerances of the targets: more threads, memory, and for this package what there is to compare with."""
    for target in targets:
        entry = measured.times[KIND].get(f"{target:g}", {})
        if "tol" not in entry:
            continue
        for jobs in n_jobs[1:]:
            entry[f"seconds_{jobs}"] = _ask(rival, folder, settings, "solve", tol=entry["tol"], n_jobs=jobs)
        if rival == rivals.OURS:
            entry["full_path"] = _ask(rival, folder, settings, "full_paths", tol=entry["tol"])
    reached = measured.times[KIND].get(f"{max(targets):g}", {})
    if "tol" not in reached:
        return
    for jobs in n_jobs if problem.n_bytes >= measure.MEMORY_FROM else []:
        memory = _once(rival, folder, settings, "memory", tol=reached["tol"], order="F", n_jobs=jobs)
        measured.extra |= {} if memory is None else {f"memory_{jobs}": memory["bytes"]}
    if rival == rivals.OURS and isinstance(problem.X, np.ndarray) and problem.y.size > problem.X.shape[1]:
        measured.extra["gram_seconds"] = measure.gram_seconds(rival, folder, settings)


def _ask(rival: str, folder: Path, settings: Settings, do: str, **arguments: Any) -> float | None:
    """Best time of a command in a process of its own; None if it took too long or failed."""
    with measure.started(rival, folder, settings) as worker:
        try:
            worker.ask("hello", measure.START_SECONDS)
            seconds = worker.ask(do, settings.budget, **arguments)["seconds"]
            return measure.best_of(worker, settings, seconds, do, **arguments)
        except (OverBudgetError, WorkerDiedError):
            return None


def _once(rival: str, folder: Path, settings: Settings, do: str, **arguments: Any) -> dict[str, Any] | None:
    with measure.started(rival, folder, settings) as worker:
        try:
            worker.ask("hello", measure.START_SECONDS)
            return worker.ask(do, 2 * settings.budget, **arguments)
        except (OverBudgetError, WorkerDiedError):
            return None
