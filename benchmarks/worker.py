"""The process that runs one rival on one problem, in the rival's own interpreter.

    python worker.py RIVAL FOLDER

FOLDER holds the problem as saved by ``measure.save``. Commands come as one JSON object per line on standard
input, answers go the same way to standard output. Only the rival's call is inside the clock; it is warm
(imports, compilation) because a tiny problem of the same layout was solved before.
"""

from __future__ import annotations

import gc
import importlib.metadata
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from scipy import linalg, sparse

import rivals

FINEST = 1e-16  # the last tolerance that is tried, unless the rival has its own
MOST_CLASSES = 20  # a y of more values is no label


class Session:
    """One rival, one problem."""

    def __init__(self, rival: str, folder: str) -> None:
        self.folder = Path(folder)
        self.rival = rivals.load(rival)
        if (self.folder / "X.npz").exists():
            self.X = sparse.csc_matrix(sparse.load_npz(self.folder / "X.npz"))
        else:
            self.X = np.load(self.folder / "X.npy")
        self.y, self.alphas = np.load(self.folder / "y.npy"), np.load(self.folder / "alphas.npy")

    def hello(self) -> dict[str, Any]:
        """Warm up; say the version, the BLAS threads in force, and why this problem cannot be taken."""
        reason = self._skip()
        if not reason:
            self._warm_up()
        import threadpoolctl

        threads = {pool["num_threads"] for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "blas"}
        version = importlib.metadata.version(self.rival.PACKAGE)
        finest = getattr(self.rival, "FINEST", FINEST)
        return {"skip": reason, "version": version, "blas_threads": sorted(threads), "finest": finest}

    def _skip(self) -> str:
        return self.rival.skip(self.X, self.y, self.alphas)

    def _warm_up(self) -> None:
        X, y, alphas = self._tiny()
        self.rival.solve(X, y, alphas, 1e-3)

    def _tiny(self) -> tuple[Any, np.ndarray, np.ndarray]:
        """X of the layout of the problem, y and three alphas."""
        rng = np.random.default_rng(0)
        X, y = np.asfortranarray(rng.standard_normal((20, 5))), rng.standard_normal(20)
        X = sparse.csc_matrix(X) if sparse.issparse(self.X) else X
        return X, y, np.max(np.abs(X.T @ y)) / 20 * np.array([1.0, 0.5, 0.1])

    def solve(self, tol: float) -> dict[str, Any]:
        """Seconds of one path; the coefficients are saved for the judge."""
        start = time.perf_counter()
        coefs = self.rival.solve(self.X, self.y, self.alphas, tol)
        seconds = time.perf_counter() - start
        np.save(self.folder / "coefs.npy", coefs.toarray() if sparse.issparse(coefs) else np.asarray(coefs))
        return {"seconds": seconds}

    def memory(self, tol: float, order: str) -> dict[str, Any]:
        """Peak resident memory of one path over what was resident before, less the coefficients."""
        if not sparse.issparse(self.X):
            self.X = np.asarray(self.X, order=order)
        gc.collect()
        before = _reset_peak()
        coefs = self.rival.solve(self.X, self.y, self.alphas, tol)
        arrays = (coefs.data, coefs.indices, coefs.indptr) if sparse.issparse(coefs) else (coefs,)
        return {"bytes": max(_peak() - before - sum(array.nbytes for array in arrays), 0)}

    def figures(self, tol: float) -> dict[str, Any]:
        """What the engine says of its own work, if it does."""
        return self.rival.figures(self.X, self.y, self.alphas, tol) if hasattr(self.rival, "figures") else {}

    def gram(self, repeats: int) -> dict[str, Any]:
        """Seconds of the bare product X'X, by numpy or by dsyrk, whichever is faster."""
        products = (lambda: self.X.T @ self.X, lambda: linalg.blas.dsyrk(1.0, self.X, trans=1))
        return {"seconds": min(_clock(product) for product in products for _ in range(repeats))}

    def fit(self, repeats: int) -> dict[str, Any]:
        """Best time of ``fit`` at the last alpha, at default tolerance, on C-ordered data."""
        if not hasattr(self.rival, "fit"):
            return {"skip": "has no estimator of this kind"}
        X, alpha = np.ascontiguousarray(self.X), float(self.alphas[-1])
        coef, intercept = self.rival.fit(X, self.y, alpha)
        np.save(self.folder / "coefs.npy", coef)
        seconds = min(_clock(lambda: self.rival.fit(X, self.y, alpha)) for _ in range(repeats))
        return {"seconds": seconds, "intercept": float(intercept)}


class CrossValidationSession(Session):
    """One rival, one cross-validation: the commands that differ."""

    def __init__(self, rival: str, folder: str) -> None:
        super().__init__(rival, folder)
        self.l1_ratios = np.load(self.folder / "l1_ratios.npy")
        self.tests = list(np.load(self.folder / "tests.npz").values())
        if hasattr(self.rival, "prepare_cross_validation"):
            self.X, self.y = self.rival.prepare_cross_validation(self.X, self.y)

    def hello(self) -> dict[str, Any]:
        """As for a path; and whether the rival runs on several threads."""
        if not hasattr(self.rival, "cross_validate"):
            return {"skip": "has no cross-validation here", "version": "", "blas_threads": [], "finest": 1}
        return super().hello() | {"n_jobs": list(getattr(self.rival, "N_JOBS", (1,)))}

    def _skip(self) -> str:
        return self.rival.skip_cross_validation(self.X, self.y, self.l1_ratios)

    def _warm_up(self) -> None:
        X, y, alphas = self._tiny()
        tests = np.array_split(np.arange(y.size), len(self.tests))
        self.rival.cross_validate(X, y, alphas[np.newaxis], np.ones(1), tests, 1e-3, 1)

    def solve(self, tol: float, n_jobs: int) -> dict[str, Any]:
        """Seconds of the cross-validation and its refit."""
        return {"seconds": _clock(lambda: self._cross_validate(tol, n_jobs))}

    def _cross_validate(self, tol: float, n_jobs: int) -> None:
        self.rival.cross_validate(self.X, self.y, self.alphas, self.l1_ratios, self.tests, tol, n_jobs)

    def fold_paths(self, tol: float) -> dict[str, Any]:
        """Save the paths on the folds for the judge."""

        def keep(l1_ratio: int, fold: int, coefs: Any, intercepts: Any) -> None:
            coefs = coefs.toarray() if sparse.issparse(coefs) else coefs
            np.savez(self.folder / f"path_{l1_ratio}_{fold}.npz", coefs=coefs, intercepts=intercepts)

        self.rival.fold_paths(self.X, self.y, self.alphas, self.l1_ratios, self.tests, tol, keep)
        return {}

    def full_paths(self, tol: float) -> dict[str, Any]:
        """Seconds of the paths on all rows alone."""
        return {"seconds": _clock(lambda: self.rival.full_paths(self.X, self.y, self.alphas, self.l1_ratios, tol))}

    def memory(self, tol: float, order: str, n_jobs: int = 1) -> dict[str, Any]:
        """Peak resident memory of the cross-validation over what was resident before."""
        if not sparse.issparse(self.X):
            self.X = np.asarray(self.X, order=order)
        gc.collect()
        before = _reset_peak()
        self._cross_validate(tol, n_jobs)
        return {"bytes": max(_peak() - before, 0)}


class RidgeSession(Session):
    """One rival, one ridge problem, and the ways in which it does that."""

    def __init__(self, rival: str, folder: str) -> None:
        super().__init__(rival, folder)
        self.task = (self.folder / "task.txt").read_text()

    def hello(self) -> dict[str, Any]:
        """As for a path; and the variants, with the finest tolerance of each."""
        return super().hello() | {"variants": self._variants()}

    def _variants(self) -> dict[str, float]:
        return self.rival.ridge_variants(self.task, self.X)

    def _skip(self) -> str:
        return ""

    def _warm_up(self) -> None:
        X, y, alphas = self._tiny()
        y = y if np.unique(self.y).size > MOST_CLASSES else np.arange(y.size) % 3.0
        for variant in self._variants():
            self.rival.ridge(self.task, variant, X, y, alphas, 1e-2)

    def solve(self, variant: str, tol: float, calls: int) -> dict[str, Any]:
        """Best seconds of some calls; the coefficients and their alphas are saved for the judge."""
        answers: list[Any] = []
        arguments = (self.task, variant, self.X, self.y, self.alphas, tol)
        seconds = min(_clock(lambda: answers.append(self.rival.ridge(*arguments))) for _ in range(calls))
        coefs, alphas = answers[-1]
        if coefs is not None:
            np.savez(self.folder / "coefs.npz", coefs=coefs, alphas=alphas)
        return {"seconds": seconds, "is_bare": coefs is None}


def _clock(call: Any) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def _status(field: str) -> int:
    """A field of /proc/self/status in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(field))


def _reset_peak() -> int:
    """Bring the high-water mark down to what is resident now, and return that (Linux)."""
    Path("/proc/self/clear_refs").write_text("5")
    return _status("VmRSS")


def _peak() -> int:
    return _status("VmHWM")


def _kind(folder: Path) -> type[Session]:
    """What the files in the folder are about."""
    if (folder / "task.txt").exists():
        return RidgeSession
    return CrossValidationSession if (folder / "l1_ratios.npy").exists() else Session


def main() -> None:
    """Answer commands until the input ends."""
    # Rivals may print: keep the real standard output for the answers, and send theirs to standard error.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    session = _kind(Path(sys.argv[2]))(sys.argv[1], sys.argv[2])
    for line in sys.stdin:
        command = json.loads(line)
        answer = getattr(session, command.pop("do"))(**command)
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
