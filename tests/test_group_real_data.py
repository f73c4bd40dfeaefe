"""On real data, whole paths of group penalties and of several targets are judged optimal."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import sparse

from data import load_or_skip
from group_problems import GroupProblem, blocks_of
from problems import dense


def bardet():
    """Expression of 20 genes, five splines each."""
    X, y, meta = load_or_skip("bardet")
    return GroupProblem(np.asfortranarray(X), y, meta["groups"])


def birthwt():
    """Eight groups of one to three columns."""
    X, y, meta = load_or_skip("birthwt")
    return GroupProblem(X, y, meta["groups"])


def bike():
    """Factors with all their levels, whose columns depend on each other, and seven numbers: 12 groups."""
    X, y, meta = load_or_skip("bike")
    return GroupProblem(X[::20], y[::20], meta["groups"])


def bike_with_interactions():
    """A thirteenth group of 168 columns."""
    X, y, meta = load_or_skip("bike", interactions=True)
    return GroupProblem(X[::20], y[::20], meta["groups"])


def bike_sparse():
    """The same zeros and ones, not stored where zero."""
    problem = bike_with_interactions()
    return replace(problem, X=sparse.csc_array(problem.X))


def riboflavin():
    """Genes in clusters of correlation: each gene not taken yet takes those that resemble it."""
    X, y, _ = load_or_skip("riboflavin")
    Z = ((X - X.mean(axis=0)) / X.std(axis=0)).astype(np.float32)
    resembles = np.abs(Z.T @ Z) / len(Z) > 0.75
    labels = np.full(X.shape[1], -1)
    for g, j in enumerate(np.argsort(-X.var(axis=0), kind="stable")):
        if labels[j] < 0:
            labels[resembles[j] & (labels < 0)] = g
    return GroupProblem(np.asfortranarray(X), y, np.unique(labels, return_inverse=True)[1])


def leukemia():
    """Neighbours on the chip in groups of ten, the last of nine."""
    X, y, _ = load_or_skip("leukemia")
    return GroupProblem(np.asfortranarray(X), np.asarray(y, dtype=np.float64), np.arange(X.shape[1]) // 10)


def digits():
    """Ten classes as ten targets, pixels of 256 as features."""
    X, y, _ = load_or_skip("zipcode")
    return GroupProblem(X[::10], np.eye(10)[np.asarray(y[::10], dtype=int)], np.arange(256))


def digits_by_rows():
    """Rows of pixels as groups."""
    return replace(digits(), labels=np.arange(256) // 16)


SETS = {
    f.__name__: f
    for f in (bardet, birthwt, bike, bike_with_interactions, bike_sparse, riboflavin, leukemia, digits, digits_by_rows)
}
PENALTIES = {"group": {}, "sparse group": {"l1": 0.3}, "group elastic net": {"l2": 0.3}}


@pytest.fixture(scope="module", params=list(SETS))
def problem(request):
    return SETS[request.param]()


@pytest.mark.parametrize("options", PENALTIES.values(), ids=PENALTIES)
def test_whole_paths_are_judged_optimal(problem, options):
    if "l1" in options and problem.n_targets > 1:  # which have none: other norms instead
        options = {"norm": problem.norms * np.geomspace(0.5, 2, problem.norms.size)}
    problem = replace(problem, **options)
    result = problem.solve(problem.grid(10, 0.05), 1e-10)
    assert result.converged.all()
    verdict = problem.judged(result)
    assert np.max(verdict.relative_gap) <= 1.01e-10
    assert np.all(verdict.gap <= result.dual_gaps * 1.01 + 1e-13 * result.tolerance / 1e-10)


def test_the_default_tolerance_is_kept_and_gaps_are_true(problem):
    result = problem.solve(problem.grid(10, 0.05), 1e-4)
    assert result.converged.all()
    assert np.all(problem.judged(result).relative_gap <= 1.01e-4)


def test_alpha_max_is_where_the_first_group_enters(problem):
    largest = problem.alpha_max()
    at, below = blocks_of(problem.solve([largest, 0.99 * largest], 1e-12))
    assert not at.any()
    entered = np.unique(problem.labels[below.any(axis=1)])
    assert 0 < entered.size < problem.norms.size


def test_standardized_paths_are_judged_optimal(problem):
    problem = replace(problem, standardize=True)
    result = problem.solve(problem.grid(5, 0.1), 1e-9)
    assert result.converged.all()
    assert np.max(problem.judged(result).relative_gap) <= 1.01e-9


def test_an_unpenalised_group_and_an_excluded_one(problem):
    norm = problem.norms.copy()
    norm[[0, 2]] = 0.0, np.inf
    problem = replace(problem, norm=norm)
    result = problem.solve(problem.grid(5, 0.1), 1e-9)
    assert result.converged.all()
    assert np.max(problem.judged(result).relative_gap) <= 1.01e-9
    assert not blocks_of(result)[:, problem.labels == 2].any()
    varies = dense(problem.X)[:, problem.labels == 0].std(axis=0) > 0
    assert np.all(blocks_of(result)[:, problem.labels == 0][:, varies].any(axis=2))


def test_sparse_factors_are_the_same_when_made_dense():
    one, other = bike_sparse(), bike_with_interactions()
    alphas = other.grid(5, 0.1)
    assert one.alpha_max() == pytest.approx(other.alpha_max(), rel=1e-10)
    found, expected = one.solve(alphas, 1e-11), other.solve(alphas, 1e-11)
    assert np.max(other.judged(found, reference=expected).relative_gap) <= 1e-10
    fitted = [other.X @ result.coefs + result.intercepts for result in (found, expected)]
    assert_allclose(*fitted, rtol=0, atol=1e-3 * np.std(other.y))


def test_single_precision_genes_give_nearly_the_same_model():
    problem = bardet()
    alphas = problem.grid(5, 0.1)
    single = replace(problem, X=problem.X.astype(np.float32))
    found, expected = single.solve(alphas, 1e-10), problem.solve(alphas, 1e-10)
    assert np.max(single.judged(found).relative_gap) <= 1.01e-10
    assert_allclose(found.coefs, expected.coefs, rtol=0, atol=1e-3 * np.abs(expected.coefs).max())
