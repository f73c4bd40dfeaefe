"""Several problems on one X, alpha by alpha beside each other: what one of them has to read, all take along."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor

import numpy as np
from numpy.typing import NDArray

from regularize.design import Design, FoldedDesign
from regularize.penalties import Penalty
from regularize.solvers.path_driver import PathDriver, Point
from regularize.solvers.recorder import Recorder
from regularize.solvers.screening import Pass
from regularize.solvers.units import Units

Floats = NDArray[np.float64]


class Run:
    """One of the problems, between two readings of X."""

    def __init__(self, design: Design, y: Floats, penalty: Penalty, alphas: Floats, tol: float) -> None:
        self.design = design
        self.units = Units.of(design, y, penalty)
        self.recorder = Recorder(design, self.units, alphas, tol, None)
        self._alphas = alphas
        self._steps: Pass[Point]

    def prepare(self, null: Floats, max_iter: int) -> None:
        """Take the correlations with the target."""
        start = np.zeros(self.design.n_features)
        tolerance = self.recorder.tolerance
        self.driver = PathDriver(
            self.design, self.units.target, self.units.penalty, self._alphas, tolerance, max_iter, start, null
        )

    def begin(self, k: int) -> Floats | None:
        """Work at ``alphas[k]`` until X is needed, and give the residuals for that, or until it is solved."""
        self._steps = self.driver.steps(k)
        return self._go(lambda: next(self._steps))

    def resume(self, correlations: Floats) -> Floats | None:
        """Go on with what was asked for."""
        return self._go(lambda: self._steps.send(correlations))

    def _go(self, step: Callable[[], Floats]) -> Floats | None:
        try:
            return step()
        except StopIteration as end:
            point: Point = end.value
            working = self.driver.working
            self.recorder.working_set_size = working.size
            self.recorder.add(point.gap, point.n_iter, working.features, working.coef)
            return None


def paths_in_lockstep(
    folded: FoldedDesign,
    designs: Sequence[Design],
    y: Floats,
    penalty: Penalty,
    alphas: Floats,
    pool: Executor,
    *,
    tol: float,
    max_iter: int,
) -> list[Recorder]:
    """Solve the penalty along ``alphas`` on several of the designs by columns.

    Which problems share a reading depends on their states alone: the results do not depend on the threads of the pool.
    """
    runs = list(pool.map(lambda design: Run(design, y, penalty, alphas, tol), designs))
    nulls = folded.correlations(designs, [run.units.target[np.newaxis] for run in runs], pool.map)
    for _ in pool.map(lambda run, null: run.prepare(null[0], max_iter), runs, nulls):
        pass
    for k in range(alphas.size):
        asked = list(pool.map(lambda run, k=k: run.begin(k), runs))
        while any(residuals is not None for residuals in asked):
            asked = _share_reading(folded, runs, asked, k, pool)
    return [run.recorder for run in runs]


def _share_reading(
    folded: FoldedDesign, runs: Sequence[Run], asked: Sequence[Floats | None], k: int, pool: Executor
) -> list[Floats | None]:
    """Read X for those that asked and for those that are done with alpha k, once; what is asked for next."""

    def wish(run: Run, residuals: Floats | None) -> Floats | None:
        if residuals is None and run.driver.last_pass < k:
            return run.driver.offer(k)
        return residuals

    wishes = list(pool.map(wish, runs, asked))
    taking = [i for i, wanted in enumerate(wishes) if wanted is not None]
    wanted = [wish for wish in wishes if wish is not None]
    found: Iterator[Floats] = iter(folded.correlations([runs[i].design for i in taking], wanted, pool.map))
    given = [next(found) if wish is not None else None for wish in wishes]

    def proceed(run: Run, residuals: Floats | None, wish: Floats | None, correlations: Floats | None) -> Floats | None:
        if correlations is None or wish is None:
            return None
        if residuals is None:
            run.driver.screen.keep(wish, correlations)
            return None
        return run.resume(correlations)

    return list(pool.map(proceed, runs, asked, wishes, given))
