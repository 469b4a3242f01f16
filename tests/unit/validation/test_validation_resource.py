"""The built-in validator: one defect, one issue, at its place."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from fhir_backpain.fhir import json_text
from fhir_backpain.outcome import Issue
from fhir_backpain.validation.resource.validator import BuiltInValidator
from tests.golden.case import cases

VALIDATOR = BuiltInValidator()
OWN = "https://fhir-backpain.org/fhir/StructureDefinition/"


def observation(**changes: Any) -> dict[str, Any]:
    """Return a good Observation; a change to None takes the element away."""
    resource = {
        "resourceType": "Observation",
        "id": "a1",
        "status": "final",
        "code": {"coding": [{"system": "http://a.example/s", "code": "c"}], "text": "Pain"},
        "subject": {"reference": "Patient/1"},
        "effectiveDateTime": "2024-02-29T10:00:00+01:00",
        "valueQuantity": {"value": Decimal("1.10"), "unit": "x"},
        **changes,
    }
    return {name: value for name, value in resource.items() if value is not None}


def issues(resource: Any) -> list[Issue]:
    return VALIDATOR.validate(resource)


def found(resource: Any) -> list[tuple[int, str | None]]:
    return [(issue.number, issue.expression) for issue in issues(resource)]


def test_a_good_resource_has_no_issue() -> None:
    assert issues(observation()) == []
    assert VALIDATOR.is_sure(observation())


@pytest.mark.parametrize(
    ("changes", "number", "place"),
    [
        ({"paint": 1}, 4044, "Observation.paint"),
        ({"_code": {"id": "x"}}, 4044, "Observation.code"),
        ({"status": None}, 4048, "Observation.status"),
        ({"code": None}, 4048, "Observation.code"),
        ({"status": "bogus"}, 4051, "Observation.status"),
        ({"status": 7}, 4045, "Observation.status"),
        ({"status": ""}, 4047, "Observation.status"),
        ({"status": ["final"]}, 4045, "Observation.status"),
        ({"code": "pain"}, 4045, "Observation.code"),
        ({"code": {}}, 4047, "Observation.code"),
        ({"code": {"id": "x"}}, 4047, "Observation.code"),
        ({"code": [{"text": "x"}]}, 4045, "Observation.code"),
        ({"code": {"coding": []}}, 4047, "Observation.code.coding"),
        ({"code": {"coding": {"code": "x"}}}, 4045, "Observation.code.coding"),
        ({"code": {"coding": [None]}}, 4047, "Observation.code.coding[0]"),
        ({"code": {"coding": [{"code": "x "}]}}, 4046, "Observation.code.coding[0].code"),
        ({"code": {"coding": [{"system": "x"}]}}, 4046, "Observation.code.coding[0].system"),
        ({"code": {"coding": [{"userSelected": "true"}]}}, 4045,
         "Observation.code.coding[0].userSelected"),
        ({"id": "a b"}, 4046, "Observation.id"),
        ({"effectiveDateTime": "2023-02-29"}, 4046, "Observation.effectiveDateTime"),
        ({"effectiveDateTime": "2023-02-28T10:00"}, 4046, "Observation.effectiveDateTime"),
        ({"effectiveInstant": "2024-02-29T10:00:00Z"}, 4050, "Observation.effective[x]"),
        ({"valueQuantity": {"value": "7"}}, 4046, "Observation.valueQuantity.value"),
        ({"valueQuantity": {"value": True}}, 4046, "Observation.valueQuantity.value"),
        ({"valueQuantity": None, "valueInteger": Decimal("1.0")}, 4046, "Observation.valueInteger"),
        ({"valueQuantity": None, "valueInteger": 2**31}, 4046, "Observation.valueInteger"),
        ({"valueQuantity": None, "valueTime": "25:00:00"}, 4046, "Observation.valueTime"),
        ({"subject": {"reference": "Practitioner/1"}}, 4056, "Observation.subject"),
        ({"subject": {"reference": "http://a.example/fhir/Encounter/1"}}, 4056,
         "Observation.subject"),
        ({"subject": {"type": "Encounter", "identifier": {"value": "1"}}}, 4056,
         "Observation.subject"),
        ({"subject": {"reference": "Patient/1", "type": "Group"}}, 4056, "Observation.subject"),
        ({"subject": {"reference": "patient"}}, 4055, "Observation.subject.reference"),
        ({"subject": {"reference": "urn:uuid:1"}}, 4055, "Observation.subject.reference"),
        ({"subject": {"reference": "#p"}}, 4059, "Observation.subject"),
        ({"note": [{"text": "a\u0007b"}]}, 4046, "Observation.note[0].text"),
        ({"valueQuantity": {"value": 1, "code": "x"}}, 4059, "Observation.valueQuantity"),
        ({"dataAbsentReason": {"text": "x"}}, 4059, "Observation"),
        ({"extension": [{"url": "http://a.example/e"}]}, 4059, "Observation.extension[0]"),
        ({"extension": [{"valueString": "x"}]}, 4048, "Observation.extension[0].url"),
        ({"modifierExtension": [{"url": "http://a.example/e", "valueString": "x"}]}, 4057,
         "Observation.modifierExtension[0]"),
        ({"contained": [{"resourceType": "Patient", "id": "p", "sex": "f"}],
          "subject": {"reference": "#p"}}, 4044, "Observation.contained[0].sex"),
        ({"contained": [{"resourceType": "Encounter", "id": "p", "status": "finished",
                         "class": {"code": "AMB"}}], "subject": {"reference": "#p"}}, 4056,
         "Observation.subject"),
        ({"contained": ["x"]}, 4041, "Observation.contained[0]"),
        ({"text": {"status": "generated", "div": "<div>x</div>"}}, 4058, "Observation.text.div"),
        ({"_effectiveDateTime": {}}, 4047, "Observation.effectiveDateTime"),
        ({"_effectiveDateTime": {"extension": [{"url": "http://a.example/e"}]}}, 4059,
         "Observation.effectiveDateTime.extension[0]"),
        ({"meta": {"profile": [OWN + "backpain-nothing"]}}, 4062, "Observation.meta.profile"),
        ({"meta": {"profile": [OWN + "backpain-goal"]}}, 4063, "Observation.meta.profile"),
        ({"meta": {"profile": ["http://a.example/StructureDefinition/x"]}}, 4061,
         "Observation.meta.profile"),
    ],
)  # fmt: skip
def test_a_defect_is_told_at_its_place(changes: dict[str, Any], number: int, place: str) -> None:
    resource = observation(**changes)
    assert (number, place) in found(resource)
    assert len(found(resource)) == 1 or "contained" in changes
    assert not VALIDATOR.is_sure(resource)


@pytest.mark.parametrize(
    "changes",
    [
        {"subject": {"reference": "urn:uuid:52efbc3b-9b47-8637-ad17-41893459419a"}},
        {"subject": {"reference": "http://a.example/fhir/Patient/1/_history/2"}},
        {"subject": {"identifier": {"system": "http://a.example/mrn", "value": "1"}}},
        {"subject": {"reference": "Patient?identifier=a|b"}},
        {"subject": {"reference": "#p"}, "contained": [{"resourceType": "Patient", "id": "p"}]},
        {"effectiveDateTime": None, "_effectiveDateTime": {
            "extension": [{"url": "http://a.example/e", "valueString": "x"}]}},
        {"status": None, "_status": {
            "extension": [{"url": "http://a.example/e", "valueCode": "unknown"}]}},
        {"code": {"text": "as the clinic says it"}},
        {"extension": [{"url": "http://a.example/e", "extension": [
            {"url": "part", "valueReference": {"reference": "Patient/1"}}]}]},
        {"valueQuantity": None, "valuePeriod": {"start": "2024", "end": "2024-01"}},
    ],
)  # fmt: skip
def test_what_fhir_allows_is_let_pass(changes: dict[str, Any]) -> None:
    assert issues(observation(**changes)) == []


def test_nulls_of_a_list_of_primitives_need_something_beside_them() -> None:
    reason = {"extension": [{"url": "http://a.example/e", "valueCode": "masked"}]}
    name = {"given": [None, "Ana"], "_given": [reason, None]}
    patient = {"resourceType": "Patient", "name": [name]}
    assert issues(patient) == []
    assert found({**patient, "name": [{**name, "_given": [None, reason]}]}) == [
        (4047, "Patient.name[0].given[0]")
    ]
    assert found({**patient, "name": [{**name, "_given": [reason]}]}) == [
        (4045, "Patient.name[0].given")
    ]


@pytest.mark.parametrize(
    ("resource", "number"),
    [
        ([], 4041), (None, 4041), ("{", 2020), (b"\xff", 2022), ({}, 4041), ("[]", 4041),
        ({"resourceType": 7}, 4041), ({"resourceType": "Patent"}, 4042),
        ({"resourceType": "Substance"}, 4042), ({"resourceType": "DomainResource"}, 4042),
        ({"resourceType": ["Patient"]}, 4041),
    ],
)  # fmt: skip
def test_what_is_no_resource_is_told(resource: Any, number: int) -> None:
    (issue,) = issues(resource)
    assert issue.is_error
    assert issue.number == number or issue.number // 1000 == 2


def test_every_problem_is_told_at_once_in_order() -> None:
    resource = observation(status="x", code={}, note=[{"text": 1}])
    assert found(resource) == [
        (4051, "Observation.status"), (4047, "Observation.code"),
        (4045, "Observation.note[0].text"),
    ]  # fmt: skip
    assert [issue.source.pointer for issue in issues(resource) if issue.source] == [
        "/status", "/code", "/note/0/text",
    ]  # fmt: skip


def test_a_bundle_is_checked_with_what_is_in_it() -> None:
    entry = {"resource": observation(status="x"), "request": {"method": "PUT", "url": "x"}}
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}
    assert found(bundle) == [(4051, "Bundle.entry[0].resource.status")]
    entry["resource"] = observation()
    assert issues(bundle) == []
    assert VALIDATOR.is_sure(bundle)
    del entry["request"]
    assert found(bundle) == [(4059, "Bundle")]


def test_the_profiles_of_one_validator_are_not_those_of_another() -> None:
    entry = {"resource": observation(), "request": {"method": "PUT", "url": "x"}}
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}
    url = "https://fhir-backpain.org/fhir/StructureDefinition/backpain-red-flag"
    assert BuiltInValidator(profiles=[url]).validate(bundle)
    assert issues(bundle) == []
    entry["resource"] = observation(status="x")
    assert found(bundle) == [(4051, "Bundle.entry[0].resource.status")]


def test_deep_nesting_ends_in_an_issue() -> None:
    inner: dict[str, Any] = {"url": "http://a.example/e", "valueString": "x"}
    for _ in range(3000):
        inner = {"url": "http://a.example/e", "extension": [inner]}
    assert {number for number, _ in found(observation(extension=[inner]))} == {4065}


def test_no_value_is_repeated() -> None:
    resource = observation(
        status="SECRET", code={"coding": [{"code": " SECRET", "SECRET": 1}]},
        subject={"reference": "SECRET SECRET"}, effectiveDateTime="SECRET",
    )  # fmt: skip
    texts = [issue.text for issue in issues(resource) if "coding[0].SECRET" not in issue.text]
    assert len(texts) == 4
    assert "SECRET" not in " ".join(texts)


def test_what_was_good_before_does_not_excuse_what_only_looks_equal() -> None:
    good = {"coding": [{"code": "x", "userSelected": True}]}
    assert issues(observation(code=good)) == []
    bad = {"coding": [{"code": "x", "userSelected": 1}]}
    assert found(observation(code=bad)) == [(4045, "Observation.code.coding[0].userSelected")]


def test_what_was_good_before_may_be_changed_by_its_owner() -> None:
    code = {"coding": [{"system": "http://a.example/s", "code": "changing"}]}
    assert issues(observation(code=code)) == []
    code["coding"][0]["bogus"] = "x"
    assert found(observation(code=code)) == [(4044, "Observation.code.coding[0].bogus")]


def test_a_profile_is_asked_for_beside_the_claimed_ones() -> None:
    validator = BuiltInValidator(profiles=[OWN + "backpain-red-flag"])
    numbers = {issue.number for issue in validator.validate(observation())}
    assert {4048, 4049} <= numbers
    assert validator.validate({"resourceType": "Patient", "active": True}) == []


def golden() -> list[dict[str, Any]]:
    return [one for case in cases() if case.release == "R4" for one in case.expected()]


@pytest.mark.parametrize("resource", golden(), ids=lambda one: f"{one['resourceType']}-{one['id']}")
def test_every_golden_output_is_good(resource: dict[str, Any]) -> None:
    data = json_text.parse(json_text.dump(resource))
    assert [issue for issue in issues(data) if issue.is_error] == []
