"""The parts that a text plan reads: what each is read as, and how its data are written again."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple

import msgspec

# Numbers of the usual form: without exponents, and never minus zero, which servers do not keep.
_UNSIGNED = re.compile(rb"[1-9][0-9]{0,8}|0").fullmatch
_NUMBERS: Mapping[str, Callable[[Any], object]] = {
    "decimal": re.compile(rb"(?:-?[1-9][0-9]{0,14}|0)(?:\.[0-9]{1,15})?").fullmatch,
    "integer": _UNSIGNED,
    "unsignedInt": _UNSIGNED,
    "positiveInt": re.compile(rb"[1-9][0-9]{0,8}").fullmatch,
}


class Part(NamedTuple):
    """What a value is read as, the source that gives it as data, and the parts of it.

    `is_constant` says that it is always the example's.
    """

    type: Any
    data: str
    is_constant: bool = False
    members: Mapping[str, Part] = MappingProxyType({})
    items: tuple[Part, ...] = ()


_PRESENCE = Part(None, "None", is_constant=True)


def object_of(parts: Mapping[str, Part]) -> Part:
    """Return an object that has all of some members, and no other."""
    data = ", ".join(f"{name!r}: {part.data}" for name, part in parts.items())
    is_constant = all(part.is_constant for part in parts.values())
    made = class_of({name: part.type for name, part in parts.items()})
    return Part(made, f"{{{data}}}", is_constant, members=parts)


def list_of(parts: Sequence[Part]) -> Part:
    """Return a list that is as long as the parts."""
    data = ", ".join(part.data for part in parts)
    is_constant = all(part.is_constant for part in parts)
    return Part(items_of([part.type for part in parts]), f"[{data}]", is_constant, items=(*parts,))


def items_of(types: Sequence[Any]) -> Any:
    """Return the type of a list of items of some types."""
    return tuple.__class_getitem__(tuple(types))


def class_of(types: Mapping[str, Any]) -> Any:
    """Return the class of objects that have all of some members, and no other.

    The members are its attributes ``f0``, ``f1``, and so on. Equal members make one class.
    """
    return _class(tuple(types.items()))


@lru_cache(maxsize=1024)
def _class(members: tuple[tuple[str, Any], ...]) -> Any:
    return msgspec.defstruct(
        "Shape",
        [(f"f{index}", type_) for index, (_, type_) in enumerate(members)],
        rename={f"f{index}": name for index, (name, _) in enumerate(members)},
        forbid_unknown_fields=True,
        gc=False,
    )


def trimmed(part: Part, paths: Sequence[str]) -> Part:
    """Return a part with no more than an invariant looks at, by paths from there; "" is all."""
    if "" in paths or part.is_constant:
        return part
    if part.items:
        return list_of([trimmed(item, paths) for item in part.items])
    steps = [path.partition(".") for path in paths]
    read = {}
    for name, inner in part.members.items():
        if any(step.endswith("[x]") and name.startswith(step[:-3]) for step, _, _ in steps):
            read[name] = _PRESENCE
        elif further := [rest for step, _, rest in steps if step == name]:
            read[name] = trimmed(inner, further)
    return object_of(read)


def pair_of(coding: Part) -> str:
    """Return the source of the system and code of a Coding or Quantity."""
    found = [coding.members[name].data if name in coding.members else "None"
             for name in ("system", "code")]  # fmt: skip
    return f"({', '.join(found)})"


def shape_of(value: Any) -> Any:
    """Return what two values have in common that are read alike.

    >>> shape_of([{"a": 1}]) == shape_of([{"a": 2}])
    True
    """
    if isinstance(value, dict):
        return tuple((name, shape_of(item)) for name, item in value.items())
    if isinstance(value, list):
        return tuple(shape_of(item) for item in value)
    return value.__class__ if isinstance(value, str | bool) else None


def number_look(type_name: str) -> Callable[[Any], object] | None:
    """Return what is true of a number as it is written in JSON; None for what is no number."""
    return _NUMBERS.get(type_name)


def number(written: Any) -> int | Decimal:
    """Return a number that was looked at."""
    text = bytes(written)
    return Decimal(text.decode()) if b"." in text else int(text)
