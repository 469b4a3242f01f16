"""The store on any database that `Database` stands for: what the outbox does, step by step."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from itertools import islice
from typing import Any, Self

from fhir_backpain.outbox import entries, ledger_table, trail
from fhir_backpain.outbox.act import Act, Actor, TrailItem
from fhir_backpain.outbox.clock import Clock, format_instant
from fhir_backpain.outbox.database import Database, Presence, Session
from fhir_backpain.outbox.entry import Attempt, Entry, LeasedEntry, Receipt, Settlement, State
from fhir_backpain.outbox.figures import read_figures
from fhir_backpain.outbox.intake import Intake
from fhir_backpain.outbox.ledger import LedgerRow
from fhir_backpain.outbox.queue import Queue
from fhir_backpain.outbox.record_text import read_record
from fhir_backpain.outbox.store import NOTHING_KNOWN
from fhir_backpain.record import RecordKey, SourceRecord
from fhir_backpain.telemetry.figure import Figure

_BATCH = 1000


class SqlStore:
    """See `Store` for what it promises. `join` makes this process known as a worker.

    `actor` is who the audit trail names for what is done here.
    """

    def __init__(
        self, database: Database, clock: Clock, join: Callable[[], Presence], actor: Actor
    ) -> None:
        self.database = database
        self._clock = clock
        self._join = join
        self._actor = actor
        self._presence: Presence | None = None
        self._presence_lock = threading.Lock()

    def append(
        self,
        records: Iterable[SourceRecord],
        server: str,
        mapping_version: str,
        *,
        act: Act | None = None,
    ) -> list[Receipt]:
        """Store records in batches of 1,000, each durable before the next is read."""
        receipts: list[Receipt] = []
        source = iter(records)
        # The batch is read before the transaction, so that a slow source locks nobody out.
        while batch := list(islice(source, _BATCH)):
            receipts += self._append(batch, server, mapping_version, act)
        return receipts

    def lease(self, server: str, worker: str, limit: int, seconds: float) -> list[LeasedEntry]:
        """Take due entries; those of a worker that is known to be dead are free at once."""
        presence = self._present()
        at, steady = self._times()
        return self.database.write(
            lambda session: Queue(session, server, steady, at).lease(
                presence, worker, limit, seconds
            )
        )

    def renew(self, server: str, tokens: Iterable[int], seconds: float) -> frozenset[int]:
        """Prolong leases from now on; return the tokens that are no longer valid."""
        presence, wanted = self._present(), list(tokens)
        at, steady = self._times()
        return self.database.write(
            lambda session: Queue(session, server, steady, at).renew(presence.id, wanted, seconds)
        )

    def release(self, server: str, tokens: Iterable[int]) -> None:
        """Give back what was leased and not sent, as it was before."""
        given = list(tokens)
        at, steady = self._times()
        self.database.write(lambda session: Queue(session, server, steady, at).release(given))

    def settle(
        self,
        server: str,
        settlements: Sequence[Settlement],
        ledger: Sequence[LedgerRow] = (),
        known: Mapping[str, str] = NOTHING_KNOWN,
    ) -> frozenset[str]:
        """Record what became of entries and what the server holds, in one transaction."""
        at, steady = self._times()
        arrived = frozenset(row.url for row in ledger if row.retired is None)

        def work(session: Session) -> frozenset[str]:
            queue = Queue(session, server, steady, at)
            fenced = queue.settle(settlements, arrived)
            # What a worker without a lease believes may be older than what is there.
            lost = {entries.entry(session, one, steady).key for one in fenced}
            rows = [row for row in ledger if row.key not in lost]
            met = ledger_table.met(session, server, rows, known)
            ledger_table.write_rows(session, server, rows)
            queue.doubt(met)
            acts = _taken_back(session, settlements, fenced, rows, steady)
            trail.write_acts(session, at, self._actor, acts)
            return fenced

        return self.database.write(work)

    def ledger(self, server: str, urls: Iterable[str]) -> dict[str, LedgerRow]:
        """Return what the server is known to hold, by relative URL."""
        wanted = list(urls)
        return self.database.read(lambda session: ledger_table.read_rows(session, server, wanted))

    def ledger_of(self, server: str, keys: Iterable[RecordKey]) -> list[LedgerRow]:
        """Return what some records alone made and have not retired."""
        wanted = list(keys)
        return self.database.read(lambda session: ledger_table.own_rows(session, server, wanted))

    def ledger_size(self, server: str) -> int:
        """Return how many resources the server is known to hold."""
        return self.database.read(lambda session: ledger_table.size(session, server))

    def ledger_urls(self, server: str) -> Iterator[str]:
        """Yield the relative URLs of what the server is known to hold, read page by page."""
        after = ""
        while urls := self._ledger_page(server, after):
            yield from urls
            after = urls[-1]

    def ledger_page(
        self,
        server: str,
        resource_type: str,
        *,
        after: str = "",
        since: str = "",
        until: str = "~",
        limit: int = 100,
    ) -> list[LedgerRow]:
        """Return a page of what the server is known to hold of one type, sorted by URL."""
        return self.database.read(
            lambda session: ledger_table.held_rows(
                session, server, resource_type, after, since, until, limit
            )
        )

    def lost_versions(self, server: str, key: RecordKey) -> list[dict[str, Any]]:
        """Return the superseded versions of a record that may have been sent."""
        texts = self.database.read(lambda session: entries.lost_contents(session, server, key))
        return [read_record(text) for text in texts]

    def unclear_versions(
        self, server: str, patients: Iterable[str], limit: int
    ) -> list[dict[str, Any]]:
        """Return what may have been sent of the records that are unclear."""
        first = sorted(set(patients))
        texts = self.database.read(
            lambda session: entries.unclear_contents(session, server, first, limit)
        )
        return [read_record(text) for text in texts]

    def next_due(self, server: str) -> float | None:
        """Return the seconds until an entry is due, leased or not; None where none waits."""
        at, steady = self._times()
        return self.database.read(lambda session: Queue(session, server, steady, at).next_due())

    def counts(self, server: str | None = None) -> dict[State, int]:
        """Return how many entries are in each state."""
        return self.database.read(lambda session: entries.counts(session, server))

    def servers(self) -> list[str]:
        """Return the servers that entries were appended for, sorted."""
        return self.database.read(entries.servers)

    def entries(
        self,
        server: str | None = None,
        state: State | None = None,
        *,
        after: str | None = None,
        limit: int = 100,
    ) -> list[Entry]:
        """Return a page of entries in the order of their arrival."""
        _, steady = self._times()
        return self.database.read(
            lambda session: entries.entries(session, server, state, after, limit, steady)
        )

    def search(self, server: str, words: str, limit: int = 100) -> list[Entry]:
        """Return entries by a key of one's own, the newest first."""
        _, steady = self._times()
        return self.database.read(
            lambda session: entries.search(session, server, words, limit, steady)
        )

    def entry(self, entry_id: str) -> Entry:
        """Return one entry; OutboxError where there is none."""
        _, steady = self._times()
        return self.database.read(lambda session: entries.entry(session, entry_id, steady))

    def newest(self, server: str, key: RecordKey) -> Entry | None:
        """Return the entry of a record's newest version, None where it has none."""
        _, steady = self._times()
        return self.database.read(lambda session: entries.newest(session, server, key, steady))

    def data(self, entry_id: str) -> dict[str, Any]:
        """Return the source record of an entry, its numbers exactly as they came."""
        return read_record(self.database.read(lambda session: entries.content(session, entry_id)))

    def attempts(self, entry_id: str) -> list[Attempt]:
        """Return what became of an entry so far, oldest first."""
        return self.database.read(lambda session: entries.attempts(session, entry_id))

    def has_failed(self, server: str, patient_system: str, patient_value: str) -> bool:
        """True where the newest version of a record of the patient is rejected or held."""
        return self.database.read(
            lambda session: entries.has_failed(session, server, patient_system, patient_value)
        )

    def replay(self, entry_id: str, because: str | None = None, by: Actor | None = None) -> None:
        """Queue an entry once more; the server is read first."""
        act = Act("replayed", entry_id, because=because, by=by)
        at, steady = self._times()

        def work(session: Session) -> None:
            patient = entries.replay(session, entry_id, steady)
            trail.write_acts(session, at, self._actor, [act])
            Queue(session, "", steady, at).refresh([patient])
            session.announce(entries.entry(session, entry_id, steady).server)

        self.database.write(work)

    def discard(self, entry_id: str, because: str | None = None, by: Actor | None = None) -> None:
        """Take an entry out for good."""
        act = Act("discarded", entry_id, because=because, by=by)
        at, steady = self._times()

        def work(session: Session) -> None:
            patient = entries.discard(session, entry_id, at)
            trail.write_acts(session, at, self._actor, [act])
            Queue(session, "", steady, at).refresh([patient])

        self.database.write(work)

    def tell(self, acts: Sequence[Act]) -> None:
        """Add acts to the audit trail, all of them or none."""
        at, _ = self._times()
        self.database.write(lambda session: trail.write_acts(session, at, self._actor, acts))

    def trail(self, entry: str | None = None, since: str | None = None) -> Iterator[TrailItem]:
        """Yield acts and attempts in the order of time, read page by page."""
        return trail.read_trail(self.database, entry, since)

    def figures(self) -> list[Figure]:
        """Return what the outbox counts, of one moment."""
        now = self._clock.now()
        return self.database.survey(lambda session: read_figures(session, now))

    def keep_note(self, name: str, text: str) -> None:
        """Keep a text under a name, in the place of an earlier one."""
        self.database.write(
            lambda session: session.execute(
                "INSERT INTO note (name, content) VALUES (?, ?)"
                " ON CONFLICT (name) DO UPDATE SET content = excluded.content",
                (name, text),
            )
        )

    def note(self, name: str) -> str | None:
        """Return the text that is kept under a name, None where there is none."""
        row = self.database.read(
            lambda session: session.execute(
                "SELECT content FROM note WHERE name = ?", (name,)
            ).fetchone()
        )
        return None if row is None else str(row[0])

    def watch(self, server: str, wake: Callable[[], None]) -> AbstractContextManager[None]:
        """Call nothing: what other processes store is found by looking again."""
        return nullcontext()

    def close(self) -> None:
        """Give up this process's leases and close the database."""
        with self._presence_lock:
            if self._presence is not None:
                self._presence.close()
                self._presence = None
        self.database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _append(
        self, batch: Sequence[SourceRecord], server: str, mapping_version: str, act: Act | None
    ) -> list[Receipt]:
        at, steady = self._times()

        def work(session: Session) -> list[Receipt]:
            trail.note_bound(session, at, self._actor, server)
            receipts = Intake(session, server, mapping_version, at, steady).append(batch)
            if act is not None:
                acts = [_of(act, one.id) for one in receipts if one.status != "unchanged"]
                trail.write_acts(session, at, self._actor, acts)
            return receipts

        return self.database.write(work)

    def _ledger_page(self, server: str, after: str) -> list[str]:
        return self.database.read(
            lambda session: ledger_table.held_urls(session, server, after, _BATCH)
        )

    def _times(self) -> tuple[str, float]:
        return format_instant(self._clock.now()), self._clock.steady()

    def _present(self) -> Presence:
        with self._presence_lock:
            if self._presence is None:
                self._presence = self._join()
            return self._presence


def _of(act: Act, queued: str) -> Act:
    """Return an act as told of an entry that it has queued."""
    if act.entry is None:
        return replace(act, entry=queued)
    return replace(act, detail={**act.detail, "queued": queued})


def _taken_back(
    session: Session,
    settlements: Sequence[Settlement],
    fenced: frozenset[str],
    rows: Sequence[LedgerRow],
    steady: float,
) -> list[Act]:
    """Return what the server has let go, told of the entries whose records no longer make it."""
    retired = [row for row in rows if row.retired is not None]
    if not retired:
        return []
    settled = [one.id for one in settlements if one.id not in fenced]
    by_key = {entries.entry(session, one, steady).key: one for one in settled}
    counts: dict[str | None, Counter[str]] = {}
    for row in retired:
        counts.setdefault(by_key.get(row.key), Counter())[str(row.retired)] += 1
    return [Act("taken-back", entry, detail=dict(count)) for entry, count in counts.items()]
