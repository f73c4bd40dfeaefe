"""Several problems on one X beside each other: those that wait for X share a reading of it.

Only so many are under way at a time: the others begin as these end, as each keeps a working set of its own.

Between two readings each problem goes its own way, several alphas far. Threads let problems go on; whenever none can,
one of them reads X for all that wait by then. Who reads together depends on the threads, but what a problem is told of
X does not depend on who is told with it (``Design.products``), so that the results do not depend on the threads.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from functools import partial

import numpy as np
from numpy.typing import NDArray

from regularize.design import Design, FoldedDesign
from regularize.penalties import GroupPenalty, Penalty
from regularize.solvers.path_driver import PathDriver
from regularize.solvers.recorder import Recorder
from regularize.solvers.screening import Pass
from regularize.solvers.stretches import Stretches
from regularize.solvers.units import Units

Floats = NDArray[np.float64]

FEWEST_BESIDE = 2  # problems that may be under way at a time; more while what they keep is no more than X, or LITTLE
KEPT = 4  # times min(n, p)^2 numbers: Gram matrix, factor and columns, with as many active features as there are rows
LITTLE = 1 << 22  # numbers


class Run:
    """One of the problems, between two readings of X."""

    def __init__(
        self,
        design: Design,
        y: Floats,
        penalty: Penalty | GroupPenalty,
        alphas: Floats,
        tol: float,
        max_iter: int,
        stop: threading.Event,
    ) -> None:
        self.design = design
        self.units = Units.of(design, y, penalty)
        self.recorder = Recorder(design, self.units, alphas, tol, stop=stop)
        self._alphas = alphas
        self._max_iter = max_iter
        self._steps = self._path()
        self.asks: Floats | None = next(self._steps)  # residuals (rows); None at the end

    @property
    def asked(self) -> Floats:
        """What a run that waits asks for."""
        assert self.asks is not None
        return self.asks

    def go_on(self, correlations: Floats) -> None:
        """Work with what was asked for, until X is needed again or the path is done."""
        try:
            self.asks = self._steps.send(correlations)
        except StopIteration:
            self.asks = None

    def _path(self) -> Pass[None]:
        target = self.units.target
        rows = yield target.reshape(-1, target.shape[-1])
        null = rows.reshape(*target.shape[:-1], -1)
        start = np.zeros((self.design.n_features, *target.shape[:-1]))
        recorder, penalty, tolerance = self.recorder, self.units.penalty, self.recorder.tolerance
        driver = PathDriver(self.design, target, penalty, self._alphas, tolerance, self._max_iter, start, null)
        yield from Stretches(driver, recorder.add).steps()
        recorder.working_set_size = driver.working.size


class Crew:
    """What threads share: the problems that may go on, those that wait for X, and how many are at work."""

    def __init__(
        self, folded: FoldedDesign, ready: Sequence[tuple[Run, Floats]], beside: int, stop: threading.Event
    ) -> None:
        self._folded, self._stop = folded, stop
        self._ready, self._later, self._waiting = list(ready[:beside]), list(ready[beside:]), list[Run]()
        self._busy = 0
        self._changed = threading.Condition()

    def work(self) -> None:
        """Do what there is to do, in each of the threads, until nothing is left or they are to stop."""
        try:
            while (task := self._next()) is not None:
                task()
        finally:  # of an error, too: then nobody may wait for what this thread has begun
            if self._busy:
                self.stop()

    def stop(self) -> None:
        """End what still runs."""
        self._stop.set()
        with self._changed:
            self._changed.notify_all()

    def _next(self) -> Callable[[], None] | None:
        """Something to do, as soon as there is."""
        with self._changed:
            while not self._stop.is_set():
                if self._ready:
                    behind = min(range(len(self._ready)), key=lambda i: self._ready[i][0].recorder.n_done)
                    self._busy += 1
                    return partial(self._let_go_on, *self._ready.pop(behind))
                if self._waiting:
                    together, self._waiting = self._waiting, []
                    self._busy += 1
                    return partial(self._read_for, together)
                if not self._busy:
                    return None
                self._changed.wait()
            return None

    def _let_go_on(self, run: Run, found: Floats) -> None:
        run.go_on(found)
        if run.asks is not None:
            self._done([], [run])
        else:
            self._done(self._begun(), [])

    def _begun(self) -> list[tuple[Run, Floats]]:
        """The next problem, if there is one, in the place of another that is done."""
        with self._changed:
            return [self._later.pop(0)] if self._later else []

    def _read_for(self, runs: list[Run]) -> None:
        found = self._folded.correlations([run.design for run in runs], [run.asked for run in runs])
        self._done(list(zip(runs, found, strict=True)), [])

    def _done(self, ready: list[tuple[Run, Floats]], waiting: list[Run]) -> None:
        with self._changed:
            self._ready += ready
            self._waiting += waiting
            self._busy -= 1
            self._changed.notify_all()


def paths_beside_each_other(
    folded: FoldedDesign,
    designs: Sequence[Design],
    y: Floats,
    penalty: Penalty | GroupPenalty,
    alphas: Floats,
    pool: Executor,
    n_jobs: int,
    *,
    tol: float,
    max_iter: int,
) -> list[Recorder]:
    """Solve the penalty along ``alphas`` on several of the designs by columns, in so many threads of the pool."""
    stop = threading.Event()
    runs = list(pool.map(lambda design: Run(design, y, penalty, alphas, tol, max_iter, stop), designs))
    found = folded.correlations([run.design for run in runs], [run.asked for run in runs], pool.map)
    beside = max(_fit_in_memory(folded.full), n_jobs)
    crew = Crew(folded, list(zip(runs, found, strict=True)), beside, stop)
    try:
        for thread in [pool.submit(crew.work) for _ in range(min(n_jobs, len(runs)))]:
            thread.result()
    finally:  # what ends this early ends what still runs
        crew.stop()
    return [run.recorder for run in runs]


def _fit_in_memory(design: Design) -> int:
    """How many problems may be under way at a time for what they keep: the more, the less often X is read."""
    own = KEPT * min(design.n_samples, design.n_features) ** 2
    return max(FEWEST_BESIDE, int(max(design.n_entries, LITTLE) // own))
