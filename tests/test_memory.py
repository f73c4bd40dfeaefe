"""Extra memory: that of the working set, whatever the order of X; nothing dense for sparse X.

Ridge factorises a matrix of min(n, p) rows and reads X by tiles: it copies X in no order.

tracemalloc sees what NumPy allocates; the kernels' own memory (the Cholesky factor) is smaller than the working set.
"""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest
from scipy import sparse

from problems import gaussian
from regularize import Lasso, Ridge, RidgeCV, lasso_path, ridge_path

N, P = 300, 4000


def extra(call):
    """Peak of allocated bytes during the call, beyond what there was, and its result."""
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        result = call()
        return tracemalloc.get_traced_memory()[1] - before, result
    finally:
        tracemalloc.stop()


@pytest.fixture(scope="module")
def data():
    problem = gaussian(N, P, n_informative=20)
    lasso_path(problem.X[:50, :20].copy(), problem.y[:50], alphas=5)  # what is imported on first use is not counted
    return problem


def path(X, y, **options):
    return lasso_path(X, y, fit_intercept=True, alphas=50, eps=0.05, tol=1e-8, **options)


def answer_and_working_set(coefs, alphas=50):
    """Bytes of what is returned, and of four times as many columns as were ever active with their Gram matrix."""
    ever = int(np.count_nonzero(coefs.any(axis=1)))
    return 2 * coefs.nbytes + 8 * (4 * ever * N + (4 * ever) ** 2)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("order", ["C", "F"])
def test_a_path_costs_the_working_set_and_a_fifth_of_x(data, weighted, order):
    X, weight = np.array(data.X, order=order), np.linspace(0.5, 1.5, N) if weighted else None
    used, (_, coefs, _) = extra(lambda: path(X, data.y, sample_weight=weight))
    assert used <= 0.2 * X.nbytes + answer_and_working_set(coefs)
    assert used < 0.9 * X.nbytes  # so there was no copy, whatever the working set


@pytest.mark.parametrize("order", ["C", "F"])
def test_float32_is_not_converted_as_a_whole(data, order):
    X = np.array(data.X, dtype=np.float32, order=order)
    used, (_, coefs, _) = extra(lambda: path(X, data.y))
    assert used <= 0.4 * X.nbytes + answer_and_working_set(coefs)


def test_a_view_with_gaps_costs_one_working_copy(data):
    wide = np.repeat(data.X, 2, axis=1)
    used, (_, coefs, _) = extra(lambda: path(wide[:, ::2], data.y))
    assert used <= 1.2 * data.X.nbytes + answer_and_working_set(coefs)


@pytest.mark.parametrize("order", ["C", "F"])
def test_a_read_only_map_of_a_file_is_not_read_into_memory(data, tmp_path, order):
    file = tmp_path / "X.dat"
    np.array(data.X, order=order).ravel(order="K").tofile(file)
    X = np.memmap(file, dtype=np.float64, mode="r", shape=(N, P), order=order)
    used, (_, coefs, _) = extra(lambda: path(X, data.y))
    assert used <= 0.2 * X.nbytes + answer_and_working_set(coefs)


@pytest.mark.parametrize("order", ["C", "F"])
def test_a_single_fit_costs_no_more(data, order):
    X = np.array(data.X, order=order)
    used, model = extra(lambda: Lasso(alpha=0.1).fit(X, data.y))
    active = np.count_nonzero(model.coef_)
    assert used <= 0.2 * X.nbytes + 8 * (6 * active * N + (6 * active) ** 2)


def test_a_tall_problem_costs_its_gram_matrix(data):
    X = np.array(data.X.T[:, :100], order="C")  # 4000 x 100
    y = X[:, 0] + np.sin(np.arange(P))
    for order in ("C", "F"):
        form = np.array(X, order=order)
        used, _ = extra(lambda form=form: path(form, y))
        assert used <= 1.1 * X.nbytes + 8 * 4 * 100**2


@pytest.mark.parametrize("index", [np.int32, np.int64])
def test_sparse_x_is_never_made_dense_nor_copied(index):
    rng = np.random.default_rng(0)
    X = sparse.random(2000, 5000, density=0.01, format="csc", random_state=rng)
    X.indices, X.indptr = X.indices.astype(index), X.indptr.astype(index)
    y = X @ (rng.standard_normal(5000) * (rng.random(5000) < 0.005)) + 0.01 * rng.standard_normal(2000)
    stored = X.data.nbytes + X.indices.nbytes + X.indptr.nbytes
    used, (_, coefs, _) = extra(lambda: path(X, y))
    ever = int(np.count_nonzero(coefs.any(axis=1)))
    vectors = 8 * (30 * 5000 + 30 * 2000)
    assert used <= 0.2 * stored + 2 * coefs.nbytes + vectors + 8 * (4 * ever) ** 2 + 4 * 40 * 20 * ever
    assert used < 0.1 * 8 * 2000 * 5000


def test_many_calls_leave_nothing_behind(data):
    X, y = data.X[:, :50].copy(order="F"), data.y

    def repeat():
        for _ in range(20):
            lasso_path(X, y, alphas=10)

    repeat()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        repeat()
        left = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert left < 50_000


ALPHAS = np.geomspace(1e-2, 1e4, 5)
RIDGE: dict[str, Any] = {
    "fit": lambda X, y: Ridge().fit(X, y),
    "weighted": lambda X, y: Ridge().fit(X, y, sample_weight=np.linspace(0.5, 1.5, len(y))),
    "standardised": lambda X, y: Ridge(standardize=True).fit(X, y),
    "targets": lambda X, y: Ridge().fit(X, np.column_stack([y, y**2, np.sin(y)])),
    "svd": lambda X, y: Ridge(solver="svd").fit(X, y),
    "iterations": lambda X, y: Ridge(solver="sparse_cg", max_iter=1000).fit(X, y),
    "bounds": lambda X, y: Ridge(positive=True).fit(X, y),
    "path": lambda X, y: ridge_path(X, y, ALPHAS, fit_intercept=True, return_diagnostics=True),
    "leave-one-out": lambda X, y: RidgeCV(ALPHAS).fit(X, y),
    "generalised": lambda X, y: RidgeCV(ALPHAS, criterion="gcv").fit(X, y),
    "folds": lambda X, y: RidgeCV(ALPHAS, cv=5).fit(X, y),
}


@pytest.mark.parametrize("mean", [0.0, 100.0])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("shape", [(20000, 100), (100, 20000)], ids=["tall", "wide"])
@pytest.mark.parametrize("task", RIDGE)
def test_ridge_does_not_copy_x(task, shape, order, mean):
    X = np.array(np.random.default_rng(0).standard_normal(shape) + mean, order=order)
    y = X[:, 0] + np.sin(np.arange(len(X)))
    RIDGE[task](X[:50, :20], y[:50])  # what is imported on first use is not counted
    used, _ = extra(lambda: RIDGE[task](X, y))
    assert used < 0.6 * X.nbytes


@pytest.mark.parametrize("task", ["fit", "path", "leave-one-out", "folds"])
def test_ridge_converts_float32_by_tiles(task):
    X = np.random.default_rng(0).standard_normal((40000, 100), dtype=np.float32)
    y = X[:, 0] + np.sin(np.arange(len(X)))
    RIDGE[task](X[:50, :20], y[:50])
    used, _ = extra(lambda: RIDGE[task](X, y))
    assert used < X.nbytes  # half of its float64 copy


@pytest.mark.parametrize("shape", [(30000, 300), (300, 30000), (9000, 8000)], ids=["tall", "wide", "iterations"])
@pytest.mark.parametrize("task", ["fit", "path", "folds"])
def test_ridge_never_makes_sparse_x_dense(task, shape):
    n, p = shape
    rows = np.concatenate([np.arange(0, n, max(n // p, 1)), np.random.default_rng(0).integers(0, n, 10 * p)])
    columns = np.concatenate([np.arange(rows.size - 10 * p) % p, np.repeat(np.arange(p), 10)])
    X = sparse.csc_array((np.ones(rows.size), (rows, columns)), shape=shape)
    y = X @ np.cos(np.arange(p)) + np.sin(np.arange(n))
    run = RIDGE[task] if task != "path" else lambda X, y: ridge_path(X, y, ALPHAS, fit_intercept=True)
    run(X[:50, :20], y[:50])
    used, _ = extra(lambda: run(X, y))
    assert used < 0.25 * 8 * n * p
