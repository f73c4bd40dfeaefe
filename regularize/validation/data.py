"""X, y and weights of a fit.

Design notes
------------
a. Nothing here copies a well-formed X: C and Fortran order, read-only and memory-mapped arrays and CSC
   matrices with 32- or 64-bit indices pass through as they are. Only the design knows what it needs.
b. Most calls bring clean float arrays. They are recognised with one sum, which spares scikit-learn's general
   checks (150 microseconds, as much as a small fit); whatever is not surely clean goes through those checks
   and gets their messages.
c. The sum of a large X takes a seventh of a fit to n >> p (200000 x 100: 9 of 67 ms), because both read X once. Who
   computes the moments of the columns first anyway leaves large X to them (``finite_by_moments``): they refuse what
   is not finite (``Design.moments``). Not under sample weights, since rows of weight zero may not be read.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Number, Real
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.utils.validation import check_array, check_consistent_length, validate_data

from regularize.validation.parameters import Floats

DTYPES = [np.float64, np.float32]
LARGE = 1 << 20  # entries of X that take some time to read


@dataclass(frozen=True)
class Samples:
    """Checked data.

    X : ndarray (n, p) of any order, or CSC, float32 or float64; y : (n,) or (n, t) float64, each
    target contiguous; sample_weight : (n,) float64, non-negative, not all zero, or None.
    """

    X: Any
    y: Floats
    sample_weight: Floats | None

    @property
    def targets(self) -> Floats:
        """The targets as columns, (n, t)."""
        return self.y if self.y.ndim == 2 else self.y[:, None]


def check_fit_data(
    estimator: Any,
    X: Any,
    y: Any,
    sample_weight: Any,
    check_input: bool = True,
    *,
    min_samples: int = 2,
    finite_by_moments: bool = False,
) -> Samples:
    """Check what ``fit`` was given; sets ``n_features_in_`` and ``feature_names_in_`` on the estimator.

    ``finite_by_moments``: whether large X that is not finite is refused later, see note c.
    """
    if check_input and _is_clean(X, y, min_samples, finite_by_moments=finite_by_moments and sample_weight is None):
        _remember_columns(estimator, X)
    elif check_input:
        X, y = validate_data(
            estimator,
            X,
            y,
            accept_sparse="csc",
            dtype=DTYPES,
            ensure_min_samples=min_samples,
            multi_output=True,
            y_numeric=True,
        )
    else:
        validate_data(estimator, X, y, skip_check_array=True)
    return _samples(X, y, sample_weight, check_input)


def check_labelled_data(estimator: Any, X: Any, y: Any) -> tuple[Any, Any]:
    """X, and labels (n,) or an indicator matrix, that ``fit`` of a classifier was given; sets what is known of X."""
    if _is_clean(X, y, 1, kinds="biu"):
        _remember_columns(estimator, X)
        return X, y
    return validate_data(estimator, X, y, accept_sparse="csc", dtype=DTYPES, multi_output=True)


def _remember_columns(estimator: Any, X: Any) -> None:
    estimator.n_features_in_ = X.shape[1]
    vars(estimator).pop("feature_names_in_", None)  # of an earlier fit


def check_path_data(
    caller: str,
    X: Any,
    y: Any,
    sample_weight: Any,
    check_input: bool = True,
    *,
    min_samples: int = 2,
    finite_by_moments: bool = False,
) -> Samples:
    """Check what a function of (X, y) was given; ``finite_by_moments`` as in ``check_fit_data``."""
    finite_by_moments = finite_by_moments and sample_weight is None
    if check_input and not _is_clean(X, y, min_samples, finite_by_moments=finite_by_moments):
        X = check_array(
            X, accept_sparse="csc", dtype=DTYPES, ensure_min_samples=min_samples, estimator=caller, input_name="X"
        )
        y = check_array(y, dtype=np.float64, ensure_2d=False, estimator=caller, input_name="y")
        check_consistent_length(X, y)
    return _samples(X, y, sample_weight, check_input)


def _is_clean(X: Any, y: Any, min_samples: int, kinds: str = "f", finite_by_moments: bool = False) -> bool:
    """Whether both are arrays of fitting shapes and finite sums, hence without NaN and infinity.

    X is of floats and y of one of the ``kinds`` of dtype. Large X is not summed if ``finite_by_moments``.
    """
    if type(X) is not np.ndarray or type(y) is not np.ndarray or X.ndim != 2 or not 1 <= y.ndim <= 2:
        return False
    if X.dtype not in DTYPES or y.dtype.kind not in kinds or (y.dtype.kind == "f" and y.dtype not in DTYPES):
        return False
    if X.shape[0] < min_samples or min(*X.shape, *y.shape) < 1 or y.shape[0] != X.shape[0]:
        return False
    with np.errstate(over="ignore", invalid="ignore"):
        is_left = finite_by_moments and X.size >= LARGE
        return (is_left or math.isfinite(X.sum())) and math.isfinite(y.sum())


def _samples(X: Any, y: Any, sample_weight: Any, check_input: bool) -> Samples:
    if sparse.issparse(y):
        raise TypeError(
            "Sparse data was passed for y, but dense data is required. Use '.toarray()' to convert it to a dense array."
        )
    if sparse.issparse(X):
        X = X.tocsc()
    weights = check_sample_weight(sample_weight, X.shape[0])
    if len(y) != X.shape[0]:  # what the kernels rely on is never taken on trust
        raise ValueError(f"Found input variables with inconsistent numbers of samples: {[X.shape[0], len(y)]}")
    return Samples(X, np.asarray(y, dtype=np.float64, order="F"), weights)


def total_weight(samples: Samples, sample_weight: Any) -> float:
    """The sum of the weights as they were given; without any each row weighs 1."""
    if samples.sample_weight is not None:
        return float(samples.sample_weight.sum())
    return samples.X.shape[0] * (1.0 if sample_weight is None else float(sample_weight))


def check_sample_weight(sample_weight: Any, n_samples: int) -> Floats | None:
    """Weights as float64 of shape (n_samples,); None for None or one number, which weigh all rows alike."""
    if sample_weight is None:
        return None
    if isinstance(sample_weight, Number):
        if not (isinstance(sample_weight, Real) and 0.0 < float(sample_weight) < math.inf):
            raise ValueError(f"A sample_weight that is one number must be positive. Got {sample_weight!r}.")
        return None
    weights: Floats = check_array(sample_weight, dtype=np.float64, ensure_2d=False, input_name="sample_weight")
    if weights.ndim != 1:
        raise ValueError(
            f"Sample weights must be 1D array or scalar, got {weights.ndim}D array. Expected either a scalar"
            f" value or a 1D array of length {n_samples}."
        )
    if weights.shape[0] != n_samples:
        raise ValueError(f"sample_weight.shape == {weights.shape}, expected {(n_samples,)}!")
    if weights.min() < 0.0:
        raise ValueError("Negative values in data passed to `sample_weight`.")
    if weights.max() == 0.0:
        raise ValueError("Sample weights must contain at least one non-zero number: sample_weight has none.")
    return weights


def column_names(X: Any) -> list[Any] | None:
    """Column names of a data frame, None for anything else."""
    names = getattr(X, "columns", None)
    if names is None:
        names = getattr(X, "column_names", None)
    return None if names is None else list(names)
