"""How long the text of a record is, by its shape: a text of just that length hides nothing.

Whatever a lenient reader passes over makes a JSON text longer than it has to be: a field that is
given twice, white space, an escape. So where the length is the least that the values read from it
need, they are all that it says. Letters beyond ASCII count as longer, and are read strictly too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import msgspec

from fhir_backpain.mapping.special.evaluation import Evaluation, NoShapeError
from fhir_backpain.mapping.special.values import Source


@dataclass(slots=True)
class Exactness:
    """The least length of a record's text: `constant`, and what its values add.

    A text adds its length, a number that of its digits (where they have no exponent); a flag that
    is true takes one away, being shorter than one that is false.
    """

    constant: int
    texts: list[Source] = field(default_factory=list)
    numbers: list[Source] = field(default_factory=list)
    flags: list[Source] = field(default_factory=list)

    @property
    def sources(self) -> list[Source]:
        """Every value that the length depends on."""
        return [*self.texts, *self.numbers, *self.flags]


def exactness_of(evaluation: Evaluation, encode: Callable[[Any], bytes]) -> Exactness:
    """Return how long the text of a record of this shape is; `encode` writes compact JSON.

    Raises NoShapeError where the record that stands for the shape does not tell.
    """
    record = evaluation.record
    text = encode(record.value)
    if not text.isascii() or b"\\" in text:
        raise NoShapeError("The text of the record is longer than its values.")
    found = Exactness(len(text))
    _add(found, evaluation, record)
    return found


def _add(found: Exactness, evaluation: Evaluation, owner: Source) -> None:
    for one in msgspec.structs.fields(owner.value):
        value = getattr(owner.value, one.name)
        if value is not one.default:
            _add_member(found, evaluation, evaluation.member(owner, one.name), value)


def _add_member(found: Exactness, evaluation: Evaluation, member: Any, value: Any) -> None:
    if not isinstance(member, Source):
        return  # the same word for every record of the shape
    if isinstance(value, msgspec.Struct):
        _add(found, evaluation, member)
    elif isinstance(value, list):
        for item in evaluation.items(member):
            _add(found, evaluation, item)
    elif isinstance(value, bool):
        found.flags.append(member)
        found.constant += value
    elif isinstance(value, str):
        found.texts.append(member)
        found.constant -= len(value)
    elif isinstance(value, int | Decimal):
        found.numbers.append(member)
        found.constant -= len(str(value))
