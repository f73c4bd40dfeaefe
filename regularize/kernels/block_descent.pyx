"""Block descent that keeps the residual: for working sets wider than n.

What is kept is the change of the residual since correlations were known, so that columns and change may be float32:
correlations are the known ones plus small corrections, and a sweep solves the same problem to as many digits as the
known ones have, whatever the digits of the corrections.

Neighbouring blocks make a cluster whose Gram matrix is known: within it correlations follow from that, and the columns
are read twice, all of a cluster together. After each sweep the last ones are combined (anderson.pxd).
"""
from cython cimport floating
from libc.stdint cimport int64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset

from regularize.kernels.anderson cimport History, begin_history, begin_sweep, numbers_of_history, take_in
from regularize.kernels.block cimport is_zero, minimise_block, penalty_of_blocks, subtract_products
from regularize.kernels.columns cimport Columns, CscColumns64, DenseColumns, column_axpy, column_dot
from regularize.kernels.scalar cimport prox
from regularize.kernels.thin_products cimport correlate, subtract_combination


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
    """One sweep over the chosen blocks; ``change`` (width, n) is what it takes from the residual.

    Sparse columns are centred implicitly: the true change is ``change + shift * root_weights``, ``shift`` (width,).
    """
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


cdef bint is_better(
    const Blocks *blocks, const History *history, const double *coef, const double *residual,
) noexcept nogil:
    """Whether what the history proposes is within the bounds and the objective is lower there."""
    cdef Py_ssize_t i, j, width = blocks.width
    cdef double change = 0.0
    for j in range(blocks.starts[blocks.count]):
        for i in range(j * width, (j + 1) * width):
            if not blocks.lower[j] <= history.guess[i] <= blocks.upper[j]:
                return False
    for i in range(history.others):
        change += 0.5 * (history.companion[i] - residual[i]) * (history.companion[i] + residual[i])
    change += penalty_of_blocks(
        blocks.count, width, blocks.starts, blocks.norm, blocks.l1, blocks.l2, blocks.alpha, history.guess
    )
    change -= penalty_of_blocks(
        blocks.count, width, blocks.starts, blocks.norm, blocks.l1, blocks.l2, blocks.alpha, coef
    )
    return change < 0.0


cdef struct Memory:
    Py_ssize_t n_rows
    Py_ssize_t widest           # columns of a cluster
    History history
    double *change              # (width, n_rows), or as many float32
    double *shift               # (width,)
    double *scratch             # (3, widest, width)


cdef void take_change(
    const double *start, const double *residual, floating *change, Memory *memory, Py_ssize_t width,
) noexcept nogil:
    """change = residual - start, without a shift"""
    cdef Py_ssize_t i
    memset(memory.shift, 0, width * sizeof(double))
    for i in range(memory.n_rows * width):
        change[i] = <floating> (residual[i] - start[i])


cdef void take_round(
    const floating *Z, Columns layout, const double *offsets, const double *root_weights, const Blocks *blocks,
    const unsigned char *chosen, const double *start, double *coef, double *residual, Memory *memory,
    Py_ssize_t n_sweeps, bint combined,
) noexcept nogil:
    """Sweeps over the chosen blocks; the known correlations are those of ``start``, the residual may be elsewhere."""
    cdef Py_ssize_t i, t, _k, n = memory.n_rows, width = blocks.width
    cdef floating *change = <floating *> memory.change
    take_change(start, residual, change, memory, width)
    for _k in range(n_sweeps):
        begin_sweep(&memory.history, coef)
        sweep_blocks(
            Z, layout, offsets, blocks, chosen, coef, change, n, memory.shift, memory.scratch, memory.widest * width
        )
        for t in range(width):
            for i in range(t * n, (t + 1) * n):
                residual[i] = start[i] + change[i]
                if Columns is not DenseColumns:
                    residual[i] += memory.shift[t] * root_weights[i - t * n]
        if not combined or not take_in(&memory.history, coef, residual):
            continue
        if is_better(blocks, &memory.history, coef, residual):
            memcpy(coef, memory.history.guess, memory.history.size * sizeof(double))
            memcpy(residual, memory.history.companion, n * width * sizeof(double))
            take_change(start, residual, change, memory, width)


cdef class BlockDescent:
    """Rounds of sweeps with one penalty on one list of columns; sweeps are combined across rounds, too."""

    cdef Blocks blocks
    cdef Memory memory
    cdef double *numbers
    cdef object arrays                              # what the pointers point to

    def __cinit__(
        self,
        Py_ssize_t n_rows,
        Py_ssize_t n_targets,
        double alpha,
        const Py_ssize_t[::1] starts not None,      # (G + 1,)
        const Py_ssize_t[::1] cluster not None,     # (G,)  of each block
        const Py_ssize_t[::1] first not None,       # (K + 1,)  block of each cluster, and G
        const Py_ssize_t[::1] places not None,      # (K,)  where their Gram matrices begin
        const double[::1] grams not None,           # Z_k'Z_k, one after the other
        const double[::1] norm not None,            # (G,)
        const double[::1] curvature not None,       # (G,)  bounds of the largest eigenvalue of each block
        const double[::1] l1 not None,              # (m,)
        const double[::1] l2 not None,              # (m,)
        const double[::1] lower not None,           # (m,)
        const double[::1] upper not None,           # (m,)
    ):
        cdef Py_ssize_t k, widest = 0, size = l1.shape[0] * n_targets, rows = n_rows * n_targets, remembered
        if norm.shape[0] == 0 or n_rows == 0:
            return
        for k in range(places.shape[0]):
            widest = max(widest, starts[first[k + 1]] - starts[first[k]])
        remembered = numbers_of_history(size, rows)
        self.numbers = <double *> malloc((remembered + rows + (1 + 3 * widest) * n_targets) * sizeof(double))
        if self.numbers == NULL:
            raise MemoryError("no memory for the last sweeps")
        self.arrays = (starts, cluster, first, places, grams, norm, curvature, l1, l2, lower, upper)
        self.blocks = Blocks(
            norm.shape[0], n_targets, &starts[0], &cluster[0], &first[0], &places[0], &grams[0], &norm[0],
            &curvature[0], &l1[0], &l2[0], &lower[0], &upper[0], NULL, alpha,
        )
        self.memory.n_rows, self.memory.widest = n_rows, widest
        begin_history(&self.memory.history, size, rows, self.numbers)
        self.memory.change = self.numbers + remembered
        self.memory.shift = self.memory.change + rows
        self.memory.scratch = self.memory.shift + n_targets

    def __dealloc__(self):
        free(self.numbers)

    cdef bint begins(
        self, const double[:, ::1] known, const double[:, ::1] start, const double[:, ::1] coef,
        const double[:, ::1] residual,
    ) except -1:
        """Point to the known correlations, after a look at the shapes; False if there is nothing to do."""
        if self.blocks.count == 0:
            return False
        if start.shape[0] * start.shape[1] != self.memory.history.others or residual.shape[1] != start.shape[1]:
            raise ValueError("these are residuals of another descent")
        if known.shape[0] * known.shape[1] != self.memory.history.size or coef.shape[0] != known.shape[0]:
            raise ValueError("these are coefficients of another descent")
        self.blocks.known = &known[0, 0]
        return True

    def dense_round(
        self,
        const floating[::1, :] Z not None,          # IN      (n, m)
        const double[:, ::1] known not None,        # IN      (m, T)  correlations of ``start``
        const unsigned char[::1] chosen not None,   # IN      (G,)  the blocks to visit
        const double[:, ::1] start not None,        # IN      (T, n)  a residual
        double[:, ::1] coef not None,               # IN/OUT  (m, T)
        double[:, ::1] residual not None,           # IN/OUT  (T, n)  that of coef
        Py_ssize_t n_sweeps,
        bint combined,
    ):
        """Sweeps over the chosen blocks of dense, explicitly centred columns."""
        if not self.begins(known, start, coef, residual):
            return
        with nogil:
            take_round(
                &Z[0, 0], DenseColumns(Z.shape[0]), NULL, NULL, &self.blocks, &chosen[0], &start[0, 0], &coef[0, 0],
                &residual[0, 0], &self.memory, n_sweeps, combined,
            )

    def csc_round(
        self,
        const double[::1] data not None,            # IN      stored values of m columns
        const int64_t[::1] rows not None,           # IN      their rows
        const int64_t[::1] indptr not None,         # IN      (m + 1,)
        const double[::1] offsets not None,         # IN      (m,)
        const double[::1] root_weights not None,    # IN      (n,)
        const double[:, ::1] known not None,        # IN      as for dense columns, from here on
        const unsigned char[::1] chosen not None,
        const double[:, ::1] start not None,
        double[:, ::1] coef not None,
        double[:, ::1] residual not None,
        Py_ssize_t n_sweeps,
        bint combined,
    ):
        """Sweeps over the chosen blocks of sparse, implicitly centred columns."""
        cdef const double *values = &data[0] if data.shape[0] else NULL
        cdef const int64_t *entries = &rows[0] if rows.shape[0] else NULL
        if not self.begins(known, start, coef, residual):
            return
        with nogil:
            take_round(
                values, CscColumns64(entries, &indptr[0]), &offsets[0], &root_weights[0], &self.blocks, &chosen[0],
                &start[0, 0], &coef[0, 0], &residual[0, 0], &self.memory, n_sweeps, combined,
            )
