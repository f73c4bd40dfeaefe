"""Anderson acceleration of sweeps over blocks.

From the combinations of the last sweeps with weights that sum to one, it takes that of the ends whose steps, combined
alike, are smallest, if the objective is lower there. Where sweeps act linearly, the next one goes on from there as from
any other point. Coefficients and correlations are combined alike: to judge it reads nothing of the Gram matrix.
References: Anderson (1965), "Iterative procedures for nonlinear integral equations"; Bertrand and Massias (2021),
"Anderson acceleration of coordinate descent", who restart it every few sweeps.
"""
from libc.math cimport fabs
from libc.string cimport memcpy, memset

from regularize.kernels.blas cimport cholesky, solve_factored
from regularize.kernels.block_gap cimport penalty_of
from regularize.kernels.block_task cimport BlockTask, History, MEMORY


cdef inline void lend_history(History *history, Py_ssize_t entries, double *memory) noexcept nogil:
    """``memory`` (N_HISTORY, entries)."""
    history.begin, history.guess = memory, memory + entries
    history.steps = memory + 2 * entries
    history.coefs = memory + (2 + MEMORY) * entries
    history.correlations = memory + (2 + 2 * MEMORY) * entries


cdef inline double inner_product(Py_ssize_t n, const double *x, const double *y) noexcept nogil:
    """<x, y>"""
    cdef Py_ssize_t i
    cdef double total = 0.0
    for i in range(n):
        total += x[i] * y[i]
    return total


cdef inline double largest_shares() noexcept nogil:
    """The sum of the absolute values of weights up to which they are taken: by so much they multiply rounding."""
    return 1e4


cdef inline bint fill_shares(const History *history, double *shares) noexcept nogil:
    """The weights under which the steps cancel best; False if rounding leaves none, or would be multiplied by them."""
    cdef Py_ssize_t k, m, count = min(history.count, <Py_ssize_t> MEMORY)
    cdef double[MEMORY * MEMORY] matrix
    cdef double total = 0.0, size = 0.0, ridge = 0.0
    for k in range(count):
        ridge += 1e-12 * history.products[k * MEMORY + k]
    for k in range(count):
        for m in range(count):
            matrix[k * count + m] = history.products[k * MEMORY + m] + (ridge if k == m else 0.0)
        shares[k] = 1.0
    if cholesky(count, matrix, count) != 0:
        return False
    solve_factored(count, 1, matrix, shares)
    for k in range(count):
        total += shares[k]
        size += fabs(shares[k])
    for k in range(count):
        shares[k] /= total
    return size <= largest_shares() * total


cdef inline void add_multiple(Py_ssize_t n, double share, const double *x, double *out) noexcept nogil:
    """out += share x"""
    cdef Py_ssize_t i
    for i in range(n):
        out[i] += share * x[i]


cdef inline void combine(
    Py_ssize_t n, Py_ssize_t count, const double *shares, const double *vectors, double *out,
) noexcept nogil:
    """out (n,) = sum_k shares_k vectors_k for vectors (count, n)"""
    cdef Py_ssize_t k
    memset(out, 0, n * sizeof(double))
    for k in range(count):
        add_multiple(n, shares[k], vectors + k * n, out)


cdef inline bint is_better(BlockTask *task, double *coef, double *correlations) noexcept nogil:
    """Whether other coefficients, with their correlations, are within the bounds and the objective is lower there."""
    cdef Py_ssize_t i, j, t
    cdef double change = -penalty_of(task), w
    cdef double *own = task.coef
    for t in range(task.width):
        for j in range(task.size):
            i = t * task.size + j
            w = coef[j * task.width + t]
            if not task.lower[j] <= w <= task.upper[j]:
                return False
            change -= 0.5 * (w - own[j * task.width + t]) * (correlations[i] + task.correlations[i])
    task.coef = coef
    change += penalty_of(task)
    task.coef = own
    return change < 0.0


cdef inline void begin_sweep(BlockTask *task) noexcept nogil:
    """Remember the coefficients, for ``accelerate``."""
    memcpy(task.history.begin, task.coef, task.size * task.width * sizeof(double))


cdef inline void accelerate(BlockTask *task) noexcept nogil:
    """Take in a sweep that has ended, and go on from the best combination of the last ones."""
    cdef History *history = &task.history
    cdef Py_ssize_t i, k, n = task.size * task.width, place = history.count % MEMORY, count
    cdef double[MEMORY] shares
    cdef double *step = history.steps + place * n
    for i in range(n):
        step[i] = task.coef[i] - history.begin[i]
    memcpy(history.coefs + place * n, task.coef, n * sizeof(double))
    memcpy(history.correlations + place * n, task.correlations, n * sizeof(double))
    history.count += 1
    count = min(history.count, <Py_ssize_t> MEMORY)
    for k in range(count):
        history.products[place * MEMORY + k] = inner_product(n, step, history.steps + k * n)
        history.products[k * MEMORY + place] = history.products[place * MEMORY + k]
    if count == 1 or not fill_shares(history, shares):
        return
    combine(n, count, shares, history.coefs, history.guess)
    combine(n, count, shares, history.correlations, history.begin)
    if is_better(task, history.guess, history.begin):
        memcpy(task.coef, history.guess, n * sizeof(double))
        memcpy(task.correlations, history.begin, n * sizeof(double))
