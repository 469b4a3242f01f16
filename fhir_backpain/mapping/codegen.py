"""Turns the declarations of a record type into Python functions, with their constants.

The functions have the form ``make(s)`` and read a typed record `s`. One returns what it makes as
resources, the other the Bundle that writes them. A line leads back to the line of the mapping.
"""

from __future__ import annotations

import linecache
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from fhir_backpain.errors import ArtifactError, MappingCheckError, MappingFailed
from fhir_backpain.fhir.resource import MadeResource
from fhir_backpain.mapping import messages
from fhir_backpain.mapping.chunk import WordTable
from fhir_backpain.mapping.code_buffer import CodeLine
from fhir_backpain.mapping.declaration import Declaration, Fragments, Ignored
from fhir_backpain.mapping.emitter import Emitter, SlotEmitter
from fhir_backpain.mapping.functions import copying, narrating, referencing
from fhir_backpain.mapping.record_struct import NO_ITEMS, absent_name, record_classes
from fhir_backpain.mapping.rule_code import BUNDLE, RESOURCES, Form, RuleCode
from fhir_backpain.mapping.scope import Reach, Scope
from fhir_backpain.mapping.source_shape import ObjectShape, Shape, leaves, record_shape
from fhir_backpain.mapping.special.shapes import Exactly, Shapes
from fhir_backpain.outcome import Issue, MappingLocation

_NAMES: dict[str, Any] = {
    **copying.NAMES,
    **narrating.NAMES,
    **referencing.NAMES,
    "NO_ITEMS": NO_ITEMS,
    "MadeResource": MadeResource,
    # A named tuple's own constructor takes three times as long.
    "new": tuple.__new__,
}

_TABLE = re.compile(r"\bK\d+(?=\[)")


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """What one mapping became: its result and the source leaves that it reads or ignores."""

    name: str
    makes: str
    used: frozenset[str]
    location: MappingLocation


FAULTS = (KeyError, TypeError, AttributeError, ValueError)
"""What compiled code raises where a value has no place in a mapping."""


@dataclass(frozen=True, slots=True)
class Program:
    """A compiled function, its text, and the place of the mapping behind each of its lines.

    `names` are what its text refers to.
    """

    make: Callable[..., Any]
    text: str
    names: Mapping[str, Any] = field(repr=False)
    places: tuple[MappingLocation | None, ...]
    file: str
    tables: Mapping[str, WordTable]

    def failure(self, error: Exception) -> MappingFailed:
        """Return (not raise) what to tell of an exception of the function, at its place."""
        line = self._line_of(error)
        if isinstance(error, KeyError) and line is not None:
            (word,) = error.args
            for name in _TABLE.findall(self.text.splitlines()[line - 1]):
                if word not in self.tables[name]:
                    return MappingFailed(self.tables[name].lack(word))
        return MappingFailed(
            messages.COMPILED_CODE.issue(
                f"The compiled mapping failed ({type(error).__name__}).",
                mapping=None if line is None else self.places[line - 1],
                next_step="Validate the record with 'fhir-backpain validate'; report the mapping.",
            )
        )

    def _line_of(self, error: Exception) -> int | None:
        """Return the number of the line at which the function failed."""
        trace = error.__traceback__
        found = None
        while trace is not None:
            if trace.tb_frame.f_code.co_filename == self.file:
                found = trace.tb_lineno
            trace = trace.tb_next
        return found


class ShapedProgram:
    """A program of typed records, with functions of its own for the shapes that come often."""

    def __init__(self, program: Program, record_class: Any, exactly: Exactly | None = None) -> None:
        self.program = program
        self.shapes = Shapes(
            program.make, program.text, program.names, record_class, exactly=exactly
        )

    def __call__(self, record: Any) -> Any:
        """Return what the program makes of a record; raises MappingFailed."""
        try:
            return self.shapes.make(record)
        except FAULTS:
            return self.general(record)

    def general(self, record: Any) -> Any:
        """Return what the general code makes of a record.

        Raises MappingFailed with the place in the mapping.
        """
        try:
            return self.program.make(record)
        except FAULTS as error:
            raise self.program.failure(error) from error


@dataclass(frozen=True)
class RecordProgram:
    """Every mapping of a record type as one program: `resources` makes MadeResources.

    What is made for a Bundle is compiled when it is first asked for.
    """

    resources: ShapedProgram
    rules: tuple[CompiledRule, ...]
    compile_bundle: Callable[[], ShapedProgram] = field(repr=False)

    def map(self, data: Mapping[str, Any]) -> list[MadeResource]:
        """Return what the mappings make of a record, given as JSON data.

        Raises MappingFailed where a value has no place in a mapping, msgspec.ValidationError where
        the data are no record of a known type.
        """
        return self.resources(record_classes().of(data))  # type: ignore[no-any-return]

    @cached_property
    def bundle(self) -> ShapedProgram:
        """The program whose function returns the JSON text of a transaction Bundle."""
        return self.compile_bundle()


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
    found = tuple(declarations)
    program, rules = _compile(record_type, found, functions, fragments, RESOURCES)
    return RecordProgram(
        program, rules, lambda: _compile(record_type, found, functions, fragments, BUNDLE)[0]
    )


def _compile(
    record_type: str,
    declarations: tuple[Declaration, ...],
    functions: Mapping[str, SlotEmitter],
    fragments: Fragments,
    form: Form,
) -> tuple[ShapedProgram, tuple[CompiledRule, ...]]:
    shape = record_shape(record_type)
    scope = root_scope(shape)
    emitter = Emitter(scope, functions, fragments)
    rules: list[CompiledRule] = []
    problems: list[Issue] = []
    code = RuleCode(emitter, form)
    for declaration in declarations:
        try:
            rules.append(_emit_rule(emitter, code, declaration, shape))
        except ArtifactError as error:
            problems += error.issues
    if problems:
        raise MappingCheckError(problems)
    code.settle()
    head, end = (
        [CodeLine(1, text, None) for text in part] for part in (code.head(record_type), form.result)
    )
    lines = [*head, *emitter.code.lines(), *end]
    classes = record_classes()
    constants = {**emitter.constants, **classes.absent[record_type]}
    program = build("def make(s):", lines, f"{record_type} {form.name}", constants)
    exactly = Exactly(classes.encode, absent_name) if form.is_bundle else None
    return ShapedProgram(program, classes.by_type[record_type], exactly), tuple(rules)


def _emit_rule(
    emitter: Emitter, code: RuleCode, declaration: Declaration, shape: ObjectShape
) -> CompiledRule:
    scope = root_scope(shape)
    emitter.code.place = declaration.location
    with emitter.inside(scope):
        code.emit(declaration)
    _check_ignored(declaration.ignored, scope, shape)
    used = frozenset(scope.used) | {ignored.path for ignored in declaration.ignored}
    return CompiledRule(declaration.name, declaration.makes, used, declaration.location)


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
    tables = {name: item for name, item in constants.items() if isinstance(item, WordTable)}
    # A plain dictionary is read twice as fast as one of a class of its own.
    plain = {name: dict(table) for name, table in tables.items()}
    namespace: dict[str, Any] = {**_NAMES, **constants, **plain}
    exec(compile(text, file, "exec"), namespace)  # noqa: S102 - our own generated text
    places = (None, *(line.place for line in body))
    return Program(namespace["make"], text, namespace, places, file, tables)
