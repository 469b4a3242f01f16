from __future__ import annotations

import pytest


def patient(pid: str | None = None, **more):
    return {"resourceType": "Patient", **({"id": pid} if pid else {}), **more}


def outcome(response) -> dict:
    body = response.get_json()
    assert body["resourceType"] == "OperationOutcome"
    return body["issue"][0]


def test_create_stamps_id_version_and_time(api):
    response = api.post(patient("mine", gender="female"))
    body = response.get_json()
    assert response.status_code == 201
    assert body["id"] != "mine"
    assert body["meta"] == {"versionId": "1", "lastUpdated": "2024-05-01T12:00:00.000Z"}
    assert response.headers["ETag"] == 'W/"1"'
    assert response.headers["Location"] == f"{api.base}/Patient/{body['id']}/_history/1"
    assert response.headers["Last-Modified"] == "Wed, 01 May 2024 12:00:00 GMT"
    assert api.get(f"Patient/{body['id']}").get_json() == body


def test_client_meta_is_kept_beside_the_stamps(api):
    tag = {"system": "urn:example:tag", "code": "t"}
    sent = patient("a", meta={"tag": [tag], "versionId": "77", "lastUpdated": "1999-01-01"})
    meta = api.put(sent).get_json()["meta"]
    assert meta == {"tag": [tag], "versionId": "1", "lastUpdated": "2024-05-01T12:00:00.000Z"}


def test_update_creates_then_replaces(api):
    first = api.put(patient("a", gender="male"))
    second = api.put(patient("a", gender="female"))
    assert (first.status_code, second.status_code) == (201, 200)
    assert second.headers["ETag"] == 'W/"2"'
    assert api.get("Patient/a").get_json()["gender"] == "female"
    assert api.get("Patient/a/_history/1").get_json()["gender"] == "male"


def test_unchanged_content_keeps_the_version(api):
    created = api.post(patient(gender="male")).get_json()
    same = api.put(created)
    reordered = api.put({"gender": "male", "id": created["id"], "resourceType": "Patient"})
    assert same.status_code == reordered.status_code == 200
    assert reordered.headers["ETag"] == 'W/"1"'
    assert api.total(f"Patient/{created['id']}/_history") == 1


def test_more_precise_decimal_is_a_change(api):
    send = api.client.put
    for digits, etag in (("1.5", 'W/"1"'), ("1.50", 'W/"2"'), ("1.50", 'W/"2"')):
        body = f'{{"resourceType":"Observation","id":"o","valueQuantity":{{"value":{digits}}}}}'
        response = send("/fhir/Observation/o", data=body, content_type="application/fhir+json")
        assert response.headers["ETag"] == etag
        assert f'"value":{digits}}}' in response.text


def test_delete_leaves_gone_and_history_and_can_come_back(api):
    api.put(patient("a"))
    deleted = api.delete("Patient/a")
    assert (deleted.status_code, deleted.data) == (204, b"")
    assert deleted.headers["ETag"] == 'W/"2"'
    gone = api.get("Patient/a")
    assert (gone.status_code, outcome(gone)["code"]) == (410, "deleted")
    assert api.get("Patient/a/_history/2").status_code == 410
    assert api.get("Patient/a/_history/1").status_code == 200
    assert api.ids("Patient") == []
    back = api.put(patient("a"))
    assert (back.status_code, back.headers["ETag"]) == (201, 'W/"3"')
    assert api.ids("Patient?_id=a") == ["a"]


def test_delete_of_nothing_is_no_error(api):
    assert api.delete("Patient/none").status_code == 204
    api.put(patient("a"))
    api.delete("Patient/a")
    api.delete("Patient/a")
    assert api.total("Patient/a/_history") == 2


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("Patient/none", 404, "not-found"),
        ("Patient/a/_history/9", 404, "not-found"),
        ("Patient/a/_history/x", 404, "not-found"),
        ("Patient/none/_history", 404, "not-found"),
        ("Spaceship/1", 404, "not-supported"),
        ("Bundle/1", 404, "not-supported"),
        ("Patient/a/b/c/d", 404, "not-supported"),
    ],
)
def test_reads_that_find_nothing(api, path, status, code):
    api.put(patient("a"))
    response = api.get(path)
    assert (response.status_code, outcome(response)["code"]) == (status, code)


def test_if_none_match_answers_not_modified(api):
    api.put(patient("a"))
    response = api.get("Patient/a", If_None_Match='W/"1"')
    assert (response.status_code, response.data) == (304, b"")
    api.put(patient("a", gender="male"))
    assert api.get("Patient/a", If_None_Match='W/"1"').status_code == 200


def test_stale_if_match_is_refused_and_stores_nothing(api):
    api.put(patient("a"))
    api.put(patient("a", gender="male"), If_Match='W/"1"')
    stale = api.put(patient("a", gender="other"), If_Match='W/"1"')
    assert (stale.status_code, outcome(stale)["code"]) == (412, "conflict")
    assert api.delete("Patient/a", If_Match='W/"1"').status_code == 412
    assert api.get("Patient/a").get_json()["gender"] == "male"
    assert api.put(patient("new"), If_Match='W/"1"').status_code == 412
    assert api.delete("Patient/a", If_Match='W/"2"').status_code == 204


@pytest.mark.parametrize("body_id", [None, "b"])
def test_id_in_body_and_url_must_agree(api, body_id):
    response = api.put(patient(body_id), "Patient/a")
    assert response.status_code == 400
    assert outcome(response)["expression"] == ["Patient.id"]


def test_type_in_body_and_url_must_agree(api):
    assert api.post(patient(), "Observation").status_code == 400
    assert api.put({"resourceType": "Device", "id": "a"}, "Patient/a").status_code == 400


@pytest.mark.parametrize("bad", ["a_b", "x" * 65, "ä", "a b"])
def test_bad_ids_are_refused(api, bad):
    response = api.put(patient(bad))
    assert (response.status_code, outcome(response)["code"]) == (400, "value")


def test_prefer_return(api):
    minimal = api.post(patient(), Prefer="return=minimal")
    assert (minimal.status_code, minimal.data) == (201, b"")
    assert "Location" in minimal.headers
    told = api.post(patient(), Prefer="return=OperationOutcome")
    assert outcome(told)["severity"] == "information"
    api.put(patient("a"))
    deleted = api.delete("Patient/a", Prefer="return=OperationOutcome")
    assert (deleted.status_code, outcome(deleted)["severity"]) == (200, "information")


def test_conditional_create(api):
    sent = patient(identifier=[{"system": "urn:example:mrn", "value": "1"}])
    criteria = "identifier=urn:example:mrn|1"
    first = api.post(sent, If_None_Exist=criteria)
    second = api.post(sent, If_None_Exist=criteria)
    assert (first.status_code, second.status_code) == (201, 200)
    assert second.headers["Location"] == first.headers["Location"]
    api.post(sent)
    third = api.post(sent, If_None_Exist=criteria)
    assert (third.status_code, outcome(third)["code"]) == (412, "multiple-matches")
    assert api.total("Patient") == 2


def test_deleted_resources_do_not_match_criteria(api):
    sent = patient("a", identifier=[{"system": "urn:example:mrn", "value": "1"}])
    api.put(sent)
    api.delete("Patient/a")
    assert api.post(sent, If_None_Exist="identifier=urn:example:mrn|1").status_code == 201


@pytest.mark.parametrize("criteria", ["", "unknown=1", "identifier=", "identifier=a|1&unknown=1"])
def test_criteria_that_select_nothing_never_widen_a_write(api, criteria):
    api.put(patient("a"))
    assert api.post(patient(), If_None_Exist=criteria).status_code == 400
    assert api.put(patient(), f"Patient?{criteria}").status_code == 400
    assert api.delete(f"Patient?{criteria}").status_code == 400
    assert api.total("Patient") == 1


def test_conditional_update(api):
    sent = patient(identifier=[{"system": "urn:example:mrn", "value": "1"}])
    path = "Patient?identifier=urn:example:mrn|1"
    created = api.put(sent, path)
    updated = api.put({**sent, "gender": "male"}, path)
    assert (created.status_code, updated.status_code) == (201, 200)
    assert created.get_json()["id"] == updated.get_json()["id"]
    assert updated.headers["ETag"] == 'W/"2"'
    assert api.put({**sent, "id": "other"}, path).status_code == 400
    api.post(sent)
    assert api.put(sent, path).status_code == 412


def test_conditional_update_without_match_uses_the_id_of_the_body(api):
    response = api.put(patient("mine"), "Patient?identifier=a|1")
    assert (response.status_code, response.get_json()["id"]) == (201, "mine")
    assert api.put(patient("mine"), "Patient?identifier=a|1").status_code == 409


def test_conditional_delete(api):
    sent = patient(identifier=[{"system": "urn:example:mrn", "value": "1"}])
    api.post(sent)
    api.post(sent)
    path = "Patient?identifier=urn:example:mrn|1"
    assert api.delete(path).status_code == 412
    api.delete(f"Patient/{api.ids('Patient')[0]}")
    assert api.delete(path).status_code == 204
    assert api.total("Patient") == 0


def test_dangling_reference_names_element_and_target(api):
    sent = {"resourceType": "Observation", "performer": [{}, {"reference": "Practitioner/no"}]}
    response = api.post(sent)
    assert response.status_code == 400
    assert outcome(response)["expression"] == ["Observation.performer[1].reference"]
    assert "Practitioner/no" in outcome(response)["details"]["text"]


def test_reference_to_a_deleted_resource_dangles(api):
    api.put(patient("a"))
    sent = {"resourceType": "Observation", "subject": {"reference": f"{api.base}/Patient/a"}}
    assert api.post(sent).status_code == 201
    api.delete("Patient/a")
    assert api.post(sent).status_code == 400


def test_references_elsewhere_are_not_looked_at(api):
    for text in ("https://example.org/fhir/Patient/1", "urn:uuid:0", "#c", "see the paper file"):
        sent = {"resourceType": "Observation", "subject": {"reference": text}}
        assert api.post(sent).status_code == 201
    own = {"resourceType": "Patient", "id": "me", "link": [{"other": {"reference": "Patient/me"}}]}
    assert api.put(own).status_code == 201


def test_reference_check_can_be_off(free_api):
    sent = {"resourceType": "Observation", "subject": {"reference": "Patient/no"}}
    assert free_api.post(sent).status_code == 201


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("PATCH", "Patient/a", "DELETE, GET, PUT"),
        ("PUT", "Patient/a/_history", "GET"),
        ("GET", "Patient/_search", "POST"),
        ("DELETE", "metadata", "GET"),
        ("GET", "", "POST"),
    ],
)
def test_unsupported_methods(api, method, path, allow):
    response = api.send(method, path)
    assert (response.status_code, response.headers["Allow"]) == (405, allow)
    assert outcome(response)["code"] == "not-supported"


def test_last_updated_increases_though_the_clock_stands_or_jumps_back(api, clock):
    times = []
    for seconds in (0, 0, -3600, 10):
        clock.advance(seconds)
        times.append(api.post(patient()).get_json()["meta"]["lastUpdated"])
    assert times == [f"2024-05-01T12:00:00.00{n}Z" for n in range(4)]


def test_head_has_the_headers_alone(api):
    api.put(patient("a"))
    response = api.send("HEAD", "Patient/a")
    assert (response.status_code, response.headers["ETag"], response.data) == (200, 'W/"1"', b"")
