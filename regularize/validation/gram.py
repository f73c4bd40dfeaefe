"""A Gram matrix that comes with the data."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.utils.validation import check_array

from regularize.validation.data import DTYPES, Samples
from regularize.validation.parameters import Floats, is_boolean


def is_matrix(precompute: Any) -> bool:
    """Whether ``precompute`` is the user's own matrix, with which X is compared."""
    return np.ndim(precompute) > 0


def check_gram(
    samples: Samples, precompute: Any, *, fit_intercept: bool, check_input: bool = True, stacklevel: int = 3
) -> tuple[Floats | None, bool | None]:
    """What ``precompute`` means for this X: the user's Gram matrix or None, and whether a Gram is asked for.

    As in scikit-learn a sparse X takes no Gram; a Gram of columns that are not centred is dropped with a
    warning when there is an intercept; otherwise one element is compared with X.
    """
    if sparse.issparse(samples.X) or isinstance(precompute, str):
        return None, None
    if is_boolean(precompute):
        return None, True if precompute else None
    gram = check_array(precompute, dtype=DTYPES, input_name="precompute")
    n_features = samples.X.shape[1]
    if gram.shape != (n_features, n_features):
        raise ValueError(
            f"Gram matrix passed in via 'precompute' parameter must have shape {(n_features, n_features)}."
            f" Got {gram.shape} instead."
        )
    if fit_intercept and not _is_centred(samples):
        message = "Gram matrix was provided but X was centered to fit intercept: recomputing Gram matrix."
        warnings.warn(message, UserWarning, stacklevel=stacklevel)
        return None, None
    if check_input:
        _check_gram_element(samples, gram, fit_intercept)
    return np.asarray(gram, dtype=np.float64), True


def _is_centred(samples: Samples) -> bool:
    means = np.average(samples.X, axis=0, weights=samples.sample_weight)
    return bool(np.allclose(means, 0.0, atol=1e-8 if samples.X.dtype == np.float64 else 1e-6))


def _check_gram_element(samples: Samples, gram: Any, fit_intercept: bool) -> None:
    """Compare ``n sum_i s_i x_ij x_ik`` of two columns in the middle, centred if there is an intercept."""
    n_samples, n_features = samples.X.shape
    first, second = n_features // 2, min(n_features // 2 + 1, n_features - 1)
    pair = np.asarray(samples.X[:, [first, second]], dtype=np.float64)
    weights = np.ones(n_samples) if samples.sample_weight is None else samples.sample_weight
    weights = weights * (n_samples / weights.sum())
    if fit_intercept:
        pair = pair - np.average(pair, axis=0, weights=weights)
    expected, actual = float(pair[:, 0] @ (weights * pair[:, 1])), float(gram[first, second])
    single = np.float32 in (samples.X.dtype, gram.dtype)
    if not np.isclose(expected, actual, rtol=1e-4 if single else 1e-7, atol=1e-5):
        raise ValueError(
            "Gram matrix passed in via 'precompute' parameter did not pass validation when a single element"
            " was checked - please check that it was computed properly. For element"
            f" ({first},{second}) we computed {expected} but the user-supplied value was {actual}."
        )
