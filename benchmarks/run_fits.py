"""Measure, print and save the table of single fits: python benchmarks/run_fits.py [--quick] [--rows ...].

As run.py, each row with one alpha, from a cold start.
"""

from __future__ import annotations

import argparse
from typing import Any

import measure
import problems
import report
import rivals
from command import Page
from run import measured_row


def main() -> None:
    """Measure row by row, saving after each."""
    options = PAGE.parse(PAGE.parser(__doc__))
    print(report.render_fits(PAGE.fill(options)))


def _row(name: str, options: argparse.Namespace, settings: measure.Settings) -> dict[str, Any]:
    """All rivals on one fit."""
    return measured_row(problems.make_fit(name), problems.FIT_ROWS[name].ratio, options, settings)


PAGE = Page("RESULTS_FITS", problems.FIT_ROWS, rivals.NAMES, 20, 1, _row, report.render_fits)

if __name__ == "__main__":
    main()
