"""Ridge within bounds when p > n: Newton's method on the dual, whose unknowns are the n residuals.

For theta the best coefficients are known feature by feature, w_j = clip(z_j'theta / (alpha l2_j), lower_j, upper_j),
and theta is optimal when it is their residual: F(theta) = y - theta - Z w(theta) = 0. F is piecewise linear, so
Newton with the features strictly inside their bounds ends exactly after finitely many steps; the line search is on
the concave dual objective. The duality gap is 1/2 ||F||^2. Source: Li, Sun and Toh (2018), "A highly efficient
semismooth Newton augmented Lagrangian method for solving Lasso problems", whose inner problem this is.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

from regularize.design import Design
from regularize.penalties import Penalty
from regularize.solvers.ridge.shifted_system import EPS
from regularize.solvers.ridge.units import weighted_mean
from regularize.solvers.ridge.unpenalised import project

Floats = NDArray[np.float64]

MAX_ITER = 200
SUFFICIENT = 1e-4  # share of the promised gain that a step must bring
SMALLEST_STEP = 1e-10
EXACT = 1e3 * EPS * EPS  # gap in shares of the squared responses that rounding leaves


class DualNewton:
    """One response; alphas one after the other, from large to small, each from the residual of the last."""

    def __init__(self, design: Design, y: Floats, penalty: Penalty, factors: Floats) -> None:
        self._design, self._root = design, design.root_weights
        level = float(weighted_mean(y, design.weights)) if design.fit_intercept else 0.0
        self._level, self._y = level, self._root * (y - level)
        self._factors = np.where(penalty.excluded, 1.0, factors)
        self._lower, self._upper = penalty.lower, penalty.upper
        self._theta = self._y.copy()
        self._correlations = self._adjoint(self._theta)

    def _adjoint(self, theta: Floats) -> Floats:
        return self._design.adjoint(theta[np.newaxis])[0] * self._design.scale

    def _fit(self, coef: Floats) -> Floats:
        """Z w: the weighted and centred combination of the columns."""
        combined = self._design.combinations(coef[np.newaxis])[0]
        if self._design.fit_intercept:
            combined = combined - self._design.weights @ combined
        return self._root * combined

    def _coef(self, correlations: Floats, alpha: float) -> Floats:
        return np.clip(correlations / (alpha * self._factors), self._lower, self._upper)

    def _dual(self, theta: Floats, correlations: Floats, alpha: float) -> float:
        """The dual objective, to be maximised."""
        coef = self._coef(correlations, alpha)
        conjugates = coef @ (correlations - 0.5 * alpha * self._factors * coef)
        return float(self._y @ theta - 0.5 * theta @ theta - conjugates)

    def solve(self, alpha: float, max_iter: int | None) -> tuple[Floats, float, float, int]:
        """Coefficients, intercept, duality gap and the number of Newton steps."""
        enough = EXACT * float(self._y @ self._y)
        n_iter = 0
        while True:
            coef = self._coef(self._correlations, alpha)
            slope = self._y - self._theta - self._fit(coef)
            gap = 0.5 * float(slope @ slope)
            if gap <= enough or n_iter >= (MAX_ITER if max_iter is None else max_iter):
                break
            if not self._step(alpha, coef, slope):
                break
            n_iter += 1
        intercept = self._level - float(coef @ self._design.centre_alone)
        return coef, intercept, gap, n_iter

    def _step(self, alpha: float, coef: Floats, slope: Floats) -> bool:
        """A Newton step along which the dual rises; False if rounding allows none."""
        inside = (self._lower < coef) & (coef < self._upper)
        kernel = self._design.kernel(np.where(inside, 1.0 / np.sqrt(alpha * self._factors), 0.0))
        kernel *= self._root
        kernel *= self._root[:, np.newaxis]
        if self._design.fit_intercept:
            project(kernel, self._root[:, np.newaxis])
        kernel.flat[:: len(kernel) + 1] += 1.0
        direction = cho_solve(cho_factor(kernel, lower=True, overwrite_a=True), slope)
        along = self._adjoint(direction)
        before, gain, step = self._dual(self._theta, self._correlations, alpha), float(slope @ direction), 1.0
        while step > SMALLEST_STEP:
            theta, correlations = self._theta + step * direction, self._correlations + step * along
            if self._dual(theta, correlations, alpha) >= before + SUFFICIENT * step * gain:
                self._theta, self._correlations = theta, correlations
                return True
            step *= 0.5
        return self._without_search(alpha, direction, along, slope)

    def _without_search(self, alpha: float, direction: Floats, along: Floats, slope: Floats) -> bool:
        """Near the end objectives cannot tell: take the whole step if it makes F smaller."""
        theta, correlations = self._theta + direction, self._correlations + along
        left = self._y - theta - self._fit(self._coef(correlations, alpha))
        if not left @ left < 0.25 * (slope @ slope):
            return False
        self._theta, self._correlations = theta, correlations
        return True
