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
from regularize import Lasso, Ridge, RidgeCV, enet_path, lasso_path, ridge_path
from regularize.kernels import column_products, descent, gram, krylov, products, quadratic, row_products

pytestmark = pytest.mark.by_columns


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


RIDGE = {
    "auto": lambda X, y: Ridge().fit(X, y).coef_,
    "svd": lambda X, y: Ridge(1e-3, solver="svd").fit(X, y).coef_,
    "cg": lambda X, y: Ridge(solver="sparse_cg", tol=1e-10, max_iter=1000).fit(X, y).coef_,
    "positive": lambda X, y: Ridge(positive=True).fit(X, y).coef_,
    "path": lambda X, y: ridge_path(X, y, 10, return_diagnostics=True)[3].loo_errors,
    "rows": lambda X, y: RidgeCV(alpha_per_target=True).fit(X, y).cv_mean_,
    "folds": lambda X, y: RidgeCV(cv=4).fit(X, y).cv_mean_,
}


@pytest.mark.parametrize("layout", ["C", "F", "CSC int32"])
@pytest.mark.parametrize("shape", [(60, 30), (40, 400)], ids=["tall", "wide"])
def test_ridges_in_threads_are_bitwise_those_in_series(layout, shape):
    problem = gaussian(*shape).stored(layout)
    tasks = [task for name, task in RIDGE.items() if name != "svd" or "CSC" not in layout] * 3
    serial = [task(problem.X, problem.y) for task in tasks]
    with ThreadPoolExecutor(4) as pool:
        parallel = list(pool.map(lambda task: task(problem.X, problem.y), tasks))
    for one, other in zip(serial, parallel, strict=True):
        assert_array_equal(one, other)


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
    rows = np.ascontiguousarray(X)
    mean, norm = np.zeros(p), np.zeros(p)
    V, columns, out = rng.standard_normal((4, n)), np.tile(np.arange(p), 6), np.empty((4, 6 * p))
    weights = np.full(n, 1 / n)
    arrays = dict(zip(("curvature", "l1", "l2", "lower", "upper"), np.zeros((5, p)), strict=True))
    arrays["curvature"] = np.einsum("ij,ij->j", X, X)
    arrays["lower"], arrays["upper"] = np.full(p, -np.inf), np.full(p, np.inf)
    matrix = X.T @ X / n
    square, vectors, scalars = np.zeros((4000, 4000)), rng.random((2, 100_000, 50)), rng.random(50)
    response = matrix @ rng.standard_normal(p)
    penalty = {name: arrays[name] for name in ("l2", "lower", "upper")}
    return {
        "moments": lambda: column_products.moments(X=X, weights=weights, first=0, mean=mean, norm=norm),
        "dots": lambda: products.dense_dots(X=X, columns=columns, V=V, out=out),
        "moments by rows": lambda: row_products.moments(X=rows, weights=weights, first=0, mean=mean, norm=norm),
        "products by rows": lambda: row_products.stretch(X=rows, V=V, first=0, out=out[:, :p].copy()),
        "dots by rows": lambda: row_products.listed(X=rows, columns=columns, V=V, out=out),
        "sweep": lambda: descent.dense_sweep(
            Z=X, coef=np.zeros(p), residual=V[0].copy(), alpha=1.0, active_only=False, **arrays
        ),
        "gram": lambda: gram.add_gram(Z=X, gram=np.zeros((p, p)), first=0, last=p),
        "mirror": lambda: gram.mirror(gram=square, first=0),
        "krylov": lambda: krylov.advance(
            solutions=vectors[0],
            directions=vectors[1],
            gradient=vectors[0, :, 0].copy(),
            steps=scalars,
            momenta=scalars,
        ),
        "quadratic": lambda: quadratic.QuadraticSolver().solve(
            gram=matrix,
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


KERNELS = [
    "moments",
    "dots",
    "moments by rows",
    "products by rows",
    "dots by rows",
    "sweep",
    "quadratic",
    "gram",
    "mirror",
    "krylov",
]


@pytest.mark.parametrize("kernel", KERNELS)
def test_the_gil_is_released_while_a_kernel_runs(slow, kernel):
    """With the GIL held, the other thread would wait as long as the call lasts."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-4)  # so that taking turns around the call is short against it
    try:
        assert min(longest_wait_during(slow[kernel]) for _ in range(5)) < 0.5
    finally:
        sys.setswitchinterval(interval)
