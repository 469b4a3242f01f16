"""Answers to requests that carry a key of their own, kept in the outbox's database for a day.

A request is claimed before it is answered, so that of two with one key only one does anything. A
claim whose process has died is free again after a minute: records that are taken a second time
are known to the outbox.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from fhir_backpain.outbox.clock import format_instant
from fhir_backpain.outbox.database import Database, Session

LIFETIME = timedelta(hours=24)
"""How long an answer is kept."""

_ABANDONED = timedelta(minutes=1)
_CLAIM = """
INSERT INTO kept_answer (id, request, begun_at, expires_at) VALUES (?, ?, ?, ?)
ON CONFLICT DO NOTHING RETURNING id
"""
_LOOK = "SELECT request, begun_at, status, location, content FROM kept_answer WHERE id = ?"


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """An answer as it was given: status, Location where there was one, and the JSON text."""

    status: int
    location: str | None
    content: str


Standing = Literal["claimed", "busy", "another request"]


class KeptAnswers:
    """The kept answers of one database. Raises OutboxError where that fails."""

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now

    def claim(self, answer_id: str, request: str) -> KeptAnswer | Standing:
        """Return the answer that was given, or how the request stands; durable on return.

        ``claimed``: answer it, then `keep` or `forget`. ``busy``: another process is answering.
        ``another request``: the key was used for something else. What has expired is removed.
        """
        return self._database.write(lambda session: self._claim(session, answer_id, request))

    def keep(self, answer_id: str, answer: KeptAnswer) -> None:
        """Keep the answer to a claimed request."""
        self._database.write(
            lambda session: session.execute(
                "UPDATE kept_answer SET status = ?, location = ?, content = ? WHERE id = ?",
                (answer.status, answer.location, answer.content, answer_id),
            )
        )

    def forget(self, answer_id: str) -> None:
        """Give up a claim: the request failed, and may be sent again with the same key."""
        self._database.write(
            lambda session: session.execute(
                "DELETE FROM kept_answer WHERE id = ? AND status IS NULL", (answer_id,)
            )
        )

    def _claim(self, session: Session, answer_id: str, request: str) -> KeptAnswer | Standing:
        now = self._now()
        at = format_instant(now)
        session.execute("DELETE FROM kept_answer WHERE expires_at <= ?", (at,))
        made = session.execute(_CLAIM, (answer_id, request, at, format_instant(now + LIFETIME)))
        if made.fetchone() is not None:
            return "claimed"
        row = session.execute(f"{_LOOK}{session.lock}", (answer_id,)).fetchone()
        if row is None:  # another process has just given it up
            return "busy"
        held, begun_at, status, location, content = row
        if held != request:
            return "another request"
        if status is not None:
            return KeptAnswer(int(status), location, content)
        if begun_at > format_instant(now - _ABANDONED):
            return "busy"
        session.execute("UPDATE kept_answer SET begun_at = ? WHERE id = ?", (at, answer_id))
        return "claimed"
