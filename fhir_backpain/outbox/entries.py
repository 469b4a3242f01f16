"""Looking at the entries of an outbox, and what a person may do with one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from fhir_backpain.errors import OutboxError
from fhir_backpain.outbox.clock import seconds_left
from fhir_backpain.outbox.database import Session, among
from fhir_backpain.outbox.entry import STATES, Attempt, Entry, State
from fhir_backpain.outbox.intake import read_location
from fhir_backpain.outbox.messages import NOT_ALLOWED, UNKNOWN_ENTRY
from fhir_backpain.record import RecordKey

ENTRY_COLUMNS = """
e.tracking_id, e.server, e.source, p.system, p.value, e.record, e.record_id, e.state,
e.content_hash, e.mapping_version, e.location, e.as_of, e.test_data, e.attempts, e.faults,
e.created_at, e.settled_at, e.outcome, e.waits_for, e.token, e.due, e.wait
"""
_UNCLEAR = """
WITH doubt AS (
  SELECT e.id, e.patient, e.record, e.record_id, e.source FROM entry e
  JOIN patient p ON p.id = e.patient WHERE e.server = ? AND e.state = 'unclear'
  ORDER BY CASE WHEN p.system || '|' || p.value {} THEN 0 ELSE 1 END, e.id LIMIT ?
)
SELECT e.content FROM doubt d JOIN entry e ON e.id = d.id
UNION ALL
SELECT e.content FROM doubt d JOIN entry e ON e.patient = d.patient AND e.record = d.record
  AND e.record_id = d.record_id AND e.source = d.source
WHERE e.state = 'superseded' AND e.read_back = 1
"""
_FROM = "FROM entry e JOIN patient p ON p.id = e.patient"


def read_entry(row: Sequence[Any], steady: float) -> Entry:
    """Return the entry of a row of ENTRY_COLUMNS."""
    (
        tracking_id, server, source, system, value, record, record_id, state, digest, mapping,
        location, as_of, test_data, attempts, faults, created_at, settled_at, outcome, waits_for,
        token, due, wait,
    ) = row  # fmt: skip
    return Entry(
        id=tracking_id,
        server=server,
        key=RecordKey(source, system, value, record, record_id),
        state=state,
        content_hash=digest,
        mapping_version=mapping,
        location=read_location(location),
        as_of=as_of,
        test_data=bool(test_data),
        attempts=attempts,
        faults=faults,
        created_at=created_at,
        settled_at=settled_at,
        outcome=json.loads(outcome) if outcome else None,
        waits_for=tuple(json.loads(waits_for)) if waits_for else (),
        leased=token is not None,
        retry_in=seconds_left(due, wait, steady) if state in ("queued", "unclear") else 0.0,
    )


def lost_contents(session: Session, server: str, key: RecordKey) -> list[str]:
    """Return the texts of superseded versions that may have been sent, oldest first."""
    rows = session.execute(
        "SELECT e.content FROM patient p JOIN entry e ON e.patient = p.id"
        " WHERE p.server = ? AND p.system = ? AND p.value = ? AND e.source = ?"
        " AND e.record = ? AND e.record_id = ? AND e.state = 'superseded' AND e.read_back = 1"
        " ORDER BY e.id",
        (server, key.patient_system, key.patient_value, key.source, key.record, key.id),
    )
    return [text for (text,) in rows.fetchall()]


def unclear_contents(
    session: Session, server: str, patients: Sequence[str], limit: int
) -> list[str]:
    """Return the texts of all versions of unclear records that may have been sent."""
    listed, given = among(session, str, patients)
    rows = session.execute(_UNCLEAR.format(listed), [server, *given, limit])
    return [text for (text,) in rows.fetchall()]


def counts(session: Session, server: str | None) -> dict[State, int]:
    """Return the number of entries by state."""
    where, arguments = ("WHERE server = ?", (server,)) if server is not None else ("", ())
    rows = session.execute(
        f"SELECT state, count(*) FROM entry {where} GROUP BY state",  # noqa: S608
        arguments,
    )
    found: dict[State, int] = dict.fromkeys(STATES, 0)
    found.update(dict(rows.fetchall()))
    return found


def entries(
    session: Session,
    server: str | None,
    state: State | None,
    after: str | None,
    limit: int,
    steady: float,
) -> list[Entry]:
    """Return a page of entries in the order of their arrival."""
    conditions, arguments = ["1 = 1"], list[Any]()
    if server is not None:
        conditions.append("e.server = ?")
        arguments.append(server)
    if state is not None:
        conditions.append("e.state = ?")
        arguments.append(state)
    if after is not None:
        conditions.append("e.id > ?")
        arguments.append(row_id(session, after))
    rows = session.execute(
        f"SELECT {ENTRY_COLUMNS} {_FROM} WHERE {' AND '.join(conditions)} ORDER BY e.id LIMIT ?",
        [*arguments, limit],
    )
    return [read_entry(row, steady) for row in rows.fetchall()]


def search(session: Session, server: str, words: str, limit: int, steady: float) -> list[Entry]:
    """Return the entries that have these words as a key, the newest first."""
    rows = session.execute(
        f"SELECT {ENTRY_COLUMNS} {_FROM} WHERE e.server = ?"
        " AND (e.tracking_id = ? OR e.record_id = ? OR p.value = ?) ORDER BY e.id DESC LIMIT ?",
        (server, words, words, words, limit),
    )
    return [read_entry(row, steady) for row in rows.fetchall()]


def entry(session: Session, tracking_id: str, steady: float) -> Entry:
    """Return one entry; OutboxError where there is none."""
    return read_entry(_row(session, ENTRY_COLUMNS, tracking_id), steady)


def newest(session: Session, server: str, key: RecordKey, steady: float) -> Entry | None:
    """Return the entry of a record's newest version, None where the server has none."""
    row = session.execute(
        f"SELECT {ENTRY_COLUMNS} {_FROM} WHERE p.server = ? AND p.system = ? AND p.value = ?"
        " AND e.record = ? AND e.record_id = ? AND e.source = ? AND e.is_latest = 1",
        (server, key.patient_system, key.patient_value, key.record, key.id, key.source),
    ).fetchone()
    return None if row is None else read_entry(row, steady)


def row_id(session: Session, tracking_id: str) -> int:
    """Return the row of an entry; OutboxError where there is none."""
    return int(_row(session, "e.id", tracking_id)[0])


def content(session: Session, tracking_id: str) -> str:
    """Return the JSON text of an entry's record; OutboxError where there is none."""
    return str(_row(session, "e.content", tracking_id)[0])


def attempts(session: Session, tracking_id: str) -> list[Attempt]:
    """Return what became of an entry so far."""
    rows = session.execute(
        "SELECT number, at, state, status, outcome FROM attempt WHERE entry = ? ORDER BY number",
        (row_id(session, tracking_id),),
    )
    return [
        Attempt(number, at, state, status, json.loads(outcome) if outcome else None)
        for number, at, state, status, outcome in rows.fetchall()
    ]


def replay(session: Session, tracking_id: str, steady: float) -> int:
    """Queue an entry again, to be read back first; return its patient."""
    patient, state, token, latest = _standing(session, tracking_id)
    if token is not None or state in ("queued", "unclear"):
        raise _refused("is under way already")
    if not latest:
        raise _refused("has a newer version of its record")
    session.execute(
        "UPDATE entry SET state = 'queued', read_back = 1, due = ?, wait = 0, attempts = 0,"
        " faults = 0, outcome = NULL, waits_for = NULL, settled_at = NULL WHERE tracking_id = ?",
        (steady, tracking_id),
    )
    return patient


def discard(session: Session, tracking_id: str, at: str) -> int:
    """Take an entry out; return its patient."""
    patient, state, token, _ = _standing(session, tracking_id)
    if token is not None:
        raise _refused("is being sent")
    if state in ("sent", "superseded", "discarded"):
        raise _refused(f"is {state}")
    session.execute(
        "UPDATE entry SET state = 'discarded', settled_at = ? WHERE tracking_id = ?",
        (at, tracking_id),
    )
    return patient


def _standing(session: Session, tracking_id: str) -> tuple[int, str, int | None, bool]:
    # Locked first and looked at then: another writer may have been about to change it.
    session.execute(
        f"SELECT id FROM patient WHERE id = ?{session.lock}",  # noqa: S608
        _row(session, "e.patient", tracking_id),
    )
    row = _row(session, "e.patient, e.state, e.token, e.is_latest", tracking_id)
    return row[0], row[1], row[2], bool(row[3])


def _row(session: Session, columns: str, tracking_id: str) -> tuple[Any, ...]:
    """Return columns of the entry `e` and its patient `p`; OutboxError where there is none."""
    row: tuple[Any, ...] | None = session.execute(
        f"SELECT {columns} {_FROM} WHERE e.tracking_id = ?", (tracking_id,)
    ).fetchone()
    if row is None:
        raise OutboxError(UNKNOWN_ENTRY.issue("No entry has this tracking id."))
    return row


def has_failed(session: Session, server: str, patient_system: str, patient_value: str) -> bool:
    """True where the newest version of a record of the patient is rejected or held."""
    row = session.execute(
        f"SELECT 1 {_FROM} WHERE p.server = ? AND p.system = ? AND p.value = ?"
        " AND e.state IN ('rejected', 'held') AND e.is_latest = 1 LIMIT 1",
        (server, patient_system, patient_value),
    ).fetchone()
    return row is not None


def servers(session: Session) -> list[str]:
    """Return the servers that entries were appended for, sorted by their characters."""
    rows = session.execute("SELECT DISTINCT server FROM patient")
    return sorted(name for (name,) in rows.fetchall())


def _refused(why: str) -> OutboxError:
    return OutboxError(NOT_ALLOWED.issue(f"The entry {why}."))
