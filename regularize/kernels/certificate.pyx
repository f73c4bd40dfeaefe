"""The duality gap of coefficient vectors; solvers/certificate.py says which and why.

The solvers stop by code of their own (gap.pxd): nothing here is shared with it.
"""
from libc.math cimport INFINITY, fabs, fmax, isinf, sqrt


cdef struct Point:
    Py_ssize_t size
    const double *coef
    const double *correlations
    const unsigned char *projected
    const double *norms
    const double *l1
    const double *l2
    const double *lower
    const double *upper
    double alpha
    double squared_residual
    double projection


cdef double conjugate_point(const Point *point, Py_ssize_t j, double v) noexcept nogil:
    """argmax_w v w - l1 |w| - l2/2 w^2 over the box; infinite where the conjugate is."""
    cdef double l1 = point.alpha * point.l1[j], l2 = point.alpha * point.l2[j], best = 0.0
    if fabs(v) - l1 > 1e-14 * fabs(v):                   # not by the rounding of the division that made the share
        best = INFINITY if l2 == 0.0 else (fabs(v) - l1) / l2
        best = -best if v < 0.0 else best
    if best < point.lower[j]:
        return point.lower[j]
    return point.upper[j] if best > point.upper[j] else best


cdef double largest_share(const Point *point, bint augmented) noexcept nogil:
    """The largest t <= 1 with |t v| <= l1 wherever an infinite bound stands behind it.

    Asked of the features without an l2 term, or, ``augmented``, of all with an l1 term, their l2 term seen as rows of
    data.
    """
    cdef Py_ssize_t j
    cdef double v, size, l1, slack = sqrt(point.projection), share = 1.0
    for j in range(point.size):
        l1 = point.alpha * point.l1[j]
        if (l1 == 0.0 if augmented else point.alpha * point.l2[j] > 0.0):
            continue
        v = point.correlations[j]
        size = slack * point.norms[j]
        if point.projected[j]:
            v = size = 0.0
        if augmented:
            v -= point.alpha * point.l2[j] * point.coef[j]
        size += fabs(v)
        if size > l1 and isinf(point.upper[j] if v > 0.0 else point.lower[j]) and l1 / size < share:
            share = l1 / size
    return share


cdef double gap_at(const Point *point, double share) noexcept nogil:
    """The gap at theta = share * (r + e)."""
    cdef Py_ssize_t j
    cdef double v, w, l1, l2, best, term, doubt, far
    cdef double slack = share * sqrt(point.projection)
    cdef double gap = 0.5 * (
        (1.0 - share) * (1.0 - share) * point.squared_residual + share * (2.0 - share) * point.projection
    )
    for j in range(point.size):
        w = point.coef[j]
        v = share * point.correlations[j]
        doubt = slack * point.norms[j]
        if point.projected[j]:
            v = doubt = 0.0
        best = conjugate_point(point, j, v)
        if isinf(best):
            return INFINITY
        l1, l2 = point.alpha * point.l1[j], point.alpha * point.l2[j]
        term = l1 * (fabs(w) - fabs(best)) + v * (best - w) + 0.5 * l2 * (w * w - best * best)
        gap += 0.0 if term < 0.0 else term               # this way round a NaN stays one
        if doubt > 0.0:                                  # a conjugate grows by no more than doubt times its slope there
            far = fmax(fabs(conjugate_point(point, j, v + doubt)), fabs(conjugate_point(point, j, v - doubt)))
            gap += doubt * (far + fabs(w))
    return gap


cdef double smallest_gap(const Point *point, bint has_l2) noexcept nogil:
    """Over the shares that the features without an l2 term need, that all need, and zero."""
    cdef double[3] shares
    cdef double gap = INFINITY, other
    cdef Py_ssize_t i
    shares[0] = largest_share(point, False)
    shares[1] = largest_share(point, True) if has_l2 else 0.0
    shares[2] = 0.0
    for i in range(3):                                   # a share whose first term alone is larger need not be tried
        if gap > 0.5 * (1.0 - shares[i]) * (1.0 - shares[i]) * point.squared_residual or i == 0:
            other = gap_at(point, shares[i])
            gap = gap if other >= gap else other         # this way round a NaN wins, and stays
    return gap


def duality_gaps(
    const double[:, ::1] coefs not None,                # IN   (k, m)
    const double[:, ::1] correlations not None,         # IN   (k, m)  of the same features with the residuals
    const unsigned char[:, ::1] projected not None,     # IN   (k, m)
    const double[::1] norms not None,                   # IN   (m,)
    const double[::1] l1 not None,                      # IN   (m,)
    const double[::1] l2 not None,                      # IN   (m,)
    const double[::1] lower not None,                   # IN   (m,)
    const double[::1] upper not None,                   # IN   (m,)
    const double[::1] alphas not None,                  # IN   (k,)
    const double[::1] squared_residuals not None,       # IN   (k,)
    const double[::1] projections not None,             # IN   (k,)
    double[::1] gaps not None,                          # OUT  (k,)
):
    """The gap of each row of coefs at its alpha."""
    cdef Py_ssize_t k, j, size = coefs.shape[1]
    cdef bint has_l2 = False
    cdef Point point
    if size == 0:
        for k in range(coefs.shape[0]):
            gaps[k] = 0.5 * projections[k]
        return
    with nogil:
        for j in range(size):
            has_l2 |= l2[j] > 0.0
        for k in range(coefs.shape[0]):
            point = Point(
                size, &coefs[k, 0], &correlations[k, 0], &projected[k, 0], &norms[0],
                &l1[0], &l2[0], &lower[0], &upper[0], alphas[k], squared_residuals[k], projections[k],
            )
            gaps[k] = smallest_gap(&point, has_l2)
