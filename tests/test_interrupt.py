"""Ctrl-C ends a long solve soon, loses nothing that is finished, and leaves the process healthy."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap

import pytest

LATEST = 2.0  # seconds from the signal to the end; on an idle machine it is a tenth of that

HEAD = """
    import os, signal, sys, threading, time, warnings
    import numpy as np
    from scipy import sparse
    from regularize import ElasticNet, Lasso, Ridge, RidgeCV, lasso_path, enet_path, ridge_path

    rng = np.random.default_rng(0)

    def signal_after(delay):
        # SIGINT in that many seconds
        def send():
            time.sleep(delay)
            send.time = time.perf_counter()
            os.kill(os.getpid(), signal.SIGINT)
        threading.Thread(target=send, daemon=True).start()
        return send

    class SignalAfterFirstDot:
        # in place of stderr: the first dot of a path with verbose=1 starts the clock
        sent = None
        def write(self, text):
            self.sent = self.sent or signal_after(0.2)
        def flush(self):
            pass

    def healthy():
        X = rng.standard_normal((30, 5))
        assert Lasso(alpha=0.01).fit(X, X[:, 0]).converged_

"""


def run(body):
    """Run a script in a process of its own; what it prints, line by line."""
    script = textwrap.dedent(HEAD) + textwrap.dedent(body)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


pytestmark = pytest.mark.skipif(os.name != "posix", reason="sends SIGINT")

# One for each route; each would take from seconds to minutes.
LONG = {
    "working set": "rng.standard_normal((300, 1500)), dict(alphas=20_000, eps=1e-5)",
    "gram": "rng.standard_normal((2000, 1000)), dict(alphas=4000, eps=1e-6)",
    "residual": "rng.standard_normal((100, 3000)), dict(alphas=20_000, eps=1e-3, l1_ratio=0.01)",
}


@pytest.mark.parametrize("route", list(LONG))
def test_a_path_ends_soon_after_ctrl_c_with_all_that_is_finished(route):
    printed = run(f"""
        X, options = {LONG[route]}
        y = X @ rng.standard_normal(X.shape[1]) + rng.standard_normal(len(X))
        options.setdefault("l1_ratio", 1.0)
        sys.stderr, kept = SignalAfterFirstDot(), sys.stderr
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            alphas, coefs, gaps = enet_path(X, y, tol=1e-10, verbose=1, **options)
        end, sys.stderr, sent = time.perf_counter(), kept, sys.stderr.sent
        print(end - sent.time)
        print(len(alphas) < options["alphas"], coefs.shape == (X.shape[1], len(alphas)), gaps.shape == alphas.shape)
        print(any("interrupted" in str(warning.message) for warning in caught), len(alphas) > 1)
        print(bool(np.all(gaps <= 1e-10 * np.mean(y * y) * 1.01)))
        healthy()
    """)
    assert float(printed[0]) < LATEST
    assert printed[1:] == ["True"] * 6


@pytest.mark.parametrize("stage", ["gram product", "wide fit"])
def test_a_fit_that_is_interrupted_leaves_the_estimator_as_it_was(stage):
    """Ctrl-C falls into the first product of X or into the solver; the fit before stays in place."""
    data = {
        "gram product": "rng.random((30000, 600)), Lasso(alpha=1e-6, tol=1e-14)",
        "wide fit": "rng.standard_normal((1800, 2600)), ElasticNet(alpha=1e-6, l1_ratio=0.5, tol=1e-15)",
    }[stage]
    printed = run(f"""
        X, model = {data}
        X = np.asfortranarray(X)
        y = X @ rng.standard_normal(X.shape[1]) + rng.standard_normal(len(X))
        model.fit(X[:50, :20], y[:50])
        before = dict(vars(model))
        sent = signal_after(0.2)
        try:
            model.fit(X, y)
            print("finished")
        except KeyboardInterrupt:
            print(time.perf_counter() - sent.time)
        print(vars(model).keys() == before.keys() and all(vars(model)[k] is before[k] for k in before))
        healthy()
    """)
    assert printed[0] != "finished"
    assert float(printed[0]) < LATEST
    assert printed[1] == "True"


def test_ctrl_c_before_the_first_alpha_is_raised():
    printed = run("""
        X = np.asfortranarray(rng.random((30000, 600)))
        y = X[:, 0] + rng.standard_normal(len(X))
        signal_after(0.1)
        try:
            lasso_path(X, y, alphas=[1e-6, 1e-7])
            print("finished")
        except KeyboardInterrupt:
            print("raised")
        healthy()
    """)
    assert printed == ["raised"]


def test_the_usual_handler_of_sigint_is_left_in_place():
    before = signal.getsignal(signal.SIGINT)
    from regularize import Lasso

    Lasso().fit([[0.0], [1.0], [2.0]], [0.0, 1.0, 2.0])
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.parametrize("shape", [(300, 3000), (3000, 400)])
def test_a_cross_validation_that_is_interrupted_leaves_the_estimator_as_it_was(shape, n_jobs):
    printed = run(f"""
        from regularize import LassoCV
        X = rng.standard_normal({shape})
        y = X @ rng.standard_normal(X.shape[1]) + rng.standard_normal(len(X))
        model = LassoCV(alphas=20_000, eps=1e-6, tol=1e-12, n_jobs={n_jobs})
        before, sent = dict(vars(model)), signal_after(0.3)
        try:
            model.fit(X, y)
        except KeyboardInterrupt:
            print(time.perf_counter() - sent.time)
        print(vars(model) == before, threading.active_count() == 1)
        healthy()
    """)
    assert float(printed[0]) < LATEST
    assert printed[1:] == ["True"] * 2


# Each would take from seconds to minutes, in calls of which none is long.
LONG_RIDGE = {
    "statistics": ("rng.random((20000, 1000))", "X[:, 0]", "Ridge()"),
    "iterations": (
        "sparse.diags_array(np.geomspace(1, 1e-5, 20000)).tocsc()",
        "rng.standard_normal(20000)",
        "Ridge(1e-12, solver='sparse_cg', tol=1e-15, max_iter=10**7)",
    ),
    "bounds": ("rng.standard_normal((400, 200))", "rng.standard_normal((400, 5000))", "Ridge(positive=True)"),
    "left-out rows": ("rng.standard_normal((5000, 300))", "X[:, 0]", "RidgeCV(np.geomspace(1e-3, 1e3, 5000))"),
    "folds": ("rng.standard_normal((4000, 200))", "X[:, 0]", "RidgeCV(cv=2000)"),
}


@pytest.mark.parametrize("stage", LONG_RIDGE)
def test_a_ridge_that_is_interrupted_leaves_the_estimator_as_it_was(stage):
    X, y, model = LONG_RIDGE[stage]
    printed = run(f"""
        X = {X}
        y, model = {y}, {model}
        clone = type(model)().fit(np.eye(5), np.arange(5.0))  # so that nothing is imported while the clock runs
        vars(model).update(coef_=clone.coef_, intercept_=clone.intercept_)
        before = dict(vars(model))
        sent = signal_after(0.1)
        try:
            model.fit(X, y)
            print("finished")
        except KeyboardInterrupt:
            print(time.perf_counter() - sent.time)
        print(vars(model).keys() == before.keys() and all(vars(model)[k] is before[k] for k in before))
        healthy()
    """)
    assert printed[0] != "finished"
    assert float(printed[0]) < LATEST
    assert printed[1] == "True"
