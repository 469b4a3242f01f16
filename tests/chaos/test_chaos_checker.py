"""The checker sees each kind of violation in evidence that is written by hand."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from fhir_backpain.fhir.resource import MadeResource
from fhir_backpain.outbox.entry import Entry, Receipt
from fhir_backpain.outbox.ledger import LedgerRow
from fhir_backpain.outcome import SourceLocation
from fhir_backpain.record import RecordKey
from tests.chaos.checker import check
from tests.chaos.evidence import Evidence, Stored, Version
from tests.chaos.journal import Acknowledged, Journal, read_journal
from tests.chaos.workload import Workload

MRN = "https://clinic.example/mrn"
Content = dict[str, Any] | None


def key(name: str) -> RecordKey:
    return RecordKey("https://clinic.example/app", MRN, "p1", "observation", name)


def made(kind: str, name: str, value: int, *, shared: bool = False) -> MadeResource:
    return MadeResource(kind, name, json.dumps(resource(kind, name, value)), shared)


def resource(kind: str, name: str, value: int) -> dict[str, Any]:
    identifier = [{"system": MRN, "value": name}]
    return {"resourceType": kind, "id": name, "identifier": identifier, "value": value}


def stored(place: int, name: str, *resources: MadeResource, day: int = 1, **more: Any) -> Stored:
    entry = Entry(
        id=f"e{place}", server="s", key=key(name), state="sent", content_hash=f"h{place}",
        mapping_version="m", location=SourceLocation(), as_of=f"2024-05-{day:02}", test_data=True,
        attempts=1, faults=0, created_at=f"2024-06-01T00:00:{place:02}.000Z", settled_at=None,
        outcome=None, waits_for=(), leased=False, retry_in=0.0,
    )  # fmt: skip
    return Stored(place, replace(entry, **more), resources)


def version(place: int, number: int, kind: str, name: str, value: int | None) -> Version:
    content = None
    if value is not None:
        content = {**resource(kind, name, value), "meta": {"versionId": str(number)}}
    return Version(f"{kind}/{name}", place, f"2024-06-01T00:01:{place:02}.000Z", content)


def evidence(entries: Sequence[Stored], versions: Sequence[Version]) -> Evidence:
    """Return evidence whose ledger and journal agree with the rest."""
    promised = tuple(
        Acknowledged(one.entry.id, str(one.entry.key), one.entry.content_hash) for one in entries
    )
    texts: dict[str, list[str]] = {one.url: [] for one in versions}
    for entry in entries:
        for each in entry.made:
            texts.setdefault(each.url, []).append(each.text)
    ledger = {}
    for one in versions:
        text = next(
            (text for text in texts[one.url] if one.resource and _says(one.resource, text)), ""
        )
        retired = None if one.resource else "deleted"
        ledger[one.url] = LedgerRow(
            one.url, sha256(text.encode()).hexdigest(), one.number, key("r"), "2024", "2024",
            retired=retired,  # type: ignore[arg-type]
        )  # fmt: skip
    return Evidence(promised, tuple(entries), tuple(versions), ledger)


def _says(held: dict[str, Any], text: str) -> bool:
    return bool(held["value"] == json.loads(text)["value"])


def kinds(found: Evidence) -> list[str]:
    return sorted({violation.kind for violation in check(found)})


R1 = stored(0, "r1", made("Observation", "a", 1))
R1_CORRECTED = stored(1, "r1", made("Observation", "a", 2))
R1_REMOVED = stored(1, "r1")
FIRST = version(0, 1, "Observation", "a", 1)
SECOND = version(1, 2, "Observation", "a", 2)


@pytest.mark.parametrize(
    ("entries", "versions"),
    [
        ([R1], [FIRST]),
        ([R1, R1_CORRECTED], [FIRST, SECOND]),
        ([R1, R1_CORRECTED], [version(0, 1, "Observation", "a", 2)]),
        ([R1, R1_REMOVED], [FIRST, version(1, 2, "Observation", "a", None)]),
        ([R1, R1_CORRECTED, stored(2, "r1", made("Observation", "a", 1))], [FIRST]),
    ],
)
def test_what_keeps_the_promises_passes(entries: list[Stored], versions: list[Version]) -> None:
    assert check(evidence(entries, versions)) == []


@pytest.mark.parametrize(
    ("entries", "versions", "kind"),
    [
        ([R1], [], "lost"),
        ([R1, R1_CORRECTED], [FIRST], "lost"),
        ([R1, R1_REMOVED], [FIRST], "lost"),
        ([R1], [version(0, 1, "Observation", "a", 9)], "lost"),
        ([replace(R1, entry=replace(R1.entry, state="conflict"))], [FIRST], "lost"),
        ([R1], [FIRST, version(1, 2, "Observation", "a", 1)], "duplicated"),
        ([R1], [FIRST, version(1, 1, "Observation", "b", 1)], "duplicated"),
        ([R1, R1_CORRECTED], [SECOND, FIRST, SECOND], "out of order"),
        ([R1, R1_CORRECTED], [FIRST, SECOND, FIRST], "out of order"),
    ],
)
def test_a_broken_promise_is_seen(
    entries: list[Stored], versions: list[Version], kind: str
) -> None:
    assert kind in kinds(evidence(entries, versions))


def test_an_older_record_must_not_overwrite_what_records_share() -> None:
    newer = stored(0, "r1", made("Patient", "p", 1, shared=True), day=9)
    older = stored(1, "r2", made("Patient", "p", 2, shared=True), day=2)
    newest = stored(2, "r3", made("Patient", "p", 1, shared=True), day=20)
    there = [version(0, 1, "Patient", "p", 1), version(1, 2, "Patient", "p", 2)]
    assert kinds(evidence([newer, older], there[:1])) == []
    assert "out of order" in kinds(evidence([newer, older], there))
    third = version(2, 3, "Patient", "p", 1)
    assert kinds(evidence([newer, older, newest], [*there[:1], third])) == ["duplicated"]


def test_a_record_must_not_overtake_an_earlier_one_of_its_patient() -> None:
    entries = [R1, stored(1, "r2", made("Observation", "b", 5))]
    late = replace(FIRST, place=2)
    other = version(1, 1, "Observation", "b", 5)
    assert kinds(evidence(entries, [FIRST, other])) == []
    assert kinds(evidence(entries, [other, late])) == ["out of order"]


def test_what_was_acknowledged_must_be_in_the_outbox() -> None:
    found = evidence([R1], [FIRST])
    promised = (*found.acknowledged, Acknowledged("e9", "observation r9", "h9"))
    assert kinds(replace(found, acknowledged=promised)) == ["lost"]
    assert kinds(replace(found, acknowledged=())) == ["count"]


@pytest.mark.parametrize(
    "change", [{"version_id": "7"}, {"content_hash": "0"}, {"retired": "deleted"}]
)
def test_the_ledger_must_agree_with_the_server(change: dict[str, Any]) -> None:
    found = evidence([R1], [FIRST])
    row = replace(found.ledger["Observation/a"], **change)
    assert kinds(replace(found, ledger={"Observation/a": row})) == ["ledger"]
    assert kinds(replace(found, ledger={})) == ["ledger"]


def test_a_journal_forgets_a_line_that_was_cut_short(tmp_path: Path) -> None:
    records = Workload(1, 5, 3).batch(0, 0)
    path = tmp_path / "journal"
    with Journal(path) as journal:
        journal.acknowledge(records, [Receipt(f"t{n}", "queued") for n in range(len(records))])
    path.write_bytes(path.read_bytes() + b'[["t9", "x')
    with Journal(path) as journal:
        assert journal.next_step == 1
    assert [one.id for one in read_journal(path)] == [f"t{n}" for n in range(len(records))]


def test_a_workload_follows_from_its_seed() -> None:
    one, two, other = (Workload(seed, 9, 20) for seed in (1, 1, 2))
    assert [one.batch(1, step) for step in range(40)] == [two.batch(1, step) for step in range(40)]
    assert one.batch(0, 3) != other.batch(0, 3)
