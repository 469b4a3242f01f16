"""What each slot function makes: the FHIR datatypes that its value can be, and the codes in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from fhir_backpain.definitions.definitions import Definitions
from fhir_backpain.definitions.element import Code, ElementDefinition
from fhir_backpain.mapping.functions.arguments import argument, option
from fhir_backpain.mapping.library import Library
from fhir_backpain.mapping.scope import Scope
from fhir_backpain.mapping.source_shape import Leaf, ListShape
from fhir_backpain.mapping.template import Slot
from fhir_backpain.terminology.concept import Concept
from fhir_backpain.terminology.concept_map import ConceptRow

# Which FHIR primitives a text of each form of the record schemas is, whatever its value.
_FORMS: dict[str, frozenset[str]] = {
    "date": frozenset({"date", "dateTime"}),
    "day": frozenset({"date", "dateTime"}),
    "dateTime": frozenset({"dateTime"}),
    "instant": frozenset({"instant", "dateTime"}),
    "uri": frozenset({"uri", "url", "string"}),
    "code": frozenset({"code", "string", "markdown"}),
    "key": frozenset({"string"}),
    "text": frozenset({"string", "markdown"}),
}
_WORDS = frozenset({"code", "string", "markdown"})
_TEXTS = frozenset({"string", "markdown", "uri", "url", "canonical"})
_WHOLE_FROM_ONE = frozenset({"decimal", "integer", "positiveInt", "unsignedInt"})
_WHOLE_FROM_ZERO = frozenset({"decimal", "integer", "unsignedInt"})
_WHOLE = frozenset({"decimal", "integer"})

_OF_FUNCTION: dict[str, str] = {
    "text": "string",
    "narrative": "Narrative",
    "fixed": "CodeableConcept",
    "concept": "CodeableConcept",
    "concepts": "CodeableConcept",
    "fixed coding": "Coding",
    "coding": "Coding",
    "code": "code",
    "codes": "code",
    "quantity": "Quantity",
    "reference": "Reference",
    "actor": "Reference",
    "own": "Identifier",
    "made": "Reference",
}
MAKES_LIST = frozenset({"concepts", "codes", "made"})


@dataclass(frozen=True, slots=True)
class MadeType:
    """The datatypes that a slot's value can be; the first one names it in findings."""

    types: frozenset[str]
    name: str
    is_list: bool = False


def made_type(slot: Slot, scope: Scope) -> MadeType:
    """Return what a slot makes, by its function and the source value that it takes."""
    if slot.function == "copy":
        return _copied(slot, scope)
    if slot.function == "text":
        return MadeType(_TEXTS, "string")
    name = _OF_FUNCTION[slot.function]
    if slot.function == "codes":
        # A concept map may give canonical URLs, such as those of profiles.
        return MadeType(frozenset({name, "canonical"}), name, is_list=True)
    return MadeType(frozenset({name}), name, slot.function in MAKES_LIST)


def _copied(slot: Slot, scope: Scope) -> MadeType:
    shape = scope.find(argument(slot), slot.location).shape
    is_list = isinstance(shape, ListShape)
    leaf = shape.item if isinstance(shape, ListShape) else shape
    if not isinstance(leaf, Leaf):
        return MadeType(frozenset(), "no single value", is_list)
    if leaf.type == "boolean":
        return MadeType(frozenset({"boolean"}), "boolean", is_list)
    if leaf.type in ("number", "integer"):
        return MadeType(_numbers(leaf), leaf.type, is_list)
    if leaf.words is not None:
        return MadeType(_WORDS, "one of some words", is_list)
    types = _FORMS.get(leaf.form or "text", _FORMS["text"])
    return MadeType(types, leaf.form or "text", is_list)


def _numbers(leaf: Leaf) -> frozenset[str]:
    if leaf.type == "number":
        return frozenset({"decimal"})
    if leaf.minimum is None:
        return _WHOLE
    return _WHOLE_FROM_ONE if leaf.minimum >= 1 else _WHOLE_FROM_ZERO


def fits(made: MadeType, element: ElementDefinition, definitions: Definitions) -> bool:
    """Return whether a value of the made type can stand in an element."""
    if element.type in made.types:
        return True
    found = definitions.datatype(element.type)
    return found is not None and found.constrains in made.types


def codes_outside(
    slot: Slot, scope: Scope, element: ElementDefinition, library: Library
) -> Iterator[str]:
    """Yield what a slot can make that is outside the element's required binding."""
    binding = element.binding
    if binding is None or binding.strength != "required" or binding.codes is None:
        return
    if slot.function == "copy":
        yield from _words_outside(slot, scope, binding.find)
        return
    for word, row in _rows(slot, library):
        if not any(_is_in(concept, slot, binding.codes) for concept in row.concepts):
            yield word


def _words_outside(slot: Slot, scope: Scope, find: Callable[[str], Code | None]) -> Iterator[str]:
    leaf = scope.find(argument(slot), slot.location).shape
    if isinstance(leaf, Leaf) and leaf.words is not None:
        yield from (word for word in leaf.words if find(word) is None)
    elif isinstance(leaf, Leaf) and leaf.type == "string":
        yield f"any {leaf.form or 'text'}"
    instead = option(slot, "else")
    if instead is not None and find(instead) is None:
        yield instead


def _rows(slot: Slot, library: Library) -> Iterator[tuple[str, ConceptRow]]:
    if slot.function in ("fixed", "fixed coding"):
        key = argument(slot)
        yield key, ConceptRow((library.concepts.want(key, slot.location),))
    elif slot.function in ("concept", "concepts", "coding", "code", "codes"):
        name = option(slot, "map") or ""
        yield from library.concept_map(name, slot.location).rows.items()


def _is_in(concept: Concept, slot: Slot, codes: tuple[Code, ...]) -> bool:
    if slot.function in ("code", "codes"):
        return any(code.code == concept.code for code in codes)
    return any((code.system, code.code) == (concept.system, concept.code) for code in codes)
