"""Block descent on a Gram matrix: what must hold however few sweeps it is given."""

from __future__ import annotations

import numpy as np
import pytest

from regularize.kernels import blocks

CASES = [(1, False), (1, True), (3, False)]  # targets, whether coefficients must not be negative


class BlockProblem:
    """60 features that depend on each other, all of them active, in blocks of five (of one for several targets)."""

    def __init__(self, n_targets, positive):
        rng = np.random.default_rng(0)
        X = rng.standard_normal((100, 60)) @ (0.3 * rng.standard_normal((60, 60)) + np.eye(60))
        coef = rng.standard_normal((60, n_targets))
        Y = X @ (np.abs(coef) if positive else coef) + rng.standard_normal((100, n_targets))
        self.gram, self.response, self.squared_target = X.T @ X, X.T @ Y, float(np.vdot(Y, Y))
        size = 5 if n_targets == 1 else 1
        self.starts = np.arange(0, 61, size, dtype=np.intp)
        self.lower, self.upper = np.full(60, 0.0 if positive else -np.inf), np.full(60, np.inf)
        self.norms = np.ones(60 // size)
        self.l1, self.l2 = np.full(60, 0.1 if n_targets == 1 else 0.0), np.zeros(60)
        correlations = np.sqrt(np.add.reduceat(np.square(self.response).sum(axis=1), self.starts[:-1]))
        self.alphas = float(correlations.max()) * np.array([0.1, 0.055, 0.03])

    def solve(self, max_iter, alphas, tolerance=0.0, start=0.0):
        """Coefficients (k, 60, T) after so many iterations per alpha, and the last ones' correlations."""
        coef = np.zeros_like(self.response) + start
        correlations = self.response - self.gram @ coef
        coefs, is_knot = np.zeros((len(alphas), *coef.shape)), np.zeros(len(alphas), dtype=np.uint8)
        n_iters = np.zeros(len(alphas), dtype=np.intp)
        penalty = self.starts, self.norms, self.l1, self.l2, self.lower, self.upper
        solver, done = blocks.BlockSolver(), 0
        while done < len(alphas):
            done = solver.solve_path(
                self.gram, self.response, *penalty, correlations, coef, self.squared_target, alphas,
                tolerance, max_iter, done, coefs, n_iters, is_knot, True,
            )  # fmt: skip
        return coefs, correlations

    def objective(self, coef, alpha):
        """By its definition, but for half of the squared target."""
        norms = np.sqrt(np.add.reduceat(np.square(coef).sum(axis=1), self.starts[:-1]))
        smooth = 0.5 * np.vdot(coef, self.gram @ coef) - np.vdot(self.response, coef)
        return smooth + alpha * (self.norms @ norms + self.l1 @ np.abs(coef).sum(axis=1))


@pytest.mark.parametrize(("n_targets", "positive"), CASES)
def test_no_iteration_raises_the_objective_or_leaves_the_bounds(n_targets, positive):
    problem = BlockProblem(n_targets, positive)
    start = problem.solve(1000, problem.alphas[:1], 1e-8 * problem.squared_target)[0]
    values = []
    for max_iter in range(25):
        (coef,), correlations = problem.solve(max_iter, problem.alphas[1:2], start=start[0])
        expected = problem.response - problem.gram @ coef
        np.testing.assert_allclose(correlations, expected, atol=1e-10 * np.abs(problem.response).max())
        assert np.all(coef >= problem.lower[:, np.newaxis])
        values.append(problem.objective(coef, problem.alphas[1]))
    assert np.all(np.diff(values) <= 1e-13 * problem.squared_target)


@pytest.mark.parametrize(("n_targets", "positive"), CASES)
def test_a_path_ends_where_fits_end(n_targets, positive):
    problem = BlockProblem(n_targets, positive)
    tolerance = 1e-14 * problem.squared_target
    for coef, alpha in zip(problem.solve(1000, problem.alphas, tolerance)[0], problem.alphas, strict=True):
        expected = problem.solve(1000, np.array([alpha]), tolerance)[0][0]
        np.testing.assert_allclose(coef, expected, atol=1e-5 * np.abs(expected).max())
