from __future__ import annotations

import pytest


def entry(method, url, resource=None, full_url=None, **request):
    element = {"request": {"method": method, "url": url, **request}}
    if resource is not None:
        element["resource"] = resource
    if full_url is not None:
        element["fullUrl"] = full_url
    return element


def patient(pid=None, value=None, **more):
    body = {"resourceType": "Patient", **({"id": pid} if pid else {}), **more}
    if value:
        body["identifier"] = [{"system": "urn:example:mrn", "value": value}]
    return body


def observation(reference, **more):
    return {"resourceType": "Observation", "subject": {"reference": reference}, **more}


def issue(response):
    return response.get_json()["issue"][0]


def responses(bundle_response):
    assert bundle_response.status_code == 200, bundle_response.text
    return [one["response"] for one in bundle_response.get_json()["entry"]]


def test_references_between_entries_are_rewritten_whatever_their_order(api):
    response = api.bundle(
        "transaction",
        entry("POST", "Observation", observation("urn:uuid:p"), "urn:uuid:o"),
        entry("POST", "Patient", patient(), "urn:uuid:p"),
    )
    first, second = responses(response)
    assert first["status"] == second["status"] == "201 Created"
    stored = api.get(first["location"]).get_json()
    assert second["location"] == stored["subject"]["reference"] + "/_history/1"
    assert first["etag"] == 'W/"1"'
    assert first["lastModified"] == stored["meta"]["lastUpdated"]
    assert response.get_json()["type"] == "transaction-response"


def test_links_are_rewritten_in_uris_and_narrative_yet_not_in_identifiers(api):
    device = {
        "resourceType": "Device",
        "identifier": [{"system": "urn:ietf:rfc:3986", "value": "urn:uuid:p"}],
        "extension": [{"url": "urn:example:x", "valueUri": "urn:uuid:p"}],
        "text": {"status": "generated", "div": '<div><a href="urn:uuid:p">urn:uuid:p</a></div>'},
    }
    answer = api.bundle(
        "transaction",
        entry("POST", "Device", device, "urn:uuid:d"),
        entry("PUT", "Patient/p", patient("p"), "urn:uuid:p"),
    )
    stored = api.get(responses(answer)[0]["location"]).get_json()
    assert stored["identifier"] == device["identifier"]
    assert stored["extension"][0]["valueUri"] == "Patient/p"
    assert stored["text"]["div"] == '<div><a href="Patient/p">urn:uuid:p</a></div>'


def test_relative_references_follow_the_full_url_of_their_entry(api):
    response = api.bundle(
        "transaction",
        entry("POST", "Patient", patient("7"), "http://example.org/fhir/Patient/7"),
        entry("POST", "Observation", observation("Patient/7"),
              "http://example.org/fhir/Observation/1"),
    )  # fmt: skip
    first, second = responses(response)
    reference = api.get(second["location"]).get_json()["subject"]["reference"]
    assert first["location"].startswith(reference)


def test_processing_order_is_delete_post_put_get(api):
    api.put(patient("old", "1"))
    response = api.bundle(
        "transaction",
        entry("GET", "Patient?identifier=urn:example:mrn|1"),
        entry("PUT", "Patient/b", patient("b", "1")),
        entry("POST", "Patient", patient(None, "1"), ifNoneExist="identifier=urn:example:mrn|1"),
        entry("DELETE", "Patient/old"),
    )
    found, put, post, delete = responses(response)
    assert [r["status"] for r in (found, put, post, delete)] == [
        "200 OK", "201 Created", "201 Created", "204 No Content",
    ]  # fmt: skip
    assert response.get_json()["entry"][0]["resource"]["total"] == 2
    assert delete["lastModified"] < post["lastModified"] < put["lastModified"]


@pytest.mark.parametrize(
    ("broken", "status"),
    [
        (entry("POST", "Observation", observation("Patient/nobody")), 400),
        (entry("POST", "Observation", observation("urn:uuid:nobody")), 400),
        (entry("POST", "Observation", observation("Patient?identifier=urn:example:mrn|9")), 400),
        (entry("POST", "Observation", observation("Patient?unknown=9")), 400),
        (entry("POST", "Observation", observation("Spaceship?identifier=9")), 400),
        (entry("PUT", "Patient/a", patient("a"), ifMatch='W/"9"'), 412),
        (entry("DELETE", "Patient/a", ifMatch='W/"9"'), 412),
        (entry("PUT", "Patient/a", patient("b")), 400),
        (entry("POST", "Patient", {"resourceType": "Device"}), 400),
        (entry("POST", "Spaceship", {"resourceType": "Spaceship"}), 404),
        (entry("GET", "Patient/nobody"), 404),
        (entry("POST", "Patient"), 400),
        (entry("PATCH", "Patient/a", patient("a")), 400),
        (entry("POST", "Patient", patient(), ifNoneExist="identifier=urn:example:mrn|two"), 412),
        ({"resource": patient()}, 400),
        ("junk", 400),
    ],
)
def test_one_bad_entry_stores_nothing_and_is_named(api, broken, status):
    for name in ("a", "t1", "t2"):
        api.put(patient(name, "two" if name != "a" else "1"))
    before = api.get("_history").data
    response = api.bundle(
        "transaction",
        entry("POST", "Patient", patient(), "urn:uuid:ok"),
        entry("DELETE", "Patient/t1") if status != 412 else entry("GET", "Patient/a"),
        broken,
    )
    assert response.status_code == status, response.text
    assert issue(response)["details"]["text"].startswith("Entry 2: ")
    assert issue(response)["expression"][0].startswith("Bundle.entry[2]")
    assert api.get("_history").data == before


def test_dangling_reference_names_entry_element_and_target(api):
    response = api.bundle("transaction", entry("POST", "Observation", observation("Patient/no")))
    assert issue(response)["expression"] == ["Bundle.entry[0].resource.subject.reference"]
    assert "Patient/no" in issue(response)["details"]["text"]


def test_reference_to_what_the_transaction_deletes_dangles(api):
    api.put(patient("a"))
    response = api.bundle(
        "transaction",
        entry("DELETE", "Patient/a"),
        entry("POST", "Observation", observation("Patient/a")),
    )
    assert response.status_code == 400
    assert api.get("Patient/a").status_code == 200


def test_conditional_references_meet_the_server_and_the_transaction_itself(api):
    api.put(patient("there", "1"))
    encounter = {
        "resourceType": "Encounter",
        "identifier": [{"system": "urn:example:visit", "value": "v"}],
        "subject": {"reference": "Patient?identifier=urn:example:mrn|2"},
    }
    here = observation("Patient?identifier=urn:example:mrn|1")
    visit_reference = {"reference": "Encounter?identifier=urn:example:visit|v"}
    nested = observation("urn:uuid:new", encounter=visit_reference)
    answer = api.bundle(
        "transaction",
        entry("POST", "Observation", here),
        entry("POST", "Observation", nested),
        entry("POST", "Encounter", encounter),
        entry("POST", "Patient", patient(None, "2"), "urn:uuid:new"),
    )
    first, second, visit, person = (r["location"] for r in responses(answer))
    assert api.get(first).get_json()["subject"]["reference"] == "Patient/there"
    assert visit.startswith(api.get(second).get_json()["encounter"]["reference"])
    assert person.startswith(api.get(visit).get_json()["subject"]["reference"])
    assert api.total("Encounter/_history") == 1


def test_ambiguous_conditional_reference_is_refused(api):
    api.put(patient("a", "1"))
    api.put(patient("b", "1"))
    body = observation("Patient?identifier=urn:example:mrn|1")
    response = api.bundle("transaction", entry("POST", "Observation", body))
    assert response.status_code == 412
    assert issue(response)["expression"] == ["Bundle.entry[0].resource.subject.reference"]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (entry("PUT", "Patient/a", patient("a")), entry("PUT", "Patient/a", patient("a"))),
        (entry("DELETE", "Patient/a"), entry("PUT", "Patient/a", patient("a"))),
        (entry("DELETE", "Patient/a"), entry("DELETE", "Patient/a")),
        (
            entry("POST", "Patient", patient(), ifNoneExist="identifier=a|1"),
            entry("POST", "Patient", patient(), ifNoneExist="identifier=a|1"),
        ),
        (
            entry("POST", "Patient", patient(), ifNoneExist="identifier=a|1"),
            entry("PUT", "Patient?identifier=a|1", patient()),
        ),
        (
            entry("PUT", "Patient/known", patient("known")),
            entry("PUT", "Patient?identifier=urn:example:mrn|k", patient()),
        ),
        (
            entry("POST", "Patient", patient(), "urn:uuid:same"),
            entry("POST", "Device", {"resourceType": "Device"}, "urn:uuid:same"),
        ),
    ],
)
def test_the_same_identity_twice_is_refused(api, first, second):
    api.put(patient("known", "k"))
    response = api.bundle("transaction", first, second)
    assert response.status_code == 400
    assert issue(response)["code"] == "duplicate"
    assert "Entry 1" in issue(response)["details"]["text"]
    assert "entry 0" in issue(response)["details"]["text"]


def test_existing_match_is_answered_and_used_for_references(api):
    api.put(patient("there", "1", gender="male"))
    response = api.bundle(
        "transaction",
        entry("POST", "Patient", patient(None, "1"), "urn:uuid:p",
              ifNoneExist="identifier=urn:example:mrn|1"),
        entry("POST", "Observation", observation("urn:uuid:p")),
    )  # fmt: skip
    first, second = responses(response)
    assert (first["status"], first["location"]) == ("200 OK", "Patient/there/_history/1")
    assert api.get(second["location"]).get_json()["subject"]["reference"] == "Patient/there"


def test_unchanged_put_keeps_its_version(api):
    bundle = [
        entry("PUT", "Patient/a", patient("a"), "urn:uuid:p"),
        entry("PUT", "Observation/o", observation("urn:uuid:p", id="o")),
    ]
    first = responses(api.bundle("transaction", *bundle))
    second = responses(api.bundle("transaction", *bundle))
    assert [r["status"] for r in first] == ["201 Created"] * 2
    assert [r["status"] for r in second] == ["200 OK"] * 2
    assert [r["etag"] for r in second] == ['W/"1"'] * 2
    assert api.total("_history") == 2


def test_prefer_decides_what_the_entries_carry(api):
    one = entry("PUT", "Patient/a", patient("a"))
    plain = api.bundle("transaction", one).get_json()["entry"][0]
    full = api.bundle("transaction", one, Prefer="return=representation").get_json()["entry"][0]
    told = api.bundle("transaction", one, Prefer="return=OperationOutcome").get_json()["entry"][0]
    assert "resource" not in plain
    assert "outcome" not in plain["response"]
    assert full["resource"]["id"] == "a"
    assert told["response"]["outcome"]["issue"][0]["severity"] == "information"


def test_absolute_urls_in_requests(api):
    responses(api.bundle("transaction", entry("PUT", f"{api.base}/Patient/a", patient("a"))))
    assert api.ids("Patient") == ["a"]


def test_empty_bundles(api):
    for kind in ("transaction", "batch"):
        body = {"resourceType": "Bundle", "type": kind}
        response = api.post(body, "")
        assert response.get_json() == {"resourceType": "Bundle", "type": f"{kind}-response"}


@pytest.mark.parametrize(
    "body",
    [
        {"resourceType": "Patient"},
        {"resourceType": "Bundle", "type": "collection"},
        {"resourceType": "Bundle"},
        {"resourceType": "Bundle", "type": "batch", "entry": {}},
    ],
)
def test_what_the_base_does_not_take(api, body):
    assert api.post(body, "").status_code == 400


def test_batch_answers_each_entry_for_itself_in_order(api):
    response = api.bundle(
        "batch",
        entry("GET", "Patient/a"),
        entry("POST", "Observation", observation("Patient/nobody")),
        entry("PUT", "Patient/a", patient("a")),
        entry("GET", "Patient/none"),
        "junk",
        entry("POST", "Patient", patient()),
    )
    answers = responses(response)
    assert [r["status"].split()[0] for r in answers] == ["200", "400", "201", "404", "400", "201"]
    assert answers[1]["outcome"]["issue"][0]["expression"] == [
        "Bundle.entry[1].resource.subject.reference"
    ]
    assert response.get_json()["entry"][0]["resource"]["id"] == "a"
    assert response.get_json()["type"] == "batch-response"
    assert api.total("Patient") == 2


def test_reference_checks_can_be_off(free_api):
    response = free_api.bundle(
        "transaction",
        entry("POST", "Observation", observation("Patient/no")),
        entry("POST", "Observation", observation("urn:uuid:no")),
    )
    assert len(responses(response)) == 2
