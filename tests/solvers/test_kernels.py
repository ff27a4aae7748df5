"""How kernels stand in the sources: who compiles them, and who calls those without an entry."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from scheduling.solvers import jit, machine_code, warmup

SOLVERS = Path(machine_code.__file__).parent
ROOT = SOLVERS.parents[1]
KERNELS = {
    path: path.read_text("utf-8") for folder in machine_code.FOLDERS for path in folder.glob("*.py")
}
INNER = {"njit.inner", "njit.lean"}


def decorators(node: ast.AST) -> set[str]:
    return (
        {ast.unparse(d) for d in node.decorator_list}
        if isinstance(node, ast.FunctionDef)
        else set()
    )


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def inner_kernels() -> set[tuple[str, str]]:
    """Return module and name of each kernel that has no entry."""
    return {
        (module_of(path), node.name)
        for path, text in KERNELS.items()
        for node in ast.parse(text).body
        if isinstance(node, ast.FunctionDef) and decorators(node) & INNER
    }


def outside_kernels(tree: ast.AST) -> Iterator[ast.AST]:
    """Walk through what the interpreter runs."""
    left = [tree]
    while left:
        node = left.pop()
        if not any(name.startswith("njit") for name in decorators(node)):
            yield node
            left.extend(ast.iter_child_nodes(node))


def uses(text: str, module: str, inner: set[tuple[str, str]]) -> set[str]:
    """Return the inner kernels that Python code of a module names."""
    tree = ast.parse(text)
    named = {name: (home, name) for home, name in inner if home == module}
    modules: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            for one in node.names:
                named[one.asname or one.name] = (node.module, one.name)
                modules[one.asname or one.name] = f"{node.module}.{one.name}"
    found = set()
    for node in outside_kernels(tree):
        if isinstance(node, ast.Name) and named.get(node.id) in inner:
            found.add(node.id)
        elif (
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and (modules.get(node.value.id, ""), node.attr) in inner
        ):
            found.add(node.attr)
    return found


def test_python_calls_no_inner_kernel() -> None:
    inner = inner_kernels()
    assert len(inner) > 100
    called = {
        str(path.relative_to(ROOT)): found
        for folder in ("scheduling", "tests", "benchmarks")
        for path in (ROOT / folder).rglob("*.py")
        if "kernels" in (text := path.read_text("utf-8"))
        if (found := uses(text, module_of(path), inner))
    }
    assert called == {}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("from a.kernels.b import f\nf(1)\n", {"f"}),
        ("from a.kernels import b\ndef g():\n    return b.f(1)\n", {"f"}),
        ("from a.kernels.b import f\n@njit.entry\ndef g():\n    return f(1)\n", set()),
    ],
)
def test_such_calls_are_seen(text: str, found: set[str]) -> None:
    assert uses(text, "a.c", {("a.kernels.b", "f")}) == found


def test_the_folders_of_all_kernels_are_watched() -> None:
    """A folder that holds kernels elsewhere would keep machine code of old sources."""
    home = Path(warmup.__file__).parent
    used = re.compile(r"^@.*njit", re.MULTILINE)
    jitted = {p.parent for p in home.rglob("*.py") if used.search(p.read_text(encoding="utf-8"))}
    assert jitted
    assert jitted <= set(machine_code.FOLDERS)


def test_no_kernel_goes_round_the_library_s_own_njit() -> None:
    """Broken machine code, a full disk or a folder without rights would end its searches."""
    home = Path(jit.__file__).parent
    direct = re.compile(r"numba\.(n?jit|guvectorize|vectorize)\b|from numba import")
    found = {path for path in home.rglob("*.py") if direct.search(path.read_text(encoding="utf-8"))}
    assert found == {Path(jit.__file__)}
