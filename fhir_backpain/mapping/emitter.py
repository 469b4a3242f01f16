"""Writes the Python text of a template: a function body that assembles JSON text.

Each node becomes a `Piece`. A piece that is always there is part of an f-string; one that may be
empty is a variable that holds its JSON text or None. So a record costs one f-string for each
resource and one test for each optional value, and no tree is ever built. What depends on the record
alone is computed once, in the function's prelude.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from fhir_backpain.artifacts.located_yaml import plain
from fhir_backpain.errors import MappingCheckError
from fhir_backpain.mapping import messages
from fhir_backpain.mapping.code_buffer import CodeBuffer
from fhir_backpain.mapping.condition import compile_condition
from fhir_backpain.mapping.declaration import Fragments
from fhir_backpain.mapping.scope import Reach, Scope
from fhir_backpain.mapping.source_shape import ListShape
from fhir_backpain.mapping.template import (
    Each,
    FirstOf,
    ListTemplate,
    Literal,
    ObjectTemplate,
    Slot,
    Template,
    Use,
    When,
)
from fhir_backpain.outcome import MappingLocation


@dataclass(frozen=True, slots=True)
class Piece:
    """JSON text of a node: `text` is f-string source; `variable` is set where it may be None.

    `live` is true where the node depends on the record.
    """

    text: str
    variable: str | None = None
    live: bool = False


def literal_text(value: Any) -> str:
    """Return a JSON value as f-string source."""
    return in_f_string(json.dumps(value, separators=(",", ":")))


def in_f_string(text: str) -> str:
    """Return text as the source of an f-string in single quotes."""
    return text.replace("\\", "\\\\").replace("'", "\\'").replace("{", "{{").replace("}", "}}")


SlotEmitter = Callable[["Emitter", Slot], Piece]


class Emitter:
    """Collects the lines and the constants of one function while templates are walked."""

    def __init__(
        self, scope: Scope, functions: Mapping[str, SlotEmitter], fragments: Fragments
    ) -> None:
        self.scope = scope
        self.code = CodeBuffer()
        self.constants: dict[str, Any] = {}
        self._functions = functions
        self._fragments = fragments
        self._open_fragments: list[str] = []
        self.identity = ""
        self._settled: dict[tuple[Any, ...], tuple[Piece, frozenset[str]]] = {}
        self._in_prelude: set[str] = set()
        self._members: dict[tuple[str, str], str] = {}

    def line(self, text: str) -> None:
        """Add one line of code at the present depth."""
        self.code.add(text)

    def fresh(self, start: str = "v") -> str:
        """Return a variable name that is not in use."""
        return self.code.fresh(start)

    def bind(self) -> None:
        """Say that what is being emitted depends on the rule's own key or on what was made."""
        self.code.bind()

    def assign(self, expression: str) -> str:
        """Add an assignment and return its variable."""
        name = self.fresh()
        self.line(f"{name} = {expression}")
        return name

    def constant(self, value: Any) -> str:
        """Return the name under which the function finds a constant."""
        name = f"K{len(self.constants)}"
        self.constants[name] = value
        return name

    @contextmanager
    def block(self, head: str) -> Iterator[None]:
        """Indent what is emitted inside below `head`."""
        with self.code.block(head):
            yield

    @contextmanager
    def inside(self, scope: Scope) -> Iterator[None]:
        """Resolve what is emitted inside in another scope."""
        outer, self.scope = self.scope, scope
        try:
            yield
        finally:
            self.scope = outer

    def reach(self, path: str, where: MappingLocation) -> Reach:
        """Return what a path means here."""
        reach = self.scope.reach(path.removeprefix("=").strip(), where)
        if reach.is_bound:
            self.code.bind()
        return reach

    def value(self, reach: Reach, form: str) -> Piece:
        """Return the piece of a source value; `form` is an expression with ``{}`` for the value."""
        if reach.certain:
            return Piece("{" + self.assign(form.format(reach.expression)) + "}", live=True)
        found = self.assign(reach.expression)
        return self.optional(f"None if {found} is None else {form.format(found)}")

    def optional(self, expression: str) -> Piece:
        """Return the piece of an expression that may be None."""
        name = self.assign(expression)
        return Piece("{" + name + "}", variable=name, live=True)

    def emit(self, node: Template) -> Piece:
        """Emit a node and return its piece; the same node on the same record is emitted once."""
        key = self._key_of(node)
        if key is not None and key in self._settled:
            piece, used = self._settled[key]
            self.scope.used |= used
            return piece
        outer, self.code.place = self.code.place, node.location
        with self._counting() as used_here, self.code.trial() as trial:
            piece = self._emit(node)
        self.code.place = outer
        if trial.is_settled:
            if piece.variable:
                self._in_prelude.add(piece.variable)
            if key is not None:
                self._settled[key] = (piece, frozenset(used_here))
        return piece

    @contextmanager
    def _counting(self) -> Iterator[set[str]]:
        """Count the paths that are used inside apart, too."""
        scope = self.scope
        outer, scope.used = scope.used, set()
        yield scope.used
        outer |= scope.used
        scope.used = outer

    def _key_of(self, node: Template) -> tuple[Any, ...] | None:
        """Return what makes two nodes the same, for those that are worth sharing."""
        if isinstance(node, Use) and not node.arguments:
            return ("use", node.fragment)
        if isinstance(node, Slot) and not self._open_fragments:
            options = {key: plain(value) for key, value in node.options.items()}
            return ("slot", node.function, repr(plain(node.argument)), repr(options))
        return None

    def _emit(self, node: Template) -> Piece:
        if isinstance(node, Literal):
            return Piece(literal_text(node.value))
        if isinstance(node, Slot):
            return self._emit_slot(node)
        if isinstance(node, ObjectTemplate):
            return self.emit_object({key: self.emit(item) for key, item in node.members.items()})
        if isinstance(node, ListTemplate):
            return self._emit_list(node)
        if isinstance(node, Use):
            return self._emit_use(node)
        if isinstance(node, When):
            return self._emit_when(node)
        if isinstance(node, FirstOf):
            return self._emit_first_of(node)
        raise MappingCheckError(
            messages.SLOT_UNKNOWN.issue("'=each' stands only in a list.", mapping=node.location)
        )

    def _emit_slot(self, node: Slot) -> Piece:
        function = self._functions.get(node.function)
        if function is None:
            known = ", ".join(sorted(self._functions))
            raise MappingCheckError(
                messages.SLOT_UNKNOWN.issue(
                    f"There is no function '{node.function}'; there are: {known}.",
                    mapping=node.location,
                )
            )
        return function(self, node)

    def emit_object(self, members: Mapping[str, Piece]) -> Piece:
        """Return the piece of an object; it is left out where its live members are all empty."""
        texts = [self._member(key, piece) for key, piece in members.items()]
        body = self._join(texts, members)
        live = [piece for piece in members.values() if piece.live]
        if not live or any(piece.variable is None for piece in live):
            return Piece(body, live=bool(live))
        there = " or ".join(f"{piece.variable} is not None" for piece in live)
        return self.optional(f"f'{body}' if {there} else None")

    def _join(self, texts: list[str], members: Mapping[str, Piece]) -> str:
        """Return the f-string source of an object, with no comma before its first member."""
        joined = "".join(texts)
        first = next(iter(members.values()), None)
        if first is None or first.variable is None:
            return "{{" + joined[1:] + "}}"
        rest = self.assign(f"f'{joined}'")
        return "{{" + "{" + f"{rest}[1:]" + "}" + "}}"

    def _member(self, key: str, piece: Piece) -> str:
        name = in_f_string(json.dumps(key))
        if piece.variable is None:
            return f",{name}:{piece.text}"
        expression = f"'' if {piece.variable} is None else f',{name}:{{{piece.variable}}}'"
        if piece.variable not in self._in_prelude:
            return "{" + self.assign(expression) + "}"
        variable = self._members.get((key, piece.variable))
        if variable is None:
            variable = self._members[key, piece.variable] = self.fresh()
            self.code.add_to_prelude(f"{variable} = {expression}")
        return "{" + variable + "}"

    def _emit_list(self, node: ListTemplate) -> Piece:
        if not any(isinstance(item, Each) for item in node.items):
            pieces = [self.emit(item) for item in node.items]
            if all(piece.variable is None for piece in pieces):
                body = ",".join(piece.text for piece in pieces)
                return Piece(f"[{body}]", live=any(piece.live for piece in pieces))
            return self._gathered([("piece", piece) for piece in pieces])
        return self._gathered_from(node.items)

    def _gathered(self, parts: list[tuple[str, Piece]]) -> Piece:
        items = self.assign("[]")
        for _, piece in parts:
            self._append(items, piece)
        return self._closed(items)

    def _gathered_from(self, nodes: tuple[Template, ...]) -> Piece:
        items = self.assign("[]")
        for node in nodes:
            if isinstance(node, Each):
                self._emit_each(node, items)
            else:
                self._append(items, self.emit(node))
        return self._closed(items)

    def _closed(self, items: str) -> Piece:
        return self.optional(f"'[' + ','.join({items}) + ']' if {items} else None")

    def _append(self, items: str, piece: Piece) -> None:
        if piece.variable is None:
            self.line(f"{items}.append(f'{piece.text}')")
        else:
            with self.block(f"if {piece.variable} is not None:"):
                self.line(f"{items}.append({piece.variable})")

    def _emit_each(self, node: Each, items: str) -> None:
        with self.repeat(node.path, node.name, node.location):
            self._append(items, self.emit(node.body))

    @contextmanager
    def repeat(self, path: str, name: str, where: MappingLocation) -> Iterator[None]:
        """Emit a loop over a source list; what is emitted inside sees its element as `name`."""
        reach = self.reach(path, where)
        if not isinstance(reach.shape, ListShape):
            raise MappingCheckError(
                messages.PATH_KIND.issue(f"'{path}' is not a list.", mapping=where)
            )
        variable = self.fresh("e")
        element = Reach(variable, reach.shape.item, True, f"{reach.path}[]", is_bound=True)
        many = reach.expression if reach.certain else f"{reach.expression} or ()"
        with self.code.lazily(), self.block(f"for {variable} in {many}:"):
            self.line("pass")
            with self.inside(self.scope.with_name(name, element)):
                yield

    def _emit_when(self, node: When) -> Piece:
        result = self.assign("None")
        condition = compile_condition(node.condition, self.reach, node.location)
        with self.code.guard(f"if {condition}:"):
            self._set(result, self.emit(node.body))
        return Piece("{" + result + "}", variable=result, live=True)

    def _emit_first_of(self, node: FirstOf) -> Piece:
        result = self.assign("None")
        for alternative in node.alternatives:
            with self.code.guard(f"if {result} is None:"):
                self._set(result, self.emit(alternative))
        return Piece("{" + result + "}", variable=result, live=True)

    def _set(self, result: str, piece: Piece) -> None:
        value = piece.variable or f"f'{piece.text}'"
        self.line(f"{result} = {value}")

    def _emit_use(self, node: Use) -> Piece:
        fragment = self._fragments.get(node.fragment)
        if fragment is None:
            raise MappingCheckError(
                messages.FRAGMENT_UNKNOWN.issue(
                    f"There is no fragment '{node.fragment}'.", mapping=node.location
                )
            )
        if set(fragment.parameters) != set(node.arguments):
            wanted = ", ".join(fragment.parameters) or "none"
            raise MappingCheckError(
                messages.SLOT_ARGUMENT.issue(
                    f"The fragment '{node.fragment}' takes these parameters: {wanted}.",
                    mapping=node.location,
                )
            )
        if node.fragment in self._open_fragments:
            raise MappingCheckError(
                messages.FRAGMENT_UNKNOWN.issue(
                    f"The fragment '{node.fragment}' uses itself.",
                    mapping=node.location,
                    next_step="Take the use out of the fragment.",
                )
            )
        # What a fragment does not read of its parameters is not carried, so it is not counted.
        names = {
            name: self.scope.find(path, node.location) for name, path in node.arguments.items()
        }
        self._open_fragments.append(node.fragment)
        try:
            with self.inside(self.scope.only(names)):
                return self.emit(fragment.template)
        finally:
            self._open_fragments.pop()
