"""Which features, and which of their interactions, tell how diabetes progresses?

Fits a lasso in a pipeline, alpha chosen by cross-validation, prints its coefficients with the certificate that
they are optimal, and draws their path to path.png.
"""

from __future__ import annotations

import matplotlib
import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from regularize import Lasso, RegularizationPathDisplay, alpha_grid

matplotlib.use("agg")  # draws into a file, with or without a screen


def main() -> None:
    """Fit, print and draw."""
    data = load_diabetes(scaled=False)
    X, X_test, y, y_test = train_test_split(data.data, data.target, test_size=0.25, random_state=0)

    expand = make_pipeline(StandardScaler(), PolynomialFeatures(interaction_only=True, include_bias=False))
    alphas = alpha_grid(expand.fit_transform(X), y, alphas=30, eps=1e-2, standardize=True)
    pipeline = make_pipeline(expand, Lasso(standardize=True, tol=1e-12))
    search = GridSearchCV(pipeline, {"lasso__alpha": alphas}, scoring="neg_mean_squared_error", cv=5).fit(X, y)

    model = search.best_estimator_
    lasso = model[-1]
    names = model[:-1].get_feature_names_out(data.feature_names)
    print_coefficients(lasso, names)
    print_certificate(lasso, y)
    print(f"R^2 on {len(y_test)} rows that were held out: {model.score(X_test, y_test):.3f}")

    display = RegularizationPathDisplay.from_estimator(model, X, y, feature_names=data.feature_names, eps=3e-3)
    display.figure_.savefig("path.png", dpi=150, bbox_inches="tight")
    print("The path of the coefficients over alpha is drawn in path.png.")


def print_coefficients(lasso: Lasso, names: np.ndarray) -> None:
    """Print the coefficients that are not zero, largest first."""
    order = np.argsort(-np.abs(lasso.coef_))
    chosen = [j for j in order if lasso.coef_[j] != 0]
    print(f"Lasso with alpha = {lasso.alpha:.4g}: {len(chosen)} of {len(names)} features\n")
    print(f"{'feature':<12} {'coefficient':>12}")
    print(f"{'(intercept)':<12} {lasso.intercept_:12.4f}")
    for j in chosen:
        print(f"{names[j]:<12} {lasso.coef_[j]:12.4f}")


def print_certificate(lasso: Lasso, y: np.ndarray) -> None:
    """Print how far the objective can be from its minimum, and how far it was allowed to be."""
    verdict = "converged" if lasso.converged_ else "NOT converged"
    print(f"\n{verdict}: duality gap {lasso.dual_gap_:.1e}, tolerance {lasso.tol * np.var(y):.1e}")


if __name__ == "__main__":
    main()
