"""What every store promises, run on each of them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from store_records import HandClock, Opener, record

from fhir_backpain.errors import OutboxError
from fhir_backpain.outbox.entry import LeasedEntry, Settled, Settlement
from fhir_backpain.outbox.ledger import LedgerRow
from fhir_backpain.outbox.store import Store
from fhir_backpain.outcome import Message, Outcome
from fhir_backpain.record import key_of

SERVER = "https://fhir.example/r4"
REFUSED = Message(5999, "value", "Refused in a test", "Nothing.")


def names(leased: list[LeasedEntry]) -> list[str]:
    return [one.entry.key.id for one in leased]


def settled(one: LeasedEntry, state: Settled = "sent", **more: Any) -> Settlement:
    return Settlement(one.entry.id, one.token, state, **more)


def row(url: str, hash_: str = "h", name: str = "r1", as_of: str = "2024-05-01") -> LedgerRow:
    return LedgerRow(url, hash_, "1", key_of(record(name).data), as_of, "2024-05-01T00:00:00Z")


def lease_one(store: Store, seconds: float = 60) -> LeasedEntry:
    (one,) = store.lease(SERVER, "w", 1, seconds)
    return one


def test_append_is_there_after_a_restart(open_store: Opener) -> None:
    first = open_store()
    (receipt,) = first.append([record("r1", score=Decimal("1.10"))], SERVER, "m1")
    first.close()
    second = open_store()
    entry = second.entry(receipt.id)
    assert (receipt.status, entry.state) == ("queued", "queued")
    assert str(second.data(receipt.id)["score"]) == "1.10"
    assert (entry.location.file, entry.location.line, entry.location.field) == (
        "records.csv", 7, "score",
    )  # fmt: skip
    assert entry.key == key_of(record("r1").data)
    assert (entry.test_data, entry.as_of, entry.mapping_version) == (True, "2024-05-01", "m1")


def test_a_record_that_is_queued_or_sent_is_unchanged(store: Store) -> None:
    (first,) = store.append([record("r1", score=1)], SERVER, "m1")
    assert store.append([record("r1", score=1)], SERVER, "m1")[0].status == "unchanged"
    one = lease_one(store)
    assert store.append([record("r1", score=1)], SERVER, "m1")[0].id == first.id
    store.settle(SERVER, [settled(one)])
    (again,) = store.append([record("r1", score=1)], SERVER, "m1")
    assert (again.id, again.status) == (first.id, "unchanged")
    assert store.lease(SERVER, "w", 9, 60) == []


def test_the_order_of_keys_is_no_change_but_a_digit_is(store: Store) -> None:
    one, two = record("r1", a=1, b=Decimal("2.0")), record("r1", b=Decimal("2.0"), a=1)
    store.append([one], SERVER, "m1")
    assert store.append([two], SERVER, "m1")[0].status == "unchanged"
    assert store.append([record("r1", a=1, b=Decimal("2.00"))], SERVER, "m1")[0].status != (
        "unchanged"
    )


def test_another_mapping_or_content_or_server_is_queued(store: Store) -> None:
    store.append([record("r1")], SERVER, "m1")
    store.settle(SERVER, [settled(lease_one(store))])
    assert store.append([record("r1")], SERVER, "m2")[0].status == "queued"
    assert store.append([record("r1")], "other", "m1")[0].status == "queued"
    assert store.servers() == sorted([SERVER, "other"])
    assert store.counts("other")["queued"] == 1
    assert store.counts()["sent"] == 1


def test_a_newer_version_takes_the_place_of_a_queued_one(store: Store) -> None:
    receipts = store.append(
        [record("r1", v=1), record("r2"), record("r1", v=2), record("r1", v=3)], SERVER, "m1"
    )
    assert [one.status for one in receipts] == [
        "queued", "queued", "superseded-earlier", "superseded-earlier",
    ]  # fmt: skip
    leased = store.lease(SERVER, "w", 9, 60)
    assert [(one.entry.key.id, one.data.get("v")) for one in leased] == [("r1", 3), ("r2", None)]
    assert [store.entry(one.id).state for one in receipts[:1]] == ["superseded"]


def test_a_newer_version_waits_behind_one_that_is_under_way(store: Store) -> None:
    store.append([record("r1", v=1)], SERVER, "m1")
    one = lease_one(store)
    assert store.append([record("r1", v=2)], SERVER, "m1")[0].status == "queued"
    assert store.lease(SERVER, "w", 9, 60) == []
    store.settle(SERVER, [settled(one)])
    assert lease_one(store).data["v"] == 2


@pytest.mark.parametrize(("state", "read_back"), [("queued", False), ("unclear", True)])
def test_what_failed_under_way_is_superseded_by_the_newer_version(
    store: Store, state: Settled, read_back: bool
) -> None:
    (first,) = store.append([record("r1", v=1)], SERVER, "m1")
    one = lease_one(store)
    store.append([record("r1", v=2)], SERVER, "m1")
    store.settle(SERVER, [settled(one, state)])
    assert store.entry(first.id).state == "superseded"
    newer = lease_one(store)
    assert (newer.data["v"], newer.read_back) == (2, read_back)


def test_a_newer_version_of_an_unclear_one_is_read_back_too(store: Store) -> None:
    store.append([record("r1", v=1)], SERVER, "m1")
    store.settle(SERVER, [settled(lease_one(store), "unclear")])
    store.append([record("r1", v=2)], SERVER, "m1")
    one = lease_one(store)
    assert (one.data["v"], one.read_back, one.entry.state) == (2, True, "unclear")


@pytest.mark.parametrize("state", ["rejected", "held", "conflict"])
def test_a_corrected_record_supersedes_the_failed_one(store: Store, state: Settled) -> None:
    (first,) = store.append([record("r1", v=1)], SERVER, "m1")
    store.settle(SERVER, [settled(lease_one(store), state)])
    assert store.append([record("r1", v=2)], SERVER, "m1")[0].status == "superseded-earlier"
    assert store.entry(first.id).state == "superseded"
    # The same content again is another try, since it was not sent.
    store.settle(SERVER, [settled(lease_one(store), state)])
    assert store.append([record("r1", v=2)], SERVER, "m1")[0].status == "superseded-earlier"


def test_patients_take_turns_and_keep_their_order(store: Store) -> None:
    backlog = [record(f"a{index}", "a") for index in range(30)]
    store.append([*backlog, record("b0", "b"), record("c0", "c")], SERVER, "m1")
    first = store.lease(SERVER, "w", 3, 60)
    assert names(first) == ["a0", "b0", "c0"]
    store.settle(SERVER, [settled(one) for one in first])
    store.append([record("d0", "d")], SERVER, "m1")
    second = store.lease(SERVER, "w", 2, 60)
    assert sorted(names(second)) == ["a1", "d0"]
    store.settle(SERVER, [settled(one) for one in second])
    assert names(store.lease(SERVER, "w", 10, 60)) == [f"a{index}" for index in range(2, 12)]


def test_a_patient_is_leased_to_one_worker_at_a_time(open_store: Opener) -> None:
    one, two = open_store(), open_store()
    one.append([record("a0", "a"), record("a1", "a"), record("b0", "b")], SERVER, "m1")
    mine = one.lease(SERVER, "w1", 1, 60)
    theirs = two.lease(SERVER, "w2", 9, 60)
    assert (names(mine), names(theirs)) == (["a0"], ["b0"])
    assert two.lease(SERVER, "w2", 9, 60) == []


def test_a_lease_that_ran_out_is_taken_over_and_fenced(
    open_store: Opener, clock: HandClock
) -> None:
    one, two = open_store(), open_store()
    one.append([record("r1"), record("r2")], SERVER, "m1")
    old = one.lease(SERVER, "w1", 9, 60)
    clock.pass_seconds(59)
    assert two.lease(SERVER, "w2", 9, 60) == []
    clock.pass_seconds(2)
    new = two.lease(SERVER, "w2", 9, 60)
    assert [item.read_back for item in new] == [True, True]
    assert all(item.token > old[0].token for item in new)
    fenced = one.settle(SERVER, [settled(item) for item in old], [row("Patient/a")])
    assert fenced == {item.entry.id for item in old}
    assert one.ledger(SERVER, ["Patient/a"]) == {}
    assert one.renew(SERVER, {old[0].token}, 60) == {old[0].token}
    assert two.settle(SERVER, [settled(item) for item in new]) == frozenset()
    assert two.counts()["sent"] == 2


def test_a_renewed_lease_is_kept(open_store: Opener, clock: HandClock) -> None:
    one, two = open_store(), open_store()
    one.append([record("r1")], SERVER, "m1")
    mine = lease_one(one)
    clock.pass_seconds(50)
    assert one.renew(SERVER, {mine.token}, 60) == frozenset()
    clock.pass_seconds(50)
    assert two.lease(SERVER, "w2", 9, 60) == []
    assert one.settle(SERVER, [settled(mine)]) == frozenset()


def test_the_leases_of_a_closed_store_are_free_at_once(open_store: Opener) -> None:
    one, two = open_store(), open_store()
    one.append([record("r1")], SERVER, "m1")
    lease_one(one, seconds=3600)
    one.close()
    assert lease_one(two).read_back


@pytest.mark.parametrize("hours", [24, -24])
def test_a_jump_of_the_wall_clock_touches_no_lease(
    open_store: Opener, clock: HandClock, hours: int
) -> None:
    from datetime import timedelta

    one, two = open_store(), open_store()
    one.append([record("r1"), record("q1", "q")], SERVER, "m1")
    first, second = one.lease(SERVER, "w", 2, 60)
    one.settle(SERVER, [settled(second, "queued", wait=30)])
    clock.wall += timedelta(hours=hours)
    assert two.lease(SERVER, "w2", 9, 60) == []
    assert two.entry(second.entry.id).retry_in == 30
    clock.steady_seconds += 61
    assert len(two.lease(SERVER, "w2", 9, 60)) == 2
    assert one.settle(SERVER, [settled(first)]) == {first.entry.id}


def test_a_machine_started_anew_voids_leases_and_waits(
    open_store: Opener, clock: HandClock
) -> None:
    one, two = open_store(), open_store()
    one.append([record("r1"), record("q1", "q")], SERVER, "m1")
    _, second = one.lease(SERVER, "w", 2, 60)
    one.settle(SERVER, [settled(second, "queued", wait=30)])
    clock.steady_seconds = 5.0
    assert len(two.lease(SERVER, "w2", 9, 60)) == 2


def test_a_retry_waits_and_holds_up_its_patient_alone(store: Store, clock: HandClock) -> None:
    store.append([record("a0", "a"), record("a1", "a"), record("b0", "b")], SERVER, "m1")
    leased = store.lease(SERVER, "w", 2, 60)
    store.settle(SERVER, [settled(leased[0], "queued", wait=10.0), settled(leased[1])])
    assert store.lease(SERVER, "w", 9, 60) == []
    assert store.next_due(SERVER) == 10.0
    assert store.entry(leased[0].entry.id).retry_in == 10.0
    clock.pass_seconds(10)
    assert names(store.lease(SERVER, "w", 9, 60)) == ["a0", "a1"]


def test_released_entries_are_as_before(store: Store) -> None:
    store.append([record("r1"), record("r2")], SERVER, "m1")
    one, two = store.lease(SERVER, "w", 9, 60)
    store.settle(SERVER, [settled(one)])
    store.release(SERVER, {two.token})
    again = lease_one(store)
    assert (again.entry.id, again.read_back, again.entry.attempts) == (two.entry.id, False, 0)


def test_the_ledger_is_written_with_the_settlement(store: Store) -> None:
    store.append([record("r1")], SERVER, "m1")
    store.settle(SERVER, [settled(lease_one(store))], [row("Patient/a"), row("Patient/b")])
    store.append([record("r2")], SERVER, "m1")
    store.settle(SERVER, [settled(lease_one(store))], [row("Patient/a", "new", "r2")])
    found = store.ledger(SERVER, ["Patient/a", "Patient/b", "Patient/c"])
    assert {url: one.content_hash for url, one in found.items()} == {
        "Patient/a": "new", "Patient/b": "h",
    }  # fmt: skip
    assert found["Patient/a"].key.id == "r2"
    assert (store.ledger_size(SERVER), store.ledger("other", ["Patient/a"])) == (2, {})


def test_the_ledger_tells_what_a_record_alone_made_and_has_not_retired(store: Store) -> None:
    store.append([record("r1"), record("r2"), record("r1", "p2")], SERVER, "m1")
    settlements = [settled(one) for one in store.lease(SERVER, "w", 9, 60)]
    rows = [
        replace(row("Patient/a"), shared=True),
        row("Observation/c"),
        row("Observation/b"),
        replace(row("Observation/d"), retired="entered-in-error"),
        replace(row("Provenance/e"), retired="deleted"),
        row("Observation/f", "h", "r2"),
    ]
    store.settle(SERVER, settlements, rows)
    key = key_of(record("r1").data)
    assert store.ledger_of(SERVER, [key]) == [rows[2], rows[1]]
    both = [key, key_of(record("r2").data), key_of(record("r1", "p2").data)]
    assert [one.url[-1] for one in store.ledger_of(SERVER, both)] == ["b", "c", "f"]
    assert (store.ledger_of("other", [key]), store.ledger_of(SERVER, [])) == ([], [])
    assert store.ledger(SERVER, [one.url for one in rows]) == {one.url: one for one in rows}
    # What was deleted is no longer held, what is entered in error is.
    held = [one.url for one in rows if one.retired != "deleted"]
    assert list(store.ledger_urls(SERVER)) == sorted(held)
    assert (store.ledger_size(SERVER), store.ledger_size("other")) == (5, 0)


def test_a_retired_row_may_come_back(store: Store) -> None:
    key = key_of(record("r1").data)
    for number, one in enumerate(
        [row("Observation/a"), replace(row("Observation/a"), retired="deleted"),
         row("Observation/a", "new")]
    ):  # fmt: skip
        store.append([record("r1", v=number)], SERVER, "m1")
        store.settle(SERVER, [settled(lease_one(store))], [one])
        expected = [] if one.retired else [one]
        assert store.ledger_of(SERVER, [key]) == expected
        assert store.ledger_size(SERVER) == len(expected)


def test_a_retired_resource_lets_no_held_entry_go(store: Store) -> None:
    store.append([record("r1"), record("r2")], SERVER, "m1")
    one, two = store.lease(SERVER, "w", 9, 60)
    store.settle(
        SERVER, [settled(one, "rejected"), settled(two, "held", waits_for=("Condition/c",))]
    )
    store.append([record("r1", v=2)], SERVER, "m1")
    gone = replace(row("Condition/c"), retired="deleted")
    store.settle(SERVER, [settled(lease_one(store))], [gone])
    assert store.entry(two.entry.id).state == "held"


@pytest.mark.parametrize("fault", [True, False])
def test_what_was_given_up_since_the_server_fails_may_have_been_written(
    store: Store, fault: bool
) -> None:
    store.append([record("r1", v=1)], SERVER, "m1")
    store.settle(SERVER, [settled(lease_one(store), "rejected", status=500, fault=fault)])
    store.append([record("r1", v=2)], SERVER, "m1")
    assert lease_one(store).read_back is fault
    lost = store.lost_versions(SERVER, key_of(record("r1").data))
    assert [data["v"] for data in lost] == [1] * fault


def test_the_urls_of_the_ledger_come_page_by_page(store: Store) -> None:
    store.append([record("r1")], SERVER, "m1")
    urls = [f"Observation/{number:05}" for number in range(2500)]
    store.settle(SERVER, [settled(lease_one(store))], [row(url) for url in reversed(urls)])
    found = store.ledger_urls(SERVER)
    assert next(found) == urls[0]
    store.append([record("r2")], SERVER, "m1")  # other work goes on meanwhile
    assert list(found) == urls[1:]


def test_the_ledger_of_a_type_comes_page_by_page(store: Store) -> None:
    store.append([record("r1")], SERVER, "m1")
    rows = [
        replace(row(f"{kind}/{n:02}"), written_at=f"2026-03-{n + 1:02}T10:00:00.000Z")
        for kind in ("Goal", "Observation", "ObservationX")
        for n in range(7)
    ]
    gone = [replace(row("Observation/99"), retired="entered-in-error"),
            replace(row("Observation/98"), retired="deleted")]  # fmt: skip
    store.settle(SERVER, [settled(lease_one(store))], [*rows, *gone])
    mine = [one for one in rows if one.url.startswith("Observation/")]
    first = store.ledger_page(SERVER, "Observation", limit=4)
    assert first == mine[:4]
    assert store.ledger_page(SERVER, "Observation", after=first[-1].url) == mine[4:]
    since, until = mine[2].written_at, mine[4].written_at
    assert store.ledger_page(SERVER, "Observation", since=since, until=until) == mine[2:4]
    assert store.ledger_page("other", "Observation") == []
    assert store.ledger_page(SERVER, "Patient") == []


def test_versions_whose_fate_is_unknown_are_remembered(store: Store) -> None:
    key = key_of(record("r1").data)

    def attempt(version: int, state: Settled) -> None:
        store.append([record("r1", v=version)], SERVER, "m1")
        store.settle(SERVER, [settled(lease_one(store), state)])

    attempt(1, "sent")
    attempt(2, "unclear")
    attempt(3, "unclear")
    assert [data["v"] for data in store.lost_versions(SERVER, key)] == [2]
    attempt(4, "sent")
    attempt(5, "sent")
    assert [data["v"] for data in store.lost_versions(SERVER, key)] == [2, 3]
    assert store.lost_versions("other", key) == []
    assert store.lost_versions(SERVER, key_of(record("r2").data)) == []


def test_held_entries_go_on_when_what_they_need_arrives(store: Store) -> None:
    store.append([record("r1"), record("r2"), record("r3")], SERVER, "m1")
    one, two, three = store.lease(SERVER, "w", 9, 60)
    store.settle(
        SERVER,
        [
            settled(one, "rejected"),
            settled(two, "held", waits_for=("Condition/c",)),
            settled(three, "held", waits_for=("Condition/other",)),
        ],
    )
    assert store.has_failed(SERVER, "https://clinic.example/mrn", "p1")
    assert store.next_due(SERVER) is None
    store.append([record("r1", v=2)], SERVER, "m1")
    store.settle(SERVER, [settled(lease_one(store))], [row("Condition/c")])
    assert names(store.lease(SERVER, "w", 9, 60)) == ["r2"]
    assert store.entry(three.entry.id).state == "held"


def test_attempts_are_kept_with_their_outcome(store: Store) -> None:
    store.append([record("r1")], SERVER, "m1")
    outcome = Outcome.of([REFUSED.issue("no")])
    store.settle(SERVER, [settled(lease_one(store), "queued", status=503)])
    store.settle(SERVER, [settled(lease_one(store), "unclear", status=500, fault=True)])
    one = lease_one(store)
    store.settle(SERVER, [settled(one, "rejected", status=422, outcome=outcome)])
    attempts = store.attempts(one.entry.id)
    assert [(item.number, item.state, item.status) for item in attempts] == [
        (1, "queued", 503), (2, "unclear", 500), (3, "rejected", 422),
    ]  # fmt: skip
    entry = store.entry(one.entry.id)
    assert (entry.attempts, entry.faults, entry.outcome) == (3, 1, outcome.to_fhir())
    assert attempts[-1].outcome == outcome.to_fhir()


def test_replay_reads_back_first(store: Store) -> None:
    store.append([record("r1")], SERVER, "m1")
    one = lease_one(store)
    with pytest.raises(OutboxError):
        store.replay(one.entry.id)
    store.settle(SERVER, [settled(one, "rejected")])
    store.replay(one.entry.id)
    with pytest.raises(OutboxError):
        store.replay(one.entry.id)
    assert lease_one(store).read_back


def test_only_the_newest_version_can_be_replayed(store: Store) -> None:
    (first,) = store.append([record("r1", v=1)], SERVER, "m1")
    store.append([record("r1", v=2)], SERVER, "m1")
    with pytest.raises(OutboxError):
        store.replay(first.id)


def test_discard_takes_an_entry_out(store: Store) -> None:
    first, second = store.append([record("r1"), record("r2")], SERVER, "m1")
    store.discard(first.id)
    (leased,) = store.lease(SERVER, "w", 9, 60)
    assert leased.entry.id == second.id
    with pytest.raises(OutboxError):
        store.discard(second.id)
    with pytest.raises(OutboxError):
        store.discard(first.id)
    assert store.counts()["discarded"] == 1
    assert store.append([record("r1")], SERVER, "m1")[0].status == "queued"


def test_entries_are_listed_page_by_page(store: Store) -> None:
    receipts = store.append([record(f"r{n}", f"p{n % 3}") for n in range(7)], SERVER, "m1")
    store.append([record("x1")], "other", "m1")
    store.settle(SERVER, [settled(lease_one(store))])
    page = store.entries(SERVER, limit=3)
    rest = store.entries(SERVER, after=page[-1].id)
    assert [one.id for one in page + rest] == [one.id for one in receipts]
    assert [one.state for one in store.entries(SERVER, "sent")] == ["sent"]
    with pytest.raises(OutboxError):
        store.entries(after="no such entry")
    with pytest.raises(OutboxError):
        store.entry("no such entry")


def test_the_newest_version_of_a_record_is_found_by_its_key(store: Store) -> None:
    store.append([record("r1", v=1), record("r1", "p2"), record("r2")], SERVER, "m1")
    store.append([record("r1", v=9)], "other", "m1")
    key = key_of(record("r1").data)
    (first,) = (one for one in store.entries(SERVER) if one.key == key)
    assert store.newest(SERVER, key) == first
    (newer,) = store.append([record("r1", v=2)], SERVER, "m1")
    found = store.newest(SERVER, key)
    assert found is not None
    assert (found.id, found.key, found.state) == (newer.id, key, "queued")
    store.discard(newer.id)
    assert store.newest(SERVER, key) == store.entry(newer.id)
    assert store.newest("nobody", key) is None
    for other in (replace(key, source="x"), replace(key, id="x"), replace(key, record="care-plan")):
        assert store.newest(SERVER, other) is None


def test_a_failing_source_keeps_what_was_acknowledged_before(store: Store) -> None:
    def source() -> Any:
        yield from (record(f"r{n}") for n in range(1500))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        store.append(source(), SERVER, "m1")
    assert store.counts()["queued"] == 1000


def test_a_hundred_thousand_records_in_bounded_memory(store: Store) -> None:
    import resource

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    store.append((record(f"r{n}", f"p{n % 2000}") for n in range(100_000)), SERVER, "m1")
    seen: set[str] = set()
    for _ in range(10):
        leased = store.lease(SERVER, "w", 200, 60)
        seen.update(one.entry.key.patient for one in leased)
        store.settle(SERVER, [settled(one) for one in leased])
    assert len(seen) == 2000  # after ten leases of 200 each of the 2,000 patients had a turn
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 150_000  # KiB; the records alone would be more


def shared_row(name: str, content_hash: str) -> LedgerRow:
    return replace(row("Practitioner/a", content_hash, name), shared=True)


def send_two(store: Store) -> list[LeasedEntry]:
    """Lease two records of two patients."""
    store.append([record("r1", "p1"), record("r2", "p2")], SERVER, "m1")
    return sorted(store.lease(SERVER, "w", 9, 60), key=lambda one: one.entry.key.id)


def key_row(one: LeasedEntry, content_hash: str) -> LedgerRow:
    return replace(shared_row(one.entry.key.id, content_hash), key=one.entry.key)


def test_records_whose_writes_met_are_unclear_until_they_were_read_back(store: Store) -> None:
    first, second = send_two(store)
    store.settle(SERVER, [settled(first)], [key_row(first, "h1")], {})
    assert store.counts()["sent"] == 1
    store.settle(SERVER, [settled(second)], [key_row(second, "h2")], {})
    assert store.counts()["unclear"] == 2
    again = store.lease(SERVER, "w", 9, 60)
    assert all(one.read_back for one in again)
    assert "FBP-5015" in str(store.entry(first.entry.id).outcome)
    store.settle(SERVER, [settled(one) for one in again])
    assert store.counts()["sent"] == 2


@pytest.mark.parametrize(
    ("content_hash", "known"),
    [("h2", {"Practitioner/a": "h1"}), ("h1", {})],
    ids=["knew-of-it", "same-content"],
)
def test_writes_that_knew_of_each_other_or_are_equal_did_not_meet(
    store: Store, content_hash: str, known: dict[str, str]
) -> None:
    first, second = send_two(store)
    store.settle(SERVER, [settled(first)], [key_row(first, "h1")], {})
    store.settle(SERVER, [settled(second)], [key_row(second, content_hash)], known)
    assert store.counts()["sent"] == 2
    assert store.ledger(SERVER, ["Practitioner/a"])["Practitioner/a"].key == second.entry.key


def test_writes_that_are_settled_at_the_same_time_are_seen_to_meet(open_store: Opener) -> None:
    one, two = open_store(), open_store()
    for turn in range(10):
        names = [f"r{turn}a", f"r{turn}b"]
        one.append([record(names[0], names[0]), record(names[1], names[1])], SERVER, "m1")
        leased = one.lease(SERVER, "w", 9, 60)
        url = f"Practitioner/{turn}"
        with ThreadPoolExecutor(2) as pool:
            runs = [
                pool.submit(
                    store.settle, SERVER, [settled(mine)],
                    [replace(key_row(mine, mine.entry.key.id), url=url)], {},
                )
                for store, mine in zip((one, two), leased, strict=True)
            ]  # fmt: skip
            assert [run.result() for run in runs] == [frozenset(), frozenset()]
        assert one.counts()["unclear"] == 2
        one.settle(SERVER, [settled(again) for again in one.lease(SERVER, "w", 9, 60)])
