"""Walks templates and emits the code that makes them: a function body that assembles JSON text.

Each node becomes a `Piece`. What is always there is part of one f-string for the whole resource;
what may be missing is a variable that holds its text or nothing. So a record costs one f-string for
each resource and one test for each optional value, and no tree is ever built.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from fhir_backpain.artifacts.located_yaml import plain
from fhir_backpain.errors import MappingCheckError
from fhir_backpain.mapping import messages
from fhir_backpain.mapping.chunk import Chunks, Code, WordTable
from fhir_backpain.mapping.code_buffer import CodeBuffer
from fhir_backpain.mapping.condition import compile_condition
from fhir_backpain.mapping.declaration import Fragment, Fragments
from fhir_backpain.mapping.piece import Piece, PieceMaker, literal
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

SlotEmitter = Callable[["Emitter", Slot], Piece]


class Emitter:
    """Collects the lines and the constants of one function while templates are walked.

    `makes_list` turns true once something asks for what was made so far.
    """

    def __init__(
        self, scope: Scope, functions: Mapping[str, SlotEmitter], fragments: Fragments
    ) -> None:
        self.scope = scope
        self.code = CodeBuffer()
        self.constants: dict[str, Any] = {}
        self.makes_list = False
        self.pieces = PieceMaker(self.code, self.constant)
        self._functions = functions
        self._fragments = fragments
        self._open_fragments: list[Fragment] = []
        self._settled: dict[tuple[Any, ...], tuple[Piece, frozenset[str]]] = {}
        self._tables: dict[int, str] = {}

    def constant(self, value: Any) -> str:
        """Return the name under which the function finds a constant."""
        if id(value) in self._tables:
            return self._tables[id(value)]
        name = f"K{len(self.constants)}"
        self.constants[name] = value
        if isinstance(value, WordTable):
            self._tables[id(value)] = name
        return name

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

    def read(self, reach: Reach) -> Code:
        """Return the code of a source value, quick to compute again."""
        if reach.is_quick:
            return Code(reach.expression, is_bound=reach.is_bound)
        return self.variable(reach.expression, is_bound=reach.is_bound)

    def variable(self, expression: str, *, is_bound: bool = False) -> Code:
        """Assign an expression and return the code of its variable."""
        name = self.code.assign(expression)
        return Code(name, frozenset((name,)), is_bound)

    def value(self, reach: Reach, form: Callable[[str], Chunks]) -> Piece:
        """Return the piece of a source value; `form` gives the chunks for its expression."""
        found = self.read(reach)
        chunks = tuple(
            Code(chunk.expression, chunk.names | found.names, chunk.is_bound or found.is_bound)
            if isinstance(chunk, Code)
            else chunk
            for chunk in form(found.expression)
        )
        if reach.certain:
            return Piece(chunks, live=True)
        test = reach.presence(found.expression)
        return Piece(chunks, test, True, found.names, found.is_bound, reach.needs)

    def optional(self, expression: str, *, is_bound: bool = False) -> Piece:
        """Return the piece of an expression that gives JSON text or None."""
        code = self.variable(expression, is_bound=is_bound)
        return self.settled_variable(code)

    def settled_variable(self, code: Code) -> Piece:
        """Return the piece of a variable that holds JSON text or None."""
        return Piece((code,), f"{code.expression} is not None", True, code.names, code.is_bound)

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
        if trial.is_settled and key is not None:
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
        # A parameter of a fragment means another path at each use.
        if isinstance(node, Slot) and not any(one.parameters for one in self._open_fragments):
            options = {key: plain(value) for key, value in node.options.items()}
            return ("slot", node.function, repr(plain(node.argument)), repr(options))
        return None

    def _emit(self, node: Template) -> Piece:
        if isinstance(node, Literal):
            return literal(node.value)
        if isinstance(node, Slot):
            return self._emit_slot(node)
        if isinstance(node, ObjectTemplate):
            members = {key: self.emit(item) for key, item in node.members.items()}
            return self.pieces.object(members)
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

    def _emit_list(self, node: ListTemplate) -> Piece:
        if not any(isinstance(item, Each) for item in node.items):
            return self.pieces.list([self.emit(item) for item in node.items])
        items = self.variable("[]")
        for item in node.items:
            if isinstance(item, Each):
                with self.repeat(item.path, item.name, item.location):
                    self._append(items, self.emit(item.body))
            else:
                self._append(items, self.emit(item))
        joined = Code(f'",".join({items.expression})', items.names)
        gathered = Piece((joined,), items.expression, True, items.names)
        return gathered.wrapped("[", "]")

    def _append(self, items: Code, piece: Piece) -> None:
        line = f"{items.expression}.append({self.pieces.text(piece.chunks)})"
        if piece.test is None:
            self.code.add(line)
        else:
            self.code.add(f"if {piece.test}: {line}")

    @contextmanager
    def repeat(self, path: str, name: str, where: MappingLocation) -> Iterator[None]:
        """Emit a loop over a source list; what is emitted inside sees its element as `name`."""
        reach = self.reach(path, where)
        if not isinstance(reach.shape, ListShape):
            raise MappingCheckError(
                messages.PATH_KIND.issue(f"'{path}' is not a list.", mapping=where)
            )
        variable = self.code.fresh("e")
        element = Reach(
            variable, reach.shape.item, True, f"{reach.path}[]", is_bound=True, is_quick=True
        )
        inner = self.inside(self.scope.with_name(name, element))
        with self.code.lazily(), self.code.block(f"for {variable} in {reach.expression}:"), inner:
            yield

    def _emit_when(self, node: When) -> Piece:
        condition = compile_condition(node.condition, self.reach, node.location)
        result = self.variable("None")
        with self.code.guard(f"if {condition}:"):
            self._set(result, self.emit(node.body))
        return self.settled_variable(result)

    def _emit_first_of(self, node: FirstOf) -> Piece:
        result = self.variable("None")
        for alternative in node.alternatives:
            with self.code.guard(f"if {result.expression} is None:"):
                self._set(result, self.emit(alternative))
        return self.settled_variable(result)

    def _set(self, result: Code, piece: Piece) -> None:
        value = self.pieces.text(piece.chunks)
        instead = f" if {piece.test} else None" if piece.test else ""
        self.code.add(f"{result.expression} = {value}{instead}")

    def _emit_use(self, node: Use) -> Piece:
        fragment = self._fragment(node)
        # What a fragment does not read of its parameters is not carried, so it is not counted.
        names = {
            name: self.scope.find(path, node.location) for name, path in node.arguments.items()
        }
        self._open_fragments.append(fragment)
        try:
            with self.inside(self.scope.only(names)):
                return self.emit(fragment.template)
        finally:
            self._open_fragments.pop()

    def _fragment(self, node: Use) -> Fragment:
        fragment = self._fragments.get(node.fragment)
        if fragment is None:
            text = f"There is no fragment '{node.fragment}'."
            raise MappingCheckError(messages.FRAGMENT_UNKNOWN.issue(text, mapping=node.location))
        if set(fragment.parameters) != set(node.arguments):
            wanted = ", ".join(fragment.parameters) or "none"
            raise MappingCheckError(
                messages.SLOT_ARGUMENT.issue(
                    f"The fragment '{node.fragment}' takes these parameters: {wanted}.",
                    mapping=node.location,
                )
            )
        if fragment in self._open_fragments:
            raise MappingCheckError(
                messages.FRAGMENT_UNKNOWN.issue(
                    f"The fragment '{node.fragment}' uses itself.",
                    mapping=node.location,
                    next_step="Take the use out of the fragment.",
                )
            )
        return fragment
