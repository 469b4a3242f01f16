"""Which facts of a record steer a compiled mapping: what is there, how many, and which words.

Two records that share these facts, and so have one *shape*, run through the same lines of the
compiled code and differ in the texts, numbers and dates that they put there.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, get_args, get_origin

import msgspec

RECORD = "s"
"""The name of the record in compiled code."""

_COPIES = frozenset({"quoted", "BOOLEANS"})
# A feed has few sources, so it is worth its own code where a record comes from.
_SELDOM_VARIED = frozenset({"patients_of", "records_of"})


@dataclass(slots=True)
class Facts:
    """What has to be known of an object of the record: of itself, or of a list's element.

    Each is named by its path from that object, such as ``author.identifier.value``. `values` are
    leaves whose very value matters, `presences` leaves that matter by being there, `identities`
    objects and lists that matter so, by the name of what stands for a missing one.
    """

    record_class: Any
    values: dict[str, None] = field(default_factory=dict)
    presences: dict[str, None] = field(default_factory=dict)
    identities: dict[str, str] = field(default_factory=dict)
    lists: dict[str, Facts] = field(default_factory=dict)

    def type_of(self, path: str) -> Any:
        """Return the declared type of what stands at a path."""
        found = self.record_class
        for name in path.split("."):
            found = next(one.type for one in msgspec.structs.fields(found) if one.name == name)
        return found

    def element(self, path: str) -> Facts:
        """Return the facts of the elements of a list."""
        if path not in self.lists:
            (item,) = get_args(self.type_of(path))
            self.lists[path] = Facts(item)
        return self.lists[path]

    def complete(self, absent_name: Callable[[str], str], within: str = "", of: str = "") -> None:
        """Add whether each other member is there, so that the shape tells of all of them.

        `absent_name` gives the name of what stands for a missing object, by its path in the
        record; `within` is the path of this object there, `of` that of one of its parts.
        """
        owner = self.type_of(of) if of else self.record_class
        for one in msgspec.structs.fields(owner):
            path = f"{of}.{one.name}" if of else one.name
            full = f"{within}{path}"
            if get_origin(one.type) is list:
                self._complete_list(path, f"{full}[].", absent_name)
            elif hasattr(one.type, "__struct_fields__"):
                if not one.required:
                    self.identities.setdefault(path, absent_name(full))
                self.complete(absent_name, within, path)
            elif not one.required:
                self.presences.setdefault(path)

    def _complete_list(self, path: str, within: str, absent_name: Callable[[str], str]) -> None:
        (item,) = get_args(self.type_of(path))
        if hasattr(item, "__struct_fields__"):
            self.element(path).complete(absent_name, within)
        else:
            self.identities.setdefault(path, "NO_ITEMS")

    def is_leaf(self, path: str) -> bool:
        """True where a single value stands at a path."""
        found = self.type_of(path)
        return get_origin(found) is not list and not hasattr(found, "__struct_fields__")

    def is_word(self, path: str) -> bool:
        """True where a leaf holds one of the words of its schema."""
        return get_origin(self.type_of(path)) is Literal

    def key(self, name: str) -> ast.expr:
        """Return the expression of all these facts of the object with this name in code."""
        parts = [*_values(self, name), *_presences(self, name), *_identities(self, name)]
        parts += [_elements(facts, name, path) for path, facts in self.lists.items()]
        return parts[0] if len(parts) == 1 else ast.Tuple(parts, ast.Load())


def facts_of(program: ast.FunctionDef, record_class: Any) -> Facts:
    """Return the facts that steer a compiled function."""
    facts = Facts(record_class)
    _Reader({RECORD: facts}).read(program.body)
    return facts


def path_of(node: ast.expr) -> tuple[str, str] | None:
    """Return the variable and the path of ``variable.path``, None for any other expression."""
    steps: list[str] = []
    while isinstance(node, ast.Attribute):
        steps.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name) or not steps:
        return None
    return node.id, ".".join(reversed(steps))


def _expression(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


def _values(facts: Facts, name: str) -> Iterator[ast.expr]:
    yield from (_expression(f"{name}.{path}") for path in facts.values)


def _presences(facts: Facts, name: str) -> Iterator[ast.expr]:
    """Yield the tests of what is there, those within one object that may be missing together."""
    alone = [path for path in facts.presences if path not in facts.values]
    grouped: dict[str, list[str]] = {}
    for path in alone:
        owner = next((one for one in facts.identities if path.startswith(f"{one}.")), "")
        grouped.setdefault(owner, []).append(path)
    for owner, paths in grouped.items():
        tests = ", ".join(f"{name}.{path} is None" for path in paths)
        if owner:
            yield _expression(
                f"({tests},) if {name}.{owner} is not {facts.identities[owner]} else None"
            )
        else:
            yield from (_expression(f"{name}.{path} is None") for path in paths)


def _identities(facts: Facts, name: str) -> Iterator[ast.expr]:
    told = {path.rpartition(".")[0] for path in facts.presences if path not in facts.values}
    for path, absent in facts.identities.items():
        if path not in facts.lists and path not in told:
            yield _expression(f"{name}.{path} is {absent}")


def _elements(facts: Facts, name: str, path: str) -> ast.expr:
    """Return the expression of a list's length and of the facts of its elements.

    An empty list that was given stays apart from none: they are written differently.
    """
    element = f"{name}_"
    inner = ast.unparse(facts.key(element))
    return _expression(
        f"None if {name}.{path} is NO_ITEMS else tuple([{inner} for {element} in {name}.{path}])"
    )


class _Reader:
    """Walks a compiled function and collects the facts that it asks for."""

    def __init__(self, scopes: dict[str, Facts]) -> None:
        self._scopes = scopes

    def read(self, nodes: Iterable[ast.AST]) -> None:
        for node in nodes:
            self._read(node)

    def _read(self, node: ast.AST) -> None:
        if _is_copy(node) or (isinstance(node, ast.Compare) and self._compared(node)):
            return
        if isinstance(node, ast.Attribute) and path_of(node):
            self._read_path(node)
            return
        for target, items in _repetitions(node):
            self._repeat(target, items)
        self._note(node)
        self.read(ast.iter_child_nodes(node))

    def _note(self, node: ast.AST) -> None:
        """Note what an expression asks of its parts."""
        match node:
            case ast.BoolOp(_, values):
                for one in values:
                    self._note_presence(one)
            case ast.Call(func, arguments) if _is_name(func, _SELDOM_VARIED):
                for one in arguments:
                    self._note_values(one)
            case ast.Subscript(_, place):
                # What a table is asked for decides which of its rows is written.
                self._note_values(place)

    def _place(self, node: ast.expr) -> tuple[Facts, str] | None:
        found = path_of(node)
        if found is None or found[0] not in self._scopes:
            return None
        return self._scopes[found[0]], found[1]

    def _repeat(self, target: ast.expr, items: ast.expr) -> None:
        place = self._place(items)
        if place is not None and isinstance(target, ast.Name):
            facts, path = place
            self._scopes[target.id] = facts.element(path)

    def _note_values(self, node: ast.expr) -> None:
        for one in ast.walk(node):
            place = self._place(one) if isinstance(one, ast.Attribute) else None
            if place is not None and place[0].is_leaf(place[1]):
                place[0].values[place[1]] = None

    def _note_presence(self, node: ast.expr) -> None:
        """Note that it matters whether a leaf is there, as in ``leaf or ""``."""
        place = self._place(node)
        if place is not None:
            place[0].presences[place[1]] = None

    def _read_path(self, node: ast.Attribute) -> None:
        place = self._place(node)
        if place is not None and place[0].is_word(place[1]):
            place[0].values[place[1]] = None

    def _compared(self, node: ast.Compare) -> bool:
        """Note what a comparison asks; False where its parts have to be read one by one."""
        place = self._place(node.left)
        if place is None:
            return False
        facts, path = place
        (other,) = node.comparators
        if isinstance(other, ast.Name):
            facts.identities[path] = other.id
        elif isinstance(other, ast.Constant) and other.value is None:
            facts.presences[path] = None
        else:
            facts.values[path] = None
        return True


def _repetitions(node: ast.AST) -> Iterator[tuple[ast.expr, ast.expr]]:
    """Yield each loop variable of a node, and the list that it runs over."""
    if isinstance(node, ast.For):
        yield node.target, node.iter
    elif isinstance(node, ast.ListComp):
        yield from ((one.target, one.iter) for one in node.generators)


def _is_copy(node: ast.AST) -> bool:
    """True for an expression that only writes a value, whatever it is."""
    if isinstance(node, ast.Call):
        return _is_name(node.func, _COPIES)
    return isinstance(node, ast.Subscript) and _is_name(node.value, _COPIES)


def _is_name(node: ast.AST, names: frozenset[str]) -> bool:
    return isinstance(node, ast.Name) and node.id in names
