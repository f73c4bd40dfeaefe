"""Coordinate descent that keeps the residual instead of the correlations: for working sets wider than n."""
from cython cimport floating
from libc.stdint cimport int64_t
from libc.string cimport memcpy

from regularize.kernels.block cimport is_zero, minimise_block, subtract_products
from regularize.kernels.columns cimport Columns, CscColumns64, DenseColumns, column_axpy, column_dot
from regularize.kernels.scalar cimport prox
from regularize.kernels.thin_products cimport correlate, subtract_combination


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
#
# What is kept is the change of the residual since correlations were known, so that columns and change may be float32:
# correlations are the known ones plus small corrections, and a sweep solves the same problem to as many digits as the
# known ones have, whatever the digits of the corrections.
#
# Neighbouring blocks make a cluster whose Gram matrix is known: within it correlations follow from that, and the
# columns are read twice, all of a cluster together.


cdef struct Blocks:
    Py_ssize_t count
    Py_ssize_t width            # targets
    const Py_ssize_t *starts
    const Py_ssize_t *cluster   # of each block
    const Py_ssize_t *first     # block of each cluster
    const Py_ssize_t *places    # where the Gram matrix of a cluster begins
    const double *grams
    const double *norm
    const double *curvature     # bounds of the largest eigenvalue of each block
    const double *l1
    const double *l2
    const double *lower
    const double *upper
    const double *known         # (m, width)  correlations before the change
    double alpha


cdef inline void minimise(
    const Blocks *blocks, Py_ssize_t g, const double *gram, Py_ssize_t stride, double *w, double *c, double *scratch,
) noexcept nogil:
    """Over block g, from its correlations c."""
    cdef Py_ssize_t begin = blocks.starts[g], count = blocks.starts[g + 1] - begin, i
    cdef double square = gram[0], l2 = blocks.alpha * blocks.l2[begin]
    if blocks.norm[g] == 0.0:                            # one feature
        for i in range(blocks.width):
            w[i] = prox(
                c[i] + square * w[i], blocks.alpha * blocks.l1[begin], square + l2, blocks.lower[begin],
                blocks.upper[begin],
            )
        return
    if blocks.curvature[g] > 0.0:
        minimise_block(
            count, blocks.width, gram, stride, blocks.curvature[g], blocks.l1 + begin, l2, blocks.lower + begin,
            blocks.upper + begin, blocks.alpha, blocks.alpha * blocks.norm[g], w, c, scratch,
        )


cdef void minimise_run(
    const Blocks *blocks, Py_ssize_t begin, Py_ssize_t end, double *w, double *c, double *moved, double *scratch,
) noexcept nogil:
    """Minimise over the blocks begin to end - 1 of one cluster in turn; moved = what that takes from w.

    w, c and moved are those of the run; ``scratch`` is room for as many numbers as the largest block has.
    """
    cdef Py_ssize_t k = blocks.cluster[begin], offset = blocks.starts[begin], first = blocks.starts[blocks.first[k]]
    cdef Py_ssize_t stride = blocks.starts[blocks.first[k + 1]] - first, width = blocks.width
    cdef Py_ssize_t g, a, low, high, total = blocks.starts[end] - offset
    cdef const double *gram = blocks.grams + blocks.places[k] + (offset - first) * (stride + 1)
    memcpy(moved, w, total * width * sizeof(double))
    for g in range(begin, end):
        low, high = blocks.starts[g] - offset, blocks.starts[g + 1] - offset
        minimise(blocks, g, gram + low * (stride + 1), stride, w + low * width, c + low * width, scratch)
        for a in range(low * width, high * width):
            moved[a] = w[a] - moved[a]
        if is_zero((high - low) * width, moved + low * width):
            continue
        subtract_products(
            high - low, total - high, width, gram + low * stride + high, stride, moved + low * width, c + high * width
        )


cdef void sweep_blocks(
    const floating *Z, Columns layout, const double *offsets, const Blocks *blocks, const unsigned char *chosen,
    double *coef, floating *change, Py_ssize_t n_rows, double *shift, double *scratch, Py_ssize_t room,
) noexcept nogil:
    """One sweep over the chosen blocks; change (width, n) and shift (width,) as in residual_sweep."""
    cdef Py_ssize_t g = 0, end, i, t, begin, count, width = blocks.width
    cdef double *c = scratch
    cdef double *moved = scratch + room
    cdef floating *own = <floating *> (scratch + 2 * room)
    while g < blocks.count:
        if not chosen[g]:
            g += 1
            continue
        end = g + 1
        while end < blocks.count and chosen[end] and blocks.cluster[end] == blocks.cluster[g]:
            end += 1
        begin, count = blocks.starts[g], blocks.starts[end] - blocks.starts[g]
        if Columns is DenseColumns:
            correlate(n_rows, count, width, Z + begin * n_rows, change, own)
            for i in range(count * width):
                c[i] = blocks.known[begin * width + i] + own[i]
        elif floating is double:
            for i in range(count):
                for t in range(width):
                    c[i * width + t] = column_dot(Z, layout, begin + i, change + t * n_rows)
                    c[i * width + t] += blocks.known[(begin + i) * width + t] + shift[t] * offsets[begin + i]
        minimise_run(blocks, g, end, coef + begin * width, c, moved, scratch + 2 * room)
        if not is_zero(count * width, moved):
            if Columns is DenseColumns:
                for i in range(count * width):
                    own[i] = <floating> moved[i]
                subtract_combination(n_rows, count, width, Z + begin * n_rows, own, change)
            elif floating is double:
                for i in range(count):
                    for t in range(width):
                        column_axpy(Z, layout, begin + i, -moved[i * width + t], change + t * n_rows)
                        shift[t] += moved[i * width + t] * offsets[begin + i]
        g = end


cdef Blocks blocks_of(
    const double[:, ::1] known, double alpha, const Py_ssize_t[::1] starts, const Py_ssize_t[::1] cluster,
    const Py_ssize_t[::1] first, const Py_ssize_t[::1] places, const double[::1] grams, const double[::1] norm,
    const double[::1] curvature, const double[::1] l1, const double[::1] l2, const double[::1] lower,
    const double[::1] upper,
):
    return Blocks(
        norm.shape[0], known.shape[1], &starts[0], &cluster[0], &first[0], &places[0], &grams[0], &norm[0],
        &curvature[0], &l1[0], &l2[0], &lower[0], &upper[0], &known[0, 0], alpha,
    )


def dense_block_sweep(
    const floating[::1, :] Z not None,          # IN      (n, m)
    const double[:, ::1] known not None,        # IN      (m, T)  correlations before the change
    double[:, ::1] coef not None,               # IN/OUT  (m, T)
    floating[:, ::1] change not None,           # IN/OUT  (T, n)  of the residual
    double alpha,
    const unsigned char[::1] chosen not None,   # IN      (G,)  the blocks to visit
    const Py_ssize_t[::1] starts not None,      # IN      (G + 1,)
    const Py_ssize_t[::1] cluster not None,     # IN      (G,)  of each block
    const Py_ssize_t[::1] first not None,       # IN      (K + 1,)  block of each cluster, and G
    const Py_ssize_t[::1] places not None,      # IN      (K,)  where their Gram matrices begin
    const double[::1] grams not None,           # IN      Z_k'Z_k, one after the other
    const double[::1] norm not None,            # IN      (G,)
    const double[::1] curvature not None,       # IN      (G,)  bounds of the largest eigenvalue of each block
    const double[::1] l1 not None,              # IN      (m,)
    const double[::1] l2 not None,              # IN      (m,)
    const double[::1] lower not None,           # IN      (m,)
    const double[::1] upper not None,           # IN      (m,)
    double[::1] scratch not None,               # OUT     (3 * largest cluster * T,)
):
    """One sweep over the chosen blocks of dense, explicitly centred columns."""
    cdef Blocks blocks
    if norm.shape[0] == 0 or Z.shape[0] == 0:
        return
    blocks = blocks_of(known, alpha, starts, cluster, first, places, grams, norm, curvature, l1, l2, lower, upper)
    with nogil:
        sweep_blocks(
            &Z[0, 0], DenseColumns(Z.shape[0]), NULL, &blocks, &chosen[0], &coef[0, 0], &change[0, 0], Z.shape[0],
            NULL, &scratch[0], scratch.shape[0] // 3,
        )


def csc_block_sweep(
    const double[::1] data not None,            # IN      stored values of m columns
    const int64_t[::1] rows not None,           # IN      their rows
    const int64_t[::1] indptr not None,         # IN      (m + 1,)
    const double[::1] offsets not None,         # IN      (m,)
    double[::1] shift not None,                 # IN/OUT  (T,)  the multiples of the root weights that the change lacks
    const double[:, ::1] known not None,        # IN      (m, T)  as for dense columns, from here on
    double[:, ::1] coef not None,
    double[:, ::1] change not None,
    double alpha,
    const unsigned char[::1] chosen not None,
    const Py_ssize_t[::1] starts not None,
    const Py_ssize_t[::1] cluster not None,
    const Py_ssize_t[::1] first not None,
    const Py_ssize_t[::1] places not None,
    const double[::1] grams not None,
    const double[::1] norm not None,
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
    if norm.shape[0] == 0 or change.shape[1] == 0:
        return
    blocks = blocks_of(known, alpha, starts, cluster, first, places, grams, norm, curvature, l1, l2, lower, upper)
    with nogil:
        sweep_blocks(
            values, CscColumns64(entries, &indptr[0]), &offsets[0], &blocks, &chosen[0], &coef[0, 0], &change[0, 0],
            change.shape[1], &shift[0], &scratch[0], scratch.shape[0] // 3,
        )
