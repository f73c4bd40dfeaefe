"""Who gets which metadata in a cross-validated fit: the splitter and the scorer."""

from __future__ import annotations

from abc import abstractmethod
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn import get_config
from sklearn.model_selection import check_cv
from sklearn.utils.metadata_routing import UNUSED, MetadataRouter, MethodMapping, process_routing

from regularize.estimators.folds import takes_weights

__all__ = ["SplitterAndScorer"]

Floats = NDArray[np.float64]


class SplitterAndScorer:
    """Metadata routing of an estimator whose ``fit`` hands some on to the splitter ``cv`` and to a scorer."""

    # The splitter is who asks for groups: the estimator itself has no use for them.
    __metadata_request__fit = {"groups": UNUSED}

    cv: Any

    @abstractmethod
    def _scorer(self) -> Any:
        """The scorer, None without one."""

    def _route(
        self, scorer: Any, sample_weight: Floats | None, groups: Any, params: dict[str, Any]
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """The metadata of the splitter and of the scorer."""
        given = params if groups is None else {"groups": groups, **params}
        if get_config().get("enable_metadata_routing", False):
            routed = process_routing(self, "fit", sample_weight=sample_weight, **given)
            return dict(routed.splitter.split), {} if scorer is None else dict(routed.scorer.score)
        if params:
            raise ValueError(
                f"{sorted(params)} are passed to fit of {type(self).__name__}, but further parameters are only"
                " supported if enable_metadata_routing=True, which can be set using"
                " `sklearn.set_config(enable_metadata_routing=True)`."
            )
        weigh = sample_weight is not None and scorer is not None and takes_weights(scorer)
        return given, {"sample_weight": sample_weight} if weigh else {}

    def get_metadata_routing(self) -> Any:
        """Tell who asks for which metadata: fit for ``sample_weight``, the splitter and the scorer for theirs.

        Returns
        -------
        routing : MetadataRouter
            The requests, see :class:`sklearn.utils.metadata_routing.MetadataRouter`.

        Examples
        --------
        >>> from regularize import LassoCV
        >>> from sklearn.model_selection import GroupKFold
        >>> LassoCV(cv=GroupKFold(3)).get_metadata_routing().consumes("fit", ["groups"])
        {'groups'}
        """
        # An iterable of splits asks for nothing, and looking at it might use it up.
        splitter = check_cv(self.cv if is_splitter(self.cv) else None)
        router = MetadataRouter(owner=self).add_self_request(self)
        router.add(splitter=splitter, method_mapping=MethodMapping().add(caller="fit", callee="split"))
        scorer = self._scorer()
        if scorer is not None:
            router.add(scorer=scorer, method_mapping=MethodMapping().add(caller="fit", callee="score"))
        return router


def is_splitter(cv: Any) -> bool:
    """Whether ``cv`` splits, or is the number of folds of one that does; else it is an iterable of splits."""
    return cv is None or isinstance(cv, Integral) or hasattr(cv, "split")
