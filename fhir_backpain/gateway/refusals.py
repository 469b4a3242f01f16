"""What was refused at the door, counted by message and field: it is nowhere else once answered.

Neither a value nor a name that a sender chose is kept: fields are those of the record types, and
the columns of a feed mapping.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from fhir_backpain.errors import BackpainError, OutboxError
from fhir_backpain.gateway.problem import ProblemError
from fhir_backpain.outbox.clock import format_instant
from fhir_backpain.outbox.database import Database, Session
from fhir_backpain.outcome import CATALOGUE, Issue
from fhir_backpain.telemetry.event import log
from fhir_backpain.telemetry.fault import numbers_of
from fhir_backpain.validation.record_schema import schemas

_ADD = """
INSERT INTO refusal (message, field, count, first_at, last_at) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (message, field) DO UPDATE SET
  count = refusal.count + excluded.count, last_at = excluded.last_at
"""
_OTHER = "(another field)"
_OTHER_COLUMN = "column (another)"
_logger = logging.getLogger("fhir_backpain.gateway")


@dataclass(frozen=True, slots=True)
class Refusal:
    """One kind of problem of one field, and how often and when it kept a record out."""

    message: int
    field: str
    count: int
    first_at: str
    last_at: str

    def to_json(self) -> dict[str, Any]:
        """Return the refusal as JSON data, with the words of its message."""
        known = CATALOGUE.get(self.message)
        return {
            "message": f"FBP-{self.message}",
            "title": known.title if known else "",
            "next": known.next_step if known else "",
            "field": self.field,
            "count": self.count,
            "first_at": self.first_at,
            "last_at": self.last_at,
        }


class Refusals:
    """The counted refusals of one database. Raises OutboxError where that fails."""

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now

    def add(self, issues: Iterable[Issue], columns: Collection[str] = ()) -> None:
        """Count the errors among some issues; `columns` are those that a feed mapping names."""
        counted = Counter(
            (issue.number, field_of(issue, columns)) for issue in issues if issue.is_error
        )
        if not counted:
            return
        at = format_instant(self._now())

        def work(session: Session) -> None:
            for (message, field), count in sorted(counted.items()):
                session.execute(_ADD, (message, field, count, at, at))

        self._database.write(work)

    def rows(self) -> list[Refusal]:
        """Return all refusals, the most frequent first."""
        sql = "SELECT message, field, count, first_at, last_at FROM refusal"
        rows = self._database.read(lambda session: session.execute(sql).fetchall())
        found = [Refusal(*row) for row in rows]
        return sorted(found, key=lambda one: (-one.count, one.message, one.field))

    @contextmanager
    def noted(self, columns: Collection[str] = ()) -> Iterator[None]:
        """Count what is raised within; it is raised on, also where it cannot be counted."""
        try:
            yield
        except ProblemError as problem:
            self.note(problem.outcome.issues, columns)
            raise
        except BackpainError as error:
            if not isinstance(error, OutboxError):
                self.note(error.issues, columns)
            raise

    def note(self, issues: Iterable[Issue], columns: Collection[str] = ()) -> None:
        """Count errors as `add` does; where that fails it is only logged."""
        try:
            self.add(issues, columns)
        except OutboxError as error:
            log(_logger, logging.WARNING, "refusal-not-counted", messages=numbers_of(error))


def field_of(issue: Issue, columns: Collection[str] = ()) -> str:
    """Return the field that an issue is about, such as ``pain.ratings.scale``."""
    place = issue.source
    if place is None:
        return "(the whole)"
    if place.field is not None:
        return _column(place.field, columns)
    names = [step for step in (place.pointer or "").split("/") if step and not step.isdigit()]
    if not names:
        return "(the whole)"
    return ".".join(names) if set(names) <= _field_names() else _OTHER


def _column(field: str, columns: Collection[str]) -> str:
    is_known = all(name in columns for name in field.split(", "))
    return f"column {field}" if is_known else _OTHER_COLUMN


@lru_cache(maxsize=1)
def _field_names() -> frozenset[str]:
    return frozenset(_names(list(schemas().values())))


def _names(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        properties = node.get("properties")
        if isinstance(properties, dict):
            yield from properties
        for value in node.values():
            yield from _names(value)
    elif isinstance(node, list):
        for value in node:
            yield from _names(value)
