"""Remembers concepts that were found good: a mapping writes the same codes again and again.

What is kept holds texts alone, so that equality is identity: true equals 1, but no text equals
anything else. It is a copy, is bounded, and lives as long as the validator.
"""

from __future__ import annotations

import marshal
from collections.abc import Callable
from typing import Any

from fhir_backpain.validation.resource.element import Member

Sure = Callable[[Any], bool]

_MAX_PARTS = 1024
_MAX_BYTES = 4096
_MAX_ITEMS = 4

_CODE = '{a}["coding"][0]["code"]'
_LAST_CODE = '{a}[-1]["coding"][0]["code"]'
# Python source of the key under which a part is kept.


def is_remembered(member: Member) -> bool:
    """Return whether values of a member come again, as concepts do."""
    return member.type == "CodeableConcept"


def remembering(member: Member, look: Sure) -> Remembering:
    """Return a look that first asks the memory."""
    return Remembering(_LAST_CODE if member.is_list else _CODE, look)


class Remembering:
    """A look with a memory; `known` has the parts that were found good, by their keys."""

    __slots__ = ("_key", "_look", "_source", "known")

    def __init__(self, source: str, look: Sure) -> None:
        self.known: dict[Any, Any] = {}
        self._look = look
        self._source = source
        # Source from the table above alone.
        self._key: Callable[[Any], Any] = eval(f"lambda it: {source.format(a='it')}")  # noqa: S307

    def key_source(self, example: Any) -> str | None:
        """Return the source of the key that an example has, or None where it has none."""
        return None if self._key_of(example) is None else self._source

    def __call__(self, value: Any) -> bool:
        key = self._key_of(value)
        if key is None:
            return self._look(value)
        return self.known.get(key) == value or (self._look(value) and self._keep(key, value))

    def _key_of(self, value: Any) -> str | None:
        try:
            key = self._key(value)
        except (KeyError, IndexError, TypeError):
            return None
        return key if key.__class__ is str else None

    def _keep(self, key: str, value: Any) -> bool:
        """Keep a copy of a good value where there is room; always True."""
        is_short = value.__class__ is not list or len(value) <= _MAX_ITEMS
        has_room = len(self.known) < _MAX_PARTS or key in self.known
        if is_short and has_room and (copied := copy_of(value)) is not None:
            self.known[key] = copied
        return True


def copy_of(value: Any) -> Any | None:
    """Return a copy of what holds short texts alone, None of anything else."""
    try:
        copied = marshal.dumps(value)
    except ValueError:
        return None  # a Decimal: no text
    if len(copied) > _MAX_BYTES or not _is_text_only(value):
        return None
    return marshal.loads(copied)  # noqa: S302 (our own bytes, just written)


def _is_text_only(value: Any) -> bool:
    if value.__class__ is dict:
        return all(_is_text_only(item) for item in value.values())
    if value.__class__ is list:
        return all(_is_text_only(item) for item in value)
    return value.__class__ is str
