from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Columns = NDArray[np.intp]

def csc_moments(
    data: NDArray[Any],
    indices: NDArray[Any],
    indptr: NDArray[Any],
    weights: Floats,
    first: int,
    mean: Floats,
    norm: Floats,
) -> None: ...
def dense_dots(X: NDArray[Any], columns: Columns, V: Floats, out: Floats) -> None: ...
def csc_dots(
    data: NDArray[Any], indices: NDArray[Any], indptr: NDArray[Any], columns: Columns, V: Floats, out: Floats
) -> None: ...
def dense_combination(X: NDArray[Any], coef: Floats, out: Floats) -> None: ...
def csc_combination(
    data: NDArray[Any], indices: NDArray[Any], indptr: NDArray[Any], coef: Floats, out: Floats
) -> None: ...
