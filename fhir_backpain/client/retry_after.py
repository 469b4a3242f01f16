"""Retry-After: seconds or a date, believed only within reason.

HTTP: RFC 9110, section 10.2.3
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

MAX_SECONDS = 24 * 3600.0
_SECONDS = re.compile(r"[0-9]{1,12}(\.[0-9]{1,9})?", re.ASCII)


def parse_retry_after(value: str | None, now: datetime) -> float | None:
    """Return the seconds to wait, at most a day, or None where nothing usable is said.

    >>> parse_retry_after("120", datetime.now(UTC))
    120.0
    """
    text = (value or "").strip()
    if _SECONDS.fullmatch(text):
        return min(float(text), MAX_SECONDS)
    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, ValueError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(max((moment - now).total_seconds(), 0.0), MAX_SECONDS)


def parse_retry_after_now(value: str | None) -> float | None:
    """Return the seconds to wait from now on."""
    return parse_retry_after(value, datetime.now(UTC))
