"""The cross-validation of one target, or of several that are fitted together, as the attributes of an estimator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from regularize.paths import refuse_non_finite
from regularize.selection import mean_and_standard_error
from regularize.solvers import PathResult

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class TargetFit:
    """What the cross-validation of one target, or of T targets that share an alpha, found.

    alphas : (L, k), of each of the L values of l1_ratio; errors : (L, k, K), squared errors; scores : of the same
    shape, or None; l1_ratio, index : position of what was selected; index_min, index_1se : (None for one fold) what
    the rules would select at that l1_ratio; path : on all rows, at that l1_ratio; predictions : (n,) or (n, T) out of
    fold, or None.
    """

    alphas: Floats
    errors: Floats
    scores: Floats | None
    l1_ratio: int
    index: int
    index_min: int
    index_1se: int | None
    path: PathResult
    predictions: Floats | None

    def attributes(self, dtype: Any) -> dict[str, Any]:
        """The fitted attributes, in scikit-learn's shapes; coefficients in the dtype of X, (p, k) or (T, p, k)."""
        with np.errstate(over="ignore"):
            coefs, intercepts = self.path.coefs.astype(dtype), self.path.intercepts.astype(dtype)
        refuse_non_finite(coefs, intercepts, self.path.dual_gaps)
        mean, standard_error = mean_and_standard_error(self.errors if self.scores is None else self.scores)
        alphas = self.alphas[self.l1_ratio]
        attributes = {
            "alpha_": alphas[self.index],
            "alpha_min_": alphas[self.index_min],
            "alpha_1se_": np.float64(np.nan) if self.index_1se is None else alphas[self.index_1se],
            "alphas_": alphas if len(self.alphas) == 1 else self.alphas,
            "mse_path_": np.squeeze(self.errors),
            "cv_mean_": np.squeeze(mean),
            "cv_se_": np.squeeze(standard_error),
            "coef_path_": coefs,
            "intercept_path_": intercepts,
            "coef_": coefs[..., self.index].copy(),
            "intercept_": intercepts.T[self.index].copy(),  # a number or (T,)
            "dual_gap_": self.path.dual_gaps[self.index],
            "converged_": bool(self.path.converged[self.index]),
            "n_iter_": max(1, int(self.path.n_iters[self.index])),  # the certificate is work too
        }
        return attributes if self.predictions is None else {**attributes, "oof_predictions_": self.predictions}
