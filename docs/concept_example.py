"""Examples of concepts: a golden case, the part of its record, and the resource made of it.

Each comes from a trace of what the mappings really make: it tells which line of which mapping made
an element, and from which place of the record.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from docs.concept_groups import Part
from fhir_backpain.cli.mapping.golden import GoldenCase, find_cases
from fhir_backpain.mapping.mapper import Mapper
from fhir_backpain.mapping.trace.plan import explain
from fhir_backpain.mapping.trace.trace import Origin, TracedResource
from fhir_backpain.outcome import MappingLocation
from fhir_backpain.record import RECORD_TYPES

GOLDEN = Path(__file__).parents[1] / "tests" / "golden"
_INDEX = re.compile(r"\[\d+\]")
_CODING = re.compile(r"\.coding\.[a-z]+$")
_Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Example:
    """One element of one resource of a golden case, and the place of the record it is from."""

    case: str
    record: _Json
    resource: _Json
    pointer: str
    path: str
    mapping: MappingLocation
    used_at: tuple[MappingLocation, ...]
    rule: str
    is_whole: bool = False

    @property
    def element(self) -> str:
        """The element's FHIR path, without indexes and the parts of a coding."""
        return _CODING.sub("", _INDEX.sub("", self.path))

    @property
    def field(self) -> str:
        """The field's path in the record: ``activities[].treatment``."""
        return _field(self.pointer)

    @property
    def fragment(self) -> _Json:
        """The record's kind, and the whole item or member in which the field stands."""
        steps = self.pointer.split("/")[1:]
        depth = max((at for at, step in enumerate(steps) if step.isdecimal()), default=0)
        depth = 0 if self.is_whole else depth
        return {"record": self.record["record"], **_only(self.record, steps[: depth + 1])}


class Examples:
    """Every golden case, traced once."""

    def __init__(self, mapper: Mapper) -> None:
        self._maps = dict(_concept_maps(mapper))
        self._seen = [
            (case, record, resource, list(resource.origins()))
            for case, record in _cases()
            for resource in mapper.trace(record).resources
            if case.name in (resource.mapping, record["record"])
        ]
        self._seen.sort(key=lambda one: _lacks(one[2].json))

    def of_word(self, word: str, concept_map: str, rules: Iterable[str]) -> Example | None:
        """Return what a word becomes by a concept map in one of some mappings, the first best."""
        for rule in rules:
            for case, record, resource, origins in self._seen:
                if resource.mapping != rule:
                    continue
                for origin in origins:
                    if self._maps.get(str(origin.mapping)) == concept_map and word == " ".join(
                        str(_at(record, pointer)) for pointer in origin.pointers
                    ):
                        return _example(case, record, resource, origin, origin.pointers[0])
        return None

    def of_part(self, part: Part, code: str | None) -> Example | None:
        """Return what a part of a record becomes; `code` is one that the resource must have."""
        for case, record, resource, origins in self._seen:
            if resource.mapping != part.mapping or (code and code not in _texts(resource.json)):
                continue
            pointer = _pointer(part, record, origins, code, resource.json)
            for origin in origins:
                is_it = _INDEX.sub("", origin.path) == part.element
                if pointer and is_it and _is_of(part, origin, pointer, code, resource):
                    found = _example(case, record, resource, origin, pointer)
                    return replace(found, is_whole=part.is_whole)
        return None


def _lacks(resource: _Json) -> tuple[bool, bool]:
    """Return what ranks a resource last: one with a profile and a value shows a concept best."""
    return "profile" not in resource.get("meta", {}), "dataAbsentReason" in resource


def _is_of(
    part: Part, origin: Origin, pointer: str, code: str | None, resource: TracedResource
) -> bool:
    """Return whether an element comes from a field, or is what a condition on it adds."""
    if code is not None and part.element.endswith(".code"):
        return bool(_value(resource.json, origin.path) == code)
    return pointer in origin.pointers or part.value is not None


def _pointer(
    part: Part, record: _Json, origins: list[Origin], code: str | None, resource: _Json
) -> str | None:
    """Return where the record has the field; of several, that which the resource is made of."""
    read = {pointer for origin in origins for pointer in origin.pointers}
    found = [
        pointer
        for pointer, value in _leaves(record)
        if _field(pointer) == part.field and part.value in (None, value)
    ]
    coded = [
        pointer
        for origin in origins
        for pointer in origin.pointers
        if pointer in found and code == _value(resource, origin.path)
    ]
    ours = [one for one in found if one in read or _siblings(one, read)]
    return next(iter((*coded, *ours)), None)


def _siblings(pointer: str, read: Iterable[str]) -> bool:
    owner = pointer.rpartition("/")[0]
    return owner.count("/") > 1 and any(one.startswith(f"{owner}/") for one in read)


def _example(
    case: GoldenCase, record: _Json, resource: TracedResource, origin: Origin, pointer: str
) -> Example:
    return Example(
        f"{case.name}/{case.folder.name}", record, resource.json, pointer, origin.path,
        origin.mapping, origin.used_at, resource.mapping,
    )  # fmt: skip


def _cases() -> Iterator[tuple[GoldenCase, _Json]]:
    """Yield the cases with their records; those with little in them first: they show it best."""
    found = [(one, one.source()) for one in find_cases(GOLDEN) if one.release == "R4"]
    found.sort(key=lambda one: (sum(1 for _ in _leaves(one[1])), str(one[0].folder)))
    return iter(found)


def _concept_maps(mapper: Mapper) -> Iterator[tuple[str, str]]:
    """Yield the concept map that stands at each line of the mappings, where one does."""
    library = mapper.library
    for record_type in RECORD_TYPES:
        for declaration in mapper.declarations(record_type):
            for line in explain(declaration, library.fragments):
                if line.concept_map is not None:
                    yield str(line.mapping), line.concept_map


def _field(pointer: str) -> str:
    steps = ["[]" if step.isdecimal() else f".{step}" for step in pointer.split("/")[1:]]
    return "".join(steps).removeprefix(".")


def _at(node: Any, pointer: str) -> Any:
    for step in pointer.split("/")[1:]:
        node = node[int(step)] if isinstance(node, list) else node[step]
    return node


def _only(node: Any, steps: list[str]) -> Any:
    """Return what is at some steps, with nothing beside the way there."""
    if not steps:
        return node
    if isinstance(node, list):
        return [_only(node[int(steps[0])], steps[1:])]
    return {steps[0]: _only(node[steps[0]], steps[1:])}


def _value(resource: _Json, path: str) -> Any:
    node: Any = resource
    for name, index in re.findall(r"\.([A-Za-z]+)|\[(\d+)\]", path):
        node = node[name] if name else node[int(index)]
    return node


def _leaves(node: Any, pointer: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(node, dict | list):
        items = node.items() if isinstance(node, dict) else enumerate(node)
        for key, value in items:
            yield from _leaves(value, f"{pointer}/{key}")
    else:
        yield pointer, node


def _texts(node: Any) -> set[Any]:
    return {value for _, value in _leaves(node) if isinstance(value, str)}
