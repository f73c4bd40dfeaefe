"""Degrees of freedom of a penalised fit: the trace of the matrix that maps y to the fit while the pattern stays.

With the active columns Z_A (centred, weighted) and the diagonal D of their l2 terms this is

    trace[Z_A (Z_A'Z_A + D)^-1 Z_A'],

which for D = 0 is the rank of Z_A. Expectations of it are the degrees of freedom in the sense of Stein: Zou, Hastie and
Tibshirani (2007), Tibshirani and Taylor (2012), "Degrees of freedom in lasso problems". Columns have norms in [1, 2)
here, so that thresholds of rounding size are absolute.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh, eigvalsh
from scipy.linalg.lapack import dpotrf, dpotri

from regularize.design import Design
from regularize.penalties import Penalty
from regularize.solvers.problem import PathResult

Floats = NDArray[np.float64]
Columns = NDArray[np.intp]

FLAT = 1e-12  # an l2 term that rounding of the Gram matrix covers
INDEPENDENT = 1e-10  # share of a column's square that the columns before it leave
RANK = 1e-12  # share of the largest eigenvalue below which one is rounding
PANEL = 512  # columns that are dense at a time


def degrees_of_freedom(design: Design, penalty: Penalty, path: PathResult) -> Floats:
    """Degrees of freedom (k,) of the solutions along a path, the intercept not counted.

    Active is a coefficient strictly inside its bounds that is not zero or has no l1 term.
    """
    inside = (penalty.lower[:, np.newaxis] < path.coefs) & (path.coefs < penalty.upper[:, np.newaxis])
    free = np.outer(penalty.l1, path.alphas) == 0
    active = inside & ((path.coefs != 0) | free) & (design.norms > 0)[:, np.newaxis]
    l2 = penalty.in_units_of(design.scale, design.penalty_scale, 1.0).l2
    small = active.sum(axis=0) <= design.n_samples
    gram, places = _gram_of(design, np.flatnonzero(active[:, small].any(axis=1)))
    found = np.empty(path.alphas.size)
    for k, alpha in enumerate(path.alphas):
        columns = np.flatnonzero(active[:, k])
        ridge = alpha * l2[columns]
        ridge[ridge <= FLAT] = 0.0
        if small[k]:
            chosen = places[columns]
            found[k] = _trace_by_columns(gram[np.ix_(chosen, chosen)], ridge)
        else:
            found[k] = _trace_by_rows(design, columns, ridge)
    return found


def _gram_of(design: Design, columns: Columns) -> tuple[Floats, Columns]:
    """A Gram matrix that has the given columns, and the place (p,) of each column in it."""
    if design.has_gram:  # the solver has made it
        return design.gram, np.arange(design.n_features)
    places = np.zeros(design.n_features, dtype=np.intp)
    places[columns] = np.arange(columns.size)
    working = design.working_columns()
    working.append(columns)
    gram = np.empty((columns.size, columns.size))
    if columns.size:
        working.extend_gram(gram, 0)
    return gram, places


def _trace_by_columns(gram: Floats, ridge: Floats) -> float:
    """trace[G (G + D)^-1] = |A| - sum_j D_j [(G + D)^-1]_jj."""
    if not ridge.size:
        return 0.0
    factor, failed = dpotrf(gram + np.diag(ridge), lower=True)
    if failed or np.any(np.square(factor.diagonal()) <= INDEPENDENT * gram.diagonal()):
        return _trace_of_dependent(gram, ridge)
    if not ridge.any():
        return float(ridge.size)
    inverse, _ = dpotri(factor, lower=True)
    return float(ridge.size - ridge @ inverse.diagonal())


def _trace_of_dependent(gram: Floats, ridge: Floats) -> float:
    """The same when columns depend on each other: the rank of those without l2 term, and what the others add to it."""
    flat = ridge == 0
    values, vectors = _range(gram[np.ix_(flat, flat)])
    explained = (vectors / np.sqrt(values)).T @ gram[np.ix_(flat, ~flat)]
    rest = gram[np.ix_(~flat, ~flat)] - explained.T @ explained
    root = np.sqrt(ridge[~flat])
    return values.size + _shrunken(rest / root / root[:, np.newaxis])


def _trace_by_rows(design: Design, columns: Columns, ridge: Floats) -> float:
    """The same from (n, n) matrices, for more active features than rows."""
    flat = ridge == 0
    values, basis = _range(_outer_product(design, columns[flat], np.ones(int(flat.sum()))))
    kernel = _outer_product(design, columns[~flat], ridge[~flat])
    kernel -= basis @ (basis.T @ kernel)
    kernel -= (kernel @ basis) @ basis.T
    return values.size + _shrunken(kernel)


def _outer_product(design: Design, columns: Columns, ridge: Floats) -> Floats:
    """Z D^-1 Z' of some columns."""
    total = np.zeros((design.n_samples, design.n_samples))
    for first in range(0, columns.size, PANEL):
        part = slice(first, first + PANEL)
        working = design.working_columns()
        working.append(columns[part])
        Z = working.matrix(np.arange(columns[part].size, dtype=np.intp)) / np.sqrt(ridge[part])
        total += Z @ Z.T
    return total


def _range(matrix: Floats) -> tuple[Floats, Floats]:
    """The eigenvalues of a positive semidefinite matrix that are not rounding, and their eigenvectors."""
    if not matrix.size:
        return np.empty(0), np.empty((len(matrix), 0))
    values, vectors = eigh(matrix)
    kept = values > RANK * values[-1]
    return values[kept], vectors[:, kept]


def _shrunken(matrix: Floats) -> float:
    """sum e / (e + 1) over the eigenvalues."""
    if not matrix.size:
        return 0.0
    values = np.maximum(eigvalsh(matrix), 0.0)
    return float(np.sum(values / (values + 1.0)))
