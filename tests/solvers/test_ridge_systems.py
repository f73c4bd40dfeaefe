"""Shifted systems and eliminations against dense algebra: every way to a solution is the same solution."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.linalg import LinAlgError

from regularize.solvers.ridge.elimination import Elimination, independent
from regularize.solvers.ridge.shifted_system import FactoredSystem, ShiftedSystem

ALPHAS = np.array([10.0, 1e-3, 1.0, 0.0])


def factor(q, condition=1e3, seed=0):
    """R with singular values that fall evenly in logarithm to 1 / condition."""
    rng = np.random.default_rng(seed)
    left, right = (np.linalg.qr(rng.standard_normal((q, q)))[0] for _ in range(2))
    return left * np.geomspace(1, 1 / condition, q) @ right.T


def by_cholesky(matrix):
    return ShiftedSystem(matrix, n_alphas=1)


def by_tridiagonal(matrix):
    return ShiftedSystem(matrix, n_alphas=100)


def by_spectrum(matrix):
    system = ShiftedSystem(matrix, n_alphas=100)
    _ = system.spectrum
    return system


WAYS = (by_cholesky, by_tridiagonal, by_spectrum)


def solved(matrix, alphas, rhs):
    """(k, m, q) by LU factorisations."""
    q, each = len(matrix), np.broadcast_to(rhs, (alphas.size, *rhs.shape[-2:]))
    return np.stack([np.linalg.solve(matrix + a * np.eye(q), b.T).T for a, b in zip(alphas, each, strict=True)])


@pytest.fixture(params=WAYS, ids=lambda way: way.__name__)
def way(request):
    return request.param


@pytest.mark.parametrize("q", [1, 2, 3, 12])
@pytest.mark.parametrize("shape", [(3,), (1,), (0,), (4, 3)], ids=["three", "one", "none", "three per alpha"])
def test_every_way_solves_the_system(way, q, shape):
    R, rhs = factor(q), np.random.default_rng(1).standard_normal((*shape, q))
    matrix = R.T @ R
    before = matrix.copy()
    system = way(matrix)
    found = system.solve(ALPHAS, rhs)
    assert found.shape == (4, shape[-1], q)
    assert_allclose(found, solved(matrix, ALPHAS, rhs), rtol=1e-8, atol=1e-8)
    assert_allclose(system.solve(ALPHAS[1:2], rhs[1:2] if rhs.ndim == 3 else rhs), found[1:2], rtol=1e-8, atol=1e-12)
    assert_array_equal(matrix, before)


def test_a_system_without_equations_has_a_solution(way):
    system = way(np.zeros((0, 0)))
    assert system.solve(ALPHAS, np.zeros((2, 0))).shape == (4, 2, 0)
    assert_array_equal(system.condition(ALPHAS), 1.0)
    assert system.eigenvalues.shape == (0,)


@pytest.mark.parametrize("q", [2, 12])
def test_eigenvalues_and_condition_numbers_are_those_of_the_matrix(way, q):
    R = factor(q)
    system = way(R.T @ R)
    values = np.geomspace(1e-6, 1, q)
    assert_allclose(system.eigenvalues, values, rtol=1e-9)
    true = (1 + ALPHAS) / (1e-6 + ALPHAS)
    found = system.condition(ALPHAS)
    if way is by_cholesky:  # in the norm of column sums, of the matrix with a unit diagonal
        assert np.all((found >= 1) & (found <= q * true))
    else:
        assert_allclose(found, true, rtol=1e-8)
    assert system.reliable(ALPHAS, 1.0).all()
    assert not system.reliable(ALPHAS, 1e20).any()


@pytest.mark.parametrize("alpha", [10.0, 1e-3, 0.0])
def test_the_inverse_root_is_one(alpha, way):
    R = factor(6, 100.0)
    for system in (way(R.T @ R), FactoredSystem(R)):
        root = system.inverse_root(alpha)
        assert_allclose(root @ root.T @ (R.T @ R + alpha * np.eye(6)), np.eye(6), atol=1e-9)


def test_alphas_that_are_hard_for_the_whole_matrix_go_to_cholesky():
    """One reduction would lose the digits of small features, a scaled factor does not."""
    sizes = np.geomspace(1, 1e-7, 6)
    matrix = factor(6, 10.0).T @ factor(6, 10.0) * np.outer(sizes, sizes)
    rhs = np.random.default_rng(2).standard_normal((2, 6)) * sizes
    for way in (by_tridiagonal, by_spectrum):
        system, alphas = way(matrix), np.array([1.0, 1e-15])
        assert_array_equal(system.is_hard(alphas), [False, True])
        expected = solved(matrix.astype(float), alphas, rhs)
        assert_allclose(system.solve(alphas, rhs)[1] * sizes, expected[1] * sizes, rtol=1e-8, atol=1e-10)
        assert system.reliable(alphas, 1.0).all()


@pytest.mark.parametrize("matrix", [-np.eye(3), np.diag([1.0, 1.0, 0.0]), np.ones((3, 3))], ids=str)
def test_what_is_not_positive_definite_is_refused_and_never_reliable(matrix, way):
    system = way(matrix)
    assert_array_equal(system.reliable(np.array([0.0, 10.0]), 1.0), [False, True])
    assert system.condition(np.zeros(1)) > 1e15
    with pytest.raises(LinAlgError):
        system.solve(np.zeros(1), np.ones((1, 3)))


def test_what_is_not_finite_is_never_reliable(way):
    assert not way(np.array([[1.0, 0.0], [0.0, np.inf]])).reliable(ALPHAS, 1.0).any()


# -------------------------------------------------------------------------------- by a factor


@pytest.mark.parametrize("q", [0, 1, 12])
@pytest.mark.parametrize("spread", [1.0, 1e10], ids=["even", "uneven"])
@pytest.mark.parametrize("shape", [(3,), (4, 3)])
def test_a_factored_system_is_that_of_its_gram_matrix(q, spread, shape):
    R = factor(q, 10.0) * np.geomspace(1, spread, q) if q else np.zeros((0, 0))
    rhs = np.random.default_rng(1).standard_normal((*shape, q)) @ R
    system, matrix = FactoredSystem(R), R.T @ R
    sizes = np.sqrt(np.diagonal(matrix))
    assert_allclose(system.solve(ALPHAS, rhs) * sizes, solved(matrix, ALPHAS, rhs) * sizes, rtol=1e-7, atol=1e-9)
    assert system.reliable(ALPHAS, 1e300).all()
    assert not system.is_hard(ALPHAS).any()


def test_with_a_factor_corrections_converge_where_its_gram_matrix_has_lost_the_problem():
    """The method of seminormal equations: residuals come from R, not from R'R."""
    R, truth = factor(6, 1e9), np.arange(1.0, 7)
    alpha, y = np.array([1e-17]), R @ truth
    system, found = FactoredSystem(R), np.zeros(6)
    for _ in range(3):
        slope = R.T @ (y - R @ found) - alpha[0] * found
        found += system.solve(alpha, slope[np.newaxis])[0, 0]
    _, values, right = np.linalg.svd(R)
    assert_allclose(found, right.T @ (values**2 / (values**2 + alpha) * (right @ truth)), rtol=1e-6)
    assert system.condition(alpha)[0] == pytest.approx(1 / np.sqrt(1e-18 + 1e-17), rel=1e-6)
    assert not by_cholesky(R.T @ R).reliable(alpha, 1.0).any()


@pytest.mark.parametrize("spread", [1.0, 1e5], ids=["even", "uneven"])
def test_directions_of_rounding_size_are_left_out(spread):
    """What remains without a penalty is the smallest solution."""
    R = factor(6) * np.geomspace(1, spread, 6)
    R[:, 5] = R[:, 0] + R[:, 1]
    truth = np.arange(1.0, 7)
    found = FactoredSystem(R).solve(np.zeros(1), (R.T @ (R @ truth))[np.newaxis])[0, 0]
    assert_allclose(found, np.linalg.pinv(R, rcond=1e-12) @ (R @ truth), rtol=1e-5)


def test_a_factor_of_zeros_has_a_solution():
    assert_array_equal(FactoredSystem(np.zeros((3, 3))).solve(np.array([0.0]), np.zeros((1, 3))), np.zeros((1, 1, 3)))
    assert_array_equal(FactoredSystem(np.zeros((3, 3))).condition(ALPHAS), 1.0)


# -------------------------------------------------------------------------------- elimination


@pytest.mark.parametrize("f", [0, 1, 4])
@pytest.mark.parametrize("shape", [(), (3,), (2, 3)], ids=str)
def test_what_is_eliminated_comes_back(f, shape):
    q, rng = 5, np.random.default_rng(3)
    Z = rng.standard_normal((20, f + q))
    gram, rhs = Z.T @ Z, rng.standard_normal((*shape, f + q))
    expected = np.linalg.solve(gram + np.diag([0.0] * f + [0.7] * q), rhs.reshape(-1, f + q).T).T.reshape(rhs.shape)
    own = Elimination.of_gram(gram[:f, :f], gram[:f, f:])
    assert own.size == f
    reduced, kept = own.reduce(rhs[..., f:], rhs[..., :f])
    left = gram[f:, f:] - own.crossed.T @ own.crossed + 0.7 * np.eye(q)
    u = np.linalg.solve(left, reduced.reshape(-1, q).T).T.reshape(reduced.shape)
    assert_allclose(u, expected[..., f:], rtol=1e-9, atol=1e-12)
    assert_allclose(own.back(u, kept), expected[..., :f], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("columns", [np.ones((9, 2)), np.zeros((9, 1)), np.c_[np.arange(9.0), 1e-9 * np.ones(9)]])
def test_features_that_depend_on_each_other_or_are_rounding_cannot_be_eliminated(columns):
    with pytest.raises(LinAlgError):
        Elimination.of_gram(columns.T @ columns, np.zeros((columns.shape[1], 3)))


def test_as_many_columns_are_independent_as_the_rank():
    rng = np.random.default_rng(4)
    Z = rng.standard_normal((20, 6)) * [1, 1e5, 1e-5, 1, 1, 1]
    Z[:, 3] = Z[:, 0] - 1e-5 * Z[:, 1]
    Z[:, 4] = 0.0
    chosen = independent(np.linalg.qr(Z, mode="r"))
    assert_array_equal(chosen, np.sort(chosen))
    assert chosen.size == np.linalg.matrix_rank(Z[:, chosen] / np.linalg.norm(Z[:, chosen], axis=0)) == 4
    assert 4 not in chosen
    assert independent(np.zeros((0, 0))).size == 0
