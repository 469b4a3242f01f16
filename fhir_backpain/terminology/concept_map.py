"""Concept maps as data: from a word of a record to the concepts that FHIR shall carry.

A file of ``mappings/concept-maps`` reads::

    concept map: body-site
    of: site                      # the kind of word, for the record check
    rows:
      low-back: site.low_back                       # one concept
      sciatica: [dx.sciatica, dx.icd.sciatica]      # several codings of one concept
      core-stabilisation: {is: [own.core-stabilisation], text: Core stabilisation exercise}

FHIR: ConceptMap, http://hl7.org/fhir/R4/conceptmap.html
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fhir_backpain.artifacts import messages as artifact_messages
from fhir_backpain.artifacts.located_yaml import (
    YamlList,
    YamlMap,
    YamlNode,
    YamlScalar,
    fail,
    read_yaml,
    refuse_unknown,
    want_map,
    want_text,
)
from fhir_backpain.outcome import MappingLocation
from fhir_backpain.terminology.concept import Concept, ConceptTable


@dataclass(frozen=True, slots=True)
class ConceptRow:
    """What one word stands for: codings of one concept, the most specific standard one first."""

    concepts: tuple[Concept, ...]
    text: str | None = None
    location: MappingLocation | None = None

    def to_codeable_concept(self) -> dict[str, Any]:
        """Return the FHIR CodeableConcept."""
        element: dict[str, Any] = {"coding": [concept.to_coding() for concept in self.concepts]}
        if self.text:
            element["text"] = self.text
        return element

    def to_codes(self) -> list[str]:
        """Return the codes alone."""
        return [concept.code for concept in self.concepts]


@dataclass(frozen=True, slots=True)
class ConceptMap:
    """A table from words to concepts; `kind` is the vocabulary whose words it covers, if any."""

    name: str
    rows: dict[str, ConceptRow]
    kind: str | None = None

    @property
    def is_reversible(self) -> bool:
        """True where no two words share their first coding, so that a code leads back to one."""
        firsts = [(row.concepts[0].system, row.concepts[0].code) for row in self.rows.values()]
        return len(set(firsts)) == len(firsts)


def read_concept_map(path: Path, concepts: ConceptTable) -> ConceptMap:
    """Return the concept map of a file; raises ArtifactError with line and column."""
    tree = read_yaml(path)
    refuse_unknown(tree, {"concept map", "of", "rows", "why"})
    rows = want_map(tree, "rows")
    return ConceptMap(
        name=want_text(tree, "concept map"),
        kind=want_text(tree, "of") if "of" in tree else None,
        rows={word: _row(node, concepts) for word, node in rows.entries.items()},
    )


def _row(node: YamlNode, concepts: ConceptTable) -> ConceptRow:
    if isinstance(node, YamlMap):
        refuse_unknown(node, {"is", "text"})
        inner = node.get("is")
        if inner is None:
            raise fail(
                artifact_messages.ENTRY_MISSING, "A row with text needs 'is'.", node.location
            )
        text = want_text(node, "text") if "text" in node else None
        return ConceptRow(_concepts(inner, concepts), text, node.location)
    return ConceptRow(_concepts(node, concepts), None, node.location)


def _concepts(node: YamlNode, concepts: ConceptTable) -> tuple[Concept, ...]:
    keys = node.items if isinstance(node, YamlList) else (node,)
    if not keys:
        raise fail(artifact_messages.WRONG_KIND, "A row names a concept at least.", node.location)
    found = []
    for key in keys:
        if not isinstance(key, YamlScalar):
            raise fail(artifact_messages.WRONG_KIND, "A row names concept keys.", key.location)
        found.append(concepts.want(key.text, key.location))
    return tuple(found)
