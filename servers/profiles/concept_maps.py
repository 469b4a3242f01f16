"""Concept maps: from the words of a record to codes, as FHIR ConceptMaps."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from fhir_backpain.fhir.canonical import BASE
from fhir_backpain.mapping.library import Library
from fhir_backpain.terminology.concept import Concept
from fhir_backpain.terminology.concept_map import ConceptMap, ConceptRow

_LEFT_OUT = (
    "clinician-measure", "encounter-status-r5", "graded-finding", "invasive-treatment",
    "measure-fhir-category", "measure-profile",
)  # fmt: skip
"""Maps of the output for other releases of FHIR, to what is no code, or for the record check."""

_NOT_MEANING = {
    "investigation-category": "wider",
    "measure-category": "wider",
    "treatment-category": "wider",
    "procedure-category": "wider",
    "treatment-line": "wider",
    "care-team-status": "relatedto",
    "finding-unit": "relatedto",
    "measure-unit": "relatedto",
}
"""ConceptMapEquivalence of the maps whose codes are not what their words mean."""

_WORDS = f"{BASE}/CodeSystem/backpain-record-words"


def record_words(library: Library) -> dict[str, Any]:
    """Return the code system of the words from which the concept maps lead to codes.

    FHIR: CodeSystem, http://hl7.org/fhir/R4/codesystem.html
    """
    words = sorted({word for found in _published(library) for word in found.rows})
    return {
        "resourceType": "CodeSystem",
        "id": "backpain-record-words",
        "url": _WORDS,
        "name": "BackPainRecordWords",
        "title": "Words of the records",
        "description": "The words that a record may use; the place where one stands says of what.",
        "caseSensitive": True,
        "content": "complete",
        "count": len(words),
        "concept": [{"code": word, "display": word.replace("-", " ")} for word in words],
    }


def concept_maps(library: Library) -> Iterator[dict[str, Any]]:
    """Return each concept map of the mappings, those that its instruments imply too.

    FHIR: ConceptMap, http://hl7.org/fhir/R4/conceptmap.html
    """
    return (_resource(concept_map) for concept_map in _published(library))


def _published(library: Library) -> list[ConceptMap]:
    return [
        concept_map
        for name, concept_map in sorted(library.concept_maps.items())
        if name not in _LEFT_OUT
    ]


def _resource(concept_map: ConceptMap) -> dict[str, Any]:
    words = concept_map.name.replace("-", " ")
    return {
        "resourceType": "ConceptMap",
        "id": f"backpain-{concept_map.name}",
        "url": f"{BASE}/ConceptMap/backpain-{concept_map.name}",
        "name": "BackPain" + "".join(map(str.capitalize, words.split())) + "Map",
        "title": f"Words of a record: {words}",
        "description": f"Which codes the words of a record for '{words}' stand for.",
        "group": list(_groups(concept_map)),
    }


def _groups(concept_map: ConceptMap) -> Iterator[dict[str, Any]]:
    """Yield a group for each system; a word with codings of two systems is in both groups."""
    targets = [
        (concept, word, _equivalence(concept_map.name, row))
        for word, row in concept_map.rows.items()
        for concept in row.concepts
    ]
    for system, found in groupby(sorted(targets, key=_system), key=_system):
        yield {
            "source": _WORDS,
            "target": system,
            "element": [
                {"code": word, "target": [_target(concept, how) for concept, _, how in same_word]}
                for word, same_word in groupby(found, key=lambda target: target[1])
            ],
        }


def _system(target: tuple[Concept, str, str]) -> str:
    return target[0].system


def _target(concept: Concept, equivalence: str) -> dict[str, str]:
    return {"code": concept.code, "display": concept.display, "equivalence": equivalence}


def _equivalence(name: str, row: ConceptRow) -> str:
    """A single coding is what the word means; of several, some say less or a part of it."""
    meant = "equivalent" if len(row.concepts) == 1 else "relatedto"
    return _NOT_MEANING.get(name, meant)
