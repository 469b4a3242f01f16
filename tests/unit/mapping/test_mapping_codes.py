"""``=codes``: the codes of a row alone, which claims by measure are made of."""

from __future__ import annotations

import json

import pytest

from fhir_backpain.mapping.library import load_library
from fhir_backpain.mapping.mapper import Mapper, load_mapper
from tests.records import observation

US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-"
OURS = "https://fhir-backpain.org/fhir/StructureDefinition/backpain-"


@pytest.fixture(scope="module")
def mapper() -> Mapper:
    return load_mapper()


@pytest.mark.parametrize(
    ("measure", "claims", "categories"),
    [
        ("pain-nrs", ["pain-intensity", "observation-screening-assessment"], ["survey"]),
        ("odi", ["score", "observation-screening-assessment"], ["survey", "functional-status"]),
        ("phq9", ["score", "observation-screening-assessment"], ["survey"]),
        ("bmi", [None, "bmi"], ["vital-signs"]),
        ("activity-minutes", [None, "simple-observation"], ["activity"]),
    ],
)
def test_a_measure_decides_claims_and_categories(
    mapper: Mapper, measure: str, claims: list[str | None], categories: list[str]
) -> None:
    made = mapper(observation(measure=measure, score=20))
    (found,) = [json.loads(one.text) for one in made if one.type == "Observation"]
    ours, parent = claims
    expected = [*([OURS + ours] if ours else []), f"{US_CORE}{parent}"]
    assert found["meta"]["profile"] == expected
    assert [one["coding"][0]["code"] for one in found["category"]] == categories


def test_every_measure_claims_something_and_has_a_category() -> None:
    library = load_library()
    measures = {key for one in library.instruments.values() for key in one.measures}
    for name in ("measure-profile", "measure-category", "measure-fhir-category"):
        assert set(library.concept_maps[name].rows) == measures
    assert all(row.to_codes() for row in library.concept_maps["measure-profile"].rows.values())


def test_functional_measures_say_so() -> None:
    library = load_library()
    functional = {
        key
        for one in library.instruments.values()
        for key, measure in one.measures.items()
        if measure.is_functional
    }
    assert functional >= {"odi", "rmdq", "qbpds", "psfs", "ndi", "promis-pf-t"}
    rows = library.concept_maps["measure-category"].rows
    marked = {key for key, row in rows.items() if "functional-status" in row.to_codes()}
    assert marked == functional
