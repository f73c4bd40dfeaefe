"""Where the real data sets are: not in the package, but in a folder beside the checkout.

The folder is named by the environment variable REGULARIZE_DATA, or is ``../shared/data`` as seen from the
checkout. Its ``load.py`` has one ``load_<name>()`` per data set, returning ``(X, y, meta)``.
"""

from __future__ import annotations

import functools
import importlib.util
import os
from pathlib import Path
from types import ModuleType

BESIDE_CHECKOUT = Path(__file__).resolve().parents[2] / "shared" / "data"


def find() -> Path | None:
    """The folder of the data sets, or None."""
    folder = Path(os.environ.get("REGULARIZE_DATA", BESIDE_CHECKOUT))
    return folder if (folder / "load.py").is_file() else None


@functools.cache
def loaders() -> ModuleType:
    """The module of the loaders; FileNotFoundError if the folder is absent."""
    folder = find()
    if folder is None:
        named = os.environ.get("REGULARIZE_DATA", BESIDE_CHECKOUT)
        raise FileNotFoundError(f"no real data sets: {named} has no load.py; set REGULARIZE_DATA to their folder")
    spec = importlib.util.spec_from_file_location("regularize_data_loaders", folder / "load.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def load_or_skip(name: str, **options):
    """``(X, y, meta)`` of a data set, for a test: skips it, saying why, if the folder is absent."""
    import pytest

    try:
        module = loaders()
    except FileNotFoundError as absent:
        pytest.skip(str(absent))
    return getattr(module, f"load_{name}")(**options)
