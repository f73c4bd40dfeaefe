"""The accelerated proximal gradient method for a smooth function of the user's own.

Design notes
------------
a. The method knows of the function only its values and gradients, and of the penalty only its two methods. Nothing is
   shared with the solvers of the package, so that the tests may use it as their second opinion.
b. ``_iterates`` is the method, without an end; :func:`proximal_gradient` decides when to stop.
c. The stopping rule is on a subgradient of the objective at the iterate that is returned, not on the gradient mapping
   at the extrapolated point: it costs nothing more, since the line search knows both gradients, bounds the gradient
   mapping from above, and does not depend on the step.
d. What rounding hides is not claimed: a step so short that it does not move x would otherwise look like the optimum.
e. Where values of f have no digits left for the line search, gradients decide (Becker, Candes and Grant 2011, Templates
   for convex cone problems, section 5.3). So the method goes on to the precision of the gradient.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count, islice
from numbers import Real
from typing import Any

import numpy as np

from regularize.proximal.arguments import Array, check_values
from regularize.proximal.penalties import Proximable
from regularize.validation import CONSTRAINTS, Constraint, InvalidParameterError, check_parameters
from regularize.validation.parameters import Floats, invalid_parameter, is_count

CALLER = "proximal_gradient"
RESTARTS, ON_INTERRUPT = ("gradient", "function", None), ("raise", "return")
SHORTEST, LONGEST = 0.1, 0.8  # what a rejected step may be multiplied by
SAFE = 0.9  # share of the longest step that the last trial would allow
GROWTH = 1.1  # of the step from one iteration to the next; less after it has failed, until momentum is dropped
RESOLVED = 1e-3  # rounding of values of f, relative to what the line search compares them with, that is let pass


def _is_positive(value: Any) -> bool:
    return isinstance(value, Real) and 0.0 < float(value) < math.inf


GRADIENT_CONSTRAINTS: dict[str, Constraint] = {
    "fun": ("callable", callable),
    "penalty": (
        "an object with the methods value(x) and prox(v, step)",
        lambda v: callable(getattr(v, "value", None)) and callable(getattr(v, "prox", None)),
    ),
    "step": ("a float in the range (0.0, inf) or None", lambda v: v is None or _is_positive(v)),
    "max_iter": ("an int in the range [1, inf)", is_count),
    "tol": CONSTRAINTS["tol"],
    "accelerate": CONSTRAINTS["fit_intercept"],
    "restart": ("a str among {'gradient', 'function'} or None", lambda v: v in RESTARTS),
    "backtracking": CONSTRAINTS["fit_intercept"],
    "callback": ("callable or None", lambda v: v is None or callable(v)),
    "on_interrupt": ("a str among {'raise', 'return'}", lambda v: v in ON_INTERRUPT),
}


@dataclass(frozen=True, eq=False)
class ProximalIterate:
    """Where :func:`proximal_gradient` stands after an iteration; what its callback gets.

    Attributes
    ----------
    n_iter : int
        Number of iterations so far.
    x : ndarray
        The iterate; not to be changed.
    objective : float
        ``f(x) + P(x)``.
    optimality : float
        What is compared with ``tol``.
    step : float
        Step length of this iteration.
    """

    n_iter: int
    x: Array
    objective: float
    optimality: float
    step: float


@dataclass(frozen=True, eq=False)
class ProximalResult:
    """Result of :func:`proximal_gradient`.

    Attributes
    ----------
    x : ndarray
        The last iterate, of the shape of ``x0``.
    objective : ndarray of shape (n_iter + 1,)
        ``f(x) + P(x)`` at ``x0`` and after each iteration.
    optimality : float
        Relative norm of a subgradient of the objective at ``x``, see :func:`proximal_gradient`; ``inf`` before the
        first iteration.
    reason : {'converged', 'max_iter', 'stalled', 'callback', 'interrupted'}
        Why it ended: ``tol`` or ``max_iter`` was reached, an iteration did not change anything any more (``tol`` is
        below what rounding allows), the callback said so, or Ctrl-C was pressed.
    n_iter : int
        Number of iterations.
    n_evaluations : int
        Number of calls of ``fun``.
    step : float
        Step length of the last iteration; a good one to start with on a similar problem.
    """

    x: Array
    objective: Floats
    optimality: float
    reason: str
    n_iter: int
    n_evaluations: int
    step: float

    @property
    def converged(self) -> bool:
        """Whether ``tol`` was reached."""
        return self.reason == "converged"


def proximal_gradient(
    fun: Callable[[Array], tuple[float, Any]],
    x0: Any,
    penalty: Proximable,
    *,
    step: float | None = None,
    max_iter: int = 10_000,
    tol: float = 1e-8,
    accelerate: bool = True,
    restart: str | None = "gradient",
    backtracking: bool = True,
    callback: Callable[[ProximalIterate], Any] | None = None,
    on_interrupt: str = "raise",
) -> ProximalResult:
    """Minimise a smooth function plus a penalty with the accelerated proximal gradient method.

    .. code-block:: text

        minimise_x  f(x) + P(x)

        x_k = prox(y - step grad f(y), step)
        y   = x_k + momentum (x_k - x_(k-1))

    Parameters
    ----------
    fun : callable
        ``fun(x) -> (value, gradient)`` of the smooth function f; the gradient has the shape of x, and x is not to be
        changed. Where f is not defined it may return NaN or infinity: the step is shortened then. With a gradient
        that is wrong (see :func:`scipy.optimize.check_grad`) the steps end up tiny, and nothing converges.
    x0 : array-like of any shape
        Where to start; f must be finite there. Of dtype float32 it stays that, otherwise x is float64.
    penalty : Proximable
        The convex P: one of the penalties in ``regularize.proximal``, or any object with methods ``value(x)`` and
        ``prox(v, step)``.
    step : float, default=None
        Step length to start with, or with ``backtracking=False`` the one to use; at most one over the Lipschitz
        constant of the gradient is safe. None finds one from the curvature of f at ``x0``.
    max_iter : int, default=10000
        Largest number of iterations.
    tol : float, default=1e-8
        The iteration stops when ``optimality``, see Notes, is at most ``tol``.
    accelerate : bool, default=True
        Whether to use momentum. Without it, steps that are short enough never raise the objective.
    restart : {'gradient', 'function'} or None, default='gradient'
        When to drop the momentum and begin it anew: when the step points against it, when the objective rises, or
        never.
    backtracking : bool, default=True
        Whether to shorten steps that are too long for the curvature of f where they go, and to try longer ones
        again.
    callback : callable, default=None
        Called as ``callback(iterate)`` with a :class:`ProximalIterate` after each iteration; what it returns ends
        the iteration if it is true.
    on_interrupt : {'raise', 'return'}, default='raise'
        What Ctrl-C does: 'raise' lets the KeyboardInterrupt pass, so that it ends a whole script, 'return' returns
        what has been reached, with ``reason='interrupted'``.

    Returns
    -------
    ProximalResult
        The iterate, the history of the objective, and why the iteration ended. No warning is given.

    Raises
    ------
    ValueError
        If an argument is invalid, if ``fun`` does not return a value and a gradient of the shape of x, or if no step
        leads to finite values.

    See Also
    --------
    ElasticNetPenalty : The penalty of the estimators.
    GroupPenalty : Norms of groups.

    Notes
    -----
    For convex f, whose gradient has the Lipschitz constant L, the objective is within ``2 L ||x0 - x*||^2 / (k + 1)^2``
    of its minimum after k iterations [1]_; restarts make that linear where the objective is strongly convex around the
    minimum, without knowing how strongly [2]_. An f that is not convex is accepted, without such promises, best with
    ``accelerate=False``.

    By the definition of the prox, ``s = (y - x)/step - grad f(y)`` is a subgradient of P at x. So

    .. code-block:: text

        optimality = (||grad f(x) + s|| + eps ||x|| / step) / max(||grad f(x)||, c ||x||)
        c          = ||grad f(x) - grad f(y)|| / ||x - y||,  at most 1 / step

    is the norm of a subgradient of the objective at x, its rounding included, relative to the gradients that f has at x
    and over the length of x. It does not depend on units, nor on where the iteration began. ``||grad f(x) + s||`` is at
    least the norm of the gradient mapping, and that times ``||x - x*||`` at least what the objective is above its
    minimum.

    An iteration calls ``fun`` twice with momentum and once without, and once more for each step that is shortened.
    With momentum, a longer step costs some of it [3]_.

    References
    ----------
    .. [1] A. Beck and M. Teboulle (2009), A fast iterative shrinkage-thresholding algorithm for linear inverse
       problems, SIAM Journal on Imaging Sciences 2(1).
    .. [2] B. O'Donoghue and E. Candes (2015), Adaptive restart for accelerated gradient schemes, Foundations of
       Computational Mathematics 15(3).
    .. [3] K. Scheinberg, D. Goldfarb and X. Bai (2014), Fast first-order methods for composite convex optimization with
       backtracking, Foundations of Computational Mathematics 14(3).

    Examples
    --------
    Huber's robust regression with a lasso penalty:

    >>> import numpy as np
    >>> from regularize.proximal import L1Penalty, proximal_gradient
    >>> X = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [2.0, 1.0]])
    >>> y = np.array([1.0, 0.0, 1.0, 20.0])
    >>> def huber(w):
    ...     residual = X @ w - y
    ...     slope = np.clip(residual, -1, 1)
    ...     return slope @ (residual - slope / 2), X.T @ slope
    >>> result = proximal_gradient(huber, np.zeros(2), L1Penalty(0.5))
    >>> result.reason
    'converged'
    >>> print(result.x.round(4))
    [1.75 0.  ]
    """
    arguments = dict(locals())
    check_parameters(CALLER, arguments, GRADIENT_CONSTRAINTS)
    if step is None and not backtracking:
        raise invalid_parameter(CALLER, "step", "must be given with backtracking=False.")
    smooth = _Smooth(fun)
    start = smooth(np.array(check_values(CALLER, "x0", x0)))
    if not (np.all(np.isfinite(start.x)) and start.is_finite):
        raise invalid_parameter(CALLER, "x0", "must be finite, and so must be the value and gradient of fun there.")

    first_objective = start.value + float(penalty.value(start.x))
    reached = ProximalIterate(0, start.x, first_objective, math.inf, math.nan if step is None else float(step))
    history, reason = [first_objective], ""
    try:
        step = _first_step(smooth, penalty, start) if step is None else float(step)
        iterates = _iterates(smooth, penalty, start, step, accelerate=accelerate, restart=restart, search=backtracking)
        for iterate in islice(iterates, max_iter):
            reached = iterate
            history.append(iterate.objective)
            is_told_to_end = callback is not None and callback(iterate)
            if iterate.optimality <= tol or is_told_to_end:
                reason = "converged" if iterate.optimality <= tol else "callback"
                break
    except KeyboardInterrupt:
        if on_interrupt == "raise":
            raise
        reason = "interrupted"
    n_iter = reached.n_iter
    return ProximalResult(
        x=reached.x,
        objective=np.array([*history, reached.objective][: n_iter + 1]),  # Ctrl-C may have come before the append
        optimality=reached.optimality,
        reason=reason or ("max_iter" if n_iter == max_iter else "stalled"),
        n_iter=n_iter,
        n_evaluations=smooth.n_evaluations,
        step=reached.step,
    )


@dataclass(frozen=True, eq=False)
class _Point:
    """A point, and the function there."""

    x: Array
    value: float
    gradient: Floats
    gradient_norm: float

    @property
    def is_finite(self) -> bool:
        return math.isfinite(self.value) and math.isfinite(self.gradient_norm)


class _Smooth:
    """The user's function: its calls counted, and what it returns checked."""

    def __init__(self, fun: Callable[[Array], Any]) -> None:
        self._fun = fun
        self.n_evaluations = 0
        self.eps = 0.0  # of the arithmetic in which x and the gradient are known

    def __call__(self, x: Array) -> _Point:
        self.n_evaluations += 1
        returned = self._fun(x)
        if not (isinstance(returned, tuple | list) and len(returned) == 2):
            raise InvalidParameterError(
                f"fun of {CALLER} must return a pair (value, gradient). Got {returned!r} instead."
            )
        value, gradient = returned
        if np.ndim(value) != 0 or np.iscomplexobj(value):
            raise InvalidParameterError(f"fun of {CALLER} must return a real number as value. Got {value!r} instead.")
        gradient = check_values(CALLER, "gradient of fun", gradient)
        if gradient.shape != x.shape:
            got = f"Got {gradient.shape} instead."
            raise InvalidParameterError(f"fun of {CALLER} must return a gradient of the shape of x, {x.shape}. {got}")
        self.eps = float(max(np.finfo(x.dtype).eps, np.finfo(gradient.dtype).eps))
        gradient = np.array(gradient, dtype=np.float64)  # a copy: fun may use the same array again
        return _Point(x, float(value), gradient, float(np.linalg.norm(gradient)))


def _iterates(
    smooth: _Smooth,
    penalty: Proximable,
    start: _Point,
    step: float,
    *,
    accelerate: bool,
    restart: str | None,
    search: bool,
) -> Iterator[ProximalIterate]:
    """The iterates one after the other, until one does not differ from where its step began."""
    current = origin = start
    objective = math.inf
    inertia = 1.0  # t_k of Beck and Teboulle
    growth = most = GROWTH if search else 1.0
    for n_iter in count(1):
        previous, last_objective = current, objective
        current, accepted = _proximal_step(smooth, penalty, origin, step, search)
        objective = current.value + float(penalty.value(current.x))
        yield ProximalIterate(
            n_iter, current.x, objective, _optimality(origin, current, accepted, smooth.eps), accepted
        )
        if np.array_equal(current.x, origin.x):
            return
        is_against = np.vdot(origin.x - current.x, current.x - previous.x) > 0.0
        has_risen = objective > last_objective
        if not accelerate or (restart == "gradient" and is_against) or (restart == "function" and has_risen):
            origin, inertia, growth = current, 1.0, most
        else:
            growth = growth if accepted == step else math.sqrt(growth)  # what failed is tried more modestly
            # step_(k+1) (t_(k+1)^2 - t_(k+1)) = step_k t_k^2 keeps the rate; a shorter step_(k+1) does not hurt
            last_inertia, inertia = inertia, 0.5 + math.sqrt(0.25 + inertia * inertia / growth)
            origin = _extrapolated(smooth, current, previous, (last_inertia - 1.0) / inertia)
        step = growth * accepted


def _proximal_step(
    smooth: _Smooth, penalty: Proximable, origin: _Point, step: float, search: bool
) -> tuple[_Point, float]:
    """``prox(y - step grad f(y), step)`` and the step, shortened if need be until

    f(x) <= f(y) + grad f(y)'(x - y) + ||x - y||^2 / (2 step).
    """
    while True:
        trial = _trial(smooth, penalty, origin, step)
        if trial is None:
            shorter = SHORTEST * step
        else:
            move = np.subtract(trial.x, origin.x, dtype=np.float64)
            square = float(np.vdot(move, move))
            curvature = _curvature(origin, trial, move, square / step, smooth.eps)
            if not search or curvature * step <= square:
                return trial, step
            shorter = step * min(LONGEST, max(SHORTEST, SAFE * square / (curvature * step)))
        if not search or shorter == 0.0:
            raise ValueError(
                f"{CALLER}: fun or the prox is not finite after a step of length {step:g}, or the gradient is wrong."
            )
        step = shorter


def _trial(smooth: _Smooth, penalty: Proximable, origin: _Point, step: float) -> _Point | None:
    """Where a step leads; None if that is not finite."""
    with np.errstate(over="ignore", invalid="ignore"):
        target = origin.x - step * origin.gradient
    if not np.all(np.isfinite(target)):
        return None
    x = np.asarray(penalty.prox(target, step)).astype(origin.x.dtype, copy=False)
    if x.shape != target.shape:
        complaint = f"has a prox that maps shape {target.shape} to shape {x.shape}."
        raise invalid_parameter(CALLER, "penalty", complaint)
    point = smooth(x) if np.all(np.isfinite(x)) else None
    return point if point is not None and point.is_finite else None


def _curvature(origin: _Point, trial: _Point, move: Floats, bound: float, eps: float) -> float:
    """``move'H move``, with H the mean Hessian between two points, less what may be rounding.

    From values, ``2 (f(x) - f(y) - grad f(y)'move)``, if they have the digits to compare it with the bound; otherwise
    from gradients, ``(grad f(x) - grad f(y))'move``, which is the same for a quadratic f.
    """
    if eps * (abs(trial.value) + abs(origin.value)) <= RESOLVED * bound:
        return 2.0 * (trial.value - origin.value - float(np.vdot(origin.gradient, move)))
    length = float(np.linalg.norm(move))
    rounding = eps * (trial.gradient_norm + origin.gradient_norm) * length
    return float(np.vdot(trial.gradient - origin.gradient, move)) - rounding


def _optimality(origin: _Point, point: _Point, step: float, eps: float) -> float:
    """Relative norm of a subgradient of the objective, its rounding included."""
    move, change = origin.x - point.x, origin.gradient - point.gradient
    length, size = float(np.linalg.norm(move)), float(np.linalg.norm(point.x))
    distance = float(np.linalg.norm(move / step - change)) + eps * size / step
    curvature = min(float(np.linalg.norm(change)) / length, 1.0 / step) if length > 0.0 else 0.0
    unit = max(point.gradient_norm, curvature * size)
    if distance == 0.0:
        return 0.0
    return distance / unit if unit > 0.0 else math.inf


def _extrapolated(smooth: _Smooth, current: _Point, previous: _Point, momentum: float) -> _Point:
    """The point from which the next step is taken; the current one without momentum, or if f is not finite there."""
    if momentum == 0.0:
        return current
    point = smooth(current.x + current.x.dtype.type(momentum) * (current.x - previous.x))
    return point if point.is_finite else current


def _first_step(smooth: _Smooth, penalty: Proximable, start: _Point) -> float:
    """A step that is hardly too short, for the line search to shorten.

    A smooth function that is not negative has ``||grad f||^2 <= 2 L f``, so ``2 f / ||grad f||^2`` is at least 1/L. The
    curvature on the way to where it leads makes it longer, if the function says too little by its value.
    """
    square = start.gradient_norm**2
    step = 2.0 * abs(start.value) / square if square > 0.0 else 1.0
    step = step if 0.0 < step < math.inf else 1.0
    trial = None
    while trial is None:
        trial = _trial(smooth, penalty, start, step)
        step = step if trial is not None else SHORTEST * step
        if step == 0.0:
            raise ValueError(f"{CALLER}: fun or the prox is not finite after any step from x0.")
    change = float(np.linalg.norm(trial.gradient - start.gradient))
    if change <= 1e3 * smooth.eps * start.gradient_norm:  # rounding
        return step
    return max(step, float(np.linalg.norm(trial.x - start.x)) / change)
