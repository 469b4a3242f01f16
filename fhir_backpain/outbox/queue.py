"""The queues of an outbox: leases with fencing tokens, taken in turns by patient."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from itertools import groupby
from typing import Any

from fhir_backpain.outbox.database import Presence, Session, among
from fhir_backpain.outbox.entries import ENTRY_COLUMNS, read_entry
from fhir_backpain.outbox.entry import LeasedEntry, Settlement
from fhir_backpain.outbox.messages import MET
from fhir_backpain.outbox.record_text import read_record
from fhir_backpain.outcome import Outcome
from fhir_backpain.record import RecordKey

_IS_OPEN = "state IN ('queued', 'unclear')"
# A wait that seems longer than it was granted for was stored before the machine was started
# anew: see the module clock. One second makes up for rounding.
_OVER = "({0} <= ? OR {0} - ? > {1} + 1)"
_READY = f"""
SELECT id, token FROM patient
WHERE server = ? AND due IS NOT NULL AND {_OVER.format("due", "wait")}
  AND (token IS NULL OR {_OVER.format("lease_until", "lease_seconds")} OR holder {{gone}})
ORDER BY turn, id LIMIT ?{{lock_free}}
"""  # noqa: S608
_NEXT_DUE = f"""
SELECT min(CASE WHEN {_OVER.format("due", "wait")} THEN 0 ELSE due - ? END) FROM patient
WHERE server = ? AND due IS NOT NULL
"""  # noqa: S608
_LEASED = """
SELECT e.tracking_id, e.id, e.patient, e.attempts, e.faults, e.read_back, e.is_latest
FROM {0} k JOIN entry e ON e.tracking_id = k.tracking_id AND e.token = k.token
JOIN patient p ON p.id = e.patient AND p.token = k.token
"""
_SETTLED = {
    "id": int, "state": str, "read_back": int, "wait": float, "attempts": int, "faults": int,
    "outcome": str, "waits_for": str, "settled_at": str, "mapping_version": str,
}  # fmt: skip
_SETTLE = """
UPDATE entry SET token = NULL, state = k.state, read_back = k.read_back, due = ? + k.wait,
  wait = k.wait, attempts = k.attempts, faults = k.faults, outcome = k.outcome,
  waits_for = k.waits_for, settled_at = k.settled_at,
  mapping_version = coalesce(k.mapping_version, entry.mapping_version)
FROM {0} k WHERE entry.id = k.id
"""
_ATTEMPT = {"entry": int, "state": str, "status": int, "outcome": str}
_REMEMBER = """
INSERT INTO attempt (entry, number, at, state, status, outcome)
SELECT k.entry, (SELECT coalesce(max(a.number), 0) + 1 FROM attempt a WHERE a.entry = k.entry),
  ?, k.state, k.status, k.outcome
FROM {0} k
"""
# The cross joins keep the order of the tables: each entry is found by its record.
_DOUBT = """
UPDATE entry SET state = 'unclear', read_back = 1, due = ?, wait = 0, outcome = ?,
  settled_at = NULL
WHERE id IN (
  SELECT e.id FROM {0} k CROSS JOIN patient p CROSS JOIN entry e
  WHERE p.server = ? AND p.system = k.system AND p.value = k.value AND e.patient = p.id
    AND e.record = k.record AND e.record_id = k.record_id AND e.source = k.source
    AND e.is_latest = 1 AND e.state = 'sent')
RETURNING patient
"""
_COLUMN_COUNT = ENTRY_COLUMNS.count(",") + 1


class Queue:
    """What one transaction does with the queues of one server. Times are steady seconds."""

    def __init__(self, session: Session, server: str, steady: float, at: str) -> None:
        self._session = session
        self._server = server
        self._steady = steady
        self._at = at

    def lease(
        self, presence: Presence, worker: str, limit: int, seconds: float
    ) -> list[LeasedEntry]:
        """Take due entries, shared out evenly over the patients whose turn it is."""
        ready = self._ready(presence, limit)
        if not ready:
            return []
        self._take_over([(patient, token) for patient, token in ready if token is not None])
        tokens = self._session.take_numbers("token", len(ready))
        turns = self._session.take_numbers("turn", len(ready))
        patients = [patient for patient, _ in ready]
        table, given = self._session.given(
            {"id": int, "token": int, "turn": int}, zip(patients, tokens, turns, strict=True)
        )
        self._session.execute(
            "UPDATE patient SET token = k.token, turn = k.turn, holder = ?, worker = ?,"  # noqa: S608
            f" lease_until = ?, lease_seconds = ? FROM {table} k WHERE patient.id = k.id",
            [presence.id, worker, self._steady + seconds, seconds, *given],
        )
        share = max(1, limit // len(ready))
        leased = self._lease_entries(dict(zip(patients, tokens, strict=True)), share)
        taken = {one.token for one in leased}
        # What was open of the others has been superseded.
        self.refresh(
            [patient for patient, token in zip(patients, tokens, strict=True) if token not in taken]
        )
        return leased

    def renew(self, holder: str, tokens: Iterable[int], seconds: float) -> frozenset[int]:
        """Prolong leases; return the tokens of those that are lost."""
        wanted = frozenset(tokens)
        listed, given = among(self._session, int, sorted(wanted))
        kept = self._session.execute(
            "UPDATE patient SET lease_until = ?, lease_seconds = ?"  # noqa: S608
            f" WHERE token {listed} AND holder = ? RETURNING token",
            [self._steady + seconds, seconds, *given, holder],
        )
        return wanted - {token for (token,) in kept.fetchall()}

    def release(self, tokens: Iterable[int]) -> None:
        """Give entries back as they were, but for those that have a newer version by now."""
        patients = self._lock(tokens)
        if not patients:
            return
        table, given = self._session.given({"patient": int, "token": int}, patients)
        held = self._session.execute(
            f"UPDATE entry SET token = NULL FROM {table} k"  # noqa: S608
            " WHERE entry.patient = k.patient AND entry.token = k.token"
            f" AND entry.{_IS_OPEN} RETURNING entry.id, entry.is_latest, entry.read_back",
            given,
        )
        replaced = {
            entry: unclear for entry, is_latest, unclear in held.fetchall() if not is_latest
        }
        self._supersede(
            list(replaced), unclear=[entry for entry, unclear in replaced.items() if unclear]
        )
        self.refresh([patient for patient, _ in patients])

    def settle(self, settlements: Sequence[Settlement], arrived: frozenset[str]) -> frozenset[str]:
        """Record what became of entries; `arrived` are URLs that the server holds from now on."""
        if not settlements:
            return frozenset()
        self._lock(one.token for one in settlements)
        table, given = self._session.given(
            {"tracking_id": str, "token": int}, [(one.id, one.token) for one in settlements]
        )
        rows = self._session.execute(_LEASED.format(table), given).fetchall()
        leased = {row[0]: row[1:] for row in rows}
        fenced, patients, valid = set(), set(), []
        for settlement in settlements:
            row = leased.pop(settlement.id, None)
            if row is None:
                fenced.add(settlement.id)
            else:
                valid.append((settlement, row))
                patients.add(row[1])
        self._settle(valid)
        if arrived:
            self._let_go(patients, arrived)
        self.refresh(patients)
        return frozenset(fenced)

    def doubt(self, keys: Collection[RecordKey]) -> None:
        """Make records unclear that were sent: the server is read before anything else is."""
        if not keys:
            return
        table, given = self._session.given(
            {"system": str, "value": str, "source": str, "record": str, "record_id": str},
            [(one.patient_system, one.patient_value, one.source, one.record, one.id)
             for one in keys],
        )  # fmt: skip
        outcome = json.dumps(Outcome.of([MET.issue("A shared resource is in doubt.")]).to_fhir())
        doubted = self._session.execute(
            _DOUBT.format(table), [self._steady, outcome, *given, self._server]
        )
        self.refresh({patient for (patient,) in doubted.fetchall()})

    def refresh(self, patients: Collection[int]) -> None:
        """Bring the rows of patients up to date with their entries."""
        if not patients:
            return
        listed, given = among(self._session, int, sorted(patients))
        self._session.execute(
            "UPDATE patient SET (due, wait) = (SELECT e.due, e.wait FROM entry e"  # noqa: S608
            f" WHERE e.patient = patient.id AND e.{_IS_OPEN} ORDER BY e.position LIMIT 1)"
            f" WHERE id {listed}",
            given,
        )
        self._session.execute(
            "UPDATE patient SET token = NULL, holder = NULL, worker = NULL, lease_until = NULL,"  # noqa: S608
            f" lease_seconds = NULL WHERE id {listed} AND token IS NOT NULL AND NOT EXISTS"
            " (SELECT 1 FROM entry e WHERE e.patient = patient.id AND e.token IS NOT NULL"
            f"  AND e.{_IS_OPEN})",
            given,
        )

    def next_due(self) -> float | None:
        """Return the seconds until the next entry is due, whoever holds it."""
        now = self._steady
        row = self._session.execute(_NEXT_DUE, (now, now, now, self._server)).fetchone()
        return None if row[0] is None else float(row[0])

    def _ready(self, presence: Presence, limit: int) -> list[tuple[int, int | None]]:
        holders = self._session.execute(
            "SELECT DISTINCT holder FROM patient WHERE token IS NOT NULL AND server = ?",
            (self._server,),
        )
        gone = presence.gone(self._session, [name for (name,) in holders.fetchall()])
        listed, given = among(self._session, str, gone)
        now = self._steady
        rows = self._session.execute(
            _READY.format(gone=listed, lock_free=self._session.lock_free),
            [self._server, now, now, now, now, *given, limit],
        )
        return rows.fetchall()

    def _lock(self, tokens: Iterable[int]) -> list[tuple[int, int]]:
        """Keep the patients that are leased by some tokens for this transaction."""
        listed, given = among(self._session, int, sorted(set(tokens)))
        rows = self._session.execute(
            f"SELECT id, token FROM patient WHERE token {listed} ORDER BY id{self._session.lock}",  # noqa: S608
            given,
        )
        return rows.fetchall()

    def _take_over(self, lost: Sequence[tuple[int, int]]) -> None:
        """Mark what lost workers held: nobody knows whether it was sent."""
        if not lost:
            return
        table, given = self._session.given({"patient": int, "token": int}, lost)
        held = self._session.execute(
            "UPDATE entry SET token = NULL, read_back = 1, state = 'unclear'"  # noqa: S608
            f" FROM {table} k WHERE entry.patient = k.patient AND entry.token = k.token"
            f" AND entry.{_IS_OPEN} RETURNING entry.id, entry.is_latest",
            given,
        )
        outdated = [entry for entry, is_latest in held.fetchall() if not is_latest]
        self._supersede(outdated, unclear=outdated)

    def _lease_entries(self, tokens: dict[int, int], share: int) -> list[LeasedEntry]:
        table, given = self._session.given({"place": int, "patient": int}, enumerate(tokens))
        rows = self._session.execute(
            self._session.open_entries.format(
                columns=f"k.patient, e.id, e.read_back, e.content, {ENTRY_COLUMNS}", given=table
            ),
            [*given, share],
        ).fetchall()
        leased, taken = [], []
        for patient, entries in groupby(rows, key=lambda row: row[0]):
            token = tokens[patient]
            for _, row_id, read_back, content, *columns in entries:
                entry = read_entry(columns, self._steady)
                if entry.retry_in > 0:
                    break  # those behind it wait too, so that the order is kept
                taken.append((row_id, token))
                leased.append(LeasedEntry(entry, read_record(content), token, bool(read_back)))
        table, given = self._session.given({"id": int, "token": int}, taken)
        self._session.execute(
            f"UPDATE entry SET token = k.token FROM {table} k WHERE entry.id = k.id",  # noqa: S608
            given,
        )
        return leased

    def _settle(self, settled: Sequence[tuple[Settlement, Sequence[Any]]]) -> None:
        updates, attempts, outdated, unclear = [], [], [], []
        for one, (entry, _, tries, faults, read_back, is_latest) in settled:
            is_open = one.state in ("queued", "unclear")
            # What was not sent this time is as unclear as it was before; and a server that has
            # failed on what is given up may have written it, so that the next version looks first.
            is_unclear = (
                one.state == "unclear"
                or (is_open and not one.attempted and bool(read_back))
                or (one.state == "rejected" and one.fault)
            )
            outcome = json.dumps(one.outcome.to_fhir()) if one.outcome.issues else None
            waits_for = json.dumps(one.waits_for) if one.waits_for else None
            updates.append(
                (entry, one.state, int(is_unclear), float(one.wait), tries + one.attempted,
                 faults + one.fault, outcome, waits_for, None if is_open else self._at,
                 one.mapping_version)
            )  # fmt: skip
            if one.attempted or not is_open:
                attempts.append((entry, one.state, one.status, outcome))
            if is_open and not is_latest:
                outdated.append(entry)
                unclear += [entry] * is_unclear
        if updates:
            table, given = self._session.given(_SETTLED, updates)
            self._session.execute(_SETTLE.format(table), [self._steady, *given])
        if attempts:
            table, given = self._session.given(_ATTEMPT, attempts)
            self._session.execute(_REMEMBER.format(table), [self._at, *given])
        self._supersede(outdated, unclear=unclear)

    def _supersede(self, entries: Sequence[int], *, unclear: Sequence[int]) -> None:
        """End entries that have a newer version, which takes over their place and their doubt.

        What may have arrived of them has to be looked at before what comes after them is sent.
        """
        if not entries:
            return
        listed, given = among(self._session, int, entries)
        self._session.execute(
            "UPDATE entry SET state = 'superseded', token = NULL, settled_at = ?"  # noqa: S608
            f" WHERE id {listed}",
            [self._at, *given],
        )
        self._session.execute(
            "UPDATE entry SET position = o.position FROM"  # noqa: S608
            " (SELECT patient, record, record_id, source, min(position) AS position FROM entry"
            f"  WHERE id {listed} GROUP BY patient, record, record_id, source) o"
            f" WHERE entry.is_latest = 1 AND entry.{_IS_OPEN} AND entry.position > o.position"
            " AND entry.patient = o.patient AND entry.record = o.record"
            " AND entry.record_id = o.record_id AND entry.source = o.source",
            given,
        )
        listed, given = among(self._session, int, unclear)
        self._session.execute(
            "UPDATE entry SET read_back = 1,"  # noqa: S608
            " state = CASE state WHEN 'queued' THEN 'unclear' ELSE state END"
            f" WHERE is_latest = 1 AND {_IS_OPEN} AND (patient, record, record_id, source) IN"
            f" (SELECT patient, record, record_id, source FROM entry WHERE id {listed})",
            given,
        )

    def _let_go(self, patients: Collection[int], arrived: frozenset[str]) -> None:
        """Queue the held entries of patients that waited for what has arrived."""
        listed, given = among(self._session, int, sorted(patients))
        held = self._session.execute(
            "SELECT id, waits_for FROM entry"  # noqa: S608
            f" WHERE patient {listed} AND state = 'held' AND is_latest = 1",
            given,
        ).fetchall()
        free = [
            entry
            for entry, waits_for in held
            if not arrived.isdisjoint(json.loads(waits_for or "[]"))
        ]
        if not free:
            return
        listed, given = among(self._session, int, free)
        self._session.execute(
            "UPDATE entry SET state = 'queued', due = ?, wait = 0, settled_at = NULL"  # noqa: S608
            f" WHERE id {listed}",
            [self._steady, *given],
        )
