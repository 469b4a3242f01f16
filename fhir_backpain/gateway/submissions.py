"""Which deliveries came in one request: a small SQLite file beside the outbox.

A submission is written after its records are in the outbox. Where that fails, the client gets no
receipt, sends again, and is told which records are there already.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fhir_backpain.errors import OutboxError
from fhir_backpain.gateway.messages import UNKNOWN_SUBMISSION
from fhir_backpain.outbox.entry import Receipt, ReceiptStatus
from fhir_backpain.outbox.sqlite_database import translated

_SCHEMA = """
CREATE TABLE IF NOT EXISTS submission (
  id TEXT PRIMARY KEY, created_at TEXT NOT NULL, items TEXT NOT NULL, outcome TEXT
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS probe (id INTEGER PRIMARY KEY, at TEXT NOT NULL);
"""


@dataclass(frozen=True, slots=True)
class Item:
    """One record of a submission: its place there, its delivery and what was done with it."""

    place: str
    delivery: str
    receipt: ReceiptStatus

    @classmethod
    def of(cls, place: str, receipt: Receipt) -> Item:
        """Return the item of a receipt."""
        return cls(place, receipt.id, receipt.status)


@dataclass(frozen=True, slots=True)
class Submission:
    """The receipt of several records; `outcome` is the OperationOutcome of those not taken."""

    id: str
    created_at: str
    items: tuple[Item, ...]
    outcome: dict[str, Any] | None = None


class Submissions:
    """All submissions, each on disk when `add` returns. Raises OutboxError where SQLite fails."""

    def __init__(self, path: Path, busy_seconds: float = 5.0) -> None:
        self._path = path
        self._busy_seconds = busy_seconds
        with translated(path):
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
            with self._open() as connection:
                connection.executescript(_SCHEMA)

    def add(self, submission: Submission) -> None:
        """Keep a submission."""
        items = [[item.place, item.delivery, item.receipt] for item in submission.items]
        outcome = json.dumps(submission.outcome) if submission.outcome else None
        with self._open() as connection:
            connection.execute(
                "INSERT INTO submission (id, created_at, items, outcome) VALUES (?, ?, ?, ?)",
                (submission.id, submission.created_at, json.dumps(items), outcome),
            )

    def get(self, submission_id: str) -> Submission:
        """Return a submission; OutboxError where there is none."""
        with self._open() as connection:
            row = connection.execute(
                "SELECT created_at, items, outcome FROM submission WHERE id = ?", (submission_id,)
            ).fetchone()
        if row is None:
            raise OutboxError(UNKNOWN_SUBMISSION.issue("No submission has this id."))
        items = tuple(Item(*item) for item in json.loads(row[1]))
        return Submission(
            submission_id, row[0], items, json.loads(row[2]) if row[2] is not None else None
        )

    def ensure_writable(self, at: str) -> None:
        """Write a row; OutboxError where the disk takes none."""
        with self._open() as connection:
            connection.execute("INSERT OR REPLACE INTO probe (id, at) VALUES (1, ?)", (at,))

    @contextlib.contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        # A connection for each use: views run on many threads, and nothing stays open to close.
        with translated(self._path):
            connection = sqlite3.connect(
                f"{self._path.absolute().as_uri()}?mode=rw",
                uri=True,
                timeout=self._busy_seconds,
                isolation_level=None,
            )
            with contextlib.closing(connection):
                connection.execute("PRAGMA synchronous = EXTRA")
                yield connection
