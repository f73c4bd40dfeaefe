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
h. The first step at a new alpha is a Newton step on the old pattern, whose factor is at hand: coefficients are
   piecewise linear in alpha. What is then in violation enters by a sweep over the fixed coordinates alone, and the next
   Newton step has the new pattern: most sweeps over the active part become unnecessary.
i. From a start that belongs to a much larger alpha (a cold fit) the pattern would be found by hundreds of sweeps
   and cut Newton steps. Following the path roughly, alpha shrinking by ``APPROACH``, needs a tenth of them.
"""
from libc.math cimport INFINITY, fabs, fmax
from libc.stdlib cimport free, realloc
from libc.string cimport memcpy, memset

from regularize.kernels.factor cimport Factor
from regularize.kernels.gap cimport duality_gap, is_good_enough
from regularize.kernels.newton cimport newton_step
from regularize.kernels.scalar cimport prox
from regularize.kernels.task cimport Task, is_free, move_coordinate


cpdef enum Status:
    CONVERGED = 0       # the gap on the working set is within the tolerance
    STALLED = 1         # rounding, not the tolerance, ended the work
    EXHAUSTED = 2       # max_iter sweeps and Newton steps are spent
    PAUSED = 3          # the work budget of one call is spent: call again
    NO_MEMORY = 4

cdef enum Part:
    ALL                         # of the coordinates
    ACTIVE                      # those that are not zero, or have no l1 term
    FIXED                       # those at a kink or a bound: what a Newton step leaves to do

cdef enum:
    APPROACH_STEPS = 10         # alphas of a rough path at most: a factor of about a thousand
    FOLLOWED = 3                # changes of the pattern that Newton steps follow before the first full sweep, at most
    PATTERN_SWEEPS = 6          # sweeps over the active part before a Newton step, at most
    NEWTON_STEPS = 40           # Newton steps between two full sweeps, at most
    STALLED_ROUNDS = 4          # rounds without progress of the gap that count as stalled
    WORK_BUDGET = 400_000_000   # multiply-adds per call, about a fifth of a second

cdef double APPROACH = 0.5      # ratio of the alphas of a rough path, and how far a start may be off without one


# ------------------------------------------------------------------------------------------ sweeps


cdef Py_ssize_t sweep(Task *task, Part part) noexcept nogil:
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


# ------------------------------------------------------------------------------------------- solve


cdef void settle(Task *task, Py_ssize_t max_iter, bint check) noexcept nogil:
    """Sweep over everything once, then over the active part until its pattern is stable; ``check``: or good enough."""
    cdef Py_ssize_t _k
    sweep(task, ALL)
    for _k in range(PATTERN_SWEEPS):
        if check and is_good_enough(task, duality_gap(task)):
            return
        if task.n_iter >= max_iter or sweep(task, ACTIVE) == 0:
            return


cdef void finish_pattern(Task *task, Py_ssize_t max_iter) noexcept nogil:
    """Newton steps until one stays within the pattern."""
    cdef Py_ssize_t _k
    for _k in range(NEWTON_STEPS):
        if task.n_iter >= max_iter or task.work > WORK_BUDGET or newton_step(task):
            return


cdef void follow(Task *task, Py_ssize_t max_iter) noexcept nogil:
    """Newton steps from the old pattern, letting in what they leave in violation while that is little; see note h."""
    cdef Py_ssize_t changes, _k
    if task.factor.size == 0:
        return
    for _k in range(FOLLOWED):
        finish_pattern(task, max_iter)
        if task.no_memory or task.n_iter >= max_iter or task.work > WORK_BUDGET:
            return
        changes = sweep(task, FIXED)
        if changes == 0 or 4 * changes > task.factor.size or is_good_enough(task, duality_gap(task)):
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


cdef bint approach(Task *task, Py_ssize_t max_iter) noexcept nogil:
    """Follow the path roughly from where the start belongs down to near alpha; False if it is near; see note i."""
    cdef double target = task.alpha, alpha = APPROACH * reach(task)
    if alpha <= target:
        return False
    cdef Py_ssize_t _k
    for _k in range(APPROACH_STEPS):
        if alpha <= target or task.n_iter >= max_iter or task.work > WORK_BUDGET:
            break
        task.alpha = alpha
        settle(task, max_iter, False)
        finish_pattern(task, max_iter)
        alpha *= APPROACH
    task.alpha = target
    return True


cdef Status solve(Task *task, Py_ssize_t max_iter, bint resumed) noexcept nogil:
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
        free(self.factor.entering)
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
