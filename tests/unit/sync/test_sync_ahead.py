"""What comes next is leased and rendered while the server works on what came before."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sync_world import QUICK, PlainRenderer, record

from fhir_backpain.client.client import FhirClient
from fhir_backpain.client.reply import Reply
from fhir_backpain.outbox.entry import LeasedEntry
from fhir_backpain.outbox.sqlite import SqliteStore
from fhir_backpain.sandbox.faults import FaultRule
from fhir_backpain.sandbox.server import SandboxServer
from fhir_backpain.sync.push import Dispatcher
from fhir_backpain.sync.push_options import PushOptions

BUNDLE: dict[str, Any] = {"method": "POST", "path": "^/fhir/?$"}
ONE_BY_ONE = PushOptions(lease_limit=4, in_flight=1, retry=QUICK)


class WatchedStore(SqliteStore):
    """Tells when something was leased for the second time."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.leases = 0
        self.leased_again = threading.Event()

    def lease(self, server: str, worker: str, limit: int, seconds: float) -> list[LeasedEntry]:
        leased = super().lease(server, worker, limit, seconds)
        self.leases += bool(leased)
        if self.leases > 1:
            self.leased_again.set()
        return leased


class PatientClient(FhirClient):
    """Sends its first transaction only once more was leased."""

    def __init__(self, base_url: str, leased_again: threading.Event) -> None:
        super().__init__(base_url, deadline=10)
        self.leased_again = leased_again
        self.waited: list[bool] = []

    def transaction(self, bundle: str) -> Reply:
        self.waited.append(self.leased_again.wait(10))
        return super().transaction(bundle)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[WatchedStore]:
    with WatchedStore(tmp_path / "outbox.db") as opened:
        yield opened


@pytest.fixture
def client(server: SandboxServer, store: WatchedStore) -> Iterator[PatientClient]:
    with PatientClient(server.base_url, store.leased_again) as opened:
        yield opened


def test_the_next_records_are_ready_before_the_server_has_answered(
    store: WatchedStore, client: PatientClient
) -> None:
    dispatcher = Dispatcher(store, client, PlainRenderer(), options=ONE_BY_ONE)
    dispatcher.append(record(f"r{n}", f"p{n}") for n in range(8))
    result = dispatcher.run_until_idle()
    assert client.waited == [True, True]
    assert result.is_complete
    assert result.summary.records["sent"] == 8


def test_what_is_ready_is_not_sent_to_a_server_that_has_failed_since(
    store: WatchedStore, client: PatientClient, server: SandboxServer
) -> None:
    down = FaultRule("status", {"status": 503}, times=1, **BUNDLE)
    server.faults.add(down)
    dispatcher = Dispatcher(store, client, PlainRenderer(), options=ONE_BY_ONE)
    dispatcher.append(record(f"r{n}", f"p{n}") for n in range(8))
    result = dispatcher.run_until_idle()
    assert down.fired == 1
    assert result.is_complete
    assert result.summary.records["sent"] == 8
    # After the failure one record alone is tried, and then the others.
    assert down.seen == 4


def test_a_patient_under_way_is_not_leased_again(
    store: WatchedStore, client: PatientClient
) -> None:
    store.leased_again.set()
    dispatcher = Dispatcher(store, client, PlainRenderer(), options=ONE_BY_ONE)
    dispatcher.append(record(f"r{n}", "p1", at=f"2024-05-{n + 1:02}") for n in range(12))
    assert dispatcher.run_until_idle().is_complete
    assert len(client.waited) == store.leases == 3
