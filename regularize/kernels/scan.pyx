"""Which features, or groups, may violate optimality, by residuals whose correlations with all of them are known."""
from libc.math cimport INFINITY, fabs, fmax, sqrt
from libc.stdlib cimport free, malloc
from libc.string cimport memset

from regularize.kernels.block cimport allowed_threshold

cdef enum:
    BLOCK = 512                 # features whose numbers stay in the first cache while the residuals pass


def spans(
    const double[:, ::1] known not None,        # IN   (A, n)  residuals whose correlations are known
    const double[:, ::1] products not None,     # IN   (A, A)  of them with each other
    const double[:, ::1] residuals not None,    # IN   (K, n)
    double parallel,
    Py_ssize_t[:, ::1] pairs not None,          # OUT  (K, 2)
    double[:, ::1] shares not None,             # OUT  (K, 2)
    double[::1] distances not None,             # OUT  (K,)
):
    """The two known residuals that are nearest to each residual r, and r = t1 r1 + t0 r0 + e by least squares.

    One that says nothing more than the other, to a squared sine of the angle of ``parallel``, has no share.
    """
    cdef Py_ssize_t k, a, i, first, other, n = known.shape[1]
    cdef double along, near, nearest, second, along_first, along_other, change, total, determinant
    cdef double one, across, two
    with nogil:
        for k in range(residuals.shape[0] if known.shape[0] else 0):
            first = other = 0
            nearest = second = INFINITY
            along_first = along_other = 0.0
            for a in range(known.shape[0]):
                along = 0.0
                for i in range(n):
                    along += known[a, i] * residuals[k, i]
                near = products[a, a] - 2.0 * along      # the squared distance but for what is the same for all
                if near < nearest:
                    other, second, along_other = first, nearest, along_first
                    first, nearest, along_first = a, near, along
                elif near < second:
                    other, second, along_other = a, near, along
            one, across, two = products[first, first], products[first, other], products[other, other]
            determinant = one * two - across * across
            if first != other and determinant > parallel * one * two:
                shares[k, 0] = (two * along_first - across * along_other) / determinant
                shares[k, 1] = (one * along_other - across * along_first) / determinant
            else:
                shares[k, 0], shares[k, 1] = along_first / one if one > 0.0 else 0.0, 0.0
            total = 0.0
            for i in range(n):
                change = residuals[k, i] - shares[k, 0] * known[first, i] - shares[k, 1] * known[other, i]
                total += change * change
            pairs[k, 0], pairs[k, 1], distances[k] = first, other, sqrt(total)


def exceeding(
    const double[:, ::1] known not None,        # IN   (A, p)  correlations of the residuals that are known
    const Py_ssize_t[:, ::1] pairs not None,    # IN   (K, 2)  as in spans
    const double[:, ::1] shares not None,       # IN   (K, 2)
    const double[::1] distances not None,       # IN   (K,)
    const double[::1] alphas not None,          # IN   (K,)
    const double[::1] norms not None,           # IN   (p,)
    const double[::1] l1 not None,              # IN   (p,)
    const double[::1] lower not None,           # IN   (p,)
    const double[::1] upper not None,           # IN   (p,)
    const unsigned char[::1] skip not None,     # IN   (p,)  features that need no look
    unsigned char[::1] exceeds not None,        # OUT  (p,)
):
    """Which features have a correlation that may exceed ``alpha * l1`` with one of several residuals.

    For a residual ``t1 r1 + t0 r0 + e`` whose e has the norm ``distance``,

        |x_j'r - (t1 c1_j + t0 c0_j)| <= ||x_j|| ||e||      (Cauchy-Schwarz),

    so a feature that is not marked is certified without being read. A feature at zero that may
    not become positive (negative) is never in violation on that side.
    """
    cdef Py_ssize_t b, k, i, j, first, size, p = norms.shape[0]
    cdef double[BLOCK] worst
    cdef double above
    with nogil:
        for b in range((p + BLOCK - 1) // BLOCK):
            first = b * BLOCK
            size = min(p - first, <Py_ssize_t> BLOCK)
            for i in range(size):
                worst[i] = -INFINITY
            for k in range(alphas.shape[0]):
                raise_to_excess(
                    size, &known[pairs[k, 0], first], &known[pairs[k, 1], first], shares[k, 0], shares[k, 1],
                    &norms[first], distances[k], &l1[first], alphas[k], worst,
                )
            for i in range(size):
                j = first + i
                exceeds[j] = worst[i] > 0.0 and not skip[j]
                if exceeds[j] and not (lower[j] < 0.0 < upper[j]):
                    above = -INFINITY                    # of the sides that are open
                    for k in range(alphas.shape[0]):
                        above = fmax(above, open_excess(
                            shares[k, 0] * known[pairs[k, 0], j] + shares[k, 1] * known[pairs[k, 1], j],
                            norms[j] * distances[k] - alphas[k] * l1[j], lower[j], upper[j],
                        ))
                    exceeds[j] = above > 0.0


cdef inline void raise_to_excess(
    Py_ssize_t size, const double *newest, const double *older, double share_newest, double share_older,
    const double *norms, double distance, const double *l1, double alpha, double *worst,
) noexcept nogil:
    """By how much the bound of a correlation exceeds the threshold, where that is more than before."""
    cdef Py_ssize_t i
    cdef double excess
    for i in range(size):
        excess = fabs(share_newest * newest[i] + share_older * older[i]) + (norms[i] * distance - alpha * l1[i])
        worst[i] = excess if excess > worst[i] else worst[i]


cdef inline double open_excess(double value, double slack, double lower, double upper) noexcept nogil:
    """The same for a feature at zero that may leave it to some sides only."""
    return fmax(value + slack if upper > 0.0 else -INFINITY, slack - value if lower < 0.0 else -INFINITY)


cdef inline double thresholded_square(
    double c, double threshold, double lower, double upper,
) noexcept nogil:
    cdef double s = allowed_threshold(c, threshold, lower, upper)
    return s * s


def exceeding_blocks(
    const double[:, :, ::1] known not None,     # IN   (A, T, p)  the rest as in exceeding
    const Py_ssize_t[:, ::1] pairs not None,
    const double[:, ::1] shares not None,
    const double[::1] distances not None,
    const double[::1] alphas not None,
    const double[::1] radii not None,           # IN   (G,)  bounds of the largest singular values of their columns
    const double[::1] l1 not None,              # IN   (p,)
    const double[::1] lower not None,           # IN   (p,)
    const double[::1] upper not None,           # IN   (p,)
    const double[::1] norm not None,            # IN   (G,)
    const Py_ssize_t[::1] starts not None,      # IN   (G + 1,)
    const Py_ssize_t[::1] indices not None,     # IN   (p,)
    const unsigned char[::1] skip not None,     # IN   (G,)
    unsigned char[::1] exceeds not None,        # OUT  (G,)
):
    """Which groups may violate ``||S(Z_g'r)|| <= alpha * norm`` with one of several residuals.

    A change e of the residual moves the thresholded correlations of a group by at most ``radius * ||e||``. A group
    without a norm is one feature, whose correlation may exceed its own threshold.
    """
    cdef Py_ssize_t g, k, i, j, t, p = known.shape[2]
    cdef double size, slack, alpha
    cdef double *values = <double *> malloc((known.shape[1] + 1) * (p + 1) * sizeof(double))
    cdef double *squares = values + known.shape[1] * (p + 1)
    if values == NULL:
        raise MemoryError("no memory for a scan of all features")
    with nogil:
        for g in range(norm.shape[0]):
            exceeds[g] = False
        for k in range(alphas.shape[0]):
            alpha = alphas[k]
            memset(squares, 0, p * sizeof(double))
            for t in range(known.shape[1] if p else 0):  # in the order of the memory
                add_squares(
                    p, &known[pairs[k, 0], t, 0], &known[pairs[k, 1], t, 0], shares[k, 0], shares[k, 1],
                    values + t * p, squares,
                )
            for g in range(norm.shape[0]):
                if skip[g] or exceeds[g]:
                    continue
                slack, size = radii[g] * distances[k], 0.0
                if norm[g] == 0.0:
                    j = indices[starts[g]]
                    for t in range(known.shape[1]):
                        if open_excess(values[t * p + j], slack - alpha * l1[j], lower[j], upper[j]) > 0.0:
                            exceeds[g] = True
                    continue
                for i in range(starts[g], starts[g + 1]):  # few groups are beyond what plain values allow
                    size += squares[indices[i]]
                if not sqrt(size) * (1.0 + 1e-12) + slack > alpha * norm[g]:
                    continue
                size = 0.0
                for i in range(starts[g], starts[g + 1]):
                    j = indices[i]
                    for t in range(known.shape[1]):
                        size += thresholded_square(values[t * p + j], alpha * l1[j], lower[j], upper[j])
                exceeds[g] = sqrt(size) + slack > alpha * norm[g]
        free(values)


cdef inline void add_squares(
    Py_ssize_t size, const double *newest, const double *older, double share_newest, double share_older,
    double *values, double *squares,
) noexcept nogil:
    """Correlations with a combination of two residuals, and their squares on top of those of other targets."""
    cdef Py_ssize_t j
    for j in range(size):
        values[j] = share_newest * newest[j] + share_older * older[j]
        squares[j] += values[j] * values[j]


def critical_alphas(
    const double[:, :, ::1] correlations not None,  # IN  (K, T, p)
    const double[::1] l1 not None,              # IN   (p,)
    const double[::1] lower not None,           # IN   (p,)
    const double[::1] upper not None,           # IN   (p,)
    const double[::1] norm not None,            # IN   (G,)
    const Py_ssize_t[::1] starts not None,      # IN   (G + 1,)
    const Py_ssize_t[::1] indices not None,     # IN   (p,)
    double[:, ::1] alphas not None,             # OUT  (K, G)
):
    """The smallest alpha at which each group stays at zero: the root of ``||S(c)|| = alpha * norm``, l1 terms in S.

    The difference of the sides is convex and falls in alpha: Newton's method comes up to the root from zero. Zero for a
    feature without any of the two terms.
    """
    cdef Py_ssize_t k, g, p = correlations.shape[2], n_targets = correlations.shape[1]
    with nogil:
        for k in range(correlations.shape[0] if p and n_targets else 0):
            for g in range(norm.shape[0]):
                alphas[k, g] = critical_alpha(
                    n_targets, p, &correlations[k, 0, 0], l1, lower, upper, norm[g],
                    starts[g + 1] - starts[g], &indices[starts[g]],
                )


cdef inline double critical_alpha(
    Py_ssize_t n_targets, Py_ssize_t p, const double *correlations,
    const double[::1] l1, const double[::1] lower, const double[::1] upper,
    double norm, Py_ssize_t size, const Py_ssize_t *features,
) noexcept nogil:
    """Of one group."""
    cdef Py_ssize_t i, j, t, _k
    cdef double s, squares, slope, length, alpha = 0.0
    for _k in range(100 if norm > 0.0 else 0):
        squares = slope = 0.0
        for i in range(size):
            j = features[i]
            for t in range(n_targets):
                s = allowed_threshold(correlations[t * p + j], alpha * l1[j], lower[j], upper[j])
                squares += s * s
                slope += fabs(s) * l1[j]
        length = sqrt(squares)
        if not length > alpha * norm:
            return alpha
        s = alpha + (length - alpha * norm) / (slope / length + norm)
        if not s > alpha:
            return alpha
        alpha = s
    j = features[0]
    for t in range(n_targets if norm == 0.0 and l1[j] > 0.0 else 0):
        alpha = fmax(alpha, fabs(allowed_threshold(correlations[t * p + j], 0.0, lower[j], upper[j])) / l1[j])
    return alpha
