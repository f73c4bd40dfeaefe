"""Anderson acceleration of sweeps.

From the combinations of the last sweeps with weights that sum to one, it proposes that of the ends whose steps,
combined alike, are smallest. Where sweeps act linearly, the next one goes on from there as from any other point. What
depends linearly on the coefficients (the companion: correlations, or a residual) is combined alike, so that to judge
the proposal reads no data. References: Anderson (1965), "Iterative procedures for nonlinear integral equations";
Bertrand and Massias (2021), "Anderson acceleration of coordinate descent", who restart it every few sweeps.
"""
from libc.math cimport fabs
from libc.string cimport memcpy, memset

from regularize.kernels.blas cimport cholesky, dot, solve_factored


cdef enum:
    MEMORY = 5                  # sweeps that are combined


cdef struct History:
    Py_ssize_t size             # coefficients
    Py_ssize_t others           # numbers of their companion
    Py_ssize_t count            # sweeps taken in since it was begun
    double[MEMORY * MEMORY] products    # of the steps, by places
    double *before              # (size,)  coefficients before the present sweep
    double *steps               # (MEMORY, size)
    double *ends                # (MEMORY, size)
    double *companions          # (MEMORY, others)
    double *guess               # (size,)  the proposal
    double *companion           # (others,)


cdef inline Py_ssize_t numbers_of_history(Py_ssize_t size, Py_ssize_t others) noexcept nogil:
    """How many numbers a history keeps."""
    return (2 + 2 * MEMORY) * size + (1 + MEMORY) * others


cdef inline void begin_history(History *history, Py_ssize_t size, Py_ssize_t others, double *memory) noexcept nogil:
    """An empty one in ``memory``."""
    history.size, history.others, history.count = size, others, 0
    history.before, history.guess = memory, memory + size
    history.steps, history.ends = memory + 2 * size, memory + (2 + MEMORY) * size
    history.companion = memory + (2 + 2 * MEMORY) * size
    history.companions = history.companion + others


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


cdef inline void begin_sweep(History *history, const double *coef) noexcept nogil:
    """Remember the coefficients before a sweep."""
    memcpy(history.before, coef, history.size * sizeof(double))


cdef inline bint take_in(History *history, const double *coef, const double *companion) noexcept nogil:
    """Take in a sweep that has ended; whether there is a combination of the last ones, in ``guess``."""
    cdef Py_ssize_t i, k, n = history.size, place = history.count % MEMORY
    cdef double[MEMORY] shares
    cdef double *step = history.steps + place * n
    for i in range(n):
        step[i] = coef[i] - history.before[i]
    memcpy(history.ends + place * n, coef, n * sizeof(double))
    memcpy(history.companions + place * history.others, companion, history.others * sizeof(double))
    history.count += 1
    for k in range(min(history.count, <Py_ssize_t> MEMORY)):
        history.products[place * MEMORY + k] = dot(n, step, history.steps + k * n)
        history.products[k * MEMORY + place] = history.products[place * MEMORY + k]
    if history.count == 1 or not fill_shares(history, shares):
        return False
    k = min(history.count, <Py_ssize_t> MEMORY)
    combine(n, k, shares, history.ends, history.guess)
    combine(history.others, k, shares, history.companions, history.companion)
    return True
