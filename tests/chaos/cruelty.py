"""How workers are dealt with."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cruelty:
    """How workers are dealt with: `pace` is between two blows, in seconds.

    `standstills` is the share of blows that stop a worker for longer than its leases last, and do
    not kill it. `aimed` waits for a worker that sends, as far as there is one. `steps` is how much
    is to be acknowledged at least before it is over.
    """

    kills: int
    pace: tuple[float, float] = (0.02, 0.25)
    standstills: float = 0.02
    aimed: bool = False
    steps: int = 60
