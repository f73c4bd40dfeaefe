"""The proximal gradient method agrees with the engine of groups and targets; and what must hold for any data holds.

The method shares nothing with the solvers. It minimises ``1/2 sum_i s_i ||y_i - ybar - W'(x_i - xbar)||^2 + penalty``
over W alone: weights sum to one, an intercept is centring, and standardisation a change of the columns' units.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy import sparse

from group_problems import GroupProblem, blocks_of, grouped, interleaved
from problems import Problem, dense
from regularize.proximal import Groups, prox_sparse_group, proximal_gradient

SEEDS = st.integers(0, 2**32 - 1)
TARGETS = st.sampled_from([1, 2, 4])
SIZES = st.lists(st.integers(1, 5), min_size=1, max_size=6)


# ------------------------------------------------------------------------------------ second opinion


class BlockPenalty:
    """All terms of the engine's penalty, alpha included, on coefficients of shape (p, T)."""

    def __init__(self, problem, alpha, scale):
        record = problem.penalty().at(alpha)
        self.l1, self.l2 = (values[:, np.newaxis] for values in (record.features.l1, record.features.l2))
        self.lower = (record.features.lower * scale)[:, np.newaxis]
        self.upper = (record.features.upper * scale)[:, np.newaxis]
        self.norm, self.labels = record.norm, problem.labels
        self.groups = Groups.from_labels(problem.labels)
        self.l2_of = np.array([self.l2[self.labels == g].max() for g in range(self.norm.size)])

    def value(self, x):
        if np.any((x < self.lower) | (x > self.upper)):
            return np.inf
        sizes = np.sqrt(np.bincount(self.labels, np.sum(x**2, axis=1)))
        return self.norm @ sizes + np.sum(self.l1 * np.abs(x)) + np.sum(self.l2 * x**2) / 2

    def prox(self, v, step):
        v = np.where((v < 0) & (self.lower == 0) | (v > 0) & (self.upper == 0), 0, v)
        l1, norm = (
            np.broadcast_to(step * self.l1 / (1 + step * self.l2), v.shape),
            step * self.norm / (1 + step * self.l2_of),
        )
        return np.clip(prox_sparse_group(v / (1 + step * self.l2), l1, norm, self.groups), self.lower, self.upper)


def second_opinion(problem: GroupProblem, alpha: float):
    """Coefficients (p, T) and intercepts (T,)."""
    X, Y = dense(problem.X), problem.y.reshape(len(problem.y), -1)
    s = np.ones(len(X)) if problem.weights is None else problem.weights
    s = s / s.sum()
    mean, level = (s @ X, s @ Y) if problem.fit_intercept else (np.zeros(X.shape[1]), np.zeros(Y.shape[1]))
    scale = np.sqrt(s @ (X - s @ X) ** 2) if problem.standardize else np.ones(X.shape[1])
    Z, z = (X - mean) / scale, Y - level

    def fun(w):
        residual = Z @ w - z
        return 0.5 * np.sum(s @ residual**2), Z.T @ (s[:, np.newaxis] * residual)

    penalty = BlockPenalty(problem, alpha, scale)
    result = proximal_gradient(fun, np.zeros((X.shape[1], Y.shape[1])), penalty, tol=1e-12, max_iter=100_000)
    assert result.converged
    coef = result.x / scale[:, np.newaxis]
    return coef, level - mean @ coef


N, UNEQUAL = 60, (1, 2, 5, 3, 4)
P, NORM = sum(UNEQUAL), np.array([1.0, 0.0, 2.0, np.inf, 1.5])
L1 = np.where(np.arange(P) % 7 == 3, np.inf, np.where(np.arange(P) % 2 == 0, 0.0, 0.2))
SIGNS = (np.where(np.arange(P) % 4 == 0, 0.0, -np.inf), np.where(np.arange(P) % 5 == 1, 0.0, np.inf))
WEIGHTS = np.random.default_rng(1).integers(0, 4, N).astype(float)
OPTIONS = {
    "plain": {},
    "norms": {"norm": NORM},
    "l1": {"l1": 0.3},
    "l1 of some": {"l1": L1},
    "l1 alone": {"norm": np.zeros(5), "l1": 0.5},
    "l2": {"l2": 0.7},
    "no intercept": {"fit_intercept": False},
    "weights": {"weights": WEIGHTS},
    "positive": {"bounds": (0.0, None)},
    "signs": {"bounds": SIGNS},
    "standardize": {"standardize": True},
    "together": {
        "norm": NORM,
        "l1": L1,
        "l2": 0.3,
        "weights": WEIGHTS,
        "bounds": SIGNS,
        "standardize": True,
    },
}


@pytest.mark.parametrize("form", [np.asarray, sparse.csc_matrix], ids=["dense", "sparse"])
@pytest.mark.parametrize("n_targets", [1, 3])
@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_the_proximal_gradient_method_agrees(options, n_targets, form):
    problem = interleaved(grouped(N, UNEQUAL, seed=3))
    X = problem.X * np.geomspace(0.5, 2, P) + 1.0
    problem = replace(problem, X=X, **options).with_targets(n_targets)
    alphas = problem.alpha_max() * np.array([0.5, 0.1])
    result = replace(problem, X=form(X)).solve(alphas, 1e-14)
    for k, alpha in enumerate(alphas):
        coef, intercept = second_opinion(problem, alpha)
        assert np.count_nonzero(coef)
        assert_allclose(blocks_of(result)[k], coef, rtol=0, atol=1e-7)
        assert_allclose(result.intercepts.reshape(n_targets, 2)[:, k], intercept, rtol=0, atol=1e-6)


@pytest.mark.parametrize("n_targets", [1, 3])
def test_the_proximal_gradient_method_agrees_with_more_features_than_samples(n_targets):
    problem = grouped(20, (4,) * 12, l1=0.2).with_targets(n_targets)
    alphas = problem.alpha_max() * np.array([0.5, 0.2])
    result = problem.solve(alphas, 1e-14)
    for k, alpha in enumerate(alphas):
        assert_allclose(blocks_of(result)[k], second_opinion(problem, alpha)[0], rtol=0, atol=1e-7)


# ------------------------------------------------------------------------------------ closed forms


@pytest.mark.parametrize(
    ("l1", "l2", "n_targets"),
    [(0.0, 0.0, 1), (0.5, 0.0, 1), (0.0, 0.4, 1), (0.5, 0.4, 1), (0.0, 0.0, 3), (0.0, 0.4, 3)],
)
def test_orthonormal_columns_are_thresholded_group_by_group(l1, l2, n_targets):
    problem = interleaved(grouped(40, UNEQUAL, l1=l1, l2=l2, fit_intercept=False)).with_targets(n_targets)
    X = np.linalg.qr(problem.X)[0] * np.sqrt(40)
    problem = replace(problem, X=X)
    result = problem.solve(problem.grid(6, 0.05), 1e-14)
    c = X.T @ problem.y.reshape(40, -1) / 40
    for k, alpha in enumerate(result.alphas):
        s = np.sign(c) * np.maximum(np.abs(c) - alpha * l1, 0)
        size = np.sqrt(np.bincount(problem.labels, np.sum(s**2, axis=1)))
        share = np.maximum(1 - alpha * problem.norms / np.where(size > 0, size, 1), 0) / (1 + alpha * l2)
        assert_allclose(blocks_of(result)[k], share[problem.labels][:, np.newaxis] * s, rtol=0, atol=1e-7)


@pytest.mark.parametrize("n_targets", [1, 3])
@pytest.mark.parametrize("shape", [(40, 6), (8, 12)], ids=["n > p", "n < p"])
def test_one_group_is_ridge_with_its_own_strength(shape, n_targets):
    n, p = shape
    problem = grouped(n, (p,)).with_targets(n_targets)
    result = problem.solve(problem.grid(6, 0.05)[1:], 1e-14)
    X, Y = problem.X - problem.X.mean(axis=0), problem.y.reshape(n, -1)
    for k, alpha in enumerate(result.alphas):
        w = blocks_of(result)[k]
        strength = alpha * np.sqrt(p) / np.linalg.norm(w)
        assert_allclose(w, np.linalg.solve(X.T @ X / n + strength * np.eye(p), X.T @ Y / n), rtol=0, atol=1e-7)


# ------------------------------------------------------------------------------------ equal problems


def assert_same_fit(problem, one, other, tol=1e-10):
    """Each is as good as the other, whatever the solution set."""
    assert np.all(problem.judged(one, reference=other).relative_gap <= tol)
    assert np.all(problem.judged(other, reference=one).relative_gap <= tol)


def problem_of(seed, sizes, n_targets=1, **options):
    n = int(np.random.default_rng(seed).integers(3, 30))
    return interleaved(grouped(n, sizes, seed, **options), seed).with_targets(n_targets, seed)


@settings(max_examples=40, deadline=None)
@given(SEEDS, st.integers(2, 25), st.sampled_from([0.0, 0.5]), st.booleans())
def test_groups_of_one_are_the_elastic_net(seed, p, l2, standardize):
    problem = problem_of(seed, (1,) * p, norm=np.ones(p), l2=l2, standardize=standardize)
    plain = Problem(problem.X, problem.y, l1_ratio=1 / (1 + l2), standardize=standardize)
    alphas = plain.grid(4, 0.05)
    one, other = problem.solve(alphas / (1 + l2), 1e-13), plain.solve(alphas, 1e-13)
    assert_same_fit(problem, one, replace(other, alphas=one.alphas))
    assert problem.alpha_max() == pytest.approx(plain.alpha_max() / (1 + l2), rel=1e-10)


@settings(max_examples=40, deadline=None)
@given(SEEDS, st.integers(2, 20), st.booleans(), st.booleans())
def test_groups_of_one_feature_and_an_excluded_one_are_the_lasso(seed, p, positive, standardize):
    """What the engine cannot tell from a group."""
    plain = problem_of(seed, (1,) * p, standardize=standardize)
    wide = np.column_stack([plain.X, np.random.default_rng(seed).standard_normal(plain.X.shape)])
    bounds = (0.0, None) if positive else None
    l1 = np.repeat([0.0, np.inf], p)
    problem = replace(plain, X=wide, labels=np.tile(np.arange(p), 2), norm=np.ones(p), l1=l1, bounds=bounds)
    lasso = Problem(plain.X, plain.y, standardize=standardize)
    lasso = replace(lasso, bounds=(np.zeros(p), np.full(p, np.inf))) if positive else lasso
    alphas = lasso.grid(4, 0.05)
    found, expected = problem.solve(alphas, 1e-13), lasso.solve(alphas, 1e-13)
    assert not found.coefs[p:].any()
    found = replace(found, coefs=found.coefs[:p])
    assert np.all(lasso.judged(found, reference=expected).relative_gap <= 1e-10)
    assert problem.alpha_max() == pytest.approx(lasso.alpha_max(), rel=1e-9)


@settings(max_examples=40, deadline=None)
@given(SEEDS, st.integers(1, 20), st.sampled_from([0.0, 3.0]))
def test_further_targets_that_are_constant_leave_the_lasso(seed, p, level):
    plain = problem_of(seed, (1,) * p)
    problem = replace(plain, y=np.column_stack([np.full(len(plain.y), level), plain.y]), norm=np.ones(p))
    lasso = Problem(plain.X, plain.y)
    alphas = lasso.grid(4, 0.05)
    found, expected = problem.solve(alphas, 1e-13), lasso.solve(alphas, 1e-13)
    assert_allclose(found.coefs[0], 0, rtol=0, atol=1e-12 * np.abs(expected.coefs).max())
    assert_allclose(found.intercepts[0], level, rtol=0, atol=1e-12 * (1 + np.abs(expected.coefs).max()))
    found = replace(found, coefs=found.coefs[1], intercepts=found.intercepts[1])
    assert np.all(lasso.judged(found, reference=expected).relative_gap <= 1e-10)


@settings(max_examples=30, deadline=None)
@given(SEEDS, SIZES, st.integers(2, 4), st.sampled_from([0.0, 0.5]), st.booleans())
def test_several_targets_are_the_group_lasso_of_the_stacked_problem(seed, sizes, n_targets, l2, unequal):
    """X once per target, weights of a T-th: the objective, and alpha, is a T-th."""
    norm = np.geomspace(0.5, 4, len(sizes)) if unequal else None
    problem = problem_of(seed, sizes, n_targets, norm=norm, l2=l2, fit_intercept=False)
    stacked = replace(
        problem,
        X=np.kron(np.eye(n_targets), problem.X),
        y=problem.y.T.ravel(),
        labels=np.tile(problem.labels, n_targets),
        norm=problem.norms,
    )
    alphas = problem.grid(4, 0.05)
    together, one = problem.solve(alphas, 1e-13), stacked.solve(alphas / n_targets, 1e-13)
    assert stacked.alpha_max() == pytest.approx(problem.alpha_max() / n_targets, rel=1e-9)
    unstacked = one.coefs.reshape(n_targets, problem.p, -1)
    assert_same_fit(problem, together, replace(together, coefs=unstacked))


@settings(max_examples=30, deadline=None)
@given(SEEDS, SIZES)
def test_groups_without_norm_are_their_features(seed, sizes):
    problem = problem_of(seed, sizes, norm=np.zeros(len(sizes)), l1=1.0)
    lasso = Problem(problem.X, problem.y)
    alphas = lasso.grid(4, 0.05)
    assert_same_fit(problem, problem.solve(alphas, 1e-13), lasso.solve(alphas, 1e-13))
    assert problem.alpha_max() == pytest.approx(lasso.alpha_max(), rel=1e-10)


@settings(max_examples=30, deadline=None)
@given(SEEDS, SIZES, st.integers(2, 4))
def test_targets_without_norm_are_fitted_one_by_one(seed, sizes, n_targets):
    problem = problem_of(seed, sizes, n_targets, norm=np.zeros(len(sizes)), l2=1.0)
    alphas = np.array([1.0, 0.1])
    found = problem.solve(alphas, 1e-13)
    singles = [Problem(problem.X, target, l1_ratio=0.0).solve(alphas, 1e-13).coefs for target in problem.y.T]
    assert_allclose(found.coefs, np.stack(singles), rtol=0, atol=1e-5 * np.abs(found.coefs).max())


# ------------------------------------------------------------------------------------ invariances


@settings(max_examples=40, deadline=None)
@given(SEEDS, SIZES, TARGETS, st.sampled_from([0.0, 0.5]), st.booleans())
def test_the_order_of_features_groups_and_rows_does_not_matter(seed, sizes, n_targets, l1, standardize):
    problem = problem_of(seed, sizes, n_targets, l1=l1, standardize=standardize)
    rng = np.random.default_rng(seed)
    rows, columns, names = (rng.permutation(size) for size in (len(problem.y), problem.p, len(sizes)))
    norm = np.empty(len(sizes))
    norm[names] = problem.norms
    moved = replace(
        problem, X=problem.X[np.ix_(rows, columns)], y=problem.y[rows], labels=names[problem.labels][columns], norm=norm
    )
    alphas = problem.grid(4, 0.05)
    plain, back = problem.solve(alphas, 1e-13), moved.solve(alphas, 1e-13)
    assert_same_fit(problem, plain, replace(back, coefs=back.coefs[..., np.argsort(columns), :]))
    assert moved.alpha_max() == pytest.approx(problem.alpha_max(), rel=1e-9)


@settings(max_examples=30, deadline=None)
@given(SEEDS, SIZES, st.integers(2, 4))
def test_the_order_of_targets_does_not_matter(seed, sizes, n_targets):
    problem = problem_of(seed, sizes, n_targets)
    order = np.random.default_rng(seed).permutation(n_targets)
    alphas = problem.grid(4, 0.05)
    plain, moved = problem.solve(alphas, 1e-13), replace(problem, y=problem.y[:, order]).solve(alphas, 1e-13)
    back = np.argsort(order)
    assert_same_fit(problem, plain, replace(moved, coefs=moved.coefs[back], intercepts=moved.intercepts[back]))


@settings(max_examples=30, deadline=None)
@given(SEEDS, SIZES, st.integers(2, 4), st.sampled_from([0.0, 0.5]))
def test_targets_may_be_rotated(seed, sizes, n_targets, l2):
    """Norms of blocks do not change with an orthogonal Q: Y Q has the coefficients W Q."""
    problem = problem_of(seed, sizes, n_targets, l2=l2)
    q, _ = np.linalg.qr(np.random.default_rng(seed).standard_normal((n_targets, n_targets)))
    alphas = problem.grid(4, 0.05)
    plain, turned = problem.solve(alphas, 1e-13), replace(problem, y=problem.y @ q).solve(alphas, 1e-13)
    coefs, intercepts = np.einsum("tu,upk->tpk", q, turned.coefs), q @ turned.intercepts
    assert_same_fit(problem, plain, replace(turned, coefs=coefs, intercepts=intercepts))


@settings(max_examples=30, deadline=None)
@given(SEEDS, SIZES, TARGETS, st.sampled_from([0.0, 0.5]), st.integers(-300, 300))
def test_the_fit_scales_with_the_responses(seed, sizes, n_targets, l1, exponent):
    """y c and alpha c give W c."""
    problem, c = problem_of(seed, sizes, n_targets, l1=l1), 2.0**exponent
    alphas = problem.grid(4, 0.05)
    plain, scaled = problem.solve(alphas), replace(problem, y=c * problem.y).solve(c * alphas)
    size = np.abs(plain.coefs).max()
    assert_allclose(scaled.coefs / c, plain.coefs, rtol=0, atol=1e-9 * size)
    assert_allclose(scaled.intercepts / c, plain.intercepts, rtol=0, atol=1e-8 * (1 + size))
    assert_allclose(scaled.dual_gaps / c / c, plain.dual_gaps, rtol=1e-3, atol=1e-12 * plain.tolerance * 1e10)


@settings(max_examples=30, deadline=None)
@given(SEEDS, SIZES, TARGETS, st.sampled_from([0.0, 0.5]), st.integers(-300, 300))
def test_the_fit_scales_with_the_data(seed, sizes, n_targets, l1, exponent):
    """X c and alpha c give W / c."""
    problem, c = problem_of(seed, sizes, n_targets, l1=l1), 2.0**exponent
    alphas = problem.grid(4, 0.05)
    plain, scaled = problem.solve(alphas), replace(problem, X=c * problem.X).solve(c * alphas)
    assert_allclose(scaled.coefs * c, plain.coefs, rtol=0, atol=1e-9 * np.abs(plain.coefs).max())


@settings(max_examples=30, deadline=None)
@given(SEEDS, SIZES, TARGETS, st.sampled_from([0.0, 0.5]))
def test_with_standardisation_the_scales_of_columns_do_not_matter(seed, sizes, n_targets, l1):
    problem = problem_of(seed, sizes, n_targets, l1=l1, standardize=True)
    c = 10.0 ** np.random.default_rng(seed).integers(-20, 21, problem.p)
    alphas = problem.grid(4, 0.05)
    plain, scaled = problem.solve(alphas, 1e-13), replace(problem, X=problem.X * c).solve(alphas, 1e-13)
    assert_same_fit(problem, plain, replace(scaled, coefs=scaled.coefs * c[:, np.newaxis]))


@settings(max_examples=30, deadline=None)
@given(SEEDS, SIZES, TARGETS, st.integers(-40, 40))
def test_the_norm_of_a_group_is_in_the_units_of_its_columns(seed, sizes, n_targets, exponent):
    """The columns of a group and its norm times c: coefficients / c."""
    problem = problem_of(seed, sizes, n_targets)
    c = np.ones(len(sizes))
    c[0] = 2.0**exponent
    each = c[problem.labels]
    alphas = problem.grid(4, 0.05)
    plain = problem.solve(alphas, 1e-13)
    scaled = replace(problem, X=problem.X * each, norm=problem.norms * c).solve(alphas, 1e-13)
    assert_same_fit(problem, plain, replace(scaled, coefs=scaled.coefs * each[:, np.newaxis]))


@settings(max_examples=40, deadline=None)
@given(SEEDS, SIZES, TARGETS, st.booleans(), st.booleans())
def test_an_integer_weight_is_a_repeated_row_and_zero_is_a_removed_one(seed, sizes, n_targets, standardize, is_sparse):
    problem = problem_of(seed, sizes, n_targets, standardize=standardize, l1=0.2)
    repeat = np.random.default_rng(seed).integers(0, 4, len(problem.y))
    repeat[:2] = 1
    X, y = np.repeat(problem.X, repeat, axis=0), np.repeat(problem.y, repeat, axis=0)
    form = sparse.csc_matrix if is_sparse else np.asarray
    weighted, repeated = (
        replace(problem, X=form(problem.X), weights=repeat.astype(float)),
        replace(problem, X=form(X), y=y),
    )
    assert weighted.alpha_max() == pytest.approx(repeated.alpha_max(), rel=1e-9)
    alphas = repeated.grid(4, 0.05)
    one, other = weighted.solve(alphas, 1e-13), repeated.solve(alphas, 1e-13)
    assert_same_fit(repeated, one, other)
    assert one.tolerance == pytest.approx(other.tolerance, rel=1e-9)


@settings(max_examples=30, deadline=None)
@given(SEEDS, SIZES, TARGETS)
def test_useless_columns_change_nothing(seed, sizes, n_targets):
    """Zero and constant columns in the groups, and a group of an excluded feature."""
    problem = problem_of(seed, sizes, n_targets)
    n = len(problem.y)
    X = np.column_stack([problem.X, np.zeros(n), np.full(n, 7.0), problem.X[:, 0]])
    labels = np.append(problem.labels, [0, problem.labels.max(), len(sizes)])
    wide = replace(problem, X=X, labels=labels, norm=np.append(problem.norms, np.inf))
    alphas = problem.grid(4, 0.05)
    plain, other = problem.solve(alphas, 1e-13), wide.solve(alphas, 1e-13)
    assert not other.coefs[..., problem.p :, :].any()
    assert_same_fit(problem, plain, replace(other, coefs=other.coefs[..., : problem.p, :]))


@settings(max_examples=30, deadline=None)
@given(SEEDS, SIZES, TARGETS)
def test_a_group_twice_shares_its_coefficients(seed, sizes, n_targets):
    """The objective of a repeated group is that of the group, in whatever way its coefficients are shared."""
    problem = problem_of(seed, sizes, n_targets, norm=np.ones(len(sizes)))
    again = problem.labels == 0
    twice = replace(
        problem,
        X=np.column_stack([problem.X, problem.X[:, again]]),
        labels=np.append(problem.labels, np.full(again.sum(), len(sizes))),
        norm=np.ones(len(sizes) + 1),
    )
    alphas = problem.grid(4, 0.05)
    plain, other = problem.solve(alphas, 1e-13), twice.solve(alphas, 1e-13)
    summed = other.coefs[..., : problem.p, :].copy()
    summed[..., again, :] += other.coefs[..., problem.p :, :]
    assert_same_fit(problem, plain, replace(other, coefs=summed))
