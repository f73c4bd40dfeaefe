"""Newton steps on the free columns of a working set, with a Cholesky factor that follows them.

See the design notes of quadratic.pyx, c to e and j.
"""
from libc.math cimport INFINITY, fabs, fmax
from libc.string cimport memcpy, memset

from regularize.kernels.blas cimport dot, solve_lower
from regularize.kernels.factor cimport ENTRIES, Factor, insert, refactor, remove, reserve, solve as solve_factored
from regularize.kernels.gram_rows cimport subtract_rows
from regularize.kernels.task cimport Task, is_free, move_correlations, segment_end, slope


cdef enum:
    ENTERED = 1
    DEPENDENT = 2               # in_factor: free, but dependent on the columns in the factor as it is


cdef inline double *vector(const Task *task, int k) noexcept nogil:
    """Memory for one number per column of the working set.

    0 to 3: the direction of a step, the step, the correlations before it and after the whole of it. 4, 5: coefficients
    and correlations where ``mark`` was.
    """
    return task.scratch + k * (task.size + 1)


cdef inline double stale_share() noexcept nogil:
    """Refactor when alpha fell below this share of the alpha whose l2 term the factor contains."""
    return 0.7


cdef inline void apply_step(Task *task, const double *step) noexcept nogil:
    """c -= G[:, F] step"""
    cdef Factor *factor = task.factor
    task.work += task.size * factor.size
    subtract_rows(task.size, task.gram, task.stride, factor.columns, factor.size, step, task.correlations)


cdef inline bint is_exact(const Task *task, const double *step) noexcept nogil:
    """Whether a whole step ends at the minimum over F: the factor is that of the present alpha, and rounding is small.

    A backward stable solution leaves correlations of some units of |F| |G| |step|, which count times |w| in the gap.
    """
    cdef Py_ssize_t k
    cdef double length = 0.0, size = 0.0
    if task.has_l2 and task.factor.alpha != task.alpha:
        return False
    for k in range(task.factor.size):
        length += fabs(step[k])
        size += fabs(task.coef[task.factor.columns[k]] + step[k])
    return 1e-15 * task.factor.size * length * (size + length) <= 1e-3 * task.tolerance


cdef inline void arrive(Task *task, const double *step) noexcept nogil:
    """c -= G[:, F] step for a step to the minimum over F, where c_F is known: only rows of dependent columns are read.

    The correlations of fixed coordinates fall behind until ``catch_up``.
    """
    cdef Factor *factor = task.factor
    cdef Py_ssize_t k, j
    for k in range(factor.size):
        j = factor.columns[k]
        task.correlations[j] += task.alpha * task.l2[j] * step[k] - slope(task, j)
    for j in range(task.size):
        if task.in_factor[j] == DEPENDENT:
            for k in range(factor.size):
                task.correlations[j] -= step[k] * task.gram[j * task.stride + factor.columns[k]]
            task.work += factor.size
    task.is_behind = True


cdef inline void mark(Task *task) noexcept nogil:
    """Remember where Newton steps start, for ``catch_up``."""
    memcpy(vector(task, 4), task.coef, task.size * sizeof(double))
    memcpy(vector(task, 5), task.correlations, task.size * sizeof(double))
    task.is_behind = False


cdef inline void catch_up(Task *task) noexcept nogil:
    """Bring the correlations of fixed coordinates from where ``mark`` was to the present coefficients.

    From their rows of G, or from those of the coordinates that have moved, whichever are fewer.
    """
    cdef double *moves = vector(task, 4)
    cdef double *marked = vector(task, 5)
    cdef Py_ssize_t *moved = <Py_ssize_t *> vector(task, 3)  # positions, which take no more room than numbers
    cdef Py_ssize_t j, n_moved = 0, n_fixed = 0
    if not task.is_behind:
        return
    for j in range(task.size):
        moves[j] = task.coef[j] - moves[j]
        n_fixed += not is_free(task, j)
        if moves[j] != 0.0:
            moved[n_moved] = j
            n_moved += 1
    if n_moved < n_fixed:
        for j in range(n_moved):
            moves[j] = moves[moved[j]]
        subtract_rows(task.size, task.gram, task.stride, moved, n_moved, moves, marked)
    for j in range(task.size):
        if is_free(task, j):
            continue
        if n_moved >= n_fixed:
            marked[j] -= dot(task.size, task.gram + j * task.stride, moves)
        task.correlations[j] = marked[j]
    task.work += task.size * min(n_moved, n_fixed)
    task.is_behind = False


cdef inline double objective_change(const Task *task, const double *step, const double *old) noexcept nogil:
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


cdef inline void land(Task *task, const double *step) noexcept nogil:
    """w_F += step, exactly at the ends of segments; the correlations are there already."""
    cdef Factor *factor = task.factor
    cdef Py_ssize_t k, j
    for k in range(factor.size):
        j = factor.columns[k]
        task.coef[j] = segment_end(task, j, task.coef[j] + step[k])


cdef inline bint slide(Task *task, Py_ssize_t column, double *null_vector) noexcept nogil:
    """Move along a direction without curvature to the first end of a segment; False if that is no use; see note d.

    ``null_vector`` comes in as ``L^-1 G_F,column``; the direction is (-L^-T of it, 1) on (F, column). The data have no
    say along it, only the penalty has: what the correlations seem to say is rounding.
    """
    cdef Factor *factor = task.factor
    cdef Py_ssize_t k, j, first = -1
    cdef double *step = vector(task, 1)
    cdef double *old = vector(task, 2)
    cdef double descent = 0.0, penalties = 0.0, largest = 1.0, curvature = 0.0, length, far, room
    cdef bint moves
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
        return False
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
    moves = objective_change(task, step, old) < 0.0
    if moves:
        land(task, step)
    else:                                                # the direction is not as null as it seemed
        memcpy(task.correlations, old, task.size * sizeof(double))
    factor.size -= 1
    return moves


cdef inline bint rebuild_factor(Task *task) noexcept nogil:
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


cdef inline void drop_fixed(Task *task) noexcept nogil:
    """Remove from the factor the columns that are no longer free; then dependent ones may enter again."""
    cdef Factor *factor = task.factor
    cdef Py_ssize_t position, j, before = factor.size
    for position in range(factor.size - 1, -1, -1):
        j = factor.columns[position]
        if not is_free(task, j):
            task.work += (factor.size - position) * (factor.size - position) * 2
            task.in_factor[j] = 0
            remove(factor, position)
    for j in range(task.size):
        if task.in_factor[j] == DEPENDENT and (factor.size < before or not is_free(task, j)):
            task.in_factor[j] = 0


cdef inline Py_ssize_t waiting(const Task *task, Py_ssize_t *columns) noexcept nogil:
    """Lists the free columns that are not in the factor, a block of them at most; how many."""
    cdef Py_ssize_t j, count = 0
    for j in range(task.size):
        if count == ENTRIES:
            break
        if not task.in_factor[j] and is_free(task, j):
            columns[count] = j
            count += 1
    return count


cdef inline void insert_free(Task *task) noexcept nogil:
    """Take the free columns into the factor; a dependent one slides, and stays out if that does not help."""
    cdef Factor *factor = task.factor
    cdef Py_ssize_t[ENTRIES] columns
    cdef bint[ENTRIES] enters
    cdef Py_ssize_t k, j, before, count, slid = -1
    while True:
        count = waiting(task, columns)
        if count == 0:
            return
        task.work += count * factor.size * factor.size // 4
        insert(factor, columns, count, task.gram, task.stride, task.l2, enters)
        for k in range(count):
            if enters[k]:
                task.in_factor[columns[k]] = 1
        before = factor.size
        for k in range(count):
            j = columns[k]
            if enters[k]:
                continue
            if not slide(task, j, factor.entering + k * factor.stride):
                task.in_factor[j] = DEPENDENT
                continue
            drop_fixed(task)
            if factor.size < before:                     # there may be room for it now
                slid = -1
            elif j != slid:
                slid = j
            elif is_free(task, j):
                task.in_factor[j] = DEPENDENT
            break                                        # what the other rows say is of before


cdef inline void sync_factor(Task *task) noexcept nogil:
    """Bring the factor to the free columns of now; a dependent one slides and stays out if it must."""
    cdef Factor *factor = task.factor
    cdef Py_ssize_t j, changes = 0, n_free = 0
    cdef bint stale = task.has_l2 and not (
        stale_share() * factor.alpha <= task.alpha <= factor.alpha
    )
    for j in range(task.size):
        n_free += is_free(task, j)
        changes += is_free(task, j) != (task.in_factor[j] != 0)
    if reserve(factor, n_free + 1, task.size + 1) != 0:
        task.no_memory = True
        return
    if stale or changes > factor.size // 4 + 4:
        if rebuild_factor(task):
            return
    drop_fixed(task)
    insert_free(task)


cdef inline Py_ssize_t cut(const Task *task, const double *direction, double *step, Py_ssize_t *first) noexcept nogil:
    """Clips every coordinate of a step to its segment; how many were, and which of them is the first along the way."""
    cdef Factor *factor = task.factor
    cdef Py_ssize_t k, j, crossings = 0
    cdef double target, end, share, shortest = 1.0
    first[0] = -1
    for k in range(factor.size):
        j = factor.columns[k]
        target = task.coef[j] + direction[k]
        end = segment_end(task, j, target)
        step[k] = direction[k]
        if end != target:
            step[k] = end - task.coef[j]
            share = step[k] / direction[k]
            crossings += 1
            if share < shortest:
                shortest, first[0] = share, k
    return crossings


cdef inline void shorten(
    Task *task, const double *direction, double *step, Py_ssize_t first, const double *old, const double *whole,
) noexcept nogil:
    """Cut the whole step where the first coordinate reaches the end of its segment, and move the correlations there.

    They are ``old`` at the start of the step, and ``whole`` at its end where that is known.
    """
    cdef double length = step[first] / direction[first] if first >= 0 else 1.0
    cdef Py_ssize_t j, k
    for k in range(task.factor.size):
        step[k] = step[k] if k == first else length * direction[k]
    if whole != NULL:
        for j in range(task.size):
            task.correlations[j] = old[j] + length * (whole[j] - old[j])
    else:
        memcpy(task.correlations, old, task.size * sizeof(double))
        apply_step(task, step)


cdef inline bint newton_step(Task *task) noexcept nogil:
    """One step to the minimum over the free columns; True when it stayed within the pattern.

    Steps are taken between ``mark`` and ``catch_up``.
    """
    cdef Factor *factor = task.factor
    cdef double *direction = vector(task, 0)
    cdef double *step = vector(task, 1)
    cdef double *old = vector(task, 2)
    cdef double *whole = vector(task, 3)
    cdef Py_ssize_t k, first, crossings
    cdef bint exact
    task.n_iter += 1
    sync_factor(task)
    if task.no_memory:
        return True
    for k in range(factor.size):
        direction[k] = slope(task, factor.columns[k])
    solve_factored(factor, direction)
    task.work += 2 * factor.size * factor.size
    crossings = cut(task, direction, step, &first)
    memcpy(old, task.correlations, task.size * sizeof(double))
    exact = is_exact(task, direction)
    if exact:
        arrive(task, direction)
    else:                                                # also where a long way would cost the end of a cut step digits
        apply_step(task, step)
    if crossings == 0:
        if not exact and not objective_change(task, step, old) <= 1e-12 * task.response_norm:
            memcpy(task.correlations, old, task.size * sizeof(double))
            return True                                  # the factor is too ill-conditioned to be of use
        land(task, step)
        task.largest_move = 0.0
        if task.has_l2 and factor.alpha != task.alpha:   # a quasi-Newton step, not an exact one
            for k in range(factor.size):
                task.largest_move = fmax(task.largest_move, fabs(step[k]))
        return True
    task.largest_move = INFINITY
    if exact:
        memcpy(whole, task.correlations, task.size * sizeof(double))
        for k in range(factor.size):
            if step[k] != direction[k]:
                move_correlations(task, factor.columns[k], step[k] - direction[k])
    if objective_change(task, step, old) < 0.0:
        land(task, step)
        return False
    shorten(task, direction, step, first, old, whole if exact else NULL)
    if not objective_change(task, step, old) <= 1e-12 * task.response_norm:
        memcpy(task.correlations, old, task.size * sizeof(double))
        return True
    land(task, step)
    return False
