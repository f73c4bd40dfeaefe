"""The measured ridge rows as markdown."""

from __future__ import annotations

import math
from typing import Any

import rivals
from measure_ridge import KIND
from problems_ridge import CLASSIFIER, FIT, K_FOLD, LOO, PATH
from report import Rows, facts, number, table, title

HEADINGS = {
    FIT: "One fit",
    PATH: "Paths",
    LOO: "Leave-one-out, with refit",
    K_FOLD: "5-fold cross-validation, with refit",
    CLASSIFIER: "Classifiers, leave-one-out, with refit",
}
SAME_ALPHA = 1e-6  # relative; alphas that went through other units differ in the last digits


def render(results: dict[str, Any]) -> str:
    """The whole page."""
    parts = [
        "# Benchmark results: ridge regression",
        "",
        "Written by `run_ridge.py`; what is measured and how is said in README.md.",
        "",
        *[f"- {line}" for line in facts(results)],
        "- in brackets: in units of regularize's time to the same residual",
        "",
    ]
    for task, heading in HEADINGS.items():
        rows = {name: row for name, row in results["rows"].items() if row["task"] == task}
        parts += [f"## {heading}", "", *_times(rows, results["targets"]), ""]
    return "\n".join(parts)


def _times(rows: Rows, targets: list[float]) -> list[str]:
    """A line for each problem, rival and variant."""
    body = []
    for name, row in rows.items():
        ours = _variants(row, rivals.OURS).get("", {})
        for rival, one in row["rivals"].items():
            for variant, found in one["variants"].items():
                cells = [_cell(_entry(found, target), _entry(ours, target)) for target in targets]
                who = f"{title(rival)} {variant}".strip() + _other_choice(row, found, ours)
                body.append([name, row["shape"], str(row["n_alphas"]), who, *cells, _finest(found, targets)])
    heads = [f"seconds to a residual of {target:g}" for target in targets]
    return table(["problem", "X", "alphas", "who", *heads, "residual reached"], body)


def _variants(row: dict[str, Any], rival: str) -> dict[str, Any]:
    return row["rivals"].get(rival, {}).get("variants", {})


def _entry(found: dict[str, Any], target: float) -> dict[str, Any]:
    return found.get("times", {}).get(KIND, {}).get(f"{target:g}", {})


def _cell(entry: dict[str, Any], ours: dict[str, Any]) -> str:
    if "seconds" not in entry:
        return entry.get("note", "-")
    unit = ours.get("seconds")
    return number(entry["seconds"]) + (f" ({entry['seconds'] / unit:.2f} x)" if unit else "")


def _finest(found: dict[str, Any], targets: list[float]) -> str:
    """The best residual there was; nothing for what has no solution."""
    reached = [_entry(found, target).get("gap") for target in targets]
    smallest = min((value for value in reached if value is not None), default=None)
    return "-" if not smallest else f"{smallest:.0e}"


def _other_choice(row: dict[str, Any], found: dict[str, Any], ours: dict[str, Any]) -> str:
    """What to say if a cross-validation chose another alpha than ours."""
    alpha, expected = found.get("alpha"), ours.get("alpha")
    if row["n_alphas"] == 1 or alpha is None or expected is None:
        return ""
    return "" if math.isclose(alpha, expected, rel_tol=SAME_ALPHA) else f", which chose alpha = {alpha:.3g}"
