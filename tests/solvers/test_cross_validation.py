"""The path of each fold is that of its training rows, whatever the way to it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from folds import SHAPES, SPLITS, TIGHT, Array, Splits, alphas_of, data, weights_of
from judge import judge
from problems import LAYOUTS
from regularize.design import FoldedDesign, make_design
from regularize.penalties import Penalty
from regularize.solvers import crew, cross_validation, squared_loss_path
from regularize.solvers.cross_validation import FoldPath, cross_validated_paths

pytestmark = pytest.mark.by_columns


def folds_of(
    X: Any,
    y: Array,
    splits: Splits,
    weight: Array | None = None,
    l1_ratio: float = 0.9,
    n_jobs: int = 1,
    ratio: float = 0.02,
    **options: Any,
) -> list[tuple[FoldPath, Array, Array]]:
    """Each fold's path, held-out predictions and errors, in the order of the folds."""
    done: list[tuple[FoldPath, Array, Array]] = []
    cross_validated_paths(
        FoldedDesign(X, splits, weight, **options),
        y,
        [Penalty.elastic_net(X.shape[1], l1_ratio)],
        alphas_of(X, y, ratio)[np.newaxis],
        lambda fold: done.append((fold, fold.predictions(), fold.mean_squared_errors())),
        tol=TIGHT,
        n_jobs=n_jobs,
    )
    return sorted(done, key=lambda entry: entry[0].fold)


def assert_as_single_fits(
    X: Any, y: Array, splits: Splits, weight: Array | None = None, l1_ratio: float = 0.9, **options: Any
) -> None:
    """Each fold equals the path of the copied training rows."""
    found = folds_of(X, y, splits, weight, l1_ratio, **options)
    assert len(found) == len(splits)
    for (fold, predictions, errors), (train, test) in zip(found, splits, strict=True):
        train_weight = None if weight is None else weight[train]
        single = squared_loss_path(
            make_design(X[train], train_weight, **options),
            y[train],
            Penalty.elastic_net(X.shape[1], l1_ratio),
            fold.path.alphas,
            tol=TIGHT,
        )
        assert fold.path.converged.all()
        assert_allclose(fold.path.coefs, single.coefs, rtol=1e-5, atol=1e-5)
        assert_allclose(fold.path.intercepts, single.intercepts, rtol=1e-5, atol=1e-5)
        expected = X[test] @ single.coefs + single.intercepts
        assert_allclose(predictions, expected, rtol=1e-5, atol=1e-4)
        assert_allclose(
            errors,
            np.average((expected - y[test, np.newaxis]) ** 2, axis=0, weights=None if weight is None else weight[test]),
            rtol=1e-4,
        )


@pytest.mark.parametrize("is_weighted", [False, True])
@pytest.mark.parametrize("splits", SPLITS)
def test_each_fold_is_the_path_of_its_training_rows(splits: str, is_weighted: bool) -> None:
    X, y = data()
    # A single held-out row of weight zero has no mean error.
    weight = None if not is_weighted else np.maximum(weights_of(60), 0.1 * (splits == "leave one out"))
    assert_as_single_fits(X, y, SPLITS[splits](60), weight)


@pytest.mark.parametrize("options", [{}, {"fit_intercept": False}, {"standardize": True}], ids=str)
@pytest.mark.parametrize("shape", SHAPES)
def test_each_fold_is_the_path_of_its_training_rows_in_every_shape(shape: str, options: dict[str, bool]) -> None:
    X, y = data(*SHAPES[shape])
    assert_as_single_fits(X, y, SPLITS["shuffled"](len(y)), **options)


@pytest.mark.parametrize("shape", SHAPES)
def test_each_fold_of_a_sparse_x_is_the_path_of_its_training_rows(shape: str) -> None:
    X, y = data(*SHAPES[shape], density=0.3)
    n = len(y)
    assert_as_single_fits(sparse.csc_matrix(X), y, SPLITS["contiguous"](n), weights_of(n))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_storage_of_x_changes_no_fold(layout: str) -> None:
    X, y = data(density=0.4)
    X = X.astype(np.float32).astype(np.float64)
    splits = SPLITS["overlapping"](60)
    for found, expected in zip(folds_of(LAYOUTS[layout](X), y, splits), folds_of(X, y, splits), strict=True):
        assert_allclose(found[0].path.coefs, expected[0].path.coefs, rtol=1e-5, atol=1e-5)
        assert_allclose(found[2], expected[2], rtol=1e-5)


@pytest.mark.parametrize("is_sparse", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
def test_threads_change_no_bit(shape: str, is_sparse: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cross_validation, "WORTH_A_THREAD", 0)
    X, y = data(*SHAPES[shape], density=0.5)
    X = sparse.csc_matrix(X) if is_sparse else X
    splits = SPLITS["contiguous"](len(y))
    for one, two in zip(folds_of(X, y, splits, n_jobs=1), folds_of(X, y, splits, n_jobs=2), strict=True):
        assert_array_equal(one[0].path.coefs, two[0].path.coefs)
        assert_array_equal(one[2], two[2])


@pytest.mark.parametrize("layout", ["C", "F", "F float32", "strided", "CSC int32"])
def test_who_reads_together_changes_no_bit(layout: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One reading for each problem that waits, or for whoever waits after some time."""
    X, y = data(40, 300, density=0.5)
    splits, X = SPLITS["contiguous"](len(y)), LAYOUTS[layout](X)
    monkeypatch.setattr(cross_validation, "WORTH_A_THREAD", 0)
    together = [fold[0].path.coefs for fold in folds_of(X, y, splits)]
    read = crew.Crew._read_for

    def alone(self: crew.Crew, runs: list[crew.Run]) -> None:
        with self._changed:
            self._waiting += runs[1:]
        read(self, runs[:1])

    def dawdling(self: crew.Crew, runs: list[crew.Run]) -> None:
        time.sleep(1e-3 * (len(runs) % 3))
        read(self, runs)

    for other, n_jobs in ((alone, 1), (alone, 2), (dawdling, 3)):
        monkeypatch.setattr(crew.Crew, "_read_for", other)
        for fold, expected in zip(folds_of(X, y, splits, n_jobs=n_jobs), together, strict=True):
            assert_array_equal(fold[0].path.coefs, expected)


@pytest.mark.parametrize(("room", "n_jobs", "most"), [(0, 1, 2), (0, 3, 3), (4 * 4 * 40**2, 1, 4), (1 << 22, 2, 5)])
def test_as_many_problems_are_under_way_as_memory_and_jobs_ask_for(
    room: int, n_jobs: int, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    X, y = data(40, 300)
    splits = SPLITS["contiguous"](len(y))
    together = [fold[0].path.coefs for fold in folds_of(X, y, splits)]
    monkeypatch.setattr(cross_validation, "WORTH_A_THREAD", 0)
    monkeypatch.setattr(crew, "LITTLE", room)
    begun, counts, own = set[int](), [], crew.Crew._let_go_on

    def counted(self: crew.Crew, run: crew.Run, found: Any) -> None:
        begun.add(id(run))
        counts.append(len(begun))
        own(self, run, found)
        if run.asks is None:
            begun.remove(id(run))

    monkeypatch.setattr(crew.Crew, "_let_go_on", counted)
    for fold, expected in zip(folds_of(X, y, splits, n_jobs=n_jobs), together, strict=True):
        assert_array_equal(fold[0].path.coefs, expected)
    assert not begun
    assert max(counts) <= most
    assert max(counts) == most or n_jobs > 1


@pytest.mark.parametrize("n_jobs", [1, 2, 4])
@pytest.mark.parametrize("method", ["_read_for", "_let_go_on"])
def test_an_error_in_one_thread_ends_all(method: str, n_jobs: int, monkeypatch: pytest.MonkeyPatch) -> None:
    X, y = data(40, 300)
    monkeypatch.setattr(cross_validation, "WORTH_A_THREAD", 0)
    calls, own = [], getattr(crew.Crew, method)

    def failing(self: crew.Crew, *arguments: object) -> None:
        calls.append(method)
        if len(calls) == 2:
            raise MemoryError("as if")
        own(self, *arguments)

    monkeypatch.setattr(crew.Crew, method, failing)
    before = threading.active_count()
    with pytest.raises(MemoryError, match="as if"):
        folds_of(X, y, SPLITS["contiguous"](len(y)), n_jobs=n_jobs)
    assert threading.active_count() == before


@settings(max_examples=20, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    n=st.integers(6, 40),
    p=st.integers(1, 30),
    l1_ratio=st.sampled_from([0.1, 0.5, 1.0]),
    is_weighted=st.booleans(),
    standardize=st.booleans(),
)
def test_the_judge_certifies_every_fold(
    seed: int, n: int, p: int, l1_ratio: float, is_weighted: bool, standardize: bool
) -> None:
    X, y = data(n, p, seed)
    rng = np.random.default_rng(seed)
    splits = [(rng.integers(0, n, rng.integers(2, 2 * n)), rng.integers(0, n, 3)) for _ in range(3)]
    weight = rng.uniform(0.1, 3, n) if is_weighted else None
    for fold, _, _ in folds_of(X, y, splits, weight, l1_ratio, standardize=standardize):
        train, _ = splits[fold.fold]
        if np.ptp(train) == 0:
            continue  # one row, whose y has no variance to measure the gap by
        verdict = judge(
            X[train],
            y[train],
            fold.path.alphas,
            fold.path.coefs,
            fold.path.intercepts,
            l1_ratio=l1_ratio,
            sample_weight=None if weight is None else weight[train],
            standardize=standardize,
        )
        assert np.max(verdict.relative_gap) < 1e-9


def _far_from_zero(X: Array, y: Array) -> None:
    X[:, 0] += 1e7
    X[:, 1] *= 1e-120
    y += 1e5


def _huge_rows_held_out(X: Array, y: Array) -> None:
    X[:40] *= 1e6
    y[:40] *= 1e6


def _constant_in_training(X: Array, y: Array) -> None:
    X[:, 0] = 0.1
    X[:3, 0] = [1, 2, 3]
    X[:, 1] = 0
    X[10, 1] = 1e5


def _constant_response_in_training(X: Array, y: Array) -> None:
    y[75:] = 0.1


def _huge_responses_held_out(X: Array, y: Array) -> None:
    y[:75] *= 1e9


def _almost_exact_fit(X: Array, y: Array) -> None:
    y[:] = X[:, 0] - X[:, 1] + 1e-7 * np.sin(np.arange(300))


def _duplicated_columns(X: Array, y: Array) -> None:
    X[:, 1] = X[:, 0]
    X[:, 2] = X[:, 0] - X[:, 3]


@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize(
    ("spoil", "ratio"),
    [
        (_far_from_zero, 1e-2),
        (_huge_rows_held_out, 1e-8),
        (_constant_in_training, 1e-2),
        (_constant_response_in_training, 1e-2),
        (_huge_responses_held_out, 1e-10),
        (_almost_exact_fit, 1e-8),
        (_duplicated_columns, 1e-2),
    ],
)
def test_statistics_of_the_folds_lose_no_digits(
    spoil: Callable[[Array, Array], None], ratio: float, standardize: bool
) -> None:
    """Certificates are true, and errors those of the predictions."""
    X, y = data(300, 6)
    spoil(X, y)
    splits = SPLITS["contiguous"](300)
    for fold, predictions, errors in folds_of(X, y, splits, l1_ratio=1.0, ratio=ratio, standardize=standardize):
        train, test = splits[fold.fold]
        path = fold.path
        if np.ptp(y[train]) == 0:
            assert not path.coefs.any()
        else:
            verdict = judge(
                X[train],
                y[train],
                path.alphas,
                path.coefs,
                path.intercepts,
                standardize=standardize,
                dtype=np.longdouble,
            )
            assert np.max(verdict.relative_gap[path.converged]) < 1e-9
        assert_allclose(errors, np.mean((predictions - y[test, np.newaxis]) ** 2, axis=0), rtol=1e-7)


@pytest.mark.parametrize("light", [1e-4, 1e-14])
def test_training_rows_may_weigh_next_to_nothing(light: float) -> None:
    X, y = data(300, 6)
    weight = np.full(300, light)
    weight[:75] = 1
    assert_as_single_fits(X, y, SPLITS["contiguous"](300), weight)
