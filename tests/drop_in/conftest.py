"""What scikit-learn's tests expect of their surroundings, and which of them run with ours in place."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import sklearn
from packaging.version import Version

from .not_applicable import NOT_APPLICABLE, WRITTEN_FOR, NotApplicable
from .substitution import PACKAGES, counting_uses, uses_substitutes

HERE = Path(__file__).parent
SUBSTITUTED_FILES = tuple(f"{name}.py" for name in PACKAGES)
IS_WRITTEN_FOR = sklearn.__version__.startswith(f"{WRITTEN_FOR}.")
SCIKIT_LEARN_MARKERS = ("thread_unsafe", "parallel_threads", "iterations", "no_check_spmatrix")


@pytest.fixture
def global_random_seed() -> int:
    """The seed that scikit-learn's conftest hands to its tests, chosen by the same variable (one seed)."""
    return int(os.environ.get("SKLEARN_TESTS_GLOBAL_RANDOM_SEED", "42"))


def pytest_configure(config: pytest.Config) -> None:
    for marker in SCIKIT_LEARN_MARKERS:
        config.addinivalue_line("markers", f"{marker}: of scikit-learn's test suite, without effect here")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect what proves nothing about regularize; expect the listed tests to fail."""
    idle = {item for item in items if _is_scikit_learns(item) and not uses_substitutes(item)}
    if idle:
        config.hook.pytest_deselected(items=[item for item in items if item in idle])
        items[:] = [item for item in items if item not in idle]
    for item in filter(_is_scikit_learns, items):
        # scikit-learn's tests assume that a warning is no error; filters of the tests themselves still win.
        item.add_marker(pytest.mark.filterwarnings("default"), append=False)
        exception = _exception(item)
        if exception is not None:
            item.add_marker(
                pytest.mark.xfail(reason=exception.reason, raises=exception.ends_with, strict=IS_WRITTEN_FOR)
            )


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Iterator[None]:
    """Skip a test that passed without ever calling our code, so that each pass counted is one of ours."""
    if not _is_scikit_learns(pyfuncitem):
        return (yield)
    with counting_uses() as uses:
        outcome = yield
    if uses() == 0 and _exception(pyfuncitem) is None:
        pytest.skip("returned before it called regularize")
    return outcome


def _is_scikit_learns(item: pytest.Item) -> bool:
    return item.path.parent == HERE and item.path.name in SUBSTITUTED_FILES


def applies_here(exception: NotApplicable) -> bool:
    """Whether the installed scikit-learn still makes the demand that the exception is from."""
    return exception.before is None or Version(sklearn.__version__) < Version(exception.before)


def _exception(item: pytest.Item) -> NotApplicable | None:
    """What the list says about the test: with these parameters, or else with any."""
    of_every_parameter = f"{item.path.name}::{getattr(item, 'originalname', item.name)}"
    exception = NOT_APPLICABLE.get(f"{item.path.name}::{item.name}", NOT_APPLICABLE.get(of_every_parameter))
    return exception if exception is not None and applies_here(exception) else None
