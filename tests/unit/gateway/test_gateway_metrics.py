"""GET /metrics: what Prometheus reads is what the outbox holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flask import Flask
from prometheus_client.parser import text_string_to_metric_families

from fhir_backpain.access.keyring import Keyring
from fhir_backpain.client.client import FhirClient
from fhir_backpain.gateway.app import create_app
from fhir_backpain.gateway.contact import Contact, watched_client
from fhir_backpain.gateway.runner import Gateway
from fhir_backpain.gateway.settings import GatewaySettings
from fhir_backpain.mapping.mapper import Mapper
from fhir_backpain.outbox.sqlite import SqliteStore
from fhir_backpain.sandbox.server import SandboxServer

SERVER = "http://127.0.0.1:9/fhir"


def scraped(text: str) -> dict[tuple[str, ...], float]:
    return {
        (sample.name.removeprefix("fhir_backpain_"), *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_the_counts_are_those_of_the_outbox(
    api: Any, store: SqliteStore, records: list[dict[str, Any]]
) -> None:
    assert api.post(records[:5]).status_code == 202
    store.discard(store.entries()[0].id)
    api.get("/api/v1/deliveries/none")
    answer = api.get("/metrics")
    assert answer.status_code == 200
    assert answer.content_type.startswith("text/plain")
    found = scraped(answer.text)
    counts = store.counts(SERVER)
    assert {state: found["outbox_entries", *sorted((SERVER, state))] for state in counts} == counts
    assert found["outbox_acts_total", "discarded"] == 1
    assert found["gateway_running",] == 0
    requests = {key: value for key, value in found.items() if key[0] == "gateway_requests_total"}
    taken = ("gateway_requests_total", *sorted(("POST", "/api/v1/records", "202")))
    assert requests[taken] == 1
    assert sum(requests.values()) == 2


def test_openmetrics_is_given_to_who_asks_for_it(api: Any) -> None:
    accept = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.3"
    answer = api.get("/metrics", Accept=accept)
    assert answer.content_type.startswith("application/openmetrics-text")
    assert answer.text.endswith("# EOF\n")
    assert api.get("/metrics?name=x").status_code == 400


def test_it_needs_an_access_where_there_is_one(
    app: Flask, api: Any, store: SqliteStore, records: list[dict[str, Any]]
) -> None:
    keyring = Keyring(store.database)
    sender = keyring.add_machine("clinic", "sender")
    reader = keyring.add_machine("prometheus", "reader")
    assert api.get("/metrics").status_code == 401
    assert api.get("/metrics", Authorization=f"Bearer {sender}").status_code == 403
    assert api.get("/metrics", Authorization=f"Bearer {reader}").status_code == 200


def test_what_only_the_process_knows_is_there_while_it_sends(
    tmp_path: Path, mapper: Mapper
) -> None:
    with SandboxServer() as sandbox, SqliteStore(tmp_path / "o") as store:
        contact, settings = Contact(), GatewaySettings(sandbox.base_url, tmp_path / "o")
        with watched_client(sandbox.base_url, contact, deadline=5) as fhir:
            gateway = Gateway(store, mapper, fhir, contact=contact, poll_seconds=0.05)
            api = create_app(settings, store=store, mapper=mapper, gateway=gateway).test_client()
            assert "server_reachable" not in api.get("/metrics").text
            gateway.start()
            try:
                while contact.reachable is None:
                    gateway._stopping.wait(0.02)
                found = scraped(api.get("/metrics").text)
            finally:
                assert gateway.stop(20)
        assert found["gateway_running",] == 1
        assert found["server_reachable", sandbox.base_url] == 1
        assert found["breaker_open", sandbox.base_url] == 0
        assert found["server_last_answer_timestamp_seconds", sandbox.base_url] > 1e9


def test_a_server_in_trouble_opens_the_breaker(
    tmp_path: Path, mapper: Mapper, records: list[dict[str, Any]]
) -> None:
    with SqliteStore(tmp_path / "o") as store, FhirClient(SERVER) as fhir:
        settings = GatewaySettings(SERVER, tmp_path / "o")
        gateway = Gateway(store, mapper, fhir, poll_seconds=0.05)
        api = create_app(settings, store=store, mapper=mapper, gateway=gateway).test_client()
        assert api.post("/api/v1/records", json=records[0]).status_code == 202
        gateway.start()
        try:
            while not gateway.keeps_away:
                gateway._stopping.wait(0.02)
            assert scraped(api.get("/metrics").text)["breaker_open", SERVER] == 1
        finally:
            assert gateway.stop(20)
