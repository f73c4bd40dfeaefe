"""A path on a growing working set: solved at knots, interpolated between them where the gap allows it.

The idea, and how far apart knots may be, is that of kernels/path.pxd. What is more here: of the features outside the
working set nothing needs to be known. What may be their correlations without violation is a convex set times alpha; if
those of both knots are in there, all combinations are, too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from regularize.kernels import quadratic
from regularize.solvers.certificate import duality_gaps
from regularize.solvers.path_driver import PathDriver, Point
from regularize.solvers.screening import Pass
from regularize.solvers.working_set import WorkingSet

Floats = NDArray[np.float64]
Columns = NDArray[np.intp]
Record = Callable[[Floats, Columns, Columns, Floats], bool]  # gaps, n_iters, features and their coefs; True ends it

KNOT_SHARE = 0.2  # of the tolerance, for the gaps of knots: what lies between adds its own
TIGHTEST = 1e-10  # relative tolerance below which interpolating is not tried
LONGEST_STRIDE = 4  # alphas from one knot to the next, at most; longer jumps let in many features at once
FEWEST_ALPHAS = 3  # of a path for which knots are worth their precision
HOPELESS = 100.0  # times too large a gap: the next knots, PATIENCE of them, are not tried
PATIENCE = 5


class Knot(NamedTuple):
    """A solved alpha: the state on the working set of then."""

    k: int
    gap: float
    n_iter: int
    coef: Floats
    residual: Floats
    correlations: Floats
    is_clean: bool  # no feature outside the working set is in violation

    @classmethod
    def of(cls, working: WorkingSet, k: int, point: Point) -> Knot:
        """The present state."""
        state = working.coef.copy(), working.residual, working.quadratic.correlations.copy()
        return cls(k, point.gap, point.n_iter, *state, point.is_clean)

    def grown(self, working: WorkingSet) -> Knot:
        """The same on the working set of now."""
        first = len(self.coef)
        if first == working.size:
            return self
        coef = np.concatenate([self.coef, np.zeros((working.size - first, *self.coef.shape[1:]))])
        correlations = np.concatenate([self.correlations, working.correlations_with(self.residual, first)])
        return self._replace(coef=coef, correlations=correlations)


class Interpolation:
    """Drives a :class:`PathDriver` along its alphas, to the tolerance that it has now."""

    def __init__(self, driver: PathDriver, record: Record, solve_all: bool = False) -> None:
        self._driver = driver
        self._tolerance = driver.tolerance
        self._record = record
        self._knots: list[Knot] = []  # the last two
        self._n_done = 0
        self._stride, self._wait = 1, 0  # alphas to the next knot, and knots before more than one is tried again
        is_loose = driver.alphas.size >= FEWEST_ALPHAS and driver.tolerance > TIGHTEST * driver.squared_target
        self._may_skip = is_loose and not driver.has_flat and not solve_all

    def steps(self) -> Pass[None]:
        """The whole path; like those of the driver, it asks for correlations with all features."""
        n_alphas = self._driver.alphas.size
        while self._n_done < n_alphas:
            precise = self._may_skip and self._driver.working.is_exact  # where precision costs little
            self._driver.tolerance = (KNOT_SHARE if precise else 1.0) * self._tolerance
            ahead = min(self._n_done + (self._stride if precise else 1), n_alphas) - 1
            knot = yield from self._solved(ahead)
            while self._n_done < ahead:
                if self._fill(knot):
                    return
                if self._n_done < ahead:
                    left = yield from self._solved(self._n_done)  # what interpolation has left is a knot, then
                    self._knots = [*self._knots[-1:], left]
                    knot = knot.grown(self._driver.working)
                    if self._add_knot(left):
                        return
            if self._add_knot(knot):
                return
            self._stride = self._next_stride(knot) if precise else 1
            self._knots = [*self._knots[-1:], knot] if precise else []

    def _solved(self, k: int) -> Pass[Knot]:
        """Solve an alpha; the knots before it grow with the working set."""
        point = yield from self._driver.steps(k)
        self._knots = [knot.grown(self._driver.working) for knot in self._knots]
        return Knot.of(self._driver.working, k, point)

    def _add_knot(self, knot: Knot) -> bool:
        return self._add(np.array([knot.gap]), np.array([knot.n_iter]), knot.coef[np.newaxis])

    def _add(self, gaps: Floats, n_iters: Columns, coefs: Floats) -> bool:
        self._n_done += gaps.size
        return self._record(gaps, n_iters, self._driver.working.features, coefs)

    def _fill(self, ahead: Knot) -> bool:
        """Take what interpolation gives between the last knot and the one ahead, up to the first that will not do."""
        gaps, allowed, coefs = self._between(self._knots[-1], ahead, np.arange(self._n_done, ahead.k))
        count = int(np.argmin(np.append(gaps <= allowed, False)))
        return count > 0 and self._add(gaps[:count], np.zeros(count, dtype=np.intp), coefs[:count])

    def _between(self, left: Knot, right: Knot, which: Columns) -> tuple[Floats, Floats, Floats]:
        """Gaps, the gaps that are good enough, and coefficients of some alphas, interpolated between two knots."""
        working, alphas = self._driver.working, self._driver.alphas
        width = alphas[left.k] - alphas[right.k]
        shares = (alphas[left.k] - alphas[which]) / width if width > 0 else np.zeros(which.size)
        along = shares.reshape(-1, *[1] * left.coef.ndim)
        coefs = left.coef + along * (right.coef - left.coef)
        change = right.residual - left.residual
        squares = np.vdot(left.residual, left.residual) + 2 * shares * np.vdot(left.residual, change)
        squares += shares * shares * np.vdot(change, change)
        gaps = duality_gaps(
            coefs,
            left.correlations + along * (right.correlations - left.correlations),
            working.penalty,
            alphas[which],
            squares,
            self._driver.design.norms[working.features],
        )
        if not (left.is_clean and right.is_clean):
            gaps[:] = np.inf
        return gaps, self._allowed(alphas[which], coefs, squares), coefs

    def _allowed(self, alphas: Floats, coefs: Floats, squares: Floats) -> Floats:
        """The tolerance, also as a share of what the model explains: see kernels/gap.pxd."""
        target, penalty = self._driver.squared_target, self._driver.working.penalty
        falls = 0.5 * (target - squares) - penalty.values(coefs, alphas)
        return np.minimum(self._tolerance, np.maximum(2.0 * self._tolerance / target * falls, 1e-15 * target))

    def _next_stride(self, knot: Knot) -> int:
        """How far the next knot may be: where the last one would have been near enough between its neighbours."""
        self._wait -= 1
        if len(self._knots) < 2 or self._wait > 0:
            return 1
        first, last = self._knots
        gaps, allowed, _ = self._between(first, knot, np.array([last.k]))
        excess, span = float(gaps[0] / allowed[0]), knot.k - first.k
        if not excess <= HOPELESS:
            self._wait = PATIENCE
        return quadratic.longest_stride(excess, knot.k - last.k, span, LONGEST_STRIDE)
