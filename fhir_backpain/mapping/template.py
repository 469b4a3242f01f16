"""The nodes of a template: a mapping's text, read and located, before its names are resolved.

Whatever begins with ``=`` varies with the record; everything else is literal.

- ``text``, ``5``, ``true``: a literal
- ``=path``: a slot, the value at a source path
- ``{=function: path, …}``: a slot, a value made from source paths
- ``{=use: name, …}``: a shared fragment, with paths for its parameters
- ``{=each: path as x, …}``: in a list, one item for each element of a source list
- ``{=when: condition, …}``: the rest of the map, where the condition holds
- ``{=first of: [ … ]}``: the first of several that is there

A condition joins tests with ``and``: ``path is present``, ``path is missing``, ``path is word``,
``path is not word``, ``path is word or word``, ``list.member has word or word``. ``path is in map``
and ``path is not in map`` ask whether the word has a row in a concept map. The concept map
``clinician-measure`` has the measures of instruments that are ``reported by: clinician``.

An object is left out where it has slots and all of them are empty, a list where it has no item.

The profiles that ``meta.profile`` names are held against the template when it is compiled: those of
the package, and StructureDefinitions with a snapshot in the folder ``profiles`` of the mappings.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fhir_backpain.artifacts.located_yaml import (
    YamlList,
    YamlMap,
    YamlNode,
    YamlScalar,
    fail,
)
from fhir_backpain.mapping import messages
from fhir_backpain.outcome import MappingLocation

MARK = "="


@dataclass(frozen=True, slots=True)
class Literal:
    """A fixed JSON value."""

    value: Any
    location: MappingLocation


@dataclass(frozen=True, slots=True)
class Slot:
    """A value that a function makes from its argument (a path, as written) and its options."""

    function: str
    argument: YamlNode
    options: Mapping[str, YamlNode]
    location: MappingLocation


@dataclass(frozen=True, slots=True)
class ObjectTemplate:
    """A JSON object, member by member, in the order of the file."""

    members: Mapping[str, Template]
    location: MappingLocation


@dataclass(frozen=True, slots=True)
class ListTemplate:
    """A JSON list; an `Each` among its items gives any number of items."""

    items: tuple[Template, ...]
    location: MappingLocation


@dataclass(frozen=True, slots=True)
class Each:
    """Repeats `body` for each element of the source list at `path`, which it calls `name`."""

    path: str
    name: str
    body: Template
    location: MappingLocation


@dataclass(frozen=True, slots=True)
class When:
    """`body`, where the condition (as written) holds."""

    condition: str
    body: Template
    location: MappingLocation


@dataclass(frozen=True, slots=True)
class FirstOf:
    """The first alternative that is there."""

    alternatives: tuple[Template, ...]
    location: MappingLocation


@dataclass(frozen=True, slots=True)
class Use:
    """A shared fragment by name; `arguments` gives source paths to its parameters."""

    fragment: str
    arguments: Mapping[str, str]
    location: MappingLocation


Template = Literal | Slot | ObjectTemplate | ListTemplate | Each | When | FirstOf | Use


def read_template(node: YamlNode) -> Template:
    """Return the template of a YAML value; raises MappingSyntaxError with line and column."""
    if isinstance(node, YamlScalar):
        return _read_scalar(node)
    if isinstance(node, YamlList):
        return ListTemplate(tuple(read_template(item) for item in node), node.location)
    return _read_map(node)


def _read_scalar(node: YamlScalar) -> Template:
    if not node.quoted and node.text.startswith(MARK):
        path = YamlScalar(node.text[1:].strip(), node.text[1:].strip(), node.location)
        return Slot("copy", path, {}, node.location)
    return Literal(node.value, node.location)


def _read_map(node: YamlMap) -> Template:
    first = next(iter(node.entries), "")
    if not first.startswith(MARK):
        members = {key: read_template(value) for key, value in node.entries.items()}
        _refuse_marked(members, node)
        return ObjectTemplate(members, node.location)
    rest = {key: value for key, value in node.entries.items() if key != first}
    argument = node.entries[first]
    keyword = first[1:].strip()
    if keyword == "use":
        return Use(
            _text(argument), {key: _text(value) for key, value in rest.items()}, node.location
        )
    if keyword == "each":
        path, name = read_repetition(argument)
        return Each(path, name, _read_rest(rest, node), node.location)
    if keyword == "when":
        return When(_text(argument), _read_rest(rest, node), node.location)
    if keyword == "first of":
        for key in rest:
            raise fail(messages.SLOT_ARGUMENT, "'=first of' stands alone.", node.key_locations[key])
        return _read_first_of(argument)
    return Slot(keyword, argument, rest, node.location)


def _read_rest(rest: dict[str, YamlNode], node: YamlMap) -> Template:
    """Return what stands below =each or =when: one marked function, or the members of an object."""
    places = {key: node.key_locations[key] for key in rest}
    if list(rest) == ["item"]:
        # A repetition whose items are no objects: {=each: names as name, item: =name}
        return read_template(rest["item"])
    return _read_map(YamlMap(rest, places, node.location))


def _refuse_marked(members: Mapping[str, Template], node: YamlMap) -> None:
    for key in members:
        if key.startswith(MARK):
            raise fail(
                messages.SLOT_UNKNOWN,
                f"'{key}' must be the first entry of its map.",
                node.key_locations[key],
            )


def _read_first_of(argument: YamlNode) -> FirstOf:
    if not isinstance(argument, YamlList) or len(argument.items) < 2:
        raise fail(messages.SLOT_ARGUMENT, "'=first of' takes a list.", argument.location)
    return FirstOf(tuple(read_template(item) for item in argument), argument.location)


def read_repetition(node: YamlNode) -> tuple[str, str]:
    """Return (path, name) of ``path as name``."""
    path, joined, name = _text(node).partition(" as ")
    if not joined or not name.strip().isidentifier():
        raise fail(messages.SLOT_ARGUMENT, "Write a repetition as 'path as name'.", node.location)
    return path.strip(), name.strip()


def _text(node: YamlNode) -> str:
    if not isinstance(node, YamlScalar):
        raise fail(messages.SLOT_ARGUMENT, "Text is expected here.", node.location)
    return node.text.removeprefix(MARK).strip()
