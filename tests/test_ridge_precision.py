"""Ridge is as precise as stable least squares on ``[Z; sqrt(alpha) I]``, however ill-conditioned, scaled or shifted.

The truth comes from extended precision (``ridge_judge.py``). There are three yardsticks, and the largest counts: the
error of numpy's ``lstsq`` on the augmented matrix with columns brought to norm one, what the truth moves if X is
rounded once more, and the rounding unit times the condition number of that matrix, which is all that backward stability
promises. A solver that squares the condition number and leaves it there fails these tests.
"""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import linalg, sparse
from sklearn.exceptions import ConvergenceWarning

from regularize import Ridge
from regularize.design import make_design
from regularize.penalties import Penalty
from regularize.solvers.ridge import RidgeSolver
from ridge_judge import augmented, judge_ridge, reference

ALPHAS = np.array([1e10, 1e4, 1.0, 1e-2, 1e-6, 1e-10, 1e-14])  # times the largest eigenvalue of Z'Z
MODEST = 20.0
FEW_ROUNDINGS = 2e-13  # what yardsticks fall short of by luck
EPS = np.finfo(np.float64).eps


def with_condition(n, p, condition):
    """Singular values that fall evenly in logarithm to 1 / condition."""
    rng = np.random.default_rng(n + p)
    rank = min(n, p)
    left, right = (np.linalg.qr(rng.standard_normal((size, rank)))[0] for size in (n, p))
    return (left * np.geomspace(1, 1 / condition, rank)) @ right.T


def nearly_equal_columns(distance):
    rng = np.random.default_rng(2)
    X = rng.standard_normal((30, 6))
    return np.hstack([X, X[:, :3] + distance * rng.standard_normal((30, 3))])


def badly_scaled(n, p):
    rng = np.random.default_rng(3)
    return rng.standard_normal((n, p)) * np.geomspace(1e-8, 1e8, p)[rng.permutation(p)]


def with_large_means(n, p, mean):
    rng = np.random.default_rng(4)
    return rng.standard_normal((n, p)) + mean * rng.uniform(-1, 1, p)


PROBLEMS = {
    "tall": lambda: with_condition(40, 8, 1e2),
    "wide": lambda: with_condition(8, 40, 1e2),
    "square": lambda: with_condition(20, 20, 1e3),
    "one row more": lambda: with_condition(21, 20, 1e6),
    "tall, condition 1e8": lambda: with_condition(40, 10, 1e8),
    "tall, condition 1e14": lambda: with_condition(40, 10, 1e14),
    "wide, condition 1e14": lambda: with_condition(10, 40, 1e14),
    "square, condition 1e14": lambda: with_condition(20, 20, 1e14),
    "Hilbert": lambda: linalg.hilbert(30)[:, :12],
    "Vandermonde": lambda: np.vander(np.linspace(0.0, 1.0, 30), 11)[:, :-1],
    "columns equal up to 1e-6": lambda: nearly_equal_columns(1e-6),
    "columns equal up to 1e-12": lambda: nearly_equal_columns(1e-12),
    "duplicates": lambda: nearly_equal_columns(0.0),
    "rank 3": lambda: np.vander(np.arange(25.0), 3) @ np.random.default_rng(5).standard_normal((3, 9)),
    "tall, scales 1e-8 to 1e8": lambda: badly_scaled(40, 9),
    "wide, scales 1e-8 to 1e8": lambda: badly_scaled(9, 30),
    "tall, means 1e6": lambda: with_large_means(40, 6, 1e6),
    "wide, means 1e6": lambda: with_large_means(10, 30, 1e6),
}


def response(X, noise):
    """A combination of the centred columns, all of which matter, and noise of a share of its size."""
    rng = np.random.default_rng(6)
    centred = X.astype(np.float64) - X.mean(axis=0, dtype=np.float64)
    norms = np.linalg.norm(centred, axis=0)
    fit = centred @ (rng.standard_normal(X.shape[1]) / np.where(norms > 0, norms, 1))
    return fit + noise * np.linalg.norm(fit) / np.sqrt(X.shape[0]) * rng.standard_normal(X.shape[0])


def largest_eigenvalue(X, weights=None):
    """Of Z'Z, with weights that are not normalised."""
    weights = np.ones(X.shape[0]) if weights is None else weights
    X = X.astype(np.float64)
    return np.linalg.norm(np.sqrt(weights)[:, None] * (X - np.average(X, axis=0, weights=weights)), 2) ** 2


def solve(X, targets, alphas, *, method="auto", tol=1e-4, prior=None, penalty_factor=None, **options):
    """The engine's result for alphas (k,) in the units of Ridge."""
    weights = options.pop("sample_weight", None)
    design = make_design(X, weights, **options)
    total = X.shape[0] if weights is None else weights.sum()
    penalty = Penalty.elastic_net(X.shape[1], 0.0, factor=penalty_factor)
    targets = np.asfortranarray(targets.reshape(X.shape[0], -1))
    solver = RidgeSolver(design, targets, penalty, prior=prior, method=method, tol=tol, n_alphas=len(alphas))
    return solver.path(np.tile(alphas[:, None] / total, (1, targets.shape[1])))


def errors(X, y, alpha, coef, intercept, **options):
    """Relative forward error of a solution, and the largest one of the yardsticks.

    Coefficients are in units of the columns of the augmented matrix: each counts as much as it does for the objective.
    """
    truth, true_intercept = reference(X, y, alpha, **options)
    problem = augmented(X, y, alpha, dtype=np.float64, **options)
    units = np.linalg.norm(problem.matrix, axis=0)

    def error(other):
        distance, size = (units * vector[problem.kept] for vector in (other - truth, truth))
        return float(np.linalg.norm(distance) / np.linalg.norm(size))

    solution, _, _, values = np.linalg.lstsq(problem.matrix / units, problem.right, rcond=1e-20)
    by_lstsq = solution / units
    rounding = EPS * np.random.default_rng(9).uniform(-0.5, 0.5, X.shape)
    rounded = reference(X * (np.longdouble(1) + rounding), y, alpha, **options)[0]
    unit = np.abs(problem.y_mean) + np.abs(problem.mean) @ np.abs(truth) + np.std(y)
    ours = max(error(coef), float(abs(intercept - true_intercept) / unit))
    return ours, max(error(problem.solution(by_lstsq)[0]), error(rounded), EPS * values[0] / values[-1])


def assert_precise(X, y, alphas, coefs, intercepts, roundings=FEW_ROUNDINGS, **options):
    """Every alpha is as precise as its yardstick, up to a modest factor; the message has all that are not."""
    found = [errors(X, y, *one, **options) for one in zip(alphas, coefs, intercepts, strict=True)]
    worse = [
        f"alpha {alpha:.1e}: error {ours:.1e}, attainable {attainable:.1e}"
        for alpha, (ours, attainable) in zip(alphas, found, strict=True)
        if not ours <= MODEST * max(attainable, roundings)
    ]
    assert worse == []


# A singular value decomposition is as precise as the largest column allows, whatever the size of the others.
CASES = [(name, method) for method in ("auto", "svd") for name in PROBLEMS if method == "auto" or "scales" not in name]


@pytest.mark.parametrize(("name", "method"), CASES)
@pytest.mark.parametrize("noise", [0.0, 0.5])
def test_a_path_is_as_precise_as_stable_least_squares(name, noise, method):
    X = PROBLEMS[name]()
    y, alphas = response(X, noise), ALPHAS * largest_eigenvalue(X)
    result = solve(X, y, alphas, method=method)
    assert_precise(X, y, alphas, result.coefs[:, 0], result.intercepts[:, 0])
    assert np.all(result.converged[:-1])  # the last may be too ill-conditioned to tell


@pytest.mark.parametrize("name", PROBLEMS)
@pytest.mark.parametrize("alpha", [1e-2, 1e-8, 1e-13])
@pytest.mark.parametrize("method", ["auto", "cholesky"])  # small data at once, or like large data
def test_a_single_alpha_is_as_precise_as_stable_least_squares(name, alpha, method):
    X = PROBLEMS[name]()
    y, alphas = response(X, 0.5), np.array([alpha * largest_eigenvalue(X)])
    result = solve(X, y, alphas, method=method)
    assert_precise(X, y, alphas, result.coefs[:, 0], result.intercepts[:, 0])


@pytest.mark.parametrize("name", ["tall", "wide", "square, condition 1e14", "Hilbert", "tall, scales 1e-8 to 1e8"])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_the_estimator_is_as_precise_as_the_engine(name, fit_intercept):
    X = PROBLEMS[name]()
    y, alphas = response(X, 0.5), ALPHAS * largest_eigenvalue(X)
    models = [Ridge(alpha=alpha, fit_intercept=fit_intercept).fit(X, y) for alpha in alphas]
    coefs, intercepts = [model.coef_ for model in models], [model.intercept_ for model in models]
    assert_precise(X, y, alphas, coefs, intercepts, fit_intercept=fit_intercept)


def options_for(name, X):
    rng = np.random.default_rng(7)
    n, p = X.shape
    weights = np.where(rng.random(n) < 0.2, 0.0, rng.uniform(0.1, 10.0, n))
    factor = rng.choice([0.5, 1.0, 3.0], p)
    factor[:2] = 0.0, np.inf
    prior = rng.standard_normal(p) / np.linalg.norm(X, axis=0)
    prior[1] = 0.0
    separate = {
        "weights": dict(sample_weight=weights),
        "factors": dict(penalty_factor=factor),
        "standardize": dict(standardize=True),
        "prior": dict(prior=prior),
        "no intercept": dict(fit_intercept=False),
    }
    everything = {key: value for options in separate.values() for key, value in options.items()}
    return everything if name == "everything" else separate[name]


@pytest.mark.parametrize("options", ["weights", "factors", "standardize", "prior", "no intercept", "everything"])
@pytest.mark.parametrize(
    "name", ["tall", "wide", "tall, condition 1e8", "Hilbert", "tall, scales 1e-8 to 1e8", "wide, means 1e6"]
)
def test_every_option_is_as_precise(name, options):
    X = PROBLEMS[name]()
    options = options_for(options, X)
    y = response(X, 0.5)
    unit = 1.0 if "standardize" in options else largest_eigenvalue(X, options.get("sample_weight"))
    alphas = ALPHAS * unit * (X.shape[0] if "standardize" in options else 1.0)
    result = solve(X, y, alphas, **options)
    assert_precise(X, y, alphas, result.coefs[:, 0], result.intercepts[:, 0], **options)
    excluded = np.isinf(options.get("penalty_factor", np.ones(X.shape[1])))
    assert np.all(result.coefs[..., excluded] == 0)


@pytest.mark.parametrize("name", ["tall", "wide", "tall, condition 1e8", "columns equal up to 1e-6"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_single_precision_data_are_solved_in_double_precision(name, order):
    X = np.asarray(PROBLEMS[name](), dtype=np.float32, order=order)
    y, alphas = response(X, 0.5), ALPHAS * largest_eigenvalue(X)
    result = solve(X, y, alphas)
    assert_precise(X, y, alphas, result.coefs[:, 0], result.intercepts[:, 0])
    model = Ridge(alpha=alphas[3]).fit(X, y.astype(np.float32))
    assert model.coef_.dtype == np.float32
    rounded = np.finfo(np.float32).eps
    y = y.astype(np.float32).astype(np.float64)
    assert_precise(X, y, alphas[3:4], [model.coef_], [model.intercept_], roundings=rounded)


@pytest.mark.parametrize("name", PROBLEMS)
def test_large_alphas_lose_no_digits(name):
    """There lstsq does: its error grows with ``|y| / |sqrt(alpha) w|``."""
    X = PROBLEMS[name]()
    y, alphas = response(X, 0.5), np.array([1e2, 1e6, 1e10]) * largest_eigenvalue(X)
    result = solve(X, y, alphas)
    for alpha, coef, intercept in zip(alphas, result.coefs[:, 0], result.intercepts[:, 0], strict=True):
        assert errors(X, y, alpha, coef, intercept)[0] <= 1e-12


def test_targets_have_their_own_alphas_and_precision():
    X = PROBLEMS["tall, condition 1e8"]()
    targets = np.column_stack([response(X, 0.0), 1e8 * response(X, 0.5), 1e-8 * response(X, 10.0)])
    alphas = np.array([1e-12, 1e-6, 1.0]) * largest_eigenvalue(X)
    model = Ridge(alpha=alphas).fit(X, targets)
    for j, y in enumerate(targets.T):
        assert_precise(X, y, alphas[j : j + 1], model.coef_[j : j + 1], model.intercept_[j : j + 1])


@pytest.mark.parametrize(
    "name",
    ["tall", "one row more", "tall, condition 1e8", "tall, condition 1e14", "tall, scales 1e-8 to 1e8", "Hilbert"],
)
def test_without_a_penalty_it_is_least_squares(name):
    X = PROBLEMS[name]()
    if name == "Hilbert":
        X = X[:, :7]  # of full rank in float64
    y = response(X, 0.5)
    result = solve(X, y, np.zeros(1))
    assert_precise(X, y, [0.0], result.coefs[:, 0], result.intercepts[:, 0])


@pytest.mark.parametrize("name", ["wide", "duplicates", "rank 3"])
def test_without_a_penalty_and_of_deficient_rank_it_is_the_smallest_solution(name):
    X = PROBLEMS[name]()
    y = response(X, 0.5)
    model = Ridge(alpha=0.0).fit(X, y)
    smallest = np.linalg.lstsq(X - X.mean(axis=0), y - y.mean())[0]
    assert_allclose(model.coef_, smallest, rtol=0, atol=1e-9 * np.abs(smallest).max())
    assert judge_ridge(X, y, 0.0, model.coef_, model.intercept_).residual <= 1e-10


@pytest.mark.parametrize("name", PROBLEMS)
@pytest.mark.parametrize("tol", [1e-4, 1e-10])
@pytest.mark.parametrize("is_sparse", [False, True])
def test_conjugate_gradients_claim_no_more_than_is_true(name, tol, is_sparse):
    X = PROBLEMS[name]()
    y, alphas = response(X, 0.5), np.array([1.0, 1e-2, 1e-4, 1e-10]) * largest_eigenvalue(X)
    result = solve(sparse.csc_matrix(X) if is_sparse else X, y, alphas, method="cg", tol=tol)
    n, null = len(y), np.sum((y - y.mean()) ** 2)
    for i, alpha in enumerate(alphas):
        truth = reference(X, y, alpha)
        best = judge_ridge(X, y, alpha, *truth).objective
        reached = judge_ridge(X, y, alpha, result.coefs[i, 0], result.intercepts[i, 0]).objective
        noise = 1e-12 * null
        assert reached - best <= 2 * n * result.dual_gaps[i, 0] + noise
        if result.converged[i, 0]:
            assert result.dual_gaps[i, 0] <= result.tolerance[0]
            assert reached - best <= tol * null + noise


@pytest.mark.parametrize("name", ["tall", "wide", "square"])
def test_conjugate_gradients_reach_what_is_asked_on_easy_problems(name):
    X = PROBLEMS[name]()
    y, alphas = response(X, 0.5), np.array([1.0, 1e-2, 1e-3]) * largest_eigenvalue(X)
    result = solve(sparse.csc_matrix(X), y, alphas, method="cg", tol=1e-12)
    assert np.all(result.converged)
    for alpha, coef in zip(alphas, result.coefs[:, 0], strict=True):
        assert judge_ridge(X, y, alpha, coef, fit_intercept=True).relative_gap <= 1e-12


@pytest.mark.parametrize("size", [1e10, 1e20, 1e150])
def test_columns_of_any_size_meet_in_one_problem(size):
    rng = np.random.default_rng(8)
    X = rng.standard_normal((20, 3)) * [size, 1.0, 1 / size]
    y = rng.standard_normal(20)
    model = Ridge(alpha=1.0).fit(X, y)
    assert_precise(X, y, [1.0], [model.coef_], [model.intercept_])


def test_numbers_that_cannot_be_squared_are_solved_or_refused_or_warned_about():
    X = np.array([[1e200, 1.0], [-1e200, 2.0], [0.5e200, 3.0]])
    y = np.array([1.0, 2.0, 4.0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            model = Ridge(alpha=1.0).fit(X, y)
        except (ValueError, ConvergenceWarning):
            return
    assert_precise(X, y, [1.0], [model.coef_], [model.intercept_])
