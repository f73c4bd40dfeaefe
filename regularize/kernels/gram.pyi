import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

def add_gram(Z: Floats, gram: Floats, first: int, last: int) -> None: ...
def mirror(gram: Floats, first: int) -> None: ...
