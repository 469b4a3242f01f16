from __future__ import annotations

import pytest

from fhir_backpain import __version__
from fhir_backpain.sandbox.search_parameters import RESOURCE_TYPES


@pytest.fixture
def statement(api):
    return api.get("metadata").get_json()


def test_it_names_the_software_and_what_it_is_not(statement):
    assert statement["software"] == {"name": "fhir-backpain sandbox", "version": __version__}
    assert statement["fhirVersion"] == "4.0.1"
    assert statement["kind"] == "instance"
    assert "not for patient data" in statement["implementation"]["description"]
    assert statement["implementation"]["url"] == "http://localhost/fhir"


def test_every_listed_search_parameter_works(api, statement):
    for resource in statement["rest"][0]["resource"]:
        for parameter in resource["searchParam"]:
            value = "2024" if parameter["type"] == "date" else "x"
            path = f"{resource['type']}?{parameter['name']}={value}"
            assert api.get(path, Prefer="handling=strict").status_code == 200, path


def test_every_listed_interaction_works_on_every_type(api, statement):
    rest = statement["rest"][0]
    assert [resource["type"] for resource in rest["resource"]] == list(RESOURCE_TYPES)
    assert {i["code"] for i in rest["interaction"]} == {"history-system", "transaction", "batch"}
    for resource in rest["resource"]:
        name = resource["type"]
        body = {"resourceType": name, "id": "a"}
        done = {
            "create": api.post({"resourceType": name}),
            "update": api.put(body),
            "read": api.get(f"{name}/a"),
            "vread": api.get(f"{name}/a/_history/1"),
            "history-instance": api.get(f"{name}/a/_history"),
            "history-type": api.get(f"{name}/_history"),
            "search-type": api.get(name),
            "delete": api.delete(f"{name}/a"),
        }
        assert set(done) == {i["code"] for i in resource["interaction"]}
        assert all(response.status_code < 300 for response in done.values())


def test_landing_page_is_self_contained(api):
    api.put({"resourceType": "Patient", "id": "a"})
    response = api.client.get("/")
    assert response.status_code == 200
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]
    assert "http://" not in response.text
    assert "https://" not in response.text
    assert "<script" not in response.text
    assert "<h2>1 resource</h2>" in response.text
    for name in RESOURCE_TYPES:
        assert api.get(name).status_code == 200
        assert f'href="/fhir/{name}"' in response.text


def test_outside_fhir_there_is_an_outcome_too(api):
    response = api.client.get("/nowhere")
    assert response.status_code == 404
    assert response.get_json()["resourceType"] == "OperationOutcome"
    assert api.client.get("/_sandbox/faults").status_code == 404
