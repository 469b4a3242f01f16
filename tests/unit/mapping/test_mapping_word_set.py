"""Conditions on what a concept map has a row for: who reports a measure decides the performer."""

from __future__ import annotations

import shutil
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from fhir_backpain.artifacts.finder import mappings_folder
from fhir_backpain.errors import ArtifactError
from fhir_backpain.fhir import json_text
from fhir_backpain.mapping.mapper import Mapper, load_mapper
from fhir_backpain.mapping.word_set import WordSets
from fhir_backpain.outcome import MappingLocation
from fhir_backpain.terminology.concept_map import ConceptMap, ConceptRow
from tests.records import assessment, observation

HERE = MappingLocation("m.map.yaml", 3)
ROW = ConceptRow(())
SETS = WordSets({"few": ConceptMap("few", {"x": ROW, "y": ROW}), "none": ConceptMap("none", {})})
STAFF = {"identifier": {"system": "urn:x:staff", "value": "S-1"}}
RECORDED = {"recorded_at": "2024-03-04T10:00:00Z", "author": STAFF}
ODI = "instruments/odi.yaml"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped mappings."""
    return Path(shutil.copytree(mappings_folder(), tmp_path / "mappings"))


def replaced(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), "utf-8")


def performers(mapper: Mapper, record: dict[str, Any]) -> list[str]:
    made = [json_text.parse(one.text) for one in mapper(record)]
    observed = [one for one in made if one["resourceType"] == "Observation"]
    return [
        found.get("type") or found["reference"].partition("/")[0]
        for one in observed
        for found in one.get("performer", ({"type": "nobody"},))
    ]


@pytest.mark.parametrize(
    ("condition", "spelt"),
    [
        ("a.b is in few", "a.b is x or y"),
        ("a is not in few and b is present", "a is not x or y and b is present"),
        ("a is in none", "a is no word"),
        ("a is x", "a is x"),
    ],
)
def test_a_concept_map_is_spelt_out_in_words(condition: str, spelt: str) -> None:
    assert SETS.condition(condition, HERE) == spelt


def test_an_unknown_concept_map_is_told_at_its_place() -> None:
    with pytest.raises(ArtifactError, match="no concept map 'many'") as caught:
        SETS.condition("a is in many", HERE)
    assert caught.value.issues[0].mapping == HERE


def test_who_reports_a_measure_performs_its_observation() -> None:
    mapper = load_mapper()
    scores = [{"measure": "odi", "score": 20}, {"measure": "bmi", "score": 25}]
    assert performers(mapper, assessment(scores=scores, **RECORDED)) == ["Patient", "Practitioner"]
    assert performers(mapper, assessment(scores=scores)) == ["Patient", "nobody"]
    home = observation(measure="body-weight", score=80)
    assert performers(mapper, home) == ["Patient"]
    assert performers(mapper, {**home, **RECORDED}) == ["Practitioner"]


WHOLE = {"name": {"family": "F"}, "gender": "female", "birth_date": "1980-02"}


@pytest.mark.parametrize("left_out", [(), ("name",), ("gender",), ("birth_date",), tuple(WHOLE)])
def test_a_record_that_leaves_out_a_part_of_the_person_replaces_nothing(
    left_out: tuple[str, ...],
) -> None:
    record = observation(score=Decimal(3))
    told = {name: value for name, value in WHOLE.items() if name not in left_out}
    record["patient"] = {**record["patient"], **told}
    (person,) = [one for one in load_mapper()(record) if one.type == "Patient"]
    assert person.only_if_new == bool(left_out)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("reported by: patient", "reported by: clinician"),
        ("    functional: true", "    functional: true\n    reported by: clinician"),
    ],
)
def test_an_instrument_or_a_measure_of_a_clinician_is_all_it_takes(
    folder: Path, old: str, new: str
) -> None:
    replaced(folder / ODI, old, new)
    mapper = load_mapper(folder)
    record = assessment(scores=[{"measure": "odi", "score": 20}], **RECORDED)
    assert performers(mapper, record) == ["Practitioner"]
    (made,) = [json_text.parse(one.text) for one in mapper(record) if one.type == "Observation"]
    assert [url.rpartition("/")[2] for url in made["meta"]["profile"]] == [
        "us-core-observation-screening-assessment"
    ]
    back = mapper.from_fhir(json_text.parse(one.text) for one in mapper(record))
    assert (back.records, back.issues) == ([record], [])


def test_without_a_clinician_s_measure_every_observation_is_the_patient_s(folder: Path) -> None:
    replaced(folder / "instruments/body.yaml", "reported by: clinician", "reported by: patient")
    record = assessment(scores=[{"measure": "bmi", "score": 25}], **RECORDED)
    assert performers(load_mapper(folder), record) == ["Patient"]


def test_a_performer_that_no_profile_of_a_measure_allows_is_found(folder: Path) -> None:
    path = folder / "observation/observation-measure.map.yaml"
    replaced(path, "measure is in clinician-measure", "measure is not in clinician-measure")
    with pytest.raises(ArtifactError, match="refers to Practitioner") as caught:
        load_mapper(folder)
    assert {issue.number for issue in caught.value.issues} == {3069}
