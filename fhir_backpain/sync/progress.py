"""How sending tells how far it is."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Takes note of progress; called from the thread that sends, after every bundle."""

    def advanced(self, done: int, total: int, rate: float) -> None:
        """Take note: `done` of `total` records are through, `rate` per second in this run."""
