"""Changes made on a server come back by the command, each once, whatever happens to it."""

from __future__ import annotations

import csv
import json
import random
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from command_line import environment, run, start

from fhir_backpain.client.client import FhirClient
from fhir_backpain.fhir import json_text
from fhir_backpain.sandbox.faults import FaultRule
from fhir_backpain.sandbox.server import SandboxServer
from tests.command import Ran

WORKER = Path(__file__).with_name("kill_pull_worker.py")
KILLS = 20
PATIENTS = 6
RECORDS = 30
_EDITS = 4
_CANARY = "MRN-canary"


def record(number: int) -> dict[str, Any]:
    patient = f"{_CANARY}-{number % PATIENTS}"
    return {
        "record": "observation",
        "id": f"R-{number}",
        "source": "https://clinic.example/app",
        "test_data": True,
        "patient": {"identifier": {"system": "https://clinic.example/mrn", "value": patient}},
        "observed_at": "2026-03-02T09:30:00+01:00",
        "recorded_at": "2026-03-02T10:00:00+01:00",
        "measure": "pain-vas",
        "score": 0,
    }


def fill(server: SandboxServer, folder: Path, count: int = RECORDS) -> None:
    """Send records by the command; the outbox beside it knows them."""
    text = "".join(f"{json.dumps(record(number))}\n" for number in range(count))
    (folder / "records.ndjson").write_text(text, encoding="utf-8")
    sent = run("sync", "records.ndjson", "--server", server.base_url, folder=folder)
    assert sent.code == 0, sent.err


def pull(server: SandboxServer, folder: Path, to: str, *options: str) -> Ran:
    return run("pull", "--server", server.base_url, "--to", to, "--json", *options, folder=folder)


def observations(client: FhirClient) -> dict[str, dict[str, Any]]:
    """Return the observations of a server by the id of their record."""
    found = {}
    for entry in client.search("Observation", [("_count", "200")]):
        resource = entry["resource"]
        found[resource["identifier"][0]["value"].split("/")[2]] = resource
    return found


def edit(client: FhirClient, resource: dict[str, Any], score: int) -> str:
    """Write a score as another user of the server does; return the version that it made."""
    copy = {name: item for name, item in resource.items() if name != "meta"}
    meta = resource["meta"]
    copy["meta"] = {name: item for name, item in meta.items() if name != "versionId"}
    copy["valueQuantity"] = {**resource["valueQuantity"], "value": score}
    reply = client.put("Observation", resource["id"], json_text.dump(copy))
    return f"Observation/{resource['id']}/_history/{reply.version_id}"


def lines(path: Path) -> list[dict[str, Any]]:
    return [json_text.parse(line) for line in path.read_text("utf-8").splitlines()]


def killed(server: SandboxServer, folder: Path, to: str, after: float, *, writing: bool) -> bool:
    """Start a pull on a slow disk and kill it; True where it was still at work.

    It is killed some seconds after its start or, with `writing`, after it opened its first file.
    """
    process = subprocess.Popen(
        [sys.executable, str(WORKER), "pull", "--server", server.base_url, "--to", to],
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdout is not None
    if writing:
        process.stdout.readline()
    time.sleep(after)
    process.kill()
    process.communicate()
    return process.returncode == -signal.SIGKILL


def test_edits_and_deletions_come_back_as_records(server: SandboxServer, tmp_path: Path) -> None:
    fill(server, tmp_path, 3)
    assert pull(server, tmp_path, "ndjson:out.ndjson").json["versions"]["delivered"] == 0
    with FhirClient(server.base_url) as client:
        there = observations(client)
        version = edit(client, there["R-1"], 8)
        client.delete("Observation", there["R-2"]["id"])
    ran = pull(server, tmp_path, "ndjson:out.ndjson")
    assert ran.code == 0, ran.err
    assert ran.json["deliveries"] == {"planned": 2, "delivered": 2, "refused": 0}
    changed, deleted = sorted(lines(tmp_path / "out.ndjson"), key=lambda one: one["change"])
    assert changed["record"] == {**record(1), "score": 8}
    assert changed["versions"] == [version]
    assert (deleted["change"], deleted["record"]["id"]) == ("deleted", "R-2")
    assert _CANARY not in ran.out + ran.err
    # What came back can be sent again: it is a record like those that were sent.
    (tmp_path / "back.ndjson").write_text(json_text.dump(changed["record"]), encoding="utf-8")
    assert run("validate", "back.ndjson", folder=tmp_path).code == 0


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", ["ndjson", "csv"])
def test_kills_at_random_moments_leave_one_delivery_for_each_version(
    server: SandboxServer, tmp_path: Path, kind: str
) -> None:
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    to = {"ndjson": "ndjson:out.ndjson", "csv": "csv:out"}[kind]
    fill(server, tmp_path)
    # Slow enough that a kill meets every phase: reading, judging, writing.
    server.faults.add(FaultRule("delay", {"seconds": 0.03}))
    started = time.monotonic()
    assert pull(server, tmp_path, to).code == 0
    calm = time.monotonic() - started
    expected: dict[str, int] = {}
    made: Counter[str] = Counter()
    under_way = 0
    with FhirClient(server.base_url) as client:
        for round_ in range(KILLS):
            there = observations(client)
            for name in chance.sample(sorted(there), _EDITS):
                # Never what was said before: who comes back to that has nothing to tell.
                expected[name] = round_ + 1
                made[edit(client, there[name], expected[name])] += 1
            # Between opening a file and the state's word that it is written lies half a second.
            writing = round_ % 3 > 0
            after = chance.uniform(0.0, 0.6) if writing else chance.uniform(0.4, 1.4) * calm
            under_way += killed(server, tmp_path, to, after, writing=writing)
        ran = pull(server, tmp_path, to)
        assert ran.code == 0, f"seed {seed}: {ran.err}"
        last = {
            name: f"Observation/{one['id']}/_history/{one['meta']['versionId']}"
            for name, one in observations(client).items()
        }
    assert under_way > KILLS // 3, f"seed {seed}: the kills came too late"
    found = delivered(tmp_path, kind)
    told = Counter(version for one in found for version in one["versions"])
    assert set(told.values()) <= {1}, f"seed {seed}: a version is in two deliveries"
    if kind == "ndjson":
        assert set(told) <= set(made)
        assert all(told[last[name]] == 1 for name in expected), f"seed {seed}: one is missing"
    assert len({one["delivery"] for one in found}) == len(found), f"seed {seed}"
    by_record: dict[str, list[dict[str, Any]]] = {}
    for one in found:
        by_record.setdefault(one["record"]["id"], []).append(one)
    assert by_record.keys() == expected.keys(), f"seed {seed}"
    for name, revisions in by_record.items():
        numbers = [int(one["revision"]) for one in revisions]
        assert numbers == list(range(1, len(numbers) + 1)), f"seed {seed}: {name} has a gap"
        assert int(revisions[-1]["record"]["score"]) == expected[name], f"seed {seed}: {name}"
    assert pull(server, tmp_path, to).json["deliveries"]["planned"] == 0


def delivered(folder: Path, kind: str) -> list[dict[str, Any]]:
    """Return what is in the files; a table tells no versions."""
    if kind == "ndjson":
        return lines(folder / "out.ndjson")
    with (folder / "out/observation.csv").open(encoding="utf-8", newline="") as file:
        return [{**row, "record": row, "versions": []} for row in csv.DictReader(file)]


def test_following_ends_at_sigterm(server: SandboxServer, tmp_path: Path) -> None:
    fill(server, tmp_path, 2)
    arguments = ("--to", "directory:out", "--follow", "--interval", "1")
    process = start(
        "pull", "--server", server.base_url, *arguments, folder=tmp_path, stderr=-1, stdout=-1
    )
    try:
        with FhirClient(server.base_url) as client:
            edit(client, observations(client)["R-1"], 6)
            until = time.monotonic() + 60
            while not list(tmp_path.glob("out/*.json")):
                assert time.monotonic() < until
                assert process.poll() is None
                time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        _, told = process.communicate(timeout=30)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0, told
    (path,) = tmp_path.glob("out/*.json")
    assert json.loads(path.read_text("utf-8"))["record"]["score"] == 6


def test_two_pulls_do_not_share_a_state(server: SandboxServer, tmp_path: Path) -> None:
    process = start(
        "pull", "--server", server.base_url, "--to", "directory:out", "--follow",
        folder=tmp_path, stderr=-1, stdout=-1,
    )  # fmt: skip
    try:
        until = time.monotonic() + 60
        while not (tmp_path / "fhir-backpain-pull.sqlite-wal").exists():
            assert time.monotonic() < until
            time.sleep(0.1)
        second = pull(server, tmp_path, "directory:out")
    finally:
        process.terminate()
        process.communicate(timeout=30)
    assert second.code == 5
    assert "FBP-6115" in second.err


def test_conflicts_are_listed_and_decided(server: SandboxServer, tmp_path: Path) -> None:
    fill(server, tmp_path, 1)
    with FhirClient(server.base_url) as client:
        edit(client, observations(client)["R-0"], 8)
    changed = json.dumps({**record(0), "score": 3})
    run("sync", "-", "--server", server.base_url, folder=tmp_path, stdin=changed)
    ran = pull(server, tmp_path, "ndjson:out.ndjson")
    assert (ran.code, ran.json["waiting"]["conflicts"]) == (4, 1), ran.err
    listed = run("pull", "resolve", "--json", folder=tmp_path)
    assert listed.code == 4
    (conflict,) = listed.json["conflicts"]
    assert (conflict["record"], conflict["differs"]) == ("observation R-0", ["score"])
    number = str(conflict["number"])
    assert run("pull", "resolve", "99", "--take", "server", folder=tmp_path).code == 5
    decided = run("pull", "resolve", number, "--take", "server", folder=tmp_path)
    assert (decided.code, decided.out) == (0, "No conflict waits.\n")
    assert pull(server, tmp_path, "ndjson:out.ndjson").code == 0
    assert [one["record"]["score"] for one in lines(tmp_path / "out.ndjson")] == [8]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "--server"),
        (("--server", "http://127.0.0.1:9/fhir"), "--to"),
        (("--server", "http://127.0.0.1:9/fhir", "--to", "xml:x"), "FBP-6112"),
        (("--server", "nobody", "--to", "ndjson:x"), "FBP-8001"),
        (("--server", "http://x.example", "--to", "ndjson:x", "--since", "2024"), "FBP-6118"),
        (("resolve", "1"), "--take"),
        (("retry",), "no state"),
    ],
)  # fmt: skip
def test_wrong_use_is_told(tmp_path: Path, arguments: tuple[str, ...], message: str) -> None:
    ran = run("pull", *arguments, folder=tmp_path)
    assert ran.code == 2
    assert re.search(message, ran.err)
    assert "Traceback" not in ran.err


def test_a_server_that_is_not_there_is_3(tmp_path: Path) -> None:
    ran = run("pull", "--server", "http://127.0.0.1:9/fhir", "--to", "ndjson:x", folder=tmp_path)
    assert ran.code == 3
    assert "FBP-6101" in ran.err
