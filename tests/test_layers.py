"""Who may import whom, read from the sources.

    displays, path_search -> estimators -> ridge_paths, group_paths -> ridge_answers -> paths, priors
      -> grids -> proximal -> validation, solvers, selection -> design | losses | penalties -> kernels

A module imports from its own part and from parts further right; parts on one level never import each other.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "regularize"
LEVELS = (
    {"displays", "path_search"},
    {"estimators"},  # scikit-learn's estimators carry their path function: ElasticNet.path
    {"ridge_paths", "group_paths"},
    {"ridge_answers"},
    {"paths", "priors"},
    {"grids"},
    {"proximal"},  # the solvers' second opinion: see below
    {"validation", "solvers", "selection"},
    {"design", "losses", "penalties"},
    {"kernels"},
)
LEVEL_OF = {part: level for level, parts in enumerate(LEVELS) for part in parts}
KERNELS_MAY_CIMPORT = ("libc", "cython", "cpython", "scipy.linalg.cython_blas", "scipy.linalg.cython_lapack")

PYTHON_FILES = [
    path
    for pattern in ("*.py", "*.pyi")
    for path in sorted(PACKAGE.rglob(pattern))
    if path != PACKAGE / "__init__.py"  # it gathers the public names and may import from every part
]
CYTHON_FILES = sorted((*PACKAGE.rglob("*.pyx"), *PACKAGE.rglob("*.pxd")))


def part_of(path: Path) -> str:
    """The part of the package a file belongs to: its folder, or its own name at the top."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py").removesuffix(".pyi")


def imported_modules(path: Path, tree: ast.AST) -> Iterator[str]:
    """Absolute dotted names of everything that a syntax tree imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = ["regularize", *path.relative_to(PACKAGE).parts[:-1]]
            base = package[: len(package) + 1 - node.level] if node.level else []
            origin = ".".join([*base, *(node.module or "").split(".")]).strip(".")
            yield from (f"{origin}.{alias.name}" for alias in node.names)


def at_import_time(tree: ast.Module) -> ast.Module:
    """The tree without the bodies of functions and of ``if TYPE_CHECKING``."""

    class Pruner(ast.NodeTransformer):
        def visit_FunctionDef(self, node: ast.FunctionDef) -> None:  # noqa: N802
            return None

        visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815

        def visit_If(self, node: ast.If) -> ast.AST | list[ast.stmt]:  # noqa: N802
            for_types_only = ast.unparse(node.test).endswith("TYPE_CHECKING")
            return node.orelse if for_types_only else self.generic_visit(node)

    return Pruner().visit(tree)


def forbidden(path: Path, module: str) -> bool:
    """Whether the layer rule forbids this file to import this module."""
    top, _, rest = module.partition(".")
    here = part_of(path)
    if top == "sklearn":
        is_private = any(part.startswith("_") for part in rest.split("."))
        return is_private or here not in {"path_search", "estimators", "validation"}
    if top == "matplotlib":
        return here != "displays"
    if top != "regularize":
        return False
    there = rest.partition(".")[0]
    # A name taken from the package itself would be imported while that package is still being imported.
    return there not in LEVEL_OF or (there != here and LEVEL_OF[there] <= LEVEL_OF[here])


@pytest.mark.parametrize("path", PYTHON_FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_imports_only_from_layers_below(path):
    assert part_of(path) in LEVEL_OF, "a new part of the package: give it a level"
    modules = imported_modules(path, ast.parse(path.read_text()))
    assert [module for module in modules if forbidden(path, module)] == []


@pytest.mark.parametrize("path", sorted((PACKAGE / "proximal").glob("*.py")), ids=lambda path: path.name)
def test_the_second_opinion_shares_nothing_with_what_it_judges(path):
    modules = [m for m in imported_modules(path, ast.parse(path.read_text())) if m.startswith("regularize.")]
    own = ("regularize.proximal.", "regularize.validation.", "regularize.kernels.proximal")
    assert [module for module in modules if not module.startswith(own)] == []


@pytest.mark.parametrize("path", PYTHON_FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_matplotlib_is_imported_only_inside_functions(path):
    tree = at_import_time(ast.parse(path.read_text()))
    assert [module for module in imported_modules(path, tree) if module.startswith("matplotlib")] == []


@pytest.mark.parametrize("path", CYTHON_FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_kernel_cimports_only_c_blas_and_kernels(path):
    assert part_of(path) == "kernels"
    names = re.findall(r"^\s*(?:from|cimport|import)\s+([\w.]+)", path.read_text(), flags=re.MULTILINE)
    names = [name.removesuffix(".") for name in names]
    allowed = (*KERNELS_MAY_CIMPORT, "regularize.kernels")
    assert [name for name in names if not any(name == a or name.startswith(a + ".") for a in allowed)] == []


def test_shared_kernel_code_is_header_only():
    """Anything else declared in a .pxd is looked up at import, in a compiled module that does not exist."""
    header_only = r"^(?:cdef\s+(?:inline|struct|enum|extern)\b|ctypedef\b)"
    declarations = [
        f"{path.name}: {line}"
        for path in PACKAGE.rglob("*.pxd")
        for line in path.read_text().splitlines()
        if re.match(r"c(?:p?def|typedef)\b", line) and not re.match(header_only, line)
    ]
    assert declarations == []


@pytest.mark.parametrize(
    ("importer", "module", "is_forbidden"),
    [
        ("solvers/a.py", "regularize.penalties.penalty.Penalty", False),
        ("solvers/a.py", "regularize.solvers.b", False),
        ("solvers/a.py", "regularize.validation.check", True),
        ("design/a.py", "regularize.penalties", True),
        ("penalties/a.py", "regularize.solvers", True),
        ("solvers/a.py", "regularize.__version__", True),
        ("paths.py", "sklearn.utils", True),
        ("estimators/base.py", "sklearn.utils._private", True),
        ("estimators/a.py", "regularize.paths.enet_path", False),
        ("estimators/a.py", "matplotlib.pyplot", True),
    ],
)
def test_the_rule_itself_tells_right_from_wrong(importer, module, is_forbidden):
    assert forbidden(PACKAGE / importer, module) is is_forbidden


def test_relative_imports_are_resolved():
    tree = ast.parse("from ..kernels import scan\nfrom . import b\nfrom .c import d\n")
    names = list(imported_modules(PACKAGE / "solvers" / "a.py", tree))
    assert names == ["regularize.kernels.scan", "regularize.solvers.b", "regularize.solvers.c.d"]
