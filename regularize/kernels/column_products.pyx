"""Sums over neighbouring columns of dense X in Fortran order: the counterpart of row_products.

Products take four columns and two vectors at a time, whose eight sums stay in registers and are taken in any order (see
meson.build). For two to six vectors that is 1.7 to 2.4 times as fast as BLAS, which copies X first, for twelve 1.2
times. What a vector gives does not depend on those beside it.
"""
from cython cimport floating
from libc.math cimport sqrt
from libc.string cimport memset

from regularize.kernels.columns cimport Gathered
from regularize.kernels.thin_products cimport correlate

cdef enum:
    ROWS = 4096                 # two vectors of so many rows stay in the second cache
    COLUMNS = 16                # that are in there while the vectors pass


cdef inline void add_dots(
    Py_ssize_t n, const floating *X, Py_ssize_t stride, const double *v, const double *w, double *out,
) noexcept nogil:
    """Add the products of four columns with v to out[:4], with w to out[4:]."""
    cdef Py_ssize_t i
    cdef const floating *x1 = X + stride
    cdef const floating *x2 = X + 2 * stride
    cdef const floating *x3 = X + 3 * stride
    cdef double v0, v1, v2, v3, w0, w1, w2, w3
    v0 = v1 = v2 = v3 = w0 = w1 = w2 = w3 = 0.0
    for i in range(n):
        v0 += X[i] * v[i]
        w0 += X[i] * w[i]
        v1 += x1[i] * v[i]
        w1 += x1[i] * w[i]
        v2 += x2[i] * v[i]
        w2 += x2[i] * w[i]
        v3 += x3[i] * v[i]
        w3 += x3[i] * w[i]
    out[0] += v0
    out[1] += v1
    out[2] += v2
    out[3] += v3
    out[4] += w0
    out[5] += w1
    out[6] += w2
    out[7] += w3


cdef inline void add_dots_of_one(
    Py_ssize_t n, const floating *x, const double *v, const double *w, double *out,
) noexcept nogil:
    """Add the product of one column with v to out[0], with w to out[4]."""
    cdef Py_ssize_t i
    cdef double of_v = 0.0, of_w = 0.0
    for i in range(n):
        of_v += x[i] * v[i]
        of_w += x[i] * w[i]
    out[0] += of_v
    out[4] += of_w


cdef void tile_products(
    Py_ssize_t n, const floating *X, Py_ssize_t stride, Py_ssize_t count, const double *V, Py_ssize_t n_rows,
    Py_ssize_t n_vectors, double *out, Py_ssize_t out_stride,
) noexcept nogil:
    """out[t, :count] += V[t, :n] @ X[:n, :count]"""
    cdef Py_ssize_t t = 0, other, k, j, width
    cdef double[8] sums
    while t < n_vectors:
        other = min(t + 1, n_vectors - 1)                # a last one goes twice
        k = 0
        while k < count:
            width = 4 if k + 4 <= count else 1
            memset(sums, 0, 8 * sizeof(double))
            if width == 4:
                add_dots(n, X + k * stride, stride, V + t * n_rows, V + other * n_rows, sums)
            else:
                add_dots_of_one(n, X + k * stride, V + t * n_rows, V + other * n_rows, sums)
            for j in range(width):
                out[t * out_stride + k + j] += sums[j]
                if other > t:
                    out[other * out_stride + k + j] += sums[4 + j]
            k += width
        t += 2


def stretch(
    const floating[::1, :] X not None,          # IN   (n, p)
    const double[:, ::1] V not None,            # IN   (t, n)
    Py_ssize_t first,
    double[:, ::1] out not None,                # OUT  (t, m)
):
    """out = V @ X[:, first : first + m]"""
    cdef Py_ssize_t row, k, n = X.shape[0], m = out.shape[1]
    out[:, :] = 0.0
    if n == 0 or m == 0 or V.shape[0] == 0:
        return
    with nogil:
        row = 0
        while row < n:
            k = 0
            while k < m:
                tile_products(
                    min(ROWS, n - row), &X[row, first + k], n, min(COLUMNS, m - k), &V[0, row], n, V.shape[0],
                    &out[0, k], m,
                )
                k += COLUMNS
            row += ROWS


def moments(
    const floating[::1, :] X not None,          # IN   (n, p)
    const double[::1] weights not None,         # IN   (n,), sum one
    Py_ssize_t first,
    double[::1] mean not None,                  # OUT  (m,)
    double[::1] norm not None,                  # OUT  (m,)
):
    """Weighted means and centred norms of m columns from ``first`` on."""
    cdef Py_ssize_t k, j, last = mean.shape[0] - 1, n = X.shape[0]
    cdef Py_ssize_t[4] four
    cdef double[4] means, norms
    if n == 0:
        return
    with nogil:
        for k in range(0, last + 1, 4):
            for j in range(4):
                four[j] = min(k + j, last)               # a last one may go several times
            moments_of_four(
                n, &X[0, first + four[0]], &X[0, first + four[1]], &X[0, first + four[2]], &X[0, first + four[3]],
                &weights[0], means, norms,
            )
            for j in range(4):
                mean[four[j]], norm[four[j]] = means[j], norms[j]


cdef inline void moments_of_four(
    Py_ssize_t n, const floating *x0, const floating *x1, const floating *x2, const floating *x3,
    const double *weights, double *mean, double *norm,
) noexcept nogil:
    """m = sum_i s_i x_i and sqrt(sum_i s_i (x_i - m)^2) of four columns, for weights that sum to one.

    The second loop corrects the rounding of the first (Chan, Golub and LeVeque 1983, eq. 1.7), so that a constant
    column has a norm of rounding size whatever its level.
    """
    cdef Py_ssize_t i
    cdef double w, change0, change1, change2, change3
    cdef double m0 = 0.0, m1 = 0.0, m2 = 0.0, m3 = 0.0
    cdef double drift0 = 0.0, drift1 = 0.0, drift2 = 0.0, drift3 = 0.0
    cdef double square0 = 0.0, square1 = 0.0, square2 = 0.0, square3 = 0.0
    for i in range(n):
        w = weights[i]
        m0 += w * x0[i]
        m1 += w * x1[i]
        m2 += w * x2[i]
        m3 += w * x3[i]
    for i in range(n):
        w = weights[i]
        change0, change1, change2, change3 = x0[i] - m0, x1[i] - m1, x2[i] - m2, x3[i] - m3
        drift0 += w * change0
        drift1 += w * change1
        drift2 += w * change2
        drift3 += w * change3
        square0 += w * change0 * change0
        square1 += w * change1 * change1
        square2 += w * change2 * change2
        square3 += w * change3 * change3
    mean[0], mean[1], mean[2], mean[3] = m0 + drift0, m1 + drift1, m2 + drift2, m3 + drift3
    norm[0], norm[1] = root(square0 - drift0 * drift0), root(square1 - drift1 * drift1)
    norm[2], norm[3] = root(square2 - drift2 * drift2), root(square3 - drift3 * drift3)


cdef inline double root(double square) noexcept nogil:
    """Of what rounding may have left negative; not a number, of an overflow, is kept."""
    return 0.0 if square <= 0.0 else sqrt(square)


def gather(
    const floating[::1, :] X not None,          # IN   (n, p)
    const Py_ssize_t[::1] columns not None,     # IN   (m,)
    const double[::1] root_weights not None,    # IN   (n,)
    const double[::1] centre not None,          # IN   (p,)
    const double[::1] inverse_scale not None,   # IN   (p,)
    Gathered[::1, :] out not None,              # OUT  (n, m)
):
    """out[:, k] = root_weights * (X[:, j] - centre_j) * inverse_scale_j for j = columns[k]"""
    cdef Py_ssize_t k, j, n = X.shape[0]
    if n == 0:
        return
    with nogil:
        for k in range(columns.shape[0]):
            j = columns[k]
            gather_column(n, &X[0, j], &root_weights[0], centre[j], inverse_scale[j], &out[0, k])


cdef inline void gather_column(
    Py_ssize_t n, const floating *x, const double *root_weights, double centre, double inverse_scale, Gathered *out,
) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(n):
        out[i] = <Gathered> (root_weights[i] * ((x[i] - centre) * inverse_scale))


def grams_of_runs(
    const floating[::1, :] Z not None,          # IN   (n, p)
    const Py_ssize_t[::1] bounds not None,      # IN   (K + 1,)
    floating[::1] out not None,                 # OUT  (the squares of the lengths of the runs,)
):
    """Z_R'Z_R of each run R of neighbouring columns, from one of the bounds up to the next, one after the other."""
    cdef Py_ssize_t r, size, place = 0, n = Z.shape[0]
    out[:] = 0.0
    if n == 0:
        return
    with nogil:
        for r in range(bounds.shape[0] - 1):
            size = bounds[r + 1] - bounds[r]
            if size > 0:
                correlate(n, size, size, &Z[0, bounds[r]], &Z[0, bounds[r]], &out[place])
            place += size * size
