"""A sync that is killed again and again leaves the server as one that was never disturbed."""

from __future__ import annotations

import itertools
import json
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from fhir_backpain.client.client import FhirClient
from fhir_backpain.outbox.sqlite import SqliteStore
from fhir_backpain.sandbox.faults import FaultRule
from fhir_backpain.sandbox.server import SandboxServer

WORKER = Path(__file__).with_name("kill_sync_worker.py")
ROOT = Path(__file__).parents[2]
RECORDS = 480
KILLS = 12


def start(database: Path, server: SandboxServer) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(WORKER), str(database), server.base_url, str(RECORDS)],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )


def finish(database: Path, server: SandboxServer) -> dict[str, Any]:
    worker = start(database, server)
    output, _ = worker.communicate(timeout=120)
    assert worker.returncode == 0
    result: dict[str, Any] = json.loads(output)
    return result


def history(server: SandboxServer) -> dict[str, list[dict[str, Any]]]:
    """Return the contents of all versions of each resource, oldest first."""
    found: dict[str, list[dict[str, Any]]] = {}
    with FhirClient(server.base_url) as client:
        for entry in client.history(parameters=[("_count", "100")]):
            resource = dict(entry["resource"])
            resource.pop("meta")
            found.setdefault(f"{resource['resourceType']}/{resource['id']}", []).insert(0, resource)
    return found


def test_kills_at_random_moments_change_nothing(tmp_path: Path) -> None:
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")
    moments = random.Random(seed)
    with SandboxServer() as calm_server:
        calm = finish(tmp_path / "calm.db", calm_server)
        expected = history(calm_server)
    assert calm["complete"]

    killed_under_way = 0
    with SandboxServer() as server:
        # Slow enough that a kill meets every phase: before, within and after a bundle.
        server.faults.add(FaultRule("delay", {"seconds": 0.15}, method="POST", path="^/fhir/?$"))
        database = tmp_path / "killed.db"
        for _ in range(KILLS):
            worker = start(database, server)
            time.sleep(moments.uniform(0.2, 0.6))
            worker.kill()
            worker.communicate()
            killed_under_way += worker.returncode == -9
        server.faults.clear()
        finish(database, server)
        found = history(server)

    assert killed_under_way > KILLS // 2, f"seed {seed}: the kills came too late"
    assert found.keys() == expected.keys()
    for url, versions in found.items():
        assert versions[-1] == expected[url][-1], f"seed {seed}: {url} differs"
        texts = [json.dumps(version, sort_keys=True) for version in versions]
        assert all(one != two for one, two in itertools.pairwise(texts)), (
            f"seed {seed}: {url} has the same version twice"
        )
        if url.startswith("Observation/"):
            assert len(versions) == 1, f"seed {seed}: {url} was written more than once"
    with SqliteStore(database) as store:
        counts = store.counts()
        assert {name: number for name, number in counts.items() if number} == {"sent": RECORDS}


@pytest.mark.parametrize("kind", ["drop-after", "drop-before"])
def test_lost_connections_change_nothing(tmp_path: Path, kind: str) -> None:
    with SandboxServer() as server:
        server.faults.add(FaultRule(kind, method="POST", path="^/fhir/?$", probability=0.3, seed=7))
        result = finish(tmp_path / "outbox.db", server)
        found = history(server)
    assert result["complete"], result
    assert result["records"]["sent"] == RECORDS
    observations = [url for url in found if url.startswith("Observation/")]
    assert len(observations) == RECORDS
    assert all(len(found[url]) == 1 for url in observations)
