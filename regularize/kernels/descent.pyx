"""Coordinate descent that keeps the residual instead of the correlations: for working sets wider than n."""
from libc.stdint cimport int64_t
from libc.string cimport memcpy

from regularize.kernels.block cimport minimise_block

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


# ---------------------------------------------------------------------------------------- blocks


cdef struct Blocks:
    Py_ssize_t count
    Py_ssize_t width            # targets
    Py_ssize_t n_rows
    const Py_ssize_t *starts
    const double *norm
    const double *grams         # Z_g'Z_g of one block after the other
    const Py_ssize_t *places    # where that of a block begins
    const double *curvature     # bounds of their largest eigenvalues
    const double *l1
    const double *l2
    const double *lower
    const double *upper
    double alpha


cdef inline void minimise(const Blocks *blocks, Py_ssize_t g, double *w, double *c, double *scratch) noexcept nogil:
    """Over block g, from its correlations c."""
    cdef Py_ssize_t begin = blocks.starts[g], count = blocks.starts[g + 1] - begin, i
    cdef double square = blocks.grams[blocks.places[g]], l2 = blocks.alpha * blocks.l2[begin]
    cdef double threshold = blocks.alpha * blocks.norm[g]
    if blocks.norm[g] == 0.0:                            # one feature
        for i in range(blocks.width):
            w[i] = prox(
                c[i] + square * w[i], blocks.alpha * blocks.l1[begin], square + l2, blocks.lower[begin],
                blocks.upper[begin],
            )
        return
    if blocks.curvature[g] > 0.0:
        minimise_block(
            count, blocks.width, blocks.grams + blocks.places[g], count, blocks.curvature[g], blocks.l1 + begin, l2,
            blocks.lower + begin, blocks.upper + begin, blocks.alpha, threshold, w, c, scratch,
        )


cdef void sweep_blocks(
    const double *Z, Columns layout, const double *offsets, const Blocks *blocks, const unsigned char *chosen,
    double *coef, double *residual, double *shift, double *scratch,
) noexcept nogil:
    """One sweep over the chosen blocks; residual (width, n) and shift (width,) as in residual_sweep."""
    cdef Py_ssize_t g, a, t, begin, count, size, width = blocks.width
    cdef double *w
    cdef double *c
    cdef double *before
    cdef double move
    for g in range(blocks.count):
        if not chosen[g]:
            continue
        begin = blocks.starts[g]
        count = blocks.starts[g + 1] - begin
        size = count * width
        w, c, before = coef + begin * width, scratch, scratch + size
        for a in range(count):
            for t in range(width):
                c[a * width + t] = column_dot(Z, layout, begin + a, residual + t * blocks.n_rows)
                if Columns is not DenseColumns:
                    c[a * width + t] += shift[t] * offsets[begin + a]
        memcpy(before, w, size * sizeof(double))
        minimise(blocks, g, w, c, before + size)
        for a in range(count):
            for t in range(width):
                move = w[a * width + t] - before[a * width + t]
                if move != 0.0:
                    column_axpy(Z, layout, begin + a, -move, residual + t * blocks.n_rows)
                    if Columns is not DenseColumns:
                        shift[t] += move * offsets[begin + a]


cdef Blocks blocks_of(
    const Py_ssize_t[::1] starts, const double[::1] norm, const double[::1] grams, const Py_ssize_t[::1] places,
    const double[::1] curvature, const double[::1] l1, const double[::1] l2, const double[::1] lower,
    const double[::1] upper, double alpha, Py_ssize_t width, Py_ssize_t n_rows,
):
    return Blocks(
        norm.shape[0], width, n_rows, &starts[0], &norm[0], &grams[0], &places[0], &curvature[0], &l1[0], &l2[0],
        &lower[0], &upper[0], alpha,
    )


def dense_block_sweep(
    const double[::1, :] Z not None,            # IN      (n, m)
    double[:, ::1] coef not None,               # IN/OUT  (m, T)
    double[:, ::1] residual not None,           # IN/OUT  (T, n)
    double alpha,
    const unsigned char[::1] chosen not None,   # IN      (G,)  the blocks to visit
    const Py_ssize_t[::1] starts not None,      # IN      (G + 1,)
    const double[::1] norm not None,            # IN      (G,)
    const double[::1] grams not None,           # IN      Z_g'Z_g, one after the other
    const Py_ssize_t[::1] places not None,      # IN      (G,)  where they begin
    const double[::1] curvature not None,       # IN      (G,)  bounds of their largest eigenvalues
    const double[::1] l1 not None,              # IN      (m,)
    const double[::1] l2 not None,              # IN      (m,)
    const double[::1] lower not None,           # IN      (m,)
    const double[::1] upper not None,           # IN      (m,)
    double[::1] scratch not None,               # OUT     (3 * largest block * T,)
):
    """One sweep over the chosen blocks of dense, explicitly centred columns."""
    cdef Blocks blocks
    if norm.shape[0] == 0 or residual.shape[1] == 0:
        return
    blocks = blocks_of(
        starts, norm, grams, places, curvature, l1, l2, lower, upper, alpha, coef.shape[1], Z.shape[0]
    )
    with nogil:
        sweep_blocks(
            &Z[0, 0], DenseColumns(Z.shape[0]), NULL, &blocks, &chosen[0], &coef[0, 0], &residual[0, 0], NULL,
            &scratch[0],
        )


def csc_block_sweep(
    const double[::1] data not None,            # IN      stored values of m columns
    const int64_t[::1] rows not None,           # IN      their rows
    const int64_t[::1] indptr not None,         # IN      (m + 1,)
    const double[::1] offsets not None,         # IN      (m,)
    double[:, ::1] coef not None,               # IN/OUT  (m, T)
    double[:, ::1] residual not None,           # IN/OUT  (T, n)  without the shifts
    double[::1] shift not None,                 # IN/OUT  (T,)  the multiples of the root weights that it lacks
    double alpha,
    const unsigned char[::1] chosen not None,   # IN      (G,)  the blocks to visit
    const Py_ssize_t[::1] starts not None,      # IN      as for dense columns, from here on
    const double[::1] norm not None,
    const double[::1] grams not None,
    const Py_ssize_t[::1] places not None,
    const double[::1] curvature not None,
    const double[::1] l1 not None,
    const double[::1] l2 not None,
    const double[::1] lower not None,
    const double[::1] upper not None,
    double[::1] scratch not None,
):
    """One sweep over the chosen blocks of sparse, implicitly centred columns."""
    cdef Blocks blocks
    cdef const double *values = &data[0] if data.shape[0] else NULL
    cdef const int64_t *entries = &rows[0] if rows.shape[0] else NULL
    if norm.shape[0] == 0 or residual.shape[1] == 0:
        return
    blocks = blocks_of(
        starts, norm, grams, places, curvature, l1, l2, lower, upper, alpha, coef.shape[1], residual.shape[1]
    )
    with nogil:
        sweep_blocks(
            values, CscColumns64(entries, &indptr[0]), &offsets[0], &blocks, &chosen[0], &coef[0, 0],
            &residual[0, 0], &shift[0], &scratch[0],
        )
