import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

def at_once(
    Z: Floats,
    targets: Floats,
    alphas: Floats,
    largest: float,
    trusted: float,
    u: Floats,
    gaps: Floats,
    errors: Floats,
    work: Floats,
    integers: NDArray[np.intc],
) -> bool: ...
def space(p: int, n: int, t: int) -> int: ...
