"""The public names, what importing them costs, and what the installed package holds."""

from __future__ import annotations

import importlib.metadata
import os
import subprocess
import sys
from pathlib import Path

import pytest

import regularize

CHECKOUT = Path(__file__).resolve().parents[1]
PUBLIC = {
    "ElasticNet",
    "ElasticNetCV",
    "ElasticNetIC",
    "GroupElasticNet",
    "GroupElasticNetCV",
    "GroupLasso",
    "GroupLassoCV",
    "Lasso",
    "LassoCV",
    "LassoIC",
    "MultiTaskElasticNet",
    "MultiTaskElasticNetCV",
    "MultiTaskLasso",
    "MultiTaskLassoCV",
    "PathSearchCV",
    "RegularizationPathDisplay",
    "Ridge",
    "RidgeCV",
    "RidgeClassifier",
    "RidgeClassifierCV",
    "RidgeDiagnostics",
    "SparseGroupLasso",
    "SparseGroupLassoCV",
    "__version__",
    "alpha_from_prior",
    "alpha_grid",
    "alpha_max",
    "enet_path",
    "group_elastic_net_path",
    "group_lasso_path",
    "lasso_path",
    "prior_from_alpha",
    "proximal",
    "ridge_path",
    "ridge_regression",
    "sparse_group_lasso_path",
}


def run_python(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run this Python in the checkout."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=CHECKOUT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_exactly_these_names_are_public():
    assert set(regularize.__all__) == PUBLIC
    assert all(hasattr(regularize, name) for name in PUBLIC)


@pytest.mark.parametrize("name", sorted(PUBLIC - {"__version__"}))
def test_every_public_object_has_a_docstring_with_an_example(name):
    assert ">>>" in getattr(regularize, name).__doc__


def test_the_version_is_that_of_the_installed_distribution():
    assert regularize.__version__ == importlib.metadata.version("regularize")


def test_importing_does_not_load_matplotlib():
    done = run_python("-c", "import sys, regularize; print('matplotlib' in sys.modules)")
    assert (done.stdout, done.stderr) == ("False\n", "")


def test_types_are_installed():
    installed = Path(regularize.__file__).parent
    assert (installed / "py.typed").exists()
    assert (installed / "kernels" / "quadratic.pyi").exists()


def test_the_unbuilt_source_folder_says_in_one_line_what_to_do():
    done = run_python("-c", "import regularize", PYTHONSAFEPATH="")
    if done.returncode == 0:
        pytest.skip("an editable install: the source folder is the installed package")
    last_line = done.stderr.strip().splitlines()[-1]
    assert last_line.startswith("ImportError: regularize was imported from its source folder")
    assert "python -m pip install ." in last_line


@pytest.mark.parametrize("build", ["v9", "V3", "baseline,v3"])
def test_an_unknown_kernel_build_is_refused_by_name(build):
    done = run_python("-c", "import regularize", REGULARIZE_KERNELS=build)
    assert done.stderr.strip().splitlines()[-1] == (
        f"ImportError: REGULARIZE_KERNELS={build!r} is unknown: use one of baseline, v3."
    )


def test_the_kernel_build_can_be_chosen():
    script = "from regularize.kernels import KERNEL_BUILD, quadratic; print(KERNEL_BUILD, quadratic.__name__)"
    done = run_python("-c", script, REGULARIZE_KERNELS="baseline")
    assert done.stdout == "baseline regularize.kernels._quadratic_baseline\n", done.stderr
