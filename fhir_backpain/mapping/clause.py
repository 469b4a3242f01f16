"""The clauses of a condition: ``PATH is present``, ``PATH is not WORD``, joined with ``and``.

``PATH is WORD or WORD`` holds for each of some words. ``LIST.MEMBER has WORD or WORD`` asks whether
an element of a list has one of them.

Everyone who asks what a condition says reads it here: compiler, checks, trace and the way back.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

_WORD = "[A-Za-z0-9._-]+"
NO_WORD = "no word"
"""Stands for the words of a concept map without rows."""
_CLAUSE = re.compile(
    rf"^(?P<path>\S+) is (?P<negated>not )?(?P<words>{NO_WORD}|{_WORD}( or {_WORD})*)$"
)
_ALONE = frozenset({"present", "missing", "true", "false"})
_HOLDING = re.compile(
    rf"^(?P<path>\S+)\.(?P<member>[A-Za-z0-9_]+) has (?P<words>{_WORD}( or {_WORD})*)$"
)


@dataclass(frozen=True, slots=True)
class Holding:
    """One test of a source list: an element of it has one of some words at `member`."""

    path: str
    member: str
    words: tuple[str, ...]

    def at(self, path: str) -> str:
        """Return the clause as text, with another path of the list."""
        return f"{path}.{self.member} has {' or '.join(self.words)}"


@dataclass(frozen=True, slots=True)
class Clause:
    """One test of a source value: is it one of some words, or present, missing, true, false?"""

    path: str
    words: tuple[str, ...]
    is_negated: bool

    @property
    def word(self) -> str:
        """The word, where there is one alone; else an empty text."""
        return self.words[0] if len(self.words) == 1 else ""

    def holds(self, value: Any) -> bool:
        """True where the test holds for a value; None is a missing one."""
        return self._is_met(value) != self.is_negated

    def _is_met(self, value: Any) -> bool:
        if self.word in ("present", "missing"):
            return (value is None) == (self.word == "missing")
        if isinstance(value, bool):
            return self.word == ("true" if value else "false")
        return value in self.words

    def at(self, path: str) -> str:
        """Return the clause as text, with another path."""
        words = " or ".join(self.words) or NO_WORD
        return f"{path} is {'not ' if self.is_negated else ''}{words}"


def read_clauses(condition: str) -> list[Clause]:
    """Return the tests of single values; an unreadable one, which the compiler tells, is none."""
    found = [read_clause(text) for text in split_clauses(condition)]
    return [clause for clause in found if clause is not None]


def split_clauses(condition: str) -> list[str]:
    """Return the texts of the clauses of a condition."""
    return [text.strip() for text in condition.split(" and ")]


def read_clause(text: str) -> Clause | None:
    """Return the clause that a text is, or None where it is none."""
    found = _CLAUSE.match(text)
    if found is None:
        return None
    words = () if found["words"] == NO_WORD else tuple(found["words"].split(" or "))
    if len(words) > 1 and not _ALONE.isdisjoint(words):
        return None
    return Clause(found["path"], words, bool(found["negated"]))


def read_holdings(condition: str) -> list[Holding]:
    """Return the tests of lists in a condition."""
    found = [read_holding(text) for text in split_clauses(condition)]
    return [holding for holding in found if holding is not None]


def read_holding(text: str) -> Holding | None:
    """Return the test of a list that a text is, or None where it is none."""
    found = _HOLDING.match(text)
    if found is None:
        return None
    return Holding(found["path"], found["member"], tuple(found["words"].split(" or ")))
