"""Along a path: some alphas are solved, those between are interpolated where their gap allows it.

Between two solutions lies, but for what kinks and curvature make of it, the solution in between, and the correlations
of a combination are the combination of the correlations: to judge it reads nothing of the Gram matrix. The path is
solved at knots, and what lies between two of them is interpolated, judged by its own duality gap, and solved too if
that is too large. How far apart knots may be is told by the last three: the gap that the middle one would have had if
it had been interpolated between its neighbours. At tight tolerances every alpha is a knot.
"""
from libc.math cimport fmax
from libc.string cimport memcpy, memset

from regularize.kernels.anderson cimport add_multiple
from regularize.kernels.block_acceleration cimport is_better
from regularize.kernels.block_task cimport BlockTask
from regularize.kernels.schedule cimport (
    AnyTask, DONE, OUT_OF_BUDGET, SHORT_OF_MEMORY, WORK_BUDGET, Ending, allowed_gap_of, gap_of, solve,
)
from regularize.kernels.task cimport Task


cdef enum:
    LONGEST_STRIDE = 8          # alphas from one knot to the next, at most
    FEWEST_ALPHAS = 3           # of a path for which knots are worth their precision
    N_VECTORS = 6               # in the memory of the knots


cdef struct Path:
    Py_ssize_t n_alphas
    const double *alphas        # (n_alphas)
    double *coefs               # (n_alphas, entries): row k is the answer for alphas[k]
    Py_ssize_t *n_iters         # (n_alphas)
    unsigned char *is_knot      # (n_alphas), zero at the start: which were solved, not interpolated
    Py_ssize_t max_iter
    bint solve_all              # nothing is interpolated


cdef struct Knots:
    Py_ssize_t size             # entries of a vector; 0 before the first path
    Py_ssize_t before           # two knots before the last one, the last one, and the one ahead that is solved or
    Py_ssize_t first            # under way; -1 if there is none
    Py_ssize_t last
    Py_ssize_t ahead
    bint is_solved              # the knot ahead is
    bint has_left               # the task has since solved an alpha before it
    bint is_resumed             # the work budget of the last call ended amid a solution
    Py_ssize_t stride
    double *before_correlations     # (entries), as all vectors
    double *first_correlations
    double *last_correlations
    double *ahead_correlations
    double *between             # correlations of what is interpolated
    double *spare               # its coefficients, if nobody needs them


cdef inline double knot_share() noexcept nogil:
    """Of the tolerance, for the gaps of knots: what lies between adds its own."""
    return 0.1


cdef inline double tightest() noexcept nogil:
    """Tolerance, as a share of the squared response, below which interpolating is not tried."""
    return 1e-10


cdef inline bint is_loose(const AnyTask *task, const Path *path) noexcept nogil:
    """Whether the tolerance leaves room for interpolation, on a path that has room for it."""
    return not path.solve_all and path.n_alphas >= FEWEST_ALPHAS and task.tolerance > tightest() * task.response_norm


cdef inline Py_ssize_t entries(const AnyTask *task) noexcept nogil:
    if AnyTask is Task:
        return task.size
    else:
        return task.size * task.width


cdef inline void place_knots(AnyTask *task, Knots *knots, double *memory) noexcept nogil:
    """Start a path; ``memory`` (N_VECTORS, entries) is lent until it ends."""
    cdef Py_ssize_t size = entries(task)
    knots.size = size
    knots.before = knots.first = knots.last = knots.ahead = -1
    knots.is_solved = knots.has_left = knots.is_resumed = False
    knots.stride = 1
    knots.first_correlations, knots.last_correlations = memory, memory + size
    knots.ahead_correlations, knots.between, knots.spare = memory + 2 * size, memory + 3 * size, memory + 4 * size
    knots.before_correlations = memory + 5 * size


cdef inline bint is_under_way(const AnyTask *task, const Knots *knots, Py_ssize_t n_done) noexcept nogil:
    """Whether a path of such a task has been begun, of which ``n_done`` alphas are done."""
    return knots.size == entries(task) and (n_done > 0 or knots.ahead >= 0)


cdef inline double interpolated(
    AnyTask *task, Knots *knots, const Path *path, Py_ssize_t k, Py_ssize_t left, Py_ssize_t right,
    const double *left_correlations, const double *right_correlations, double *coef,
) noexcept nogil:
    """The solution of alphas[k] between those of two knots, and the gap that it has, in units of what is allowed."""
    cdef Py_ssize_t i, size = entries(task)
    cdef const double *from_ = path.coefs + left * size
    cdef const double *to = path.coefs + right * size
    cdef double width = path.alphas[left] - path.alphas[right]
    cdef double share = (path.alphas[left] - path.alphas[k]) / width if width > 0.0 else 0.0
    cdef double gap
    cdef double *own_coef = task.coef
    cdef double *own_correlations = task.correlations
    for i in range(size):
        coef[i] = from_[i] + share * (to[i] - from_[i])
        knots.between[i] = left_correlations[i] + share * (right_correlations[i] - left_correlations[i])
    task.coef, task.correlations, task.alpha = coef, knots.between, path.alphas[k]
    gap = gap_of(task) / fmax(allowed_gap_of(task), 1e-300)
    task.coef, task.correlations = own_coef, own_correlations
    return gap


cdef inline Py_ssize_t allowed_stride(
    double gap, Py_ssize_t last, Py_ssize_t span, Py_ssize_t longest,
) noexcept nogil:
    """How far off the next knot may be from one ``last`` alphas after the one before it, ``span`` after that before.

    ``gap``: what the middle one would have had between the other two, in units of what is allowed. It grows by 4 to 8
    times when the distance doubles.
    """
    cdef Py_ssize_t stride = min(2 * last, longest)
    cdef double ratio
    while stride > 1:
        ratio = <double> stride / span
        if gap * ratio * ratio * fmax(ratio, 1.0) <= 0.5:
            return stride
        stride -= 1
    return 1


cdef inline Py_ssize_t next_stride(AnyTask *task, Knots *knots, const Path *path) noexcept nogil:
    """How far the next knot may be: where the last one would have been near enough between its neighbours."""
    cdef double gap
    if knots.first < 0:
        return 1
    gap = interpolated(
        task, knots, path, knots.last, knots.first, knots.ahead, knots.first_correlations, knots.ahead_correlations,
        knots.spare,
    )
    return allowed_stride(gap, knots.ahead - knots.last, knots.ahead - knots.first, LONGEST_STRIDE)


cdef inline Ending solve_at(AnyTask *task, Knots *knots, Path *path, Py_ssize_t k) noexcept nogil:
    """Solve alphas[k] from where the task is, as precisely as a knot needs."""
    cdef Ending ending
    cdef double tolerance = task.tolerance
    task.alpha, task.n_iter = path.alphas[k], path.n_iters[k]
    task.tolerance *= knot_share() if is_loose(task, path) else 1.0
    ending = solve(task, path.max_iter, knots.is_resumed)
    task.tolerance = tolerance
    path.n_iters[k] = task.n_iter
    knots.is_resumed = ending == OUT_OF_BUDGET
    return ending


cdef inline void keep(AnyTask *task, Path *path, Py_ssize_t k, double *correlations) noexcept nogil:
    """The answer for alphas[k], and its correlations."""
    cdef Py_ssize_t size = entries(task)
    path.is_knot[k] = True
    memcpy(path.coefs + k * size, task.coef, size * sizeof(double))
    memcpy(correlations, task.correlations, size * sizeof(double))


cdef inline void pass_knot(Knots *knots, Py_ssize_t k, double **correlations) noexcept nogil:
    """alphas[k], whose correlations change places with those of the oldest knot, is now the last knot."""
    knots.before_correlations, knots.first_correlations, knots.last_correlations, correlations[0] = (
        knots.first_correlations, knots.last_correlations, correlations[0], knots.before_correlations
    )
    knots.before, knots.first, knots.last = knots.first, knots.last, k


cdef inline double share_of(
    const double *alphas, const Py_ssize_t *places, Py_ssize_t count, Py_ssize_t i, double alpha,
) noexcept nogil:
    """Of the i-th of some points in the polynomial through them, at alpha."""
    cdef Py_ssize_t j
    cdef double share = 1.0, own = alphas[places[i]], other
    for j in range(count):
        other = alphas[places[j]]
        share *= (alpha - other) / (own - other) if i != j else 1.0
    return share


cdef inline void look_along(BlockTask *task, Knots *knots, const Path *path, Py_ssize_t k) noexcept nogil:
    """Begin alphas[k] on the polynomial through the last knots if that lowers the objective: it is an iteration."""
    cdef Py_ssize_t i, count, size = task.size * task.width
    cdef double share
    cdef Py_ssize_t[3] places
    cdef double *correlations[3]
    places[0], places[1], places[2] = knots.last, knots.first, knots.before
    correlations[0], correlations[1] = knots.last_correlations, knots.first_correlations
    correlations[2] = knots.before_correlations
    task.alpha = path.alphas[k]
    for count in range(2, 4):
        if places[count - 1] < 0 or not path.alphas[places[count - 1]] > path.alphas[places[count - 2]]:
            return
        memset(knots.spare, 0, size * sizeof(double))
        memset(knots.between, 0, size * sizeof(double))
        for i in range(count):
            share = share_of(path.alphas, places, count, i, path.alphas[k])
            add_multiple(size, share, path.coefs + places[i] * size, knots.spare)
            add_multiple(size, share, correlations[i], knots.between)
        if is_better(task, knots.spare, knots.between):
            memcpy(task.coef, knots.spare, size * sizeof(double))
            memcpy(task.correlations, knots.between, size * sizeof(double))
            path.n_iters[k] = 1


cdef inline Ending reach_ahead(AnyTask *task, Knots *knots, Path *path, Py_ssize_t k) noexcept nogil:
    """Solve the knot ahead, which is chosen if there is none."""
    cdef Ending ending
    if knots.ahead < 0:
        knots.ahead = min(k + knots.stride, path.n_alphas) - 1
        if AnyTask is BlockTask:
            look_along(task, knots, path, knots.ahead)
    ending = solve_at(task, knots, path, knots.ahead)
    if ending != OUT_OF_BUDGET and ending != SHORT_OF_MEMORY:
        keep(task, path, knots.ahead, knots.ahead_correlations)
        knots.is_solved = True
    return ending


cdef inline void leave_ahead(AnyTask *task, Knots *knots, Path *path) noexcept nogil:
    """All before the knot ahead is done: go on from there."""
    cdef Py_ssize_t size = entries(task)
    if knots.has_left:
        memcpy(task.coef, path.coefs + knots.ahead * size, size * sizeof(double))
        memcpy(task.correlations, knots.ahead_correlations, size * sizeof(double))
    knots.stride = next_stride(task, knots, path) if is_loose(task, path) else 1
    pass_knot(knots, knots.ahead, &knots.ahead_correlations)
    knots.ahead, knots.is_solved, knots.has_left = -1, False, False


cdef inline Ending fill(AnyTask *task, Knots *knots, Path *path, Py_ssize_t k) noexcept nogil:
    """alphas[k] between two knots: interpolated, or solved from there."""
    cdef Ending ending
    cdef Py_ssize_t size = entries(task)
    cdef double *coef = path.coefs + k * size
    if not knots.is_resumed:
        if interpolated(
            task, knots, path, k, knots.last, knots.ahead, knots.last_correlations, knots.ahead_correlations, coef
        ) <= 1.0:
            return DONE
        memcpy(task.coef, coef, size * sizeof(double))
        memcpy(task.correlations, knots.between, size * sizeof(double))
        knots.has_left = True
    ending = solve_at(task, knots, path, k)
    if ending != OUT_OF_BUDGET and ending != SHORT_OF_MEMORY:
        keep(task, path, k, knots.between)
        pass_knot(knots, k, &knots.between)
    return ending


cdef inline Ending solve_path(AnyTask *task, Knots *knots, Path *path, Py_ssize_t *n_done) noexcept nogil:
    """From alphas[n_done] on, until all are done or the work budget is spent: the same call then goes on."""
    cdef Ending ending = DONE
    while n_done[0] < path.n_alphas and task.work <= WORK_BUDGET:
        if not knots.is_solved:
            ending = reach_ahead(task, knots, path, n_done[0])
        elif n_done[0] == knots.ahead:
            leave_ahead(task, knots, path)
            n_done[0] += 1
        else:
            ending = fill(task, knots, path, n_done[0])
            n_done[0] += ending != OUT_OF_BUDGET and ending != SHORT_OF_MEMORY
        if ending == OUT_OF_BUDGET or ending == SHORT_OF_MEMORY:
            break
    return ending
