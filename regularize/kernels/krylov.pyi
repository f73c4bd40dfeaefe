import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

def advance(solutions: Floats, directions: Floats, gradient: Floats, steps: Floats, momenta: Floats) -> None: ...
