"""How much a feed may take back, and what it is held against."""

from __future__ import annotations

import pytest

from fhir_backpain.outbox.sqlite import SqliteStore
from fhir_backpain.outcome import SourceLocation
from fhir_backpain.record import SourceRecord
from fhir_backpain.sync.full_feed import FullFeed
from fhir_backpain.sync.retire_limit import Loss, RetireLimit
from fhir_backpain.sync.tombstone import is_tombstone

SERVER = "https://fhir.example/r4"


@pytest.mark.parametrize(
    ("written", "gone", "known", "is_allowed"),
    [
        (None, 0, 0, True),
        (None, 10, 10, True),  # few records come and go
        (None, 11, 11, False),
        (None, 11, 55, True),
        (None, 11, 54, False),
        (None, 200, 1000, True),
        (None, 201, 1000, False),
        ("50", 50, 50, True),
        ("50", 51, 100_000, False),
        ("0", 1, 1000, False),
        ("0", 0, 1000, True),
        ("30%", 3, 10, True),
        ("30%", 4, 10, False),
        ("100%", 9000, 9000, True),
        ("0%", 1, 9000, False),
    ],
)
def test_either_side_of_the_limit(
    written: str | None, gone: int, known: int, is_allowed: bool
) -> None:
    limit = RetireLimit() if written is None else RetireLimit.parse(written)
    assert limit.allows(gone, known) is is_allowed
    loss = Loss("https://clinic.example/app", "observation", ("e",) * gone, known)
    issue = limit.issue(loss)
    assert (issue is None) is is_allowed
    if issue is not None:
        assert (issue.number, issue.is_error) == (6065, True)
        assert f"{gone} of the {known} records" in issue.text
        assert "--retire-at-most" in issue.next_step


@pytest.mark.parametrize("written", ["", "x", "-1", "1.5", "101%", "%", "5 %", "\u0665", "1e3"])
def test_what_is_no_limit_is_refused(written: str) -> None:
    with pytest.raises(ValueError):
        RetireLimit.parse(written)


def record(name: str, source: str = "a", kind: str = "observation", **extra: int) -> SourceRecord:
    data = {
        "record": kind,
        "id": name,
        "source": source,
        "patient": {"identifier": {"system": "urn:mrn", "value": "p1"}},
        "observed_at": "2024-05-01",
        "written_at": "2024-05-01",
        **extra,
    }
    return SourceRecord(data, SourceLocation(file="all.ndjson", line=1))


def losses_of(store: SqliteStore, *records: SourceRecord) -> tuple[FullFeed, list[Loss]]:
    feed = FullFeed(store, SERVER)
    store.append(feed.noting(records), SERVER, "m1")
    return feed, feed.losses()


def test_a_loss_is_held_against_what_the_source_had_before(store: SqliteStore) -> None:
    before = [record(f"r{number}") for number in range(4)]
    store.append([*before, record("r1", v=2), record("x", "other")], SERVER, "m1")
    store.append([record("c", kind="care-plan")], SERVER, "m1")
    store.append([record("r9")], "another server", "m1")
    # Two are gone, one has changed; what comes new does not make the loss any smaller.
    new = [record(f"n{number}") for number in range(50)]
    feed, (loss,) = losses_of(store, before[0], record("r1", v=3), *new)
    assert (loss.source, loss.record, len(loss.entries), loss.known) == ("a", "observation", 2, 4)
    gone = list(feed.tombstones([loss]))
    assert [one.data["id"] for one in gone] == ["r2", "r3"]
    assert all(is_tombstone(one.data) for one in gone)
    store.append(gone, SERVER, "m1")
    feed.is_through()
    assert losses_of(store, before[0])[1][0].known == 2 + 50


def test_what_a_feed_in_vain_has_brought_does_not_make_a_loss_smaller(store: SqliteStore) -> None:
    before = [record(f"r{number}") for number in range(60)]
    losses_of(store, *before)[0].is_through()
    new = [record(f"n{number}") for number in range(1000)]
    for _ in range(3):  # however often it is tried
        _, (loss,) = losses_of(store, *before[:30], *new)
        assert RetireLimit().issue(loss) is not None
        assert (len(loss.entries), loss.known) == (30, 60)
    # What is gone counts in any case, whoever has brought it.
    _, (loss,) = losses_of(store, *before[:30], *new[:999])
    assert (len(loss.entries), loss.known) == (31, 61)
    feed, (loss,) = losses_of(store, *before[:30], *new)
    store.append(feed.tombstones([loss]), SERVER, "m1")
    feed.is_through()
    assert losses_of(store, *before[:30], *new[:900])[1][0].known == 30 + 1000


def test_a_feed_that_broke_off_while_it_was_stored_was_in_vain_too(store: SqliteStore) -> None:
    store.append([record("r1"), record("r2")], SERVER, "m1")
    noted = FullFeed(store, SERVER).noting(record(f"n{number}") for number in range(5))
    store.append(list(noted), SERVER, "m1")  # and nobody looked at what is gone
    other = record("c1", kind="care-plan")
    _, (loss,) = losses_of(store, record("r1"), *(record(f"n{n}") for n in range(5)), other)
    assert (loss.record, len(loss.entries), loss.known) == ("observation", 1, 2)


def test_what_is_out_already_is_no_loss(store: SqliteStore) -> None:
    receipts = store.append([record("r1"), record("r2")], SERVER, "m1")
    store.discard(receipts[1].id)
    assert losses_of(store, record("r1"))[1] == []
    assert losses_of(store)[1] == []  # an empty feed says nothing of any source
