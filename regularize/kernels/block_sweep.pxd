"""Block descent on a quadratic whose Gram matrix is known."""
from libc.math cimport fabs, fmax, sqrt
from libc.string cimport memcpy

from regularize.kernels.block cimport allowed_threshold, is_zero, minimise_block
from regularize.kernels.block_newton cimport is_free
from regularize.kernels.block_task cimport MOST_PENDING, BlockTask, block_norm, settle_moves
from regularize.kernels.part cimport ACTIVE, FIXED, Part
from regularize.kernels.scalar cimport prox


cdef inline void fill_local(BlockTask *task, Py_ssize_t g) noexcept nogil:
    """The correlations of block g, (count, width), at the head of ``local``."""
    cdef Py_ssize_t begin = task.starts[g], count = task.starts[g + 1] - begin, width = task.width, i, t, k
    cdef double *c = task.local
    cdef const double *row
    for i in range(count):
        for t in range(width):
            c[i * width + t] = task.correlations[t * task.size + begin + i]
    for k in range(task.n_pending):
        row = task.gram + task.pending[k] * task.stride + begin
        for i in range(count):
            for t in range(width):
                c[i * width + t] -= row[i] * task.moves[k * width + t]


cdef inline double thresholded(BlockTask *task, Py_ssize_t g) noexcept nogil:
    """||S(c_g)|| for the correlations that ``fill_local`` left."""
    cdef Py_ssize_t j, _t, k = 0
    cdef double s, total = 0.0
    for j in range(task.starts[g], task.starts[g + 1]):
        for _t in range(task.width):
            s = allowed_threshold(task.local[k], task.alpha * task.l1[j], task.lower[j], task.upper[j])
            total += s * s
            k += 1
    return sqrt(total)


cdef inline void descend(BlockTask *task, Py_ssize_t g) noexcept nogil:
    """Proximal steps on a block with a norm, from the correlations that ``fill_local`` left."""
    cdef Py_ssize_t begin = task.starts[g], count = task.starts[g + 1] - begin, size = count * task.width
    cdef double *c = task.local
    minimise_block(
        count, task.width, task.gram + begin * task.stride + begin, task.stride, task.curvature[g], task.l1 + begin,
        task.alpha * task.l2[begin], task.lower + begin, task.upper + begin, task.alpha, task.alpha * task.norm[g],
        task.coef + begin * task.width, c, c + size,
    )
    task.work += count * size


cdef inline void leave_pending(BlockTask *task, Py_ssize_t g, const double *moved) noexcept nogil:
    """What block g moved by is still to be taken from the correlations; that of several features is at once."""
    cdef Py_ssize_t begin = task.starts[g], count = task.starts[g + 1] - begin, a
    for a in range(count):
        task.pending[task.n_pending + a] = begin + a
    memcpy(task.moves + task.n_pending * task.width, moved, count * task.width * sizeof(double))
    task.n_pending += count
    if task.n_pending >= MOST_PENDING:
        settle_moves(task)


cdef inline bint visit(BlockTask *task, Py_ssize_t g) noexcept nogil:
    """Minimise over a block; whether its pattern changed."""
    cdef Py_ssize_t begin = task.starts[g], width = task.width, i
    cdef Py_ssize_t size = (task.starts[g + 1] - begin) * width, changes = 0
    cdef double *w = task.coef + begin * width
    cdef double *moved = task.local + 2 * size
    cdef double curvature = task.gram[begin * task.stride + begin]
    fill_local(task, g)
    if task.norm[g] > 0.0:
        if is_zero(size, w) and thresholded(task, g) <= task.alpha * task.norm[g]:
            return False
        if task.curvature[g] <= 0.0:
            return False
    memcpy(moved, w, size * sizeof(double))
    if task.norm[g] > 0.0:
        descend(task, g)
    else:
        for i in range(width):
            w[i] = prox(
                task.local[i] + curvature * w[i], task.alpha * task.l1[begin], curvature + task.alpha * task.l2[begin],
                task.lower[begin], task.upper[begin],
            )
    for i in range(size):
        changes += (w[i] > 0.0) != (moved[i] > 0.0) or (w[i] < 0.0) != (moved[i] < 0.0)
        moved[i] = w[i] - moved[i]
        task.largest_move = fmax(task.largest_move, fabs(moved[i]))
    if not is_zero(size, moved):
        leave_pending(task, g, moved)
    return changes != 0


cdef inline bint is_fixed(const BlockTask *task, Py_ssize_t g) noexcept nogil:
    """Whether some feature of the block does not move smoothly."""
    cdef Py_ssize_t j
    for j in range(task.starts[g], task.starts[g + 1]):
        if not is_free(task, g, j):
            return True
    return False


cdef inline Py_ssize_t sweep(BlockTask *task, Part part) noexcept nogil:
    """Minimise over each block in turn; the number of blocks whose pattern changed."""
    cdef Py_ssize_t g, j, size, changes = 0
    if part != FIXED:                                    # that of the Newton step before it still counts
        task.largest_move = 0.0
    for g in range(task.n_blocks):
        j = task.starts[g]
        size = (task.starts[g + 1] - j) * task.width
        if part == ACTIVE and (task.norm[g] > 0.0 or task.l1[j] > 0.0) and is_zero(size, task.coef + j * task.width):
            continue
        if part == FIXED and not is_fixed(task, g):
            continue
        changes += visit(task, g)
    settle_moves(task)
    task.work += task.size * task.width
    task.n_iter += 1
    return changes


cdef inline double reach(BlockTask *task) noexcept nogil:
    """About the alpha to which the present coefficients would belong."""
    cdef Py_ssize_t g, j, t
    cdef double largest = 0.0, c, w
    for g in range(task.n_blocks):
        j = task.starts[g]
        if task.norm[g] > 0.0:
            fill_local(task, g)
            c = thresholded(task, g)
            w = block_norm(task, g)
            largest = fmax(largest, c / (task.norm[g] + task.l2[j] * w))
        elif task.l1[j] > 0.0:
            for t in range(task.width):
                c, w = task.correlations[t * task.size + j], task.coef[j * task.width + t]
                if (c > 0.0 and w < task.upper[j]) or (c < 0.0 and w > task.lower[j]):
                    largest = fmax(largest, fabs(c) / (task.l1[j] + task.l2[j] * fabs(w)))
    return largest
