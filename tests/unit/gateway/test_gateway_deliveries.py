"""What became of records, as clients see it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fhir_backpain.client.client import FhirClient
from fhir_backpain.gateway.app import create_app
from fhir_backpain.gateway.settings import GatewaySettings
from fhir_backpain.mapping.mapper import Mapper
from fhir_backpain.outbox.entry import Settlement
from fhir_backpain.outbox.sqlite import SqliteStore
from fhir_backpain.sandbox.server import SandboxServer
from fhir_backpain.sync.push import Dispatcher
from tests.records import exact

Record = dict[str, Any]
UNKNOWN = "00000000-0000-4000-8000-000000000000"


def test_a_queued_delivery(api: Any, records: list[Record], mapper: Mapper) -> None:
    records[0]["patient"]["identifier"]["value"] = "CANARY9731"
    delivery = api.get(api.post(records[0]).headers["Location"]).json
    assert delivery["state"] == "queued"
    assert delivery["record"] == {
        "type": records[0]["record"], "id": records[0]["id"], "source": records[0]["source"],
    }  # fmt: skip
    assert delivery["mapping_version"] == mapper.version
    assert (delivery["attempts"], delivery["resources"], delivery["retry_at"]) == ([], [], None)
    assert "CANARY9731" not in str(delivery)


def test_sending_and_retry(
    api: Any, store: SqliteStore, settings: GatewaySettings, records: list[Record]
) -> None:
    url = api.post(records[0]).headers["Location"]
    (leased,) = store.lease(settings.server, "test", 1, 60)
    assert api.get(url).json["state"] == "sending"
    store.settle(
        settings.server, [Settlement(leased.entry.id, leased.token, "queued", 100.0, status=503)]
    )
    delivery = api.get(url).json
    assert (delivery["state"], delivery["attempt_count"]) == ("queued", 1)
    assert delivery["retry_at"] > delivery["attempts"][0]["at"]
    assert delivery["attempts"][0]["status"] == 503


@pytest.mark.parametrize("state", ["unclear", "conflict", "rejected", "held"])
def test_every_state_is_shown_and_found(
    api: Any, store: SqliteStore, settings: GatewaySettings, records: list[Record], state: Any
) -> None:
    url = api.post(records[0]).headers["Location"]
    (leased,) = store.lease(settings.server, "test", 1, 60)
    store.settle(settings.server, [Settlement(leased.entry.id, leased.token, state)])
    assert api.get(url).json["state"] == state
    (found,) = api.get(f"/api/v1/deliveries?state={state}").json["deliveries"]
    assert found["url"] == url
    assert api.get("/api/v1/deliveries?state=sent").json["deliveries"] == []
    assert api.get("/api/v1/status").json["counts"][state] == 1


def test_pages_have_every_delivery_once(api: Any, records: list[Record]) -> None:
    sent = [one["id"] for one in api.post(records[:7]).json["deliveries"]]
    found, url = [], "/api/v1/deliveries?limit=3&state=queued"
    while url:
        answer = api.get(url)
        page = answer.json
        assert len(page["deliveries"]) <= 3
        found += [one["id"] for one in page["deliveries"]]
        url = page["next"]
        assert answer.headers.get("Link") == (f'<{url}>; rel="next"' if url else None)
    assert found == sent


def test_an_etag_changes_with_the_delivery_only(
    api: Any, store: SqliteStore, settings: GatewaySettings, records: list[Record]
) -> None:
    submission = api.post(records[:2])
    for url in (
        submission.json["deliveries"][0]["url"],
        submission.headers["Location"],
        "/api/v1/deliveries",
    ):
        store_tag = api.get(url).headers["ETag"]
        unchanged = api.get(url, If_None_Match=store_tag)
        assert (unchanged.status_code, unchanged.data) == (304, b"")
    leased = store.lease(settings.server, "test", 2, 60)
    assert api.get(url, If_None_Match=store_tag).status_code == 200
    store.settle(
        settings.server, [Settlement(one.entry.id, one.token, "queued", 99.0) for one in leased]
    )
    tag = api.get(url).headers["ETag"]
    assert {api.get(url, If_None_Match=tag).status_code for _ in range(5)} == {304}


def test_a_submission_adds_up(
    api: Any, store: SqliteStore, settings: GatewaySettings, records: list[Record]
) -> None:
    url = api.post(records[:3]).headers["Location"]
    submission = api.get(url).json
    assert (submission["counts"], submission["complete"]) == ({"queued": 3}, False)
    leased = store.lease(settings.server, "test", 10, 60)
    store.settle(settings.server, [Settlement(o.entry.id, o.token, "rejected") for o in leased])
    submission = api.get(url).json
    assert (submission["counts"], submission["complete"]) == ({"rejected": 3}, True)
    assert [one["place"] for one in submission["deliveries"]] == ["/0", "/1", "/2"]


@pytest.mark.parametrize(
    "path",
    [
        f"/api/v1/deliveries/{UNKNOWN}",
        f"/api/v1/submissions/{UNKNOWN}",
        "/api/v1/deliveries/' OR 1=1 --",
        "/api/v1/submissions/..%2f..%2fetc%2fpasswd",
        "/api/v1/deliveries/",
        "/api/v1/records/",
        "/api/v1",
        "/api//v1/status",
        "/fhir/Practitioner",
        "/static/x",
    ],
)
def test_what_is_not_there_is_404(api: Any, path: str) -> None:
    assert api.get(path).status_code == 404


@pytest.mark.parametrize(
    "query",
    [
        "state=sending", "state=", "limit=0", "limit=501", "limit=-1", "limit=x", "limit=1e2",
        "limit=%D9%A3", f"after={UNKNOWN}", "after=", "x=1", "limit=1&limit=2",
    ],
)  # fmt: skip
def test_a_wrong_parameter_is_400(api: Any, query: str) -> None:
    assert api.get(f"/api/v1/deliveries?{query}").status_code == 400


@pytest.fixture
def sandbox() -> Iterator[SandboxServer]:
    with SandboxServer() as server:
        yield server


def test_a_sent_delivery_names_its_resources(
    sandbox: SandboxServer, tmp_path: Path, mapper: Mapper, records: list[Record]
) -> None:
    settings = GatewaySettings(sandbox.base_url, tmp_path / "o.sqlite")
    with SqliteStore(settings.outbox) as store, FhirClient(sandbox.base_url) as fhir:
        client = create_app(settings, store=store, mapper=mapper).test_client()
        taken = client.post("/api/v1/records", json=records[0])
        assert Dispatcher(store, fhir, mapper).run_until_idle().is_complete
        delivery = client.get(taken.headers["Location"]).json
        assert delivery["state"] == "sent"
        assert delivery["attempts"][-1]["state"] == "sent"
        urls = {one["url"] for one in delivery["resources"]}
        assert urls == {f"{sandbox.base_url}/{made.url}" for made in mapper(exact(records[0]))}
        for url in urls:
            kind, resource_id = url.rsplit("/", 2)[1:]
            assert fhir.read(kind, resource_id).status == 200
        again = client.post("/api/v1/records/$dry-run", json=records[0]).json
        assert again["parameter"][0]["resource"]["entry"] == []


def test_submissions_of_an_earlier_release_are_taken_over(
    settings: GatewaySettings, store: SqliteStore, mapper: Mapper, records: list[Record]
) -> None:
    first = create_app(settings, store=store, mapper=mapper).test_client()
    taken = first.post("/api/v1/records", json=records[0]).json["id"]
    book = settings.outbox.with_name("outbox.sqlite.submissions")
    connection = sqlite3.connect(book)
    with connection:
        connection.execute("CREATE TABLE submission (id, created_at, items, outcome)")
        items = json.dumps([["/0", taken, "queued"]])
        connection.execute("INSERT INTO submission VALUES ('old', 'then', ?, NULL)", (items,))
    connection.close()
    again = create_app(settings, store=store, mapper=mapper).test_client()
    shown = again.get("/api/v1/submissions/old").json
    assert [one["place"] for one in shown["deliveries"]] == ["/0"]
    assert not book.exists()
