"""Which deliveries came in one request: notes in the outbox.

A submission is written after its records are in the outbox. Where that fails, the client gets no
receipt, sends again, and is told which records are there already.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fhir_backpain.errors import OutboxError
from fhir_backpain.gateway.messages import UNKNOWN_SUBMISSION
from fhir_backpain.outbox.entry import Receipt, ReceiptStatus
from fhir_backpain.outbox.sqlite_database import translated
from fhir_backpain.outbox.store import Store

_EARLIER = "SELECT id, created_at, items, outcome FROM submission"


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
    """All submissions, in the outbox, each durable when `add` returns.

    Raises OutboxError where the outbox fails.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, submission: Submission) -> None:
        """Keep a submission."""
        items = [[item.place, item.delivery, item.receipt] for item in submission.items]
        text = json.dumps([submission.created_at, items, submission.outcome])
        self._store.keep_note(_name(submission.id), text)

    def get(self, submission_id: str) -> Submission:
        """Return a submission; OutboxError where there is none."""
        text = self._store.note(_name(submission_id))
        if text is None:
            raise OutboxError(UNKNOWN_SUBMISSION.issue("No submission has this id."))
        created_at, items, outcome = json.loads(text)
        return Submission(submission_id, created_at, tuple(Item(*item) for item in items), outcome)

    def take_over(self, path: Path) -> None:
        """Keep what an earlier release kept in a file beside the outbox, and remove the file."""
        if not path.exists():
            return
        with translated(path), contextlib.closing(sqlite3.connect(path)) as connection:
            for submission_id, at, items, outcome in connection.execute(_EARLIER):
                text = json.dumps([at, json.loads(items), json.loads(outcome or "null")])
                self._store.keep_note(_name(submission_id), text)
        for part in ("", "-journal"):
            Path(f"{path}{part}").unlink(missing_ok=True)

    def ensure_writable(self, at: str) -> None:
        """Write a note; OutboxError where the outbox takes none."""
        self._store.keep_note("gateway/probe", at)


def _name(submission_id: str) -> str:
    return f"gateway/submission/{submission_id}"
