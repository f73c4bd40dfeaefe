"""Measure, print and save the page of groups: python benchmarks/run_groups.py [--smoke] [--rows ...].

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
import measure_groups
import problems_groups
import report
import report_groups
import rivals
from command import Page

NAMES = ("regularize", "scikit_learn", "celer", "skglm", "adelie")
WITHOUT_GROUPS = {"scikit_learn"}
WITHOUT_FOLDS = {"celer", "skglm"}


def main() -> None:
    """Measure row by row, saving after each."""
    parser = PAGE.parser(__doc__)
    parser.add_argument("--smoke", action="store_true", help="every row at a tiny size, one run, nothing saved")
    options = PAGE.parse(parser)
    with tempfile.TemporaryDirectory() as nowhere:
        if options.smoke:
            options.repeats, options.output = 1, Path(nowhere) / PAGE.name
        print(report_groups.render(PAGE.fill(options)))


def _row(name: str, options: argparse.Namespace, settings: measure.Settings) -> dict[str, Any]:
    """All rivals that apply, on one problem."""
    row = problems_groups.ROWS[name]
    problem = problems_groups.make(name, options.alphas, options.smoke)
    settings = measure_groups.for_modules(settings)
    unfit = (set() if row.is_multi_task else WITHOUT_GROUPS) | (WITHOUT_FOLDS if row.has_folds else set())
    measured = {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        measure_groups.save(problem, folder)
        ours = rivals.OURS in options.rivals and not row.has_folds
        has_reference = ours and measure_groups.save_reference(folder, settings)
        for rival in options.rivals:
            if rival in unfit:
                continue
            tighter = [report.TIGHTEST] if rival == rivals.OURS and not row.has_folds else []
            measured[rival] = measure_groups.times(rival, problem, folder, [*options.targets, *tighter], settings)
            measure_groups.extra(measured[rival], rival, problem, folder, options.targets, settings)
            print(f"{name}: {rival}: {measured[rival]}", file=sys.stderr, flush=True)
    return {
        "shape": problem.shape,
        "groups": problem.groups,
        "ratio": row.ratio,
        "n_bytes": problem.n_bytes,
        "has_folds": row.has_folds,
        "has_reference": has_reference,
        "rivals": {rival: dataclasses.asdict(one) for rival, one in measured.items()},
    }


PAGE = Page("RESULTS_GROUPS", problems_groups.ROWS, NAMES, 100, 100, _row, report_groups.render)

if __name__ == "__main__":
    main()
