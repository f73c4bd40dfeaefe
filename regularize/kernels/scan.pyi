import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

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
    found: NDArray[np.intp],
) -> int: ...
