"""Products with columns of dense X in C order, read as they lie: row by row, without a copy in Fortran order.

The counterparts in column_products.pyx and products.pyx read Fortran order. X is float32 or float64, read in stretches
of a row that are whole cache lines where that is possible; sums are float64.
"""
from cython cimport floating
from libc.math cimport sqrt
from libc.string cimport memset

from regularize.kernels.columns cimport Gathered

cdef enum:
    TILE = 1024                          # columns whose sums are kept in the first cache, for a few vectors
    CACHED = 32768                       # entries of X that are read twice, from the second cache the second time
    LINE = 8                             # rows of a gathered column that are one cache line


# -------------------------------------------------------------------------------------- moments


cdef void tile_moments(
    const floating *X, Py_ssize_t n_rows, Py_ssize_t stride, Py_ssize_t count, const double *weights, double weight,
    double *mean, double *squares,
) noexcept nogil:
    """As products.column_moments, of columns side by side; squares in place of norms, weights of any positive sum."""
    cdef Py_ssize_t i, j
    cdef double drift[TILE]
    cdef double d, e, w
    cdef const floating *x
    memset(mean, 0, count * sizeof(double))
    memset(drift, 0, count * sizeof(double))
    memset(squares, 0, count * sizeof(double))
    for i in range(n_rows):
        x = X + i * stride
        w = weights[i]
        for j in range(count):
            mean[j] += w * x[j]
    for j in range(count):
        mean[j] /= weight
    for i in range(n_rows):
        x = X + i * stride
        w = weights[i]
        for j in range(count):
            d = x[j] - mean[j]
            e = w * d
            drift[j] += e
            squares[j] += e * d
    for j in range(count):
        d = drift[j] / weight
        mean[j] += d
        squares[j] -= drift[j] * d


cdef void stretch_moments(
    const floating *X, Py_ssize_t n_rows, Py_ssize_t stride, Py_ssize_t count, const double *weights, double *mean,
    double *norm,
) noexcept nogil:
    """The same with norms, for any number of rows: blocks that fit into the cache are merged (Chan et al. 1983)."""
    cdef Py_ssize_t i, j, row = 0, rows = max(CACHED // count, 1)
    cdef double own_mean[TILE]
    cdef double own_squares[TILE]
    cdef double d, weight, share, rest, total = 0.0
    memset(mean, 0, count * sizeof(double))
    memset(norm, 0, count * sizeof(double))
    while row < n_rows:
        rows = min(rows, n_rows - row)
        weight = 0.0
        for i in range(row, row + rows):
            weight += weights[i]
        if weight > 0.0:
            tile_moments(X + row * stride, rows, stride, count, weights + row, weight, own_mean, own_squares)
            share, rest = weight / (total + weight), total / (total + weight)
            for j in range(count):
                d = own_mean[j] - mean[j]
                mean[j] = mean[j] + share * d if share < 0.5 else own_mean[j] - rest * d    # from the nearer one
                norm[j] += own_squares[j] + total * share * d * d
            total += weight
        row += rows
    for j in range(count):
        norm[j] = 0.0 if norm[j] <= 0.0 else sqrt(norm[j])         # not a number: overflow, kept


def moments(
    const floating[:, ::1] X not None,          # IN   (n, p)
    const double[::1] weights not None,         # IN   (n,), sum one
    Py_ssize_t first,
    double[::1] mean not None,                  # OUT  (m,)
    double[::1] norm not None,                  # OUT  (m,)
):
    """Weighted means and centred norms of m columns from ``first`` on."""
    cdef Py_ssize_t k = 0, n = X.shape[0], m = mean.shape[0]
    if n == 0 or m == 0:
        return
    with nogil:
        while k < m:
            stretch_moments(&X[0, first + k], n, X.shape[1], min(TILE, m - k), &weights[0], &mean[k], &norm[k])
            k += TILE


# ------------------------------------------------------------------------------------- products


cdef void tile_products(
    const floating *X, Py_ssize_t n_rows, Py_ssize_t stride, Py_ssize_t count, const double *V, Py_ssize_t n_vectors,
    double *out, Py_ssize_t out_stride,
) noexcept nogil:
    """out[t, :count] = V[t] @ X[:, :count]; four rows at a time, which all vectors share."""
    cdef Py_ssize_t i = 0, j, t
    cdef double v0, v1, v2, v3
    cdef const double *v
    cdef double *sums
    cdef const floating *x0
    cdef const floating *x1
    cdef const floating *x2
    cdef const floating *x3
    for t in range(n_vectors):
        memset(out + t * out_stride, 0, count * sizeof(double))
    while i + 4 <= n_rows:
        x0 = X + i * stride
        x1 = x0 + stride
        x2 = x1 + stride
        x3 = x2 + stride
        for t in range(n_vectors):
            v = V + t * n_rows + i
            sums = out + t * out_stride
            v0 = v[0]
            v1 = v[1]
            v2 = v[2]
            v3 = v[3]
            for j in range(count):
                sums[j] += (v0 * x0[j] + v1 * x1[j]) + (v2 * x2[j] + v3 * x3[j])
        i += 4
    while i < n_rows:
        x0 = X + i * stride
        for t in range(n_vectors):
            sums = out + t * out_stride
            v0 = V[t * n_rows + i]
            for j in range(count):
                sums[j] += v0 * x0[j]
        i += 1


def stretch(
    const floating[:, ::1] X not None,          # IN   (n, p)
    const double[:, ::1] V not None,            # IN   (t, n)
    Py_ssize_t first,
    double[:, ::1] out not None,                # OUT  (t, m)
):
    """out = V @ X[:, first : first + m]"""
    cdef Py_ssize_t k = 0, n = X.shape[0], m = out.shape[1]
    if n == 0 or m == 0 or V.shape[0] == 0:
        out[:, :] = 0.0
        return
    with nogil:
        while k < m:
            tile_products(
                &X[0, first + k], n, X.shape[1], min(TILE, m - k), &V[0, 0], V.shape[0], &out[0, k], m
            )
            k += TILE


cdef void listed_products(
    const floating *X, Py_ssize_t n_rows, Py_ssize_t stride, const Py_ssize_t *columns, Py_ssize_t count,
    const double *V, Py_ssize_t n_vectors, double *out,
) noexcept nogil:
    """out[t, k] = V[t] @ X[:, columns[k]]"""
    cdef Py_ssize_t i, k, t, row = 0, last
    cdef double total
    cdef const floating *x
    memset(out, 0, n_vectors * count * sizeof(double))
    while row < n_rows:
        last = min(row + LINE, n_rows)
        for k in range(count):
            x = X + columns[k]
            for t in range(n_vectors):
                total = 0.0
                for i in range(row, last):
                    total += V[t * n_rows + i] * x[i * stride]
                out[t * count + k] += total
        row = last


def listed(
    const floating[:, ::1] X not None,          # IN   (n, p)
    const Py_ssize_t[::1] columns not None,     # IN   (m,)
    const double[:, ::1] V not None,            # IN   (t, n)
    double[:, ::1] out not None,                # OUT  (t, m)
):
    """out = V @ X[:, columns]"""
    if X.shape[0] == 0 or columns.shape[0] == 0 or V.shape[0] == 0:
        out[:, :] = 0.0
        return
    with nogil:
        listed_products(
            &X[0, 0], X.shape[0], X.shape[1], &columns[0], columns.shape[0], &V[0, 0], V.shape[0], &out[0, 0]
        )


# ------------------------------------------------------------------------------------ gathering


def gather(
    const floating[:, ::1] X not None,          # IN   (n, p)
    const Py_ssize_t[::1] columns not None,     # IN   (m,)
    const double[::1] root_weights not None,    # IN   (n,)
    const double[::1] centre not None,          # IN   (p,)
    const double[::1] inverse_scale not None,   # IN   (p,)
    Gathered[::1, :] out not None,              # OUT  (n, m)
):
    """out[:, k] = root_weights * (X[:, j] - centre_j) * inverse_scale_j for j = columns[k]"""
    cdef Py_ssize_t i, j, k, row = 0, n = X.shape[0]
    cdef double m, inverse
    with nogil:
        while row < n:
            for k in range(columns.shape[0]):
                j = columns[k]
                m = centre[j]
                inverse = inverse_scale[j]
                for i in range(row, min(row + LINE, n)):
                    out[i, k] = <Gathered> (root_weights[i] * ((X[i, j] - m) * inverse))
            row += LINE
