"""A gzip source unpacked while it is read, within limits.

RFC 1952, several members in one file included.
"""

from __future__ import annotations

import io
import zlib
from typing import TYPE_CHECKING, BinaryIO

from fhir_backpain.errors import SourceError
from fhir_backpain.outcome import Message, SourceLocation
from fhir_backpain.sources.limits import SourceLimits
from fhir_backpain.sources.messages import DAMAGED_GZIP, GZIP_TOO_LARGE

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

MAGIC = b"\x1f\x8b"
_CHUNK = 64 * 1024
_GZIP = 31  # zlib's wbits for "a gzip header, the largest window"


class GunzipStream(io.RawIOBase):
    """The unpacked bytes. Reading raises SourceError where the file is damaged or too large."""

    def __init__(self, packed: BinaryIO, file: str | None, limits: SourceLimits) -> None:
        super().__init__()
        self._packed = packed
        self._place = SourceLocation(file=file)
        self._limits = limits
        self._inflater = zlib.decompressobj(_GZIP)
        self._ahead = b""
        self._taken = 0
        self._given = 0

    def readable(self) -> bool:
        """True: this stream can only be read."""
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Fill `buffer` with unpacked bytes; 0 at the end."""
        view = memoryview(buffer).cast("B")
        data = self._unpacked(len(view))
        view[: len(data)] = data
        return len(data)

    def _unpacked(self, size: int) -> bytes:
        while not self._inflater.eof or self._next_member():
            packed = self._ahead or self._read()
            try:
                data = self._inflater.decompress(packed, size)
            except zlib.error:
                raise self._error(DAMAGED_GZIP, "The packed data are damaged") from None
            self._ahead = self._inflater.unconsumed_tail or self._inflater.unused_data
            if data:
                self._count(len(data))
                return data
            if not packed and not self._inflater.eof:
                raise self._error(DAMAGED_GZIP, "The gzip file is cut off")
        return b""

    def _next_member(self) -> bool:
        while not self._ahead.lstrip(b"\0"):  # padding after the last member is allowed
            self._ahead = self._read()
            if not self._ahead:
                return False
        self._ahead = self._ahead.lstrip(b"\0")
        if not MAGIC.startswith(self._ahead[:2]):
            raise self._error(DAMAGED_GZIP, "Something else follows the packed data")
        self._inflater = zlib.decompressobj(_GZIP)
        return True

    def _read(self) -> bytes:
        data = self._packed.read(_CHUNK)
        self._taken += len(data)
        return data

    def _count(self, size: int) -> None:
        self._given += size
        if self._given > self._limits.max_unpacked:
            limit = self._limits.max_unpacked
            raise self._error(GZIP_TOO_LARGE, f"More than {limit} bytes come out of it")
        allowed = max(8 * self._limits.max_record, self._taken * self._limits.max_ratio)
        if self._given > allowed:
            ratio = self._limits.max_ratio
            raise self._error(GZIP_TOO_LARGE, f"It unpacks to more than {ratio} times its size")

    def _error(self, message: Message, text: str) -> SourceError:
        where = f" (after {self._taken} packed bytes)."
        return SourceError(message.issue(text + where, source=self._place))
