"""No module needs itself: imports have no circles, those inside functions included."""

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import hedgerow

ROOT = Path(hedgerow.__file__).parent


def module_of(path):
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def for_types_only(node):
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def imports(node):
    """Yield what a module imports when it runs."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ImportFrom) and child.module:
            yield child.module
            yield from (f"{child.module}.{alias.name}" for alias in child.names)
        elif isinstance(child, ast.Import):
            yield from (alias.name for alias in child.names)
        elif for_types_only(child):
            yield from (name for other in child.orelse for name in imports(other))
        else:
            yield from imports(child)


def graph(root):
    trees = {module_of(path): ast.parse(path.read_text()) for path in root.rglob("*.py")}
    return {name: (set(imports(tree)) & trees.keys()) - {name} for name, tree in trees.items()}


def test_imports_have_no_circles():
    found = graph(ROOT)
    assert len(found) > 300
    # A package's own file gathers what is in it; that its parts name the package is no circle.
    packages = {module_of(path) for path in ROOT.rglob("__init__.py")}
    modules = {name: needed - packages for name, needed in found.items() if name not in packages}
    tuple(TopologicalSorter(modules).static_order())


def test_a_circle_is_noticed():
    with pytest.raises(CycleError):
        tuple(TopologicalSorter({"a": {"b"}, "b": {"a"}}).static_order())
