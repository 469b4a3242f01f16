"""How a log line looks: one JSON object, or words; always one line without control characters."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import Any

from fhir_backpain.telemetry.event import TREE, Event
from fhir_backpain.telemetry.fault import told_fault


def told_record(record: logging.LogRecord) -> dict[str, Any]:
    """Return what a log record tells: `time`, `level`, `logger`, `event` and the event's fields.

    Of other libraries the place is told and not the text, which may hold anything.
    """
    told: dict[str, Any] = {
        "time": _instant(record.created),
        "level": record.levelname.lower(),
        "logger": record.name,
    }
    if isinstance(record.msg, Event):
        told |= {"event": record.msg.name, **record.msg.known()}
    elif is_ours(record):
        told |= {"event": "message", "text": record.getMessage()}
    else:
        told |= {"event": "foreign", "at": f"{record.module}:{record.lineno}"}
    error = record.exc_info[1] if record.exc_info else None
    return told if error is None else {**told, "fault": told_fault(error)}


def is_ours(record: logging.LogRecord) -> bool:
    """True where a logger of this package made the record."""
    return record.name == TREE or record.name.startswith(f"{TREE}.")


class JsonForm(logging.Formatter):
    """A JSON object on each line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, in ASCII: no character of it can end a line or steer a terminal."""
        return json.dumps(told_record(record))


class TextForm(logging.Formatter):
    """Time, level and the event in words."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        told = told_record(record)
        time, level, _ = told.pop("time"), told.pop("level"), told.pop("logger")
        return f"{time} {level:<7} {Event(told.pop('event'), told)}"


def _instant(seconds: float) -> str:
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
