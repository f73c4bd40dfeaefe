"""A quadratic with a penalty on blocks of coefficients, on a working set, and what moves do to it.

Feature j of the working set has the T coefficients ``coef[j * width : (j + 1) * width]``; the features of block g are
``starts[g]`` to ``starts[g + 1] - 1``. A block without a norm is a single feature. Correlations lie target by target:
what moves a feature moves them all, in runs of memory however few the targets are.
"""
from regularize.kernels.anderson cimport History
from regularize.kernels.block cimport norm_of
from regularize.kernels.gram_rows cimport subtract_rows


cdef enum:
    MOST_PENDING = 8            # features whose moves the correlations may lack, but for the last block's
    RUN = 512                   # correlations that are moved at a time


cdef struct BlockTask:
    Py_ssize_t n_blocks
    Py_ssize_t size             # features in the working set
    Py_ssize_t width            # targets T
    Py_ssize_t stride           # leading dimension of gram
    const Py_ssize_t *starts    # (n_blocks + 1)
    const double *gram
    const double *response      # (width, size)  q = Z'Y
    const double *norm          # (n_blocks)
    const double *l1            # (size), as l2, lower and upper
    const double *l2
    const double *lower
    const double *upper
    double *correlations        # (width, size)  c = q - G w
    double *coef                # (size, width)
    double response_norm        # ||Y||^2
    double alpha
    double tolerance            # absolute, on the gap
    bint has_l2
    double *curvature           # (n_blocks): bounds of the largest eigenvalues of G_gg
    double *local               # 4 x (entries of the largest block)
    Py_ssize_t n_pending        # features that have moved, which the correlations do not know yet
    Py_ssize_t *pending         # (MOST_PENDING + features of the largest block)
    double *moves               # as many rows of width
    double *matrix              # (room, room), of the Newton step
    double *inverse             # (room, room), for several targets
    double *direction           # (size, width), as the next three
    double *step
    double *before
    double *old
    Py_ssize_t *free            # (size): positions of the free features
    Py_ssize_t *owner           # (size): their blocks
    Py_ssize_t room             # free features for which there is room
    History history             # of the last sweeps
    bint no_memory
    Py_ssize_t work             # multiply-adds spent in this call
    Py_ssize_t n_iter           # sweeps and Newton steps in this call
    double largest_move         # of a coefficient in the last sweep; after a Newton step what may be left to do


cdef inline void subtract(
    BlockTask *task, const Py_ssize_t *features, Py_ssize_t count, const double *step,
) noexcept nogil:
    """c -= G[:, features] step, for step (count, width)"""
    cdef Py_ssize_t k, a, t, few, begin = 0, run, size = task.size, width = task.width
    cdef double[4] own
    task.work += count * size * width
    if width == 1:
        subtract_rows(size, task.gram, task.stride, features, count, step, task.correlations)
        return
    while begin < size:                                  # few rows in short runs: they are at hand for all targets
        run = min(RUN, size - begin)
        for k in range(0, count, 4):
            few = min(4, count - k)
            for t in range(width):
                for a in range(few):
                    own[a] = step[(k + a) * width + t]
                subtract_rows(
                    run, task.gram + begin, task.stride, features + k, few, own, task.correlations + t * size + begin
                )
        begin += run


cdef inline void settle_moves(BlockTask *task) noexcept nogil:
    """Take what is pending from the correlations."""
    if task.n_pending > 0:
        subtract(task, task.pending, task.n_pending, task.moves)
        task.n_pending = 0


cdef inline bint is_free_entry(const BlockTask *task, Py_ssize_t j, double w) noexcept nogil:
    """Whether an entry of feature j moves smoothly, given that its block does."""
    if not task.lower[j] < w < task.upper[j]:
        return False
    return w != 0.0 if task.l1[j] > 0.0 else task.gram[j * task.stride + j] + task.alpha * task.l2[j] > 0.0


cdef inline double block_norm(const BlockTask *task, Py_ssize_t g) noexcept nogil:
    """||W_g||"""
    cdef Py_ssize_t begin = task.starts[g] * task.width
    return norm_of(task.starts[g + 1] * task.width - begin, task.coef + begin)
