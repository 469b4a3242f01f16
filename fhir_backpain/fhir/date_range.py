"""FHIR dates as ranges of time, and how a search prefix compares two of them.

A range is half open, ``low <= t < high``, in microseconds since 1970 (UTC). A date or time
without a zone counts as UTC. FHIR: http://hl7.org/fhir/R4/search.html#date
"""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import date, datetime, timedelta
from typing import Any, Literal, NamedTuple, get_args

Prefix = Literal["eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"]
PREFIXES: tuple[Prefix, ...] = get_args(Prefix)

EARLIEST = -(2**62)
LATEST = 2**62
_DAY = 86_400_000_000
_SECOND = 1_000_000
_EPOCH = datetime(1970, 1, 1)
_PATTERN = re.compile(
    r"(?P<year>\d{4})(?:-(?P<month>\d\d)(?:-(?P<day>\d\d)"
    r"(?:T(?P<hour>[01]\d|2[0-3]):(?P<minute>[0-5]\d)(?::(?P<second>[0-5]\d|60)"
    r"(?:\.(?P<fraction>\d+))?)?(?P<zone>Z|[+-](?:0\d|1[0-4]):[0-5]\d)?)?)?)?"
)


class DateRange(NamedTuple):
    """The time that a date, dateTime, instant or Period covers."""

    low: int
    high: int


def parse_date(text: str) -> DateRange | None:
    """Return the range that a FHIR date, dateTime or instant covers, None where it is none.

    >>> parse_date("1970-01-01") == (0, 86_400_000_000)
    True
    """
    match = _PATTERN.fullmatch(text) if text.isascii() else None
    if match is None:
        return None
    parts = match.groupdict()
    try:
        if parts["hour"] is None:
            return _calendar_range(parts)
        return _clock_range(parts)
    except ValueError:  # month 13, 30 February, year 0
        return None


def parse_period(value: dict[str, Any]) -> DateRange | None:
    """Return the range of a Period; a missing end is open."""
    start = _bound(value.get("start"))
    end = _bound(value.get("end"))
    if start is None and end is None:
        return None
    return DateRange(start.low if start else EARLIEST, end.high if end else LATEST)


def approximate(searched: DateRange, now: int) -> DateRange:
    """Return `searched` widened by a tenth of its distance from `now` (microseconds)."""
    distance = min(abs(now - searched.low), abs(now - searched.high))
    return DateRange(searched.low - distance // 10, searched.high + distance // 10)


def matches(prefix: Prefix, searched: DateRange, low: str, high: str) -> tuple[str, list[int]]:
    """Return the SQL condition, and its arguments, that compares a stored range with a prefix.

    `low` and `high` are the SQL expressions of the stored range. A range widened by
    `approximate` goes with ``ap``.
    """
    within = f"({low} >= ? AND {high} <= ?)"
    both = [searched.low, searched.high]
    table: dict[Prefix, tuple[str, list[int]]] = {
        "eq": (within, both),
        "ne": (f"NOT {within}", both),
        "gt": (f"{high} > ?", [searched.high]),
        "lt": (f"{low} < ?", [searched.low]),
        "ge": (f"({high} > ? OR {within})", [searched.high, *both]),
        "le": (f"({low} < ? OR {within})", [searched.low, *both]),
        "sa": (f"{low} >= ?", [searched.high]),
        "eb": (f"{high} <= ?", [searched.low]),
        "ap": (f"({low} < ? AND {high} > ?)", [searched.high, searched.low]),
    }
    return table[prefix]


def _bound(value: Any) -> DateRange | None:
    return parse_date(value) if isinstance(value, str) else None


def _calendar_range(parts: dict[str, str]) -> DateRange:
    year = int(parts["year"])
    if parts["month"] is None:
        return DateRange(_days(date(year, 1, 1)), _days(date(year, 12, 31)) + _DAY)
    month = int(parts["month"])
    if parts["day"] is None:
        length = monthrange(year, month)[1]
        low = _days(date(year, month, 1))
        return DateRange(low, low + length * _DAY)
    low = _days(date(year, month, int(parts["day"])))
    return DateRange(low, low + _DAY)


def _clock_range(parts: dict[str, str]) -> DateRange:
    second = min(int(parts["second"] or 0), 59)  # a leap second counts as the one before it
    fraction = (parts["fraction"] or "")[:6]
    year, month, day = int(parts["year"]), int(parts["month"]), int(parts["day"])
    moment = datetime(year, month, day, int(parts["hour"]), int(parts["minute"]), second)
    low = (moment - _EPOCH) // timedelta(microseconds=1) - _offset(parts["zone"])
    low += int(fraction.ljust(6, "0"))
    if parts["second"] is None:
        return DateRange(low, low + 60 * _SECOND)
    return DateRange(low, low + 10 ** (6 - len(fraction)))


def _days(day: date) -> int:
    return (day.toordinal() - _EPOCH.toordinal()) * _DAY


def _offset(zone: str | None) -> int:
    if zone in (None, "Z"):
        return 0
    sign = -1 if zone[0] == "-" else 1
    return sign * (int(zone[1:3]) * 60 + int(zone[4:6])) * 60 * _SECOND
