"""What estimators with groups of features share, whether they are cross-validated or not.

Design notes
------------
a. ``groups`` of the constructor are groups of *features*: they belong to the model, so that clones, pipelines and grid
   searches carry them along. Groups of rows belong to a splitter and are an argument of ``fit``.
b. ``group_norms_`` and ``n_active_groups_`` follow from ``coef_`` and ``groups_`` and are computed when asked for: the
   estimators that a scorer is given, one per alpha and fold, then have them for free.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from regularize.estimators.base import PenalisedRegressor
from regularize.estimators.base_cv import PenalisedRegressorCV
from regularize.penalties import GroupPenalty
from regularize.solvers import PathResult
from regularize.validation import Samples, Shares, make_group_penalty

__all__ = ["GroupRegressor", "GroupRegressorCV", "GroupedFeatures"]

Floats = NDArray[np.float64]


class GroupedFeatures:
    """Groups of features: from the parameters to the penalty, and from the coefficients to their norms."""

    groups: Any
    group_weights: Any
    positive: bool
    bounds: Any
    coef_: Any
    groups_: list[NDArray[np.intp]]

    @abstractmethod
    def _shares(self, l1_ratio: float) -> Shares:
        """What the penalty consists of."""

    def _group_penalty(self, n_features: int, l1_ratio: float, columns: list[Any] | None) -> GroupPenalty:
        """Check the parameters of the penalty, set ``groups_`` and build the penalty's record."""
        penalty = make_group_penalty(
            type(self).__name__,
            n_features,
            self._shares(l1_ratio),
            groups=self.groups,
            group_weights=self.group_weights,
            penalty_factor=getattr(self, "penalty_factor", None),
            bounds=self.bounds,
            positive=self.positive,
            columns=columns,
        )
        self.groups_ = np.split(penalty.groups.indices, penalty.groups.starts[1:-1])
        return penalty

    @property
    def group_norms_(self) -> Floats:
        """Euclidean norms of the coefficients of each group, (n_groups,) or (n_targets, n_groups)."""
        sizes = [len(group) for group in self.groups_]
        starts = np.cumsum([0, *sizes[:-1]])
        coef = np.abs(np.asarray(self.coef_, dtype=np.float64)[..., np.concatenate(self.groups_)])
        largest = np.maximum.reduceat(coef, starts, axis=-1)
        unit = np.repeat(np.where(largest > 0.0, largest, 1.0), sizes, axis=-1)  # no square may underflow
        return largest * np.sqrt(np.add.reduceat((coef / unit) ** 2, starts, axis=-1))

    @property
    def n_active_groups_(self) -> Any:
        """Number of groups whose coefficients are not all zero: an int, or an array of one for each target."""
        active = np.count_nonzero(self.group_norms_, axis=-1)
        return int(active) if np.ndim(active) == 0 else active


class GroupRegressor(GroupedFeatures, PenalisedRegressor):
    """Squared loss and a penalty of groups of features, for one alpha."""

    l1_ratio: float

    def _penalty(self, n_features: int, columns: list[Any] | None) -> GroupPenalty:
        return self._group_penalty(n_features, float(self.l1_ratio), columns)


class GroupRegressorCV(GroupedFeatures, PenalisedRegressorCV):
    """The same, cross-validated."""

    def _penalties(self, samples: Samples, columns: list[Any] | None) -> list[GroupPenalty]:
        n_features = samples.X.shape[1]
        return [self._group_penalty(n_features, float(l1_ratio), columns) for l1_ratio in self._l1_ratios()]

    def _model_parameters(self) -> dict[str, Any]:
        """What the estimators that scorers are given share with this one."""
        return {"groups": self.groups, "group_weights": self.group_weights, "fit_intercept": self.fit_intercept}

    def _fitted_model(self, penalty: int, path: PathResult, index: int) -> Any:
        model = super()._fitted_model(penalty, path, index)
        model.groups_ = self.groups_
        return model

    def _one_alpha_each(self, samples: Samples) -> Samples:
        if samples.targets.shape[1] > 1 and not self.alpha_per_target:
            raise ValueError(
                f"{type(self).__name__} takes several targets only with alpha_per_target=True, as independent problems."
                f" Got y of shape {samples.y.shape}."
            )
        return super()._one_alpha_each(samples)
