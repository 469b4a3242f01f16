"""The lines of a byte stream, each with its number; none is held that is longer than allowed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

_CHUNK = 64 * 1024


@dataclass(frozen=True, slots=True)
class Line:
    """One physical line with its end, or None for the data of a line that is too long.

    `number` counts from 1, `offset` is the line's first byte in the stream.
    """

    number: int
    offset: int
    data: bytes | None


def read_lines(stream: BinaryIO, limit: int) -> Iterator[Line]:
    """Yield the lines of `stream`; one of more than `limit` bytes is passed over in pieces."""
    number = offset = 0
    while data := stream.readline(limit + 1):
        number += 1
        if len(data) <= limit or data.endswith(b"\n"):
            yield Line(number, offset, data)
            offset += len(data)
        else:
            yield Line(number, offset, None)
            offset += len(data) + _skip_line(stream)


def _skip_line(stream: BinaryIO) -> int:
    skipped = 0
    while data := stream.readline(_CHUNK):
        skipped += len(data)
        if data.endswith(b"\n"):
            break
    return skipped
