"""A Cholesky factor L L' = G_FF + alpha diag(l2_F), maintained while columns enter and leave F.

Entering and leaving cost O(|F|^2); refactoring costs O(|F|^3). L is lower triangular and
column-major, so that a rotation of two columns runs along memory.
"""
from libc.math cimport sqrt
from libc.stdlib cimport realloc
from libc.string cimport memmove

from regularize.kernels.blas cimport cholesky, plane_rotation, rotate, solve_lower


cdef struct Factor:
    Py_ssize_t size             # |F|
    Py_ssize_t stride           # leading dimension of values, >= size
    double *values              # L, (stride, stride)
    Py_ssize_t *columns         # F: positions in the working set, in the order of L
    double alpha                # the alpha whose l2 term L contains


cdef enum:
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
    for j in range(factor.size - 1, 0, -1):              # from the last: targets lie behind sources
        memmove(values + j * stride, values + j * factor.stride, factor.size * sizeof(double))
    factor.stride = stride
    return 0


cdef inline void solve(const Factor *factor, double *x) noexcept nogil:
    """x = (L L')^-1 x"""
    solve_lower(factor.size, factor.values, factor.stride, x, False)
    solve_lower(factor.size, factor.values, factor.stride, x, True)


cdef inline bint insert(
    Factor *factor, Py_ssize_t column, const double *gram_column, double diagonal, double *row,
) noexcept nogil:
    """Append a column of the working set; False when it depends on the others.

    The caller has reserved the room. ``row`` is scratch of |F| + 1 entries; it returns ``L^-1 g``.
    """
    cdef Py_ssize_t i, size = factor.size
    cdef double pivot = diagonal
    for i in range(size):
        row[i] = gram_column[factor.columns[i]]
    solve_lower(size, factor.values, factor.stride, row, False)
    for i in range(size):
        pivot -= row[i] * row[i]
    if is_dependent(pivot, diagonal, size):
        return False
    for i in range(size):
        factor.values[i * factor.stride + size] = row[i]
    factor.values[size * factor.stride + size] = sqrt(pivot)
    factor.columns[size] = column
    factor.size = size + 1
    return True


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
