"""The probabilistic reading of alpha: which prior an estimator's penalty is, and which penalty a prior is.

Design notes
------------
a. Each model's penalty is the negative log density of a prior times the noise variance, in that model's units. The
   units are one number per model and prior (:func:`_precision_per_alpha`); the two public functions divide by it or
   multiply with it.
b. Divisions come one after the other: the square of a scale of 1e-200 would be zero.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from regularize.validation import CONSTRAINTS, Constraint, InvalidParameterError, check_parameters

Floats = NDArray[np.float64]

MODEL_OF = {"gaussian": "ridge", "laplace": "lasso"}  # whose penalty is this prior alone
L1_RATIO_OF = {"gaussian": 0.0, "laplace": 1.0}
MODELS = ("ridge", "lasso", "elastic_net")

PRIOR_CONSTRAINTS: dict[str, Constraint] = {
    "noise_variance": ("positive and finite", lambda v: _are_numbers(v, lambda x: (x > 0.0) & (x < math.inf))),
    "prior_scale": ("positive", lambda v: _are_numbers(v, lambda x: x > 0.0)),
    "alpha": ("non-negative and finite", lambda v: _are_numbers(v, lambda x: (x >= 0.0) & (x < math.inf))),
    "n_samples": (
        "a float in the range (0.0, inf) or None",
        lambda v: v is None or (isinstance(v, Real) and 0.0 < float(v) < math.inf),
    ),
    "prior": ("a str among {'gaussian', 'laplace'}", lambda v: isinstance(v, str) and v in MODEL_OF),
    "model": (
        "a str among {'ridge', 'lasso', 'elastic_net'} or None",
        lambda v: v is None or (isinstance(v, str) and v in MODELS),
    ),
    "l1_ratio": (f"{CONSTRAINTS['l1_ratio'][0]} or None", lambda v: v is None or CONSTRAINTS["l1_ratio"][1](v)),
}


def alpha_from_prior(
    noise_variance: Any,
    prior_scale: Any,
    n_samples: float | None = None,
    prior: str = "gaussian",
    *,
    model: str | None = None,
    l1_ratio: float | None = None,
) -> Any:
    """Compute the alpha at which an estimator's coefficients are the MAP estimate under a prior.

    The most probable coefficients given the data (maximum a posteriori), under independent priors on the
    coefficients and a flat one on the intercept, are those that :class:`Ridge`, :class:`Lasso` or
    :class:`ElasticNet` finds at this alpha.

    Parameters
    ----------
    noise_variance : float or array-like
        Variance of the noise, positive and finite; with weights that of row i is
        ``noise_variance / sample_weight[i]``. An array, for example one value per target, is broadcast against
        ``prior_scale``.
    prior_scale : float or array-like
        Standard deviation of the Gaussian prior, or scale parameter of the Laplace prior (whose standard
        deviation is ``sqrt(2)`` times that). Positive; ``inf`` is a flat prior, alpha zero.
    n_samples : float, default=None
        Number of rows, or with weights the sum of ``sample_weight``. Needed for 'lasso' and 'elastic_net', whose
        objectives are means over the rows; ignored for 'ridge', whose objective is a sum.
    prior : {'gaussian', 'laplace'}, default='gaussian'
        Prior of the coefficients.
    model : {'ridge', 'lasso', 'elastic_net'}, default=None
        Whose alpha is meant. None is 'ridge' for the Gaussian and 'lasso' for the Laplace prior. 'ridge' stands
        for :class:`Ridge`, :class:`RidgeCV` and their like, and so on.
    l1_ratio : float, default=None
        The ``l1_ratio`` that :class:`ElasticNet` gets, for ``model='elastic_net'`` only. None is 0 for the
        Gaussian and 1 for the Laplace prior, which make the penalty this prior alone. In between, the prior is
        proportional to the product of both densities, and ``prior_scale`` is the parameter of the one that
        ``prior`` names.

    Returns
    -------
    float or ndarray
        Alpha, in the units of the estimator.

    Raises
    ------
    ValueError
        If an argument is invalid, if alpha overflows, or if the model has no such prior: the lasso no Gaussian and
        ridge no Laplace one, and an elastic net none whose share in ``l1_ratio`` is zero.

    See Also
    --------
    prior_from_alpha : The inverse.
    Ridge : The Gaussian prior.
    Lasso : The Laplace prior.

    Notes
    -----
    *1. Model.* With weights ``s_i`` (1 without), noise variance ``v``, and rows independent of each other

    .. code-block:: text

        y_i = b + x_i'w + e_i,   e_i ~ N(0, v / s_i)

    *2. Posterior.* By Bayes' rule its density is proportional to ``p(y | b, w) p(w)``. Up to a constant

    .. code-block:: text

        -log p(b, w | y) = 1/(2 v) sum_i s_i (y_i - b - x_i'w)^2 - sum_j log p(w_j)

    *3. Prior.* Up to a constant

    .. code-block:: text

        -log p(w_j) = w_j^2 / (2 t^2)               Gaussian, standard deviation t
        -log p(w_j) = |w_j| / c                     Laplace, scale c
        -log p(w_j) = |w_j| / c + w_j^2 / (2 t^2)   product of the two densities

    *4. Ridge.* Step 2 with the Gaussian prior, times ``2 v``, is its objective with ``alpha = v / t^2``:

    .. code-block:: text

        sum_i s_i (y_i - b - x_i'w)^2 + alpha sum_j w_j^2

    *5. Lasso and elastic net.* Step 2 with the product of the densities, times ``v / S`` where ``S = sum_i s_i`` is
    ``n_samples``, is their objective with ``alpha l1_ratio = v / (S c)`` and ``alpha (1 - l1_ratio) = v / (S t^2)``.
    The lasso has ``l1_ratio = 1``:

    .. code-block:: text

        1/(2 S) sum_i s_i (y_i - b - x_i'w)^2 + alpha sum_j (l1_ratio |w_j| + (1 - l1_ratio)/2 w_j^2)

    *6. Options of the estimators.* ``standardize=True`` puts the prior on ``w_j`` times the weighted standard
    deviation ``d_j`` of column j: ``w_j`` itself has the scale ``prior_scale / d_j``. ``penalty_factor`` makes the
    scale of feature j ``t / sqrt(factor_j)`` or ``c / factor_j``: 0 is a flat prior, infinity a coefficient known
    to be zero. ``bounds`` and ``positive`` cut the prior off. ``coef_prior`` is the mean of the Gaussian.

    Examples
    --------
    >>> from regularize import alpha_from_prior
    >>> alpha_from_prior(4.0, 0.5)  # Ridge: 4 / 0.5^2
    16.0
    >>> alpha_from_prior(4.0, 0.5, n_samples=100, prior="laplace")  # Lasso: 4 / (100 * 0.5)
    0.08
    >>> alpha_from_prior(4.0, 0.5, n_samples=100, model="elastic_net")  # ElasticNet(l1_ratio=0)
    0.16
    """
    caller = "alpha_from_prior"
    check_parameters(caller, {"noise_variance": noise_variance, "prior_scale": prior_scale}, PRIOR_CONSTRAINTS)
    unit = _precision_per_alpha(caller, n_samples, prior, model, l1_ratio)
    variance, scale = np.asarray(noise_variance, dtype=np.float64), np.asarray(prior_scale, dtype=np.float64)
    with np.errstate(over="ignore"):
        precision = variance / scale
        if prior == "gaussian":
            precision = precision / scale
        alpha = precision / unit
    if np.isinf(alpha).any():
        raise InvalidParameterError(f"{caller}: alpha overflows. noise_variance is too large for the prior_scale.")
    return _as_given(alpha)


def prior_from_alpha(
    alpha: Any,
    noise_variance: Any,
    n_samples: float | None = None,
    prior: str = "gaussian",
    *,
    model: str | None = None,
    l1_ratio: float | None = None,
) -> Any:
    """Compute the scale of the prior under which an estimator's coefficients are the MAP estimate.

    The inverse of :func:`alpha_from_prior`, where the derivation is.

    Parameters
    ----------
    alpha : float or array-like
        Alpha, in the units of the estimator; not negative. An array is broadcast against ``noise_variance``.
    noise_variance : float or array-like
        Variance of the noise, positive and finite; see :func:`alpha_from_prior`.
    n_samples : float, default=None
        Number of rows, or the sum of ``sample_weight``; see :func:`alpha_from_prior`.
    prior : {'gaussian', 'laplace'}, default='gaussian'
        Prior of the coefficients; of an elastic net, the factor of its prior whose parameter is wanted.
    model : {'ridge', 'lasso', 'elastic_net'}, default=None
        Whose alpha it is; see :func:`alpha_from_prior`.
    l1_ratio : float, default=None
        The ``l1_ratio`` of the elastic net; see :func:`alpha_from_prior`.

    Returns
    -------
    float or ndarray
        Standard deviation of the Gaussian or scale parameter of the Laplace prior; ``inf`` where alpha is zero.

    Raises
    ------
    ValueError
        If an argument is invalid, or the model has no such prior.

    See Also
    --------
    alpha_from_prior : The inverse, with the derivation.

    Notes
    -----
    Steps 4 and 5 of the derivation in :func:`alpha_from_prior`, solved for the scales:

    .. code-block:: text

        t = sqrt(v / alpha)                          ridge
        t = sqrt(v / (S alpha (1 - l1_ratio)))       elastic net, Gaussian
        c = v / (S alpha l1_ratio)                   lasso and elastic net, Laplace

    Examples
    --------
    >>> from regularize import prior_from_alpha
    >>> prior_from_alpha(16.0, 4.0)
    0.5
    >>> prior_from_alpha(0.08, 4.0, n_samples=100, prior="laplace")
    0.5
    """
    caller = "prior_from_alpha"
    check_parameters(caller, {"noise_variance": noise_variance, "alpha": alpha}, PRIOR_CONSTRAINTS)
    unit = _precision_per_alpha(caller, n_samples, prior, model, l1_ratio)
    with np.errstate(divide="ignore"):
        scale = np.asarray(noise_variance, dtype=np.float64) / np.asarray(alpha, dtype=np.float64) / unit
    return _as_given(np.sqrt(scale) if prior == "gaussian" else scale)


def _precision_per_alpha(
    caller: str, n_samples: float | None, prior: str, model: str | None, l1_ratio: float | None
) -> float:
    """The factor of alpha in ``noise_variance / prior_scale^2`` (Gaussian) or ``/ prior_scale`` (Laplace).

    1 for ridge, S for the lasso, S times the prior's share in l1_ratio for the elastic net.
    """
    chosen = {"prior": prior, "model": model, "n_samples": n_samples, "l1_ratio": l1_ratio}
    check_parameters(caller, chosen, PRIOR_CONSTRAINTS)
    model = MODEL_OF[prior] if model is None else model
    if model not in {MODEL_OF[prior], "elastic_net"}:
        raise InvalidParameterError(
            f"{caller}: the prior of model={model!r} is not {prior!r}. Use model={MODEL_OF[prior]!r} or 'elastic_net'."
        )
    if l1_ratio is not None and model != "elastic_net":
        raise InvalidParameterError(f"{caller}: l1_ratio belongs to model='elastic_net'. Got model={model!r}.")
    if model == "ridge":
        return 1.0
    if n_samples is None:
        raise InvalidParameterError(f"{caller}: model={model!r} needs n_samples: its objective is a mean of rows.")
    l1_ratio = L1_RATIO_OF[prior] if l1_ratio is None else float(l1_ratio)
    share = l1_ratio if prior == "laplace" else 1.0 - l1_ratio
    if share == 0.0:
        raise InvalidParameterError(f"{caller}: an elastic net with l1_ratio={l1_ratio:g} has no {prior!r} prior.")
    return float(n_samples) * share


def _as_given(values: Any) -> Any:
    """A float for scalars, an array for arrays."""
    return float(values) if np.ndim(values) == 0 else values


def _are_numbers(values: Any, is_allowed: Callable[[Floats], Any]) -> bool:
    """Whether these are real numbers, one or many, and all of them allowed."""
    try:
        array = np.asarray(values)
    except ValueError:  # ragged
        return False
    return array.dtype.kind in "iuf" and array.size > 0 and bool(np.all(is_allowed(array.astype(np.float64))))
