"""Everything that may raise on user input, in one place and in scikit-learn's wording.

Design notes
------------
a. scikit-learn's table of parameter constraints is private, so the table below is our own: one line per
   parameter, what is expected (in words) and the predicate that decides it.
b. Nothing here copies a well-formed X: C and Fortran order, read-only and memory-mapped arrays and CSC
   matrices with 32- or 64-bit indices pass through as they are. Only the design knows what it needs.
c. All checks come before any work, and none of them changes what the user passed.
d. Most calls bring clean float arrays. They are recognised with one sum, which spares scikit-learn's general
   checks (150 microseconds, as much as a small fit); whatever is not surely clean goes through those checks
   and gets their messages.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from numbers import Integral, Number, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning as ConvergenceWarning  # re-exported
from sklearn.utils.validation import check_array, check_consistent_length, validate_data

from regularize.penalties import Penalty

Floats = NDArray[np.float64]
Constraint = tuple[str, Callable[[Any], bool]]

DTYPES = [np.float64, np.float32]
SELECTIONS = ("cyclic", "random")


class InvalidParameterError(ValueError, TypeError):
    """A parameter has an invalid type or value; both a ValueError and a TypeError, as in scikit-learn."""


def _is_boolean(value: Any) -> bool:
    return isinstance(value, bool | np.bool_)


def _is_array_like(value: Any) -> bool:
    if sparse.issparse(value) or np.isscalar(value):
        return False
    return hasattr(value, "__len__") or hasattr(value, "shape") or hasattr(value, "__array__")


def _is_count(value: Any) -> bool:
    return isinstance(value, Integral) and int(value) >= 1


def _is_non_negative(value: Any) -> bool:
    return isinstance(value, Real) and 0.0 <= float(value) < math.inf


def _is_fraction(value: Any) -> bool:
    return isinstance(value, Real) and 0.0 <= float(value) <= 1.0


def _is_random_state(value: Any) -> bool:
    is_seed = isinstance(value, Integral) and 0 <= int(value) < 2**32
    return is_seed or value is None or isinstance(value, np.random.RandomState)


_BOOLEAN: Constraint = ("an instance of 'bool' or an instance of 'numpy.bool'", _is_boolean)
_NON_NEGATIVE: Constraint = ("a float in the range [0.0, inf)", _is_non_negative)

CONSTRAINTS: dict[str, Constraint] = {
    "alpha": _NON_NEGATIVE,
    "l1_ratio": ("a float in the range [0.0, 1.0]", _is_fraction),
    "fit_intercept": _BOOLEAN,
    "precompute": (f"{_BOOLEAN[0]} or an array-like", lambda v: _is_boolean(v) or _is_array_like(v)),
    "max_iter": ("an int in the range [1, inf) or None", lambda v: v is None or _is_count(v)),
    "copy_X": _BOOLEAN,
    "tol": _NON_NEGATIVE,
    "warm_start": _BOOLEAN,
    "positive": _BOOLEAN,
    "random_state": (
        "an int in the range [0, 4294967295], an instance of 'numpy.random.mtrand.RandomState' or None",
        _is_random_state,
    ),
    "selection": ("a str among {'cyclic', 'random'}", lambda v: isinstance(v, str) and v in SELECTIONS),
    "standardize": _BOOLEAN,
}

PATH_CONSTRAINTS: dict[str, Constraint] = {
    **CONSTRAINTS,
    "precompute": (
        f"a str among {{'auto'}}, {CONSTRAINTS['precompute'][0]}",
        lambda v: v == "auto" if isinstance(v, str) else CONSTRAINTS["precompute"][1](v),
    ),
    "eps": ("a float in the range (0.0, inf)", lambda v: _is_non_negative(v) and v > 0.0),
    "alphas": (
        "an int in the range [1, inf), an array-like or None",
        lambda v: v is None or _is_count(v) or _is_array_like(v),
    ),
    "Xy": ("an array-like or None", lambda v: v is None or _is_array_like(v)),
    "coef_init": ("an array-like or None", lambda v: v is None or _is_array_like(v)),
    "verbose": (
        f"an int in the range [0, inf), {_BOOLEAN[0]}",
        lambda v: _is_boolean(v) or (isinstance(v, Integral) and int(v) >= 0),
    ),
    "return_n_iter": _BOOLEAN,
    "check_input": _BOOLEAN,
}


GRID_CONSTRAINTS = {"eps": PATH_CONSTRAINTS["eps"], "alphas": ("an int in the range [1, inf)", _is_count)}


def check_parameters(
    caller: str, values: Mapping[str, Any], constraints: Mapping[str, Constraint] = CONSTRAINTS
) -> None:
    """Raise for the first of ``values`` that its constraint refuses; other names are ignored."""
    for name, (expected, is_valid) in constraints.items():
        if name in values and not is_valid(values[name]):
            raise _invalid(caller, name, f"must be {expected}. Got {values[name]!r} instead.")


def _invalid(caller: str, name: str, complaint: str) -> InvalidParameterError:
    return InvalidParameterError(f"The {name!r} parameter of {caller} {complaint}")


def check_alphas(caller: str, alphas: Any) -> Floats:
    """The user's alphas as float64, sorted from large to small; duplicates are kept."""
    values = _as_floats(caller, "alphas", alphas)
    if values.ndim != 1 or values.size == 0:
        raise _invalid(caller, "alphas", f"must be a non-empty 1D array. Got shape {values.shape} instead.")
    refused = np.flatnonzero(~((values >= 0.0) & (values < np.inf)))
    if refused.size:
        i = refused[0]
        got = f"alphas[{i}] == {values[i]}, must be >= 0.0 and finite."
        raise _invalid(caller, "alphas", f"is invalid: {got}")
    return np.sort(values)[::-1].copy()


def _as_floats(caller: str, name: str, values: Any) -> Floats:
    """``values`` as a float64 array, or an error that names the parameter."""
    try:
        array = np.asarray(values)
        if array.dtype.kind in "biufO":
            return array.astype(np.float64, copy=False)
    except (TypeError, ValueError):  # ragged, or objects that are not numbers
        pass
    raise _invalid(caller, name, f"must hold real numbers. Got {values!r} instead.")


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


def check_fit_data(estimator: Any, X: Any, y: Any, sample_weight: Any, check_input: bool = True) -> Samples:
    """Check what ``fit`` was given; sets ``n_features_in_`` and ``feature_names_in_`` on the estimator."""
    if check_input and _is_clean(X, y):
        estimator.n_features_in_ = X.shape[1]
        vars(estimator).pop("feature_names_in_", None)  # of an earlier fit
    elif check_input:
        X, y = validate_data(
            estimator,
            X,
            y,
            accept_sparse="csc",
            dtype=DTYPES,
            ensure_min_samples=2,
            multi_output=True,
            y_numeric=True,
        )
    else:
        validate_data(estimator, X, y, skip_check_array=True)
    return _samples(X, y, sample_weight, check_input)


def check_path_data(caller: str, X: Any, y: Any, sample_weight: Any, check_input: bool = True) -> Samples:
    """Check what a function of (X, y) was given."""
    if check_input and not _is_clean(X, y):
        X = check_array(X, accept_sparse="csc", dtype=DTYPES, ensure_min_samples=2, estimator=caller, input_name="X")
        y = check_array(y, dtype=np.float64, ensure_2d=False, estimator=caller, input_name="y")
        check_consistent_length(X, y)
    return _samples(X, y, sample_weight, check_input)


def _is_clean(X: Any, y: Any) -> bool:
    """Whether both are float arrays of fitting shapes and finite sums, hence without NaN and infinity."""
    if type(X) is not np.ndarray or type(y) is not np.ndarray or X.ndim != 2 or not 1 <= y.ndim <= 2:
        return False
    if X.dtype not in DTYPES or y.dtype not in DTYPES:
        return False
    if min(X.shape[0] - 1, *X.shape, *y.shape) < 1 or y.shape[0] != X.shape[0]:
        return False
    with np.errstate(over="ignore", invalid="ignore"):
        return math.isfinite(X.sum()) and math.isfinite(y.sum())


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


def check_coef_init(
    caller: str, coef_init: Any, shape: tuple[int, ...], penalty: Penalty, name: str = "coef_init"
) -> Floats:
    """A start of the given shape, moved into the bounds."""
    coefs = _as_floats(caller, name, coef_init)
    if coefs.shape != shape:
        raise ValueError(f"{name} of {caller} must have shape {shape}. Got {coefs.shape} instead.")
    if not np.isfinite(coefs).all():
        raise ValueError(f"{name} of {caller} contains NaN or infinity.")
    return np.clip(coefs, penalty.lower, penalty.upper)


def column_names(X: Any) -> list[Any] | None:
    """Column names of a data frame, None for anything else."""
    names = getattr(X, "columns", None)
    if names is None:
        names = getattr(X, "column_names", None)
    return None if names is None else list(names)


def make_penalty(
    caller: str,
    n_features: int,
    *,
    l1_ratio: float,
    penalty_factor: Any = None,
    bounds: Any = None,
    positive: bool = False,
    columns: list[Any] | None = None,
) -> Penalty:
    """Check ``penalty_factor``, ``bounds`` and ``positive`` against each other and build the penalty record.

    ``columns`` are the names that a dict refers to, None if X has none.
    """
    if penalty_factor is None and bounds is None:
        lower = np.zeros(n_features) if positive else None
        return Penalty.elastic_net(n_features, float(l1_ratio), lower=lower)
    factor = _check_penalty_factor(caller, penalty_factor, n_features, columns)
    lower, upper = _check_bounds(caller, bounds, positive, n_features, columns)
    conflict = np.isinf(factor) & ((lower > 0.0) | (upper < 0.0))
    if conflict.any():
        where = _feature(np.flatnonzero(conflict)[0], columns)
        raise _invalid(caller, "bounds", f"must contain 0 where penalty_factor is inf: {where}.")
    return Penalty.elastic_net(n_features, float(l1_ratio), factor=factor, lower=lower, upper=upper)


def _check_penalty_factor(caller: str, value: Any, n_features: int, columns: list[Any] | None) -> Floats:
    if value is None:
        return np.ones(n_features)
    if isinstance(value, Mapping):
        value = _by_column(caller, "penalty_factor", value, columns, 1.0)
    factor = _as_floats(caller, "penalty_factor", value)
    if factor.shape != (n_features,):
        complaint = f"must have shape {(n_features,)}, one entry per feature. Got {factor.shape}."
        raise _invalid(caller, "penalty_factor", complaint)
    refused = np.flatnonzero(~(factor >= 0.0))
    if refused.size:
        got = f"Got {factor[refused[0]]} for {_feature(refused[0], columns)}."
        raise _invalid(caller, "penalty_factor", f"must be in the range [0.0, inf]. {got}")
    return factor


def _check_bounds(
    caller: str, bounds: Any, positive: bool, n_features: int, columns: list[Any] | None
) -> tuple[Floats, Floats]:
    """Lower and upper bounds of each feature; ``positive`` raises the lower ones to 0."""
    pair: Any = bounds
    if bounds is None:
        pair = (None, None)
    elif isinstance(bounds, Mapping):
        rows = _by_column(caller, "bounds", bounds, columns, (None, None))
        if any(not _is_pair(row) for row in rows):
            raise _invalid(caller, "bounds", "must map each column name to a pair (lower, upper).")
        pair = ([_or(row[0], -np.inf) for row in rows], [_or(row[1], np.inf) for row in rows])
    elif not _is_pair(bounds):
        complaint = f"must be a pair (lower, upper), a dict or None. Got {bounds!r} instead."
        raise _invalid(caller, "bounds", complaint)
    lower = _check_side(caller, _or(pair[0], -np.inf), n_features)
    upper = _check_side(caller, _or(pair[1], np.inf), n_features)
    if positive:
        lower = np.maximum(lower, 0.0)
    refused = np.flatnonzero(~((lower <= upper) & (lower < np.inf) & (upper > -np.inf)))
    if refused.size:
        j = refused[0]
        got = f"Got ({lower[j]}, {upper[j]}) for {_feature(j, columns)}."
        raise _invalid(caller, "bounds", f"must have lower <= upper, also with lower >= 0 if positive=True. {got}")
    return lower, upper


def _check_side(caller: str, side: Any, n_features: int) -> Floats:
    values = _as_floats(caller, "bounds", side)
    if values.shape not in ((), (n_features,)):
        complaint = f"must hold numbers or arrays of shape {(n_features,)}. Got shape {values.shape}."
        raise _invalid(caller, "bounds", complaint)
    return np.broadcast_to(values, (n_features,))


def _is_pair(value: Any) -> bool:
    return _is_array_like(value) and not isinstance(value, Mapping) and len(value) == 2


def _or(value: Any, default: float) -> Any:
    return default if value is None else value


def _by_column(caller: str, name: str, values: Mapping[Any, Any], columns: list[Any] | None, default: Any) -> list[Any]:
    """The values in the order of the columns of X, ``default`` for columns that are not named."""
    if columns is None:
        raise _invalid(caller, name, "is a dict by column name, but X is not a data frame with column names.")
    unknown = sorted(map(repr, set(values) - set(columns)))
    if unknown:
        raise _invalid(caller, name, f"names columns that X does not have: {', '.join(unknown)}.")
    return [values.get(column, default) for column in columns]


def _feature(j: int, columns: list[Any] | None) -> str:
    return f"feature {j}" if columns is None else f"feature {columns[j]!r}"


def check_gram(
    samples: Samples, precompute: Any, *, fit_intercept: bool, check_input: bool = True, stacklevel: int = 3
) -> tuple[Floats | None, bool | None]:
    """What ``precompute`` means for this X: the user's Gram matrix or None, and whether a Gram is asked for.

    As in scikit-learn a sparse X takes no Gram; a Gram of columns that are not centred is dropped with a
    warning when there is an intercept; otherwise one element is compared with X.
    """
    if sparse.issparse(samples.X) or isinstance(precompute, str):
        return None, None
    if _is_boolean(precompute):
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
