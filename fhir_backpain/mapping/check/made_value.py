"""What a slot or a literal can make, as JSON in which UNKNOWN stands for what the record gives."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fhir_backpain.mapping.check.given import Given
from fhir_backpain.mapping.functions.arguments import argument, arguments, option
from fhir_backpain.mapping.library import Library
from fhir_backpain.mapping.scope import Scope
from fhir_backpain.mapping.source_shape import Leaf
from fhir_backpain.mapping.template import Literal, Slot
from fhir_backpain.terminology.concept import Concept
from fhir_backpain.terminology.concept_map import ConceptRow


class _Unknown:
    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Any = _Unknown()
"""A value that only the record tells."""

_OF_RECORD: dict[str, Any] = {
    "text": UNKNOWN,
    "narrative": {"status": "generated", "div": UNKNOWN},
    "own": {"system": UNKNOWN, "value": UNKNOWN},
    "reference": {"reference": UNKNOWN, "identifier": {"system": UNKNOWN, "value": UNKNOWN}},
    "actor": {
        "type": "Practitioner",
        "identifier": {"system": UNKNOWN, "value": UNKNOWN},
        "display": UNKNOWN,
    },
    "made": [{"reference": UNKNOWN}],
}


@dataclass(frozen=True, slots=True)
class MadeValue:
    """One value that can be made; `word` is the record's word that leads to it, if one does."""

    value: Any
    word: str | None = None


def made_values(
    node: Slot | Literal, scope: Scope, given: Given, library: Library
) -> Iterator[MadeValue]:
    """Yield what a node can make, as far as mapping and schema tell."""
    if isinstance(node, Literal):
        yield MadeValue(node.value)
    elif node.function in _OF_RECORD:
        yield MadeValue(_OF_RECORD[node.function])
    elif node.function == "copy":
        yield from _copied(node, scope, given)
    elif node.function in ("fixed", "fixed coding"):
        concept = library.concepts.want(argument(node), node.location)
        yield MadeValue(_rendered(node.function, ConceptRow((concept,))))
    elif node.function == "quantity":
        yield from _quantities(node, scope, given, library)
    else:
        for word, row in _rows(node, arguments(node), scope, given, library):
            yield MadeValue(_rendered(node.function, row), word)


def _copied(node: Slot, scope: Scope, given: Given) -> Iterator[MadeValue]:
    reach = scope.find(argument(node), node.location)
    words = reach.shape.words if isinstance(reach.shape, Leaf) else None
    if words is None:
        yield MadeValue(UNKNOWN)
        return
    instead = option(node, "else")
    for word in dict.fromkeys((*words, *([instead] if instead else ()))):
        if given.allows(reach.path, word):
            yield MadeValue(word, word)


def _quantities(node: Slot, scope: Scope, given: Given, library: Library) -> Iterator[MadeValue]:
    unit = option(node, "unit")
    if unit is not None:
        yield MadeValue(_quantity(library.concepts.want(unit, node.location)))
        return
    for word, row in _rows(node, [option(node, "by") or ""], scope, given, library):
        yield MadeValue(_quantity(row.concepts[0]), word)


def _quantity(unit: Concept) -> dict[str, Any]:
    return {"value": UNKNOWN, "unit": unit.display, "system": unit.system, "code": unit.code}


def _rows(
    node: Slot, paths: list[str], scope: Scope, given: Given, library: Library
) -> Iterator[tuple[str, ConceptRow]]:
    """Yield the rows of a slot's concept map that a record can lead to."""
    reaches = [scope.find(path, node.location) for path in paths]
    shapes = [reach.shape for reach in reaches]
    known = [shape.words if isinstance(shape, Leaf) else None for shape in shapes]
    rows = library.concept_map(option(node, "map") or "", node.location).rows
    for words, row in rows.items():
        parts = words.split(" ") if len(paths) > 1 else [words]
        if all(
            given.allows(reach.path, part) and (listed is None or part in listed)
            for reach, part, listed in zip(reaches, parts, known, strict=True)
        ):
            yield words, row


def _rendered(function: str, row: ConceptRow) -> Any:
    if function in ("fixed", "concept"):
        return row.to_codeable_concept()
    if function == "concepts":
        return [ConceptRow((concept,)).to_codeable_concept() for concept in row.concepts]
    if function == "codes":
        return row.to_codes()
    concept = row.concepts[0]
    return concept.code if function == "code" else concept.to_coding()
