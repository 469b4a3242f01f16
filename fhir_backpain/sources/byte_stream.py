"""The bytes of a file or of standard input, unpacked, with a look at what kind of file it is."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from fhir_backpain.errors import SourceError
from fhir_backpain.outcome import SourceLocation
from fhir_backpain.sources.byte_cursor import read_some
from fhir_backpain.sources.gunzip import MAGIC, GunzipStream
from fhir_backpain.sources.limits import LIMITS, SourceLimits
from fhir_backpain.sources.messages import (
    DAMAGED_GZIP,
    EMPTY_SOURCE,
    MISSING_SOURCE,
    UNREADABLE_SOURCE,
    WRONG_KIND,
)

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

STANDARD_INPUT = "-"
_CHUNK = 64 * 1024
_KINDS = {
    b"PK\x03\x04": "a zip file or an Excel workbook",
    b"\xd0\xcf\x11\xe0": "an old Excel or Word file",
    b"%PDF": "a PDF file",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"SQLite format 3\0": "a SQLite database",
    b"PAR1": "a Parquet file",
    b"\x1f\x8b": "gzip inside gzip",
    b"BZh": "a bzip2 file",
    b"\xfd7zXZ": "an xz file",
    b"\x28\xb5\x2f\xfd": "a zstd file",
    b"\xff\xfe": "text in UTF-16",
    b"\xfe\xff": "text in UTF-16",
    b"<?xml": "XML",
}


@dataclass(frozen=True, slots=True)
class ByteSource:
    """An open source: its unpacked bytes, its name for messages, and how it begins."""

    stream: BinaryIO
    file: str
    head: bytes


@contextmanager
def open_source(
    path: str | Path, limits: SourceLimits = LIMITS, *, utf8: bool = True
) -> Iterator[ByteSource]:
    """Open a file, or standard input for "-"; gzip is told by its first bytes and unpacked.

    Raises SourceError where nothing can be read: missing, a directory, no permission, empty, or,
    where `utf8` is asked for, not a text file.
    """
    name = "standard input" if str(path) == STANDARD_INPUT else str(path)
    place = SourceLocation(file=name)
    with _opened(path, place) as raw:
        stream = _HeadedStream(raw, place)
        if stream.head.startswith(MAGIC):
            packed = cast(BinaryIO, stream)
            unpacked = io.BufferedReader(GunzipStream(packed, name, limits), _CHUNK)
            stream = _HeadedStream(cast(BinaryIO, unpacked), place)
        elif name.endswith(".gz") and stream.head:
            text = "The file's name ends in .gz, but it is not packed by gzip."
            raise SourceError(DAMAGED_GZIP.issue(text, source=place))
        if not stream.head:
            raise SourceError(EMPTY_SOURCE.issue("The source holds nothing.", source=place))
        if utf8:
            _refuse_kind(stream.head, place)
        buffered = cast(BinaryIO, io.BufferedReader(stream, _CHUNK))
        yield ByteSource(buffered, name, stream.head)


@contextmanager
def _opened(path: str | Path, place: SourceLocation) -> Iterator[BinaryIO]:
    if str(path) == STANDARD_INPUT:
        yield sys.stdin.buffer
        return
    try:
        raw = Path(path).open("rb")  # noqa: SIM115 - closed below, where the name is known
    except (OSError, ValueError) as error:
        raise _refusal(error, place) from None
    with raw:
        yield raw


def _refusal(error: Exception, place: SourceLocation) -> SourceError:
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return SourceError(MISSING_SOURCE.issue("There is no such file.", source=place))
    reasons: dict[type[Exception], str] = {
        IsADirectoryError: "This is a directory, not a file.",
        PermissionError: "This user may not read the file.",
    }
    text = reasons.get(type(error), "The operating system cannot read it.")
    return SourceError(UNREADABLE_SOURCE.issue(text, source=place))


def _refuse_kind(head: bytes, place: SourceLocation) -> None:
    kind = next((kind for magic, kind in _KINDS.items() if head.startswith(magic)), None)
    kind = kind or _kind_by_control_characters(head)
    if kind:
        raise SourceError(WRONG_KIND.issue(f"This looks like {kind}.", source=place))


def _kind_by_control_characters(head: bytes) -> str | None:
    half = len(head) // 2
    if half > 1 and max(head[0::2].count(0), head[1::2].count(0)) > half * 3 // 4:
        return "text in UTF-16"
    controls = sum(byte < 9 or 13 < byte < 32 for byte in head)
    # A single stray character is one record's problem, not the file's.
    return "a binary file" if controls > 8 and controls * 20 > len(head) else None


class _HeadedStream(io.RawIOBase):
    """A stream whose first bytes were looked at, still whole; its failures are SourceErrors.

    `head` goes up to a line's end where one comes early, so that a slow pipe flows.
    """

    def __init__(self, rest: BinaryIO, place: SourceLocation) -> None:
        super().__init__()
        self._rest = rest
        self._place = place
        self._error: SourceError | None = None
        self.head = self._look()
        self._ahead = self.head

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer).cast("B")
        if not self._ahead and self._error:
            raise self._error
        data = self._ahead[: len(view)] or self._read(len(view))
        self._ahead = self._ahead[len(data) :]
        view[: len(data)] = data
        return len(data)

    def _look(self) -> bytes:
        head = b""
        try:
            while len(head) < _CHUNK and b"\n" not in head and (more := self._read(_CHUNK)):
                head += more
        except SourceError as error:
            if not head:
                raise
            self._error = error  # what came before it is still worth reading
        return head

    def _read(self, size: int) -> bytes:
        try:
            return read_some(self._rest, size)
        except (OSError, ValueError) as error:
            raise _refusal(error, self._place) from None
