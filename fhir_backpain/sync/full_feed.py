"""A feed that holds all: what earlier runs brought and it no longer has is taken back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import blake2b

from fhir_backpain.outbox.ledger import write_key
from fhir_backpain.outbox.store import Store
from fhir_backpain.record import RecordKey, SourceRecord, key_of
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

    def gone(self) -> Iterator[SourceRecord]:
        """Yield a tombstone for each record that the outbox knows and the feed does not hold."""
        newest: dict[RecordKey, str] = {}
        after: str | None = None
        while page := self._store.entries(self._server, after=after, limit=_PAGE):
            after = page[-1].id
            for entry in page:
                known = (entry.key.source, entry.key.record) in self._feeds
                if known and _digest(entry.key) not in self._there:
                    newest[entry.key] = entry.id
        for entry_id in newest.values():
            data, entry = self._store.data(entry_id), self._store.entry(entry_id)
            if not is_tombstone(data) and entry.state != "discarded":
                yield SourceRecord(tombstone(data), entry.location)


def _digest(key: RecordKey) -> bytes:
    return blake2b(write_key(key).encode(), digest_size=16).digest()
