"""Commands as processes among others: pipes, signals, kills."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import time
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from command_line import COMMAND, Resources, environment, history, run, start, start_on_pipe, state
from malformed_files import record, text

from fhir_backpain.clinic.clinic import Clinic
from fhir_backpain.fhir import json_text
from fhir_backpain.mapping.mapper import load_mapper
from fhir_backpain.outbox.sqlite import SqliteStore
from fhir_backpain.record import as_of
from fhir_backpain.sandbox.faults import FaultRule
from fhir_backpain.sandbox.server import SandboxServer

OUTBOX = "fhir-backpain-outbox.sqlite"
DEADLINE = 60.0
KILLS = 6
BUNDLES: dict[str, Any] = {"method": "POST", "path": "^/fhir/?$"}


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """About 300 records of the demo's clinic, every type."""
    folder = tmp_path_factory.mktemp("clinic")
    exported = Clinic(patients=18).export(folder, "ndjson")
    assert 250 < exported.records < 350
    return folder / "records.ndjson"


@pytest.fixture(scope="module")
def calm(export: Path, tmp_path_factory: pytest.TempPathFactory) -> Resources:
    """What a server holds after a sync that nothing disturbed."""
    with SandboxServer() as server:
        folder = tmp_path_factory.mktemp("calm")
        assert run("sync", export, "--server", server.base_url, folder=folder).code == 0
        return state(server)


def wait_until(reached: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    """Wait for a state of affairs, but not longer than the process lives."""
    end = time.monotonic() + DEADLINE
    while not reached():
        assert time.monotonic() < end, "it never came to that"
        if process.poll() is not None:
            return
        time.sleep(0.005)


def test_a_reader_that_goes_away_is_no_problem(export: Path, tmp_path: Path) -> None:
    command = start(
        *("map", export, "--as", "resources"),
        folder=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert command.stdout is not None
    assert command.stderr is not None
    assert json.loads(command.stdout.readline())["resourceType"] == "Patient"
    command.stdout.close()
    assert command.stderr.read() == ""
    command.stderr.close()
    assert command.wait(DEADLINE) == 0


def test_standard_output_is_nothing_but_the_result(export: Path, tmp_path: Path) -> None:
    mixed = tmp_path / "mixed.ndjson"
    mixed.write_text(f"{text(record('R-1'))}\n{text(record('R-2', paim=1))}\n")
    mapped = run("map", mixed, folder=tmp_path)
    assert [json.loads(line)["type"] for line in mapped.out.splitlines()] == ["transaction"]
    assert "FBP-4004" in mapped.err
    assert run("validate", mixed, "--json", folder=tmp_path).json["rejected"] == 1
    assert run("doctor", "--json", folder=tmp_path).json[0]["good"] is True


def test_a_file_whose_name_is_no_text_is_carried_and_told(
    tmp_path: Path, server: SandboxServer
) -> None:
    odd = tmp_path / "caf\udce9.ndjson"
    odd.write_text(f"{text(record('R-1'))}\n{text(record('R-2', paim=1))}\n")
    ran = run("sync", odd, "--server", server.base_url, "--json", folder=tmp_path)
    assert ran.code == 1, ran.err
    assert ran.json["source"]["rejected"] == 1
    assert ran.json["server"]["records"]["sent"] == 1


def test_sigterm_while_sending_is_3_and_the_next_run_completes(
    export: Path, tmp_path: Path, server: SandboxServer, calm: Resources
) -> None:
    slow = FaultRule("delay", {"seconds": 0.1}, **BUNDLES)
    server.faults.add(slow)
    arguments = ("sync", export, "--server", server.base_url, "--json")
    command = start(*arguments, folder=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    wait_until(lambda: slow.seen >= 3, command)
    command.send_signal(signal.SIGTERM)
    out, err = command.communicate(timeout=DEADLINE)
    assert command.returncode == 3, err
    document = json.loads(out)
    assert document["server"]["reason"] == "stopped"
    assert document["server"]["queued"] > 0
    assert document["server"]["records"]["unclear"] == 0
    server.faults.clear()
    assert run(*arguments, folder=tmp_path).code == 0
    assert state(server) == calm


def test_sigterm_while_a_pipe_is_silent_is_3_and_what_came_is_kept(
    tmp_path: Path, server: SandboxServer
) -> None:
    command = start_on_pipe(server, tmp_path)
    assert command.stdin is not None
    # More than the outbox stores at once: when the first are stored, it is reading.
    command.stdin.write("".join(f"{text(record(f'R-{index}'))}\n" for index in range(1100)))
    command.stdin.flush()
    wait_until(lambda: held(tmp_path / OUTBOX) > 0, command)
    command.send_signal(signal.SIGTERM)
    assert command.wait(DEADLINE) == 3
    command.communicate()
    kept = held(tmp_path / OUTBOX)
    assert kept >= 1000
    good = tmp_path / "one.ndjson"
    good.write_text(text(record("R-0")))
    ran = run("sync", good, "--server", server.base_url, "--json", folder=tmp_path)
    assert ran.code == 0
    assert ran.json["server"]["records"]["sent"] == kept


def held(outbox: Path) -> int:
    """Return how many records an outbox holds, 0 where there is none yet."""
    if not outbox.exists():
        return 0
    with SqliteStore(outbox) as store:
        return sum(store.counts().values())


def test_an_interrupt_ends_with_130_and_without_noise(
    export: Path, tmp_path: Path, server: SandboxServer
) -> None:
    slow = FaultRule("delay", {"seconds": 0.1}, **BUNDLES)
    server.faults.add(slow)
    command = start(
        *("sync", export, "--server", server.base_url),
        folder=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    wait_until(lambda: slow.seen >= 2, command)
    command.send_signal(signal.SIGINT)
    out, err = command.communicate(timeout=DEADLINE)
    assert command.returncode == 130
    assert out == ""
    assert "Traceback" not in err


def has_seen(rule: FaultRule, requests: int) -> bool:
    return rule.seen >= requests


def most_versions(export: Path) -> dict[str, int]:
    """Return how often each resource changes if every record is sent by itself, in its time."""
    mapper = load_mapper()
    records = [json_text.parse(line) for line in export.read_text().splitlines()]
    texts: dict[str, list[str]] = {}
    for data in sorted(records, key=as_of):
        for made in mapper(data):
            versions = texts.setdefault(made.url, [])
            if made.text not in versions[-1:]:
                versions.append(made.text)
    return {url: len(versions) for url, versions in texts.items()}


def test_kills_at_random_moments_leave_what_an_undisturbed_sync_leaves(
    export: Path, tmp_path: Path, server: SandboxServer, calm: Resources
) -> None:
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")
    moments = random.Random(seed)
    slow = FaultRule("delay", {"seconds": 0.05}, **BUNDLES)
    server.faults.add(slow)
    arguments = ("sync", export, "--server", server.base_url)
    killed = 0
    for _ in range(KILLS):
        command = subprocess.Popen(
            [*COMMAND, *map(str, arguments)],
            cwd=tmp_path,
            env=environment(),
            stderr=subprocess.DEVNULL,
            text=True,
        )
        # After so many bundles (none: while records are stored), and a moment more.
        wanted = slow.seen + moments.randrange(5)
        wait_until((tmp_path / OUTBOX).exists, command)
        wait_until(partial(has_seen, slow, wanted), command)
        time.sleep(moments.uniform(0, 0.1))
        command.kill()
        killed += command.wait(DEADLINE) == -signal.SIGKILL
    server.faults.clear()
    last = run(*arguments, folder=tmp_path)
    versions = history(server)
    assert killed >= KILLS // 2, f"seed {seed}: the kills came too late"
    assert last.code == 0, f"seed {seed}: {last.err}"
    assert {url: each[-1] for url, each in versions.items()} == calm, f"seed {seed}"
    most = most_versions(export)
    for url, each in versions.items():
        assert all(one != two for one, two in pairwise(each)), f"seed {seed}: {url} twice"
        assert len(each) <= most[url], f"seed {seed}: {url}"
    again = run(*arguments, "--json", folder=tmp_path)
    assert again.json["server"]["resources"] == {}, f"seed {seed}"
