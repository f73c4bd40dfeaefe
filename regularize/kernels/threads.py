"""How many threads BLAS may use.

The solvers make thousands of small BLAS calls. Split over threads they gain nothing, and when another process or
another fit holds a core they lose a factor of ten, because the threads of a call spin until the last of them is done.
So the solvers run on one BLAS thread, except for products that are large enough to be worth it. The setting belongs to
the process or to the thread, as the library has it: so each block gives it back itself, and the last one wins.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from threadpoolctl import ThreadpoolController  # comes with scikit-learn, which needs it

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
    """Run BLAS on one thread; every block gives back what the first of those that overlap has found."""
    global _depth, _given
    entered = False
    try:
        with _lock:
            if _depth == 0:
                _given = [library.get_num_threads() for library in _libraries()]
            _depth += 1
            entered = True
            _set([1] * len(_given))
        yield
    finally:
        if entered:
            with _lock:
                _depth -= 1
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
