"""Dates and times as records write them: partial, to the day, or with time and zone.

FHIR: date and dateTime, http://hl7.org/fhir/R4/datatypes.html#dateTime
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta

_DAY = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MAX_ZONE = timedelta(hours=14)


def is_partial_date(text: str) -> bool:
    """True for a year, month or day that the calendar has.

    >>> is_partial_date("2026-02"), is_partial_date("2026-02-30")
    (True, False)
    """
    return is_day((text + "-01-01")[:10] if len(text) < 10 else text)


def is_day(text: str) -> bool:
    """True for a date to the day that the calendar has."""
    if not _DAY.fullmatch(text):  # Python itself also takes weeks and dates without hyphens
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def is_instant(text: str) -> bool:
    """True for a date with time and zone; a second 60 is refused, as few systems can store it."""
    if not is_day(text[:10]) or text[10:11] != "T":
        return False
    moment = _moment(text)
    zone = moment.utcoffset() if moment else None
    return zone is not None and abs(zone) <= _MAX_ZONE


def is_date_time(text: str) -> bool:
    """True for a date to the day, or a date with time and zone."""
    return is_instant(text) if "T" in text else is_day(text)


def is_before(earlier: str, later: str) -> bool:
    """True where `earlier` is surely before `later`; where one has no time, days are compared.

    >>> is_before("2026-03-01", "2026-03-01T09:00:00Z")
    False
    """
    first, second = _moment(earlier), _moment(later)
    if first and second and first.tzinfo and second.tzinfo:
        return first < second
    if is_day(earlier[:10]) and is_day(later[:10]):
        return earlier[:10] < later[:10]
    return False


def _moment(text: str) -> datetime | None:
    if "T" not in text:
        return None
    try:
        return datetime.fromisoformat(_in_microseconds(text))
    except ValueError:
        return None


def _in_microseconds(text: str) -> str:
    """Cut the digits of a fraction that Python's own type cannot hold."""
    head, point, rest = text.partition(".")
    digits = len(rest) - len(rest.lstrip("0123456789"))
    return head + point + rest[: min(digits, 6)] + rest[digits:]
