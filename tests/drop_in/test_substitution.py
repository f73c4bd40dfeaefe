"""The drop-in proof is worth what its list of exceptions and its substitution are worth: both are tested."""

import pytest

import regularize

from .conftest import HERE, IS_WRITTEN_FOR, SUBSTITUTED_FILES, applies_here
from .not_applicable import NOT_APPLICABLE, WRITTEN_FOR
from .substitution import CLASSES, FUNCTIONS, counting_uses, load_substituted, uses_substitutes

OF_THE_FILE = {
    "test_coordinate_descent.py": {
        "ElasticNetCV",
        "LassoCV",
        "MultiTaskElasticNet",
        "MultiTaskElasticNetCV",
        "MultiTaskLasso",
        "MultiTaskLassoCV",
    },
    "test_ridge.py": {"RidgeCV", "RidgeClassifierCV"},
}


def _selected_names(request: pytest.FixtureRequest, file: str) -> set[str]:
    """The names, with and without parameters, of the tests in `file` that run with ours in place."""
    module = pytest.Module.from_parent(request.node.getparent(pytest.Module).parent, path=HERE / file)
    functions = [item for item in module.collect() if isinstance(item, pytest.Function)]
    selected = [item for item in functions if uses_substitutes(item)]
    return {item.name for item in selected} | {item.originalname for item in selected}


@pytest.mark.parametrize("file", SUBSTITUTED_FILES)
def test_every_listed_test_exists_and_uses_our_objects(request: pytest.FixtureRequest, file: str) -> None:
    if not IS_WRITTEN_FOR:
        pytest.skip(f"the list of exceptions is written for scikit-learn {WRITTEN_FOR}")
    here = (key.split("::", 1) for key, exception in NOT_APPLICABLE.items() if applies_here(exception))
    listed = {test for listed_file, test in here if listed_file == file}
    assert not listed - _selected_names(request, file)


def test_every_exception_names_a_known_file_and_a_reason() -> None:
    for key, exception in NOT_APPLICABLE.items():
        assert key.partition("::")[0] in SUBSTITUTED_FILES
        assert len(exception.reason.split()) > 3, key


@pytest.mark.parametrize("file", SUBSTITUTED_FILES)
def test_scikit_learns_tests_see_our_objects(file: str) -> None:
    module = load_substituted(file.removesuffix(".py"))
    named = [name for name in CLASSES if hasattr(module, name)]
    assert OF_THE_FILE.get(file, {"ElasticNetCV", "LassoCV"}) <= set(named)
    for name in named:
        assert getattr(module, name) is getattr(regularize, name)
    for name in FUNCTIONS:
        if hasattr(module, name):
            assert getattr(module, name).__wrapped__ is getattr(regularize, name)


@pytest.mark.parametrize("name", CLASSES)
def test_making_an_instance_counts_as_a_use(name: str) -> None:
    with counting_uses() as uses:
        assert uses() == 0
        getattr(regularize, name)()
        assert uses() > 0
