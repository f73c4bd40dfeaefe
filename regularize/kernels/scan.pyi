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
    known: Floats,
    pairs: Integers,
    shares: Floats,
    distances: Floats,
    alphas: Floats,
    norms: Floats,
    l1: Floats,
    lower: Floats,
    upper: Floats,
    skip: NDArray[np.uint8],
    exceeds: NDArray[np.uint8],
) -> None: ...
def exceeding_blocks(
    known: Floats,
    pairs: Integers,
    shares: Floats,
    distances: Floats,
    alphas: Floats,
    radii: Floats,
    l1: Floats,
    lower: Floats,
    upper: Floats,
    norm: Floats,
    starts: Integers,
    indices: Integers,
    skip: NDArray[np.uint8],
    exceeds: NDArray[np.uint8],
) -> None: ...
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
