"""Paths of the group lasso, the group elastic net and the sparse-group lasso."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

import regularize
from regularize import (
    GroupElasticNet,
    GroupLasso,
    SparseGroupLasso,
    enet_path,
    group_elastic_net_path,
    group_lasso_path,
    lasso_path,
    sparse_group_lasso_path,
)

MODEL_OF = {
    group_lasso_path: GroupLasso,
    group_elastic_net_path: GroupElasticNet,
    sparse_group_lasso_path: SparseGroupLasso,
}
PATHS = list(MODEL_OF)
RNG = np.random.default_rng(5)
X = RNG.standard_normal((30, 6)) + 0.5
Y = X @ [1.0, -1.0, 0.0, 0.0, 0.5, 0.1] + 0.3 * RNG.standard_normal(30) + 2.0
GROUPS = [0, 1, 1, 2, 2, 2]
EXACT = {"tol": 1e-12, "max_iter": 10_000}
WEIGHT = np.linspace(0.0, 1.0, 30)


@pytest.mark.parametrize("path", PATHS)
def test_groups_are_required_and_the_rest_has_the_defaults_of_lasso_path(path):
    parameters = inspect.signature(path).parameters
    assert list(parameters)[:3] == ["X", "y", "groups"]
    assert parameters["groups"].default is inspect.Parameter.empty
    reference = inspect.signature(lasso_path).parameters
    shared = set(parameters) & set(reference) - {"alphas"}
    assert {"eps", "coef_init", "fit_intercept", "sample_weight", "positive", "bounds", "standardize"} <= shared
    assert all(parameters[name].default == reference[name].default for name in shared)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("options", [{}, {"fit_intercept": True, "standardize": True}, {"positive": True}], ids=str)
@pytest.mark.parametrize("form", [np.asarray, sparse.csr_matrix], ids=["dense", "sparse"])
def test_each_alpha_equals_a_fit(path, form, options):
    options = {"groups": GROUPS, "group_weights": [1.0, 0.5, 2.0], **options, **EXACT}
    alphas, coefs, gaps = path(form(X), Y, alphas=[0.5, 0.02, 0.1], sample_weight=WEIGHT, **options)
    assert_array_equal(alphas, [0.5, 0.1, 0.02])
    assert gaps.shape == (3,) and (gaps >= 0).all()
    for alpha, coef in zip(alphas, coefs.T, strict=True):
        model = MODEL_OF[path](alpha, **{"fit_intercept": False, **options})
        assert_allclose(coef, model.fit(form(X), Y, sample_weight=WEIGHT).coef_, rtol=1e-6, atol=1e-9)


def test_with_groups_of_one_they_are_the_paths_of_lasso_and_elastic_net():
    options = {"alphas": 8, "fit_intercept": True, **EXACT}
    for ours, theirs in (
        (group_lasso_path(X, Y, groups=1, **options), lasso_path(X, Y, **options)),
        (group_elastic_net_path(X, Y, groups=1, l1_ratio=0.3, **options), enet_path(X, Y, l1_ratio=0.3, **options)),
    ):
        assert_allclose(ours[0], theirs[0], rtol=1e-10)
        assert_allclose(ours[1], theirs[1], rtol=1e-6, atol=1e-9)


def test_the_ends_of_the_sparse_group_lasso_are_lasso_and_group_lasso():
    options = {"alphas": 8, **EXACT}
    for l1_ratio, expected in ((1.0, lasso_path(X, Y, **options)), (0.0, group_lasso_path(X, Y, groups=2, **options))):
        alphas, coefs, _ = sparse_group_lasso_path(X, Y, groups=2, l1_ratio=l1_ratio, **options)
        assert_allclose(alphas, expected[0], rtol=1e-10)
        assert_allclose(coefs, expected[1], rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("path", PATHS)
def test_the_grid_starts_where_the_first_group_appears(path):
    alphas, coefs, _ = path(X, Y, groups=GROUPS, alphas=10, eps=0.01, fit_intercept=True)
    assert_allclose(alphas, np.geomspace(alphas[0], 0.01 * alphas[0], 10))
    assert_array_equal(coefs[:, 0], np.zeros(6))
    _, below, _ = path(X, Y, groups=GROUPS, alphas=[(1 - 1e-6) * alphas[0]], fit_intercept=True, **EXACT)
    assert np.any(below != 0)


def test_unpenalised_groups_do_not_count_for_the_grid():
    alphas, coefs, _ = group_lasso_path(X, Y, groups=GROUPS, group_weights=[0.0, 1.0, 1.0], alphas=3, **EXACT)
    assert_allclose(coefs[1:, 0], np.zeros(5), atol=1e-12)
    assert_allclose(coefs[0, 0], X[:, 0] @ Y / (X[:, 0] @ X[:, 0]))


def test_factors_of_features_reach_the_sparse_group_lasso():
    options = {"groups": GROUPS, "alphas": [0.1], "penalty_factor": [1, np.inf, 1, 0, 1, 1], **EXACT}
    _, coefs, _ = sparse_group_lasso_path(X, Y, **options)
    options["alpha"] = options.pop("alphas")[0]
    assert_allclose(coefs[:, 0], SparseGroupLasso(fit_intercept=False, **options).fit(X, Y).coef_, rtol=1e-9)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_shapes_and_dtypes_are_those_of_lasso_path(dtype):
    data, options = X.astype(dtype), {"alphas": 4, "return_n_iter": True}
    for y in (Y, Y[:, None]):
        expected = lasso_path(data, y, **options)
        found = group_lasso_path(data, y, groups=2, **options)
        assert [part.shape for part in found[:3]] == [part.shape for part in expected[:3]]
        assert found[1].dtype == dtype
        assert len(found[3]) == 4 and all(type(n) is int for n in found[3])


def test_the_start_does_not_change_the_answer_and_is_moved_into_the_bounds():
    options = {"groups": GROUPS, "alphas": [0.1], "return_n_iter": True, **EXACT}
    _, expected, _, (n_iter,) = group_lasso_path(X, Y, **options)
    assert_allclose(group_lasso_path(X, Y, coef_init=np.full(6, 7.0), **options)[1], expected, rtol=1e-6, atol=1e-9)
    _, again, _, (less,) = group_lasso_path(X, Y, coef_init=expected[:, 0], **options)
    assert_allclose(again, expected, rtol=1e-6, atol=1e-9)
    assert less < n_iter
    options = {"groups": GROUPS, "alphas": [0.1], "positive": True}
    assert (group_lasso_path(X, Y, max_iter=1, tol=1e6, coef_init=np.full(6, -7.0), **options)[1] >= 0).all()


def test_names_of_columns_may_be_used_everywhere():
    frame = pytest.importorskip("pandas").DataFrame(X, columns=list("abcdef"))
    options = {"alphas": [0.1], **EXACT}
    named = {
        "groups": {"u": ["a", "f"], "v": ["b", "c", "d", "e"]},
        "group_weights": {"v": 0.5},
        "bounds": {"a": (0, None)},
        "penalty_factor": {"b": 2.0},
    }
    bounds = ([0, *[-np.inf] * 5], np.inf)
    plain = {"groups": [0, 1, 1, 1, 1, 0], "group_weights": [np.sqrt(2), 0.5], "penalty_factor": [1, 2, 1, 1, 1, 1]}
    by_name = sparse_group_lasso_path(frame, Y, **named, **options)[1]
    assert_allclose(by_name, sparse_group_lasso_path(X, Y, bounds=bounds, **plain, **options)[1], rtol=1e-9)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"groups": 4}, "The 'groups' parameter of group_lasso_path must divide the number of features"),
        ({"groups": None}, "The 'groups' parameter of group_lasso_path must be an int in the range"),
        ({"group_weights": [-1.0, 1.0, 1.0]}, "The 'group_weights' parameter of group_lasso_path must be in the range"),
        ({"bounds": (0.0, 1.0)}, "The 'bounds' parameter of group_lasso_path must be 0 or infinite"),
        ({"alphas": None}, r"The 'alphas' parameter of group_lasso_path must be an int in the range \[1, inf\) or an"),
        ({"alphas": 0}, "The 'alphas' parameter of group_lasso_path"),
        ({"alphas": [1.0, -1.0]}, r"alphas\[1\] == -1.0, must be >= 0.0"),
        ({"eps": 0.0}, "The 'eps' parameter of group_lasso_path"),
        ({"tol": -1.0}, "The 'tol' parameter of group_lasso_path"),
        ({"max_iter": 0}, "The 'max_iter' parameter of group_lasso_path"),
        ({"coef_init": [1.0]}, r"coef_init of group_lasso_path must have shape \(6,\)"),
        ({"sample_weight": -WEIGHT}, "Negative values in data passed to `sample_weight`"),
        ({"y": np.c_[Y, Y]}, r"group_lasso_path takes one target. Got y of shape \(30, 2\)"),
        ({"X": np.full((30, 6), np.nan)}, "Input X contains NaN"),
    ],
    ids=lambda value: str(value)[:25],
)
def test_bad_arguments_are_refused_by_name_before_any_work(changes, message, monkeypatch):
    def fail(*args, **kwargs):
        raise AssertionError("work was done")

    monkeypatch.setattr(regularize.group_paths, "squared_loss_path", fail)
    with pytest.raises(ValueError, match=message):
        group_lasso_path(**{"X": X, "y": Y, "groups": GROUPS, **changes})


@pytest.mark.parametrize("path", [group_elastic_net_path, sparse_group_lasso_path])
def test_errors_name_the_function_that_was_called(path):
    with pytest.raises(ValueError, match=f"'l1_ratio' parameter of {path.__name__} must be a float in the range"):
        path(X, Y, groups=2, l1_ratio=1.5)
    with pytest.raises(ValueError, match=f"'groups' parameter of {path.__name__} must divide"):
        path(X, Y, groups=5)


def test_a_grid_needs_something_that_keeps_coefficients_at_zero():
    with pytest.raises(ValueError, match="not supported for l1_ratio=0.*group_elastic_net_path"):
        group_elastic_net_path(X, Y, groups=2, l1_ratio=0.0)
    assert group_elastic_net_path(X, Y, groups=2, l1_ratio=0.0, alphas=[1.0, 0.1])[1].all()


def test_a_path_that_does_not_converge_warns_once_where_it_was_called():
    data, target = RNG.standard_normal((20, 40)), RNG.standard_normal(20)
    with pytest.warns(ConvergenceWarning, match="2 of 2 alphas: 0.01, 0.001") as caught:
        group_lasso_path(data, target, groups=4, alphas=[0.01, 0.001], max_iter=1, tol=1e-14)
    assert len(caught) == 1
    assert caught[0].filename == __file__


def test_verbose_reports_each_alpha(capsys):
    group_lasso_path(X, Y, groups=2, alphas=3, verbose=1)
    assert capsys.readouterr().err == "..."
