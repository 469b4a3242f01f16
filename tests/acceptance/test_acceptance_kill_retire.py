"""A sync that is killed while it corrects records retires what they dropped, each once."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from fhir_backpain.client.client import FhirClient
from fhir_backpain.outbox.sqlite import SqliteStore
from fhir_backpain.sandbox.faults import FaultRule
from fhir_backpain.sandbox.server import SandboxServer

WORKER = Path(__file__).with_name("kill_retire_worker.py")
ROOT = Path(__file__).parents[2]
RECORDS = 200
KILLS = 8


def start(database: Path, server: SandboxServer, side: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(WORKER), str(database), server.base_url, str(RECORDS), side],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )


def finish(database: Path, server: SandboxServer, side: str) -> dict[str, Any]:
    worker = start(database, server, side)
    output, _ = worker.communicate(timeout=120)
    assert worker.returncode == 0
    result: dict[str, Any] = json.loads(output)
    assert result["complete"]
    return result


def test_kills_while_sides_are_corrected_change_nothing(tmp_path: Path) -> None:
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")
    moments = random.Random(seed)
    database = tmp_path / "outbox.db"
    with SandboxServer() as server:
        finish(database, server, "left")
        slow = FaultRule("delay", {"seconds": 0.15}, method="POST", path="^/fhir/?$")
        server.faults.add(slow)
        killed_under_way = 0
        # The last kills meet a correction of the correction: what it dropped was perhaps sent.
        for side in ["right"] * (KILLS // 2) + ["both"] * (KILLS // 2):
            worker = start(database, server, side)
            time.sleep(moments.uniform(0.4, 0.9))
            worker.kill()
            worker.communicate()
            killed_under_way += worker.returncode == -9
        server.faults.clear()
        finish(database, server, "both")
        assert finish(database, server, "both")["records"]["unchanged"] == RECORDS
        assert killed_under_way > KILLS // 2, f"seed {seed}: the kills came too late"
        with FhirClient(server.base_url) as client:
            versions = [
                entry["resource"] for entry in client.history(parameters=[("_count", "200")])
            ]
    found: dict[str, list[dict[str, Any]]] = {}
    for version in versions:
        found.setdefault(version["id"], []).insert(0, version)
    ends = Counter(
        (history[-1]["code"]["text"], history[-1]["status"]) for history in found.values()
    )
    right = ends.pop(("right", "entered-in-error"), 0)
    assert ends == {("left", "entered-in-error"): RECORDS, ("both", "final"): RECORDS}, seed
    for history in found.values():
        expected = (
            ["final"] if history[0]["code"]["text"] == "both" else ["final", "entered-in-error"]
        )
        assert [version["status"] for version in history] == expected, seed
    with SqliteStore(database) as store:
        assert store.ledger_size(server.base_url) == 2 * RECORDS + right
