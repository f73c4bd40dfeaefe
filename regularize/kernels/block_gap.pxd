"""The duality gap of blocks on a working set, by which their solver stops; see gap.pxd.

A block with a norm adds, at the dual value V, with x = max(||S(V)|| - norm, 0),

    norm ||W|| + l1 |W| + l2/2 ||W||^2 + x^2 / (2 l2) - <V, W>,   the fourth term for l2 > 0 only.
"""
from libc.math cimport INFINITY, fabs, fmax, fmin, sqrt

from regularize.kernels.block cimport allowed_threshold, feasible_share, penalty_of_blocks
from regularize.kernels.block_task cimport BlockTask, block_norm
from regularize.kernels.gap cimport dual_scale, flat, soft_cap
from regularize.kernels.scalar cimport fenchel_young


cdef inline double explained(const BlockTask *task) noexcept nogil:
    """<W, q + c>"""
    cdef Py_ssize_t j, t, i
    cdef double total = 0.0
    for t in range(task.width):
        for j in range(task.size):
            i = t * task.size + j
            total += task.coef[j * task.width + t] * (task.response[i] + task.correlations[i])
    return total


cdef inline double residual_norm(const BlockTask *task) noexcept nogil:
    """||Y - Z W||^2 = ||Y||^2 - <W, q + c>"""
    cdef double total = task.response_norm - explained(task)
    return total if total > 0.0 else 0.0


cdef inline double block_share(const BlockTask *task, Py_ssize_t g, double share, bint augmented) noexcept nogil:
    """The largest t <= share for which the conjugate of block g is finite at t c.

    ``augmented``: its l2 term seen as rows of data.
    """
    cdef Py_ssize_t i, j, t, count = 0, width = task.width
    cdef double *c = task.local
    cdef Py_ssize_t size = (task.starts[g + 1] - task.starts[g]) * width
    cdef double *l1 = c + size
    cdef double *lower = l1 + size
    cdef double *upper = lower + size
    for j in range(task.starts[g], task.starts[g + 1]):
        for t in range(width):
            i = j * width + t
            c[count] = task.correlations[t * task.size + j]
            c[count] -= task.alpha * task.l2[j] * task.coef[i] if augmented else 0.0
            l1[count], lower[count], upper[count] = task.l1[j], task.lower[j], task.upper[j]
            count += 1
    return feasible_share(size, c, l1, lower, upper, task.alpha, task.alpha * task.norm[g], 0.0, share)


cdef inline double largest_share(const BlockTask *task, bint augmented) noexcept nogil:
    """Over all blocks; ``augmented`` asks those with an l2 term, too."""
    cdef Py_ssize_t g, i, j
    cdef double share = 1.0, c, l1, l2
    for g in range(task.n_blocks):
        j = task.starts[g]
        l2 = task.alpha * task.l2[j]
        if l2 > 0.0 and not augmented:
            continue
        if task.norm[g] > 0.0:
            if task.alpha * task.norm[g] > flat():
                share = block_share(task, g, share, augmented)
            continue
        l1 = task.alpha * task.l1[j]
        if l1 > flat():
            for i in range(task.width):
                c = task.correlations[i * task.size + j] - l2 * task.coef[j * task.width + i]
                share = fmin(share, dual_scale(c, l1, task.lower[j], task.upper[j]))
    return share


cdef inline double block_term(const BlockTask *task, Py_ssize_t g, double share) noexcept nogil:
    """What a block with a norm adds to the gap."""
    cdef Py_ssize_t j, t, begin = task.starts[g]
    cdef double threshold = task.alpha * task.norm[g], l2 = task.alpha * task.l2[begin]
    cdef double c, w, s, size = 0.0, squares = 0.0, total = 0.0
    for j in range(begin, task.starts[g + 1]):
        for t in range(task.width):
            c, w = share * task.correlations[t * task.size + j], task.coef[j * task.width + t]
            s = allowed_threshold(c, task.alpha * task.l1[j], task.lower[j], task.upper[j])
            size += s * s
            squares += w * w
            total += task.alpha * task.l1[j] * fabs(w) - c * w
    total += threshold * sqrt(squares) + 0.5 * l2 * squares
    if l2 > 0.0:
        size = fmax(sqrt(size) - threshold, 0.0)
        total += 0.5 * size * size / l2
    return total if total > 0.0 else 0.0


cdef inline double scaled_gap(const BlockTask *task, double squared_residual, bint augmented) noexcept nogil:
    """The gap at the dual point t * residual; entries without any penalty are projected out of it, as in gap.pxd."""
    cdef Py_ssize_t g, i, j
    cdef double t = largest_share(task, augmented), c, l1, l2, w, curvature
    cdef double gap = 0.5 * (1.0 - t) * (1.0 - t) * squared_residual, projection = 0.0, exposed = 0.0
    for g in range(task.n_blocks):
        j = task.starts[g]
        if task.norm[g] > 0.0 and task.alpha * task.norm[g] > flat():
            gap += block_term(task, g, t)
            exposed += sqrt(task.curvature[g]) * block_norm(task, g)
            continue
        for j in range(task.starts[g], task.starts[g + 1]):
            l1, l2 = task.alpha * (task.l1[j] + task.norm[g]), task.alpha * task.l2[j]
            curvature = task.gram[j * task.stride + j]
            for i in range(task.width):
                c, w = t * task.correlations[i * task.size + j], task.coef[j * task.width + i]
                if l1 <= flat() and l2 == 0.0 and (
                    task.lower[j] < w < task.upper[j]
                    or (c > 0.0 and task.upper[j] == INFINITY)
                    or (c < 0.0 and task.lower[j] == -INFINITY)
                ):
                    gap += l1 * fabs(w)
                    if curvature > 0.0:
                        projection += c * c / curvature
                    continue
                exposed += sqrt(curvature) * fabs(w)
                if l2 == 0.0:
                    c = soft_cap(c, l1, task.lower[j], task.upper[j])
                gap += fenchel_young(w, c, l1, l2, task.lower[j], task.upper[j])
    return gap + projection + 2.0 * sqrt(projection) * exposed


cdef inline double duality_gap(const BlockTask *task) noexcept nogil:
    """The gap of the problem on the working set: the better of the two dual points."""
    cdef double squared_residual = residual_norm(task)
    cdef double gap = scaled_gap(task, squared_residual, False), other
    if task.has_l2:
        other = scaled_gap(task, squared_residual, True)
        gap = other if other < gap else gap
    return gap


cdef inline double penalty_of(const BlockTask *task) noexcept nogil:
    """The penalty at the coefficients."""
    return penalty_of_blocks(
        task.n_blocks, task.width, task.starts, task.norm, task.l1, task.l2, task.alpha, task.coef
    )


cdef inline double allowed_gap(const BlockTask *task) noexcept nogil:
    """The gap that is good enough: within the tolerance, also as a share of what the model explains; see gap.pxd."""
    cdef double fall = 0.5 * explained(task) - penalty_of(task), share
    share = 2.0 * task.tolerance * fall / task.response_norm if task.response_norm > 0.0 else 0.0
    return fmin(task.tolerance, fmax(share, 1e-15 * task.response_norm))


cdef inline bint is_good_enough(const BlockTask *task, double gap) noexcept nogil:
    """Whether the gap is, and the coefficients have come to rest."""
    cdef Py_ssize_t i
    cdef double largest = 0.0
    if not gap <= task.tolerance:
        return False
    for i in range(task.size * task.width):
        largest = fmax(largest, fabs(task.coef[i]))
    if task.largest_move * task.response_norm > task.tolerance * largest:
        return False
    return gap <= allowed_gap(task)
