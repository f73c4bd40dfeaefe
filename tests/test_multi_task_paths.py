"""The path functions and the grid of alphas for several targets, which are fitted together."""

from __future__ import annotations

import numpy as np
import pytest
import sklearn
import sklearn.linear_model
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from scipy.stats import ortho_group
from sklearn.exceptions import ConvergenceWarning

import regularize
from regularize import MultiTaskElasticNet, MultiTaskElasticNetCV, alpha_grid, alpha_max, enet_path, lasso_path

PATHS = [lasso_path, enet_path]
since_1_9 = pytest.mark.skipif(
    tuple(map(int, sklearn.__version__.split(".")[:2])) < (1, 9),
    reason="compares with functions of scikit-learn as they are since 1.9",
)
N, P, T = 25, 6, 3
RNG = np.random.default_rng(0)
X = (RNG.standard_normal((N, P)) + 0.5) * (RNG.random((N, P)) < 0.7)
Y = X[:, :3] @ RNG.standard_normal((3, T)) + 0.5 * RNG.standard_normal((N, T)) + 1.0
WEIGHT = RNG.integers(0, 4, N).astype(float)
TIGHT = {"tol": 1e-13, "max_iter": 100_000}


def theirs(path):
    return getattr(sklearn.linear_model, path.__name__)


@since_1_9
@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("layout", [np.asarray, np.asfortranarray, sparse.csc_matrix, sparse.csr_array])
def test_the_path_is_that_of_scikit_learn(path, layout):
    expected = theirs(path)(X, Y, alphas=6, eps=0.01, **TIGHT)
    alphas, coefs, gaps, n_iters = path(layout(X), Y, alphas=6, eps=0.01, return_n_iter=True, **TIGHT)
    assert_allclose(alphas, expected[0], rtol=1e-12)
    assert_allclose(coefs, expected[1], rtol=1e-6, atol=1e-7)
    assert gaps.shape == (6,) and (gaps <= 1e-13 * np.mean((Y**2).sum(axis=1))).all()
    assert len(n_iters) == 6 and all(type(n) is int for n in n_iters)


@since_1_9
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_targets", [1, T])
def test_shapes_and_dtypes_are_those_of_scikit_learn(dtype, n_targets):
    data = X.astype(dtype), Y[:, :n_targets].astype(dtype)
    expected = sklearn.linear_model.enet_path(*data, alphas=4)
    ours = enet_path(*data, alphas=4)
    assert [part.shape for part in ours] == [part.shape for part in expected]
    assert ours[1].shape == (n_targets, P, 4)
    assert ours[1].dtype == expected[1].dtype == dtype


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("standardize", [True, False])
@pytest.mark.parametrize("form", [np.asarray, sparse.csr_matrix], ids=["dense", "sparse"])
def test_each_alpha_equals_a_fit(fit_intercept, standardize, form):
    options = {
        "fit_intercept": fit_intercept,
        "standardize": standardize,
        "penalty_factor": np.array([0.5, 1.0, 2.0, 0.0, np.inf, 1.0]),
        "l1_ratio": 0.7,
        **TIGHT,
    }
    alphas, coefs, _ = enet_path(form(X), Y, alphas=[1.0, 0.3, 0.1], sample_weight=WEIGHT, **options)
    for k, alpha in enumerate(alphas):
        fitted = MultiTaskElasticNet(alpha=alpha, **options).fit(X, Y, sample_weight=WEIGHT)
        assert_allclose(coefs[:, :, k], fitted.coef_, rtol=1e-5, atol=1e-7)
    assert not coefs[:, 4].any() and coefs[:, 3].all()


def test_a_rotation_of_the_targets_rotates_the_path():
    rotation = ortho_group.rvs(T, random_state=0)
    alphas, coefs, _ = lasso_path(X, Y, alphas=5, eps=0.01, **TIGHT)
    rotated_alphas, rotated, _ = lasso_path(X, Y @ rotation, alphas=5, eps=0.01, **TIGHT)
    assert_allclose(rotated_alphas, alphas)
    assert_allclose(rotated, np.einsum("tpk,tu->upk", coefs, rotation), rtol=1e-5, atol=1e-7)


def test_one_column_is_one_target():
    options = {"alphas": 4, "bounds": (-0.5, 0.25), "sample_weight": WEIGHT, "fit_intercept": True}
    alphas, coefs, gaps = lasso_path(X, Y[:, 0], **options)
    of_column = lasso_path(X, Y[:, [0]], coef_init=np.zeros((1, P)), **options)
    assert_array_equal(of_column[0], alphas)
    assert_array_equal(of_column[1], coefs[None])
    assert_array_equal(of_column[2], gaps)


def test_the_start_is_handed_to_the_solver_and_does_not_change_the_answer(monkeypatch):
    expected = lasso_path(X, Y, alphas=[0.3], **TIGHT)[1]
    starts = []
    solve = regularize.paths.squared_loss_path

    def watched(*args, coef_init, **options):
        starts.append(coef_init)
        return solve(*args, coef_init=coef_init, **options)

    monkeypatch.setattr(regularize.paths, "squared_loss_path", watched)
    init = RNG.standard_normal((T, P))
    started = lasso_path(X, Y, alphas=[0.3], coef_init=init, **TIGHT)[1]
    assert_array_equal(starts[0], init)
    assert_allclose(started, expected, rtol=1e-5, atol=1e-7)


def test_equal_bounds_of_zero_exclude_a_feature():
    upper = np.where(np.arange(P) == 1, 0.0, np.inf)
    by_bounds = lasso_path(X, Y, alphas=4, bounds=(-upper, upper), **TIGHT)
    by_factor = lasso_path(X, Y, alphas=4, penalty_factor=np.where(upper == 0.0, np.inf, 1.0), **TIGHT)
    assert not by_bounds[1][:, 1].any()
    assert_allclose(by_bounds[0], by_factor[0])
    assert_allclose(by_bounds[1], by_factor[1], rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"positive": True}, "positive=True is not allowed for multi-output (y.ndim != 1)"),
        ({"positive": True, "y": Y[:, :1]}, "positive=True is not allowed for multi-output (y.ndim != 1)"),
        (
            {"bounds": (None, [np.inf, 0.0, 2.0, 0.0, 0.0, np.inf])},
            "The 'bounds' parameter of enet_path must be infinite for targets that are fitted together. See feature 1.",
        ),
        ({"coef_init": np.ones(P)}, "coef_init of enet_path must have shape (3, 6). Got (6,) instead."),
        ({"coef_init": np.full((T, P), np.nan)}, "coef_init of enet_path contains NaN or infinity."),
        ({"penalty_factor": np.ones(2)}, "The 'penalty_factor' parameter of enet_path must have shape (6,)"),
        ({"l1_ratio": 0}, "Automatic alpha grid generation is not supported for l1_ratio=0. Please supply a grid"),
        ({"y": Y[:3]}, "inconsistent numbers of samples"),
        ({"y": np.where(Y > 1, np.inf, Y)}, "Input y contains infinity"),
    ],
)
def test_bad_arguments_are_refused_by_name_before_any_work(changes, message, monkeypatch):
    monkeypatch.setattr("regularize.paths.make_design", None)  # any work would raise TypeError
    with pytest.raises(ValueError) as error:
        enet_path(**{"X": X, "y": Y, **changes})
    assert message in str(error.value)


def test_a_bound_that_is_refused_names_the_column():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=list("abcdef"))
    with pytest.raises(ValueError, match="fitted together. See feature 'c'"):
        lasso_path(frame, Y, bounds={"c": (-1.0, None)})


@since_1_9
@pytest.mark.parametrize("precompute", ["auto", True, False, "gram"])
def test_precompute_does_not_change_the_answer(precompute):
    precompute = X.T @ X if precompute == "gram" else precompute
    expected = sklearn.linear_model.lasso_path(X, Y, alphas=4, eps=0.05, **TIGHT)[1]
    coefs = lasso_path(X, Y, alphas=4, eps=0.05, precompute=precompute, Xy=X.T @ Y, **TIGHT)[1]
    assert_allclose(coefs, expected, rtol=1e-5, atol=1e-7)


def test_ctrl_c_returns_the_finished_alphas_with_a_warning(monkeypatch):
    whole = regularize.paths.squared_loss_path

    def interrupted(design, y, penalty, alphas, **options):
        found = whole(design, y, penalty, alphas(1.0)[:3], **options)
        object.__setattr__(found, "interrupted", True)
        return found

    monkeypatch.setattr(regularize.paths, "squared_loss_path", interrupted)
    with pytest.warns(ConvergenceWarning, match="interrupted: 3 of 10 alphas are done"):
        alphas, coefs, gaps = lasso_path(X, Y, alphas=10)
    assert alphas.shape == gaps.shape == (3,) and coefs.shape == (T, P, 3)


class TestGrid:
    """alpha_max and alpha_grid."""

    @since_1_9
    @pytest.mark.parametrize("fit_intercept", [True, False])
    @pytest.mark.parametrize("weight", [None, WEIGHT], ids=["equal", "weighted"])
    @pytest.mark.parametrize("layout", [np.asarray, sparse.csr_matrix])
    def test_it_is_that_of_scikit_learn(self, fit_intercept, weight, layout):
        options = {"l1_ratio": 0.3, "eps": 0.01, "alphas": 5, "fit_intercept": fit_intercept}
        search = sklearn.linear_model.MultiTaskElasticNetCV(cv=2, **options)
        grid = alpha_grid(layout(X), Y, sample_weight=weight, **options)
        assert_allclose(grid, search.fit(layout(X), Y, sample_weight=weight).alphas_, rtol=1e-9)
        assert_allclose(grid, MultiTaskElasticNetCV(cv=2, **options).fit(layout(X), Y, weight).alphas_, rtol=1e-12)

    @pytest.mark.parametrize(
        "options",
        [
            {},
            {"penalty_factor": [0.0, 1.0, 2.0, 0.5, np.inf, 1.0]},
            {"standardize": True, "l1_ratio": 0.3},
            {"fit_intercept": False},
        ],
        ids=str,
    )
    def test_alpha_max_is_where_the_first_penalised_coefficient_appears(self, options):
        largest = alpha_max(X, Y, **options)
        penalised = np.asarray(options.get("penalty_factor", np.ones(P))) > 0
        model = MultiTaskElasticNet(**TIGHT).set_params(**{"l1_ratio": 1.0, **options})
        assert not model.set_params(alpha=largest * (1 + 1e-8)).fit(X, Y).coef_[:, penalised].any()
        assert model.set_params(alpha=largest * 0.99).fit(X, Y).coef_[:, penalised].any()

    @pytest.mark.parametrize("function", [alpha_max, alpha_grid])
    def test_what_a_path_refuses_it_refuses(self, function):
        with pytest.raises(ValueError, match="positive=True is not allowed for multi-output"):
            function(X, Y, positive=True)
        with pytest.raises(ValueError, match="'bounds' parameter of alpha_max must be infinite"):
            function(X, Y, bounds=(0.0, None))
