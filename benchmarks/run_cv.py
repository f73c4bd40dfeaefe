"""Measure, print and save the table of cross-validations: python benchmarks/run_cv.py [--quick] [--rows ...].

As run.py: rows that were not asked for are kept from the saved results.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
import tempfile
from pathlib import Path
from typing import Any

import measure
import measure_cv
import problems
import report_cv
from command import Page

NAMES = ("regularize", "scikit_learn", "glum", "adelie")


def main() -> None:
    """Measure row by row, saving after each."""
    options = PAGE.parse(PAGE.parser(__doc__))
    print(report_cv.render(PAGE.fill(options)))


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


PAGE = Page("RESULTS_CV", problems.CV_ROWS, NAMES, 300, 100, _row, report_cv.render)

if __name__ == "__main__":
    main()
