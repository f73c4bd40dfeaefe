"""Coordinate descent on a quadratic whose Gram matrix is known."""
from libc.math cimport fabs, fmax

from regularize.kernels.part cimport ACTIVE, FIXED, Part
from regularize.kernels.scalar cimport prox
from regularize.kernels.task cimport Task, is_free, move_coordinate


cdef inline Py_ssize_t sweep(Task *task, Part part) noexcept nogil:
    """Minimise over each coordinate in turn; the number of coordinates whose pattern changed."""
    cdef Py_ssize_t j, changes = 0
    cdef double before, after, curvature, alpha = task.alpha
    if part != FIXED:                                    # that of the Newton step before it still counts
        task.largest_move = 0.0
    for j in range(task.size):
        before = task.coef[j]
        if part == ACTIVE and before == 0.0 and task.l1[j] > 0.0:
            continue
        if part == FIXED and is_free(task, j):
            continue
        curvature = task.gram[j * task.stride + j]
        after = prox(
            task.correlations[j] + curvature * before,
            alpha * task.l1[j],
            curvature + alpha * task.l2[j],
            task.lower[j],
            task.upper[j],
        )
        if after != before:
            changes += (after > 0.0) != (before > 0.0) or (after < 0.0) != (before < 0.0)
            move_coordinate(task, j, after - before)
            task.coef[j] = after
            task.largest_move = fmax(task.largest_move, fabs(after - before))
    task.work += task.size
    task.n_iter += 1
    return changes


cdef inline double reach(const Task *task) noexcept nogil:
    """The alpha to which the present coefficients would belong: the largest |c_j| / (l1_j + l2_j |w_j|)."""
    cdef Py_ssize_t j
    cdef double largest = 0.0, c
    for j in range(task.size):
        c = task.correlations[j]
        if task.l1[j] > 0.0:
            if (c > 0.0 and task.coef[j] < task.upper[j]) or (c < 0.0 and task.coef[j] > task.lower[j]):
                largest = fmax(largest, fabs(c) / (task.l1[j] + task.l2[j] * fabs(task.coef[j])))
    return largest
