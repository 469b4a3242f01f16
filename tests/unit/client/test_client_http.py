"""The edges of HTTP: answers as a server, a proxy or an attacker may give them."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
import requests
import responses

from fhir_backpain import __version__
from fhir_backpain.client.client import FhirClient
from fhir_backpain.client.credentials import BearerToken, FixedHeaders
from fhir_backpain.errors import (
    AmbiguousRemoteError,
    ConflictError,
    PermanentRemoteError,
    RemoteError,
    TransientRemoteError,
)

BASE = "https://fhir.example/r4"
FHIR = "application/fhir+json"
OUTCOME = {
    "resourceType": "OperationOutcome",
    "issue": [
        {"severity": "warning", "code": "informational", "diagnostics": "a note"},
        {
            "severity": "error",
            "code": "required",
            "details": {"text": "status\nis missing"},
            "expression": ["Observation.status"],
        },
    ],
}


@pytest.fixture
def client() -> FhirClient:
    return FhirClient(BASE, max_bytes=10_000)


def answer(method: str, path: str, body: Any = None, **more: Any) -> None:
    text = body if isinstance(body, str | bytes) else json.dumps(body)
    responses.add(
        method, f"{BASE}{path}", body=text, **{"status": 200, "content_type": FHIR, **more}
    )


@responses.activate
@pytest.mark.parametrize(
    ("status", "writing", "reading"),
    [
        (301, PermanentRemoteError, PermanentRemoteError),
        (302, PermanentRemoteError, PermanentRemoteError),
        (400, PermanentRemoteError, PermanentRemoteError),
        (401, PermanentRemoteError, PermanentRemoteError),
        (403, PermanentRemoteError, PermanentRemoteError),
        (404, PermanentRemoteError, PermanentRemoteError),
        (408, AmbiguousRemoteError, TransientRemoteError),
        (409, ConflictError, ConflictError),
        (410, PermanentRemoteError, PermanentRemoteError),
        (412, ConflictError, ConflictError),
        (413, PermanentRemoteError, PermanentRemoteError),
        (422, PermanentRemoteError, PermanentRemoteError),
        (429, TransientRemoteError, TransientRemoteError),
        (500, AmbiguousRemoteError, TransientRemoteError),
        (501, PermanentRemoteError, PermanentRemoteError),
        (502, AmbiguousRemoteError, TransientRemoteError),
        (503, TransientRemoteError, TransientRemoteError),
        (504, AmbiguousRemoteError, TransientRemoteError),
        (507, AmbiguousRemoteError, TransientRemoteError),
    ],
)
def test_each_status_has_its_kind(
    client: FhirClient, status: int, writing: type[RemoteError], reading: type[RemoteError]
) -> None:
    answer("POST", "", OUTCOME, status=status)
    answer("GET", "/Patient/1", OUTCOME, status=status)
    with pytest.raises(RemoteError) as written:
        client.transaction("{}")
    with pytest.raises(RemoteError) as read:
        client.read("Patient", "1")
    assert (type(written.value), type(read.value)) == (writing, reading)
    assert (written.value.status, read.value.status) == (status, status)


@responses.activate
def test_the_issues_of_the_server_are_carried(client: FhirClient) -> None:
    answer("PUT", "/Observation/1", OUTCOME, status=422)
    with pytest.raises(PermanentRemoteError) as caught:
        client.put("Observation", "1", "{}")
    (issue,) = caught.value.issues
    assert (issue.code, issue.expression) == ("required", "Observation.status")
    assert issue.text == "The server answered 422: status is missing"


@responses.activate
@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ("<html>login</html>", "text/html"),
        ("", "text/html"),
        ("<Bundle xmlns='http://hl7.org/fhir'/>", "application/fhir+xml"),
        ("not json", FHIR),
        ('{"resourceType":"Bundle","resourceType":"Bundle"}', FHIR),
        ('{"resourceType":"Bundle","total":NaN}', FHIR),
        ('{"resourceType":"Bundle","a":"\\ud800"}', FHIR),
        ('{"resourceType":"Bundle","a":' + "[" * 70 + "]" * 70 + "}", FHIR),
        ('{"resourceType":"Bundle","a":' + "[" * 4000 + "]" * 4000 + "}", FHIR),
        ("[]", FHIR),
        ("{}", FHIR),
        ('{"resourceType":"OperationOutcome"}', FHIR),
        (b"\xff\xfe{", FHIR),
    ],
)
def test_a_success_that_nobody_can_read_is_ambiguous(
    client: FhirClient, body: str | bytes, content_type: str
) -> None:
    answer("POST", "", body, content_type=content_type)
    with pytest.raises(AmbiguousRemoteError) as caught:
        client.transaction("{}")
    assert caught.value.status == 200


@responses.activate
def test_numbers_keep_their_digits(client: FhirClient) -> None:
    answer("GET", "/Observation/1", '{"resourceType":"Observation","id":"1","v":1.10}')
    assert str((client.read("Observation", "1").resource or {})["v"]) == "1.10"


@responses.activate
def test_another_resource_than_the_one_asked_for_is_not_taken(client: FhirClient) -> None:
    answer("GET", "/Observation/1", {"resourceType": "Observation", "id": "2"})
    with pytest.raises(TransientRemoteError):
        client.read("Observation", "1")


@responses.activate
@pytest.mark.parametrize("size", [9_000, 11_000, 5_000_000])
@pytest.mark.parametrize("packed", [True, False])
def test_the_size_of_an_answer_is_bounded(client: FhirClient, size: int, packed: bool) -> None:
    text = json.dumps({"resourceType": "Patient", "id": "1", "x": "a" * size})
    headers = {"Content-Encoding": "gzip"} if packed else {}
    answer("GET", "/Patient/1", gzip.compress(text.encode()) if packed else text, headers=headers)
    if size == 9_000:
        assert client.read("Patient", "1").resource is not None
    else:
        with pytest.raises(TransientRemoteError, match="larger than 10000 bytes"):
            client.read("Patient", "1")


@responses.activate
@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("br", b"x"),
        ("gzip", b"no gzip"),
        ("gzip", gzip.compress(b"{}", mtime=0)[:-4]),
        ("deflate", b"x"),
    ],
)
def test_a_body_that_cannot_be_unpacked_is_no_answer(
    client: FhirClient, encoding: str, body: bytes
) -> None:
    answer("POST", "", body, headers={"Content-Encoding": encoding})
    with pytest.raises(AmbiguousRemoteError, match="unpacked"):
        client.transaction("{}")


@responses.activate
@pytest.mark.parametrize(
    ("value", "seconds"), [("7", 7.0), ("1e9", None), ("-1", None), ("9" * 11, 86400.0)]
)
def test_retry_after_is_read_with_reason(
    client: FhirClient, value: str, seconds: float | None
) -> None:
    answer("POST", "", OUTCOME, status=503, headers={"Retry-After": value})
    with pytest.raises(TransientRemoteError) as caught:
        client.transaction("{}")
    assert caught.value.retry_after == seconds


@responses.activate
def test_redirects_are_not_followed(client: FhirClient) -> None:
    elsewhere = responses.add("GET", "https://evil.example/", json={})
    answer("GET", "/metadata", status=302, headers={"Location": "https://evil.example/"})
    with pytest.raises(PermanentRemoteError, match="another address"):
        client.capabilities()
    assert elsewhere.call_count == 0


@responses.activate
def test_what_each_request_says(client: FhirClient) -> None:
    answer("POST", "/Observation/_search", {"resourceType": "Bundle"})
    answer("POST", "", {"resourceType": "Bundle"})
    assert list(client.search("Observation", [("subject", "Patient/1")])) == []
    client.transaction("{}")
    search, transaction = (call.request for call in responses.calls)
    assert search.headers["Cache-Control"] == "no-cache"
    assert search.body == b"subject=Patient%2F1"
    assert "Patient%2F1" not in (search.url or "")
    assert transaction.headers["Content-Type"] == "application/fhir+json; charset=utf-8"
    for request in (search, transaction):
        assert request.headers["Accept"] == FHIR
        assert request.headers["User-Agent"] == f"fhir-backpain/{__version__}"


@responses.activate
def test_the_version_to_match_is_sent(client: FhirClient) -> None:
    answer("PUT", "/Patient/1", "", headers={"ETag": 'W/"4"'})
    assert client.put("Patient", "1", "{}", if_match="3").version_id == "4"
    assert responses.calls[0].request.headers["If-Match"] == 'W/"3"'


@responses.activate
def test_cookies_are_not_kept(client: FhirClient) -> None:
    statement = {"resourceType": "Bundle"}
    answer("POST", "", statement, headers={"Set-Cookie": "session=1; Path=/"})
    client.transaction("{}")
    client.transaction("{}")
    assert "Cookie" not in responses.calls[1].request.headers


@responses.activate
def test_capabilities_are_asked_once(client: FhirClient) -> None:
    answer(
        "GET",
        "/metadata",
        {
            "resourceType": "CapabilityStatement",
            "fhirVersion": "4.0.1",
            "software": {"name": "Example", "version": "2"},
            "rest": [
                {"mode": "client", "interaction": [{"code": "batch"}]},
                {
                    "mode": "server",
                    "interaction": [{"code": "transaction"}],
                    "resource": [{"type": "Patient", "interaction": [{"code": "update"}]}],
                },
            ],
        },
    )
    first = client.capabilities()
    assert client.capabilities() is first
    assert len(responses.calls) == 1
    assert (first.fhir_version, first.software) == ("4.0.1", "Example 2")
    assert (first.offers_transaction, first.offers_batch) == (True, False)
    assert first.offers("Patient", "update")
    assert not first.offers("Patient", "delete")


@responses.activate
def test_metadata_of_something_else_is_refused(client: FhirClient) -> None:
    answer("GET", "/metadata", {"resourceType": "Patient"})
    with pytest.raises(PermanentRemoteError):
        client.capabilities()


def page(*ids: str, following: str | None = None) -> dict[str, Any]:
    links = [{"relation": "next", "url": following}] if following else []
    entries = [{"resource": {"resourceType": "Patient", "id": one}} for one in ids]
    return {"resourceType": "Bundle", "link": links, "entry": entries}


@responses.activate
@pytest.mark.parametrize("relative", [True, False])
def test_pages_are_read_to_the_end(client: FhirClient, relative: bool) -> None:
    following = "?page=2" if relative else f"{BASE}?page=2"
    answer("POST", "/Patient/_search", page("1", "2", following=following))
    responses.add("GET", f"{BASE}/?page=2", json=page("3"), content_type=FHIR)
    responses.add("GET", f"{BASE}?page=2", json=page("3"), content_type=FHIR)
    found = [entry["resource"]["id"] for entry in client.search("Patient")]
    assert found == ["1", "2", "3"]


@responses.activate
@pytest.mark.parametrize(
    "following",
    [
        "https://evil.example/r4?page=2",
        "http://fhir.example/r4?page=2",
        "https://fhir.example:8443/r4?page=2",
        "https://fhir.example@evil.example/r4",
        "https://user@fhir.example/r4",
        "//evil.example/r4",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "https://[::1",
    ],
)
def test_a_next_link_elsewhere_makes_the_search_incomplete(
    client: FhirClient, following: str
) -> None:
    answer("POST", "/Patient/_search", page("1", following=following))
    found = client.search("Patient")
    assert next(found)["resource"]["id"] == "1"
    with pytest.raises(PermanentRemoteError) as caught:
        next(found)
    assert caught.value.issues[0].code == "incomplete"
    assert len(responses.calls) == 1


@responses.activate
def test_a_circle_of_pages_ends(client: FhirClient) -> None:
    answer("POST", "/Patient/_search", page("1", following=f"{BASE}?page=2"))
    responses.add(
        "GET", f"{BASE}?page=2", json=page("2", following=f"{BASE}?page=2"), content_type=FHIR
    )
    with pytest.raises(PermanentRemoteError, match="circle"):
        list(client.search("Patient"))


@responses.activate
@pytest.mark.parametrize(
    ("status", "kind"), [(410, PermanentRemoteError), (503, TransientRemoteError)]
)
def test_an_expired_page_makes_the_search_incomplete(
    client: FhirClient, status: int, kind: type[RemoteError]
) -> None:
    answer("POST", "/Patient/_search", page("1", following=f"{BASE}?page=2"))
    responses.add("GET", f"{BASE}?page=2", json=OUTCOME, status=status, content_type=FHIR)
    with pytest.raises(kind) as caught:
        list(client.search("Patient"))
    assert caught.value.issues[0].code == "incomplete"


@responses.activate
@pytest.mark.parametrize(
    "body", [{"resourceType": "Patient"}, {"resourceType": "Bundle", "entry": 1}]
)
def test_a_page_that_is_none_makes_the_search_incomplete(
    client: FhirClient, body: dict[str, Any]
) -> None:
    answer("POST", "/Patient/_search", body)
    with pytest.raises(PermanentRemoteError) as caught:
        list(client.search("Patient"))
    assert caught.value.issues[0].code == "incomplete"


@responses.activate
def test_ids_cannot_leave_their_place(client: FhirClient) -> None:
    answer("GET", "/Patient/..%2F..%2Fadmin%3Fx", OUTCOME, status=404)
    with pytest.raises(PermanentRemoteError):
        client.read("Patient", "../../admin?x")
    assert responses.calls[0].request.url == f"{BASE}/Patient/..%2F..%2Fadmin%3Fx"


@responses.activate
def test_a_refused_token_is_fetched_once_more() -> None:
    tokens = iter(["old", "new"])
    with FhirClient(BASE, credentials=BearerToken(lambda: (next(tokens), 300.0))) as client:
        old, new = (
            [responses.matchers.header_matcher({"Authorization": f"Bearer {name}"})]
            for name in ("old", "new")
        )
        responses.add("POST", BASE, status=401, match=old)
        responses.add("POST", BASE, json={"resourceType": "Bundle"}, content_type=FHIR, match=new)
        assert client.transaction("{}").status == 200


@responses.activate
def test_fixed_headers_are_sent_and_a_401_is_final() -> None:
    with FhirClient(BASE, credentials=FixedHeaders({"X-Key": "secret"})) as client:
        answer("POST", "", OUTCOME, status=401)
        with pytest.raises(PermanentRemoteError) as caught:
            client.transaction("{}")
    assert len(responses.calls) == 1
    assert responses.calls[0].request.headers["X-Key"] == "secret"
    assert "secret" not in str(caught.value) + repr(client.__dict__)


@responses.activate
@pytest.mark.parametrize(
    ("error", "writing"),
    [
        (requests.exceptions.ConnectTimeout(), TransientRemoteError),
        (requests.exceptions.SSLError(), TransientRemoteError),
        (requests.exceptions.ProxyError(), TransientRemoteError),
        (requests.exceptions.ReadTimeout(), AmbiguousRemoteError),
        (requests.exceptions.ConnectionError(), AmbiguousRemoteError),
        (requests.exceptions.ChunkedEncodingError(), AmbiguousRemoteError),
        (OSError(), AmbiguousRemoteError),
    ],
)
def test_each_broken_exchange_has_its_kind(
    client: FhirClient, error: Exception, writing: type[RemoteError]
) -> None:
    responses.add("POST", BASE, body=error)
    responses.add("GET", f"{BASE}/Patient/1", body=error)
    with pytest.raises(RemoteError) as written:
        client.transaction("{}")
    with pytest.raises(TransientRemoteError):
        client.read("Patient", "1")
    assert type(written.value) is writing
    assert written.value.status is None
