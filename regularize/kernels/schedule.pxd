"""When to sweep and when to take Newton steps: the same for coordinates and for blocks of them.

The reasons are notes f to i of quadratic.pyx.
"""
from libc.math cimport INFINITY

from regularize.kernels.anderson cimport begin_sweep
from regularize.kernels.block_acceleration cimport accelerate
from regularize.kernels.block_gap cimport (
    allowed_gap as allowed_block_gap, duality_gap as block_duality_gap, is_good_enough as are_blocks_good_enough,
)
from regularize.kernels.block_newton cimport (
    is_newton_dear, list_free, newton_step as block_newton_step, price_of_step,
)
from regularize.kernels.block_sweep cimport reach as reach_of_blocks, sweep as sweep_blocks
from regularize.kernels.block_task cimport BlockTask
from regularize.kernels.coordinate_sweep cimport reach, sweep
from regularize.kernels.gap cimport allowed_gap, duality_gap, is_good_enough
from regularize.kernels.newton cimport catch_up, mark, newton_step
from regularize.kernels.part cimport ACTIVE, ALL, FIXED, Part
from regularize.kernels.task cimport Task


ctypedef fused AnyTask:
    Task
    BlockTask

cdef enum Ending:
    DONE = 0                    # the gap on the working set is within the tolerance
    STUCK = 1                   # rounding, not the tolerance, ended the work
    SPENT = 2                   # max_iter sweeps and Newton steps are spent
    OUT_OF_BUDGET = 3           # the work budget of one call is spent: call again
    SHORT_OF_MEMORY = 4

cdef enum:
    APPROACH_STEPS = 10         # alphas of a rough path at most: a factor of about a thousand
    FOLLOWED = 3                # changes of the pattern that Newton steps follow before the first full sweep, at most
    ROUGH_SWEEPS = 4            # over blocks, at an alpha of a rough path
    PATTERN_SWEEPS = 6          # sweeps over the active part before a Newton step, at most
    NEWTON_STEPS = 40           # Newton steps between two full sweeps, at most
    STALLED_ROUNDS = 4          # rounds without progress of the gap that count as stalled
    WORK_BUDGET = 400_000_000   # multiply-adds per call, about a fifth of a second


cdef inline double approach_ratio() noexcept nogil:
    """Ratio of the alphas of a rough path, and how far a start may be off without one."""
    return 0.5


cdef inline Py_ssize_t sweep_any(AnyTask *task, Part part) noexcept nogil:
    if AnyTask is Task:
        return sweep(task, part)
    else:
        return sweep_blocks(task, part)


cdef inline double gap_of(AnyTask *task) noexcept nogil:
    if AnyTask is Task:
        return duality_gap(task)
    else:
        return block_duality_gap(task)


cdef inline double allowed_gap_of(AnyTask *task) noexcept nogil:
    if AnyTask is Task:
        return allowed_gap(task)
    else:
        return allowed_block_gap(task)


cdef inline bint is_dear(AnyTask *task) noexcept nogil:
    """Whether Newton steps cost more than a few sweeps: never where a factor is at hand."""
    if AnyTask is Task:
        return False
    else:
        return is_newton_dear(task)


cdef inline bint is_within(AnyTask *task, double gap) noexcept nogil:
    """Whether the gap is small enough."""
    if AnyTask is Task:
        return is_good_enough(task, gap)
    else:
        return are_blocks_good_enough(task, gap)


cdef inline bint is_done(AnyTask *task) noexcept nogil:
    return is_within(task, gap_of(task))


cdef inline double reach_of(AnyTask *task) noexcept nogil:
    """About the alpha to which the present coefficients would belong."""
    if AnyTask is Task:
        return reach(task)
    else:
        return reach_of_blocks(task)


cdef inline void settle_by_sweeps(BlockTask *task, Py_ssize_t max_iter, bint check) noexcept nogil:
    """Accelerated sweeps in about the time of a Newton step; ``check``: or until good enough, else a few."""
    cdef Py_ssize_t limit = min(task.work + price_of_step(task, list_free(task)), <Py_ssize_t> WORK_BUDGET)
    task.history.count = 0
    while task.n_iter < max_iter and task.work <= limit and (check or task.history.count < ROUGH_SWEEPS):
        begin_sweep(&task.history, task.coef)
        sweep_blocks(task, ALL)
        accelerate(task)
        if check and is_done(task):
            return


cdef inline void settle(AnyTask *task, Py_ssize_t max_iter, bint check) noexcept nogil:
    """Sweep over everything once, then over the active part until its pattern is stable; ``check``: or good enough."""
    cdef Py_ssize_t _k
    if AnyTask is BlockTask:
        if is_newton_dear(task):
            settle_by_sweeps(task, max_iter, check)
            return
    sweep_any(task, ALL)
    for _k in range(PATTERN_SWEEPS):
        if check and is_done(task):
            return
        if task.n_iter >= max_iter or sweep_any(task, ACTIVE) == 0:
            return


cdef inline void finish_pattern(AnyTask *task, Py_ssize_t max_iter) noexcept nogil:
    """Newton steps until one stays within the pattern; with blocks, whose curvature changes, while they help."""
    cdef Py_ssize_t _k
    cdef double gap, last = INFINITY
    if AnyTask is Task:
        mark(task)
    for _k in range(NEWTON_STEPS):
        if task.no_memory or task.n_iter >= max_iter or task.work > WORK_BUDGET:
            break
        if AnyTask is Task:
            if newton_step(task):
                break
        elif block_newton_step(task):
            gap = gap_of(task)
            if is_within(task, gap) or gap > 0.25 * last:
                break
            last = gap
    if AnyTask is Task:
        catch_up(task)


cdef inline void follow(AnyTask *task, Py_ssize_t max_iter) noexcept nogil:
    """Newton steps from the old pattern, letting in what they leave in violation while that is little; see note h."""
    cdef Py_ssize_t changes, many, _k
    if AnyTask is Task:
        many = task.factor.size
    else:                                                # blocks have no factor at hand
        many = 0 if is_newton_dear(task) or list_free(task) == 0 else task.n_blocks
    if many == 0:
        return
    for _k in range(FOLLOWED):
        finish_pattern(task, max_iter)
        if task.no_memory or task.n_iter >= max_iter or task.work > WORK_BUDGET:
            return
        changes = sweep_any(task, FIXED)
        if changes == 0 or 4 * changes > many or is_done(task):
            return


cdef inline bint approach(AnyTask *task, Py_ssize_t max_iter) noexcept nogil:
    """Follow the path roughly from where the start belongs down to near alpha; False if it is near; see note i."""
    cdef double target = task.alpha, alpha = approach_ratio() * reach_of(task)
    if alpha <= target:
        return False
    cdef Py_ssize_t _k
    for _k in range(APPROACH_STEPS):
        if alpha <= target or task.n_iter >= max_iter or task.work > WORK_BUDGET:
            break
        task.alpha = alpha
        settle(task, max_iter, False)
        if not is_dear(task):
            finish_pattern(task, max_iter)
        alpha *= approach_ratio()
    task.alpha = target
    return True


cdef inline Ending solve(AnyTask *task, Py_ssize_t max_iter, bint resumed) noexcept nogil:
    """Sweeps until the pattern settles, Newton on the pattern, until the gap is within the tolerance."""
    cdef double gap, best = INFINITY
    cdef Py_ssize_t stalled = 0
    task.largest_move = 0.0
    if is_done(task):
        return DONE
    if not resumed and not approach(task, max_iter):
        follow(task, max_iter)
        if is_done(task):
            return DONE
    while task.n_iter < max_iter:
        settle(task, max_iter, True)
        gap = gap_of(task)
        if not is_within(task, gap):
            finish_pattern(task, max_iter)
            gap = gap_of(task)
        if task.no_memory:
            return SHORT_OF_MEMORY
        if is_within(task, gap):
            return DONE
        if task.work > WORK_BUDGET:
            return OUT_OF_BUDGET
        stalled = 0 if gap < 0.5 * best else stalled + 1
        best = gap if gap < best else best
        if stalled >= STALLED_ROUNDS:
            return STUCK
    return SPENT
