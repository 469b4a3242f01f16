"""The lines of a function that is being written: a prelude, and a body with nested trials.

What a template needs of the record alone, and not of an element of a list, is computed once, in
the prelude, however many resources use it. Whether that is so shows only after it was emitted: so
each node is emitted into a trial, which then goes to the prelude or to where the node stands.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from fhir_backpain.outcome import MappingLocation


@dataclass(frozen=True, slots=True)
class CodeLine:
    """One line, its depth of indentation and the place of the mapping that it comes from."""

    depth: int
    text: str
    place: MappingLocation | None


@dataclass(slots=True)
class Trial:
    """Lines whose place is open; `is_bound` once they need a loop variable or a rule's key."""

    depth: int
    lines: list[CodeLine] = field(default_factory=list)
    is_bound: bool = False
    is_guarded: bool = False
    is_lazy: bool = False
    can_fail: bool = False

    @property
    def is_settled(self) -> bool:
        """True where the lines are computed once, in the prelude.

        What can fail is not computed for a rule that does not apply to the record.
        """
        must_wait = self.is_lazy and self.can_fail
        return not self.is_bound and not self.is_guarded and not must_wait


class CodeBuffer:
    """Collects lines at a depth, and settles trials."""

    def __init__(self) -> None:
        self.prelude: list[CodeLine] = []
        self.place: MappingLocation | None = None
        self._depth = 1
        self._trials = [Trial(1, is_bound=True)]
        self._names = 0
        self._guards = 0
        self._lazy = 0

    def add(self, text: str) -> None:
        """Add a line at the present depth."""
        self._trials[-1].lines.append(CodeLine(self._depth, text, self.place))

    def add_to_prelude(self, text: str) -> None:
        """Add a line to the prelude, whatever trial is open."""
        self.prelude.append(CodeLine(1, text, self.place))

    def fresh(self, start: str) -> str:
        """Return a variable name that is not in use."""
        self._names += 1
        return f"{start}{self._names}"

    def bind(self) -> None:
        """Say that what is being emitted depends on a loop variable or on the rule's own key."""
        self._trials[-1].is_bound = True

    def can_fail(self) -> None:
        """Say that what is being emitted can fail on a value that no mapping has a place for."""
        self._trials[-1].can_fail = True

    @contextmanager
    def lazily(self) -> Iterator[None]:
        """Say that what is added inside belongs to a rule or a list that may not apply."""
        self._lazy += 1
        yield
        self._lazy -= 1

    @contextmanager
    def block(self, head: str) -> Iterator[None]:
        """Indent what is added inside below `head`."""
        self.add(head)
        self._depth += 1
        yield
        self._depth -= 1

    @contextmanager
    def guard(self, head: str) -> Iterator[None]:
        """Indent below a condition; what is added inside must not be computed without it."""
        self._guards += 1
        with self.block(head):
            yield
        self._guards -= 1

    @contextmanager
    def trial(self) -> Iterator[Trial]:
        """Collect what is added inside apart, then settle it."""
        trial = Trial(self._depth, is_guarded=self._guards > 0, is_lazy=self._lazy > 0)
        self._trials.append(trial)
        yield trial
        self._trials.pop()
        outer = self._trials[-1]
        if not trial.is_settled:
            outer.lines += trial.lines
            outer.is_bound |= trial.is_bound
            outer.can_fail |= trial.can_fail
        else:
            shift = trial.depth - 1
            self.prelude += [
                CodeLine(line.depth - shift, line.text, line.place) for line in trial.lines
            ]

    def lines(self) -> list[CodeLine]:
        """Return the prelude and the body."""
        return [*self.prelude, *self._trials[0].lines]
