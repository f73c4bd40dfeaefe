"""Measure, print and save the page of ridge regression: python benchmarks/run_ridge.py [--smoke] [--rows ...].

As run.py: rows that were not asked for are kept from the saved results. What is measured in one row runs in turn.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

import measure
import measure_ridge
import problems_ridge
import report_ridge
from command import Page

NAMES = ("regularize", "scikit_learn", "glum", "numpy")


def main() -> None:
    """Measure row by row, saving after each."""
    parser = PAGE.parser(__doc__)
    parser.add_argument("--smoke", action="store_true", help="every row at a tiny size, one run, nothing saved")
    options = PAGE.parse(parser)
    with tempfile.TemporaryDirectory() as nowhere:
        if options.smoke:
            options.repeats, options.output = 1, Path(nowhere) / PAGE.name
        print(report_ridge.render(PAGE.fill(options)))


def _row(name: str, options: argparse.Namespace, settings: measure.Settings) -> dict[str, Any]:
    """All rivals and their variants on one problem."""
    problem = problems_ridge.make(name, options.alphas, options.smoke)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        measure_ridge.save(problem, folder)
        measured = measure_ridge.times(problem, options.rivals, folder, options.targets, settings)
    print(f"{name}: {measured}", file=sys.stderr, flush=True)
    return {
        "task": problem.task,
        "shape": problem.shape,
        "n_alphas": problem.alphas.size,
        "n_bytes": problem.n_bytes,
        "rivals": measured,
    }


PAGE = Page("RESULTS_RIDGE", problems_ridge.RIDGE_ROWS, NAMES, 60, None, _row, report_ridge.render)

if __name__ == "__main__":
    main()
