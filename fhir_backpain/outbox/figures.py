"""What an outbox counts: its figures are read from the rows, and so equal them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from fhir_backpain.outbox.database import Session
from fhir_backpain.outbox.entry import STATES
from fhir_backpain.telemetry.figure import Figure

_WAITING = ("queued", "unclear")
# Numbers of entries grow with the time of their arrival, so the least is the oldest.
_ENTRIES = "SELECT server, state, count(*), min(id) FROM entry GROUP BY server, state"
# Read in this order: an entry's row is long, and the index by state has all that is needed of it.
_ATTEMPTS = """
SELECT e.server, a.state,
  CASE WHEN a.status IS NULL THEN 'none' ELSE CAST(a.status / 100 AS text) || 'xx' END,
  count(*), max(a.at)
FROM entry e CROSS JOIN attempt a WHERE a.entry = e.id GROUP BY 1, 2, 3
"""
_LEDGER = """
SELECT server, count(*) FROM ledger WHERE coalesce(retired, '') <> 'deleted' GROUP BY server
"""
_SERVERS = "SELECT DISTINCT server FROM patient"

Sample = tuple[tuple[str, ...], float]


def read_figures(session: Session, now: datetime) -> list[Figure]:
    """Return the figures of one moment."""
    servers = sorted(server for (server,) in session.execute(_SERVERS).fetchall())
    return [
        *_entries(session, servers, now),
        *_attempts(session, servers),
        _resources(session, servers),
        _acts(session),
    ]


def _entries(session: Session, servers: list[str], now: datetime) -> list[Figure]:
    rows = session.execute(_ENTRIES).fetchall()
    counts = {(server, state): count for server, state, count, _ in rows}
    oldest = dict.fromkeys(servers, 0.0)
    for server, state, _, first in rows:
        if state in _WAITING:
            arrived = session.execute("SELECT created_at FROM entry WHERE id = ?", (first,))
            age = (now - datetime.fromisoformat(arrived.fetchone()[0])).total_seconds()
            oldest[server] = max(oldest[server], age)
    states = tuple(
        ((server, state), float(counts.get((server, state), 0)))
        for server in servers
        for state in STATES
    )
    return [
        Figure("outbox_entries", "gauge", "Entries of the outbox.", ("server", "state"), states),
        _by_server(
            "outbox_oldest_waiting_seconds",
            "How long ago the oldest entry arrived that is queued or unclear; 0 where none is.",
            oldest,
        ),
    ]


def _attempts(session: Session, servers: list[str]) -> list[Figure]:
    rows = session.execute(_ATTEMPTS).fetchall()
    last: dict[str, float] = {}
    for server, state, _, _, at in rows:
        if state == "sent":
            last[server] = max(last.get(server, 0.0), datetime.fromisoformat(at).timestamp())
    samples: list[Sample] = [((row[0], row[1], row[2]), float(row[3])) for row in rows]
    # Each server is there from the start: a counter that appears with 1 has not grown.
    known = {labels for labels, _ in samples}
    samples += [
        (labels, 0.0)
        for server in servers
        for state in ("sent", "conflict", "rejected", "held")
        if (labels := (server, state, "none")) not in known
    ]
    return [
        Figure(
            "outbox_attempts",
            "counter",
            "Settled attempts to send an entry, by what they led to and the HTTP status class of "
            "the error; none where there was no error or no answer.",
            ("server", "outcome", "status"),
            tuple(sorted(samples)),
        ),
        _by_server(
            "outbox_last_sent_timestamp_seconds",
            "When an entry was last found to be on the server; absent before the first.",
            last,
        ),
    ]


def _resources(session: Session, servers: list[str]) -> Figure:
    held = dict.fromkeys(servers, 0.0) | dict(session.execute(_LEDGER).fetchall())
    return _by_server("outbox_resources", "Resources that the server holds from the outbox.", held)


def _acts(session: Session) -> Figure:
    rows: list[Any] = session.execute("SELECT action, count(*) FROM audit GROUP BY 1").fetchall()
    samples = tuple(((action,), float(count)) for action, count in sorted(rows))
    return Figure("outbox_acts", "counter", "Acts in the audit trail.", ("action",), samples)


def _by_server(name: str, help_text: str, numbers: dict[str, float]) -> Figure:
    samples = tuple(((server,), float(number)) for server, number in sorted(numbers.items()))
    return Figure(name, "gauge", help_text, ("server",), samples)
