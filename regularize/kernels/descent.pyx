"""Coordinate descent that keeps the residual instead of the correlations: for working sets wider than n."""
from libc.stdint cimport int64_t

from regularize.kernels.columns cimport Columns, CscColumns64, DenseColumns, column_axpy, column_dot
from regularize.kernels.scalar cimport prox


cdef Py_ssize_t residual_sweep(
    const double *Z, Columns layout, Py_ssize_t n_columns, const double *offsets, const double *curvature,
    const double *l1, const double *l2, const double *lower, const double *upper, double alpha, bint active_only,
    double *coef, double *residual, double *shift,
) noexcept nogil:
    """One sweep over the columns ``z_j - offset_j root_weights``; the number of patterns that changed.

    Sparse columns are centred implicitly: the true residual is ``residual + shift * root_weights`` and is orthogonal
    to the root weights, so that centring costs one scalar per update instead of n entries.
    """
    cdef Py_ssize_t j, changes = 0
    cdef double before, after, correlation
    for j in range(n_columns):
        before = coef[j]
        if active_only and before == 0.0 and l1[j] > 0.0:
            continue
        correlation = column_dot(Z, layout, j, residual)
        if Columns is not DenseColumns:
            correlation += shift[0] * offsets[j]
        after = prox(
            correlation + curvature[j] * before, alpha * l1[j], curvature[j] + alpha * l2[j], lower[j], upper[j]
        )
        if after != before:
            changes += (after > 0.0) != (before > 0.0) or (after < 0.0) != (before < 0.0)
            coef[j] = after
            column_axpy(Z, layout, j, before - after, residual)
            if Columns is not DenseColumns:
                shift[0] += (after - before) * offsets[j]
    return changes


def dense_sweep(
    const double[::1, :] Z not None,            # IN      (n, m)
    double[::1] coef not None,                  # IN/OUT  (m,)
    double[::1] residual not None,              # IN/OUT  (n,)
    double alpha,
    bint active_only,
    const double[::1] curvature not None,       # IN      (m,)  squared norms
    const double[::1] l1 not None,              # IN      (m,)
    const double[::1] l2 not None,              # IN      (m,)
    const double[::1] lower not None,           # IN      (m,)
    const double[::1] upper not None,           # IN      (m,)
):
    """One sweep over dense, explicitly centred columns; returns how many patterns changed."""
    cdef double shift = 0.0
    cdef Py_ssize_t changes = 0
    if coef.shape[0] == 0 or residual.shape[0] == 0:
        return 0
    with nogil:
        changes = residual_sweep(
            &Z[0, 0], DenseColumns(Z.shape[0]), coef.shape[0], NULL, &curvature[0], &l1[0], &l2[0], &lower[0],
            &upper[0], alpha, active_only, &coef[0], &residual[0], &shift,
        )
    return changes


def csc_sweep(
    const double[::1] data not None,            # IN      stored values of m columns
    const int64_t[::1] rows not None,           # IN      their rows
    const int64_t[::1] indptr not None,         # IN      (m + 1,)
    const double[::1] offsets not None,         # IN      (m,)
    double[::1] coef not None,                  # IN/OUT  (m,)
    double[::1] residual not None,              # IN/OUT  (n,)  without the shift
    double alpha,
    bint active_only,
    const double[::1] curvature not None,       # IN      (m,)  squared norms of the centred columns
    const double[::1] l1 not None,              # IN      (m,)
    const double[::1] l2 not None,              # IN      (m,)
    const double[::1] lower not None,           # IN      (m,)
    const double[::1] upper not None,           # IN      (m,)
):
    """One sweep over sparse, implicitly centred columns.

    Returns how many patterns changed, and the multiple of the root weights that the residual lacks.
    """
    cdef double shift = 0.0
    cdef Py_ssize_t changes = 0
    cdef const double *values = &data[0] if data.shape[0] else NULL
    cdef const int64_t *entries = &rows[0] if rows.shape[0] else NULL
    if coef.shape[0] == 0 or residual.shape[0] == 0:
        return 0, 0.0
    with nogil:
        changes = residual_sweep(
            values, CscColumns64(entries, &indptr[0]), coef.shape[0], &offsets[0], &curvature[0], &l1[0], &l2[0],
            &lower[0], &upper[0], alpha, active_only, &coef[0], &residual[0], &shift,
        )
    return changes, shift
