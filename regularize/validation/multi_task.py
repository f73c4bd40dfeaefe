"""Several targets that are fitted together: the penalty of each feature's coefficients for all of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from regularize.penalties import GroupPenalty, Groups, Penalty
from regularize.validation.data import Samples
from regularize.validation.parameters import Floats, invalid_parameter
from regularize.validation.penalty import feature_name, make_penalty


def make_multi_task_penalty(
    caller: str,
    n_features: int,
    *,
    l1_ratio: float,
    penalty_factor: Any = None,
    bounds: Any = None,
    columns: list[Any] | None = None,
) -> GroupPenalty:
    """Check ``penalty_factor`` and ``bounds`` and build the record: what is L1 for one target is a norm for several.

    ``bounds`` may exclude features; others would cut the balls of the norms, and are refused.
    """
    options: dict[str, Any] = {"l1_ratio": l1_ratio, "penalty_factor": penalty_factor, "bounds": bounds}
    features = make_penalty(caller, n_features, **options, columns=columns)
    excluded = features.excluded
    bounded = np.flatnonzero((np.isfinite(features.lower) | np.isfinite(features.upper)) & ~excluded)
    if bounded.size:
        complaint = f"must be infinite for targets that are fitted together. See {feature_name(bounded[0], columns)}."
        raise invalid_parameter(caller, "bounds", complaint)
    norm, l2 = np.where(excluded, 0.0, features.l1), np.where(excluded, 0.0, features.l2)
    return GroupPenalty(replace(features, l1=np.zeros(n_features), l2=l2), Groups.of_one(n_features), norm)


def path_problem(
    caller: str, samples: Samples, *, positive: bool, columns: list[Any] | None, **options: Any
) -> tuple[Floats, Penalty | GroupPenalty]:
    """The target (n,), or the targets (n, T) if there are several, and the penalty; ``options`` are its parameters."""
    if positive and samples.y.ndim != 1:
        raise ValueError("positive=True is not allowed for multi-output (y.ndim != 1)")
    n_features, targets = samples.X.shape[1], samples.targets
    if targets.shape[1] > 1:
        return targets, make_multi_task_penalty(caller, n_features, columns=columns, **options)
    return targets[:, 0], make_penalty(caller, n_features, positive=positive, columns=columns, **options)
