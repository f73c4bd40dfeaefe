"""The duality gap of coefficient vectors; solvers/certificate.py says which and why.

The solvers stop by code of their own (gap.pxd): nothing here is shared with it.
"""
from libc.math cimport INFINITY, fabs, fmax, isinf, sqrt

from regularize.kernels.block cimport allowed_threshold, feasible_share

cdef double FLAT = 1e-14        # a threshold that rounding of correlations of size one covers


cdef struct Blocks:
    Py_ssize_t count
    const Py_ssize_t *begins    # entries of block g: begins[g] to ends[g] - 1
    const Py_ssize_t *ends
    const double *norm
    const double *radii         # bounds of the largest singular values of their columns
    const Py_ssize_t *block_of  # per entry, -1 for those in no block
    double *scratch             # (entries)

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
    Blocks blocks


cdef inline bint is_held(const Point *point, Py_ssize_t j) noexcept nogil:
    """Whether entry j is in a block whose norm holds it."""
    if point.blocks.count == 0 or point.blocks.block_of[j] < 0:
        return False
    return point.alpha * point.blocks.norm[point.blocks.block_of[j]] > FLAT


cdef bint is_every_entry_held(const Point *point) noexcept nogil:
    """Whether there is none but those in blocks whose norms hold them."""
    cdef Py_ssize_t g, count = 0
    for g in range(point.blocks.count):
        if not point.alpha * point.blocks.norm[g] > FLAT:
            return False
        count += point.blocks.ends[g] - point.blocks.begins[g]
    return count == point.size


cdef double conjugate_point(const Point *point, Py_ssize_t j, double v) noexcept nogil:
    """argmax_w v w - l1 |w| - l2/2 w^2 over the box; infinite where the conjugate is."""
    cdef double l1 = point.alpha * point.l1[j], l2 = point.alpha * point.l2[j], best = 0.0
    if fabs(v) - l1 > 1e-14 * fabs(v):                   # not by the rounding of the division that made the share
        best = INFINITY if l2 == 0.0 else (fabs(v) - l1) / l2
        best = -best if v < 0.0 else best
    if best < point.lower[j]:
        return point.lower[j]
    return point.upper[j] if best > point.upper[j] else best


cdef double share_of_blocks(const Point *point, bint augmented) noexcept nogil:
    """The largest t <= 1 at which the conjugates of all blocks are finite; see ``largest_share``."""
    cdef Py_ssize_t g, i, begin
    cdef double l2, share = 1.0
    cdef double *c = point.blocks.scratch
    for g in range(point.blocks.count):
        begin = point.blocks.begins[g]
        l2 = point.alpha * point.l2[begin]
        if (l2 > 0.0 and not augmented) or not is_held(point, begin):
            continue
        for i in range(point.blocks.ends[g] - begin):
            c[i] = point.correlations[begin + i] - (l2 * point.coef[begin + i] if augmented else 0.0)
        share = feasible_share(
            point.blocks.ends[g] - begin, c, point.l1 + begin, point.lower + begin, point.upper + begin, point.alpha,
            point.alpha * point.blocks.norm[g], sqrt(point.projection) * point.blocks.radii[g], share,
        )
    return share


cdef double gap_of_blocks(const Point *point, double share) noexcept nogil:
    """What the blocks add to the gap: norm ||W|| + l1 |W| + l2/2 ||W||^2 + conjugate(V) - <V, W>, V = share * c."""
    cdef Py_ssize_t g, j
    cdef double v, w, s, l2, threshold, size, squares, doubt, term, gap = 0.0
    for g in range(point.blocks.count):
        size = squares = term = 0.0
        for j in range(point.blocks.begins[g], point.blocks.ends[g]):
            squares += point.coef[j] * point.coef[j]
        threshold = point.alpha * point.blocks.norm[g]
        if threshold <= FLAT:
            gap += threshold * sqrt(squares)
            continue
        for j in range(point.blocks.begins[g], point.blocks.ends[g]):
            v, w = share * point.correlations[j], point.coef[j]
            s = allowed_threshold(v, point.alpha * point.l1[j], point.lower[j], point.upper[j])
            size += s * s
            term += point.alpha * point.l1[j] * fabs(w) - v * w
        size = sqrt(size)
        doubt = share * sqrt(point.projection) * point.blocks.radii[g]
        l2 = point.alpha * point.l2[point.blocks.begins[g]]
        term += threshold * sqrt(squares) + 0.5 * l2 * squares
        if l2 > 0.0:
            size = fmax(size - threshold, 0.0)
            term += 0.5 * size * size / l2
            gap += doubt * (size + doubt) / l2
        elif size + doubt > (1.0 + 1e-12) * threshold:
            return INFINITY
        gap += (0.0 if term < 0.0 else term) + doubt * sqrt(squares)
    return gap


cdef double largest_share(const Point *point, bint augmented) noexcept nogil:
    """The largest t <= 1 with |t v| <= l1 wherever an infinite bound stands behind it.

    Asked of the features without an l2 term, or, ``augmented``, of all with an l1 term, their l2 term seen as rows of
    data.
    """
    cdef Py_ssize_t j
    cdef double v, size, l1, slack = sqrt(point.projection), share = share_of_blocks(point, augmented)
    if is_every_entry_held(point):
        return share
    for j in range(point.size):
        l1 = point.alpha * point.l1[j]
        if is_held(point, j):
            continue
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
    ) + gap_of_blocks(point, share)
    if is_every_entry_held(point):
        return gap
    for j in range(point.size):
        if is_held(point, j):
            continue
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
    const Py_ssize_t[::1] begins not None,              # IN   (B,)  of the blocks with a norm
    const Py_ssize_t[::1] ends not None,                # IN   (B,)
    const double[::1] block_norm not None,              # IN   (B,)
    const double[::1] radii not None,                   # IN   (B,)
    const Py_ssize_t[::1] block_of not None,            # IN   (m,), not read for B = 0
    double[::1] scratch not None,                       # OUT  (m,), the same
):
    """The gap of each row of coefs at its alpha; an entry is one coefficient, whatever feature and target it is of."""
    cdef Py_ssize_t k, j, size = coefs.shape[1]
    cdef bint has_l2 = False
    cdef Point point
    cdef Blocks blocks = Blocks(begins.shape[0], NULL, NULL, NULL, NULL, NULL, NULL)
    if blocks.count > 0:
        blocks = Blocks(
            begins.shape[0], &begins[0], &ends[0], &block_norm[0], &radii[0], &block_of[0], &scratch[0]
        )
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
                blocks,
            )
            gaps[k] = smallest_gap(&point, has_l2)
