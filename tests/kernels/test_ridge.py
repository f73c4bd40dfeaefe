"""Ridge of a small matrix in one call."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from regularize.kernels import ridge

SHAPES = [(4, 30), (30, 4), (7, 7), (1, 5), (5, 1)]  # of Z: features, rows
ALPHAS = np.array([10.0, 0.3])


def answer(Z, targets, alphas, largest=1e8, trusted=1e-6):
    """Whether it was met, u, gaps and errors."""
    (p, n), t, k = Z.shape, len(targets), len(alphas)
    u, gaps, errors = np.full((k, t, p), np.nan), np.full((k, t), np.nan), np.full((k, t), np.nan)
    work, integers = np.full(ridge.space(p, n, t), np.nan), np.empty(min(p, n), dtype=np.intc)
    met = ridge.at_once(Z, targets, alphas, largest, trusted, u, gaps, errors, work, integers)
    return met, u, gaps, errors


def problem(p, n, t=3):
    rng = np.random.default_rng(p + n)
    return rng.standard_normal((p, n)), rng.standard_normal((t, n))


@pytest.mark.parametrize(("p", "n"), SHAPES)
def test_it_solves_the_normal_equations_and_says_what_is_left(p, n):
    Z, targets = problem(p, n)
    before = Z.copy()
    met, u, gaps, errors = answer(Z, targets, ALPHAS)
    assert met
    assert_array_equal(Z, before)
    for k, alpha in enumerate(ALPHAS):
        expected = np.linalg.solve(Z @ Z.T + alpha * np.eye(p), Z @ targets.T).T
        assert_allclose(u[k], expected, rtol=1e-12, atol=1e-13)
        assert_allclose(errors[k], np.square(targets - expected @ Z).sum(axis=1), rtol=1e-12)
        assert np.all((gaps[k] >= 0.0) & (gaps[k] < 1e-24))


def test_corrections_give_back_what_forming_the_matrix_has_lost():
    Z, targets = problem(5, 40)
    Z[1] = Z[0] + 1e-3 * Z[1]
    alpha = 1e-7
    met, u, _, _ = answer(Z, targets, np.array([alpha]))
    assert met
    stacked = np.vstack([Z.T, np.sqrt(alpha) * np.eye(5)])
    expected = np.linalg.lstsq(stacked, np.vstack([targets.T, np.zeros((5, 3))]))[0].T
    assert_allclose(u[0], expected, rtol=1e-11)


@pytest.mark.parametrize(("p", "n"), [(4, 30), (30, 4)])
@pytest.mark.parametrize(
    ("alphas", "largest", "trusted"),
    [([0.0], 1e8, 1.0), ([1e-12], 1e8, 1.0), ([10.0, 10.0], 1.0, 1.0), ([10.0], 1e8, 0.0), ([np.nan], 1e8, 1.0)],
    ids=["singular", "ill-conditioned", "any condition", "no correction is small enough", "no number"],
)
def test_what_it_does_not_meet_it_does_not_claim(p, n, alphas, largest, trusted):
    Z, targets = problem(p, n)
    Z[-1], Z[:, -1] = Z[0], Z[:, 0]
    assert not answer(Z, targets, np.array(alphas), largest, trusted)[0]


@pytest.mark.parametrize("name", ["targets", "u", "gaps", "errors", "work", "integers"])
def test_shapes_that_do_not_fit_are_refused(name):
    Z, targets = problem(4, 30)
    arrays = {
        "targets": targets,
        "u": np.empty((2, 3, 4)),
        "gaps": np.empty((2, 3)),
        "errors": np.empty((2, 3)),
        "work": np.empty(ridge.space(4, 30, 3)),
        "integers": np.empty(4, dtype=np.intc),
    }
    arrays[name] = np.ascontiguousarray(arrays[name][..., :-1])
    targets, u, gaps, errors, work, integers = arrays.values()
    with pytest.raises(ValueError, match="shapes do not fit"):
        ridge.at_once(Z, targets, ALPHAS, 1e8, 1e-6, u, gaps, errors, work, integers)
