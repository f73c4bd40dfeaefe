"""The tests judge the installed package, never the source folder of the same name beside them."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[1]

# "python -m pytest" puts the working directory first on sys.path, where regularize/ has no compiled kernels.
sys.path[:] = [entry for entry in sys.path if Path(entry or os.curdir).resolve() != CHECKOUT]
os.environ["PYTHONSAFEPATH"] = "1"  # the same for the processes that tests start

if importlib.util.find_spec("regularize") is None:
    raise pytest.UsageError('regularize is not installed here: python -m pip install ".[test]"')


def pytest_configure(config: pytest.Config) -> None:
    """Say what the markers are for."""
    config.addinivalue_line("markers", "by_columns: wide X is solved on working sets of columns, however small it is")


@pytest.fixture(autouse=True)
def _by_columns(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.node.get_closest_marker("by_columns"):
        monkeypatch.setattr("regularize.solvers.squared_loss.WIDE_GRAM", 0)


def pytest_report_header() -> str:
    """Which copy of the package is tested, with which kernels, and whether the sources have moved on."""
    import regularize
    from regularize.kernels import KERNEL_BUILD

    installed = Path(regularize.__file__).parent
    sources = (CHECKOUT / "regularize").rglob("*.py")
    stale = any(
        not (copy := installed / source.relative_to(CHECKOUT / "regularize")).exists()
        or copy.read_bytes() != source.read_bytes()
        for source in sources
    )
    note = "; THE SOURCES HAVE CHANGED SINCE IT WAS INSTALLED" if stale else ""
    return f"regularize: {installed} (kernels: {KERNEL_BUILD}){note}"
