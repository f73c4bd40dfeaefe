"""Callbacks of scikit-learn 1.9."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from sklearn.datasets import load_diabetes
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from regularize import Lasso

callback = pytest.importorskip("sklearn.callback", reason="scikit-learn has callbacks since 1.9")
X, Y = load_diabetes(return_X_y=True)


class Recorder:
    """Writes down which hooks are called."""

    def __init__(self, fail=False):
        self.events = []
        self.scores = []
        self.fail = fail

    def setup(self, estimator, context):
        self.events.append("setup")

    def teardown(self, estimator, context):
        self.events.append("teardown")

    def on_fit_task_begin(self, estimator, context):
        self.events.append(f"begin {context.task_name}")

    def on_fit_task_end(self, estimator, context, *, X=None, y=None, fitted_estimator=None):  # noqa: N803
        self.events.append(f"end {context.task_name}")
        if self.fail:
            raise RuntimeError("the callback fails")
        if fitted_estimator is not None:
            self.scores.append(fitted_estimator.score(X, y))


def test_a_fit_of_one_target_is_one_task():
    recorder = Recorder()
    model = Lasso(alpha=0.1).set_callbacks(recorder).fit(X, Y)
    assert recorder.events == ["setup", "begin fit", "end fit", "teardown"]
    assert recorder.scores == [model.score(X, Y)]
    assert not hasattr(model, "_callback_fit_ctx")


def test_each_of_several_targets_is_a_subtask():
    recorder = Recorder()
    Lasso().set_callbacks(recorder).fit(X, np.c_[Y, Y])
    target = ["begin target", "end target"]
    assert recorder.events == ["setup", "begin fit", *target, *target, "end fit", "teardown"]


def test_a_callback_that_fails_is_torn_down_and_leaves_the_estimator_as_it_was():
    recorder = Recorder(fail=True)
    model = Lasso().set_callbacks(recorder)
    with pytest.raises(RuntimeError, match="the callback fails"):
        model.fit(X, Y)
    assert recorder.events == ["setup", "begin fit", "end fit", "teardown"]
    assert not hasattr(model, "coef_")
    assert not hasattr(model, "_callback_fit_ctx")


@pytest.mark.parametrize("targets", [Y, np.c_[Y, Y]], ids=["one target", "two targets"])
def test_the_progress_bar_shows_the_fit(targets, capsys):
    pytest.importorskip("rich")
    Lasso().set_callbacks(callback.ProgressBar()).fit(X, targets)
    assert "Lasso - fit" in capsys.readouterr().out


def test_the_progress_bar_of_a_search_reaches_the_estimator(capsys):
    pytest.importorskip("rich")
    pipeline = make_pipeline(StandardScaler(), Lasso())
    search = GridSearchCV(pipeline, {"lasso__alpha": [0.1, 1.0]}, cv=2)
    if not hasattr(search, "set_callbacks"):
        pytest.skip("this scikit-learn has no callbacks in GridSearchCV")
    search.set_callbacks(callback.ProgressBar(max_propagation_depth=None)).fit(X, Y)
    assert "GridSearchCV" in capsys.readouterr().out


def test_the_scoring_monitor_logs_the_training_score():
    monitor = callback.ScoringMonitor(scoring="r2")
    model = Lasso(alpha=0.1).set_callbacks(monitor).fit(X, Y)
    assert monitor.get_logs().data[0]["r2"] == pytest.approx(model.score(X, Y))


def test_without_the_callbacks_of_scikit_learn_the_estimators_still_fit():
    script = (
        "import sys, sklearn.linear_model, sklearn.pipeline\n"  # which import it themselves
        "sys.modules['sklearn.callback'] = None\n"  # as in scikit-learn 1.8
        "from regularize import Lasso\n"
        "for y in ([0.0, 1.0, 2.0], [[0.0, 1.0], [1.0, 0.0], [2.0, 0.0]]):\n"
        "    print(Lasso(alpha=0.1).fit([[0.0], [1.0], [2.0]], y).coef_.shape)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("(1,)\n(2, 1)\n", "")
