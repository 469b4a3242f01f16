"""The real process: killed, started anew, stopped."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from fhir_backpain.mapping.mapper import Mapper
from fhir_backpain.outbox.sqlite import SqliteStore
from fhir_backpain.sandbox.server import SandboxServer
from tests.records import exact

_PROGRAM = """
import sys
from pathlib import Path
from fhir_backpain.gateway.server import serve
from fhir_backpain.gateway.settings import GatewaySettings
from tests.records import exact
settings = GatewaySettings(sys.argv[1], Path(sys.argv[2]), port=0, max_body=100_000, deadline=2)
serve(settings, lambda url: print(url, flush=True))
print("stopped", flush=True)
"""


class Process:
    """A gateway of its own."""

    def __init__(self, server: str, outbox: Path) -> None:
        self._popen = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", _PROGRAM, server, str(outbox)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._popen.stdout is not None
        self.url = self._popen.stdout.readline().strip()
        assert self.url.startswith("http://127.0.0.1:"), self.end()

    def end(self, name: signal.Signals = signal.SIGKILL) -> tuple[int, str, str]:
        os.kill(self._popen.pid, name)
        out, err = self._popen.communicate(timeout=60)
        return self._popen.returncode, out, err

    def discard(self) -> None:
        self._popen.kill()
        self._popen.communicate()


@contextmanager
def gateway(server: str, outbox: Path) -> Iterator[Process]:
    process = Process(server, outbox)
    try:
        yield process
    finally:
        process.discard()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def test_a_record_survives_kill_9_and_is_sent_after_a_restart(
    tmp_path: Path, records: list[dict[str, Any]], mapper: Mapper
) -> None:
    port, outbox = free_port(), tmp_path / "outbox.sqlite"
    server = f"http://127.0.0.1:{port}/fhir"
    with gateway(server, outbox) as process:
        taken = requests.post(f"{process.url}/api/v1/records", json=records[:2], timeout=30)
        assert taken.status_code == 202
        assert process.end(signal.SIGKILL)[0] == -signal.SIGKILL
    with SqliteStore(outbox) as store:
        assert sum(store.counts(server).values()) == 2
        for delivery, record in zip(taken.json()["deliveries"], records, strict=False):
            assert store.entry(delivery["id"]).key.id == record["id"]
    with SandboxServer(port=port) as sandbox, gateway(server, outbox) as process:
        url = process.url + taken.headers["Location"]
        for _ in range(600):
            submission = requests.get(url, timeout=30).json()
            if submission["complete"]:
                break
            time.sleep(0.05)
        assert submission["counts"] == {"sent": 2}
        for record in records[:2]:
            for made in mapper(exact(record)):
                held = requests.get(f"{sandbox.base_url}/{made.url}", timeout=30)
                assert held.status_code == 200
        code, out, err = process.end(signal.SIGTERM)
    assert (code, out) == (0, "stopped\n")
    assert "Traceback" not in err


@pytest.mark.parametrize("name", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_in_order_while_the_server_is_away(
    tmp_path: Path, records: list[dict[str, Any]], name: signal.Signals
) -> None:
    with gateway(f"http://127.0.0.1:{free_port()}/fhir", tmp_path / "o") as process:
        posted = requests.post(f"{process.url}/api/v1/records", json=records[0], timeout=30)
        assert posted.status_code == 202
        code, out, err = process.end(name)
    assert (code, out) == (0, "stopped\n"), err
    with SqliteStore(tmp_path / "o") as store:
        entry = store.entry(posted.json()["id"])
        assert (entry.state, entry.leased) == ("queued", False)


def test_twenty_at_a_time_survive_kill_9(tmp_path: Path, records: list[dict[str, Any]]) -> None:
    server = f"http://127.0.0.1:{free_port()}/fhir"
    with gateway(server, tmp_path / "o") as process:

        def post(record: dict[str, Any]) -> requests.Response:
            return requests.post(f"{process.url}/api/v1/records", json=record, timeout=60)

        with ThreadPoolExecutor(20) as pool:
            answers = list(pool.map(post, records[:20]))
        process.end(signal.SIGKILL)
    assert [answer.status_code for answer in answers] == [202] * 20
    with SqliteStore(tmp_path / "o") as store:
        kept = [store.entry(answer.json()["id"]).key.id for answer in answers]
    assert kept == [record["id"] for record in records[:20]]


def test_it_stops_though_the_server_never_answers(
    tmp_path: Path, records: list[dict[str, Any]]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        server = f"http://127.0.0.1:{silent.getsockname()[1]}/fhir"
        with gateway(server, tmp_path / "o") as process:
            posted = requests.post(f"{process.url}/api/v1/records", json=records[0], timeout=30)
            assert posted.status_code == 202
            assert requests.get(f"{process.url}/ready", timeout=30).status_code == 200
            assert process.end(signal.SIGTERM)[:2] == (0, "stopped\n")
    with SqliteStore(tmp_path / "o") as store:
        assert store.entry(posted.json()["id"]).state == "queued"


def test_what_is_no_request_is_answered_with_an_outcome(tmp_path: Path) -> None:
    with gateway(f"http://127.0.0.1:{free_port()}/fhir", tmp_path / "o") as process:
        address = urlsplit(process.url)
        assert address.hostname
        assert address.port
        for status, headers in (
            (413, {"Content-Length": "100001", "Content-Type": "application/json"}),
            (400, {"Content-Length": "many"}),
            (501, {"Transfer-Encoding": "gzip"}),
        ):
            connection = http.client.HTTPConnection(address.hostname, address.port, timeout=30)
            connection.putrequest("POST", "/api/v1/records")
            for header, value in headers.items():
                connection.putheader(header, value)
            connection.endheaders()
            reply = connection.getresponse()
            assert reply.status == status
            assert reply.headers["Content-Type"] == "application/fhir+json; charset=utf-8"
            assert json.load(reply)["resourceType"] == "OperationOutcome"
            connection.close()
        chunks = (b"[" + b" " * 1000 for _ in range(200))
        refused = requests.post(
            f"{process.url}/api/v1/records",
            data=chunks,
            headers={"Content-Type": "application/json"},
            timeout=30,
        )
        assert refused.status_code == 413
        assert refused.json()["resourceType"] == "OperationOutcome"
        assert process.end(signal.SIGTERM)[0] == 0
