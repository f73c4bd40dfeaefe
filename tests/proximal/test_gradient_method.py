"""The proximal gradient method: what it finds, when it stops, and what it does with awkward functions."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.linear_model import LogisticRegression, MultiTaskLasso

from judge import judge
from problems import gaussian
from regularize.proximal import (
    BoxConstraint,
    ElasticNetPenalty,
    GroupPenalty,
    Groups,
    L1Penalty,
    SparseGroupPenalty,
    SquaredL2Penalty,
    proximal_gradient,
)


def least_squares(X, y):
    """1/(2 n) ||y - X w||^2; its calls are counted in ``fun.n_calls``."""

    def fun(w):
        fun.n_calls += 1
        residual = X @ w - y
        return 0.5 * np.sum(residual**2) / len(y), X.T @ residual / len(y)

    fun.n_calls = 0
    return fun


def logistic(X, y):
    """Mean of log(1 + exp(-y x'w)) for y of -1 and 1."""

    def fun(w):
        margin = y * (X @ w)
        return np.mean(np.logaddexp(0, -margin)), -X.T @ (y * np.exp(-np.logaddexp(0, margin))) / len(y)

    return fun


@pytest.fixture
def data():
    problem = gaussian(60, 20, rho=0.8)
    return problem.X, problem.y - problem.y.mean()


@pytest.fixture
def classes(data):
    X, y = data
    return X, np.where(y + np.random.default_rng(0).standard_normal(len(y)) > 0, 1.0, -1.0)


# --------------------------------------------------------------------------------------- what it finds


@pytest.mark.parametrize(
    "options",
    [{}, {"restart": "function"}, {"restart": None}, {"accelerate": False}, {"step": 0.1, "backtracking": False}],
)
@pytest.mark.parametrize("share", [1.1, 0.5, 0.01])
def test_the_lasso_is_solved_as_the_judge_says(data, share, options):
    X, y = data
    alpha = share * np.max(np.abs(X.T @ y)) / len(y)
    result = proximal_gradient(least_squares(X, y), np.zeros(20), L1Penalty(alpha), tol=1e-11, **options)
    assert result.converged
    verdict = judge(X, y, alpha, result.x)
    assert verdict.relative_gap <= 1e-9
    assert result.objective[-1] == pytest.approx(verdict.objective, rel=1e-12)
    assert np.count_nonzero(result.x) == 0 if share > 1 else np.count_nonzero(result.x) > 0


def test_logistic_ridge_regression_is_that_of_scikit_learn(classes):
    X, y = classes
    expected = LogisticRegression(C=1 / (len(y) * 0.05), fit_intercept=False, tol=1e-10, max_iter=10_000).fit(X, y)
    result = proximal_gradient(logistic(X, y), np.zeros(20), SquaredL2Penalty(0.05), tol=1e-10)
    assert result.converged
    assert_allclose(result.x, expected.coef_[0], atol=1e-6)


def test_the_sparse_logistic_regression_is_optimal(classes):
    X, y = classes
    alpha = 0.03
    result = proximal_gradient(logistic(X, y), np.zeros(20), L1Penalty(alpha), tol=1e-11)
    _, gradient = logistic(X, y)(result.x)
    active = result.x != 0
    assert 0 < active.sum() < 20
    assert_allclose(gradient[active], -alpha * np.sign(result.x[active]), rtol=1e-8)
    assert np.all(np.abs(gradient[~active]) < alpha)


def test_rows_as_groups_are_the_multi_task_lasso(data):
    X, y = data
    Y = np.column_stack([y, y[::-1], X[:, 3]])
    Y -= Y.mean(axis=0)
    expected = MultiTaskLasso(alpha=0.3, fit_intercept=False, tol=1e-14, max_iter=100_000).fit(X, Y).coef_
    result = proximal_gradient(least_squares(X, Y), np.zeros((20, 3)), GroupPenalty(0.3), tol=1e-11)
    assert_allclose(result.x, expected.T, atol=1e-7)
    assert 0 < np.count_nonzero(result.x.any(axis=1)) < 20


@pytest.mark.parametrize("l1_alpha", [0.0, 0.05])
def test_groups_are_optimal(data, l1_alpha):
    """A group at zero sees a gradient of small dual norm, another one is stationary."""
    X, y = data
    groups = Groups.from_labels(np.arange(20) % 6)
    alpha = 0.15 * np.sqrt(groups.sizes)
    penalty = SparseGroupPenalty(l1_alpha, alpha, groups)
    x = proximal_gradient(least_squares(X, y), np.zeros(20), penalty, tol=1e-11).x
    slope = -least_squares(X, y)(x)[1]
    n_zero = 0
    for g in range(6):
        rows = groups.indices[groups.starts[g] : groups.starts[g + 1]]
        rest = np.sign(slope[rows]) * np.maximum(np.abs(slope[rows]) - l1_alpha, 0)
        if not x[rows].any():
            n_zero += 1
            assert np.linalg.norm(rest) <= alpha[g]
        else:
            active = x[rows] != 0
            unit = x[rows] / np.linalg.norm(x[rows])
            assert_allclose(slope[rows][active], (l1_alpha * np.sign(unit) + alpha[g] * unit)[active], rtol=1e-7)
            assert np.all(np.abs(slope[rows][~active]) <= l1_alpha)
    assert 0 < n_zero < 6


def test_a_class_of_ones_own_is_a_penalty(data):
    """Least squares in the unit ball: the gradient points along x."""

    class UnitBall:
        def value(self, x):
            return 0.0

        def prox(self, v, step):
            return v / max(1.0, np.linalg.norm(v))

    X, y = data
    x = proximal_gradient(least_squares(X, y), np.zeros(20), UnitBall(), tol=1e-11).x
    slope = -least_squares(X, y)(x)[1]
    assert np.linalg.norm(x) == pytest.approx(1.0, rel=1e-12)
    assert_allclose(slope, np.linalg.norm(slope) * x, atol=1e-9 * np.linalg.norm(slope))


@pytest.mark.parametrize("exponent", [-100, -1, 1, 100])
def test_units_do_not_matter(data, exponent):
    """To the last bit, when the units are powers of two."""
    X, y = data
    c = 2.0**exponent
    plain = proximal_gradient(least_squares(X, y), np.zeros(20), L1Penalty(0.1))
    scaled = proximal_gradient(least_squares(c * X, y), np.zeros(20), L1Penalty(c * 0.1))
    assert_array_equal(c * scaled.x, plain.x)
    assert (scaled.n_iter, scaled.optimality) == (plain.n_iter, plain.optimality)
    larger = proximal_gradient(least_squares(X, c * y), np.zeros(20), L1Penalty(c * 0.1))
    assert_array_equal(larger.x, c * plain.x)


@pytest.mark.parametrize("constant", [-1e3, -1.0, 1e3])
def test_a_constant_in_the_function_does_not_matter(data, constant):
    X, y = data
    fun = least_squares(X, y)
    shift = constant - 0.5 * np.mean(y * y)  # the value at the start is the constant
    plain = proximal_gradient(fun, np.zeros(20), L1Penalty(0.1), tol=1e-10)
    shifted = proximal_gradient(lambda w: (fun(w)[0] + shift, fun(w)[1]), np.zeros(20), L1Penalty(0.1), tol=1e-10)
    assert shifted.converged
    assert_allclose(shifted.x, plain.x, atol=1e-8)


# --------------------------------------------------------------------------------- momentum and steps


def ill_conditioned(n=20, condition=1e3):
    d = np.geomspace(1, 1 / condition, n)
    return lambda x: (0.5 * d @ (x - 1) ** 2, d * (x - 1))


def test_momentum_and_restarts_save_iterations():
    def n_iter(**options):
        result = proximal_gradient(ill_conditioned(), np.zeros(20), L1Penalty(1e-5), tol=1e-6, **options)
        assert result.converged
        return result.n_iter

    assert 2 * n_iter(restart="gradient") < n_iter(restart=None)
    assert 4 * n_iter(restart="gradient") < n_iter(accelerate=False)
    assert 2 * n_iter(restart="function") < n_iter(restart=None)


def test_without_momentum_the_objective_never_rises(data):
    X, y = data
    history = proximal_gradient(least_squares(X, y), np.ones(20), L1Penalty(0.01), accelerate=False).objective
    assert np.all(np.diff(history) <= 1e-14 * history[0])
    history = proximal_gradient(least_squares(X, y), np.ones(20), L1Penalty(0.01), restart=None).objective
    assert np.any(np.diff(history) > 1e-14 * history[0])  # with momentum it does


@pytest.mark.parametrize("step", [1e-6, 1e6])
def test_a_wrong_first_step_is_put_right(data, step):
    X, y = data
    result = proximal_gradient(least_squares(X, y), np.zeros(20), L1Penalty(0.1), step=step, tol=1e-10)
    assert result.converged
    assert judge(X, y, 0.1, result.x).relative_gap <= 1e-9
    assert 1e-2 < result.step * np.linalg.norm(X, 2) ** 2 / len(y) < 1e2


def test_a_fixed_step_stays(data):
    X, y = data
    steps = []
    proximal_gradient(
        least_squares(X, y),
        np.zeros(20),
        L1Penalty(0.1),
        step=0.05,
        backtracking=False,
        callback=lambda i: steps.append(i.step),
    )
    assert set(steps) == {0.05}


def test_calls_are_counted_and_few(data):
    X, y = data
    for options, per_iteration in (({}, 2.2), ({"accelerate": False}, 1.4)):
        fun = least_squares(X, y)
        result = proximal_gradient(fun, np.zeros(20), L1Penalty(0.01), tol=1e-10, **options)
        assert result.n_evaluations == fun.n_calls <= per_iteration * result.n_iter + 5


def test_a_function_that_is_defined_on_a_part_of_space_is_minimised_there():
    """Poisson likelihood with an identity link: NaN or infinite where a mean is not positive."""
    rng = np.random.default_rng(0)
    A = rng.random((40, 4))
    counts = A @ [1.0, 2.0, 0.0, 3.0]

    def fun(x):
        fun.n_undefined += bool(np.any(A @ x <= 0))
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.sum(A @ x - counts * np.log(A @ x)), A.T @ (1 - counts / (A @ x))

    fun.n_undefined = 0
    result = proximal_gradient(fun, np.full(4, 10.0), ElasticNetPenalty(0.0, 1e-6), step=1e3, tol=1e-10)
    assert fun.n_undefined > 0
    assert result.converged
    assert_allclose(result.x, [1.0, 2.0, 0.0, 3.0], atol=1e-4)


def test_momentum_does_not_leave_the_domain():
    """The steps stay in the box, extrapolated points do not."""
    d = np.geomspace(1, 1e-2, 5)

    def fun(x):
        is_outside = np.any(x < 0)
        fun.n_undefined += bool(is_outside)
        return (np.nan, np.full(5, np.nan)) if is_outside else (0.5 * d @ (x - 1e-3) ** 2, d * (x - 1e-3))

    fun.n_undefined = 0
    result = proximal_gradient(fun, np.ones(5), BoxConstraint(lower=0.0), restart=None)
    assert fun.n_undefined > 0
    assert result.converged
    assert_allclose(result.x, 1e-3, rtol=1e-5)


def test_the_first_step_is_found_where_the_value_says_nothing():
    """The value at the start is zero, and steps must be long."""
    fun = ill_conditioned(condition=10)

    def flat(x):
        value, gradient = fun(x)
        return 1e-12 * (value - fun(np.zeros(20))[0]), 1e-12 * gradient

    result = proximal_gradient(flat, np.zeros(20), L1Penalty(1e-14))
    assert result.converged
    assert result.n_iter < 100


def test_overflow_on_the_way_is_survived():
    """Poisson regression, started where the means are 1e40: most steps would overflow."""
    X = gaussian(50, 5).X
    counts = np.random.default_rng(0).poisson(np.exp(0.5 * X[:, 0]))

    def fun(w):
        with np.errstate(over="ignore", invalid="ignore"):
            means = np.exp(X @ w)
            return np.mean(means - counts * (X @ w)), X.T @ (means - counts) / len(counts)

    far = proximal_gradient(fun, np.full(5, 20.0), L1Penalty(0.05), tol=1e-9)
    near = proximal_gradient(fun, np.zeros(5), L1Penalty(0.05), tol=1e-9)
    assert far.converged
    assert_allclose(far.x, near.x, atol=1e-7)


def test_a_function_that_is_defined_at_the_start_alone_keeps_it():
    result = proximal_gradient(lambda w: (w @ w if np.all(w == 1) else np.nan, 2 * w), np.ones(3), L1Penalty(0.1))
    assert (result.reason, result.n_iter) == ("stalled", 1)
    assert_array_equal(result.x, np.ones(3))


def test_a_linear_function_has_no_curvature():
    slope = np.array([1.0, -2.0])
    result = proximal_gradient(lambda x: (slope @ x, slope), np.zeros(2), SquaredL2Penalty(1.0), tol=1e-9)
    assert result.converged
    assert_allclose(result.x, -slope, atol=1e-8)


# ------------------------------------------------------------------------------------- when it stops


def test_the_stopping_rule_bounds_a_subgradient(data):
    """||grad f + s|| <= tol max(||grad f||, L ||x||) for a subgradient s of the penalty."""
    X, y = data
    largest = np.linalg.norm(X, 2) ** 2 / len(y)
    for tol in (1e-3, 1e-6, 1e-9):
        result = proximal_gradient(least_squares(X, y), np.zeros(20), L1Penalty(0.1), tol=tol)
        _, gradient = least_squares(X, y)(result.x)
        nearest = np.where(result.x != 0, 0.1 * np.sign(result.x), np.clip(-gradient, -0.1, 0.1))
        unit = max(np.linalg.norm(gradient), largest * np.linalg.norm(result.x))
        assert result.optimality <= tol
        assert np.linalg.norm(gradient + nearest) <= tol * unit


def test_a_start_at_the_optimum_is_recognised_at_once(data):
    X, y = data
    first = proximal_gradient(least_squares(X, y), np.zeros(20), L1Penalty(0.1), tol=1e-11)
    again = proximal_gradient(least_squares(X, y), first.x, L1Penalty(0.1), tol=1e-10, step=first.step)
    assert again.converged
    assert again.n_iter <= 2


def test_max_iter_ends_it_and_says_so(data):
    X, y = data
    result = proximal_gradient(least_squares(X, y), np.zeros(20), L1Penalty(0.01), max_iter=7)
    assert (result.reason, result.n_iter, result.converged) == ("max_iter", 7, False)
    assert result.objective.shape == (8,)
    assert result.objective[0] == pytest.approx(0.5 * np.mean(y**2))


def test_where_rounding_ends_progress_it_is_not_called_convergence(data):
    X, y = data
    result = proximal_gradient(least_squares(X, y), np.zeros(20), L1Penalty(0.1), tol=0.0)
    assert result.reason == "stalled"
    assert 0 < result.optimality < 1e-13
    assert judge(X, y, 0.1, result.x).relative_gap <= 1e-15


def test_steps_too_short_to_move_are_not_called_convergence(data):
    X, y = data
    for step in (1e-17, 1e-300):
        result = proximal_gradient(
            least_squares(X, y), np.ones(20), L1Penalty(0.1), step=step, backtracking=False, max_iter=5
        )
        assert not result.converged


def test_a_wrong_gradient_is_not_called_convergence(data):
    fun = least_squares(*data)
    result = proximal_gradient(lambda w: (fun(w)[0], -fun(w)[1]), np.ones(20), L1Penalty(0.1), max_iter=300)
    assert not result.converged


def test_a_minimum_at_infinity_is_not_called_convergence():
    """Separable classes without a penalty: the gradient vanishes, the iterate goes on."""
    X, y = np.array([[1.0], [2.0]]), np.array([1.0, 1.0])
    result = proximal_gradient(logistic(X, y), np.zeros(1), L1Penalty(0.0), max_iter=500)
    assert result.reason == "max_iter"


def test_the_callback_sees_every_iterate_and_may_end_it(data):
    X, y = data
    seen = []

    def callback(iterate):
        seen.append(iterate)
        return iterate.n_iter == 5

    result = proximal_gradient(least_squares(X, y), np.zeros(20), L1Penalty(0.1), callback=callback)
    assert (result.reason, result.n_iter) == ("callback", 5)
    assert [iterate.n_iter for iterate in seen] == [1, 2, 3, 4, 5]
    assert_array_equal([iterate.objective for iterate in seen], result.objective[1:])
    assert_array_equal(seen[-1].x, result.x)
    assert len({iterate.x.tobytes() for iterate in seen}) == 5  # none is overwritten by the next


def interrupted_at(fun, n_calls):
    def interrupted(w):
        if fun.n_calls == n_calls:
            raise KeyboardInterrupt
        return fun(w)

    return interrupted


def test_ctrl_c_is_raised_unless_the_result_is_asked_for(data):
    fun = least_squares(*data)
    with pytest.raises(KeyboardInterrupt):
        proximal_gradient(interrupted_at(fun, 10), np.zeros(20), L1Penalty(0.1))


@pytest.mark.parametrize("n_calls", [1, 2, 3, 4, 10])
def test_after_ctrl_c_what_has_been_reached_can_be_had(data, n_calls):
    fun = least_squares(*data)
    full = []
    proximal_gradient(least_squares(*data), np.zeros(20), L1Penalty(0.1), callback=lambda i: full.append(i.x))
    x0 = np.zeros(20)
    result = proximal_gradient(interrupted_at(fun, n_calls), x0, L1Penalty(0.1), on_interrupt="return")
    assert result.reason == "interrupted"
    assert not np.shares_memory(result.x, x0)
    assert result.objective.shape == (result.n_iter + 1,)
    assert_array_equal(result.x, [np.zeros(20), *full][result.n_iter])


# ------------------------------------------------------------------------------ arguments and errors


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
def test_the_start_gives_shape_and_dtype_and_stays(data, dtype):
    X, y = data
    x0 = np.ones((5, 4), dtype=dtype, order="F")
    fun = least_squares(X, y)

    def shaped(w):
        assert w.shape == (5, 4)
        value, gradient = fun(w.ravel())
        return value, gradient.reshape(5, 4)

    result = proximal_gradient(shaped, x0, L1Penalty(0.1), tol=1e-5)
    assert result.converged
    assert result.x.dtype == (np.float32 if dtype == np.float32 else np.float64)
    assert_array_equal(x0, np.ones((5, 4)))
    assert judge(X, y, 0.1, result.x.ravel()).relative_gap < 1e-5


def test_float32_throughout_reaches_the_precision_of_float32(data):
    X, y = (array.astype(np.float32) for array in data)
    result = proximal_gradient(least_squares(X, y), np.zeros(20, dtype=np.float32), L1Penalty(0.1), tol=1e-5)
    assert result.converged
    assert judge(X, y, 0.1, result.x).relative_gap < 1e-5


def test_the_function_may_return_the_same_array_again(data):
    X, y = data
    plain, buffer = least_squares(X, y), np.empty(20)

    def fun(w):
        value, buffer[:] = plain(w)
        return value, buffer

    expected = proximal_gradient(plain, np.zeros(20), L1Penalty(0.1)).x
    assert_array_equal(proximal_gradient(fun, np.zeros(20), L1Penalty(0.1)).x, expected)


def test_an_infeasible_start_becomes_feasible(data):
    X, y = data
    result = proximal_gradient(least_squares(X, y), np.full(20, -1.0), BoxConstraint(lower=0.0), tol=1e-9)
    assert result.objective[0] == np.inf
    assert np.all(np.isfinite(result.objective[1:]))
    assert judge(X, y, 0.0, result.x, bounds=(0.0, None)).violation <= 1e-6


def test_a_minimum_at_zero_where_the_gradient_vanishes_is_reached():
    """Nothing is left that optimality could be relative to."""
    result = proximal_gradient(lambda x: (0.5 * x @ x, x), np.ones(3), L1Penalty(0.1))
    assert result.converged
    assert_array_equal(result.x, np.zeros(3))


def test_no_variables_at_all_are_at_once_optimal():
    result = proximal_gradient(lambda w: (1.0, w), np.zeros(0), L1Penalty(1.0))
    assert result.converged
    assert result.x.shape == (0,)


def square(w):
    return 0.5 * w @ w, w


class Prox:
    """A penalty with this prox."""

    def __init__(self, prox):
        self.prox = lambda v, step: prox(v)

    def value(self, x):
        return 0.0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (dict(fun=None), "'fun' parameter of proximal_gradient must be callable"),
        (dict(penalty=lambda v, step: v), "'penalty' .* methods value"),
        (dict(penalty=object()), "'penalty' .* methods value"),
        (dict(step=0.0), "'step' .* range"),
        (dict(step=np.nan), "'step' .* range"),
        (dict(backtracking=False), "'step' .* must be given with backtracking=False"),
        (dict(max_iter=0), "'max_iter'"),
        (dict(tol=-1.0), "'tol'"),
        (dict(accelerate=1), "'accelerate'"),
        (dict(restart="speed"), "'restart' .* among"),
        (dict(callback=3), "'callback'"),
        (dict(on_interrupt="ignore"), "'on_interrupt'"),
        (dict(x0=["a"]), "'x0' .* real numbers"),
        (dict(x0=[np.nan, 0.0]), "'x0' .* must be finite"),
        (dict(fun=lambda w: (np.nan, w)), "'x0' .* value and gradient of fun there"),
        (dict(fun=lambda w: (1.0, w * np.inf)), "'x0' .* value and gradient of fun there"),
        (dict(fun=lambda w: 1.0), "must return a pair"),
        (dict(fun=lambda w: (w, w)), "must return a real number as value"),
        (dict(fun=lambda w: (1.0 + 1j, w)), "must return a real number as value"),
        (dict(fun=lambda w: (1.0, w[:1])), r"gradient of the shape of x, \(2,\)"),
        (dict(penalty=L1Penalty([1.0, 2.0, 3.0])), r"'alpha' parameter of L1Penalty must broadcast to shape \(2,\)"),
        (
            dict(fun=lambda w: (1.0 if np.all(w == 1) else np.nan, w), step=1.0, backtracking=False),
            "is not finite after",
        ),
        (dict(penalty=Prox(lambda v: np.full_like(v, np.nan))), "is not finite after any step"),
        (dict(penalty=Prox(lambda v: np.full_like(v, np.nan)), step=1.0), "is not finite after a step"),
        (dict(penalty=Prox(lambda v: v[:1])), r"'penalty' .* maps shape \(2,\) to shape \(1,\)"),
    ],
)
def test_errors_name_the_argument(options, message):
    arguments = dict(fun=square, x0=[1.0, 1.0], penalty=L1Penalty(0.1)) | options
    with pytest.raises(ValueError, match=message):
        proximal_gradient(**arguments)


def test_an_error_in_the_function_passes():
    def fun(w):
        raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        proximal_gradient(fun, np.zeros(2), L1Penalty(1.0))
