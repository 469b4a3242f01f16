"""Each slot function once more, as an interpreter that remembers what it reads.

It shares nothing with the compiled functions but their meaning, so that each proves the other.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape
from typing import Any

from fhir_backpain.artifacts.located_yaml import YamlList, YamlMap
from fhir_backpain.errors import MappingFailed
from fhir_backpain.mapping import messages
from fhir_backpain.mapping.declaration import read_key
from fhir_backpain.mapping.functions.arguments import (
    argument,
    arguments,
    option,
    refuse,
    want_option,
)
from fhir_backpain.mapping.functions.narrating import read_steps
from fhir_backpain.mapping.library import Library
from fhir_backpain.mapping.template import Slot
from fhir_backpain.mapping.trace.addressing import (
    SOURCE,
    Address,
    TracedKey,
    TracedOwner,
    trace_key,
)
from fhir_backpain.mapping.trace.point import Made, Point
from fhir_backpain.mapping.trace.scope import Found
from fhir_backpain.mapping.trace.tree import Traced, TracedLeaf, TracedList, TracedObject, grow
from fhir_backpain.terminology.concept import Concept
from fhir_backpain.terminology.concept_map import ConceptRow

PLACE = re.compile(r"\{([^{}]+)\}")

SlotFunction = Callable[[Slot, Point], Made]
Render = Callable[[ConceptRow], Any]


class SlotTracer:
    """The slot functions of mappings to FHIR, with the library's concepts at hand."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._functions: dict[str, SlotFunction] = {
            "copy": _copy,
            "text": _text,
            "narrative": self._narrative,
            "fixed": self._fixed,
            "fixed coding": self._fixed_coding,
            "concept": self._translated(ConceptRow.to_codeable_concept),
            "concepts": self._translated(_each_concept),
            "coding": self._translated(lambda row: row.concepts[0].to_coding()),
            "code": self._translated(lambda row: row.concepts[0].code),
            "codes": self._translated(ConceptRow.to_codes),
            "quantity": self._quantity,
            "own": _own,
            "reference": _reference,
            "actor": _actor,
            "made": _made,
        }

    def trace(self, slot: Slot, point: Point) -> Made:
        """Return what a slot makes of the record; raises MappingFailed for a word without a row."""
        function = self._functions.get(slot.function)
        if function is None:
            raise refuse(slot, f"'={slot.function}' cannot be traced.")
        return function(slot, point)

    def _fixed(self, slot: Slot, point: Point) -> Made:
        concept = self._library.concepts.want(argument(slot), slot.location)
        return _of_mapping(slot, point, ConceptRow((concept,)).to_codeable_concept())

    def _fixed_coding(self, slot: Slot, point: Point) -> Made:
        concept = self._library.concepts.want(argument(slot), slot.location)
        return _of_mapping(slot, point, concept.to_coding())

    def _translated(self, render: Render) -> SlotFunction:
        def translate(slot: Slot, point: Point) -> Made:
            found = [point.scope.find(path) for path in arguments(slot)]
            if any(part.value is None for part in found):
                instead = option(slot, "else")
                row = None if instead is None else self._row(slot, instead)
                return Made(None if row is None else _leaf(slot, point, render(row)))
            word = " ".join(part.value for part in found)
            pointers = tuple(part.pointer for part in found)
            return Made(_leaf(slot, point, render(self._row(slot, word)), pointers))

        return translate

    def _row(self, slot: Slot, word: str | None) -> ConceptRow:
        name = want_option(slot, "map")
        row = self._library.concept_map(name, slot.location).rows.get(word or "")
        if row is None:
            raise MappingFailed(
                messages.WORD_UNMAPPED.issue(
                    f"The concept map '{name}' has no row for a word of the record.",
                    mapping=slot.location,
                )
            )
        return row

    def _narrative(self, slot: Slot, point: Point) -> Made:
        found = point.scope.find(argument(slot))
        shown = found.value if found.value is not None else option(slot, "else")
        if shown is None:
            return Made(None)
        steps, pointers = self._steps(slot, point)
        text = "".join(f"<p>{one}</p>" for one in (escape(shown, quote=False), *steps))
        div = f'<div xmlns="http://www.w3.org/1999/xhtml">{text}</div>'
        members = {
            "status": _leaf(slot, point, "generated"),
            "div": _leaf(slot, point, div, (*found.pointers, *pointers)),
        }
        return Made(TracedObject(members))

    def _steps(self, slot: Slot, point: Point) -> tuple[list[str], tuple[str, ...]]:
        """Return a numbered text for each line of care, and the pointers of what is in them."""
        if "steps" not in slot.options:
            return [], ()
        found = read_steps(slot, self._library)
        items = [list(point.scope.find(one.path).items()) for one in found.sources]
        read = [
            [(item.step(one.word), item.step(one.status)) for item in row]
            for one, row in zip(found.sources, items, strict=True)
        ]
        told = found.told([[(word.value, status.value) for word, status in row] for row in read])
        pointers = (part.pointer for row in read for pair in row for part in pair)
        lines = [f"{at}. {line}. {'; '.join(steps)}" for at, (line, steps) in enumerate(told, 1)]
        return lines, tuple(pointers)

    def _quantity(self, slot: Slot, point: Point) -> Made:
        number = point.scope.find(argument(slot))
        if number.value is None:
            return Made(None)
        unit, pointers = self._unit(slot, point)
        rest = {"unit": unit.display, "system": unit.system, "code": unit.code}
        members = {name: _leaf(slot, point, text, pointers) for name, text in rest.items()}
        return Made(TracedObject({"value": _found(slot, point, number), **members}))

    def _unit(self, slot: Slot, point: Point) -> tuple[Concept, tuple[str, ...]]:
        unit = option(slot, "unit")
        if unit is not None:
            return self._library.concepts.want(unit, slot.location), ()
        by = point.scope.find(want_option(slot, "by"))
        return self._row(slot, by.value).concepts[0], by.pointers


def _each_concept(row: ConceptRow) -> list[Any]:
    return [ConceptRow((concept,)).to_codeable_concept() for concept in row.concepts]


def _leaf(slot: Slot, point: Point, value: Any, pointers: tuple[str, ...] = ()) -> Traced:
    return grow(value, point.cause(slot.function, slot.location, pointers))


def _of_mapping(slot: Slot, point: Point, value: Any) -> Made:
    """Return what does not vary with the record."""
    return Made(_leaf(slot, point, value), live=False)


def _found(slot: Slot, point: Point, found: Found) -> Traced:
    """Return a source value as it is: a single value, or a list of them."""
    if isinstance(found.value, list):
        return TracedList([_found(slot, point, item) for item in found.items()])
    return _leaf(slot, point, found.value, found.pointers)


def _copy(slot: Slot, point: Point) -> Made:
    found = point.scope.find(argument(slot))
    if found.value is not None:
        return Made(_found(slot, point, found))
    instead = option(slot, "else")
    return Made(None if instead is None else _leaf(slot, point, instead))


def _text(slot: Slot, point: Point) -> Made:
    parts = PLACE.split(argument(slot))
    found = [point.scope.find(path) for path in parts[1::2]]
    if any(part.value is None for part in found):
        return Made(None)
    parts[1::2] = [str(part.value) for part in found]
    return Made(_leaf(slot, point, "".join(parts), tuple(part.pointer for part in found)))


def _of_key(slot: Slot, point: Point, value: str, pointers: tuple[str, ...]) -> TracedLeaf:
    """Return a leaf that is an address."""
    cause = point.cause(slot.function, slot.location, pointers, is_identity=True)
    return TracedLeaf(value, cause)


def _identifier(slot: Slot, point: Point, address: Address) -> TracedObject:
    return TracedObject(
        {
            "system": _of_key(slot, point, point.identity.source, (SOURCE,)),
            "value": _of_key(slot, point, address.value, address.value_pointers),
        }
    )


def _own(slot: Slot, point: Point) -> Made:
    assert point.own is not None
    return Made(_identifier(slot, point, point.own), live=False)


def _reference(slot: Slot, point: Point) -> Made:
    type_ = argument(slot)
    if type_ == "Patient":
        return Made(_patient_reference(slot, point))
    owner, key = _owner(slot, point), _key(slot, point)
    if owner is None or not key.is_there:
        return Made(None)
    address = point.identity.address(type_, owner, key)
    return Made(
        TracedObject(
            {
                "reference": _of_key(slot, point, address.url, address.id_pointers),
                "identifier": _identifier(slot, point, address),
            }
        )
    )


def _key(slot: Slot, point: Point) -> TracedKey:
    node = slot.options.get("key")
    if not isinstance(node, YamlList):
        raise refuse(slot, "'=reference' needs a key: a list.")
    tree = YamlMap({"key": node}, {"key": slot.location}, slot.location)
    return trace_key(read_key(tree), point.scope)


def _owner(slot: Slot, point: Point) -> TracedOwner | None:
    """Return whose resource is referred to, None where the other record is not named."""
    other = option(slot, "of record")
    if other is None:
        return point.identity.owner(option(slot, "belongs to") or "record")
    record_id = point.scope.find(other)
    if record_id.value is None:
        return None
    return point.identity.other_record(record_id, option(slot, "record type"))


def _patient_reference(slot: Slot, point: Point) -> TracedObject:
    person = point.identity.person()
    system, value = person.id_pointers
    identifier = {
        "system": _of_key(slot, point, point.identity.system, (system,)),
        "value": _of_key(slot, point, point.identity.value, (value,)),
    }
    reference = _of_key(slot, point, person.url, person.id_pointers)
    return TracedObject({"reference": reference, "identifier": TracedObject(identifier)})


def _actor(slot: Slot, point: Point) -> Made:
    here = point.scope.find(argument(slot))
    identifier = _there(slot, point, here.step("identifier"), "system", "value")
    name = _there(slot, point, here, "name")
    if not identifier and not name:
        return Made(None)
    members: dict[str, Traced] = {"type": _leaf(slot, point, "Practitioner")}
    if identifier:
        members["identifier"] = TracedObject(identifier)
    if name:
        members["display"] = name["name"]
    return Made(TracedObject(members))


def _there(slot: Slot, point: Point, here: Found, *names: str) -> dict[str, Traced]:
    """Return those members of a source object that are there."""
    found = {name: here.step(name) for name in names}
    return {
        name: _found(slot, point, part) for name, part in found.items() if part.value is not None
    }


def _made(slot: Slot, point: Point) -> Made:
    references = [
        TracedObject({"reference": _of_key(slot, point, address.url, address.id_pointers)})
        for address in point.progress.addresses
    ]
    return Made(TracedList(references) if references else None)
