"""Which features belong together."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Groups:
    """A partition of the features: group g holds ``indices[starts[g]:starts[g + 1]]``.

    starts : (G + 1,); indices : (p,), every feature once.
    """

    starts: Integers
    indices: Integers

    @classmethod
    def of_labels(cls, labels: Integers) -> Groups:
        """The features (p,) by the number of their group, 0 to G - 1, each used; in a group they keep their order."""
        starts = np.concatenate([[0], np.cumsum(np.bincount(labels))])
        return cls(starts.astype(np.intp), np.argsort(labels, kind="stable").astype(np.intp))

    @classmethod
    def of_one(cls, n_features: int) -> Groups:
        """Every feature by itself."""
        return cls(np.arange(n_features + 1, dtype=np.intp), np.arange(n_features, dtype=np.intp))

    @cached_property
    def sizes(self) -> Integers:
        """Features per group (G,)."""
        return np.diff(self.starts)

    @cached_property
    def labels(self) -> Integers:
        """The group of each feature (p,)."""
        labels = np.empty(self.indices.size, dtype=np.intp)
        labels[self.indices] = np.repeat(np.arange(self.sizes.size), self.sizes)
        return labels

    def members(self, groups: Integers) -> Integers:
        """The features of some groups, one group after the other."""
        sizes = self.sizes[groups]
        if sizes.size == 0:
            return np.empty(0, dtype=np.intp)
        ends = sizes.cumsum()
        places = np.arange(ends[-1])
        places += (self.starts[groups] - (ends - sizes)).repeat(sizes)
        return self.indices[places]
