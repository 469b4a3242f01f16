"""Whether one FHIR dateTime is not after another, where their precision allows to tell.

FHIR: http://hl7.org/fhir/R4/datatypes.html#dateTime
"""

from __future__ import annotations

from datetime import datetime


def is_not_after(start: str, end: str) -> bool:
    """Return False only where `start` is surely after `end`; dates of wrong form are let pass.

    With the same day and no time in one of them nothing is sure.

    >>> is_not_after("2024-03-04T10:00:00+02:00", "2024-03-04T08:30:00Z")
    True
    """
    if len(start) == len(end) and start[19:] == end[19:] and start <= end:
        return True  # of one time zone, as most are
    if "T" in start and "T" in end:
        try:
            return _instant(start) <= _instant(end)
        except (ValueError, TypeError):
            return True
    shorter = min(len(start.partition("T")[0]), len(end.partition("T")[0]))
    return start[:shorter] <= end[:shorter]


def _instant(text: str) -> datetime:
    # A leap second is a second that Python's calendar does not have.
    return datetime.fromisoformat(text.replace(":60", ":59"))
