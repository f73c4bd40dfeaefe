from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Columns = NDArray[np.intp]

def moments(X: NDArray[Any], weights: Floats, first: int, mean: Floats, norm: Floats) -> None: ...
def grams_of_runs(Z: NDArray[Any], bounds: Columns, out: NDArray[Any]) -> None: ...
def stretch(X: NDArray[Any], V: Floats, first: int, out: Floats) -> None: ...
def gather(
    X: NDArray[Any], columns: Columns, root_weights: Floats, centre: Floats, inverse_scale: Floats, out: NDArray[Any]
) -> None: ...
