"""Ridge within bounds for p > n, by Newton on the dual, against bounded least squares on the augmented matrix."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.optimize import lsq_linear

from regularize.design import make_design
from regularize.penalties import Penalty
from regularize.solvers.ridge import RidgeSolver

N, P = 12, 40
RNG = np.random.default_rng(0)
X = RNG.standard_normal((N, P)) + 2.0
Y = X[:, :5].sum(axis=1) + RNG.standard_normal(N)
BOXES = {
    "non-negative": (np.zeros(P), np.full(P, np.inf)),
    "around zero": (np.full(P, -0.1), np.full(P, 0.2)),
    "off zero": (np.full(P, 0.05), np.full(P, 0.3)),
    "some fixed": (np.where(np.arange(P) % 3, -np.inf, 0.1), np.where(np.arange(P) % 3, np.inf, 0.1)),
}


@pytest.mark.parametrize("box", BOXES)
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("weighted", [True, False])
def test_it_is_bounded_least_squares(box, fit_intercept, weighted):
    lower, upper = BOXES[box]
    weights = RNG.uniform(0.5, 2.0, N) if weighted else np.ones(N)
    factor, alphas = RNG.uniform(0.5, 2.0, P), np.array([[10.0], [0.1], [1e-4]])
    penalty = Penalty.elastic_net(P, 0.0, factor=factor, lower=lower, upper=upper)
    design = make_design(X, weights, fit_intercept=fit_intercept)
    found = RidgeSolver(design, Y[:, np.newaxis], penalty).path(alphas)
    assert found.converged.all()
    s = weights / weights.sum()
    Z = np.sqrt(s)[:, np.newaxis] * (X - fit_intercept * (s @ X))
    y = np.sqrt(s) * (Y - fit_intercept * (s @ Y))
    free = lower < upper
    for alpha, coef in zip(alphas[:, 0], found.coefs[:, 0], strict=True):
        rows = np.vstack([Z[:, free], np.diag(np.sqrt(alpha * factor[free]))])
        right = np.concatenate([y - Z[:, ~free] @ lower[~free], np.zeros(free.sum())])
        expected = lsq_linear(rows, right, (lower[free], upper[free]), method="bvls", tol=1e-14).x
        assert_allclose(coef[free], expected, atol=1e-7)
        assert_allclose(coef[~free], lower[~free])


def test_the_gap_is_that_of_the_objective():
    penalty, alpha = Penalty.elastic_net(P, 0.0, lower=np.zeros(P)), 0.05
    design = make_design(X)
    path = [RidgeSolver(design, Y[:, np.newaxis], penalty, max_iter=k).path(np.array([[alpha]])) for k in (1, 2, 50)]
    values = [0.5 * one.squared_errors[0, 0] + 0.5 * alpha * np.sum(one.coefs[0, 0] ** 2) for one in path]
    assert path[-1].dual_gaps[0, 0] < 1e-20
    for value, one in zip(values, path, strict=True):
        assert value - values[-1] <= one.dual_gaps[0, 0] + 1e-12
