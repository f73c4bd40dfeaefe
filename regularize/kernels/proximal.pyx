"""Proximal operators, in place.

Values are float32 or float64 and computed in float64; NaN passes through. A parameter has one entry per value (a view
of stride zero for a single number), is not negative and may be infinite. But for clipping to a box nothing is shared
with the kernels of the solvers, whose second opinion this is.
"""
from cython cimport floating
from libc.math cimport INFINITY, copysign, fabs, sqrt

from regularize.kernels.scalar cimport clip


cdef inline double shrink(double value, double threshold) noexcept nogil:
    """sign(value) * max(|value| - threshold, 0)"""
    if fabs(value) <= threshold:
        return 0.0
    return copysign(fabs(value) - threshold, value)


# ---------------------------------------------------------------------------------- elementwise


def soft_threshold(
    floating[::1] values not None,              # IN/OUT  (n,)
    const double[:] threshold not None,         # IN      (n,)
):
    """argmin_x  1/2 (x - v)^2 + threshold |x|"""
    cdef Py_ssize_t i
    with nogil:
        for i in range(values.shape[0]):
            values[i] = <floating>shrink(values[i], threshold[i])


def elastic_net(
    floating[::1] values not None,              # IN/OUT  (n,)
    const double[:] l1 not None,                # IN      (n,)
    const double[:] l2 not None,                # IN      (n,)
    const double[:] lower not None,             # IN      (n,)
    const double[:] upper not None,             # IN      (n,)
):
    """argmin_x  1/2 (x - v)^2 + l1 |x| + l2/2 x^2  over [lower, upper]"""
    cdef Py_ssize_t i
    with nogil:
        for i in range(values.shape[0]):
            values[i] = <floating>clip(shrink(values[i], l1[i]) / (1.0 + l2[i]), lower[i], upper[i])


def squared_l2(
    floating[::1] values not None,              # IN/OUT  (n,)
    const double[:] l2 not None,                # IN      (n,)
    const double[:] center not None,            # IN      (n,)
):
    """argmin_x  1/2 (x - v)^2 + l2/2 (x - center)^2"""
    cdef Py_ssize_t i
    cdef double share
    with nogil:
        for i in range(values.shape[0]):
            share = l2[i] / (1.0 + l2[i]) if l2[i] < INFINITY else 1.0
            values[i] = <floating>(values[i] / (1.0 + l2[i]) + share * center[i])


def box(
    floating[::1] values not None,              # IN/OUT  (n,)
    const double[:] lower not None,             # IN      (n,)
    const double[:] upper not None,             # IN      (n,)
):
    """argmin_x  1/2 (x - v)^2  over [lower, upper]"""
    cdef Py_ssize_t i
    with nogil:
        for i in range(values.shape[0]):
            values[i] = <floating>clip(values[i], lower[i], upper[i])


# --------------------------------------------------------------------------------------- groups


cdef double group_norm(
    const floating[:, ::1] values, const Py_ssize_t[::1] indices, Py_ssize_t first, Py_ssize_t last,
) noexcept nogil:
    """Euclidean norm of the rows ``indices[first:last]`` as one vector, safe from overflow and underflow."""
    cdef Py_ssize_t k, t
    cdef double squares = 0.0, largest = 0.0
    for k in range(first, last):
        for t in range(values.shape[1]):
            squares += <double>values[indices[k], t] * values[indices[k], t]
    if 1e-280 < squares < 1e280 or squares != squares:        # has kept its digits, or is not a number
        return sqrt(squares)
    for k in range(first, last):
        for t in range(values.shape[1]):
            largest = max(largest, fabs(values[indices[k], t]))
    if largest == 0.0 or largest == INFINITY:
        return largest
    squares = 0.0
    for k in range(first, last):
        for t in range(values.shape[1]):
            squares += (values[indices[k], t] / largest) * (values[indices[k], t] / largest)
    return largest * sqrt(squares)


def group_norms(
    const floating[:, ::1] values not None,     # IN   (n, t)
    const Py_ssize_t[::1] starts not None,      # IN   (n_groups + 1,)
    const Py_ssize_t[::1] indices not None,     # IN   rows of all groups, one group after the other
    double[::1] norms not None,                 # OUT  (n_groups,)
):
    """norms_g = ||values[indices[starts_g:starts_(g + 1)]]||, the Frobenius norm of the rows of group g"""
    cdef Py_ssize_t g
    with nogil:
        for g in range(norms.shape[0]):
            norms[g] = group_norm(values, indices, starts[g], starts[g + 1])


def shrink_groups(
    floating[:, ::1] values not None,           # IN/OUT  (n, t)
    const double[:] threshold not None,         # IN      (n_groups,)
    const Py_ssize_t[::1] starts not None,      # IN      (n_groups + 1,)
    const Py_ssize_t[::1] indices not None,     # IN      rows of all groups; a row is in one group at most
):
    """Multiply the rows of group g by max(1 - threshold_g / norm_g, 0): argmin_X 1/2 ||X - V||^2 + threshold_g ||X||"""
    cdef Py_ssize_t g, k, t
    cdef double norm, kept
    with nogil:
        for g in range(threshold.shape[0]):
            norm = group_norm(values, indices, starts[g], starts[g + 1])
            kept = 0.0 if norm <= threshold[g] else (norm - threshold[g]) / norm
            for k in range(starts[g], starts[g + 1]):
                for t in range(values.shape[1]):           # no negative zeros
                    values[indices[k], t] = <floating>(kept * values[indices[k], t]) if kept != 0.0 else 0.0
