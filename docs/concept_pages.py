"""A page for each concept: code, profile, mapping, an example of the record and of the resource."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from docs.concept_example import Example
from docs.concept_table import Group, Shown, profile_link
from docs.profile_table import cell
from fhir_backpain.fhir import json_text
from fhir_backpain.outcome import MappingLocation

_ROOT = Path(__file__).parents[1]
_HOME = "../../../"
"""The folder ``docs`` as seen from a page."""
_TOP = f"{_HOME}../"
_KIND = re.compile(r" \([a-z/ ]+\)$")


def concept_pages(groups: list[Group]) -> dict[str, str]:
    """Return the text of the page of every concept, by its path below ``concepts``."""
    return {
        f"{group.key}/{shown.word}.md": "\n".join(_page(group, shown))
        for group in groups
        for shown in group.concepts
    }


def _page(group: Group, shown: Shown) -> Iterator[str]:
    yield from (f"# {_KIND.sub('', shown.title)}", "")
    yield from (f"`{shown.word}`, one of [{group.title}](../../concepts.md).", "")
    yield from _codes(shown)
    example = shown.example
    if example is None:
        return
    yield from (*_facts(shown, example), "", "## In a record", "")
    yield from ("```json", json_text.pretty(example.fragment), "```", "")
    yield from ("## As a resource", "", "```json")
    yield from (json_text.pretty(example.resource), "```", "")
    yield "Both are of the golden case"
    folder = f"tests/golden/{example.case}"
    yield f"[{example.case}]({_TOP}{folder}): a test makes the one of the other, both ways."
    yield ""


def _codes(shown: Shown) -> Iterator[str]:
    if not shown.concepts:
        return
    yield from ("| code | display | system |", "|---|---|---|")
    for one in shown.concepts:
        yield f"| `{cell(one.code)}` | {cell(one.display)} | `{one.system}` |"
    yield ""


def _facts(shown: Shown, example: Example) -> Iterator[str]:
    kind = example.resource["resourceType"]
    yield f"- record: `{example.field}` of a record of the type `{example.record['record']}`"
    yield f"- resource: {kind}, element `{example.element}`"
    links = ", ".join(profile_link(url, _HOME) for url in shown.profiles)
    yield f"- profile: {links}"
    places = ", used at ".join(_line(one) for one in (example.mapping, *example.used_at[::-1]))
    yield f"- mapping: {places}"
    if shown.concept_map is not None:
        yield f"- concept map: {_row(f'mappings/concept-maps/{shown.concept_map}.yaml', shown)}"
    if shown.instrument is not None:
        yield f"- instrument: {_row(shown.instrument.location.file, shown)}"
        yield f"- what its scores mean: [instruments]({_HOME}reference/instruments.md)"


def _line(place: MappingLocation) -> str:
    """Return a link to a line of a mapping."""
    name = place.file.rpartition("/")[2]
    return f"[{name}, line {place.line}]({_TOP}{place.file}#L{place.line})"


def _row(file: str, shown: Shown) -> str:
    """Return a link to the line at which a file speaks of a word."""
    lines = (_ROOT / file).read_text("utf-8").splitlines()
    found = re.compile(rf" +[\"']?{re.escape(shown.word)}[\"']?:")
    number = next(at for at, line in enumerate(lines, start=1) if found.match(line))
    return _line(MappingLocation(file, number))
