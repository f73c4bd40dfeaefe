"""Collects the solved points of a path in the user's units."""

from __future__ import annotations

import threading

import numpy as np
from numpy.typing import NDArray

from regularize.design import Design
from regularize.solvers.problem import OnPoint, PathPoint, PathResult
from regularize.solvers.units import Units

Floats = NDArray[np.float64]


class Recorder:
    """Holds what is solved so far; whatever ends the path, ``result`` gives that much."""

    def __init__(
        self,
        design: Design,
        units: Units,
        alphas: Floats,
        tol: float,
        on_point: OnPoint | None = None,
        stop: threading.Event | None = None,
    ) -> None:
        self.tolerance = tol * units.squared_target
        self.n_done = 0
        self.interrupted = False
        self.working_set_size = 0
        self.spent = 0  # iterations that the next alpha has had from another solver
        self._design = design
        self._units = units
        self._alphas = alphas
        self._on_point = on_point
        self._stop = stop
        self._coefs: list[tuple[slice, NDArray[np.intp] | slice, Floats]] = []
        self._targets = np.shape(units.response_mean)
        self._intercepts = np.zeros((alphas.size, *self._targets))
        self._gaps = np.zeros(alphas.size)
        self._n_iters = np.zeros(alphas.size, dtype=np.intp)

    def add(self, gaps: Floats, n_iters: NDArray[np.intp], features: NDArray[np.intp] | slice, coefs: Floats) -> bool:
        """Record the next alphas with coefs (m, ...), given in the units of Z; True when the path is to end.

        It ends where the callback or the event wants it to. ``features`` is kept as it is, not copied.
        """
        if self.spent:
            n_iters, self.spent = np.append(n_iters[0] + self.spent, n_iters[1:]), 0
        if self._on_point is None:
            self._take(gaps, n_iters, features, coefs)
            return self._is_stopped()
        unit = self._units.response_scale
        for i in range(len(coefs)):
            one, k = slice(i, i + 1), self.n_done
            w = self._take(gaps[one], n_iters[one], features, coefs[one])[0]
            gap = float(gaps[i]) * unit * unit  # the square alone might overflow
            point = PathPoint(k, float(self._alphas[k]), gap, int(n_iters[i]), int(np.count_nonzero(w)))
            if self._on_point(point):
                self.interrupted = True
            if self._is_stopped():
                return True
        return False

    def _is_stopped(self) -> bool:
        self.interrupted |= self._stop is not None and self._stop.is_set()
        return self.interrupted

    def _take(
        self, gaps: Floats, n_iters: NDArray[np.intp], features: NDArray[np.intp] | slice, coefs: Floats
    ) -> Floats:
        """Keep the next alphas; returns their coefficients in the user's units."""
        units, points = self._units, slice(self.n_done, self.n_done + len(coefs))
        scale = units.coef_scale[features]
        w = np.asarray(coefs / (scale if coefs.ndim == 2 else scale[:, np.newaxis]))
        self._coefs.append((points, features, w))
        if self._design.fit_intercept:
            self._intercepts[points] = units.response_mean - np.einsum("j,kj...->k...", self._design.mean[features], w)
        self._gaps[points] = gaps
        self._n_iters[points] = n_iters
        self.n_done = points.stop
        return w

    def result(self) -> PathResult:
        """The solved part of the path."""
        done, unit = slice(0, self.n_done), self._units.response_scale
        shape = self.n_done, self._design.n_features, *self._targets
        coefs = np.zeros(shape)  # untouched pages of zeros cost no memory
        for points, features, w in self._coefs:
            coefs[points, features] = w
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
