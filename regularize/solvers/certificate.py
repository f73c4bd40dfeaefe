"""The duality gap of a coefficient vector, from its correlations with the residual.

For the residual r = y - Z w and any dual point theta, weak duality bounds the suboptimality of w by

    gap = 1/2 ||r - theta||^2 + sum_j [pen_j(w_j) + pen_j^*(z_j'theta) - w_j z_j'theta],

where pen_j holds the l1 and l2 terms and the box of feature j. Every term is non-negative (Fenchel-Young), so
nothing cancels and the gap is exact down to rounding. The dual point is theta = t (r + e):

* e makes theta orthogonal to the features U without any penalty whose conjugate is infinite elsewhere. Its
  norm is E = c_U' G_UU^-1 c_U (squared), of rounding size once those features are fitted; what it does to the other
  correlations is bounded by ``||z_j|| sqrt(E)``, so that they need not be read again.
* t is the largest share, at most one, for which all conjugates are finite. Features with an l2 term need none;
  letting them lower t as well (their l2 term seen as rows of data) is sometimes better, so both are tried, and so is
  t = 0, which is always feasible.

The Gram solver stops by code of its own (kernels/gap.pxd) and shares nothing with this. References: Fercoq, Gramfort
and Salmon (2015), "Mind the duality gap"; Mazumder and Hastie (2012) for the screening view of the same bound.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, cho_factor, cho_solve

from regularize.kernels import certificate
from regularize.penalties import GroupPenalty, Penalty

Floats = NDArray[np.float64]
Flags = NDArray[np.uint8]

_NONE = np.empty(0, dtype=np.intp)
FLAT = 1e-14  # an l1 term that rounding of correlations of size one covers


def duality_gaps(
    coefs: Floats,
    correlations: Floats,
    penalty: Penalty | GroupPenalty,
    alphas: Floats,
    squared_residuals: Floats,
    norms: Floats,
    projected: Flags | None = None,
    projections: Floats | None = None,
) -> Floats:
    """The gap (k,) of each row of ``coefs``, (k, m) or (k, m, T), at its alpha.

    ``correlations``, ``penalty`` and ``norms`` (m,) are those of the same features, in the order of their groups;
    features left out must be zero and certified feasible. The ``projected`` entries (as coefs) are orthogonal to the
    dual point; the squared norm of what that took is ``projections`` (k,); it changed the correlation of each other
    feature by at most its norm times the root of that.
    """
    gaps = np.empty(alphas.size)
    n_targets = prod(coefs.shape[2:])
    shape = alphas.size, coefs.shape[1] * n_targets
    terms: Any = norms, *_terms(penalty, n_targets)
    if n_targets > 1:
        terms = np.repeat(norms, n_targets), *terms[1:]
    arguments: Any = (
        np.ascontiguousarray(coefs).reshape(shape),
        np.ascontiguousarray(correlations).reshape(shape),
        np.zeros(shape, dtype=np.uint8) if projected is None else projected.reshape(shape),
        *terms,
        alphas,
        squared_residuals,
        np.zeros(alphas.size) if projections is None else projections,
        gaps,
        *_blocks(penalty, None if projections is None else norms, n_targets),
    )
    certificate.duality_gaps(*arguments)
    return gaps


def _terms(penalty: Penalty | GroupPenalty, n_targets: int) -> tuple[Floats, ...]:
    """l1, l2, lower and upper of each entry."""
    if isinstance(penalty, GroupPenalty):
        return penalty.entries(n_targets)[0]
    return penalty.l1, penalty.l2, penalty.lower, penalty.upper


def _blocks(penalty: Penalty | GroupPenalty, norms: Floats | None, n_targets: int) -> tuple[Any, ...]:
    """Where the blocks with a norm begin and end among the entries, their norms and radii, the block of each entry.

    Radii are zero where nothing was projected, for which the norms of the columns are None.
    """
    if isinstance(penalty, Penalty):
        return _NONE, _NONE, np.empty(0), np.empty(0), _NONE, np.empty(0)
    held, block_of = penalty.held, penalty.entries(n_targets)[1]
    starts = penalty.groups.starts * n_targets
    radii = np.zeros(held.size) if norms is None else penalty.radii(norms)[held]
    return starts[held], starts[held + 1], penalty.norm[held], radii, block_of, np.empty(block_of.size)


def has_flat(penalty: Penalty | GroupPenalty, alpha: float) -> bool:
    """Whether some feature has no penalty to speak of at the smallest alpha."""
    penalty = penalty.holds()
    return bool(np.any((penalty.l1 * alpha <= FLAT) & (penalty.l2 * alpha == 0)))


def flat_projection(
    coef: Floats,
    correlations: Floats,
    gram_of: Callable[[NDArray[np.intp]], Floats],
    penalty: Penalty | GroupPenalty,
    norms: Floats,
    squared_residual: float,
) -> tuple[NDArray[np.bool_], float]:
    """What the dual point is made orthogonal to, flags of the shape of ``coef``, and E, the norm squared of e.

    Several targets, the last axis of coefs and correlations (m, T), are projected one by one.
    """
    held = penalty.holds()
    if coef.ndim == 1:
        return _projection(coef, correlations, gram_of, held, norms, squared_residual)
    found = [
        _projection(*own, gram_of, held, norms, squared_residual) for own in zip(coef.T, correlations.T, strict=True)
    ]
    return np.array([flags for flags, _ in found]).T, min(sum(squared for _, squared in found), squared_residual)


def _projection(
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
