# Serves every build of the module: _quadratic_baseline and _quadratic_v3.
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

class Status(IntEnum):
    CONVERGED = 0
    STALLED = 1
    EXHAUSTED = 2
    PAUSED = 3
    NO_MEMORY = 4

def longest_stride(gap: float, last: int, span: int, longest: int) -> int: ...

class QuadraticSolver:
    def solve(
        self,
        gram: Floats,
        response: Floats,
        l1: Floats,
        l2: Floats,
        lower: Floats,
        upper: Floats,
        correlations: Floats,
        coef: Floats,
        response_norm: float,
        alpha: float,
        tolerance: float,
        max_iter: int,
    ) -> tuple[int, int]: ...
    def solve_path(
        self,
        gram: Floats,
        response: Floats,
        l1: Floats,
        l2: Floats,
        lower: Floats,
        upper: Floats,
        correlations: Floats,
        coef: Floats,
        response_norm: float,
        alphas: Floats,
        tolerance: float,
        max_iter: int,
        first: int,
        coefs: Floats,
        n_iters: NDArray[np.intp],
        is_knot: NDArray[np.uint8],
        solve_all: bool = False,
    ) -> int: ...
