"""Appending to a SQLite outbox: is the record new, changed or known, and where does it queue?"""

from __future__ import annotations

import json
import sqlite3
import uuid
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from fhir_backpain.outbox.entry import Receipt, ReceiptStatus
from fhir_backpain.outbox.record_text import content_hash, write_record
from fhir_backpain.outcome import SourceLocation
from fhir_backpain.record import RecordKey, SourceRecord, as_of, is_test_data, key_of

_LATEST = """
SELECT id, tracking_id, state, token, content_hash, mapping_version, position, read_back, due, wait
FROM entry
WHERE patient = ? AND record = ? AND record_id = ? AND source = ? AND is_latest = 1
"""
_INSERT = """
INSERT INTO entry (tracking_id, patient, server, source, record, record_id, position, state,
                   read_back, due, wait, content, content_hash, mapping_version, location, as_of,
                   test_data, created_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_WAITING = ("queued", "unclear")


@dataclass(slots=True)
class _Place:
    """Where a new entry queues, as the entry that it replaces leaves it."""

    status: ReceiptStatus
    position: int | None = None
    read_back: bool = False
    due: float = 0.0
    wait: float = 0.0


class SqliteIntake:
    """One transaction's worth of appending, for one server and mapping version."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        server: str,
        mapping_version: str,
        created_at: str,
        steady: float,
    ) -> None:
        self._connection = connection
        self._server = server
        self._mapping_version = mapping_version
        self._created_at = created_at
        self._steady = steady
        found = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'entry'")
        self._position = int((found.fetchone() or (0,))[0])
        self._patients: dict[tuple[str, str], int] = {}

    def append(self, records: Iterable[SourceRecord]) -> list[Receipt]:
        """Store the records within the transaction."""
        return [self._append_one(record) for record in records]

    def _append_one(self, record: SourceRecord) -> Receipt:
        key = key_of(record.data)
        text = write_record(record.data)
        digest = content_hash(text)
        patient = self._patient(key)
        latest = self._connection.execute(
            _LATEST, (patient, key.record, key.id, key.source)
        ).fetchone()
        if latest is not None and self._is_same(latest, digest):
            return Receipt(latest[1], "unchanged")
        place = _Place("queued") if latest is None else self._replace(latest)
        tracking_id = str(uuid.uuid4())
        self._insert(tracking_id, patient, key, record, text, digest, place)
        self._open(patient)
        return Receipt(tracking_id, place.status)

    def _is_same(self, latest: tuple[Any, ...], digest: str) -> bool:
        return (
            latest[2] in (*_WAITING, "sent")
            and latest[4] == digest
            and latest[5] == self._mapping_version
        )

    def _replace(self, latest: tuple[Any, ...]) -> _Place:
        """Take the mark of the newest version off the entry, and its place where it has one."""
        entry, _, state, token, _, _, position, read_back, due, wait = latest
        leased = token is not None
        replaced = (state in _WAITING and not leased) or state in ("rejected", "held", "conflict")
        self._connection.execute(
            "UPDATE entry SET is_latest = 0, state = ?,"
            " settled_at = CASE WHEN ? THEN ? ELSE settled_at END WHERE id = ?",
            ("superseded" if replaced else state, replaced, self._created_at, entry),
        )
        if not replaced:
            return _Place("queued")
        if state in _WAITING:
            # What was sent of the earlier version is as unclear for the newer one.
            return _Place("superseded-earlier", position, bool(read_back), due, wait)
        return _Place("superseded-earlier", read_back=state == "conflict")

    def _insert(
        self,
        tracking_id: str,
        patient: int,
        key: RecordKey,
        record: SourceRecord,
        text: str,
        digest: str,
        place: _Place,
    ) -> None:
        self._position += 1
        self._connection.execute(
            _INSERT,
            (
                tracking_id, patient, self._server, key.source, key.record, key.id,
                self._position if place.position is None else place.position,
                "unclear" if place.read_back else "queued",
                place.read_back, place.due, place.wait, text, digest, self._mapping_version,
                write_location(record.location), as_of(record.data), is_test_data(record.data),
                self._created_at,
            ),
        )  # fmt: skip

    def _patient(self, key: RecordKey) -> int:
        identity = (key.patient_system, key.patient_value)
        found = self._patients.get(identity)
        if found is None:
            arguments = (self._server, *identity)
            self._connection.execute(
                "INSERT OR IGNORE INTO patient (server, system, value) VALUES (?, ?, ?)", arguments
            )
            row = self._connection.execute(
                "SELECT id FROM patient WHERE server = ? AND system = ? AND value = ?", arguments
            ).fetchone()
            found = self._patients[identity] = int(row[0])
        return found

    def _open(self, patient: int) -> None:
        """Let a patient whose queue was empty wait for its turn behind those who wait already."""
        self._connection.execute(
            "UPDATE patient SET due = ?, wait = 0,"
            " turn = (SELECT value FROM counter WHERE name = 'turn')"
            " WHERE id = ? AND due IS NULL",
            (self._steady, patient),
        )


def write_location(location: SourceLocation) -> str:
    """Return a source location as JSON text, what is not known left out."""
    known = {name: value for name, value in asdict(location).items() if value is not None}
    return json.dumps(known, separators=(",", ":"))


def read_location(text: str) -> SourceLocation:
    """Return the source location that `write_location` wrote."""
    return SourceLocation(**json.loads(text))
