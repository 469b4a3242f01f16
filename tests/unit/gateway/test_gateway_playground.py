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


MAPPING = "observation-measure"


def shown(browser: FlaskClient) -> str:
    """Return the mapping as the page shows it."""
    page = text_of(browser.post("/playground", data={"act": "show", "name": MAPPING}))
    found = re.search(r'name="mapping"[^>]*>(.*?)</textarea>', page, re.DOTALL)
    assert found is not None
    return found[1]


def test_a_mapping_is_shown_changed_and_tried(browser: FlaskClient, store: SqliteStore) -> None:
    text = shown(browser)
    assert text.rstrip("\n").endswith(
        browser.get(f"/api/v1/mappings/{MAPPING}").text.rstrip("\n").splitlines()[-1]
    )
    source = html.unescape(
        re.search(r'name="source"[^>]*>(.*?)</textarea>', browser.get("/playground").text, re.S)[1]  # type: ignore[index]
    )
    form = {"source": source, "mapping": text.replace("else: final", "else: amended")}
    page = text_of(browser.post("/playground", data=form))
    assert '"amended"' in page
    assert '"amended"' not in text_of(browser.post("/playground", data={"source": source}))
    assert 'value="send"' not in page
    refused = browser.post("/playground", data={**form, "act": "send"})
    assert refused.status_code == 422
    assert sum(store.counts().values()) == 0


def test_a_wrong_mapping_is_told_at_its_line(browser: FlaskClient) -> None:
    text = shown(browser).replace("=observed_at", "=obserfed_at")
    page = text_of(browser.post("/playground", data={"source": "{}", "mapping": text}))
    assert re.search(r"mapping\.yaml:\d+:\d+: error FBP-3", page)
    assert "0 good, 0 rejected" in page
    assert browser.post("/playground", data={"act": "show", "name": "../x"}).status_code == 404


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
    text = shown(browser)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "t"))
    (tmp_path / "t").mkdir()
    browser.post("/playground", data={"source": "{}", "mapping": text + "\n# new"})
    assert list((tmp_path / "t").iterdir()) == []
