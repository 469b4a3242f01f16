"""What is known of a value while a compiled mapping runs for a shape instead of a record."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from fhir_backpain.mapping.special.facts import Facts


@dataclass(frozen=True, slots=True)
class Const:
    """The same value for every record of the shape; `name` is that of a global, if it is one."""

    value: Any
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """An object, a list or a leaf of the record, by its path from the record or from an element.

    `owner` is that element of a list, None for the record itself; `facts` are those of the owner.
    `value` is that of the record that stands for the shape: only what the facts say of it is the
    same for each record.
    """

    owner: Ref | None
    path: str
    facts: Facts = field(compare=False, repr=False)
    value: Any = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Text:
    """A text: what is the same for every record of the shape, and what each record puts there.

    None of its parts is a text of its own, and no two that never vary stand side by side.
    """

    parts: tuple[str | Value, ...]


@dataclass(slots=True)
class Items:
    """A list that the function builds."""

    values: list[Value]


@dataclass(frozen=True, slots=True)
class Ref:
    """What a step computes: all of it, or one of its results."""

    step: Step
    index: int | None = None


@dataclass(slots=True, eq=False)
class Step:
    """Something that is computed for each record: an operation on values.

    `kind` says how its operands are put together, and `name` with what: "call" a function, ask for
    a "method", look up the "row" of a table, make a "tuple", or take "all" elements of a list.
    `width` is how many results it is taken apart into, 0 where it is one.
    """

    kind: str
    name: str
    operands: tuple[Value, ...]
    width: int = 0


Value = Const | Source | Text | Items | Ref


def as_text(value: Value) -> Text | None:
    """Return a value as a text where its parts are known, else None."""
    if isinstance(value, Const) and isinstance(value.value, str):
        return Text((value.value,) if value.value else ())
    return value if isinstance(value, Text) else None


def text_of(values: list[str | Value]) -> Value:
    """Return the text that some parts make, neighbours that never vary joined."""
    parts: list[str | Value] = []
    for one in values:
        known = str(one.value) if isinstance(one, Const) else one
        if isinstance(known, Text):
            for part in known.parts:
                _append(parts, part)
        else:
            _append(parts, known)
    if not parts:
        return Const("")
    if len(parts) == 1 and isinstance(parts[0], str):
        return Const(parts[0])
    return Text(tuple(parts))


def _append(parts: list[str | Value], one: str | Value) -> None:
    if one == "":
        return
    if isinstance(one, str) and parts and isinstance(parts[-1], str):
        parts[-1] += one
    else:
        parts.append(one)
