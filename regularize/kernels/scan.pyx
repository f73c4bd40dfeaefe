"""Linear scans over all features: which of them may violate optimality."""


def exceeding(
    const double[::1] newest not None,          # IN   (p,)  correlations of the newest full pass
    const double[::1] older not None,           # IN   (p,)  correlations of its look-ahead
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
