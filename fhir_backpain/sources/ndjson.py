"""NDJSON: one record a line. http://ndjson.org, and FHIR bulk data's line format."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from fhir_backpain.outcome import SourceLocation
from fhir_backpain.record import Reading
from fhir_backpain.sources.limits import LIMITS, SourceLimits
from fhir_backpain.sources.lines import Line, read_lines
from fhir_backpain.sources.messages import RECORD_TOO_LONG
from fhir_backpain.sources.reading import read_record, rejected, until_stopped

_BOM = b"\xef\xbb\xbf"


def read_ndjson(
    stream: BinaryIO, file: str | None = None, limits: SourceLimits = LIMITS
) -> Iterator[Reading]:
    """Yield a reading for each line that is not blank; a bad line does not harm the others.

    A line over `limits.max_record` is reported and passed over without being held. Where the
    stream breaks halfway, the last reading has a fatal issue. Raises SourceError for a source
    without any record.
    """
    place = SourceLocation(file=file)
    return until_stopped(_readings(stream, place, limits), place)


def _readings(stream: BinaryIO, place: SourceLocation, limits: SourceLimits) -> Iterator[Reading]:
    for line in read_lines(stream, limits.max_record):
        text = _text(line)
        here = place.at(line=line.number, column=1)
        if text is None:
            too_long = f"The line has more than {limits.max_record} bytes."
            yield rejected(RECORD_TOO_LONG, too_long, here)
        elif text.strip(b" \t\r\n"):
            yield read_record(text, here, limits)


def _text(line: Line) -> bytes | None:
    if line.number == 1 and line.data is not None:
        return line.data.removeprefix(_BOM)
    return line.data
