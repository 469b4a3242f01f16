"""Two workers that write the same resource at the same time, each without knowing of the other."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sync_world import QUICK, PlainRenderer, made, record

from fhir_backpain.client.client import FhirClient
from fhir_backpain.client.reply import Reply
from fhir_backpain.fhir.resource import MadeResource
from fhir_backpain.outbox.entry import LeasedEntry
from fhir_backpain.outbox.sqlite import SqliteStore
from fhir_backpain.record import SourceRecord
from fhir_backpain.sandbox.server import SandboxServer
from fhir_backpain.sync.push import Dispatcher
from fhir_backpain.sync.push_options import PushOptions

CLINICIAN = made("Practitioner", "the clinician", {})
OLDER = record("r1", "p1", at="2024-05-01", clinician="Young")
NEWER = record("r2", "p2", at="2024-05-02", clinician="Married")
ONE_BY_ONE = PushOptions(lease_limit=1, in_flight=1, retry=QUICK)


class ClinicianRenderer(PlainRenderer):
    """Makes the clinician beside the rest, whom records of all patients share."""

    def __call__(self, data: dict[str, Any]) -> list[MadeResource]:
        content = {"name": [{"family": data["clinician"]}]}
        return [
            made("Practitioner", "the clinician", content, shared=True),
            *super().__call__(data),
        ]


class HeldClient(FhirClient):
    """Sends when it may, and hands over the answer when it may."""

    def __init__(self, base_url: str) -> None:
        super().__init__(base_url)
        self.composed, self.may_send = threading.Event(), threading.Event()
        self.answered, self.may_settle = threading.Event(), threading.Event()

    def transaction(self, bundle: str) -> Reply:
        self.composed.set()
        assert self.may_send.wait(20)
        reply = super().transaction(bundle)
        self.answered.set()
        assert self.may_settle.wait(20)
        return reply


class WatchedStore(SqliteStore):
    """Tells once there is nothing more to lease."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.dry = threading.Event()

    def lease(self, server: str, worker: str, limit: int, seconds: float) -> list[LeasedEntry]:
        leased = super().lease(server, worker, limit, seconds)
        if not leased:
            self.dry.set()
        return leased


class Worker:
    """A process of its own, as far as the outbox can tell."""

    def __init__(self, outbox: Path, base_url: str, pool: ThreadPoolExecutor) -> None:
        self.store = WatchedStore(outbox)
        self.client = HeldClient(base_url)
        self._pool = pool
        self._dispatcher = Dispatcher(
            self.store, self.client, ClinicianRenderer(), options=ONE_BY_ONE
        )

    def take(self, one: SourceRecord) -> None:
        """Compose the requests of a record; nothing is sent yet."""
        (receipt,) = self._dispatcher.append([one])
        self._entry = receipt.id
        self._run = self._pool.submit(self._dispatcher.run_until_idle)
        assert self.client.composed.wait(20)
        assert self.store.dry.wait(20)  # or this worker would take the other's record as well

    def send(self) -> None:
        self.client.may_send.set()
        assert self.client.answered.wait(20)

    def settle(self) -> None:
        self.client.may_settle.set()
        while self.store.entry(self._entry).leased:
            time.sleep(0.005)

    def end(self) -> None:
        """Go on until nothing is left to be sent, by whomever."""
        assert self._run.result(20).is_complete


@pytest.fixture
def workers(tmp_path: Path, server: SandboxServer) -> Iterator[tuple[Worker, Worker]]:
    with ThreadPoolExecutor(2) as pool:
        pair = [Worker(tmp_path / "outbox.db", server.base_url, pool) for _ in range(2)]
        yield pair[0], pair[1]
        for one in pair:
            one.client.may_send.set()
            one.client.may_settle.set()
    for one in pair:
        one.client.close()
        one.store.close()


@pytest.mark.parametrize("settled_first", [0, 1])
@pytest.mark.parametrize("sent", [(OLDER, NEWER), (NEWER, OLDER)], ids=["older", "newer"])
def test_what_was_true_last_stays_whichever_arrives_last(
    workers: tuple[Worker, Worker],
    server: SandboxServer,
    tmp_path: Path,
    sent: tuple[SourceRecord, SourceRecord],
    settled_first: int,
) -> None:
    for worker, one in zip(workers, sent, strict=True):
        worker.take(one)
    for worker in workers:
        worker.send()
    workers[settled_first].settle()
    workers[1 - settled_first].settle()
    for worker in workers:
        worker.end()
    with SqliteStore(tmp_path / "outbox.db") as store, FhirClient(server.base_url) as client:
        held = client.read("Practitioner", CLINICIAN.id).resource or {}
        assert held["name"] == [{"family": "Married"}]
        assert store.counts()["sent"] == 2
        row = store.ledger(client.base_url, [CLINICIAN.url])[CLINICIAN.url]
        assert row.key.id == "r2"
        assert row.version_id == held["meta"]["versionId"]
