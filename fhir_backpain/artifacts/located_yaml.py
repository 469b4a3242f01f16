"""YAML that remembers where each value stands, so that every finding names line and column.

Only the safe part of YAML is read: maps with text keys, lists and scalars. Anchors and tags
are refused, since a mapping must read the same to a person and to the compiler.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

import yaml

from fhir_backpain.artifacts import messages
from fhir_backpain.artifacts.finder import shown_path
from fhir_backpain.errors import MappingSyntaxError
from fhir_backpain.outcome import MappingLocation, Message

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MAX_DEPTH = 64
_COLLECTIONS = ("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq")


@dataclass(frozen=True, slots=True)
class YamlScalar:
    """A scalar: its Python value (str, int, float, bool or None), its text, its place."""

    value: Any
    text: str
    location: MappingLocation
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class YamlList:
    """A list of located values."""

    items: tuple[YamlNode, ...]
    location: MappingLocation

    def __iter__(self) -> Iterator[YamlNode]:
        return iter(self.items)


@dataclass(frozen=True, slots=True)
class YamlMap:
    """A map with text keys, in file order; `key_locations` says where each key stands."""

    entries: dict[str, YamlNode]
    key_locations: dict[str, MappingLocation]
    location: MappingLocation

    def get(self, key: str) -> YamlNode | None:
        """Return the value at `key`, or None."""
        return self.entries.get(key)

    def __contains__(self, key: str) -> bool:
        return key in self.entries


YamlNode = YamlScalar | YamlList | YamlMap


def fail(message: Message, text: str, where: MappingLocation) -> MappingSyntaxError:
    """Return (not raise) the syntax error for a place in a file."""
    return MappingSyntaxError(message.issue(text, mapping=where))


def read_yaml(path: Path) -> YamlMap:
    """Return a file's content as a located map.

    Raises MappingSyntaxError where the file is missing, is not YAML or is not a map.
    """
    shown = shown_path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise fail(
            messages.FILE_MISSING, f"There is no file {shown}.", MappingLocation(shown, 1)
        ) from None
    except (OSError, UnicodeDecodeError) as problem:
        kind = type(problem).__name__
        raise fail(
            messages.YAML_UNREADABLE, f"The file cannot be read: {kind}.", MappingLocation(shown, 1)
        ) from None
    return parse_yaml(text, shown)


def parse_yaml(text: str, file: str) -> YamlMap:
    """Return YAML text as a located map; `file` is the name used in findings."""
    try:
        node = yaml.compose(text, Loader=_LOADER)
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark
        where = MappingLocation(file, mark.line + 1, mark.column + 1) if mark else None
        raise fail(
            messages.YAML_UNREADABLE,
            f"The YAML cannot be read: {problem.problem}.",
            where or MappingLocation(file, 1),
        ) from None
    except yaml.YAMLError:
        raise fail(
            messages.YAML_UNREADABLE, "The YAML cannot be read.", MappingLocation(file, 1)
        ) from None
    except RecursionError:
        raise fail(
            messages.YAML_UNREADABLE, "The YAML is nested too deeply.", MappingLocation(file, 1)
        ) from None
    if node is None:
        raise fail(messages.YAML_UNREADABLE, "The file is empty.", MappingLocation(file, 1))
    _refuse_anchors(text, file)
    located = _Builder(file).build(node)
    if not isinstance(located, YamlMap):
        raise fail(messages.WRONG_KIND, "The file must hold a map of entries.", located.location)
    return located


def _refuse_anchors(text: str, file: str) -> None:
    if "&" not in text:
        return
    with suppress(yaml.YAMLError):
        for event in yaml.parse(text, Loader=_LOADER):
            mark = event.start_mark
            if getattr(event, "anchor", None) and mark:
                where = MappingLocation(file, mark.line + 1, mark.column + 1)
                raise fail(messages.YAML_UNREADABLE, "An anchor is not allowed here.", where)


class _Builder:
    """Turns PyYAML's nodes into ours, refusing what a mapping may not use."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._depth = 0
        self._constructor = yaml.SafeLoader("")

    def build(self, node: yaml.Node) -> YamlNode:
        where = self._place(node)
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, where)
        if node.tag not in _COLLECTIONS:
            raise fail(messages.WRONG_KIND, "This YAML tag is not allowed here.", where)
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise fail(messages.YAML_UNREADABLE, "The YAML is nested too deeply.", where)
        built = self._collection(node, where)
        self._depth -= 1
        return built

    def _collection(self, node: yaml.Node, where: MappingLocation) -> YamlNode:
        if isinstance(node, yaml.SequenceNode):
            return YamlList(tuple(self.build(item) for item in node.value), where)
        return self._map(node, where)

    def _place(self, node: yaml.Node) -> MappingLocation:
        mark = node.start_mark
        return MappingLocation(self._file, mark.line + 1, mark.column + 1)

    def _scalar(self, node: yaml.ScalarNode, where: MappingLocation) -> YamlScalar:
        if node.tag in ("tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:value"):
            # A date stays the text that was written: FHIR dates have their own precision.
            return YamlScalar(node.value, node.value, where)
        try:
            value = self._constructor.construct_object(node)
        except (yaml.YAMLError, ValueError):
            raise fail(
                messages.WRONG_KIND, "This YAML tag or value is not allowed here.", where
            ) from None
        if isinstance(value, bytes) or (isinstance(value, float) and not isfinite(value)):
            raise fail(messages.WRONG_KIND, "This YAML tag or value is not allowed here.", where)
        return YamlScalar(value, node.value, where, quoted=node.style in ("'", '"', "|", ">"))

    def _map(self, node: yaml.Node, where: MappingLocation) -> YamlMap:
        entries: dict[str, YamlNode] = {}
        places: dict[str, MappingLocation] = {}
        for key_node, value_node in node.value:
            place = self._place(key_node)
            if not isinstance(key_node, yaml.ScalarNode):
                raise fail(messages.WRONG_KIND, "A key must be plain text.", place)
            key = str(key_node.value)
            if key in entries:
                raise fail(messages.KEY_TWICE, f"The key '{key}' stands here twice.", place)
            entries[key] = self.build(value_node)
            places[key] = place
        return YamlMap(entries, places, where)


def plain(node: YamlNode) -> Any:
    """Return a located value as plain Python data."""
    if isinstance(node, YamlScalar):
        return node.value
    if isinstance(node, YamlList):
        return [plain(item) for item in node]
    return {key: plain(value) for key, value in node.entries.items()}


def want_text(owner: YamlMap, key: str) -> str:
    """Return the text at `key`; raises MappingSyntaxError where it is missing or no text."""
    node = owner.get(key)
    if node is None:
        raise fail(messages.ENTRY_MISSING, f"The entry '{key}' is missing.", owner.location)
    if not isinstance(node, YamlScalar) or node.value is None:
        raise fail(messages.WRONG_KIND, f"The entry '{key}' must be text.", node.location)
    return node.text


def want_map(owner: YamlMap, key: str) -> YamlMap:
    """Return the map at `key`; raises MappingSyntaxError where it is missing or no map."""
    node = owner.get(key)
    if node is None:
        raise fail(messages.ENTRY_MISSING, f"The entry '{key}' is missing.", owner.location)
    if not isinstance(node, YamlMap):
        raise fail(messages.WRONG_KIND, f"The entry '{key}' must be a map.", node.location)
    return node


def refuse_unknown(owner: YamlMap, known: set[str]) -> None:
    """Raise MappingSyntaxError at the first key that is not one of `known`."""
    for key in owner.entries:
        if key not in known:
            listed = ", ".join(sorted(known))
            raise fail(
                messages.ENTRY_UNKNOWN,
                f"The entry '{key}' is not known here; known are: {listed}.",
                owner.key_locations[key],
            )
