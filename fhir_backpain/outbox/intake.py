"""Appending: is a record new, changed or known, and where does it queue?"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from fhir_backpain.outbox.database import Session
from fhir_backpain.outbox.entry import Receipt, ReceiptStatus
from fhir_backpain.outbox.record_text import content_hash, write_record
from fhir_backpain.outbox.tracking_id import new_tracking_id
from fhir_backpain.outcome import SourceLocation
from fhir_backpain.record import RecordKey, SourceRecord, as_of, is_test_data, key_of

_KEY = {"patient": int, "record": str, "record_id": str, "source": str}
_COLUMNS = (
    "id", "tracking_id", "patient", "server", "source", "record", "record_id", "is_latest",
    "position", "state", "read_back", "due", "wait", "content", "content_hash",
    "mapping_version", "location", "as_of", "test_data", "created_at", "settled_at",
)  # fmt: skip
_WAITING = ("queued", "unclear")
_PLACE = tuple(field.name for field in fields(SourceLocation))
_encode = json.JSONEncoder(separators=(",", ":")).encode

_Place = tuple[int, str, str, str]
"""What makes two entries versions of one record: `_KEY`."""


@dataclass(slots=True)
class _Version:
    """The newest version of a record, in the outbox (`row` is None) or about to be."""

    id: int
    tracking_id: str
    state: str
    is_leased: bool
    content_hash: str
    mapping_version: str
    position: int
    read_back: bool
    due: float
    wait: float
    row: _Row | None = None


@dataclass(slots=True)
class _Row:
    """What is stored of a new version beside its place in the queue."""

    key: _Place
    record: SourceRecord
    text: str
    is_latest: bool = True
    settled_at: str | None = None


class Intake:
    """One transaction's worth of appending, for one server and mapping version."""

    def __init__(
        self, session: Session, server: str, mapping_version: str, created_at: str, steady: float
    ) -> None:
        self._session = session
        self._server = server
        self._mapping_version = mapping_version
        self._created_at = created_at
        self._steady = steady
        self._latest: dict[_Place, _Version] = {}
        self._ended: list[tuple[int, str, str | None]] = []
        self._new: list[_Version] = []

    def append(self, records: Sequence[SourceRecord]) -> list[Receipt]:
        """Store the records within the transaction."""
        keys = [key_of(record.data) for record in records]
        patients = self._patients(keys)
        places = [
            (patients[key.patient_system, key.patient_value], key.record, key.id, key.source)
            for key in keys
        ]
        # Taken after the patients were locked: a later version never gets an earlier number.
        numbers = self._session.take_numbers("entry", len(records))
        self._find(places)
        receipts = [
            self._append_one(record, place, number)
            for record, place, number in zip(records, places, numbers, strict=True)
        ]
        self._end()
        self._insert()
        self._open()
        return receipts

    def _patients(self, keys: Sequence[RecordKey]) -> dict[tuple[str, str], int]:
        """Return the patients of some records by identity, each kept for this transaction."""
        # Sorted, so that two writers take the same patients in the same order.
        identities = sorted({(key.patient_system, key.patient_value) for key in keys})
        table, given = self._session.given({"system": str, "value": str}, identities)
        self._session.execute(
            "INSERT INTO patient (server, system, value)"  # noqa: S608
            f" SELECT ?, k.system, k.value FROM {table} k WHERE 1 = 1 ORDER BY 2, 3"
            " ON CONFLICT DO NOTHING",
            [self._server, *given],
        )
        rows = self._session.execute(
            f"SELECT p.system, p.value, p.id FROM {table} k JOIN patient p"  # noqa: S608
            " ON p.server = ? AND p.system = k.system AND p.value = k.value"
            f" ORDER BY p.id{self._session.lock}",
            [*given, self._server],
        )
        return {(system, value): patient for system, value, patient in rows.fetchall()}

    def _find(self, places: Sequence[_Place]) -> None:
        table, given = self._session.given(_KEY, dict.fromkeys(places))
        rows = self._session.execute(
            "SELECT e.patient, e.record, e.record_id, e.source, e.id, e.tracking_id, e.state,"  # noqa: S608
            " e.token, e.content_hash, e.mapping_version, e.position, e.read_back, e.due, e.wait"
            f" FROM {table} k JOIN entry e ON e.patient = k.patient AND e.record = k.record"
            " AND e.record_id = k.record_id AND e.source = k.source AND e.is_latest = 1",
            given,
        )
        for row in rows.fetchall():
            entry, tracking_id, state, token, digest, mapping, position, read_back, *due = row[4:]
            self._latest[row[:4]] = _Version(
                entry, tracking_id, state, token is not None, digest, mapping, position,
                bool(read_back), *due,
            )  # fmt: skip

    def _append_one(self, record: SourceRecord, place: _Place, number: int) -> Receipt:
        text = write_record(record.data)
        digest = content_hash(text)
        latest = self._latest.get(place)
        if latest is not None and self._is_same(latest, digest):
            return Receipt(latest.tracking_id, "unchanged")
        status: ReceiptStatus = "queued"
        made = _Version(
            number, new_tracking_id(), "queued", False, digest, self._mapping_version, number,
            False, 0.0, 0.0, _Row(place, record, text),
        )  # fmt: skip
        if latest is not None and self._replace(latest, made):
            status = "superseded-earlier"
        made.state = "unclear" if made.read_back else "queued"
        self._latest[place] = made
        self._new.append(made)
        return Receipt(made.tracking_id, status)

    def _is_same(self, latest: _Version, digest: str) -> bool:
        return (
            latest.state in (*_WAITING, "sent")
            and latest.content_hash == digest
            and latest.mapping_version == self._mapping_version
        )

    def _replace(self, latest: _Version, made: _Version) -> bool:
        """Take the mark of the newest version off an entry; True where its place is free too."""
        waits = latest.state in _WAITING and not latest.is_leased
        replaced = waits or latest.state in ("rejected", "held", "conflict")
        if waits:
            # What was sent of the earlier version is as unclear for the newer one.
            made.position, made.read_back = latest.position, latest.read_back
            made.due, made.wait = latest.due, latest.wait
        elif replaced:
            made.read_back = latest.state == "conflict" or latest.read_back
        state = "superseded" if replaced else latest.state
        settled_at = self._created_at if replaced else None
        if latest.row is None:
            self._ended.append((latest.id, state, settled_at))
        else:
            latest.state, latest.row.is_latest, latest.row.settled_at = state, False, settled_at
        return replaced

    def _end(self) -> None:
        if not self._ended:
            return
        table, given = self._session.given(
            {"id": int, "state": str, "settled_at": str}, self._ended
        )
        self._session.execute(
            "UPDATE entry SET is_latest = 0, state = k.state,"  # noqa: S608
            " settled_at = coalesce(k.settled_at, entry.settled_at)"
            f" FROM {table} k WHERE entry.id = k.id",
            given,
        )

    def _insert(self) -> None:
        if self._new:
            self._session.insert("entry", _COLUMNS, [self._row(made) for made in self._new])

    def _row(self, made: _Version) -> tuple[Any, ...]:
        row = made.row
        assert row is not None
        patient, record_type, record_id, source = row.key
        return (
            made.id, made.tracking_id, patient, self._server, source, record_type, record_id,
            int(row.is_latest), made.position, made.state, int(made.read_back), made.due,
            made.wait, row.text, made.content_hash, made.mapping_version,
            write_location(row.record.location), as_of(row.record.data),
            int(is_test_data(row.record.data)), self._created_at, row.settled_at,
        )  # fmt: skip

    def _open(self) -> None:
        """Let patients whose queue was empty wait for their turn behind those who wait already."""
        patients = sorted({made.row.key[0] for made in self._new if made.row is not None})
        if not patients:
            return
        table, given = self._session.given({"id": int}, [(patient,) for patient in patients])
        self._session.execute(
            f"UPDATE patient SET due = ?, wait = 0, turn = {self._session.current_turn}"  # noqa: S608
            f" WHERE due IS NULL AND id IN (SELECT id FROM {table} k)",
            [self._steady, *given],
        )
        self._session.announce(self._server)


def write_location(location: SourceLocation) -> str:
    """Return a source location as JSON text, what is not known left out."""
    values = ((name, getattr(location, name)) for name in _PLACE)
    return _encode({name: value for name, value in values if value is not None})


def read_location(text: str) -> SourceLocation:
    """Return the source location that `write_location` wrote."""
    return SourceLocation(**json.loads(text))
