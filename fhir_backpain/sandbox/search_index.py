"""What a resource is found by: index rows taken from it by the table of search parameters.

Extraction never fails: an element of the wrong shape is stored but not found by.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from fhir_backpain.fhir.date_range import DateRange, parse_date, parse_period
from fhir_backpain.sandbox.search_parameters import SEARCH_PARAMETERS, SearchParameter

ID_PATTERN = r"[A-Za-z0-9\-.]{1,64}"
_LITERAL = re.compile(
    rf"(?:(?P<base>https?://.+)/)?(?P<type>[A-Z][A-Za-z]{{1,63}})/(?P<id>{ID_PATTERN})"
    rf"(?:/_history/{ID_PATTERN})?"
)


class Target(NamedTuple):
    """What a literal reference points at: a type and id here, or a URL elsewhere."""

    type: str
    id: str
    url: str = ""


@dataclass(slots=True)
class IndexRows:
    """The rows of one version, by index table; each starts with the name of the parameter."""

    tokens: set[tuple[str, str, str]] = field(default_factory=set)
    references: set[tuple[str, str, str, str]] = field(default_factory=set)
    dates: set[tuple[str, int, int]] = field(default_factory=set)


def index_rows(resource: dict[str, Any], base: str) -> IndexRows:
    """Return the index rows of `resource`; a reference below `base` counts as a local one."""
    rows = IndexRows()
    for parameter in SEARCH_PARAMETERS[resource["resourceType"]].values():
        for path in parameter.paths:
            for value in values_at(resource, path.split(".")):
                _index(rows, parameter, value, base)
    return rows


def values_at(node: Any, path: list[str]) -> Iterator[Any]:
    """Yield each value at `path`, going through arrays."""
    if isinstance(node, list):
        for item in node:
            yield from values_at(item, path)
    elif not path:
        yield node
    elif isinstance(node, dict) and path[0] in node:
        yield from values_at(node[path[0]], path[1:])


def parse_reference(text: str, base: str) -> Target | None:
    """Return the target of a literal reference, None for a fragment or other text.

    A version in the reference is left out. Relative references and those below `base` are
    local: their `url` is empty.
    """
    if text.startswith("urn:"):
        return Target("", "", text)
    match = _LITERAL.fullmatch(text)
    if match is None:
        return None
    if match["base"] in (None, base):
        return Target(match["type"], match["id"])
    return Target(match["type"], match["id"], f"{match['base']}/{match['type']}/{match['id']}")


def _index(rows: IndexRows, parameter: SearchParameter, value: Any, base: str) -> None:
    name = parameter.name
    if parameter.kind == "token":
        rows.tokens.update((name, code, system) for system, code in _tokens(parameter, value))
    elif parameter.kind == "uri" and isinstance(value, str):
        rows.tokens.update((name, uri, "") for uri in (value, value.partition("|")[0]))
    elif parameter.kind == "date":
        rows.dates.update((name, *span) for span in _ranges(value))
    elif parameter.kind == "reference" and isinstance(value, dict):
        _index_reference(rows, parameter, value, base)


def _tokens(parameter: SearchParameter, value: Any) -> Iterator[tuple[str, str]]:
    """Yield (system, code) of a code, boolean, Coding, CodeableConcept or Identifier."""
    if isinstance(value, bool):
        yield "", "true" if value else "false"
    elif isinstance(value, str):
        yield parameter.system or "", value
    elif isinstance(value, dict):
        if isinstance(value.get("coding"), list):
            for coding in value["coding"]:
                yield from _tokens(parameter, coding)
        code = value.get("code", value.get("value"))
        system = value.get("system", "")
        if isinstance(code, str) and isinstance(system, str):
            yield system, code


def _ranges(value: Any) -> Iterator[DateRange]:
    """Yield the ranges of a date, dateTime, instant, Period or of the events of a Timing."""
    if isinstance(value, str):
        found = parse_date(value)
    elif isinstance(value, dict):
        found = parse_period(value)
        for event in values_at(value, ["event"]):
            yield from _ranges(event)
    else:
        found = None
    if found is not None:
        yield found


def _index_reference(
    rows: IndexRows, parameter: SearchParameter, value: dict[str, Any], base: str
) -> None:
    text = value.get("reference")
    target = parse_reference(text, base) if isinstance(text, str) else None
    kind = (target.type if target else "") or value.get("type", "")
    if parameter.target and kind and kind != parameter.target:
        return
    if target is not None:
        local = ("", "") if target.url else (target.id, target.type)
        rows.references.add((parameter.name, *local, target.url))
    identifier = value.get("identifier")
    if isinstance(identifier, dict):
        found = _tokens(parameter, identifier)
        name = f"{parameter.name}:identifier"
        rows.tokens.update((name, code, system) for system, code in found)
