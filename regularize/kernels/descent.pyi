from typing import Any

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
def dense_block_sweep(
    Z: NDArray[Any],
    known: Floats,
    coef: Floats,
    change: NDArray[Any],
    alpha: float,
    chosen: NDArray[np.uint8],
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
    scratch: Floats,
) -> None: ...
def csc_block_sweep(
    data: Floats,
    rows: NDArray[np.int64],
    indptr: NDArray[np.int64],
    offsets: Floats,
    shift: Floats,
    known: Floats,
    coef: Floats,
    change: NDArray[Any],
    alpha: float,
    chosen: NDArray[np.uint8],
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
    scratch: Floats,
) -> None: ...
