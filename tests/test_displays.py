"""RegularizationPathDisplay."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_diabetes
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from regularize import ElasticNet, Lasso, RegularizationPathDisplay, lasso_path
from regularize.displays import spread

ALPHAS = np.geomspace(1.0, 0.01, 5)
COEFS = np.array([[0, 1, 2, 3, 4.0], [0, 0, -1, -2, -3], [0, 0, 0, 0, 0], [0, 0, 0, 0.1, 3.9], [0, 0, 0.5, 1, 0]])


@pytest.fixture(autouse=True)
def canvas():
    pytest.importorskip("matplotlib").use("Agg")
    import matplotlib.pyplot as plt

    yield
    plt.close("all")


def label_boxes(display):
    """Boxes of the names in pixels, after layout and without the ties to their lines."""
    from matplotlib.text import Text

    display.figure_.canvas.draw()
    return [Text.get_window_extent(label) for label in display.labels_]


def test_a_path_is_drawn_over_a_falling_logarithmic_alpha():
    display = RegularizationPathDisplay.from_path(ALPHAS, COEFS)
    assert display.ax_.get_xscale() == "log"
    assert display.ax_.get_xlim() == (1.0, pytest.approx(0.01))
    assert display.figure_ is display.ax_.figure
    assert_array_equal(display.line_features_, [0, 1, 3, 4])  # a feature that stays at 0 has no line
    for j, line in zip(display.line_features_, display.lines_, strict=True):
        assert_allclose(line.get_xdata(), ALPHAS)
        assert_allclose(line.get_ydata(), COEFS[j])


def test_plot_takes_axes_and_returns_the_display():
    import matplotlib.pyplot as plt

    figure, ax = plt.subplots()
    display = RegularizationPathDisplay(ALPHAS[::-1], COEFS[:, ::-1])  # alphas in any order
    assert display.plot(ax, line_kw={"linestyle": ":"}) is display
    assert display.ax_ is ax and display.figure_ is figure
    assert_allclose(display.lines_[0].get_ydata(), COEFS[0])
    assert display.lines_[0].get_linestyle() == ":"
    assert display.alpha_line_ is None


def test_leading_features_are_named_in_the_colour_of_their_line():
    display = RegularizationPathDisplay.from_path(ALPHAS, COEFS, feature_names=list("abcde"), n_labels=2)
    assert [label.get_text() for label in display.labels_] == ["a", "d"]
    assert [label.get_color() for label in display.labels_] == [
        display.lines_[0].get_color(),
        display.lines_[2].get_color(),
    ]


def test_the_chosen_alpha_is_marked_and_decides_which_features_lead():
    display = RegularizationPathDisplay.from_path(ALPHAS, COEFS, alpha=0.1, n_labels=3)
    assert_array_equal(display.alpha_line_.get_xdata(), [0.1, 0.1])
    assert "alpha = 0.1" in [text.get_text() for text in display.ax_.texts]
    assert [label.get_text() for label in display.labels_] == ["x0", "x1", "x4"]


def test_names_do_not_overlap_and_stay_beside_the_axes():
    rng = np.random.default_rng(0)
    coefs = np.outer(1.0 + 1e-3 * rng.standard_normal(14), np.linspace(0, 1, 5))
    coefs[10:] *= -3
    display = RegularizationPathDisplay.from_path(ALPHAS, coefs, n_labels=14)
    boxes = sorted(label_boxes(display), key=lambda box: box.y0)
    assert len(boxes) == 14
    assert all(below.y1 <= above.y0 + 1 for below, above in zip(boxes, boxes[1:], strict=False))
    axes, figure = display.ax_.get_window_extent(), display.figure_.bbox
    assert all(box.y0 >= axes.y0 - 5 and box.y1 <= axes.y1 + 5 and box.x1 <= figure.x1 for box in boxes)


def test_alpha_zero_has_no_place_on_the_axis():
    display = RegularizationPathDisplay.from_path([1.0, 0.1, 0.0], COEFS[:, :3])
    assert_array_equal(display.lines_[0].get_xdata(), [1.0, 0.1])
    with pytest.raises(ValueError, match="None of the alphas is positive"):
        RegularizationPathDisplay.from_path([0.0], COEFS[:, :1])


def test_a_single_alpha_and_a_path_of_zeros_can_be_drawn():
    assert RegularizationPathDisplay.from_path([0.5], COEFS[:, -1:]).labels_
    assert RegularizationPathDisplay.from_path(ALPHAS, np.zeros((3, 5)), alpha=0.1).lines_ == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"coefs": COEFS.T[:, :4]}, "coefs must have shape"),
        ({"alphas": ALPHAS[:3]}, "coefs must have shape"),
        ({"coefs": np.zeros((2, 3, 5))}, "coefs must have shape"),
        ({"feature_names": ["a"]}, "feature_names must have 5 entries. Got 1."),
    ],
)
def test_what_does_not_fit_together_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        RegularizationPathDisplay(**{"alphas": ALPHAS, "coefs": COEFS, **arguments})


def test_the_path_of_an_estimator_has_its_parameters():
    X, y = load_diabetes(return_X_y=True)
    model = ElasticNet(alpha=0.01, l1_ratio=0.8, positive=True, penalty_factor=np.linspace(0.5, 2, 10), tol=1e-10)
    display = RegularizationPathDisplay.from_estimator(model, X, y, alphas=[0.1, 0.01])
    assert display.alpha == 0.01
    assert_allclose(display.coefs[:, 1], model.fit(X, y).coef_, rtol=1e-6, atol=1e-6)


def test_the_grid_of_an_estimator_reaches_the_chosen_alpha():
    X, y = load_diabetes(return_X_y=True)
    display = RegularizationPathDisplay.from_estimator(Lasso(alpha=1e-5), X, y, alphas=20)
    assert display.alphas[-1] == pytest.approx(1e-5)
    assert len(display.alphas) == 20


def test_the_path_of_a_pipeline_is_that_of_its_last_step():
    pytest.importorskip("pandas")
    X, y = load_diabetes(return_X_y=True, as_frame=True)
    pipeline = make_pipeline(StandardScaler(), Lasso(alpha=2.0)).fit(X, y)
    display = RegularizationPathDisplay.from_estimator(pipeline, X, y, alphas=10)
    assert display.feature_names == list(X.columns)
    assert display.estimator_name == "Lasso"
    scaled = StandardScaler().fit_transform(X)
    assert_allclose(display.coefs, lasso_path(scaled, y, alphas=display.alphas, fit_intercept=True)[1], rtol=1e-6)


def test_estimators_of_scikit_learn_can_be_shown():
    from sklearn.linear_model import LassoCV

    X, y = load_diabetes(return_X_y=True)
    chosen = LassoCV(alphas=[0.01, 0.1, 1.0], cv=2).fit(X, y)
    assert RegularizationPathDisplay.from_estimator(chosen, X, y, alphas=5).alpha == chosen.alpha_


def test_without_matplotlib_plot_says_what_to_install():
    script = (
        "import sys; sys.modules['matplotlib'] = None\n"
        "from regularize import RegularizationPathDisplay\n"
        "RegularizationPathDisplay([1.0], [[1.0]]).plot()\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert "ImportError: RegularizationPathDisplay.plot requires matplotlib: pip install" in done.stderr


@pytest.mark.parametrize(("low", "high"), [(-100.0, 100.0), (0.0, 6.0)])
def test_spread_keeps_order_and_distance(low, high):
    wanted = np.array([3.0, 0.0, 0.1, 0.2, 5.0])
    places = spread(wanted, 1.0, low, high)
    assert (np.diff(places[np.argsort(wanted)]) >= 1.0 - 1e-12).all()
    assert places.min() >= low and places.max() <= high
    assert_allclose(spread(np.array([0.0, 10.0]), 1.0, low, 100.0), [max(low, 0.0), 10.0])
    assert spread(np.empty(0), 1.0, low, high).size == 0
