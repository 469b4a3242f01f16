"""The records of a JSON or NDJSON source, told apart by the first line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from fhir_backpain.record import Reading
from fhir_backpain.sources.byte_stream import ByteSource, open_source
from fhir_backpain.sources.json_records import read_json
from fhir_backpain.sources.limits import LIMITS, SourceLimits
from fhir_backpain.sources.ndjson import read_ndjson

_NDJSON_NAMES = (".ndjson", ".jsonl")


def open_records(path: str | Path, limits: SourceLimits = LIMITS) -> Iterator[Reading]:
    """Yield the readings of a .json, .ndjson or .jsonl file, also .gz, or of "-", standard input.

    A .json file or a pipe whose first line is an object of its own is read as NDJSON. The first
    step raises SourceError where nothing can be read; trouble halfway ends in a reading with a
    fatal issue, and then nothing behind it was read.
    """
    with open_source(path, limits) as source:
        read = read_ndjson if _is_ndjson(source) else read_json
        yield from read(source.stream, source.file, limits)


def _is_ndjson(source: ByteSource) -> bool:
    if source.file.removesuffix(".gz").endswith(_NDJSON_NAMES):
        return True
    first_line, _, rest = source.head.lstrip(b"\xef\xbb\xbf \t\r\n").partition(b"\n")
    if not first_line.startswith(b"{"):
        return False
    # Behind an object's opening line never comes another brace; so even a broken line is told.
    is_whole = first_line.count(b"{") == first_line.count(b"}") and bool(rest)
    return is_whole or rest.lstrip().startswith(b"{")
