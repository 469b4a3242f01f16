"""FHIR instants as whole microseconds, which compare and subtract.

FHIR: http://hl7.org/fhir/R4/datatypes.html#instant
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

Instant = int
"""Microseconds since 1970 in UTC."""

SECOND = 1_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def instant_of(text: Any) -> Instant | None:
    """Return an instant's microseconds, None where the text is none or names no zone.

    >>> instant_of("1970-01-01T01:00:00.5+01:00")
    500000
    >>> instant_of("1970-01-01T01:00:00") is None
    True
    """
    try:
        moment = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return to_instant(moment) if moment.tzinfo else None


def to_instant(moment: datetime) -> Instant:
    """Return the microseconds of an aware datetime."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def write_instant(instant: Instant) -> str:
    """Return a FHIR instant in UTC, cut to milliseconds; nothing lies before 1970.

    >>> write_instant(500999)
    '1970-01-01T00:00:00.500Z'
    """
    moment = _EPOCH + timedelta(microseconds=max(instant, 0))
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
