"""Random histories of an outbox against a model of what it promises."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)
from store_records import HandClock, record

from fhir_backpain.outbox.entry import LeasedEntry, Settlement
from fhir_backpain.outbox.ledger import LedgerRow
from fhir_backpain.outbox.postgres import PostgresStore
from fhir_backpain.outbox.sqlite import SqliteStore
from fhir_backpain.outbox.store import Store
from fhir_backpain.record import key_of

SERVER = "https://fhir.example/r4"
patients = st.sampled_from(["a", "b", "c"])
names = st.sampled_from(["r1", "r2"])
LONG = os.environ.get("FHIR_BACKPAIN_LONG") == "1"


class OutboxMachine(RuleBasedStateMachine):
    """Two workers, one of which dies now and then; `wanted` is what was last acknowledged."""

    def __init__(self, empty: Callable[[], Callable[[HandClock], Store]]) -> None:
        super().__init__()
        self.clock = HandClock()
        self.opener = empty()
        self.stores = [self.open(), self.open()]
        self.leases: list[list[LeasedEntry]] = [[], []]
        self.wanted: dict[tuple[str, str], int] = {}
        self.server: dict[tuple[str, str], int] = {}

    def open(self) -> Store:
        return self.opener(self.clock)

    @rule(patient=patients, name=names, version=st.integers(0, 3))
    def append(self, patient: str, name: str, version: int) -> None:
        self.stores[0].append([record(name, patient, v=version)], SERVER, "m1")
        self.wanted[patient, name] = version

    @rule(worker=st.integers(0, 1), limit=st.integers(1, 5))
    def lease(self, worker: int, limit: int) -> None:
        taken = self.stores[worker].lease(SERVER, f"w{worker}", limit, 60)
        keys = [one.entry.key for one in taken]
        assert len(keys) == len(set(keys))
        self.leases[worker] += taken

    @rule(worker=st.integers(0, 1), state=st.sampled_from(["sent", "queued", "unclear"]))
    def settle(self, worker: int, state: str) -> None:
        """Send and settle the first leased entry, in the order of its patient."""
        if not self.leases[worker]:
            return
        one = self.leases[worker].pop(0)
        if self.stores[worker].renew(SERVER, [one.token], 60):
            return  # fenced before it was sent
        key = (one.entry.key.patient_value, one.entry.key.id)
        if state != "queued":
            self.server[key] = one.data["v"]
        settlement = Settlement(one.entry.id, one.token, state, wait=5.0)  # type: ignore[arg-type]
        url = f"Observation/{'-'.join(key)}"
        row = LedgerRow(url, str(one.data["v"]), None, one.entry.key, "2024-05-01", "")
        rows = [row] if state == "sent" else []
        assert self.stores[worker].settle(SERVER, [settlement], rows) == frozenset()

    @rule(worker=st.integers(0, 1))
    def die(self, worker: int) -> None:
        self.stores[worker].close()
        self.stores[worker], self.leases[worker] = self.open(), []

    @rule(seconds=st.sampled_from([1.0, 10.0, 100.0]))
    def wait(self, seconds: float) -> None:
        self.clock.pass_seconds(seconds)

    @invariant()
    def nothing_acknowledged_is_lost(self) -> None:
        entries = self.stores[0].entries(limit=10_000)
        live = [one for one in entries if one.state in ("queued", "unclear", "sent")]
        newest = {(one.key.patient_value, one.key.id): one for one in live}
        assert newest.keys() == self.wanted.keys()
        for (patient, name), one in newest.items():
            assert self.stores[0].data(one.id)["v"] == self.wanted[patient, name]
            assert one.key == key_of(record(name, patient).data)

    @invariant()
    def what_is_sent_is_what_the_server_holds(self) -> None:
        entries = self.stores[0].entries(limit=10_000)
        newest = {(one.key.patient_value, one.key.id): one for one in entries}
        for (patient, name), one in newest.items():
            if one.state == "sent":
                assert self.server[patient, name] == self.wanted[patient, name]
                url = f"Observation/{patient}-{name}"
                row = self.stores[1].ledger(SERVER, [url])[url]
                assert row.content_hash == str(self.wanted[patient, name])

    def teardown(self) -> None:
        for store in self.stores:
            store.close()


@pytest.fixture(params=["sqlite", "postgres"])
def empty(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Callable[[], Callable[[HandClock], Store]]:
    """Return what gives the opener of an empty outbox, again and again."""
    if request.param == "postgres":
        url: str = request.getfixturevalue("postgres_url")
        return lambda: empty_schema(url, "machine")
    made = tmp_path / "empty.db"
    SqliteStore(made).close()
    numbers = count()
    return lambda: copied_file(made, tmp_path / f"{next(numbers)}.db")


def empty_schema(url: str, schema: str) -> Callable[[HandClock], Store]:
    with PostgresStore(url, schema=schema) as store:
        tables = ["attempt", "entry", "ledger", "origin", "patient"]
        store.database.write(lambda session: [session.execute(f"DELETE FROM {t}") for t in tables])
    return lambda clock: PostgresStore(url, clock=clock, schema=schema)


def copied_file(made: Path, path: Path) -> Callable[[HandClock], Store]:
    shutil.copy(made, path)
    return lambda clock: SqliteStore(path, clock=clock)


@pytest.mark.timeout(7200 if LONG else 300)
def test_random_histories_of_an_outbox(empty: Callable[[], Callable[[HandClock], Store]]) -> None:
    """FHIR_BACKPAIN_LONG=1 makes it 2,000 runs of 50 steps."""
    run_state_machine_as_test(
        lambda: OutboxMachine(empty),
        settings=settings(
            max_examples=2000 if LONG else 30,
            stateful_step_count=50 if LONG else 40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
