"""Resident memory of processes while they run, and whether it stays within bounds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

SLACK_MIB = 6.0


class Sample(NamedTuple):
    """`progress` is the number of records settled, `life` counts the starts of the process."""

    progress: int
    mib: float
    life: int


@dataclass(slots=True)
class MemoryWatch:
    """The samples of one role; its process may be replaced by another."""

    samples: list[Sample] = field(default_factory=list)
    peak: float = 0.0

    def look(self, pid: int, progress: int, life: int = 0) -> None:
        """Take a sample; nothing where the process is gone."""
        status = memory_of(pid)
        if status is not None:
            now, highest = status
            self.samples.append(Sample(progress, now, life))
            self.peak = max(self.peak, highest)

    def halves(self, life: int | None = None) -> tuple[float, float]:
        """Return the highest sample of the first and of the second half, in all or of one life."""
        mine = [one.mib for one in self.samples if life in (None, one.life)]
        middle = len(mine) // 2
        return max(mine[:middle], default=0.0), max(mine[middle:], default=0.0)

    def slope(self, life: int, per: int) -> float:
        """Return by how many MiB a life grew while `per` records were settled, its start left out.

        The line of least squares over the last four fifths of its samples.
        """
        mine = [one for one in self.samples if one.life == life]
        return per * _slope([(one.progress, one.mib) for one in mine[len(mine) // 5 :]])

    def is_bounded(self, life: int | None = None) -> bool:
        """True where the second half needed no more than the first, but for a few MiB."""
        first, second = self.halves(life)
        return second <= first + SLACK_MIB


def memory_of(pid: int) -> tuple[float, float] | None:
    """Return the resident memory of a process and its highest so far in MiB, None if it is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return None
    found = {line.split(":")[0]: line.split()[1] for line in lines if line.startswith("Vm")}
    if "VmRSS" not in found:  # a process that has ended and was not waited for
        return None
    return int(found["VmRSS"]) / 1024, int(found["VmHWM"]) / 1024


def _slope(points: Sequence[tuple[float, float]]) -> float:
    if not points:
        return 0.0
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / spread if spread else 0.0
