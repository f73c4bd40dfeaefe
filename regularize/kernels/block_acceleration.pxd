"""Whether other coefficients of blocks are better, and going on from the best combination of the last sweeps."""
from libc.string cimport memcpy

from regularize.kernels.anderson cimport take_in
from regularize.kernels.block_gap cimport penalty_of
from regularize.kernels.block_task cimport BlockTask


cdef inline bint is_better(BlockTask *task, double *coef, double *correlations) noexcept nogil:
    """Whether other coefficients, with their correlations, are within the bounds and the objective is lower there."""
    cdef Py_ssize_t i, j, t
    cdef double change = -penalty_of(task), w
    cdef double *own = task.coef
    for t in range(task.width):
        for j in range(task.size):
            i = t * task.size + j
            w = coef[j * task.width + t]
            if not task.lower[j] <= w <= task.upper[j]:
                return False
            change -= 0.5 * (w - own[j * task.width + t]) * (correlations[i] + task.correlations[i])
    task.coef = coef
    change += penalty_of(task)
    task.coef = own
    return change < 0.0


cdef inline void accelerate(BlockTask *task) noexcept nogil:
    """Take in a sweep that has ended, and go on from the best combination of the last ones."""
    cdef Py_ssize_t n = task.size * task.width
    if not take_in(&task.history, task.coef, task.correlations):
        return
    if is_better(task, task.history.guess, task.history.companion):
        memcpy(task.coef, task.history.guess, n * sizeof(double))
        memcpy(task.correlations, task.history.companion, n * sizeof(double))
