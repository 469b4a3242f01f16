"""What earlier versions of records made and their new versions do not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fhir_backpain.errors import BackpainError
from fhir_backpain.fhir.resource import MadeResource
from fhir_backpain.outbox.ledger import LedgerRow
from fhir_backpain.outbox.store import Store
from fhir_backpain.record import RecordKey, as_of, key_of
from fhir_backpain.sync.messages import CHANGED_THERE, NOT_FOUND_YET
from fhir_backpain.sync.prepared import Prepared, Unproven
from fhir_backpain.sync.renderer import Renderer

_DOUBTS = tuple(f"FBP-{message.number}" for message in (NOT_FOUND_YET, CHANGED_THERE))
_MAX_PEERS = 400


def note_dropped(
    store: Store,
    server: str,
    renderer: Renderer,
    records: Sequence[Prepared],
    *,
    retires: bool = True,
) -> None:
    """Write into each record what it has dropped, as far as no other of the records makes it.

    What was sent and confirmed is in the ledger. Of versions whose answers were lost, all that
    they made may have arrived. Without `retires` only those versions are noted.
    """
    for record in records:
        if record.leased.read_back:
            for made in _lost(store, server, renderer, record.key):
                record.lost += made
                record.undone |= record.resources.keys() - {one.url for one in made}
    if retires:
        _note_dropped(store, server, records)


def note_doubts(store: Store, server: str, renderer: Renderer, records: Sequence[Prepared]) -> None:
    """Write into each record what is known of the doubt about it, or about what it shares.

    What else is unclear may have left on the server what the record makes too.
    """
    peers = _peers(store, server, renderer, {record.key.patient for record in records})
    for record in records:
        if not record.leased.read_back:
            record.peers = [one for one in peers if one.made.url in record.resources]
            continue
        record.peers = peers
        record.left = [
            one for one in peers if one.key == record.key and one.made.url not in record.resources
        ]
        if record.leased.entry.attempts:
            last = str(store.attempts(record.id)[-1].outcome)
            record.waited = any(number in last for number in _DOUBTS)


def _peers(store: Store, server: str, renderer: Renderer, patients: set[str]) -> list[Unproven]:
    """Return the shared resources of what is unclear, each text as of its latest record."""
    found: dict[tuple[str, str], Unproven] = {}
    for data in store.unclear_versions(server, patients, _MAX_PEERS):
        for made in _rendered(renderer, data):
            if made.shared:
                mine = Unproven(made, key_of(data), as_of(data))
                other = found.setdefault((made.url, made.text), mine)
                if mine.moment > other.moment:
                    found[made.url, made.text] = mine
    return list(found.values())


def _note_dropped(store: Store, server: str, records: Sequence[Prepared]) -> None:
    made = {url for record in records for url in record.resources}
    own: dict[RecordKey, list[LedgerRow]] = {}
    for row in store.ledger_of(server, {record.key for record in records}):
        if row.url not in made:
            own.setdefault(row.key, []).append(row)
    for record in records:
        record.dropped.update({row.url: row for row in own.get(record.key, ())})
        if record.lost:
            perhaps = {one.url for one in record.lost if not one.shared} - made
            known = store.ledger(server, perhaps)
            # What was taken back before may have been brought again.
            record.dropped.update(
                {
                    url: known.get(url)
                    for url in sorted(perhaps)
                    if url not in known or known[url].retired is not None
                }
            )


def _lost(
    store: Store, server: str, renderer: Renderer, key: RecordKey
) -> list[list[MadeResource]]:
    """Return what each of the lost versions of a record makes."""
    return [_rendered(renderer, data) for data in store.lost_versions(server, key)]


def _rendered(renderer: Renderer, data: dict[str, Any]) -> list[MadeResource]:
    try:
        return renderer(data)
    except BackpainError:  # it could not be sent
        return []
