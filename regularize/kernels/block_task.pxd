"""A quadratic with a penalty on blocks of coefficients, on a working set, and what moves do to it.

Feature j of the working set has the T coefficients ``coef[j * width : (j + 1) * width]``; the features of block g are
``starts[g]`` to ``starts[g + 1] - 1``. A block without a norm is a single feature.
"""
from regularize.kernels.block cimport norm_of


cdef struct BlockTask:
    Py_ssize_t n_blocks
    Py_ssize_t size             # features in the working set
    Py_ssize_t width            # targets T
    Py_ssize_t stride           # leading dimension of gram
    const Py_ssize_t *starts    # (n_blocks + 1)
    const double *gram
    const double *response      # (size, width)  q = Z'Y
    const double *norm          # (n_blocks)
    const double *l1            # (size), as l2, lower and upper
    const double *l2
    const double *lower
    const double *upper
    double *correlations        # (size, width)  c = q - G w
    double *coef                # (size, width)
    double response_norm        # ||Y||^2
    double alpha
    double tolerance            # absolute, on the gap
    bint has_l2
    double *curvature           # (n_blocks): bounds of the largest eigenvalues of G_gg
    double *local               # 4 x (entries of the largest block)
    double *matrix              # (room, room), of the Newton step
    double *inverse             # (room, room), for several targets
    double *direction           # (size, width), as the next three
    double *step
    double *before
    double *old
    Py_ssize_t *free            # (size): positions of the free features
    Py_ssize_t *owner           # (size): their blocks
    Py_ssize_t room             # free features for which there is room
    bint no_memory
    Py_ssize_t work             # multiply-adds spent in this call
    Py_ssize_t n_iter           # sweeps and Newton steps in this call
    double largest_move         # of a coefficient in the last sweep; after a Newton step what may be left to do


cdef inline void subtract(
    BlockTask *task, const Py_ssize_t *features, Py_ssize_t count, const double *step,
) noexcept nogil:
    """c -= G[:, features] step, for step (count, width); for one target four columns at a time, as in newton.pxd."""
    cdef Py_ssize_t i, k = 0, t, size = task.size, width = task.width
    cdef double *c = task.correlations
    cdef const double *g0
    cdef const double *g1
    cdef const double *g2
    cdef const double *g3
    cdef double s0, s1, s2, s3
    task.work += count * size * width
    while width == 1 and k + 4 <= count:
        g0 = task.gram + features[k] * task.stride
        g1 = task.gram + features[k + 1] * task.stride
        g2 = task.gram + features[k + 2] * task.stride
        g3 = task.gram + features[k + 3] * task.stride
        s0, s1, s2, s3 = step[k], step[k + 1], step[k + 2], step[k + 3]
        for i in range(size):
            c[i] -= s0 * g0[i] + s1 * g1[i] + s2 * g2[i] + s3 * g3[i]
        k += 4
    while k < count:
        g0 = task.gram + features[k] * task.stride
        for i in range(size):
            s0 = g0[i]
            for t in range(width):
                c[i * width + t] -= s0 * step[k * width + t]
        k += 1


cdef inline bint is_free_entry(const BlockTask *task, Py_ssize_t j, double w) noexcept nogil:
    """Whether an entry of feature j moves smoothly, given that its block does."""
    if not task.lower[j] < w < task.upper[j]:
        return False
    return w != 0.0 if task.l1[j] > 0.0 else task.gram[j * task.stride + j] + task.alpha * task.l2[j] > 0.0


cdef inline double block_norm(const BlockTask *task, Py_ssize_t g) noexcept nogil:
    """||W_g||"""
    cdef Py_ssize_t begin = task.starts[g] * task.width
    return norm_of(task.starts[g + 1] * task.width - begin, task.coef + begin)
