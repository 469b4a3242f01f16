"""Looking at the entries of a SQLite outbox, and what a person may do with one."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

from fhir_backpain.errors import OutboxError
from fhir_backpain.outbox.clock import seconds_left
from fhir_backpain.outbox.entry import STATES, Attempt, Entry, State
from fhir_backpain.outbox.messages import NOT_ALLOWED, UNKNOWN_ENTRY
from fhir_backpain.outbox.sqlite_intake import read_location
from fhir_backpain.record import RecordKey

ENTRY_COLUMNS = """
e.tracking_id, e.server, e.source, p.system, p.value, e.record, e.record_id, e.state,
e.content_hash, e.mapping_version, e.location, e.as_of, e.test_data, e.attempts, e.faults,
e.created_at, e.settled_at, e.outcome, e.waits_for, e.token, e.due, e.wait
"""
_FROM = "FROM entry e JOIN patient p ON p.id = e.patient"


def read_entry(row: tuple[Any, ...], steady: float) -> Entry:
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


def lost_contents(connection: sqlite3.Connection, server: str, key: RecordKey) -> list[str]:
    """Return the texts of superseded versions that may have been sent, oldest first."""
    rows = connection.execute(
        "SELECT e.content FROM patient p JOIN entry e ON e.patient = p.id"
        " WHERE p.server = ? AND p.system = ? AND p.value = ? AND e.source = ?"
        " AND e.record = ? AND e.record_id = ? AND e.state = 'superseded' AND e.read_back = 1"
        " ORDER BY e.id",
        (server, key.patient_system, key.patient_value, key.source, key.record, key.id),
    )
    return [text for (text,) in rows]


def counts(connection: sqlite3.Connection, server: str | None) -> dict[State, int]:
    """Return the number of entries by state."""
    where, arguments = ("WHERE server = ?", (server,)) if server is not None else ("", ())
    rows = connection.execute(
        f"SELECT state, count(*) FROM entry {where} GROUP BY state",  # noqa: S608
        arguments,
    )
    found: dict[State, int] = dict.fromkeys(STATES, 0)
    found.update(dict(rows.fetchall()))
    return found


def entries(
    connection: sqlite3.Connection,
    server: str | None,
    state: State | None,
    after: str | None,
    limit: int,
    steady: float,
) -> list[Entry]:
    """Return a page of entries in the order of their arrival."""
    conditions, arguments = ["1"], list[Any]()
    if server is not None:
        conditions.append("e.server = ?")
        arguments.append(server)
    if state is not None:
        conditions.append("e.state = ?")
        arguments.append(state)
    if after is not None:
        conditions.append("e.id > ?")
        arguments.append(row_id(connection, after))
    rows = connection.execute(
        f"SELECT {ENTRY_COLUMNS} {_FROM} WHERE {' AND '.join(conditions)} ORDER BY e.id LIMIT ?",
        [*arguments, limit],
    )
    return [read_entry(row, steady) for row in rows]


def entry(connection: sqlite3.Connection, tracking_id: str, steady: float) -> Entry:
    """Return one entry; OutboxError where there is none."""
    return read_entry(_row(connection, ENTRY_COLUMNS, tracking_id), steady)


def row_id(connection: sqlite3.Connection, tracking_id: str) -> int:
    """Return the row of an entry; OutboxError where there is none."""
    return int(_row(connection, "e.id", tracking_id)[0])


def content(connection: sqlite3.Connection, tracking_id: str) -> str:
    """Return the JSON text of an entry's record; OutboxError where there is none."""
    return str(_row(connection, "e.content", tracking_id)[0])


def attempts(connection: sqlite3.Connection, tracking_id: str) -> list[Attempt]:
    """Return what became of an entry so far."""
    rows = connection.execute(
        "SELECT number, at, state, status, outcome FROM attempt WHERE entry = ? ORDER BY number",
        (row_id(connection, tracking_id),),
    )
    return [
        Attempt(number, at, state, status, json.loads(outcome) if outcome else None)
        for number, at, state, status, outcome in rows
    ]


def replay(connection: sqlite3.Connection, tracking_id: str, steady: float) -> int:
    """Queue an entry again, to be read back first; return its patient."""
    patient, state, token, latest = _standing(connection, tracking_id)
    if token is not None or state in ("queued", "unclear"):
        raise _refused("is under way already")
    if not latest:
        raise _refused("has a newer version of its record")
    connection.execute(
        "UPDATE entry SET state = 'queued', read_back = 1, due = ?, wait = 0, attempts = 0,"
        " faults = 0, outcome = NULL, waits_for = NULL, settled_at = NULL WHERE tracking_id = ?",
        (steady, tracking_id),
    )
    return patient


def discard(connection: sqlite3.Connection, tracking_id: str, at: str) -> int:
    """Take an entry out; return its patient."""
    patient, state, token, _ = _standing(connection, tracking_id)
    if token is not None:
        raise _refused("is being sent")
    if state in ("sent", "superseded", "discarded"):
        raise _refused(f"is {state}")
    connection.execute(
        "UPDATE entry SET state = 'discarded', settled_at = ? WHERE tracking_id = ?",
        (at, tracking_id),
    )
    return patient


def _standing(
    connection: sqlite3.Connection, tracking_id: str
) -> tuple[int, str, int | None, bool]:
    row = _row(connection, "e.patient, e.state, e.token, e.is_latest", tracking_id)
    return row[0], row[1], row[2], bool(row[3])


def _row(connection: sqlite3.Connection, columns: str, tracking_id: str) -> tuple[Any, ...]:
    """Return columns of the entry `e` and its patient `p`; OutboxError where there is none."""
    row: tuple[Any, ...] | None = connection.execute(
        f"SELECT {columns} {_FROM} WHERE e.tracking_id = ?", (tracking_id,)
    ).fetchone()
    if row is None:
        raise OutboxError(UNKNOWN_ENTRY.issue("No entry has this tracking id."))
    return row


def _refused(why: str) -> OutboxError:
    return OutboxError(NOT_ALLOWED.issue(f"The entry {why}."))
