"""Every fold of a ridge cross-validation is the fit to its training rows, without a refit."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from folds import SPLITS, data, weights_of
from problems import LAYOUTS
from regularize.design import FoldedDesign
from regularize.penalties import Penalty
from regularize.solvers.ridge import folds as engine
from regularize.solvers.ridge import ridge_folds
from ridge_refits import refit

ALPHAS = np.array([100.0, 1.0, 1e-2])
SHAPES = {"n > p": (60, 12), "p > n": (30, 70)}


def targets_of(X, y):
    """Three, of different levels and sizes."""
    return np.asfortranarray(np.column_stack([y, 1e3 * X[:, 0] - y, np.sin(np.arange(len(y)))]))


def folds_of(X, targets, splits, weight=None, *, factor=None, prior=None, with_coefs=True, box=(None, None), **options):
    """The answers in the order of the folds."""
    penalty = Penalty.elastic_net(X.shape[1], 0.0, factor=factor, lower=box[0], upper=box[1])
    totals = np.array([len(train) if weight is None else weight[train].sum() for train, _ in splits])
    folded = FoldedDesign(X, splits, weight, **options)
    found = list(ridge_folds(folded, targets, penalty, ALPHAS, totals, prior=prior, with_coefs=with_coefs))
    assert [fold.fold for fold in found] == list(range(len(splits)))
    return found


def assert_as_refits(form, X, targets, splits, weight=None, *, factor=None, prior=None, **options):
    """Coefficients, intercepts and predictions are those of least squares on the training rows."""
    found = folds_of(form(X), targets, splits, weight, factor=factor, prior=prior, **options)
    for fold, (train, test) in zip(found, splits, strict=True):
        assert fold.converged.all()
        assert fold.predictions.shape == (ALPHAS.size, targets.shape[1], test.size)
        own = None if weight is None else weight[train]
        for i, j in np.ndindex(fold.intercepts.shape):
            coef, intercept = refit(
                X[train],
                targets[train, j],
                ALPHAS[i],
                sample_weight=own,
                penalty_factor=factor,
                prior=prior[j] if np.ndim(prior) == 2 else prior,
                **options,
            )
            size = np.abs(targets[:, j]).max()
            assert_allclose(fold.coefs[i, j], coef, rtol=0, atol=1e-8 * size)
            assert_allclose(fold.intercepts[i, j], intercept, rtol=0, atol=1e-8 * size)
            assert_allclose(fold.predictions[i, j], X[test] @ coef + intercept, rtol=1e-9, atol=1e-8 * size)


@pytest.mark.parametrize("is_weighted", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("splits", SPLITS)
@pytest.mark.parametrize("layout", ["C", "CSC int32"])
def test_every_fold_is_a_refit_to_its_training_rows(splits, shape, is_weighted, layout):
    X, y = data(*SHAPES[shape], density=0.6)
    weight = weights_of(len(y)) if is_weighted else None
    assert_as_refits(LAYOUTS[layout], X, targets_of(X, y), SPLITS[splits](len(y)), weight)


OPTIONS = {
    "no intercept": {"fit_intercept": False},
    "standardised": {"standardize": True},
    "factors": {"factor": np.resize([1.0, 2.0, 0.5, np.inf, 1.0], 70)},
    "unpenalised": {"factor": np.resize([1.0, 0.0, *[1.0] * 30], 70)},
    "a prior": {"prior": np.linspace(-1, 2, 70)},
    "a prior for each target": {"prior": np.linspace(-1, 2, 210).reshape(3, 70)},
    "a prior of excluded features": {"prior": np.resize([0.5, 1.0], 70), "factor": np.resize([1.0, 2.0], 70)},
}


@pytest.mark.parametrize("layout", ["C", "F", "F float32", "CSC int64"])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", OPTIONS)
def test_options_hold_in_every_fold(name, shape, layout):
    n, p = SHAPES[shape]
    options = {key: value[..., :p] if isinstance(value, np.ndarray) else value for key, value in OPTIONS[name].items()}
    X, y = data(n, p, density=0.6)
    X = X.astype(np.float32).astype(np.float64)
    for splits in ("shuffled", "repeated rows"):
        assert_as_refits(LAYOUTS[layout], X, targets_of(X, y), SPLITS[splits](n), weights_of(n), **options)


@pytest.mark.parametrize("layout", ["C", "F", "CSC int32"])
@pytest.mark.parametrize("shape", SHAPES)
def test_large_means_of_columns_are_no_trouble(shape, layout):
    n, p = SHAPES[shape]
    X, y = data(n, p)
    assert_as_refits(LAYOUTS[layout], X + 100.0, targets_of(X, y), SPLITS["shuffled"](n), weights_of(n))


@pytest.mark.parametrize("layout", ["C", "CSC int32"])
@pytest.mark.parametrize("shape", SHAPES)
def test_coefficients_may_be_left_out(shape, layout):
    n, p = SHAPES[shape]
    X, y = data(n, p, density=0.6)
    X, targets, splits = LAYOUTS[layout](X), targets_of(X, y), SPLITS["overlapping"](n)
    with_them, without = (folds_of(X, targets, splits, with_coefs=own) for own in (True, False))
    for one, other in zip(with_them, without, strict=True):
        assert_allclose(one.predictions, other.predictions, rtol=1e-12)


@pytest.mark.parametrize("shape", SHAPES)
def test_bounds_hold_in_every_fold(shape):
    n, p = SHAPES[shape]
    X, y = data(n, p)
    targets, splits = targets_of(X, y), SPLITS["contiguous"](n)
    prior = np.full(p, 0.3)
    found = folds_of(X, targets, splits, prior=prior, box=(np.full(p, -0.2), np.full(p, 0.5)))
    for fold, (train, test) in zip(found, splits, strict=True):
        assert fold.converged.all()
        assert fold.coefs.min() >= -0.2 and fold.coefs.max() <= 0.5
        centred = X[train] - X[train].mean(axis=0)
        for i, j in np.ndindex(fold.intercepts.shape):
            y, coef = targets[train, j] - targets[train, j].mean(), fold.coefs[i, j]
            slope = (centred.T @ (y - centred @ coef) - ALPHAS[i] * (coef - prior)) / np.abs(centred.T @ y).max()
            assert np.all((slope < 1e-6) | (coef == 0.5)) and np.all((slope > -1e-6) | (coef == -0.2))
            assert_allclose(fold.predictions[i, j], X[test] @ coef + fold.intercepts[i, j], rtol=1e-9)


@pytest.fixture
def by_rows(monkeypatch):
    """The folds that are solved by the statistics of rows, or by X itself, instead of a kernel matrix."""
    folds = []

    class Spy(engine._Folds):
        def by_rows(self, fold):
            folds.append(fold)
            return super().by_rows(fold)

    monkeypatch.setattr(engine, "_Folds", Spy)
    return folds


def test_more_features_than_rows_are_solved_by_one_kernel_matrix(by_rows):
    X, y = data(30, 70)
    folds_of(X, targets_of(X, y), SPLITS["contiguous"](30))
    assert by_rows == []


def test_a_fold_whose_kernel_matrix_would_cost_digits_reads_x(by_rows):
    rng = np.random.default_rng(0)
    left, right = (np.linalg.qr(rng.standard_normal((size, 30)))[0] for size in (30, 70))
    X = 1e4 * left * np.geomspace(1, 1e-5, 30) @ right.T
    assert_as_refits(np.asfortranarray, X, np.asfortranarray(left[:, 3:5] + left[:, [20]]), SPLITS["contiguous"](30))
    assert by_rows == [0, 1, 2, 3]


@pytest.mark.parametrize("outlier", [1e7, 1e12])
def test_a_held_out_row_may_dwarf_all_that_is_trained_on(outlier):
    """Statistics of the training rows by subtraction would have no digits left."""
    X, y = data(60, 12)
    X[0] *= outlier
    assert_as_refits(np.asfortranarray, X, targets_of(X, y)[:, ::2].copy("F"), SPLITS["contiguous"](60)[:1])


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("layout", ["C", "F"])
def test_x_is_read_once_for_all_folds_and_alphas(shape, layout, monkeypatch):
    n, p = SHAPES[shape]
    X, y = data(n, p)
    folded = FoldedDesign(LAYOUTS[layout](X), SPLITS["contiguous"](n))
    made = []
    fold = folded.fold
    monkeypatch.setattr(folded, "fold", lambda *arguments: made.append(fold(*arguments)) or made[-1])
    targets, penalty = np.asfortranarray(y[:, np.newaxis]), Penalty.elastic_net(p, 0.0)
    list(ridge_folds(folded, targets, penalty, ALPHAS, np.full(4, 0.75 * n), with_coefs=False))
    assert sum(design.n_passes for design in made) == 0
    assert folded.full.n_passes <= 1
