"""Measure, print and save the table: python benchmarks/run.py [--quick] [--rows ...] [--rivals ...].

Rows that were not asked for are kept from the saved results, so a long benchmark can be run in parts; ours
and the rivals of one row are always measured in the same run.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

import measure
import problems
import report
import rivals

HERE = Path(__file__).resolve().parent
TARGETS = [1e-4, 1e-8]
FIT_ROWS = ("diabetes", "synthetic 1000 x 20000")


def main() -> None:
    """Measure row by row, saving after each."""
    options = _options()
    interpreters = {name: sys.executable for name in rivals.NAMES}
    interpreters["adelie"] = options.adelie_python
    settings = measure.Settings(interpreters, options.threads, options.budget, options.repeats)
    results = saved(options)
    results |= {
        "machine": report.machine(),
        "python": platform.python_version(),
        "targets": TARGETS,
        "n_alphas": options.alphas,
        "rivals": options.rivals,
        "settings": {key: getattr(settings, key) for key in ("threads", "budget", "repeats")},
    }
    for name in options.rows:
        try:
            results["rows"][name] = _row(name, options, settings)
        except FileNotFoundError as absent:
            print(f"{name}: skipped, {absent}", file=sys.stderr)
        _save(results, options.output)
    if not options.skip_latency:
        results["fits"] = {name: _fits(name, options, settings) for name in FIT_ROWS if name in options.rows}
        results["imports"] = _imports()
        _save(results, options.output)
    print(report.render(results))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", nargs="+", choices=list(problems.ROWS), metavar="ROW", help=", ".join(problems.ROWS))
    parser.add_argument("--rivals", nargs="+", choices=rivals.NAMES, default=list(rivals.NAMES))
    parser.add_argument("--quick", action="store_true", help="small rows, 20 alphas, one run, to try the harness")
    parser.add_argument("--budget", type=float, help="seconds a single run may take; 120, or 20 if quick")
    parser.add_argument("--alphas", type=int, help="alphas of a path; 100, or 20 if quick")
    parser.add_argument("--repeats", type=int, help="runs of which the best counts; 3, or 1 if quick")
    parser.add_argument("--threads", type=int, default=1, help="BLAS threads, the same for all; 1")
    parser.add_argument("--adelie-python", default=os.environ.get("ADELIE_PYTHON", sys.executable))
    parser.add_argument("--skip-latency", action="store_true", help="no single fits, no import times")
    parser.add_argument("--output", type=Path, default=HERE / "RESULTS", help="saved with suffixes .json and .md")
    options = parser.parse_args()
    quick = options.quick
    options.rows = options.rows or [name for name, row in problems.ROWS.items() if row.is_quick or not quick]
    options.budget = options.budget or (20 if quick else 120)
    options.alphas = options.alphas or (20 if quick else 100)
    options.repeats = options.repeats or (1 if quick else 3)
    return options


def saved(options: argparse.Namespace) -> dict[str, Any]:
    """What an earlier run wrote."""
    path = options.output.with_suffix(".json")
    return json.loads(path.read_text()) if path.exists() else {"rows": {}}


def _save(results: dict[str, Any], output: Path) -> None:
    save(results, output, problems.ROWS, report.render)


def save(results: dict[str, Any], output: Path, rows: Iterable[str], render: Callable[[dict[str, Any]], str]) -> None:
    """Write the results, in the order of ``rows``, and their page."""
    results["rows"] = {name: results["rows"][name] for name in rows if name in results["rows"]}
    output.with_suffix(".json").write_text(json.dumps(results, indent=1) + "\n")
    output.with_suffix(".md").write_text(render(results))


def _row(name: str, options: argparse.Namespace, settings: measure.Settings) -> dict[str, Any]:
    """All rivals on one problem."""
    problem = problems.make(name, options.alphas)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        measure.save(problem, folder)
        has_reference = measure.save_reference(problem, folder, settings)
        measured = {}
        for rival in options.rivals:
            targets = [*TARGETS, report.TIGHTEST] if rival == rivals.OURS else TARGETS
            measured[rival] = measure.path_times(rival, problem, folder, targets, settings)
            _extra(measured[rival], rival, problem, folder, settings)
            print(f"{name}: {rival}: {measured[rival]}", file=sys.stderr, flush=True)
    return {
        "shape": problem.shape,
        "ratio": problems.ROWS[name].ratio,
        "n_bytes": problem.n_bytes,
        "has_reference": has_reference,
        "rivals": {rival: dataclasses.asdict(one) for rival, one in measured.items()},
    }


def _extra(
    measured: measure.Measured,
    rival: str,
    problem: problems.Problem,
    folder: Path,
    settings: measure.Settings,
) -> None:
    """Memory at the finest reached target; for this package also the engine's counts and the bare product."""
    entries = measured.times["gap"].items()
    reached = [entry["tol"] for target, entry in entries if "tol" in entry and float(target) in TARGETS]
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


if __name__ == "__main__":
    main()
