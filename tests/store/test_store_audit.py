"""The audit trail and the figures: told with what is done, and equal to the rows."""

from __future__ import annotations

from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from store_records import HandClock, Opener, record

from fhir_backpain.errors import OutboxError, SettingsError
from fhir_backpain.outbox.act import Act, Actor
from fhir_backpain.outbox.database import Session
from fhir_backpain.outbox.entry import Settlement, State
from fhir_backpain.outbox.ledger import LedgerRow
from fhir_backpain.outbox.messages import BUSY
from fhir_backpain.outbox.sql_store import SqlStore
from fhir_backpain.outcome import Outcome
from fhir_backpain.record import key_of
from fhir_backpain.telemetry.exposition import exposition

SERVER = "https://fhir.example/r4"
OTHER = "https://other.example/r4"


def said(store: SqlStore, **which: Any) -> list[str]:
    return [item.what for item in store.trail(**which) if item.what != "migrated"]


def settle(store: SqlStore, server: str, *states: Any, **more: Any) -> list[str]:
    """Lease and settle as many entries as states are given; return their ids."""
    leased = store.lease(server, "w", len(states), 60)
    settlements = [
        Settlement(one.entry.id, one.token, state, **more)
        for one, state in zip(leased, states, strict=True)
    ]
    store.settle(server, settlements)
    return [one.entry.id for one in leased]


def rows(store: SqlStore, sql: str) -> list[Any]:
    return store.database.read(lambda session: session.execute(sql).fetchall())


def test_acts_and_attempts_are_told_in_the_order_of_time(store: SqlStore, clock: HandClock) -> None:
    store.append([record("r1")], SERVER, "m1")
    clock.pass_seconds(1)
    issue = BUSY.issue("The server says John Doe.")
    (entry,) = settle(store, SERVER, "rejected", status=422, outcome=Outcome.of([issue]))
    clock.pass_seconds(1)
    store.replay(entry, "the server was put right", Actor("anna", "gateway"))
    clock.pass_seconds(1)
    settle(store, SERVER, "sent")
    store.append([record("r2")], SERVER, "m1")
    (second,) = [one.id for one in store.entries(SERVER, "queued")]
    clock.pass_seconds(1)
    store.discard(second)
    told = [item for item in store.trail() if item.what != "migrated"]
    assert [item.what for item in told] == ["bound", "rejected", "replayed", "sent", "discarded"]
    bound, rejected, replayed, sent, discarded = told
    assert (bound.server, bound.via, bound.entry) == (SERVER, "engine", None)
    assert (rejected.number, rejected.status, rejected.messages) == (1, 422, ("FBP-5004",))
    assert (replayed.actor, replayed.via) == ("anna", "gateway")
    assert (replayed.entry, replayed.server) == (entry, SERVER)
    assert replayed.because == "the server was put right"
    assert (sent.number, sent.entry) == (2, entry)
    assert (discarded.entry, discarded.via, discarded.because) == (second, "library", None)
    assert discarded.actor
    assert "@" in discarded.actor
    assert "John" not in repr(told)
    assert said(store, entry=entry) == ["rejected", "replayed", "sent"]
    assert said(store, since=sent.at) == ["sent", "discarded"]
    with pytest.raises(OutboxError):
        list(store.trail("nothing"))


def test_an_act_that_was_not_done_is_not_told(store: SqlStore) -> None:
    (receipt,) = store.append([record("r1")], SERVER, "m1")
    with pytest.raises(OutboxError):
        store.replay(receipt.id, "it waits already")
    for reason in ("", "two\nlines", "x" * 501):
        with pytest.raises(SettingsError):
            store.discard(receipt.id, reason)
    assert said(store) == ["bound"]
    assert store.entry(receipt.id).state == "queued"


def test_the_making_of_an_outbox_is_its_first_act(open_store: Opener) -> None:
    store = open_store()
    assert isinstance(store, SqlStore)
    open_store()
    (first,) = store.trail()
    assert (first.what, first.via) == ("migrated", "engine")
    assert "from" not in first.detail


def test_a_server_is_bound_once(store: SqlStore) -> None:
    for name in ("r1", "r2"):
        store.append([record(name, name)], SERVER, "m1")
        store.append([record(name)], OTHER, "m1")
    assert [item.server for item in store.trail() if item.what == "bound"] == [SERVER, OTHER]


def test_what_is_queued_in_the_place_of_another_is_told_with_both(store: SqlStore) -> None:
    (old,) = store.append([record("r1")], SERVER, "m1")
    act = Act("edited", old.id, because="a digit was wrong")
    (new,) = store.append([record("r1", score=2)], SERVER, "m1", act=act)
    store.append([record("r1", score=2)], SERVER, "m1", act=act)  # nothing new: nothing is told
    (edited,) = store.trail(old.id)
    assert (edited.what, edited.detail) == ("edited", {"queued": new.id})
    store.append([record("r2"), record("r3")], SERVER, "m1", act=Act("retired"))
    retired = [item.entry for item in store.trail() if item.what == "retired"]
    assert retired == [one.id for one in store.entries(SERVER)][2:]


def test_what_a_server_has_let_go_is_told_of_its_record(store: SqlStore) -> None:
    (receipt,) = store.append([record("r1")], SERVER, "m1")
    (leased,) = store.lease(SERVER, "w", 1, 60)
    key, when = key_of(record("r1").data), "2024-05-01"
    row = LedgerRow("Observation/a", "h", "1", key, when, when)
    gone = [
        LedgerRow(f"Observation/{name}", "h", "1", key, when, when, retired=how)  # type: ignore[arg-type]
        for name, how in (("b", "deleted"), ("c", "deleted"), ("d", "entered-in-error"))
    ]
    store.settle(SERVER, [Settlement(receipt.id, leased.token, "sent")], [row, *gone])
    (back,) = [item for item in store.trail() if item.kind == "act" and item.entry]
    assert (back.what, back.entry, back.via) == ("taken-back", receipt.id, "engine")
    assert back.detail == {"deleted": 2, "entered-in-error": 1}


@pytest.mark.parametrize(
    "sql", ["UPDATE audit SET because = NULL", "DELETE FROM audit", "DELETE FROM audit WHERE 1 = 1"]
)
def test_nothing_of_the_trail_can_be_changed(store: SqlStore, sql: str) -> None:
    (receipt,) = store.append([record("r1")], SERVER, "m1")
    store.discard(receipt.id, "for a reason")
    before = list(store.trail())

    def change(session: Session) -> None:
        session.execute(sql)

    with pytest.raises(OutboxError):
        store.database.write(change)
    assert list(store.trail()) == before


def test_a_trail_of_many_pages_has_each_line_once(store: SqlStore, clock: HandClock) -> None:
    store.append([record(f"r{n}", f"p{n}") for n in range(1203)], SERVER, "m1")
    for entry in store.entries(SERVER, limit=2000):
        store.tell([Act("shown", entry.id)])
        if entry.id.startswith("8"):
            clock.pass_seconds(1)
    told = [item.entry for item in store.trail() if item.what == "shown"]
    assert told == [entry.id for entry in store.entries(SERVER, limit=2000)]


def test_every_figure_equals_its_rows(store: SqlStore, clock: HandClock) -> None:
    for server, count in ((SERVER, 12), (OTHER, 3)):
        store.append([record(f"r{n}", f"p{n}") for n in range(count)], server, "m1")
    clock.pass_seconds(30)
    settle(store, SERVER, "sent", "sent", "rejected", "conflict", status=422)
    settle(store, SERVER, "unclear", "unclear", "queued", status=503, wait=60.0)
    settle(store, SERVER, "held", status=404)
    settle(store, OTHER, "sent")
    (entry, *_) = settle(store, OTHER, "rejected")
    store.replay(entry)
    settle(store, OTHER, "sent")
    store.discard(store.entries(OTHER, "queued")[0].id, "no reason")
    key = key_of(record("r0", "p0").data)
    when = "2024-05-01"
    ledger = [
        LedgerRow("Observation/a", "h", "1", key, when, when),
        LedgerRow("Observation/b", "h", "1", key, when, when, retired="deleted"),
        LedgerRow("Observation/c", "h", "1", key, when, when, retired="entered-in-error"),
    ]
    store.settle(SERVER, [], ledger)

    text, _ = exposition([store.figures])
    found = {
        (sample.name.removeprefix("fhir_backpain_outbox_"), *sorted(sample.labels.values())): value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
        for value in [sample.value]
    }

    def expected(name: str, sql: str) -> dict[tuple[str, ...], float]:
        return {(name, *sorted(map(str, row[:-1]))): row[-1] for row in rows(store, sql)}

    counters = expected(
        "attempts_total",
        "SELECT e.server, a.state, coalesce(CAST(a.status / 100 AS text) || 'xx', 'none'), count(*)"
        " FROM attempt a JOIN entry e ON e.id = a.entry GROUP BY 1, 2, 3",
    )
    assert len(counters) >= 7
    assert sum(counters.values()) == rows(store, "SELECT count(*) FROM attempt")[0][0]
    states = expected("entries", "SELECT server, state, count(*) FROM entry GROUP BY 1, 2")
    acts = expected("acts_total", "SELECT action, count(*) FROM audit GROUP BY 1")
    for name, given in (("attempts_total", counters), ("entries", states), ("acts_total", acts)):
        shown = {labels: value for labels, value in found.items() if labels[0] == name and value}
        assert shown == given
    assert found["resources", SERVER] == store.ledger_size(SERVER) == 2
    assert found["resources", OTHER] == 0
    assert found["oldest_waiting_seconds", SERVER] == 30
    assert found["oldest_waiting_seconds", OTHER] == 0
    sent = rows(store, "SELECT max(at) FROM attempt WHERE state = 'sent'")[0][0]
    assert found["last_sent_timestamp_seconds", OTHER] == clock.now().timestamp()
    assert sent.startswith("2024-05-01T12:00:30")


def test_a_counter_never_falls(store: SqlStore, clock: HandClock) -> None:
    def attempts() -> float:
        figures = [one for one in store.figures() if one.kind == "counter"]
        return sum(value for one in figures for _, value in one.samples)

    store.append([record("r1")], SERVER, "m1")
    last, states = attempts(), list[State]()
    for state in ("rejected", "sent", "conflict"):
        (entry,) = settle(store, SERVER, state)
        states.append(store.entry(entry).state)
        before, last = last, attempts()
        assert last > before
        store.replay(entry)
        before, last = last, attempts()
        assert last > before
    store.append([record("r1", score=9)], SERVER, "m1")
    assert attempts() >= last
    assert states == ["rejected", "sent", "conflict"]


def test_figures_are_read_while_another_writes(open_store: Opener) -> None:
    store, other = open_store(), open_store()
    assert isinstance(store, SqlStore)
    assert isinstance(other, SqlStore)
    store.append([record("r1")], SERVER, "m1")

    def work(session: Session) -> float:
        session.execute("UPDATE entry SET state = 'discarded'")
        figures = {one.name: one for one in store.figures()}
        return dict(figures["outbox_entries"].samples)[SERVER, "queued"]

    assert other.database.write(work) == 1
