"""What the contract of designs is checked with: a matrix with every kind of column, and Z in extended precision."""

from __future__ import annotations

import numpy as np
from numpy.testing import assert_allclose

from problems import dense

WEIGHTS = ("equal", "integer", "with zeros")


def example(n=13, p=9, seed=0):
    """A matrix with zeros, an empty column, a constant column and columns away from zero."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, p)) * (rng.random((n, p)) < 0.5)
    X[:, 1] = 0.0
    X[:, 2] = 3.0
    X[:, 3] = rng.standard_normal(n) + 10.0
    return X


def weights_of(kind, n, seed=1):
    rng = np.random.default_rng(seed)
    if kind == "integer":
        return rng.integers(1, 5, n).astype(float)
    if kind == "with zeros":
        return rng.integers(0, 3, n).astype(float) + np.eye(n)[0]
    return None


def exact(X, weights, fit_intercept, scale=None):
    """Z in extended precision, and means and standard deviations of the columns."""
    X = dense(X).astype(np.longdouble)
    s = np.ones(len(X)) if weights is None else weights
    s = s.astype(np.longdouble) / np.sum(s.astype(np.longdouble))
    mean = s @ X
    deviation = np.sqrt(s @ (X - mean) ** 2)
    Z = np.sqrt(s)[:, None] * (X - mean if fit_intercept else X)
    return (Z if scale is None else Z / scale), mean, deviation


def orthogonal_to(root, seed=2, rows=()):
    """A random vector (or rows of them) without a component along the root weights."""
    r = np.random.default_rng(seed).standard_normal((*rows, root.size)) * (root > 0)
    return r - np.outer(r @ root, root).reshape(r.shape)


def close(actual, desired):
    assert_allclose(actual, desired, rtol=1e-13, atol=1e-13)
