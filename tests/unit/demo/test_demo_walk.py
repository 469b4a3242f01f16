"""The walk: its figures, and that it does not pass where a step does not hold."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from fhir_backpain.demo.walk import EDITS, DemoWalk, write_report
from fhir_backpain.errors import BackpainError
from fhir_backpain.mapping.mapper import load_mapper
from fhir_backpain.sandbox.faults import FaultRule
from fhir_backpain.sandbox.server import SandboxServer


@pytest.fixture
def server() -> Iterator[SandboxServer]:
    with SandboxServer() as running:
        yield running


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


def test_it_counts_only_what_it_added(server: SandboxServer, tmp_path: Path) -> None:
    first = walk(server, tmp_path / "one", [])
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    held = first.run().on_server
    # The same clinic from another outbox: everything is there, so nothing more is.
    with pytest.raises(BackpainError, match="does not hold what the outbox says"):
        walk(server, tmp_path / "two", []).run()
    assert sum(held.values()) > 100


def test_a_server_that_rejects_ends_it(server: SandboxServer, tmp_path: Path) -> None:
    server.faults.add(FaultRule("status", {"status": 422}, method="POST", path="^/fhir/?$"))
    server.faults.add(FaultRule("status", {"status": 422}, method="PUT"))
    lines: list[str] = []
    with pytest.raises(BackpainError, match="first sync did not send every record"):
        walk(server, tmp_path, lines).run()
    assert not any(line.startswith("3. ") for line in lines)
