"""The message browser and what a person decides there, against a real sandbox."""

from __future__ import annotations

import html
import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from fhir_backpain.access.keyring import Keyring
from fhir_backpain.client.client import FhirClient
from fhir_backpain.fhir import json_text
from fhir_backpain.gateway.app import create_app
from fhir_backpain.gateway.runner import Gateway
from fhir_backpain.gateway.settings import GatewaySettings
from fhir_backpain.mapping.mapper import Mapper
from fhir_backpain.outbox.sqlite import SqliteStore
from fhir_backpain.sandbox.server import SandboxServer

PASSWORD = "correct horse battery"


class World:
    """A gateway that sends to a sandbox, a person who is signed in, and their browser."""

    def __init__(self, server: str, store: SqliteStore, mapper: Mapper, place: Path) -> None:
        self.store = store
        self.client = FhirClient(server)
        self.gateway = Gateway(store, mapper, self.client, poll_seconds=0.05)
        settings = GatewaySettings(server, place)
        self.app = create_app(settings, store=store, mapper=mapper, gateway=self.gateway)
        Keyring(store.database).add_person("ada", "operator", PASSWORD)
        self.browser = self.app.test_client()
        self.browser.post("/sign-in", data={"name": "ada", "password": PASSWORD})

    @property
    def form_key(self) -> str:
        found = re.search(r'name="form_key" value="([^"]+)"', self.browser.get("/").text)
        assert found is not None
        return found[1]

    def post(self, path: str, browser: FlaskClient | None = None, **form: str) -> Any:
        data = {"form_key": self.form_key, **form}
        return (browser or self.browser).post(path, data=data)

    def take(self, *records: dict[str, Any]) -> list[str]:
        """Give records to the gateway, and wait until they are settled; return their ids."""
        headers = {"X-Form-Key": self.form_key}
        reply = self.browser.post("/api/v1/records", json=list(records), headers=headers)
        assert reply.status_code == 202, reply.text
        self.settle()
        return [one["id"] for one in reply.json["deliveries"]]

    def settle(self) -> None:
        self.gateway.wake()
        until = time.monotonic() + 30
        while any(self.store.counts()[state] for state in ("queued", "unclear")):
            assert time.monotonic() < until
            time.sleep(0.02)


@pytest.fixture
def world(store: SqliteStore, mapper: Mapper, tmp_path: Path) -> Iterator[World]:
    with SandboxServer() as server:
        made = World(server.base_url, store, mapper, tmp_path / "outbox.sqlite")
        made.gateway.start()
        try:
            yield made
        finally:
            made.gateway.stop()
            made.client.close()


def observation(records: list[dict[str, Any]]) -> dict[str, Any]:
    return next(one for one in records if one["record"] == "observation")


def test_messages_are_listed_by_state_and_found_by_key(
    world: World, records: list[dict[str, Any]]
) -> None:
    sent = world.take(records[0], records[1])
    listed = world.browser.get("/messages?state=sent").text
    assert all(f"/messages/{one}" in listed for one in sent)
    assert "None." in world.browser.get("/messages?state=rejected").text
    patient = records[0]["patient"]["identifier"]["value"]
    for key in (records[0]["id"], patient, sent[0]):
        assert sent[0] in world.post("/messages", key=key).text
    assert "None." in world.post("/messages", key="nobody").text
    assert world.browser.get("/messages?state=lost").status_code == 400


def test_pages_follow_each_other(world: World, records: list[dict[str, Any]]) -> None:
    many = [{**observation(records), "id": f"R-{number}"} for number in range(51)]
    ids = world.take(*many)
    first = world.browser.get("/messages").text
    following = re.search(r'href="([^"]+)" rel="next"', first)
    assert following is not None
    second = world.browser.get(html.unescape(following[1])).text
    shown = re.findall(r'href="/messages/([0-9a-f-]{36})"', first + second)
    assert shown == ids


def test_a_message_shows_its_record_what_it_made_and_why(
    world: World, records: list[dict[str, Any]]
) -> None:
    record = observation(records)
    (entry,) = world.take(record)
    page = html.unescape(world.browser.get(f"/messages/{entry}").text)
    assert f'"{record["measure"]}"' in page
    assert "version 1, by observation-measure" in page
    assert re.search(r'data-from="/score"[^>]*>\s*' + re.escape(str(record["score"])), page)
    assert "observation-measure.map.yaml:" in page
    assert page.count('data-from="/score"') >= 2  # in the record, and in a resource
    told = [one.what for one in world.store.trail(entry)]
    assert told.count("shown") == 1


def test_replay_after_a_look_at_what_would_change(
    world: World, records: list[dict[str, Any]], mapper: Mapper
) -> None:
    record = observation(records)
    (entry,) = world.take(record)
    made = next(one for one in mapper(world.store.data(entry)) if one.type == "Observation")
    other = json_text.parse(made.text)
    other["valueQuantity"]["value"] = 99
    world.client.put("Observation", made.id, json_text.dump(other))
    compared = html.unescape(world.post(f"/messages/{entry}", act="compare").text)
    assert re.search(r"<del>-\s+\"value\": 99", compared)
    assert "nothing, the server has the same" in compared
    done = world.post(f"/messages/{entry}", act="replay", because="the ward changed it by mistake")
    assert done.status_code == 303
    world.settle()
    resource = world.client.read("Observation", made.id).resource
    assert resource is not None
    assert resource["valueQuantity"]["value"] == record["score"]
    (replayed,) = [one for one in world.store.trail(entry) if one.what == "replayed"]
    assert (replayed.actor, replayed.via) == ("ada", "gateway")
    assert replayed.because == "the ward changed it by mistake"


def test_discard_and_what_cannot_be_discarded(world: World, records: list[dict[str, Any]]) -> None:
    (entry,) = world.take(observation(records))
    refused = world.post(f"/messages/{entry}", act="discard")
    assert refused.status_code in (409, 422)
    assert world.post(f"/messages/{entry}", act="burn").status_code == 400
    assert world.post("/messages/none", act="discard").status_code == 404


def test_a_reader_looks_and_decides_nothing(world: World, records: list[dict[str, Any]]) -> None:
    (entry,) = world.take(observation(records))
    Keyring(world.store.database).add_person("bob", "reader", PASSWORD)
    browser = world.app.test_client()
    browser.post("/sign-in", data={"name": "bob", "password": PASSWORD})
    page = browser.get(f"/messages/{entry}")
    assert page.status_code == 200
    assert "Discard" not in page.text
    found = re.search(r'name="form_key" value="([^"]+)"', page.text)
    assert found is not None
    form = {"form_key": found[1], "act": "replay"}
    assert browser.post(f"/messages/{entry}", data=form).status_code == 403


def test_programs_decide_with_a_reason(world: World, records: list[dict[str, Any]]) -> None:
    (entry,) = world.take(observation(records))
    bearer = {
        "Authorization": "Bearer " + Keyring(world.store.database).add_machine("m", "operator")
    }
    program = world.app.test_client()
    url = f"/api/v1/deliveries/{entry}"
    body = json.dumps({"because": "asked for by the ward"})
    kind = {"Content-Type": "application/json"}
    reply = program.post(f"{url}/$replay", data=body, headers={**bearer, **kind})
    assert reply.status_code == 200, reply.text
    assert reply.json["id"] == entry
    world.settle()
    for wrong in (b"[]", b'{"why": 1}', b'{"because": 1}'):
        reply = program.post(f"{url}/$discard", data=wrong, headers={**bearer, **kind})
        assert reply.status_code == 400
    assert program.post(f"{url}/$discard", headers=bearer).status_code in (409, 422)
    reason = json.dumps({"because": "two\nlines"})
    reply = program.post(f"{url}/$replay", data=reason, headers={**bearer, **kind})
    assert reply.status_code == 422


def test_values_are_shown_as_text(world: World, records: list[dict[str, Any]]) -> None:
    evil = '<img src=x onerror="alert(1)"><script>alert(1)</script>'
    (entry,) = world.take({**observation(records), "note": evil})
    page = world.browser.get(f"/messages/{entry}").text
    assert "<img" not in page
    assert "<script>" not in page
    assert html.escape("<script>", quote=False) in page
