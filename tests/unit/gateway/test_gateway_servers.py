"""Servers and what they can do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from fhir_backpain.client.client import FhirClient
from fhir_backpain.gateway.app import create_app
from fhir_backpain.gateway.contact import Contact, watched_client
from fhir_backpain.gateway.runner import Gateway
from fhir_backpain.gateway.settings import GatewaySettings
from fhir_backpain.mapping.mapper import Mapper
from fhir_backpain.outbox.sqlite import SqliteStore
from fhir_backpain.outcome import SourceLocation
from fhir_backpain.record import SourceRecord
from fhir_backpain.sandbox.server import SandboxServer
from tests.records import exact


@pytest.fixture
def sending(tmp_path: Path, mapper: Mapper) -> Iterator[Flask]:
    """A gateway beside a sandbox that it could send to."""
    place = tmp_path / "o.sqlite"
    with (
        SandboxServer() as server,
        SqliteStore(place) as store,
        FhirClient(server.base_url) as client,
    ):
        gateway = Gateway(store, mapper, client)
        settings = GatewaySettings(server.base_url, place)
        yield create_app(settings, store=store, mapper=mapper, gateway=gateway)


def test_the_own_server_is_asked_what_it_can_do(sending: Flask) -> None:
    api = sending.test_client()
    (own,) = api.get("/api/v1/servers").json["servers"]
    assert own["is_own"]
    found = api.get(own["url"]).json
    named = {one["name"]: one for one in found["findings"]}
    assert named["FHIR version"]["good"]
    assert named["records are sent by"]["text"] == "transactions"
    assert found["capability_statement"]["resourceType"] == "CapabilityStatement"


def test_a_server_that_does_not_answer_is_told(
    settings: GatewaySettings, store: SqliteStore, mapper: Mapper
) -> None:
    contact = Contact()
    with watched_client(settings.server, contact, deadline=2) as client:
        gateway = Gateway(store, mapper, client, contact=contact)
        app = create_app(settings, store=store, mapper=mapper, gateway=gateway)
        (own,) = app.test_client().get("/api/v1/servers").json["servers"]
        found = app.test_client().get(own["url"]).json
        page = app.test_client().get("/servers").text
        asked = app.test_client().post("/servers").text
    assert [one["good"] for one in found["findings"]] == [False]
    assert found["capability_statement"] is None
    assert "not the last request" in asked
    assert "What it can do" in asked
    assert "What it can do" not in page  # a page does not wait for who did not answer


def test_other_servers_of_the_outbox_are_listed_and_not_asked(
    api: Any, store: SqliteStore, mapper: Mapper, records: list[dict[str, Any]]
) -> None:
    other = "https://other.example/fhir"
    store.append([SourceRecord(exact(records[0]), SourceLocation())], other, mapper.version)
    own, second = api.get("/api/v1/servers").json["servers"]
    assert (own["is_own"], second["is_own"]) == (True, False)
    assert second["counts"]["queued"] == 1
    assert api.get(second["url"]).json["findings"] == []
    assert api.get("/api/v1/servers/0").status_code == 404


def test_the_page_shows_what_each_type_is_offered(sending: Flask, mapper: Mapper) -> None:
    page = sending.test_client().get("/servers").text
    assert "transactions" in page
    assert all(f'<th scope="row">{kind}</th>' in page for kind in mapper.types)
