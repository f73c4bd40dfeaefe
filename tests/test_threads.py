"""Kernels release the GIL, and fits that run at the same time do not disturb each other."""

from __future__ import annotations

import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from problems import gaussian
from regularize import Lasso, enet_path, lasso_path
from regularize.kernels import descent, products, quadratic


@pytest.mark.parametrize("layout", ["C", "F", "CSC int32"])
@pytest.mark.parametrize("shape", [(60, 30), (40, 400)])
def test_fits_in_threads_are_bitwise_those_in_series(layout, shape):
    problem = gaussian(*shape).stored(layout)

    def path(l1_ratio):
        return enet_path(problem.X, problem.y, l1_ratio=l1_ratio, alphas=15, eps=1e-2, tol=1e-10)

    ratios = [1.0, 0.7, 0.5, 0.3] * 3
    serial = [path(ratio) for ratio in ratios]
    with ThreadPoolExecutor(4) as pool:
        parallel = list(pool.map(path, ratios))
    for one, other in zip(serial, parallel, strict=True):
        for a, b in zip(one, other, strict=True):
            assert_array_equal(a, b)


def test_estimators_may_be_fitted_in_threads_on_shared_data():
    problem = gaussian(50, 20)

    def coef(alpha):
        return Lasso(alpha=alpha, tol=1e-10).fit(problem.X, problem.y).coef_

    alphas = np.geomspace(1, 1e-3, 16)
    with ThreadPoolExecutor(4) as pool:
        for alpha, parallel in zip(alphas, pool.map(coef, alphas), strict=True):
            assert_array_equal(parallel, coef(alpha))


def test_a_failure_in_one_thread_does_not_reach_another():
    problem = gaussian(50, 20)
    expected = lasso_path(problem.X, problem.y, alphas=10)[1]

    def one(k):
        if k % 2:
            with pytest.raises(ValueError, match="NaN"):
                lasso_path(np.where(problem.X > 2, np.nan, problem.X), problem.y, alphas=10)
            return expected
        return lasso_path(problem.X, problem.y, alphas=10)[1]

    with ThreadPoolExecutor(4) as pool:
        for coefs in pool.map(one, range(20)):
            assert_array_equal(coefs, expected)


def longest_wait_during(call):
    """The longest time without a turn of another Python thread while ``call`` ran, as a share of its duration."""
    waits, stop, started = [], threading.Event(), threading.Event()

    def take_turns():
        last = time.perf_counter()
        while not stop.is_set():
            now = time.perf_counter()
            waits.append((now, now - last))
            last = now
            started.set()
        waits.append((time.perf_counter(), time.perf_counter() - last))  # the call may have ended before this turn

    thread = threading.Thread(target=take_turns)
    thread.start()
    started.wait()
    begin = time.perf_counter()
    call()
    end = time.perf_counter()
    stop.set()
    thread.join()
    return max((wait for now, wait in waits if now > begin), default=np.inf) / (end - begin)


def slow_calls():
    """Each kernel on so much data that one call takes tens of milliseconds, far longer than a turn."""
    rng = np.random.default_rng(0)
    n, p = 3000, 2000
    X = np.asfortranarray(rng.standard_normal((n, p)))
    rows, copy = np.ascontiguousarray(X), np.empty_like(X)
    mean, norm = np.zeros(p), np.zeros(p)
    V, columns, out = rng.standard_normal((4, n)), np.tile(np.arange(p), 6), np.empty((4, 6 * p))
    weights = np.full(n, 1 / n)
    arrays = dict(zip(("curvature", "l1", "l2", "lower", "upper"), np.zeros((5, p)), strict=True))
    arrays["curvature"] = np.einsum("ij,ij->j", X, X)
    arrays["lower"], arrays["upper"] = np.full(p, -np.inf), np.full(p, np.inf)
    gram = X.T @ X / n
    response = gram @ rng.standard_normal(p)
    penalty = {name: arrays[name] for name in ("l2", "lower", "upper")}
    return {
        "moments": lambda: products.dense_moments(X=X, weights=weights, first=0, mean=mean, norm=norm),
        "dots": lambda: products.dense_dots(X=X, columns=columns, V=V, out=out),
        "transpose": lambda: products.transpose(X=rows, centre=mean, out=copy),
        "sweep": lambda: descent.dense_sweep(
            Z=X, coef=np.zeros(p), residual=V[0].copy(), alpha=1.0, active_only=False, **arrays
        ),
        "quadratic": lambda: quadratic.QuadraticSolver().solve(
            gram=gram,
            response=response,
            l1=np.ones(p),
            **penalty,
            correlations=response.copy(),
            coef=np.zeros(p),
            response_norm=1e4,
            alpha=0.1,
            tolerance=1e-14,
            max_iter=1000,
        ),
    }


@pytest.fixture(scope="module")
def slow():
    return slow_calls()


@pytest.mark.parametrize("kernel", ["moments", "dots", "transpose", "sweep", "quadratic"])
def test_the_gil_is_released_while_a_kernel_runs(slow, kernel):
    """With the GIL held, the other thread would wait as long as the call lasts."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-4)  # so that taking turns around the call is short against it
    try:
        assert min(longest_wait_during(slow[kernel]) for _ in range(5)) < 0.5
    finally:
        sys.setswitchinterval(interval)
