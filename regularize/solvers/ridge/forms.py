"""What the ways of solving a ridge problem have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from regularize.design.blocks import blocks
from regularize.solvers.ridge.shifted_system import EPS, TINY, FactoredSystem, ShiftedSystem
from regularize.solvers.ridge.units import RidgeProblem

Floats = NDArray[np.float64]
Which = NDArray[np.intp]

FEW_ANSWERS = 3  # that are always corrected by the residual from X; so is a twentieth of the system's size
SHARE_OF_SIZE = 20
WELL_CONDITIONED = 1e4  # up to here a Gram matrix costs no digits that matter
REFINED = 1e-12  # a relative correction that needs no further one
CONTRACTION = 0.5  # corrections that shrink by less have met rounding
TRUSTED = 1e-6  # the last relative correction of an answer that is to be trusted, however well conditioned
MAX_REFINEMENTS = 5
LARGEST_LOSS = 1e4  # by which what is projected out may exceed what is left, if matrices are to be trusted
TRACEABLE = 1e6  # condition numbers up to which traces are precise beside n minus themselves: nothing corrects them
NO_ROOM = 256.0 * EPS  # a share of a row that the others do not determine: nothing can be said of it without the row
NOTHING = 1e-28  # a share of the squared responses that no gap is told from
ERRORS_AT_ONCE = 1 << 22  # entries of leave-one-out errors that are held together


@dataclass
class Solutions:
    """For k alphas and m of the targets, in the units of the problem.

    coefs (k, m, p), of the columns as the user gave them; offsets (k, m), the intercept for centred responses;
    gaps, squared_errors (k, m); n_iters (k, m); converged (k, m), whether an iteration ended by its own criterion.
    """

    coefs: Floats
    offsets: Floats
    gaps: Floats
    squared_errors: Floats
    n_iters: NDArray[np.intp]
    converged: NDArray[np.bool_]

    @classmethod
    def joined(cls, parts: Sequence[Part], shape: tuple[int, int, int]) -> Solutions:
        """One record of (k, t, p) from parts."""
        offsets, gaps, errors = np.empty((3, *shape[:2]))
        n_iters, converged = np.empty(shape[:2], dtype=np.intp), np.empty(shape[:2], dtype=np.bool_)
        out = cls(np.empty(shape), offsets, gaps, errors, n_iters, converged)
        for rows, which, found in parts:
            place = np.ix_(rows, which)
            for name, values in vars(found).items():
                getattr(out, name)[place] = values
        return out


Part = tuple[NDArray[np.intp], Which, Solutions]  # with their places among the alphas and among the targets


class RidgeForm(ABC):
    """One factorisation of a ridge problem; it serves all alphas and targets."""

    name: str
    problem: RidgeProblem
    answer_limit = row_limit = np.inf  # condition numbers up to which answers, and shares of rows, are trusted
    _system: ShiftedSystem | FactoredSystem
    _lost = 1.0  # how much larger what was projected out is than what is left
    certified = True  # few answers are all corrected by X, which certifies them; else only those in need

    def reliable(self, alphas: Floats, for_rows: bool) -> NDArray[np.bool_]:
        """For which alphas (k,) the answers, or what is said of single rows, have the digits that the data allow."""
        if self._lost > LARGEST_LOSS:
            return np.zeros(alphas.size, dtype=np.bool_)
        return self._system.reliable(alphas, self._lost, self.row_limit if for_rows else self.answer_limit)

    def diagonalise(self) -> None:
        """Take the spectrum at once, if it will be asked for: it serves for all else, too."""
        _ = self._system.spectrum

    @abstractmethod
    def solve(self, alphas: Floats, which: Which) -> Solutions:
        """Solutions for alphas (k,) and the targets ``which`` (m,)."""

    @abstractmethod
    def effective_df(self, alphas: Floats) -> Floats:
        """Trace of the hat matrix (k,), with the intercept and the unpenalised features."""

    @abstractmethod
    def leave_one_out(self, alphas: Floats) -> Iterator[Floats]:
        """The errors (m, t, n) of predictions without the row, for each of the ``chunks`` of the alphas."""

    def corrected_by_data(self, alphas: Floats, which: Which, certified: bool = True) -> NDArray[np.bool_]:
        """For which alphas (k,) readings of X correct the answers: for all if they are few, else if digits are lost."""
        few = max(FEW_ANSWERS, self._system.size // SHARE_OF_SIZE) if certified else 0
        if self._system.keeps_digits or alphas.size * which.size <= few:
            return np.ones(alphas.size, dtype=np.bool_)
        return np.asarray(self._system.condition(alphas) * self._lost > WELL_CONDITIONED)

    def _left(self, found: Solutions) -> Floats:
        """What the solutions leave of the responses (k, m, n), of all targets."""
        problem = self.problem
        flat = found.coefs.reshape(-1, problem.design.n_features)
        predictions = problem.design.combinations(flat).reshape(*found.offsets.shape, -1)
        predictions += found.offsets[..., np.newaxis]
        return np.subtract(problem.responses.T, predictions, out=predictions)

    def is_nothing(self, gaps: Floats, which: Which) -> NDArray[np.bool_]:
        """Whether gaps (k, m) are rounding of rounding, whatever the corrections were."""
        return gaps <= NOTHING * self.problem.squared_targets[which]

    def chunks(self, count: int) -> Iterator[slice]:
        """Ranges of so many alphas whose errors for all rows and targets may be held together."""
        return blocks(count, self.problem.responses.size, ERRORS_AT_ONCE)


class Corrections:
    """Decides which corrections of an iterative refinement are taken, and when it ends.

    ``conditions`` (k,): condition numbers of what the corrections are solved with.
    """

    def __init__(self, conditions: Floats) -> None:
        self._floor = np.maximum(TRUSTED, 100.0 * EPS * conditions)[:, np.newaxis]
        self._before: Floats | None = None
        self.done = False
        self.trusted: NDArray[np.bool_] = np.ones(0, dtype=np.bool_)

    def take(self, sizes: Floats, of: Floats) -> NDArray[np.bool_]:
        """Whether corrections of these sizes (k, m) to vectors of those lengths are taken."""
        size = sizes / np.maximum(of, TINY)
        helps = np.ones(size.shape, dtype=np.bool_) if self._before is None else size < CONTRACTION * self._before
        self.trusted = size <= self._floor
        self.done = bool(np.all((size <= REFINED) | ~helps))
        self._before = size
        return helps


def traces(eigenvalues: Floats, alphas: Floats) -> Floats:
    """sum lambda / (lambda + alpha) (k,), over those that are not zero."""
    large = eigenvalues[eigenvalues > 0.0]
    return np.asarray((large / (large + alphas[:, np.newaxis])).sum(axis=1))


def lengths(*parts: Floats) -> Floats:
    """Norms (k, m) of vectors whose parts have shapes (k, m, .)."""
    return np.sqrt(sum(np.einsum("kmq,kmq->km", part, part) for part in parts if part.size) + 0.0)
