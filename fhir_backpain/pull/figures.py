"""What a state of pulling counts, read beside the pull that may be running on it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from fhir_backpain.errors import OutboxError
from fhir_backpain.pull.messages import STATE_UNUSABLE
from fhir_backpain.telemetry.figure import Figure

_FATES = (
    "pending", "echo", "foreign", "overtaken", "unchanged", "delivered", "parked", "overruled",
    "unreadable",
)  # fmt: skip
_DELIVERIES = ("planned", "delivered", "refused")
_VERSIONS = "SELECT fate, count(*) FROM version GROUP BY fate"
_DELIVERED = "SELECT state, count(*) FROM delivery GROUP BY state"
_CONFLICTS = "SELECT count(*) FROM conflict WHERE ruling IS NULL"
_SERVER = "SELECT value FROM setting WHERE name = 'server'"


def pull_figures(path: Path) -> list[Figure]:
    """Return the figures of a state file; it may be in use. OutboxError where it cannot be read."""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as state:
            state.execute("BEGIN")  # all of one moment
            return _read(state)
    except sqlite3.Error as error:
        text = f"The state {path} cannot be read ({type(error).__name__})."
        raise OutboxError(STATE_UNUSABLE.issue(text)) from None


def _read(state: sqlite3.Connection) -> list[Figure]:
    server = str((state.execute(_SERVER).fetchone() or ("",))[0])
    versions = dict.fromkeys(_FATES, 0) | dict(state.execute(_VERSIONS).fetchall())
    deliveries = dict.fromkeys(_DELIVERIES, 0) | dict(state.execute(_DELIVERED).fetchall())
    (conflicts,) = state.execute(_CONFLICTS).fetchone()
    return [
        _figure("pull_versions", "Versions found that are still remembered, by fate.", "fate",
                server, versions),
        _figure("pull_deliveries", "Deliveries to the destination, by state.", "state", server,
                deliveries),
        Figure("pull_conflicts", "gauge", "Records that wait for 'pull resolve'.", ("server",),
               (((server,), float(conflicts)),)),
    ]  # fmt: skip


def _figure(name: str, text: str, label: str, server: str, counts: dict[str, int]) -> Figure:
    samples = tuple(((server, word), float(count)) for word, count in counts.items())
    return Figure(name, "gauge", text, ("server", label), samples)
