"""The walk: its figures, and that it does not pass where a step does not hold."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fhir_backpain.client.client import FhirClient
from fhir_backpain.demo.walk import EDITS, DemoWalk, write_report
from fhir_backpain.errors import BackpainError
from fhir_backpain.mapping.mapper import load_mapper
from fhir_backpain.sandbox.faults import FaultRule
from fhir_backpain.sandbox.server import SandboxServer


def walk(server: SandboxServer, folder: Path, lines: list[str]) -> DemoWalk:
    return DemoWalk(server.base_url, folder, load_mapper(), lines.append, patients=2)


def test_every_step_is_told_and_reported(server: SandboxServer, tmp_path: Path) -> None:
    lines: list[str] = []
    result = walk(server, tmp_path, lines).run()
    for step in range(1, 7):
        assert any(line.startswith(f"{step}. ") for line in lines)
    assert result.edited.summary.records["sent"] == EDITS
    assert result.again.summary.records["sent"] == 0
    report = write_report(result, tmp_path)
    assert json.loads(report.read_text()) == json.loads(json.dumps(result.to_json()))


def test_a_server_that_had_a_demo_before_holds_nothing_more(
    server: SandboxServer, tmp_path: Path
) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    assert sum(walk(server, tmp_path / "one", []).run().on_server.values()) > 100
    again = walk(server, tmp_path / "two", []).run()
    assert sum(again.on_server.values()) == 0
    assert again.first.is_complete


def test_a_base_url_may_end_with_a_slash(server: SandboxServer, tmp_path: Path) -> None:
    lines: list[str] = []
    demo = DemoWalk(f"{server.base_url}/", tmp_path, load_mapper(), lines.append, patients=2)
    assert demo.run().first.is_complete


def test_a_server_that_loses_a_resource_is_found_out(
    server: SandboxServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    demo = walk(server, tmp_path, [])

    def lose_one() -> int:
        with FhirClient(server.base_url) as client:
            entry = next(iter(client.search("Provenance")))
            client.delete("Provenance", entry["resource"]["id"])
        return 0

    monkeypatch.setattr(demo, "_posted", lose_one)
    with pytest.raises(BackpainError, match="does not hold what the outbox says"):
        demo.run()


def test_a_server_that_rejects_ends_it(server: SandboxServer, tmp_path: Path) -> None:
    server.faults.add(FaultRule("status", {"status": 422}, method="POST", path="^/fhir/?$"))
    server.faults.add(FaultRule("status", {"status": 422}, method="PUT"))
    lines: list[str] = []
    with pytest.raises(BackpainError, match="first sync did not send every record"):
        walk(server, tmp_path, lines).run()
    assert not any(line.startswith("3. ") for line in lines)
