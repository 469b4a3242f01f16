from __future__ import annotations

import gzip
import json
import zlib

import pytest

from fhir_backpain.fhir.json_text import LIMITS
from fhir_backpain.sandbox.http_message import MAX_BODY

JSON = "application/fhir+json"


def send(api, body: bytes, content_type=JSON, **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return api.client.post("/fhir/Patient", data=body, content_type=content_type, headers=named)


def nested(depth: int, inner: bytes = b"1") -> bytes:
    """A Patient around `depth` objects, one within the other."""
    return b'{"resourceType":"Patient","a":' + b'{"a":' * depth + inner + b"}" * depth + b"}"


@pytest.mark.parametrize(
    ("code", "bodies"),
    [
        ("structure", [
            b"", b"{", b"[]", b"null", b'"x"', b"{'a':1}", b'{"a":1,}', b'{"a":1}x',
            b'{"a":"\xff"}', b"\xff\xfe{\x00}\x00",
        ]),
        ("duplicate", [b'{"resourceType":"Patient","a":1,"a":2}']),
        ("value", [
            b'{"a":NaN}', b'{"a":Infinity}', b'{"a":-Infinity}', b'{"a":01}', b'{"a":"\\u0000"}',
            b'{"\\u0000":1}', b'{"a":"\\ud800"}', b'{"a":"\x01"}', b'{"a":' + b"9" * 5000 + b"}",
            b'{"a":1e99999999999999999999}',
        ]),
        ("too-costly", [nested(LIMITS.max_depth), b'{"a":' + b"[" * 100_000]),
    ],
)  # fmt: skip
def test_only_strict_json_is_taken(api, code, bodies):
    for body in bodies:
        check_refusal(api, send(api, body), code)


def check_refusal(api, response, code):
    assert response.status_code == 400, response.text
    issue = response.get_json()["issue"][0]
    assert issue["code"] == code, response.text
    assert "Next:" in issue["details"]["text"]
    assert api.total("Patient") == 0


def test_deep_enough_is_taken(api):
    assert send(api, nested(LIMITS.max_depth - 1)).status_code == 201
    assert send(api, nested(LIMITS.max_depth)).status_code == 400


def test_strings_are_checked_at_every_level(api):
    for depth in (1, 2, LIMITS.max_depth - 1):
        response = send(api, nested(depth, b'"\\u0000"'))
        assert response.status_code == 400
        assert "NUL" in response.text


def test_a_position_is_told(api):
    issue = send(api, b'{"a":1,\n  "b":x}').get_json()["issue"][0]
    places = {part["url"].rpartition("/")[2]: part for part in issue["extension"]}
    assert places["operationoutcome-issue-line"]["valueInteger"] == 2
    assert places["operationoutcome-issue-col"]["valueInteger"] == 7
    assert issue["diagnostics"] == "source 2:7 at /b"


@pytest.mark.parametrize(
    "number",
    ["1.10", "0.1", "1e5", "1E-7", "100", "-0", "-0.0", "123456789012345678901234567890",
     "0.10000000000000000000000000001", "1.7976931348623157e309", "0." + "3" * 100],
)  # fmt: skip
def test_numbers_keep_their_digits(api, number):
    body = f'{{"resourceType":"Patient","x":[{number},{{"y":{number}}}]}}'.encode()
    stored = send(api, body).text
    values = json.loads(stored, parse_float=str, parse_int=str)["x"]
    written = [text.upper().replace("E+", "E") for text in (values[0], values[1]["y"])]
    assert written == [number.upper()] * 2


@pytest.mark.parametrize("number", [b"1", b"1.10"])
def test_text_survives(api, number):
    members = (
        b'"z":'
        + number
        + b',"a":"\xc3\xbc\xf0\x9f\x98\x80\\"\\\\\\n\xe2\x80\xa8","l":[true,null,{}]'
    )
    response = send(api, b'{"resourceType":"Patient",' + members + b"}")
    assert response.status_code == 201
    assert response.data.endswith(members + b"}")


@pytest.mark.parametrize(
    "content_type",
    ["application/fhir+xml", "text/plain", "application/xml", "", "application/json-patch+json",
     "application/fhir+json; charset=utf-16"],
)  # fmt: skip
def test_other_media_types_are_refused(api, content_type):
    response = send(api, b'{"resourceType":"Patient"}', content_type)
    assert response.status_code == 415
    assert response.get_json()["resourceType"] == "OperationOutcome"


@pytest.mark.parametrize(
    "content_type",
    [JSON, "application/json", "application/fhir+json; charset=UTF-8; fhirVersion=4.0"],
)
def test_json_media_types_are_taken(api, content_type):
    assert send(api, b'{"resourceType":"Patient"}', content_type).status_code == 201


@pytest.mark.parametrize(
    ("accept", "query", "status"),
    [
        ("application/fhir+xml", "", 406),
        ("text/turtle, application/fhir+xml;q=0.9", "", 406),
        ("application/fhir+xml, application/fhir+json;q=0.1", "", 200),
        ("*/*", "", 200),
        ("application/fhir+xml", "?_format=json", 200),
        ("application/fhir+json", "?_format=xml", 406),
        ("application/fhir+json", "?_format=application/fhir%2Bjson", 200),
        ("application/fhir+json", "?_format=application/fhir+json", 200),
    ],
)
def test_accept_and_format(api, accept, query, status):
    response = api.get(f"Patient{query}", Accept=accept)
    assert response.status_code == status
    assert response.content_type == f"{JSON}; charset=utf-8"


def test_gzip_both_ways(api):
    body = json.dumps({"resourceType": "Patient", "x": "y" * 5000}).encode()
    response = send(api, gzip.compress(body), Content_Encoding="gzip", Accept_Encoding="gzip")
    assert response.status_code == 201
    assert response.headers["Content-Encoding"] == "gzip"
    assert json.loads(gzip.decompress(response.data))["x"] == "y" * 5000
    plain = api.get(response.headers["Location"].replace(api.base, ""))
    assert "Content-Encoding" not in plain.headers


@pytest.mark.parametrize(
    "raw", [b"junk", gzip.compress(b"{}", mtime=0)[:-4], gzip.compress(b"{}", mtime=0) + b"x"]
)
def test_broken_gzip_is_refused(api, raw):
    assert send(api, raw, Content_Encoding="gzip").status_code == 400


def test_other_encodings_are_refused(api):
    assert send(api, zlib.compress(b"{}"), Content_Encoding="deflate").status_code == 415


def test_gzip_bomb_is_refused(api):
    bomb = gzip.compress(b"[" * (MAX_BODY + 1), compresslevel=9)
    response = send(api, bomb, Content_Encoding="gzip")
    assert (response.status_code, response.get_json()["issue"][0]["code"]) == (413, "too-long")


def test_too_large_is_refused(api):
    response = send(api, b" " * (MAX_BODY + 1))
    assert (response.status_code, response.get_json()["issue"][0]["code"]) == (413, "too-long")


def test_meta_must_be_an_object(api):
    assert send(api, b'{"resourceType":"Patient","meta":[]}').status_code == 400


def test_request_id_is_given_back(api):
    assert api.get("Patient", X_Request_Id="abc-1").headers["X-Request-Id"] == "abc-1"
    assert "X-Request-Id" not in api.get("Patient", X_Request_Id="a b").headers


def test_no_value_of_a_patient_is_told_in_errors(api):
    body = {"resourceType": "Patient", "id": "a", "birthDate": "CANARY"}
    api.put(body)
    for response in (
        api.get("Patient?birthdate=CANARY"),
        api.put(body, "Patient/b"),
        api.post(body, "Observation"),
        send(api, b'{"CANARY":"CANARY" "CANARY"}'),
        api.post(body, If_None_Exist="identifier=CANARY&x=CANARY"),
    ):
        assert response.status_code == 400
        assert "CANARY" not in response.text


def test_internal_errors_tell_their_kind_alone(api, monkeypatch, caplog):
    def fail(*_):
        raise KeyError("CANARY")

    store = api.client.application.extensions["fhir_backpain.sandbox"].store
    monkeypatch.setattr(store, "reading", fail)
    response = api.get("Patient")
    assert response.status_code == 500
    assert "KeyError" in response.get_json()["issue"][0]["details"]["text"]
    assert "KeyError" in caplog.text
    assert "CANARY" not in response.text + caplog.text


def test_too_many_parameters_are_refused(api):
    assert api.get("Patient?" + "a=1&" * 5000).status_code == 400
