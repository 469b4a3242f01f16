"""The way back from what a server really gives: changed, added to, mixed, incomplete, hostile."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from fhir_backpain.fhir import json_text
from fhir_backpain.mapping.mapper import Mapper, load_mapper
from fhir_backpain.mapping.reverse.difference import leaf_count
from fhir_backpain.mapping.reverse.unmapper import Unmapped
from fhir_backpain.validation.record import RecordChecker
from tests.records import assessment, care_plan, observation

Resource = dict[str, Any]
RECORDED = "2024-03-04T10:00:00Z"
SCORE = observation(score=Decimal("40.50"), note="n", recorded_at=RECORDED)
FLAG = assessment(red_flags=[{"flag": "fever", "present": True}], recorded_at=RECORDED)
NOT_OURS = {
    "resourceType": "Observation",
    "id": "x",
    "identifier": [{"system": "urn:other", "value": "1"}],
    "status": "final",
    "code": {"text": "pulse"},
    "subject": {"reference": "Patient/9"},
}


@pytest.fixture(scope="module")
def mapper() -> Mapper:
    return load_mapper()


@pytest.fixture(scope="module")
def made(mapper: Mapper) -> Callable[[dict[str, Any]], list[Resource]]:
    """Return what the mappings make of a record, as a server would give it back."""
    return lambda data: [json_text.parse(resource.text) for resource in mapper(data)]


Made = Callable[[dict[str, Any]], list[Resource]]


def the(resources: list[Resource], resource_type: str) -> Resource:
    (found,) = [one for one in resources if one["resourceType"] == resource_type]
    return found


def told(result: Unmapped) -> list[tuple[int, str | None]]:
    return [(issue.number, issue.expression) for issue in result.issues]


def test_what_was_made_comes_back_whole(mapper: Mapper, made: Made) -> None:
    resources = made(SCORE)
    result = mapper.from_fhir(resources)
    assert result.records == [SCORE]
    assert told(result) == []
    assert result.is_lossless
    assert result.leaves == sum(leaf_count(one) for one in resources) > 40


@pytest.mark.parametrize("path", [(), ("valueQuantity",), ("note", 0)])
def test_a_resource_with_an_unknown_modifier_extension_is_refused(
    mapper: Mapper, made: Made, path: tuple[str | int, ...]
) -> None:
    resources = made(SCORE)
    observed: Any = the(resources, "Observation")
    here = observed
    for step in path:
        here = here[step]
    here["modifierExtension"] = [{"url": "urn:not-done", "valueBoolean": True}]
    result = mapper.from_fhir(resources)
    assert result.records == []
    assert told(result)[0] == (3032, "Observation")
    assert result.leaves_unmapped == result.leaves


def test_an_element_that_a_server_added_is_told_by_its_path(mapper: Mapper, made: Made) -> None:
    resources = made(SCORE)
    observed = the(resources, "Observation")
    observed["interpretation"] = [{"text": "high"}]
    observed["note"].append({"text": "seen"})
    result = mapper.from_fhir(resources)
    # A second note contradicts the record, which has room for one.
    assert set(told(result)) == {
        (3031, "Observation.interpretation[0].text"),
        (3031, "Observation.note[1].text"),
    }
    assert result.records == [SCORE]
    assert result.leaves_unmapped == 2
    assert not result.is_lossless


def test_a_changed_value_is_carried_back(mapper: Mapper, made: Made) -> None:
    resources = made(SCORE)
    observed = the(resources, "Observation")
    observed["valueQuantity"]["value"] = Decimal("41.0")
    observed["status"] = "amended"
    result = mapper.from_fhir(resources)
    assert result.records == [{**SCORE, "score": Decimal("41.0"), "status": "amended"}]
    assert str(result.records[0]["score"]) == "41.0"
    assert told(result) == []


def test_a_record_that_can_say_so_comes_back_as_entered_in_error(
    mapper: Mapper, made: Made
) -> None:
    resources = made(SCORE)
    the(resources, "Observation")["status"] = "entered-in-error"
    result = mapper.from_fhir(resources)
    assert [record["status"] for record in result.records] == ["entered-in-error"]
    assert told(result) == []


def test_entered_in_error_is_told_where_a_record_cannot_say_so(mapper: Mapper, made: Made) -> None:
    resources = made(FLAG)
    the(resources, "Observation")["status"] = "entered-in-error"
    result = mapper.from_fhir(resources)
    assert told(result) == [(3031, "Observation.status")]
    assert not result.is_lossless


def test_records_of_two_patients_are_told_apart(mapper: Mapper, made: Made) -> None:
    other = {"identifier": {"system": "https://clinic.example/mrn", "value": "MRN-2"}}
    records = [SCORE, observation(score=3, id="R-2"), {**SCORE, "patient": other}, FLAG]
    together: dict[str, Resource] = {}
    for record in records:
        together |= {f"{one['resourceType']}/{one['id']}": one for one in made(record)}
    result = mapper.from_fhir(reversed(together.values()))
    assert told(result) == []
    assert result.is_lossless
    for record in records:
        assert result.records.count(record) == 1
    assert len(result.records) == len(records)


def test_a_resource_of_another_system_is_told_and_harms_nothing(mapper: Mapper, made: Made) -> None:
    result = mapper.from_fhir([NOT_OURS, *made(SCORE)])
    assert result.records == [SCORE]
    assert told(result) == [(3030, "Observation")]
    assert result.leaves_unmapped == leaf_count(NOT_OURS)


def test_version_and_time_of_update_are_the_servers_own(mapper: Mapper, made: Made) -> None:
    resources = made(SCORE)
    for resource in resources:
        resource["meta"] |= {"versionId": "3", "lastUpdated": "2024-03-05T00:00:00Z"}
    result = mapper.from_fhir(resources)
    assert result.records == [SCORE]
    assert told(result) == []
    the(resources, "Observation")["meta"]["tag"] = [{"code": "seen"}]
    assert told(mapper.from_fhir(resources)) == [(3031, "Observation.meta.tag[0].code")]


def test_without_its_patient_a_record_knows_whose_it_is(mapper: Mapper, made: Made) -> None:
    resources = [one for one in made(SCORE) if one["resourceType"] != "Patient"]
    result = mapper.from_fhir(resources)
    assert result.records == [SCORE]
    assert told(result) == []


def test_another_display_of_the_same_code_is_told(mapper: Mapper, made: Made) -> None:
    resources = made(SCORE)
    the(resources, "Observation")["code"]["coding"][0]["display"] = "Oswestry"
    result = mapper.from_fhir(resources)
    assert told(result) == [(3031, "Observation.code.coding[0].display")]
    assert result.records == [SCORE]


def test_a_code_of_no_row_is_told_and_the_record_is_kept_from_guessing(
    mapper: Mapper, made: Made
) -> None:
    resources = made(FLAG)
    the(resources, "Observation")["code"]["coding"][0]["code"] = "0"
    result = mapper.from_fhir(resources)
    assert (3031, "Observation.code.coding[0].code") in told(result)
    assert not result.is_lossless


@pytest.mark.parametrize(
    "resource",
    [
        {},
        {"resourceType": "Observation"},
        {"resourceType": "Observation", "id": "1", "identifier": "x", "subject": "y", "meta": []},
        {"resourceType": 5, "id": None, "identifier": [5, None]},
        {"resourceType": "Patient", "id": "1", "identifier": [{"system": "s", "value": "~"}]},
        {
            "resourceType": "Observation",
            "id": "1",
            "identifier": [{"system": "s", "value": "a~b/observation/R/measure/odi"}],
            "subject": {"identifier": {"system": "s", "value": "v"}},
        },
    ],
)
def test_what_is_no_resource_of_ours_is_told_without_a_traceback(
    mapper: Mapper, resource: Resource
) -> None:
    result = mapper.from_fhir([resource])
    assert result.issues
    assert all(issue.is_error and issue.next_step for issue in result.issues)
    assert result.leaves == result.leaves_unmapped == leaf_count(resource)


def test_no_resources_make_no_records(mapper: Mapper) -> None:
    result = mapper.from_fhir([])
    assert (result.records, result.issues, result.leaves) == ([], [], 0)


def test_no_patients_value_is_in_an_issue(mapper: Mapper, made: Made) -> None:
    resources = made(assessment(recorded_at=RECORDED, pain={"onset": "1987-06-05"}))
    the(resources, "Observation")["valueDateTime"] = "1987-06"
    the(resources, "Observation")["extra"] = "Mrs. Example"
    result = mapper.from_fhir([*resources, {**NOT_OURS, "code": {"text": "Mr. Example"}}])
    texts = " ".join(str(issue) for issue in result.issues)
    assert result.issues
    for value in ("MRN-1", "1987", "Example", "https://clinic.example/mrn"):
        assert value not in texts


def test_the_answers_keep_their_order_and_a_name_its_parts(mapper: Mapper, made: Made) -> None:
    form = {"instrument": "odi", "items": [{"id": "3", "value": 1}, {"id": "1", "value": 1}]}
    record = assessment(
        questionnaires=[form],
        work_status={"days_off": 0},
        patient={**SCORE["patient"], "name": {"family": "F", "given": ["Z", "A", "M"]}},
    )
    assert mapper.from_fhir(made(record)).records == [record]


def test_an_entry_that_says_less_than_another_stays_an_entry(mapper: Mapper, made: Made) -> None:
    ratings = [{"scale": "pain-nrs", "score": 0}, {"scale": "pain-nrs", "score": 0, "side": "left"}]
    record = assessment(pain={"ratings": ratings})
    assert mapper.from_fhir(made(record)).records == [record]


def test_a_plans_activities_keep_their_order_wherever_the_plan_stands(
    mapper: Mapper, made: Made
) -> None:
    activities = [{"id": key, "treatment": "massage", "status": "active"} for key in "312"]
    record = care_plan(activities=activities)
    *others, plan = made(record)
    assert plan["resourceType"] == "CarePlan"
    assert mapper.from_fhir([*reversed(others), plan]).records == [record]


def test_the_order_of_resources_is_no_difference(mapper: Mapper, made: Made) -> None:
    flags = [{"flag": flag, "present": False} for flag in ("fever", "trauma", "night-pain")]
    resources = made(assessment(red_flags=flags, recorded_at=RECORDED))
    assert told(mapper.from_fhir(reversed(resources))) == []


def test_causes_alone_come_back(mapper: Mapper, made: Made) -> None:
    causes = [{"cause": "sciatica", "certainty": "confirmed"}]
    record = assessment(causes=causes, recorded_at=RECORDED)
    assert mapper.from_fhir(made(record)).records == [record]


def test_requests_with_their_own_times_keep_the_time_of_the_assessment(
    mapper: Mapper, made: Made
) -> None:
    request = {"id": "1", "test": "mri-lumbar", "status": "active", "requested_at": "2024-03-01"}
    record = assessment(investigations=[request], recorded_at=RECORDED)
    assert mapper.from_fhir(made(record)).records == [record]


def test_a_goal_of_an_author_who_is_not_named_is_no_record() -> None:
    goal = {"id": "1", "description": "d", "status": "active", "start": "2024-01-01"}
    record = care_plan(goals=[{**goal, "expressed_by": "author"}])
    assert [issue.number for issue in RecordChecker().check(record)] == [4025]


def test_a_subject_whose_identifier_is_no_text_is_told_without_a_traceback(mapper: Mapper) -> None:
    resource = {
        "resourceType": "Observation",
        "id": "1",
        "identifier": [{"system": "s", "value": "a~b/observation/R/measure/odi"}],
        "subject": {"identifier": {"system": 1, "value": []}},
    }
    assert mapper.from_fhir([resource]).issues


def test_claims_come_back_and_a_changed_one_is_told(mapper: Mapper) -> None:
    made = [json_text.parse(one.text) for one in mapper(SCORE)]
    assert mapper.from_fhir(made).is_lossless
    score = the(made, "Observation")
    assert len(score["meta"]["profile"]) == 2
    score["meta"]["profile"].append("https://elsewhere.example/fhir/p")
    found = mapper.from_fhir(made)
    assert [issue.expression for issue in found.issues] == ["Observation.meta.profile[2]"]


@pytest.mark.parametrize("first", ["assessment", "care-plan"])
def test_a_record_without_provenance_takes_no_visit_of_another_record(
    mapper: Mapper, made: Made, first: str
) -> None:
    visit = {"id": "V-1", "setting": "clinic"}
    goal = {"id": "G-1", "description": "Walk", "status": "active", "start": "2024-03-04"}
    plan = care_plan(id="C-1", recorded_at=RECORDED, encounter=visit, goals=[goal])
    score = assessment(id="A-1", scores=[{"measure": "odi", "score": Decimal(20)}])
    resources = [*made(score), *made(plan)]
    if first == "care-plan":
        resources.reverse()
    result = mapper.from_fhir(resources)
    assert sorted(result.records, key=lambda one: str(one["id"])) == [score, plan]
    assert told(result) == []


def test_a_visit_is_kept_where_the_provenance_is_not_there(mapper: Mapper, made: Made) -> None:
    """Its own Observation speaks of it, and so does that of another record."""
    visit = {"id": "V-1", "setting": "clinic"}
    score = assessment(
        id="A-1", recorded_at=RECORDED, encounter=visit, scores=[{"measure": "odi", "score": 20}]
    )
    other = observation(id="O-1", score=Decimal(3), recorded_at=RECORDED, encounter=visit)
    resources = [one for one in (*made(score), *made(other)) if one["resourceType"] != "Provenance"]
    found = {one["id"]: one for one in mapper.from_fhir(resources).records}
    assert found["A-1"]["encounter"] == found["O-1"]["encounter"] == visit
