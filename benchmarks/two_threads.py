"""Do two fits at once take the time of one? Prints it for a few problems: python benchmarks/two_threads.py."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from threadpoolctl import threadpool_limits

import problems
import regularize

ROWS = ("synthetic 1000 x 20000", "synthetic 5000 x 2000", "riboflavin", "leukemia", "california")
REPEATS = 3


def seconds(run: Callable[[], list[np.ndarray]]) -> tuple[float, list[np.ndarray]]:
    """The best time of a few runs, and the coefficients of the last."""
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        coefs = run()
        times.append(time.perf_counter() - start)
    return min(times), coefs


def main() -> None:
    """Two paths on one array, one after the other and at once, with one BLAS thread each."""
    print("| problem | one path, s | two in turn, s | two threads, s | speed-up | same coefficients |")
    print("| --- | --- | --- | --- | --- | --- |")
    with threadpool_limits(1), ThreadPoolExecutor(2) as pool:
        for name in ROWS:
            try:
                problem = problems.make(name)
            except FileNotFoundError:
                continue

            def path(_: int, problem: problems.Problem = problem) -> np.ndarray:
                return regularize.lasso_path(problem.X, problem.y, alphas=problem.alphas)[1]

            alone, _ = seconds(lambda: [path(0)])
            in_turn, expected = seconds(lambda: [path(0), path(1)])
            at_once, found = seconds(lambda: list(pool.map(path, range(2))))
            same = all(np.array_equal(coefs, expected[0]) for coefs in found)
            cells = name, f"{alone:.3g}", f"{in_turn:.3g}", f"{at_once:.3g}", f"{in_turn / at_once:.2f} x", str(same)
            print("| " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
