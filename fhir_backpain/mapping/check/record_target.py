"""Holds the record template of a feed against the schema of the record that it makes.

Found before the first row: unknown fields, wrong types, missing required fields, words that a field
never has, literals that are not of its form. What only a cell can tell is left to the record check.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from typing import Any

from fhir_backpain.artifacts.finder import schema_folder
from fhir_backpain.artifacts.located_yaml import YamlMap, YamlScalar
from fhir_backpain.mapping import messages
from fhir_backpain.mapping.functions.arguments import argument, option
from fhir_backpain.mapping.scope import PARAMETER
from fhir_backpain.mapping.source_shape import Leaf, ListShape, ObjectShape, Shape, record_shape
from fhir_backpain.mapping.template import (
    FirstOf,
    ListTemplate,
    Literal,
    ObjectTemplate,
    Slot,
    Template,
    When,
)
from fhir_backpain.outcome import Issue, MappingLocation

_FILLED_BY_US = frozenset({"record"})
_TEXTS = frozenset({"text", "key"})
_ANY_TEXT = frozenset({"text", "key", "code", "uri", "date", "day", "dateTime", "instant"})

# Which forms of a text field can take what a function or a parameter gives. A cell that is copied
# may hold any text, so it is looked at when it is there.
_FORMS: dict[str, frozenset[str]] = {
    "copy": _ANY_TEXT,
    "text": _ANY_TEXT,
    "date": _TEXTS | {"date", "day", "dateTime"},
    "dateTime": _TEXTS | {"dateTime", "instant"},
    "parameter date": _TEXTS | {"date", "day", "dateTime"},
    "parameter dateTime": _TEXTS | {"dateTime"},
    "parameter instant": _TEXTS | {"dateTime", "instant"},
    "parameter uri": _TEXTS | {"uri"},
    "parameter text": _ANY_TEXT,
}
_NUMBERS = {"number": frozenset({"number"}), "integer": frozenset({"number", "integer"})}


def record_findings(
    template: Template, makes: str, parameters: Mapping[str, str]
) -> Iterator[Issue]:
    """Yield what is wrong with a feed's template for a record type, each finding at its place.

    `parameters` gives the kind of each parameter. The template must have been compiled before.
    """
    if isinstance(template, ObjectTemplate):
        check = _RecordCheck(makes, parameters)
        yield from check.of_object(template, record_shape(makes), "", _FILLED_BY_US)


class _RecordCheck:
    """Walks a template and a record's shape side by side."""

    def __init__(self, makes: str, parameters: Mapping[str, str]) -> None:
        self._makes = makes
        self._parameters = parameters

    def of_object(
        self, node: ObjectTemplate, shape: ObjectShape, path: str, filled: frozenset[str]
    ) -> Iterator[Issue]:
        """Yield what is wrong with an object; `filled` are fields that need not be given."""
        meant: set[str] = set()
        for name, member in node.members.items():
            below = f"{path}.{name}" if path else name
            known = shape.members.get(name)
            if known is None:
                near = get_close_matches(name, shape.members, n=2)
                meant.update(near[:1])
                yield self._unknown(below, near, member.location)
            else:
                yield from self._value(member, known.shape, below)
        there = node.members.keys() | filled | meant  # A misspelt field was told already.
        for name, wanted in shape.members.items():
            if wanted.certain and name not in there:
                below = f"{path}.{name}" if path else name
                yield messages.TARGET_MISSING.issue(
                    f"The field '{below}' is required in the record '{self._makes}'.",
                    mapping=node.location,
                    next_step="Fill the field from a column, a parameter or with a literal.",
                )

    def _unknown(self, path: str, near: list[str], where: MappingLocation) -> Issue:
        hint = f" Did you mean {' or '.join(near)}?" if near else ""
        return messages.TARGET_UNKNOWN.issue(
            f"The record '{self._makes}' has no field '{path}'.{hint}",
            mapping=where,
            next_step="Use a field of the record's schema.",
        )

    def _value(self, node: Template, shape: Shape, path: str) -> Iterator[Issue]:
        if isinstance(node, When):
            yield from self._value(node.body, shape, path)
        elif isinstance(node, FirstOf):
            for alternative in node.alternatives:
                yield from self._value(alternative, shape, path)
        elif isinstance(shape, ObjectShape) and isinstance(node, ObjectTemplate):
            yield from self.of_object(node, shape, path, frozenset())
        elif isinstance(shape, ListShape) and isinstance(node, ListTemplate):
            for index, item in enumerate(node.items):
                yield from self._value(item, shape.item, f"{path}[{index}]")
        elif isinstance(shape, Leaf) and isinstance(node, Literal):
            yield from _literal(node.value, shape, path, node.location)
        elif isinstance(shape, Leaf) and isinstance(node, Slot):
            yield from self._slot(node, shape, path)
        else:
            yield _wrong(f"The field '{path}' is {_name(shape)}.", node.location)

    def _slot(self, node: Slot, leaf: Leaf, path: str) -> Iterator[Issue]:
        if node.function == "word":
            yield from self._table(node, leaf, path)
            return
        if not self._fits(node, leaf):
            text = f"The field '{path}' is {_name(leaf)}, which '={node.function}' does not make."
            yield _wrong(text, node.location)
        instead = option(node, "else")
        if instead is not None:
            yield from _literal(instead, leaf, path, node.location)

    def _fits(self, node: Slot, leaf: Leaf) -> bool:
        if node.function in _NUMBERS:
            return leaf.type in _NUMBERS[node.function]
        given = node.function
        if given == "copy" and argument(node).startswith(PARAMETER):
            given = self._kind(argument(node))
        return leaf.type == "string" and (leaf.form or "text") in _FORMS[given]

    def _kind(self, path: str) -> str:
        return f"parameter {self._parameters[path.removeprefix(PARAMETER)]}"

    def _table(self, node: Slot, leaf: Leaf, path: str) -> Iterator[Issue]:
        table = node.options["table"]
        for item in table.entries.values() if isinstance(table, YamlMap) else ():
            assert isinstance(item, YamlScalar)
            if item.quoted or not item.text.startswith("=" + PARAMETER):
                yield from _literal(item.value, leaf, path, item.location)
            elif leaf.type != "string" or leaf.form not in _FORMS[self._kind(item.text[1:])]:
                text = f"The field '{path}' is {_name(leaf)}, which the parameter is not."
                yield _wrong(text, item.location)


def _literal(value: Any, leaf: Leaf, path: str, where: MappingLocation) -> Iterator[Issue]:
    """Check a fixed value: of the feed itself, so that it may be named."""
    if not _is_of_type(value, leaf.type):
        yield _wrong(f"The field '{path}' is {_name(leaf)}; the literal is not.", where)
    elif leaf.words is not None and value not in leaf.words:
        yield messages.CODE_OUTSIDE.issue(
            f"The field '{path}' never is '{value}'; it is one of: {', '.join(leaf.words)}.",
            mapping=where,
            next_step="Use one of the words that the record's schema lists.",
        )
    elif isinstance(value, str) and not _has_form(value, leaf.form):
        yield _wrong(f"The field '{path}' is {_name(leaf)}; the literal is not.", where)


def _is_of_type(value: Any, wanted: str) -> bool:
    if isinstance(value, bool) or wanted == "boolean":
        return isinstance(value, bool) and wanted == "boolean"
    kinds = {"number": int | float, "integer": int, "string": str}
    return isinstance(value, kinds[wanted])


def _has_form(value: str, form: str | None) -> bool:
    pattern = _patterns().get(form or "")
    return pattern is None or pattern.fullmatch(value) is not None


@cache
def _patterns() -> dict[str, re.Pattern[str]]:
    """Return how the texts of each form are written, from the shared part of the schemas."""
    text = (schema_folder() / "common.schema.json").read_text(encoding="utf-8")
    shared = json.loads(text)["$defs"]
    return {
        name: re.compile(schema["pattern"]) for name, schema in shared.items()
        if "pattern" in schema
    }  # fmt: skip


def _name(shape: Shape) -> str:
    """Return how a finding calls what the schema wants."""
    if isinstance(shape, ObjectShape):
        return "an object"
    if isinstance(shape, ListShape):
        return "a list"
    if shape.type != "string":
        return {"number": "a number", "integer": "a whole number"}.get(shape.type, "true or false")
    return "a text" if shape.form in (None, "text") or shape.words else f"a text ({shape.form})"


def _wrong(text: str, where: MappingLocation) -> Issue:
    return messages.TARGET_TYPE.issue(
        text, mapping=where, next_step="Use a function or a literal of the field's type."
    )
