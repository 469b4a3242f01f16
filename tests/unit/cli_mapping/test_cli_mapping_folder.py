"""A mappings folder of the clinic's own: map, validate, sync and serve use it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from mapping_world import write

from fhir_backpain.client.client import FhirClient
from fhir_backpain.sandbox.server import SandboxServer
from tests.command import Run
from tests.records import assessment

ROOT = Path(__file__).parents[3]
RECORD = assessment(test_data=True, scores=[{"measure": "orebro", "score": 52}])
SYSTEM = "https://clinic.example/fhir/CodeSystem/clinic"


@pytest.fixture(autouse=True)
def own(folder: Path, run: Run) -> Path:
    """A copy of the mappings with an instrument of the clinic's own, and a record that uses it."""
    write(folder / "CodeSystem-clinic.json", {
        "resourceType": "CodeSystem", "id": "clinic", "url": SYSTEM,
        "concept": [{"code": "orebro", "display": "Örebro score"}],
    })  # fmt: skip
    write(
        folder / "instruments/orebro.yaml",
        "instrument: orebro\ntitle: Ö\ndomain: psychosocial\nreported by: patient\nmeasures:\n"
        "  orebro: {code: clinic.orebro, unit: unit.score, range: [0, 100]}\nlicence: Owned.\n",
    )
    write(Path("r.ndjson"), RECORD)
    return folder


def test_without_the_folder_the_measure_is_unknown(run: Run) -> None:
    for command in ("map", "validate"):
        done = run(command, "r.ndjson")
        assert (done.code, "FBP-4023" in done.err) == (1, True)


def test_map_and_validate_use_the_folder(run: Run) -> None:
    done = run("map", "r.ndjson", "--mappings", "own", "--as", "resources", "--strict")
    assert done.code == 0
    made = [json.loads(line) for line in done.out.splitlines()]
    (coding,) = next(
        item["code"]["coding"] for item in made if item["resourceType"] == "Observation"
    )
    assert coding == {"system": SYSTEM, "code": "orebro", "display": "Örebro score"}
    assert run("validate", "r.ndjson", "--mappings", "own").code == 0


def test_sync_sends_what_the_folder_makes(run: Run) -> None:
    with SandboxServer() as server:
        done = run("sync", "r.ndjson", "--mappings", "own", "--server", server.base_url)
        assert done.code == 0
        with FhirClient(server.base_url) as client:
            found = [entry["resource"] for entry in client.history("Observation")]
    assert found[0]["code"]["coding"][0]["code"] == "orebro"


def test_serve_takes_what_the_folder_knows(tmp_path: Path) -> None:
    with SandboxServer() as server:
        command = [sys.executable, "-u", "-m", "fhir_backpain.cli", "serve", "--port", "0"]
        process = subprocess.Popen(
            [*command, "--server", server.base_url, "--mappings", "own", "--outbox", "o.sqlite"],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            request = urllib.request.Request(
                f"{gateway_of(process)}/api/v1/records",
                data=json.dumps(RECORD).encode(),
                headers={"Content-Type": "application/json"},
            )
            with urllib.request.urlopen(request, timeout=30) as answer:
                assert answer.status == 202
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=60)
        finally:
            process.kill()
            process.wait()


def gateway_of(process: subprocess.Popen[str]) -> str:
    """Return the URL that a gateway tells on standard error."""
    assert process.stderr is not None
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        line = process.stderr.readline()
        assert line, "the gateway ended"
        if line.startswith("gateway at "):
            return line.split()[2]
    raise AssertionError("the gateway told no URL")


def test_a_wrong_folder_is_told_at_its_file(run: Run, own: Path) -> None:
    write(own / "CodeSystem-clinic.json", "{")
    for command in (["map"], ["validate"], ["sync", "--server", "http://127.0.0.1:9/fhir"]):
        done = run(*command, "r.ndjson", "--mappings", "own")
        assert (done.code, "own/CodeSystem-clinic.json:1:" in done.err) == (2, True)
    done = run("map", "r.ndjson", "--mappings", "nowhere")
    assert (done.code, "nowhere" in done.err) == (2, True)
