"""One ridge problem, and which of the forms solves it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from regularize.design import Design, Moments
from regularize.kernels.threads import one_thread
from regularize.penalties import Penalty
from regularize.solvers.ridge.bounded import bounded_path
from regularize.solvers.ridge.feature_form import FeatureForm
from regularize.solvers.ridge.forms import FEW_ANSWERS, Part, RidgeForm, Solutions
from regularize.solvers.ridge.krylov_form import KrylovForm
from regularize.solvers.ridge.result import RidgeResult
from regularize.solvers.ridge.sample_form import SampleForm
from regularize.solvers.ridge.small_form import SmallForm
from regularize.solvers.ridge.units import RidgeProblem

Floats = NDArray[np.float64]

TOO_LARGE = "The solution is not finite. X, y or sample_weight contain values too large to be squared: rescale them."
LARGEST_DENSE = 20_000  # rows of a matrix that is factorised for dense X, if nobody asks for what needs it
LARGEST_SPARSE = 3_000
WORTH_A_PRODUCT = 100.0  # readings of sparse X, that conjugate gradients are taken to need
FLOPS_PER_ENTRY = 8.0  # arithmetic of a factorisation in the time of one entry of sparse X


def is_bounded(penalty: Penalty) -> bool:
    """Whether some coefficient that is not excluded has a finite bound."""
    used = ~penalty.excluded
    return bool(np.isfinite(penalty.lower[used]).any() or np.isfinite(penalty.upper[used]).any())


class RidgeSolver:
    """Ridge regression on a design for several targets and any number of alphas.

    targets (n, t); penalty: only l2 and the bounds count; prior (p,) or (t, p): what the coefficients are shrunk
    towards; method: 'auto', or 'cholesky', 'svd' or 'cg' for one of the forms; tol: of iterations, and what
    ``converged`` means; n_alphas: how many distinct alphas will be asked for, as far as is known; moments: the
    statistics of X and the targets, if they are known and the design has taken them. X is read when the first answer is
    due; set ``certified`` to False if it shall be read again only for answers that would lose digits.
    """

    def __init__(
        self,
        design: Design,
        targets: Floats,
        penalty: Penalty,
        *,
        prior: Floats | None = None,
        method: str = "auto",
        tol: float = 1e-4,
        max_iter: int | None = None,
        n_alphas: int = 1,
        moments: Moments | None = None,
    ) -> None:
        self._design, self._y, self._penalty, self._prior = design, targets, penalty, prior
        self._method, self._tol, self._max_iter, self._n_alphas = method, tol, max_iter, n_alphas
        self._moments = moments
        design.overflow = TOO_LARGE
        self.certified = True
        self._bounded = is_bounded(penalty)
        self._problem: RidgeProblem | None = None
        self._small: SmallForm | None = None
        self._forms: dict[str, RidgeForm] = {}

    # ---------------------------------------------------------------------------------- answers

    def path(self, alphas: Floats) -> RidgeResult:
        """Solutions for alphas (k, t), in the scale of weights that sum to one."""
        with one_thread():
            return self._path(alphas)

    def _path(self, alphas: Floats) -> RidgeResult:
        if self._bounded:
            return bounded_path(self._design, self._y, self._penalty, alphas, self._prior, self._tol, self._max_iter)
        k, t = alphas.shape
        parts, method = [], "cholesky"
        if t == 1 or (t and np.all(alphas == alphas[:, :1])):
            groups = [(np.arange(k), alphas[:, 0], np.arange(t))]
        else:
            groups = [
                (np.array([i]), np.array([alpha]), np.flatnonzero(alphas[i] == alpha))
                for i in range(k)
                for alpha in np.unique(alphas[i])
            ]
        for rows, own, which in groups:
            small = self._small_form() if own.size <= FEW_ANSWERS else None
            found = None if small is None else small.solve(own, which)
            if found is not None:
                parts.append((rows, which, found))
                continue
            for form, chosen in self._split(own):
                parts.append((rows[chosen], which, form.solve(own[chosen], which)))
                method = form.name
        return self._result(alphas, parts, method)

    def effective_df(self, alphas: Floats) -> Floats:
        """Effective degrees of freedom (k,) at alphas (k,): the trace of the hat matrix, with the intercept."""
        out = np.empty(alphas.size)
        with one_thread():
            for form, chosen in self._split(alphas, direct=True):
                out[chosen] = form.effective_df(alphas[chosen])
        return out

    def leave_one_out(self, alphas: Floats) -> Iterator[tuple[NDArray[np.intp], Floats]]:
        """Positions (m,) among the alphas (k,), and y_i minus the prediction for row i of a fit without it, (m, t, n).

        Blocks of bounded size, which together have each position once.
        """
        with one_thread():
            small = self._small_form()
            together = None if small is None else small.leave_one_out(alphas)
        if together is not None:
            yield np.arange(alphas.size), together
            return
        with one_thread():
            self._form(self._choice(direct=True)).diagonalise()
            split = self._split(alphas, direct=True)
        for form, chosen in split:
            answers = form.leave_one_out(alphas[chosen])
            for block in form.chunks(chosen.size):
                with one_thread():
                    errors = next(answers)
                yield chosen[block], errors

    # ------------------------------------------------------------------------------------ forms

    def _small_form(self) -> SmallForm | None:
        """What answers for small data at once, unless there is a reason for one of the forms."""
        usual = self._method == "auto" and self._is_factorised() and self.certified and self._moments is None
        if not (usual and self._design.is_small) or self._posed().free.size:
            return None
        if self._small is None:
            self._small = SmallForm(self._posed())
        return self._small

    def _split(self, alphas: Floats, direct: bool = False) -> list[tuple[RidgeForm, NDArray[np.intp]]]:
        """The form that each alpha is solved by; another one takes what the cheapest cannot solve to all digits."""
        form = self._form(self._choice(direct))
        good = form.reliable(alphas, direct)
        split = [(form, np.flatnonzero(good))] if good.any() else []
        if not good.all():
            split.append((self._form("orthogonal"), np.flatnonzero(~good)))
        return split

    def _choice(self, direct: bool) -> str:
        """The cheapest form that will do."""
        if self._method == "svd":
            return "orthogonal"
        factorise = self._method == "cholesky" or (self._method == "auto" and self._is_factorised())
        return "matrix" if factorise or direct else "cg"

    def _is_factorised(self) -> bool:
        size = min(self._design.n_samples, self._design.n_features)
        if not self._design.is_sparse:
            return size <= LARGEST_DENSE
        if size > LARGEST_SPARSE:
            return False
        entries = self._design.n_entries
        length = max(self._design.n_samples, self._design.n_features)
        work = entries * (entries / length) + size**3 / 3.0 / FLOPS_PER_ENTRY
        return work <= 2.0 * WORTH_A_PRODUCT * entries * self._y.shape[1]

    def _posed(self) -> RidgeProblem:
        if self._problem is None:
            self._problem = RidgeProblem.of(self._design, self._y, self._penalty, self._prior)
        return self._problem

    def _form(self, name: str) -> RidgeForm:
        if name not in self._forms:
            self._forms[name] = self._make(name, self._posed())
        return self._forms[name]

    def _make(self, name: str, problem: RidgeProblem) -> RidgeForm:
        if name == "cg":
            return KrylovForm(problem, self._tol, self._max_iter)
        orthogonal = name == "orthogonal"
        form: FeatureForm | SampleForm
        if self._design.n_samples >= self._design.n_features:
            form = FeatureForm(problem, self._n_alphas, orthogonal, self._moments)
        else:
            form = SampleForm(problem, self._n_alphas, orthogonal)
        form.certified = self.certified
        return form

    # ----------------------------------------------------------------------------------- result

    def _result(self, alphas: Floats, parts: list[Part], method: str) -> RidgeResult:
        """Solutions in the user's units."""
        assert self._problem is not None
        problem, (k, t) = self._problem, alphas.shape
        found = parts[0][2] if len(parts) == 1 else Solutions.joined(parts, (k, t, self._design.n_features))
        tolerance = 0.5 * self._tol * problem.squared_targets  # of an objective that is half of the user's
        converged = found.converged & (found.gaps <= np.maximum(tolerance, 1e-14 * problem.squared_targets))
        coefs = np.multiply(found.coefs, problem.scale[:, np.newaxis], out=found.coefs)
        intercepts = found.offsets * problem.scale + problem.levels
        if self._prior is not None:
            coefs += problem.prior
        with np.errstate(over="ignore"):  # squares of large responses
            errors, gaps, tolerance = (
                problem.scale * (problem.scale * x) for x in (found.squared_errors, found.gaps, tolerance)
            )
        return RidgeResult(alphas, coefs, intercepts, errors, gaps, converged, found.n_iters, tolerance, method)
