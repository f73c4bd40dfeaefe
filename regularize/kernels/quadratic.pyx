"""The inner problem: a penalised quadratic on a working set whose Gram matrix is known.

    minimise  1/2 w' G w - q' w + alpha sum_j l1_j |w_j| + alpha/2 sum_j l2_j w_j^2,   lower <= w <= upper

Design notes
------------
a. Invariant of every function here: ``correlations = q - G w``; but see j.
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
j. After an exact step the correlations of the free columns are known, and no row of G is read for them. Those of
   the others are only needed after the last of the Newton steps: from their rows of G or from those of the columns that
   have moved, whichever are fewer.
k. A path is solved at knots and interpolated between them where the gap allows it, see path.pxd.
"""
from libc.stdlib cimport free, realloc
from libc.string cimport memset

from regularize.kernels.factor cimport Factor
from regularize.kernels.path cimport N_VECTORS, Knots, Path, allowed_stride, is_under_way, place_knots, solve_path
from regularize.kernels.schedule cimport DONE, OUT_OF_BUDGET, SHORT_OF_MEMORY, SPENT, STUCK, solve
from regularize.kernels.task cimport Task


cpdef enum Status:
    CONVERGED = DONE                # the gap on the working set is within the tolerance
    STALLED = STUCK                 # rounding, not the tolerance, ended the work
    EXHAUSTED = SPENT               # max_iter sweeps and Newton steps are spent
    PAUSED = OUT_OF_BUDGET          # the work budget of one call is spent: call again
    NO_MEMORY = SHORT_OF_MEMORY


def longest_stride(double gap, Py_ssize_t last, Py_ssize_t span, Py_ssize_t longest):
    """The rule of path.pxd for how far apart knots may be, by itself."""
    return allowed_stride(gap, last, span, longest)


cdef class QuadraticSolver:
    """Solves the quadratic of one working set again and again, keeping the factor between calls.

    The arrays belong to the caller; entries of the working set may be appended between calls, never reordered.
    """

    cdef Factor factor
    cdef signed char *in_factor
    cdef double *scratch
    cdef Py_ssize_t capacity
    cdef Py_ssize_t size                    # of the last task
    cdef bint paused                        # the last call spent its work budget: the next one goes on from there
    cdef Knots knots
    cdef double *vectors

    def __dealloc__(self):
        free(self.factor.values)
        free(self.factor.columns)
        free(self.factor.entering)
        free(self.in_factor)
        free(self.scratch)
        free(self.vectors)

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
            block = realloc(self.scratch, 6 * (capacity + 1) * sizeof(double))
            if block == NULL:
                return False
            self.scratch = <double *> block
            self.capacity = capacity
        return True

    cdef void forget(self) noexcept nogil:
        """Empty the factor: what comes has other columns."""
        self.factor.size = 0
        if self.capacity > 0:
            memset(self.in_factor, 0, self.capacity)

    cdef bint lend_memory(self, Task *task) noexcept nogil:
        """Put this object's memory behind the task; False when memory is short."""
        cdef Py_ssize_t j
        if task.size < self.size:
            self.forget()
        self.size = task.size
        if not self.has_room(task.size):
            return False
        for j in range(task.size):
            task.has_l2 |= task.l2[j] > 0.0
        task.factor, task.in_factor, task.scratch = &self.factor, self.in_factor, self.scratch
        return True

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
            &correlations[0], &coef[0], response_norm, alpha, tolerance,
            False, NULL, NULL, NULL, 0, 0, 0.0, False, False,
        )
        with nogil:
            if self.lend_memory(&task):
                status = <Status> solve(&task, max_iter, self.paused)
            else:
                status = NO_MEMORY
        self.paused = status == PAUSED
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
        Py_ssize_t[::1] n_iters not None,           # IN/OUT  (k,), those that an alpha has had already count
        unsigned char[::1] is_knot not None,        # IN/OUT  (k,), zero at the start: solved, not interpolated
        bint solve_all=False,                       # instead of interpolating where the gap allows it
    ):
        """Minimise along alphas[first:]; returns the index of the first alpha that is not done.

        Ends early when the work budget is spent; calling again with that index, and the same arrays, goes on.
        """
        cdef Task task
        cdef Path path
        cdef Status status = CONVERGED
        if coef.shape[0] == 0 or first >= alphas.shape[0]:
            return alphas.shape[0]
        path = Path(alphas.shape[0], &alphas[0], &coefs[0, 0], &n_iters[0], &is_knot[0], max_iter, solve_all)
        task = Task(
            coef.shape[0], gram.shape[1], &gram[0, 0], &response[0], &l1[0], &l2[0], &lower[0], &upper[0],
            &correlations[0], &coef[0], response_norm, 0.0, tolerance,
            False, NULL, NULL, NULL, 0, 0, 0.0, False, False,
        )
        if not is_under_way(&task, &self.knots, first):
            self.vectors = <double *> realloc(self.vectors, N_VECTORS * task.size * sizeof(double))
            place_knots(&task, &self.knots, self.vectors)
        with nogil:
            if self.vectors != NULL and self.lend_memory(&task):
                status = <Status> solve_path(&task, &self.knots, &path, &first)
            else:
                status = NO_MEMORY
        if status == NO_MEMORY:
            raise MemoryError("no memory for the Cholesky factor of the active columns")
        return first
