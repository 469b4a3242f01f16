"""What earlier versions of records made and their new versions do not."""

from __future__ import annotations

from collections.abc import Sequence

from fhir_backpain.errors import BackpainError
from fhir_backpain.outbox.ledger import LedgerRow
from fhir_backpain.outbox.store import Store
from fhir_backpain.record import RecordKey
from fhir_backpain.sync.prepared import Prepared
from fhir_backpain.sync.renderer import Renderer


def note_dropped(
    store: Store, server: str, renderer: Renderer, records: Sequence[Prepared]
) -> None:
    """Write into each record what it has dropped, as far as no other of the records makes it.

    What was sent and confirmed is in the ledger. Of versions whose answers were lost, all that
    they made may have arrived.
    """
    made = {url for record in records for url in record.resources}
    own: dict[RecordKey, list[LedgerRow]] = {}
    for row in store.ledger_of(server, {record.key for record in records}):
        if row.url not in made:
            own.setdefault(row.key, []).append(row)
    for record in records:
        record.dropped.update({row.url: row for row in own.get(record.key, ())})
        if record.leased.read_back:
            perhaps = _lost(store, server, renderer, record.key) - made
            known = store.ledger(server, perhaps)
            record.dropped.update(dict.fromkeys(sorted(perhaps - known.keys())))


def _lost(store: Store, server: str, renderer: Renderer, key: RecordKey) -> set[str]:
    """Return the URLs of what lost versions of a record alone make."""
    urls: set[str] = set()
    for data in store.lost_versions(server, key):
        try:
            urls.update(made.url for made in renderer(data) if not made.shared)
        except BackpainError:  # it could not be sent
            continue
    return urls
