"""A path on a growing working set, in stretches of several alphas.

What the working set alone has to say about the next alphas is one call of the kernel, which solves some of them, the
knots, and interpolates between these (kernels/path.pxd). One reading of X then certifies all of them. Answers up to the
first one that is not good enough are taken, the working set grows by what violates there or further on, and the rest is
solved again, from the last answer taken: Newton steps that start nearby are cheap, calls and readings are not.

Where a Newton step ends at rounding, knots are nearly exact at no cost. What is ahead is extrapolated from them, eight
alphas far: from looser ones (1000 x 5000 at 1e-4) the working set grew to 1,959 features instead of 1,310.

Of the features outside the working set nothing needs to be known between knots. What may be their correlations without
violation is a convex set times alpha; if those of both knots are in there, all combinations are, too.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from regularize.solvers.answers import Answers
from regularize.solvers.path_driver import APPROACH, PathDriver
from regularize.solvers.screening import Pass

Floats = NDArray[np.float64]
Columns = NDArray[np.intp]
Record = Callable[[Floats, Columns, Columns, Floats], bool]  # gaps, n_iters, features and their coefs; True ends it

FEWEST_ALPHAS = 3  # of a path that is solved in stretches
SHORTEST, FIRST, LONGEST = 3, 5, 8  # alphas of a stretch
LEAST_AHEAD = 30  # features that may always enter ahead of a stretch; or as many units as are active
SHARE, SHARE_OF_BLOCKS = 0.003, 0.3  # of the tolerance, for the gap on W: see above
REFINEMENTS, ROUNDING = 2, 1e-16  # how often a tenth of that may be tried, if it is more than rounding
MARGIN = 0.93  # units predicted above this share of their threshold at the end of a stretch enter ahead of it
SPARE = 5e6  # multiply-adds of the Gram matrix for those predicted below it: less than another try costs


class Stretches:
    """Drives a :class:`PathDriver` along its alphas: in stretches where a Gram matrix solves, else one by one."""

    def __init__(self, driver: PathDriver, record: Record, solve_all: bool = False) -> None:
        self._driver = driver
        self._record = record
        self._solve_all = solve_all
        self._n_done, self._ended = 0, False
        self._length = FIRST
        self._in_vain = 0  # iterations that the next alpha has had on working sets that were too small for it

    def steps(self) -> Pass[None]:
        """The whole path; like those of the driver, it asks for correlations with all features."""
        driver = self._driver
        while self._n_done < driver.alphas.size and not self._ended:
            end = self._end()
            if end > self._n_done:
                yield from self._stretch(end)
            else:
                point = yield from driver.steps(self._n_done)
                self._take(np.array([point.gap]), np.array([point.n_iter]), driver.working.coef[np.newaxis].copy())

    def _take(self, gaps: Floats, n_iters: Columns, coefs: Floats) -> None:
        self._n_done += gaps.size
        self._ended = self._record(gaps, n_iters, self._driver.working.features, coefs)

    def _end(self) -> int:
        """Where the stretch that begins now will end, not far below the last alpha."""
        driver, first = self._driver, self._n_done
        if driver.alphas.size < FEWEST_ALPHAS or driver.has_flat or not driver.working.is_exact:
            return first
        last = float(driver.alphas[first - 1]) if first else driver.screen.reach()
        return first + int(np.sum(driver.alphas[first : first + self._length] >= APPROACH * last))

    def _stretch(self, end: int) -> Pass[None]:
        """The next alphas: taken as far as the working set is ready for them, which grows until it is."""
        driver, working = self._driver, self._driver.working
        working.extend(self._ahead(float(driver.alphas[end - 1])))
        share, refinements = SHARE if driver.penalty.group_of is None else SHARE_OF_BLOCKS, 0
        while self._n_done < end and working.is_exact and not self._ended:
            tolerance = share * 0.1**refinements * driver.tolerance
            answers, n_iters = self._solved(end, tolerance)
            gaps, read = yield from driver.certify(answers)
            count = int(np.argmin(np.append(gaps <= driver.tolerance, False)))
            is_short = count < gaps.size
            violating = read.violating(int(np.searchsorted(answers.knots, count, side="right")) - 1)
            is_inner = violating.units.size == 0  # what is missing is missing on the working set itself
            is_refined = refinements == REFINEMENTS or tolerance < ROUNDING * driver.squared_target
            self._in_vain = int(n_iters[count]) if is_short else 0
            if is_short and (self._in_vain >= driver.max_iter or (is_inner and is_refined)):
                count, self._in_vain = count + 1, 0  # one that will not get better
            if count:
                self._accept(answers, gaps[:count], n_iters[:count])
                self._length = max(count, SHORTEST)
            if is_short:
                refinements = refinements + 1 if is_inner and count == 0 else 0
                working.extend(violating.strongest(max(20, working.n_active // 2)))
        self._length = min(self._length + max(self._length // 2, 1), LONGEST)

    def _ahead(self, alpha: float) -> Columns:
        """Units that will enter down to ``alpha``, and some that may; no more than there is room for."""
        driver, working = self._driver, self._driver.working
        per_unit = driver.penalty.n_features / driver.penalty.n_units
        predicted = driver.predicted(alpha, MARGIN)
        spare = SPARE / (driver.design.n_samples * max(working.size, 1))
        count = np.count_nonzero(predicted.strengths > alpha) + spare / per_unit
        most = max(LEAST_AHEAD / per_unit, working.n_active)
        return predicted.strongest(max(int(min(count, most, working.room / per_unit)), 0))

    def _solved(self, end: int, tolerance: float) -> tuple[Answers, Columns]:
        """The next alphas up to ``end`` on the working set alone, and the iterations that each has had.

        Only the first of them keeps what it has had in vain: those after it have not had their turn.
        """
        driver, working = self._driver, self._driver.working
        alphas, n_iters = driver.alphas[self._n_done : end], np.zeros(end - self._n_done, dtype=np.intp)
        n_iters[0] = self._in_vain
        coefs, is_knot = working.along(alphas, tolerance, driver.max_iter, n_iters, self._solve_all)
        is_knot[[0, -1]] = True  # of an empty working set, too
        return working.answers(alphas, coefs, np.flatnonzero(is_knot)), n_iters

    def _accept(self, answers: Answers, gaps: Floats, n_iters: Columns) -> None:
        """Take the first answers, and go on from the last of them."""
        driver, last = self._driver, gaps.size - 1
        residuals = answers.mixed(answers.residuals)
        for k in range(max(last - 1, 0), last + 1):
            driver.remember(float(answers.alphas[k]), residuals[k])
        correlations = answers.mixed(answers.correlations)[last]
        driver.working.move_to(answers.coefs[last], residuals[last], correlations)
        self._take(gaps, n_iters, answers.coefs[: gaps.size])
