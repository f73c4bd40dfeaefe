import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.intp]

def spans(
    known: Floats,
    products: Floats,
    residuals: Floats,
    parallel: float,
    pairs: Integers,
    shares: Floats,
    distances: Floats,
) -> None: ...
def exceeding(
    newest: Floats,
    older: Floats,
    share_newest: float,
    share_older: float,
    norms: Floats,
    distance: float,
    alpha: float,
    l1: Floats,
    lower: Floats,
    upper: Floats,
    skip: NDArray[np.uint8],
    found: Integers,
) -> int: ...
def exceeding_blocks(
    newest: Floats,
    older: Floats,
    share_newest: float,
    share_older: float,
    radii: Floats,
    distance: float,
    alpha: float,
    l1: Floats,
    lower: Floats,
    upper: Floats,
    norm: Floats,
    starts: Integers,
    indices: Integers,
    skip: NDArray[np.uint8],
    found: Integers,
) -> int: ...
def critical_alphas(
    correlations: Floats,
    l1: Floats,
    lower: Floats,
    upper: Floats,
    norm: Floats,
    starts: Integers,
    indices: Integers,
    alphas: Floats,
) -> None: ...
