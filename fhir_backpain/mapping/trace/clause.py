"""The clauses of a condition: ``PATH is present``, ``PATH is not WORD``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Clause:
    """One test of a source value."""

    path: str
    word: str
    is_negated: bool

    def holds(self, value: Any) -> bool:
        """True where the test holds for a value; None is a missing one."""
        return self._is_met(value) != self.is_negated

    def _is_met(self, value: Any) -> bool:
        if self.word in ("present", "missing"):
            return (value is None) == (self.word == "missing")
        if isinstance(value, bool):
            return self.word == ("true" if value else "false")
        return bool(value == self.word)

    def at(self, path: str) -> str:
        """Return the clause as text, with another path."""
        return f"{path} is {'not ' if self.is_negated else ''}{self.word}"


def read_clauses(condition: str) -> list[Clause]:
    """Return the clauses of a condition that was checked when its mapping was compiled."""
    return [_clause(text.strip()) for text in condition.split(" and ")]


def _clause(text: str) -> Clause:
    path, _, word = text.partition(" is ")
    return Clause(path.strip(), word.removeprefix("not ").strip(), word.startswith("not "))
