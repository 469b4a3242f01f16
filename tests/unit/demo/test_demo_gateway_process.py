"""The gateway's process: there within the block, gone after it, whatever happens."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import pytest
import requests

from fhir_backpain.demo.gateway_process import GatewayProcess
from fhir_backpain.errors import BackpainError
from fhir_backpain.sandbox.server import SandboxServer

Started = list["subprocess.Popen[str]"]


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Started:
    """Every process that is started from now on."""
    found: Started = []
    real = subprocess.Popen

    def start(*arguments: object, **options: object) -> object:
        process = real(*arguments, **options)  # type: ignore[call-overload]
        found.append(process)
        return process

    monkeypatch.setattr(subprocess, "Popen", start)
    return found


def test_it_answers_within_the_block_and_is_gone_after_it(tmp_path: Path, started: Started) -> None:
    with SandboxServer() as server:
        with GatewayProcess(server.base_url, tmp_path / "outbox.sqlite") as url:
            assert requests.get(f"{url}/livez", timeout=10).status_code in (200, 404)
        (process,) = started
        assert process.poll() == 0
        with pytest.raises(requests.ConnectionError):
            requests.get(url, timeout=10)


def test_a_gateway_that_logs_much_is_not_held_up(tmp_path: Path, started: Started) -> None:
    """Each request is a line of its log, more than a pipe takes."""
    with SandboxServer() as server:
        outbox = tmp_path / "outbox.sqlite"
        with GatewayProcess(server.base_url, outbox) as url, requests.Session() as session:
            for _ in range(800):
                session.get(f"{url}/{'x' * 80}", timeout=10)
        assert started[0].poll() == 0


def test_a_gateway_that_cannot_start_is_told(tmp_path: Path, started: Started) -> None:
    outbox = tmp_path / "outbox.sqlite"
    outbox.write_bytes(b"no outbox" * 1000)
    with pytest.raises(BackpainError, match="FBP-8901"):
        GatewayProcess("http://127.0.0.1:9/fhir", outbox).__enter__()
    assert started[0].poll() == 5


def test_an_interrupt_while_it_starts_stops_it(
    tmp_path: Path, started: Started, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(GatewayProcess, "_ready", interrupted)
    with pytest.raises(KeyboardInterrupt):
        GatewayProcess("http://127.0.0.1:9/fhir", tmp_path / "outbox.sqlite").__enter__()
    assert started[0].poll() in (0, -signal.SIGTERM)
