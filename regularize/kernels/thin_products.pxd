"""Products of some neighbouring columns with few residuals, for which BLAS would copy more than it computes.

Four columns at a time: a residual is read once for them, and written once. The sums are taken in whatever order is the
fastest (see meson.build). On 32 columns of 1,000 float32 entries they are 3 to 5 times as fast as matrix products for
two to five residuals, and as fast as products with vectors for one.
"""
from cython cimport floating


cdef inline void correlate_four(
    Py_ssize_t n, Py_ssize_t width, const floating *Z, const floating *residual, floating *out,
) noexcept nogil:
    """``correlate`` for four columns."""
    cdef Py_ssize_t i, t
    cdef const floating *z1 = Z + n
    cdef const floating *z2 = Z + 2 * n
    cdef const floating *z3 = Z + 3 * n
    cdef const floating *r
    cdef floating s0, s1, s2, s3
    for t in range(width):
        r = residual + t * n
        s0 = s1 = s2 = s3 = 0
        for i in range(n):
            s0 += Z[i] * r[i]
            s1 += z1[i] * r[i]
            s2 += z2[i] * r[i]
            s3 += z3[i] * r[i]
        out[t], out[width + t], out[2 * width + t], out[3 * width + t] = s0, s1, s2, s3


cdef inline void correlate(
    Py_ssize_t n, Py_ssize_t count, Py_ssize_t width, const floating *Z, const floating *residual, floating *out,
) noexcept nogil:
    """out (count, width) = Z' residual' for Z (n, count), column-major, and residual (width, n) in C order."""
    cdef Py_ssize_t i, t, k = 0
    cdef floating total
    while k < count and count >= 4:
        k = min(k, count - 4)                            # the last four may have been read: three alone take as long
        correlate_four(n, width, Z + k * n, residual, out + k * width)
        k += 4
    while k < count:
        for t in range(width):
            total = 0
            for i in range(n):
                total += Z[k * n + i] * residual[t * n + i]
            out[k * width + t] = total
        k += 1


cdef inline void subtract_four(
    Py_ssize_t n, Py_ssize_t width, const floating *Z, const floating *coef, floating *residual,
) noexcept nogil:
    """``subtract_combination`` for four columns."""
    cdef Py_ssize_t i, t
    cdef const floating *z1 = Z + n
    cdef const floating *z2 = Z + 2 * n
    cdef const floating *z3 = Z + 3 * n
    cdef floating *r
    cdef floating w0, w1, w2, w3
    for t in range(width):
        r = residual + t * n
        w0, w1, w2, w3 = coef[t], coef[width + t], coef[2 * width + t], coef[3 * width + t]
        for i in range(n):
            r[i] -= w0 * Z[i] + w1 * z1[i] + w2 * z2[i] + w3 * z3[i]


cdef inline void subtract_combination(
    Py_ssize_t n, Py_ssize_t count, Py_ssize_t width, const floating *Z, const floating *coef, floating *residual,
) noexcept nogil:
    """residual (width, n) -= coef' Z' for Z (n, count), column-major, and coef (count, width) in C order."""
    cdef Py_ssize_t i, t, k = 0
    cdef floating w
    while k + 4 <= count:
        subtract_four(n, width, Z + k * n, coef + k * width, residual)
        k += 4
    while k < count:
        for t in range(width):
            w = coef[k * width + t]
            for i in range(n):
                residual[t * n + i] -= w * Z[k * n + i]
        k += 1
