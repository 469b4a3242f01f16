"""How workers are dealt with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Stop = Literal["sending", "answered"]


@dataclass(frozen=True, slots=True)
class Cruelty:
    """How workers are dealt with: `pace` is between two blows, in seconds.

    `standstills` is the share of blows that stop a worker for longer than its leases last, and do
    not kill it. `steps` is how much is to be acknowledged at least before it is over.

    With `stop`, nothing is left to chance: the first worker stops itself once, just before its
    first bundle leaves or just after its answer has come, and stands still for `still` seconds and
    until another has settled what it has sent, if it has anything to send; then both are killed.
    """

    kills: int
    pace: tuple[float, float] = (0.02, 0.25)
    standstills: float = 0.02
    steps: int = 60
    stop: Stop | None = None
    still: float = 0.0
