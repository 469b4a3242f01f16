"""Makes of SUSHI's snapshots what validators can read on their own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

# US Core's profile of it builds on one of SDC. Where SDC is not loaded, a validator cannot tell
# what type the profile is of, and takes that for an error of ours: the snapshot names the type.
_TARGETS = {
    "http://hl7.org/fhir/us/core/StructureDefinition/us-core-questionnaireresponse": (
        "http://hl7.org/fhir/StructureDefinition/QuestionnaireResponse"
    )
}
_OF_QUANTITY = "value.ofType(Quantity)"
_BINDABLE = frozenset({"code", "Coding", "CodeableConcept", "Quantity", "string", "uri"})


def tidy(definition: dict[str, Any]) -> dict[str, Any]:
    """Return a StructureDefinition whose snapshot holds rules alone.

    What is inherited and binds nobody is left out: examples, mappings to other standards, and
    bindings of a choice whose bindable types are excluded. The differential stays as it is.
    """
    elements = [_tidy_element(element) for element in definition["snapshot"]["element"]]
    kept = {key: value for key, value in definition.items() if key != "mapping"}
    return {**kept, "snapshot": {"element": elements}}


def _tidy_element(element: dict[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in element.items() if key not in ("example", "mapping")}
    types = kept.get("type", ())
    if types and not any(part["code"] in _BINDABLE for part in types):
        kept.pop("binding", None)
    if types:
        kept["type"] = list(_tidy_types(types))
        # US Core asks this of the Quantity of a choice; a slice that is none cannot answer.
        if "constraint" in kept and all(part["code"] != "Quantity" for part in types):
            kept["constraint"] = [
                one for one in kept["constraint"] if _OF_QUANTITY not in one.get("expression", "")
            ]
    return kept


def _tidy_types(types: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for part in types:
        targets = part.get("targetProfile")
        yield {**part, "targetProfile": [_TARGETS.get(t, t) for t in targets]} if targets else part
