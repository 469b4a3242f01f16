"""What each server holds from us, as far as its answers prove it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from fhir_backpain.record import RecordKey

Retired = Literal["entered-in-error", "deleted"]
"""How a resource that its record no longer makes was taken back: the first is still there."""
_write = json.JSONEncoder(separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """One resource on a server: which record wrote it last, and what was written.

    `url` is relative (``Observation/2f0c…``), `content_hash` the SHA-256 of the JSON text that
    was sent (empty where nothing was), `as_of` the dateTime of the record that sent it,
    `written_at` an instant in UTC. `shared` says that other records make the resource too,
    `retired` that its record no longer does.
    """

    url: str
    content_hash: str
    version_id: str | None
    key: RecordKey
    as_of: str
    written_at: str
    shared: bool = False
    retired: Retired | None = None


@lru_cache(maxsize=1024)  # asked once for each resource of the record
def write_key(key: RecordKey) -> str:
    """Return a record's key as one text that can be read back."""
    return _write([key.source, key.patient_system, key.patient_value, key.record, key.id])


def read_key(text: str) -> RecordKey:
    """Return the record's key that `write_key` wrote."""
    return RecordKey(*json.loads(text))
