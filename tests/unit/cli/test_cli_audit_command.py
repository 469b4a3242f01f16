"""outbox audit, --because, status --metrics and --log: what is told of the work, and to whom."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cli_world import observation, write
from prometheus_client.parser import text_string_to_metric_families

from fhir_backpain.cli.exit_codes import ExitCode
from fhir_backpain.outbox.act import ACTIONS
from fhir_backpain.outbox.audit_event import audit_event
from fhir_backpain.outbox.opening import open_store
from fhir_backpain.sandbox.faults import FaultRule
from fhir_backpain.sandbox.server import SandboxServer
from tests.command import Run

OUTBOX = "fhir-backpain-outbox.sqlite"


@pytest.fixture
def rejected(run: Run, tmp_path: Path, server: SandboxServer) -> str:
    """The id of an entry that the server has refused; it refuses nothing any more."""
    server.faults.add(FaultRule("status", {"status": 422}, method="POST", path="^/fhir/?$"))
    feed = write(tmp_path / "feed.ndjson", observation("Visit-17", "Patient-99"))
    run("sync", feed, "--server", server.base_url, "--patience", "5")
    server.faults.clear()
    (entry,) = run("outbox", "list", "--json").json
    return str(entry["id"])


def trail(run: Run, *arguments: str) -> list[dict[str, Any]]:
    out = run("outbox", "audit", "--json", *arguments).out
    return [json.loads(line) for line in out.splitlines()]


def test_who_did_what_and_why_is_kept(
    run: Run, rejected: str, server: SandboxServer, tmp_path: Path
) -> None:
    better = write(tmp_path / "better.ndjson", observation("Visit-17", "Patient-99", score=3))
    run("outbox", "replay", rejected, "--because", "the profile was corrected")
    run("outbox", "edit", rejected, "--file", better, "--because", "a digit was wrong")
    (_, entry) = run("outbox", "list", "--json").json
    new = entry["id"]
    run("outbox", "show", new, "--data")
    run("outbox", "show", new)
    run("outbox", "export", "--state", "unclear")
    run("outbox", "discard", new, "--because", "the visit did not take place")
    told = [one for one in trail(run) if one["what"] != "migrated"]
    assert [(one["what"], one["entry"], one["because"]) for one in told] == [
        ("bound", None, None),
        ("rejected", rejected, None),
        ("replayed", rejected, "the profile was corrected"),
        ("edited", rejected, "a digit was wrong"),
        ("shown", new, None),
        ("exported", new, None),
        ("discarded", new, "the visit did not take place"),
    ]
    assert told[3]["detail"] == {"queued": new}
    assert {one["via"] for one in told[2:]} == {"command"}
    assert trail(run, "--entry", new) == told[4:]
    assert trail(run, "--since", told[4]["at"]) == told[4:]
    assert trail(run, "--since", "2999-01-01") == []
    shown = run("outbox", "audit").out
    assert len(shown.splitlines()) == 8
    assert 'because "a digit was wrong"' in shown


@pytest.mark.parametrize("reason", ["Patient-99 called", "about Visit-17", "two\nlines", ""])
@pytest.mark.parametrize("verb", ["replay", "discard", "edit"])
def test_a_reason_that_tells_of_a_patient_is_refused(
    run: Run, rejected: str, tmp_path: Path, verb: str, reason: str
) -> None:
    better = write(tmp_path / "better.ndjson", observation("Visit-17", "Patient-99", score=3))
    file = ["--file", str(better)] if verb == "edit" else []
    ran = run("outbox", verb, rejected, *file, "--because", reason)
    assert ran.code == ExitCode.WRONG_USE
    assert ("FBP-8022" in ran.err) == ("-" in reason)
    assert "Patient-99" not in ran.err
    (entry,) = run("outbox", "list", "--json").json
    assert entry["state"] == "rejected"


@pytest.mark.parametrize("since", ["yesterday", "2026-03-02T10:00:00", "2026-13-01"])
def test_a_time_without_its_zone_is_no_instant(run: Run, rejected: str, since: str) -> None:
    ran = run("outbox", "audit", "--since", since)
    assert ran.code == ExitCode.WRONG_USE
    assert "FBP-8021" in ran.err


def test_a_full_feed_tells_what_it_has_retired(
    run: Run, server: SandboxServer, tmp_path: Path
) -> None:
    feed, options = tmp_path / "all.ndjson", ("--server", server.base_url, "--full-feed")
    run("sync", write(feed, observation("R-1"), observation("R-2")), *options)
    assert run("sync", write(feed, observation("R-1")), *options).code == ExitCode.DONE
    told = {one["what"]: one for one in trail(run)}
    assert told["full-feed"]["detail"] == {"records": 1, "gone": 1}
    assert told["full-feed"]["server"] == server.base_url
    assert told["taken-back"]["entry"] == told["retired"]["entry"] is not None
    assert told["taken-back"]["detail"] == {"entered-in-error": 1}


def test_every_act_is_an_audit_event(run: Run, rejected: str) -> None:
    lines = run("outbox", "audit", "--as", "fhir").out.splitlines()
    events = [json.loads(line) for line in lines]
    assert len({event["id"] for event in events}) == len(events) == 3
    (refused,) = [event for event in events if event["outcome"] == "8"]
    assert refused["outcomeDesc"] == "rejected HTTP 422 FBP-6009"
    assert refused["entity"][0]["what"]["identifier"]["value"] == rejected
    assert [agent["requestor"] for agent in refused["agent"]] == [True]
    from fhir_backpain.outbox.act import TrailItem

    for action in ACTIONS:
        item = TrailItem("2026-01-01T00:00:00.000Z", "act", "anna@x", "command", action)
        assert audit_event(item)["action"] in ("C", "R", "U", "D", "E")


def test_metrics_are_printed_for_a_file(run: Run, rejected: str, server: SandboxServer) -> None:
    run("pull", "--server", server.base_url, "--to", "ndjson:out.ndjson")
    ran = run("status", "--metrics")
    assert ran.code == ExitCode.DONE
    found = {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(ran.out)
        for sample in family.samples
    }
    entries = "fhir_backpain_outbox_entries"
    with open_store(Path(OUTBOX)) as store:
        for state, count in store.counts(server.base_url).items():
            assert found[entries, *sorted((server.base_url, state))] == count
    assert found["fhir_backpain_pull_conflicts", server.base_url] == 0
    assert found["fhir_backpain_pull_versions", *sorted((server.base_url, "pending"))] == 0


def test_a_pull_state_that_cannot_be_read_leaves_no_half_answer(
    run: Run, rejected: str, tmp_path: Path
) -> None:
    (tmp_path / "broken.sqlite").write_bytes(b"x" * 5000)
    ran = run("status", "--metrics", "--pull-state", "broken.sqlite")
    assert (ran.code, ran.out) == (ExitCode.OUTBOX_UNUSABLE, "")
    assert "FBP-6113" in ran.err


@pytest.mark.parametrize("form", ["json", "text"])
def test_a_sync_tells_its_work_where_it_is_asked_to(
    run: Run, good: Path, server: SandboxServer, tmp_path: Path, form: str
) -> None:
    quiet = run("sync", good, "--server", server.base_url)
    assert "settled" not in quiet.err
    (tmp_path / OUTBOX).unlink()
    ran = run("sync", good, "--server", server.base_url, "--log", "work.log", "--log-form", form)
    assert "settled" not in ran.err
    lines = (tmp_path / "work.log").read_text().splitlines()
    if form == "text":
        assert "started command=sync" in lines[0]
        assert "ended command=sync code=0" in lines[-1]
        return
    events = [json.loads(line) for line in lines]
    assert [events[0]["event"], events[-1]["event"]] == ["started", "ended"]
    assert (events[0]["files"], events[0]["server"]) == (1, server.base_url)
    settled = [one for one in events if one["event"] == "settled"]
    ids = {one["id"] for one in run("outbox", "list", "--json").json}
    assert {one["entry"] for one in settled} == ids
    (pushed,) = [one for one in events if one["event"] == "pushed"]
    assert pushed["reason"] == "idle"


def test_a_wrong_address_is_not_logged(run: Run, good: Path, tmp_path: Path) -> None:
    run("sync", good, "--server", "http://anna:secret@clinic.example/fhir", "--log", "work.log")
    assert "secret" not in (tmp_path / "work.log").read_text()
