"""Measure, print and save the table: python benchmarks/run.py [--quick] [--rows ...] [--rivals ...].

Rows that were not asked for are kept from the saved results, so a long benchmark can be run in parts; ours
and the rivals of one row are always measured in the same run.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

import measure
import problems
import report
import rivals
from command import Page

FIT_ROWS = ("diabetes", "synthetic 1000 x 20000")


def main() -> None:
    """Measure row by row, then single fits and imports."""
    parser = PAGE.parser(__doc__)
    parser.add_argument("--skip-latency", action="store_true", help="no single fits, no import times")
    options = PAGE.parse(parser)
    results = PAGE.fill(options)
    if not options.skip_latency:
        settings = PAGE.settings(options)
        measured = {name: _fits(name, options, settings) for name in FIT_ROWS if name in options.rows}
        results["fits"] = results.get("fits", {}) | measured  # those of rows that were not asked for are kept
        results["imports"] = _imports()
        PAGE.save(results, options)
    print(report.render(results))


def _row(name: str, options: argparse.Namespace, settings: measure.Settings) -> dict[str, Any]:
    """All rivals on one problem."""
    return measured_row(problems.make(name, options.alphas), problems.ROWS[name].ratio, options, settings)


def measured_row(
    problem: problems.Problem, ratio: float, options: argparse.Namespace, settings: measure.Settings
) -> dict[str, Any]:
    """All rivals on one problem, whose smallest alpha is this share of alpha_max."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        measure.save(problem, folder)
        has_reference = measure.save_reference(problem, folder, settings)
        measured = {}
        for rival in options.rivals:
            targets = [*options.targets, report.TIGHTEST] if rival == rivals.OURS else options.targets
            measured[rival] = measure.path_times(rival, problem, folder, targets, settings)
            _extra(measured[rival], rival, problem, folder, options.targets, settings)
            print(f"{problem.name}: {rival}: {measured[rival]}", file=sys.stderr, flush=True)
    return {
        "shape": problem.shape,
        "ratio": ratio,
        "n_bytes": problem.n_bytes,
        "has_reference": has_reference,
        "rivals": {rival: dataclasses.asdict(one) for rival, one in measured.items()},
    }


def _extra(
    measured: measure.Measured,
    rival: str,
    problem: problems.Problem,
    folder: Path,
    targets: list[float],
    settings: measure.Settings,
) -> None:
    """Memory at the finest reached target; for this package also the engine's counts and the bare product."""
    entries = measured.times["gap"].items()
    reached = [entry["tol"] for target, entry in entries if "tol" in entry and float(target) in targets]
    if not reached:
        return
    tol = min(reached)
    is_dense = isinstance(problem.X, np.ndarray)
    if problem.n_bytes >= measure.MEMORY_FROM:
        for order in "FC" if rival == rivals.OURS and is_dense else "F":
            peak = measure.extra_memory(rival, folder, tol, order, settings)
            measured.extra |= {} if peak is None else {f"memory_{order}": peak}
    if rival == rivals.OURS:
        measured.extra |= measure.engine_figures(rival, folder, tol, settings)
        n, p = problem.X.shape
        if is_dense and n > p:
            measured.extra["gram_seconds"] = measure.gram_seconds(rival, folder, settings)


def _fits(name: str, options: argparse.Namespace, settings: measure.Settings) -> dict[str, Any]:
    """One fit of each rival that has an estimator, on two alphas: alpha_max and a tenth of it."""
    whole = problems.make(name, 2)
    problem = dataclasses.replace(whole, alphas=whole.alphas[0] * np.array([1.0, 0.1]))
    repeats = 100 if problem.n_bytes < measure.MEMORY_FROM else settings.repeats
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        measure.save(problem, folder)
        return {rival: measure.fit_latency(rival, problem, folder, repeats, settings) for rival in options.rivals}


def _imports() -> dict[str, float | None]:
    theirs, ours = "import sklearn.linear_model", "import regularize"
    return {
        theirs: measure.import_seconds(theirs, "", sys.executable),
        f"{ours}, after that": measure.import_seconds(ours, theirs, sys.executable),
    }


PAGE = Page("RESULTS", problems.ROWS, rivals.NAMES, 120, 100, _row, report.render)

if __name__ == "__main__":
    main()
