"""Measure, print and save the table of cross-validations: python benchmarks/run_cv.py [--quick] [--rows ...].

As run.py: rows that were not asked for are kept from the saved results.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import platform
import sys
import tempfile
from pathlib import Path
from typing import Any

import measure
import measure_cv
import problems
import report
import report_cv
import run

NAMES = ("regularize", "scikit_learn", "glum", "adelie")


def main() -> None:
    """Measure row by row, saving after each."""
    options = _options()
    interpreters = dict.fromkeys(NAMES, sys.executable) | {"adelie": options.adelie_python}
    settings = measure.Settings(interpreters, options.threads, options.budget, options.repeats)
    results = run.saved(options)
    results |= {
        "machine": report.machine(),
        "python": platform.python_version(),
        "targets": options.targets,
        "n_alphas": options.alphas,
        "rivals": [name for name in NAMES if name in options.rivals],
        "settings": {key: getattr(settings, key) for key in ("threads", "budget", "repeats")},
    }
    for name in options.rows:
        try:
            results["rows"][name] = _row(name, options, settings)
        except FileNotFoundError as absent:
            print(f"{name}: skipped, {absent}", file=sys.stderr)
        run.save(results, options.output, problems.CV_ROWS, report_cv.render)
    print(report_cv.render(results))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    rows = list(problems.CV_ROWS)
    parser.add_argument("--rows", nargs="+", choices=rows, metavar="ROW", help=", ".join(rows))
    parser.add_argument("--rivals", nargs="+", choices=NAMES, default=list(NAMES))
    parser.add_argument("--targets", nargs="+", type=float, default=[1e-4, 1e-8], help="judged gaps; 1e-4 and 1e-8")
    parser.add_argument("--quick", action="store_true", help="small rows, 20 alphas, one run, to try the harness")
    parser.add_argument("--budget", type=float, help="seconds a single run may take; 300, or 20 if quick")
    parser.add_argument("--alphas", type=int, help="alphas of a path; 100, or 20 if quick")
    parser.add_argument("--repeats", type=int, help="runs of which the best counts; 3, or 1 if quick")
    parser.add_argument("--threads", type=int, default=1, help="BLAS threads, the same for all; 1")
    parser.add_argument("--adelie-python", default=os.environ.get("ADELIE_PYTHON", sys.executable))
    parser.add_argument("--output", type=Path, default=run.HERE / "RESULTS_CV", help="saved as .json and .md")
    options = parser.parse_args()
    quick = options.quick
    options.rows = options.rows or [name for name, row in problems.CV_ROWS.items() if row.is_quick or not quick]
    options.budget = options.budget or (20 if quick else 300)
    options.alphas = options.alphas or (20 if quick else 100)
    options.repeats = options.repeats or (1 if quick else 3)
    return options


def _row(name: str, options: argparse.Namespace, settings: measure.Settings) -> dict[str, Any]:
    """All rivals on one cross-validation."""
    problem = problems.make_cross_validation(name, options.alphas)
    measured = {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        measure_cv.save(problem, folder)
        for rival in options.rivals:
            measured[rival] = measure_cv.times(rival, problem, folder, options.targets, settings)
            print(f"{name}: {rival}: {measured[rival]}", file=sys.stderr, flush=True)
    return {
        "shape": problem.shape,
        "ratio": problems.CV_ROWS[name].ratio,
        "l1_ratios": list(problem.l1_ratios),
        "n_bytes": problem.n_bytes,
        "rivals": {rival: dataclasses.asdict(one) for rival, one in measured.items()},
    }


if __name__ == "__main__":
    main()
