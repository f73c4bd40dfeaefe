"""How many threads BLAS may use.

The solvers make thousands of small BLAS calls. Split over threads they gain nothing, and when another process or
another fit holds a core they lose a factor of ten, because the threads of a call spin until the last of them is done.
So the solvers run on one BLAS thread, except for products that are large enough to be worth it. The setting belongs to
the process, to the thread, or to the thread that was first to set it, as the library has it: so every thread gives it
back itself when its outermost block ends. For problems of ours that run beside each other nothing is lifted and nothing
given back before all are done, which also makes their results independent of each other.
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
_fixed = 0  # blocks in which nothing is lifted
_own = threading.local()
_given: list[int] = []


@cache
def _libraries() -> list[Any]:
    """The BLAS libraries of this process that can be told: numpy and scipy bring one each."""
    return list(ThreadpoolController().select(user_api="blas").lib_controllers)


def _set(counts: list[int]) -> None:
    for library, count in zip(_libraries(), counts, strict=True):
        library.set_num_threads(count)


@contextmanager
def one_thread(fixed: bool = False) -> Iterator[None]:
    """Run BLAS on one thread; the outermost block of a thread gives back what the first that overlaps has found.

    ``fixed``: nothing is lifted or given back in other threads until this block has ended.
    """
    global _depth, _given, _fixed
    entered = False
    try:
        with _lock:
            if _depth == 0:
                _given = [library.get_num_threads() for library in _libraries()]
            _depth += 1
            _fixed += fixed
            _own.depth = getattr(_own, "depth", 0) + 1
            entered = True
            _set([1] * len(_given))
        yield
    finally:
        if entered:
            with _lock:
                _depth -= 1
                _fixed -= fixed
                _own.depth -= 1
                if _own.depth == 0 and not _fixed:
                    _set(_given)


@contextmanager
def all_threads(multiply_adds: float) -> Iterator[None]:
    """Lift the limit of ``one_thread`` for one large product."""
    if multiply_adds < WORTH_SPLITTING:
        yield
        return
    with _lock:
        if _depth > 0 and not _fixed:
            _set(_given)
    try:
        yield
    finally:
        with _lock:
            if _depth > 0:
                _set([1] * len(_given))
