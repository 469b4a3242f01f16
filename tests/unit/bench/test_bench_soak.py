"""The soak's own parts: what must be there, what memory did, and that the check finds harm."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bench.soak.check import violations
from bench.soak.faults import fault_rules
from bench.soak.feed import Expected, Said, write_feed
from bench.soak.memory_watch import MemoryWatch, Sample
from fhir_backpain.client.client import FhirClient
from fhir_backpain.mapping.mapper import load_mapper
from fhir_backpain.record import RecordKey
from fhir_backpain.sandbox.faults import parse_rule
from fhir_backpain.sandbox.server import SandboxServer


def said(text: str, day: int, record: str = "r1", *, tells: bool = True) -> Said:
    key = RecordKey("https://clinic.example/app", "urn:mrn", "1", "observation", record)
    return Said(tells, (datetime(2024, 1, day, tzinfo=UTC), 0), key, text)


def test_of_several_records_the_one_that_was_true_last_counts() -> None:
    expected = Expected([said("a", 1), said("b", 3, "r2"), said("c", 2, "r3")])
    assert (expected.text, expected.versions) == ("b", 3)


def test_a_new_version_of_a_record_replaces_the_old_one() -> None:
    assert Expected([said("a", 5), said("b", 1)]).text == "b"


def test_of_equals_the_last_said_counts() -> None:
    assert Expected([said("a", 1), said("b", 1, "r2")]).text == "b"


def test_who_has_little_to_say_counts_for_nothing_beside_others() -> None:
    expected = Expected([said("a", 1), said("b", 9, "r2", tells=False)])
    assert expected.text == "a"


def test_what_changes_back_may_have_a_version_for_each_change() -> None:
    expected = Expected([said("a", 1), said("b", 2, "r2"), said("a", 3, "r3"), said("a", 4, "r4")])
    assert expected.versions == 3


def test_the_feed_makes_what_was_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "feed.ndjson"
    feed = write_feed(path, load_mapper(), patients=8, resources=300, seed=3)
    lines = path.read_text("utf-8").splitlines()
    assert len(lines) == feed.records
    assert len(feed.expected) >= 300
    patients = {json.loads(line)["patient"]["identifier"]["value"] for line in lines}
    assert len(patients) == 8
    with pytest.raises(ValueError, match="8 patients"):
        write_feed(path, load_mapper(), patients=8, resources=30_000, seed=3)


def test_every_rule_of_faults_is_one_of_the_sandbox() -> None:
    rules = fault_rules(0.05, 1)
    assert sum(parse_rule(rule).probability or 0 for rule in rules) == pytest.approx(0.05)


def expected_of(*texts: dict[str, object]) -> dict[str, Expected]:
    return {
        f"{one['resourceType']}/{one['id']}": Expected([said(json.dumps(one), 1)]) for one in texts
    }


def test_the_check_finds_every_kind_of_harm() -> None:
    there, other = ({"resourceType": "Patient", "id": name} for name in ("a", "b"))
    with SandboxServer() as server, FhirClient(server.base_url) as client:
        client.put("Patient", "a", json.dumps(there))
        assert violations(client, expected_of(there)).total() == 0
        assert violations(client, expected_of(there, other))["lost"] == 1
        assert violations(client, expected_of({**there, "active": True}))["wrong"] == 1
        client.put("Patient", "a", json.dumps({**there, "active": True}))
        client.put("Patient", "a", json.dumps(there))
        assert violations(client, expected_of(there))["rewritten"] == 1
        client.put("Patient", "b", json.dumps(other))
        assert violations(client, expected_of(there))["doubled"] == 1


def watch(*mib: float, life: int = 1) -> MemoryWatch:
    return MemoryWatch([Sample(at * 100, value, life) for at, value in enumerate(mib)])


def test_memory_that_stays_is_bounded() -> None:
    assert watch(40, 60, 62, 61, 64, 66).is_bounded()
    assert watch(50, 50, 50, 50, 50, 50).slope(1, 1000) == 0


def test_memory_that_grows_is_not_bounded() -> None:
    grows = watch(*range(40, 60))
    assert grows.halves() == (49, 59)
    assert not grows.is_bounded()
    assert grows.slope(1, 1000) == pytest.approx(10)


def test_a_life_is_looked_at_by_itself() -> None:
    both = MemoryWatch([*watch(90, 90, life=1).samples, *watch(40, 42, life=2).samples])
    assert both.halves(2) == (40, 42)


def test_the_memory_of_this_process_is_seen() -> None:
    found = MemoryWatch()
    found.look(os.getpid(), 5)
    found.look(2**22 + 1, 6)  # no such process
    assert len(found.samples) == 1
    assert found.peak >= found.samples[0].mib > 1
