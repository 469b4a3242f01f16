"""Turns the declarations of a record type into one Python function, with its constants.

The function has the form ``make(s, c)``: it reads the record `s`, knows the identities in the
context `c`, and returns what it makes. A line of it leads back to the line of the mapping.
"""

from __future__ import annotations

import linecache
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from fhir_backpain.errors import ArtifactError, MappingCheckError
from fhir_backpain.fhir.identity import id_suffix, key_part
from fhir_backpain.fhir.resource import MadeResource
from fhir_backpain.mapping import messages
from fhir_backpain.mapping.code_buffer import CodeLine
from fhir_backpain.mapping.condition import compile_condition
from fhir_backpain.mapping.declaration import Declaration, Fragments, Ignored
from fhir_backpain.mapping.emitter import Emitter, Piece, SlotEmitter, literal_text
from fhir_backpain.mapping.functions.copying import paragraph, quoted
from fhir_backpain.mapping.functions.referencing import OWNERS, emit_key
from fhir_backpain.mapping.scope import Reach, Scope
from fhir_backpain.mapping.source_shape import ObjectShape, Shape, leaves, record_shape
from fhir_backpain.mapping.template import ObjectTemplate
from fhir_backpain.outcome import Issue, MappingLocation

_NAMES: dict[str, Any] = {
    "NONE": {},
    "quoted": quoted,
    "paragraph": paragraph,
    "part": key_part,
    "suffix": id_suffix,
    "MadeResource": MadeResource,
    # A named tuple's own constructor takes three times as long.
    "new": tuple.__new__,
}
_HEAD = (
    "made = []",
    "add = made.append",
    "system = c.system",
    "rp, rq = c.record",
    "pp, pq = c.patient",
)


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """What one mapping became: its result and the source leaves that it reads or ignores."""

    name: str
    makes: str
    used: frozenset[str]
    location: MappingLocation


@dataclass(frozen=True, slots=True)
class Program:
    """A compiled function, its text, and the place of the mapping behind each of its lines."""

    make: Callable[..., Any]
    text: str
    places: tuple[MappingLocation | None, ...]
    file: str

    def place_of(self, error: BaseException) -> MappingLocation | None:
        """Return the place of the mapping at which the function failed."""
        trace = error.__traceback__
        found = None
        while trace is not None:
            if trace.tb_frame.f_code.co_filename == self.file:
                found = self.places[trace.tb_lineno - 1]
            trace = trace.tb_next
        return found


@dataclass(frozen=True, slots=True)
class RecordProgram:
    """Every mapping of a record type as one program."""

    program: Program
    rules: tuple[CompiledRule, ...]


def root_scope(
    shape: Shape, *, parameters: frozenset[str] = frozenset(), table: bool = False
) -> Scope:
    """Return the scope in which every path starts at the source itself."""
    return Scope(Reach("s", shape, True, ""), is_table=table, parameters=parameters)


def compile_record(
    record_type: str,
    declarations: Iterable[Declaration],
    functions: Mapping[str, SlotEmitter],
    fragments: Fragments,
) -> RecordProgram:
    """Compile the mappings of a record type, in the given order.

    Raises MappingCheckError with every finding of every mapping, each at its place.
    """
    shape = record_shape(record_type)
    emitter = Emitter(root_scope(shape), functions, fragments)
    rules: list[CompiledRule] = []
    problems: list[Issue] = []
    for declaration in declarations:
        try:
            rules.append(_emit_rule(emitter, declaration, shape))
        except ArtifactError as error:
            problems += error.issues
    if problems:
        raise MappingCheckError(problems)
    lines = [CodeLine(1, text, None) for text in _HEAD] + emitter.code.lines()
    lines.append(CodeLine(1, "return made", None))
    return RecordProgram(
        build("def make(s, c):", lines, record_type, emitter.constants), tuple(rules)
    )


def _emit_rule(emitter: Emitter, declaration: Declaration, shape: ObjectShape) -> CompiledRule:
    scope = root_scope(shape)
    emitter.code.place = declaration.location
    with emitter.inside(scope):
        if declaration.repetition:
            path, name = declaration.repetition
            with emitter.repeat(path, name, declaration.location):
                _emit_conditionally(emitter, declaration)
        else:
            _emit_conditionally(emitter, declaration)
    _check_ignored(declaration.ignored, scope, shape)
    used = frozenset(scope.used) | {ignored.path for ignored in declaration.ignored}
    return CompiledRule(declaration.name, declaration.makes, used, declaration.location)


def _emit_conditionally(emitter: Emitter, declaration: Declaration) -> None:
    if declaration.condition is None:
        _emit_resource(emitter, declaration)
        return
    condition = compile_condition(declaration.condition, emitter.reach, declaration.location)
    with emitter.code.lazily(), emitter.block(f"if {condition}:"):
        _emit_resource(emitter, declaration)


def _emit_resource(emitter: Emitter, declaration: Declaration) -> None:
    template = declaration.template
    if not isinstance(template, ObjectTemplate):
        raise MappingCheckError(
            messages.SLOT_ARGUMENT.issue("A resource is a map.", mapping=declaration.location)
        )
    type_ = declaration.makes
    if declaration.belongs_to == "person":
        emitter.line("i = c.patient_id")
    else:
        prefix, path = OWNERS[declaration.belongs_to]
        key = emit_key(emitter, declaration.key)
        emitter.identity = f"{{{path}}}/{key.text}"
        emitter.line(f"i = f'{{{prefix}}}{key.suffix(type_)}'")
    members = {"resourceType": Piece(literal_text(type_)), "id": Piece('"{i}"')}
    members |= {key: emitter.emit(item) for key, item in template.members.items()}
    piece = emitter.emit_object({key: _fixed(part) for key, part in members.items()})
    shared = declaration.belongs_to != "record"
    weak = "False"
    if declaration.only_if_new:
        weak = compile_condition(declaration.only_if_new, emitter.reach, declaration.location)
    arguments = f"{type_!r}, i, f'{piece.text}', {shared}, {declaration.name!r}, {weak}"
    emitter.line(f"add(new(MadeResource, ({arguments})))")


def _fixed(piece: Piece) -> Piece:
    """Count a member as not live: a resource whose rule applies is always made."""
    return Piece(piece.text, piece.variable, live=False)


def _check_ignored(ignored: tuple[Ignored, ...], scope: Scope, shape: ObjectShape) -> None:
    known = set(leaves(shape))
    for item in ignored:
        if item.path not in known:
            raise MappingCheckError(
                messages.PATH_UNKNOWN.issue(
                    f"The source has no '{item.path}' that could be ignored.",
                    mapping=item.location,
                )
            )
        if item.path in scope.used:
            raise MappingCheckError(
                messages.IGNORED_USED.issue(
                    f"'{item.path}' is ignored and used.", mapping=item.location
                )
            )


def build(head: str, lines: Iterable[CodeLine], name: str, constants: Mapping[str, Any]) -> Program:
    """Return the program of generated lines; tracebacks show its text."""
    body = list(lines)
    text = "\n".join([head, *("    " * line.depth + line.text for line in body), ""])
    file = f"<mapping {name}>"
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    namespace: dict[str, Any] = {**_NAMES, **constants}
    exec(compile(text, file, "exec"), namespace)  # noqa: S102 - our own generated text
    places = (None, *(line.place for line in body))
    return Program(namespace["make"], text, places, file)
