"""What fit must refuse, with an error that names it, and what it must take."""

from __future__ import annotations

import warnings
from functools import partial

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.model_selection import ShuffleSplit

from regularize import (
    ElasticNet,
    ElasticNetCV,
    GroupLasso,
    GroupLassoCV,
    Lasso,
    LassoCV,
    LassoIC,
    MultiTaskLasso,
    group_lasso_path,
    lasso_path,
)

RNG = np.random.default_rng(0)
X = RNG.standard_normal((12, 4))
Y = X @ [2.0, -1.0, 0.5, 0.0] + 3.0 + 0.1 * RNG.standard_normal(12)


def with_entry(array, index, value):
    """A copy with one entry replaced."""
    changed = np.array(array, dtype=np.result_type(array, type(value)))
    changed[index] = value
    return changed


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (
            {"alpha": -1.0},
            "The 'alpha' parameter of Lasso must be a float in the range [0.0, inf). Got -1.0 instead.",
        ),
        ({"alpha": np.nan}, "'alpha' parameter of Lasso must be a float in the range [0.0, inf). Got nan"),
        ({"alpha": np.inf}, "'alpha' parameter"),
        (
            {"alpha": "1"},
            "'alpha' parameter of Lasso must be a float in the range [0.0, inf). Got '1' instead.",
        ),
        ({"alpha": [1.0, 2.0]}, "'alpha' parameter"),
        ({"fit_intercept": "yes"}, "'fit_intercept' parameter of Lasso must be an instance of 'bool' or"),
        ({"precompute": "auto"}, "'precompute' parameter of Lasso must be an instance of 'bool' or"),
        (
            {"max_iter": 0},
            "'max_iter' parameter of Lasso must be an int in the range [1, inf) or None. Got 0",
        ),
        ({"max_iter": 2.5}, "'max_iter' parameter"),
        (
            {"tol": -1e-4},
            "'tol' parameter of Lasso must be a float in the range [0.0, inf). Got -0.0001 instead.",
        ),
        ({"warm_start": 1}, "'warm_start' parameter"),
        ({"positive": None}, "'positive' parameter"),
        ({"copy_X": "x"}, "'copy_X' parameter"),
        (
            {"random_state": -1},
            "'random_state' parameter of Lasso must be an int in the range [0, 4294967295]",
        ),
        (
            {"selection": "best"},
            "'selection' parameter of Lasso must be a str among {'cyclic', 'random'}. Got 'best'",
        ),
        ({"standardize": 2}, "'standardize' parameter"),
        ({"penalty_factor": [1.0, 1.0]}, "'penalty_factor' parameter of Lasso must have shape (4,)"),
        ({"penalty_factor": 2.0}, "'penalty_factor' parameter of Lasso must have shape (4,)"),
        (
            {"penalty_factor": [1, 1, 1, -1]},
            "'penalty_factor' parameter of Lasso must be in the range [0.0, inf]",
        ),
        ({"penalty_factor": [1, 1, 1, np.nan]}, "Got nan for feature 3"),
        (
            {"penalty_factor": ["a", "b", "c", "d"]},
            "'penalty_factor' parameter of Lasso must hold real numbers",
        ),
        (
            {"penalty_factor": {"a": 0.0}},
            "'penalty_factor' parameter of Lasso is a dict by column name, but X",
        ),
        ({"bounds": (1.0, -1.0)}, "'bounds' parameter of Lasso must have lower <= upper"),
        ({"bounds": ([0, 0, 2, 0], [1, 1, 1, 1])}, "Got (2.0, 1.0) for feature 2"),
        ({"bounds": (np.nan, 1.0)}, "'bounds' parameter of Lasso must have lower <= upper"),
        ({"bounds": (np.inf, np.inf)}, "'bounds' parameter of Lasso must have lower <= upper"),
        ({"bounds": (None, -1.0), "positive": True}, "lower >= 0 if positive=True. Got (0.0, -1.0)"),
        (
            {"bounds": ([0, 0], [1, 1])},
            "'bounds' parameter of Lasso must hold numbers or arrays of shape (4,)",
        ),
        ({"bounds": 3.0}, "'bounds' parameter of Lasso must be a pair (lower, upper)"),
        ({"bounds": "ab"}, "'bounds' parameter of Lasso must be a pair (lower, upper)"),
        ({"bounds": {"a": (0, 1)}}, "'bounds' parameter of Lasso is a dict by column name, but X"),
        (
            {"bounds": (1.0, 2.0), "penalty_factor": [1, np.inf, 1, 1]},
            "'bounds' parameter of Lasso must contain 0 where penalty_factor is inf: feature 1",
        ),
    ],
)
def test_a_bad_parameter_is_refused_by_name(parameters, message):
    with pytest.raises(ValueError) as error:
        Lasso(**parameters).fit(X, Y)
    assert message in str(error.value)
    assert isinstance(error.value, TypeError)  # both, as scikit-learn's own


@pytest.mark.parametrize("l1_ratio", [-0.1, 1.1, np.nan, "a", None])
def test_an_l1_ratio_outside_the_unit_interval_is_refused(l1_ratio):
    with pytest.raises(ValueError, match="'l1_ratio' parameter of ElasticNet must be a float in the range"):
        ElasticNet(l1_ratio=l1_ratio).fit(X, Y)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"X": with_entry(X, (3, 1), np.nan)}, "Input X contains NaN"),
        ({"X": with_entry(X, (3, 1), np.inf)}, "Input X contains infinity"),
        ({"X": sparse.csc_matrix(with_entry(X, (3, 1), np.nan))}, "Input X contains NaN"),
        ({"y": with_entry(Y, 2, np.nan)}, "Input y contains NaN"),
        ({"y": with_entry(Y, 2, -np.inf)}, "Input y contains infinity"),
        ({"X": np.empty((0, 4)), "y": np.empty(0)}, "Found array with 0 sample"),
        ({"X": np.empty((12, 0))}, "Found array with 0 feature"),
        ({"X": X[:1], "y": Y[:1]}, "a minimum of 2 is required by Lasso"),
        ({"X": X[:, 0]}, "Expected 2D array, got 1D array"),
        ({"X": X[None]}, "dim 3"),
        ({"y": Y[:5]}, "inconsistent numbers of samples"),
        ({"y": np.ones((12, 2, 2))}, "dim 3"),
        ({"y": None}, "requires y to be passed"),
        ({"X": X.astype(complex)}, "Complex data not supported"),
        ({"y": Y.astype(complex)}, "Complex data not supported"),
        ({"X": X.astype(str).astype(object).tolist() + [["a"] * 4], "y": np.r_[Y, 0.0]}, "could not convert"),
        ({"y": np.array(["a"] * 12, dtype=object)}, "could not convert"),
        ({"sample_weight": np.zeros(12)}, "Sample weights must contain at least one non-zero number"),
        (
            {"sample_weight": with_entry(np.ones(12), 0, -1.0)},
            "Negative values in data passed to `sample_weight`",
        ),
        ({"sample_weight": with_entry(np.ones(12), 0, np.nan)}, "Input sample_weight contains NaN"),
        ({"sample_weight": with_entry(np.ones(12), 0, np.inf)}, "Input sample_weight contains infinity"),
        ({"sample_weight": np.ones(5)}, "sample_weight.shape == (5,), expected (12,)!"),
        ({"sample_weight": np.ones((12, 1))}, "Sample weights must be 1D array or scalar, got 2D array"),
        ({"sample_weight": 0.0}, "sample_weight that is one number must be positive. Got 0.0"),
        ({"sample_weight": -1}, "sample_weight that is one number must be positive. Got -1"),
    ],
)
def test_bad_data_are_refused_before_any_work(changes, message, monkeypatch):
    monkeypatch.setattr("regularize.estimators.base.make_design", None)  # any work would raise TypeError
    with pytest.raises(ValueError) as error:
        Lasso().fit(**{"X": X, "y": Y, **changes})
    assert message in str(error.value)


def test_a_sparse_target_is_refused():
    with pytest.raises(TypeError, match=r"Sparse data was passed for y, but dense data is required"):
        Lasso().fit(X, sparse.csr_matrix(Y[:, None]))


def fit_quietly(model, *args, **kwargs):
    """Fit with every warning an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return model.fit(*args, **kwargs)


@pytest.mark.parametrize("value", [0.0, 5.0, -1e10])
def test_a_constant_target_gives_zero_coefficients(value):
    fitted = fit_quietly(Lasso(), X, np.full(12, value))
    assert_array_equal(fitted.coef_, np.zeros(4))
    assert_allclose(fitted.intercept_, value)


@pytest.mark.parametrize("as_sparse", [False, True])
def test_constant_columns_get_zero_coefficients(as_sparse):
    padded = np.c_[np.zeros(12), X, np.full(12, 1e6 / 3.0)]
    fitted = fit_quietly(Lasso(alpha=0.1), sparse.csc_matrix(padded) if as_sparse else padded, Y)
    assert fitted.coef_[0] == fitted.coef_[-1] == 0.0
    assert_allclose(fitted.coef_[1:-1], Lasso(alpha=0.1).fit(X, Y).coef_, rtol=1e-6, atol=1e-9)


def test_duplicate_columns_share_their_coefficient():
    model = Lasso(alpha=0.1, tol=1e-10)
    twice = fit_quietly(model, np.c_[X, X], Y).coef_
    assert_allclose(twice[:4] + twice[4:], model.fit(X, Y).coef_, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize(("n", "p"), [(12, 1), (2, 4), (2, 1), (3, 3)])
def test_few_rows_and_columns_work(n, p):
    fitted = fit_quietly(Lasso(alpha=0.01), X[:n, :p], Y[:n])
    assert fitted.coef_.shape == (p,)
    assert np.isfinite(fitted.predict(X[:n, :p])).all()


@pytest.mark.parametrize("scale", [1e-150, 1e-30, 1e30, 1e150])
def test_huge_and_tiny_scales_of_X_and_y_work(scale):  # noqa: N802
    expected = Lasso(alpha=0.1, tol=1e-10).fit(X, Y).coef_
    by_column = fit_quietly(Lasso(alpha=0.1 * scale, tol=1e-10), X * scale, Y)
    assert_allclose(by_column.coef_ * scale, expected, rtol=1e-6, atol=1e-9)
    by_target = fit_quietly(Lasso(alpha=0.1 * scale, tol=1e-10), X, Y * scale)
    assert_allclose(by_target.coef_ / scale, expected, rtol=1e-6, atol=1e-9)


def test_an_alpha_above_alpha_max_gives_zero_coefficients():
    fitted = fit_quietly(Lasso(alpha=1e6), X, Y)
    assert_array_equal(fitted.coef_, np.zeros(4))
    assert_allclose(fitted.intercept_, Y.mean())


@pytest.mark.parametrize("as_sparse", [False, True])
def test_weights_are_repetitions_and_zero_weights_are_removed_rows(as_sparse):
    counts = np.array([0, 1, 2, 3] * 3)
    data = sparse.csr_matrix(X) if as_sparse else X
    model = ElasticNet(alpha=0.05, tol=1e-12)
    weighted = model.fit(data, Y, sample_weight=counts).coef_
    repeated = model.fit(np.repeat(X, counts, axis=0), np.repeat(Y, counts)).coef_
    assert_allclose(weighted, repeated, rtol=1e-7)


@pytest.mark.parametrize("number", [1, 123.0, np.float32(0.5)])
def test_one_number_as_weight_weighs_all_rows_alike(number):
    assert_array_equal(Lasso().fit(X, Y, sample_weight=number).coef_, Lasso().fit(X, Y).coef_)


def test_read_only_and_memory_mapped_arrays_work(tmp_path):
    expected = Lasso(alpha=0.1).fit(X, Y).coef_
    frozen = X.copy()
    frozen.flags.writeable = False
    assert_array_equal(fit_quietly(Lasso(alpha=0.1), frozen, Y).coef_, expected)
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    assert_array_equal(fit_quietly(Lasso(alpha=0.1), mapped, Y).coef_, expected)


def test_strided_views_work():
    wide = np.repeat(np.repeat(X, 2, axis=0), 3, axis=1)
    assert_allclose(Lasso(alpha=0.1).fit(wide[::2, ::3], Y).coef_, Lasso(alpha=0.1).fit(X, Y).coef_)


def test_sparse_entries_in_any_order_and_several_times_are_summed():
    halves = sparse.coo_matrix(X / 2)
    row, column, value = (np.r_[part, part[::-1]] for part in (halves.row, halves.col, halves.data))
    order = np.lexsort((-row, column))
    indptr = np.searchsorted(column[order], np.arange(5))
    matrix = sparse.csc_matrix((value[order], row[order], indptr), shape=X.shape)
    n_entries = matrix.nnz
    assert_allclose(Lasso(alpha=0.1).fit(matrix, Y).coef_, Lasso(alpha=0.1).fit(X, Y).coef_, rtol=1e-6)
    assert matrix.nnz == n_entries  # the matrix of the user is as it was


def test_lists_integers_booleans_and_object_arrays_of_numbers_work():
    integers = np.round(3 * X).astype(int)
    expected = Lasso(alpha=0.1).fit(integers.astype(float), Y).coef_
    for data in (integers.tolist(), integers, integers.astype(object), integers.astype(np.float16)):
        assert_array_equal(Lasso(alpha=0.1).fit(data, Y.tolist()).coef_, expected)
    assert np.isfinite(Lasso(alpha=0.1).fit(X > 0, Y > Y.mean()).coef_).all()


LARGE = {"wide": (512, 2048), "tall": (70000, 16)}  # a million entries: left to the first reading of X


@pytest.mark.parametrize("y", [None, 1.0])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize(("entry", "message"), [(np.nan, "X contains NaN"), (-np.inf, "X contains infinity")])
@pytest.mark.parametrize("shape", LARGE.values(), ids=LARGE.keys())
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize(
    "model",
    [
        Lasso(),
        ElasticNet(l1_ratio=0.5, precompute=True),
        LassoCV(cv=3, n_jobs=2),
        LassoCV(alphas=[0.1], cv=ShuffleSplit(1, random_state=0)),
        LassoIC(noise_variance=1.0),
        GroupLasso(groups=4),
        GroupLassoCV(groups=4, cv=2),
        MultiTaskLasso(),
    ],
    ids=lambda model: type(model).__name__,
)
def test_large_data_that_are_not_finite_are_refused_by_the_first_reading(
    model, fit_intercept, shape, entry, message, order, y
):
    large = np.ones(shape, order=order)
    large[:, :2] = np.random.default_rng(0).standard_normal((shape[0], 2))
    response = large[:, 0] if y is None else np.full(shape[0], y)
    large = with_entry(large, (-1, shape[1] // 2), entry)
    if isinstance(model, MultiTaskLasso):
        response = np.stack([response, -response], axis=1)
    with pytest.raises(ValueError, match=message):
        clone(model).set_params(fit_intercept=fit_intercept).fit(large, response)


@pytest.mark.parametrize("path", [lasso_path, partial(group_lasso_path, groups=4)])
@pytest.mark.parametrize("shape", LARGE.values(), ids=LARGE.keys())
def test_paths_of_large_data_refuse_them_too(path, shape):
    large = np.random.default_rng(0).standard_normal(shape)
    response = large[:, 0].copy()
    large[7, 3] = np.nan
    with pytest.raises(ValueError, match="X contains NaN"):
        path(large, response)


def test_rows_without_weight_must_be_finite_too():
    large, weights = np.ones(LARGE["wide"]), np.ones(512)
    large[500:] = np.nan
    weights[400:] = 0.0  # whole blocks of rows that no moment reads
    with pytest.raises(ValueError, match="X contains NaN"):
        Lasso().fit(large, np.arange(512.0), sample_weight=weights)


@pytest.mark.parametrize(
    "model",
    [
        ElasticNetCV(l1_ratio=[0.5, 0.9], alphas=[0.1], cv=[(np.arange(300), np.arange(300, 600))]),
        ElasticNetCV(l1_ratio=[0.5, 0.9], alphas=[0.1], cv=[(np.r_[np.arange(300), 0], np.arange(300, 600))]),
        LassoCV(alphas=[0.1], cv=[(np.arange(300), np.arange(300, 1000))], scoring=lambda *_: 1 / 0),
        LassoCV(alphas=[0.1], cv=3, verbose=True),
        LassoCV(alphas=5, cv=3, n_jobs=2),
    ],
    ids=str,
)
@pytest.mark.parametrize("shape", [(1000, 1100), (70000, 16)])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize(("entries", "message"), [([np.nan, np.nan], "contains NaN"), ([np.inf, -np.inf], "infinity")])
def test_before_anything_is_solved_or_scored_and_without_warnings(model, shape, order, entries, message, capsys):
    large = np.random.default_rng(0).standard_normal(shape).astype(np.float64, order=order)
    response = large[:, 3].copy()
    large[[-1, -2], shape[1] // 2] = entries  # in rows that no split may train on
    with warnings.catch_warnings(), pytest.raises(ValueError, match=message):
        warnings.simplefilter("error")
        clone(model).fit(large, response)
    assert capsys.readouterr() == ("", "")


def test_a_matrix_of_ones_own_does_not_hide_them():
    large = np.random.default_rng(0).standard_normal((70000, 16))
    gram, response = large.T @ large, large[:, 3].copy()
    large[5, 8] = np.nan  # in a column of the entry that is compared
    with pytest.raises(ValueError, match="X contains NaN"):
        Lasso(precompute=gram, fit_intercept=False).fit(large, response)
