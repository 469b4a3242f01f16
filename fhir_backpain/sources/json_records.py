"""JSON: one record, records one after another, or a list that is read record by record."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from fhir_backpain.outcome import Issue, SourceLocation
from fhir_backpain.record import Reading, RejectedRecord
from fhir_backpain.sources.byte_cursor import ByteCursor
from fhir_backpain.sources.json_splitter import Piece, take_value
from fhir_backpain.sources.limits import LIMITS, SourceLimits
from fhir_backpain.sources.messages import (
    BROKEN_LIST,
    CUT_OFF,
    LOST_PLACE,
    RECORD_TOO_LONG,
    TEXT_AFTER_END,
)
from fhir_backpain.sources.reading import read_record, rejected, until_stopped


def read_json(
    stream: BinaryIO, file: str | None = None, limits: SourceLimits = LIMITS
) -> Iterator[Reading]:
    """Yield a reading for each object of `stream`, or for each element of its one list.

    Each location names the line and column of the record's first character. A broken element
    is reported and the next one read; where no next one can be found, the last reading has a
    fatal issue. Raises SourceError for a source without any record.
    """
    place = SourceLocation(file=file)
    return until_stopped(_JsonReader(stream, place, limits).readings(), place)


class _JsonReader:
    def __init__(self, stream: BinaryIO, place: SourceLocation, limits: SourceLimits) -> None:
        self._cursor = ByteCursor(stream)
        self._place = place
        self._limits = limits
        self._stopped = False

    def readings(self) -> Iterator[Reading]:
        self._cursor.pass_bom()
        first = self._cursor.peek()
        if first == b"[":
            yield from self._elements()
        else:
            yield from self._one_after_another(first)
        if not self._stopped and self._cursor.peek():
            yield rejected(TEXT_AFTER_END, "Text follows the end of the JSON.", self._here())

    def _one_after_another(self, first: bytes) -> Iterator[Reading]:
        if first:
            yield self._record()
        while not self._stopped and self._cursor.peek() == b"{":
            yield self._record()

    def _elements(self) -> Iterator[Reading]:
        after_value, first, sound = False, True, True
        self._pass_one()
        while (char := self._cursor.peek()) != b"]":
            if not char:
                self._stopped = True
                yield rejected(CUT_OFF, "The list of records is not closed.", self._here())
                return
            if char == b",":
                if not after_value:
                    yield rejected(BROKEN_LIST, "A record is missing here.", self._here())
                self._pass_one()
                after_value, first = False, False
                continue
            if after_value and sound:
                yield rejected(BROKEN_LIST, "A comma is missing here.", self._here())
            reading = self._record()
            # What follows a broken value without a comma is part of it, and was reported.
            if sound or not after_value or char == b"{" or self._stopped:
                yield reading
            if self._stopped:
                return
            after_value, sound = True, not isinstance(reading, RejectedRecord)
        if not after_value and not first:
            yield rejected(BROKEN_LIST, "A comma stands before the list's end.", self._here())
        self._pass_one()

    def _record(self) -> Reading:
        piece = take_value(self._cursor, self._limits.max_record)
        place = self._place.at(line=piece.line, column=piece.column)
        reading = self._reading(piece, place)
        if piece.lost:
            return self._stop(LOST_PLACE.issue("Too many brackets are open.", source=place), place)
        if not piece.complete:
            text = "The source ends inside this record."
            return self._stop(CUT_OFF.issue(text, source=self._here()), place, reading)
        return reading

    def _reading(self, piece: Piece, place: SourceLocation) -> Reading:
        if piece.text is None:
            text = f"The record has more than {self._limits.max_record} bytes."
            return rejected(RECORD_TOO_LONG, text, place)
        return read_record(piece.text, place, self._limits)

    def _stop(
        self, issue: Issue, place: SourceLocation, reading: Reading | None = None
    ) -> RejectedRecord:
        self._stopped = True
        more = reading.issues if isinstance(reading, RejectedRecord) else ()
        return RejectedRecord((issue, *more), place)

    def _pass_one(self) -> None:
        self._cursor.move_to(self._cursor.at + 1)

    def _here(self) -> SourceLocation:
        return self._place.at(line=self._cursor.line, column=self._cursor.column)
