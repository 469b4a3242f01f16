"""The playground: a source is tried without a trace, and sent on purpose."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from fhir_backpain.access.keyring import Keyring
from fhir_backpain.outbox.sqlite import SqliteStore

FEED = """\
feed: weekly
makes: observation
table: {delimiter: ";", missing: [""]}
record:
  test_data: true
  id: {=text: "{mrn}-{visit}"}
  source: https://clinic.example/weekly
  patient:
    identifier: {system: https://clinic.example/mrn, value: =mrn}
  observed_at: {=date: visit, form: dd/mm/yyyy}
  measure: pain-nrs-week
  score: {=number: pain}
ignore:
  - {path: typed_by, because: not clinical}
"""
TABLE = "mrn;visit;pain;typed_by\nP-1;02/03/2026;7;kb\nP-2;03/03/2026;4;\n"


@pytest.fixture
def browser(app: Flask) -> FlaskClient:
    return app.test_client()


def text_of(reply: Any) -> str:
    return html.unescape(reply.text)


def test_it_begins_with_a_record_that_works(browser: FlaskClient) -> None:
    page = text_of(browser.get("/playground"))
    assert "1 good, 0 rejected" in page
    assert "Valid against R4" in page
    assert re.search(r'data-from="/score"[^>]*>7<', page)


def test_a_try_leaves_nothing_behind(
    browser: FlaskClient, store: SqliteStore, records: list[dict[str, Any]]
) -> None:
    source = "\n".join(map(json.dumps, records[:5]))
    page = text_of(browser.post("/playground", data={"source": source}))
    assert "5 good, 0 rejected" in page
    assert page.count("Valid against R4") == 3  # the first ones are shown
    assert sum(store.counts().values()) == 0


def test_what_is_wrong_is_told_with_its_place(browser: FlaskClient) -> None:
    page = text_of(browser.post("/playground", data={"source": '{"record": "observation"}'}))
    assert "0 good, 1 rejected" in page
    assert "FBP-" in page
    assert browser.post("/playground", data={"source": "no json"}).status_code == 200
    assert browser.post("/playground", data={}).status_code == 200


def test_a_table_is_tried_and_sent_by_its_feed(browser: FlaskClient, store: SqliteStore) -> None:
    form = {"source": TABLE.replace("\n", "\r\n"), "feed": FEED}
    page = text_of(browser.post("/playground", data=form))
    assert "2 good, 0 rejected" in page
    assert re.search(r"typed_by</th><td[^>]*>ignored: not clinical", page)
    sent = browser.post("/playground", data={**form, "act": "send"})
    assert (sent.status_code, sent.location) == (303, "/messages")
    assert store.counts()["queued"] == 2
    # The same once more changes nothing.
    browser.post("/playground", data={**form, "act": "send"})
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
    reply = browser.post("/playground", data={"source": source, "feed": feed, "act": "send"})
    assert reply.status_code == 422
    assert told in text_of(reply)
    assert "/tmp" not in text_of(reply)
    assert sum(store.counts().values()) == 0


def test_patients_data_stay_away_from_public_servers(
    browser: FlaskClient, records: list[dict[str, Any]], store: SqliteStore, app: Flask
) -> None:
    record = {**records[0], "test_data": False}
    settings = app.extensions["fhir_backpain.gateway"].settings
    object.__setattr__(settings, "server", "https://hapi.fhir.org/baseR4")
    reply = browser.post("/playground", data={"source": json.dumps(record), "act": "send"})
    assert reply.status_code == 422
    assert sum(store.counts().values()) == 0


def test_a_reader_may_try_and_not_send(browser: FlaskClient, store: SqliteStore) -> None:
    Keyring(store.database).add_person("bob", "reader", "correct horse battery")
    browser.post("/sign-in", data={"name": "bob", "password": "correct horse battery"})
    page = browser.get("/playground")
    key = re.search(r'name="form_key" value="([^"]+)"', page.text)
    assert key is not None
    assert 'value="send"' not in page.text
    form = {"source": "{}", "form_key": key[1]}
    assert browser.post("/playground", data=form).status_code == 200
    assert browser.post("/playground", data={**form, "act": "send"}).status_code == 403


def test_nothing_is_left_in_the_temporary_folder(
    browser: FlaskClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "t"))
    (tmp_path / "t").mkdir()
    browser.post("/playground", data={"source": TABLE, "feed": FEED})
    assert list((tmp_path / "t").iterdir()) == []
