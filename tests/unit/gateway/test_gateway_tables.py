"""Tables that are sent with the name of a mapping, or with one of their own."""

from __future__ import annotations

import gzip
import io
from typing import Any

import pytest
from flask import Flask

from fhir_backpain.outbox.sqlite import SqliteStore

HOME_TABLE = (
    "row_id,mrn,surname,first_name,sex,dob,entered,utc_offset,staff_no,staff_name,visit_date,"
    "item,unit,val,missing,region,remark\n"
    "R-1,P-1,Doe,Ann,f,01/02/1970,02/03/2026 09:40,+01:00,S1,Nurse,02/03/2026 09:30,"
    "PAINWK,0-10,7,,LB,\n"
)
FEED = """\
feed: weekly
makes: observation
parameters: {exported_at: instant}
table: {delimiter: ";", missing: [""], encoding: latin-1}
record:
  test_data: true
  id: {=text: "{mrn}-{visit}"}
  source: https://clinic.example/weekly
  recorded_at: =parameter.exported_at
  patient:
    identifier: {system: https://clinic.example/mrn, value: =mrn}
    name: {family: =name}
  observed_at: {=date: visit, form: dd/mm/yyyy}
  measure: pain-nrs-week
  score: {=number: pain}
"""
TABLE = "mrn;visit;pain;name\nP-1;02/03/2026;7;Müller\nP-2;09/03/2026;4;Doe\n"
AT = "exported_at=2026-03-10T18:00:00+01:00"


def csv(api: Any, body: str | bytes, query: str = "?mapping=home-measurements", **more: str) -> Any:
    data = body.encode() if isinstance(body, str) else body
    return api.post(data, f"/api/v1/records{query}", **{"Content_Type": "text/csv", **more})


def form(app: Flask, table: bytes | None = None, feed: str = FEED, **more: Any) -> Any:
    data: dict[str, Any] = {"mapping": (io.BytesIO(feed.encode()), "w.feed.yaml"), "set": AT}
    sent = TABLE.encode("latin-1") if table is None else table
    data |= {"table": (io.BytesIO(sent), "weekly.csv")} | more
    return app.test_client().post("/api/v1/records", data=data)


def stored(store: SqliteStore) -> int:
    return sum(store.counts().values())


def numbers(answer: Any) -> list[str]:
    return [one["extension"][0]["valueString"] for one in answer.json["issue"]]


def test_a_table_with_a_mapping_of_the_installation(api: Any, store: SqliteStore) -> None:
    answer = csv(api, HOME_TABLE)
    assert answer.status_code == 202, answer.text
    (one,) = answer.json["deliveries"]
    assert one["place"] == "line 2"
    entry = store.entry(one["id"])
    assert (entry.location.file, entry.location.line) == (answer.json["url"], 2)
    assert store.data(one["id"])["score"] == 7


def test_a_table_with_a_mapping_of_its_own(app: Flask, store: SqliteStore) -> None:
    answer = form(app)
    assert answer.status_code == 202, answer.text
    entries = [store.data(one["id"]) for one in answer.json["deliveries"]]
    assert [one["patient"]["name"]["family"] for one in entries] == ["Müller", "Doe"]
    assert entries[0]["recorded_at"] == "2026-03-10T18:00:00+01:00"


def test_a_form_may_name_its_mapping(app: Flask, store: SqliteStore) -> None:
    data = {"table": (io.BytesIO(HOME_TABLE.encode()), "t.csv"), "mapping": "home-measurements"}
    assert app.test_client().post("/api/v1/records", data=data).status_code == 202
    assert stored(store) == 1


def test_a_wrong_row_is_named_by_line_and_column(api: Any, store: SqliteStore) -> None:
    bad = HOME_TABLE + HOME_TABLE.splitlines()[1].replace("R-1", "R-2").replace(",7,", ",x,") + "\n"
    answer = csv(api, bad)
    assert answer.status_code == 422
    assert "source 3" in answer.json["issue"][0]["diagnostics"]
    assert "val" in answer.json["issue"][0]["diagnostics"]
    assert "/tmp" not in answer.text
    assert "table.csv" not in answer.text
    assert stored(store) == 0
    partly = csv(api, bad, "?mapping=home-measurements&partial=true")
    assert partly.status_code == 202
    assert (partly.json["accepted"], partly.json["refused"]) == (1, 1)


def test_a_column_that_nothing_explains_is_an_issue_of_the_whole(
    api: Any, store: SqliteStore
) -> None:
    lines = HOME_TABLE.splitlines()
    more = f"{lines[0]},extra\n{lines[1]},1\n"
    answer = csv(api, more)
    assert answer.status_code == 422
    assert "extra" in answer.text
    assert stored(store) == 0
    assert csv(api, more, "?mapping=home-measurements&partial=true").json["accepted"] == 1


@pytest.mark.parametrize(
    ("query", "status", "number"),
    [
        ("", 422, "FBP-8124"),
        ("?mapping=", 422, "FBP-8124"),
        ("?mapping=nothing", 404, "FBP-8125"),
        ("?mapping=assessment-cause", 404, "FBP-8125"),
        ("?mapping=home-measurements&set=x", 400, "FBP-8107"),
        ("?mapping=home-measurements&mapping=x", 400, "FBP-8107"),
    ],
)
def test_a_table_needs_its_mapping(
    api: Any, store: SqliteStore, query: str, status: int, number: str
) -> None:
    answer = csv(api, HOME_TABLE, query)
    assert (answer.status_code, numbers(answer)) == (status, [number])
    assert stored(store) == 0


@pytest.mark.parametrize(
    "name",
    ["../../pyproject", "..%2f..%2fpyproject", "%2e%2e/x", "home-measurements%00", "/etc/passwd"],
)
def test_a_name_is_no_path(api: Any, name: str) -> None:
    assert csv(api, HOME_TABLE, f"?mapping={name}").status_code == 404
    assert api.get(f"/api/v1/mappings/{name}").status_code in (404, 400)


def test_parameters_are_checked(app: Flask) -> None:
    assert form(app, set="").status_code == 400
    assert form(app, set=[AT, "more=1"]).status_code == 422
    assert form(app, set="exported_at=yesterday").status_code == 422


@pytest.mark.parametrize("feed", ["x: [", "feed: x", FEED.replace("=mrn", "=parameter.x"), "\0"])
def test_a_mapping_that_is_wrong_is_told_at_its_line(
    app: Flask, store: SqliteStore, feed: str
) -> None:
    answer = form(app, feed=feed)
    assert answer.status_code == 422
    assert "mapping.yaml:" in answer.json["issue"][0]["diagnostics"]
    assert stored(store) == 0


def test_a_table_that_is_no_table_is_refused(app: Flask, api: Any, store: SqliteStore) -> None:
    assert csv(api, gzip.compress(HOME_TABLE.encode())).status_code == 415
    assert csv(api, b"").status_code == 400
    assert csv(api, b"PK\x03\x04" + b"x" * 100).status_code == 400
    assert csv(api, HOME_TABLE, Content_Encoding="gzip").status_code == 415
    assert csv(api, HOME_TABLE, Content_Type="text/csv; charset=utf-16").status_code == 415
    assert csv(api, HOME_TABLE, Content_Type="text/csv; charset=nothing").status_code == 415
    assert app.test_client().post("/api/v1/records", data={"x": "1"}).status_code in (415, 422)
    answer = app.test_client().post("/api/v1/records", data={"x": (io.BytesIO(b"1"), "x")})
    assert (answer.status_code, numbers(answer)) == (422, ["FBP-8126"])
    assert stored(store) == 0


def test_a_table_may_be_tried(api: Any, store: SqliteStore) -> None:
    path = "/api/v1/records/$dry-run?mapping=home-measurements"
    answer = api.post(HOME_TABLE.encode(), path, Content_Type="text/csv")
    assert answer.status_code == 200
    assert answer.json["parameter"][0]["resource"]["type"] == "transaction"
    assert stored(store) == 0


def test_with_partial_a_table_may_be_long(api: Any, store: SqliteStore) -> None:
    head, row = HOME_TABLE.splitlines()
    rows = [row.replace("R-1", f"R-{n}").replace("P-1", f"P-{n % 7}") for n in range(1100)]
    long = "\n".join([head, *rows, ""])
    assert csv(api, long).status_code == 413
    assert stored(store) == 0
    answer = csv(api, long, "?mapping=home-measurements&partial=true")
    assert answer.json["accepted"] == 1100
    assert stored(store) == 1100
    kept = api.get(answer.headers["Location"]).json
    assert len(kept["deliveries"]) == 1100


def test_mapping_and_set_are_for_tables(api: Any, records: list[dict[str, Any]]) -> None:
    for query in ("mapping=home-measurements", "set=a=b"):
        assert api.post(records[0], f"/api/v1/records?{query}").status_code == 400
