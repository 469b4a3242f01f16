"""$validate, $transform and $extract."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fhir.resources.R4B.capabilitystatement import CapabilityStatement
from test_gateway_tables import HOME_TABLE

from fhir_backpain.fhir.json_text import parse
from fhir_backpain.mapping.mapper import Mapper
from fhir_backpain.outbox.sqlite import SqliteStore
from fhir_backpain.validation.resource.validator import BuiltInValidator
from tests.records import exact

FHIR = {"Content_Type": "application/fhir+json"}
PATIENT = {"resourceType": "Patient", "gender": "female"}
RESPONSE = {
    "resourceType": "QuestionnaireResponse",
    "meta": {"security": [{"code": "HTEST"}]},
    "identifier": {"system": "https://clinic.example/forms", "value": "F-1"},
    "questionnaire": "https://fhir-backpain.org/fhir/Questionnaire/backpain-odi|1.0.0",
    "status": "completed",
    "subject": {"identifier": {"system": "https://clinic.example/mrn", "value": "P-1"}},
    "authored": "2026-03-02T09:30:00+01:00",
    "item": [
        {
            "linkId": "all",
            "item": [
                {"linkId": str(number), "answer": [{"valueInteger": 2}]} for number in range(1, 11)
            ],
        }
    ],
}


def errors(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.text
    assert answer.content_type == "application/fhir+json; charset=utf-8"
    found = answer.json["issue"]
    return [one["expression"][0] if "expression" in one else one["details"]["text"]
            for one in found if one["severity"] in ("error", "fatal")]  # fmt: skip


def parameters(**given: Any) -> dict[str, Any]:
    listed = [
        {"name": name.replace("_", "-"), **({"resource": value} if isinstance(value, dict)
                                            else {"valueUri": value})}
        for name, value in given.items()
    ]  # fmt: skip
    return {"resourceType": "Parameters", "parameter": listed}


@pytest.mark.parametrize("path", ["/fhir/$validate", "/fhir/Patient/$validate"])
def test_a_resource_is_validated(api: Any, path: str) -> None:
    assert errors(api.post(PATIENT, path, **FHIR)) == []
    assert errors(api.post({**PATIENT, "gender": "x"}, path, **FHIR)) == ["Patient.gender"]
    assert errors(api.post(parameters(resource={**PATIENT, "x": 1}), path)) == ["Patient.x"]
    digits = b'{"resourceType": "Observation", "valueQuantity": {"value": 1.10}}'
    assert errors(api.post(digits, "/fhir/$validate"))


def test_a_type_is_held_against_the_path(api: Any) -> None:
    (text,) = errors(api.post(PATIENT, "/fhir/Goal/$validate", **FHIR))
    assert "not of the type" in text


def test_a_profile_may_be_asked_for(api: Any) -> None:
    score = "https://fhir-backpain.org/fhir/StructureDefinition/backpain-score"
    plain = {"resourceType": "Observation", "status": "final", "code": {"text": "x"}}
    path = "/fhir/Observation/$validate"
    assert errors(api.post(plain, path)) == []
    assert errors(api.post(plain, f"{path}?profile={score}"))
    assert errors(api.post(parameters(resource=plain, profile=score), path))
    assert api.post(plain, f"{path}?profile=file:///etc/passwd").status_code == 400


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400), (b"[]", 400), (b"{}", 400), (b'{"resourceType": 1}', 400),
        (b'{"resourceType":"Patient","resourceType":"Patient"}', 400),
        (b'{"resourceType":"Patient","a":' + b"[" * 100 + b"]" * 100 + b"}", 400),
        (b'{"resourceType":"Patient","a":NaN}', 400),
        (b'{"resourceType":"Parameters"}', 400),
        (b'{"resourceType":"Parameters","parameter":[7]}', 400),
        (b'{"resourceType":"Parameters","parameter":{"name":"resource"}}', 400),
        (b'{"resourceType":"Parameters","parameter":[{"name":"a"},{"name":"a"}]}', 400),
        (b'{"resourceType":"' + b"x" * 9_000_000 + b'"}', 413),
    ],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/fhir/$validate", "/fhir/QuestionnaireResponse/$extract"])
def test_a_body_that_is_no_resource_is_refused(
    api: Any, body: bytes, status: int, path: str
) -> None:
    assert api.post(body, path, **FHIR).status_code == status


@pytest.mark.parametrize("kind", ["application/xml", "application/fhir+xml", "text/xml"])
def test_xml_is_not_read(api: Any, kind: str) -> None:
    evil = b"<!DOCTYPE r [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><Patient>&x;</Patient>"
    for path in ("/fhir/$validate", "/fhir/Patient/$validate", "/fhir/StructureMap/x/$transform"):
        assert api.post(evil, path, Content_Type=kind).status_code in (404, 415)


def test_one_mapping_is_run(api: Any, mapper: Mapper, records: list[dict[str, Any]]) -> None:
    record = next(one for one in records if one["record"] == "observation")
    path = "/fhir/StructureMap/observation-measure/$transform"
    answer = api.post(record, path)
    assert answer.status_code == 200, answer.text
    assert (answer.json["resourceType"], answer.json["type"]) == ("Bundle", "collection")
    (entry,) = answer.json["entry"]
    (made,) = (one for one in mapper(exact(record)) if one.type == "Observation")
    assert entry["resource"] == json.loads(made.text)
    assert entry["fullUrl"].endswith(made.url)


def test_a_table_is_transformed(api: Any, store: SqliteStore) -> None:
    path = "/fhir/StructureMap/home-measurements/$transform"
    answer = api.post(HOME_TABLE.encode(), path, Content_Type="text/csv")
    assert answer.status_code == 200, answer.text
    types = {one["resource"]["resourceType"] for one in answer.json["entry"]}
    assert {"Patient", "Observation", "Provenance"} <= types
    assert api.post(HOME_TABLE.encode() + b"x\n", path, Content_Type="text/csv").status_code == 422
    assert sum(store.counts().values()) == 0


def test_what_a_mapping_does_not_read_is_refused(api: Any, records: list[dict[str, Any]]) -> None:
    plan = next(one for one in records if one["record"] == "care-plan")
    path = "/fhir/StructureMap/observation-measure/$transform"
    assert api.post(plan, path).status_code == 422
    assert api.post([plan], path).status_code == 422
    assert api.post({**plan, "patient": 1}, path).status_code == 422
    assert api.post(plan, "/fhir/StructureMap/nothing/$transform").status_code == 404
    assert api.post(HOME_TABLE.encode(), path, Content_Type="text/csv").status_code == 415


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_questionnaire_is_extracted(api: Any, store: SqliteStore, wrapped: bool) -> None:
    body = parameters(questionnaire_response=RESPONSE) if wrapped else RESPONSE
    answer = api.post(body, "/fhir/QuestionnaireResponse/$extract", **FHIR)
    assert answer.status_code == 200, answer.text
    given = {one["name"]: one["resource"] for one in answer.json["parameter"]}
    bundle = given["return"]
    assert (bundle["resourceType"], bundle["type"]) == ("Bundle", "transaction")
    by_type = {one["resource"]["resourceType"]: one["resource"] for one in bundle["entry"]}
    assert by_type["Observation"]["valueQuantity"]["value"] == 40
    kept = by_type["QuestionnaireResponse"]["item"]
    assert [one["linkId"] for one in kept] == [str(number) for number in range(1, 11)]
    assert by_type["Patient"]["identifier"][0]["value"] == "P-1"
    validator = BuiltInValidator()
    for entry in parse(answer.text)["parameter"][0]["resource"]["entry"]:
        assert not [one for one in validator.validate(entry["resource"]) if one.is_error]
    assert sum(store.counts().values()) == 0


def test_a_response_of_ours_comes_to_the_same_resources(api: Any, mapper: Mapper) -> None:
    answer = api.post(RESPONSE, "/fhir/QuestionnaireResponse/$extract").json
    first = answer["parameter"][0]["resource"]["entry"]
    (made,) = (one["resource"] for one in first
               if one["resource"]["resourceType"] == "QuestionnaireResponse")  # fmt: skip
    again = api.post(made, "/fhir/QuestionnaireResponse/$extract").json
    second = again["parameter"][0]["resource"]["entry"]
    assert [one["request"]["url"] for one in second] == [one["request"]["url"] for one in first]


def test_an_ordinal_value_counts(api: Any) -> None:
    ordinal = {"url": "http://hl7.org/fhir/StructureDefinition/ordinalValue", "valueDecimal": 3}
    items = [
        {"linkId": str(number), "answer": [{"valueCoding": {"code": "c", "extension": [ordinal]}}]}
        for number in range(1, 11)
    ]
    answer = api.post(RESPONSE | {"item": items}, "/fhir/QuestionnaireResponse/$extract")
    bundle = answer.json["parameter"][0]["resource"]
    values = [one["resource"]["valueQuantity"]["value"] for one in bundle["entry"]
              if one["resource"]["resourceType"] == "Observation"]  # fmt: skip
    assert values == [60]


def extract(api: Any, **changes: Any) -> Any:
    changed = {name: value for name, value in (RESPONSE | changes).items() if value is not None}
    return api.post(changed, "/fhir/QuestionnaireResponse/$extract", **FHIR)


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"questionnaire": "https://x.example/Questionnaire/none"}, "questionnaire"),
        ({"questionnaire": None}, "questionnaire"),
        ({"status": "in-progress"}, "status"),
        ({"authored": None}, "authored"),
        ({"identifier": None}, "identifier"),
        ({"identifier": {"value": "x"}}, "identifier"),
        ({"subject": None}, "subject.identifier"),
        ({"subject": {"reference": "Patient/1"}}, "subject.identifier"),
        ({"item": None}, "item"),
        ({"item": [{"linkId": "1", "answer": [{"valueString": "x"}]}]}, "item[0].answer"),
        ({"item": [{"linkId": "1", "answer": [{"valueInteger": True}]}]}, "item[0].answer"),
        ({"item": [{"linkId": "1", "answer": [{"valueInteger": 1}] * 2}]}, "item[0].answer"),
        ({"item": [{"linkId": "1", "item": [{"answer": [{}]}]}]}, "item[0].item[0].answer"),
    ],
)
def test_what_is_missing_is_named(api: Any, changes: dict[str, Any], where: str) -> None:
    answer = extract(api, **changes)
    assert answer.status_code in (404, 422)
    named = [one["expression"][0] for one in answer.json["issue"]]
    assert named == [f"QuestionnaireResponse.{where}"]
    assert "P-1" not in answer.text


def test_an_answer_that_the_item_does_not_take_is_refused(api: Any) -> None:
    items = [{"linkId": "1", "answer": [{"valueInteger": 9}]}]
    assert extract(api, item=items).status_code == 422
    assert api.post(PATIENT, "/fhir/QuestionnaireResponse/$extract").status_code == 400
    assert extract(api, item="x").status_code == 422
    assert extract(api, subject="x").status_code == 422


def test_the_capability_statement_says_what_is_there_and_nothing_else(
    api: Any, app: Any, records: list[dict[str, Any]]
) -> None:
    statement = api.get("/fhir/metadata").json
    CapabilityStatement.model_validate(statement)
    rest = next(one for one in statement["rest"] if one["mode"] == "server")
    said = set()
    for resource in rest["resource"]:
        kind = resource["type"]
        for interaction in resource.get("interaction", []):
            path = {"read": f"/fhir/{kind}/x", "search-type": f"/fhir/{kind}"}[interaction["code"]]
            assert api.get(path).status_code == (404 if interaction["code"] == "read" else 200)
            said.add(("GET", path))
        for parameter in resource.get("searchParam", []):
            value = {"date": "2026", "token": "a|b"}.get(parameter["type"], "x")
            query = f"/fhir/{kind}?{parameter['name']}={value}"
            assert api.get(query).status_code == 200
        said |= {("POST", f"/fhir/{kind}/${one['name']}") for one in resource["operation"]}
    said |= {("POST", f"/fhir/${one['name']}") for one in rest["operation"]}
    routes = app.url_map.bind("localhost")
    for method, path in said:
        path = path.replace("StructureMap/$", "StructureMap/any/$")
        assert routes.match(path, method)
    operations = {path.rsplit("/", 1)[1] for method, path in said if method == "POST"}
    there = {one.rule.rsplit("/", 1)[1] for one in app.url_map.iter_rules()
             if one.rule.startswith("/fhir/") and "$" in one.rule}  # fmt: skip
    assert operations == there
    assert api.get("/fhir/Practitioner").status_code == 404
