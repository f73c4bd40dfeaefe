"""What must hold for any data: changes of units and of order, repeated and useless columns, extremes of size."""

from __future__ import annotations

from dataclasses import replace

import mpmath
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from problems import LAYOUTS, Problem, dense, gaussian
from regularize import ElasticNet, Lasso

SEEDS = st.integers(0, 2**32 - 1)
SHAPES = st.tuples(st.integers(2, 25), st.integers(1, 25))
EXPONENTS = st.integers(-140, 140)


def problem_of(seed, shape, **options):
    return gaussian(*shape, seed=seed, n_informative=min(3, shape[1]), **options)


def assert_same_fit(problem, one, other, tol=1e-11):
    """Each is as good as the other, whatever the solution set."""
    assert np.all(problem.judged(one, reference=other).relative_gap <= tol)
    assert np.all(problem.judged(other, reference=one).relative_gap <= tol)


@settings(max_examples=60, deadline=None)
@given(SEEDS, SHAPES, st.sampled_from([1.0, 0.5]), st.booleans(), st.booleans())
def test_any_shape_is_solved(seed, shape, l1_ratio, fit_intercept, standardize):
    """Also n = 2, p = 1 and n < p."""
    problem = problem_of(seed, shape, l1_ratio=l1_ratio, fit_intercept=fit_intercept, standardize=standardize)
    result = problem.solve(problem.grid(4, 1e-2), 1e-11)
    assert result.converged.all()
    assert np.all(problem.judged(result, reference=result).relative_gap <= 1.1e-11)


@pytest.mark.parametrize("n", [2, 3])
@pytest.mark.parametrize("p", [1, 2, 5])
@pytest.mark.parametrize("alpha", [0.0, 0.1, 1e3])
def test_the_smallest_problems_are_solved(n, p, alpha):
    problem = problem_of(0, (n, p))
    result = problem.solve(alpha, 1e-12)
    assert result.converged.all()
    assert problem.judged(result, reference=result).relative_gap[0] <= 1e-11


@settings(max_examples=40, deadline=None)
@given(SEEDS, SHAPES, EXPONENTS)
def test_the_fit_scales_with_the_response(seed, shape, exponent):
    """Lasso: y c and alpha c give w c, to the last bit when c is a power of two."""
    problem = problem_of(seed, shape)
    c = 2.0 ** (3 * exponent)
    alphas = problem.grid(4, 0.05)
    plain, scaled = problem.solve(alphas), replace(problem, y=c * problem.y).solve(c * alphas)
    assert_array_equal(scaled.coefs, c * plain.coefs)
    assert_array_equal(scaled.n_iters, plain.n_iters)


@settings(max_examples=40, deadline=None)
@given(SEEDS, SHAPES, EXPONENTS, st.sampled_from(["C", "F", "CSC int32"]))
def test_the_fit_scales_with_the_data(seed, shape, exponent, layout):
    """Lasso: X c and alpha c give w / c."""
    problem = problem_of(seed, shape).stored(layout)
    c = 2.0 ** (3 * exponent)
    alphas = problem.grid(4, 0.05)
    plain, scaled = problem.solve(alphas), replace(problem, X=problem.X * c).solve(c * alphas)
    assert_array_equal(scaled.coefs, plain.coefs / c)


@settings(max_examples=40, deadline=None)
@given(SEEDS, SHAPES, st.integers(-100, 100))
def test_with_standardisation_the_scales_of_columns_do_not_matter(seed, shape, exponent):
    problem = problem_of(seed, shape, standardize=True, l1_ratio=0.5)
    c = 10.0 ** np.random.default_rng(seed).integers(-abs(exponent), abs(exponent) + 1, shape[1])
    alphas = problem.grid(4, 0.05)
    plain, scaled = problem.solve(alphas, 1e-13), replace(problem, X=problem.X * c).solve(alphas, 1e-13)
    assert scaled.converged.all()
    back = replace(scaled, coefs=scaled.coefs * c[:, None])
    assert_same_fit(problem, plain, back)


@pytest.mark.parametrize("size_x", [1e-150, 1e-20, 1.0, 1e20, 1e150])
@pytest.mark.parametrize("size_y", [1e-150, 1.0, 1e150])
@pytest.mark.parametrize("layout", ["C", "F", "CSC int32"])
def test_sizes_from_1e_minus_150_to_1e_plus_150_are_solved(size_x, size_y, layout):
    problem = gaussian(30, 10)
    scaled = Problem(LAYOUTS[layout](problem.X * size_x), problem.y * size_y)
    largest = scaled.alpha_max()
    if not 0 < largest < np.inf:  # size_x size_y lies outside the range of float64
        assert size_x * size_y in {0.0, 1e-300, 1e300}
        return
    result = scaled.solve(largest * np.array([0.5, 0.1]), 1e-10)
    plain = problem.solve(problem.alpha_max() * np.array([0.5, 0.1]), 1e-10)
    assert result.converged.all()
    assert_allclose(result.coefs / size_y * size_x, plain.coefs, rtol=1e-6, atol=1e-9)


def test_columns_of_all_sizes_meet_in_one_problem():
    problem = gaussian(30, 7, standardize=True)
    c = 10.0 ** np.array([-150, -80, -3, 0, 3, 80, 150])
    plain = problem.solve(problem.grid(5, 0.01), 1e-13)
    result = replace(problem, X=problem.X * c).solve(plain.alphas, 1e-13)
    assert_allclose(result.coefs * c[:, None], plain.coefs, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("model", [Lasso(alpha=0.1), ElasticNet(alpha=0.1)])
def test_denormal_data_are_fitted_or_ignored_but_never_break(model):
    problem = gaussian(20, 4)
    X = problem.X.copy()
    X[:, 1] *= 1e-310
    model.fit(X, problem.y)
    assert np.isfinite(model.coef_).all() and model.converged_
    assert model.coef_[0] != 0 or model.coef_[2] != 0
    model.fit(problem.X, problem.y * 1e-310)
    assert np.isfinite(model.coef_).all()


@settings(max_examples=40, deadline=None)
@given(SEEDS, SHAPES, st.sampled_from([1.0, 0.5]))
def test_the_order_of_features_and_rows_does_not_matter(seed, shape, l1_ratio):
    problem = problem_of(seed, shape, l1_ratio=l1_ratio)
    rng = np.random.default_rng(seed)
    rows, columns = rng.permutation(shape[0]), rng.permutation(shape[1])
    alphas = problem.grid(4, 0.05)
    plain = problem.solve(alphas, 1e-13)
    moved = replace(problem, X=problem.X[np.ix_(rows, columns)], y=problem.y[rows]).solve(alphas, 1e-13)
    back = replace(moved, coefs=moved.coefs[np.argsort(columns)])
    assert_same_fit(problem, plain, back)


@settings(max_examples=40, deadline=None)
@given(SEEDS, SHAPES, st.sampled_from([1.0, 0.5]), st.booleans(), st.sampled_from(["C", "F", "CSC int32"]))
def test_an_integer_weight_is_a_repeated_row_and_zero_is_a_removed_one(seed, shape, l1_ratio, standardize, layout):
    problem = problem_of(seed, shape, l1_ratio=l1_ratio, standardize=standardize)
    repeat = np.random.default_rng(seed).integers(0, 4, shape[0])
    repeat[:2] = 1
    weighted = replace(problem, weights=repeat.astype(float)).stored(layout)
    repeated = Problem(
        np.repeat(problem.X, repeat, axis=0), np.repeat(problem.y, repeat), None, l1_ratio, standardize=standardize
    ).stored(layout)
    assert weighted.alpha_max() == pytest.approx(repeated.alpha_max(), rel=1e-9)
    alphas = repeated.grid(4, 0.05)
    one, other = weighted.solve(alphas, 1e-13), repeated.solve(alphas, 1e-13)
    assert_same_fit(repeated, one, other)
    assert one.tolerance == pytest.approx(other.tolerance, rel=1e-9)


@settings(max_examples=40, deadline=None)
@given(SEEDS, SHAPES, st.floats(1e-3, 1e3))
def test_only_the_proportions_of_weights_matter(seed, shape, factor):
    weights = np.random.default_rng(seed).random(shape[0]) + 0.1
    problem = problem_of(seed, shape, weights=weights)
    alphas = problem.grid(3, 0.05)
    other = replace(problem, weights=factor * weights).solve(alphas, 1e-12)
    assert_same_fit(problem, problem.solve(alphas, 1e-12), other)


@settings(max_examples=40, deadline=None)
@given(SEEDS, SHAPES, st.sampled_from([1.0, 0.5]))
def test_duplicate_columns_share_what_one_would_get(seed, shape, l1_ratio):
    """Lasso: any split of the coefficient; with an l2 term: equal shares. Opposite copies likewise."""
    problem = problem_of(seed, shape, l1_ratio=l1_ratio)
    signs = np.random.default_rng(seed).choice([-1.0, 1.0], shape[1])
    doubled = replace(problem, X=np.hstack([problem.X, problem.X * signs]))
    result = doubled.solve(doubled.grid(4, 0.02), 1e-13)
    assert result.converged.all()
    assert np.all(doubled.judged(result).relative_gap <= 1.1e-13)
    first, second = result.coefs[: shape[1]], result.coefs[shape[1] :] * signs[:, None]
    if l1_ratio == 1:
        joined = replace(result, coefs=first + second)
        assert_same_fit(problem, joined, problem.solve(result.alphas, 1e-13))
        assert np.all(first * second >= 0)  # never against each other
    else:
        assert_allclose(first, second, rtol=0, atol=1e-4 * (1 + np.abs(first).max()))


@settings(max_examples=40, deadline=None)
@given(SEEDS, SHAPES, st.floats(-1e6, 1e6), st.booleans(), st.sampled_from(["C", "F", "CSC int32"]))
def test_a_constant_column_gets_nothing_beside_an_intercept(seed, shape, level, standardize, layout):
    problem = problem_of(seed, shape, standardize=standardize)
    place = seed % (shape[1] + 1)
    wider = replace(problem, X=np.insert(problem.X, place, level, axis=1)).stored(layout)
    alphas = problem.grid(4, 0.05)
    plain, result = problem.solve(alphas, 1e-12), wider.solve(alphas, 1e-12)
    assert not result.coefs[place].any()
    assert_same_fit(problem, plain, replace(result, coefs=np.delete(result.coefs, place, axis=0)))


@settings(max_examples=30, deadline=None)
@given(SEEDS, SHAPES, st.floats(-1e3, 1e3, allow_subnormal=False))
def test_a_constant_response_is_its_own_intercept(seed, shape, level):
    problem = replace(problem_of(seed, shape), y=np.full(shape[0], level))
    assert problem.alpha_max() == 0
    result = problem.solve([1.0, 0.1, 0.0], 1e-8)
    assert not result.coefs.any()
    assert_allclose(result.intercepts, level, rtol=1e-14)
    assert result.converged.all() and not result.dual_gaps.any()


@settings(max_examples=30, deadline=None)
@given(SEEDS, SHAPES, st.floats(-100, 100), st.floats(-100, 100))
def test_an_intercept_makes_levels_of_data_and_response_irrelevant(seed, shape, level_x, level_y):
    problem = problem_of(seed, shape)
    alphas = problem.grid(4, 0.05)
    moved = replace(problem, X=problem.X + level_x, y=problem.y + level_y).solve(alphas, 1e-12)
    back = replace(moved, intercepts=moved.intercepts - level_y + level_x * moved.coefs.sum(axis=0))
    assert_same_fit(problem, problem.solve(alphas, 1e-12), back, 1e-9)


@settings(max_examples=30, deadline=None)
@given(SEEDS, SHAPES, st.sampled_from([1.0, 0.3]))
def test_a_box_that_holds_the_solution_changes_nothing(seed, shape, l1_ratio):
    problem = problem_of(seed, shape, l1_ratio=l1_ratio)
    alphas = problem.grid(4, 0.05)
    plain = problem.solve(alphas, 1e-13)
    room = np.abs(plain.coefs).max(axis=1) + 0.1
    boxed = replace(problem, bounds=(-room, room)).solve(alphas, 1e-13)
    assert_same_fit(problem, plain, boxed)


@settings(max_examples=30, deadline=None)
@given(SEEDS, SHAPES)
def test_a_factor_is_a_scale_of_the_column(seed, shape):
    """Lasso: penalty factor f on x_j is the penalty 1 on x_j / f."""
    problem = problem_of(seed, shape)
    factor = np.random.default_rng(seed).uniform(0.2, 5, shape[1])
    weighted, scaled = replace(problem, factor=factor), replace(problem, X=problem.X / factor)
    alphas = weighted.grid(4, 0.05)
    result = scaled.solve(alphas, 1e-12)
    back = replace(result, coefs=result.coefs / factor[:, None])
    assert_same_fit(weighted, weighted.solve(alphas, 1e-12), back)


def exponential_path(p):
    """A Lasso path with (3^p + 1)/2 segments (Mairal and Yu 2012, Complexity analysis of the Lasso path).

    One more observation and column at a time: y' = (y, 1), X' = [[X, 2 a y], [0, a]] with a small enough that
    the new column enters after the whole path of the others, which is then run through twice more.
    """
    X, y = np.array([[1.0]]), np.array([1.0])
    for _ in range(p - 1):
        knots = smallest_knot(X, y)
        a = 0.5 * min(1.0, knots / (2 * y @ y + 1))
        X = np.block([[X, 2 * a * y[:, None]], [np.zeros((1, X.shape[1])), np.array([[a]])]])
        y = np.append(y, 1.0)
    return X, y


def smallest_knot(X, y):
    """The smallest alpha at which the sign pattern changes, by the equations of its final pattern."""
    w = np.linalg.solve(X, y)
    inverse = np.linalg.inv(X.T @ X)
    slope = inverse @ np.sign(w)
    return float(np.min(np.where(w * slope > 0, w / slope, np.inf)))


@pytest.mark.parametrize("p", [2, 3, 4, 5])
@pytest.mark.parametrize("layout", ["F", "CSC int32"])
def test_adversarial_paths_of_exponentially_many_segments_are_solved(p, layout):
    X, y = exponential_path(p)
    problem = Problem(LAYOUTS[layout](X), y, fit_intercept=False)
    result = problem.solve(problem.alpha_max() * np.geomspace(1, 1e-10, 400), 1e-10)
    assert result.converged.all()
    assert np.all(problem.judged(result, dtype=np.longdouble).relative_gap <= 1.5e-10)  # rounding: cond(X) is 2e5
    assert result.n_iters.max() <= 60
    assert len({tuple(pattern) for pattern in np.sign(result.coefs).T}) > 2 * p  # no monotone path


def solved_on_pattern(X, y, alphas, coefs):
    """The solutions that have the signs of the coefs, in 50 digits, rounded to longdouble."""
    solutions = coefs.astype(np.longdouble)
    with mpmath.workdps(50):
        for k, alpha in enumerate(alphas):
            active = np.flatnonzero(coefs[:, k])
            if active.size:
                part, signs = mpmath.matrix(X[:, active]), mpmath.matrix(np.sign(coefs[active, k]))
                right = part.T * mpmath.matrix(y) - len(y) * mpmath.mpf(float(alpha)) * signs
                w = mpmath.lu_solve(part.T * part, right)
                solutions[active, k] = [np.longdouble(mpmath.nstr(value, 25)) for value in w]
    return solutions


def test_where_rounding_defeats_a_path_no_claim_is_made():
    X, y = exponential_path(8)  # cond(X) is 1e12, and the Gram matrix is singular in float64
    problem = Problem(X, y, fit_intercept=False)
    alphas = problem.alpha_max() * np.geomspace(1, 1e-12, 100)
    result = problem.solve(alphas, 1e-8)
    reference = replace(result, coefs=solved_on_pattern(X, y, alphas, result.coefs))  # for the best dual point
    truth = problem.judged(result, reference, dtype=np.longdouble).relative_gap
    assert 20 < result.converged.sum() < 100
    assert np.all(truth[result.converged] <= 1e-8)


@settings(max_examples=30, deadline=None)
@given(SEEDS, st.integers(2, 20), st.integers(1, 20), st.floats(0.05, 0.9))
@example(0, 5, 5, 0.01)
def test_sparse_and_dense_agree(seed, n, p, density):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, p)) * (rng.random((n, p)) < density)
    problem = Problem(X, rng.standard_normal(n))
    alphas = problem.grid(4, 0.02)
    expected = problem.solve(alphas, 1e-12)
    for layout in ("CSC int32", "CSC int64", "CSC not canonical"):
        stored = problem.stored(layout)
        assert_array_equal(dense(stored.X), X)
        assert_same_fit(problem, expected, stored.solve(alphas, 1e-12))


def test_row_formats_reach_the_same_solution():
    problem = gaussian(20, 8)
    X = problem.X * (np.abs(problem.X) > 0.5)
    expected = Lasso(alpha=0.1, tol=1e-12).fit(X, problem.y).coef_
    for form in (sparse.csr_matrix, sparse.csr_array, sparse.coo_matrix, sparse.csc_array):
        assert_allclose(Lasso(alpha=0.1, tol=1e-12).fit(form(X), problem.y).coef_, expected, atol=1e-8)
