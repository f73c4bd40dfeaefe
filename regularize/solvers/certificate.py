"""The duality gap of a coefficient vector, from its correlations with the residual.

For the residual r = y - Z w and any dual point theta, weak duality bounds the suboptimality of w by

    gap = 1/2 ||r - theta||^2 + sum_j [pen_j(w_j) + pen_j^*(z_j'theta) - w_j z_j'theta],

where pen_j holds the l1 and l2 terms and the box of feature j. Every term is non-negative (Fenchel-Young), so
nothing cancels and the gap is exact down to rounding. The dual point is theta = t (r + e):

* e makes theta orthogonal to the features U without any penalty whose conjugate is infinite elsewhere. Its
  norm is E = c_U' G_UU^-1 c_U (squared), of rounding size once those features are fitted; what it does to the other
  correlations is bounded by ``||z_j|| sqrt(E)`` (the ``slack``), so that they need not be read again.
* t is the largest share, at most one, for which all conjugates are finite. Features with an l2 term need none;
  letting them lower t as well (their l2 term seen as rows of data) is sometimes better, so both are tried, and so is
  t = 0, which is always feasible.

The Gram solver stops by code of its own (kernels/gap.pxd) and shares nothing with this. References: Fercoq, Gramfort
and Salmon (2015), "Mind the duality gap"; Mazumder and Hastie (2012) for the screening view of the same bound.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, cho_factor, cho_solve

from regularize.penalties import Penalty

Floats = NDArray[np.float64]

FLAT = 1e-14  # an l1 term that rounding of correlations of size one covers


def duality_gap(
    coef: Floats,
    correlations: Floats,
    penalty: Penalty,
    squared_residual: Floats | float,
    *,
    projected: NDArray[np.bool_] | bool = False,
    projection: Floats | float = 0.0,
    slack: Floats | float = 0.0,
) -> Floats | float:
    """The gap, for one coefficient vector (m,) or for several as columns (m, k).

    ``correlations`` are those of the same features; ``penalty`` has alpha multiplied in and arrays that broadcast
    against ``coef``; features left out must be zero and certified feasible. The ``projected`` features are orthogonal
    to the dual point; the squared norm of what that took is ``projection``, and it changed the correlation of each
    other feature by at most ``slack``.
    """
    if np.any(projected):
        correlations, slack = np.where(projected, 0.0, correlations), np.where(projected, 0.0, slack)
    gap = np.full(coef.shape[1:], np.inf)
    with np.errstate(divide="ignore", invalid="ignore"):
        for share in _shares(coef, correlations, penalty, slack):
            if np.any(gap > 0.5 * (1 - share) ** 2 * squared_residual):  # which no gap at this share undercuts
                other = _gap_at(share, coef, correlations, penalty, squared_residual, slack, projection)
                gap = np.minimum(gap, other)
    return gap


def _shares(coef: Floats, correlations: Floats, penalty: Penalty, slack: Floats | float) -> Iterator[Floats | float]:
    """Candidates for t: needed by the features without an l2 term; by all features; zero."""
    yield _largest_share(correlations, slack, penalty, penalty.l2 == 0)
    if penalty.l2.any():
        yield _largest_share(correlations - penalty.l2 * coef, slack, penalty, penalty.l1 > 0)
    yield 0.0


def _largest_share(v: Floats, slack: Floats | float, penalty: Penalty, rows: NDArray[np.bool_]) -> Floats | float:
    """The largest t <= 1 with |t v| <= l1 wherever an infinite bound stands behind it."""
    size = np.abs(v) + slack
    violated = rows & (size > penalty.l1)
    if not violated.any():
        return 1.0
    violated &= np.where(v > 0, np.isinf(penalty.upper), np.isinf(penalty.lower))
    return np.min(np.where(violated, penalty.l1 / size, 1.0), axis=0, initial=1.0)


def _gap_at(
    share: Floats | float,
    coef: Floats,
    correlations: Floats,
    penalty: Penalty,
    squared_residual: Floats | float,
    slack: Floats | float,
    projection: Floats | float,
) -> Floats:
    """The gap at theta = share * (r + e)."""
    v = share * correlations
    best = _conjugate_point(v, penalty)
    terms = penalty.l1 * (np.abs(coef) - np.abs(best)) + v * (best - coef)
    terms += 0.5 * penalty.l2 * (coef * coef - best * best)
    terms = np.maximum(terms, 0.0)
    if np.any(projection):
        doubt = share * slack  # a convex conjugate grows by no more than this times its slope where it ends up
        far = np.maximum(np.abs(_conjugate_point(v + doubt, penalty)), np.abs(_conjugate_point(v - doubt, penalty)))
        terms += np.where(doubt > 0, doubt * (far + np.abs(coef)), 0.0)
    if not np.isfinite(best).all():
        terms = np.where(np.isfinite(best), terms, np.inf)
    distance = (1 - share) ** 2 * squared_residual + share * (2 - share) * projection
    return 0.5 * distance + terms.sum(axis=0)


def _conjugate_point(v: Floats, penalty: Penalty) -> Floats:
    """argmax_w v w - l1 |w| - l2/2 w^2 over the box; infinite where the conjugate is."""
    u = v - np.clip(v, -penalty.l1, penalty.l1)
    above = np.abs(u) > 1e-14 * np.abs(v)  # not by the rounding of the division that made the share
    point = np.zeros_like(v)
    if above.any():
        np.divide(u, penalty.l2, out=point, where=above)
    return np.clip(point, penalty.lower, penalty.upper)


def flat_projection(
    coef: Floats,
    correlations: Floats,
    gram_of: Callable[[NDArray[np.intp]], Floats],
    penalty: Penalty,
    norms: Floats,
    squared_residual: float,
) -> tuple[NDArray[np.bool_], float]:
    """The flat features that the dual point is made orthogonal to, and E = c_U' G_UU^+ c_U, the norm squared of e.

    Flat features carry no l2 term and no l1 term above the rounding of correlations, which are of size one here.
    Projected out are those strictly inside their box, those whose correlation points to an infinite bound, and those
    that the projection itself might turn that way.
    """
    flat = (penalty.l1 <= FLAT) & (penalty.l2 == 0) & (penalty.lower < penalty.upper)
    if not flat.any():
        return flat, 0.0
    unbounded = np.isinf(penalty.lower) | np.isinf(penalty.upper)
    inside = (penalty.lower < coef) & (coef < penalty.upper)
    open_side = np.where(correlations > 0, np.isinf(penalty.upper), np.isinf(penalty.lower))
    chosen = flat & (inside | open_side)
    squared = 0.0
    while True:
        c = correlations[chosen]
        squared = _inverse_form(gram_of(np.flatnonzero(chosen)), c, squared_residual)
        turned = flat & unbounded & ~chosen & (np.abs(correlations) <= norms * np.sqrt(squared))
        if not turned.any():
            return chosen, squared
        chosen |= turned


def _inverse_form(gram: Floats, c: Floats, largest: float) -> float:
    """c' gram^-1 c, or ``largest`` when c has a part along directions that gram can no longer tell from null ones.

    With a floor f under the spectrum the solution x leaves c - gram x = f x: rounding, if c is.
    """
    if c.size == 0:
        return 0.0
    floor = 4.0 * float(np.finfo(np.float64).eps) * c.size * max(float(np.max(np.diagonal(gram))), 1e-300)
    try:
        factor = cho_factor(gram + floor * np.eye(c.size), lower=True, overwrite_a=True, check_finite=False)
    except LinAlgError:  # not definite even so: nothing can be said
        return largest
    x = cho_solve(factor, c, check_finite=False)
    if not np.max(np.abs(x)) * floor <= 10 * FLAT:
        return largest
    return min(float(c @ x), largest)
