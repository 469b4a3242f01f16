"""The two clocks of the outbox: one to tell a person the time, one to wait by.

Leases and retry times are kept on the steady clock, so that a wall clock that is set forward or
back does not touch them. The steady clock is the same for all processes of a machine and starts
anew when the machine does. A wait that was stored before a restart can then look longer than it
was granted for; the store therefore keeps the granted length beside it and counts any wait that
seems longer as over.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What the outbox asks the time of."""

    def now(self) -> datetime:
        """Return the wall-clock time, aware, in UTC."""

    def steady(self) -> float:
        """Return seconds that never jump, the same for all processes of the machine."""


class SystemClock:
    """The clocks of the machine."""

    def now(self) -> datetime:
        """Return the wall-clock time in UTC."""
        return datetime.now(UTC)

    def steady(self) -> float:
        """Return the seconds of the monotonic clock, which Python keeps system-wide."""
        return time.monotonic()


def seconds_left(until: float, granted: float, now: float) -> float:
    """Return how long a wait of `granted` seconds that ends at steady time `until` still lasts.

    >>> seconds_left(until=130.0, granted=60.0, now=100.0)
    30.0
    >>> seconds_left(until=5000.0, granted=60.0, now=3.0)  # the machine was started anew
    0.0
    """
    left = until - now
    return left if 0 < left <= granted + 1 else 0.0


def format_instant(moment: datetime) -> str:
    """Return a FHIR instant in UTC with milliseconds."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
