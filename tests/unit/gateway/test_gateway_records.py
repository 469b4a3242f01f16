"""Taking records: what is answered with 202 is stored, and nothing else is."""

from __future__ import annotations

import json
import logging
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask

from fhir_backpain.gateway.app import create_app
from fhir_backpain.gateway.settings import GatewaySettings
from fhir_backpain.mapping.mapper import Mapper
from fhir_backpain.outbox.sqlite import SqliteStore
from tests.records import exact

Record = dict[str, Any]
NDJSON = {"Content_Type": "application/x-ndjson"}


def ndjson(records: list[Record]) -> bytes:
    return "".join(json.dumps(record) + "\n" for record in records).encode()


def stored(store: SqliteStore) -> int:
    return sum(store.counts().values())


def test_a_record_is_stored_before_its_delivery_is_named(
    api: Any, store: SqliteStore, records: list[Record]
) -> None:
    answer = api.post(records[0])
    assert answer.status_code == 202
    assert answer.headers["Location"] == f"/api/v1/deliveries/{answer.json['id']}"
    assert answer.json["receipt"] == "queued"
    assert store.entry(answer.json["id"]).key.id == records[0]["id"]
    assert json.loads(json.dumps(store.data(answer.json["id"]), default=float)) == records[0]


def test_a_number_keeps_its_digits(api: Any, store: SqliteStore, records: list[Record]) -> None:
    text = json.dumps(records[0])
    record = json.loads(text, parse_float=Decimal)
    rating = record["pain"]["ratings"][0]
    rating["score"] = "HERE"
    body = json.dumps(record, default=float).replace('"HERE"', "3.0")
    answer = api.post(body.encode())
    assert answer.status_code == 202, answer.data
    assert str(store.data(answer.json["id"])["pain"]["ratings"][0]["score"]) == "3.0"


def test_the_same_record_twice_is_one_delivery(
    api: Any, store: SqliteStore, records: list[Record]
) -> None:
    first, second = api.post(records[0]), api.post(records[0])
    assert second.status_code == 202
    assert second.json == {**first.json, "receipt": "unchanged"}
    assert stored(store) == 1


def test_a_list_is_a_submission(api: Any, store: SqliteStore, records: list[Record]) -> None:
    answer = api.post(records[:4])
    assert answer.status_code == 202
    assert answer.headers["Location"] == answer.json["url"]
    assert (answer.json["accepted"], answer.json["refused"]) == (4, 0)
    assert [one["place"] for one in answer.json["deliveries"]] == ["/0", "/1", "/2", "/3"]
    assert stored(store) == 4
    entry = store.entry(answer.json["deliveries"][3]["id"])
    assert (entry.location.file, entry.location.pointer) == (answer.json["url"], "/3")


def test_ndjson_is_a_submission_of_lines(
    api: Any, store: SqliteStore, records: list[Record]
) -> None:
    body = ndjson(records[:2]).replace(b"\n", b"\n\n", 1)
    answer = api.post(body, **NDJSON)
    assert answer.status_code == 202
    assert [one["place"] for one in answer.json["deliveries"]] == ["line 1", "line 3"]
    assert store.entry(answer.json["deliveries"][1]["id"]).location.line == 3


def test_a_list_is_all_or_nothing(
    api: Any, store: SqliteStore, records: list[Record], diagnostics: Any
) -> None:
    records[3]["pain"] = {"ratings": [{"scale": "no-such-scale", "score": 3}]}
    answer = api.post(records[:5])
    assert answer.status_code == 422
    assert stored(store) == 0
    assert all(" at /3/pain" in place for place in diagnostics(answer.json))
    assert not any("expression" in issue for issue in answer.json["issue"])


def test_partial_takes_the_good_ones_and_tells_of_the_others(
    api: Any, store: SqliteStore, records: list[Record], diagnostics: Any
) -> None:
    del records[1]["patient"]
    answer = api.post(records[:3], "/api/v1/records?partial=true")
    assert answer.status_code == 202
    assert (answer.json["accepted"], answer.json["refused"]) == (2, 1)
    assert [one["place"] for one in answer.json["deliveries"]] == ["/0", "/2"]
    assert "source at /1/patient" in diagnostics(answer.json["outcome"])
    assert stored(store) == 2
    kept = api.get(answer.headers["Location"]).json
    assert kept["outcome"] == answer.json["outcome"]


def test_partial_without_any_good_record_is_refused(
    api: Any, store: SqliteStore, records: list[Record]
) -> None:
    del records[0]["patient"]
    assert api.post(records[:1], "/api/v1/records?partial=true").status_code == 422
    assert stored(store) == 0


def test_partial_ndjson_passes_over_a_line_that_is_not_json(
    api: Any, store: SqliteStore, records: list[Record], diagnostics: Any
) -> None:
    body = b'{"record": "assess\n' + ndjson(records[:1])
    assert api.post(body, **NDJSON).status_code == 400
    assert stored(store) == 0
    answer = api.post(body, "/api/v1/records?partial=true", **NDJSON)
    assert answer.status_code == 202
    assert answer.json["deliveries"][0]["place"] == "line 2"
    assert diagnostics(answer.json["outcome"])[0].startswith("source 1:")


MALFORMED = [
    (b"", 400),
    (b" \n", 400),
    (b"null", 400),
    (b"true", 400),
    (b"7", 400),
    (b'"text"', 400),
    (b"[]", 400),
    (b"{}", 422),
    (b"[{}]", 422),
    (b"[7]", 422),
    (b"[null, []]", 422),
    (b"[[[]]]", 422),
    (b"{", 400),
    (b"[{},", 400),
    (b"{}{}", 400),
    (b'{"a": 1, "a": 2}', 400),
    (b'{"a": NaN}', 400),
    (b'{"a": Infinity}', 400),
    (b'{"a": 1e999999}', 400),
    (b'{"a": 01}', 400),
    (b'{"a": "\\u0000"}', 400),
    (b'{"a": "\\ud800"}', 400),
    (b'{"a": "\xff"}', 400),
    (b"{'a': 1}", 400),
    (b"{a: 1}", 400),
    (b'{"a": 1,}', 400),
    (b'{"a": // no\n 1}', 400),
    (b"\xff\xfe{\x00}\x00", 400),
    (b"[" * 100_000, 400),
    (b"[" * 70 + b"]" * 70, 400),
    (b'{"a":' * 5000 + b"1" + b"}" * 5000, 400),
    (b"<?xml version='1.0'?><!DOCTYPE r [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><r>&x;</r>", 400),
    (b'{"record": "assessment"}', 422),
    (b'{"record": "Patient", "id": "x"}', 422),
    (b'{"record": ["assessment"]}', 422),
    (b'{"resourceType": "Observation"}', 422),
]


@pytest.mark.parametrize(("body", "status"), MALFORMED)
@pytest.mark.parametrize("path", ["/api/v1/records", "/api/v1/records/$dry-run"])
def test_a_malformed_body_is_refused(
    api: Any, store: SqliteStore, body: bytes, status: int, path: str
) -> None:
    answer = api.post(body, path)
    assert answer.status_code == status
    assert stored(store) == 0


@pytest.mark.parametrize("body", [b"", b"\n\n", b"[]\n", b"7\n", b"{\n}\n", b"\xff\n", b"{}{}\n"])
def test_malformed_ndjson_is_refused(api: Any, store: SqliteStore, body: bytes) -> None:
    assert api.post(body, **NDJSON).status_code == 400
    assert stored(store) == 0


def test_no_value_of_a_record_is_repeated_or_logged(
    api: Any, records: list[Record], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    canary = "CANARY9731"
    record = records[0]
    record["patient"]["gender"] = canary
    record["patient"]["birth_date"] = canary
    record["pain"] = {"ratings": [{"scale": canary, "score": canary}], "side": canary}
    record["recorded_at"] = canary
    path = f"/api/v1/records?{canary}={canary}"
    answers = [
        api.post(record),
        api.post([record]),
        api.post(json.dumps(record).encode() + b"}"),
        api.post(record, path, X_Request_Id=f"{canary} {canary}"),
        api.post(record, "/api/v1/records?partial=" + canary),
        api.send(canary, "/api/v1/records", None),
        api.get(f"/api/v1/deliveries/{canary}"),
        api.get(f"/api/v1/deliveries?state={canary}"),
        api.get(f"/{canary}"),
    ]
    assert all(answer.status_code >= 400 for answer in answers)
    assert not any(canary.encode() in answer.data for answer in answers)
    assert canary not in caplog.text


@pytest.mark.parametrize(
    ("headers"),
    [
        {"Content_Type": "application/fhir+json"},
        {"Content_Type": "application/xml"},
        {"Content_Type": "application/fhir+xml"},
        {"Content_Type": "text/plain"},
        {"Content_Type": "application/x-www-form-urlencoded"},
        {"Content_Type": "application/json; charset=iso-8859-1"},
        {"Content_Type": ""},
        {"Content_Type": "application/json", "Content_Encoding": "gzip"},
    ],
)
def test_another_media_type_is_415(
    api: Any, store: SqliteStore, records: list[Record], headers: dict[str, str]
) -> None:
    body = json.dumps(records[0]).encode()
    answer = api.send("POST", "/api/v1/records", body, **headers)
    assert answer.status_code == 415
    assert answer.headers["Accept-Post"].startswith("application/json, application/x-ndjson, ")
    assert stored(store) == 0


def test_a_charset_of_utf8_is_fine(api: Any, records: list[Record]) -> None:
    headers = {"Content_Type": "application/json; charset=UTF-8"}
    assert api.post(records[0], **headers).status_code == 202


def test_too_large_is_413(
    tmp_path: Any, store: SqliteStore, mapper: Mapper, records: list[Record], api: Any
) -> None:
    small = GatewaySettings("http://127.0.0.1:9", store.path, max_body=2000, max_records=3)
    client = create_app(small, store=store, mapper=mapper).test_client()
    assert client.post("/api/v1/records", json={"a": "x" * 3000}).status_code == 413
    assert client.post("/api/v1/records", json=[{}] * 4).status_code == 413
    many = client.post("/api/v1/records", data=b"{}\n" * 4, content_type="application/x-ndjson")
    assert many.status_code == 413
    assert many.json["issue"][0]["code"] == "too-long"
    assert stored(store) == 0


def test_patient_data_does_not_go_to_a_public_server(
    store: SqliteStore, mapper: Mapper, records: list[Record]
) -> None:
    settings = GatewaySettings("https://hapi.fhir.org/baseR4", store.path)
    client = create_app(settings, store=store, mapper=mapper).test_client()
    assert client.post("/api/v1/records", json=records[0]).status_code == 202
    del records[1]["test_data"]
    for path in ("/api/v1/records", "/api/v1/records?partial=true", "/api/v1/records/$dry-run"):
        answer = client.post(path, json=records[:2])
        assert answer.status_code == 403
        assert answer.json["issue"][0]["code"] == "security"
        assert answer.json["issue"][0]["diagnostics"] == "source at /1"
    assert stored(store) == 1


def test_twenty_at_a_time(app: Flask, store: SqliteStore, records: list[Record]) -> None:
    def post(record: Record) -> Any:
        return app.test_client().post("/api/v1/records", json=record)

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(post, records[:20] * 2))
    assert {answer.status_code for answer in answers} == {202}
    assert stored(store) == 20
    by_record = {(a.json["id"], index % 20) for index, a in enumerate(answers)}
    assert len(by_record) == 20
    assert sorted(a.json["receipt"] for a in answers) == ["queued"] * 20 + ["unchanged"] * 20


def test_a_locked_outbox_is_503(
    api: Any, store: SqliteStore, settings: GatewaySettings, records: list[Record]
) -> None:
    other = sqlite3.connect(settings.outbox, isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
        answer = api.post(records[0])
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) > 0
        assert answer.json["issue"][0]["code"] == "lock-error"
        assert str(settings.outbox) not in answer.text
        other.execute("ROLLBACK")
    finally:
        other.close()
    assert stored(store) == 0
    assert api.post(records[0]).status_code == 202


def fill(path: Any, store: SqliteStore) -> None:
    """Let the outbox's own connection have no page more."""
    pages = pragma(store, "page_count")
    assert pragma(store, f"max_page_count = {pages}") == pages


def pragma(store: SqliteStore, text: str) -> Any:
    return store.database.read(lambda session: session.execute(f"PRAGMA {text}").fetchone()[0])


def test_a_full_disk_is_507_and_nothing_of_a_list_is_stored(
    api: Any, store: SqliteStore, settings: GatewaySettings, records: list[Record]
) -> None:
    fill(settings.outbox, store)
    answer = api.post(records)
    assert answer.status_code == 507
    assert answer.json["issue"][0]["code"] == "no-store"
    assert str(settings.outbox) not in answer.text
    assert stored(store) == 0
    pragma(store, "max_page_count = 1000000")
    assert api.post(records).status_code == 202


def test_a_closed_outbox_is_507(api: Any, store: SqliteStore, records: list[Record]) -> None:
    store.close()
    assert api.post(records[0]).status_code == 507
    assert api.get("/api/v1/status").status_code == 500


def test_a_submission_that_cannot_be_kept_is_no_202(
    api: Any, store: SqliteStore, settings: GatewaySettings, records: list[Record]
) -> None:
    book = settings.outbox
    other = sqlite3.connect(book, isolation_level=None)
    try:
        other.execute("DROP TABLE note")
    finally:
        other.close()
    assert api.post(records[:2]).status_code == 507


def test_a_dry_run_shows_the_bundle_and_stores_nothing(
    api: Any, store: SqliteStore, records: list[Record], mapper: Mapper
) -> None:
    answer = api.post(records[:2], "/api/v1/records/$dry-run")
    assert answer.status_code == 200
    assert answer.content_type == "application/fhir+json; charset=utf-8"
    bundle, outcome = (one["resource"] for one in answer.json["parameter"])
    assert (bundle["resourceType"], bundle["type"]) == ("Bundle", "transaction")
    sent = {entry["request"]["url"] for entry in bundle["entry"]}
    assert sent == {made.url for record in records[:2] for made in mapper(exact(record))}
    assert all(entry["request"]["method"] == "PUT" for entry in bundle["entry"])
    assert outcome["issue"][0]["severity"] == "information"
    assert stored(store) == 0


def test_a_dry_run_tells_what_is_wrong(api: Any, records: list[Record]) -> None:
    del records[1]["patient"]
    assert api.post(records[:2], "/api/v1/records/$dry-run").status_code == 422
    answer = api.post(records[:2], "/api/v1/records/$dry-run?partial=true")
    bundle, outcome = (one["resource"] for one in answer.json["parameter"])
    assert bundle["entry"]
    assert outcome["issue"][0]["diagnostics"] == "source at /1/patient"
