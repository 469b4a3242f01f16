from __future__ import annotations

import gzip
import json
import zlib

import pytest

from fhir_backpain.sandbox.http_message import MAX_BODY
from fhir_backpain.sandbox.interaction_error import InteractionError
from fhir_backpain.sandbox.json_text import MAX_DEPTH, content_digest, parse_json, write_json

JSON = "application/fhir+json"


def send(api, body: bytes, content_type=JSON, **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return api.client.post("/fhir/Patient", data=body, content_type=content_type, headers=named)


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b"null", b'"x"', b"{'a':1}", b'{"a":1,}', b'{"a":1}x',
        b'{"resourceType":"Patient","a":1,"a":2}', b'{"a":NaN}', b'{"a":Infinity}',
        b'{"a":-Infinity}', b'{"a":01}', b'{"a":"\xff"}', b'{"a":"\\u0000"}', b'{"\\u0000":1}',
        b'{"a":"\\ud800"}', b'{"a":"\x01"}', b'{"a":' + b"9" * 5000 + b"}",
        b'{"a":1e99999999999999999999}', b"\xff\xfe{\x00}\x00",
        b'{"a":' * (MAX_DEPTH + 1) + b"1" + b"}" * (MAX_DEPTH + 1),
        b'{"a":' + b"[" * 100_000,
    ],
)  # fmt: skip
def test_only_strict_json_is_taken(api, body):
    response = send(api, body)
    assert response.status_code == 400, response.text
    issue = response.get_json()["issue"][0]
    assert issue["code"] == "structure"
    assert "Next:" in issue["details"]["text"]
    assert api.total("Patient") == 0


def test_deep_enough_is_taken():
    assert parse_json(b'{"a":' * MAX_DEPTH + b"1" + b"}" * MAX_DEPTH)
    with pytest.raises(InteractionError):
        parse_json(b'{"a":' * (MAX_DEPTH + 1) + b"1" + b"}" * (MAX_DEPTH + 1))


def test_strings_are_checked_at_every_level():
    for depth in (1, 2, MAX_DEPTH):
        with pytest.raises(InteractionError, match="NUL"):
            parse_json(b'{"a":' * depth + b'"\\u0000"' + b"}" * depth)


def test_a_position_is_told():
    with pytest.raises(InteractionError, match="line 2, column 3"):
        parse_json(b'{"a":1,\n  x}')


@pytest.mark.parametrize(
    "number",
    ["1.10", "0.1", "1e5", "1E-7", "100", "-0.0", "123456789012345678901234567890",
     "0.10000000000000000000000000001", "1.7976931348623157e309"],
)  # fmt: skip
def test_numbers_keep_their_digits(api, number):
    body = f'{{"resourceType":"Patient","x":[{number},{{"y":{number}}}]}}'.encode()
    stored = send(api, body).text
    values = json.loads(stored, parse_float=str, parse_int=str)["x"]
    written = [text.upper().replace("E+", "E") for text in (values[0], values[1]["y"])]
    assert written == [number.upper()] * 2


def test_text_survives():
    value = {"a": 'ü\U0001f600"\\\n\u2028', "b": [True, None, False, {}]}
    assert parse_json(write_json(value).encode()) == value
    mixed = parse_json(b'{"z":1.10,"a":"\xc3\xbc\\n\\"","l":[true,null,{}]}')
    assert write_json(mixed) == '{"z":1.10,"a":"ü\\n\\"","l":[true,null,{}]}'


def test_digest_tells_types_and_digits_apart():
    bodies = [b'{"a":1}', b'{"a":true}', b'{"a":"1"}', b'{"a":1.0}', b'{"a":1.00}', b'{"a":[1]}']
    assert len({content_digest(parse_json(body)) for body in bodies}) == len(bodies)
    assert content_digest({"a": 1, "b": 2}) == content_digest({"b": 2, "a": 1, "meta": {}})


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


@pytest.mark.parametrize("raw", [b"junk", gzip.compress(b"{}")[:-4], gzip.compress(b"{}") + b"x"])
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
