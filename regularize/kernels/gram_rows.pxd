"""A combination of rows of a matrix: of a Gram matrix, or of the columns of a factor."""


cdef inline void subtract_rows(
    Py_ssize_t size, const double *gram, Py_ssize_t stride, const Py_ssize_t *rows, Py_ssize_t count,
    const double *steps, double *out,
) noexcept nogil:
    """out -= sum_k steps_k G[rows_k], four rows at a time so that out is read and written a quarter as often."""
    cdef Py_ssize_t i, k = 0
    cdef const double *g0
    cdef const double *g1
    cdef const double *g2
    cdef const double *g3
    cdef double s0, s1, s2, s3
    while k + 4 <= count:
        g0 = gram + rows[k] * stride
        g1 = gram + rows[k + 1] * stride
        g2 = gram + rows[k + 2] * stride
        g3 = gram + rows[k + 3] * stride
        s0, s1, s2, s3 = steps[k], steps[k + 1], steps[k + 2], steps[k + 3]
        for i in range(size):
            out[i] -= s0 * g0[i] + s1 * g1[i] + s2 * g2[i] + s3 * g3[i]
        k += 4
    while k < count:
        g0 = gram + rows[k] * stride
        for i in range(size):
            out[i] -= steps[k] * g0[i]
        k += 1
