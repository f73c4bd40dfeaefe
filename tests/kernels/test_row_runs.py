"""The Gram matrix of a growing list of sparse columns, however they come."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from regularize.kernels.row_runs import RowRuns


def columns(n, p, density, seed=0):
    return sparse.random(n, p, density, format="csc", random_state=np.random.default_rng(seed))


def extend(runs, S, last, gram, offsets):
    entries = S.indptr[last]
    runs.extend(
        data=S.data[:entries].copy(),
        rows=S.indices[:entries].astype(np.int64),
        indptr=S.indptr[: last + 1].astype(np.int64),
        offsets=offsets[:last].copy(),
        gram=gram,
    )


@pytest.mark.parametrize("stops", [(2, 3, 9, 9), (0, 70), (1, 2, 3, 4, 5, 6, 7, 8, 20, 70), (70,)])
@pytest.mark.parametrize("density", [0.0, 0.1, 1.0])  # rows of one run and of several
@pytest.mark.parametrize("n", [0, 1, 30])
def test_it_grows_block_by_block_and_nothing_else_is_touched(n, density, stops):
    S, offsets = columns(n, 70, density), np.linspace(-1, 1, 70)
    X, gram, runs = S.toarray(), np.full((72, 73), np.nan), RowRuns(n)
    for last in stops:
        before = gram.copy()
        extend(runs, S, last, gram, offsets)
        own = X[:, :last]
        expected = own.T @ own - np.outer(offsets[:last], offsets[:last])
        assert_allclose(gram[:last, :last], expected, rtol=1e-14, atol=1e-14)
        assert_array_equal(gram[last:], before[last:])
        assert_array_equal(gram[:, last:], before[:, last:])


def arguments(**changes):
    given = dict(data=np.ones(2), rows=np.array([0, 1]), indptr=np.array([0, 1, 2]), offsets=np.zeros(2))
    return {**given, "gram": np.zeros((2, 2)), **changes}


@pytest.mark.parametrize(
    "changes",
    [
        {"rows": np.array([0, 3])},
        {"rows": np.array([-1, 1])},
        {"indptr": np.array([0, 1, 3])},
        {"indptr": np.array([0, 2, 1])},
        {"indptr": np.array([-1, 1, 2])},
        {"offsets": np.zeros(1)},
        {"gram": np.zeros((1, 2))},
        {"gram": np.zeros((2, 1))},
    ],
)
def test_entries_that_are_not_there_are_refused(changes):
    runs = RowRuns(3)
    with pytest.raises(ValueError, match="RowRuns"):
        runs.extend(**arguments(**changes))
    good = arguments()
    runs.extend(**good)  # nothing was taken in before
    assert_array_equal(good["gram"], np.eye(2))


def test_rows_less_than_none_are_refused():
    with pytest.raises(ValueError, match="RowRuns"):
        RowRuns(-1)
