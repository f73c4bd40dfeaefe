"""Information criteria of the candidates along a path.

Design notes
------------
a. Weights are counts, as everywhere in this package: a weight of 2 is the row twice. With weights ``w_i``,
   ``n = sum_i w_i`` and the residual sum of squares is ``sum_i w_i r_i^2``.
b. As in scikit-learn's LassoLarsIC the penalty of AIC and BIC leaves out what all alphas share (intercept,
   variance). The corrections of AICc and GCV are not linear and need the full count ``k``.
c. Without a variance the likelihood grows without end as the fit interpolates, so candidates that use more
   than half of the rows are left out then.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from regularize.design import Design
from regularize.design.blocks import ENTRIES, blocks
from regularize.penalties import Penalty
from regularize.selection import generalised_errors
from regularize.solvers import PathResult, squared_loss_path
from regularize.solvers.degrees_of_freedom import degrees_of_freedom
from regularize.validation import CONSTRAINTS, PATH_CONSTRAINTS, Constraint, Samples

Floats = NDArray[np.float64]

CRITERIA = ("aic", "aicc", "bic", "ebic", "gcv")
LARGEST_SHARE = 0.5  # of the rows that a candidate's degrees of freedom may use up when no variance is known
VARIANCE_TOL = 1e-10  # of the least squares fit that the variance is estimated from
ROUNDING = float(np.finfo(np.float64).eps)

IC_CONSTRAINTS: dict[str, Constraint] = {
    **CONSTRAINTS,
    "criterion": (f"a str among {{{str(CRITERIA)[1:-1]}}}", lambda v: isinstance(v, str) and v in CRITERIA),
    "eps": PATH_CONSTRAINTS["eps"],
    "alphas": (
        "an int in the range [1, inf) or an array-like",
        lambda v: v is not None and PATH_CONSTRAINTS["alphas"][1](v),
    ),
    "noise_variance": (
        "a float in the range (0.0, inf) or None",
        lambda v: v is None or PATH_CONSTRAINTS["eps"][1](v),
    ),
    "ebic_gamma": PATH_CONSTRAINTS["alpha"],
}


@dataclass(frozen=True)
class Candidates:
    """What the criteria know of the models along a path.

    n_samples : the sum of the weights; mean_squares : (k,) weighted means of the squared residuals; df : (k,)
    degrees of freedom without the intercept; log_models : (k,) logarithm of how many models have the same size.
    """

    n_samples: float
    has_intercept: bool
    mean_squares: Floats
    df: Floats
    log_models: Floats

    @classmethod
    def of(cls, samples: Samples, design: Design, penalty: Penalty, path: PathResult) -> Candidates:
        """Read them off a path."""
        selectable = (penalty.l1 > 0) & (penalty.lower < penalty.upper)
        m, a = np.count_nonzero(selectable), np.count_nonzero(path.coefs[selectable], axis=0)
        return cls(
            n_samples=_n_samples(samples),
            has_intercept=design.fit_intercept,
            mean_squares=_mean_squares(samples, design, path),
            df=degrees_of_freedom(design, penalty, path),
            log_models=np.asarray(gammaln(m + 1.0) - gammaln(a + 1.0) - gammaln(m - a + 1.0)),
        )

    def criterion(self, name: str, variance: float | None, ebic_gamma: float) -> Floats:
        """The criterion (k,); ``variance=None`` takes that of each candidate."""
        n, df = self.n_samples, self.df
        k = df + self.has_intercept
        if name == "gcv":
            return generalised_errors(self.mean_squares, k / n)
        if variance is None:
            fit = n * np.log(2.0 * np.pi * self.mean_squares) + n
            fit[k > LARGEST_SHARE * n] = np.inf
        else:
            fit = n * np.log(2.0 * np.pi * variance) + n * self.mean_squares / variance
        if name == "aic":
            return fit + 2.0 * df
        if name == "aicc":
            k = k + (variance is None)
            return fit + 2.0 * df + _where_positive(n - k - 1.0, lambda room: 2.0 * k * (k + 1.0) / room)
        bic = fit + np.log(n) * df
        return bic if name == "bic" else bic + 2.0 * ebic_gamma * self.log_models


def noise_variance(samples: Samples, design: Design, penalty: Penalty, start: Floats) -> float | None:
    """RSS / (n - p - 1) of least squares within the bounds, None with too few rows; without an intercept n - p.

    The p features are those that are not excluded. ``start`` are coefficients to start from.
    """
    n, zero = _n_samples(samples), np.zeros(penalty.n_features)
    room = n - np.count_nonzero(penalty.lower < penalty.upper) - design.fit_intercept
    if room <= 0:
        return None
    free = Penalty(zero, zero, penalty.lower, penalty.upper)
    path = squared_loss_path(design, samples.y, free, np.zeros(1), tol=VARIANCE_TOL, coef_init=start)
    if path.interrupted:  # Ctrl-C came after the only alpha: a fit must not swallow it
        raise KeyboardInterrupt
    return float(_mean_squares(samples, design, path)[0] * n / room)


def _n_samples(samples: Samples) -> float:
    return float(len(samples.y) if samples.sample_weight is None else samples.sample_weight.sum())


def _mean_squares(samples: Samples, design: Design, path: PathResult) -> Floats:
    """Weighted means (k,) of the squared residuals, at least what rounding leaves of those of y."""
    X, y = samples.X, samples.y
    found = np.empty(path.alphas.size)
    for part in blocks(found.size, len(y), ENTRIES):
        coefs = path.coefs[:, part]
        used = np.flatnonzero(coefs.any(axis=1))
        fitted = (X if used.size == len(coefs) else X[:, used]) @ coefs[used] + path.intercepts[part]
        found[part] = design.weights @ np.square(y[:, np.newaxis] - fitted)
    total = float(design.weights @ np.square(y - design.weighted_mean(y)))
    return np.maximum(found, max(ROUNDING * ROUNDING * total, float(np.finfo(np.float64).tiny)))


def _where_positive(room: Floats, value: Callable[[Floats], Floats]) -> Floats:
    """The value where there is room, infinity elsewhere."""
    return np.where(room > 0, value(np.where(room > 0, room, 1.0)), np.inf)
