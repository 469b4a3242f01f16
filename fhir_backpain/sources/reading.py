"""One piece of a source made a reading: a source record, or a rejected one with its issues."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, TypeVar

from fhir_backpain.errors import SourceError
from fhir_backpain.fhir.json_text import parse
from fhir_backpain.outcome import Issue, Message, SourceLocation
from fhir_backpain.record import Reading, RejectedRecord, SourceRecord
from fhir_backpain.sources.limits import SourceLimits
from fhir_backpain.sources.messages import EMPTY_SOURCE, NOT_A_RECORD

T = TypeVar("T")

_MAX_ID = 128


def read_record(text: bytes, place: SourceLocation, limits: SourceLimits) -> Reading:
    """Return the record in one JSON text that begins at `place`, or why there is none."""
    try:
        data = parse(text, limits.json, start=place)
    except SourceError as error:
        return RejectedRecord(error.issues, place)
    if not isinstance(data, dict):
        return rejected(NOT_A_RECORD, f"Here stands {_kind(data)}, not a record.", place)
    record_id = data.get("id")
    known = isinstance(record_id, str) and len(record_id) <= _MAX_ID
    return SourceRecord(data, place.at(record=record_id if known else None))


def rejected(message: Message, text: str, place: SourceLocation) -> RejectedRecord:
    """Return a rejected record with one issue at `place`."""
    return RejectedRecord((message.issue(text, source=place),), place)


def until_stopped(
    readings: Iterable[T], place: SourceLocation, *, begun: bool = False
) -> Iterator[T | RejectedRecord]:
    """Yield the readings; where the source cannot be read any further, a fatal one ends them.

    Raises SourceError where not even one reading came out of the source, unless it has `begun`
    well, with a header for example.
    """
    try:
        for reading in readings:
            begun = True
            yield reading
    except SourceError as error:
        if not begun:
            raise
        yield RejectedRecord(tuple(map(_fatal, error.issues)), place)
        return
    if not begun:
        raise SourceError(EMPTY_SOURCE.issue("The source holds no record.", source=place))


def _fatal(issue: Issue) -> Issue:
    return replace(issue, severity="fatal")


def _kind(data: Any) -> str:
    if isinstance(data, list):
        return "a list"
    if isinstance(data, str):
        return "a text"
    if data is None or isinstance(data, bool):
        return "null, true or false"
    return "a number"
