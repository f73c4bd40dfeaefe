"""The BLAS thread limit holds inside blocks and is always given back."""

from __future__ import annotations

import threading

import pytest

from regularize.kernels import threads


@pytest.fixture
def counts():
    def now():
        return [library.get_num_threads() for library in threads._libraries()]

    before = now()
    threads._set([2] * len(before))
    yield now
    threads._set(before)


def test_the_limit_holds_inside_and_is_given_back_after_an_error(counts):
    given = counts()
    with pytest.raises(KeyboardInterrupt), threads.one_thread():
        assert counts() == [1] * len(given)
        raise KeyboardInterrupt
    assert counts() == given


def test_overlapping_blocks_leave_nothing_behind(counts):
    given, inside, leave = counts(), threading.Event(), threading.Event()

    def other():
        with threads.one_thread():
            inside.set()
            leave.wait(10)

    thread = threading.Thread(target=other)
    with threads.one_thread():
        thread.start()
        inside.wait(10)
        assert counts() == [1] * len(given)
    leave.set()
    thread.join()
    assert counts() == given


def test_only_large_products_lift_the_limit(counts):
    given = counts()
    with threads.one_thread():
        with threads.all_threads(1.0):
            assert counts() == [1] * len(given)
        with threads.all_threads(1e12):
            assert counts() == given
        assert counts() == [1] * len(given)


def test_in_a_fixed_block_nothing_is_lifted_or_given_back(counts):
    given = counts()
    with threads.one_thread(fixed=True):
        with threads.one_thread(), threads.all_threads(1e12):
            assert counts() == [1] * len(given)
        assert counts() == [1] * len(given)
    assert counts() == given


def test_an_inner_block_gives_nothing_back(counts):
    given = counts()
    with threads.one_thread():
        with threads.one_thread():
            pass
        assert counts() == [1] * len(given)
    assert counts() == given
