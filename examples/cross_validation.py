"""How strong should the penalty be, and how sure can one be of that?

Cross-validates the lasso on the diabetes data with all interactions, prints what the smallest error and the one
standard error rule choose, and draws the error over alpha to cross_validation.png.
"""

from __future__ import annotations

import matplotlib
import numpy as np
from matplotlib import pyplot as plt
from sklearn.datasets import load_diabetes
from sklearn.model_selection import KFold
from sklearn.preprocessing import PolynomialFeatures

from regularize import LassoCV

matplotlib.use("agg")  # draws into a file, with or without a screen


def main() -> None:
    """Cross-validate, print and draw."""
    data = load_diabetes()
    X = PolynomialFeatures(interaction_only=True, include_bias=False).fit_transform(data.data)
    folds = KFold(10, shuffle=True, random_state=0)
    model = LassoCV(cv=folds, selection_rule="1se", standardize=True, eps=1e-2).fit(X, data.target)

    for rule, alpha in (("smallest error", model.alpha_min_), ("one standard error", model.alpha_1se_)):
        at = np.flatnonzero(model.alphas_ == alpha)[0]
        n_active = np.count_nonzero(model.coef_path_[:, at])
        error = f"{model.cv_mean_[at]:.0f} +- {model.cv_se_[at]:.0f}"
        print(f"{rule:<20} alpha {alpha:7.3f}   error {error:<14} {n_active:3d} of {X.shape[1]} features")
    print(f"converged: {model.converged_}, duality gap at the chosen alpha: {model.dual_gap_:.1e}")

    draw(model).savefig("cross_validation.png", dpi=150, bbox_inches="tight")
    print("The error over alpha is drawn in cross_validation.png.")


def draw(model: LassoCV) -> plt.Figure:
    """The mean squared error of the folds over alpha, with its standard error and both choices."""
    figure, axes = plt.subplots(figsize=(6, 4))
    axes.errorbar(model.alphas_, model.cv_mean_, model.cv_se_, color="C0", ecolor="0.8", label="mean +- standard error")
    axes.axvline(model.alpha_min_, color="C1", linestyle="--", label="smallest error")
    axes.axvline(model.alpha_1se_, color="C2", linestyle="--", label="one standard error")
    axes.set(xscale="log", xlabel="alpha", ylabel="mean squared error on held-out rows")
    axes.invert_xaxis()
    axes.legend()
    return figure


if __name__ == "__main__":
    main()
