"""A Cholesky factor L L' = G_FF + alpha diag(l2_F), maintained while columns enter and leave F.

Entering and leaving cost O(|F|^2); refactoring costs O(|F|^3). L is lower triangular and
column-major, so that a rotation of two columns runs along memory. Columns enter in blocks: what an entry costs is
reading L.
"""
from libc.math cimport sqrt
from libc.stdlib cimport realloc
from libc.string cimport memmove

from regularize.kernels.blas cimport cholesky, dot, plane_rotation, rotate, solve_lower


cdef struct Factor:
    Py_ssize_t size             # |F|
    Py_ssize_t stride           # leading dimension of values, >= size
    double *values              # L, (stride, stride)
    Py_ssize_t *columns         # F: positions in the working set, in the order of L
    double alpha                # the alpha whose l2 term L contains
    double *entering            # (ENTRIES, stride): columns on their way in, G_F,column and then L^-1 of it


cdef enum:
    ENTRIES = 8                 # columns that enter at once, at most
    GROWTH = 64                 # columns to spare when the factor grows


cdef inline bint is_dependent(double pivot, double diagonal, Py_ssize_t size) noexcept nogil:
    """Whether a pivot is rounding: as far as float64 can tell the column depends on the ``size`` before it.

    Pivots just above are wrong in their first digits, which only makes the Newton step that uses them inexact.
    """
    return not pivot > 2.2e-16 * (50 + size) * diagonal


cdef inline int reserve(Factor *factor, Py_ssize_t capacity) noexcept nogil:
    """Make room for ``capacity`` columns, keeping L; -1 when memory is short."""
    cdef Py_ssize_t stride, j
    cdef double *values
    cdef double *entering
    cdef Py_ssize_t *columns
    if capacity <= factor.stride:
        return 0
    stride = capacity + capacity // 2 + GROWTH
    columns = <Py_ssize_t *> realloc(factor.columns, stride * sizeof(Py_ssize_t))
    if columns == NULL:
        return -1
    factor.columns = columns
    values = <double *> realloc(factor.values, stride * stride * sizeof(double))
    if values == NULL:
        return -1
    factor.values = values
    entering = <double *> realloc(factor.entering, stride * ENTRIES * sizeof(double))
    if entering == NULL:
        return -1
    factor.entering = entering
    for j in range(factor.size - 1, 0, -1):              # from the last: targets lie behind sources
        memmove(values + j * stride, values + j * factor.stride, factor.size * sizeof(double))
    factor.stride = stride
    return 0


cdef inline void solve(const Factor *factor, double *x) noexcept nogil:
    """x = (L L')^-1 x"""
    solve_lower(factor.size, factor.values, factor.stride, x, False)
    solve_lower(factor.size, factor.values, factor.stride, x, True)


cdef inline void solve_entering(const Factor *factor, Py_ssize_t count) noexcept nogil:
    """entering = L^-1 entering; four columns of L at a time meet all right-hand sides, so that L is read once."""
    cdef Py_ssize_t b, k, j = 0, size = factor.size, stride = factor.stride
    cdef double *x
    cdef const double *l0
    cdef const double *l1
    cdef const double *l2
    cdef const double *l3
    cdef double x0, x1, x2, x3
    while j + 4 <= size:
        l0 = factor.values + j * stride
        l1, l2, l3 = l0 + stride, l0 + 2 * stride, l0 + 3 * stride
        for b in range(count):
            x = factor.entering + b * stride
            x0 = x[j] / l0[j]
            x1 = (x[j + 1] - l0[j + 1] * x0) / l1[j + 1]
            x2 = (x[j + 2] - l0[j + 2] * x0 - l1[j + 2] * x1) / l2[j + 2]
            x3 = (x[j + 3] - l0[j + 3] * x0 - l1[j + 3] * x1 - l2[j + 3] * x2) / l3[j + 3]
            x[j], x[j + 1], x[j + 2], x[j + 3] = x0, x1, x2, x3
            for k in range(j + 4, size):
                x[k] -= l0[k] * x0 + l1[k] * x1 + l2[k] * x2 + l3[k] * x3
        j += 4
    while j < size:
        l0 = factor.values + j * stride
        for b in range(count):
            x = factor.entering + b * stride
            x[j] /= l0[j]
            for k in range(j + 1, size):
                x[k] -= l0[k] * x[j]
        j += 1


cdef inline Py_ssize_t insert(
    Factor *factor, const Py_ssize_t *columns, Py_ssize_t count, const double *gram, Py_ssize_t stride,
    const double *l2,
) noexcept nogil:
    """Append up to ENTRIES columns of the working set; how many entered before one that depends on the others.

    The caller has reserved the room. The row of L that the dependent column would have had is left behind the last row.
    """
    cdef Py_ssize_t i, k, b, first = factor.size
    cdef double *corner = factor.values + first * factor.stride + first
    cdef double *own
    cdef double *x
    cdef const double *left
    cdef const double *source
    cdef double ridge
    for b in range(count):
        x = factor.entering + b * factor.stride
        source = gram + columns[b] * stride
        for i in range(first):
            x[i] = source[factor.columns[i]]
    solve_entering(factor, count)
    for i in range(first):
        for b in range(count):
            factor.values[i * factor.stride + first + b] = factor.entering[b * factor.stride + i]
    for b in range(count):
        own = corner + b * factor.stride
        x = factor.entering + b * factor.stride
        source = gram + columns[b] * stride
        ridge = factor.alpha * l2[columns[b]]
        for k in range(b, count):
            own[k] = source[columns[k]] - dot(first, x, factor.entering + k * factor.stride)
            for i in range(b):
                left = corner + i * factor.stride
                own[k] -= left[b] * left[k]
        own[b] += ridge
        if is_dependent(own[b], source[columns[b]] + ridge, first + b):
            return b
        own[b] = sqrt(own[b])
        for k in range(b + 1, count):
            own[k] /= own[b]
        factor.columns[first + b] = columns[b]
        factor.size += 1
    return count


cdef inline void remove(Factor *factor, Py_ssize_t position) noexcept nogil:
    """Drop the column at ``position`` of F: shift its row out, rotate the rest back to triangular."""
    cdef Py_ssize_t i, j, last = factor.size - 1, stride = factor.stride
    cdef double *left
    cdef double *right
    cdef double diagonal, cosine = 1, sine = 0
    for j in range(position):
        left = factor.values + j * stride
        memmove(left + position, left + position + 1, (last - position) * sizeof(double))
    for j in range(position, last):
        left = factor.values + j * stride
        right = left + stride
        diagonal = right[j + 1]
        plane_rotation(&left[j + 1], &diagonal, &cosine, &sine)
        rotate(last - j - 1, left + j + 2, right + j + 2, cosine, sine)
        if left[j + 1] < 0:                              # drotg may return a negative r
            for i in range(j + 1, last + 1):
                left[i] = -left[i]
        memmove(left + j, left + j + 1, (last - j) * sizeof(double))
    memmove(
        factor.columns + position, factor.columns + position + 1, (last - position) * sizeof(Py_ssize_t)
    )
    factor.size = last


cdef inline bint refactor(
    Factor *factor, const double *gram, Py_ssize_t stride, const double *l2, double alpha,
) noexcept nogil:
    """L from scratch for the columns listed in F; False when a pivot says that they are dependent."""
    cdef Py_ssize_t i, j, size = factor.size
    cdef double *target
    cdef const double *source
    factor.alpha = alpha
    for j in range(size):
        source = gram + factor.columns[j] * stride
        target = factor.values + j * factor.stride
        for i in range(j, size):
            target[i] = source[factor.columns[i]]
        target[j] += alpha * l2[factor.columns[j]]
    if cholesky(size, factor.values, factor.stride) != 0:
        return False
    for j in range(size):
        i = factor.columns[j]
        target = factor.values + j * factor.stride
        if is_dependent(target[j] * target[j], gram[i * stride + i] + alpha * l2[i], j):
            return False
    return True
