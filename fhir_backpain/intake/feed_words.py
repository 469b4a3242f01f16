"""Holds the fixed words of a feed against the vocabulary: measures, causes, findings …"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from fhir_backpain.artifacts.located_yaml import YamlMap, YamlScalar
from fhir_backpain.mapping.feed import Feed
from fhir_backpain.mapping.library import Library
from fhir_backpain.mapping.scope import PARAMETER
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
from fhir_backpain.validation.record_vocabulary import unknown_keys


def unknown_words(feed: Feed, library: Library) -> Iterator[Issue]:
    """Yield an issue at each literal, or row of a =word, that no record may hold, each once."""
    seen = set()
    for turn in range(_turns(feed.template)):
        for issue in unknown_keys(_record(feed.template, turn), library.vocabulary):
            pointer = issue.source.pointer if issue.source else None
            place = _place(feed.template, (pointer or "").split("/")[1:], turn)
            if place not in seen:
                seen.add(place)
                yield replace(issue, source=None, mapping=place)


def _rows(node: Slot) -> list[YamlScalar]:
    table = node.options.get("table")
    rows = table.entries.values() if isinstance(table, YamlMap) else ()
    return [row for row in rows if isinstance(row, YamlScalar)]


def _children(node: Template) -> tuple[Template, ...]:
    if isinstance(node, ObjectTemplate):
        return tuple(node.members.values())
    if isinstance(node, ListTemplate):
        return node.items
    if isinstance(node, FirstOf):
        return node.alternatives
    return (node.body,) if isinstance(node, When) else ()


def _turns(node: Template) -> int:
    """Return how many records it takes until every alternative and every row was in one."""
    own = len(_rows(node)) if isinstance(node, Slot) else len(getattr(node, "alternatives", ()))
    below = [_turns(child) for child in _children(node)]
    return max([own, 1, *below]) * (max(below, default=1) if isinstance(node, FirstOf) else 1)


def _record(node: Template, turn: int) -> Any:
    """Return what of a record the feed itself says; what only a cell can say is None."""
    if isinstance(node, ObjectTemplate):
        return {name: _record(item, turn) for name, item in node.members.items()}
    if isinstance(node, ListTemplate):
        return [_record(item, turn) for item in node.items]
    if isinstance(node, When):
        return _record(node.body, turn)
    if isinstance(node, FirstOf):
        return _record(*_alternative(node, turn))
    if isinstance(node, Literal):
        return node.value
    rows = _rows(node) if isinstance(node, Slot) else []
    row = rows[turn % len(rows)] if rows else None
    is_fixed = row is not None and (row.quoted or not row.text.startswith(f"={PARAMETER}"))
    return row.value if row is not None and is_fixed else None


def _alternative(node: FirstOf, turn: int) -> tuple[Template, int]:
    count = len(node.alternatives)
    return node.alternatives[turn % count], turn // count


def _place(node: Template, steps: list[str], turn: int) -> MappingLocation:
    if isinstance(node, When):
        return _place(node.body, steps, turn)
    if isinstance(node, FirstOf):
        alternative, turn = _alternative(node, turn)
        return _place(alternative, steps, turn)
    if isinstance(node, ObjectTemplate) and steps and steps[0] in node.members:
        return _place(node.members[steps[0]], steps[1:], turn)
    if isinstance(node, ListTemplate) and steps:
        return _place(node.items[int(steps[0])], steps[1:], turn)
    rows = _rows(node) if isinstance(node, Slot) else []
    return rows[turn % len(rows)].location if rows else node.location
