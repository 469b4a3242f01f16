"""One steady clock for the workers of many machines.

It is the database server's clock plus a correction, `ahead`, that is kept in the database. Every
worker measures it against its own steady clock; where the server's clock is set forward or back,
the next worker to look puts the correction right, and leases and waits stay as they were.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

from fhir_backpain.outbox.database import Database, Session

_TOLERANCE = 1.0
_INTERVAL = 1.0
_GIVES_IN = 60.0
_SELECT = "SELECT extract(epoch FROM clock_timestamp())::double precision, ahead FROM clock"


def machine_seconds() -> float:
    """Return seconds that never jump and go on while the machine sleeps, where it can tell."""
    boot = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boot is None else time.clock_gettime(boot)


class SharedClock:
    """See `Clock`; `steady` is the same for all workers, and raises OutboxError as they do."""

    def __init__(self, database: Database, seconds: Callable[[], float] = machine_seconds) -> None:
        self._database = database
        self._seconds = seconds
        self._lock = threading.Lock()
        self._offset: float | None = None
        self._looked = self._corrected = float("-inf")

    def now(self) -> datetime:
        """Return the wall-clock time of this machine in UTC."""
        return datetime.now(UTC)

    def steady(self) -> float:
        """Return seconds that never jump, the same for all workers to within a second."""
        with self._lock:
            if self._offset is None or self._seconds() - self._looked >= _INTERVAL:
                self._offset = self._look(self._offset)
            return self._seconds() + self._offset

    def _look(self, offset: float | None) -> float:
        """Return what is between this machine's seconds and the shared ones."""
        begun = self._seconds()
        server, ahead = self._database.read(lambda session: session.execute(_SELECT).fetchone())
        self._looked = self._seconds()
        found = float(server + ahead - (begun + self._looked) / 2)
        if offset is None:
            return found
        jump = found - offset
        if self._looked - begun > _TOLERANCE:  # too slow an answer to tell
            return offset
        # Another worker may see it otherwise, one whose machine stood still: who has had its way
        # a moment ago gives in.
        if abs(jump) <= _TOLERANCE or self._looked - self._corrected < _GIVES_IN:
            return found
        self._corrected = self._looked
        self._correct(ahead, jump)
        return offset

    def _correct(self, ahead: float, jump: float) -> None:
        def work(session: Session) -> None:
            session.execute("UPDATE clock SET ahead = ? WHERE ahead = ?", (ahead - jump, ahead))

        self._database.write(work)
