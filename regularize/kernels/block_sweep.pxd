"""Block descent on a quadratic whose Gram matrix is known."""
from libc.math cimport fabs, fmax
from libc.string cimport memcpy

from regularize.kernels.block cimport allowed_threshold, is_zero, minimise_block, norm_of
from regularize.kernels.block_newton cimport is_free
from regularize.kernels.block_task cimport BlockTask, block_norm, subtract
from regularize.kernels.part cimport ACTIVE, FIXED, Part
from regularize.kernels.scalar cimport prox


cdef inline double thresholded(BlockTask *task, Py_ssize_t g, double *out) noexcept nogil:
    """out = S(c_g); its norm."""
    cdef Py_ssize_t j, i, k = 0, width = task.width
    cdef const double *c = task.correlations
    for j in range(task.starts[g], task.starts[g + 1]):
        for i in range(j * width, (j + 1) * width):
            out[k] = allowed_threshold(c[i], task.alpha * task.l1[j], task.lower[j], task.upper[j])
            k += 1
    return norm_of(k, out)


cdef inline void descend(BlockTask *task, Py_ssize_t g) noexcept nogil:
    """Proximal steps on a block with a norm; what it moves by is left behind two blocks of ``local``."""
    cdef Py_ssize_t begin = task.starts[g], count = task.starts[g + 1] - begin, size = count * task.width, i
    cdef double *w = task.coef + begin * task.width
    cdef double *c = task.local
    cdef double *moved = c + 2 * size
    memcpy(c, task.correlations + begin * task.width, size * sizeof(double))
    for i in range(size):
        moved[i] = -w[i]
    minimise_block(
        count, task.width, task.gram + begin * task.stride + begin, task.stride, task.curvature[g], task.l1 + begin,
        task.alpha * task.l2[begin], task.lower + begin, task.upper + begin, task.alpha, task.alpha * task.norm[g],
        w, c, c + size,
    )
    for i in range(size):
        moved[i] += w[i]
        task.largest_move = fmax(task.largest_move, fabs(moved[i]))
    task.work += count * size


cdef inline bint visit(BlockTask *task, Py_ssize_t g) noexcept nogil:
    """Minimise over a block; whether its pattern changed."""
    cdef Py_ssize_t begin = task.starts[g], count = task.starts[g + 1] - begin, width = task.width, a, i
    cdef Py_ssize_t size = count * width, changes = 0
    cdef double *w = task.coef + begin * width
    cdef double *moved = task.local + 2 * size           # as descend leaves it
    cdef double curvature = task.gram[begin * task.stride + begin]
    if task.norm[g] > 0.0:
        if is_zero(size, w) and thresholded(task, g, task.local) <= task.alpha * task.norm[g]:
            return False
        if task.curvature[g] <= 0.0:
            return False
        for i in range(size):
            changes += w[i] != 0.0
        descend(task, g)
        for i in range(size):
            changes -= w[i] != 0.0
    else:
        for i in range(width):
            moved[i] = prox(
                task.correlations[begin * width + i] + curvature * w[i], task.alpha * task.l1[begin],
                curvature + task.alpha * task.l2[begin], task.lower[begin], task.upper[begin],
            )
            changes += (moved[i] > 0.0) != (w[i] > 0.0) or (moved[i] < 0.0) != (w[i] < 0.0)
            moved[i] -= w[i]
            w[i] += moved[i]
            task.largest_move = fmax(task.largest_move, fabs(moved[i]))
    if is_zero(size, moved):
        return False
    for a in range(count):
        task.free[a] = begin + a
    subtract(task, task.free, count, moved)
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
    task.work += task.size * task.width
    task.n_iter += 1
    return changes


cdef inline double reach(BlockTask *task) noexcept nogil:
    """About the alpha to which the present coefficients would belong."""
    cdef Py_ssize_t g, j, i
    cdef double largest = 0.0, c, w
    for g in range(task.n_blocks):
        j = task.starts[g]
        if task.norm[g] > 0.0:
            c = thresholded(task, g, task.local)
            w = block_norm(task, g)
            largest = fmax(largest, c / (task.norm[g] + task.l2[j] * w))
        elif task.l1[j] > 0.0:
            for i in range(j * task.width, (j + 1) * task.width):
                c, w = task.correlations[i], task.coef[i]
                if (c > 0.0 and w < task.upper[j]) or (c < 0.0 and w > task.lower[j]):
                    largest = fmax(largest, fabs(c) / (task.l1[j] + task.l2[j] * fabs(w)))
    return largest
