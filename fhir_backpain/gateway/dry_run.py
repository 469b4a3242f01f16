"""The Bundle that records would be sent in, made by the very steps that send them."""

from __future__ import annotations

from collections.abc import Iterable

from fhir_backpain.gateway.services import Services
from fhir_backpain.outbox.clock import format_instant
from fhir_backpain.outbox.entry import Entry, LeasedEntry
from fhir_backpain.record import SourceRecord, as_of, is_test_data, key_of
from fhir_backpain.sync.bundle import write_updates
from fhir_backpain.sync.composition import compose
from fhir_backpain.sync.prepared import Prepared


def make_bundle(records: Iterable[SourceRecord], made_with: Services) -> str:
    """Return the JSON text of the transaction Bundle; nothing is stored or sent.

    What the server is known to hold already is left out, as it is when records are sent. Raises
    MappingFailed where a value has no place in the mapping.

    FHIR: http://hl7.org/fhir/R4/http.html#transaction
    """
    server = made_with.settings.server
    prepared = [_prepared(number, record, made_with) for number, record in enumerate(records)]
    urls = {url for one in prepared for url in one.resources}
    composition = compose(prepared, made_with.store.ledger(server, urls), frozenset())
    return write_updates(composition.writes, "transaction", server)


def _prepared(number: int, record: SourceRecord, made_with: Services) -> Prepared:
    entry = Entry(
        id=str(number),
        server=made_with.settings.server,
        key=key_of(record.data),
        state="queued",
        content_hash="",
        mapping_version=made_with.mapper.version,
        location=record.location,
        as_of=as_of(record.data),
        test_data=is_test_data(record.data),
        attempts=0,
        faults=0,
        created_at=format_instant(made_with.now()),
        settled_at=None,
        outcome=None,
        waits_for=(),
        leased=False,
        retry_in=0.0,
    )
    leased = LeasedEntry(entry, record.data, token=0, read_back=False)
    return Prepared.of(leased, made_with.mapper(record.data))
