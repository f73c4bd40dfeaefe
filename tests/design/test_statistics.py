"""Statistics of parts of the data give what the data give, or say that they cannot."""

from __future__ import annotations

import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from regularize.design import FoldedDesign, folds, make_design
from regularize.design.statistics import Gatherer
from regularize.penalties import Penalty
from regularize.solvers import cross_validated_paths, squared_loss_path


def contiguous(n, k=5):
    rows = np.arange(n)
    return [(np.setdiff1d(rows, test), test) for test in np.array_split(rows, k)]


def errors_of_folds(X, y, splits, alphas, tol=1e-10):
    """Mean squared errors (k, K) by the engine, and by single fits to the training rows with predictions from X."""
    found, expected = np.empty((len(alphas), len(splits))), np.empty((len(alphas), len(splits)))
    penalty = Penalty.elastic_net(X.shape[1])

    def on_fold(fold_path):
        found[:, fold_path.fold] = fold_path.mean_squared_errors()

    cross_validated_paths(FoldedDesign(X, splits), y, [penalty], alphas[np.newaxis], on_fold, tol=tol)
    for k, (train, test) in enumerate(splits):
        path = squared_loss_path(make_design(X[train]), y[train], penalty, alphas, tol=tol)
        expected[:, k] = np.mean((X[test] @ path.coefs + path.intercepts - y[test, np.newaxis]) ** 2, axis=0)
    return found, expected


@pytest.mark.parametrize("spare", [0, 1 << 22])
def test_a_column_may_be_zero_wherever_a_fold_trains(spare, monkeypatch):
    monkeypatch.setattr(folds, "SPARE_ENTRIES", spare)  # without it nothing is kept
    rng = np.random.default_rng(0)
    X = rng.standard_normal((150, 60))
    X[30:, 7] = 0.0
    y = X[:, 0] + rng.standard_normal(150)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found, expected = errors_of_folds(X, y, contiguous(150), np.array([0.5, 0.1, 0.02]))
    assert_allclose(found, expected, rtol=1e-7)


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("spare", [0, 1 << 22])
@pytest.mark.parametrize("outlier", [1e7, 1e9, 2.0**40])
def test_a_held_out_row_may_dwarf_all_that_is_trained_on(outlier, spare, fit_intercept, monkeypatch):
    monkeypatch.setattr(folds, "SPARE_ENTRIES", spare)
    rng = np.random.default_rng(0)
    X = rng.integers(-5, 6, (100, 60)).astype(float)
    y = X[:, :2].sum(axis=1) + rng.standard_normal(100)
    X[0, 0] = outlier
    penalty, alphas = Penalty.elastic_net(60), np.array([0.3, 0.05])
    paths = {}
    folded = FoldedDesign(X, contiguous(100), fit_intercept=fit_intercept)
    keep = lambda fold_path: paths.setdefault(fold_path.fold, fold_path.path)  # noqa: E731
    cross_validated_paths(folded, y, [penalty], alphas[np.newaxis], keep, tol=1e-10)
    design = make_design(X[20:], fit_intercept=fit_intercept)
    assert_allclose(paths[0].coefs, squared_loss_path(design, y[20:], penalty, alphas, tol=1e-10).coefs, atol=1e-6)


@pytest.mark.parametrize("difference", [1e-3, 1e-5])
def test_errors_are_right_when_large_coefficients_cancel(difference):
    rng = np.random.default_rng(1)
    X = rng.standard_normal((80, 4))
    X[:, 1] = X[:, 0] + difference * X[:, 1]
    y = (X[:, 0] - X[:, 1]) / difference + 0.01 * rng.standard_normal(80)
    path = squared_loss_path(make_design(X), y, Penalty.elastic_net(4), np.array([1e-9]), tol=1e-10)
    folded = FoldedDesign(X, contiguous(80))
    _, test = folded.splits[0]
    found = folded.statistics(y).mean_squared_errors(0, path.coefs, path.intercepts)
    expected = np.mean((folded.predictions(0, path.coefs, path.intercepts)[:, 0] - y[test]) ** 2)
    assert found is None or found[0] == pytest.approx(expected, rel=1e-7)


@pytest.mark.parametrize("size", [1e-170, 1e-100, 1e100, 1e150])
def test_the_size_of_the_response_does_not_matter(size):
    rng = np.random.default_rng(2)
    X = rng.standard_normal((60, 5))
    y = X @ np.arange(5.0) + rng.standard_normal(60)
    small = squared_loss_path(make_design(X), size * y, Penalty.elastic_net(5), np.array([size * 0.1]), tol=1e-12)
    usual = squared_loss_path(make_design(X), y, Penalty.elastic_net(5), np.array([0.1]), tol=1e-12)
    assert_allclose(small.coefs / size, usual.coefs, rtol=1e-9)


def test_what_overflows_is_refused_without_warnings_of_numpy():
    X = np.random.default_rng(3).standard_normal((30, 3)) * 1e200
    with warnings.catch_warnings(), pytest.raises(ValueError, match="large values"):
        warnings.simplefilter("error")
        squared_loss_path(make_design(X), X[:, 0] / 1e200, Penalty.elastic_net(3), np.array([1e190]))


@pytest.mark.parametrize("layout", ["C", "F"])
@pytest.mark.parametrize("shift", [0.0, 1e3])
@pytest.mark.parametrize("weighted", [False, True])
def test_gathered_moments_are_those_of_the_columns(layout, shift, weighted):
    rng = np.random.default_rng(4)
    X = np.asarray(rng.standard_normal((500, 6)) + shift, order=layout)
    y = rng.standard_normal(500) + shift
    weight = rng.integers(0, 3, 500).astype(float) if weighted else None
    design = make_design(X, weight)
    moments = design.gather(y)
    s = design.weights
    centred = X - s @ X
    assert_allclose(moments.mean, s @ X, rtol=1e-12)
    assert_allclose(gram_of_columns(design), centred.T @ (s[:, np.newaxis] * centred), rtol=1e-9, atol=1e-12)
    assert_allclose(moments.products, centred.T @ (s * (y - s @ y)), rtol=1e-9, atol=1e-10)
    assert moments.response_variance == pytest.approx(s @ (y - s @ y) ** 2, rel=1e-10)


def gram_of_columns(design):
    """Second moments of the columns of X, from those of the columns of Z."""
    return design.gram / np.multiply.outer(design.inverse_scale, design.inverse_scale)


def several_responses(n=500, shift=0.0):
    """X with six columns, and four responses of different levels and sizes."""
    rng = np.random.default_rng(5)
    X = rng.standard_normal((n, 6)) + shift
    return X, (X @ rng.standard_normal((6, 4)) + rng.standard_normal((n, 4))) * [1.0, 1e-3, 1e6, 1.0] + [0, 1, 5, -2]


@pytest.mark.parametrize("form", ["C", "F", "float32"])
@pytest.mark.parametrize("shift", [0.0, 1e3])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_moments_of_several_responses_are_those_of_each(form, shift, weighted, fit_intercept):
    X, Y = several_responses(shift=shift)
    X = X.astype(np.float32) if form == "float32" else np.asarray(X, order=form)
    weight = np.random.default_rng(6).integers(0, 3, 500).astype(float) if weighted else None
    together = make_design(X, weight, fit_intercept=fit_intercept).gather(Y)
    for j, y in enumerate(Y.T):
        alone = make_design(X, weight, fit_intercept=fit_intercept).gather(y)
        assert_allclose(together.gram, alone.gram, rtol=1e-13)
        assert_allclose(together.products[:, j], alone.products, rtol=1e-11, atol=1e-12 * np.abs(alone.products).max())
        assert together.response_mean[j] == pytest.approx(alone.response_mean, rel=1e-13)
        assert together.response_variance[j] == pytest.approx(alone.response_variance, rel=1e-11)
        assert together.lost >= alone.lost


@pytest.mark.parametrize("spare", [0, 1 << 22])  # without it nothing is kept
@pytest.mark.parametrize("weighted", [False, True])
def test_training_rows_of_several_responses_are_the_difference(spare, weighted, monkeypatch):
    monkeypatch.setattr(folds, "SPARE_ENTRIES", spare)
    X, Y = several_responses(40)  # so few rows that nothing is kept beside them without spare entries
    weight = np.random.default_rng(6).uniform(0.5, 2, 40) if weighted else None
    splits = contiguous(40)
    statistics = FoldedDesign(X, splits, weight).statistics(Y)
    for fold, (train, _) in enumerate(splits):
        found = statistics.moments(fold)
        design = make_design(X[train], None if weight is None else weight[train])
        expected = design.gather(Y[train])
        assert_allclose(found.gram, gram_of_columns(design), rtol=1e-10)
        for name in ("mean", "products", "response_mean", "response_variance"):
            assert_allclose(getattr(found, name), getattr(expected, name), rtol=1e-10, err_msg=name)


def test_statistics_are_kept_for_the_responses_that_they_are_of():
    X, Y = several_responses(40)
    folded = FoldedDesign(X, contiguous(40))
    assert folded.statistics(Y) is folded.statistics(Y)
    assert folded.statistics(Y[:, :2]).moments(0).products.shape == (6, 2)


@pytest.mark.parametrize("size", [0.0, 1e-200])
def test_one_response_without_information_spoils_the_moments_of_all(size):
    X, Y = several_responses(100)
    Y[:, 1] = size
    assert make_design(X).gather(Y) is None
    assert make_design(X).gather(np.delete(Y, 1, axis=1)) is not None


@pytest.mark.parametrize("form", ["C", "F", "float32"])
@pytest.mark.parametrize("ordered", [True, False])
@pytest.mark.parametrize("weighted", [False, True])
def test_parts_gathered_in_shares_are_those_of_their_rows(form, ordered, weighted):
    n = 20000  # as many shares as there may be; long stretches of one label where labels are ordered
    X, Y = several_responses(n)
    X = X.astype(np.float32) if form == "float32" else np.asarray(X, order=form)
    rng = np.random.default_rng(7)
    weight = rng.uniform(0.5, 2, n) if weighted else None
    labels = rng.choice(5, n, p=[0.4, 0.3, 0.2999, 0.0001, 0])  # one of few rows, one of none
    labels = np.sort(labels) if ordered else labels
    gatherer = Gatherer(X, Y, weight, centred=True)
    with ThreadPoolExecutor(3) as pool:
        found = gatherer.gather_labelled(labels, 6, pool.map)
    for label, (one, alone) in enumerate(zip(found, gatherer.gather_labelled(labels, 6), strict=True)):
        own = labels == label
        rows, s = X[own].astype(np.float64), np.ones(own.sum()) if weight is None else weight[own]
        y = Y[own] - gatherer.response_shift
        expected = {"weight": s.sum(), "columns": s @ rows, "gram": (rows.T * s) @ rows, "products": (rows.T * s) @ y}
        expected.update(response=s @ y, squares=s @ (y * y))
        for name, value in expected.items():
            assert_allclose(
                getattr(one, name), value, rtol=1e-9, atol=1e-9 * np.max(np.abs(value), initial=1.0), err_msg=name
            )
            assert_array_equal(getattr(one, name), getattr(alone, name), err_msg=name)  # whatever the threads


def test_ctrl_c_ends_what_other_threads_gather():
    X, Y = several_responses(20000)
    gatherer, labels = Gatherer(X, Y, None, centred=True), np.zeros(20000, dtype=np.uint8)
    late = []

    def interrupted(gather, shares):
        late.append((gather, list(shares)[-1]))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        gatherer.gather_labelled(labels, 1, interrupted)
    gather, share = late[0]
    assert gather(share) == {}
