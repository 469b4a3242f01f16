"""The queues of a SQLite outbox: leases with fencing tokens, taken in turns by patient."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from fhir_backpain.outbox.clock import seconds_left
from fhir_backpain.outbox.entry import LeasedEntry, Settlement
from fhir_backpain.outbox.record_text import read_record
from fhir_backpain.outbox.sqlite_entries import ENTRY_COLUMNS, read_entry

# A wait that seems longer than it was granted for was stored before the machine was started
# anew: see the module clock. One second makes up for rounding.
_OVER = "({0} <= :now OR {0} - :now > {1} + 1)"
_READY = f"""
SELECT id, token FROM patient
WHERE server = :server AND due IS NOT NULL AND {_OVER.format("due", "wait")}
  AND (token IS NULL OR {_OVER.format("lease_until", "lease_seconds")}
       OR holder IN (SELECT value FROM json_each(:gone)))
ORDER BY turn, id LIMIT :limit
"""  # noqa: S608
_OPEN = f"""
SELECT {ENTRY_COLUMNS}, e.id, e.read_back, e.content
FROM entry e JOIN patient p ON p.id = e.patient
WHERE e.patient = ? AND e.state IN ('queued', 'unclear') ORDER BY e.position LIMIT ?
"""  # noqa: S608
_LEASED = """
SELECT e.id, e.patient, e.attempts, e.faults, e.read_back, e.is_latest
FROM entry e JOIN patient p ON p.id = e.patient
WHERE e.tracking_id = ? AND e.token = ? AND p.token = ?
"""
_COLUMN_COUNT = ENTRY_COLUMNS.count(",") + 1


class SqliteQueue:
    """What one transaction does with the queues of one server. Times are steady seconds."""

    def __init__(self, connection: sqlite3.Connection, server: str, steady: float, at: str) -> None:
        self._connection = connection
        self._server = server
        self._steady = steady
        self._at = at

    def lease(
        self,
        holder: str,
        worker: str,
        limit: int,
        seconds: float,
        is_alive: Callable[[str], bool],
    ) -> list[LeasedEntry]:
        """Take due entries, shared out evenly over the patients whose turn it is."""
        holders = self._connection.execute(
            "SELECT DISTINCT holder FROM patient WHERE token IS NOT NULL AND server = ?",
            (self._server,),
        ).fetchall()
        gone = json.dumps([name for (name,) in holders if not is_alive(name)])
        ready = self._connection.execute(
            _READY,
            {"server": self._server, "now": self._steady, "gone": gone, "limit": limit},
        ).fetchall()
        share = max(1, limit // max(1, len(ready)))
        leased: list[LeasedEntry] = []
        for patient, old_token in ready:
            if old_token is not None:
                self._take_over(patient, old_token)
            token = self._next("token")
            self._connection.execute(
                "UPDATE patient SET token = ?, holder = ?, worker = ?, lease_until = ?,"
                " lease_seconds = ?, turn = ? WHERE id = ?",
                (token, holder, worker, self._steady + seconds, seconds, self._next("turn"),
                 patient),
            )  # fmt: skip
            taken = self._lease_entries(patient, token, share)
            if not taken:  # what was open has been superseded
                self.refresh(patient)
            leased += taken
        return leased

    def renew(self, holder: str, tokens: Iterable[int], seconds: float) -> frozenset[int]:
        """Prolong leases; return the tokens of those that are lost."""
        lost = set()
        for token in tokens:
            done = self._connection.execute(
                "UPDATE patient SET lease_until = ?, lease_seconds = ?"
                " WHERE token = ? AND holder = ?",
                (self._steady + seconds, seconds, token, holder),
            )
            if done.rowcount == 0:
                lost.add(token)
        return frozenset(lost)

    def release(self, tokens: Iterable[int]) -> None:
        """Give entries back as they were."""
        for token in tokens:
            row = self._connection.execute(
                "SELECT id FROM patient WHERE token = ?", (token,)
            ).fetchone()
            if row is not None:
                self._connection.execute(
                    "UPDATE entry SET token = NULL WHERE patient = ? AND token = ?",
                    (row[0], token),
                )
                self.refresh(row[0])

    def settle(self, settlements: Sequence[Settlement], arrived: frozenset[str]) -> frozenset[str]:
        """Record what became of entries; `arrived` are URLs that the server holds from now on."""
        fenced, patients = set(), set()
        for settlement in settlements:
            row = self._connection.execute(
                _LEASED, (settlement.id, settlement.token, settlement.token)
            ).fetchone()
            if row is None:
                fenced.add(settlement.id)
                continue
            self._settle_one(settlement, row)
            patients.add(row[1])
        for patient in patients:
            if arrived:
                self._let_go(patient, arrived)
            self.refresh(patient)
        return frozenset(fenced)

    def refresh(self, patient: int) -> None:
        """Bring the row of a patient up to date with its entries."""
        self._connection.execute(
            "UPDATE patient SET (due, wait) ="
            " (SELECT due, wait FROM entry WHERE patient = :id AND state IN ('queued', 'unclear')"
            "  ORDER BY position LIMIT 1) WHERE id = :id",
            {"id": patient},
        )
        self._connection.execute(
            "UPDATE patient SET token = NULL, holder = NULL, worker = NULL, lease_until = NULL,"
            " lease_seconds = NULL WHERE id = :id AND token IS NOT NULL AND NOT EXISTS"
            " (SELECT 1 FROM entry WHERE patient = :id AND token IS NOT NULL"
            "  AND state IN ('queued', 'unclear'))",
            {"id": patient},
        )

    def next_due(self) -> float | None:
        """Return the seconds until the next entry is due, whoever holds it."""
        rows = self._connection.execute(
            "SELECT due, wait FROM patient WHERE server = ? AND due IS NOT NULL",
            (self._server,),
        )
        waits = (seconds_left(due, wait, self._steady) for due, wait in rows)
        return min(waits, default=None)

    def _next(self, name: str) -> int:
        row = self._connection.execute(
            "UPDATE counter SET value = value + 1 WHERE name = ? RETURNING value", (name,)
        ).fetchone()
        return int(row[0])

    def _take_over(self, patient: int, token: int) -> None:
        """Mark what the lost worker held: nobody knows whether it was sent."""
        held = self._connection.execute(
            "UPDATE entry SET token = NULL, read_back = 1, state = 'unclear'"
            " WHERE patient = ? AND token = ? AND state IN ('queued', 'unclear')"
            " RETURNING id, is_latest",
            (patient, token),
        ).fetchall()
        for entry, is_latest in held:
            if not is_latest:
                self._supersede(entry, unclear=True)

    def _lease_entries(self, patient: int, token: int, share: int) -> list[LeasedEntry]:
        leased = []
        for row in self._connection.execute(_OPEN, (patient, share)).fetchall():
            entry = read_entry(row[:_COLUMN_COUNT], self._steady)
            if entry.retry_in > 0:
                break  # those behind it wait too, so that the order is kept
            row_id, read_back, content = row[_COLUMN_COUNT:]
            self._connection.execute("UPDATE entry SET token = ? WHERE id = ?", (token, row_id))
            leased.append(LeasedEntry(entry, read_record(content), token, bool(read_back)))
        return leased

    def _settle_one(self, settlement: Settlement, row: tuple[Any, ...]) -> None:
        entry, _, attempts, faults, read_back, is_latest = row
        is_open = settlement.state in ("queued", "unclear")
        unclear = settlement.state == "unclear" or (
            is_open and not settlement.attempted and bool(read_back)
        )
        outcome = json.dumps(settlement.outcome.to_fhir()) if settlement.outcome.issues else None
        attempts += settlement.attempted
        self._connection.execute(
            "UPDATE entry SET token = NULL, state = ?, read_back = ?, due = ?, wait = ?,"
            " attempts = ?, faults = ?, outcome = ?, waits_for = ?, settled_at = ?,"
            " mapping_version = ifnull(?, mapping_version) WHERE id = ?",
            (
                settlement.state, unclear, self._steady + settlement.wait, settlement.wait,
                attempts, faults + settlement.fault, outcome,
                json.dumps(settlement.waits_for) if settlement.waits_for else None,
                None if is_open else self._at, settlement.mapping_version, entry,
            ),
        )  # fmt: skip
        if settlement.attempted or not is_open:
            self._remember(entry, settlement, outcome)
        if is_open and not is_latest:
            self._supersede(entry, unclear=unclear)

    def _remember(self, entry: int, settlement: Settlement, outcome: str | None) -> None:
        self._connection.execute(
            "INSERT INTO attempt (entry, number, at, state, status, outcome)"
            " SELECT ?1, ifnull(max(number), 0) + 1, ?2, ?3, ?4, ?5 FROM attempt WHERE entry = ?1",
            (entry, self._at, settlement.state, settlement.status, outcome),
        )

    def _supersede(self, entry: int, *, unclear: bool) -> None:
        """End an entry that has a newer version, which takes over what is unclear about it."""
        self._connection.execute(
            "UPDATE entry SET state = 'superseded', token = NULL, settled_at = ? WHERE id = ?",
            (self._at, entry),
        )
        if unclear:
            self._connection.execute(
                "UPDATE entry SET read_back = 1,"
                " state = CASE state WHEN 'queued' THEN 'unclear' ELSE state END"
                " WHERE is_latest = 1 AND state IN ('queued', 'unclear') AND"
                " (patient, record, record_id, source) ="
                " (SELECT patient, record, record_id, source FROM entry WHERE id = ?)",
                (entry,),
            )

    def _let_go(self, patient: int, arrived: frozenset[str]) -> None:
        """Queue the held entries of a patient that waited for what has arrived."""
        held = self._connection.execute(
            "SELECT id, waits_for FROM entry"
            " WHERE patient = ? AND state = 'held' AND is_latest = 1",
            (patient,),
        ).fetchall()
        for entry, waits_for in held:
            if not arrived.isdisjoint(json.loads(waits_for or "[]")):
                self._connection.execute(
                    "UPDATE entry SET state = 'queued', due = ?, wait = 0, settled_at = NULL"
                    " WHERE id = ?",
                    (self._steady, entry),
                )
