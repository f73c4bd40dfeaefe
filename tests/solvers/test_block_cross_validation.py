"""With group penalties and targets fitted together, too, the path of each fold is that of its training rows."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from folds import SHAPES, SPLITS, Array, Splits, data, weights_of
from group_judge import judge_groups
from problems import LAYOUTS
from regularize.design import FoldedDesign, make_design
from regularize.penalties import GroupPenalty, Groups, Penalty
from regularize.solvers import cross_validation, squared_loss_alpha_max, squared_loss_path
from regularize.solvers.cross_validation import FoldPath, cross_validated_alpha_max, cross_validated_paths

pytestmark = pytest.mark.by_columns

TIGHT = 1e-11


def labels_of(p: int) -> Array:
    """Groups of one to four features, in no order; fewer than p."""
    rng = np.random.default_rng(5)
    return np.unique(rng.permutation(np.arange(p) // 3), return_inverse=True)[1]


def penalty_of(p: int, l1: float = 0.0, l2: float = 0.0, unequal: bool = False) -> GroupPenalty:
    """Norms of the roots of the sizes, or of the sizes if ``unequal``."""
    groups = Groups.of_labels(labels_of(p))
    bound, norm = np.full(p, np.inf), groups.sizes.astype(np.float64)
    features = Penalty(np.full(p, l1), np.full(p, l2), -bound, bound)
    return GroupPenalty(features, groups, norm if unequal else np.sqrt(norm))


def with_targets(X: Array, y: Array, n_targets: int) -> Array:
    """y alone, or beside others."""
    if n_targets == 1:
        return y
    rng = np.random.default_rng(6)
    return np.column_stack(
        [y, X @ rng.standard_normal((X.shape[1], n_targets - 1)) * 0.2 + rng.standard_normal(len(y))[:, None]]
    )


def folds_of(
    X: Any,
    y: Array,
    splits: Splits,
    weight: Array | None = None,
    n_jobs: int = 1,
    l1: float = 0.0,
    l2: float = 0.0,
    **options: Any,
) -> list[tuple[FoldPath, Array, Array]]:
    """Each fold's path, held-out predictions and errors, in the order of the folds."""
    penalty = penalty_of(X.shape[1], l1, l2)
    folded = FoldedDesign(X, splits, weight, group_of=penalty.groups.labels, **options)
    alphas = cross_validated_alpha_max(folded, y, penalty, 5) * np.geomspace(1, 0.05, 5)
    done: list[tuple[FoldPath, Array, Array]] = []
    cross_validated_paths(
        folded,
        y,
        [penalty],
        alphas[np.newaxis],
        lambda fold: done.append((fold, fold.predictions(), fold.mean_squared_errors())),
        tol=TIGHT,
        n_jobs=n_jobs,
    )
    return sorted(done, key=lambda entry: entry[0].fold)


def by_target(values: Array, n_targets: int) -> Array:
    """(T, ...) of what is without a first axis for one target."""
    return values[np.newaxis] if n_targets == 1 else values


def assert_as_single_fits(
    X: Any, y: Array, splits: Splits, weight: Array | None = None, l1: float = 0.0, l2: float = 0.0, **options: Any
) -> None:
    """Each fold equals the path of the copied training rows."""
    n_targets = 1 if y.ndim == 1 else y.shape[1]
    penalty = penalty_of(X.shape[1], l1, l2)
    found = folds_of(X, y, splits, weight, l1=l1, l2=l2, **options)
    assert [entry[0].fold for entry in found] == list(range(len(splits)))
    for (fold, predictions, errors), (train, test) in zip(found, splits, strict=True):
        design = make_design(
            X[train], None if weight is None else weight[train], group_of=penalty.groups.labels, **options
        )
        single = squared_loss_path(design, y[train], penalty, fold.path.alphas, tol=TIGHT)
        assert fold.path.converged.all()
        assert fold.path.tolerance == pytest.approx(single.tolerance, rel=1e-9)
        assert_allclose(fold.path.coefs, single.coefs, rtol=1e-4, atol=1e-4)
        assert_allclose(fold.path.intercepts, single.intercepts, rtol=1e-4, atol=1e-4)
        coefs, intercepts = by_target(single.coefs, n_targets), by_target(single.intercepts, n_targets)
        expected = np.stack([X[test] @ w + b for w, b in zip(coefs, intercepts, strict=True)], axis=1)
        assert predictions.shape == ((len(test), 5) if y.ndim == 1 else (len(test), n_targets, 5))
        assert_allclose(predictions.reshape(expected.shape), expected, rtol=1e-4, atol=1e-3)
        squares = np.mean((expected - y[test].reshape(len(test), n_targets, 1)) ** 2, axis=1)
        assert errors.shape == (5,)
        assert_allclose(
            errors, np.average(squares, axis=0, weights=None if weight is None else weight[test]), rtol=1e-3
        )


@pytest.mark.parametrize("n_targets", [1, 3])
@pytest.mark.parametrize("is_weighted", [False, True])
@pytest.mark.parametrize("splits", SPLITS)
def test_each_fold_is_the_path_of_its_training_rows(splits: str, is_weighted: bool, n_targets: int) -> None:
    X, y = data()
    # A single held-out row of weight zero has no mean error.
    weight = None if not is_weighted else np.maximum(weights_of(60), 0.1 * (splits == "leave one out"))
    assert_as_single_fits(X, with_targets(X, y, n_targets), SPLITS[splits](60), weight)


@pytest.mark.parametrize(
    ("n_targets", "options"),
    [
        *itertools.product([1, 3], [{}, {"fit_intercept": False}, {"standardize": True}, {"l2": 0.5}]),
        (1, {"l1": 0.5}),  # several targets have no l1 terms
    ],
    ids=str,
)
@pytest.mark.parametrize("shape", SHAPES)
def test_each_fold_is_the_path_of_its_training_rows_in_every_shape(
    shape: str, n_targets: int, options: dict[str, Any]
) -> None:
    X, y = data(*SHAPES[shape])
    assert_as_single_fits(X, with_targets(X, y, n_targets), SPLITS["shuffled"](len(y)), **options)


@pytest.mark.parametrize("n_targets", [1, 3])
@pytest.mark.parametrize("shape", SHAPES)
def test_each_fold_of_a_sparse_x_is_the_path_of_its_training_rows(shape: str, n_targets: int) -> None:
    X, y = data(*SHAPES[shape], density=0.3)
    n = len(y)
    assert_as_single_fits(sparse.csc_matrix(X), with_targets(X, y, n_targets), SPLITS["contiguous"](n), weights_of(n))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_storage_of_x_changes_no_fold(layout: str) -> None:
    X, y = data(density=0.4)
    X = X.astype(np.float32).astype(np.float64)
    splits = SPLITS["overlapping"](60)
    for found, expected in zip(folds_of(LAYOUTS[layout](X), y, splits), folds_of(X, y, splits), strict=True):
        assert_allclose(found[0].path.coefs, expected[0].path.coefs, rtol=1e-5, atol=1e-4)
        assert_allclose(found[2], expected[2], rtol=1e-4)


@pytest.mark.parametrize("n_targets", [1, 2])
@pytest.mark.parametrize("is_sparse", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
def test_threads_change_no_bit(shape: str, is_sparse: bool, n_targets: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cross_validation, "WORTH_A_THREAD", 0)
    X, y = data(*SHAPES[shape], density=0.5)
    y = with_targets(X, y, n_targets)
    X = sparse.csc_matrix(X) if is_sparse else X
    splits = SPLITS["contiguous"](len(y))
    for one, two in zip(folds_of(X, y, splits, n_jobs=1), folds_of(X, y, splits, n_jobs=2), strict=True):
        assert_array_equal(one[0].path.coefs, two[0].path.coefs)
        assert_array_equal(one[2], two[2])


@pytest.mark.parametrize("n_targets", [1, 2])
@pytest.mark.parametrize("shape", SHAPES)
def test_several_penalties_and_the_paths_on_all_rows(shape: str, n_targets: int) -> None:
    X, y = data(*SHAPES[shape])
    y, p = with_targets(X, y, n_targets), X.shape[1]
    other = penalty_of(p, 0.5) if n_targets == 1 else penalty_of(p, unequal=True)
    penalties = [penalty_of(p), other, penalty_of(p, 0.0, 0.3)]
    group_of, splits = penalties[0].groups.labels, SPLITS["contiguous"](len(y))
    folded = FoldedDesign(X, splits, group_of=group_of)
    largest = [cross_validated_alpha_max(folded, y, penalty, 4) for penalty in penalties]
    alphas = np.outer(largest, np.geomspace(1, 0.1, 4))
    seen = []
    full = cross_validated_paths(
        folded, y, penalties, alphas, lambda fold: seen.append((fold.penalty, fold.fold)), tol=TIGHT, with_full=True
    )
    assert sorted(seen) == [(index, fold) for index in range(3) for fold in range(4)]
    assert len(full) == 3
    for index, (path, penalty) in enumerate(zip(full, penalties, strict=True)):
        design = make_design(X, group_of=group_of)
        assert largest[index] == pytest.approx(squared_loss_alpha_max(design, y, penalty), rel=1e-9)
        single = squared_loss_path(design, y, penalty, alphas[index], tol=TIGHT)
        assert_allclose(path.coefs, single.coefs, rtol=1e-5, atol=1e-5)
        assert_allclose(path.intercepts, single.intercepts, rtol=1e-5, atol=1e-5)


@settings(max_examples=20, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    n=st.integers(6, 40),
    p=st.integers(2, 30),
    own=st.sampled_from([0.0, 0.4]),
    n_targets=st.integers(1, 3),
    is_weighted=st.booleans(),
    standardize=st.booleans(),
)
def test_the_judge_certifies_every_fold(
    seed: int, n: int, p: int, own: float, n_targets: int, is_weighted: bool, standardize: bool
) -> None:
    """Features have an l1 term of their own, too, or an l2 term where targets are fitted together."""
    terms = {"l1": own} if n_targets == 1 else {"l2": own}
    X, y = data(n, p, seed)
    y = with_targets(X, y, n_targets)
    rng = np.random.default_rng(seed)
    splits = [(rng.integers(0, n, rng.integers(2, 2 * n)), rng.integers(0, n, 3)) for _ in range(3)]
    weight = rng.uniform(0.1, 3, n) if is_weighted else None
    for fold, _, _ in folds_of(X, y, splits, weight, standardize=standardize, **terms):
        train, _ = splits[fold.fold]
        if np.ptp(train) == 0:
            continue  # one row, whose y has no variance to measure the gap by
        verdict = judge_groups(
            X[train],
            y[train],
            fold.path.alphas,
            fold.path.coefs,
            fold.path.intercepts,
            groups=labels_of(p),
            **terms,
            sample_weight=None if weight is None else weight[train],
            standardize=standardize,
        )
        assert np.max(verdict.relative_gap) < 1e-9


def test_ctrl_c_in_a_fold_is_raised() -> None:
    def interrupt(fold: FoldPath) -> None:
        raise KeyboardInterrupt

    X, y = data()
    penalty = penalty_of(15)
    folded = FoldedDesign(X, SPLITS["contiguous"](60), group_of=penalty.groups.labels)
    with pytest.raises(KeyboardInterrupt):
        cross_validated_paths(folded, y, [penalty], np.array([[0.1, 0.05]]), interrupt)
