"""What the tests of RidgeCV share: data, and scores from models that are fitted one by one."""

from __future__ import annotations

import numpy as np
import sklearn.linear_model
from sklearn.model_selection import GridSearchCV

from ridge_judge import augmented

ALPHAS = [0.3, 30.0, 3.0]  # in no order
RNG = np.random.default_rng(0)
X = RNG.standard_normal((24, 5)) * [1.0, 2.0, 0.5, 1.0, 3.0] + [1.0, 0.0, -2.0, 5.0, 0.0]
WIDE = RNG.standard_normal((20, 25)) + 0.5
Y = X @ [1.0, -1.0, 2.0, 0.0, 0.5] + 2.0 * RNG.standard_normal(24) + 3.0
TARGETS = np.c_[Y, X[:, 0] - Y, RNG.standard_normal(24)]
WEIGHT = RNG.uniform(0.2, 3.0, 24)
ZEROS = WEIGHT * (np.arange(24) % 5 > 0)


def refit(X, y, alpha, **options):  # noqa: N803
    """Coefficients and intercept by least squares on the augmented matrix; no code of the package."""
    problem = augmented(X, y, alpha, dtype=np.float64, **options)
    return problem.solution(np.linalg.lstsq(problem.matrix, problem.right, rcond=None)[0])


def left_out_predictions(X, targets, alphas, weight=None, **options):  # noqa: N803
    """(n, t, k): of each row by the model that is fitted to the others."""
    n = len(X)
    found = np.empty((*targets.shape, len(alphas)))
    for i in range(n):
        rest = np.arange(n) != i
        own = None if weight is None else weight[rest]
        for j, y in enumerate(targets.T):
            for k, alpha in enumerate(alphas):
                coef, intercept = refit(X[rest], y[rest], alpha, sample_weight=own, **options)
                found[i, j, k] = X[i] @ coef + intercept
    return found


def grid_search(X, y, weight=None, alphas=ALPHAS, **options):  # noqa: N803
    """scikit-learn's search over its own Ridge, as precise as that is."""
    search = GridSearchCV(sklearn.linear_model.Ridge(solver="svd"), {"alpha": alphas}, **options)
    return search.fit(X, y, sample_weight=weight)


def penalised_score(model, X, y):  # noqa: N803
    """A score that predictions alone do not give."""
    return model.score(X, y) - 1e-3 * np.abs(model.coef_).sum() - 1e-3 * model.alpha
