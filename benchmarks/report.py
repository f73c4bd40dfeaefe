"""The measured rows as markdown."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Any

import rivals

Rows = dict[str, Any]
TIGHTEST = 1e-12  # asked of this package alone
HEADINGS = {
    "gap": "judged relative gap of {:g}, worst over the path",
    "bound": "relative suboptimality of {:g}, bounded by the dual point of a near-exact solution",
}


def machine() -> str:
    """CPU model and number of cores, nothing else."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        model = platform.processor() or platform.machine()
    return f"{model}, {os.cpu_count()} cores"


def render(results: dict[str, Any]) -> str:
    """The whole page."""
    parts = ["# Benchmark results", "", "Written by `run.py`; what is measured and how is said in README.md."]
    parts += _common(results)
    parts += ["## One `fit` at 0.1 alpha_max, default tolerance", "", *_latency(results.get("fits", {})), ""]
    parts += ["## Import", "", *_imports(results.get("imports", {})), ""]
    return "\n".join(parts)


def render_fits(results: dict[str, Any]) -> str:
    """The page of single fits."""
    parts = ["# Single fits", "", "Written by `run_fits.py`: as RESULTS.md, one alpha instead of a path, cold."]
    return "\n".join([*parts, *_common(results)])


def _common(results: dict[str, Any]) -> list[str]:
    """Facts and tables of whatever is solved at some alphas."""
    rows = results["rows"]
    parts = ["", *[f"- {line}" for line in facts(results)], ""]
    for kind, heading in HEADINGS.items():
        for target in results["targets"]:
            parts += [f"## Seconds to a {heading.format(target)}", ""]
            parts += [*_times(rows, kind, target, results["rivals"]), ""]
    parts += ["## This package alone", "", *_own(rows, results["targets"]), ""]
    return [*parts, "## Peak extra memory, in units of X", "", *_memory(rows, results["rivals"]), ""]


def facts(results: dict[str, Any]) -> list[str]:
    versions: dict[str, str] = {}
    threads: set[int] = set()
    for row in results["rows"].values():
        for name, measured in row["rivals"].items():
            versions |= {name: measured["version"]} if measured["version"] else {}
            threads |= set(measured["blas_threads"])
    listed = ", ".join(f"{title(name)} {version}" for name, version in versions.items())
    skips = {
        f"{title(rival)} skipped on {name}: {measured['skip']}"
        for name, row in results["rows"].items()
        for rival, measured in row["rivals"].items()
        if measured["skip"]
    }
    settings = results["settings"]
    budget = settings["budget"]
    length = f"{results['n_alphas']} alphas; " if results["n_alphas"] else ""
    return [
        f"machine: {results['machine']}",
        f"versions: {listed}; Python {results['python']}",
        f"BLAS threads in force, the same for all: {', '.join(map(str, sorted(threads))) or 'unknown'}",
        f"{length}at most {budget:g} s per run",
        f"time: best of {settings['repeats']} runs, a single run where it takes more than {budget / 10:g} s",
        *sorted(skips),
    ]


def title(name: str) -> str:
    return name.replace("_", "-")


def table(header: list[str], body: list[list[str]]) -> list[str]:
    if not body:
        return ["Not measured."]
    lines = [header, ["---"] * len(header), *body]
    return ["| " + " | ".join(line) + " |" for line in lines]


def number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"


def _times(rows: Rows, kind: str, target: float, names: list[str]) -> list[str]:
    body = []
    for name, row in rows.items():
        if kind == "bound" and not row["has_reference"]:
            continue
        seconds = {rival: _seconds(row, rival, kind, target) for rival in names}
        others = [value for rival, value in seconds.items() if rival != rivals.OURS and value is not None]
        ours = seconds.get(rivals.OURS)
        ratio = f"{min(others) / ours:.1f} x" if ours and others else "-"
        cells = [cell(row["rivals"].get(rival), kind, target) for rival in names]
        body.append([name, row["shape"], f"{row['ratio']:g}", *cells, ratio])
    header = ["problem", "X", "alpha_min / alpha_max", *map(title, names), "best rival / regularize"]
    return table(header, body)


def entry(measured: dict[str, Any] | None, kind: str, target: float) -> dict[str, Any]:
    return {} if measured is None else measured["times"][kind].get(f"{target:g}", {})


def _seconds(row: Rows, rival: str, kind: str, target: float) -> float | None:
    return entry(row["rivals"].get(rival), kind, target).get("seconds")


def cell(measured: dict[str, Any] | None, kind: str, target: float) -> str:
    if measured is None:
        return "-"
    found = entry(measured, kind, target)
    if "seconds" in found:
        return number(found["seconds"])
    if "note" in found:
        reached = "" if found["gap"] is None else f" (reaches {found['gap']:.0e})"
        return found["note"] + reached
    # Reasons are long: the page says them once, below its heading.
    return "skipped" if measured["skip"] else "-"


def _own(rows: Rows, targets: list[float]) -> list[str]:
    body = []
    for name, row in rows.items():
        ours = row["rivals"].get(rivals.OURS)
        if ours is None:
            continue
        extra = ours["extra"]
        gram, first = extra.get("gram_seconds"), _seconds(row, rivals.OURS, "gap", targets[0])
        times = [cell(ours, "gap", target) for target in (*targets, TIGHTEST)]
        figures = [number(extra.get(key)) for key in ("passes", "working_set")]
        share = f"{first / gram:.2f} x" if gram and first else "-"
        body.append([name, *times, *figures, number(gram), share])
    seconds = [f"s to {target:g}" for target in (*targets, TIGHTEST)]
    header = [
        "problem",
        *seconds,
        "passes over X",
        "working set",
        "bare X'X, s",
        f"s to {targets[0]:g} / bare",
    ]
    return table(header, body)


def _memory(rows: Rows, names: list[str]) -> list[str]:
    body = []
    for name, row in rows.items():
        cells = [_units(row, rival, "memory_F") for rival in names]
        body.append([name, f"{row['n_bytes'] / 1e6:.3g} MB", *cells, _units(row, rivals.OURS, "memory_C")])
    return table(["problem", "X", *map(title, names), "regularize, C-ordered X"], body)


def _units(row: Rows, rival: str, key: str) -> str:
    extra = row["rivals"].get(rival, {}).get("extra", {}).get(key)
    return "-" if extra is None else f"{extra / row['n_bytes']:.2f}"


def _latency(fits: dict[str, Any]) -> list[str]:
    body = []
    for name, measured in fits.items():
        for rival, entry in measured.items():
            note = entry.get("note", "")
            milliseconds = f"{1e3 * entry['seconds']:.3g}" if "seconds" in entry else note
            body.append([name, title(rival), milliseconds, f"{entry['gap']:.0e}" if "gap" in entry else "-"])
    return table(["problem", "rival", "milliseconds", "judged relative gap"], body)


def _imports(imports: dict[str, float | None]) -> list[str]:
    return table(["statement", "seconds"], [[f"`{what}`", number(value)] for what, value in imports.items()])
