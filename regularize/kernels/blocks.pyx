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
d. A Newton step factors a matrix, which costs |F|^3. Where that is more than a few sweeps over the free features,
   sweeps go on for as long, the last ones combined after each (anderson.pxd), and each knot of a path begins on the
   polynomial through the last ones, as the first Newton step would.
e. A move changes the correlations of all features. Moves of several blocks are taken from them together, so that they
   are read and written less often; a visit takes what is still pending from those of its own block.
f. The schedule is that of quadratic.pyx, notes f to i.
"""
from libc.math cimport fabs, fmax
from libc.stdlib cimport free, realloc
from libc.string cimport memset

from regularize.kernels.anderson cimport begin_history, numbers_of_history
from regularize.kernels.block_task cimport MOST_PENDING, BlockTask
from regularize.kernels.path cimport N_VECTORS, Knots, Path, is_under_way, place_knots, solve_path
from regularize.kernels.schedule cimport DONE, OUT_OF_BUDGET, SHORT_OF_MEMORY, SPENT, STUCK


cpdef enum Status:
    CONVERGED = DONE                # the gap on the working set is within the tolerance
    STALLED = STUCK                 # rounding, not the tolerance, ended the work
    EXHAUSTED = SPENT               # max_iter sweeps and Newton steps are spent
    PAUSED = OUT_OF_BUDGET          # the work budget of one call is spent: call again
    NO_MEMORY = SHORT_OF_MEMORY


cdef void transpose(Py_ssize_t n, Py_ssize_t m, const double *rows, double *out) noexcept nogil:
    """out (m, n) = rows (n, m)'"""
    cdef Py_ssize_t i, j
    for i in range(n):
        for j in range(m):
            out[j * n + i] = rows[i * m + j]


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
    cdef Knots knots
    cdef double *vectors

    def __dealloc__(self):
        free(self.matrix)
        free(self.inverse)
        free(self.scratch)
        free(self.vectors)
        free(self.places)

    cdef bint lend_memory(self, BlockTask *task) noexcept nogil:
        """Put this object's memory behind the task; False when memory is short."""
        cdef Py_ssize_t entries = task.size * task.width, most_pending = MOST_PENDING + task.size
        cdef Py_ssize_t remembered = numbers_of_history(entries, entries)
        cdef Py_ssize_t length = 10 * entries + remembered + task.n_blocks + most_pending * task.width
        cdef void *block = realloc(self.scratch, length * sizeof(double))
        if block == NULL:
            return False
        self.scratch = <double *> block
        block = realloc(self.places, (2 * task.size + most_pending) * sizeof(Py_ssize_t))
        if block == NULL:
            return False
        self.places = <Py_ssize_t *> block
        task.free, task.owner, task.pending = self.places, self.places + task.size, self.places + 2 * task.size
        task.direction, task.step = self.scratch, self.scratch + entries
        task.before, task.old = self.scratch + 2 * entries, self.scratch + 3 * entries
        task.local = self.scratch + 4 * entries
        task.correlations, task.response = self.scratch + 8 * entries, self.scratch + 9 * entries
        begin_history(&task.history, entries, entries, self.scratch + 10 * entries)
        task.moves = self.scratch + 10 * entries + remembered
        task.curvature = task.moves + most_pending * task.width
        task.matrix, task.inverse, task.room = self.matrix, self.inverse, self.room
        return True

    cdef void measure_blocks(self, BlockTask *task) noexcept nogil:
        """Gershgorin's bounds of the largest eigenvalues of the blocks' own Gram matrices."""
        cdef Py_ssize_t g, i, j
        cdef double total
        for g in range(task.n_blocks):
            task.curvature[g] = 0.0
            for i in range(task.starts[g], task.starts[g + 1]):
                task.has_l2 |= task.l2[i] > 0.0
                total = 0.0
                for j in range(task.starts[g], task.starts[g + 1]):
                    total += fabs(task.gram[i * task.stride + j])
                task.curvature[g] = fmax(task.curvature[g], total)

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
        Py_ssize_t[::1] n_iters not None,           # IN/OUT  (k,), those that an alpha has had already count
        unsigned char[::1] is_knot not None,        # IN/OUT  (k,), zero at the start: solved, not interpolated
        bint solve_all=False,                       # instead of interpolating where the gap allows it
    ):
        """Minimise along alphas[first:]; returns the index of the first alpha that is not done.

        Ends early when the work budget is spent; calling again with that index, and the same arrays, goes on.
        """
        cdef BlockTask task
        cdef Path path
        cdef Status status = CONVERGED
        if coef.shape[0] == 0 or first >= alphas.shape[0]:
            return alphas.shape[0]
        path = Path(alphas.shape[0], &alphas[0], &coefs[0, 0, 0], &n_iters[0], &is_knot[0], max_iter, solve_all)
        memset(&task, 0, sizeof(BlockTask))
        task.n_blocks, task.size, task.width = norm.shape[0], coef.shape[0], coef.shape[1]
        task.stride = gram.shape[1]
        task.starts, task.norm = &starts[0], &norm[0]
        task.gram = &gram[0, 0]
        task.l1, task.l2, task.lower, task.upper = &l1[0], &l2[0], &lower[0], &upper[0]
        task.coef = &coef[0, 0]
        task.response_norm, task.tolerance = response_norm, tolerance
        if not is_under_way(&task, &self.knots, first):
            self.vectors = <double *> realloc(
                self.vectors, N_VECTORS * task.size * task.width * sizeof(double)
            )
            place_knots(&task, &self.knots, self.vectors)
        with nogil:
            if self.vectors != NULL and self.lend_memory(&task):
                self.measure_blocks(&task)
                transpose(task.size, task.width, &response[0, 0], <double *> task.response)
                transpose(task.size, task.width, &correlations[0, 0], task.correlations)
                status = <Status> solve_path(&task, &self.knots, &path, &first)
                transpose(task.width, task.size, task.correlations, &correlations[0, 0])
                self.matrix, self.inverse, self.room = task.matrix, task.inverse, task.room
            else:
                status = NO_MEMORY
        if status == NO_MEMORY:
            raise MemoryError("no memory for the Newton system of the active blocks")
        self.status = status
        return first
