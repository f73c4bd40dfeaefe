"""Gram matrices that grow in place against NumPy, for every way of lying in memory and every range of columns."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from regularize.design import blocks
from regularize.kernels.gram import add_gram, centre, mirror


def read_only(array):
    array.flags.writeable = False
    return array


def field_of_records(Z):
    """Strides that are no multiples of the size of a number."""
    records = np.zeros(Z.shape, dtype=[("number", np.float64), ("tag", np.float32)])
    records["number"] = Z
    return records["number"]


def spread(Z, rows, columns, order="C"):
    """Z as every so many rows and columns of a larger matrix, whose other entries are NaN."""
    larger = np.full((rows * Z.shape[0], columns * Z.shape[1]), np.nan, order=order)
    larger[::rows, ::columns] = Z
    return larger[::rows, ::columns]


FORMS = {
    "C": np.ascontiguousarray,
    "F": np.asfortranarray,
    "read-only": lambda Z: read_only(Z.copy()),
    "C, every other row": lambda Z: spread(Z, 2, 1),
    "F, every third column": lambda Z: spread(Z, 1, 3, "F"),
    "C, part of wider rows": lambda Z: np.pad(Z, ((0, 0), (2, 1)), constant_values=np.nan)[:, 2:-1],
    "F, part of longer columns": lambda Z: np.asfortranarray(np.pad(Z, ((1, 2), (0, 0)), constant_values=np.nan))[1:-2],
    "neither": lambda Z: spread(Z, 2, 3),
    "rows backwards": lambda Z: np.ascontiguousarray(Z[::-1])[::-1],
    "columns backwards": lambda Z: np.ascontiguousarray(Z[:, ::-1])[:, ::-1],
    "field of records": field_of_records,
}
SHAPES = [(9, 5), (1, 5), (2, 1), (9, 1), (1, 1), (3, 40)]


def grown(Z, first, last, form=np.ascontiguousarray):
    """A matrix before and after the call, with room around it that must stay as it is."""
    p = Z.shape[1]
    gram = np.random.default_rng(1).standard_normal((p + 1, p + 2))
    before = gram.copy()
    add_gram(form(Z), gram, first, last)
    return before, gram


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("shape", SHAPES)
def test_the_chosen_columns_of_the_upper_triangle_grow_and_nothing_else_changes(form, shape):
    Z = np.random.default_rng(0).standard_normal(shape)
    p = shape[1]
    for first, last in {(0, p), (0, p // 2), (p // 2, p), (p - 1, p), (p // 3, p // 2), (p, p), (0, 0)}:
        before, gram = grown(Z, first, last, FORMS[form])
        chosen = np.triu(np.ones((p, p), dtype=bool))
        chosen[:, :first], chosen[:, last:] = False, False
        chosen = np.pad(chosen, ((0, 1), (0, 2)))
        assert_allclose(gram[chosen], (before[:p, :p] + Z.T @ Z)[chosen[:p, :p]], rtol=1e-13, atol=1e-13)
        assert_array_equal(gram[~chosen], before[~chosen])


@pytest.mark.parametrize("shape", [(0, 5), (5, 0), (0, 0)])
@pytest.mark.parametrize("form", [np.ascontiguousarray, np.asfortranarray])
def test_nothing_is_added_for_no_rows_or_no_columns(shape, form):
    before, gram = grown(np.zeros(shape), 0, shape[1], form)
    assert_array_equal(gram, before)


def test_a_row_that_is_repeated_without_a_copy_counts_as_often():
    row = np.arange(1.0, 5.0)
    before, gram = grown(np.broadcast_to(row, (6, 4)), 0, 4, np.asarray)
    upper = np.triu_indices(4)
    assert_allclose(gram[upper], (before[:4, :4] + 6 * np.outer(row, row))[upper], rtol=1e-14)


@pytest.mark.parametrize(
    ("first", "last", "room"),
    [(-1, 2, (4, 4)), (3, 2, (4, 4)), (0, 5, (9, 9)), (5, 5, (9, 9)), (0, 4, (3, 4)), (0, 4, (4, 3))],
)
@pytest.mark.parametrize("n", [0, 3])
def test_columns_that_are_not_there_are_refused(first, last, room, n):
    gram = np.ones(room)
    with pytest.raises(ValueError, match="outside the matrix"):
        add_gram(np.ones((n, 4)), gram, first, last)
    assert_array_equal(gram, 1.0)


@pytest.mark.parametrize("size", [0, 1, 2, 31, 32, 33, 70])  # around tiles of 32
def test_the_mirror_copies_the_chosen_columns_to_the_rows_and_nothing_else(size):
    for first in {0, size // 3, max(size - 1, 0), size, -2}:
        gram = np.random.default_rng(size).standard_normal((size, size))
        expected = gram.copy()
        for i in range(max(first, 0), size):
            expected[i, :i] = gram[:i, i]
        mirror(gram, first)
        assert_array_equal(gram, expected)


@pytest.mark.parametrize("limit", [3, 200, 4e9])  # multiply-adds of a call: columns by themselves, some together, all
@pytest.mark.parametrize("first", [0, 4, 11])
def test_room_for_columns_to_come_is_left_alone(first, limit, monkeypatch):
    monkeypatch.setattr(blocks, "MULTIPLY_ADDS", limit)
    Z = np.random.default_rng(0).standard_normal((7, 11))
    gram = np.full((20, 20), np.nan)
    gram[:first, :first] = Z[:, :first].T @ Z[:, :first]
    blocks.fill_gram(Z, gram, first)
    assert_allclose(gram[:11, :11], Z.T @ Z, rtol=1e-13, atol=1e-13)
    assert np.isnan(gram[11:]).all() and np.isnan(gram[:, 11:]).all()


@pytest.mark.parametrize("kernel", [lambda gram: add_gram(np.ones((2, 2)), gram, 0, 2), lambda gram: mirror(gram, 0)])
@pytest.mark.parametrize("gram", [None, np.zeros((2, 2), np.float32), np.asfortranarray(np.zeros((2, 3)))])
def test_a_matrix_that_cannot_be_filled_in_place_is_refused(kernel, gram):
    with pytest.raises((TypeError, ValueError)):
        kernel(gram)


@pytest.mark.parametrize("size", [1, 2, 31, 32, 33, 70])
def test_centring_is_what_it_says_in_both_triangles(size):
    rng = np.random.default_rng(size)
    upper, mean = np.triu(rng.standard_normal((size, size))), rng.standard_normal(size)
    gram = upper + np.tril(np.full((size, size), np.nan), -1)
    centre(gram, 3.0, mean)
    expected = upper / 3.0 - np.triu(np.outer(mean, mean))
    assert_allclose(gram, np.triu(expected) + np.triu(expected, 1).T, rtol=1e-13, atol=1e-15)
