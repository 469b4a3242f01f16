"""Whether a JSON value has the form of a primitive datatype: its regex, and what a regex misses.

FHIR: http://hl7.org/fhir/R4/datatypes.html#primitive
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable
from decimal import Decimal
from functools import cache
from typing import Any

from fhir_backpain.definitions.definitions import Definitions
from fhir_backpain.definitions.type_definition import Primitive

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")
_OID = re.compile(r"urn:oid:[0-2](\.(0|[1-9][0-9]*))+")
_UUID = re.compile(r"urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_DATES = frozenset(("date", "dateTime", "instant"))
_URIS = frozenset(("uri", "url", "canonical", "oid", "uuid"))
_WHOLE = frozenset(("integer", "positiveInt", "unsignedInt"))

Refusal = Callable[[Any], str | None]
"""Says in words what is wrong with a value, never the value itself; None where it is good."""


def refusal_of(definitions: Definitions, name: str) -> Refusal | None:
    """Return how values of a primitive type are judged, or None where `name` is no primitive."""
    return _refusal(definitions, name)


@cache
def _refusal(definitions: Definitions, name: str) -> Refusal | None:
    primitive = definitions.primitive(name)
    if primitive is None:
        return None
    if primitive.json_kind == "boolean":
        return _boolean
    if primitive.json_kind == "number":
        return _whole_number(primitive) if name in _WHOLE else _decimal
    return _text(primitive)


def absolute(refuse: Refusal) -> Refusal:
    """Return the refusal of a uri that must be absolute, as that of a code system."""

    def refuse_relative(value: Any) -> str | None:
        reason = refuse(value)
        if reason is None and not _SCHEME.match(value):
            return "not an absolute URI"
        return reason

    return refuse_relative


def _boolean(value: Any) -> str | None:
    return None if value.__class__ is bool else "expected true or false"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def _decimal(value: Any) -> str | None:
    return None if _is_number(value) else "expected a number"


def _whole_number(primitive: Primitive) -> Refusal:
    lowest = {"positiveInt": 1, "unsignedInt": 0}.get(primitive.name, primitive.minimum)
    highest = primitive.maximum

    def refuse(value: Any) -> str | None:
        if not _is_number(value):
            return "expected a number"
        if not isinstance(value, int):
            return "expected a whole number, without a decimal point"
        if (lowest is not None and value < lowest) or (highest is not None and value > highest):
            return f"expected a whole number from {lowest} to {highest}"
        return None

    return refuse


def _text(primitive: Primitive) -> Refusal:
    # The s and S classes of HL7's expressions are those of XML Schema.
    matches = re.compile(primitive.regex or r"[\s\S]+", re.ASCII).fullmatch
    further = _further(primitive.name)
    longest = primitive.max_length

    def refuse(value: Any) -> str | None:
        if value.__class__ is not str:
            return "expected a text in quotes"
        if not value:
            return "the text is empty"
        if not matches(value):
            return f"not the form of {_article(primitive.name)}"
        if longest is not None and len(value) > longest:
            return f"longer than {longest} characters"
        return further(value)

    return refuse


def _further(name: str) -> Callable[[str], str | None]:
    if name in _DATES:
        return _not_in_calendar
    if name in _URIS:
        return _no_uri
    return _control_character


def _not_in_calendar(value: str) -> str | None:
    if len(value) < 10:
        return None
    year, month, day = int(value[:4]), int(value[5:7]), int(value[8:10])
    return None if day < 29 or day <= monthrange(year, month)[1] else "the calendar has no such day"


def _no_uri(value: str) -> str | None:
    if value.startswith("urn:oid:") and not _OID.fullmatch(value):
        return "urn:oid: is not followed by an OID"
    if value.startswith("urn:uuid:") and not _UUID.fullmatch(value):
        return "urn:uuid: is not followed by a UUID in lower case"
    if value.startswith(("oid:", "uuid:")):
        return "an OID or UUID begins with urn:"
    return _control_character(value)


def _control_character(value: str) -> str | None:
    return "a control character is in the text" if _CONTROL.search(value) else None


def _article(name: str) -> str:
    return f"{'an' if name[0] in 'aeio' else 'a'} {name}"
