"""The measured cross-validations as markdown."""

from __future__ import annotations

from typing import Any

import rivals
from report import Rows, cell, entry, facts, number, table, title

KIND = "gap"


def render(results: dict[str, Any]) -> str:
    """The whole page."""
    rows, columns = results["rows"], _columns(results)
    parts = [
        "# Benchmark results: 5-fold cross-validation with refit",
        "",
        "Written by `run_cv.py`; what is measured and how is said in README.md.",
        "",
        *[f"- {line}" for line in facts(results)],
        "",
    ]
    for target in results["targets"]:
        parts += [f"## Seconds to a judged relative gap of {target:g}, worst over the paths of the folds", ""]
        parts += [*_times(rows, target, columns), ""]
    parts += ["## This package alone", ""]
    parts += [*_own(rows, results["targets"]), ""]
    parts += ["## Peak extra memory, in units of X", "", *_memory(rows, columns), ""]
    return "\n".join(parts)


def _columns(results: dict[str, Any]) -> list[tuple[str, int]]:
    """Rivals, and their numbers of threads."""
    return [(name, jobs) for name in results["rivals"] for jobs in ((1, 2) if _has_threads(name, results) else (1,))]


def _has_threads(name: str, results: dict[str, Any]) -> bool:
    measured = [row["rivals"][name] for row in results["rows"].values() if name in row["rivals"]]
    return any("seconds_2" in found for one in measured for found in one["times"][KIND].values())


def _head(rival: str, jobs: int) -> str:
    return title(rival) + (f", n_jobs={jobs}" if jobs > 1 else "")


def _seconds(row: dict[str, Any], rival: str, jobs: int, target: float) -> float | None:
    key = "seconds" if jobs == 1 else f"seconds_{jobs}"
    return entry(row["rivals"].get(rival), KIND, target).get(key)


def _cell(row: dict[str, Any], rival: str, jobs: int, target: float) -> str:
    if jobs == 1:
        return cell(row["rivals"].get(rival), KIND, target)
    if (
        f"seconds_{jobs}" in entry(row["rivals"].get(rival), KIND, target)
        and _seconds(row, rival, jobs, target) is None
    ):
        return "over budget"
    return number(_seconds(row, rival, jobs, target))


def _times(rows: Rows, target: float, columns: list[tuple[str, int]]) -> list[str]:
    body = []
    for name, row in rows.items():
        ours = [_seconds(row, *column, target) for column in columns if column[0] == rivals.OURS]
        theirs = [_seconds(row, *column, target) for column in columns if column[0] != rivals.OURS]
        ratio = _share(_best(theirs), _best(ours))
        cells = [_cell(row, *column, target) for column in columns]
        body.append([name, row["shape"], _penalty(row), f"{row['ratio']:g}", *cells, ratio])
    heads = [_head(*column) for column in columns]
    return table(["problem", "X", "l1_ratio", "alpha_min / alpha_max", *heads, "best rival / regularize"], body)


def _best(seconds: list[float | None]) -> float | None:
    return min((value for value in seconds if value is not None), default=None)


def _penalty(row: dict[str, Any]) -> str:
    return ", ".join(f"{l1_ratio:g}" for l1_ratio in row["l1_ratios"])


def _own(rows: Rows, targets: list[float]) -> list[str]:
    """The cross-validation in units of the path on all rows, which it contains, and of the bare product."""
    body = []
    for name, row in rows.items():
        ours = row["rivals"].get(rivals.OURS)
        if ours is None:
            continue
        gram, line = ours["extra"].get("gram_seconds"), [name]
        for target in targets:
            found = entry(ours, KIND, target)
            full = found.get("full_path")
            line += [number(full), *[_share(found.get(key), full) for key in ("seconds", "seconds_2")]]
        first = entry(ours, KIND, targets[0]).get("seconds")
        body.append([*line, number(gram), _share(first, gram)])
    heads = [
        head
        for target in targets
        for head in (f"path on all rows to {target:g}, s", "n_jobs=1 / path", "n_jobs=2 / path")
    ]
    return table(["problem", *heads, "bare X'X, s", f"n_jobs=1 to {targets[0]:g} / bare"], body)


def _share(seconds: float | None, unit: float | None) -> str:
    return f"{seconds / unit:.2f} x" if seconds and unit else "-"


def _memory(rows: Rows, columns: list[tuple[str, int]]) -> list[str]:
    body = []
    for name, row in rows.items():
        peaks = [row["rivals"].get(rival, {}).get("extra", {}).get(f"memory_{jobs}") for rival, jobs in columns]
        cells = ["-" if peak is None else f"{peak / row['n_bytes']:.2f}" for peak in peaks]
        body.append([name, f"{row['n_bytes'] / 1e6:.3g} MB", *cells])
    return table(["problem", "X", *[_head(*column) for column in columns]], body)
