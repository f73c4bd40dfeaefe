"""Compiled kernels: arrays in, numbers out.

Some are built once per instruction set; the best build that this processor runs is picked here, at import. The
environment variable ``REGULARIZE_KERNELS`` (``baseline`` or ``v3``) overrides the choice.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

try:
    from regularize.kernels import cpu
except ImportError:
    if not Path(__file__).with_name("cpu.pyx").exists():  # installed packages have no sources: another fault
        raise
    raise ImportError(
        "regularize was imported from its source folder, which is not built: run 'python -m pip install .',"
        " then 'python -P' here or 'python' in another folder (or install it editable, see CONTRIBUTING.md)."
    ) from None

__all__ = ["KERNEL_BUILD", "block_descent", "blocks", "column_products", "descent", "quadratic", "row_products", "scan"]

BUILDS = ("baseline", "v3")


def runs_here(build: str) -> bool:
    """Whether this build was compiled into the package and this processor runs it."""
    if build == "baseline":
        return True
    return cpu.runs_v3() and importlib.util.find_spec(f"{__name__}._quadratic_{build}") is not None


def choose_build(asked: str | None) -> str:
    """The build that was asked for, or else the best one that runs here."""
    if not asked:
        return "v3" if runs_here("v3") else "baseline"
    if asked not in BUILDS:
        raise ImportError(f"REGULARIZE_KERNELS={asked!r} is unknown: use one of {', '.join(BUILDS)}.")
    if not runs_here(asked):
        raise ImportError(f"REGULARIZE_KERNELS={asked!r} was not compiled, or does not run on this processor.")
    return asked


def load(kernel: str, build: str) -> ModuleType:
    """Import one build of a kernel and register it under the kernel's own name."""
    module = importlib.import_module(f"{__name__}._{kernel}_{build}")
    sys.modules[f"{__name__}.{kernel}"] = module
    return module


KERNEL_BUILD = choose_build(os.environ.get("REGULARIZE_KERNELS"))

if TYPE_CHECKING:
    # one stub each for every build
    from regularize.kernels import block_descent, blocks, column_products, descent, quadratic, row_products, scan
else:
    block_descent, blocks, column_products, descent, quadratic, row_products, scan = (
        load(kernel, KERNEL_BUILD) for kernel in __all__[1:]
    )
