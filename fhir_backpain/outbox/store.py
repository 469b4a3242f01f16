"""What every store of the outbox promises, whichever database it keeps its entries in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from types import MappingProxyType
from typing import Any, Protocol

from fhir_backpain.outbox.act import Act, Actor, TrailItem
from fhir_backpain.outbox.entry import (
    Attempt,
    Entry,
    LeasedEntry,
    Receipt,
    Settlement,
    State,
)
from fhir_backpain.outbox.ledger import LedgerRow
from fhir_backpain.record import RecordKey, SourceRecord
from fhir_backpain.telemetry.figure import Figure

NOTHING_KNOWN: Mapping[str, str] = MappingProxyType({})


class Store(Protocol):
    """A durable queue of records, in order for each patient, and the ledger beside it.

    `server` is any text that names a target; a record and a server make an entry. Every method
    is atomic, may be called from several threads, and raises OutboxError where the database
    fails: then nothing of the call was stored (of `append`: nothing of its unfinished batch).
    """

    def append(
        self,
        records: Iterable[SourceRecord],
        server: str,
        mapping_version: str,
        *,
        act: Act | None = None,
    ) -> list[Receipt]:
        """Store records for a server, durable on return; one receipt for each, in their order.

        A newer version takes the place of an earlier one that was not sent. A record whose
        newest entry has the same content and mapping version and is queued, under way or sent
        is left as it is. `act` is told of each entry that is queued; where it is about an entry
        already, what is queued is told beside it.
        """

    def lease(self, server: str, worker: str, limit: int, seconds: float) -> list[LeasedEntry]:
        """Take up to `limit` entries that are due, for `seconds`; the oldest of a patient first.

        Patients take turns, and a patient is leased to one worker at a time. Where an earlier
        lease ended without settlement, its entries come back as `read_back`.
        """

    def renew(self, server: str, tokens: Iterable[int], seconds: float) -> frozenset[int]:
        """Prolong leases from now on; return the tokens that are no longer valid."""

    def release(self, server: str, tokens: Iterable[int]) -> None:
        """Give back what was leased and not sent, as it was before."""

    def settle(
        self,
        server: str,
        settlements: Sequence[Settlement],
        ledger: Sequence[LedgerRow] = (),
        known: Mapping[str, str] = NOTHING_KNOWN,
    ) -> frozenset[str]:
        """Record what became of leased entries, and what the server now holds, in one step.

        Returns the ids of entries whose lease is no longer valid: nothing of them was recorded.
        Ledger rows are recorded unless every settlement of the call was refused. Held entries
        whose `waits_for` has arrived are queued again.

        `known` is the content hash that each URL's row had when its resource was written. Where
        another record has changed the row of a shared resource since, nobody knows whose content
        came last: both records become unclear once they are sent.
        """

    def ledger(self, server: str, urls: Iterable[str]) -> dict[str, LedgerRow]:
        """Return the rows of some resources by relative URL, those of retired ones too."""

    def ledger_of(self, server: str, keys: Iterable[RecordKey]) -> list[LedgerRow]:
        """Return the rows of what some records alone made and have not retired, sorted by URL."""

    def ledger_size(self, server: str) -> int:
        """Return how many resources the server is known to hold.

        Those that were retired as entered-in-error are among them, deleted ones are not.
        """

    def ledger_urls(self, server: str) -> Iterator[str]:
        """Yield the relative URLs of what `ledger_size` counts, sorted; the store must stay open.

        A resource that is written meanwhile may be among them or not.
        """

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
        """Return rows of one type that are not retired, sorted by URL, those after the URL `after`.

        Those written at the instant `since` or later, and before `until`: as text, in UTC.
        """

    def lost_versions(self, server: str, key: RecordKey) -> list[dict[str, Any]]:
        """Return the superseded versions of a record that may have been sent, oldest first.

        Nobody knows what of them the server has taken: their answers were lost.
        """

    def unclear_versions(
        self, server: str, patients: Iterable[str], limit: int
    ) -> list[dict[str, Any]]:
        """Return what may have been sent of the records that are unclear, in no order.

        Those of `patients` (``system|value``) come first, no more than `limit` records in all;
        of each the version that is to be sent and those that it replaced unsettled.
        """

    def next_due(self, server: str) -> float | None:
        """Return the seconds until an entry is due, leased or not; None where none waits."""

    def counts(self, server: str | None = None) -> dict[State, int]:
        """Return how many entries are in each state, all states named."""

    def servers(self) -> list[str]:
        """Return the servers that entries were appended for, sorted."""

    def entries(
        self,
        server: str | None = None,
        state: State | None = None,
        *,
        after: str | None = None,
        limit: int = 100,
    ) -> list[Entry]:
        """Return entries in the order of their arrival, those after the entry `after`."""

    def search(self, server: str, words: str, limit: int = 100) -> list[Entry]:
        """Return entries by a key of one's own, the newest first.

        That is a tracking id, a record's id or the value of a patient's identifier, in full.
        """

    def entry(self, entry_id: str) -> Entry:
        """Return one entry; OutboxError where there is none."""

    def newest(self, server: str, key: RecordKey) -> Entry | None:
        """Return the entry of a record's newest version, None where it has none for the server."""

    def data(self, entry_id: str) -> dict[str, Any]:
        """Return the source record of an entry."""

    def attempts(self, entry_id: str) -> list[Attempt]:
        """Return what became of an entry so far, oldest first."""

    def has_failed(self, server: str, patient_system: str, patient_value: str) -> bool:
        """True where the newest version of a record of the patient is rejected or held."""

    def replay(self, entry_id: str, because: str | None = None, by: Actor | None = None) -> None:
        """Queue an entry once more; the server is read first, so that nothing is sent twice.

        The audit trail keeps the reason, and `by` where that is not who opened the outbox.

        OutboxError where it is leased, waits already, or where a newer version exists.
        """

    def discard(self, entry_id: str, because: str | None = None, by: Actor | None = None) -> None:
        """Take an entry out for good; OutboxError where it is leased, sent or out already."""

    def tell(self, acts: Sequence[Act]) -> None:
        """Add acts to the audit trail that the store did not do itself; durable on return."""

    def trail(self, entry: str | None = None, since: str | None = None) -> Iterator[TrailItem]:
        """Yield acts and attempts in the order of time; the store must stay open.

        Those of one entry, and those from the instant `since` (in UTC with milliseconds) on.
        """

    def figures(self) -> list[Figure]:
        """Return what the outbox counts, of one moment; nobody is kept from writing meanwhile."""

    def keep_note(self, name: str, text: str) -> None:
        """Keep a text under a name, in the place of an earlier one; durable on return."""

    def note(self, name: str) -> str | None:
        """Return the text that is kept under a name, None where there is none."""

    def watch(self, server: str, wake: Callable[[], None]) -> AbstractContextManager[None]:
        """Call `wake` when work for a server was stored, by any process, as long as one is within.

        A call can be lost, and some stores make none: look again after a while in any case.
        """

    def close(self) -> None:
        """Close the database."""
