"""What goes to a sink: one revision of one record, with a key that says whether it is known."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Literal

from fhir_backpain.fhir.json_text import dump, parse
from fhir_backpain.outbox.ledger import read_key, write_key
from fhir_backpain.outbox.record_text import content_hash, write_record
from fhir_backpain.record import RecordKey

ChangeKind = Literal["changed", "deleted"]

GONE = "deleted"
"""Stands for the content hash of a record that is no more."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What a record came to on the server: its content, and the versions that made it so.

    `versions` are ``Type/id/_history/version``, `unmapped` the FHIRPaths of elements that the
    record has no place for. `data` of a deleted record is its identity alone.
    """

    key: RecordKey
    change: ChangeKind
    data: dict[str, Any]
    versions: tuple[str, ...]
    unmapped: tuple[str, ...] = ()

    @classmethod
    def deleted(cls, key: RecordKey, versions: tuple[str, ...]) -> Finding:
        """Return the tombstone of a record."""
        identifier = {"system": key.patient_system, "value": key.patient_value}
        data: dict[str, Any] = {"record": key.record, "id": key.id, "source": key.source}
        return cls(key, "deleted", {**data, "patient": {"identifier": identifier}}, versions)

    @property
    def content_hash(self) -> str:
        """The hash of the record's content, the same for all deleted ones."""
        return GONE if self.change == "deleted" else content_hash(write_record(self.data))

    def to_text(self) -> str:
        """Return the finding as JSON text, without the key and number of a delivery."""
        return dump(
            {
                "change": self.change,
                "record": self.data,
                "versions": list(self.versions),
                "unmapped": list(self.unmapped),
            }
        )


@dataclass(frozen=True, slots=True)
class Delivery:
    """One delivery: `key` is the same however often it is tried, `seq` its place in the order.

    `revision` counts the deliveries of a record, from 1.
    """

    seq: int
    key: str
    body: dict[str, Any]

    @property
    def change(self) -> str:
        """``changed`` or ``deleted``."""
        return str(self.body["change"])

    @property
    def record(self) -> dict[str, Any]:
        """The record; where it was deleted, its identity alone."""
        data: dict[str, Any] = self.body["record"]
        return data

    @property
    def text(self) -> str:
        """The delivery as one line of JSON."""
        return dump(self.body)


def delivery_key(server: str, record: str, revision: int, digest: str) -> str:
    """Return the key of a delivery, as 32 hexadecimal digits."""
    return sha256("\n".join((server, record, str(revision), digest)).encode()).hexdigest()[:32]


def delivery_text(finding: str, key: str, revision: int) -> str:
    """Return the JSON text of a delivery: a finding's, with its key and number."""
    return dump({"delivery": key, "revision": revision, **parse(finding)})


def key_text(key: RecordKey) -> str:
    """Return a record's key as the state keeps it."""
    return write_key(key)


def key_from(text: str) -> RecordKey:
    """Return the record's key that `key_text` wrote."""
    return read_key(text)
