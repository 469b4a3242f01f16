"""The house: floors, sizes, names, words and docstrings of the whole package."""

from __future__ import annotations

import ast
import doctest
import importlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from fhir_backpain.outcome import CATALOGUE

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "fhir_backpain"
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if "_artifacts" not in path.parts)
NAMES = [path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".") for path in MODULES]
EVERY_MODULE = pytest.mark.parametrize("path", MODULES, ids=NAMES)

FLOORS = {
    "outcome": 0,
    "errors": 1, "record": 1, "config": 1,
    "artifacts": 2, "fhir": 2, "toolchain": 2, "telemetry": 2,
    "terminology": 3, "sources": 3, "definitions": 3, "instruments": 3, "hl7": 3,
    "mapping": 4, "validation": 4,
    "web": 4,
    "outbox": 5, "client": 5, "sandbox": 5, "clinic": 5,
    "intake": 6, "access": 6,
    "sync": 7, "pull": 7,
    "conformance": 8, "followup": 8, "protocols": 8,
    "demo": 9,
    "gateway": 10,
    "cli": 11,
}  # fmt: skip


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


def room(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Yield (line, module) of every import, those for types and inside functions too."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno} imports relatively"
            module = node.module or ""
            if module == "fhir_backpain":
                yield from ((node.lineno, f"{module}.{alias.name}") for alias in node.names)
            else:
                yield node.lineno, module


def test_every_room_has_its_floor() -> None:
    there = {room(name) for name in NAMES} - {"", "__init__", "__main__"}
    assert there <= set(FLOORS)


@EVERY_MODULE
def test_a_module_imports_only_from_floors_below_its_own(path: Path) -> None:
    own = room(NAMES[MODULES.index(path)])
    if own in ("__init__", "__main__"):
        return
    for line, module in imports(path):
        if module.split(".")[0] != "fhir_backpain":
            continue
        other = room(module)
        if other == "__version__":
            continue
        assert other == own or FLOORS[other] < FLOORS[own], f"{path}:{line} imports {module}"


@EVERY_MODULE
def test_a_module_and_its_functions_are_short(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) <= 400
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            assert length <= 40, f"{path}:{node.lineno} {node.name} has {length} lines"


@EVERY_MODULE
def test_no_module_is_a_drawer_for_everything(path: Path) -> None:
    drawers = {"utils", "util", "common", "helpers", "helper", "misc"}
    assert not drawers & set(path.relative_to(ROOT).with_suffix("").parts)


def undocumented(node: ast.AST, prefix: str) -> Iterator[str]:
    """Yield the public classes, functions and methods below a node that have no docstring."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if child.name.startswith("_"):
            continue
        if not ast.get_docstring(child):
            yield f"{prefix}{child.name} (line {child.lineno})"
        if isinstance(child, ast.ClassDef):
            yield from undocumented(child, f"{prefix}{child.name}.")


@EVERY_MODULE
def test_everything_public_has_a_docstring(path: Path) -> None:
    tree = tree_of(path)
    missing = list(undocumented(tree, ""))
    if not ast.get_docstring(tree):
        missing.insert(0, "the module")
    assert missing == []


@pytest.mark.parametrize("name", NAMES)
def test_the_examples_of_a_module_are_true(name: str) -> None:
    if name.endswith("__main__"):
        return
    result = doctest.testmod(importlib.import_module(name))
    assert result.failed == 0


def test_there_are_examples() -> None:
    assert sum(path.read_text("utf-8").count(">>> ") for path in MODULES) > 10


def messages() -> Iterator[tuple[Path, str, int]]:
    """Yield (module, constant, number) of every declared message."""
    for path in MODULES:
        for node in tree_of(path).body:
            if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.Call):
                continue
            called = node.value.func
            if isinstance(called, ast.Name) and called.id == "Message":
                target, first = node.targets[0], node.value.args[0]
                assert isinstance(target, ast.Name)
                assert isinstance(first, ast.Constant)
                assert isinstance(first.value, int)
                yield path, target.id, first.value


def test_every_message_number_is_declared_once_in_the_range_of_its_room() -> None:
    ranges = {
        "artifacts": (1,), "terminology": (1,), "fhir": (2,), "sources": (2,), "intake": (2,),
        "mapping": (3,), "validation": (4,), "definitions": (4,), "outbox": (5,), "client": (6,),
        "sync": (5, 6), "conformance": (7,), "gateway": (8,), "cli": (8,), "sandbox": (9,),
        "followup": (6,), "protocols": (1, 4),
    }  # fmt: skip
    declared = list(messages())
    assert len(declared) > 50
    twice = [number for number, times in Counter(n for _, _, n in declared).items() if times > 1]
    assert twice == []
    for path, constant, number in declared:
        own = room(NAMES[MODULES.index(path)])
        thousands = ranges.get(own, tuple(range(1, 10)))
        assert number // 1000 in thousands, f"{path} {constant} {number}"


def test_every_message_is_used() -> None:
    used: Counter[str] = Counter()
    for path in MODULES:
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                used[node.id] += 1
            elif isinstance(node, ast.Attribute):
                used[node.attr] += 1
    idle = [f"{path.parent.name}.{constant}" for path, constant, _ in messages()
            if not used[constant]]  # fmt: skip
    assert idle == []


@pytest.mark.parametrize("name", NAMES)
def test_a_message_says_what_to_do_next(name: str) -> None:
    if not name.endswith("__main__"):
        importlib.import_module(name)
    for message in CATALOGUE.values():
        assert message.title
        assert message.title[-1] != "."
        assert message.next_step[-1] in ".?", message
