"""The vectors of shifted conjugate gradients: one reading serves all shifts."""


def advance(
    double[:, ::1] solutions not None,          # IN/OUT  (p, k), one column per shift
    double[:, ::1] directions not None,         # IN/OUT  (p, k)
    const double[::1] gradient not None,        # IN      (p,)
    const double[::1] steps not None,           # IN      (k,)
    const double[::1] momenta not None,         # IN      (k,)
):
    """solutions += directions * steps; directions = gradient + directions * momenta."""
    cdef Py_ssize_t p = gradient.shape[0], k = steps.shape[0], i, j
    cdef double slope
    if (
        solutions.shape[0] < p or directions.shape[0] < p or solutions.shape[1] < k or directions.shape[1] < k
        or momenta.shape[0] < k
    ):
        raise ValueError("advance: shapes do not fit")
    with nogil:
        for i in range(p):
            slope = gradient[i]
            for j in range(k):
                solutions[i, j] += directions[i, j] * steps[j]
                directions[i, j] = slope + directions[i, j] * momenta[j]
