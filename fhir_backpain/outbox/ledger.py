"""What each server holds from us, as far as its answers prove it."""

from __future__ import annotations

import json
from dataclasses import astuple, dataclass

from fhir_backpain.record import RecordKey


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """One resource on a server: which record wrote it last, and what was written.

    `url` is relative (``Observation/2f0c…``), `content_hash` the SHA-256 of the JSON text that
    was sent, `as_of` the dateTime of the record that sent it, `written_at` an instant in UTC.
    """

    url: str
    content_hash: str
    version_id: str | None
    key: RecordKey
    as_of: str
    written_at: str


def write_key(key: RecordKey) -> str:
    """Return a record's key as one text that can be read back."""
    return json.dumps(astuple(key), separators=(",", ":"))


def read_key(text: str) -> RecordKey:
    """Return the record's key that `write_key` wrote."""
    return RecordKey(*json.loads(text))
