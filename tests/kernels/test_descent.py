"""Sweeps that keep the residual, dense and sparse, against the textbook loop."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import sparse

from regularize.kernels import descent

N, P = 60, 12


def problem(seed, density=1.0):
    rng = np.random.default_rng(seed)
    Z = rng.standard_normal((N, P)) * (rng.random((N, P)) < density)
    Z[:, 3] = 0.0
    l1, l2 = rng.choice([0.0, 1.0, 3.0], P), rng.choice([0.0, 1.0], P)
    lower, upper = rng.choice([-np.inf, -0.1, 0.0, 0.02], P), rng.choice([np.inf, 0.1, 0.05], P)
    start = np.clip(rng.standard_normal(P) * (rng.random(P) < 0.5), lower, upper)
    return Z, rng.standard_normal(N), {"l1": l1, "l2": l2, "lower": lower, "upper": upper}, start


def textbook_sweep(Z, y, penalty, alpha, coef, active_only):
    """argmin over w_j in turn of 1/2 ||y - Z w||^2 + alpha l1_j |w_j| + alpha/2 l2_j w_j^2 on its box."""
    coef, changes = coef.copy(), 0
    for j in range(coef.size):
        l1, l2 = alpha * penalty["l1"][j], alpha * penalty["l2"][j]
        if active_only and coef[j] == 0 and l1 > 0:
            continue
        bend = Z[:, j] @ Z[:, j]
        u = Z[:, j] @ (y - Z @ coef) + bend * coef[j]
        best = np.sign(u) * max(abs(u) - l1, 0) / (bend + l2) if bend + l2 > 0 else 0.0
        best = np.clip(best, penalty["lower"][j], penalty["upper"][j])
        changes += np.sign(best) != np.sign(coef[j])
        coef[j] = best
    return coef, changes


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("active_only", [False, True])
def test_a_dense_sweep_is_the_textbook_loop(seed, active_only):
    Z, y, penalty, start = problem(seed)
    expected, changes = textbook_sweep(Z, y, penalty, 2.0, start, active_only)
    coef, residual = start.copy(), y - Z @ start
    counted = descent.dense_sweep(
        Z=np.asfortranarray(Z),
        coef=coef,
        residual=residual,
        alpha=2.0,
        active_only=active_only,
        curvature=np.einsum("ij,ij->j", Z, Z),
        **penalty,
    )
    assert_allclose(coef, expected, rtol=1e-12, atol=1e-13)
    assert_allclose(residual, y - Z @ coef, rtol=1e-12, atol=1e-12)
    assert counted == changes


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("active_only", [False, True])
def test_a_sparse_sweep_centres_by_one_number(seed, active_only):
    S, y, penalty, start = problem(seed, density=0.3)
    root = np.full(N, N**-0.5)
    offsets = root @ S
    Z = S - np.outer(root, offsets)
    y = y - root * (root @ y)
    expected, changes = textbook_sweep(Z, y, penalty, 2.0, start, active_only)
    coef, residual = start.copy(), y - Z @ start
    csc = sparse.csc_matrix(S)
    counted, shift = descent.csc_sweep(
        data=csc.data,
        rows=csc.indices.astype(np.int64),
        indptr=csc.indptr.astype(np.int64),
        offsets=offsets,
        coef=coef,
        residual=residual,
        alpha=2.0,
        active_only=active_only,
        curvature=np.einsum("ij,ij->j", Z, Z),
        **penalty,
    )
    assert_allclose(coef, expected, rtol=1e-12, atol=1e-13)
    assert_allclose(residual + shift * root, y - Z @ coef, rtol=1e-12, atol=1e-12)
    assert counted == changes
