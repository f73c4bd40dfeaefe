"""A Cholesky factor L L' = G_FF + alpha diag(l2_F), maintained while columns enter and leave F.

Entering and leaving cost O(|F|^2); refactoring costs O(|F|^3). L is lower triangular and
column-major, so that a rotation of two columns runs along memory. Columns enter in blocks: what an entry costs is
reading L.
"""
from libc.math cimport sqrt
from libc.stdlib cimport realloc
from libc.string cimport memmove

from regularize.kernels.blas cimport (
    cholesky, plane_rotation, rotate, solve_lower, solve_lower_block, subtract_squares,
)
from regularize.kernels.gram_rows cimport subtract_rows


cdef struct Factor:
    Py_ssize_t size             # |F|
    Py_ssize_t stride           # leading dimension of values, >= size
    double *values              # L, (stride, stride)
    Py_ssize_t *columns         # F: positions in the working set, in the order of L
    double alpha                # the alpha whose l2 term L contains
    double *entering            # (ENTRIES, stride): rows of L of columns on their way in


cdef enum:
    ENTRIES = 64                # columns that enter at once, at most
    GROWTH = 64                 # columns to spare when the factor grows
    FEW = 7                     # columns that enter faster by loops of our own than by BLAS, at most


cdef inline bint is_dependent(double pivot, double diagonal, Py_ssize_t size) noexcept nogil:
    """Whether a pivot is rounding: as far as float64 can tell the column depends on the ``size`` before it.

    Pivots just above are wrong in their first digits, which only makes the Newton step that uses them inexact.
    """
    return not pivot > 2.2e-16 * (50 + size) * diagonal


cdef inline int reserve(Factor *factor, Py_ssize_t capacity, Py_ssize_t most) noexcept nogil:
    """Make room for ``capacity`` columns, of which there will be ``most`` for now, keeping L; -1 if memory is short."""
    cdef Py_ssize_t stride, j
    cdef double *values
    cdef double *entering
    cdef Py_ssize_t *columns
    if capacity <= factor.stride:
        return 0
    stride = min(capacity + capacity // 2 + GROWTH, most)
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


cdef inline void eliminate(Factor *factor, Py_ssize_t count) noexcept nogil:
    """entering = entering L^-T, for the ``count`` columns on their way in.

    BLAS copies L first: 950 rows and three columns take it 0.27 ms, the loops below 0.11; 2,000 rows 1.8 and 0.6 ms.
    """
    cdef Py_ssize_t j, end, b, k, i, n = factor.size, stride = factor.stride
    cdef Py_ssize_t[4] four
    cdef double *x
    if count == 1 or count > FEW:
        solve_lower_block(n, count, factor.values, stride, factor.entering)
        return
    for j in range(0, n, 4):
        end = min(j + 4, n)
        for b in range(count):
            x = factor.entering + b * stride
            for k in range(j, end):
                four[k - j] = k
                x[k] /= factor.values[k * stride + k]
                for i in range(k + 1, end):
                    x[i] -= factor.values[k * stride + i] * x[k]
        for i in range(end, n, 1024):                    # rows of four columns, which stay in the first cache
            for b in range(count):
                x = factor.entering + b * stride
                subtract_rows(min(n - i, 1024), factor.values + i, stride, four, 4, x + j, x + i)


cdef inline void enter_block(Factor *factor, Py_ssize_t count, const double *diagonal, bint *enters) noexcept nogil:
    """Gaussian elimination on the block's own matrix, which stands in each row of ``entering`` behind |F| entries.

    A column whose pivot is rounding does not enter and is passed over. Each row then holds, packed, what it has at the
    pivots: a row of L.
    """
    cdef Py_ssize_t b, c, k, entered = 0, stride = factor.stride
    cdef double *block = factor.entering + factor.size
    cdef double *own
    cdef double *other
    cdef double root
    for b in range(count):
        own = block + b * stride
        enters[b] = not is_dependent(own[b], diagonal[b], factor.size + entered)
        if not enters[b]:
            continue
        entered += 1
        root = sqrt(own[b])
        for k in range(count):
            if k > b or not enters[k]:
                other = block + k * stride
                other[b] /= root
                for c in range(b + 1, count):
                    other[c] -= other[b] * (own[c] / root)
        own[b] = root
    for k in range(count):
        other, c = block + k * stride, 0
        for b in range(count):
            if enters[b]:
                other[c] = other[b]
                c += 1


cdef inline Py_ssize_t insert(
    Factor *factor, const Py_ssize_t *columns, Py_ssize_t count, const double *gram, Py_ssize_t stride,
    const double *l2, bint *enters,
) noexcept nogil:
    """Append up to ENTRIES columns of the working set, but for those that depend on the others; how many have entered.

    The caller has reserved the room. Row b of ``factor.entering`` is left as the row of L that column b has, or would
    have had.
    """
    cdef Py_ssize_t i, k, b, first = factor.size
    cdef double[ENTRIES] diagonal
    cdef double *x
    cdef const double *source
    for b in range(count):
        x = factor.entering + b * factor.stride
        source = gram + columns[b] * stride
        for i in range(first):
            x[i] = source[factor.columns[i]]
        for k in range(count):
            x[first + k] = source[columns[k]]
        x[first + b] += factor.alpha * l2[columns[b]]
        diagonal[b] = x[first + b]
    eliminate(factor, count)
    subtract_squares(first, count, factor.entering, factor.stride)
    enter_block(factor, count, diagonal, enters)
    for b in range(count):
        if enters[b]:
            factor.columns[factor.size] = columns[b]
            factor.size += 1
    for i in range(factor.size):                         # along the rows of the column-major L
        k = first
        for b in range(count):
            if enters[b]:
                if i <= k:
                    factor.values[i * factor.stride + k] = factor.entering[b * factor.stride + i]
                k += 1
    return factor.size - first


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
