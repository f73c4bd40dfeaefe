"""A penalised quadratic on a working set, and what its solver does to one coordinate."""
from regularize.kernels.factor cimport Factor
from regularize.kernels.scalar cimport clip


cdef struct Task:
    Py_ssize_t size             # columns in the working set
    Py_ssize_t stride           # leading dimension of gram
    const double *gram
    const double *response      # q = Z'y
    const double *l1
    const double *l2
    const double *lower
    const double *upper
    double *correlations        # c = q - G w
    double *coef                # w
    double response_norm        # y'y
    double alpha
    double tolerance            # absolute, on the gap
    bint has_l2
    Factor *factor
    signed char *in_factor      # per column of the working set
    double *scratch             # 6 x (size + 1)
    Py_ssize_t work             # multiply-adds spent in this call
    Py_ssize_t n_iter           # sweeps and Newton steps in this call
    double largest_move         # of a coefficient in the last sweep; 0 after an exact Newton step, inf after a cut one
    bint no_memory              # the factor could not grow
    bint is_behind              # the correlations of fixed coordinates are not valid until they catch up


cdef inline void move_correlations(Task *task, Py_ssize_t j, double move) noexcept nogil:
    """c -= move * G[:, j]"""
    cdef Py_ssize_t i
    cdef const double *column = task.gram + j * task.stride
    cdef double *correlations = task.correlations
    for i in range(task.size):
        correlations[i] -= move * column[i]
    task.work += task.size


cdef inline void move_coordinate(Task *task, Py_ssize_t j, double move) noexcept nogil:
    """w_j += move, c -= move * G[:, j]"""
    task.coef[j] += move
    move_correlations(task, j, move)


cdef inline bint is_free(const Task *task, Py_ssize_t j) noexcept nogil:
    """Whether w_j moves smoothly: strictly inside its box and, if it has an l1 term, away from zero."""
    cdef double w = task.coef[j]
    if not (task.lower[j] < w < task.upper[j]):
        return False
    if task.l1[j] > 0.0 and task.alpha > 0.0:
        return w != 0.0
    return task.gram[j * task.stride + j] + task.alpha * task.l2[j] > 0.0


cdef inline double slope(const Task *task, Py_ssize_t j) noexcept nogil:
    """Minus the derivative of the objective along a free coordinate: c_j - alpha (l1_j sign w_j + l2_j w_j)."""
    cdef double w = task.coef[j]
    cdef double l1 = task.l1[j] if w > 0.0 else (-task.l1[j] if w < 0.0 else 0.0)
    return task.correlations[j] - task.alpha * (l1 + task.l2[j] * w)


cdef inline double segment_end(const Task *task, Py_ssize_t j, double target) noexcept nogil:
    """The point of w_j's segment (its box, cut at zero if it has an l1 term) that is nearest to target."""
    cdef double lower = task.lower[j], upper = task.upper[j]
    if task.l1[j] > 0.0 and task.alpha > 0.0:
        if task.coef[j] > 0.0:
            lower = lower if lower > 0.0 else 0.0
        else:
            upper = upper if upper < 0.0 else 0.0
    return clip(target, lower, upper)
