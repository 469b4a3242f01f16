"""outbox: what a person can do with the entries; and feeds that hold all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cli_world import number_of, observation, write

from fhir_backpain.cli.exit_codes import ExitCode
from fhir_backpain.client.client import FhirClient
from fhir_backpain.sandbox.faults import FaultRule
from fhir_backpain.sandbox.server import SandboxServer
from tests.command import Run

REFUSAL = {
    "status": 422,
    "headers": {"Content-Type": "application/fhir+json"},
    "body": json.dumps(
        {
            "resourceType": "OperationOutcome",
            "issue": [{"severity": "error", "code": "value", "diagnostics": "not this one"}],
        }
    ),
}
UNKNOWN = "00000000-0000-0000-0000-000000000000"


@pytest.fixture
def rejected(run: Run, tmp_path: Path, server: SandboxServer) -> str:
    """The id of an entry that the server has refused; it refuses nothing any more."""
    server.faults.add(FaultRule("status", REFUSAL, method="POST", path="^/fhir/?$"))
    feed = write(tmp_path / "feed.ndjson", observation("R-1"))
    sync(run, server, feed, code=ExitCode.SERVER_REJECTED)
    server.faults.clear()
    (entry,) = run("outbox", "list", "--json").json
    return str(entry["id"])


def sync(run: Run, server: SandboxServer, *arguments: Any, code: int = 0) -> Any:
    ran = run("sync", *arguments, "--server", server.base_url, "--patience", "5", "--json")
    assert ran.code == code, ran.err
    return ran.json["server"]


def observations(server: SandboxServer) -> list[dict[str, Any]]:
    with FhirClient(server.base_url) as client:
        return [entry["resource"] for entry in client.search("Observation")]


def empty(tmp_path: Path) -> Path:
    """A feed of another source, which changes nothing."""
    other = observation("R-9", "P-9", source="https://other.example/app")
    return write(tmp_path / "other.ndjson", other)


def test_list_and_show_tell_what_happened_and_why(run: Run, rejected: str) -> None:
    listed = run("outbox", "list", "--state", "rejected")
    assert listed.out.startswith(f"{rejected}  rejected")
    assert run("outbox", "list", "--state", "sent").out == ""
    shown = run("outbox", "show", rejected)
    assert "HTTP 422" in shown.out
    assert "not this one" in shown.out
    assert "feed.ndjson:1" in shown.out
    assert "P-1" not in shown.out
    document = run("outbox", "show", rejected, "--data", "--json").json
    assert document["data"]["id"] == "R-1"
    assert [attempt["status"] for attempt in document["attemptsMade"]] == [422]


@pytest.mark.parametrize("how", ["id", "state"])
def test_a_replayed_entry_is_sent_by_the_next_sync(
    run: Run, rejected: str, server: SandboxServer, tmp_path: Path, how: str
) -> None:
    chosen = [rejected] if how == "id" else ["--state", "rejected", "--server", server.base_url]
    assert "replay: 1 entries" in run("outbox", "replay", *chosen).err
    assert sync(run, server, empty(tmp_path))["records"]["sent"] == 2
    again = run("outbox", "replay", rejected)
    assert again.code == ExitCode.DONE  # a sent one may be sent once more
    assert run("outbox", "replay", rejected).code == ExitCode.WRONG_USE


def test_a_discarded_entry_is_out_for_good(
    run: Run, rejected: str, server: SandboxServer, tmp_path: Path
) -> None:
    assert run("outbox", "discard", rejected).code == ExitCode.DONE
    assert run("outbox", "discard", rejected).code == ExitCode.WRONG_USE
    sync(run, server, empty(tmp_path))
    assert len(observations(server)) == 1
    assert run("status").code == ExitCode.DONE


def test_an_edited_record_takes_the_place_of_its_entry(
    run: Run, rejected: str, server: SandboxServer, tmp_path: Path
) -> None:
    better = write(tmp_path / "better.ndjson", observation("R-1", score=3))
    ran = run("outbox", "edit", rejected, "--file", better)
    assert ran.code == ExitCode.DONE
    assert "superseded-earlier" in ran.err
    sync(run, server, empty(tmp_path))
    states = {entry["state"] for entry in run("outbox", "list", "--json").json}
    assert states == {"superseded", "sent"}
    (mine,) = [one for one in observations(server) if "R-1" in json.dumps(one, default=str)]
    assert 3 in [mine.get("valueInteger"), mine.get("valueQuantity", {}).get("value")]


@pytest.mark.parametrize(
    "records",
    [
        [observation("R-2")],
        [observation("R-1", "P-2")],
        [observation("R-1", paim=1)],
        [observation("R-1"), observation("R-2")],
        [],
    ],
)
def test_an_edit_that_is_no_correction_of_the_record_changes_nothing(
    run: Run, rejected: str, tmp_path: Path, records: list[dict[str, Any]]
) -> None:
    ran = run("outbox", "edit", rejected, "--file", write(tmp_path / "wrong.ndjson", *records))
    assert ran.code == ExitCode.WRONG_USE
    assert "FBP-8009" in ran.err
    (entry,) = run("outbox", "list", "--json").json
    assert (entry["id"], entry["state"]) == (rejected, "rejected")


def test_what_is_exported_can_be_synced_again(
    run: Run, rejected: str, server: SandboxServer, tmp_path: Path
) -> None:
    exported = run("outbox", "export")
    assert [json.loads(line)["id"] for line in exported.out.splitlines()] == ["R-1"]
    assert run("outbox", "export", "--state", "sent").out == ""
    (tmp_path / "again.ndjson").write_text(exported.out)
    assert sync(run, server, tmp_path / "again.ndjson")["records"]["sent"] == 1


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["show", UNKNOWN], ExitCode.OUTBOX_UNUSABLE),
        (["replay"], ExitCode.WRONG_USE),
        (["replay", UNKNOWN, "--state", "sent"], ExitCode.WRONG_USE),
        (["list", "--outbox", "nosuch.sqlite"], ExitCode.WRONG_USE),
        (["list", "--state", "lost"], ExitCode.WRONG_USE),
    ],
)
def test_wrong_use_is_told(run: Run, rejected: str, arguments: list[str], code: ExitCode) -> None:
    assert run("outbox", *arguments).code == code


@pytest.mark.parametrize("policy", ["entered-in-error", "delete", "keep"])
def test_what_a_full_feed_no_longer_has_is_retired(
    run: Run, tmp_path: Path, server: SandboxServer, policy: str
) -> None:
    feed = tmp_path / "all.ndjson"
    everything = [observation(f"R-{n}") for n in range(3)]
    full = ("--full-feed", "--retire", policy)
    sync(run, server, empty(tmp_path))
    sync(run, server, write(feed, *everything), *full)
    assert len(observations(server)) == 4
    result = sync(run, server, write(feed, *everything[:2]), *full)
    retired = sum(counts["retired"] for counts in result["resources"].values())
    statuses = sorted(one["status"] for one in observations(server))
    if policy == "keep":
        assert (retired, statuses) == (0, ["final"] * 4)
    elif policy == "delete":
        assert (retired > 0, statuses) == (True, ["final"] * 3)
    else:
        assert (retired > 0, statuses) == (True, ["entered-in-error", *["final"] * 3])
    # Once is enough; and what comes back is there again.
    assert sync(run, server, feed, *full)["resources"] == {}
    sync(run, server, write(feed, *everything), *full)
    assert [one["status"] for one in observations(server)] == ["final"] * 4


def test_without_full_feed_nothing_is_taken_back(
    run: Run, tmp_path: Path, server: SandboxServer
) -> None:
    feed = tmp_path / "some.ndjson"
    sync(run, server, write(feed, observation("R-1"), observation("R-2")))
    sync(run, server, write(feed, observation("R-1")))
    assert [one["status"] for one in observations(server)] == ["final", "final"]


def test_a_feed_that_was_not_read_as_a_whole_takes_nothing_back(
    run: Run, tmp_path: Path, server: SandboxServer
) -> None:
    feed = tmp_path / "all.ndjson"
    sync(run, server, write(feed, observation("R-1"), observation("R-2")), "--full-feed")
    write(feed, observation("R-1"), observation("R-2", paim=1))
    ran = run("sync", feed, "--full-feed", "--server", server.base_url)
    assert ran.code == ExitCode.DATA_PROBLEMS
    assert "FBP-6064" in ran.err
    assert [one["status"] for one in observations(server)] == ["final", "final"]


def export_that_broke_off(run: Run, folder: Path, server: SandboxServer) -> Path:
    """Sync a feed of 15 records; return the file once it holds but three and a new one."""
    feed = folder / "all.ndjson"
    everything = [observation(f"R-{n}") for n in range(15)]
    sync(run, server, write(feed, *everything), "--full-feed")
    return write(feed, *everything[:3], observation("R-new"))


def test_a_feed_that_lacks_too_much_takes_nothing_back(
    run: Run, tmp_path: Path, server: SandboxServer
) -> None:
    feed = export_that_broke_off(run, tmp_path, server)
    for extra in ([], ["--retire-at-most", "11"], ["--retire-at-most", "74%"]):
        ran = run("sync", feed, "--full-feed", "--server", server.base_url, *extra)
        assert ran.code == ExitCode.DATA_PROBLEMS
        assert "FBP-6065" in ran.err
        assert "12 of the 1" in ran.err
        # What the feed does hold is sent all the same.
        assert [one["status"] for one in observations(server)] == ["final"] * 16
    ran = run("sync", feed, "--full-feed", "--json", "--server", server.base_url)
    assert ran.json["full_feed"]["retired"] == 0
    (issue,) = ran.json["full_feed"]["issues"]
    assert number_of(issue) == "FBP-6065"


@pytest.mark.parametrize("limit", ["12", "80%"])
def test_a_loss_that_is_allowed_is_taken_back(
    run: Run, tmp_path: Path, server: SandboxServer, limit: str
) -> None:
    feed = export_that_broke_off(run, tmp_path, server)
    result = run(
        *("sync", feed, "--full-feed", "--json", "--server", server.base_url),
        *("--retire-at-most", limit),
    )
    assert result.code == ExitCode.DONE
    assert result.json["full_feed"] == {"retired": 12, "issues": []}
    statuses = sorted(one["status"] for one in observations(server))
    assert statuses == ["entered-in-error"] * 12 + ["final"] * 4


def test_a_small_loss_needs_no_permission(run: Run, tmp_path: Path, server: SandboxServer) -> None:
    feed = tmp_path / "all.ndjson"
    sync(run, server, write(feed, *[observation(f"R-{n}") for n in range(11)]), "--full-feed")
    ran = run("sync", write(feed, observation("R-0")), "--full-feed", "--server", server.base_url)
    assert ran.code == ExitCode.DONE
    assert "no longer in the feed: 10 records" in ran.err


@pytest.mark.parametrize(
    "arguments", [["--retire-at-most", "5"], ["--full-feed", "--retire-at-most", "many"]]
)
def test_a_limit_that_means_nothing_is_wrong_use(
    run: Run, tmp_path: Path, server: SandboxServer, arguments: list[str]
) -> None:
    feed = write(tmp_path / "all.ndjson", observation("R-1"))
    assert run("sync", feed, "--server", server.base_url, *arguments).code == ExitCode.WRONG_USE
