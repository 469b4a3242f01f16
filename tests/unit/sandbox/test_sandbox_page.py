from __future__ import annotations

import pytest

from fhir_backpain.sandbox.page import Page, read_page


def put(api, name, **more):
    api.put({"resourceType": "Patient", "id": name, **more})


def next_link(body):
    return next((link["url"] for link in body["link"] if link["relation"] == "next"), None)


def walk(api, path, between=lambda: None):
    seen = []
    while path:
        body = api.get(path).get_json()
        seen += [e["resource"]["id"] if "resource" in e else "-" for e in body.get("entry", [])]
        path = next_link(body)
        between()
    return seen


@pytest.mark.parametrize("order", ["", "&_sort=-_lastUpdated", "&_sort=_id", "&_sort=birthdate"])
def test_pages_stay_as_they_were_while_data_changes(api, order):
    for number in range(7):
        put(api, f"p{number}", birthDate=f"199{number}")
    whole = api.ids(f"Patient?gender:missing=true{order}")
    changes = iter(range(100))

    def change():
        step = next(changes)
        put(api, f"new{step}")
        put(api, f"p{step}", gender="male", birthDate="2000")
        api.delete(f"Patient/p{6 - step}")

    assert walk(api, f"Patient?gender:missing=true&_count=2{order}", change) == whole


def test_last_page_has_no_next(api):
    for number in range(4):
        put(api, f"p{number}")
    first = api.get("Patient?_count=2").get_json()
    last = api.get(next_link(first)).get_json()
    assert next_link(last) is None
    assert last["total"] == first["total"] == 4


def test_page_links_of_a_post_search_work_by_get(api):
    for number in range(3):
        put(api, f"p{number}", gender="male")
    body = api.client.post("/fhir/Patient/_search", data={"gender": "male", "_count": "2"})
    assert walk(api, next_link(body.get_json())) == ["p2"]


def test_a_link_is_a_page_and_back():
    page = Page((("code", "a|b,ü"), ("_count", "2")), 17, 4)
    url = page.link("http://x/fhir/Observation")
    assert read_page(url.partition("=")[2]) == page


def test_history_pages_newest_first_and_stable(api):
    for number in range(3):
        put(api, "p", gender=str(number))
    put(api, "q")
    api.delete("Patient/q")
    versions = []
    path = "_history?_count=2"
    while path:
        body = api.get(path).get_json()
        assert body["total"] == 5
        versions += [(e["fullUrl"][-1], e["response"]["etag"]) for e in body["entry"]]
        path = next_link(body)
        put(api, f"later{len(versions)}")
    assert versions == [
        ("q", 'W/"2"'), ("q", 'W/"1"'), ("p", 'W/"3"'), ("p", 'W/"2"'), ("p", 'W/"1"')
    ]  # fmt: skip


def test_history_levels_and_entries(api):
    created = api.post({"resourceType": "Device"}).get_json()["id"]
    put(api, "a")
    put(api, "a", gender="male")
    api.delete("Patient/a")
    body = api.get("Patient/a/_history").get_json()
    assert [(e["request"]["method"], e["response"]["status"]) for e in body["entry"]] == [
        ("DELETE", "204 No Content"), ("PUT", "200 OK"), ("PUT", "201 Created"),
    ]  # fmt: skip
    assert "resource" not in body["entry"][0]
    assert body["type"] == "history"
    assert api.get("Patient/_history").get_json()["total"] == 3
    oldest = api.get("_history").get_json()["entry"][-1]
    assert oldest["request"] == {"method": "POST", "url": "Device"}
    assert oldest["fullUrl"] == f"{api.base}/Device/{created}"


def test_history_since(api, clock):
    put(api, "a")
    clock.advance(60)
    put(api, "b")
    assert api.total("_history?_since=2024-05-01T12:00:00.001Z") == 1
    assert api.total("_history?_since=2024-05-01T12:00:00.000Z") == 2
    assert api.total("_history?_since=2024-05-01T14:01:00%2B02:00") == 1
    assert api.get("_history?_since=soon").status_code == 400
    assert api.get("_history?_at=1", Prefer="handling=strict").status_code == 400
