"""The code tables that every engine looks words up in, taken from the mapping's own library."""

from __future__ import annotations

from typing import Any

from fhir_backpain.fhir.canonical import PROFILES, US_CORE_PROFILES
from fhir_backpain.mapping.library import Library, load_library

Concepts = dict[str, dict[str, Any]]

_MAPS = (
    "body-site", "cause", "certainty", "measure", "red-flag", "scale", "side", "work-status",
)  # fmt: skip
_FIXED = {
    "assembler": "provenance.assembler",
    "body-side": "own.body-side",
    "days-off-work": "soc.days_off_work",
    "employment-status": "soc.employment.status",
    "exam": "obs.category.exam",
    "pain-onset": "pain.onset",
    "problem-list-item": "cond.category.problem-list-item",
    "social-history": "obs.category.social-history",
    "survey": "obs.category.survey",
}
_CLAIMS = {
    "cause": ("backpain-cause", "us-core-condition-problems-health-concerns"),
    "history": ("backpain-history", "us-core-simple-observation"),
    "provenance": ("backpain-provenance", "us-core-provenance"),
    "red-flag": ("backpain-red-flag", "us-core-simple-observation"),
}


def concepts() -> Concepts:
    """Return CodeableConcepts by table and word.

    encounter-class has Codings, unit has units, measure-category lists of CodeableConcepts, claim
    and measure-claim have the profiles of a meta. patient-measure has no more than the words of
    what patients report themselves: they are its performers.
    """
    library = load_library()
    tables: Concepts = {
        name: {word: row.to_codeable_concept() for word, row in _rows(library, name)}
        for name in _MAPS
    }
    tables["fixed"] = {
        word: {"coding": [library.concepts[key].to_coding()]} for word, key in _FIXED.items()
    }
    tables["encounter-class"] = {
        word: row.concepts[0].to_coding() for word, row in _rows(library, "encounter-class")
    }
    tables["unit"] = {
        word: _unit(row.concepts[0].to_coding()) for word, row in _rows(library, "measure-unit")
    }
    tables["unit"]["day"] = _unit(library.concepts["unit.d"].to_coding())
    tables["measure-category"] = {
        word: [{"coding": [concept.to_coding()]} for concept in row.concepts]
        for word, row in _rows(library, "measure-category")
    }
    tables["claim"] = {
        word: {"profile": [f"{PROFILES}/{ours}", f"{US_CORE_PROFILES}/{parent}"]}
        for word, (ours, parent) in _CLAIMS.items()
    }
    tables["measure-claim"] = {
        word: {"profile": row.to_codes()} for word, row in _rows(library, "measure-profile")
    }
    assessed = library.concept_maps["clinician-measure"].rows
    tables["patient-measure"] = {word: {} for word in tables["measure"] if word not in assessed}
    return tables


def _rows(library: Library, name: str) -> Any:
    return library.concept_maps[name].rows.items()


def _unit(coding: dict[str, str]) -> dict[str, str]:
    return {"unit": coding["display"], "system": coding["system"], "code": coding["code"]}
