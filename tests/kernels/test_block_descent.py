"""Sweeps over blocks of columns, dense and sparse, against the textbook loop, and what combining them must keep."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import sparse

from regularize.kernels.block_descent import BlockDescent

N, SIZES = 40, (3, 1, 5, 2, 4)
P, STARTS = sum(SIZES), np.concatenate([[0], np.cumsum(SIZES)]).astype(np.intp)
CLUSTER, FIRST = np.array([0, 0, 1, 1, 1], dtype=np.intp), np.array([0, 2, 5], dtype=np.intp)
ALPHA = 2.0


class Problem:
    """1/2 ||Y - Z W||^2 + alpha sum_g norm_g ||W_g||, from coefficients some of which are zero."""

    def __init__(self, seed, n_targets, density=1.0):
        rng = np.random.default_rng(seed)
        self.matrix = rng.standard_normal((N, P)) + 2.0 * rng.standard_normal((N, 1))
        self.matrix *= rng.random((N, P)) < density
        self.root_weights = np.full(N, N**-0.5) if density < 1.0 else np.zeros(N)
        self.offsets = self.root_weights @ self.matrix
        self.Z = np.asfortranarray(self.matrix - np.outer(self.root_weights, self.offsets))
        Y = rng.standard_normal((n_targets, N))
        self.Y = Y - np.outer(Y @ self.root_weights, self.root_weights)
        self.norm = np.sqrt(SIZES) * rng.choice([0.5, 1.5], len(SIZES))
        self.start = rng.standard_normal((P, n_targets)) * np.repeat([1.0, 0.0, 1.0, 0.0, 1.0], SIZES)[:, np.newaxis]
        self.blocks = [slice(a, b) for a, b in zip(STARTS, STARTS[1:], strict=False)]

    def descent(self):
        clusters = [self.Z[:, STARTS[a] : STARTS[b]] for a, b in zip(FIRST, FIRST[1:], strict=False)]
        grams = [part.T @ part for part in clusters]
        places = np.array([0, grams[0].size], dtype=np.intp)
        bends = np.array([np.linalg.norm(self.Z[:, block], 2) ** 2 for block in self.blocks])
        grams = np.concatenate([gram.ravel() for gram in grams])
        nothing, free = np.zeros(P), np.full(P, np.inf)
        clusters = STARTS, CLUSTER, FIRST, places, grams
        return BlockDescent(N, len(self.Y), ALPHA, *clusters, self.norm, bends, nothing, nothing, -free, free)

    def round(self, n_sweeps, combined, narrow=False, is_sparse=False, descent=None, coef=None):
        coef = (self.start if coef is None else coef).copy()
        start = self.Y - (self.Z @ coef).T
        residual, known, chosen = start.copy(), self.Z.T @ start.T, np.ones(len(SIZES), dtype=np.uint8)
        arguments = np.ascontiguousarray(known), chosen, start, coef, residual, n_sweeps, combined
        descent = self.descent() if descent is None else descent
        if is_sparse:
            csc = sparse.csc_array(self.matrix)
            indices = csc.indices.astype(np.int64), csc.indptr.astype(np.int64)
            descent.csc_round(csc.data, *indices, self.offsets, self.root_weights, *arguments)
        else:
            descent.dense_round(np.asfortranarray(self.Z, np.float32 if narrow else np.float64), *arguments)
        return coef, residual

    def textbook(self, coef):
        """One sweep, each block by proximal gradient steps to the end."""
        coef = coef.copy()
        for block, norm in zip(self.blocks, self.norm, strict=True):
            bend = np.linalg.norm(self.Z[:, block], 2) ** 2
            for _ in range(300):
                step = coef[block] + self.Z[:, block].T @ (self.Y.T - self.Z @ coef) / bend
                size = np.linalg.norm(step)
                coef[block] = max(1 - ALPHA * norm / bend / size, 0.0) * step if size > 0 else 0.0
        return coef

    def objective(self, coef):
        penalty = sum(norm * np.linalg.norm(coef[block]) for block, norm in zip(self.blocks, self.norm, strict=True))
        return 0.5 * np.sum((self.Y.T - self.Z @ coef) ** 2) + ALPHA * penalty


@pytest.mark.parametrize("n_targets", [1, 2, 5])
@pytest.mark.parametrize(("density", "is_sparse"), [(1.0, False), (0.4, False), (0.4, True)])
def test_sweeps_end_where_no_block_moves(n_targets, density, is_sparse):
    problem = Problem(n_targets, n_targets, density)
    coef, residual = problem.round(1000, True, is_sparse=is_sparse)
    assert_allclose(residual.T, problem.Y.T - problem.Z @ coef, atol=1e-11)
    assert_allclose(problem.textbook(coef), coef, atol=1e-8)


@pytest.mark.parametrize("n_targets", [1, 3])
@pytest.mark.parametrize("is_sparse", [False, True])
def test_combined_sweeps_never_raise_the_objective_and_carry_on_across_rounds(n_targets, is_sparse):
    problem = Problem(0, n_targets, 0.8)
    descent, coef = problem.descent(), problem.start
    values = [problem.objective(coef)]
    for _ in range(24):
        coef, residual = problem.round(1, True, is_sparse=is_sparse, descent=descent, coef=coef)
        assert_allclose(residual.T, problem.Y.T - problem.Z @ coef, atol=1e-11)
        values.append(problem.objective(coef))
    assert np.all(np.diff(values) <= 1e-12 * values[0])
    plain, _ = problem.round(24, False, is_sparse=is_sparse)
    assert problem.objective(plain) > values[-1]


def test_narrow_columns_lose_digits_of_the_change_alone():
    problem = Problem(0, 3)
    coef, _ = problem.round(200, True)
    moved, _ = problem.round(1, False, narrow=True, coef=coef)
    assert_allclose(moved, coef, atol=1e-7)
    assert_allclose(problem.round(200, True, narrow=True)[0], coef, atol=1e-4)


def test_arrays_of_other_shapes_are_refused():
    problem = Problem(0, 3)
    with pytest.raises(ValueError, match="another descent"):
        Problem(0, 2).round(1, False, descent=problem.descent())
