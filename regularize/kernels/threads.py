"""How many threads BLAS may use.

The solvers make thousands of small BLAS calls. Split over threads they gain nothing, and when another process or
another fit holds a core they lose a factor of ten, because the threads of a call spin until the last of them is done.
So the solvers run on one BLAS thread, except for products that are large enough to be worth it. The setting belongs to
the process: fits in several threads share it, the last one to leave gives it back.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from threadpoolctl import ThreadpoolController

WORTH_SPLITTING = 5e8  # multiply-adds of a product that all threads may share

_lock = threading.Lock()
_depth = 0
_given: list[int] = []


@cache
def _libraries() -> list[Any]:
    """The BLAS libraries of this process that can be told: numpy and scipy bring one each."""
    return list(ThreadpoolController().select(user_api="blas").lib_controllers)


def _set(counts: list[int]) -> None:
    for library, count in zip(_libraries(), counts, strict=True):
        library.set_num_threads(count)


@contextmanager
def one_thread() -> Iterator[None]:
    """Run BLAS on one thread until the last block of this kind ends."""
    global _depth, _given
    with _lock:
        if _depth == 0:
            _given = [library.get_num_threads() for library in _libraries()]
            _set([1] * len(_given))
        _depth += 1
    try:
        yield
    finally:
        with _lock:
            _depth -= 1
            if _depth == 0:
                _set(_given)


@contextmanager
def all_threads(multiply_adds: float) -> Iterator[None]:
    """Lift the limit of ``one_thread`` for one large product."""
    if multiply_adds < WORTH_SPLITTING:
        yield
        return
    with _lock:
        if _depth > 0:
            _set(_given)
    try:
        yield
    finally:
        with _lock:
            if _depth > 0:
                _set([1] * len(_given))
