"""Words for what was found and what was expected; no word repeats what a record says."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from decimal import Decimal
from difflib import get_close_matches
from typing import Any

_MANY = 14
_LONGEST_NAME = 60

_TYPES = {
    "object": "an object in braces",
    "array": "a list in square brackets",
    "string": "a text in double quotes",
    "number": "a number",
    "integer": "a whole number without a decimal point",
    "boolean": "true or false",
}


def kind_of(value: Any) -> str:
    """Return what kind of thing was found, without its value.

    >>> kind_of("L5/S1")
    'a text of 5 characters'
    """
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int):
        return "a whole number"
    if isinstance(value, Decimal | float):
        return "a decimal number"
    if isinstance(value, str):
        return f"a text of {counted(len(value), 'character')}" if value else "an empty text"
    if isinstance(value, list):
        return f"a list of {counted(len(value), 'entry', 'entries')}" if value else "an empty list"
    return "an object" if value else "an empty object"


def counted(number: int, one: str, many: str | None = None) -> str:
    """Return a number with its noun.

    >>> counted(1, "character")
    '1 character'
    """
    return f"{number} {one if number == 1 else many or one + 's'}"


def type_name(schema_type: str) -> str:
    """Return a JSON Schema type in plain words."""
    return _TYPES.get(schema_type, schema_type)


def any_of(words: Sequence[str], joint: str = "or") -> str:
    """Return the words as one list.

    >>> any_of(["score", "level", "missing_reason"])
    'score, level or missing_reason'
    """
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {joint} {words[-1]}"


def nearest(found: Any, known: Collection[str]) -> str | None:
    """Return the known word that is most like the one found, None where none is alike."""
    if not isinstance(found, str) or len(found) > _LONGEST_NAME:
        return None
    close = get_close_matches(found.lower().replace("_", "-"), list(known), n=1, cutoff=0.6)
    close = close or get_close_matches(found, list(known), n=1, cutoff=0.6)
    return close[0] if close else None


def expectation(found: Any, known: Collection[str], what: str) -> str:
    """Return a sentence on the words that are allowed, with the nearest one where one is near."""
    close = nearest(found, known)
    allowed = f"Expected {any_of(sorted(known))}" if len(known) <= _MANY else f"Expected {what}"
    guess = f' Did you mean "{close}"?' if close else ""
    return f"{allowed}, found {kind_of(found)}.{guess}"


def field_name(name: str) -> str:
    """Return a field's name for a message, cut short where it is no name at all."""
    shown = name if len(name) <= _LONGEST_NAME else name[:_LONGEST_NAME] + "…"
    return "".join(char if char.isprintable() else "?" for char in shown)
