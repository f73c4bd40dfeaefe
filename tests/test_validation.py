"""Conversions of the input: what is used as it is, and what is converted."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse

from regularize.validation import (
    InvalidParameterError,
    check_alphas,
    check_gram,
    check_parameters,
    check_path_data,
    check_sample_weight,
    column_names,
    make_penalty,
)

X = np.random.default_rng(0).standard_normal((6, 3))
Y = X.sum(axis=1)


def frozen(array):
    """A read-only copy."""
    array = array.copy(order="K")
    array.flags.writeable = False
    return array


@pytest.mark.parametrize(
    "data",
    [
        X,
        np.asfortranarray(X),
        frozen(X),
        frozen(np.asfortranarray(X)),
        X.astype(np.float32),
        np.repeat(X, 2, 1)[:, ::2],
    ],
    ids=["C", "F", "read-only C", "read-only F", "float32", "strided"],
)
def test_a_float_array_is_used_as_it_is(data):
    assert np.shares_memory(check_path_data("path", data, Y, None).X, data)


def test_a_memory_mapped_array_is_not_read_into_memory(tmp_path):
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    assert np.shares_memory(check_path_data("path", mapped, Y, None).X, mapped)


@pytest.mark.parametrize("container", [sparse.csc_matrix, sparse.csc_array])
@pytest.mark.parametrize("index", [np.int32, np.int64])
def test_a_csc_matrix_is_used_as_it_is(container, index):
    data = container(X)
    data.indices, data.indptr = data.indices.astype(index), data.indptr.astype(index)
    checked = check_path_data("path", data, Y, None).X
    for name in ("data", "indices", "indptr"):
        assert np.shares_memory(getattr(checked, name), getattr(data, name))
    assert checked.indices.dtype == index


@pytest.mark.parametrize("form", ["csr", "coo", "lil", "dok", "bsr", "dia"])
def test_other_sparse_formats_become_canonical_csc(form):
    checked = check_path_data("path", sparse.csc_array(X).asformat(form), Y, None).X
    assert checked.format == "csc" and checked.has_canonical_format
    assert_array_equal(checked.toarray(), X)


def test_targets_and_weights_become_float64_without_a_copy_if_they_are():
    samples = check_path_data("path", X, Y, np.ones(6))
    assert np.shares_memory(samples.y, Y)
    assert samples.targets.shape == (6, 1)
    samples = check_path_data("path", X, np.arange(12).reshape(6, 2), [1] * 6)
    assert samples.y.dtype == samples.sample_weight.dtype == np.float64
    assert samples.targets[:, 1].flags.c_contiguous


@pytest.mark.parametrize("weight", [None, 1, 2.5, np.float64(3)])
def test_no_weight_and_one_number_are_equal_weights(weight):
    assert check_sample_weight(weight, 6) is None


def test_invalid_parameters_raise_both_kinds_of_error():
    with pytest.raises(InvalidParameterError) as error:
        check_parameters("Model", {"alpha": None})
    assert isinstance(error.value, ValueError) and isinstance(error.value, TypeError)
    assert str(error.value) == (
        "The 'alpha' parameter of Model must be a float in the range [0.0, inf). Got None instead."
    )


@pytest.mark.parametrize(
    "values",
    [
        {"alpha": 0, "l1_ratio": 1, "tol": np.float32(1e-3), "max_iter": np.int64(5)},
        {"alpha": np.float64(2), "random_state": 2**32 - 1, "max_iter": None, "precompute": np.eye(2)},
        {"random_state": np.random.RandomState(0), "positive": np.bool_(True), "precompute": [[1.0]]},
        {"coef_": "not a parameter"},
    ],
)
def test_valid_parameters_pass(values):
    check_parameters("Model", values)


def test_alphas_come_back_sorted_and_new():
    alphas = np.array([1.0, 3.0, 2.0, 3.0])
    assert_array_equal(check_alphas("path", alphas), [3.0, 3.0, 2.0, 1.0])
    assert_array_equal(alphas, [1.0, 3.0, 2.0, 3.0])


def test_the_penalty_record_holds_what_the_parameters_say():
    penalty = make_penalty(
        "Model",
        3,
        l1_ratio=0.25,
        penalty_factor={"b": 2.0, "c": np.inf},
        bounds={"a": (None, 1.0)},
        positive=True,
        columns=["a", "b", "c"],
    )
    assert_array_equal(penalty.l1, [0.25, 0.5, 0.0])
    assert_array_equal(penalty.l2, [0.75, 1.5, 0.0])
    assert_array_equal(penalty.lower, [0.0, 0.0, 0.0])
    assert_array_equal(penalty.upper, [1.0, np.inf, 0.0])


def test_only_tables_have_column_names():
    class Table:
        column_names = ["a", "b"]

    assert column_names(X) is None
    assert column_names(sparse.csc_matrix(X)) is None
    assert column_names(Table()) == ["a", "b"]
    pandas = pytest.importorskip("pandas")
    assert column_names(pandas.DataFrame(X)) == [0, 1, 2]


def test_a_gram_of_wrong_size_is_refused():
    samples = check_path_data("path", X, Y, None)
    with pytest.raises(ValueError, match=r"'precompute' parameter must have shape \(3, 3\). Got \(2, 2\)"):
        check_gram(samples, np.eye(2), fit_intercept=False)


def test_a_gram_is_asked_for_by_true_only():
    samples = check_path_data("path", X, Y, None)
    answers = [check_gram(samples, value, fit_intercept=True) for value in (True, False, "auto")]
    assert answers == [(None, True), (None, None), (None, None)]
