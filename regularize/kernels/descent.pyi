import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

def dense_sweep(
    Z: Floats,
    coef: Floats,
    residual: Floats,
    alpha: float,
    active_only: bool,
    curvature: Floats,
    l1: Floats,
    l2: Floats,
    lower: Floats,
    upper: Floats,
) -> int: ...
def csc_sweep(
    data: Floats,
    rows: NDArray[np.int64],
    indptr: NDArray[np.int64],
    offsets: Floats,
    coef: Floats,
    residual: Floats,
    alpha: float,
    active_only: bool,
    curvature: Floats,
    l1: Floats,
    l2: Floats,
    lower: Floats,
    upper: Floats,
) -> tuple[int, float]: ...
