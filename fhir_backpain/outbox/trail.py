"""Writing and reading the audit trail of an outbox."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from heapq import merge
from operator import attrgetter
from typing import Any

from fhir_backpain.outbox.act import BY_ENGINE, Act, Actor, TrailItem, Via
from fhir_backpain.outbox.database import Database, Session
from fhir_backpain.outbox.entries import row_id

_PAGE = 500
_MESSAGE_ID = "http://hl7.org/fhir/StructureDefinition/operationoutcome-message-id"
_ACT = {
    "place": int, "actor": str, "via": str, "action": str, "server": str, "entry": str,
    "because": str, "detail": str,
}  # fmt: skip
_WRITE = """
INSERT INTO audit (at, actor, via, action, server, entry, because, detail)
SELECT ?, k.actor, k.via, k.action, coalesce(k.server, e.server), e.id, k.because, k.detail
FROM {0} k LEFT JOIN entry e ON e.tracking_id = k.entry ORDER BY k.place
"""
_ACTS = """
SELECT a.at, a.id, a.actor, a.via, a.action, a.server, e.tracking_id, a.because, a.detail
FROM audit a LEFT JOIN entry e ON e.id = a.entry
WHERE (a.at, a.id) > (?, ?) {where} ORDER BY a.at, a.id LIMIT ?
"""
_ATTEMPTS = """
SELECT a.at, a.entry, a.number, e.server, e.tracking_id, a.state, a.status, a.outcome
FROM attempt a JOIN entry e ON e.id = a.entry
WHERE (a.at, a.entry, a.number) > (?, ?, ?) {where} ORDER BY a.at, a.entry, a.number LIMIT ?
"""


def write_acts(session: Session, at: str, actor: Actor, acts: Sequence[Act]) -> None:
    """Add acts to the trail within the transaction that they are done in."""
    if not acts:
        return
    table, given = session.given(
        _ACT,
        [
            (place, *_who(act, actor), act.action, act.server, act.entry, act.because,
             json.dumps(dict(act.detail)) if act.detail else None)
            for place, act in enumerate(acts)
        ],
    )  # fmt: skip
    session.execute(_WRITE.format(table), [at, *given])


def _who(act: Act, actor: Actor) -> tuple[str, Via]:
    who = act.by or actor
    return who.name, "engine" if act.action in BY_ENGINE else who.via


def note_bound(session: Session, at: str, actor: Actor, server: str) -> None:
    """Tell that a server is new to the outbox, before its first record is queued."""
    known = session.execute("SELECT 1 FROM patient WHERE server = ? LIMIT 1", (server,))
    if known.fetchone() is None:
        write_acts(session, at, actor, [Act("bound", server=server)])


def read_trail(database: Database, entry: str | None, since: str | None) -> Iterator[TrailItem]:
    """Yield acts and attempts in the order of time, read page by page."""
    row = None if entry is None else database.read(lambda session: row_id(session, entry))
    where = "" if row is None else f"AND a.entry = {int(row)}"
    begin = since or ""
    acts = _pages(database, _ACTS.format(where=where), (begin, 0), _act)
    attempts = _pages(database, _ATTEMPTS.format(where=where), (begin, 0, 0), _attempt)
    # Where both are of one moment: what was done is why something was sent.
    yield from merge(acts, attempts, key=attrgetter("at"))


def _pages(
    database: Database,
    sql: str,
    after: tuple[Any, ...],
    read: Callable[[Sequence[Any]], TrailItem],
) -> Iterator[TrailItem]:
    width = len(after)
    while True:
        arguments = [*after, _PAGE]
        rows = database.read(lambda session: session.execute(sql, arguments).fetchall())  # noqa: B023
        yield from map(read, rows)
        if len(rows) < _PAGE:
            return
        after = tuple(rows[-1][:width])


def _act(row: Sequence[Any]) -> TrailItem:
    at, _, actor, via, action, server, entry, because, detail = row
    told = json.loads(detail) if detail else {}
    return TrailItem(at, "act", actor, via, action, server, entry, because=because, detail=told)


def _attempt(row: Sequence[Any]) -> TrailItem:
    at, _, number, server, entry, state, status, outcome = row
    numbers = _numbers(json.loads(outcome)) if outcome else ()
    return TrailItem(at, "attempt", None, "engine", state, server, entry, number, status, numbers)


def _numbers(outcome: dict[str, Any]) -> tuple[str, ...]:
    """Return the numbers of an outcome's issues: their texts are those of a server."""
    found = [
        str(extension["valueString"])
        for issue in outcome.get("issue", [])
        for extension in issue.get("extension", [])
        if extension.get("url") == _MESSAGE_ID
    ]
    return tuple(dict.fromkeys(found))
