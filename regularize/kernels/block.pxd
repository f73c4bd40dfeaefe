"""Rules of one block of coefficients W_g (d, T): thresholding, norms, the proximal step.

A block with a norm has bounds of zero and infinity alone, so that every rule is one of the soft-thresholded values,

    S(v)_jt = sign(v_jt) max(|v_jt| - l1_j, 0),  zero where the bounds forbid that sign

(Simon, Friedman, Hastie and Tibshirani 2013, "A sparse-group lasso", eq. 12).
"""
from libc.math cimport sqrt

from regularize.kernels.scalar cimport penalty_value, soft_threshold


cdef enum:
    PROXIMAL_STEPS = 8          # on one block at a time, at most


cdef inline double allowed_threshold(double v, double l1, double lower, double upper) noexcept nogil:
    """S(v) of one entry."""
    cdef double s = soft_threshold(v, l1)
    if (s > 0.0 and upper > 0.0) or (s < 0.0 and lower < 0.0):
        return s
    return 0.0


cdef inline double norm_of(Py_ssize_t size, const double *x) noexcept nogil:
    """||x||_2"""
    cdef Py_ssize_t i
    cdef double total = 0.0
    for i in range(size):
        total += x[i] * x[i]
    return sqrt(total)


cdef inline double penalty_of_blocks(
    Py_ssize_t n_blocks, Py_ssize_t width, const Py_ssize_t *starts, const double *norm, const double *l1,
    const double *l2, double alpha, const double *coef,
) noexcept nogil:
    """alpha sum_g norm_g ||W_g|| + alpha sum_j (l1_j |W_j| + l2_j/2 ||W_j||^2)"""
    cdef Py_ssize_t g, i, j
    cdef double total = 0.0
    for g in range(n_blocks):
        if norm[g] > 0.0:
            total += norm[g] * norm_of((starts[g + 1] - starts[g]) * width, coef + starts[g] * width)
        for j in range(starts[g], starts[g + 1]):
            for i in range(j * width, (j + 1) * width):
                total += penalty_value(coef[i], l1[j], l2[j])
    return alpha * total


cdef inline bint is_zero(Py_ssize_t size, const double *x) noexcept nogil:
    """Whether all entries are."""
    cdef Py_ssize_t i
    for i in range(size):
        if x[i] != 0.0:
            return False
    return True


cdef inline double shrink(Py_ssize_t size, double *x, double threshold, double curvature) noexcept nogil:
    """x = max(1 - threshold / ||x||, 0) x / curvature, in place; returns its new norm."""
    cdef Py_ssize_t i
    cdef double norm = norm_of(size, x)
    cdef double share = (1.0 - threshold / norm) / curvature if norm > threshold else 0.0
    for i in range(size):
        x[i] *= share
    return norm * share


cdef inline void subtract_products(
    Py_ssize_t count, Py_ssize_t size, Py_ssize_t width, const double *gram, Py_ssize_t stride, const double *step,
    double *c,
) noexcept nogil:
    """c (size, width) -= gram' step for the first count rows of gram, and step (count, width)."""
    cdef Py_ssize_t a, b, t
    for a in range(count):
        if width == 1:
            for b in range(size):
                c[b] -= gram[a * stride + b] * step[a]
        else:
            for b in range(size):
                for t in range(width):
                    c[b * width + t] -= gram[a * stride + b] * step[a * width + t]


cdef inline void minimise_block(
    Py_ssize_t count, Py_ssize_t width, const double *gram, Py_ssize_t stride, double curvature, const double *l1,
    double l2, const double *lower, const double *upper, double alpha, double threshold, double *w, double *c,
    double *step,
) noexcept nogil:
    """Proximal steps on a block w (count, width) with the correlations c of its own features, both in place.

    ``curvature`` is a bound of the largest eigenvalue of the block's Gram matrix; ``step`` is room for as many numbers
    as w.
    """
    cdef Py_ssize_t a, i, _k, size = count * width
    cdef double first = 0.0, moved
    for _k in range(PROXIMAL_STEPS if count > 1 else 1):
        for a in range(count):
            for i in range(a * width, (a + 1) * width):
                step[i] = allowed_threshold(c[i] + curvature * w[i], alpha * l1[a], lower[a], upper[a])
        shrink(size, step, threshold, curvature + l2)
        moved = 0.0
        for i in range(size):
            step[i] -= w[i]
            w[i] += step[i]
            moved += step[i] * step[i]
        subtract_products(count, count, width, gram, stride, step, c)
        first = moved if _k == 0 else first
        if moved <= 0.01 * first:                        # a tenth of the first step
            return


cdef inline double feasible_share(
    Py_ssize_t size, const double *c, const double *l1, const double *lower, const double *upper, double alpha,
    double threshold, double slack, double share,
) noexcept nogil:
    """The largest t <= share with ||S(t c)|| + t slack <= threshold, for entries with l1 terms ``alpha l1``.

    The left side is convex and rises in t: Newton's method comes down to its root from above. The last scaling makes
    up for rounding: for t <= 1, S(t v) is at most t S(v).
    """
    cdef Py_ssize_t i, _k
    cdef double s, value, slope, t = share
    if t * (norm_of(size, c) + slack) <= threshold:      # thresholded values are smaller
        return t
    for _k in range(50):
        value = slope = 0.0
        for i in range(size):
            s = allowed_threshold(t * c[i], alpha * l1[i], lower[i], upper[i])
            value += s * s
            slope += s * c[i]
        value = sqrt(value)
        slope = slope / value + slack if value > 0.0 else slack
        value += t * slack
        if value <= threshold or slope <= 0.0:
            return t
        if value <= (1.0 + 1e-14) * threshold:
            break
        s = t - (value - threshold) / slope
        if not 0.0 < s < t:
            break
        t = s
    return t * threshold / value
