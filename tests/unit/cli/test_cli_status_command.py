"""status: what the outbox holds, and the exit code that says whether somebody has to look."""

from __future__ import annotations

from pathlib import Path

from cli_world import NOBODY, observation, write

from fhir_backpain.cli.exit_codes import ExitCode
from fhir_backpain.sandbox.faults import FaultRule
from fhir_backpain.sandbox.server import SandboxServer
from tests.command import Run


def test_after_a_complete_sync_nothing_needs_a_person(
    run: Run, good: Path, server: SandboxServer
) -> None:
    run("sync", good, "--server", server.base_url, "--patience", "5")
    shown = run("status")
    assert shown.code == ExitCode.DONE
    assert f"{server.base_url}\n  records: 3 sent\n" in shown.out
    assert shown.err == ""
    held = run("status", "--json").json["servers"][server.base_url]
    assert held["records"] == {"sent": 3}
    assert held["attention"] == []
    assert held["resources"] > 3


def test_records_that_wait_are_3(run: Run, good: Path) -> None:
    run("sync", good, "--server", NOBODY, "--patience", "0")
    ran = run("status", "--json")
    assert ran.code == ExitCode.SERVER_UNAVAILABLE
    assert ran.json["servers"][NOBODY]["records"] == {"queued": 3}


def test_a_rejected_record_is_4_with_its_place_and_the_servers_words(
    run: Run, tmp_path: Path, server: SandboxServer
) -> None:
    good = write(tmp_path / "first.ndjson", observation("R-1"))
    bad = write(tmp_path / "second.ndjson", observation("R-2", "P-2"))
    run("sync", good, "--server", server.base_url, "--patience", "5")
    server.faults.add(FaultRule("status", {"status": 422}, method="POST", path="^/fhir/?$"))
    server.faults.add(FaultRule("status", {"status": 422}, method="PUT"))
    assert (
        run("sync", bad, "--server", server.base_url, "--patience", "5").code
        == ExitCode.SERVER_REJECTED
    )
    shown = run("status")
    assert shown.code == ExitCode.SERVER_REJECTED
    assert "observation R-2" in shown.out
    assert "second.ndjson:1" in shown.out
    assert "P-2" not in shown.out
    document = run("status", "--json").json
    held = document["servers"][server.base_url]
    assert held["records"] == {"sent": 1, "rejected": 1}
    (entry,) = held["attention"]
    assert list(entry) == ["id", "record", "state", "attempts", "source", "issues"]
    assert entry["state"] == "rejected"
    assert entry["issues"]
    assert all(entry["issues"])


def test_limit_bounds_the_list_but_not_the_counts(
    run: Run, tmp_path: Path, server: SandboxServer
) -> None:
    records = [observation(f"R-{index}", f"P-{index}") for index in range(4)]
    bad = write(tmp_path / "bad.ndjson", *records)
    server.faults.add(FaultRule("status", {"status": 422}, method="POST", path="^/fhir/?$"))
    server.faults.add(FaultRule("status", {"status": 422}, method="PUT"))
    run("sync", bad, "--server", server.base_url, "--patience", "5")
    held = run("status", "--limit", "1", "--json").json["servers"][server.base_url]
    assert held["records"] == {"rejected": 4}
    assert len(held["attention"]) == 1


def test_several_servers_are_told_apart(run: Run, good: Path, server: SandboxServer) -> None:
    run("sync", good, "--server", server.base_url, "--patience", "5")
    run("sync", good, "--server", NOBODY, "--patience", "0")
    ran = run("status", "--json")
    assert ran.code == ExitCode.SERVER_UNAVAILABLE
    assert ran.json["servers"][server.base_url]["records"] == {"sent": 3}
    assert ran.json["servers"][NOBODY]["records"] == {"queued": 3}


def test_a_missing_outbox_is_named_and_not_made(run: Run, tmp_path: Path) -> None:
    ran = run("status", "--outbox", "nosuch.sqlite")
    assert ran.code == ExitCode.WRONG_USE
    assert "nosuch.sqlite" in ran.err
    assert "--outbox" in ran.err
    assert not list(tmp_path.iterdir())


def test_a_damaged_outbox_is_5(run: Run, tmp_path: Path) -> None:
    (tmp_path / "bad.sqlite").write_bytes(b"x" * 5000)
    ran = run("status", "--outbox", "bad.sqlite", "--json")
    assert ran.code == ExitCode.OUTBOX_UNUSABLE
    assert ran.out == ""
    assert "FBP-5002" in ran.err
