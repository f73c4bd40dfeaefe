"""Which alpha of a cross-validated path is taken: pure functions of (alphas, errors).

``alphas`` has shape (k,) and is sorted from large to small, ``errors`` has shape (k, n_folds); smaller is better. The
answer is an index into alphas. An alpha whose mean error is NaN is never taken; of equally good ones the largest is.
"""

from __future__ import annotations

import operator
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Rule = Callable[[Floats, Floats], int]

NO_ROOM = 1e-10  # a share of degrees of freedom for the residuals that is not told from rounding


def mean_and_standard_error(errors: Floats) -> tuple[Floats, Floats]:
    """Mean over the folds (the last axis) and its standard error ``sd / sqrt(K)``, ``ddof=1``; NaN for one fold."""
    n_folds = errors.shape[-1]
    mean = errors.mean(axis=-1)
    if n_folds == 1:
        return mean, np.full_like(mean, np.nan)
    return mean, errors.std(axis=-1, ddof=1) / np.sqrt(n_folds)


def smallest(means: Floats) -> int:
    """Index of the first smallest mean that is not NaN, in C order."""
    first = int(means.argmin())  # a NaN, if there is one
    if not np.isnan(means.flat[first]):
        return first
    if np.isnan(means).all():
        raise ValueError("Cross-validation gave NaN for every alpha: nothing can be selected. Check scoring and cv.")
    return int(np.nanargmin(means))


def minimum(alphas: Floats, errors: Floats) -> int:
    """The alpha with the smallest mean error."""
    return smallest(errors.mean(axis=1))


def one_standard_error(alphas: Floats, errors: Floats) -> int:
    """The largest alpha whose mean error is within one standard error of the smallest; as in R's glmnet.

    The standard error is that of the smallest mean. Source: Hastie, Tibshirani and Friedman, The Elements of
    Statistical Learning, 2nd edition, section 7.10.
    """
    if errors.shape[1] < 2:
        raise ValueError("selection_rule='1se' needs at least two folds. Got 1.")
    return within_one_standard_error(*mean_and_standard_error(errors))


def within_one_standard_error(means: Floats, standard_errors: Floats) -> int:
    """The first of the mean errors that is at most the smallest plus its standard error."""
    best = smallest(means)
    # An infinite error has no standard error: then only the best itself is as good as the best.
    return int(np.argmax(means <= means[best] + np.nan_to_num(standard_errors[best], nan=0.0)))


RULES: dict[str, Rule] = {"min": minimum, "1se": one_standard_error}


def select(rule: str | Rule, alphas: Floats, errors: Floats) -> int:
    """The index that a rule, or the rule of that name, takes."""
    if isinstance(rule, str):
        return RULES[rule](alphas, errors)
    answer = rule(alphas.copy(), errors.copy())
    try:
        index = operator.index(answer)
    except TypeError:
        index = -1
    if not 0 <= index < alphas.size:
        raise ValueError(f"selection_rule must return an index in the range [0, {alphas.size}). Got {answer!r}.")
    return index


def generalised_errors(mean_squares: Floats, share: Floats) -> Floats:
    """Generalised cross-validation: ``mean_squares / (1 - share)^2``, infinite where rounding is all that is left.

    ``share`` is that of the rows that are degrees of freedom. Source: Golub, Heath and Wahba (1979), equation 1.4.
    """
    room = np.broadcast_to(1.0 - share, mean_squares.shape)
    return np.divide(mean_squares, room * room, out=np.full_like(mean_squares, np.inf), where=room > NO_ROOM)
