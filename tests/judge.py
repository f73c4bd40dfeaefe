"""An independent judge of elastic-net solutions: objective, violation, and a certified duality gap.

The problem, in the user's units and with ``sum_i s_i = 1``:

    minimise over b, w :  1/2 sum_i s_i (y_i - b - x_i'w)^2
                          + alpha sum_j l1_j |w_j| + alpha/2 sum_j l2_j w_j^2
    subject to            lower_j <= w_j <= upper_j

Nothing is imported from the package: a solver does not mark its own work.

    verdict = judge(X, y, alpha, coef, intercept, l1_ratio=0.5)
    assert verdict.relative_gap <= 1e-10

A whole path is judged at once: ``alpha`` of shape (k,), ``coef`` (p, k), ``intercept`` (k,) or None.

Design notes
------------
a. Rows are scaled by ``sqrt(s_i)`` and, with an intercept, columns and y are centred at their weighted means:
   ``A = S^(1/2) Xc``, ``z = S^(1/2) yc``, ``r = z - A w`` and ``c = A'r`` are plain vectors. Any multiple of
   ``r`` is orthogonal to ``sqrt(s)``, so it is feasible for the intercept. A returned intercept ``b`` costs
   ``(b - b*)^2 / 2`` more than the best one, ``b* = ybar - xbar'w``; the gap contains that excess.
b. For *every* feasible ``theta``, gap(theta) = ||r - theta||^2 / 2 + sum_j FY_j, with Fenchel-Young terms
   ``FY_j = pen_j(w_j) + pen_j^*(a_j'theta) - w_j a_j'theta >= 0``. All terms are non-negative and each is
   computed without subtracting large numbers, so gaps far below ``eps * objective`` still mean something.
c. ``theta = t d``. The direction ``d`` is the residual projected to be orthogonal to unpenalised columns (and
   into the cone of those with one bound). The gap is convex in ``t``; its slope is brought to zero.
d. ``dtype=np.longdouble`` computes everything in extended precision and range (slowly: no BLAS).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import optimize, sparse

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class Verdict:
    """What is true of the coefficients: floats for one alpha, arrays of shape (k,) for a path.

    objective : value of the objective at (b, w); inf outside the bounds.
    violation : largest distance of minus the gradient to the subdifferential of penalty and bounds, each in
        units of ``max(alpha l1_j, ||x_j|| ||y||)`` (norms weighted, centred with an intercept).
    gap : duality gap at (b, w), an upper bound of ``objective - optimum``.
    relative_gap : gap / sum_i s_i (y_i - ybar)^2, with ybar = 0 without an intercept.
    """

    objective: Any
    violation: Any
    gap: Any
    relative_gap: Any


@dataclass(frozen=True)
class Design:
    """``A = S^(1/2) (X - 1 mean')``: dense matrices are centred explicitly, sparse ones implicitly."""

    matrix: Any  # S^(1/2) X, already centred if dense
    root: Array  # (n,) sqrt(s)
    mean: Array  # (p,) weighted column means; zero without an intercept

    def predict(self, coef: Array) -> Array:
        """A w, for one or several w."""
        fitted = self.matrix @ coef
        if sparse.issparse(self.matrix):
            fitted = fitted - np.multiply.outer(self.root, self.mean @ coef)
        return fitted

    def correlations(self, residual: Array) -> Array:
        """A'r, for one or several r."""
        products = self.matrix.T @ residual
        if sparse.issparse(self.matrix):
            products = products - np.multiply.outer(self.mean, self.root @ residual)
        return products

    def columns(self, which: Array) -> Array:
        """Some columns of A as a dense matrix."""
        if not sparse.issparse(self.matrix):
            return self.matrix[:, which]
        return self.matrix[:, which].toarray() - np.outer(self.root, self.mean[which])

    def norms(self) -> Array:
        """Euclidean norms of the columns of A."""
        if not sparse.issparse(self.matrix):
            return np.sqrt(np.einsum("ij,ij->j", self.matrix, self.matrix))
        # On the stored entries (x - mean)^2 s; elsewhere mean^2 s: no cancellation.
        matrix = self.matrix.tocsc()
        column = np.repeat(np.arange(matrix.shape[1]), np.diff(matrix.indptr))
        root = self.root[matrix.indices]
        stored = np.zeros_like(self.mean)
        np.add.at(stored, column, (matrix.data - root * self.mean[column]) ** 2)
        weight = np.zeros_like(self.mean)
        np.add.at(weight, column, root**2)
        return np.sqrt(stored + np.maximum(np.sum(self.root**2) - weight, 0) * self.mean**2)


@dataclass(frozen=True)
class Penalty:
    """``a_j |w| + b_j w^2 / 2`` on ``[lower_j, upper_j]``; alpha is already inside ``a`` and ``b``."""

    a: Array
    b: Array
    lower: Array
    upper: Array

    def at(self, alpha: Any) -> Penalty:
        """The record times alpha."""
        return Penalty(alpha * self.a, alpha * self.b, self.lower, self.upper)

    def restrict(self, which: Array) -> Penalty:
        """The record of some of the features."""
        return Penalty(self.a[which], self.b[which], self.lower[which], self.upper[which])

    def is_feasible(self, w: Array) -> bool:
        """Finite and inside the bounds."""
        return bool(np.all(np.isfinite(w) & (w >= self.lower) & (w <= self.upper)))

    def value(self, w: Array) -> Any:
        """sum_j a_j |w_j| + b_j w_j^2 / 2."""
        return np.sum(self.a * np.abs(w) + 0.5 * self.b * w * w)

    def conjugate_point(self, c: Array) -> Array:
        """The maximiser of ``c v - pen(v)`` within the bounds: the slope of the conjugate, or infinite."""
        soft = np.sign(c) * np.maximum(np.abs(c) - self.a, 0)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            point = np.where(soft == 0, 0, soft / self.b)
        return np.clip(point, self.lower, self.upper)

    def fenchel_young(self, c: Array, w: Array) -> Array:
        """pen(w) + pen^*(c) - c w, term by term, each computed as a sum of non-negative parts.

        With v the maximiser, s a subgradient of |.| at v and ``normal = c - b v - a s`` in the normal cone of
        the bounds, the term is ``b (w - v)^2 / 2 + a (|w| - s w) + normal (v - w)``.
        """
        v = self.conjugate_point(c)
        with np.errstate(divide="ignore", invalid="ignore"):
            at_zero = np.where(self.a > 0, np.clip(c / self.a, -1, 1), 0)
            s = np.where(v == 0, at_zero, np.sign(v))
            at_bound = (v == self.lower) | (v == self.upper)
            normal = np.where(at_bound, np.abs(c - self.b * v - self.a * s) * np.abs(v - w), 0)
            terms = 0.5 * self.b * (w - v) ** 2 + self.a * (np.abs(w) - s * w) + normal
        return np.where(np.isfinite(v), terms, np.inf)

    def distance(self, c: Array, w: Array) -> Array:
        """Distance of ``c`` (minus the gradient) to the subdifferential of penalty and bounds at ``w``."""
        slope = c - self.b * w
        low = np.where(w == 0, -self.a, self.a * np.sign(w))
        high = np.where(w == 0, self.a, self.a * np.sign(w))
        low = np.where(w <= self.lower, -np.inf, low)
        high = np.where(w >= self.upper, np.inf, high)
        return np.maximum(np.maximum(low - slope, slope - high), 0)


def judge(
    X: Any,
    y: Any,
    alpha: Any,
    coef: Any,
    intercept: Any = None,
    *,
    l1_ratio: float = 1.0,
    l1: Any = None,
    l2: Any = None,
    penalty_factor: Any = None,
    bounds: tuple[Any, Any] | None = None,
    sample_weight: Any = None,
    fit_intercept: bool | None = None,
    standardize: bool = False,
    reference: Any = None,
    dtype: Any = np.float64,
) -> Verdict:
    """Judge coefficients, of one alpha or of a path.

    The penalty is ``l1 = l1_ratio``, ``l2 = 1 - l1_ratio`` (or the arrays ``l1``, ``l2``), times
    ``penalty_factor`` (0: unpenalised, inf: excluded). ``standardize``: it acts on ``w_j`` times the weighted
    standard deviation of column j. ``bounds = (lower, upper)`` are in the user's units. The model has an
    intercept if one is given, or if ``fit_intercept`` is True: then the best one for ``coef`` is meant.

    The gap is what ``coef`` alone can prove. ``reference``, other coefficients of the same shape, gives a
    second dual point from their residual, and the smaller gap counts: optimal ones make it the suboptimality.
    """
    has_intercept = intercept is not None if fit_intercept is None else fit_intercept
    design, z, y_mean = weighted_and_centred(X, y, sample_weight, has_intercept, dtype)
    norms = design.norms()
    scale = standard_deviations(X, sample_weight, dtype) if standardize else np.ones_like(norms)
    penalty = _penalty(scale, l1_ratio, l1, l2, penalty_factor, bounds, dtype)

    alphas = np.atleast_1d(np.asarray(alpha, dtype=dtype))
    coefs = np.asarray(coef, dtype=dtype).reshape(norms.size, alphas.size)
    best = y_mean - design.mean @ coefs
    excess = np.zeros_like(best) if intercept is None else np.ravel(intercept).astype(dtype) - best
    residuals = z[:, None] - design.predict(coefs)
    correlations = design.correlations(residuals)
    directions = _Directions(design)
    others = None if reference is None else z[:, None] - design.predict(np.reshape(reference, coefs.shape))

    null = z @ z
    rows = []
    for k in range(alphas.size):
        at, w, r, c = penalty.at(alphas[k]), coefs[:, k], residuals[:, k], correlations[:, k]
        if not at.is_feasible(w) or not np.all(np.isfinite(c)):
            rows.append((np.inf, np.inf, np.inf))
            continue
        objective = 0.5 * (r @ r) + 0.5 * excess[k] ** 2 + at.value(w)
        gap = _smallest_gap(at, w, r, *directions(at, r, c))
        if others is not None:
            gap = min(gap, _smallest_gap(at, w, r, *directions(at, others[:, k])))
        gap += 0.5 * excess[k] ** 2
        violation = _violation(at, w, c - design.mean * excess[k], norms * np.sqrt(null))
        if excess[k] != 0:
            violation = max(violation, np.abs(excess[k]) / np.sqrt(null + y_mean**2))
        rows.append((objective, violation, gap))
    objectives, violations, gaps = (np.array(column, dtype=dtype) for column in zip(*rows, strict=True))
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = np.where(gaps == 0, 0, gaps / null)
    if np.ndim(alpha) == 0:
        return Verdict(objectives[0], violations[0], gaps[0], relative[0])
    return Verdict(objectives, violations, gaps, relative)


def weighted_and_centred(X: Any, y: Any, sample_weight: Any, centre: bool, dtype: Any) -> tuple[Design, Array, Any]:
    """A = S^(1/2) Xc, z = S^(1/2) yc, and the weighted mean of y (0 without an intercept)."""
    y = np.ravel(y).astype(dtype)
    s = _normalised(sample_weight, y.size, dtype)
    root = np.sqrt(s)
    X = X.tocsc().astype(dtype) if sparse.issparse(X) else np.array(X, dtype=dtype)
    mean = np.ravel(X.T @ s) if centre else np.zeros(X.shape[1], dtype=dtype)
    y_mean = s @ y if centre else dtype(0)
    if sparse.issparse(X):
        X.sum_duplicates()
        X.data *= root[X.indices]
    else:
        X -= mean
        X *= root[:, None]
    return Design(X, root, mean), root * (y - y_mean), y_mean


def _normalised(sample_weight: Any, n: int, dtype: Any) -> Array:
    weights = np.ones(n) if sample_weight is None else np.asarray(sample_weight)
    weights = weights.astype(dtype)
    return weights / np.sum(weights)


def standard_deviations(X: Any, sample_weight: Any, dtype: Any) -> Array:
    """Weighted standard deviations about the mean (ddof 0), intercept or not; 1 for constant columns."""
    design, _, _ = weighted_and_centred(X, np.zeros(X.shape[0]), sample_weight, True, dtype)
    deviations = design.norms()
    return np.where(deviations > 10 * np.finfo(dtype).eps * np.abs(design.mean), deviations, 1)


def _penalty(
    scale: Array, l1_ratio: float, l1: Any, l2: Any, factor: Any, bounds: tuple[Any, Any] | None, dtype: Any
) -> Penalty:
    p = scale.size
    low, high = (None, None) if bounds is None else bounds
    lower = np.full(p, -np.inf if low is None else low, dtype=dtype)
    upper = np.full(p, np.inf if high is None else high, dtype=dtype)
    factor = np.full(p, 1 if factor is None else factor, dtype=dtype)
    excluded = np.isinf(factor)
    factor[excluded], lower[excluded], upper[excluded] = 0, 0, 0
    l1 = np.full(p, l1_ratio if l1 is None else l1, dtype=dtype)
    l2 = np.full(p, 1 - dtype(l1_ratio) if l2 is None else l2, dtype=dtype)
    return Penalty(factor * l1 * scale, factor * l2 * scale**2, lower, upper)


class _Directions:
    """The direction of the dual point: the residual, made feasible for columns that carry no penalty."""

    def __init__(self, design: Design) -> None:
        self._design = design
        self._bases: dict[bytes, Array] = {}  # orthonormal bases of free columns: one per set of them

    def __call__(self, penalty: Penalty, r: Array, c: Array | None = None) -> tuple[Array, Array]:
        """Direction d and A'd, cleared of rounding where feasibility is known by construction; c is A'r."""
        flat = (penalty.a == 0) & (penalty.b == 0)
        above, below = flat & np.isinf(penalty.upper), flat & np.isinf(penalty.lower)
        if not np.any(above | below):
            return r, self._design.correlations(r) if c is None else c
        free, half = above & below, above ^ below
        basis = self._basis(free)
        d = _off(basis, r)
        if np.any(half):
            d = self._into_cone(basis, d, half, np.where(above, 1.0, -1.0)[half])
        if d @ d <= (1e3 * np.finfo(d.dtype).eps) ** 2 * (r @ r):
            d = np.zeros_like(d)  # rounding, whose direction is not feasible; zero is
        c = self._design.correlations(d)
        c[free] = 0
        c[above & half] = np.minimum(c[above & half], 0)
        c[below & half] = np.maximum(c[below & half], 0)
        return d, c

    def _basis(self, free: Array) -> Array:
        key = free.tobytes()
        if key not in self._bases:
            self._bases[key] = _orthonormal(self._design.columns(np.flatnonzero(free)))
        return self._bases[key]

    def _into_cone(self, basis: Array, d: Array, half: Array, sign: Array) -> Array:
        """Project ``d`` so that the columns with one bound have ``sign * a_j'd <= 0``; zero if that fails."""
        columns = self._design.columns(np.flatnonzero(half)) * sign
        reduced = np.column_stack([_off(basis, column) for column in columns.T])
        sizes = np.linalg.norm(reduced.astype(np.float64), axis=0)
        used = np.flatnonzero(sizes > 1e-12 * np.linalg.norm(columns.astype(np.float64), axis=0))
        length = np.sqrt(d @ d)
        if used.size == 0 or length == 0:
            return d
        unit_columns, unit_d = reduced[:, used] / sizes[used], d / length
        try:
            multipliers, _ = optimize.nnls(unit_columns.astype(np.float64), unit_d.astype(np.float64))
        except RuntimeError:
            return np.zeros_like(d)
        support = used[multipliers > 0]
        projected = _off(_orthonormal(reduced[:, support]), d)
        excess = np.max(unit_columns.T @ projected)
        # Rounding is forgiven, a wrong support is not: theta = 0 is always feasible.
        return projected if excess <= 1e-11 * np.sqrt(projected @ projected) else np.zeros_like(d)


def _orthonormal(columns: Array) -> Array:
    """Orthonormal basis of the span by Gram-Schmidt; dependent columns are dropped."""
    basis = np.empty((columns.shape[0], 0), dtype=columns.dtype)
    for column in columns.T:
        rest = _off(basis, column)
        length = np.sqrt(rest @ rest)
        if length > 1e3 * np.finfo(columns.dtype).eps * np.sqrt(column @ column):
            basis = np.column_stack([basis, rest / length])
    return basis


def _off(basis: Array, vector: Array) -> Array:
    """The part of the vector orthogonal to the basis; repeated, so that a small rest is orthogonal too."""
    for _ in range(3):
        vector = vector - basis @ (basis.T @ vector)
    return vector


def _smallest_gap(penalty: Penalty, w: Array, r: Array, d: Array, c: Array) -> Any:
    """Minimum over t of the gap at ``theta = t d``; any feasible t is valid, the best is tight."""
    # Without l2 and without a bound, the conjugate is finite only up to a_j: that limits t.
    hard_up = (penalty.b == 0) & np.isinf(penalty.upper)
    hard_down = (penalty.b == 0) & np.isinf(penalty.lower)
    limited = (hard_up & (c > 0)) | (hard_down & (c < 0))
    with np.errstate(over="ignore"):
        largest = np.min(penalty.a[limited] / np.abs(c[limited]), initial=np.inf)
    used = (w != 0) | ~(hard_up & hard_down)  # elsewhere the term is zero for every t up to the largest
    penalty, w, c = penalty.restrict(used), w[used], c[used]
    hard_up, hard_down = hard_up[used], hard_down[used]

    def scaled(t: Any) -> Array:
        # t <= largest makes these feasible; the clip removes the rounding of t * c.
        point = t * c
        point = np.where(hard_up, np.minimum(point, penalty.a), point)
        return np.where(hard_down, np.maximum(point, -penalty.a), point)

    def gap(t: Any) -> Any:
        apart = r - t * d
        return 0.5 * (apart @ apart) + np.sum(penalty.fenchel_young(scaled(t), w))

    def slope(t: Any) -> Any:
        return d @ (t * d - r) + np.sum(c * (penalty.conjugate_point(scaled(t)) - w))

    candidates = {0.0, min(1.0, largest), _zero_of(slope, largest)}
    if np.isfinite(largest):
        candidates.add(largest)
    return min(gap(t) for t in candidates)


def _zero_of(slope: Callable[[Any], Any], largest: Any) -> Any:
    """The zero of a non-decreasing function on [0, largest], or the end of the interval nearest to it."""
    if slope(0.0) >= 0:
        return 0.0
    high = min(1.0, largest)
    while slope(high) < 0:
        if high >= largest or high > 1e100:
            return high
        high = min(2 * high, largest)
    return optimize.brentq(lambda t: float(slope(t)), 0.0, float(high), xtol=1e-15, rtol=1e-15, maxiter=200)


def _violation(penalty: Penalty, w: Array, c: Array, null: Array) -> Any:
    distance = penalty.distance(c, w)
    unit = np.maximum(penalty.a, null)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.max(np.where(distance == 0, 0, distance / unit), initial=0)
