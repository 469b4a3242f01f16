"""Turns declarations into Python functions: one for each mapping, with its constants.

A function for resources has the form ``make(s, c, made)``: it reads the record `s`, knows the
identities in the context `c`, and appends what it makes to `made`.
"""

from __future__ import annotations

import linecache
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from fhir_backpain.errors import MappingCheckError
from fhir_backpain.fhir.identity import key_part
from fhir_backpain.fhir.resource import MadeResource
from fhir_backpain.mapping import messages
from fhir_backpain.mapping.condition import compile_condition
from fhir_backpain.mapping.declaration import Declaration, Fragments, Ignored
from fhir_backpain.mapping.emitter import Emitter, Piece, SlotEmitter, literal_text
from fhir_backpain.mapping.functions.copying import paragraph, quoted
from fhir_backpain.mapping.functions.referencing import OWNERS, emit_key
from fhir_backpain.mapping.scope import Reach, Scope
from fhir_backpain.mapping.source_shape import ObjectShape, Shape, record_shape
from fhir_backpain.mapping.template import ObjectTemplate

_NAMES: dict[str, Any] = {
    "NONE": {},
    "quoted": quoted,
    "paragraph": paragraph,
    "part": key_part,
    "MadeResource": MadeResource,
}


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """A mapping for one source: its function, its text and the source leaves that it reads."""

    name: str
    makes: str
    make: Callable[..., Any]
    text: str
    used: frozenset[str]


def root_scope(
    shape: Shape, *, parameters: frozenset[str] = frozenset(), table: bool = False
) -> Scope:
    """Return the scope in which every path starts at the source itself."""
    return Scope(Reach("s", shape, True, ""), is_table=table, parameters=parameters)


def compile_rule(
    declaration: Declaration,
    source: str,
    functions: Mapping[str, SlotEmitter],
    fragments: Fragments,
) -> CompiledRule:
    """Compile a mapping for one of its sources; raises MappingCheckError with the place."""
    scope = root_scope(_source_shape(declaration, source))
    emitter = Emitter(scope, functions, fragments)
    if declaration.repetition:
        path, name = declaration.repetition
        with emitter.repeat(path, name, declaration.location):
            _emit_conditionally(emitter, declaration)
    else:
        _emit_conditionally(emitter, declaration)
    _check_ignored(declaration.ignored, scope)
    used = frozenset(scope.used) | {ignored.path for ignored in declaration.ignored}
    text = "\n".join(["def make(s, c, made):", *emitter.lines, ""])
    name = f"{declaration.name} ({source})"
    return CompiledRule(name, declaration.makes, build(text, name, emitter.constants), text, used)


def _source_shape(declaration: Declaration, source: str) -> ObjectShape:
    try:
        return record_shape(source)
    except KeyError:
        raise MappingCheckError(
            messages.PATH_UNKNOWN.issue(
                f"There is no record type '{source}'.", mapping=declaration.location
            )
        ) from None


def _emit_conditionally(emitter: Emitter, declaration: Declaration) -> None:
    if declaration.condition is None:
        _emit_resource(emitter, declaration)
        return
    condition = compile_condition(declaration.condition, emitter.scope, declaration.location)
    with emitter.block(f"if {condition}:"):
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
        key, _ = emit_key(emitter, declaration.key)
        emitter.line(f"k = {key}")
        emitter.line(f"o = {OWNERS[declaration.belongs_to]}")
        emitter.line(f"i = o.logical_id({type_!r}, k)")
    members = {"resourceType": Piece(literal_text(type_)), "id": Piece('"{i}"')}
    members |= {key: emitter.emit(item) for key, item in template.members.items()}
    piece = emitter.emit_object({key: _fixed(part) for key, part in members.items()})
    shared = declaration.belongs_to != "record"
    emitter.line(f"made.append(MadeResource({type_!r}, i, f'{piece.text}', {shared}))")


def _fixed(piece: Piece) -> Piece:
    """Count a member as not live: a resource whose rule applies is always made."""
    return Piece(piece.text, piece.variable, live=False)


def _check_ignored(ignored: tuple[Ignored, ...], scope: Scope) -> None:
    for item in ignored:
        if item.path in scope.used:
            raise MappingCheckError(
                messages.IGNORED_USED.issue(
                    f"'{item.path}' is ignored and used.", mapping=item.location
                )
            )


def build(text: str, name: str, constants: Mapping[str, Any]) -> Callable[..., Any]:
    """Return the function of generated text; tracebacks show that text."""
    file = f"<mapping {name}>"
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    namespace: dict[str, Any] = {**_NAMES, **constants}
    exec(compile(text, file, "exec"), namespace)  # noqa: S102 - our own generated text
    return namespace["make"]  # type: ignore[no-any-return]
