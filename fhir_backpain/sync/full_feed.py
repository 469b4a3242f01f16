"""A feed that holds all: what earlier runs brought and it no longer has is taken back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import blake2b

from fhir_backpain.outbox.entry import Entry, Receipt
from fhir_backpain.outbox.ledger import write_key
from fhir_backpain.outbox.store import Store
from fhir_backpain.record import RecordKey, SourceRecord, key_of
from fhir_backpain.sync.retire_limit import Loss
from fhir_backpain.sync.tombstone import is_tombstone, tombstone

_PAGE = 1000


class FullFeed:
    """Notes which records a feed holds, then finds those that it no longer does.

    A feed is all records of one source and type: a file of observations says nothing of care
    plans. What is kept of each record is 16 bytes.
    """

    def __init__(self, store: Store, server: str) -> None:
        self._store = store
        self._server = server
        self._there: set[bytes] = set()
        self._feeds: set[tuple[str, str]] = set()

    def noting(self, records: Iterable[SourceRecord]) -> Iterator[SourceRecord]:
        """Yield the records as they come, and note them."""
        for record in records:
            key = key_of(record.data)
            self._there.add(_digest(key))
            self._feeds.add((key.source, key.record))
            yield record

    def losses(self, receipts: Iterable[Receipt]) -> list[Loss]:
        """Return what the outbox knows of each source and type and the feed does not hold.

        `receipts` are those of the feed's own records: what they queued is no record that the
        source had before.
        """
        fresh = {one.id for one in receipts if one.status != "unchanged"}
        newest: dict[RecordKey, Entry] = {}
        kept: dict[tuple[str, str], set[bytes]] = {}
        for entry in self._entries():
            feed, digest = (entry.key.source, entry.key.record), _digest(entry.key)
            if feed not in self._feeds or entry.id in fresh:
                continue
            if digest in self._there:
                kept.setdefault(feed, set()).add(digest)
            else:
                newest[entry.key] = entry
        gone: dict[tuple[str, str], list[str]] = {}
        for key, entry in newest.items():
            if entry.state != "discarded" and not is_tombstone(self._store.data(entry.id)):
                gone.setdefault((key.source, key.record), []).append(entry.id)
        return [
            Loss(*feed, tuple(entries), len(entries) + len(kept.get(feed, ())))
            for feed, entries in sorted(gone.items())
        ]

    def tombstones(self, losses: Iterable[Loss]) -> Iterator[SourceRecord]:
        """Yield the last version of each record that is gone."""
        for entry_id in (one for loss in losses for one in loss.entries):
            data, entry = self._store.data(entry_id), self._store.entry(entry_id)
            yield SourceRecord(tombstone(data), entry.location)

    def _entries(self) -> Iterator[Entry]:
        after: str | None = None
        while page := self._store.entries(self._server, after=after, limit=_PAGE):
            after = page[-1].id
            yield from page


def _digest(key: RecordKey) -> bytes:
    return blake2b(write_key(key).encode(), digest_size=16).digest()
