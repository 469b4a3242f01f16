"""A compiled mapping with code of its own for the shapes of records that come often.

Records of one source are filled in on the same form, so most share a few shapes. The first records
run through the general code. A shape that comes often gets a function without a branch, made once;
every other record, and whatever that function cannot do, stays with the general code.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any

from fhir_backpain.mapping.special.evaluation import Evaluation, NoShapeError
from fhir_backpain.mapping.special.exactness import exactness_of
from fhir_backpain.mapping.special.facts import RECORD, Facts, facts_of
from fhir_backpain.mapping.special.residual import function_of
from fhir_backpain.mapping.special.specializer import specialized

Make = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Exactly:
    """What it takes to know how long the text of a record is: see `exactness`.

    `encode` writes a record as compact JSON; `absent_name` names what stands for a missing object.
    """

    encode: Callable[[Any], bytes]
    absent_name: Callable[[str], str]


FIRST = 200
"""Records that run through the general code before shapes are looked at."""

OFTEN = 40
"""How often a shape must have come before it gets a function of its own."""

KEPT = 64
"""Shapes that have one: each holds some tens of kilobytes."""

_COUNTED = 4096


class Shapes:
    """Calls the general function of a mapping, or the one of a record's shape.

    `text` is the source of the general function and `names` are its globals. The `first` records
    run through it; a shape that came `often` after them gets a function of its own.
    `make` takes a typed record; it changes as shapes become known, so it must be asked for anew.
    It returns what `general` returns. Safe in threads: the worst is a shape made twice.

    Where `exactly` is given, `make` takes the length of the record's text too. It returns None
    unless that length proves that the text says no more than the record (see `exactness`).
    """

    def __init__(
        self,
        general: Make,
        text: str,
        names: Mapping[str, Any],
        record_class: Any,
        *,
        exactly: Exactly | None = None,
        first: int = FIRST,
        often: int = OFTEN,
    ) -> None:
        self.make: Make = self._begin
        self.exactly = exactly
        self._general = general if exactly is None else _unproven
        self._text = text
        self._names = names
        self.record_class = record_class
        self._left = first
        self._often = often
        self._known: dict[Hashable, Make] = {}
        self._counts: dict[Hashable, int] = {}
        self._shape_of: Callable[[Any], Hashable] | None = None

    def own(self, record: Any) -> Make | None:
        """Return the function of a record's shape, None where it has none yet.

        It is the general one where no other can be made.
        """
        return None if self._shape_of is None else self._known.get(self._shape_of(record))

    def _begin(self, *record: Any) -> Any:
        self._left -= 1
        if self._left > 0:
            return self._general(*record)
        self.make = self._dispatcher()
        return self.make(*record)

    def _dispatcher(self) -> Make:
        """Return the function that looks up the shape of a record."""
        (program,) = ast.parse(self._text).body
        assert isinstance(program, ast.FunctionDef)
        facts = facts_of(program, self.record_class)
        if self.exactly:
            facts.complete(self.exactly.absent_name)
        key = ast.unparse(facts.key(RECORD))
        given = f"{RECORD}, length" if self.exactly else RECORD
        text = f"def make({given}):\n    return (KNOWN.get({key}) or COUNTED)({given})\n"
        shape = f"def shape({RECORD}):\n    return {key}\n"
        names = dict(self._names)
        exec(text + shape, names)  # noqa: S102 - our own generated text
        shape_of = self._shape_of = names["shape"]

        def counted(record: Any, *length: int) -> Any:
            self._count(shape_of(record), program, facts, record)
            return self._general(record, *length)

        names |= {"KNOWN": self._known, "COUNTED": counted}
        made: Make = names["make"]
        return made

    def _count(self, shape: Hashable, program: ast.FunctionDef, facts: Facts, record: Any) -> None:
        """Count a shape that has no function, and make it one where it came often."""
        if len(self._counts) >= _COUNTED:
            self._counts.clear()
        count = self._counts[shape] = self._counts.get(shape, 0) + 1
        if count >= self._often:
            if len(self._known) >= KEPT:
                self._known.clear()
            del self._counts[shape]
            self._known[shape] = self._made(program, facts, record)

    def _made(self, program: ast.FunctionDef, facts: Facts, record: Any) -> Make:
        """Return the function of a record's shape: the general one where there can be none."""
        evaluation = Evaluation(self._names, facts, record)
        try:
            result = specialized(program, evaluation)
            exactness = exactness_of(evaluation, self.exactly.encode) if self.exactly else None
        except (NoShapeError, KeyError):
            # What the general code cannot map either, it tells at its place.
            return self._general
        names = {**self._names, **evaluation.functions}
        return function_of(result, evaluation.steps, names, exactness)


def _unproven(_record: Any, _length: int) -> None:
    """Return None: nothing is known of the length of the record's text."""
