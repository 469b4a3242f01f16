"""The lines of a CSV source as text, each decoded by itself, so that a bad one stays alone."""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, cast

from fhir_backpain.errors import SourceError
from fhir_backpain.outcome import Issue, SourceLocation
from fhir_backpain.sources.byte_cursor import read_some
from fhir_backpain.sources.lines import Line, read_lines
from fhir_backpain.sources.messages import RECORD_TOO_LONG, UNKNOWN_ENCODING, WRONG_ENCODING

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_CHUNK = 64 * 1024
_ASCII = bytes(range(128))


@dataclass(frozen=True, slots=True)
class TextLine:
    """One physical line with its end, or the issue that stands in its place."""

    number: int
    text: str
    issue: Issue | None = None


def is_ascii_based(encoding: str) -> bool:
    """True where ASCII text is the same bytes in `encoding`. Raises SourceError if unknown."""
    try:
        return _ASCII.decode(encoding) == _ASCII.decode("ascii")
    except UnicodeError:
        return False
    except (LookupError, ValueError):
        issue = UNKNOWN_ENCODING.issue("There is no text encoding of the name that was given.")
        raise SourceError(issue) from None


def read_text_lines(
    stream: BinaryIO, encoding: str, place: SourceLocation, limit: int
) -> Iterator[TextLine]:
    """Yield the lines of `stream`; a line that is too long or not decodable carries an issue."""
    if is_ascii_based(encoding):
        name = "utf-8" if codecs.lookup(encoding).name == "utf-8-sig" else encoding
    else:
        stream = cast(BinaryIO, io.BufferedReader(_Utf8Stream(stream, encoding, place)))
        name = "utf-8"
    for line in read_lines(stream, limit):
        yield _text_line(line, name, place.at(line=line.number), limit)


def _text_line(line: Line, encoding: str, place: SourceLocation, limit: int) -> TextLine:
    if line.data is None:
        text = f"The line has more than {limit} bytes."
        return TextLine(line.number, "", RECORD_TOO_LONG.issue(text, source=place))
    try:
        text = line.data.decode(encoding)
    except UnicodeError as error:
        offset = line.offset + getattr(error, "start", 0)
        column = len(line.data[: offset - line.offset].decode(encoding, "replace")) + 1
        problem = f"The byte at offset {offset} of the file is not {encoding}."
        issue = WRONG_ENCODING.issue(problem, source=place.at(column=column))
        return TextLine(line.number, "", issue)
    return TextLine(line.number, text.removeprefix("\ufeff") if line.number == 1 else text)


class _Utf8Stream(io.RawIOBase):
    """A stream in an encoding that is not based on ASCII, such as UTF-16, given as UTF-8."""

    def __init__(self, stream: BinaryIO, encoding: str, place: SourceLocation) -> None:
        super().__init__()
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder(encoding)()
        self._encoding = encoding
        self._place = place
        self._taken = 0
        self._ahead = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer).cast("B")
        ended = False
        while not self._ahead and not ended:
            raw = read_some(self._stream, _CHUNK)
            ended = not raw
            self._ahead = self._decoded(raw, ended)
        data = self._ahead[: len(view)]
        self._ahead = self._ahead[len(data) :]
        view[: len(data)] = data
        return len(data)

    def _decoded(self, raw: bytes, final: bool) -> bytes:
        try:
            text = self._decoder.decode(raw, final).encode()
        except UnicodeError as error:
            offset = self._taken + getattr(error, "start", 0)
            problem = f"Near byte {offset} the file is not {self._encoding}."
            raise SourceError(WRONG_ENCODING.issue(problem, source=self._place)) from None
        self._taken += len(raw)
        return text
