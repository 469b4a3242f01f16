"""The items of an instrument: their ids and the answers that they take."""

from __future__ import annotations

import re
from dataclasses import dataclass

from fhir_backpain.artifacts import messages
from fhir_backpain.artifacts.located_yaml import (
    YamlList,
    YamlMap,
    YamlNode,
    YamlScalar,
    fail,
    refuse_unknown,
)
from fhir_backpain.instruments.entry import Range, range_of, want
from fhir_backpain.outcome import MappingLocation

_ID = re.compile(r"[0-9]+[a-z]?")
_SPAN = re.compile(r"([0-9]+)-([0-9]+)")


@dataclass(frozen=True, slots=True)
class Items:
    """The answers that a Questionnaire of the instrument carries: item ids and inclusive range."""

    ids: tuple[str, ...]
    value_range: Range


def items_of(tree: YamlMap) -> Items:
    """Return the items that an instrument's file declares; raises MappingSyntaxError."""
    refuse_unknown(tree, {"ids", "range"})
    node = tree.get("range")
    ids = ids_of(want(tree, "ids"))
    if node is None:
        raise fail(messages.ENTRY_MISSING, "Items need a range.", tree.location)
    return Items(ids, range_of(node))


def ids_of(node: YamlNode) -> tuple[str, ...]:
    """Return the item ids that a node lists: ``1-10``, ``3`` or a list such as ``[3-6, 9a, 9b]``.

    Raises MappingSyntaxError where one is unreadable or stands there twice.
    """
    parts = node.items if isinstance(node, YamlList) else (node,)
    ids = [id_ for part in parts for id_ in _ids(part)]
    if not ids or len(set(ids)) < len(ids):
        raise fail(messages.WRONG_KIND, "Item ids are listed once each.", node.location)
    return tuple(ids)


def _ids(node: YamlNode) -> list[str]:
    text = node.text if isinstance(node, YamlScalar) else ""
    if span := _SPAN.fullmatch(text):
        return _numbers(int(span[1]), int(span[2]), node.location)
    if not _ID.fullmatch(text):
        text = "Item ids read like 1-10, or like [3-6, 9a, 9b]."
        raise fail(messages.WRONG_KIND, text, node.location)
    return [text]


def _numbers(first: int, last: int, where: MappingLocation) -> list[str]:
    if last < first:
        raise fail(messages.WRONG_KIND, "Item ids begin below their end.", where)
    return [str(number) for number in range(first, last + 1)]
