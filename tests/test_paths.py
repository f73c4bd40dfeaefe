"""The path functions and the grid of alphas."""

from __future__ import annotations

import inspect
import warnings

import numpy as np
import pytest
import sklearn.linear_model
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.datasets import make_regression
from sklearn.exceptions import ConvergenceWarning

import regularize
from regularize import ElasticNet, Lasso, alpha_grid, alpha_max, enet_path, lasso_path

PATHS = [lasso_path, enet_path]
since_1_9 = pytest.mark.skipif(
    tuple(map(int, sklearn.__version__.split(".")[:2])) < (1, 9),
    reason="compares with functions of scikit-learn as they are since 1.9",
)
OURS = {
    "fit_intercept": False,
    "sample_weight": None,
    "penalty_factor": None,
    "bounds": None,
    "standardize": False,
}
X, Y = make_regression(n_samples=30, n_features=6, n_informative=3, bias=2.0, noise=3.0, random_state=0)
X = X + 0.5
WIDE, WIDE_Y = make_regression(n_samples=20, n_features=50, noise=1.0, random_state=0)


def theirs(path):
    return getattr(sklearn.linear_model, path.__name__)


@since_1_9
@pytest.mark.parametrize("path", PATHS)
def test_the_signature_is_that_of_scikit_learn_plus_our_keywords(path):
    ours, reference = inspect.signature(path).parameters, inspect.signature(theirs(path)).parameters
    assert set(ours) - set(reference) == set(OURS)
    assert [name for name in ours if name not in OURS] == list(reference)
    for name, parameter in {**reference, **{name: None for name in OURS}}.items():
        default = OURS[name] if parameter is None else parameter.default
        assert ours[name].default == default or ours[name].default is default


@since_1_9
@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("positive", [True, False])
@pytest.mark.parametrize("layout", [np.asarray, np.asfortranarray, sparse.csc_matrix, sparse.csr_array])
def test_the_path_is_that_of_scikit_learn(path, positive, layout):
    options = {"alphas": 8, "positive": positive, "return_n_iter": True}
    expected = theirs(path)(X, Y, tol=1e-13, max_iter=100_000, **options)
    alphas, coefs, gaps, n_iters = path(layout(X), Y, tol=1e-12, **options)
    assert_allclose(alphas, expected[0], rtol=1e-12)
    assert_allclose(coefs, expected[1], rtol=1e-6, atol=1e-7)
    assert gaps.shape == (8,) and (gaps <= 1e-12 * np.mean(Y**2)).all()
    assert len(n_iters) == 8 and all(type(n) is int for n in n_iters)


@since_1_9
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_shapes_and_dtypes_are_those_of_scikit_learn(dtype):
    for y in (Y, Y[:, None]):
        expected = enet_reference(X.astype(dtype), y.astype(dtype))
        ours = enet_path(X.astype(dtype), y.astype(dtype), alphas=4)
        assert [part.shape for part in ours] == [part.shape for part in expected]
        assert ours[1].dtype == expected[1].dtype == dtype


def enet_reference(X, y):  # noqa: N803
    return sklearn.linear_model.enet_path(X, y, alphas=4)


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("standardize", [True, False])
@pytest.mark.parametrize("data", [(X, Y), (WIDE, WIDE_Y)], ids=["tall", "wide"])
def test_each_alpha_equals_a_fit(data, fit_intercept, standardize):
    features, target = data
    options = {
        "fit_intercept": fit_intercept,
        "standardize": standardize,
        "penalty_factor": np.linspace(0.5, 2.0, features.shape[1]),
        "bounds": (-10.0, 30.0),
        "l1_ratio": 0.7,
        "tol": 1e-11,
    }
    weight = np.linspace(0.0, 1.0, len(target))
    alphas, coefs, _ = enet_path(features, target, alphas=[2.0, 0.5, 0.1], sample_weight=weight, **options)
    for alpha, coef in zip(alphas, coefs.T, strict=True):
        fitted = ElasticNet(alpha=alpha, **options).fit(features, target, sample_weight=weight)
        assert_allclose(coef, fitted.coef_, rtol=1e-5, atol=1e-6)


def test_alphas_are_sorted_and_duplicates_are_kept():
    alphas, coefs, _ = lasso_path(X, Y, alphas=[0.1, 5.0, 0.1, 1.0])
    assert_array_equal(alphas, [5.0, 1.0, 0.1, 0.1])
    assert_allclose(coefs[:, 2], coefs[:, 3], rtol=1e-2)
    alphas, coefs, _ = lasso_path(X, Y, alphas=[0.1])
    assert isinstance(alphas, np.ndarray) and coefs.shape == (6, 1)


def test_alpha_zero_may_end_a_path():
    alphas, coefs, _ = lasso_path(X, Y, alphas=[1.0, 0.0], tol=1e-12)
    assert_allclose(coefs[:, -1], np.linalg.lstsq(X, Y, rcond=None)[0], rtol=1e-6)


def test_the_start_does_not_change_the_answer():
    expected = lasso_path(X, Y, alphas=[0.5], tol=1e-12)[1]
    started = lasso_path(X, Y, alphas=[0.5], tol=1e-12, coef_init=np.full(6, 7))[1]
    assert_allclose(started, expected, rtol=1e-6, atol=1e-8)


def test_a_start_outside_the_bounds_is_moved_into_them():
    coefs = lasso_path(X, Y, alphas=[0.5], max_iter=1, tol=1e6, coef_init=np.full(6, -7.0), positive=True)[1]
    assert (coefs >= 0).all()


@since_1_9
@pytest.mark.parametrize("precompute", ["auto", True, False, "gram"])
def test_precompute_does_not_change_the_answer(precompute):
    precompute = X.T @ X if precompute == "gram" else precompute
    expected = sklearn.linear_model.lasso_path(X, Y, alphas=5, tol=1e-13)[1]
    coefs = lasso_path(X, Y, alphas=5, tol=1e-12, precompute=precompute, Xy=X.T @ Y)[1]
    assert_allclose(coefs, expected, rtol=1e-6, atol=1e-7)


def test_the_gram_of_other_data_is_refused_unless_checks_are_off():
    with pytest.raises(ValueError, match="Gram matrix.*did not pass validation"):
        lasso_path(X, Y, precompute=2 * X.T @ X)


def test_offsets_of_sparse_columns_mean_centring():
    centred = lasso_path(X, Y, alphas=[0.5], tol=1e-12, fit_intercept=True)[1]
    offset = {"X_offset": X.mean(axis=0), "X_scale": np.ones(6), "tol": 1e-12}
    assert_allclose(lasso_path(sparse.csc_matrix(X), Y, alphas=[0.5], **offset)[1], centred, rtol=1e-6)
    raw = lasso_path(X, Y, alphas=[0.5], tol=1e-12)[1]
    assert_allclose(lasso_path(X, Y, alphas=[0.5], **offset)[1], raw, rtol=1e-6)  # dense X: as it is


@pytest.mark.parametrize("path", PATHS)
def test_the_remaining_parameters_of_scikit_learn_are_accepted(path):
    expected = path(X, Y, alphas=3)[1]
    extra = {
        "random_state": 0,
        "selection": "random",
        "do_screening": False,
        "max_iter": None,
        "copy_X": False,
    }
    assert_array_equal(path(X, Y, alphas=3, check_input=False, **extra)[1], expected)


@pytest.mark.parametrize("path", PATHS)
def test_n_alphas_and_alphas_none_are_deprecated_as_in_scikit_learn(path):
    with pytest.warns(FutureWarning, match="'n_alphas' was deprecated in 1.9 and will be removed in 1.11") as caught:
        assert len(path(X, Y, n_alphas=5)[0]) == 5
    assert caught[0].filename == __file__
    with pytest.warns(FutureWarning, match="'alphas=None' is deprecated and will be removed in 1.11") as caught:
        assert len(path(X, Y, alphas=None)[0]) == 100
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(path(X, Y)[0]) == len(path(X, Y, alphas=100)[0]) == 100


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"alphas": 0},
            "The 'alphas' parameter of enet_path must be an int in the range [1, inf), an array-like",
        ),
        (
            {"alphas": "x"},
            "The 'alphas' parameter of enet_path must be an int in the range [1, inf), an array-like",
        ),
        ({"alphas": []}, "The 'alphas' parameter of enet_path must be a non-empty 1D array"),
        ({"alphas": [1.0, -1.0]}, "alphas[1] == -1.0, must be >= 0.0"),
        ({"alphas": [np.nan]}, "alphas[0] == nan"),
        ({"alphas": [1.0, "1"]}, "The 'alphas' parameter of enet_path must hold real numbers"),
        ({"alphas": [[1.0], [1.0, 2.0]]}, "The 'alphas' parameter of enet_path must hold real numbers"),
        ({"n_alphas": 0}, "The 'alphas' parameter of enet_path"),
        (
            {"eps": 0.0},
            "The 'eps' parameter of enet_path must be a float in the range (0.0, inf). Got 0.0 instead.",
        ),
        (
            {"l1_ratio": 2},
            "The 'l1_ratio' parameter of enet_path must be a float in the range [0.0, 1.0]. Got 2",
        ),
        (
            {"l1_ratio": 0},
            "Automatic alpha grid generation is not supported for l1_ratio=0. Please supply a grid",
        ),
        (
            {"precompute": "x"},
            "The 'precompute' parameter of enet_path must be a str among {'auto'}, an instance",
        ),
        ({"verbose": "x"}, "The 'verbose' parameter of enet_path must be an int in the range [0, inf)"),
        ({"tol": -1}, "The 'tol' parameter of enet_path"),
        ({"max_iter": 0}, "The 'max_iter' parameter of enet_path"),
        ({"selection": "x"}, "The 'selection' parameter of enet_path"),
        ({"normalize": True, "gamma": 1}, "Unexpected parameters in params of enet_path: gamma, normalize."),
        ({"coef_init": np.ones(3)}, "coef_init of enet_path must have shape (6,). Got (3,) instead."),
        ({"coef_init": np.full(6, np.nan)}, "coef_init of enet_path contains NaN or infinity."),
        ({"penalty_factor": np.ones(2)}, "The 'penalty_factor' parameter of enet_path must have shape (6,)"),
        ({"bounds": (1, 0)}, "The 'bounds' parameter of enet_path must have lower <= upper"),
        ({"sample_weight": np.zeros(30)}, "Sample weights must contain at least one non-zero number"),
        ({"sample_weight": np.ones(3)}, "sample_weight.shape == (3,), expected (30,)!"),
        ({"X": X[:1], "y": Y[:1]}, "a minimum of 2 is required by enet_path"),
        ({"X": np.where(X > 2, np.nan, X)}, "Input X contains NaN"),
        ({"y": np.where(Y > 0, np.inf, Y)}, "Input y contains infinity"),
        ({"y": Y[:3]}, "inconsistent numbers of samples"),
        ({"y": np.c_[Y, Y], "positive": True}, "positive=True is not allowed for multi-output (y.ndim != 1)"),
    ],
)
@pytest.mark.filterwarnings("ignore:'n_alphas' was deprecated:FutureWarning")
def test_bad_arguments_are_refused_by_name(changes, message, monkeypatch):
    monkeypatch.setattr("regularize.paths.make_design", None)  # any work would raise TypeError
    with pytest.raises(ValueError) as error:
        enet_path(**{"X": X, "y": Y, **changes})
    assert message in str(error.value)


def test_errors_name_the_function_that_was_called():
    with pytest.raises(ValueError, match="parameter of lasso_path must"):
        lasso_path(X, Y, eps=-1)
    with pytest.raises(ValueError, match="parameter of alpha_grid must"):
        alpha_grid(X, Y, alphas=[1.0])
    with pytest.raises(ValueError, match="parameter of alpha_max must"):
        alpha_max(X, Y, l1_ratio=-1)


def test_columns_may_be_named_in_penalty_factor_and_bounds():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=list("abcdef"))
    named = lasso_path(frame, Y, alphas=4, penalty_factor={"c": 0.0}, bounds={"a": (None, 1.0)})
    plain = lasso_path(X, Y, alphas=4, penalty_factor=[1, 1, 0, 1, 1, 1], bounds=(None, [1.0] + [np.inf] * 5))
    for ours, expected in zip(named, plain, strict=True):
        assert_allclose(ours, expected, rtol=1e-10, atol=1e-12)
    expected = alpha_max(X, Y, penalty_factor=[1, 1, 0, 1, 1, 1])
    assert_allclose(alpha_max(frame, Y, penalty_factor={"c": 0.0}), expected)


def test_a_path_that_does_not_converge_warns_once_and_names_the_alphas():
    with pytest.warns(ConvergenceWarning) as caught:
        lasso_path(WIDE, WIDE_Y, alphas=[1.0, 0.01, 0.001], tol=1e-14, max_iter=1)
    assert len(caught) == 1
    message = str(caught[0].message)
    assert message.startswith("Objective did not converge. You might want to increase the number of iterations")
    assert "of 3 alphas: " in message and "0.01, 0.001" in message
    assert caught[0].filename == __file__


def test_ctrl_c_returns_the_finished_alphas_with_a_warning(monkeypatch):
    expected = lasso_path(X, Y, alphas=10)
    whole = regularize.paths.squared_loss_path

    def interrupted(*args, on_point, **kwargs):
        def stop(point):
            if point.index == 3:
                raise KeyboardInterrupt

        return whole(*args, on_point=stop, **kwargs)

    monkeypatch.setattr(regularize.paths, "squared_loss_path", interrupted)
    with pytest.warns(ConvergenceWarning, match=r"interrupted: \d of 10 alphas are done") as caught:
        alphas, coefs, gaps = lasso_path(X, Y, alphas=10)
    n_done = len(alphas)
    assert 3 <= n_done <= 4 and coefs.shape == (6, n_done) and gaps.shape == (n_done,)
    assert f"interrupted: {n_done} of 10" in str(caught[0].message)
    assert_allclose(coefs, expected[1][:, :n_done], rtol=1e-6)


@pytest.mark.parametrize(
    ("verbose", "out", "err"),
    [(0, "", ""), (1, "", "..."), (2, "Path: 002 out of 003\n", ""), (3, "gap ", "")],
)
def test_verbose_reports_each_alpha(verbose, out, err, capsys):
    lasso_path(X, Y, alphas=3, verbose=verbose)
    printed = capsys.readouterr()
    assert out in printed.out and printed.err == err
    assert printed.out.count("Path:") == (3 if verbose > 1 else 0)


class TestGrid:
    @since_1_9
    @pytest.mark.parametrize("fit_intercept", [True, False])
    @pytest.mark.parametrize("positive", [True, False])
    @pytest.mark.parametrize("l1_ratio", [1.0, 0.3])
    @pytest.mark.parametrize("weighted", [True, False])
    @pytest.mark.parametrize("layout", [np.asarray, sparse.csr_matrix])
    def test_it_is_that_of_scikit_learn(self, fit_intercept, positive, l1_ratio, weighted, layout):
        weight = np.linspace(0.0, 1.0, len(Y)) if weighted else None
        options = {"fit_intercept": fit_intercept, "positive": positive}
        search = sklearn.linear_model.ElasticNetCV(l1_ratio=l1_ratio, alphas=7, eps=0.01, cv=2, **options)
        expected = search.fit(layout(X), Y, sample_weight=weight).alphas_
        grid = alpha_grid(layout(X), Y, l1_ratio=l1_ratio, eps=0.01, alphas=7, sample_weight=weight, **options)
        assert_allclose(grid, expected, rtol=1e-9)

    @pytest.mark.parametrize("y", [np.zeros(30), np.full(30, 5.0)])
    def test_it_is_constant_if_nothing_correlates(self, y):
        assert_array_equal(alpha_grid(X, y, alphas=3), [1e-15] * 3)
        assert_array_equal(lasso_path(X, y, alphas=3, fit_intercept=True)[0], [1e-15] * 3)

    @pytest.mark.parametrize("function", [alpha_max, alpha_grid])
    def test_it_needs_an_l1_penalty(self, function):
        with pytest.raises(ValueError, match="Automatic alpha grid generation is not supported for l1_ratio=0"):
            function(X, Y, l1_ratio=0)

    def test_an_alpha_max_that_overflows_makes_no_grid(self):
        with np.errstate(over="ignore"), pytest.raises(ValueError, match="alpha_max overflows"):
            alpha_grid(X, Y, l1_ratio=1e-310)

    @pytest.mark.parametrize(
        "options",
        [
            {},
            {"positive": True},
            {"bounds": ([-np.inf] * 3 + [0.0] * 3, [0.0] * 3 + [np.inf] * 3)},
            {"penalty_factor": [0.0, 1.0, 2.0, 0.5, np.inf, 1.0]},
            {"standardize": True},
            {"fit_intercept": False},
            {"l1_ratio": 0.3},
        ],
        ids=str,
    )
    def test_alpha_max_is_where_the_first_penalised_coefficient_appears(self, options):
        largest = alpha_max(X, Y, **options)
        penalised = np.asarray(options.get("penalty_factor", np.ones(6))) > 0
        model = ElasticNet(tol=1e-12).set_params(**{"l1_ratio": 1.0, **options})
        assert not model.set_params(alpha=largest * (1 + 1e-9)).fit(X, Y).coef_[penalised].any()
        assert model.set_params(alpha=largest * 0.99).fit(X, Y).coef_[penalised].any()

    def test_a_path_starts_at_alpha_max(self):
        assert lasso_path(X, Y, alphas=3, fit_intercept=True)[0][0] == pytest.approx(alpha_max(X, Y), rel=2e-14)
        assert not Lasso(alpha=alpha_max(X, Y)).fit(X, Y).coef_.any()
