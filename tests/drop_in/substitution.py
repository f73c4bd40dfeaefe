"""Load an installed test module of scikit-learn afresh, with regularize in place of what we replace.

Decorators and parametrisations of a test module are evaluated when its source is executed, so replacing the
names afterwards would miss them. The source is therefore executed again, under another module name, while
`sklearn.linear_model` offers our objects. Its private modules are left alone.
"""

import functools
import importlib.util
import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from types import CodeType, ModuleType
from typing import Any
from unittest import mock

import pytest
import sklearn.linear_model

import regularize

Function = Callable[..., Any]

CLASSES = (
    "ElasticNet",
    "ElasticNetCV",
    "Lasso",
    "LassoCV",
    "MultiTaskElasticNet",
    "MultiTaskElasticNetCV",
    "MultiTaskLasso",
    "MultiTaskLassoCV",
    "Ridge",
    "RidgeCV",
    "RidgeClassifier",
    "RidgeClassifierCV",
)
FUNCTIONS = ("enet_path", "lasso_path", "ridge_regression")
# Where scikit-learn keeps the tests of that name.
PACKAGES = {
    "test_coordinate_descent": "sklearn.linear_model.tests",
    "test_sparse_coordinate_descent": "sklearn.linear_model.tests",
    "test_ridge": "sklearn.linear_model.tests",
    "test_common": "sklearn.linear_model.tests",
    "test_from_model": "sklearn.feature_selection.tests",
    "test_metaestimators_metadata_routing": "sklearn.tests",
}


class CallCounter:
    """Counts the calls of the functions it has wrapped."""

    def __init__(self) -> None:
        self.calls = 0

    def wrap(self, function: Function) -> Function:
        """Return `function`, counted; its signature, name and docstring stay visible."""

        @functools.wraps(function)
        def counted(*args: Any, **kwargs: Any) -> Any:
            self.calls += 1
            return function(*args, **kwargs)

        return counted


COUNTER = CallCounter()
SUBSTITUTES: dict[str, Any] = {name: getattr(regularize, name) for name in CLASSES} | {
    name: COUNTER.wrap(getattr(regularize, name)) for name in FUNCTIONS
}


@contextmanager
def counting_uses() -> Iterator[Callable[[], int]]:
    """Yield a function that tells how often our objects were called since the block was entered.

    A class counts as called when an instance is made; tests that only read attributes do that too.
    """
    start = COUNTER.calls
    with ExitStack() as stack:
        for name in CLASSES:
            estimator = SUBSTITUTES[name]
            stack.enter_context(mock.patch.object(estimator, "__init__", COUNTER.wrap(estimator.__init__)))
        yield lambda: COUNTER.calls - start


@functools.cache
def load_substituted(name: str) -> ModuleType:
    """Execute scikit-learn's tests of that name with our objects in place; skip if they are not installed."""
    package = PACKAGES[name]
    installed = importlib.util.find_spec(package)
    installed = installed and importlib.util.find_spec(f"{package}.{name}")
    if installed is None or installed.origin is None:
        pytest.skip(f"this scikit-learn does not install {name}.py", allow_module_level=True)
    # A name in the same package keeps relative imports working; in sys.modules, its classes can be pickled.
    alias = f"{package}.{name}_with_regularize"
    spec = importlib.util.spec_from_file_location(alias, installed.origin)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[alias] = module
    with mock.patch.multiple(sklearn.linear_model, **SUBSTITUTES):
        spec.loader.exec_module(module)
    return module


def substituted_tests(name: str) -> dict[str, Any]:
    """Return what a test module must define to hold scikit-learn's tests of that name and their fixtures."""
    module = load_substituted(name)
    return {key: value for key, value in vars(module).items() if not key.startswith("_")}


def uses_substitutes(item: pytest.Item) -> bool:
    """Whether the test can reach our objects: through its parameters, or through the code it runs."""
    if not isinstance(item, pytest.Function):
        return False
    parameters = item.callspec.params.values() if hasattr(item, "callspec") else ()
    return any(map(_is_substitute, parameters)) or _reaches_substitute(item.function, set())


def _is_substitute(value: object) -> bool:
    if isinstance(value, dict):
        return any(map(_is_substitute, value.values()))
    return any(value is ours or type(value) is ours for ours in SUBSTITUTES.values())


def _reaches_substitute(function: Function, visited: set[Function]) -> bool:
    """Whether `function`, or a function of its module that it names, names one of our objects."""
    function = inspect.unwrap(function)
    visited.add(function)
    named = [function.__globals__.get(name) for name in _names(function.__code__)]
    helpers = [
        value
        for value in named
        if inspect.isfunction(value) and value.__module__ == function.__module__ and value not in visited
    ]
    return any(map(_is_substitute, named)) or any(_reaches_substitute(helper, visited) for helper in helpers)


def _names(code: CodeType) -> Iterator[str]:
    """Yield the global and attribute names that `code` and the functions nested in it mention."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)
