"""The duality gap on a working set, by which its solver stops.

All terms are non-negative (Fenchel-Young), so the gap is exact down to rounding.
"""
from libc.math cimport INFINITY, fabs, fmax, fmin, sqrt

from regularize.kernels.scalar cimport fenchel_young, penalty_value
from regularize.kernels.task cimport Task


cdef inline double flat() noexcept nogil:
    """An l1 term below the rounding of correlations of size one, and so no hold for the dual point."""
    return 1e-14


cdef inline double residual_norm(const Task *task) noexcept nogil:
    """||y - Z w||^2 = y'y - w'(q + c)"""
    cdef Py_ssize_t j
    cdef double total = task.response_norm
    for j in range(task.size):
        total -= task.coef[j] * (task.response[j] + task.correlations[j])
    return total if total > 0.0 else 0.0


cdef inline double dual_scale(double v, double l1, double lower, double upper) noexcept nogil:
    """The largest t <= 1 for which the conjugate of l1 |w| on the box is finite at t v."""
    if v > l1 and upper == INFINITY:
        return l1 / v
    if -v > l1 and lower == -INFINITY:
        return -l1 / v
    return 1.0


cdef inline double scaled_gap(const Task *task, double squared_residual, bint augmented) noexcept nogil:
    """The gap at the dual point t * residual, with the largest t in [0, 1] that makes it feasible.

    (1 - t)^2/2 ||r||^2 + sum_j [pen_j(w_j) + pen_j^*(t c_j) - t c_j w_j]. Coordinates with an l2 term have
    a finite conjugate at any t; ``augmented`` lets them lower t too, as if their l2 term were rows of
    data: better when l2 is small. Free coordinates without any penalty must be projected out of the dual
    point; how far that moves it, E, is estimated as if they were orthogonal, and it changes the terms of the
    others by about ``2 sqrt(E) ||z_j|| |w_j|``.
    """
    cdef Py_ssize_t j
    cdef double t = 1.0, share, c, l1, l2, w, gap, projection = 0.0, exposed = 0.0
    for j in range(task.size):
        l1 = task.alpha * task.l1[j]
        l2 = task.alpha * task.l2[j]
        if l1 > flat() and (l2 == 0.0 or augmented):
            c = task.correlations[j] - l2 * task.coef[j]
            share = dual_scale(c, l1, task.lower[j], task.upper[j])
            t = share if share < t else t
    gap = 0.5 * (1.0 - t) * (1.0 - t) * squared_residual
    for j in range(task.size):
        l1 = task.alpha * task.l1[j]
        l2 = task.alpha * task.l2[j]
        c = t * task.correlations[j]
        w = task.coef[j]
        if l1 <= flat() and l2 == 0.0 and (
            task.lower[j] < w < task.upper[j]
            or (c > 0.0 and task.upper[j] == INFINITY)
            or (c < 0.0 and task.lower[j] == -INFINITY)
        ):
            gap += l1 * fabs(w)
            if task.gram[j * task.stride + j] > 0.0:
                projection += c * c / task.gram[j * task.stride + j]
            continue
        exposed += sqrt(task.gram[j * task.stride + j]) * fabs(w)
        if l2 == 0.0:                                    # t v may exceed l1 by a rounding error
            c = soft_cap(c, l1, task.lower[j], task.upper[j])
        gap += fenchel_young(w, c, l1, l2, task.lower[j], task.upper[j])
    return gap + projection + 2.0 * sqrt(projection) * exposed


cdef inline double soft_cap(double v, double l1, double lower, double upper) noexcept nogil:
    """v, brought back to the feasible side where only an infinite bound stands behind it."""
    if v > l1 and upper == INFINITY:
        return l1
    if v < -l1 and lower == -INFINITY:
        return -l1
    return v


cdef inline double duality_gap(const Task *task) noexcept nogil:
    """The gap of the problem on the working set: the better of the two dual points."""
    cdef double squared_residual = residual_norm(task)
    cdef double gap = scaled_gap(task, squared_residual, False), other
    if task.has_l2:
        other = scaled_gap(task, squared_residual, True)
        gap = other if other < gap else gap
    return gap


cdef inline double allowed_gap(const Task *task) noexcept nogil:
    """The gap that is good enough: within the tolerance, also as a share of what the model explains.

    Near alpha_max the objective falls by next to nothing, and a gap that is small against y'y could still be large
    against that fall: the tolerance is taken of the smaller of the two, down to rounding.
    """
    cdef Py_ssize_t j
    cdef double fall = 0.0, share
    for j in range(task.size):
        fall += 0.5 * task.coef[j] * (task.response[j] + task.correlations[j])
        fall -= task.alpha * penalty_value(task.coef[j], task.l1[j], task.l2[j])
    share = 2.0 * task.tolerance * fall / task.response_norm if task.response_norm > 0.0 else 0.0
    return fmin(task.tolerance, fmax(share, 1e-15 * task.response_norm))


cdef inline bint is_good_enough(const Task *task, double gap) noexcept nogil:
    """Whether the gap is, and the coefficients have come to rest."""
    cdef Py_ssize_t j
    cdef double largest = 0.0
    if not gap <= task.tolerance:
        return False
    for j in range(task.size):
        largest = fmax(largest, fabs(task.coef[j]))
    if task.largest_move * task.response_norm > task.tolerance * largest:
        return False
    return gap <= allowed_gap(task)
