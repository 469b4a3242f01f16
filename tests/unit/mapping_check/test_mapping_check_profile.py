"""Claims: which profiles a mapping claims and when, and what a folder's own profiles say to it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from fhir_backpain.artifacts.finder import mappings_folder
from fhir_backpain.errors import MappingCheckError
from fhir_backpain.mapping.check.claim import Claim, claims_of
from fhir_backpain.mapping.check.made_value import UNKNOWN
from fhir_backpain.mapping.check.profile_gaps import profile_gaps
from fhir_backpain.mapping.check.profile_value import all_of, any_of, matches
from fhir_backpain.mapping.check.rule_scope import rule_scope
from fhir_backpain.mapping.mapper import Mapper, load_mapper
from fhir_backpain.mapping.source_shape import record_shape
from fhir_backpain.mapping.template import ObjectTemplate
from fhir_backpain.outcome import Issue

OURS = "https://fhir-backpain.org/fhir/StructureDefinition/"
US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition/"
OWN = "https://clinic.example/fhir/StructureDefinition/own-red-flag"


@pytest.fixture(scope="module")
def mapper() -> Mapper:
    return load_mapper()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped mappings."""
    return Path(shutil.copytree(mappings_folder(), tmp_path / "mappings"))


def claims(mapper: Mapper, source: str, name: str) -> list[Claim]:
    (rule,) = [one for one in mapper.declarations(source) if one.name == name]
    assert isinstance(rule.template, ObjectTemplate)
    return list(claims_of(rule.template, rule_scope(rule, record_shape(source)), mapper.library))


def replaced(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), "utf-8")


def own_profile(**changes: Any) -> dict[str, Any]:
    """A profile of red flags; `changes` are elements by name, beside the root."""
    elements = [{"id": "Observation", "min": 0, "max": "*"}]
    for name, line in changes.items():
        elements.append({"id": f"Observation.{name}", "min": 0, "max": "1", **line})
    return {
        "resourceType": "StructureDefinition",
        "id": "own-red-flag",
        "url": OWN,
        "type": "Observation",
        "snapshot": {"element": elements},
    }


def findings_with(folder: Path, profile: dict[str, Any]) -> list[Issue]:
    """Return what is found where red flags claim a profile of the folder's own."""
    (folder / "profiles").mkdir(exist_ok=True)
    file = folder / "profiles" / "StructureDefinition-own-red-flag.json"
    file.write_text(json.dumps(profile), "utf-8")
    red_flag = folder / "assessment" / "assessment-red-flag.map.yaml"
    replaced(red_flag, f"      - {OURS}backpain-red-flag\n", f"      - {OWN}\n")
    try:
        load_mapper(folder)
    except MappingCheckError as error:
        return list(error.issues)
    return []


def test_literal_claims_hold_for_every_record(mapper: Mapper) -> None:
    found = claims(mapper, "assessment", "assessment-red-flag")
    assert [one.url for one in found] == [
        f"{OURS}backpain-red-flag",
        f"{US_CORE}us-core-simple-observation",
    ]
    assert all(one.given.facts == frozenset() for one in found)


def test_a_claim_under_a_condition_says_what_is_given(mapper: Mapper) -> None:
    (claim,) = claims(mapper, "assessment", "record-patient")
    assert claim.url == f"{US_CORE}us-core-patient"
    assert claim.given.facts == {"patient.name", "patient.gender"}


def test_a_claim_of_one_alternative_does_not_hold_for_its_words(mapper: Mapper) -> None:
    first, second, *_ = claims(mapper, "care-plan", "care-plan-medication")
    assert first.url == second.url == f"{OURS}backpain-medication-request"
    assert not first.given.allows("intent", "order")
    assert first.given.allows("intent", "plan")
    assert second.given.facts == {"author"}


def test_a_claim_by_a_word_holds_for_its_words_alone(mapper: Mapper) -> None:
    found = {one.url: one.given for one in claims(mapper, "observation", "observation-measure")}
    score = found[f"{OURS}backpain-score"]
    assert score.allows("measure", "odi")
    assert not score.allows("measure", "body-weight")
    assert not score.allows("measure", "pain-nrs")
    assert found[f"{US_CORE}us-core-bmi"].allows("measure", "bmi")


def test_words_that_the_record_check_never_lets_through_claim_nothing(mapper: Mapper) -> None:
    found = claims(mapper, "assessment", "assessment-pain-rating")
    assert {one.url for one in found} == {
        f"{OURS}backpain-pain-intensity",
        f"{US_CORE}us-core-observation-screening-assessment",
    }


def test_every_must_support_element_that_is_never_filled_is_known(mapper: Mapper) -> None:
    (rule,) = [one for one in mapper.declarations("assessment") if one.name == "assessment-score"]
    gaps = {(one.profile, one.element) for one in profile_gaps(rule, mapper.library)}
    assert ("backpain-score", "Observation.hasMember") in gaps
    assert not any(element == "Observation.performer" for _, element in gaps)


def test_a_profile_of_the_folder_is_known_and_checked(folder: Path) -> None:
    profile = own_profile(note={"min": 1, "max": "*"})
    (issue,) = findings_with(folder, profile)
    assert issue.number == 3063
    assert issue.expression == "Observation.note"
    assert "own-red-flag" in issue.text
    assert issue.mapping is not None
    assert issue.mapping.column > 1


@pytest.mark.parametrize(
    ("element", "number"),
    [
        ({"device": {"min": 1}}, 3062),
        ({"note": {"max": "0"}}, 3064),
        ({"status": {"patternCode": "amended"}}, 3065),
        ({"status": {"fixedCode": "amended"}}, 3065),
        ({"status": {"patternCode": "final"}}, None),
        ({"value[x]": {"type": [{"code": "Quantity"}]}}, 3068),
        ({"value[x]": {"type": [{"code": "Quantity"}, {"code": "boolean"}]}}, None),
        ({"subject": {"type": [{"code": "Reference", "targetProfile": [f"{US_CORE}us-core-elsewhere"]}]}}, None),  # noqa: E501
        ({"subject": {"type": [{"code": "Reference", "targetProfile": ["http://hl7.org/fhir/StructureDefinition/Group"]}]}}, 3069),  # noqa: E501
        ({"code.text": {"min": 1}}, None),
    ],
    ids=str,
)  # fmt: skip
def test_each_rule_of_a_profile_is_held_against_the_template(
    folder: Path, element: dict[str, Any], number: int | None
) -> None:
    found = findings_with(folder, own_profile(**element))
    assert [issue.number for issue in found] == ([] if number is None else [number])


def test_a_required_binding_is_read_from_the_folder(folder: Path) -> None:
    value_set = {
        "resourceType": "ValueSet",
        "url": "https://clinic.example/fhir/ValueSet/few",
        "compose": {"include": [{"system": "http://snomed.info/sct", "concept": []}]},
    }
    (folder / "profiles").mkdir()
    (folder / "profiles" / "ValueSet-few.json").write_text(json.dumps(value_set), "utf-8")
    binding = {"strength": "required", "valueSet": value_set["url"]}
    (issue,) = findings_with(folder, own_profile(code={"binding": binding}))
    assert issue.number == 3067
    assert "for the word" in issue.text


def test_the_profile_of_another_is_let_through(folder: Path) -> None:
    red_flag = folder / "assessment" / "assessment-red-flag.map.yaml"
    replaced(red_flag, f"{OURS}backpain-red-flag", "https://elsewhere.example/fhir/p")
    assert load_mapper(folder).types


def test_a_profile_without_a_snapshot_is_told(folder: Path) -> None:
    profile = own_profile()
    del profile["snapshot"]
    (issue,) = findings_with(folder, profile)
    assert issue.number == 4803


def test_a_pattern_is_met_surely_never_or_by_the_record_alone() -> None:
    pattern = {"coding": [{"code": "a"}]}
    assert matches({"coding": [{"code": "b"}, {"code": "a", "display": "A"}]}, pattern) is True
    assert matches({"coding": [{"code": "b"}]}, pattern) is False
    assert matches({"text": "a"}, pattern) is False
    assert matches({"coding": [{"code": UNKNOWN}]}, pattern) is None
    assert all_of([True, None]) is None
    assert all_of([None, False]) is False
    assert any_of([False, None]) is None
    assert any_of([None, True]) is True
