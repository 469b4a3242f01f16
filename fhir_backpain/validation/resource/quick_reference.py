"""How plans look at references: literals of the usual form, ``Type/id``, told by one expression.

FHIR: http://hl7.org/fhir/R4/references.html#literal
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cached_property
from itertools import groupby
from typing import Any

from fhir_backpain.validation.resource.element import Member
from fhir_backpain.validation.resource.quick_primitive import Seen

_ID = r"/[A-Za-z0-9\-.]{1,64}"
# What many resources of one visit refer to.
_COME_AGAIN = frozenset(("Patient", "Encounter"))
_CANONICAL = "http://hl7.org/fhir/StructureDefinition/"


class Literals:
    """The literal references to some types: `seen` remembers, `are_all` looks at a whole list."""

    def __init__(self, types: Iterable[str]) -> None:
        names = sorted(types)
        self._types = _one_of(names)
        self.come_again = not _COME_AGAIN.isdisjoint(names)

    @cached_property
    def seen(self) -> Seen:
        """The literals that were found good, to be asked and taught."""
        return Seen(self.is_one)

    @cached_property
    def is_one(self) -> Callable[[Any], object]:
        """The look at one literal."""
        return re.compile(self._types + _ID).fullmatch

    @cached_property
    def joined(self) -> Callable[[list[str]], int]:
        """The look at many literals at once: their characters in all, 0 where one is no literal."""
        matches = re.compile(f"(?:{self._types}{_ID} )+").fullmatch

        def look(found: list[str]) -> int:
            text = " ".join(found)
            spaces = len(found) - 1
            # No literal holds a space: so many spaces, so many literals.
            is_good = text.count(" ") == spaces and matches(text + " ") is not None
            return len(text) - spaces if is_good else 0

        return look

    @cached_property
    def are_all(self) -> Callable[[Any], bool]:
        """The look at a list of references: True where each is a literal, and nothing else."""
        joined = self.joined

        def look(values: Any) -> bool:
            found = [value["reference"] for value in values if len(value) == 1]
            return values.__class__ is list and len(found) == len(values) and joined(found) > 0

        return look


class References:
    """The literals of one validator, by the types that an element may refer to."""

    def __init__(self, resource_types: frozenset[str]) -> None:
        self._every = resource_types
        self._known: dict[frozenset[str], Literals] = {}

    def literals(self, member: Member) -> Literals:
        """Return the literals that a member may hold."""
        types = wanted_types(member) or self._every
        if types not in self._known:
            self._known[types] = Literals(types)
        return self._known[types]


def wanted_types(member: Member) -> frozenset[str]:
    """Return the types that a reference must be to; none where it may be to any."""
    return frozenset(() if "Resource" in member.targets else member.targets)


def type_names(types: frozenset[str]) -> frozenset[str]:
    """Return what Reference.type may be for some types."""
    return types | {_CANONICAL + name for name in types}


def _one_of(names: list[str]) -> str:
    """Return the expression of some names, letter by letter: faster than one name by one.

    >>> _one_of(["Group", "Patient", "Person"])
    '(?:Group|P(?:atient|erson))'
    """
    if len(names) < 2:
        return "".join(names)
    parts = []
    for letter, group in groupby(names, lambda name: name[:1]):
        rest = [name[1:] for name in group]
        parts.append(letter + _one_of(rest) if letter else "")
    empty_last = sorted(parts, key=bool, reverse=True)
    return parts[0] if len(parts) == 1 else f"(?:{'|'.join(empty_last)})"
