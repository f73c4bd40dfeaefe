"""Sums over the columns of X: moments, correlations, combinations.

Every function has one body over the types of X (float32, float64) and its layouts (dense Fortran
order, CSC with 32 or 64 bit indices) and two entry points, ``dense_...`` and ``csc_...``, which only build the layout;
but for moments: those of dense columns are in column_products.pyx.
A list ``columns`` names the columns that are read; results are in its order. Sums are float64.
"""
from cython cimport floating
from libc.math cimport sqrt

from regularize.kernels.columns cimport (
    Columns, CscColumns32, CscColumns64, DenseColumns, Index, column_axpy, column_dot, int32_t,
)

ctypedef fused SparseColumns:
    CscColumns32
    CscColumns64


# -------------------------------------------------------------------------------------- moments


cdef void sparse_moments(
    const floating *X, SparseColumns layout, const double *weights, Py_ssize_t first, Py_ssize_t last, double *mean,
    double *norm,
) noexcept nogil:
    """mean_j = sum_i s_i x_ij and norm_j = sqrt(sum_i s_i (x_ij - mean_j)^2), as in column_products.pyx."""
    cdef Py_ssize_t i, j
    cdef double m, d, e, missing, squares, drift
    for j in range(first, last):
        m = column_dot(X, layout, j, weights)
        squares, drift, missing = 0.0, 0.0, 1.0          # missing: the weight of the rows that store nothing
        for i in range(layout.indptr[j], layout.indptr[j + 1]):
            d = X[i] - m
            e = weights[layout.indices[i]] * d
            missing -= weights[layout.indices[i]]
            drift += e
            squares += e * d
        missing = missing if missing > 1e-14 else 0.0
        drift -= missing * m
        squares += missing * m * m - drift * drift
        mean[j - first] = m + drift
        norm[j - first] = 0.0 if squares <= 0.0 else sqrt(squares)  # not a number: overflow, kept


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
        sparse_moments(&data[0], layout, &weights[0], first, first + mean.shape[0], &mean[0], &norm[0])


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
