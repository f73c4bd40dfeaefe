"""What functions and estimators of ridge regression share: the engine by name, and its answers in the user's units."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from regularize.design import Design
from regularize.paths import listed
from regularize.penalties import Penalty
from regularize.solvers.ridge import TOO_LARGE, RidgeResult, RidgeSolver
from regularize.validation import ConvergenceWarning, Samples

Floats = NDArray[np.float64]

ITERATIVE = ("sparse_cg", "lsqr", "sag", "saga")  # names for which conjugate gradients are asked for
REPORTING = ("lsqr", "sag", "saga")  # names for which scikit-learn reports the number of iterations
QUICKLY_FACTORISED = 256  # smaller side of dense X up to which a factorisation takes as little time, or little more
NULL_MODEL = 100.0  # at this many times the trace of X'X no direction keeps more than 1 % of least squares


def ridge_grid(design: Design, penalty: Penalty, total: float, n_alphas: int, eps: float) -> Floats:
    """Geometric grid below the alpha that leaves less than 1 % of least squares in every direction."""
    design.overflow = TOO_LARGE
    penalised = (penalty.l2 > 0) & (penalty.lower < penalty.upper)
    # Columns in the units of the penalty: u_j = w_j scale_j / penalty_scale_j sqrt(l2_j) is penalised by u_j^2.
    size = design.norms[penalised] * design.penalty_scale[penalised]
    with np.errstate(over="ignore"):
        largest = NULL_MODEL * total * float(np.sum(size * size / penalty.l2[penalised]))
    if not np.isfinite(largest):
        raise ValueError("ridge_path: the trace of X'X overflows; rescale X or pass the alphas.")
    return np.geomspace(largest, largest * eps, n_alphas) if largest > 0 else np.geomspace(1.0, eps, n_alphas)


def ridge_solver(
    design: Design,
    samples: Samples,
    penalty: Penalty,
    *,
    alphas: Floats,
    prior: Floats | None = None,
    solver: str = "auto",
    tol: float = 1e-4,
    max_iter: int | None = None,
) -> RidgeSolver:
    """The engine for the solver of that name; ``alphas`` are those that it will be asked for."""
    iterates = solver in ITERATIVE and not (max_iter is None and _is_quickly_factorised(design))
    method = "cg" if iterates else "svd" if solver == "svd" else "auto"
    return RidgeSolver(
        design,
        samples.targets,
        penalty,
        prior=prior,
        method=method,
        tol=float(tol),
        max_iter=max_iter if max_iter is None else int(max_iter),
        n_alphas=len(set(alphas.tolist())),
    )


def _is_quickly_factorised(design: Design) -> bool:
    return not design.is_sparse and min(design.n_samples, design.n_features) <= QUICKLY_FACTORISED


def finite_solution(result: RidgeResult, samples: Samples) -> tuple[NDArray[Any], NDArray[Any]]:
    """Coefficients (k, t, p) and intercepts (k, t) in the dtype of X; raises if the arithmetic overflowed."""
    dtype = samples.X.dtype if samples.X.dtype == np.float32 else np.float64
    with np.errstate(over="ignore"):
        coefs = result.coefs.astype(dtype, copy=False)
        intercepts = result.intercepts.astype(dtype, copy=False)
    if not (np.isfinite(coefs).all() and np.isfinite(intercepts).all()) or np.isnan(result.dual_gaps).any():
        raise ValueError(TOO_LARGE)
    return coefs, intercepts


def reported_iterations(result: RidgeResult, name: str) -> NDArray[np.int32] | None:
    """Iterations per target of a single row of alphas, for the solvers that scikit-learn reports them for.

    At least one, as scikit-learn wants it: also where nothing had to iterate.
    """
    return np.maximum(result.n_iters[0], 1).astype(np.int32) if name in REPORTING else None


def warn_ridge_not_converged(result: RidgeResult, total: float, name: str = "auto", stacklevel: int = 3) -> None:
    """One ConvergenceWarning for all alphas and targets of a call, with the worst gap in the user's units."""
    if result.converged.all():
        return
    failed = np.argwhere(~result.converged)
    i, j = max(failed, key=lambda at: float(result.dual_gaps[*at]))
    where = f"alpha: {total * result.alphas[i, j]:.6g}"
    rows, targets = np.unique(failed[:, 0]), np.unique(failed[:, 1])
    if rows.size > 1:
        names = listed([f"{alpha:.6g}" for alpha in total * result.alphas[rows, 0]])
        where = f"{rows.size} of {len(result.alphas)} alphas: {names}"
    if result.alphas.shape[1] > 1:
        where += f", targets: {listed([str(k) for k in targets])}"
    gap, tolerance = 2.0 * total * result.dual_gaps[i, j], 2.0 * total * result.tolerance[j]
    warnings.warn(
        f"{_complaint(name, int(result.n_iters[i, j]))} Duality gap: {gap:.3e}, tolerance: {tolerance:.3e}, {where}",
        ConvergenceWarning,
        stacklevel=stacklevel,
    )


def _complaint(name: str, n_iter: int) -> str:
    """What did not converge, as scikit-learn words it for the solver of that name."""
    if name in ITERATIVE and n_iter > 0:
        return f"{name} did not converge after {n_iter} iterations."
    if name == "lbfgs":
        return "The lbfgs solver did not converge. Try increasing max_iter or tol."
    return (
        "Objective did not converge. You might want to increase the number of iterations, check the scale of the"
        " features or consider increasing regularisation."
    )
