"""Feed mappings: from the columns of a clinic's table to a record, without Python.

A file reads::

    feed: weekly-scores
    makes: observation
    parameters: {exported_at: instant}      # given with --set, or with a default value here
    table: {delimiter: ";", encoding: latin-1, missing: ["", NA]}
    record:
      id: {=text: "{mrn}-{visit}"}
      observed_at: {=dateTime: visit, form: dd/mm/yyyy HH:MM, zone: Europe/Berlin}
      score: {=number: val}
    ignore:
      - {path: entered_by, because: not clinical}

The record below ``record`` looks like the record that it makes. A row makes one record.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from fhir_backpain.artifacts import messages as artifact_messages
from fhir_backpain.artifacts.located_yaml import (
    YamlList,
    YamlMap,
    YamlNode,
    YamlScalar,
    fail,
    read_yaml,
    refuse_unknown,
    want_map,
    want_text,
)
from fhir_backpain.errors import MappingCheckError, SettingsError
from fhir_backpain.mapping import messages
from fhir_backpain.mapping.check.record_target import record_findings
from fhir_backpain.mapping.code_buffer import CodeLine
from fhir_backpain.mapping.codegen import Program, build, root_scope
from fhir_backpain.mapping.declaration import Ignored, read_ignored
from fhir_backpain.mapping.emitter import Emitter
from fhir_backpain.mapping.functions.registry import feed_functions
from fhir_backpain.mapping.piece import Piece, literal
from fhir_backpain.mapping.source_shape import Leaf, Member, ObjectShape
from fhir_backpain.mapping.template import ObjectTemplate, Template, read_template
from fhir_backpain.outcome import Issue
from fhir_backpain.record import RECORD_TYPES

_KEYS = {"feed", "makes", "parameters", "table", "record", "ignore"}
_PARAMETER_FORMS = {
    "date": re.compile(r"^\d{4}-\d{2}-\d{2}$"),
    "dateTime": re.compile(r"^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2}))?$"),
    "instant": re.compile(r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$"),
    "uri": re.compile(r"^[A-Za-z][A-Za-z0-9+.-]*:\S+$"),
    "text": re.compile(r"^.+$"),
}


class _AnyColumn(dict[str, Member]):
    """The columns of a table that is not open yet: a name is a column until the header says no."""

    def get(self, key: str, default: object = None) -> Member:
        return Member(Leaf("cell"), False)


@dataclass(frozen=True, slots=True)
class Parameter:
    """A value that the feed needs from outside, of a declared kind, perhaps with a default."""

    name: str
    kind: str
    default: str | None


@dataclass(frozen=True, slots=True)
class TableForm:
    """How the table is written; `missing` lists the cells that mean no value."""

    delimiter: str | None
    encoding: str
    missing: frozenset[str]


class RowContext:
    """What a compiled feed needs beside the row: parameters, and a place for problems."""

    __slots__ = ("parameters", "problems")

    def __init__(self, parameters: Mapping[str, str]) -> None:
        self.parameters = parameters
        self.problems: list[Issue] = []


@dataclass(frozen=True, slots=True)
class Feed:
    """A compiled feed mapping."""

    name: str
    makes: str
    parameters: tuple[Parameter, ...]
    form: TableForm
    template: Template
    ignored: tuple[Ignored, ...]
    columns: frozenset[str]
    program: Program

    def settle_parameters(self, given: Mapping[str, str]) -> dict[str, str]:
        """Return every parameter's value; raises SettingsError with everything that is wrong."""
        problems = list(self._unknown(given))
        settled = {}
        for parameter in self.parameters:
            value = given.get(parameter.name, parameter.default)
            if value is None:
                problems.append(
                    messages.PARAMETER_MISSING.issue(
                        f"The feed '{self.name}' needs the parameter '{parameter.name}'.",
                        next_step=f"Give it: --set {parameter.name}=<{parameter.kind}>.",
                    )
                )
            elif not _is_of_kind(value, parameter.kind):
                problems.append(
                    messages.PARAMETER_VALUE.issue(
                        f"The parameter '{parameter.name}' must be: {parameter.kind}."
                    )
                )
            else:
                settled[parameter.name] = value
        if problems:
            raise SettingsError(problems)
        return settled

    def _unknown(self, given: Mapping[str, str]) -> Iterator[Issue]:
        known = {parameter.name for parameter in self.parameters}
        for name in given:
            if name not in known:
                listed = ", ".join(sorted(known)) or "none"
                yield messages.PARAMETER_UNKNOWN.issue(
                    f"The feed '{self.name}' has no parameter '{name}'; it has: {listed}."
                )


def _is_of_kind(value: str, kind: str) -> bool:
    if not _PARAMETER_FORMS[kind].fullmatch(value):
        return False
    if kind in ("uri", "text"):
        return True
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


def read_feed(path: Path) -> Feed:
    """Return the compiled feed mapping of a file, held against the schema of its record type.

    Raises MappingSyntaxError or MappingCheckError, each with file, line and column.
    """
    feed = compile_feed(read_yaml(path))
    kinds = {parameter.name: parameter.kind for parameter in feed.parameters}
    problems = list(record_findings(feed.template, feed.makes, kinds))
    if problems:
        raise MappingCheckError(problems)
    return feed


def compile_feed(tree: YamlMap) -> Feed:
    """Compile a feed mapping that was read; `read_feed` also checks the record that it makes."""
    refuse_unknown(tree, _KEYS)
    name, makes = want_text(tree, "feed"), want_text(tree, "makes")
    if makes not in RECORD_TYPES:
        raise fail(
            artifact_messages.WRONG_KIND,
            f"A feed makes one of: {', '.join(RECORD_TYPES)}.",
            tree.entries["makes"].location,
        )
    parameters = _parameters(tree)
    template = read_template(want_map(tree, "record"))
    scope = root_scope(
        ObjectShape(_AnyColumn()),
        parameters=frozenset(parameter.name for parameter in parameters),
        table=True,
    )
    emitter = Emitter(scope, feed_functions(), {})
    lines = _body(emitter, makes, template)
    columns = frozenset(used for used in scope.used if not used.startswith("parameter."))
    ignored = read_ignored(tree)
    _refuse_both(ignored, columns)
    return Feed(
        name=name,
        makes=makes,
        parameters=parameters,
        form=_form(tree),
        template=template,
        ignored=ignored,
        columns=columns,
        program=build("def make(s, c):", lines, f"feed {name}", emitter.constants),
    )


def _body(emitter: Emitter, makes: str, template: Template) -> list[CodeLine]:
    if not isinstance(template, ObjectTemplate):
        raise MappingCheckError(
            messages.SLOT_ARGUMENT.issue("A record is a map.", mapping=template.location)
        )
    members = {"record": literal(makes)}
    for key, item in template.members.items():
        piece = emitter.emit(item)
        members[key] = Piece(piece.chunks, piece.test)
    made = emitter.pieces.object(members)
    emitter.code.add(f"return {emitter.pieces.text(made.chunks)}")
    return emitter.code.lines()


def _parameters(tree: YamlMap) -> tuple[Parameter, ...]:
    if "parameters" not in tree:
        return ()
    found = []
    node = want_map(tree, "parameters")
    for name, item in node.entries.items():
        if isinstance(item, YamlMap):
            refuse_unknown(item, {"kind", "default"})
            kind = want_text(item, "kind")
            default = want_text(item, "default") if "default" in item else None
        else:
            kind, default = want_text(node, name), None
        if kind not in _PARAMETER_FORMS:
            raise fail(
                artifact_messages.WRONG_KIND,
                f"A parameter is one of: {', '.join(_PARAMETER_FORMS)}.",
                item.location,
            )
        found.append(Parameter(name, kind, default))
    return tuple(found)


def _form(tree: YamlMap) -> TableForm:
    if "table" not in tree:
        return TableForm(None, "utf-8", frozenset({""}))
    node = want_map(tree, "table")
    refuse_unknown(node, {"delimiter", "encoding", "missing"})
    return TableForm(
        delimiter=want_text(node, "delimiter") if "delimiter" in node else None,
        encoding=want_text(node, "encoding") if "encoding" in node else "utf-8",
        missing=frozenset(_words(node.get("missing"))) | {""},
    )


def _words(node: YamlNode | None) -> Iterator[str]:
    """Yield words as they are written: NULL, no and -9.0 are cells here, not YAML values."""
    for item in node if isinstance(node, YamlList) else [node] if node else []:
        if not isinstance(item, YamlScalar):
            raise fail(artifact_messages.WRONG_KIND, "A missing cell is one word.", item.location)
        yield item.text


def _refuse_both(ignored: tuple[Ignored, ...], columns: frozenset[str]) -> None:
    for item in ignored:
        if item.path in columns:
            raise MappingCheckError(
                messages.IGNORED_USED.issue(
                    f"The column '{item.path}' is ignored and used.", mapping=item.location
                )
            )
