"""What the commands share: their options, and a page of results that is measured and saved row by row."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import report
from measure import Settings

HERE = Path(__file__).resolve().parent
TARGETS = [1e-4, 1e-8]


@dataclass(frozen=True)
class Page:
    """One page of results: its rows (each knows whether it ``is_quick``) and rivals, how to measure and to show them.

    budget : seconds a single run may take, unless told otherwise; n_alphas : the same for the length of a path, None
    where each row has its own; measure(name, options, settings) : everything measured on one row.
    """

    name: str
    rows: Mapping[str, Any]
    rivals: Sequence[str]
    budget: float
    n_alphas: int | None
    measure: Callable[[str, argparse.Namespace, Settings], dict[str, Any]]
    render: Callable[[dict[str, Any]], str]

    def parser(self, description: str | None) -> argparse.ArgumentParser:
        """The options that all commands have."""
        formatter = argparse.RawDescriptionHelpFormatter
        parser = argparse.ArgumentParser(description=description, formatter_class=formatter)
        add, lengths = parser.add_argument, f"{self.n_alphas}, or 20 if quick" if self.n_alphas else "each row's own"
        add("--rows", nargs="+", choices=list(self.rows), metavar="ROW", help=", ".join(self.rows))
        add("--rivals", nargs="+", choices=self.rivals, default=list(self.rivals))
        add("--targets", nargs="+", type=float, default=TARGETS, help="judged precisions; 1e-4 and 1e-8")
        add("--quick", action="store_true", help="small rows, short paths, one run, to try the harness")
        add("--budget", type=float, help=f"seconds a single run may take; {self.budget:g}, or 20 if quick")
        add("--alphas", type=int, help=f"alphas of a path; {lengths}")
        add("--repeats", type=int, help="runs of which the best counts; 3, or 1 if quick")
        add("--threads", type=int, default=1, help="BLAS threads, the same for all; 1")
        if "adelie" in self.rivals:
            add("--adelie-python", default=os.environ.get("ADELIE_PYTHON", sys.executable))
        add("--output", type=Path, default=HERE / self.name, help="saved with suffixes .json and .md")
        return parser

    def parse(self, parser: argparse.ArgumentParser) -> argparse.Namespace:
        """The options given, completed by what depends on others."""
        options = parser.parse_args()
        quick = options.quick
        options.rows = options.rows or [name for name, row in self.rows.items() if row.is_quick or not quick]
        options.rivals = [name for name in self.rivals if name in options.rivals]
        options.budget = options.budget or (20 if quick else self.budget)
        options.alphas = options.alphas or (20 if quick else self.n_alphas)
        options.repeats = options.repeats or (1 if quick else 3)
        return options

    def settings(self, options: argparse.Namespace) -> Settings:
        """How to run, as the measurements take it."""
        interpreters = dict.fromkeys(self.rivals, sys.executable)
        if "adelie" in self.rivals:
            interpreters["adelie"] = options.adelie_python
        return Settings(interpreters, options.threads, options.budget, options.repeats)

    def fill(self, options: argparse.Namespace) -> dict[str, Any]:
        """Measure row by row, saving after each; rows that were not asked for are kept from an earlier run."""
        settings = self.settings(options)
        path = options.output.with_suffix(".json")
        results = json.loads(path.read_text()) if path.exists() else {"rows": {}}
        results |= {
            "machine": report.machine(),
            "python": platform.python_version(),
            "targets": options.targets,
            "n_alphas": options.alphas,
            "settings": {key: getattr(settings, key) for key in ("threads", "budget", "repeats")},
        }
        for name in options.rows:
            try:
                results["rows"][name] = self.measure(name, options, settings)
            except FileNotFoundError as absent:
                print(f"{name}: skipped, {absent}", file=sys.stderr)
            self.save(results, options)
        return results

    def save(self, results: dict[str, Any], options: argparse.Namespace) -> None:
        """Write the results, in the order of the rows, and their page."""
        rows = results["rows"]
        results["rows"] = {name: rows[name] for name in self.rows if name in rows}
        results["rivals"] = [name for name in self.rivals if any(name in row["rivals"] for row in rows.values())]
        options.output.with_suffix(".json").write_text(json.dumps(results, indent=1) + "\n")
        options.output.with_suffix(".md").write_text(self.render(results))
