"""What several texts have in common, found once they are written: it is then joined once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence

Part = Hashable
"""A piece of a text: a str that never varies, or whatever stands for one that does."""

_LONGEST = 15
_COST = 4
"""What a variable costs, in pieces of text that need not be joined."""


class Group:
    """A row of parts that several texts share."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self.parts = list(parts)


def grouped(rows: list[list[Part]]) -> list[Group]:
    """Put a group in place of what rows share, where that is worth it; return the groups.

    The rows are changed. A group may hold others, which come before it.
    """
    groups: list[Group] = []
    while True:
        best = _best([*rows, *(group.parts for group in groups)])
        if best is None:
            return _in_order(groups)
        group = Group(best)
        for row in [*rows, *(other.parts for other in groups)]:
            _replace(row, best, group)
        groups.append(group)


def _best(rows: list[list[Part]]) -> tuple[Part, ...] | None:
    """Return the row of parts that saves the most, None where none is worth a variable."""
    found: Counter[tuple[Part, ...]] = Counter()
    for row in rows:
        starts = [place for place, part in enumerate(row) if not isinstance(part, str)]
        for number, start in enumerate(starts):
            for end in starts[number + 1 :]:
                if end - start >= _LONGEST:
                    break
                found[tuple(row[start : end + 1])] += 1
    best = max(found, key=lambda parts: _saved(parts, found[parts]), default=None)
    return best if best is not None and _saved(best, found[best]) > 0 else None


def _saved(parts: tuple[Part, ...], times: int) -> int:
    return (times - 1) * (len(parts) - 1) - _COST


def _replace(row: list[Part], parts: tuple[Part, ...], group: Group) -> None:
    place, length = 0, len(parts)
    while place + length <= len(row):
        if tuple(row[place : place + length]) == parts:
            row[place : place + length] = [group]
        place += 1


def _in_order(groups: list[Group]) -> list[Group]:
    ordered: dict[Group, None] = {}

    def add(group: Group) -> None:
        for part in group.parts:
            if isinstance(part, Group):
                add(part)
        ordered.setdefault(group)

    for group in groups:
        add(group)
    return list(ordered)
