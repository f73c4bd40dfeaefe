"""The side of the judge: start a worker, lower its tolerance until the judged gap is reached, take times."""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from problems import Problem, from_tests
from scipy import sparse

HERE = Path(__file__).resolve().parent
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
COARSEST, FINEST = 1e-2, 1e-16  # the ladder of tolerances, factor 10
STALLS = 3  # runs without progress after which a target is called unreachable

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
    """One rival on one problem; times: target -> {seconds, tol, gap}, or {note: why not, gap: reached}."""

    times: dict[str, dict[str, Any]] = field(default_factory=dict)
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


def path_times(
    rival: str, problem: Problem, folder: Path, targets: list[float], settings: Settings
) -> Measured:
    """Time to each judged worst relative gap over the path, by the coarsest tolerance that reaches it."""
    measured = Measured()
    with started(rival, folder, settings) as worker:
        try:
            hello = worker.ask("hello", 300)
            measured.skip, measured.version = hello["skip"], hello["version"]
            measured.blas_threads = hello["blas_threads"]
            if not measured.skip:
                _climb(worker, problem, folder, targets, settings, measured)
        except (OverBudgetError, WorkerDiedError) as failure:
            measured.skip = f"does not start: {failure}"
    return measured


def _climb(
    worker: Worker,
    problem: Problem,
    folder: Path,
    targets: list[float],
    settings: Settings,
    measured: Measured,
) -> None:
    """Lower the tolerance by factors of 10; note why where a target is not reached."""
    left, reached, stalled, tol = sorted(targets), np.inf, 0, COARSEST
    why = "tolerance exhausted"
    while left and tol >= FINEST:
        try:
            seconds = worker.ask("solve", settings.budget, tol=tol)["seconds"]
            gap = float(np.max(_judged(problem, folder)))
            done = [target for target in left if gap <= target]
            if done:
                more = settings.repeats - 1 if seconds < settings.budget / 10 else 0
                runs = [worker.ask("solve", settings.budget, tol=tol)["seconds"] for _ in range(more)]
                seconds = min([seconds, *runs])
        except OverBudgetError:
            why = f"> {settings.budget:g} s"
            break
        except WorkerDiedError as death:
            why = f"fails: {death}"
            break
        for target in done:
            measured.times[f"{target:g}"] = {"seconds": seconds, "tol": tol, "gap": gap}
        left = [target for target in left if target not in done]
        stalled = 0 if gap < 0.5 * reached else stalled + 1
        reached = min(gap, reached)
        if stalled >= STALLS:
            why = "stalls"
            break
        tol /= 10
    for target in left:
        measured.times[f"{target:g}"] = {"note": why, "gap": None if np.isinf(reached) else reached}


def _judged(problem: Problem, folder: Path) -> np.ndarray:
    coefs = np.load(folder / "coefs.npy")
    return judge(problem.X, problem.y, problem.alphas, coefs, fit_intercept=False).relative_gap


def extra_memory(rival: str, folder: Path, tol: float, order: str, settings: Settings) -> float | None:
    """Peak extra bytes of one path in a process of its own; None if it took too long or failed."""
    with started(rival, folder, settings) as worker:
        try:
            worker.ask("hello", 300)
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
        return worker.ask("gram", 300, repeats=settings.repeats)["seconds"]


def fit_latency(
    rival: str, problem: Problem, folder: Path, repeats: int, settings: Settings
) -> dict[str, Any]:
    """Best time of one ``fit`` at default tolerance, and the relative gap judged of it."""
    with started(rival, folder, settings) as worker:
        try:
            answer = worker.ask("fit", settings.budget, repeats=repeats)
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
            run = subprocess.run(
                [interpreter, "-c", code], capture_output=True, text=True, cwd=folder, check=False
            )
        if run.returncode:
            return None
        runs.append(float(run.stdout))
    return min(runs)
