"""FHIR dateTimes in an order that is the same whichever record comes first."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache

BEFORE_ALL = "0001-01-01"
"""A dateTime that no record is older than."""

Moment = tuple[datetime, int]
"""A second in UTC and the nanoseconds after it."""


@lru_cache(maxsize=4096)  # asked for each resource of a record, and again when it is settled
def moment_of(text: str) -> Moment:
    """Return when a dateTime begins; a date without a time begins at midnight UTC.

    FHIR: http://hl7.org/fhir/R4/datatypes.html#dateTime
    >>> moment_of("2024-05-01T02:00:00.5+02:00") > moment_of("2024-05-01")
    True
    """
    date, _, time = text.partition("T")
    if not time:
        year, month, day = [*map(int, date.split("-")), 1, 1][:3]
        return datetime(year, month, day, tzinfo=UTC), 0
    clock, zone = (time[:-1], "+00:00") if time.endswith("Z") else (time[:-6], time[-6:])
    seconds, _, fraction = clock.partition(".")
    whole = datetime.fromisoformat(f"{date}T{seconds}{zone}")
    try:
        whole = whole.astimezone(UTC)
    except OverflowError:  # within a day of the first or last year
        whole = whole.replace(tzinfo=UTC)
    return whole, int(fraction[:9].ljust(9, "0")) if fraction else 0
