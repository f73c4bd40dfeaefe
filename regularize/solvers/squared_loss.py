"""Penalised least squares in the user's units: the entry from the API, and the choice of the route."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from math import inf

import numpy as np
from numpy.typing import NDArray

from regularize.design import Design, Moments
from regularize.kernels.threads import one_thread
from regularize.penalties import GroupPenalty, Penalty
from regularize.solvers.gram_path import gram_problem
from regularize.solvers.path_driver import PathDriver
from regularize.solvers.problem import OnPoint, PathResult
from regularize.solvers.recorder import Recorder
from regularize.solvers.stretches import Stretches
from regularize.solvers.sweep_fit import FEW_ALPHAS, LEAST_ROWS, SweepFit, suits
from regularize.solvers.units import Units

Floats = NDArray[np.float64]
AnyPenalty = Penalty | GroupPenalty

SMALL_GRAM = 200  # features whose Gram matrix costs less than a few passes over X
SMALLEST_GRAM = 130  # or than the sweeps of a fit to one target
GRAM_PER_ALPHA = 20  # further features that one more alpha pays for
GRAM_FAR_DOWN = 120  # features for which it pays at alpha_max, in theory; eight times farther down for twice as many
WIDE_GRAM = 1200  # features up to which it pays with fewer rows, too
WIDE_PER_SAMPLE = 3  # or this many times the rows, for several targets
CHEAP_GRAM = 1.5e7  # multiply-adds that cost less than the sweeps of a fit, per target
GRAM_IN_SWEEPS = 9  # features of which the Gram matrix takes as long as one more sweep
LARGEST_GRAM = 2500
LARGEST_INT = 2**31 - 1
ROUNDING = 1e-14  # by which two ways to a correlation may differ: alpha_max is above both
USUAL_GRID = 100  # alphas that a grid is taken to have before it is known


def squared_loss_path(  # noqa: PLR0913 - all options of a path
    design: Design,
    y: Floats,
    penalty: AnyPenalty,
    alphas: Floats | Callable[[float], Floats],
    *,
    tol: float = 1e-4,
    max_iter: int = 1000,
    coef_init: Floats | None = None,
    use_gram: bool | None = None,
    solve_all: bool = False,
    on_point: OnPoint | None = None,
) -> PathResult:
    """Solve 1/2 sum_i s_i (y_i - b - x_i'w)^2 + penalty for each of the non-increasing alphas.

    y is (n,), or (n, T) for T targets that a group penalty holds together. ``alphas`` may be a function of alpha_max,
    which is then found on the way. Each answer has a duality gap of at most ``tol * sum_i s_i (y_i - mean)^2`` or says
    that it has not, whether it was solved or, unless ``solve_all``, interpolated. On Ctrl-C the solved alphas are
    returned if there are any.
    """
    max_iter = min(max_iter, LARGEST_INT)
    shape, (y, penalty) = y.shape[1:], blocked(y, penalty)
    n_alphas = USUAL_GRID if callable(alphas) else alphas.size
    by_gram, moments = wants_gram(design, y, n_alphas, use_gram), None
    if by_gram and not design.has_gram:
        with one_thread():
            moments = design.gather(y)
    units, null = _prepared(design, y, penalty, moments)
    if callable(alphas):
        alphas = alphas(_alpha_max(design, units, null))
    start = np.zeros((design.n_features, *y.shape[1:]))
    if coef_init is not None:
        start[:] = (coef_init * units.coef_scale).T.reshape(start.shape)
    recorder = Recorder(design, units, alphas, tol, on_point)
    task = PathTask(design, units, alphas, recorder, max_iter, start, null, solve_all)
    try:
        if by_gram:
            _gram_route(task)
        else:
            _columns_route(task, use_gram is None)
    except KeyboardInterrupt:
        if recorder.n_done == 0:
            raise
        recorder.interrupted = True
    return shaped(recorder.result(), shape)


def path_of_moments(
    design: Design,
    y: Floats,
    moments: Moments,
    penalty: AnyPenalty,
    alphas: Floats,
    *,
    tol: float,
    max_iter: int,
    stop: threading.Event,
) -> PathResult:
    """The same path when the moments of the rows are known: X and y are read only where the Gram matrix is not enough.

    ``design`` has taken the Gram matrix of the moments; ``stop`` ends the path early.
    """
    units, null = _prepared(design, y, penalty, moments)
    recorder = Recorder(design, units, alphas, tol, stop=stop)
    start = np.zeros((design.n_features, *y.shape[1:]))
    _gram_route(PathTask(design, units, alphas, recorder, min(max_iter, LARGEST_INT), start, null))
    return recorder.result()


def blocked(y: Floats, penalty: AnyPenalty) -> tuple[Floats, AnyPenalty]:
    """The problem as the solvers take it: y (n,) with a penalty of features, or (n, T) with one of groups."""
    if isinstance(penalty, Penalty):
        return y, penalty
    n_targets = 1 if y.ndim == 1 else y.shape[1]
    penalty = penalty.simplified(n_targets)
    if n_targets > 1 and penalty.features.has_kinks:
        raise NotImplementedError("Several targets together have no l1 terms and no bounds of single coefficients.")
    if isinstance(penalty, Penalty):
        return y.reshape(len(y)), penalty
    return y.reshape(len(y), -1), penalty


def shaped(path: PathResult, targets: tuple[int, ...]) -> PathResult:
    """The path in the shapes that belong to y of shape (n, *targets), whatever the solver took."""
    if path.coefs.ndim == 2 + len(targets):
        return path
    if targets:
        return replace(path, coefs=path.coefs[np.newaxis], intercepts=path.intercepts[np.newaxis])
    return replace(path, coefs=path.coefs[0], intercepts=path.intercepts[0])


def _prepared(design: Design, y: Floats, penalty: AnyPenalty, moments: Moments | None) -> tuple[Units, Floats]:
    """The units, and the correlations with the target: from moments if they are known, else from X and y."""
    if moments is None:
        units = Units.of(design, y, penalty)
        return units, design.correlations(units.target)
    units = Units.of_moments(design, y, penalty, moments)
    return units, units.correlations(design, moments)


def wants_gram(design: Design, y: Floats, n_alphas: int, use_gram: bool | None) -> bool:
    """Whether the Gram matrix of all features is the cheaper way: p small, or moderate for so many alphas.

    Paths of 100 alphas to 1e-3 alpha_max take a third of the time for 600 x 800, two thirds for 300 x 1200, as long for
    1000 x 2000; paths by groups gain as much. With several targets 400 x 1200 takes as long, 200 x 1200 half as long
    again.
    """
    if use_gram:
        return True
    p, has_one_target = design.n_features, y.ndim == 1 or y.shape[1] == 1
    is_swept = has_one_target and n_alphas <= FEW_ALPHAS and design.n_samples >= LEAST_ROWS
    small = min(SMALLEST_GRAM, SMALL_GRAM) if is_swept else SMALL_GRAM
    if p <= small:
        return True
    wide = WIDE_GRAM if has_one_target else min(WIDE_GRAM, WIDE_PER_SAMPLE * design.n_samples)
    widest = max(design.n_samples, wide)
    return p <= min(widest, LARGEST_GRAM, small + GRAM_PER_ALPHA * n_alphas)


def _is_far_down(design: Design, penalty: AnyPenalty, alphas: Floats, null: Floats) -> bool:
    """Whether alphas go so far down that the working set would grow to most of the features, in many steps.

    20000 x 400 takes as long either way at 1e-2 alpha_max, at 1e-3 by the Gram matrix a quarter.
    """
    p = design.n_features
    top, lowest = float(penalty.critical_alphas(null).max(initial=0.0)), float(alphas.min())
    return p <= min(design.n_samples, LARGEST_GRAM) and p**3 * lowest < GRAM_FAR_DOWN**3 * top


@dataclass(frozen=True)
class PathTask:
    """A path to be solved, in the units of Z, and who takes its answers.

    start: the first coefficients, (p,) or (T, p); null: the correlations of all features with the target;
    solve_all: whether no alpha may be interpolated.
    """

    design: Design
    units: Units
    alphas: Floats
    recorder: Recorder
    max_iter: int
    start: Floats
    null: Floats
    solve_all: bool = False

    def driver(self, start: Floats, null: Floats | None = None) -> PathDriver:
        """What solves it on working sets of columns."""
        units, tolerance = self.units, self.recorder.tolerance
        return PathDriver(self.design, units.target, units.penalty, self.alphas, tolerance, self.max_iter, start, null)


def _columns_route(task: PathTask, may_turn_to_gram: bool) -> None:
    """Few alphas by sweeps as long as they get there; others one after the other on a growing working set."""
    recorder, design = task.recorder, task.design
    turns_to_gram = may_turn_to_gram and _is_far_down(design, task.units.penalty, task.alphas, task.null)
    with one_thread():
        n_targets = task.start[0].size
        is_cheap = design.n_samples * design.n_features**2 <= CHEAP_GRAM * n_targets
        if suits(design, task.units.penalty, task.alphas) and not (turns_to_gram and is_cheap):
            rest = _swept(task, design.n_features / GRAM_IN_SWEEPS if turns_to_gram else inf)
            if rest is None:
                return
            task = rest
        if turns_to_gram:
            _gram_route(task)
            return
        driver = task.driver(task.start, task.null)
        driver.run(Stretches(driver, recorder.add, task.solve_all).steps())
        recorder.working_set_size = driver.working.size


def _swept(task: PathTask, instead: float) -> PathTask | None:
    """Solve alphas by sweeps, if they are not slower than ``instead`` so many; what is left of the task."""
    penalty, alphas, shape = task.units.penalty, task.alphas, task.start.shape
    if isinstance(penalty, Penalty):
        penalty = GroupPenalty.of_features(penalty)
    target, start, null = np.atleast_2d(task.units.target), task.start.reshape(shape[0], -1), np.atleast_2d(task.null)
    sweeps = SweepFit(task.design, target, penalty, task.recorder.tolerance, start, null, instead)
    for k in range(alphas.size):
        fit = sweeps.solve(float(alphas[k]), task.max_iter)
        task.recorder.working_set_size = sweeps.size
        coef = fit.coef.reshape(shape)
        if fit.gap is None:
            task.recorder.spent = fit.n_iter
            return replace(task, alphas=alphas[k:], start=coef, max_iter=task.max_iter - fit.n_iter)
        if task.recorder.add(np.array([fit.gap]), np.array([fit.n_iter]), slice(None), coef[np.newaxis]):
            break
    return None


def _gram_route(task: PathTask) -> None:
    """The whole path on the Gram matrix; alphas that its rounding cannot certify are finished on X."""
    design, units, alphas, recorder, max_iter = task.design, task.units, task.alphas, task.recorder, task.max_iter
    recorder.working_set_size = design.n_features
    problem = gram_problem(design.gram, task.null, units.squared_target, units.penalty, design.norms, design.lost)
    tolerance = recorder.tolerance
    driver: PathDriver | None = None

    def record(first: int, coefs: Floats, n_iters: NDArray[np.intp]) -> bool:
        nonlocal driver
        gaps = problem.certify(alphas[first : first + len(coefs)], coefs)
        doubts = gaps + problem.gap_noises(coefs, tolerance)
        doubtful = (doubts > tolerance) & (n_iters < max_iter)
        if not doubtful.any():
            return recorder.add(gaps, n_iters, problem.features, coefs)
        for k in range(len(coefs)):
            gap, n_iter, coef = gaps[k], n_iters[k], coefs[k]
            if doubtful[k]:
                if driver is None:
                    whole = np.zeros(task.start.shape)
                    whole[problem.features] = coef
                    driver = task.driver(whole)
                driver.max_iter = max_iter - int(n_iter)
                point = driver.solve(first + k)
                gap, n_iter = point.gap, n_iter + point.n_iter
                coef = driver.working.full_coef()[problem.features]
            if recorder.add(np.array([gap]), np.array([n_iter]), problem.features, coef[np.newaxis]):
                return True
        return False

    with one_thread():
        problem.solve(alphas, tolerance, max_iter, task.start[problem.features], record, task.solve_all)


def squared_loss_alpha_max(design: Design, y: Floats, penalty: AnyPenalty, moments: Moments | None = None) -> float:
    """The smallest alpha at which every feature with an l1 term stays at zero (or where its box is nearest to zero).

    The features that no alpha keeps at zero are fitted first; then alpha_max is the largest ``|c_j| / l1_j``, over
    the sides that the box leaves open.
    """
    y, penalty = blocked(y, penalty)
    return _alpha_max(design, *_prepared(design, y, penalty, moments))


def _alpha_max(design: Design, units: Units, null: Floats) -> float:
    """As above, from the correlations with the null residual."""
    inner, c = units.penalty, null
    if inner.always_active().size:
        tolerance, start = 1e-12 * units.squared_target, np.zeros(units.coef_scale.shape + null.shape[:-1])
        free = inner.without_kinks()
        driver = PathDriver(design, units.target, free, np.ones(1), tolerance, 1000, start, null)
        driver.solve(0)
        c = design.correlations(driver.working.residual)
    c = np.where(np.abs(c) <= 1e-13 * np.sqrt(units.squared_target), 0.0, c)  # what rounding leaves of no correlation
    return float(inner.critical_alphas(c).max(initial=0.0)) * (1.0 + ROUNDING)
