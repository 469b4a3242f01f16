"""A place in a byte stream: a window of bytes ahead, and the line and column reached."""

from __future__ import annotations

import re
from typing import BinaryIO

_CHUNK = 64 * 1024
_SPACE = re.compile(rb"[ \t\r\n]*")
_CONTINUATION = bytes(range(0x80, 0xC0))  # the second to fourth bytes of a UTF-8 character
_BOM = b"\xef\xbb\xbf"


def read_some(stream: BinaryIO, size: int) -> bytes:
    """Return at most `size` bytes, as soon as there are any; b"" at the stream's end.

    A plain read of a buffered stream would drop what it has when the stream breaks behind it.
    """
    return bytes(getattr(stream, "read1", stream.read)(size))


class ByteCursor:
    """`window[at:]` is what lies ahead; `line` and `column` (in characters) are those of `at`."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.window = b""
        self.at = 0
        self.line = 1
        self.column = 1

    def refill(self) -> bool:
        """Drop what was passed and read more behind it; False at the stream's end."""
        more = read_some(self._stream, _CHUNK)
        self.window = self.window[self.at :] + more
        self.at = 0
        return bool(more)

    def move_to(self, end: int) -> None:
        """Pass the bytes up to `end` of the window, counting lines and columns."""
        passed = self.window[self.at : end]
        lines = passed.count(b"\n")
        if lines:
            self.line += lines
            self.column = 1
            passed = passed[passed.rfind(b"\n") + 1 :]
        self.column += _characters(passed)
        self.at = end

    def pass_bom(self) -> None:
        """Pass a byte order mark, if one is next; it counts as no column."""
        while len(self.window) - self.at < len(_BOM) and self.refill():
            pass
        if self.window.startswith(_BOM, self.at):
            self.at += len(_BOM)

    def peek(self) -> bytes:
        """Pass white space and return the next byte, b"" at the stream's end."""
        while True:
            space = _SPACE.match(self.window, self.at)
            self.move_to(space.end() if space else self.at)
            if self.at < len(self.window):
                return self.window[self.at : self.at + 1]
            if not self.refill():
                return b""


def _characters(text: bytes) -> int:
    return len(text.translate(None, _CONTINUATION))
