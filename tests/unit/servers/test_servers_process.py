"""Our processes are told from strangers, and end when asked or forced."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

import servers.hapi
from fhir_backpain.toolchain.log import last_lines
from servers.process import is_running, stop_process


@pytest.fixture
def sleeper():
    """A process of ours: its token is in its command line."""
    script = "import time; print('up', flush=True); time.sleep(600)"
    command = [sys.executable, "-c", script, "hapi-token"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
        process.kill()


def test_a_process_is_ours_only_with_its_token(sleeper):
    assert is_running(sleeper.pid, "hapi-token")
    assert not is_running(sleeper.pid, "hapi-other")


def test_a_stranger_with_our_process_id_is_not_stopped(sleeper):
    stop_process(sleeper.pid, "hapi-other")

    assert sleeper.poll() is None


def test_stopping_ends_the_process(sleeper):
    stop_process(sleeper.pid, "hapi-token")

    assert not is_running(sleeper.pid, "hapi-token")
    assert sleeper.wait(timeout=10) != 0


def test_servers_that_have_ended_are_forgotten(tmp_path, monkeypatch, sleeper):
    monkeypatch.setenv("FHIR_BACKPAIN_CACHE", str(tmp_path))
    run = tmp_path / "fhir-backpain" / "run"
    run.mkdir(parents=True)
    record = {"release": "R4", "base_url": "", "log": str(run / "x.log"), "pid": sleeper.pid}
    for token, port in {"hapi-token": 1, "hapi-gone": 2}.items():
        (run / f"{token}.json").write_text(json.dumps({**record, "token": token, "port": port}))

    assert [server.port for server in servers.hapi.running()] == [1]
    assert [server.port for server in servers.hapi.stop()] == [1]
    assert list(run.glob("*.json")) == []


def test_the_end_of_a_log(tmp_path):
    log = tmp_path / "log"
    assert last_lines(log) == ""
    log.write_text("\n".join(map(str, range(100))))
    assert last_lines(log, 2) == "98\n99"
