"""Products with the columns of X: moments, correlations, combinations, gathering.

Every function has one body over the types of X (float32, float64) and its layouts (dense Fortran
order, CSC with 32 or 64 bit indices) and two entry points, ``dense_...`` and ``csc_...``, which only build the layout.
A list ``columns`` names the columns that are read; results are in its order. Sums are float64.
"""
from cython cimport floating
from libc.math cimport sqrt

from regularize.kernels.columns cimport (
    Columns, CscColumns32, CscColumns64, DenseColumns, Index, column_axpy, column_dot, int32_t,
)


# -------------------------------------------------------------------------------------- moments


cdef void column_moments(
    const floating *X, Columns layout, const double *weights, Py_ssize_t first, Py_ssize_t last, double *mean,
    double *norm,
) noexcept nogil:
    """mean_j = sum_i s_i x_ij and norm_j = sqrt(sum_i s_i (x_ij - mean_j)^2), for weights that sum to one.

    The second loop corrects the rounding of the first (Chan, Golub and LeVeque 1983, eq. 1.7), so that a
    constant column has a norm of rounding size whatever its level.
    """
    cdef Py_ssize_t i, j
    cdef double m, d, e, missing, total, squares, drift
    for j in range(first, last):
        m = column_dot(X, layout, j, weights)
        squares = drift = 0.0
        if Columns is DenseColumns:
            for i in range(layout.n_rows):
                d = X[j * layout.n_rows + i] - m
                e = weights[i] * d
                drift += e
                squares += e * d
        else:
            missing = 1.0                                # the weight of the rows that store nothing
            for i in range(layout.indptr[j], layout.indptr[j + 1]):
                d = X[i] - m
                e = weights[layout.indices[i]] * d
                missing -= weights[layout.indices[i]]
                drift += e
                squares += e * d
            missing = missing if missing > 1e-14 else 0.0
            drift -= missing * m
            squares += missing * m * m
        mean[j - first] = m + drift
        total = squares - drift * drift
        norm[j - first] = 0.0 if total <= 0.0 else sqrt(total)     # not a number: overflow, kept


def dense_moments(
    const floating[::1, :] X not None,          # IN   (n, p)
    const double[::1] weights not None,         # IN   (n,), sum one
    Py_ssize_t first,
    double[::1] mean not None,                  # OUT  (last - first,)
    double[::1] norm not None,                  # OUT  (last - first,)
):
    """Weighted means and centred norms of the columns from ``first`` on."""
    if X.shape[0] == 0 or mean.shape[0] == 0:
        return
    with nogil:
        column_moments(
            &X[0, 0], DenseColumns(X.shape[0]), &weights[0], first, first + mean.shape[0], &mean[0], &norm[0]
        )


def csc_moments(
    const floating[::1] data not None,
    const Index[::1] indices not None,
    const Index[::1] indptr not None,
    const double[::1] weights not None,
    Py_ssize_t first,
    double[::1] mean not None,
    double[::1] norm not None,
):
    """Weighted means and centred norms of the columns from ``first`` on."""
    if data.shape[0] == 0 or mean.shape[0] == 0:
        mean[:] = 0.0
        norm[:] = 0.0
        return
    if Index is int32_t:
        layout = CscColumns32(&indices[0], &indptr[0])
    else:
        layout = CscColumns64(&indices[0], &indptr[0])
    with nogil:
        column_moments(&data[0], layout, &weights[0], first, first + mean.shape[0], &mean[0], &norm[0])


# --------------------------------------------------------------------------------- correlations


cdef void listed_dots(
    const floating *X, Columns layout, const Py_ssize_t *columns, Py_ssize_t count, const double *V, Py_ssize_t n_rows,
    Py_ssize_t n_vectors, double *out,
) noexcept nogil:
    """out[t, k] = x_columns[k] @ V[t]; a column is read from memory once, whatever the number of vectors."""
    cdef Py_ssize_t k, t
    for k in range(count):
        for t in range(n_vectors):
            out[t * count + k] = column_dot(X, layout, columns[k], V + t * n_rows)


def dense_dots(
    const floating[::1, :] X not None,          # IN   (n, p)
    const Py_ssize_t[::1] columns not None,     # IN   (m,)
    const double[:, ::1] V not None,            # IN   (t, n)
    double[:, ::1] out not None,                # OUT  (t, m)
):
    """out = V @ X[:, columns]"""
    if X.shape[0] == 0 or columns.shape[0] == 0 or V.shape[0] == 0:
        return
    with nogil:
        listed_dots(
            &X[0, 0], DenseColumns(X.shape[0]), &columns[0], columns.shape[0], &V[0, 0], V.shape[1], V.shape[0],
            &out[0, 0],
        )


def csc_dots(
    const floating[::1] data not None,
    const Index[::1] indices not None,
    const Index[::1] indptr not None,
    const Py_ssize_t[::1] columns not None,     # IN   (m,)
    const double[:, ::1] V not None,            # IN   (t, n)
    double[:, ::1] out not None,                # OUT  (t, m)
):
    """out = V @ X[:, columns]"""
    if data.shape[0] == 0 or columns.shape[0] == 0 or V.shape[0] == 0:
        out[:, :] = 0.0
        return
    if Index is int32_t:
        layout = CscColumns32(&indices[0], &indptr[0])
    else:
        layout = CscColumns64(&indices[0], &indptr[0])
    with nogil:
        listed_dots(
            &data[0], layout, &columns[0], columns.shape[0], &V[0, 0], V.shape[1], V.shape[0], &out[0, 0]
        )


# --------------------------------------------------------------------------------- combinations


cdef void combination(
    const floating *X, Columns layout, const double *coef, Py_ssize_t count, double *out,
) noexcept nogil:
    """out += sum_j coef_j x_j over the first ``count`` columns, skipping zeros"""
    cdef Py_ssize_t j
    for j in range(count):
        if coef[j] != 0.0:
            column_axpy(X, layout, j, coef[j], out)


def dense_combination(
    const floating[::1, :] X not None,          # IN      (n, m)
    const double[::1] coef not None,            # IN      (m,)
    double[::1] out not None,                   # IN/OUT  (n,)
):
    """out += X @ coef"""
    if X.shape[0] == 0 or coef.shape[0] == 0:
        return
    with nogil:
        combination(&X[0, 0], DenseColumns(X.shape[0]), &coef[0], coef.shape[0], &out[0])


def csc_combination(
    const floating[::1] data not None,
    const Index[::1] indices not None,
    const Index[::1] indptr not None,
    const double[::1] coef not None,            # IN      (m,)
    double[::1] out not None,                   # IN/OUT  (n,)
):
    """out += X @ coef"""
    if data.shape[0] == 0 or coef.shape[0] == 0:
        return
    if Index is int32_t:
        layout = CscColumns32(&indices[0], &indptr[0])
    else:
        layout = CscColumns64(&indices[0], &indptr[0])
    with nogil:
        combination(&data[0], layout, &coef[0], coef.shape[0], &out[0])


# ------------------------------------------------------------------------------------ gathering


def gather_columns(
    const floating[::1, :] X not None,          # IN   (n, p)
    const Py_ssize_t[::1] columns not None,     # IN   (m,)
    const double[::1] root_weights not None,    # IN   (n,)
    const double[::1] centre not None,          # IN   (p,)
    const double[::1] inverse_scale not None,   # IN   (p,)
    double[::1, :] out not None,                # OUT  (n, m)
):
    """out[:, k] = root_weights * (X[:, j] - centre_j) * inverse_scale_j for j = columns[k]"""
    cdef Py_ssize_t i, j, k
    cdef double m, inverse
    with nogil:
        for k in range(columns.shape[0]):
            j = columns[k]
            m = centre[j]
            inverse = inverse_scale[j]
            for i in range(X.shape[0]):
                out[i, k] = root_weights[i] * ((X[i, j] - m) * inverse)
