"""What our own outbox knows: which versions it wrote, and what the source has changed since."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fhir_backpain.errors import BackpainError
from fhir_backpain.fhir import json_text
from fhir_backpain.fhir.noted_version import version_in
from fhir_backpain.mapping.reverse.difference import differences
from fhir_backpain.outbox.entry import Entry, State
from fhir_backpain.outbox.ledger import LedgerRow
from fhir_backpain.outbox.record_text import content_hash, write_record
from fhir_backpain.outbox.store import Store
from fhir_backpain.pull.change import Change, Resource
from fhir_backpain.pull.chart import without_server_marks
from fhir_backpain.pull.delivery import Finding
from fhir_backpain.pull.rebuild import ReverseMapper
from fhir_backpain.record import RecordKey

_CHANGED: frozenset[State] = frozenset(("queued", "unclear", "conflict", "rejected", "held"))
_UNDER_WAY: frozenset[State] = frozenset(("queued", "unclear"))


class Source:
    """The outbox of a server, or nothing where there is none."""

    def __init__(self, store: Store | None, server: str, mapper: ReverseMapper) -> None:
        self._store = store
        self._server = server
        self._mapper = mapper

    def ledger(self, urls: Iterable[str]) -> dict[str, LedgerRow]:
        """Return what the outbox wrote, by relative URL."""
        return {} if self._store is None else self._store.ledger(self._server, urls)

    def newest(self, key: RecordKey) -> Entry | None:
        """Return the newest entry of a record."""
        return None if self._store is None else self._store.newest(self._server, key)

    def says(self, entry: Entry, finding: Finding) -> bool:
        """True where an entry's record has the content of a finding."""
        if finding.change == "deleted":
            return False
        normal = self._normal_form(entry)
        return normal is not None and content_hash(write_record(normal)) == finding.content_hash

    def differs(self, entry: Entry, finding: Finding) -> list[str]:
        """Return the paths at which an entry and a finding do not say the same."""
        if finding.change == "deleted":
            return ["(deleted on the server)"]
        normal = self._normal_form(entry) or {}
        found = differences(finding.data, normal)
        return sorted({path.removeprefix("Resource.") for path, _ in found})

    def has_written(self, change: Change, row: LedgerRow | None) -> bool:
        """True where a version is an echo of our own.

        That is, the ledger names it; or an entry whose answer is still out makes what it says.
        """
        if row is None:
            return False
        if change.resource is None:
            return row.retired == "deleted"
        written = version_in(row.version_id)
        if written == change.version:
            return True
        entry = self.newest(row.key)
        if entry is None or not (entry.leased or entry.state in _UNDER_WAY or not written):
            return False
        return self._makes(entry, change)

    def discard(self, entry: Entry) -> None:
        """Take the source's version out; OutboxError where it is being sent."""
        assert self._store is not None
        self._store.discard(entry.id)

    def replay(self, entry: Entry) -> None:
        """Have the source's version sent over what the server holds.

        An entry that waits is left: sync finds the conflict, and then it can be replayed.
        """
        assert self._store is not None
        if entry.state == "conflict":
            self._store.replay(entry.id)

    def _makes(self, entry: Entry, change: Change) -> bool:
        assert self._store is not None
        try:
            made = self._mapper(self._store.data(entry.id))
        except BackpainError:
            return False
        text = next((one.text for one in made if one.url == change.url), None)
        return text is not None and _is_same(json_text.parse(text), change.resource or {})

    def _normal_form(self, entry: Entry) -> dict[str, Any] | None:
        assert self._store is not None
        try:
            return self._mapper.normal_form(self._store.data(entry.id))
        except (BackpainError, KeyError):
            return None


def is_changed(entry: Entry) -> bool:
    """True where the source says something that was not, or not surely, sent yet."""
    return entry.state in _CHANGED


def _is_same(made: Resource, held: Resource) -> bool:
    return without_server_marks(made) == without_server_marks(held)
