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


@dataclass(slots=True)
class CodeLine:
    """One line, its depth of indentation and the place of the mapping that it comes from.

    The text may be settled after the line was added; a line without text is left out.
    """

    depth: int
    text: str
    place: MappingLocation | None


@dataclass(slots=True)
class Trial:
    """Lines whose place is open; `is_bound` once they need a loop variable or a rule's key."""

    depth: int
    lines: list[CodeLine] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
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


@dataclass(slots=True)
class Group:
    """Assignments of the prelude that all give no text where one object of the record is missing.

    `known` are the variables that stood in the prelude before the group.
    """

    test: str
    known: frozenset[str]
    lines: list[CodeLine] = field(default_factory=list)
    names: list[str] = field(default_factory=list)

    def flat(self) -> list[CodeLine]:
        """Return the lines, under one test where that is worth it."""
        if len(self.names) == 1:
            return self.lines
        inner = [CodeLine(2, line.text, line.place) for line in self.lines]
        nothing = f"{' = '.join(self.names)} = ''"
        first, last = self.lines[0].place, self.lines[-1].place
        return [
            CodeLine(1, f"if {self.test}:", first),
            *inner,
            CodeLine(1, "else:", last),
            CodeLine(2, nothing, last),
        ]


class CodeBuffer:
    """Collects lines at a depth, and settles trials."""

    def __init__(self) -> None:
        self.prelude: list[CodeLine | Group] = []
        self._groups: dict[str, Group] = {}
        self.in_prelude: set[str] = set()
        self.place: MappingLocation | None = None
        self._depth = 1
        self._trials = [Trial(1, is_bound=True)]
        self._names = 0
        self._guards = 0
        self._lazy = 0

    def add(self, text: str) -> CodeLine:
        """Add a line at the present depth."""
        line = CodeLine(self._depth, text, self.place)
        self._trials[-1].lines.append(line)
        return line

    def assign(self, expression: str) -> str:
        """Add an assignment at the present depth and return its variable."""
        name = self.fresh("v")
        self.add(f"{name} = {expression}")
        self._trials[-1].names.add(name)
        return name

    def assign_in_prelude(
        self, expression: str, names: frozenset[str] = frozenset(), needs: str | None = None
    ) -> str:
        """Add an assignment to the prelude, whatever trial is open, and return its variable.

        `names` are the variables in the expression. Where `needs`, the test of whether an object
        is there, does not hold, the expression gives no text.
        """
        name = self.fresh("v")
        line = CodeLine(1, f"{name} = {expression}", self.place)
        if needs is None:
            self.prelude.append(line)
        else:
            group = self._groups.get(needs)
            if group is None or not names <= group.known.union(group.names):
                group = self._groups[needs] = Group(needs, frozenset(self.in_prelude))
                self.prelude.append(group)
            group.lines.append(line)
            group.names.append(name)
        self.in_prelude.add(name)
        return name

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

    @property
    def size(self) -> int:
        """How many lines stand where the present ones are added."""
        return len(self._trials[-1].lines)

    @contextmanager
    def lazily(self) -> Iterator[None]:
        """Say that what is added inside belongs to a rule or a list that may not apply."""
        self._lazy += 1
        yield
        self._lazy -= 1

    @contextmanager
    def block(self, head: str) -> Iterator[CodeLine]:
        """Indent what is added inside below `head`."""
        line = self.add(head)
        self._depth += 1
        yield line
        self._depth -= 1

    @contextmanager
    def guard(self, head: str) -> Iterator[CodeLine]:
        """Indent below a condition; what is added inside must not be computed without it."""
        self._guards += 1
        with self.block(head) as line:
            yield line
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
            outer.names |= trial.names
            outer.is_bound |= trial.is_bound
            outer.can_fail |= trial.can_fail
        else:
            self.in_prelude |= trial.names
            shift = trial.depth - 1
            self.prelude += [
                CodeLine(line.depth - shift, line.text, line.place) for line in trial.lines
            ]

    def lines(self) -> list[CodeLine]:
        """Return the prelude and the body."""
        prelude = [
            line
            for item in self.prelude
            for line in (item.flat() if isinstance(item, Group) else [item])
        ]
        return [line for line in (*prelude, *self._trials[0].lines) if line.text]
