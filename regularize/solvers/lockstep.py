"""Several problems on one X beside each other: when one of them must read X, it waits until all must; they read once.

Between two readings each problem goes its own way, several alphas far, in the threads of a pool. What is read together
depends on the problems alone, so the results do not depend on the threads.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Executor
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from regularize.design import Design, FoldedDesign
from regularize.penalties import GroupPenalty, Penalty
from regularize.solvers.knots import Interpolation
from regularize.solvers.path_driver import PathDriver
from regularize.solvers.recorder import Recorder
from regularize.solvers.screening import Pass
from regularize.solvers.units import Units

Floats = NDArray[np.float64]


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
        self.seconds = 0.0  # that it last went its own way

    def go_on(self, correlations: Floats) -> None:
        """Work with what was asked for, until X is needed again or the path is done."""
        start = perf_counter()
        try:
            self.asks = self._steps.send(correlations)
        except StopIteration:
            self.asks = None
        self.seconds = perf_counter() - start

    def _path(self) -> Pass[None]:
        target = self.units.target
        rows = yield target.reshape(-1, target.shape[-1])
        null = rows.reshape(*target.shape[:-1], -1)
        start = np.zeros((self.design.n_features, *target.shape[:-1]))
        recorder, penalty, tolerance = self.recorder, self.units.penalty, self.recorder.tolerance
        driver = PathDriver(self.design, target, penalty, self._alphas, tolerance, self._max_iter, start, null)
        yield from Interpolation(driver, recorder.add).steps()
        recorder.working_set_size = driver.working.size


def paths_in_lockstep(
    folded: FoldedDesign,
    designs: Sequence[Design],
    y: Floats,
    penalty: Penalty | GroupPenalty,
    alphas: Floats,
    pool: Executor,
    *,
    tol: float,
    max_iter: int,
) -> list[Recorder]:
    """Solve the penalty along ``alphas`` on several of the designs by columns."""
    stop = threading.Event()
    try:
        runs = list(pool.map(lambda design: Run(design, y, penalty, alphas, tol, max_iter, stop), designs))
        while waiting := [run for run in runs if run.asks is not None]:
            asked = [run.asks for run in waiting if run.asks is not None]
            found = folded.correlations([run.design for run in waiting], asked, pool.map)
            slowest_first = sorted(zip(waiting, found, strict=True), key=lambda pair: -pair[0].seconds)
            for _ in pool.map(Run.go_on, *zip(*slowest_first, strict=True)):
                pass
    finally:  # what ends this early ends what still runs
        stop.set()
    return [run.recorder for run in runs]
