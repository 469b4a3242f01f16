"""Plain words for the fields of a plan: dose 400 mg -> 600 mg, frequency 2/week -> 3/week."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from fhir_backpain.followup.history import plain_number

_UNITS = {"h": "hour", "d": "day", "wk": "week", "mo": "month"}
_LONG = 60


def schedule_words(schedule: dict[str, Any]) -> str:
    """Return how often: ``3/week``, ``1 per 2 weeks``, with the length of each time.

    >>> schedule_words({"frequency": 3, "period": 1, "period_unit": "wk"})
    '3/week'
    """
    return ", ".join([_frequency(schedule), *_length(schedule)])


def field_words(field: str, before: Any, after: Any) -> Iterator[tuple[str, str]]:
    """Yield (field, words) for a field that differs; a schedule gives a line for each of its parts.

    >>> list(field_words("dose", {"value": 400, "unit": "mg"}, {"value": 600, "unit": "mg"}))
    [('dose', 'dose 400 mg -> 600 mg')]
    """
    if field != "schedule" or not (before and after):
        yield field, _arrow(field.replace("_", " "), _value(before), _value(after))
        return
    first, second = _frequency(before), _frequency(after)
    if first != second:
        yield "schedule.frequency", _arrow("frequency", first, second)
    first, second = (", ".join(_length(one)) or "none" for one in (before, after))
    if first != second:
        yield "schedule.duration", _arrow("duration", first, second)


def _arrow(name: str, before: str, after: str) -> str:
    if max(len(before), len(after)) > _LONG:
        return f"{name} reworded"
    return f"{name} {before} -> {after}"


def _frequency(schedule: dict[str, Any]) -> str:
    period, unit = Decimal(schedule["period"]), _UNITS[schedule["period_unit"]]
    if period == 1:
        return f"{schedule['frequency']}/{unit}"
    return f"{schedule['frequency']} per {plain_number(period)} {unit}s"


def _length(schedule: dict[str, Any]) -> list[str]:
    if "duration" not in schedule:
        return []
    return [f"{plain_number(Decimal(schedule['duration']))} {schedule['duration_unit']}"]


def _value(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | Decimal):
        return plain_number(value)
    if isinstance(value, dict):
        return _object(value)
    if isinstance(value, list):
        return "; ".join(map(_value, value))
    return str(value)


def _object(value: dict[str, Any]) -> str:
    if value.keys() == {"value", "unit"}:
        return f"{_value(value['value'])} {value['unit']}"
    if "period_unit" in value:
        return schedule_words(value)
    if "start" in value:
        return f"{value['start']} to {value.get('end', 'open')}"
    if "identifier" in value:
        return str(value.get("name") or value["identifier"]["value"])
    return ", ".join(f"{name} {_value(item)}" for name, item in value.items())
