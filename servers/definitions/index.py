"""The index of one release: which types are in it, and the text of its file."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from servers.definitions.expansion import Codes, expand
from servers.definitions.specification import Specification
from servers.definitions.structure import base_name, structure_lines, types_of

RESOURCE_TYPES = (
    "Bundle", "CarePlan", "CareTeam", "Condition", "DiagnosticReport", "Encounter", "Goal",
    "MedicationRequest", "Observation", "OperationOutcome", "Organization", "Patient",
    "Practitioner", "PractitionerRole", "Procedure", "Provenance", "Questionnaire",
    "QuestionnaireResponse", "ServiceRequest",
)  # fmt: skip
"""The resource types of the index; whatever their elements are made of comes with them."""

_LICENCE = "CC0-1.0"
_FORMAT = 1
_NAME = re.compile(r"[^(]+")
# Listed where a binding is only extensible or preferred: HL7's own systems, and small ones.
_HL7 = ("http://hl7.org/fhir/", "http://terminology.hl7.org/")
_SMALL = 100
# Value sets of HL7 that quote these do not carry HL7's licence for the codes.
_LICENSED = ("http://snomed.info/sct", "http://loinc.org")


def index_text(specification: Specification) -> str:
    """Return the file of a release: one JSON object a line, the same for the same sources."""
    return "".join(
        json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n"
        for line in _lines(specification)
    )


def _lines(specification: Specification) -> Iterator[dict[str, Any]]:
    yield _head(specification)
    bindings: dict[str, set[str]] = {}
    for name in sorted(_reachable(specification)):
        for line in structure_lines(specification.structures[name]):
            if "binding" in line:
                bound = line["binding"]
                bindings.setdefault(bound["valueSet"], set()).add(bound["strength"])
            yield line
    for url, strengths in sorted(bindings.items()):
        codes = _listed(specification, url, strengths)
        if codes:
            yield {"valueSet": url, "codes": codes}


def _head(specification: Specification) -> dict[str, Any]:
    return {
        "format": _FORMAT,
        "release": specification.release,
        "version": specification.version,
        "date": specification.date,
        "licence": _LICENCE,
        "sources": [
            {"artifact": jar.coordinates, "sha256": jar.sha256} for jar in specification.sources
        ],
    }


def _reachable(specification: Specification) -> set[str]:
    found: set[str] = set()
    waiting = list(RESOURCE_TYPES)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += _named_by(specification.structures[name])
    return found


def _named_by(structure: dict[str, Any]) -> Iterator[str]:
    if base := base_name(structure):
        yield base
    for element in structure["snapshot"]["element"]:
        for written in types_of(element):
            named = _NAME.match(written)
            if named:
                yield named[0]


def _listed(specification: Specification, url: str, strengths: Iterable[str]) -> Codes | None:
    if not {"required", "extensible", "preferred"}.intersection(strengths):
        return None
    codes = expand(specification, url)
    if codes is None or any(system in _LICENSED for system in codes):
        return None
    return codes if "required" in strengths or _is_small_and_free(codes) else None


def _is_small_and_free(codes: Codes) -> bool:
    size = sum(len(found) for found in codes.values())
    return size < _SMALL and all(system.startswith(_HL7) for system in codes)
