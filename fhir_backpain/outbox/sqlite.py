"""The outbox in a SQLite file: write-ahead log, every commit on disk before it is acknowledged."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Self

from fhir_backpain.outbox import sqlite_entries, sqlite_ledger
from fhir_backpain.outbox.clock import Clock, SystemClock, format_instant
from fhir_backpain.outbox.entry import (
    Attempt,
    Entry,
    LeasedEntry,
    Receipt,
    Settlement,
    State,
)
from fhir_backpain.outbox.ledger import LedgerRow
from fhir_backpain.outbox.presence import Presence
from fhir_backpain.outbox.record_text import read_record
from fhir_backpain.outbox.sqlite_database import SqliteDatabase, translated
from fhir_backpain.outbox.sqlite_intake import SqliteIntake
from fhir_backpain.outbox.sqlite_queue import SqliteQueue
from fhir_backpain.record import RecordKey, SourceRecord

_BATCH = 1000


class SqliteStore:
    """A store in one file, made where it does not exist; see `Store` for what it promises.

    Several processes of one machine may use the file at the same time. Raises OutboxError where
    the file is damaged, is no outbox or was written by a newer version: it is left as it is.
    """

    def __init__(
        self, path: Path | str, *, clock: Clock | None = None, busy_seconds: float = 5.0
    ) -> None:
        self.path = Path(path)
        self._clock = clock or SystemClock()
        self._database = SqliteDatabase(self.path, busy_seconds)
        self._presence: Presence | None = None
        self._presence_lock = threading.Lock()

    def append(
        self, records: Iterable[SourceRecord], server: str, mapping_version: str
    ) -> list[Receipt]:
        """Store records in batches of 1,000, each durable before the next is read."""
        receipts: list[Receipt] = []
        source = iter(records)
        # The batch is read before the transaction, so that a slow source locks nobody out.
        while batch := list(islice(source, _BATCH)):
            at, steady = self._times()
            with self._database.writing() as connection:
                intake = SqliteIntake(connection, server, mapping_version, at, steady)
                stored = intake.append(batch)
            receipts += stored
        return receipts

    def lease(self, server: str, worker: str, limit: int, seconds: float) -> list[LeasedEntry]:
        """Take due entries; those of a killed process of this machine are free at once."""
        presence = self._present()
        at, steady = self._times()
        with self._database.writing() as connection:
            queue = SqliteQueue(connection, server, steady, at)
            return queue.lease(presence.id, worker, limit, seconds, presence.is_alive)

    def renew(self, server: str, tokens: Iterable[int], seconds: float) -> frozenset[int]:
        """Prolong leases from now on; return the tokens that are no longer valid."""
        presence = self._present()
        at, steady = self._times()
        with self._database.writing() as connection:
            queue = SqliteQueue(connection, server, steady, at)
            return queue.renew(presence.id, tokens, seconds)

    def release(self, server: str, tokens: Iterable[int]) -> None:
        """Give back what was leased and not sent, as it was before."""
        at, steady = self._times()
        with self._database.writing() as connection:
            SqliteQueue(connection, server, steady, at).release(tokens)

    def settle(
        self, server: str, settlements: Sequence[Settlement], ledger: Sequence[LedgerRow] = ()
    ) -> frozenset[str]:
        """Record what became of entries and what the server holds, in one transaction."""
        at, steady = self._times()
        arrived = frozenset(row.url for row in ledger if row.retired is None)
        with self._database.writing() as connection:
            fenced = SqliteQueue(connection, server, steady, at).settle(settlements, arrived)
            # What a worker without a lease believes may be older than what is there.
            lost = {sqlite_entries.entry(connection, one, steady).key for one in fenced}
            sqlite_ledger.write_rows(
                connection, server, [row for row in ledger if row.key not in lost]
            )
            return fenced

    def ledger(self, server: str, urls: Iterable[str]) -> dict[str, LedgerRow]:
        """Return what the server is known to hold, by relative URL."""
        with self._database.reading() as connection:
            return sqlite_ledger.read_rows(connection, server, urls)

    def ledger_of(self, server: str, keys: Iterable[RecordKey]) -> list[LedgerRow]:
        """Return what some records alone made and have not retired."""
        with self._database.reading() as connection:
            return sqlite_ledger.own_rows(connection, server, keys)

    def ledger_size(self, server: str) -> int:
        """Return how many resources the server is known to hold."""
        with self._database.reading() as connection:
            return sqlite_ledger.size(connection, server)

    def ledger_urls(self, server: str) -> Iterator[str]:
        """Yield the relative URLs of what the server is known to hold, read page by page."""
        after = ""
        while True:
            with self._database.reading() as connection:
                urls = sqlite_ledger.held_urls(connection, server, after, _BATCH)
            if not urls:
                return
            yield from urls
            after = urls[-1]

    def lost_versions(self, server: str, key: RecordKey) -> list[dict[str, Any]]:
        """Return the superseded versions of a record that may have been sent."""
        with self._database.reading() as connection:
            texts = sqlite_entries.lost_contents(connection, server, key)
            return [read_record(text) for text in texts]

    def next_due(self, server: str) -> float | None:
        """Return the seconds until an entry is due, leased or not; None where none waits."""
        at, steady = self._times()
        with self._database.reading() as connection:
            return SqliteQueue(connection, server, steady, at).next_due()

    def counts(self, server: str | None = None) -> dict[State, int]:
        """Return how many entries are in each state."""
        with self._database.reading() as connection:
            return sqlite_entries.counts(connection, server)

    def servers(self) -> list[str]:
        """Return the servers that entries were appended for, sorted."""
        with self._database.reading() as connection:
            rows = connection.execute("SELECT DISTINCT server FROM patient ORDER BY server")
            return [name for (name,) in rows]

    def entries(
        self,
        server: str | None = None,
        state: State | None = None,
        *,
        after: str | None = None,
        limit: int = 100,
    ) -> list[Entry]:
        """Return a page of entries in the order of their arrival."""
        steady = self._clock.steady()
        with self._database.reading() as connection:
            return sqlite_entries.entries(connection, server, state, after, limit, steady)

    def entry(self, entry_id: str) -> Entry:
        """Return one entry; OutboxError where there is none."""
        with self._database.reading() as connection:
            return sqlite_entries.entry(connection, entry_id, self._clock.steady())

    def data(self, entry_id: str) -> dict[str, Any]:
        """Return the source record of an entry, its numbers exactly as they came."""
        with self._database.reading() as connection:
            return read_record(sqlite_entries.content(connection, entry_id))

    def attempts(self, entry_id: str) -> list[Attempt]:
        """Return what became of an entry so far, oldest first."""
        with self._database.reading() as connection:
            return sqlite_entries.attempts(connection, entry_id)

    def has_failed(self, server: str, patient_system: str, patient_value: str) -> bool:
        """True where the newest version of a record of the patient is rejected or held."""
        with self._database.reading() as connection:
            row = connection.execute(
                "SELECT 1 FROM entry e JOIN patient p ON p.id = e.patient"
                " WHERE p.server = ? AND p.system = ? AND p.value = ?"
                " AND e.state IN ('rejected', 'held') AND e.is_latest = 1 LIMIT 1",
                (server, patient_system, patient_value),
            ).fetchone()
            return row is not None

    def replay(self, entry_id: str) -> None:
        """Queue an entry once more; the server is read first."""
        at, steady = self._times()
        with self._database.writing() as connection:
            patient = sqlite_entries.replay(connection, entry_id, steady)
            SqliteQueue(connection, "", steady, at).refresh(patient)

    def discard(self, entry_id: str) -> None:
        """Take an entry out for good."""
        at, steady = self._times()
        with self._database.writing() as connection:
            patient = sqlite_entries.discard(connection, entry_id, at)
            SqliteQueue(connection, "", steady, at).refresh(patient)

    def close(self) -> None:
        """Close the file and give up this process's leases."""
        self._database.close()
        with self._presence_lock:
            if self._presence is not None:
                self._presence.close()
                self._presence = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _times(self) -> tuple[str, float]:
        return format_instant(self._clock.now()), self._clock.steady()

    def _present(self) -> Presence:
        with self._presence_lock:
            if self._presence is None:
                with translated(self.path):
                    self._presence = Presence(Path(f"{self.path}-workers"))
            return self._presence
