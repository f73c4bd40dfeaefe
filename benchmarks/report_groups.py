"""The measured paths and cross-validations of groups and several targets as markdown."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import rivals
from report import HEADINGS, TIGHTEST, Rows, cell, entry, facts, number, table, title

PROBLEM = ["problem", "X", "blocks", "alpha_min / alpha_max"]
CHOSEN = "best rival / regularize"


def render(results: dict[str, Any]) -> str:
    """The whole page."""
    paths = {name: row for name, row in results["rows"].items() if not row["has_folds"]}
    folds = {name: row for name, row in results["rows"].items() if row["has_folds"]}
    names, targets = results["rivals"], results["targets"]
    parts = [
        "# Benchmark results: groups and several targets",
        "",
        "Written by `run_groups.py`; what is measured and how is said in README.md.",
        "",
        *[f"- {line}" for line in facts(results)],
        "",
    ]
    for kind, heading in HEADINGS.items():
        shown = {name: row for name, row in paths.items() if kind == "gap" or row["has_reference"]}
        for target in targets:
            parts += [f"## Seconds to a {heading.format(target)}", "", *_times(shown, kind, target, names), ""]
    for target in targets:
        parts += [f"## 5-fold cross-validation with refit: seconds to a judged relative gap of {target:g} on all folds"]
        parts += ["", *_folds(folds, target, names), ""]
    parts += ["## This package alone", "", *_own(paths, targets), ""]
    parts += ["## Peak extra memory of a path, in units of X", "", *_memory(paths, names), ""]
    return "\n".join(parts)


def _problem(name: str, row: dict[str, Any]) -> list[str]:
    return [name, row["shape"], row["groups"], f"{row['ratio']:g}"]


def _share(seconds: float | None, unit: float | None, digits: int = 1) -> str:
    return f"{seconds / unit:.{digits}f} x" if seconds and unit else "-"


def _gain(row: dict[str, Any], names: list[str], seconds: Callable[[str], float | None]) -> str:
    """The best of the others in units of ours."""
    theirs = [seconds(name) for name in names if name != rivals.OURS]
    return _share(min((value for value in theirs if value), default=None), seconds(rivals.OURS))


def _times(rows: Rows, kind: str, target: float, names: list[str]) -> list[str]:
    body = []
    for name, row in rows.items():
        cells = [cell(row["rivals"].get(rival), kind, target) for rival in names]
        gain = _gain(row, names, lambda rival: entry(row["rivals"].get(rival), kind, target).get("seconds"))  # noqa: B023
        body.append([*_problem(name, row), *cells, gain])
    return table([*PROBLEM, *map(title, names), CHOSEN], body)


def _folds(rows: Rows, target: float, names: list[str]) -> list[str]:
    """With one thread; of this package also with two, and in units of its path on all rows."""
    names = [name for name in names if any(name in row["rivals"] for row in rows.values())]
    body = []
    for name, row in rows.items():
        found = {rival: entry(row["rivals"].get(rival), "gap", target) for rival in names}
        cells = [cell(row["rivals"].get(rival), "gap", target) for rival in names]
        ours = found.get(rivals.OURS, {})
        own = [_share(ours.get(key), ours.get("full_path"), 2) for key in ("seconds", "seconds_2")]
        gain = _gain(row, names, lambda rival: found.get(rival, {}).get("seconds"))  # noqa: B023
        body.append([*_problem(name, row), *cells, gain, number(ours.get("full_path")), *own])
    own = ["own path on all rows, s", "n_jobs=1 / own path", "n_jobs=2 / own path"]
    return table([*PROBLEM, *map(title, names), CHOSEN, *own], body)


def _own(rows: Rows, targets: list[float]) -> list[str]:
    """Its times, also to a tighter gap, its counts, and the bare product."""
    body = []
    for name, row in rows.items():
        ours = row["rivals"].get(rivals.OURS)
        if ours is None:
            continue
        extra = ours["extra"]
        times = [cell(ours, "gap", target) for target in (*targets, TIGHTEST)]
        gram, first = extra.get("gram_seconds"), entry(ours, "gap", targets[0]).get("seconds")
        figures = [number(extra.get(key)) for key in ("passes", "working_set")]
        body.append([name, *times, *figures, number(gram), _share(first, gram, 2)])
    seconds = [f"s to {target:g}" for target in (*targets, TIGHTEST)]
    bare = ["bare X'X, s", f"s to {targets[0]:g} / bare"]
    return table(["problem", *seconds, "passes over X", "working set", *bare], body)


def _memory(rows: Rows, names: list[str]) -> list[str]:
    columns = [(name, "memory_F") for name in names] + [(rivals.OURS, "memory_C")]
    body = []
    for name, row in rows.items():
        peaks = [row["rivals"].get(rival, {}).get("extra", {}).get(key) for rival, key in columns]
        cells = ["-" if peak is None else f"{peak / row['n_bytes']:.2f}" for peak in peaks]
        body.append([name, f"{row['n_bytes'] / 1e6:.3g} MB", *cells])
    return table(["problem", "X", *map(title, names), "regularize, C-ordered X"], body)
