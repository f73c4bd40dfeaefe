from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

def stretch(X: NDArray[Any], V: Floats, first: int, out: Floats) -> None: ...
