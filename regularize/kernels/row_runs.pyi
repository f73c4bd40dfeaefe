import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

class RowRuns:
    def __init__(self, n_rows: int) -> None: ...
    def extend(
        self, data: Floats, rows: NDArray[np.int64], indptr: NDArray[np.int64], offsets: Floats, gram: Floats
    ) -> None: ...
