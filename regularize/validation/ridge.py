"""What the ridge family takes: alphas per target, names of solvers, a prior."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from numbers import Integral
from typing import Any

import numpy as np

from regularize.penalties import Penalty
from regularize.validation.parameters import (
    BOOLEAN,
    CONSTRAINTS,
    NON_NEGATIVE,
    PATH_CONSTRAINTS,
    Constraint,
    Floats,
    as_floats,
    invalid_parameter,
    is_array_like,
    is_count,
    is_non_negative,
)
from regularize.validation.penalty import by_column, feature_name

SOLVERS = ("auto", "cholesky", "lbfgs", "lsqr", "sag", "saga", "sparse_cg", "svd")
DIAGNOSTICS = ("df", "gcv", "loo")
SPARSE_WITH_INTERCEPT = ("auto", "lbfgs", "lsqr", "sag", "sparse_cg")

RIDGE_CONSTRAINTS: dict[str, Constraint] = {
    "alpha": (f"{NON_NEGATIVE[0]} or an array-like", lambda v: is_non_negative(v) or is_array_like(v)),
    **{name: CONSTRAINTS[name] for name in ("fit_intercept", "copy_X", "max_iter", "tol")},
    "solver": (f"a str among {{{str(SOLVERS)[1:-1]}}}", lambda v: isinstance(v, str) and v in SOLVERS),
    **{name: CONSTRAINTS[name] for name in ("positive", "random_state", "standardize")},
    "class_weight": (
        "an instance of 'dict', a str among {'balanced'} or None",
        lambda v: v is None or isinstance(v, dict) or (isinstance(v, str) and v == "balanced"),
    ),
}

RIDGE_REGRESSION_CONSTRAINTS: dict[str, Constraint] = {
    **RIDGE_CONSTRAINTS,
    "max_iter": (
        "an int in the range [0, inf) or None",
        lambda v: v is None or (isinstance(v, Integral) and int(v) >= 0),
    ),
    **{name: PATH_CONSTRAINTS[name] for name in ("verbose", "return_n_iter", "check_input")},
    "return_intercept": BOOLEAN,
}

RIDGE_PATH_CONSTRAINTS: dict[str, Constraint] = {
    **RIDGE_CONSTRAINTS,
    "alphas": ("an int in the range [1, inf) or an array-like", lambda v: is_count(v) or is_array_like(v)),
    "eps": ("a float in the range (0.0, 1.0]", lambda v: is_non_negative(v) and 0.0 < v <= 1.0),
    "check_input": BOOLEAN,
}


def check_target_alphas(caller: str, alpha: Any, n_targets: int) -> Floats:
    """One alpha for each target, (n_targets,)."""
    values = as_floats(caller, "alpha", alpha).ravel()
    if values.size not in (1, n_targets):
        raise ValueError(f"Number of targets and number of penalties do not correspond: {values.size} != {n_targets}")
    if not ((values >= 0.0) & (values < np.inf)).all():
        raise invalid_parameter(caller, "alpha", f"must be non-negative and finite. Got {alpha!r} instead.")
    return np.array(np.broadcast_to(values, n_targets))


def ridge_solver_name(solver: str, *, is_bounded: bool, is_sparse: bool, fit_intercept: bool) -> str:
    """The solver of scikit-learn that a name stands for here; raises where scikit-learn does."""
    if is_bounded:
        if solver not in ("auto", "lbfgs"):
            raise ValueError(
                f"solver='{solver}' does not support positive fitting or bounds. Please set the solver to 'auto' or"
                " 'lbfgs', or set `positive=False` and `bounds=None`"
            )
        return "lbfgs"
    if solver == "lbfgs":
        raise ValueError("'lbfgs' solver can be used only when positive=True. Please use another solver.")
    if is_sparse and fit_intercept and solver not in SPARSE_WITH_INTERCEPT:
        raise ValueError(
            f"solver='{solver}' does not support fitting the intercept on sparse data. Please set the solver to"
            " 'auto' or 'lsqr', 'sparse_cg', 'sag', 'lbfgs' or set `fit_intercept=False`"
        )
    if is_sparse and solver == "svd":
        raise TypeError("SVD solver does not support sparse inputs currently")
    if is_sparse and (solver == "auto" or (solver == "sag" and fit_intercept)):
        return "sparse_cg"
    return "cholesky" if solver == "auto" else solver


def check_coef_prior(
    caller: str, coef_prior: Any, n_targets: int, penalty: Penalty, columns: list[Any] | None = None
) -> Floats | None:
    """What the coefficients are shrunk towards, (n_features,) or (n_targets, n_features); None for zeros."""
    if coef_prior is None:
        return None
    if isinstance(coef_prior, Mapping):
        coef_prior = by_column(caller, "coef_prior", coef_prior, columns, 0.0)
    prior, n_features = as_floats(caller, "coef_prior", coef_prior), penalty.n_features
    if prior.shape not in ((n_features,), (n_targets, n_features)):
        complaint = f"must have shape {(n_features,)} or {(n_targets, n_features)}. Got {prior.shape}."
        raise invalid_parameter(caller, "coef_prior", complaint)
    if not np.isfinite(prior).all():
        raise invalid_parameter(caller, "coef_prior", "contains NaN or infinity.")
    excluded = (penalty.l2 == 0.0) & penalty.excluded
    conflict = np.flatnonzero(excluded & (np.atleast_2d(prior) != 0.0).any(axis=0))
    if conflict.size:
        where = feature_name(conflict[0], columns)
        raise invalid_parameter(caller, "coef_prior", f"must be 0 where penalty_factor is inf: {where}.")
    return prior


def check_diagnostics(asked: bool | str | Iterable[str], *, is_bounded: bool) -> frozenset[str]:
    """Which diagnostics are to be computed; raises for unknown names and for what bounds rule out."""
    if isinstance(asked, bool | np.bool_):
        return frozenset(DIAGNOSTICS if asked and not is_bounded else ())
    try:
        names = frozenset([asked] if isinstance(asked, str) else asked)
    except TypeError:  # nothing to iterate over, or no names
        names = frozenset([""])
    if not names <= set(DIAGNOSTICS):
        raise ValueError(f"return_diagnostics of ridge_path must be a bool or some of {DIAGNOSTICS}. Got {asked!r}.")
    if names and is_bounded:
        raise ValueError(
            f"return_diagnostics={asked!r}: the formulas of df, gcv and loo do not hold for a model with bounds or"
            " positive=True. Use return_diagnostics=True for what it has."
        )
    return names
