"""Scalar rules of one penalised coordinate: proximal step, conjugate, admissible segment."""
from libc.math cimport INFINITY, fabs


cdef inline double clip(double value, double lower, double upper) noexcept nogil:
    """np.clip(value, lower, upper)"""
    if value < lower:
        return lower
    if value > upper:
        return upper
    return value


cdef inline double soft_threshold(double u, double l1) noexcept nogil:
    """sign(u) * max(|u| - l1, 0)"""
    if u > l1:
        return u - l1
    if u < -l1:
        return u + l1
    return 0.0


cdef inline double prox(double u, double l1, double curvature, double lower, double upper) noexcept nogil:
    """argmin_v  curvature/2 v^2 - u v + l1 |v|  over [lower, upper].

    A coordinate without curvature carries no information on the response (u = 0): it rests at the
    point of the box that is nearest to zero.
    """
    if curvature <= 0.0:
        return clip(0.0, lower, upper)
    return clip(soft_threshold(u, l1) / curvature, lower, upper)


cdef inline double penalty_value(double w, double l1, double l2) noexcept nogil:
    """l1 |w| + l2/2 w^2"""
    return l1 * fabs(w) + 0.5 * l2 * w * w


cdef inline double conjugate_point(double v, double l1, double l2, double lower, double upper) noexcept nogil:
    """argmax_w  v w - l1 |w| - l2/2 w^2  over [lower, upper]; infinite where the conjugate is."""
    cdef double u = soft_threshold(v, l1)
    if l2 > 0.0:
        return clip(u / l2, lower, upper)
    if u > 0.0:
        return upper
    if u < 0.0:
        return lower
    return clip(0.0, lower, upper)


cdef inline double fenchel_young(
    double w, double v, double l1, double l2, double lower, double upper,
) noexcept nogil:
    """pen(w) + pen*(v) - v w >= 0: what coordinate w adds to the duality gap at the dual value v."""
    cdef double best = conjugate_point(v, l1, l2, lower, upper)
    cdef double term
    if best == INFINITY or best == -INFINITY:
        return INFINITY
    term = penalty_value(w, l1, l2) - penalty_value(best, l1, l2) + v * (best - w)
    return term if term > 0.0 else 0.0
