"""Ridge regression on data that are small: all that a fit does with a dense matrix, in one call.

The matrix Z' (n, p) is tall or wide; the smaller of Z Z' (p, p) and Z'Z (n, n), called M, is factored for each alpha,

    tall:  (M + alpha I) u = Z t            wide:  (M + alpha I) a = t,  u = Z a,

and the answer is corrected by the residual that Z leaves of it, r = t - Z'u, until that gains nothing.
"""
from libc.math cimport INFINITY, fabs, sqrt
from scipy.linalg.cython_blas cimport dgemm, dsyrk
from scipy.linalg.cython_lapack cimport dlansy, dpocon, dpotrf, dpotrs

cdef enum:
    CORRECTIONS = 5                             # at most
cdef double REFINED = 1e-12                     # a relative correction that needs no further one
cdef double TINY = 2.2250738585072014e-308


cdef struct Task:
    int n
    int p
    int t                       # targets
    int q                       # the smaller of n and p
    bint wide                   # n < p
    double *Z                   # (p, n)
    const double *targets       # (t, n)
    double *matrix              # (q, q)  M
    double *lower               # (q, q)  the factor of M + alpha I, scaled by
    double *scale               # (q,)
    double *rhs                 # (t, q)  the right-hand sides
    double *a                   # (t, q)  the dual variables of a wide problem
    double *step                # (t, q)  a correction
    double *slope               # (t, q)  what it is made from
    double *residual            # (t, n)
    double *before              # (t,)    sizes of the last correction
    double *scratch             # (3 q,)


cdef inline double product(Py_ssize_t size, const double *x, const double *y) noexcept nogil:
    """x @ y"""
    cdef Py_ssize_t i
    cdef double total = 0.0
    for i in range(size):
        total += x[i] * y[i]
    return total


cdef inline void forward(
    int n, int p, int t, double *Z, double factor, double *u, double *out,
) noexcept nogil:
    """out += factor * u Z for u (t, p) and out (t, n)."""
    cdef char plain = b"N"
    cdef double one = 1.0
    dgemm(&plain, &plain, &n, &t, &p, &factor, Z, &n, u, &p, &one, out, &n)


cdef inline void backward(int n, int p, int t, double *Z, double *r, double kept, double *out) noexcept nogil:
    """out = r Z' + kept * out for r (t, n) and out (t, p)."""
    cdef char plain = b"N", turned = b"T"
    cdef double one = 1.0
    dgemm(&turned, &plain, &p, &t, &n, &one, Z, &n, r, &n, &kept, out, &p)


cdef double factor_scaled(
    int q, const double *matrix, double alpha, double *lower, double *scale, double *work, int *integers,
) noexcept nogil:
    """M + alpha I = D L L' D, with D such that L L' has a unit diagonal; one over its condition, 0 on failure."""
    cdef Py_ssize_t i, j
    cdef int info = 0
    cdef char side = b"L", one_norm = b"1"
    cdef double norm, inverse = 0.0
    for j in range(q):
        scale[j] = matrix[j * q + j] + alpha
        if not 0.0 < scale[j] < INFINITY:
            return 0.0
        scale[j] = sqrt(scale[j])
    for j in range(q):
        lower[j * q + j] = 1.0
        for i in range(j + 1, q):
            lower[j * q + i] = matrix[j * q + i] / scale[i] / scale[j]
    norm = dlansy(&one_norm, &side, &q, lower, &q, work)
    dpotrf(&side, &q, lower, &q, &info)
    if info != 0:
        return 0.0
    dpocon(&side, &q, lower, &q, &norm, &inverse, work, integers, &info)
    return inverse


cdef void solve_scaled(int q, int t, double *lower, const double *scale, const double *rhs, double *out) noexcept nogil:
    """out = (M + alpha I)^-1 rhs for rows (t, q) of both."""
    cdef Py_ssize_t j, row
    cdef int info = 0
    cdef char side = b"L"
    for row in range(t):
        for j in range(q):
            out[row * q + j] = rhs[row * q + j] / scale[j]
    dpotrs(&side, &q, &t, lower, &q, out, &q, &info)
    for row in range(t):
        for j in range(q):
            out[row * q + j] /= scale[j]


cdef bint corrected(Task *task, double alpha, double trusted, double *u, double *gaps, double *errors) noexcept nogil:
    """Correct u (t, p), of a wide matrix with its dual variables, by what they leave of the targets.

    Gaps and squared residuals (t,) are those before the last correction. False where that was larger than ``trusted``.
    """
    cdef bint wide = task.wide, all_done, all_trusted
    cdef Py_ssize_t i, row
    cdef int _, n = task.n, p = task.p, t = task.t, q = task.q
    cdef double size, square, bound
    cdef double *x = task.a if wide else u
    cdef double *step = task.step
    cdef double *slope = task.slope
    cdef double *residual = task.residual
    cdef double *before = task.before
    for row in range(t):
        before[row] = INFINITY
    for _ in range(CORRECTIONS):
        all_done = all_trusted = True
        for i in range(t * n):
            residual[i] = task.targets[i]
        forward(n, p, t, task.Z, -1.0, u, residual)
        for i in range(t * q):
            slope[i] = residual[i] - alpha * x[i] if wide else x[i]
        if not wide:
            backward(n, p, t, task.Z, residual, -alpha, slope)
        solve_scaled(q, t, task.lower, task.scale, slope, step)
        for row in range(t):
            errors[row] = product(n, residual + row * n, residual + row * n)
            square = product(q, slope + row * q, slope + row * q)
            bound = 0.5 * square / alpha if alpha > 0.0 else INFINITY
            if wide:
                gaps[row] = 0.5 * square
            else:
                gaps[row] = min(bound, fabs(product(q, slope + row * q, step + row * q)))
            size = sqrt(product(q, step + row * q, step + row * q))
            size /= max(sqrt(product(q, x + row * q, x + row * q)), TINY)
            all_trusted &= size <= trusted
            if size < 0.5 * before[row]:                 # else it has met rounding
                all_done &= size <= REFINED
                before[row] = size
            else:
                before[row] = 0.0
                for i in range(row * q, (row + 1) * q):
                    step[i] = 0.0
        for i in range(t * q):
            x[i] += step[i]
        if wide:
            backward(n, p, t, task.Z, step, 1.0, u)
        if all_done:
            break
    return all_trusted


cdef Task placed(int n, int p, int t, double *Z, const double *targets, double *memory) noexcept nogil:
    """A task whose arrays lie one after the other in memory of ``space(p, n, t)`` numbers."""
    cdef Task task
    cdef Py_ssize_t q = min(n, p)
    task.n, task.p, task.t, task.q, task.wide, task.Z, task.targets = n, p, t, <int> q, n < p, Z, targets
    task.matrix = memory
    task.lower = task.matrix + q * q
    task.scale = task.lower + q * q
    task.rhs = task.scale + q
    task.a = task.rhs + t * q
    task.step = task.a + t * q
    task.slope = task.step + t * q
    task.residual = task.slope + t * q
    task.before = task.residual + t * n
    task.scratch = task.before + t
    return task


cdef void prepare(Task *task) noexcept nogil:
    """M, and the right-hand sides."""
    cdef int n = task.n, p = task.p
    cdef double one = 1.0, zero = 0.0
    cdef char side = b"L", plain = b"N", turned = b"T"
    cdef Py_ssize_t i
    if task.wide:
        dsyrk(&side, &plain, &n, &p, &one, task.Z, &n, &zero, task.matrix, &n)
        for i in range(task.t * n):
            task.rhs[i] = task.targets[i]
    else:
        dsyrk(&side, &turned, &p, &n, &one, task.Z, &n, &zero, task.matrix, &p)
        backward(n, p, task.t, task.Z, <double *> task.targets, 0.0, task.rhs)


def at_once(
    double[:, ::1] Z not None,                  # IN   (p, n), not changed
    const double[:, ::1] targets not None,      # IN   (t, n)
    const double[:] alphas not None,            # IN   (k,)
    double largest,                             # condition number of M + alpha I that is accepted
    double trusted,                             # relative size of the last correction that is accepted
    double[:, :, ::1] u not None,               # OUT  (k, t, p)
    double[:, ::1] gaps not None,               # OUT  (k, t)
    double[:, ::1] errors not None,             # OUT  (k, t)  squared lengths of what is left of the targets
    double[::1] work not None,                  # OUT  (space(p, n, t),)
    int[::1] integers not None,                 # OUT  (min(p, n),)
):
    """Minimise ``||t - Z'u||^2 / 2 + alpha / 2 ||u||^2`` for all targets and alphas; False if some alpha is not met."""
    cdef int p = <int> Z.shape[0], n = <int> Z.shape[1], t = <int> targets.shape[0], q = min(n, p)
    cdef Py_ssize_t k
    cdef bint met = True
    cdef Task task
    if q == 0 or t == 0 or targets.shape[1] != n or work.shape[0] < space(p, n, t) or integers.shape[0] < q:
        raise ValueError("at_once: shapes do not fit")
    if u.shape[1] != t or u.shape[2] != p or gaps.shape[1] != t or errors.shape[1] != t:
        raise ValueError("at_once: shapes do not fit")
    if min(u.shape[0], gaps.shape[0], errors.shape[0]) < alphas.shape[0]:
        raise ValueError("at_once: shapes do not fit")
    with nogil:
        task = placed(n, p, t, &Z[0, 0], &targets[0, 0], &work[0])
        prepare(&task)
        for k in range(alphas.shape[0]):
            if not factor_scaled(
                q, task.matrix, alphas[k], task.lower, task.scale, task.scratch, &integers[0],
            ) * largest > 1.0:
                met = False
                break
            solve_scaled(q, t, task.lower, task.scale, task.rhs, task.a if task.wide else &u[k, 0, 0])
            if task.wide:
                backward(n, p, t, task.Z, task.a, 0.0, &u[k, 0, 0])
            met = corrected(&task, alphas[k], trusted, &u[k, 0, 0], &gaps[k, 0], &errors[k, 0])
            if not met:
                break
    return met


def space(Py_ssize_t p, Py_ssize_t n, Py_ssize_t t):
    """How many numbers ``at_once`` works on."""
    cdef Py_ssize_t q = min(n, p)
    return 2 * q * q + 4 * q + t * (4 * q + n + 1)
