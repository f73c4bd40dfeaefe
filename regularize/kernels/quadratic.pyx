"""The inner problem: a penalised quadratic on a working set whose Gram matrix is known.

    minimise  1/2 w' G w - q' w + alpha sum_j l1_j |w_j| + alpha/2 sum_j l2_j w_j^2,   lower <= w <= upper

Design notes
------------
a. Invariant of every function here: ``correlations = q - G w``.
b. Coordinate descent finds the pattern (which coefficients are zero, at a bound, or free with which
   sign); on a fixed pattern the problem is linear and one Newton step solves it. The Newton step uses
   a Cholesky factor that is maintained across steps and alphas (see factor.pxd), because refactoring
   is what makes such a step expensive.
c. A Newton step that leaves the pattern is cut where the first coordinate reaches the end of its
   segment; when several do, the step with every coordinate clipped to its segment is taken if the
   objective falls (several changes of pattern in one step).
d. A free column that depends linearly on those in the factor cannot enter it. Along the null vector the
   objective is linear, so it slides to the first end of a segment, as in linear programming; then
   one column has left and the problem is regular again. Rank-deficient designs thus end in finitely many steps.
e. With an l2 term the factor belongs to an older, larger alpha. It is kept while alpha has not shrunk
   much: a step with it is a convergent quasi-Newton step, since L L' - (G + alpha l2) is small and positive.
f. Everything stops on the duality gap of the problem restricted to the working set. All terms of
   the gap are non-negative (Fenchel-Young), so it is exact down to rounding.
g. ``solve`` returns after about ``WORK_BUDGET`` multiply-adds so that the caller can look for Ctrl-C; the
   state it leaves is valid and the next call goes on from it.
h. From a start that belongs to a much larger alpha (a cold fit) the pattern would be found by hundreds of sweeps
   and cut Newton steps. Following the path roughly, alpha shrinking by ``APPROACH``, needs a tenth of them.
"""
from libc.math cimport INFINITY, fabs, fmax, sqrt
from libc.stdlib cimport free, realloc
from libc.string cimport memcpy, memset

from regularize.kernels.blas cimport solve_lower
from regularize.kernels.factor cimport Factor, insert, refactor, remove, reserve, solve as solve_factored
from regularize.kernels.scalar cimport clip, fenchel_young, penalty_value, prox


cpdef enum Status:
    CONVERGED = 0       # the gap on the working set is within the tolerance
    STALLED = 1         # rounding, not the tolerance, ended the work
    EXHAUSTED = 2       # max_iter sweeps and Newton steps are spent
    PAUSED = 3          # the work budget of one call is spent: call again
    NO_MEMORY = 4

cdef enum:
    APPROACH_STEPS = 10         # alphas of a rough path at most: a factor of about a thousand
    PATTERN_SWEEPS = 6          # sweeps over the active part before a Newton step, at most
    NEWTON_STEPS = 40           # Newton steps between two full sweeps, at most
    STALLED_ROUNDS = 4          # rounds without progress of the gap that count as stalled
    WORK_BUDGET = 400_000_000   # multiply-adds per call, about a fifth of a second

cdef double FLAT = 1e-14        # an l1 term below the rounding of correlations of size one is no hold for the dual
cdef double APPROACH = 0.5      # ratio of the alphas of a rough path, and how far a start may be off without one
cdef double STALE_FACTOR = 0.7  # refactor when alpha fell below this share of the factor's alpha


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
    double *scratch             # 3 x (size + 1)
    Py_ssize_t work             # multiply-adds spent in this call
    Py_ssize_t n_iter           # sweeps and Newton steps in this call
    double largest_move         # of a coefficient in the last sweep; 0 after an exact Newton step, inf after a cut one
    bint no_memory              # the factor could not grow


# ---------------------------------------------------------------------------------- one coordinate


cdef inline void move_coordinate(Task *task, Py_ssize_t j, double move) noexcept nogil:
    """w_j += move, c -= move * G[:, j]"""
    cdef Py_ssize_t i
    cdef const double *column = task.gram + j * task.stride
    cdef double *correlations = task.correlations
    task.coef[j] += move
    for i in range(task.size):
        correlations[i] -= move * column[i]
    task.work += task.size


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


# ------------------------------------------------------------------------------------------ sweeps


cdef Py_ssize_t sweep(Task *task, bint active_only) noexcept nogil:
    """Minimise over each coordinate in turn; the number of coordinates whose pattern changed."""
    cdef Py_ssize_t j, changes = 0
    cdef double before, after, curvature, alpha = task.alpha
    task.largest_move = 0.0
    for j in range(task.size):
        before = task.coef[j]
        if active_only and before == 0.0 and task.l1[j] > 0.0:
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


# --------------------------------------------------------------------------------------------- gap


cdef double residual_norm(const Task *task) noexcept nogil:
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


cdef double scaled_gap(const Task *task, double squared_residual, bint augmented) noexcept nogil:
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
        if l1 > FLAT and (l2 == 0.0 or augmented):
            c = task.correlations[j] - l2 * task.coef[j]
            share = dual_scale(c, l1, task.lower[j], task.upper[j])
            t = share if share < t else t
    gap = 0.5 * (1.0 - t) * (1.0 - t) * squared_residual
    for j in range(task.size):
        l1 = task.alpha * task.l1[j]
        l2 = task.alpha * task.l2[j]
        c = t * task.correlations[j]
        w = task.coef[j]
        if l1 <= FLAT and l2 == 0.0 and (
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


cdef double duality_gap(const Task *task) noexcept nogil:
    """The gap of the problem on the working set: the better of the two dual points."""
    cdef double squared_residual = residual_norm(task)
    cdef double gap = scaled_gap(task, squared_residual, False), other
    if task.has_l2:
        other = scaled_gap(task, squared_residual, True)
        gap = other if other < gap else gap
    return gap


cdef bint is_good_enough(const Task *task, double gap) noexcept nogil:
    """Whether the gap is within the tolerance, also as a share of what the model explains.

    Near alpha_max the objective falls by next to nothing, and a gap that is small against y'y could still be large
    against that fall: the tolerance is taken of the smaller of the two, down to rounding.
    """
    cdef Py_ssize_t j
    cdef double fall = 0.0, share, largest = 0.0
    if not gap <= task.tolerance:
        return False
    for j in range(task.size):
        fall += 0.5 * task.coef[j] * (task.response[j] + task.correlations[j])
        fall -= task.alpha * penalty_value(task.coef[j], task.l1[j], task.l2[j])
        largest = fmax(largest, fabs(task.coef[j]))
    if task.largest_move * task.response_norm > task.tolerance * largest:
        return False
    share = 2.0 * task.tolerance * fall / task.response_norm if task.response_norm > 0.0 else 0.0
    return gap <= share or gap <= 1e-15 * task.response_norm


# ------------------------------------------------------------------------------------------ Newton


cdef void apply_step(Task *task, const double *step) noexcept nogil:
    """c -= G[:, F] step, four columns at a time so that c is read and written a quarter as often."""
    cdef Factor *factor = task.factor
    cdef Py_ssize_t i, k = 0, size = task.size
    cdef const double *g0
    cdef const double *g1
    cdef const double *g2
    cdef const double *g3
    cdef double s0, s1, s2, s3
    cdef double *correlations = task.correlations
    task.work += size * factor.size
    while k + 4 <= factor.size:
        g0 = task.gram + factor.columns[k] * task.stride
        g1 = task.gram + factor.columns[k + 1] * task.stride
        g2 = task.gram + factor.columns[k + 2] * task.stride
        g3 = task.gram + factor.columns[k + 3] * task.stride
        s0, s1, s2, s3 = step[k], step[k + 1], step[k + 2], step[k + 3]
        for i in range(size):
            correlations[i] -= s0 * g0[i] + s1 * g1[i] + s2 * g2[i] + s3 * g3[i]
        k += 4
    while k < factor.size:
        g0 = task.gram + factor.columns[k] * task.stride
        for i in range(size):
            correlations[i] -= step[k] * g0[i]
        k += 1


cdef double objective_change(const Task *task, const double *step, const double *old) noexcept nogil:
    """Of w_F += step, when ``old`` are the correlations before it and the present ones those after."""
    cdef Factor *factor = task.factor
    cdef Py_ssize_t k, j
    cdef double w, total = 0.0
    for k in range(factor.size):
        j = factor.columns[k]
        w = task.coef[j]
        total += task.alpha * task.l1[j] * (fabs(w + step[k]) - fabs(w))
        total += step[k] * (task.alpha * task.l2[j] * (w + 0.5 * step[k]))
        total -= 0.5 * step[k] * (old[j] + task.correlations[j])
    return total


cdef void land(Task *task, const double *step) noexcept nogil:
    """w_F += step, exactly at the ends of segments; apply_step has moved the correlations."""
    cdef Factor *factor = task.factor
    cdef Py_ssize_t k, j
    for k in range(factor.size):
        j = factor.columns[k]
        task.coef[j] = segment_end(task, j, task.coef[j] + step[k])


cdef void slide(Task *task, Py_ssize_t column, double *null_vector) noexcept nogil:
    """Move along a direction without curvature to the first end of a segment; see note d.

    ``null_vector`` comes in as ``L^-1 G_F,column``; the direction is (-L^-T of it, 1) on (F, column). The data have no
    say along it, only the penalty has: what the correlations seem to say is rounding.
    """
    cdef Factor *factor = task.factor
    cdef Py_ssize_t k, j, first = -1
    cdef double *step = task.scratch + task.size + 1
    cdef double *old = task.scratch + 2 * (task.size + 1)
    cdef double descent = 0.0, penalties = 0.0, largest = 1.0, curvature = 0.0, length, far, room
    solve_lower(factor.size, factor.values, factor.stride, null_vector, True)
    for k in range(factor.size):
        largest = fabs(null_vector[k]) if fabs(null_vector[k]) > largest else largest
    for k in range(factor.size):                         # entries of rounding size would allow huge slides
        null_vector[k] = 0.0 if fabs(null_vector[k]) < 1e-8 * largest else -null_vector[k]
    factor.columns[factor.size] = column                 # as if it had entered, for the loops below
    null_vector[factor.size] = 1.0
    for k in range(factor.size + 1):
        j = factor.columns[k]
        penalties += fabs(null_vector[k]) * task.alpha * (task.l1[j] + task.l2[j] * fabs(task.coef[j]))
        curvature += null_vector[k] * null_vector[k] * task.gram[j * task.stride + j]
        descent += null_vector[k] * (slope(task, j) - task.correlations[j])
    if fabs(descent) <= 1e-10 * penalties:
        return
    far = INFINITY if descent > 0.0 else -INFINITY
    length = fabs(descent) / (2.2e-16 * (50 + factor.size) * curvature)  # beyond that rounding may bend the objective
    for k in range(factor.size + 1):
        j = factor.columns[k]
        if null_vector[k] == 0.0:
            continue
        room = (segment_end(task, j, far if null_vector[k] > 0.0 else -far) - task.coef[j]) / null_vector[k]
        if fabs(room) < length:
            length = fabs(room)
            first = k
    memcpy(old, task.correlations, task.size * sizeof(double))
    for k in range(factor.size + 1):
        j = factor.columns[k]
        room = segment_end(task, j, far if null_vector[k] > 0.0 else -far)
        step[k] = room - task.coef[j] if k == first else (length if descent > 0.0 else -length) * null_vector[k]
    factor.size += 1
    apply_step(task, step)
    if objective_change(task, step, old) < 0.0:
        land(task, step)
    else:                                                # the direction is not as null as it seemed
        memcpy(task.correlations, old, task.size * sizeof(double))
    factor.size -= 1


cdef bint rebuild_factor(Task *task) noexcept nogil:
    """L for all free columns at once; False, and an empty factor, when some of them are dependent."""
    cdef Factor *factor = task.factor
    cdef Py_ssize_t j
    factor.size = 0
    for j in range(task.size):
        task.in_factor[j] = is_free(task, j)
        if task.in_factor[j]:
            factor.columns[factor.size] = j
            factor.size += 1
    task.work += factor.size * factor.size * factor.size // 12
    if refactor(factor, task.gram, task.stride, task.l2, task.alpha):
        return True
    factor.size = 0
    memset(task.in_factor, 0, task.size)
    return False


cdef void drop_fixed(Task *task) noexcept nogil:
    """Remove from the factor the columns that are no longer free."""
    cdef Factor *factor = task.factor
    cdef Py_ssize_t position, j
    for position in range(factor.size - 1, -1, -1):
        j = factor.columns[position]
        if not is_free(task, j):
            task.work += (factor.size - position) * (factor.size - position) * 2
            task.in_factor[j] = 0
            remove(factor, position)


cdef void sync_factor(Task *task, double *row) noexcept nogil:
    """Bring the factor to the free columns of now; a dependent one slides and stays out if it must."""
    cdef Factor *factor = task.factor
    cdef Py_ssize_t j, _attempt, changes = 0, n_free = 0
    cdef double diagonal
    cdef bint stale = task.has_l2 and not (
        STALE_FACTOR * factor.alpha <= task.alpha <= factor.alpha
    )
    for j in range(task.size):
        n_free += is_free(task, j)
        changes += is_free(task, j) != task.in_factor[j]
    if reserve(factor, n_free + 1) != 0:
        task.no_memory = True
        return
    if stale or changes > factor.size // 4 + 4:
        if rebuild_factor(task):
            return
    drop_fixed(task)
    for j in range(task.size):
        for _attempt in range(2):
            if task.in_factor[j] or not is_free(task, j):
                break
            diagonal = task.gram[j * task.stride + j] + factor.alpha * task.l2[j]
            task.work += factor.size * factor.size
            if insert(factor, j, task.gram + j * task.stride, diagonal, row):
                task.in_factor[j] = 1
            else:
                slide(task, j, row)
                drop_fixed(task)


cdef bint newton_step(Task *task) noexcept nogil:
    """One step to the minimum over the free columns; True when it stayed within the pattern."""
    cdef Factor *factor = task.factor
    cdef double *direction = task.scratch
    cdef double *step = task.scratch + task.size + 1
    cdef double *old = task.scratch + 2 * (task.size + 1)
    cdef Py_ssize_t k, j, first = -1, crossings = 0
    cdef double target, end, share, change, length = 1.0
    task.n_iter += 1
    sync_factor(task, direction)
    if task.no_memory:
        return True
    for k in range(factor.size):
        direction[k] = slope(task, factor.columns[k])
    solve_factored(factor, direction)
    task.work += 2 * factor.size * factor.size
    for k in range(factor.size):
        j = factor.columns[k]
        target = task.coef[j] + direction[k]
        end = segment_end(task, j, target)
        step[k] = end - task.coef[j]
        if end != target:
            crossings += 1
            share = step[k] / direction[k]
            if share < length:
                length = share
                first = k
    memcpy(old, task.correlations, task.size * sizeof(double))
    apply_step(task, step)
    change = objective_change(task, step, old)
    if crossings == 0:
        if not change <= 1e-12 * task.response_norm:     # the factor is too ill-conditioned to be of use
            memcpy(task.correlations, old, task.size * sizeof(double))
            return True
        land(task, step)
        task.largest_move = 0.0
        if task.has_l2 and factor.alpha != task.alpha:   # a quasi-Newton step, not an exact one
            for k in range(factor.size):
                task.largest_move = fmax(task.largest_move, fabs(step[k]))
        return True
    task.largest_move = INFINITY
    if change < 0.0:
        land(task, step)
        return False
    memcpy(task.correlations, old, task.size * sizeof(double))
    for k in range(factor.size):
        step[k] = step[k] if k == first else length * direction[k]
    apply_step(task, step)
    if not objective_change(task, step, old) <= 1e-12 * task.response_norm:
        memcpy(task.correlations, old, task.size * sizeof(double))
        return True
    land(task, step)
    return False


# ------------------------------------------------------------------------------------------- solve


cdef void settle(Task *task, Py_ssize_t max_iter, bint check) noexcept nogil:
    """Sweep over everything once, then over the active part until its pattern is stable; ``check``: or good enough."""
    cdef Py_ssize_t _k
    sweep(task, False)
    for _k in range(PATTERN_SWEEPS):
        if check and is_good_enough(task, duality_gap(task)):
            return
        if task.n_iter >= max_iter or sweep(task, True) == 0:
            return


cdef void finish_pattern(Task *task, Py_ssize_t max_iter) noexcept nogil:
    """Newton steps until one stays within the pattern."""
    cdef Py_ssize_t _k
    for _k in range(NEWTON_STEPS):
        if task.n_iter >= max_iter or task.work > WORK_BUDGET or newton_step(task):
            return


cdef double reach(const Task *task) noexcept nogil:
    """The alpha to which the present coefficients would belong: the largest |c_j| / (l1_j + l2_j |w_j|)."""
    cdef Py_ssize_t j
    cdef double largest = 0.0, c
    for j in range(task.size):
        c = task.correlations[j]
        if task.l1[j] > 0.0:
            if (c > 0.0 and task.coef[j] < task.upper[j]) or (c < 0.0 and task.coef[j] > task.lower[j]):
                largest = fmax(largest, fabs(c) / (task.l1[j] + task.l2[j] * fabs(task.coef[j])))
    return largest


cdef void approach(Task *task, Py_ssize_t max_iter) noexcept nogil:
    """Follow the path roughly from where the start belongs down to near alpha; see note h."""
    cdef double target = task.alpha, alpha = APPROACH * reach(task)
    cdef Py_ssize_t _k
    for _k in range(APPROACH_STEPS):
        if alpha <= target or task.n_iter >= max_iter or task.work > WORK_BUDGET:
            break
        task.alpha = alpha
        settle(task, max_iter, False)
        finish_pattern(task, max_iter)
        alpha *= APPROACH
    task.alpha = target


cdef Status solve(Task *task, Py_ssize_t max_iter, bint resumed) noexcept nogil:
    """Sweeps until the pattern settles, Newton on the pattern, until the gap is within the tolerance."""
    cdef double gap, best = INFINITY
    cdef Py_ssize_t stalled = 0
    task.largest_move = 0.0
    if is_good_enough(task, duality_gap(task)):
        return CONVERGED
    if not resumed:
        approach(task, max_iter)
    while task.n_iter < max_iter:
        settle(task, max_iter, True)
        gap = duality_gap(task)
        if not is_good_enough(task, gap):
            finish_pattern(task, max_iter)
            gap = duality_gap(task)
        if task.no_memory:
            return NO_MEMORY
        if is_good_enough(task, gap):
            return CONVERGED
        if task.work > WORK_BUDGET:
            return PAUSED
        stalled = 0 if gap < 0.5 * best else stalled + 1
        best = gap if gap < best else best
        if stalled >= STALLED_ROUNDS:
            return STALLED
    return EXHAUSTED


cdef class QuadraticSolver:
    """Solves the quadratic of one working set again and again, keeping the factor between calls.

    The arrays belong to the caller; entries of the working set may be appended between calls, never reordered.
    """

    cdef Factor factor
    cdef signed char *in_factor
    cdef double *scratch
    cdef Py_ssize_t capacity
    cdef bint paused                        # the last call spent its work budget: the next one goes on from there

    def __dealloc__(self):
        free(self.factor.values)
        free(self.factor.columns)
        free(self.in_factor)
        free(self.scratch)

    cdef bint has_room(self, Py_ssize_t size) noexcept nogil:
        """Room for a working set of ``size``; False when memory is short."""
        cdef Py_ssize_t capacity = size + size // 2 + 64
        cdef void *block
        if size > self.capacity:
            block = realloc(self.in_factor, capacity)
            if block == NULL:
                return False
            self.in_factor = <signed char *> block
            memset(self.in_factor + self.capacity, 0, capacity - self.capacity)
            block = realloc(self.scratch, 3 * (capacity + 1) * sizeof(double))
            if block == NULL:
                return False
            self.scratch = <double *> block
            self.capacity = capacity
        return True

    cdef Status run(self, Task *task, Py_ssize_t max_iter) noexcept nogil:
        """``solve`` with this object's memory behind the task."""
        cdef Py_ssize_t j
        cdef Status status
        if not self.has_room(task.size):
            return NO_MEMORY
        for j in range(task.size):
            task.has_l2 |= task.l2[j] > 0.0
        task.factor = &self.factor
        task.in_factor = self.in_factor
        task.scratch = self.scratch
        status = solve(task, max_iter, self.paused)
        self.paused = status == PAUSED
        return status

    def solve(
        self,
        const double[:, ::1] gram not None,         # IN      (>= m, >= m), symmetric
        const double[::1] response not None,        # IN      (m,)  q
        const double[::1] l1 not None,              # IN      (m,)
        const double[::1] l2 not None,              # IN      (m,)
        const double[::1] lower not None,           # IN      (m,)
        const double[::1] upper not None,           # IN      (m,)
        double[::1] correlations not None,          # IN/OUT  (m,)  q - G w
        double[::1] coef not None,                  # IN/OUT  (m,)  w
        double response_norm,
        double alpha,
        double tolerance,
        Py_ssize_t max_iter,
    ):
        """Minimise at one alpha from ``coef``; returns (status, sweeps and Newton steps)."""
        cdef Task task
        cdef Status status = CONVERGED
        if coef.shape[0] == 0:
            return CONVERGED, 0
        task = Task(
            coef.shape[0], gram.shape[1], &gram[0, 0], &response[0], &l1[0], &l2[0], &lower[0], &upper[0],
            &correlations[0], &coef[0], response_norm, alpha, tolerance, False, NULL, NULL, NULL, 0, 0, 0.0, False,
        )
        with nogil:
            status = self.run(&task, max_iter)
        if status == NO_MEMORY:
            raise MemoryError("no memory for the Cholesky factor of the active columns")
        return status, task.n_iter

    def solve_path(
        self,
        const double[:, ::1] gram not None,         # IN      (p, p), symmetric
        const double[::1] response not None,        # IN      (p,)  q
        const double[::1] l1 not None,              # IN      (p,)
        const double[::1] l2 not None,              # IN      (p,)
        const double[::1] lower not None,           # IN      (p,)
        const double[::1] upper not None,           # IN      (p,)
        double[::1] correlations not None,          # IN/OUT  (p,)  q - G w
        double[::1] coef not None,                  # IN/OUT  (p,)  w
        double response_norm,
        const double[::1] alphas not None,          # IN      (k,)
        double tolerance,
        Py_ssize_t max_iter,
        Py_ssize_t first,                           # alphas before this one are done
        double[:, ::1] coefs not None,              # OUT     (k, p)
        Py_ssize_t[::1] n_iters not None,           # IN/OUT  (k,), zero at the start
    ):
        """Minimise along alphas[first:]; returns the index of the first alpha that is not done.

        Ends early when the work budget is spent; calling again with that index goes on.
        """
        cdef Task task
        cdef Status status = CONVERGED
        cdef Py_ssize_t k = first
        if coef.shape[0] == 0:
            return alphas.shape[0]
        task = Task(
            coef.shape[0], gram.shape[1], &gram[0, 0], &response[0], &l1[0], &l2[0], &lower[0], &upper[0],
            &correlations[0], &coef[0], response_norm, 0.0, tolerance, False, NULL, NULL, NULL, 0, 0, 0.0, False,
        )
        with nogil:
            while k < alphas.shape[0] and task.work <= WORK_BUDGET:
                task.alpha = alphas[k]
                task.n_iter = n_iters[k]
                status = self.run(&task, max_iter)
                n_iters[k] = task.n_iter
                if status == NO_MEMORY or status == PAUSED:
                    break
                memcpy(&coefs[k, 0], task.coef, task.size * sizeof(double))
                k += 1
        if status == NO_MEMORY:
            raise MemoryError("no memory for the Cholesky factor of the active columns")
        return k
