"""The side of the judge for ridge: tolerances first, then all rivals and variants in turn."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

import measure
from measure import Goal, Measured, OverBudgetError, Settings, Worker, WorkerDiedError
from problems import from_tests
from problems_ridge import RidgeProblem

KIND = "residual"  # of the normal equations, relative to their right-hand side

normal_residuals = from_tests("ridge_judge").normal_residuals


class Team:
    """One worker per rival, all alive at once, started when needed and again after it died."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        self._folder, self._settings = folder, settings
        self._workers: dict[str, Worker] = {}

    def ask(self, rival: str, do: str, timeout: float, **arguments: Any) -> dict[str, Any]:
        """As :meth:`Worker.ask`."""
        if rival not in self._workers:
            self._workers[rival] = Worker(rival, self._folder, self._settings)
            if do != "hello":
                self._workers[rival].ask("hello", measure.START_SECONDS)
        try:
            return self._workers[rival].ask(do, timeout, **arguments)
        except (OverBudgetError, WorkerDiedError):
            del self._workers[rival]
            raise

    def dismiss(self) -> None:
        """End all processes."""
        for worker in self._workers.values():
            worker.close()


@contextmanager
def team(folder: Path, settings: Settings) -> Iterator[Team]:
    """A team for the time of a block."""
    one = Team(folder, settings)
    try:
        yield one
    finally:
        one.dismiss()


def save(problem: RidgeProblem, folder: Path) -> None:
    """Write the problem where workers find it."""
    measure.save(problem, folder)
    (folder / "task.txt").write_text(problem.task)


def times(
    problem: RidgeProblem, rivals: list[str], folder: Path, targets: list[float], settings: Settings
) -> dict[str, Any]:
    """For each rival that applies its version, and for each of its variants the time to each target.

    First every variant gets the coarsest tolerance that reaches a target; these are then timed in turn, so that
    whatever slows the machine down for a while slows down all of them.
    """
    measured: dict[str, Any] = {}
    with team(folder, settings) as workers:
        for rival in rivals:
            said, variants = _introduced(workers, rival)
            if variants or said["skip"]:
                measured[rival] = said | {"variants": {}}
            for variant, finest in variants.items():
                rung = functools.partial(_rung, workers, rival, variant, problem, folder, settings)
                measured[rival]["variants"][variant] = _calibrated(rung, targets, settings, finest)
        _run_in_turn(workers, measured, problem.calls, settings)
    return measured


def _introduced(workers: Team, rival: str) -> tuple[dict[str, Any], dict[str, float]]:
    """What a rival says of itself, and its variants with their finest tolerances."""
    try:
        hello = workers.ask(rival, "hello", measure.START_SECONDS)
    except (OverBudgetError, WorkerDiedError) as failure:
        hello = {"skip": f"does not start: {failure}", "version": "", "blas_threads": [], "variants": {}}
    return {key: hello[key] for key in ("skip", "version", "blas_threads")}, hello["variants"]


def _calibrated(rung: Any, targets: list[float], settings: Settings, finest: float) -> dict[str, Any]:
    """Per target the tolerance, the residual and the alphas judged, or why it is not reached."""
    found = Measured(times={KIND: {}})
    alphas: list[float] = []
    measure.climb(functools.partial(rung, alphas), [(KIND, target) for target in targets], settings, found, finest)
    return {"times": found.times, "alpha": alphas[-1] if alphas else None}


def _rung(
    workers: Team,
    rival: str,
    variant: str,
    problem: RidgeProblem,
    folder: Path,
    settings: Settings,
    alphas: list[float],
    tol: float,
    left: list[Goal],
) -> tuple[float, dict[str, float], list[Goal]]:
    """Seconds, judged residual and goals reached at one tolerance; the alpha, if it is one, is added to ``alphas``."""
    answer = workers.ask(rival, "solve", settings.budget, variant=variant, tol=tol, calls=1)
    if answer["is_bare"]:
        return answer["seconds"], {KIND: 0.0}, left
    with np.load(folder / "coefs.npz") as saved:
        coefs, judged = saved["coefs"], saved["alphas"]
    if judged.size == 1:
        alphas.append(float(judged[0]))
    residual = float(np.max(normal_residuals(problem.X, problem.targets, judged, coefs)))
    return answer["seconds"], {KIND: residual}, [goal for goal in left if residual <= goal[1]]


def _run_in_turn(workers: Team, measured: dict[str, Any], calls: int, settings: Settings) -> None:
    """The best of the repetitions of everything that has a tolerance; what takes long was run once, and that counts."""
    runs = {
        (rival, variant, entry["tol"]): entry["seconds"]
        for rival, one in measured.items()
        for variant, found in one["variants"].items()
        for entry in found["times"][KIND].values()
        if "tol" in entry
    }
    short = [run for run, seconds in runs.items() if seconds < settings.budget * measure.SHORT]
    for _ in range(settings.repeats):
        for rival, variant, tol in short:
            try:
                answer = workers.ask(rival, "solve", settings.budget, variant=variant, tol=tol, calls=calls)
            except (OverBudgetError, WorkerDiedError):
                continue
            runs[rival, variant, tol] = min(runs[rival, variant, tol], answer["seconds"])
    for rival, one in measured.items():
        for variant, found in one["variants"].items():
            for entry in found["times"][KIND].values():
                if "tol" in entry:
                    entry["seconds"] = runs[rival, variant, entry["tol"]]
