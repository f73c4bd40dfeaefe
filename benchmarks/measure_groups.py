"""The side of the judge for groups and several targets: paths, and cross-validations of which every fold's path counts.

The workers run the modules of ``rivals/groups``.
"""

from __future__ import annotations

import dataclasses
import functools
from pathlib import Path
from typing import Any

import numpy as np

import measure
import rivals
from measure import KINDS, Goal, Measured, OverBudgetError, Settings, Worker, WorkerDiedError
from problems import from_tests
from problems_groups import GroupProblem

N_JOBS = 2  # beside one, in cross-validations of those who have threads

judge = from_tests("group_judge").judge_groups


def module(rival: str) -> str:
    """The module that runs the rival here."""
    return f"groups.{rival}"


def for_modules(settings: Settings) -> Settings:
    """The settings, with interpreters by module."""
    interpreters = {module(rival): interpreter for rival, interpreter in settings.interpreters.items()}
    return dataclasses.replace(settings, interpreters=interpreters)


def save(problem: GroupProblem, folder: Path) -> None:
    """Write the problem where workers find it."""
    measure.save(problem, folder)
    np.save(folder / "sizes.npy", problem.sizes)
    if problem.has_folds:
        np.save(folder / "alphas.npy", problem.alphas[np.newaxis])
        np.save(folder / "l1_ratios.npy", np.ones(1))
        np.savez(folder / "tests.npz", *problem.tests)


def save_reference(folder: Path, settings: Settings) -> bool:
    """Save near-exact coefficients, whose dual point bounds everybody's suboptimality; False without them."""
    with measure.started(module(rivals.OURS), folder, settings) as worker:
        try:
            worker.ask("solve", settings.budget, tol=measure.REFERENCE_TOL)
        except (OverBudgetError, WorkerDiedError):
            return False
    (folder / "coefs.npy").rename(folder / "reference.npy")
    return True


def times(rival: str, problem: GroupProblem, folder: Path, targets: list[float], settings: Settings) -> Measured:
    """Time to each target for the worst alpha (of the worst fold), by the fastest tolerance that reaches it."""
    kinds = KINDS[:1] if problem.has_folds else KINDS
    measured = Measured(times={kind: {} for kind in kinds})
    rung = functools.partial(_rung_of_folds if problem.has_folds else _rung, problem, folder, settings)
    with measure.started(module(rival), folder, settings) as worker:
        try:
            hello = worker.ask("hello", measure.START_SECONDS)
            measured.skip, measured.version = hello["skip"], hello["version"]
            measured.blas_threads = hello["blas_threads"]
            if not measured.skip:
                goals = [(kind, target) for kind in kinds for target in targets]
                measure.climb(functools.partial(rung, worker), goals, settings, measured, hello["finest"])
        except (OverBudgetError, WorkerDiedError) as failure:
            measured.skip = f"does not start: {failure}"
    if problem.has_folds and not measured.skip:
        _beside(rival, folder, targets, settings, measured, hello["n_jobs"])
    return measured


def _rung(
    problem: GroupProblem, folder: Path, settings: Settings, worker: Worker, tol: float, left: list[Goal]
) -> tuple[float, dict[str, float], list[Goal]]:
    """Seconds, judged gaps and goals reached at one tolerance; short runs that reach one are repeated."""
    seconds = worker.ask("solve", settings.budget, tol=tol)["seconds"]
    gaps = _judged(problem, folder)
    done = [(kind, target) for kind, target in left if gaps[kind] <= target]
    if done:
        seconds = measure.best_of(worker, settings, seconds, "solve", tol=tol)
    return seconds, gaps, done


def _judged(problem: GroupProblem, folder: Path) -> dict[str, float]:
    """Worst relative gap over the path: of the coefficients alone, and with the reference's dual point."""
    coefs = np.load(folder / "coefs.npy")
    reference = folder / "reference.npy"
    gaps = dict.fromkeys(KINDS, _worst(problem, coefs))
    if reference.exists():
        gaps[KINDS[1]] = _worst(problem, coefs, reference=np.load(reference))
    return gaps


def _rung_of_folds(
    problem: GroupProblem, folder: Path, settings: Settings, worker: Worker, tol: float, left: list[Goal]
) -> tuple[float, dict[str, float], list[Goal]]:
    """The same for a cross-validation with one thread."""
    seconds = worker.ask("solve", settings.budget, tol=tol, n_jobs=1)["seconds"]
    worker.ask("fold_paths", 10 * settings.budget, tol=tol)
    gap = _judged_folds(problem, folder)
    done = [goal for goal in left if gap <= goal[1]]
    if done:
        seconds = measure.best_of(worker, settings, seconds, "solve", tol=tol, n_jobs=1)
    return seconds, {KINDS[0]: gap}, done


def _judged_folds(problem: GroupProblem, folder: Path) -> float:
    """Worst relative gap over the alphas of all folds, each on its training rows."""
    worst = 0.0
    for fold, test in enumerate(problem.tests):
        weight = np.ones(len(problem.y))
        weight[test] = 0
        path = np.load(folder / f"path_0_{fold}.npz")
        worst = max(worst, _worst(problem, path["coefs"], path["intercepts"], sample_weight=weight))
    return worst


def _worst(problem: GroupProblem, coefs: np.ndarray, intercepts: np.ndarray | None = None, **options: Any) -> float:
    """The largest relative gap that the judge finds on a path."""
    verdict = judge(
        problem.X,
        problem.y,
        problem.alphas,
        coefs,
        intercepts,
        groups=problem.labels,
        norm=problem.weights,
        **options,
    )
    return float(np.max(verdict.relative_gap))


def _beside(
    rival: str, folder: Path, targets: list[float], settings: Settings, measured: Measured, n_jobs: list[int]
) -> None:
    """At the tolerances of the targets: more threads, and for this package its path on all rows."""
    for target in targets:
        found = measured.times[KINDS[0]].get(f"{target:g}", {})
        if "tol" not in found:
            continue
        if N_JOBS in n_jobs:
            found[f"seconds_{N_JOBS}"] = _seconds(rival, folder, settings, "solve", tol=found["tol"], n_jobs=N_JOBS)
        if rival == rivals.OURS:
            found["full_path"] = _seconds(rival, folder, settings, "full_paths", tol=found["tol"])


def _seconds(rival: str, folder: Path, settings: Settings, do: str, **arguments: Any) -> float | None:
    """Best time of a command in a process of its own; None if it took too long or failed."""
    with measure.started(module(rival), folder, settings) as worker:
        try:
            worker.ask("hello", measure.START_SECONDS)
            seconds = worker.ask(do, settings.budget, **arguments)["seconds"]
            return measure.best_of(worker, settings, seconds, do, **arguments)
        except (OverBudgetError, WorkerDiedError):
            return None


def extra(
    measured: Measured, rival: str, problem: GroupProblem, folder: Path, targets: list[float], settings: Settings
) -> None:
    """Of a path: memory at the finest of the reached targets; of this package, also its counts and the bare product."""
    found = [measured.times[KINDS[0]].get(f"{target:g}", {}) for target in targets]
    reached = [entry["tol"] for entry in found if "tol" in entry]
    if problem.has_folds or not reached:
        return
    tol, is_dense = min(reached), isinstance(problem.X, np.ndarray)
    if problem.n_bytes >= measure.MEMORY_FROM:
        for order in "FC" if rival == rivals.OURS and is_dense else "F":
            peak = measure.extra_memory(module(rival), folder, tol, order, settings)
            measured.extra |= {} if peak is None else {f"memory_{order}": peak}
    if rival == rivals.OURS:
        measured.extra |= measure.engine_figures(module(rival), folder, tol, settings)
        if is_dense and problem.X.shape[0] > problem.X.shape[1]:
            measured.extra["gram_seconds"] = measure.gram_seconds(module(rival), folder, settings)
