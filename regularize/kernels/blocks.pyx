"""The inner problem with a penalty on blocks: a quadratic on a working set whose Gram matrix is known.

    minimise  1/2 <W, G W> - <q, W> + alpha sum_g norm_g ||W_g|| + alpha sum_j l1_j |W_j| + alpha/2 sum_j l2_j ||W_j||^2

over W (m, T) within bounds, for blocks W_g of rows; see block_task.pxd.

Design notes
------------
a. Invariant of every function here: ``correlations = q - G W``.
b. A block is minimised over by proximal steps under the largest eigenvalue of its Gram matrix, a few at a time on the
   block alone, and the correlations of all features move once. For a block of one feature one step is exact. Whether a
   block at zero stays there is decided exactly.
c. What sweeps find is the pattern: which blocks are zero, and which entries within them. On a pattern the objective is
   smooth, and Newton steps (block_newton.pxd) converge quadratically. Along a path the first of them, from the last
   alpha's solution, is also the tangent to the path, so that most alphas take one or two and a sweep to check.
d. The schedule is that of quadratic.pyx, notes f to i.
"""
from libc.math cimport INFINITY, fabs, fmax
from libc.stdlib cimport free, realloc
from libc.string cimport memcpy, memset

from regularize.kernels.block cimport allowed_threshold, minimise_block, norm_of
from regularize.kernels.block_gap cimport duality_gap, is_good_enough
from regularize.kernels.block_newton cimport is_free, newton_step
from regularize.kernels.block_task cimport BlockTask, block_norm, is_zero, subtract
from regularize.kernels.scalar cimport prox


cpdef enum Status:
    CONVERGED = 0       # the gap on the working set is within the tolerance
    STALLED = 1         # rounding, not the tolerance, ended the work
    EXHAUSTED = 2       # max_iter sweeps and Newton steps are spent
    PAUSED = 3          # the work budget of one call is spent: call again
    NO_MEMORY = 4

cdef enum Part:
    ALL                         # of the blocks
    ACTIVE                      # those that are not zero, or nothing keeps at zero
    FIXED                       # those with entries at a kink or a bound: what a Newton step leaves to do

cdef enum:
    APPROACH_STEPS = 10         # alphas of a rough path at most
    FOLLOWED = 3                # changes of the pattern that Newton steps follow before the first full sweep, at most
    PATTERN_SWEEPS = 6          # sweeps over the active part before a Newton step, at most
    NEWTON_STEPS = 20           # Newton steps between two full sweeps, at most
    STALLED_ROUNDS = 4          # rounds without progress of the gap that count as stalled
    WORK_BUDGET = 400_000_000   # multiply-adds per call, about a fifth of a second

cdef double APPROACH = 0.5      # ratio of the alphas of a rough path, and how far a start may be off without one


# ------------------------------------------------------------------------------------------ sweeps


cdef inline double thresholded(BlockTask *task, Py_ssize_t g, double curvature, double *out) noexcept nogil:
    """out = S(c_g + curvature W_g), with the block's own correlations ``local``; its norm."""
    cdef Py_ssize_t j, i, k = 0, width = task.width
    cdef const double *c = task.correlations
    for j in range(task.starts[g], task.starts[g + 1]):
        for i in range(j * width, (j + 1) * width):
            out[k] = allowed_threshold(
                c[i] + curvature * task.coef[i], task.alpha * task.l1[j], task.lower[j], task.upper[j]
            )
            k += 1
    return norm_of(k, out)


cdef void descend(BlockTask *task, Py_ssize_t g) noexcept nogil:
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


cdef bint visit(BlockTask *task, Py_ssize_t g) noexcept nogil:
    """Minimise over a block; whether its pattern changed."""
    cdef Py_ssize_t begin = task.starts[g], count = task.starts[g + 1] - begin, width = task.width, a, i
    cdef Py_ssize_t size = count * width, changes = 0
    cdef double *w = task.coef + begin * width
    cdef double *moved = task.local + 2 * size           # as descend leaves it
    cdef double curvature = task.gram[begin * task.stride + begin]
    if task.norm[g] > 0.0:
        if is_zero(size, w) and thresholded(task, g, 0.0, task.local) <= task.alpha * task.norm[g]:
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


cdef bint is_fixed(const BlockTask *task, Py_ssize_t g) noexcept nogil:
    """Whether some feature of the block does not move smoothly."""
    cdef Py_ssize_t j
    for j in range(task.starts[g], task.starts[g + 1]):
        if not is_free(task, g, j):
            return True
    return False


cdef Py_ssize_t sweep(BlockTask *task, Part part) noexcept nogil:
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


# ------------------------------------------------------------------------------------------- solve


cdef void settle(BlockTask *task, Py_ssize_t max_iter, bint check) noexcept nogil:
    """Sweep over everything once, then over the active part until its pattern is stable; ``check``: or good enough."""
    cdef Py_ssize_t _k
    sweep(task, ALL)
    for _k in range(PATTERN_SWEEPS):
        if check and is_good_enough(task, duality_gap(task)):
            return
        if task.n_iter >= max_iter or sweep(task, ACTIVE) == 0:
            return


cdef void finish_pattern(BlockTask *task, Py_ssize_t max_iter) noexcept nogil:
    """Newton steps until one stays within the pattern and the gap is small, or does not fall any more."""
    cdef Py_ssize_t _k
    cdef double gap, last = INFINITY
    for _k in range(NEWTON_STEPS):
        if task.no_memory or task.n_iter >= max_iter or task.work > WORK_BUDGET:
            return
        if newton_step(task):
            gap = duality_gap(task)
            if is_good_enough(task, gap) or gap > 0.25 * last:
                return
            last = gap


cdef void follow(BlockTask *task, Py_ssize_t max_iter) noexcept nogil:
    """Newton steps from the old pattern, letting in what they leave in violation while that is little."""
    cdef Py_ssize_t changes, _k
    if is_zero(task.size * task.width, task.coef):
        return
    for _k in range(FOLLOWED):
        finish_pattern(task, max_iter)
        if task.n_iter >= max_iter or task.work > WORK_BUDGET:
            return
        changes = sweep(task, FIXED)
        if changes == 0 or 4 * changes > task.n_blocks or is_good_enough(task, duality_gap(task)):
            return


cdef double reach(BlockTask *task) noexcept nogil:
    """About the alpha to which the present coefficients would belong."""
    cdef Py_ssize_t g, j, i
    cdef double largest = 0.0, c, w
    for g in range(task.n_blocks):
        j = task.starts[g]
        if task.norm[g] > 0.0:
            c = thresholded(task, g, 0.0, task.local)
            w = block_norm(task, g)
            largest = fmax(largest, c / (task.norm[g] + task.l2[j] * w))
        elif task.l1[j] > 0.0:
            for i in range(j * task.width, (j + 1) * task.width):
                c, w = task.correlations[i], task.coef[i]
                if (c > 0.0 and w < task.upper[j]) or (c < 0.0 and w > task.lower[j]):
                    largest = fmax(largest, fabs(c) / (task.l1[j] + task.l2[j] * fabs(w)))
    return largest


cdef bint approach(BlockTask *task, Py_ssize_t max_iter) noexcept nogil:
    """Follow the path roughly from where the start belongs down to near alpha; False if it is near."""
    cdef double target = task.alpha, alpha = APPROACH * reach(task)
    if alpha <= target:
        return False
    cdef Py_ssize_t _k
    for _k in range(APPROACH_STEPS):
        if alpha <= target or task.n_iter >= max_iter or task.work > WORK_BUDGET:
            break
        task.alpha = alpha
        settle(task, max_iter, False)
        if task.n_iter < max_iter:
            newton_step(task)
        alpha *= APPROACH
    task.alpha = target
    return True


cdef Status solve(BlockTask *task, Py_ssize_t max_iter, bint resumed) noexcept nogil:
    """Sweeps until the pattern settles, Newton on the pattern, until the gap is within the tolerance."""
    cdef double gap, best = INFINITY
    cdef Py_ssize_t stalled = 0
    task.largest_move = 0.0
    if is_good_enough(task, duality_gap(task)):
        return CONVERGED
    if not resumed and not approach(task, max_iter):
        follow(task, max_iter)
        if is_good_enough(task, duality_gap(task)):
            return CONVERGED
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


cdef class BlockSolver:
    """Solves the problem of one working set again and again, keeping its memory between calls.

    The arrays belong to the caller; blocks may be appended between calls.
    """

    cdef double *matrix
    cdef double *inverse
    cdef double *scratch
    cdef Py_ssize_t *places
    cdef Py_ssize_t room
    cdef readonly Status status             # that of the last alpha
    cdef bint paused                        # the last call spent its work budget: the next one goes on from there

    def __dealloc__(self):
        free(self.matrix)
        free(self.inverse)
        free(self.scratch)
        free(self.places)

    cdef bint lend_memory(self, BlockTask *task) noexcept nogil:
        """Put this object's memory behind the task; False when memory is short."""
        cdef Py_ssize_t entries = task.size * task.width
        cdef void *block = realloc(self.scratch, (8 * entries + task.n_blocks) * sizeof(double))
        if block == NULL:
            return False
        self.scratch = <double *> block
        block = realloc(self.places, 2 * task.size * sizeof(Py_ssize_t))
        if block == NULL:
            return False
        self.places = <Py_ssize_t *> block
        task.free, task.owner = self.places, self.places + task.size
        task.direction, task.step = self.scratch, self.scratch + entries
        task.before, task.old = self.scratch + 2 * entries, self.scratch + 3 * entries
        task.local, task.curvature = self.scratch + 4 * entries, self.scratch + 8 * entries
        task.matrix, task.inverse, task.room = self.matrix, self.inverse, self.room
        return True

    cdef Status run(self, BlockTask *task, Py_ssize_t max_iter) noexcept nogil:
        """``solve`` with this object's memory behind the task."""
        cdef Py_ssize_t g, i, j
        cdef double total
        cdef Status status
        if not self.lend_memory(task):
            return NO_MEMORY
        for g in range(task.n_blocks):                   # Gershgorin's bound
            task.curvature[g] = 0.0
            for i in range(task.starts[g], task.starts[g + 1]):
                task.has_l2 |= task.l2[i] > 0.0
                total = 0.0
                for j in range(task.starts[g], task.starts[g + 1]):
                    total += fabs(task.gram[i * task.stride + j])
                task.curvature[g] = fmax(task.curvature[g], total)
        status = solve(task, max_iter, self.paused)
        self.matrix, self.inverse, self.room = task.matrix, task.inverse, task.room
        self.paused = status == PAUSED
        return status

    def solve_path(
        self,
        const double[:, ::1] gram not None,         # IN      (>= m, >= m), symmetric
        const double[:, ::1] response not None,     # IN      (m, T)  q
        const Py_ssize_t[::1] starts not None,      # IN      (G + 1,), the last one m
        const double[::1] norm not None,            # IN      (G,)
        const double[::1] l1 not None,              # IN      (m,)
        const double[::1] l2 not None,              # IN      (m,)
        const double[::1] lower not None,           # IN      (m,)
        const double[::1] upper not None,           # IN      (m,)
        double[:, ::1] correlations not None,       # IN/OUT  (m, T)  q - G W
        double[:, ::1] coef not None,               # IN/OUT  (m, T)  W
        double response_norm,
        const double[::1] alphas not None,          # IN      (k,)
        double tolerance,
        Py_ssize_t max_iter,
        Py_ssize_t first,                           # alphas before this one are done
        double[:, :, ::1] coefs not None,           # OUT     (k, m, T)
        Py_ssize_t[::1] n_iters not None,           # IN/OUT  (k,), zero at the start
    ):
        """Minimise along alphas[first:]; returns the index of the first alpha that is not done.

        Ends early when the work budget is spent; calling again with that index goes on.
        """
        cdef BlockTask task
        cdef Status status = CONVERGED
        cdef Py_ssize_t k = first
        if coef.shape[0] == 0:
            return alphas.shape[0]
        memset(&task, 0, sizeof(BlockTask))
        task.n_blocks, task.size, task.width = norm.shape[0], coef.shape[0], coef.shape[1]
        task.stride = gram.shape[1]
        task.starts, task.norm = &starts[0], &norm[0]
        task.gram, task.response = &gram[0, 0], &response[0, 0]
        task.l1, task.l2, task.lower, task.upper = &l1[0], &l2[0], &lower[0], &upper[0]
        task.correlations, task.coef = &correlations[0, 0], &coef[0, 0]
        task.response_norm, task.tolerance = response_norm, tolerance
        with nogil:
            while k < alphas.shape[0] and task.work <= WORK_BUDGET:
                task.alpha = alphas[k]
                task.n_iter = n_iters[k]
                status = self.run(&task, max_iter)
                n_iters[k] = task.n_iter
                if status == NO_MEMORY or status == PAUSED:
                    break
                memcpy(&coefs[k, 0, 0], task.coef, task.size * task.width * sizeof(double))
                k += 1
        if status == NO_MEMORY:
            raise MemoryError("no memory for the Newton system of the active blocks")
        self.status = status
        return k
