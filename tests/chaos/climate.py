"""What a run goes through: faults of the server, and how the workers are dealt with."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tests.chaos.cruelty import Cruelty
from tests.chaos.faults import (
    BUSY_SERVER,
    FIVE_PERCENT,
    LOST_ANSWERS,
    REFUSED_ENTRIES,
    Fault,
)


@dataclass(frozen=True, slots=True)
class Climate:
    """A name, the server's faults, the killer's ways, and how much waits of how many patients.

    `lateness` is how far records arrive out of their order, in minutes (one a record). `seconds`
    is how long the workers have to end what is begun.
    """

    name: str
    faults: tuple[Fault, ...]
    cruelty: Cruelty
    patients: int = 24
    lateness: int = 40
    backlog: int = 60
    lease_seconds: float = 1.5
    seconds: float = 60.0

    def with_kills(self, kills: int) -> Climate:
        """Return the same climate with another number of kills."""
        return replace(self, cruelty=replace(self.cruelty, kills=kills))


CHAOS = Climate(
    "chaos", FIVE_PERCENT, Cruelty(1000), patients=240, backlog=160, lease_seconds=1.0, seconds=90.0
)
PLAIN = Climate("plain", FIVE_PERCENT, Cruelty(12))
LOSSY = Climate("lossy", LOST_ANSWERS, Cruelty(8, (0.2, 0.5), steps=150), patients=5)
BUSY = Climate("busy", BUSY_SERVER, Cruelty(8))
REFUSING = Climate("refusing", REFUSED_ENTRIES, Cruelty(8))
SENDING = Climate(
    "sending", (), Cruelty(0, stop="sending"), patients=8, backlog=24, lease_seconds=60.0
)
"""A worker stands still for less than its leases last: nobody else may touch what it holds."""
ANSWERED = Climate(
    "answered",
    (),
    Cruelty(0, stop="answered", still=3.0),
    patients=8,
    backlog=24,
    lease_seconds=2.0,
)
"""A worker stands still for longer than its leases last: what it knows then is out of date."""
FOR_SABOTAGES = (PLAIN, LOSSY, BUSY, REFUSING, SENDING, ANSWERED)
"""In each of them some sabotages must show, and the engine as it is must break no promise."""
