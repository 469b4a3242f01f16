from __future__ import annotations

import pytest

from fhir_backpain.sandbox.search_index import index_rows
from fhir_backpain.sandbox.search_parameters import SEARCH_PARAMETERS
from fhir_backpain.sandbox.search_query import View, compile_criteria, split_value, unescape
from fhir_backpain.sandbox.store import Store, utc_now


def concept(code, system="urn:example:code"):
    return {"coding": [{"system": system, "code": code}]}


@pytest.fixture
def filled(api):
    for pid, system, value in (
        ("p1", "urn:example:mrn", "1"), ("p2", "urn:example:mrn", "2"), ("p3", "urn:example:x", "1")
    ):  # fmt: skip
        api.put({
            "resourceType": "Patient", "id": pid, "gender": "female", "active": pid != "p3",
            "birthDate": "1970-01-01", "identifier": [{"system": system, "value": value}],
        })  # fmt: skip
    api.put({"resourceType": "Encounter", "id": "e1", "subject": {"reference": "Patient/p1"}})
    rows = (
        ("o1", "p1", "final", "a", "2024-01-10"),
        ("o2", "p1", "amended", "b", "2024-02"),
        ("o3", "p2", "final", "a", "2024-03-01T10:00:00+02:00"),
        ("o4", "p2", "final", "c,d|e", "2023"),
    )
    for oid, pid, status, code, date in rows:
        api.put({
            "resourceType": "Observation", "id": oid, "status": status, "code": concept(code),
            "subject": {"reference": f"Patient/{pid}"}, "effectiveDateTime": date,
            "category": [concept("survey", "urn:example:cat")],
            **({"encounter": {"reference": "Encounter/e1"}} if oid == "o1" else {}),
        })  # fmt: skip
    return api


CASES = [
    ("Patient?identifier=urn:example:mrn|1", "p1"),
    ("Patient?identifier=1", "p1 p3"),
    ("Patient?identifier=urn:example:mrn|", "p1 p2"),
    ("Patient?identifier=|1", ""),
    ("Patient?identifier=urn:example:mrn|1,urn:example:mrn|2", "p1 p2"),
    ("Patient?identifier=1&identifier=urn:example:x|1", "p3"),
    ("Patient?identifier=URN:EXAMPLE:MRN|1", ""),
    ("Patient?identifier:not=1", "p2"),
    ("Patient?gender=female&active=false", "p3"),
    ("Patient?gender=http://hl7.org/fhir/administrative-gender|female", "p1 p2 p3"),
    ("Patient?birthdate=1970", "p1 p2 p3"),
    ("Patient?_id=p1,p3,zz", "p1 p3"),
    ("Patient?_id:not=p1", "p2 p3"),
    ("Observation?patient=Patient/p1", "o1 o2"),
    ("Observation?patient=p1", "o1 o2"),
    ("Observation?patient=http://localhost/fhir/Patient/p1", "o1 o2"),
    ("Observation?patient=http://elsewhere/fhir/Patient/p1", ""),
    ("Observation?subject=p1,Patient/p2", "o1 o2 o3 o4"),
    ("Observation?subject:Patient=p2", "o3 o4"),
    ("Observation?patient=p", ""),
    ("Observation?patient.identifier=urn:example:mrn|2", "o3 o4"),
    ("Observation?subject:Patient.identifier=urn:example:mrn|1", "o1 o2"),
    ("Observation?subject.identifier=urn:example:mrn|1&code=a", "o1"),
    ("Observation?encounter=e1", "o1"),
    ("Observation?encounter:missing=false", "o1"),
    ("Observation?encounter:missing=true", "o2 o3 o4"),
    ("Observation?date:missing=true", ""),
    ("Observation?code=urn:example:code|a", "o1 o3"),
    ("Observation?code=a,b", "o1 o2 o3"),
    ("Observation?code=c\\,d\\|e", "o4"),
    ("Observation?status=final&category=survey&patient=p2", "o3 o4"),
    ("Observation?status=http://hl7.org/fhir/observation-status|amended", "o2"),
    ("Observation?status=urn:other|amended", ""),
    ("Observation?status:not=final", "o2"),
    ("Observation?date=2024", "o1 o2 o3"),
    ("Observation?date=2024-02,2023", "o2 o4"),
    ("Observation?date=ge2024-01-15&date=lt2024-03", "o2"),
    ("Observation?date=2024-03-01T08:00:00Z", "o3"),
    ("Observation?_sort=date", "o4 o1 o2 o3"),
    ("Observation?_sort=-date", "o3 o2 o1 o4"),
    ("Observation?_sort=-_id", "o4 o3 o2 o1"),
    ("Observation?_sort=-_lastUpdated&_count=2", "o4 o3"),
    ("Observation?_lastUpdated=ge2024-05-01T12:00:00.006Z", "o3 o4"),
    ("Observation?_lastUpdated=gt2024-05-01T12:00:00.006Z", "o4"),
    ("Observation?_lastUpdated=lt2024-05-01T12:00:00.005Z", "o1"),
    ("Observation?_lastUpdated=2024-05-01T12:00:00.004Z", "o1"),
    ("Observation?_lastUpdated=sa2024-05-01", ""),
    ("Observation?_lastUpdated=le2024-05", "o1 o2 o3 o4"),
]


@pytest.mark.parametrize(("query", "expected"), CASES)
def test_matches(filled, query, expected):
    assert filled.ids(query) == expected.split()


def test_search_by_post_equals_search_by_get(filled):
    response = filled.client.post(
        "/fhir/Observation/_search?status=final", data={"patient": "p1", "code": "a"}
    )
    body = response.get_json()
    assert [e["resource"]["id"] for e in body["entry"]] == ["o1"]
    assert body["link"][0]["url"] == (
        "http://localhost/fhir/Observation?status=final&patient=p1&code=a"
    )


def test_updated_resources_are_found_by_their_new_content_alone(filled):
    changed = filled.get("Observation/o1").get_json()
    filled.put({**changed, "code": concept("z"), "effectiveDateTime": "1999"})
    assert filled.ids("Observation?code=a") == ["o3"]
    assert filled.ids("Observation?code=z") == ["o1"]
    assert filled.ids("Observation?date=2024-01-10") == []
    filled.delete("Observation/o1")
    assert filled.ids("Observation?code=z") == []


def test_unknown_parameters_are_told_or_refused(filled):
    body = filled.get("Observation?unknown=1&code=a").get_json()
    modes = [entry["search"]["mode"] for entry in body["entry"]]
    assert modes == ["match", "match", "outcome"]
    assert "unknown" in body["entry"][-1]["resource"]["issue"][0]["details"]["text"]
    assert body["link"][0]["url"].endswith("/Observation?code=a")
    assert body["total"] == 2
    assert filled.get("Observation?unknown=1", Prefer="handling=strict").status_code == 400
    assert filled.get("Observation?unknown=1", Prefer="handling=lenient").status_code == 200
    assert filled.get("Observation?_sort=code", Prefer="handling=strict").status_code == 400


@pytest.mark.parametrize(
    "query",
    [
        "date=yesterday", "date=2024-13", "date=xx2024", "_lastUpdated=ge", "identifier=",
        "identifier=|", "code:in=x", "code:text=x", "patient:exact=1", "patient=a/b/c",
        "subject:Device.identifier.x=1", "code.code=1", "patient.unknown=1", "_count=x",
        "_count=-1", "_total=maybe", "_summary=some", "date:missing=perhaps", "_page=abc",
        "_page=WzEsMiwzXQ", "code=%ff", "code=%00",
    ],
)  # fmt: skip
def test_wrong_values_are_refused(filled, query):
    response = filled.get(f"Observation?{query}")
    assert response.status_code == 400
    assert response.get_json()["resourceType"] == "OperationOutcome"


def test_counts(filled):
    body = filled.get("Observation?_summary=count&code=a").get_json()
    assert (body["total"], "entry" in body) == (2, False)
    assert filled.get("Observation?_count=0").get_json()["total"] == 4
    assert "total" not in filled.get("Observation?_total=none").get_json()
    assert filled.get("Observation?_total=accurate&_count=1").get_json()["total"] == 4


def test_missing_dates_sort_last_both_ways(filled):
    filled.put({"resourceType": "Observation", "id": "none"})
    for order in ("date", "-date"):
        assert filled.ids(f"Observation?_sort={order}")[-1] == "none"


def test_logical_references_by_identifier(api):
    for name, kind in (("a", "Patient"), ("b", "Device")):
        subject = {"type": kind, "identifier": {"system": "urn:example:mrn", "value": name}}
        api.put({"resourceType": "Observation", "id": name, "subject": subject})
    assert api.ids("Observation?patient:identifier=urn:example:mrn|a") == ["a"]
    assert api.ids("Observation?subject:identifier=b") == ["b"]
    assert api.ids("Observation?patient:identifier=b") == []


def test_external_and_versioned_references(api):
    url = "https://example.org/fhir/Patient/9"
    api.put({"resourceType": "Patient", "id": "a"})
    for oid, text in (("x", url), ("y", "Patient/a/_history/1")):
        api.put({"resourceType": "Observation", "id": oid, "subject": {"reference": text}})
    assert api.ids(f"Observation?patient={url}") == ["x"]
    assert api.ids("Observation?patient=a") == ["y"]


def test_questionnaires_are_found_with_and_without_version(api):
    url = "http://example.org/Questionnaire/q"
    api.put({"resourceType": "QuestionnaireResponse", "id": "r", "questionnaire": f"{url}|2"})
    assert api.ids(f"QuestionnaireResponse?questionnaire={url}") == ["r"]
    assert api.ids(f"QuestionnaireResponse?questionnaire={url}|2") == ["r"]
    assert api.ids(f"QuestionnaireResponse?questionnaire={url}|1") == []


def test_junk_in_indexed_elements_is_stored_and_harmless():
    junk = [None, 1, True, "x", [], [[]], {}, {"coding": [1, {"code": 5}]}, {"reference": 3},
            {"start": 1, "end": []}, {"event": [{}, "x"]}, {"identifier": "x"}]  # fmt: skip
    for resource_type, parameters in SEARCH_PARAMETERS.items():
        roots = {path.split(".")[0] for p in parameters.values() for path in p.paths}
        for value in junk:
            resource = {"resourceType": resource_type, **dict.fromkeys(roots, value)}
            assert index_rows(resource, "http://localhost/fhir") is not None


def test_escapes():
    assert split_value(r"a\,b,c\\,d", ",") == [r"a\,b", r"c\\", "d"]
    assert unescape(r"a\,b\|c\$d\\e") == r"a,b|c$d\e"


@pytest.mark.parametrize(
    ("name", "value"),
    [("code", "a"), ("patient", "p1"), ("date", "2024"), ("_id", "o1"),
     ("patient.identifier", "urn:example:mrn|1")],
)  # fmt: skip
def test_search_goes_by_index(name, value):
    store = Store(None, utc_now)
    view = View(9, 9, "http://localhost/fhir")
    where = compile_criteria("Observation", ((name, value),), view).where()
    with store.reading() as session:
        sql = f"EXPLAIN QUERY PLAN SELECT v.instant FROM version v WHERE {where.sql}"
        plan = [row[3] for row in session.rows(sql, where.arguments)]
    store.close()
    assert plan
    assert not [step for step in plan if step.startswith("SCAN")]


def test_every_kind_of_date_element_is_found(api):
    rows = {
        "dt": {"effectiveDateTime": "2024-05-03"},
        "period": {"effectivePeriod": {"start": "2024-05-01", "end": "2024-05-04"}},
        "instant": {"effectiveInstant": "2024-05-03T10:00:00.000Z"},
        "timing": {"effectiveTiming": {"event": ["2024-01-01", "2024-05-02"]}},
        "other": {"effectiveDateTime": "2025"},
    }
    for name, element in rows.items():
        api.put({"resourceType": "Observation", "id": name, **element})
    assert api.ids("Observation?date=2024-05") == ["dt", "period", "instant", "timing"]
    assert api.ids("Observation?date=ap2024-05-03") == ["dt", "period", "instant", "timing"]
