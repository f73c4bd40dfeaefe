"""Collects the solved points of a path in the user's units."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from regularize.design import Design
from regularize.solvers.problem import OnPoint, PathPoint, PathResult
from regularize.solvers.units import Units

Floats = NDArray[np.float64]


class Recorder:
    """Holds what is solved so far; whatever ends the path, ``result`` gives that much."""

    def __init__(self, design: Design, units: Units, alphas: Floats, tol: float, on_point: OnPoint | None) -> None:
        self.tolerance = tol * units.squared_target
        self.n_done = 0
        self.interrupted = False
        self.working_set_size = 0
        self._design = design
        self._units = units
        self._alphas = alphas
        self._on_point = on_point
        self._coefs: list[tuple[NDArray[np.intp] | slice, Floats]] = []
        self._targets = np.shape(units.response_mean)
        self._intercepts = np.zeros((alphas.size, *self._targets))
        self._gaps = np.zeros(alphas.size)
        self._n_iters = np.zeros(alphas.size, dtype=np.intp)

    def add(self, gap: float, n_iter: int, features: NDArray[np.intp] | slice, coef: Floats) -> bool:
        """Record the next alpha, given in the units of Z; True when the callback wants the path to end.

        ``features`` is kept as it is, not copied.
        """
        k, units = self.n_done, self._units
        w = (coef.T / units.coef_scale[features]).T
        self._coefs.append((features, w))
        if self._design.fit_intercept:
            self._intercepts[k] = units.response_mean - self._design.mean[features] @ w
        self._gaps[k] = gap
        self._n_iters[k] = n_iter
        self.n_done += 1
        if self._on_point is None:
            return False
        gap = gap * units.response_scale * units.response_scale  # the square alone might overflow
        point = PathPoint(k, float(self._alphas[k]), gap, int(n_iter), int(np.count_nonzero(w)))
        if self._on_point(point):
            self.interrupted = True
        return self.interrupted

    def result(self) -> PathResult:
        """The solved part of the path."""
        done, unit = slice(0, self.n_done), self._units.response_scale
        shape = self.n_done, self._design.n_features, *self._targets
        coefs = np.zeros(shape)  # untouched pages of zeros cost no memory
        for row, (features, w) in zip(coefs, self._coefs, strict=True):
            row[features] = w
        return PathResult(
            alphas=self._alphas[done],
            coefs=coefs.T,
            intercepts=self._intercepts[done].T,
            dual_gaps=self._gaps[done] * unit * unit,
            n_iters=self._n_iters[done],
            converged=self._gaps[done] <= self.tolerance,
            tolerance=self.tolerance * unit * unit,
            interrupted=self.interrupted,
            n_passes=self._design.n_passes,
            working_set_size=self.working_set_size,
        )
