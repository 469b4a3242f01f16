"""HTTP requests out of the bytes of a connection, those of a client that says their length."""

from __future__ import annotations

import re
from collections.abc import Iterator

_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d+)", re.IGNORECASE)


class HttpReader:
    """Collects the bytes of one connection; a body is copied once."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._wanted = 0

    def feed(self, data: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Take bytes; yield the method and the body of each request that they complete."""
        self._held += data
        while len(self._held) >= self._wanted:
            end = self._held.find(b"\r\n\r\n")
            if end < 0:
                self._wanted = 0
                return
            found = _LENGTH.search(self._held, 0, end)
            start = end + 4
            self._wanted = start + (int(found[1]) if found else 0)
            if len(self._held) < self._wanted:
                return
            yield (
                bytes(self._held[: self._held.index(b" ")]),
                bytes(self._held[start : self._wanted]),
            )
            del self._held[: self._wanted]
            self._wanted = 0
