"""Cells of rows that all splits treat alike, and what the splits' statistics are by way of them."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.model_selection import LeaveOneOut, RepeatedKFold, ShuffleSplit

from folds import SPLITS as EVERY_KIND
from regularize.design import FoldedDesign, folds
from regularize.design.cells import are_complements, cells_of

N = 60
RNG = np.random.default_rng(0)
X = RNG.standard_normal((N, 4)) + [0.0, 1.0, 0.0, -2.0]
Y = X @ [1.0, -1.0, 0.5, 0.0] + RNG.standard_normal(N)
REPEATED_ROWS = EVERY_KIND["repeated rows"](N)
SPLITS = {
    **{name: make(N) for name, make in EVERY_KIND.items() if name != "repeated rows"},
    "repeated folds": list(RepeatedKFold(n_splits=3, n_repeats=3, random_state=0).split(X)),
    "all left out": list(LeaveOneOut().split(X)),
    "random": list(ShuffleSplit(12, random_state=0).split(X)),
    "sharing rows": [(np.arange(40), np.arange(30, 50)), (np.arange(20, 60), np.arange(20))],
    "one": [(np.arange(50)[::-1], np.arange(50, 60))],
}


@pytest.mark.parametrize("splits", SPLITS.values(), ids=SPLITS.keys())
def test_every_split_is_made_of_cells(splits):
    cells = cells_of(splits, N, at_most=100)
    assert np.unique(cells.labels).max() < cells.count == cells.tests.shape[1]
    for own_train, own_test, (train, test) in zip(cells.trains, cells.tests, splits, strict=True):
        assert_array_equal(np.flatnonzero(own_train[cells.labels]), np.sort(train))
        assert_array_equal(np.flatnonzero(own_test[cells.labels]), np.sort(test))


def test_rows_that_come_twice_and_too_many_cells_have_none():
    assert cells_of([(np.array([0, 1, 1]), np.array([2]))], 4, 100) is None
    assert cells_of([(np.array([0, 1]), np.array([2, 2]))], 4, 100) is None
    assert cells_of(REPEATED_ROWS, N, 100) is None
    assert cells_of(SPLITS["random"], N, 20) is None
    assert cells_of(SPLITS["contiguous"], N, 3) is None


def test_complements_are_told_from_what_leaves_rows_out_or_repeats_them():
    is_one = {name: are_complements(splits, N) for name, splits in SPLITS.items()}
    assert [name for name, value in is_one.items() if not value] == ["incomplete", "time series", "sharing rows"]
    assert not are_complements([(np.array([0, 1, 1]), np.array([2]))], 4)
    assert not are_complements(REPEATED_ROWS, N)


def moments_of(rows, y, weight):
    """Weighted moments about the means."""
    s = np.full(len(y), 1.0) if weight is None else weight
    s = s / s.sum()
    mean, response_mean = s @ rows, s @ y
    columns, response = rows - mean, y - response_mean
    return {
        "mean": mean,
        "gram": (columns.T * s) @ columns,
        "products": (columns.T * s) @ response,
        "response_mean": response_mean,
        "response_variance": s @ response**2,
    }


@pytest.mark.parametrize("kept", ["cells", "held-out rows", "nothing"])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("splits", SPLITS.values(), ids=SPLITS.keys())
def test_training_rows_and_errors_are_those_of_single_designs(splits, weighted, kept, monkeypatch):
    if kept != "cells":
        monkeypatch.setattr(folds, "cells_of", lambda *_: None)
    if kept == "nothing":
        monkeypatch.setattr(folds, "SPARE_ENTRIES", 0)
    weight = RNG.uniform(0.5, 2.0, N) if weighted else None
    statistics = FoldedDesign(X, splits, weight).statistics(Y)
    if kept != "cells" and not are_complements(splits, N):
        assert statistics is None
        return
    coefs, intercepts = RNG.standard_normal((4, 3)), RNG.standard_normal(3)
    for fold, (train, test) in enumerate(splits):
        found, expected = (
            statistics.moments(fold),
            moments_of(X[train], Y[train], None if weight is None else weight[train]),
        )
        for name, value in expected.items():
            assert_allclose(getattr(found, name), value, rtol=1e-9, atol=1e-12, err_msg=name)
        errors = (Y[test, np.newaxis] - X[test] @ coefs - intercepts) ** 2
        known = statistics.mean_squared_errors(fold, coefs, intercepts)
        if kept == "nothing" and len(splits) > X.size // 2 // 16:
            assert known is None
        elif known is not None or test.size > 1:  # the error of one row may be of rounding size, which is not claimed
            mean = np.average(errors, axis=0, weights=None if weight is None else weight[test])
            assert_allclose(known, mean, rtol=1e-9)
