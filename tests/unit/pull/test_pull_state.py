"""The state of a pull: whole or refused, one process at a time, nothing planned twice."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from fhir_backpain.errors import BackpainError, OutboxError
from fhir_backpain.pull.change import Change
from fhir_backpain.pull.delivery import Finding
from fhir_backpain.pull.instant import SECOND
from fhir_backpain.pull.plan import Plan
from fhir_backpain.pull.state import PullState
from fhir_backpain.record import RecordKey

AT = "2026-03-02T12:00:00.000Z"


def key(name: str = "R-1") -> RecordKey:
    return RecordKey("https://clinic.example/app", "urn:mrn", "P-1", "observation", name)


def finding(score: int, name: str = "R-1") -> Finding:
    data = {"record": "observation", "id": name, "score": score}
    return Finding(key(name), "changed", data, (f"Observation/{name}/_history/{score}",))


def change(version: str, url: str = "Observation/a", instant: int = SECOND) -> Change:
    return Change(url, version, instant, {"resourceType": "Observation", "id": "a"})


def plan(*findings: Finding) -> Plan:
    made = Plan("Patient/p", {"Observation/a": (change("2"), "delivered")})
    made.deliver = [(one, "") for one in findings]
    return made


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "pull.sqlite"


def test_what_was_planned_is_there_after_a_restart(path: Path) -> None:
    with PullState(path) as state:
        state.bind("https://x.example", "ndjson:x")
        state.note([(change("1"), "pending", "Patient/p"), (change("2"), "pending", "Patient/p")])
        assert state.plan(plan(finding(3)), AT) == {"delivered": 1, "overtaken": 1}
    with PullState(path) as state:
        (first,) = state.planned(10)
        assert (first.record["score"], first.body["revision"]) == (3, 1)
        assert state.pending_patients() == []
        state.delivered([first.seq], {"x": 7})
    with PullState(path) as state:
        assert state.planned(10) == []
        assert state.length("x") == 7
        assert state.delivery_counts() == {"delivered": 1}
    assert b"Observation/R-1/_history" not in path.read_bytes()


def test_a_settled_version_keeps_its_fate(path: Path) -> None:
    with PullState(path) as state:
        state.bind("https://x.example", "ndjson:x")
        state.note([(change("2"), "echo", "")])
        assert state.plan(plan(), AT) == {}
        assert state.fates() == {"echo": 1}
        assert state.is_settled("Observation/a", "2")
        assert state.unknown([change("2"), change("3"), change("3")]) == [change("3")]


def test_revisions_and_keys_go_on(path: Path) -> None:
    with PullState(path) as state:
        state.bind("https://x.example", "ndjson:x")
        for score in (1, 2, 1):
            state.plan(plan(finding(score)), AT)
        found = state.planned(10)
    assert [one.body["revision"] for one in found] == [1, 2, 3]
    assert len({one.key for one in found}) == 3


def test_old_versions_are_forgotten_and_pending_ones_are_not(path: Path) -> None:
    with PullState(path) as state:
        state.bind("https://x.example", "ndjson:x")
        state.note([(change("1"), "echo", ""), (change("2"), "pending", "Patient/p")])
        state.note([(change("3", instant=0), "echo", ""), (change("4", instant=9), "echo", "")])
        state.forget(SECOND + 1)
        assert state.fates() == {"pending": 1, "echo": 1}


def test_a_place_never_goes_back(path: Path) -> None:
    with PullState(path) as state:
        assert state.place("search Goal") == (None, 0)
        state.finish("search Goal", 20)
        state.finish("search Goal", 10)
        state.finish("search Goal", None)
        assert state.place("search Goal") == (20, 3)


def test_refused_deliveries_can_be_queued_again(path: Path) -> None:
    with PullState(path) as state:
        state.bind("https://x.example", "ndjson:x")
        state.plan(plan(finding(1)), AT)
        state.refused(state.planned(1)[0].seq)
        assert (state.planned(1), state.delivery_counts()) == ([], {"refused": 1})
        assert state.retry_refused() == 1
        assert len(state.planned(1)) == 1


def test_a_file_in_use_is_refused(path: Path) -> None:
    with PullState(path), pytest.raises(OutboxError, match="FBP-6115"):
        PullState(path)


@pytest.mark.parametrize("content", [b"no database at all" * 100, b"SQLite format 3\0" + b"x" * 90])
def test_a_broken_file_is_refused_and_left_alone(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    for _ in range(2):
        with pytest.raises(OutboxError, match="FBP-6113"):
            PullState(path)
    assert path.read_bytes() == content


@pytest.mark.parametrize("pragma", ["application_id = 7", "user_version = 99"])
def test_another_database_is_refused(path: Path, pragma: str) -> None:
    PullState(path).close()
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA {pragma}")
    connection.close()
    with pytest.raises(OutboxError, match="FBP-6113"):
        PullState(path)


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(BackpainError, match="FBP-6113"):
        PullState(tmp_path / "no/pull.sqlite")


def test_only_its_owner_can_read_it(path: Path) -> None:
    PullState(path).close()
    assert path.stat().st_mode & 0o077 == 0
