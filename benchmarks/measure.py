"""The side of the judge: start a worker, lower its tolerance until the judged gap is reached, take times."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import select
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

import rivals
from problems import Problem, from_tests

HERE = Path(__file__).resolve().parent
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
COARSEST = 1e-2  # the first tolerance; then factor 10 down to the rival's finest
STALLS = 5  # runs without progress after which a target is called unreachable
SHORT = 0.1  # of the budget: runs below that are repeated
START_SECONDS = 300
MEMORY_FROM = 1e6  # bytes of X; below that the measurement is noise
REFERENCE_TOL = 1e-13
KINDS = ("gap", "bound")  # what the coefficients prove alone, and with the dual point of a reference

Goal = tuple[str, float]
"""A kind of precision, and the target to reach."""
Rung = Callable[[float, list[Goal]], tuple[float, dict[str, float], list[Goal]]]
"""From a tolerance and the goals left: seconds, judged precision by kind, and the goals reached."""

judge = from_tests("judge").judge


class OverBudgetError(Exception):
    """A run took longer than it may."""


class WorkerDiedError(Exception):
    """The worker died; the message is the last line it wrote."""


@dataclass(frozen=True)
class Settings:
    """How to run: interpreters by rival, BLAS threads, seconds per run, repetitions of short runs."""

    interpreters: dict[str, str]
    threads: int
    budget: float
    repeats: int


@dataclass
class Measured:
    """One rival on one problem; times: kind -> target -> {seconds, tol, gap} or {note, gap: best reached}."""

    times: dict[str, dict[str, Any]] = field(default_factory=lambda: {kind: {} for kind in KINDS})
    skip: str = ""
    version: str = ""
    blas_threads: list[int] = field(default_factory=list)
    extra: dict[str, float] = field(default_factory=dict)


class Worker:
    """A running ``worker.py``."""

    def __init__(self, rival: str, folder: Path, settings: Settings) -> None:
        environment = os.environ | {variable: str(settings.threads) for variable in THREAD_VARIABLES}
        self._errors = tempfile.TemporaryFile()
        self._process = subprocess.Popen(
            [settings.interpreters[rival], str(HERE / "worker.py"), rival, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env=environment,
            cwd=folder,
        )

    def ask(self, do: str, timeout: float, **arguments: Any) -> dict[str, Any]:
        """Send one command and wait for its answer; a worker that is late is killed."""
        assert self._process.stdin is not None and self._process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write((json.dumps({"do": do} | arguments) + "\n").encode())
            self._process.stdin.flush()
        ready, _, _ = select.select([self._process.stdout], [], [], timeout)
        if not ready:
            self.close()
            raise OverBudgetError
        line = self._process.stdout.readline()
        if not line:
            self.close()
            raise WorkerDiedError(self._last_words())
        return json.loads(line)

    def _last_words(self) -> str:
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else "died without a word"

    def close(self) -> None:
        """End the process, whatever it does."""
        self._process.kill()
        self._process.wait()


@contextlib.contextmanager
def started(rival: str, folder: Path, settings: Settings) -> Iterator[Worker]:
    """A worker for the time of a block."""
    worker = Worker(rival, folder, settings)
    try:
        yield worker
    finally:
        worker.close()


def save(problem: Problem, folder: Path) -> None:
    """Write the problem where workers find it."""
    if sparse.issparse(problem.X):
        sparse.save_npz(folder / "X.npz", problem.X, compressed=False)
    else:
        np.save(folder / "X.npy", problem.X)
    np.save(folder / "y.npy", problem.y)
    np.save(folder / "alphas.npy", problem.alphas)


def save_reference(problem: Problem, folder: Path, settings: Settings) -> bool:
    """Save near-exact coefficients, whose dual point bounds everybody's suboptimality; False without them.

    They come from this package, but the bound is the judge's: a dual point needs no trust.
    """
    with started(rivals.OURS, folder, settings) as worker:
        try:
            worker.ask("solve", settings.budget, tol=REFERENCE_TOL)
        except (OverBudgetError, WorkerDiedError):
            return False
    (folder / "coefs.npy").rename(folder / "reference.npy")
    return True


def path_times(rival: str, problem: Problem, folder: Path, targets: list[float], settings: Settings) -> Measured:
    """Time to each target for the worst alpha of the path, by the fastest tolerance that reaches it."""
    measured = Measured()
    with started(rival, folder, settings) as worker:
        try:
            hello = worker.ask("hello", START_SECONDS)
            measured.skip, measured.version = hello["skip"], hello["version"]
            measured.blas_threads = hello["blas_threads"]
            if not measured.skip:
                rung = functools.partial(_rung, worker, problem, folder, settings)
                climb(
                    rung, [(kind, target) for kind in KINDS for target in targets], settings, measured, hello["finest"]
                )
        except (OverBudgetError, WorkerDiedError) as failure:
            measured.skip = f"does not start: {failure}"
    return measured


def climb(rung: Rung, goals: list[Goal], settings: Settings, measured: Measured, finest: float) -> None:
    """Lower the tolerance by factors of 10; note why where a target is not reached."""
    left, leading = list(goals), goals[0][0]
    reached = {kind: np.inf for kind, _ in goals}
    stalled, tol, why = 0, COARSEST, "tolerance exhausted"
    while left and tol >= 0.99 * finest:
        try:
            seconds, gaps, done = rung(tol, left)
        except OverBudgetError:
            why = f"> {settings.budget:g} s"
            break
        except WorkerDiedError as death:
            why = f"fails: {death}"
            break
        for kind, target in (goal for goal in goals if gaps[goal[0]] <= goal[1]):
            best = measured.times[kind].get(f"{target:g}")
            if best is None or seconds < best["seconds"]:  # a finer tolerance is sometimes faster
                measured.times[kind][f"{target:g}"] = {"seconds": seconds, "tol": tol, "gap": gaps[kind]}
        left = [goal for goal in left if goal not in done]
        stalled = 0 if gaps[leading] < 0.5 * reached[leading] else stalled + 1
        reached = {kind: min(gaps[kind], best) for kind, best in reached.items()}
        if stalled >= STALLS:
            why = "stalls"
            break
        tol /= 10
    for kind, target in left:
        best = reached[kind]
        measured.times[kind][f"{target:g}"] = {"note": why, "gap": None if np.isinf(best) else best}


def _rung(
    worker: Worker,
    problem: Problem,
    folder: Path,
    settings: Settings,
    tol: float,
    left: list[Goal],
) -> tuple[float, dict[str, float], list[Goal]]:
    """Seconds, judged gaps and goals reached at one tolerance; short runs that reach one are repeated."""
    seconds = worker.ask("solve", settings.budget, tol=tol)["seconds"]
    gaps = _judged(problem, folder)
    done = [(kind, target) for kind, target in left if gaps[kind] <= target]
    if done:
        seconds = best_of(worker, settings, seconds, "solve", tol=tol)
    return seconds, gaps, done


def best_of(worker: Worker, settings: Settings, seconds: float, do: str, **arguments: Any) -> float:
    """The best of a first run and, if that was short, of its repetitions."""
    if seconds >= settings.budget * SHORT:
        return seconds
    runs = [worker.ask(do, settings.budget, **arguments)["seconds"] for _ in range(settings.repeats - 1)]
    return min([seconds, *runs])


def _judged(problem: Problem, folder: Path) -> dict[str, float]:
    """Worst relative gap over the path: of the coefficients alone, and with the reference's dual point."""
    coefs = np.load(folder / "coefs.npy")
    reference = folder / "reference.npy"
    others = {"gap": None, "bound": np.load(reference) if reference.exists() else None}
    verdicts = {
        kind: judge(problem.X, problem.y, problem.alphas, coefs, fit_intercept=False, reference=other)
        for kind, other in others.items()
    }
    return {kind: float(np.max(verdict.relative_gap)) for kind, verdict in verdicts.items()}


def extra_memory(rival: str, folder: Path, tol: float, order: str, settings: Settings) -> float | None:
    """Peak extra bytes of one path in a process of its own; None if it took too long or failed."""
    with started(rival, folder, settings) as worker:
        try:
            worker.ask("hello", START_SECONDS)
            return worker.ask("memory", 2 * settings.budget, tol=tol, order=order)["bytes"]
        except (OverBudgetError, WorkerDiedError):
            return None


def engine_figures(rival: str, folder: Path, tol: float, settings: Settings) -> dict[str, float]:
    """Passes over X and working-set size as the engine counts them; empty for engines that do not say."""
    with started(rival, folder, settings) as worker:
        try:
            return worker.ask("figures", settings.budget, tol=tol)
        except (OverBudgetError, WorkerDiedError):
            return {}


def gram_seconds(rival: str, folder: Path, settings: Settings) -> float:
    """Bare BLAS time of X'X."""
    with started(rival, folder, settings) as worker:
        return worker.ask("gram", START_SECONDS, repeats=settings.repeats)["seconds"]


def fit_latency(rival: str, problem: Problem, folder: Path, repeats: int, settings: Settings) -> dict[str, Any]:
    """Best time of one ``fit`` at default tolerance, and the relative gap judged of it."""
    with started(rival, folder, settings) as worker:
        try:
            answer = worker.ask("fit", (repeats + 1) * settings.budget, repeats=repeats)
        except (OverBudgetError, WorkerDiedError) as failure:
            return {"note": str(failure) or f"> {settings.budget:g} s"}
    if "skip" in answer:
        return {"note": answer["skip"]}
    coef = np.load(folder / "coefs.npy")
    verdict = judge(problem.X, problem.y, problem.alphas[-1], coef, answer["intercept"])
    return {"seconds": answer["seconds"], "gap": float(verdict.relative_gap)}


def import_seconds(statement: str, before: str, interpreter: str, repeats: int = 5) -> float | None:
    """Best time of an import statement in a fresh interpreter, after another one; None if it fails."""
    code = f"import time\n{before}\nt = time.perf_counter()\n{statement}\nprint(time.perf_counter() - t)"
    runs = []
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as folder:
            run = subprocess.run([interpreter, "-c", code], capture_output=True, text=True, cwd=folder, check=False)
        if run.returncode:
            return None
        runs.append(float(run.stdout))
    return min(runs)
