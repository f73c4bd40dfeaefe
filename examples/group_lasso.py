"""Which variables tell how diabetes progresses, if each may act through a curve?

Expands the variables of the diabetes data in splines, one group of columns each, selects groups with a group lasso
whose alpha is chosen by cross-validation, prints them with the certificate that the model is optimal, and draws how
far each variable moves the prediction, over alpha, to group_path.png.
"""

from __future__ import annotations

import matplotlib
import numpy as np
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_diabetes
from sklearn.model_selection import KFold
from sklearn.preprocessing import SplineTransformer

from regularize import GroupLassoCV, RegularizationPathDisplay

matplotlib.use("agg")  # draws into a file, with or without a screen


def main() -> None:
    """Fit, print and draw."""
    data = load_diabetes(scaled=False)
    X, groups = expand(data.data, data.feature_names)

    folds = KFold(10, shuffle=True, random_state=0)
    model = GroupLassoCV(groups=groups, cv=folds, selection_rule="1se", standardize=True, eps=1e-2).fit(X, data.target)

    names = list(dict.fromkeys(groups))  # groups are in the order in which their labels first appear
    moves = deviations(model, X, model.coef_)
    print(f"Group lasso with alpha = {model.alpha_:.4g}: {model.n_active_groups_} of {len(names)} variables\n")
    print(f"{'variable':<10} {'columns':>7} {'norm':>8} {'deviation':>10}")
    for g in np.argsort(-moves):
        if model.group_norms_[g] > 0:
            print(f"{names[g]:<10} {len(model.groups_[g]):7d} {model.group_norms_[g]:8.2f} {moves[g]:10.2f}")
    verdict = "converged" if model.converged_ else "NOT converged"
    print(f"\n{verdict}: duality gap {model.dual_gap_:.1e}, tolerance {model.tol * np.var(data.target):.1e}")

    path = deviations(model, X, model.coef_path_)
    display = RegularizationPathDisplay.from_path(model.alphas_, path, feature_names=names, alpha=model.alpha_)
    display.ax_.set_ylabel("deviation of the variable's part of the prediction")
    display.figure_.savefig("group_path.png", dpi=150, bbox_inches="tight")
    print("How far each variable moves the prediction, over alpha, is drawn in group_path.png.")


def expand(X: np.ndarray, names: list[str]) -> tuple[np.ndarray, list[str]]:
    """Cubic splines of each variable but sex, which has two values; and the variable that each column belongs to."""
    curved = [j for j, name in enumerate(names) if name != "sex"]
    splines = SplineTransformer(n_knots=5, include_bias=False)
    transformer = make_column_transformer((splines, curved), remainder="passthrough", verbose_feature_names_out=False)
    expanded = transformer.fit_transform(X)
    columns = transformer.get_feature_names_out(names)
    return expanded, [column.partition("_sp_")[0] for column in columns]


def deviations(model: GroupLassoCV, X: np.ndarray, coef: np.ndarray) -> np.ndarray:
    """Standard deviation of each group's part of the prediction, for coefficients of one alpha or of the path."""
    return np.array([np.std(X[:, group] @ coef[group], axis=0) for group in model.groups_])


if __name__ == "__main__":
    main()
