"""Which features, or groups, may violate optimality, by residuals whose correlations with all of them are known."""
from libc.math cimport INFINITY, fabs, fmax, sqrt
from libc.stdlib cimport calloc, free

from regularize.kernels.block cimport allowed_threshold


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
    const double[::1] newest not None,          # IN   (p,)  correlations of a known residual r1
    const double[::1] older not None,           # IN   (p,)  those of another one, r0
    double share_newest,
    double share_older,
    const double[::1] norms not None,           # IN   (p,)
    double distance,
    double alpha,
    const double[::1] l1 not None,              # IN   (p,)
    const double[::1] lower not None,           # IN   (p,)
    const double[::1] upper not None,           # IN   (p,)
    const unsigned char[::1] skip not None,     # IN   (p,)  features that need no look
    Py_ssize_t[::1] found not None,             # OUT  (p,)
):
    """List the features whose correlation with a residual may exceed ``alpha * l1``; returns how many.

    For a residual ``share_newest r1 + share_older r0 + e`` with ``||e|| = distance``,

        |x_j'r - (share_newest c1_j + share_older c0_j)| <= ||x_j|| ||e||      (Cauchy-Schwarz),

    so a feature that is not listed is certified without being read. A feature at zero that may
    not become positive (negative) is never in violation on that side.
    """
    cdef Py_ssize_t j, count = 0
    cdef double value, slack
    with nogil:
        for j in range(newest.shape[0]):
            value = share_newest * newest[j] + share_older * older[j]
            slack = norms[j] * distance - alpha * l1[j]
            if value + slack > 0.0 or slack - value > 0.0:
                if skip[j]:
                    continue
                if (value + slack > 0.0 and upper[j] > 0.0) or (slack - value > 0.0 and lower[j] < 0.0):
                    found[count] = j
                    count += 1
    return count


cdef inline double thresholded_square(
    double c, double threshold, double lower, double upper,
) noexcept nogil:
    cdef double s = allowed_threshold(c, threshold, lower, upper)
    return s * s


def exceeding_blocks(
    const double[:, ::1] newest not None,       # IN   (T, p)  as in exceeding
    const double[:, ::1] older not None,        # IN   (T, p)
    double share_newest,
    double share_older,
    const double[::1] radii not None,           # IN   (G,)  bounds of the largest singular values of their columns
    double distance,
    double alpha,
    const double[::1] l1 not None,              # IN   (p,)
    const double[::1] lower not None,           # IN   (p,)
    const double[::1] upper not None,           # IN   (p,)
    const double[::1] norm not None,            # IN   (G,)
    const Py_ssize_t[::1] starts not None,      # IN   (G + 1,)
    const Py_ssize_t[::1] indices not None,     # IN   (p,)
    const unsigned char[::1] skip not None,     # IN   (G,)
    Py_ssize_t[::1] found not None,             # OUT  (G,)
):
    """List the groups that may violate ``||S(Z_g'r)|| <= alpha * norm``; returns how many.

    A change e of the residual moves the thresholded correlations of a group by at most ``radius * ||e||``. A group
    without a norm is one feature, whose correlation may exceed its own threshold.
    """
    cdef Py_ssize_t g, k, j, t, count = 0
    cdef double value, slack, size, own
    cdef double *squares = <double *> calloc(newest.shape[1] + 1, sizeof(double))
    if squares == NULL:
        raise MemoryError("no memory for a scan of all features")
    with nogil:
        for t in range(newest.shape[0]):                 # in the order of the memory
            for j in range(newest.shape[1]):
                value = share_newest * newest[t, j] + share_older * older[t, j]
                squares[j] += value * value
        for g in range(norm.shape[0]):
            if skip[g]:
                continue
            size = own = 0.0
            slack = radii[g] * distance
            if norm[g] > 0.0:                            # few groups are beyond what plain values allow
                for k in range(starts[g], starts[g + 1]):
                    size += squares[indices[k]]
                if not sqrt(size) * (1.0 + 1e-12) + slack > alpha * norm[g]:
                    continue
                size = 0.0
            for k in range(starts[g], starts[g + 1]):
                j = indices[k]
                for t in range(newest.shape[0]):
                    value = share_newest * newest[t, j] + share_older * older[t, j]
                    if norm[g] > 0.0:
                        size += thresholded_square(value, alpha * l1[j], lower[j], upper[j])
                    elif (value + slack > 0.0 and upper[j] > 0.0) or (slack - value > 0.0 and lower[j] < 0.0):
                        own = fmax(own, fabs(value) + slack - alpha * l1[j])
            if own > 0.0 or (norm[g] > 0.0 and sqrt(size) + slack > alpha * norm[g]):
                found[count] = g
                count += 1
        free(squares)
    return count


def critical_alphas(
    const double[:, ::1] correlations not None,  # IN   (T, p)
    const double[::1] l1 not None,              # IN   (p,)
    const double[::1] lower not None,           # IN   (p,)
    const double[::1] upper not None,           # IN   (p,)
    const double[::1] norm not None,            # IN   (G,)
    const Py_ssize_t[::1] starts not None,      # IN   (G + 1,)
    const Py_ssize_t[::1] indices not None,     # IN   (p,)
    double[::1] alphas not None,                # OUT  (G,)
):
    """The smallest alpha at which each group stays at zero: the root of ``||S(c)|| = alpha * norm``, l1 terms in S.

    The difference of the sides is convex and falls in alpha: Newton's method comes up to the root from zero. Zero for a
    feature without any of the two terms.
    """
    cdef Py_ssize_t g, k, j, t, _k
    cdef double alpha, c, s, squares, slope, size
    with nogil:
        for g in range(norm.shape[0]):
            alpha = 0.0
            for _k in range(100 if norm[g] > 0.0 else 0):
                squares = slope = 0.0
                for k in range(starts[g], starts[g + 1]):
                    j = indices[k]
                    for t in range(correlations.shape[0]):
                        s = allowed_threshold(correlations[t, j], alpha * l1[j], lower[j], upper[j])
                        squares += s * s
                        slope += fabs(s) * l1[j]
                size = sqrt(squares)
                if not size > alpha * norm[g]:
                    break
                s = alpha + (size - alpha * norm[g]) / (slope / size + norm[g])
                if not s > alpha:
                    break
                alpha = s
            j = indices[starts[g]]
            if norm[g] == 0.0 and l1[j] > 0.0:
                for t in range(correlations.shape[0]):
                    c = correlations[t, j]
                    if (c > 0.0 and upper[j] > 0.0) or (c < 0.0 and lower[j] < 0.0):
                        alpha = fmax(alpha, fabs(c) / l1[j])
            alphas[g] = alpha
