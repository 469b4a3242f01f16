"""A feed that holds all: what earlier runs brought and it no longer has is taken back."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from hashlib import blake2b

from fhir_backpain.outbox.entry import Entry
from fhir_backpain.outbox.ledger import write_key
from fhir_backpain.outbox.store import Store
from fhir_backpain.record import RecordKey, SourceRecord, key_of
from fhir_backpain.sync.retire_limit import Loss
from fhir_backpain.sync.tombstone import is_tombstone, tombstone

_PAGE = 1000
_Feed = tuple[str, str]


class FullFeed:
    """Notes which records a feed holds, then finds those that it no longer does.

    A feed is all records of one source and type: a file of observations says nothing of care
    plans. What is kept of each record is 16 bytes.

    Where a feed was begun, and nothing has come of it (too much was gone, it could not be read, the
    process ended), the outbox keeps what it held before: what such a feed brought makes no later
    loss any smaller.
    """

    def __init__(self, store: Store, server: str) -> None:
        self._store = store
        self._server = server
        self._there: set[bytes] = set()
        self._before: dict[_Feed, int] = {}

    def noting(self, records: Iterable[SourceRecord]) -> Iterator[SourceRecord]:
        """Yield the records as they come, and note them."""
        total = sum(self._store.counts(self._server).values())
        for record in records:
            key = key_of(record.data)
            self._there.add(_digest(key))
            feed = key.source, key.record
            if feed not in self._before:
                self._before[feed] = self._begin(feed, total)
            yield record

    def losses(self) -> list[Loss]:
        """Return what the outbox knows of each source and type and the feed does not hold."""
        newest: dict[RecordKey, Entry] = {}
        kept: dict[_Feed, set[bytes]] = {}
        for place, entry in enumerate(self._entries()):
            feed, digest = (entry.key.source, entry.key.record), _digest(entry.key)
            if feed not in self._before:
                continue
            if digest not in self._there:
                newest[entry.key] = entry
            elif place < self._before[feed]:
                kept.setdefault(feed, set()).add(digest)
        gone: dict[_Feed, list[str]] = {}
        for key, entry in newest.items():
            if entry.state != "discarded" and not is_tombstone(self._store.data(entry.id)):
                gone.setdefault((key.source, key.record), []).append(entry.id)
        return [
            Loss(*feed, tuple(entries), len(entries) + len(kept.get(feed, ())))
            for feed, entries in sorted(gone.items())
        ]

    def is_through(self) -> None:
        """Say that the feed was taken for whole: what it brought counts from now on."""
        for feed in self._before:
            self._store.keep_note(self._note(feed), "")

    def _begin(self, feed: _Feed, total: int) -> int:
        """Return how many entries there were before the feed, or one in vain before it, began."""
        name = self._note(feed)
        noted = self._store.note(name)
        if noted:
            return int(noted)
        self._store.keep_note(name, str(total))
        return total

    def _note(self, feed: _Feed) -> str:
        return f"full-feed {json.dumps([self._server, *feed])}"

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
