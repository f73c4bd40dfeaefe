"""penalty_factor, bounds and standardize: what the parameters mean."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from regularize import ElasticNet, Lasso

pandas = pytest.importorskip("pandas")

RNG = np.random.default_rng(1)
NAMES = ["a", "b", "c", "d", "e"]
X = RNG.standard_normal((30, 5)) * [1.0, 2.0, 0.5, 1.0, 3.0] + 1.0
Y = X @ [1.0, -1.0, 2.0, 0.0, 0.5] + RNG.standard_normal(30)
FRAME = pandas.DataFrame(X, columns=NAMES)
MODEL = Lasso(alpha=0.2, tol=1e-12)


def coef(X=X, y=Y, **parameters):  # noqa: N803
    return Lasso(alpha=0.2, tol=1e-12).set_params(**parameters).fit(X, y).coef_


def test_factors_scale_the_penalty_of_their_feature():
    factor = np.array([0.5, 1.0, 2.0, 4.0, 1.5])
    assert_allclose(coef(penalty_factor=factor), coef(X / factor) / factor, rtol=1e-7, atol=1e-9)


def test_factors_are_not_rescaled():
    assert_allclose(coef(penalty_factor=np.full(5, 3.0)), coef(alpha=0.6), rtol=1e-7, atol=1e-9)


def test_a_factor_of_zero_leaves_a_feature_unpenalised():
    fitted = Lasso(alpha=1e6, penalty_factor=[0, 1, 1, 1, 1], tol=1e-12).fit(X, Y)
    slope = np.polyfit(X[:, 0], Y, 1)[0]
    assert_allclose(fitted.coef_, [slope, 0, 0, 0, 0], rtol=1e-7)


def test_an_infinite_factor_excludes_a_feature():
    without = coef(X[:, [0, 2, 3, 4]])
    assert_allclose(coef(penalty_factor=[1, np.inf, 1, 1, 1]), np.insert(without, 1, 0.0), rtol=1e-7, atol=1e-9)


def test_all_features_may_be_excluded():
    fitted = Lasso(penalty_factor=np.full(5, np.inf)).fit(X, Y)
    assert_array_equal(fitted.coef_, np.zeros(5))
    assert_allclose(fitted.intercept_, Y.mean())


def test_a_dict_gives_factors_by_column_name_and_one_to_the_others():
    by_name = coef(FRAME, penalty_factor={"b": np.inf, "d": 0.0})
    assert_allclose(by_name, coef(penalty_factor=[1, np.inf, 1, 0, 1]), rtol=1e-10)
    assert_allclose(coef(FRAME, penalty_factor={}), coef(), rtol=1e-10)


def test_an_unknown_column_name_is_refused_by_name():
    with pytest.raises(ValueError, match="'penalty_factor' parameter of Lasso names columns that X does not have: 'z'"):
        Lasso(penalty_factor={"z": 1.0, "a": 0.0}).fit(FRAME, Y)
    with pytest.raises(ValueError, match="'bounds' parameter of Lasso names columns that X does not have: 'z'"):
        Lasso(bounds={"z": (0, 1)}).fit(FRAME, Y)


@pytest.mark.parametrize("pair", [1.0, (0.0,), (0.0, 1.0, 2.0), "ab"])
def test_a_dict_of_bounds_must_hold_pairs_of_numbers(pair):
    with pytest.raises(ValueError, match="'bounds' parameter of Lasso"):
        Lasso(bounds={"a": pair}).fit(FRAME, Y)


@pytest.mark.parametrize("data", [X, sparse.csc_matrix(X)], ids=["dense", "sparse"])
@pytest.mark.parametrize("bounds", [(-0.5, 0.5), (0.2, 1.0), (-1.0, -0.1), ([0, -9, 0, 0.1, -1], [9, 0, 1, 0.1, -0.5])])
def test_coefficients_stay_in_their_bounds(data, bounds):
    fitted = coef(data, bounds=bounds)
    lower, upper = (np.broadcast_to(side, 5) for side in bounds)
    assert ((lower <= fitted) & (fitted <= upper)).all()


def test_bounds_that_do_not_bind_change_nothing():
    assert_allclose(coef(bounds=(-100.0, 100.0)), coef(), rtol=1e-7, atol=1e-9)
    assert_array_equal(coef(bounds=(None, None)), coef())


def test_positive_is_the_lower_bound_zero_and_combines_with_bounds():
    assert_array_equal(coef(positive=True), coef(bounds=(0.0, None)))
    both = coef(positive=True, bounds=(-1.0, 0.3))
    assert_array_equal(both, coef(bounds=(0.0, 0.3)))
    assert both.max() == 0.3


def test_a_dict_gives_bounds_by_column_name():
    by_name = coef(FRAME, bounds={"c": (None, 0.7), "e": (0.9, 1.1)})
    assert_allclose(by_name, coef(bounds=([-np.inf] * 4 + [0.9], [np.inf, np.inf, 0.7, np.inf, 1.1])), rtol=1e-10)


def test_names_may_be_any_column_labels():
    frame = pandas.DataFrame(X)  # named 0, 1, ...
    assert_allclose(coef(frame, penalty_factor={2: 0.0}), coef(penalty_factor=[1, 1, 0, 1, 1]), rtol=1e-10)


@pytest.mark.parametrize("data", [X, sparse.csc_matrix(X)], ids=["dense", "sparse"])
@pytest.mark.parametrize("weight", [None, np.linspace(0, 1, 30)], ids=["equal", "weighted"])
def test_standardize_penalises_coefficients_of_standardised_columns(data, weight):
    mean = np.average(X, axis=0, weights=weight)
    deviation = np.sqrt(np.average((X - mean) ** 2, axis=0, weights=weight))
    plain = ElasticNet(alpha=0.2, tol=1e-12).fit((X - mean) / deviation, Y, sample_weight=weight)
    ours = ElasticNet(alpha=0.2, tol=1e-12, standardize=True).fit(data, Y, sample_weight=weight)
    assert_allclose(ours.coef_, plain.coef_ / deviation, rtol=1e-6, atol=1e-9)
    assert_allclose(ours.predict(X), plain.predict((X - mean) / deviation), rtol=1e-6)


def test_bounds_are_in_original_units_under_standardize():
    fitted = coef(standardize=True, bounds=(-0.4, 0.4))
    assert np.abs(fitted).max() == 0.4


def test_the_three_work_for_several_targets_at_once():
    targets = np.c_[Y, -Y]
    options = {"penalty_factor": {"a": 0.0}, "bounds": {"c": (-0.5, 0.5)}, "standardize": True}
    together = coef(FRAME, targets, **options)
    assert_allclose(together[0], coef(FRAME, Y, **options), rtol=1e-7, atol=1e-9)
    assert_allclose(together[1], coef(FRAME, -Y, **options), rtol=1e-7, atol=1e-9)
