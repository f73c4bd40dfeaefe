import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.intp]

def duality_gaps(
    coefs: Floats,
    correlations: Floats,
    projected: NDArray[np.uint8],
    norms: Floats,
    l1: Floats,
    l2: Floats,
    lower: Floats,
    upper: Floats,
    alphas: Floats,
    squared_residuals: Floats,
    projections: Floats,
    gaps: Floats,
    begins: Integers,
    ends: Integers,
    block_norm: Floats,
    radii: Floats,
    block_of: Integers,
    scratch: Floats,
) -> None: ...
