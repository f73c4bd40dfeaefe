"""Newton steps on the free features of the active blocks.

The objective is smooth where no block with a norm vanishes. With kappa_g = alpha norm_g / ||W_g|| and the unit vectors
U_g = W_g / ||W_g||, its Hessian is

    H = (G + l2 + kappa) x I_T  -  sum_g kappa_g vec(U_g) vec(U_g)'.

Design notes
------------
a. One target: H is formed and factored, |F|^3 / 3.
b. T targets: H has T |F| rows, but K = G + l2 + kappa has |F|, and what is taken away has one column per block. By
   Woodbury's identity

       H^-1 = K^-1 x I + (K^-1 x I) U kappa^(1/2) M^-1 kappa^(1/2) U' (K^-1 x I),
       M_gh = delta_gh - sqrt(kappa_g kappa_h) sum_(i in g, j in h) (K^-1)_ij <U_i, U_j>,

   so that an exact step costs some |F|^3 and |F|^2 T, not (T |F|)^3: M needs the inverse of K entry by entry, times the
   Gram matrix of the directions.
c. A step that carries an entry over a kink ends at the kink, a block that would turn round ends at zero. If the
   objective does not fall, the whole step ends at the first kink, and is then halved: near a block's zero the quadratic
   model is only good for small steps.
"""
from libc.math cimport INFINITY, fabs, fmax, sqrt
from libc.stdlib cimport realloc
from libc.string cimport memcpy, memset

from regularize.kernels.blas cimport cholesky, invert_factored, solve_factored, solve_lower
from regularize.kernels.block cimport is_zero
from regularize.kernels.block_gap cimport penalty_of
from regularize.kernels.block_task cimport BlockTask, block_norm, is_free_entry, subtract
from regularize.kernels.scalar cimport clip


cdef enum:
    HALVINGS = 12               # of a step that does not lower the objective, at most
    CHEAP_STEPS = 4             # sweeps that a step may cost to be called cheap
    NARROW_SPEED = 24           # |F|^3 of a step, for one target, in the time of a multiply-add of a sweep
    WIDE_SPEED = 2              # the same for several, whose steps also invert and factor twice
    RIDGES = 6                  # tries to make a matrix definite that rounding has made indefinite


cdef inline bint is_free(const BlockTask *task, Py_ssize_t g, Py_ssize_t j) noexcept nogil:
    """Whether all entries of feature j, in block g, move smoothly."""
    cdef Py_ssize_t i, begin = task.starts[g] * task.width
    if task.norm[g] > 0.0 and is_zero(task.starts[g + 1] * task.width - begin, task.coef + begin):
        return False
    for i in range(j * task.width, (j + 1) * task.width):
        if not is_free_entry(task, j, task.coef[i]):
            return False
    return True


cdef inline Py_ssize_t list_free(BlockTask *task) noexcept nogil:
    """List the free features and their blocks; how many."""
    cdef Py_ssize_t g, j, count = 0
    for g in range(task.n_blocks):
        for j in range(task.starts[g], task.starts[g + 1]):
            if is_free(task, g, j):
                task.free[count] = j
                task.owner[count] = g
                count += 1
    return count


cdef inline double kappa(const BlockTask *task, Py_ssize_t g) noexcept nogil:
    """alpha norm_g / ||W_g||, zero for a block without a norm."""
    return task.alpha * task.norm[g] / block_norm(task, g) if task.norm[g] > 0.0 else 0.0


cdef inline void fill_hessian(BlockTask *task, Py_ssize_t count, double ridge) noexcept nogil:
    """The lower triangle of H for one target, of K for several; see the notes."""
    cdef Py_ssize_t a, b, j, g = -1
    cdef const double *row
    cdef double *column
    cdef double own = 0.0, share = 0.0
    for a in range(count):
        j = task.free[a]
        row = task.gram + j * task.stride
        column = task.matrix + a * count
        if task.owner[a] != g:
            g = task.owner[a]
            own = kappa(task, g)
            share = own / (block_norm(task, g) * block_norm(task, g)) if own > 0.0 and task.width == 1 else 0.0
        for b in range(a, count):
            column[b] = row[task.free[b]]
        column[a] = (1.0 + ridge) * column[a] + task.alpha * task.l2[j] + own
        b = a
        while share > 0.0 and b < count and task.owner[b] == g:
            column[b] -= share * task.coef[j] * task.coef[task.free[b]]
            b += 1


cdef inline bint factor_hessian(BlockTask *task, Py_ssize_t count) noexcept nogil:
    """The Cholesky factor of what ``fill_hessian`` gives, under a small ridge if need be; False if nothing helps."""
    cdef Py_ssize_t _k
    cdef double ridge = 0.0
    task.work += count * count * count // 12
    for _k in range(RIDGES):
        fill_hessian(task, count, ridge)
        if cholesky(count, task.matrix, count) == 0:
            return True
        ridge = 1e-14 * count if ridge == 0.0 else 100.0 * ridge
    return False


cdef inline void fill_slopes(BlockTask *task, Py_ssize_t count) noexcept nogil:
    """direction = minus the gradient of the objective on the free features."""
    cdef Py_ssize_t a, i, j, t, width = task.width
    cdef double w, own, l1
    for a in range(count):
        j = task.free[a]
        own = kappa(task, task.owner[a]) + task.alpha * task.l2[j]
        l1 = task.alpha * task.l1[j]
        for t in range(width):
            i = j * width + t
            w = task.coef[i]
            l1 = -fabs(l1) if w < 0.0 else fabs(l1)
            task.direction[a * width + t] = task.correlations[t * task.size + j] - own * w - l1


cdef inline void fill_directions(BlockTask *task, Py_ssize_t count, double *directions) noexcept nogil:
    """kappa^(1/2) U, (count, width)."""
    cdef Py_ssize_t a, t, g = -1, width = task.width
    cdef double factor = 0.0
    for a in range(count):
        if task.owner[a] != g:
            g = task.owner[a]
            factor = sqrt(kappa(task, g)) / block_norm(task, g) if task.norm[g] > 0.0 else 0.0
        for t in range(width):
            directions[a * width + t] = factor * task.coef[task.free[a] * width + t]


cdef inline Py_ssize_t fill_coupling(BlockTask *task, Py_ssize_t count, const double *directions) noexcept nogil:
    """M, lower triangle in place of the inverse of K, with the same leading dimension; its size.

    An entry of M lies where the inverse has been read already: blocks come in the order of their features.
    """
    cdef Py_ssize_t a, b, t, row, column = -1, width = task.width
    cdef double value
    cdef bint first
    cdef double *target
    for a in range(count):
        if task.norm[task.owner[a]] == 0.0:
            continue
        first = a == 0 or task.owner[a - 1] != task.owner[a]
        column += first
        row = column
        for b in range(a, count):
            if task.norm[task.owner[b]] == 0.0:
                continue
            row += b > a and task.owner[b] != task.owner[b - 1]
            value = 0.0
            for t in range(width):
                value -= directions[a * width + t] * directions[b * width + t]
            value *= task.inverse[a * count + b] * (2.0 if row == column and b > a else 1.0)
            target = task.inverse + column * count + row
            if first and (b == a or task.owner[b] != task.owner[b - 1]):
                target[0] = value + (1.0 if b == a else 0.0)
            else:
                target[0] += value
    return column + 1


cdef inline void correct_for_directions(BlockTask *task, Py_ssize_t count) noexcept nogil:
    """From K^-1 b to H^-1 b, in ``direction``; see note b."""
    cdef Py_ssize_t a, t, size, slot = -1, width = task.width
    cdef double *directions = task.step
    cdef double *along = task.old                        # per block with a norm
    cdef double total
    fill_directions(task, count, directions)
    memcpy(task.inverse, task.matrix, count * count * sizeof(double))
    invert_factored(count, task.inverse)
    size = fill_coupling(task, count, directions)
    for a in range(size):                                # where several blocks fit the same, M is singular
        task.inverse[a * count + a] += 1e-12 * (10 + size)
    task.work += count * count * count // 6 + count * count * width
    if cholesky(size, task.inverse, count) != 0:         # rounding: what stands is a step of a majoriser
        return
    for a in range(count):
        if task.norm[task.owner[a]] == 0.0:
            continue
        if a == 0 or task.owner[a - 1] != task.owner[a]:
            slot += 1
            along[slot] = 0.0
        total = 0.0
        for t in range(width):
            total += directions[a * width + t] * task.direction[a * width + t]
        along[slot] += total
    solve_lower(size, task.inverse, count, along, False)
    solve_lower(size, task.inverse, count, along, True)
    slot = -1
    for a in range(count):
        slot += task.norm[task.owner[a]] > 0.0 and (a == 0 or task.owner[a - 1] != task.owner[a])
        for t in range(width):
            directions[a * width + t] *= along[slot] if slot >= 0 else 0.0
    solve_factored(count, width, task.matrix, directions)
    for a in range(count * width):
        task.direction[a] += directions[a]


cdef inline Py_ssize_t propose(BlockTask *task, Py_ssize_t count, double length) noexcept nogil:
    """w = before + length * direction, ending at kinks; how many entries and blocks met one."""
    cdef Py_ssize_t a, i, j, t, g, begin, end, crossings = 0, width = task.width
    cdef double lower, upper, target, along
    for a in range(count):
        j = task.free[a]
        for t in range(width):
            i = j * width + t
            lower, upper = task.lower[j], task.upper[j]
            if task.l1[j] > 0.0:
                if task.before[i] > 0.0:
                    lower = fmax(lower, 0.0)
                else:
                    upper = -fmax(-upper, 0.0)
            target = task.before[i] + length * task.direction[a * width + t]
            task.coef[i] = clip(target, lower, upper)
            crossings += task.coef[i] != target
    for a in range(count):
        g = task.owner[a]
        if task.norm[g] == 0.0 or (a > 0 and task.owner[a - 1] == g):
            continue
        begin, end = task.starts[g] * width, task.starts[g + 1] * width
        along = 0.0
        for i in range(begin, end):
            along += task.before[i] * task.coef[i]
        if along <= 0.0:
            memset(task.coef + begin, 0, (end - begin) * sizeof(double))
            crossings += 1
    return crossings


cdef inline double first_kink(const BlockTask *task, Py_ssize_t count) noexcept nogil:
    """The share of the step at which the first entry meets a kink or the first block turns round; one if none does.

    Where several blocks fit the same, the objective is linear along a direction and the step is huge: only a kink ends
    it.
    """
    cdef Py_ssize_t a, i, t, width = task.width
    cdef double length = 1.0, w, d, end, square = 0.0, along = 0.0
    for a in range(count):
        for t in range(width):
            i = task.free[a] * width + t
            w, d = task.before[i], task.direction[a * width + t]
            end = task.upper[task.free[a]] if d > 0.0 else task.lower[task.free[a]]
            if task.l1[task.free[a]] > 0.0 and w * d < 0.0 and fabs(end) == INFINITY:
                end = 0.0
            if d != 0.0 and (end - w) / d < length:
                length = (end - w) / d
            square += w * w
            along += w * d
        if a == count - 1 or task.owner[a + 1] != task.owner[a]:
            if task.norm[task.owner[a]] > 0.0 and along < 0.0 and -square / along < length:
                length = -square / along
            square = along = 0.0
    return (1.0 + 1e-12) * length if length < 1.0 else 1.0


cdef inline double move(BlockTask *task, Py_ssize_t count) noexcept nogil:
    """Bring the correlations to the proposed coefficients; returns half of <step, old and new correlations>."""
    cdef Py_ssize_t a, i, t, width = task.width
    cdef double gain = 0.0, largest = 0.0
    memcpy(task.correlations, task.old, task.size * width * sizeof(double))
    for a in range(count):
        for t in range(width):
            i = task.free[a] * width + t
            task.step[a * width + t] = task.coef[i] - task.before[i]
    subtract(task, task.free, count, task.step)
    for a in range(count):
        for t in range(width):
            i = t * task.size + task.free[a]
            gain += 0.5 * task.step[a * width + t] * (task.old[i] + task.correlations[i])
            largest = fmax(largest, fabs(task.step[a * width + t]))
    task.largest_move = largest
    return gain


cdef inline Py_ssize_t price_of_step(const BlockTask *task, Py_ssize_t count) noexcept nogil:
    """The multiply-adds that sweeps do in the time of a step on so many free features."""
    return count * count * count // (NARROW_SPEED if task.width == 1 else WIDE_SPEED)


cdef inline bint is_newton_dear(BlockTask *task) noexcept nogil:
    """Whether a step costs more than a few sweeps over the features that it would move."""
    cdef Py_ssize_t count = list_free(task)
    return price_of_step(task, count) > CHEAP_STEPS * count * task.size * task.width


cdef inline bint reserve(BlockTask *task, Py_ssize_t count) noexcept nogil:
    """Room for the matrices of so many free features; False when memory is short."""
    cdef void *block
    if count <= task.room:
        return True
    count += count // 4 + 16
    block = realloc(task.matrix, count * count * sizeof(double))
    if block == NULL:
        return False
    task.matrix = <double *> block
    if task.width > 1:
        block = realloc(task.inverse, count * count * sizeof(double))
        if block == NULL:
            return False
        task.inverse = <double *> block
    task.room = count
    return True


cdef inline bint newton_step(BlockTask *task) noexcept nogil:
    """One step on the free features; True when it stayed within the pattern, or when there is none to take."""
    cdef Py_ssize_t count = list_free(task), crossings, _k, size = task.size * task.width
    cdef double before, change, largest = 0.0, length = 1.0
    task.n_iter += 1
    if count == 0:
        return True
    if not reserve(task, count):
        task.no_memory = True
        return True
    fill_slopes(task, count)
    if not factor_hessian(task, count):
        return True
    solve_factored(count, task.width, task.matrix, task.direction)
    if task.width > 1:
        correct_for_directions(task, count)
    memcpy(task.old, task.correlations, size * sizeof(double))
    memcpy(task.before, task.coef, size * sizeof(double))
    before = penalty_of(task)
    for _k in range(HALVINGS):
        crossings = propose(task, count, length)
        change = -move(task, count)
        change += penalty_of(task) - before
        if change < 0.0 or (crossings == 0 and change <= 1e-12 * task.response_norm):
            if crossings > 0 or length < 1.0:
                task.largest_move = INFINITY
                return False
            for _k in range(size):                       # what is left to do is of second order
                largest = fmax(largest, fabs(task.coef[_k]))
            task.largest_move *= task.largest_move / largest if largest > 0.0 else 0.0
            return True
        length = 0.5 * length if _k > 0 or crossings == 0 else first_kink(task, count)
    memcpy(task.correlations, task.old, size * sizeof(double))
    memcpy(task.coef, task.before, size * sizeof(double))
    return True
