"""The penalty of groups of features, or of features over several targets.

For coefficients ``W`` of shape (p, T), whose rows of group g are the block ``W_g``, the record describes

    alpha sum_g norm_g ||W_g||_2  +  alpha sum_jt l1_j |W_jt|  +  alpha / 2 sum_jt l2_j W_jt^2

within lower_j <= W_jt <= upper_j, with the Euclidean (Frobenius) norm of a block.

Design notes
------------
a. Group lasso, group elastic net and sparse-group lasso have T = 1; the multi-task models have groups of one feature.
b. A block with a norm has the same l2 term for all its features, and bounds of zero and infinity alone: then its
   proximal step, its conjugate and its optimality are closed forms of the soft-thresholded values. The boundary refuses
   all else.
c. :meth:`GroupPenalty.simplified` writes a norm of one number as an l1 term and parts groups without norm: what is left
   as a group needs a group's solver, and a problem without any is solved as the elastic net that it is.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from regularize.kernels import scan
from regularize.penalties.groups import Groups, Integers
from regularize.penalties.penalty import Penalty, Spans

Floats = NDArray[np.float64]
Flags = NDArray[np.uint8]


@dataclass(frozen=True)
class GroupPenalty:
    """features : what each feature has of its own; groups : the blocks; norm : (G,) factors of their norms."""

    features: Penalty
    groups: Groups
    norm: Floats

    @classmethod
    def of_features(cls, features: Penalty) -> GroupPenalty:
        """Every feature by itself, and no norms."""
        p = features.n_features
        return cls(features, Groups.of_one(p), np.zeros(p))

    @property
    def n_features(self) -> int:
        """Number of features p."""
        return self.features.n_features

    def simplified(self, n_targets: int) -> GroupPenalty | Penalty:
        """The same penalty with as few groups as possible; no group at all if that is possible for one target."""
        groups, norm = self.groups, self.norm
        alone = (norm == 0.0) | (groups.sizes == 1)
        if n_targets == 1:
            single = groups.sizes == 1
            own = np.zeros(self.n_features)
            own[groups.members(np.flatnonzero(single))] = norm[single]
            features = replace(self.features, l1=self.features.l1 + own)
            if alone.all():
                return features
            norm = np.where(single, 0.0, norm)
        else:
            features = self.features
        labels = np.where(alone[groups.labels], norm.size + np.arange(self.n_features), groups.labels)
        _, first, labels = np.unique(labels, return_index=True, return_inverse=True)
        return GroupPenalty(features, Groups.of_labels(labels), norm[groups.labels[first]])

    @property
    def n_units(self) -> int:
        """Number of groups."""
        return self.norm.size

    @property
    def group_of(self) -> Integers:
        """The group of each feature (p,): features of a group share a unit."""
        return self.groups.labels

    def units_with(self, features: NDArray[np.bool_]) -> Integers:
        """The groups that have some of the features, given by flags (p,)."""
        flags = np.zeros(self.n_units, dtype=bool)
        flags[self.groups.labels[features]] = True
        return np.flatnonzero(flags)

    def holds(self) -> Penalty:
        """The features' own record, with l1 terms of what keeps them at zero."""
        return self._holds

    @cached_property
    def _holds(self) -> Penalty:
        return replace(self.features, l1=self.features.l1 + self.norm[self.groups.labels])

    @cached_property
    def held(self) -> Integers:
        """The groups with a norm."""
        return np.flatnonzero(self.norm > 0)

    def entries(self, n_targets: int) -> tuple[tuple[Floats, Floats, Floats, Floats], Integers]:
        """l1, l2, lower and upper of each coefficient (p * T,), and which of the groups with a norm it is in, -1: none.

        They are kept for the next call.
        """
        if n_targets not in self._entries:
            number = np.full(self.n_units, -1, dtype=np.intp)
            number[self.held] = np.arange(self.held.size)
            f, number = self.features, number[self.groups.labels]
            if n_targets > 1:
                f = Penalty(*(np.repeat(term, n_targets) for term in (f.l1, f.l2, f.lower, f.upper)))
                number = np.repeat(number, n_targets)
            self._entries[n_targets] = (f.l1, f.l2, f.lower, f.upper), number
        return self._entries[n_targets]

    @cached_property
    def _entries(self) -> dict[int, tuple[tuple[Floats, Floats, Floats, Floats], Integers]]:
        return {}

    def radii(self, norms: Floats) -> Floats:
        """Bounds (G,) of the largest singular values of each group's columns, by the norms of the columns (p,)."""
        return np.sqrt(np.bincount(self.groups.labels, norms * norms, minlength=self.n_units))

    def exceeding(self, known: Floats, spans: Spans, radii: Floats, alphas: Floats, skip: Flags) -> Flags:
        """Which groups (G,) may violate optimality at one of some residuals, by correlations (A, T, p)."""
        exceeds = np.empty(self.n_units, dtype=np.uint8)
        groups = self.norm, self.groups.starts, self.groups.indices
        scan.exceeding_blocks(known, *spans, alphas, radii, *self._terms, *groups, skip, exceeds)
        return exceeds

    def critical_alphas(self, correlations: Floats) -> Floats:
        """The smallest alphas (..., G) at which each group stays at zero, by correlations (..., T, p)."""
        outer = correlations.shape[:-2]
        rows = np.ascontiguousarray(correlations.reshape(-1, *correlations.shape[-2:]))
        alphas = np.zeros((len(rows), self.n_units))
        scan.critical_alphas(rows, *self._terms, self.norm, self.groups.starts, self.groups.indices, alphas)
        return alphas.reshape(*outer, self.n_units)

    @property
    def arrays(self) -> tuple[Integers, Floats, Floats, Floats, Floats, Floats]:
        """starts, norm, l1, l2, lower and upper, for solvers that have the features in the order of their groups."""
        f = self.features
        return self.groups.starts, self.norm, f.l1, f.l2, f.lower, f.upper

    @property
    def _terms(self) -> tuple[Floats, Floats, Floats]:
        return self.features.l1, self.features.lower, self.features.upper

    def without_kinks(self) -> GroupPenalty:
        """The record at an alpha so large that only what nothing keeps at zero can move."""
        return self.of_features(self.holds().without_kinks())

    def always_active(self) -> Integers:
        """Groups that no alpha keeps at zero; a simplified record has no others than single features among them."""
        flags = np.zeros(self.n_features, dtype=bool)
        flags[self.holds().always_active()] = True
        return self.units_with(flags)

    def to_visit(self, coef: Floats, correlations: Floats, alpha: float) -> Flags:
        """The groups (G,) that are not zero, or should not be, for coef and correlations (p, T)."""
        chosen = self.critical_alphas(correlations.T) > alpha
        chosen[self.units_with(np.asarray(np.any(coef, axis=1)))] = True
        chosen[self.always_active()] = True
        return chosen.astype(np.uint8)

    def restrict(self, units: Integers, features: Integers | None = None) -> GroupPenalty:
        """The record of some of the groups, their features in the order of :meth:`features_of`, given if known."""
        features = self.features_of(units) if features is None else features
        starts = np.zeros(units.size + 1, dtype=np.intp)
        np.cumsum(self.groups.sizes[units], out=starts[1:])
        groups = Groups(starts, np.arange(starts[-1], dtype=np.intp))
        return GroupPenalty(self.features.restrict(features), groups, self.norm[units])

    def features_of(self, units: Integers) -> Integers:
        """The features of some groups, one group after the other."""
        return self.groups.members(units)

    def values(self, coefs: Floats, alphas: Floats) -> Floats:
        """The penalty (k,) of coefs (k, p, T), each at its alpha, with the features in the order of their groups."""
        squares = np.square(coefs).sum(axis=2)
        own = np.abs(coefs).sum(axis=2) @ self.features.l1 + 0.5 * (squares @ self.features.l2)
        norms = np.sqrt(np.add.reduceat(squares, self.groups.starts[:-1], axis=1))
        return np.asarray(alphas * (own + norms @ self.norm))

    def at(self, alpha: float) -> GroupPenalty:
        """The record with ``alpha`` multiplied in."""
        return GroupPenalty(self.features.at(alpha), self.groups, alpha * self.norm)

    def in_units_of(self, scale: Floats, penalty_scale: Floats, response_scale: float) -> GroupPenalty:
        """As for :class:`Penalty`; ``penalty_scale`` is the same for all features of a group with a norm."""
        features = self.features.in_units_of(scale, penalty_scale, response_scale)
        first = self.groups.indices[self.groups.starts[:-1]]
        return GroupPenalty(features, self.groups, self.norm / penalty_scale[first] / response_scale)
