"""Every code that a resource carries with its system, wherever it stands.

FHIR: http://hl7.org/fhir/R4/terminologies.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class CodedValue:
    """A code, its system, what is shown for it (None: nothing), and the FHIRPath of its place.

    What is shown is the display of a Coding and the unit of a Quantity.
    """

    system: str
    code: str
    display: str | None
    expression: str


def coded_values(resource: Json) -> Iterator[CodedValue]:
    """Yield the codes of a resource in its order: those of Codings and Quantities, patterns too.

    Of a CodeSystem, ValueSet and ConceptMap also those of the concepts that it lists. Elements of
    the type `code` have no system, and are left to what they are bound to.
    """
    kind = str(resource.get("resourceType", ""))
    if kind == "CodeSystem" and "url" in resource:
        yield from _concepts(resource, "concept", resource["url"], kind)
    yield from _below(resource, kind)


def _below(value: Any, place: str) -> Iterator[CodedValue]:
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _below(item, f"{place}[{index}]")
    elif isinstance(value, dict):
        yield from _of_object(value, place)
        for name, item in value.items():
            yield from _below(item, f"{place}.{name}")


def _of_object(found: Json, place: str) -> Iterator[CodedValue]:
    system, code = found.get("system"), found.get("code")
    if isinstance(system, str) and isinstance(code, str):
        yield CodedValue(system, code, found.get("display", found.get("unit")), place)
    elif isinstance(system, str):
        yield from _concepts(found, "concept", system, place)
    if isinstance(found.get("target"), str):
        yield from _group(found, place)


def _group(group: Json, place: str) -> Iterator[CodedValue]:
    """Yield both ends of the rows of a group of a ConceptMap."""
    source = group.get("source")
    if isinstance(source, str):
        yield from _concepts(group, "element", source, place)
    for index, row in enumerate(group.get("element", ())):
        yield from _concepts(row, "target", group["target"], f"{place}.element[{index}]")


def _concepts(holder: Json, name: str, system: str, place: str) -> Iterator[CodedValue]:
    """Yield a list of concepts of one system, with those below each."""
    for index, row in enumerate(holder.get(name, ())):
        here = f"{place}.{name}[{index}]"
        if "code" in row:
            yield CodedValue(system, row["code"], row.get("display"), here)
        yield from _concepts(row, "concept", system, here)
