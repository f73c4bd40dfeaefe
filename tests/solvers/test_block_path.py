"""Group penalties and targets fitted together: the judge certifies every kind of problem, and paths behave as paths."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from group_problems import CASES, SMALL, UNEQUAL, GroupProblem, anything, blocks_of, everything, grouped, interleaved
from problems import LAYOUTS, dense
from regularize.solvers import PathPoint, squared_loss_alpha_max, squared_loss_path
from regularize.solvers.cross_validation import cross_validated_alpha_max, cross_validated_paths

HARD = {"l1 and l2", "n < p", "unpenalised", "positive", "everything", "weights with zeros"}


@pytest.fixture(params=["equal sizes", "n < p", "l1 and l2", "two targets"])
def problem(request):
    """Of few kinds, for what concerns all paths alike."""
    if request.param == "two targets":
        return CASES["interleaved"]().with_targets(2)
    return CASES[request.param]()


def penalised(problem: GroupProblem) -> np.ndarray:
    """Flags of features with a norm or an l1 term, and not excluded."""
    record = problem.penalty()
    own = record.norm[record.groups.labels] + record.features.l1
    return (own > 0) & (record.features.lower < record.features.upper)


# ------------------------------------------------------------------------------------ every kind


@pytest.mark.parametrize("use_gram", [False, True], ids=["columns", "Gram"])
@pytest.mark.parametrize("n_targets", [1, 2, 5])
@pytest.mark.parametrize("case", CASES)
def test_the_judge_certifies_the_path(case, n_targets, use_gram):
    problem = CASES[case]().with_targets(n_targets)
    result = problem.solve(problem.grid(), 1e-10, use_gram=use_gram)
    assert result.converged.all()
    assert np.max(problem.judged(result).relative_gap) <= 1.01e-10


@pytest.mark.parametrize("n_targets", [1, 3])
@pytest.mark.parametrize("case", CASES)
def test_reported_gaps_are_true(case, n_targets):
    """Loosely solved, no answer is worse than it says."""
    problem = CASES[case]().with_targets(n_targets)
    loose = problem.solve(problem.grid(6), 1e-3)
    tight = problem.solve(loose.alphas, 1e-12)
    truth = problem.judged(loose, reference=tight)
    assert_array_equal(loose.converged, loose.dual_gaps <= loose.tolerance)
    assert loose.converged.all()
    assert np.all(truth.gap <= loose.dual_gaps * 1.001 + 1e-11 * loose.tolerance / 1e-3)


@pytest.mark.parametrize("seed", range(80))
def test_the_judge_certifies_anything(seed):
    problem = anything(seed)
    result = problem.solve(problem.grid(5), 1e-10)
    if np.ptp(dense(problem.y[:, None] if problem.y.ndim == 1 else problem.y)) == 0:
        return
    assert result.converged.all()
    assert np.max(problem.judged(result).relative_gap) <= 1.01e-10


@pytest.mark.parametrize("n_targets", [1, 3])
@pytest.mark.parametrize("seed", range(30))
def test_few_rows_of_zeros_and_ones_are_solved(seed, n_targets):
    """Columns repeat each other, and more of them are active than there are directions."""
    rng = np.random.default_rng(seed)
    n, sizes = int(rng.integers(3, 15)), rng.integers(1, 4 if n_targets == 1 else 2, 15)
    problem = interleaved(grouped(n, sizes, seed))
    problem = replace(problem, X=(problem.X > 0.5).astype(np.float64)).with_targets(n_targets, seed)
    result = problem.solve(problem.grid(10, 1e-3), 1e-8)
    assert result.converged.all()
    assert np.max(problem.judged(result).relative_gap) <= 1.01e-8


@pytest.mark.parametrize("case", CASES)
def test_the_ways_to_a_solution_agree(case):
    problem = CASES[case]()
    alphas = problem.grid(6)
    by_gram, by_columns = (problem.solve(alphas, 1e-12, use_gram=way) for way in (True, False))
    assert np.max(problem.judged(by_gram, reference=by_columns).relative_gap) <= 1e-11
    assert np.max(problem.judged(by_columns, reference=by_gram).relative_gap) <= 1e-11
    zero = np.abs(by_gram.coefs).max() * 1e-4
    if "dependent" not in case and "duplicates" not in case:
        assert_allclose(by_gram.coefs, by_columns.coefs, rtol=0, atol=zero)


@pytest.mark.parametrize("use_gram", [False, True], ids=["columns", "Gram"])
@pytest.mark.parametrize("n_targets", [1, 3])
@pytest.mark.parametrize("case", sorted(HARD))
@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_storage_of_x_does_not_matter(layout, case, n_targets, use_gram):
    problem = CASES[case]().with_targets(n_targets)
    X = problem.X * (np.random.default_rng(4).random(problem.X.shape) < 0.6)
    problem = replace(problem, X=X.astype(np.float32).astype(np.float64))
    stored = problem.stored(layout)
    result = stored.solve(problem.grid(4), 1e-10, use_gram=use_gram)
    assert result.converged.all()
    assert np.max(stored.judged(result).relative_gap) <= 1.01e-10
    assert stored.alpha_max() == pytest.approx(problem.alpha_max(), rel=1e-9)


# ------------------------------------------------------------------------------------ alpha_max


@pytest.mark.parametrize("n_targets", [1, 3])
@pytest.mark.parametrize("case", CASES)
def test_alpha_max_is_the_smallest_that_keeps_the_penalised_at_zero(case, n_targets):
    problem = CASES[case]().with_targets(n_targets)
    largest, held = problem.alpha_max(), penalised(problem)
    assert 0 < largest < np.inf
    result = problem.solve([1.5 * largest, largest, 0.99 * largest], 1e-13)
    above, at, below = blocks_of(result)
    assert not above[held].any()
    assert np.abs(at[held]).max(initial=0) <= 1e-12 * np.abs(below).max()
    assert below[held].any()


@pytest.mark.parametrize("seed", range(40))
def test_alpha_max_of_anything(seed):
    problem = anything(seed)
    largest, held = problem.alpha_max(), penalised(problem)
    if not 0 < largest < np.inf:
        return
    above, below = blocks_of(problem.solve([largest * (1 + 1e-9), 0.99 * largest], 1e-14))
    assert np.abs(above[held]).max(initial=0) <= 1e-7 * np.abs(below).max()
    assert below[held].any()


@pytest.mark.parametrize("n_targets", [1, 3])
@pytest.mark.parametrize("l1", [0.0, 0.7])
def test_alpha_max_is_where_a_group_of_correlations_reaches_its_norm(l1, n_targets):
    problem = grouped(30, UNEQUAL, l1=l1).with_targets(n_targets)
    c = (problem.X - problem.X.mean(axis=0)).T @ problem.y.reshape(30, -1) / 30
    s = np.maximum(np.abs(c) - problem.alpha_max() * problem.l1, 0)
    sizes = np.sqrt(np.bincount(problem.labels, np.sum(s**2, axis=1)))
    assert np.max(sizes / problem.norms) == pytest.approx(problem.alpha_max(), rel=1e-10)


def test_alpha_max_is_zero_where_nothing_is_correlated():
    problem = grouped(30, SMALL)
    for y in (np.full(30, 2.0), np.zeros(30), np.zeros((30, 2))):
        assert replace(problem, y=y).alpha_max() == 0
    assert replace(problem, norm=np.full(5, np.inf)).alpha_max() == 0
    correlations = (problem.X - problem.X.mean(axis=0)).T @ problem.y
    wrong = (np.where(correlations > 0, -np.inf, 0.0), np.where(correlations > 0, 0.0, np.inf))
    assert replace(problem, bounds=wrong).alpha_max() == 0


def test_alphas_may_be_a_function_of_alpha_max(problem):
    record, design = problem.penalty(), problem.design()
    result = squared_loss_path(design, problem.y, record, lambda largest: largest * np.array([1.0, 0.1]), tol=1e-10)
    assert_allclose(result.alphas, problem.alpha_max() * np.array([1.0, 0.1]), rtol=1e-12)
    assert np.max(problem.judged(result).relative_gap) <= 1.01e-10


# ------------------------------------------------------------------------------------ alphas and starts


@pytest.mark.parametrize("n_targets", [1, 2])
@pytest.mark.parametrize("case", ["equal sizes", "l1", "unpenalised", "positive", "weights with zeros", "no intercept"])
def test_alpha_zero_is_least_squares(case, n_targets):
    problem = CASES[case]().with_targets(n_targets)
    result = problem.solve([0.1, 0.0], 1e-10)
    assert result.converged.all()
    assert np.max(problem.judged(result).relative_gap) <= 1.01e-10
    if problem.bounds is None:
        s = np.ones(30) if problem.weights is None else problem.weights
        X = np.column_stack([problem.X, np.ones(30)]) if problem.fit_intercept else problem.X
        root = np.sqrt(s)[:, np.newaxis]
        expected = np.linalg.lstsq(root * X, root * problem.y.reshape(30, -1), rcond=None)[0]
        assert_allclose(blocks_of(result)[1], expected[: problem.p], rtol=0, atol=1e-4)


@pytest.mark.parametrize("n_targets", [1, 2])
@pytest.mark.parametrize("case", ["n < p", "l1, n < p", "a group wider than n", "dependent columns", "one hot"])
def test_alpha_zero_has_no_gap_where_columns_depend_on_each_other(case, n_targets):
    problem = CASES[case]().with_targets(n_targets)
    result = problem.solve([problem.alpha_max() / 10, 0.0], 1e-8)
    residual = problem.y.reshape(len(problem.y), -1) - problem.X @ blocks_of(result)[1]
    residual -= residual.mean(axis=0)
    X = problem.X - problem.X.mean(axis=0)
    best = residual - X @ np.linalg.lstsq(X, residual, rcond=None)[0]
    variance = np.sum((problem.y - problem.y.mean(axis=0)) ** 2)
    assert np.sum(residual**2) - np.sum(best**2) <= 1e-7 * variance


def test_a_path_is_its_single_fits(problem):
    alphas = problem.grid(6)
    path = problem.solve(alphas, 1e-13)
    for k, alpha in enumerate(alphas):
        single = problem.solve(alpha, 1e-13)
        assert_allclose(single.coefs[..., 0], path.coefs[..., k], rtol=0, atol=1e-6)
        assert_allclose(single.intercepts[..., 0], path.intercepts[..., k], rtol=0, atol=1e-6)


def test_equal_alphas_have_equal_answers(problem):
    result = problem.solve(np.repeat(problem.grid(4, 0.1), [1, 3, 1, 2]), 1e-12)
    assert_allclose(result.coefs[..., [1, 1]], result.coefs[..., [2, 3]], rtol=0, atol=1e-7)
    assert_allclose(result.coefs[..., 5], result.coefs[..., 6], rtol=0, atol=1e-7)


@pytest.mark.parametrize("seed", range(4))
def test_any_start_leads_to_the_solution(problem, seed):
    alpha = problem.alpha_max() / 20
    cold = problem.solve(alpha, 1e-12)
    start = 10.0 ** (seed - 2) * np.random.default_rng(seed).standard_normal(cold.coefs.shape[:-1])
    given = start.copy()
    result = problem.solve(alpha, 1e-12, coef_init=start)
    assert_array_equal(start, given)
    assert result.converged[0]
    assert_allclose(result.coefs, cold.coefs, rtol=0, atol=1e-5)


def test_a_warm_start_at_the_solution_is_recognised_soon(problem):
    alpha = problem.alpha_max() / 10
    cold = problem.solve(alpha, 1e-12)
    warm = problem.solve(alpha, 1e-6, coef_init=cold.coefs[..., 0].copy())
    assert warm.n_iters[0] <= 3
    assert_allclose(warm.coefs, cold.coefs, rtol=0, atol=1e-6)


def test_a_start_outside_the_bounds_is_brought_into_them():
    problem = everything()
    result = problem.solve(problem.alpha_max() / 20, 1e-11, coef_init=np.linspace(-5, 5, 18))
    record = problem.penalty().features
    assert np.all((result.coefs[:, 0] >= record.lower) & (result.coefs[:, 0] <= record.upper))
    assert problem.judged(result).relative_gap[0] <= 1.01e-11


# ------------------------------------------------------------------------------------ what is reported


@pytest.mark.parametrize("n_targets", [0, 1, 3])
def test_shapes_are_those_of_y(n_targets):
    problem = grouped(30, UNEQUAL)
    y = np.column_stack([problem.y] * n_targets) if n_targets else problem.y
    result = replace(problem, y=y).solve(problem.grid(4))
    leading = (n_targets,) if n_targets else ()
    assert result.coefs.shape == (*leading, 18, 4) and result.intercepts.shape == (*leading, 4)
    for values in (result.alphas, result.dual_gaps, result.n_iters, result.converged):
        assert values.shape == (4,)
    assert not result.interrupted


@pytest.mark.parametrize("fit_intercept", [False, True])
@pytest.mark.parametrize("n_targets", [1, 3])
def test_the_tolerance_is_relative_to_the_squared_responses(n_targets, fit_intercept):
    problem = grouped(30, SMALL, fit_intercept=fit_intercept).with_targets(n_targets)
    y = problem.y - problem.y.mean(axis=0) if fit_intercept else problem.y
    result = problem.solve(problem.grid(3), 1e-6)
    assert result.tolerance == pytest.approx(1e-6 * np.sum(y**2) / 30, rel=1e-12)
    if not fit_intercept:
        assert not result.intercepts.any()


@pytest.mark.parametrize("max_iter", [1, 2, 4])
def test_max_iter_is_honoured_at_every_alpha_and_failure_is_told(max_iter):
    problem = grouped(20, (4,) * 12, rho=0.9, l1=0.3)
    result = problem.solve(problem.grid(6, 1e-4), 1e-14, max_iter=max_iter)
    assert np.all(result.n_iters <= max_iter)
    assert not result.converged.all()
    truth = problem.judged(result, reference=problem.solve(result.alphas, 1e-13))
    assert np.all(truth.gap <= result.dual_gaps * 1.001 + 1e-12)


@pytest.mark.parametrize("tol", [1e-2, 1e-4, 1e-6, 1e-8])
def test_a_looser_tolerance_does_not_cost_more(problem, tol):
    alphas = problem.grid(10, 1e-3)
    loose, tight = problem.solve(alphas, tol), problem.solve(alphas, 1e-12)
    assert loose.n_iters.sum() <= tight.n_iters.sum() + 5
    assert loose.converged.all() and tight.converged.all()


def test_each_alpha_is_reported_with_what_the_result_says_of_it(problem):
    points: list[PathPoint] = []
    result = problem.solve(problem.grid(6), on_point=points.append)
    assert [point.index for point in points] == list(range(6))
    assert_array_equal([point.alpha for point in points], result.alphas)
    assert_array_equal([point.dual_gap for point in points], result.dual_gaps)
    assert_array_equal([point.n_iter for point in points], result.n_iters)
    if problem.n_targets == 1:
        assert_array_equal([point.n_active for point in points], np.count_nonzero(result.coefs, axis=0))


@pytest.mark.parametrize("stop", [0, 2, 5])
def test_a_callback_that_returns_true_ends_the_path_there(problem, stop):
    alphas = problem.grid(6)
    whole = problem.solve(alphas)
    result = problem.solve(alphas, on_point=lambda point: point.index == stop)
    assert result.interrupted
    for name in ("alphas", "coefs", "intercepts", "dual_gaps", "n_iters", "converged"):
        assert_array_equal(getattr(result, name), getattr(whole, name)[..., : stop + 1])


def test_ctrl_c_returns_the_finished_prefix(problem):
    def interrupt(point):
        if point.index == 3:
            raise KeyboardInterrupt

    result = problem.solve(problem.grid(6), on_point=interrupt)
    assert result.interrupted
    assert 3 <= len(result.alphas) <= 4 and result.coefs.shape[-1] == len(result.alphas)


def test_the_same_call_gives_the_same_bits(problem):
    alphas = problem.grid(6, 1e-3)
    one, other = problem.solve(alphas), problem.solve(alphas)
    for name in ("coefs", "intercepts", "dual_gaps", "n_iters"):
        assert_array_equal(getattr(one, name), getattr(other, name))


def test_neither_data_nor_penalty_are_changed_and_a_design_may_be_used_again(problem):
    X, y, design, record, alphas = (
        problem.X.copy(),
        problem.y.copy(),
        problem.design(),
        problem.penalty(),
        problem.grid(5),
    )
    first = squared_loss_path(design, problem.y, record, alphas, tol=1e-11)
    squared_loss_path(design, -(problem.y**2), record, alphas, tol=1e-11)
    again = squared_loss_path(design, problem.y, record, alphas, tol=1e-11)
    assert_allclose(first.coefs, again.coefs, rtol=0, atol=1e-6)
    assert_array_equal(problem.X, X)
    assert_array_equal(problem.y, y)
    assert_array_equal(record.norm, problem.penalty().norm)


@pytest.mark.parametrize("n_targets", [1, 2])
def test_a_constant_response_has_no_coefficients(n_targets):
    y = np.tile([2.0, -1.0], (30, 1))[:, :n_targets]
    problem = grouped(30, SMALL, l1=0.2, weights=np.linspace(0.1, 1, 30)).with_targets(n_targets)
    result = replace(problem, y=y).solve([1.0, 0.1])
    assert not result.coefs.any() and result.converged.all()
    assert_allclose(result.intercepts, np.broadcast_to(y[0][:, np.newaxis], (n_targets, 2)))


# ------------------------------------------------------------------------------------ what is refused

REFUSED = {
    "l1": {"l1": 0.5},
    "l1 of one feature": {"l1": np.eye(15)[3]},
    "l1 alone": {"l1": 0.5, "norm": np.zeros(5)},
    "positive": {"bounds": (0.0, None)},
    "a sign of one feature": {"bounds": (None, np.where(np.arange(15) == 4, 0.0, np.inf))},
    "a box of one feature": {"bounds": (np.where(np.arange(15) == 4, -2.0, -np.inf), None), "norm": np.zeros(5)},
}


@pytest.mark.parametrize("options", REFUSED.values(), ids=REFUSED)
def test_several_targets_with_l1_terms_or_bounds_are_refused_before_any_work(options):
    problem = grouped(30, SMALL)
    y, penalty = np.column_stack([problem.y, -problem.y]), replace(problem, **options).penalty()
    calls = (  # there is no design: any work would fail otherwise
        lambda: squared_loss_path(None, y, penalty, np.ones(1)),
        lambda: squared_loss_alpha_max(None, y, penalty),
        lambda: cross_validated_alpha_max(None, y, penalty, 1),
        lambda: cross_validated_paths(None, y, [problem.penalty(), penalty], np.ones((2, 1)), print),
    )
    for call in calls:
        with pytest.raises(NotImplementedError, match="Several targets together have no l1 terms and no bounds"):
            call()


def test_several_targets_may_have_excluded_features():
    problem = grouped(30, SMALL)
    outside = np.isin(np.arange(15), [1, 6, 7, 8])
    bounds = (np.where(outside, 0.0, -np.inf), np.where(outside, 0.0, np.inf))
    by_bounds, by_l1 = (
        replace(problem, **options).with_targets(2).solve([0.1], 1e-12)
        for options in ({"bounds": bounds}, {"l1": np.where(outside, np.inf, 0.0)})
    )
    assert not by_bounds.coefs[:, outside].any() and by_bounds.coefs[:, ~outside].any()
    assert_allclose(by_bounds.coefs, by_l1.coefs, rtol=0, atol=1e-7)
