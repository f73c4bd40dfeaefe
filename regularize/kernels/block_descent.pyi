from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

class BlockDescent:
    def __init__(
        self,
        n_rows: int,
        n_targets: int,
        alpha: float,
        starts: NDArray[np.intp],
        cluster: NDArray[np.intp],
        first: NDArray[np.intp],
        places: NDArray[np.intp],
        grams: Floats,
        norm: Floats,
        curvature: Floats,
        l1: Floats,
        l2: Floats,
        lower: Floats,
        upper: Floats,
    ) -> None: ...
    def dense_round(
        self,
        Z: NDArray[Any],
        known: Floats,
        chosen: NDArray[np.uint8],
        start: Floats,
        coef: Floats,
        residual: Floats,
        n_sweeps: int,
        combined: bool,
    ) -> None: ...
    def csc_round(
        self,
        data: Floats,
        rows: NDArray[np.int64],
        indptr: NDArray[np.int64],
        offsets: Floats,
        root_weights: Floats,
        known: Floats,
        chosen: NDArray[np.uint8],
        start: Floats,
        coef: Floats,
        residual: Floats,
        n_sweeps: int,
        combined: bool,
    ) -> None: ...
