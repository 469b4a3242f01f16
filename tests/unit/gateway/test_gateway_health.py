"""Health, metadata and the page."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fhir.resources.R4B.capabilitystatement import CapabilityStatement
from flask import Flask

from fhir_backpain.gateway.app import create_app
from fhir_backpain.gateway.contact import Contact, watched_client
from fhir_backpain.gateway.runner import Gateway
from fhir_backpain.gateway.settings import GatewaySettings
from fhir_backpain.mapping.mapper import Mapper
from fhir_backpain.outbox.sqlite import SqliteStore
from fhir_backpain.sandbox.server import SandboxServer


def test_health(api: Any) -> None:
    assert api.get("/health").json == {"alive": True}


def test_without_sending_it_is_not_ready(api: Any) -> None:
    answer = api.get("/ready")
    assert answer.status_code == 503
    assert "Retry-After" in answer.headers
    assert answer.json["issue"][0]["code"] == "transient"


@pytest.fixture
def running(
    settings: GatewaySettings, store: SqliteStore, mapper: Mapper
) -> Iterator[tuple[Any, Gateway]]:
    contact = Contact()
    with watched_client(settings.server, contact, deadline=5) as fhir:
        gateway = Gateway(store, mapper, fhir, contact=contact, poll_seconds=0.05)
        gateway.start()
        try:
            app = create_app(settings, store=store, mapper=mapper, gateway=gateway)
            yield app.test_client(), gateway
        finally:
            assert gateway.stop(20)


def test_ready_while_the_fhir_server_is_away(
    running: tuple[Any, Gateway], settings: GatewaySettings
) -> None:
    client, gateway = running
    while gateway.contact.reachable is None:
        gateway._stopping.wait(0.01)
    answer = client.get("/ready")
    assert answer.status_code == 200
    server = answer.json["dispatcher"]["fhir_server"]
    assert server["reachable"] is False
    assert server["last_answer_at"] is None
    assert gateway.stop(20)
    assert client.get("/ready").status_code == 503


def test_a_locked_outbox_is_not_ready(
    running: tuple[Any, Gateway], settings: GatewaySettings
) -> None:
    client, _ = running
    other = sqlite3.connect(settings.outbox, isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
        answer = client.get("/ready")
        assert answer.status_code == 503
        assert answer.json["issue"][0]["code"] == "lock-error"
    finally:
        other.close()


def test_status_counts_rows(api: Any, store: SqliteStore, records: list[Any]) -> None:
    store.append([], "http://elsewhere.example", "1")
    api.post(records[:3])
    status = api.get("/api/v1/status").json
    assert status["counts"]["queued"] == status["total"] == 3
    assert status["counts"]["sent"] == 0


@pytest.mark.parametrize("query", ["", "?_format=json", "?_format=application/fhir%2Bjson"])
def test_metadata_claims_what_there_is(api: Any, query: str) -> None:
    answer = api.get(f"/fhir/metadata{query}")
    assert answer.content_type == "application/fhir+json; charset=utf-8"
    statement = answer.json
    CapabilityStatement.model_validate(statement)
    assert (statement["kind"], statement["fhirVersion"]) == ("instance", "4.0.1")
    server, client = statement["rest"]
    assert server["mode"] == "server"
    assert "interaction" not in server
    assert {one["type"] for one in client["resource"]} >= {"Patient", "Observation", "CarePlan"}


@pytest.mark.parametrize("wished", ["xml", "application/fhir+xml", "html", "ttl"])
def test_metadata_is_json_alone(api: Any, wished: str) -> None:
    assert api.get(f"/fhir/metadata?_format={wished}").status_code == 406


def test_the_page_stands_alone(app: Flask, api: Any, records: list[Any]) -> None:
    api.post(records[:2])
    answer = api.get("/")
    policy = answer.headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert re.findall(r"https?:", policy) == []
    scripts = r'<script(?! type="module" src="/static/)'
    assert not re.search(rf"<style|style=|{scripts}|\bon\w+=", answer.text)
    assert not re.search(r"https?://(?!127\.0\.0\.1:9/fhir)", answer.text)
    for address in re.findall(r'<(?:link|img)[^>]* (?:href|src)="([^"]+)"', answer.text):
        with app.test_client().get(address) as asset:
            assert asset.status_code == 200
            assert asset.headers["X-Content-Type-Options"] == "nosniff"
    assert "2 deliveries" in answer.text


def test_the_page_escapes(tmp_path: Path, mapper: Mapper) -> None:
    settings = GatewaySettings("http://127.0.0.1:9/a&b'c", tmp_path / "o")
    with SqliteStore(settings.outbox) as store:
        page = create_app(settings, store=store, mapper=mapper).test_client().get("/").text
    assert "a&amp;b&#39;c" in page
    assert "a&b'c" not in page


def test_records_are_sent_in_the_background(
    tmp_path: Path, mapper: Mapper, records: list[Any]
) -> None:
    with SandboxServer() as sandbox, SqliteStore(tmp_path / "o") as store:
        settings = GatewaySettings(sandbox.base_url, tmp_path / "o")
        contact = Contact()
        with watched_client(settings.server, contact, deadline=20) as fhir:
            # So long a pause that only the request itself can wake the sending.
            gateway = Gateway(store, mapper, fhir, contact=contact, poll_seconds=200)
            gateway.start()
            client = create_app(settings, store=store, mapper=mapper, gateway=gateway).test_client()
            try:
                url = client.post("/api/v1/records", json=records).headers["Location"]
                while not client.get(url).json["complete"]:
                    gateway._stopping.wait(0.05)
                assert client.get(url).json["counts"] == {"sent": len(records)}
                assert contact.to_json()["last_status"] == 200
            finally:
                assert gateway.stop(20)
        assert not gateway.is_running


def test_the_icon_is_there(app: Flask, api: Any) -> None:
    lead = api.get("/favicon.ico")
    assert lead.status_code == 301
    with app.test_client().get(lead.headers["Location"]) as icon:
        assert (icon.status_code, icon.mimetype) == (200, "image/svg+xml")
