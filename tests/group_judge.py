"""An independent judge of group penalties and of several targets: objective, violation, and a certified duality gap.

The problem, in the user's units and with ``sum_i s_i = 1``, for coefficients ``W`` of shape (p, T):

    minimise over b, W :  1/2 sum_i s_i ||y_i - b - W'x_i||^2
                          + alpha sum_g norm_g ||W_g|| + alpha sum_jt l1_j |W_jt| + alpha/2 sum_jt l2_j W_jt^2
    subject to            lower_j <= W_jt <= upper_j

with the Euclidean norm of the block ``W_g``, the rows of group g. Features of a group with a norm have one ``l2`` and
bounds of zero or infinity alone; a norm of a single number is an l1 term, so there any bounds will do.

    verdict = judge_groups(X, y, alpha, coef, intercept, groups=labels)
    assert verdict.relative_gap <= 1e-10

Nothing is imported from the package. What a design is, and what holds for features without a norm, is in ``judge.py``.

Design notes
------------
a. gap(theta) = ||R - theta||^2 / 2 + sum_g FY_g for *every* feasible ``theta``. With ``C = A'theta``, the projection
   ``K`` of C to the dual set of the l1 term and the bounds, ``S = C - K``, ``sigma = ||S||`` and ``u = S / sigma``,
   the conjugate is largest at ``tau u``, ``tau = (sigma - norm)_+ / l2``, and the term of a block is

       FY = sum_jt |W_jt| (l1_j - sign(W_jt) K_jt)  +  min(sigma, norm) ||W|| || W / ||W|| - u ||^2 / 2
            + (norm - sigma)_+ ||W||  +  l2/2 ||W - tau u||^2 :

   non-negative parts, none the difference of large numbers. Without l2 it is infinite for ``sigma > norm``.
b. ``theta = t D``, D the residual made feasible for features without penalty, target by target. A block without l2
   allows ``sigma(t C) <= norm``; sigma is convex in t, so Newton's method from above finds the largest t.
c. Standardisation is a change of units of A and W before all else.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import sparse

from judge import Array, Design, Penalty, Verdict, _Directions, _zero_of, standard_deviations, weighted_and_centred


@dataclass(frozen=True)
class Blocks:
    """Features in groups with a norm, sorted by group; alpha is already inside.

    a (m, 1) l1 terms, lower and upper (m, 1); starts (G,) where a group begins; b, norm (G,).
    """

    a: Array
    lower: Array
    upper: Array
    starts: Array
    b: Array
    norm: Array

    @property
    def sizes(self) -> Array:
        """Features per group."""
        return np.diff(np.append(self.starts, self.a.size))

    def at(self, alpha: Any) -> Blocks:
        """The record times alpha."""
        return replace(self, a=alpha * self.a, b=alpha * self.b, norm=alpha * self.norm)

    def restrict(self, groups: Array) -> tuple[Blocks, Array]:
        """The record of the flagged groups, and flags of their features."""
        rows = np.repeat(groups, self.sizes)
        starts = np.cumsum(np.append(0, self.sizes[groups]))[:-1]
        part = Blocks(self.a[rows], self.lower[rows], self.upper[rows], starts, self.b[groups], self.norm[groups])
        return part, rows

    def norms(self, values: Array) -> Array:
        """Euclidean norms (G,) of the blocks of (m, T) numbers."""
        if self.starts.size == 0:
            return np.zeros(0, dtype=values.dtype)
        return np.sqrt(np.add.reduceat(np.sum(values * values, axis=1), self.starts))

    def spread(self, per_group: Array) -> Array:
        """(m, 1) numbers from one per group."""
        return np.repeat(per_group, self.sizes)[:, np.newaxis]

    def excess(self, c: Array) -> tuple[Array, Array]:
        """S and K: what l1 terms and bounds leave of c, and what they take."""
        low = np.where(np.isinf(self.lower), -self.a, -np.inf)
        high = np.where(np.isinf(self.upper), self.a, np.inf)
        taken = np.clip(c, low, high)
        return c - taken, taken

    def value(self, w: Array) -> Any:
        """The penalty."""
        sizes = self.norms(w)
        return np.sum(self.norm * sizes + 0.5 * self.b * sizes**2) + np.sum(self.a * np.abs(w))

    def is_feasible(self, w: Array) -> bool:
        """Finite and inside the bounds."""
        return bool(np.all(np.isfinite(w) & (w >= self.lower) & (w <= self.upper)))

    def largest(self, c: Array) -> Any:
        """The largest t for which ``t c`` is dual feasible."""
        hard, rows = self.restrict(self.b == 0)
        c = c[rows]
        c = np.abs(np.where(np.isinf(np.where(c > 0, hard.upper, hard.lower)), c, 0))
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            alone = np.where(c > 0, (hard.a + hard.spread(hard.norm)) / c, np.inf)  # where one number reaches the norm
        within = np.minimum.reduceat(np.min(alone, axis=1), hard.starts) if c.size else np.empty(0)
        if not np.any(np.isfinite(within)):
            return np.inf
        t = within[np.isfinite(within)]
        hard, rows = hard.restrict(np.isfinite(within))
        c = c[rows]
        for _ in range(200):
            s = np.maximum(hard.spread(t) * c - hard.a, 0)
            sigma = hard.norms(s)
            slope = np.add.reduceat(np.sum(s * c, axis=1), hard.starts) / np.where(sigma > 0, sigma, 1)
            with np.errstate(divide="ignore", invalid="ignore"):
                step = np.where(sigma > hard.norm, (sigma - hard.norm) / slope, 0)
            if np.all(step <= 4 * np.finfo(t.dtype).eps * t):
                break
            t = t - step
        return np.min(t)

    def conjugate_point(self, c: Array) -> Array:
        """The maximiser of ``<c, v> - pen(v)``; zero where there is no l2 term and c is feasible."""
        s, _ = self.excess(c)
        sigma = self.norms(s)
        return self.spread(_over(np.maximum(sigma - self.norm, 0), self.b) * _over(1, sigma)) * s

    def fenchel_young(self, c: Array, w: Array) -> Any:
        """The sum of pen(w) + pen^*(c) - <c, w>, see note a; c is feasible up to rounding."""
        s, k = self.excess(c)
        sigma, size = self.norms(s), self.norms(w)
        u = s * self.spread(_over(1, sigma))
        tau = _over(np.maximum(sigma - self.norm, 0), self.b)
        turned = np.where(size > 0, self.norms(w * self.spread(_over(1, size)) - u), 0)
        by_norm = size * (0.5 * np.minimum(sigma, self.norm) * turned**2 + np.maximum(self.norm - sigma, 0))
        by_square = 0.5 * self.b * self.norms(w - self.spread(tau) * u) ** 2
        by_l1 = np.where(w != 0, np.abs(w) * (self.a - np.sign(w) * k), 0)
        return np.sum(by_norm + by_square) + np.sum(by_l1)

    def distance(self, c: Array, w: Array) -> Array:
        """Distance (G,) of the blocks of c (minus the gradient) to the subdifferential at w."""
        size = self.norms(w)
        slope = c - self.spread(self.b + self.norm * _over(1, size)) * w
        low = np.where(w == 0, -self.a, self.a * np.sign(w))
        high = np.where(w == 0, self.a, self.a * np.sign(w))
        low = np.where(w <= self.lower, -np.inf, low)
        high = np.where(w >= self.upper, np.inf, high)
        moved = self.norms(np.maximum(np.maximum(low - slope, slope - high), 0))
        at_rest = np.maximum(self.norms(self.excess(c)[0]) - self.norm, 0)
        return np.where(size > 0, moved, at_rest)


def _over(numerator: Any, denominator: Array) -> Array:
    """The quotient, zero where the denominator is."""
    return numerator * (denominator != 0) / np.where(denominator != 0, denominator, 1)


@dataclass(frozen=True)
class GroupedPenalty:
    """Features without a norm, whose bounds are arbitrary, and blocks."""

    alone: Array  # features, in the order of ``single``
    single: Penalty  # arrays (m, 1)
    together: Array  # features, in the order of ``blocks``
    blocks: Blocks

    def at(self, alpha: Any) -> GroupedPenalty:
        """The record times alpha."""
        return replace(self, single=self.single.at(alpha), blocks=self.blocks.at(alpha))

    def split(self, values: Array) -> tuple[Array, Array]:
        """The rows of a (p, T) array that belong to either part."""
        return values[self.alone], values[self.together]

    def is_feasible(self, w: Array) -> bool:
        """Finite and inside the bounds."""
        single, grouped = self.split(w)
        return self.single.is_feasible(single) and self.blocks.is_feasible(grouped)

    def value(self, w: Array) -> Any:
        """The penalty at w (p, T)."""
        single, grouped = self.split(w)
        return self.single.value(single) + self.blocks.value(grouped)

    def per_feature(self) -> Penalty:
        """What tells features without any penalty from others: alpha norm counts as an l1 term."""
        p = self.alone.size + self.together.size
        a, b, lower, upper = (np.empty(p, dtype=self.single.a.dtype) for _ in range(4))
        blocks = self.blocks
        for whole, one, other in (
            (a, self.single.a, blocks.a + blocks.spread(blocks.norm)),
            (b, self.single.b, blocks.spread(blocks.b)),
            (lower, self.single.lower, blocks.lower),
            (upper, self.single.upper, blocks.upper),
        ):
            whole[self.alone], whole[self.together] = one[:, 0], other[:, 0]
        return Penalty(a, b, lower, upper)

    def smallest_gap(self, w: Array, residual: Array, d: Array, c: Array) -> Any:
        """Minimum over t of the gap at ``theta = t d``, ``c = A'd``; any feasible t is valid, the best is tight."""
        (w_single, w_blocks), (c_single, c_blocks) = self.split(w), self.split(c)
        # Without l2 and without a bound, the conjugate is finite only up to a_j: that limits t.
        hard_up = (self.single.b == 0) & np.isinf(self.single.upper)
        hard_down = (self.single.b == 0) & np.isinf(self.single.lower)
        limited = (hard_up & (c_single > 0)) | (hard_down & (c_single < 0))
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            limits = np.where(limited, self.single.a / np.abs(c_single), np.inf)
        largest = min(np.min(limits, initial=np.inf), self.blocks.largest(c_blocks))

        # Elsewhere terms are zero for every t up to the largest.
        used = np.any(w_single != 0, axis=1) | ~(hard_up & hard_down)[:, 0]
        single, w_single, c_single = self.single.restrict(used), w_single[used], c_single[used]
        highest = np.where(hard_up[used], single.a, np.inf)
        lowest = np.where(hard_down[used], -single.a, -np.inf)
        blocks, rows = self.blocks.restrict((self.blocks.norms(w_blocks) > 0) | (self.blocks.b > 0))
        w_blocks, c_blocks = w_blocks[rows], c_blocks[rows]

        def gap(t: Any) -> Any:
            apart = residual - t * d
            alone = single.fenchel_young(np.clip(t * c_single, lowest, highest), w_single)
            return 0.5 * np.sum(apart**2) + np.sum(alone) + blocks.fenchel_young(t * c_blocks, w_blocks)

        def slope(t: Any) -> Any:
            of_single = c_single * (single.conjugate_point(np.clip(t * c_single, lowest, highest)) - w_single)
            of_blocks = c_blocks * (blocks.conjugate_point(t * c_blocks) - w_blocks)
            return np.sum(d * (t * d - residual)) + np.sum(of_single) + np.sum(of_blocks)

        candidates = {0.0, min(1.0, largest), _zero_of(slope, largest)}
        if np.isfinite(largest):
            candidates.add(largest)
        return min(gap(t) for t in candidates)

    def violation(self, w: Array, c: Array, size: Array) -> Any:
        """The largest distance to the subdifferential, of features and blocks, in units of a term or of ``size``."""
        (w_single, w_blocks), (c_single, c_blocks) = self.split(w), self.split(c)
        s_single, s_blocks = self.split(size[:, np.newaxis])
        distances = [np.ravel(self.single.distance(c_single, w_single)), self.blocks.distance(c_blocks, w_blocks)]
        units = [np.repeat(np.maximum(self.single.a, s_single), w.shape[1])]
        if self.blocks.starts.size:
            own = np.maximum.reduceat(np.maximum(self.blocks.a, s_blocks)[:, 0], self.blocks.starts)
            units.append(np.maximum(self.blocks.norm, own))
        distance, unit = np.concatenate(distances), np.concatenate(units)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.max(np.where(distance == 0, 0, distance / unit), initial=0)


def judge_groups(
    X: Any,
    y: Any,
    alpha: Any,
    coef: Any,
    intercept: Any = None,
    *,
    groups: Any,
    norm: Any = None,
    l1: Any = 0.0,
    l2: Any = 0.0,
    bounds: tuple[Any, Any] | None = None,
    sample_weight: Any = None,
    fit_intercept: bool | None = None,
    standardize: bool = False,
    reference: Any = None,
    dtype: Any = np.float64,
) -> Verdict:
    """Judge coefficients, of one alpha or of a path.

    ``coef`` is (p,) or (p, k) if y is (n,), and (T, p) or (T, p, k) if y is (n, T); ``intercept`` is the same without
    p. ``groups`` are labels (p,), or a list of the features of each group; ``norm`` (G,), in the order of the sorted
    labels or of the list, is ``sqrt(size)`` by default; ``l1`` and ``l2`` are per feature or for all. An infinite
    ``norm`` or ``l1`` excludes. ``bounds = (lower, upper)`` are in the user's units. All else is as for ``judge``.

    The gap is relative to ``sum_i s_i ||y_i - ybar||^2``.
    """
    has_intercept = intercept is not None if fit_intercept is None else fit_intercept
    n, p = X.shape
    targets = np.reshape(y, (n, -1)).astype(dtype)
    n_targets = targets.shape[1]
    design, zeros, _ = weighted_and_centred(X, np.zeros(n), sample_weight, has_intercept, dtype)
    scale = standard_deviations(X, sample_weight, dtype) if standardize else np.ones(p, dtype=dtype)
    design = _in_units(design, scale)
    penalty = grouped_penalty(p, n_targets, groups, norm, l1, l2, bounds, scale, dtype)
    mean = design.root**2 @ targets if has_intercept else np.zeros(n_targets, dtype=dtype)
    z = design.root[:, np.newaxis] * (targets - mean)

    alphas = np.atleast_1d(np.asarray(alpha, dtype=dtype))
    coefs = _per_alpha(coef, n_targets, p, alphas.size, scale)
    others = None if reference is None else _per_alpha(reference, n_targets, p, alphas.size, scale)
    intercepts = None if intercept is None else np.reshape(intercept, (n_targets, alphas.size)).astype(dtype)
    directions = _Directions(design)
    null, norms = np.sum(z * z), design.norms()

    rows = []
    for k in range(alphas.size):
        at, w = penalty.at(alphas[k]), coefs[k]
        r = z - design.predict(w)
        c = design.correlations(r)
        if not at.is_feasible(w) or not np.all(np.isfinite(c)):
            rows.append((np.inf, np.inf, np.inf))
            continue
        best = mean - design.mean @ w
        off = np.zeros_like(best) if intercepts is None else intercepts[:, k] - best
        excess = 0.5 * (off @ off)
        gap = at.smallest_gap(w, r, *_dual_direction(directions, at, r, c))
        if others is not None:
            other = z - design.predict(others[k])
            gap = min(gap, at.smallest_gap(w, r, *_dual_direction(directions, at, other)))
        violation = at.violation(w, c - np.outer(design.mean, off), norms * np.sqrt(null))
        if excess != 0:
            violation = max(violation, np.sqrt(off @ off) / np.sqrt(null + mean @ mean))
        rows.append((0.5 * np.sum(r * r) + excess + at.value(w), violation, gap + excess))
    objectives, violations, gaps = (np.array(column, dtype=dtype) for column in zip(*rows, strict=True))
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = np.where(gaps == 0, 0, gaps / null)
    if np.ndim(alpha) == 0:
        return Verdict(objectives[0], violations[0], gaps[0], relative[0])
    return Verdict(objectives, violations, gaps, relative)


def _in_units(design: Design, scale: Array) -> Design:
    """The design of columns divided by their scale."""
    if np.all(scale == 1):
        return design
    matrix = design.matrix
    if sparse.issparse(matrix):
        matrix = matrix.copy()
        matrix.data /= np.repeat(scale, np.diff(matrix.indptr))
    else:
        matrix = matrix / scale
    return Design(matrix, design.root, design.mean / scale)


def _per_alpha(coef: Any, n_targets: int, p: int, k: int, scale: Array) -> list[Array]:
    """The k arrays (p, T), in the units of standardised columns."""
    stacked = np.reshape(coef, (n_targets, p, k)).astype(scale.dtype)
    return [stacked[:, :, i].T * scale[:, np.newaxis] for i in range(k)]


def _dual_direction(directions: _Directions, at: GroupedPenalty, r: Array, c: Array | None = None) -> Any:
    """D and A'D, target by target."""
    flags = at.per_feature()
    pairs = [directions(flags, r[:, t], None if c is None else c[:, t]) for t in range(r.shape[1])]
    return tuple(np.column_stack(parts) for parts in zip(*pairs, strict=True))


def labels_of(groups: Any, p: int) -> Array:
    """The number of the group of each feature."""
    if len(groups) == p and np.ndim(groups[0]) == 0:
        return np.unique(np.asarray(groups), return_inverse=True)[1]
    labels = np.full(p, -1)
    for g, members in enumerate(groups):
        if np.any(labels[members] >= 0):
            raise ValueError("a feature in two groups")
        labels[members] = g
    if np.any(labels < 0):
        raise ValueError("a feature in no group")
    return labels


def grouped_penalty(
    p: int, n_targets: int, groups: Any, norm: Any, l1: Any, l2: Any, bounds: Any, scale: Array, dtype: Any
) -> GroupedPenalty:
    """The penalty in the units of standardised columns; a ValueError for what no closed form covers."""
    labels = labels_of(groups, p)
    sizes = np.bincount(labels)
    norm = np.sqrt(sizes) if norm is None else np.full(sizes.size, norm, dtype=dtype)
    low, high = (None, None) if bounds is None else bounds
    lower = np.full(p, -np.inf if low is None else low, dtype=dtype) * scale
    upper = np.full(p, np.inf if high is None else high, dtype=dtype) * scale
    a, b = np.full(p, l1, dtype=dtype), np.full(p, l2, dtype=dtype)
    own = norm[labels].astype(dtype)
    excluded = np.isinf(a) | np.isinf(own)
    for values in (a, b, own, lower, upper):
        values[excluded] = 0
    excluded |= (lower == 0) & (upper == 0)

    of_a_number = (sizes[labels] == 1) & (n_targets == 1)
    a = np.where(of_a_number, a + own, a)
    in_block = (own > 0) & ~of_a_number & ~excluded
    together = np.flatnonzero(in_block)
    together = together[np.argsort(labels[together], kind="stable")]
    alone = np.flatnonzero(~in_block)
    _, starts = np.unique(labels[together], return_index=True)
    if not np.all(np.isin(lower[together], (0, -np.inf)) & np.isin(upper[together], (0, np.inf))):
        raise ValueError("bounds other than zero and infinity in a group with a norm")
    if not np.array_equal(b[together], np.repeat(b[together][starts], np.diff(np.append(starts, together.size)))):
        raise ValueError("several l2 terms in a group with a norm")
    column = (slice(None), np.newaxis)
    single = Penalty(a[alone][column], b[alone][column], lower[alone][column], upper[alone][column])
    blocks = Blocks(
        a[together][column],
        lower[together][column],
        upper[together][column],
        starts,
        b[together][starts],
        own[together][starts],
    )
    return GroupedPenalty(alone, single, together, blocks)
