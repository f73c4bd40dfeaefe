"""Plots, in scikit-learn's Display convention. matplotlib is imported only inside the methods.

Design notes
------------
a. Alpha falls from left to right, so that the model grows in reading direction and the names stand at the
   right end of the lines, where most coefficients are apart.
b. A few leading features have colour and name, the others are thin and grey, and features that stay at 0
   are not drawn: a path of thousands of features stays readable and quick.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from regularize.grids import alpha_max
from regularize.paths import enet_path
from regularize.validation import column_names

__all__ = ["RegularizationPathDisplay"]

Floats = NDArray[np.float64]

# Distinguishable with every common colour blindness (Okabe and Ito), dark enough for text on white.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#B8860B", "#56B4E9", "#6A3D9A", "#5C4033")
GREY = "#BDBDBD"
LABEL_SIZE = 9.0
LINE_HEIGHT = 1.3  # of the label size


class RegularizationPathDisplay:
    """Plot of the coefficients of a linear model over alpha.

    Use :meth:`from_estimator` or :meth:`from_path` to create one.

    Parameters
    ----------
    alphas : array-like of shape (n_alphas,)
        Alphas, in any order.
    coefs : array-like of shape (n_features, n_alphas)
        Coefficients for each of them, as :func:`lasso_path` returns them.
    feature_names : sequence of str, default=None
        Names of the features; ``x0, x1, ...`` if None.
    alpha : float, default=None
        The chosen alpha, which the plot marks; None marks none.
    estimator_name : str, default=None
        Title of the plot.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes, after :meth:`plot`.
    figure_ : matplotlib Figure
        The figure, after :meth:`plot`.
    lines_ : list of matplotlib Line2D
        One line per feature that is not 0 along the whole path.
    line_features_ : ndarray of int
        Their features.
    labels_ : list of matplotlib Annotation
        Names of the leading features.
    alpha_line_ : matplotlib Line2D or None
        The mark of the chosen alpha.

    See Also
    --------
    lasso_path : Coefficients of the Lasso for many alphas.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from regularize import Lasso, RegularizationPathDisplay
    >>> X, y = load_diabetes(return_X_y=True)
    >>> display = RegularizationPathDisplay.from_estimator(Lasso(alpha=0.1), X, y)  # doctest: +SKIP
    """

    def __init__(
        self,
        alphas: ArrayLike,
        coefs: ArrayLike,
        *,
        feature_names: Sequence[str] | None = None,
        alpha: float | None = None,
        estimator_name: str | None = None,
    ) -> None:
        self.alphas = np.asarray(alphas, dtype=np.float64)
        self.coefs = np.asarray(coefs, dtype=np.float64)
        if self.coefs.ndim == 3 and self.coefs.shape[0] == 1:  # the path of a y with one column
            self.coefs = self.coefs[0]
        if self.alphas.ndim != 1 or self.coefs.ndim != 2 or self.coefs.shape[1] != self.alphas.shape[0]:
            raise ValueError(
                "coefs must have shape (n_features, n_alphas) with one column per alpha. Got coefs of shape"
                f" {self.coefs.shape} and alphas of shape {self.alphas.shape}."
            )
        names = [f"x{j}" for j in range(len(self.coefs))] if feature_names is None else list(feature_names)
        if len(names) != len(self.coefs):
            raise ValueError(f"feature_names must have {len(self.coefs)} entries. Got {len(names)}.")
        self.feature_names = [str(name) for name in names]
        self.alpha = alpha
        self.estimator_name = estimator_name

    @classmethod
    def from_path(
        cls,
        alphas: ArrayLike,
        coefs: ArrayLike,
        *,
        feature_names: Sequence[str] | None = None,
        alpha: float | None = None,
        estimator_name: str | None = None,
        n_labels: int = 8,
        ax: Any = None,
        line_kw: dict[str, Any] | None = None,
    ) -> RegularizationPathDisplay:
        """Plot what a path function returned.

        Parameters
        ----------
        alphas : array-like of shape (n_alphas,)
            Alphas.
        coefs : array-like of shape (n_features, n_alphas)
            Coefficients.
        feature_names : sequence of str, default=None
            Names of the features.
        alpha : float, default=None
            The chosen alpha.
        estimator_name : str, default=None
            Title of the plot.
        n_labels : int, default=8
            Number of leading features, see :meth:`plot`.
        ax : matplotlib Axes, default=None
            Where to plot; None makes a new figure.
        line_kw : dict, default=None
            Keyword arguments for the lines.

        Returns
        -------
        display : RegularizationPathDisplay
            The display, plotted.

        Examples
        --------
        >>> from regularize import RegularizationPathDisplay, lasso_path
        >>> alphas, coefs, _ = lasso_path([[0.0], [1.0], [2.0]], [0.0, 1.0, 2.0])
        >>> display = RegularizationPathDisplay.from_path(alphas, coefs)  # doctest: +SKIP
        """
        display = cls(alphas, coefs, feature_names=feature_names, alpha=alpha, estimator_name=estimator_name)
        return display.plot(ax, n_labels=n_labels, line_kw=line_kw)

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any,
        *,
        sample_weight: Any = None,
        eps: float = 1e-3,
        alphas: int | ArrayLike = 100,
        feature_names: Sequence[str] | None = None,
        n_labels: int = 8,
        ax: Any = None,
        line_kw: dict[str, Any] | None = None,
    ) -> RegularizationPathDisplay:
        """Compute the path that belongs to an estimator's parameters, and plot it.

        Parameters
        ----------
        estimator : estimator instance
            A :class:`Lasso` or :class:`ElasticNet`, or a fitted pipeline that ends with one. Its alpha
            (``alpha_`` if it has chosen one, else ``alpha``) is marked.
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Data; for a pipeline, the input of its first step.
        y : array-like of shape (n_samples,)
            Target.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights.
        eps : float, default=1e-3
            Smallest alpha as a fraction of the largest; smaller if the marked alpha is.
        alphas : int or array-like, default=100
            Number of alphas, or the alphas.
        feature_names : sequence of str, default=None
            Names of the columns of X; None takes those of a frame.
        n_labels : int, default=8
            Number of leading features, see :meth:`plot`.
        ax : matplotlib Axes, default=None
            Where to plot; None makes a new figure.
        line_kw : dict, default=None
            Keyword arguments for the lines.

        Returns
        -------
        display : RegularizationPathDisplay
            The display, plotted.

        Examples
        --------
        >>> from sklearn.datasets import load_diabetes
        >>> from regularize import Lasso, RegularizationPathDisplay
        >>> X, y = load_diabetes(return_X_y=True, as_frame=True)
        >>> display = RegularizationPathDisplay.from_estimator(Lasso(alpha=0.1), X, y)  # doctest: +SKIP
        """
        names = column_names(X) if feature_names is None else list(feature_names)
        if hasattr(estimator, "steps"):
            preprocessing, estimator = estimator[:-1], estimator[-1]
            if len(preprocessing):
                X = preprocessing.transform(X)
                names = list(preprocessing.get_feature_names_out(names))
        if names is None:
            names = getattr(estimator, "feature_names_in_", None)
        chosen = float(estimator.alpha_ if hasattr(estimator, "alpha_") else estimator.alpha)
        problem = _problem_of(estimator, sample_weight)
        if isinstance(alphas, int) and chosen > 0.0:
            largest = alpha_max(X, y, **problem)
            eps = min(eps, chosen / largest) if largest > 0.0 else eps
        solver = {name: getattr(estimator, name) for name in ("tol", "max_iter")}
        grid, coefs, _ = enet_path(X, y, eps=eps, alphas=alphas, **problem, **solver)
        return cls.from_path(
            grid,
            coefs,
            feature_names=names,
            alpha=chosen,
            estimator_name=type(estimator).__name__,
            n_labels=n_labels,
            ax=ax,
            line_kw=line_kw,
        )

    def plot(
        self, ax: Any = None, *, n_labels: int = 8, line_kw: dict[str, Any] | None = None
    ) -> RegularizationPathDisplay:
        """Draw the path.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to plot; None makes a new figure.
        n_labels : int, default=8
            Number of leading features, which get colour and name: those with the largest absolute
            coefficients at the marked alpha, then those with the largest on the path.
        line_kw : dict, default=None
            Keyword arguments for all lines, passed to matplotlib.

        Returns
        -------
        display : RegularizationPathDisplay
            This object, with ``ax_``, ``figure_`` and ``lines_``.

        Examples
        --------
        >>> from regularize import RegularizationPathDisplay
        >>> display = RegularizationPathDisplay([1.0, 0.1], [[0.0, 2.0], [0.0, -1.0]])
        >>> display.plot(n_labels=1)  # doctest: +SKIP
        """
        shown = np.flatnonzero(self.alphas > 0.0)  # a log axis has no place for 0
        shown = shown[np.argsort(-self.alphas[shown], kind="stable")]
        if shown.size == 0:
            raise ValueError("None of the alphas is positive: there is nothing to show on a log axis.")
        alphas, coefs = self.alphas[shown], self.coefs[:, shown]
        self.ax_ = _new_axes() if ax is None else ax
        self.figure_ = self.ax_.figure
        leading = _leading(alphas, coefs, self.alpha, n_labels)
        self._draw_lines(alphas, coefs, leading, line_kw or {})
        self._decorate(alphas)
        if ax is None:
            self.figure_.draw_without_rendering()  # lays the axes out: the names need their height
        self._draw_labels(alphas[-1], coefs[:, -1], leading)
        return self

    def _draw_lines(self, alphas: Floats, coefs: Floats, leading: list[int], line_kw: dict[str, Any]) -> None:
        """One line per feature; the leading ones in colour and on top."""
        colour_of = {j: COLOURS[k % len(COLOURS)] for k, j in enumerate(leading)}
        self.lines_ = []
        self.line_features_ = np.flatnonzero((coefs != 0.0).any(axis=1))
        for j in self.line_features_:
            style: dict[str, Any] = {"color": GREY, "linewidth": 0.8, "zorder": 1.5}
            if int(j) in colour_of:
                style = {"color": colour_of[int(j)], "linewidth": 1.8, "zorder": 2.5}
            self.lines_ += self.ax_.plot(alphas, coefs[j], **{**style, **line_kw})

    def _decorate(self, alphas: Floats) -> None:
        """Axes, zero line, mark of the chosen alpha and title."""
        ax = self.ax_
        ax.set_xscale("log")
        if alphas[0] > alphas[-1]:
            ax.set_xlim(alphas[0], alphas[-1])  # falls from left to right
        ax.axhline(0.0, color="black", linewidth=0.7, zorder=1.0)
        self.alpha_line_ = None
        if self.alpha is not None and self.alpha > 0.0:
            style = {"color": "#404040", "linestyle": "--", "linewidth": 1.0, "zorder": 2.0}
            self.alpha_line_ = ax.axvline(self.alpha, **style)
            ax.annotate(
                f"alpha = {self.alpha:.3g}",
                (self.alpha, 1.0),
                xycoords=("data", "axes fraction"),
                xytext=(0, 4),
                textcoords="offset points",
                ha="center",
                va="bottom",
                fontsize=LABEL_SIZE,
                color="#404040",
            )
        ax.set_xlabel("alpha")
        ax.set_ylabel("coefficient")
        ax.spines[["top", "right"]].set_visible(False)
        if self.estimator_name is not None:
            ax.set_title(f"{self.estimator_name}: coefficients along the path", loc="left", pad=20)

    def _draw_labels(self, x: float, ends: Floats, leading: list[int]) -> None:
        """Names at the line ends, moved apart as little as possible, each tied to its line."""
        ax = self.ax_
        low, high = ax.get_ylim()
        ax.set_ylim(low, high)
        points = ax.get_window_extent().height * 72.0 / self.figure_.dpi
        height = LINE_HEIGHT * LABEL_SIZE / points * (high - low)
        places = spread(ends[leading], height, low + height / 2, high - height / 2)
        features = self.line_features_.tolist()
        colours = {j: line.get_color() for j, line in zip(features, self.lines_, strict=True)}
        tie = {"arrowstyle": "-", "linewidth": 0.6, "shrinkA": 0, "shrinkB": 0}
        self.labels_ = []
        for j, place in zip(leading, places, strict=True):
            move = ax.transData.transform((x, place)) - ax.transData.transform((x, ends[j]))
            self.labels_.append(
                ax.annotate(
                    self.feature_names[j],
                    (x, ends[j]),
                    xytext=(14.0, move[1] * 72.0 / self.figure_.dpi),
                    textcoords="offset points",
                    va="center",
                    fontsize=LABEL_SIZE,
                    color=colours[j],
                    annotation_clip=False,
                    arrowprops={**tie, "color": colours[j]},
                )
            )


def spread(wanted: Floats, height: float, low: float, high: float) -> Floats:
    """Places at least ``height`` apart, in the order of ``wanted`` and as close to it as possible.

    With ``z_i = place_i - i height`` in ascending order, "apart" means that ``z`` does not fall: the least
    squares solution is the isotonic regression of ``wanted_i - i height``, found by pooling neighbours. It is
    then moved into ``[low, high]`` if it fits there.
    """
    order = np.argsort(wanted, kind="stable")
    steps = height * np.arange(len(wanted))
    blocks: list[tuple[float, int]] = []  # mean and size of pooled neighbours
    for target in wanted[order] - steps:
        mean, size = float(target), 1
        while blocks and blocks[-1][0] > mean:
            previous, count = blocks.pop()
            mean, size = (previous * count + mean * size) / (count + size), count + size
        blocks.append((mean, size))
    z = np.repeat([mean for mean, _ in blocks], [size for _, size in blocks])
    if len(z):
        z = np.maximum(np.minimum(z, high - steps[-1]), low)  # clipping keeps the order, thus the distances
    places = np.empty(len(wanted))
    places[order] = z + steps
    return places


def _leading(alphas: Floats, coefs: Floats, alpha: float | None, n_labels: int) -> list[int]:
    """Features that get a name: the largest at the marked alpha, then the largest on the path."""
    largest = np.abs(coefs).max(axis=1, initial=0.0)
    at = len(alphas) - 1 if alpha is None else int(np.argmin(np.abs(np.log(alphas / max(alpha, alphas[-1])))))
    order = np.lexsort((-largest, -np.abs(coefs[:, at])))
    return [int(j) for j in order[:n_labels] if largest[j] > 0.0]


def _problem_of(estimator: Any, sample_weight: Any) -> dict[str, Any]:
    """The parameters of an estimator that define its optimisation problem, alpha aside."""
    # What scikit-learn's own estimators do not have, with the values that make it theirs.
    ours = {"penalty_factor": None, "bounds": None, "standardize": False}
    return {
        "l1_ratio": getattr(estimator, "l1_ratio_", getattr(estimator, "l1_ratio", 1.0)),
        "fit_intercept": estimator.fit_intercept,
        "positive": estimator.positive,
        "sample_weight": sample_weight,
        **{name: getattr(estimator, name, default) for name, default in ours.items()},
    }


def _new_axes() -> Any:
    """Axes of a new figure, with room for names at the right."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            "RegularizationPathDisplay.plot requires matplotlib: pip install 'regularize[plot]'"
        ) from error
    _, ax = plt.subplots(figsize=(7.0, 4.5), layout="constrained")
    return ax
