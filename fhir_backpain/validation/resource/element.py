"""The rules of one resource type or profile, as both judges of a resource read them.

`walk` tells every problem and `certainty` says quickly that there is none: both read these rules,
so that a rule is written once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fhir_backpain.validation.resource.invariant import Rule
from fhir_backpain.validation.resource.primitive import Refusal


class _Absent:
    """No value is fixed: None would be JSON's null."""

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT = _Absent()


@dataclass(frozen=True, slots=True)
class Codes:
    """The codes of a value set that a binding requires: alone, and with their system."""

    value_set: str
    codes: frozenset[str]
    pairs: frozenset[tuple[str | None, str]]


@dataclass(frozen=True, slots=True)
class Discriminator:
    """How items are told apart: by the value at a path, or by its type.

    FHIR: ElementDefinition.slicing.discriminator
    """

    by: str
    path: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Slice:
    """One kind of item of a sliced list; `member` holds the rules of its items."""

    name: str
    min: int
    max: int | None
    member: Member


@dataclass(frozen=True, slots=True)
class Slicing:
    """How the items of a list fall into slices; `is_closed` lets no other item in."""

    discriminators: tuple[Discriminator, ...]
    is_closed: bool
    slices: tuple[Slice, ...]


@dataclass(frozen=True, slots=True)
class Member:
    """The rules of one member of a JSON object, which has one concrete type.

    `refuse` judges a primitive. `content` names the rules of an object, `own` are those that a
    profile changed. `codes` are those of a required binding, as far as they are known.
    """

    name: str
    type: str
    min: int
    max: int | None
    is_list: bool
    refuse: Refusal | None
    content: str
    targets: tuple[str, ...] = ()
    codes: Codes | None = None
    own: Content | None = None
    fixed: Any = ABSENT
    pattern: Any = ABSENT
    slicing: Slicing | None = None
    rules: tuple[Rule, ...] = ()


@dataclass(frozen=True, slots=True)
class Choice:
    """Members of which at most one may be there: ``value[x]``; one must where `min` is 1."""

    stem: str
    min: int
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Content:
    """The rules of a JSON object: its members by name, its choices, its invariants."""

    name: str
    is_resource: bool
    members: Mapping[str, Member]
    choices: tuple[Choice, ...] = ()
    rules: tuple[Rule, ...] = ()
    required: tuple[str, ...] = field(default=())


def required_names(members: Mapping[str, Member]) -> tuple[str, ...]:
    """Return the names of the members that must be there."""
    return tuple(name for name, member in members.items() if member.min > 0)
