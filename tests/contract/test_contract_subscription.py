"""A real server calls the command that follows it, long before the next look would be due."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import time
import uuid
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from fhir_backpain.client.client import FhirClient
from fhir_backpain.fhir import json_text
from fhir_backpain.mapping.mapper import load_mapper
from fhir_backpain.pull.subscription import LIFETIME, Callback, Subscriptions
from tests.acceptance.command_line import run, start

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


def made(client: FhirClient, url: str) -> list[dict[str, Any]]:
    """Return the Subscriptions that name a callback, read one by one: searches may lag."""
    return [
        entry["resource"]
        for entry in client.history("Subscription")
        if entry.get("resource", {}).get("channel", {}).get("endpoint") == url
    ]


def test_subscriptions_are_made_renewed_and_taken_back(hapi: str) -> None:
    callback = Callback(f"http://127.0.0.1:9/{uuid.uuid4()}", "s3cret")
    with FhirClient(hapi) as client:
        subscriptions = Subscriptions(client, ["Goal", "CareTeam"], callback)
        assert subscriptions.keep(NOW) == []
        first = made(client, callback.url)
        assert Counter(one["criteria"] for one in first).keys() == {"Goal?", "CareTeam?"}
        assert {one["end"] for one in first} == {"2026-03-03T09:30:00Z"}
        assert subscriptions.keep(NOW + LIFETIME / 3) == []
        subscriptions.keep(NOW + LIFETIME / 2)
        assert "2026-03-03T21:30:00Z" in {one["end"] for one in made(client, callback.url)}
        # Whoever follows after a kill takes the same ones over.
        Subscriptions(client, ["Goal", "CareTeam"], callback).keep(NOW)
        ids = {one["id"] for one in made(client, callback.url)}
        assert len(ids) == 2
        subscriptions.end()
        gone = [
            entry["request"]["url"]
            for entry in client.history("Subscription")
            if entry["request"]["method"] == "DELETE"
        ]
        assert ids <= {url.split("/")[1] for url in gone}


def test_what_a_server_refuses_is_told_and_tried_again(hapi: str) -> None:
    callback = Callback(f"http://127.0.0.1:9/{uuid.uuid4()}", "s3cret")
    with FhirClient(hapi) as client:
        subscriptions = Subscriptions(client, ["NoSuchType"], callback)
        told = subscriptions.keep(NOW)
        assert (told[0].number, told[0].severity) == (6119, "warning")
        assert len(told) > 1
        assert subscriptions.keep(NOW + timedelta(seconds=30)) == []
        assert subscriptions.keep(NOW + timedelta(minutes=1)) != []


def test_a_call_brings_a_change_back_at_once(hapi: str, tmp_path: Path) -> None:
    record = {
        "record": "observation",
        "id": "R-1",
        "source": "https://clinic.example/app",
        "test_data": True,
        "patient": {
            "identifier": {"system": "https://clinic.example/mrn", "value": f"S-{uuid.uuid4()}"}
        },
        "observed_at": "2026-03-02T09:30:00+01:00",
        "measure": "pain-nrs-week",
        "score": 7,
    }
    (tmp_path / "r.ndjson").write_text(json.dumps(record), encoding="utf-8")
    assert run("sync", "r.ndjson", "--server", hapi, folder=tmp_path).code == 0
    observation = next(one for one in load_mapper()(record) if one.type == "Observation")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    since = (datetime.now(UTC) - timedelta(seconds=30)).isoformat()
    process = start(
        *("pull", "--server", hapi, "--to", "directory:out", "--follow", "--interval", "3600"),
        *("--since", since, "--subscribe", f"http://127.0.0.1:{port}/changed"),
        folder=tmp_path,
        stderr=subprocess.PIPE,
    )
    try:
        with FhirClient(hapi) as client:
            wait_for_active(client, f"http://127.0.0.1:{port}/changed")
            found = client.read("Observation", observation.id).resource
            assert found is not None
            found["valueQuantity"]["value"] = 3
            client.put("Observation", observation.id, json_text.dump(found))
            until = time.monotonic() + 60
            while not came_back(tmp_path, record):
                assert process.poll() is None
                assert time.monotonic() < until, "no call made it look"
                time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        _, told = process.communicate(timeout=60)
    finally:
        process.kill()
        print(process.communicate()[1])
    assert process.returncode == 0, told
    assert "Traceback" not in told


def wait_for_active(client: FhirClient, url: str) -> None:
    """Wait until the server has taken all Subscriptions up: their second version says so."""
    until = time.monotonic() + 180
    while True:
        statuses: dict[str, str] = {}
        for one in made(client, url):
            statuses.setdefault(one["id"], one["status"])
        if statuses and set(statuses.values()) == {"active"}:
            return
        assert time.monotonic() < until, statuses
        time.sleep(0.2)


def came_back(folder: Path, record: dict[str, Any]) -> bool:
    found = [json.loads(path.read_text("utf-8"))["record"] for path in folder.glob("out/*.json")]
    return any(one["patient"] == record["patient"] and one.get("score") == 3 for one in found)
