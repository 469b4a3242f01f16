"""The page for a clinic's own table: given, mapped, checked and sent."""

from __future__ import annotations

import html
import io
import re
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from test_gateway_tables import HOME_TABLE

from fhir_backpain.outbox.sqlite import SqliteStore
from tests.weekly_feed import FEED_OF_FOUR as FEED

TABLE = "mrn;visit;pain;typed_by\nP-1;02/03/2026;7;kb\nP-2;03/03/2026;4;\n"


@pytest.fixture
def browser(app: Flask) -> FlaskClient:
    return app.test_client()


def text_of(reply: Any) -> str:
    return html.unescape(reply.text)


def upload(content: bytes, **fields: str) -> dict[str, Any]:
    return {"file": (io.BytesIO(content), "t.csv"), **fields}


def area(page: str, name: str) -> str:
    found = re.search(rf'name="{name}"[^>]*>(.*?)</textarea>', page, re.DOTALL)
    assert found is not None
    return found[1]


def test_a_table_is_tried_and_sent_by_its_feed(browser: FlaskClient, store: SqliteStore) -> None:
    form = {"source": TABLE.replace("\n", "\r\n"), "feed": FEED}
    page = text_of(browser.post("/tables", data=form))
    assert "2 good, 0 rejected" in page
    assert re.search(r"typed_by</th><td[^>]*>ignored: not clinical", page)
    sent = browser.post("/tables", data={**form, "act": "send"})
    assert (sent.status_code, sent.location) == (303, "/messages")
    assert store.counts()["queued"] == 2
    # The same once more changes nothing.
    browser.post("/tables", data={**form, "act": "send"})
    assert sum(store.counts().values()) == 2


@pytest.mark.parametrize(
    ("source", "feed", "told"),
    [
        (TABLE, FEED.replace("=mrn", "=mnr"), "mnr"),
        (TABLE, "feed: [", "FBP-"),
        (TABLE.replace(";7;", ";77;"), FEED, "FBP-"),
        (TABLE + "P-3;2026-03-03;4;\n", FEED, "FBP-"),
    ],
)
def test_a_source_with_a_mistake_is_not_sent(
    browser: FlaskClient, store: SqliteStore, source: str, feed: str, told: str
) -> None:
    reply = browser.post("/tables", data={"source": source, "feed": feed, "act": "send"})
    assert reply.status_code == 422
    assert told in text_of(reply)
    assert "/tmp" not in text_of(reply)
    assert sum(store.counts().values()) == 0


def test_a_mapping_is_begun_from_the_header(browser: FlaskClient, store: SqliteStore) -> None:
    form = upload(TABLE.encode(), act="begin", makes="observation")
    page = text_of(browser.post("/tables", data=form))
    feed = area(page, "feed")
    assert area(page, "source") == TABLE
    assert [line.split(",")[0] for line in feed.splitlines() if "path:" in line] == [
        f"  - {{path: {name}" for name in ("mrn", "visit", "pain", "typed_by")
    ]
    assert "Still to be written: the column with the number of the patient, as =column" in page
    sent = browser.post("/tables", data={"source": TABLE, "feed": feed, "act": "send"})
    assert sent.status_code == 422
    assert sum(store.counts().values()) == 0


def test_a_mapping_is_chosen(browser: FlaskClient) -> None:
    form = upload(HOME_TABLE.encode(), act="choose", name="home-measurements")
    page = text_of(browser.post("/tables", data=form))
    assert "1 good, 0 rejected" in page
    assert browser.post("/tables", data={"act": "choose", "name": "x"}).status_code == 404


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "utf-16"])
def test_a_file_is_read_in_its_encoding(browser: FlaskClient, encoding: str) -> None:
    table = TABLE.replace("typed_by", "geprüft")
    form = upload(table.encode(encoding), act="begin", makes="assessment", encoding=encoding)
    page = text_of(browser.post("/tables", data=form))
    assert "geprüft" in area(page, "source")
    stated = "" if encoding == "utf-8" else f"encoding: {encoding}, "
    assert f"table: {{{stated}missing" in area(page, "feed")


def test_what_is_no_text_is_told(browser: FlaskClient) -> None:
    for content in (b"mrn;\xff\n", b"\x1f\x8b\x08"):
        reply = browser.post("/tables", data=upload(content, act="begin", makes="observation"))
        assert reply.status_code == 422
        assert "encoding" in text_of(reply)
    for fields in ({"act": "begin", "makes": "x"}, {"encoding": "rot13"}):
        assert browser.post("/tables", data=upload(b"a;b", **fields)).status_code == 400
    empty = browser.post("/tables", data={"act": "begin", "makes": "observation"})
    assert empty.status_code == 422


def test_a_mapping_may_state_another_encoding(browser: FlaskClient) -> None:
    feed = FEED.replace("table: {", "table: {encoding: latin-1, ")
    form = {"source": TABLE.replace("P-1", "Zoë"), "feed": feed}
    result = text_of(browser.post("/tables", data=form)).partition("</form>")[2]
    assert "2 good, 0 rejected" in result
    assert "Zoë" in result
    assert "\u00c3" not in result
    wrong = text_of(browser.post("/tables", data={"source": TABLE + "☃", "feed": feed}))
    assert "FBP-8135" in wrong


def test_the_mapping_is_saved_as_a_file(browser: FlaskClient) -> None:
    answer = browser.post("/tables", data={"source": TABLE, "feed": FEED, "act": "save"})
    assert answer.text == FEED
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_the_page_begins_empty(browser: FlaskClient) -> None:
    page = browser.get("/tables").text
    assert "home-measurements" in page
    assert "0 good, 0 rejected" in page


def test_nothing_is_left_in_the_temporary_folder(
    browser: FlaskClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "t"))
    (tmp_path / "t").mkdir()
    browser.post("/tables", data={"source": TABLE, "feed": FEED})
    assert list((tmp_path / "t").iterdir()) == []
