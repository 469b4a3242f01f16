"""Log events: a name and fields, said by every room in the same way.

A field holds what the program made itself: tracking ids, states, numbers, counts, durations and
addresses of servers. Texts of records, of servers and of foreign exceptions are never fields.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fhir_backpain.telemetry.fault import told_fault

Field = str | int | float | bool | None | Sequence[str] | Mapping[str, int] | list[dict[str, Any]]

TREE = "fhir_backpain"
"""The name of the logger that all others of the package are below."""

_PLAIN = re.compile(r"[\w./:<>@*+-]+", re.ASCII)

# What nobody asked to log is not logged: without a handler Python writes warnings to stderr.
logging.getLogger(TREE).addHandler(logging.NullHandler())


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened; as text it is one line whatever the fields hold.

    >>> str(Event("settled", {"entry": "2f0c", "state": "sent", "status": None, "why": "a b"}))
    'settled entry=2f0c state=sent why="a b"'
    """

    name: str
    fields: Mapping[str, Field]

    def known(self) -> dict[str, Field]:
        """Return the fields that have a value."""
        return {name: value for name, value in self.fields.items() if value is not None}

    def __str__(self) -> str:
        words = [f"{name}={_word(value)}" for name, value in self.known().items()]
        return " ".join([self.name, *words])


def log(
    logger: logging.Logger,
    level: int,
    name: str,
    fault: BaseException | None = None,
    /,
    **fields: Field,
) -> None:
    """Log an event. Of `fault` the log shows kinds and places, never what it says."""
    if not logger.isEnabledFor(level):
        return
    # Not as exc_info: whoever has set up logging otherwise would see the words of the exception.
    told: Mapping[str, Field] = {} if fault is None else {"fault": told_fault(fault)}
    logger.log(level, Event(name, {**fields, **told}))


def _word(value: Field) -> str:
    if isinstance(value, str) and _PLAIN.fullmatch(value):
        return value
    return json.dumps(value)
