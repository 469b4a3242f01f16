"""Reading the body of an answer: gzip or plain, never more than the limit."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Protocol

_CHUNK = 65536


class Raw(Protocol):
    """The bytes as they come over the wire."""

    def read(self, amt: int, decode_content: bool) -> bytes:
        """Return up to `amt` bytes; none at the end."""


class BodyTooLargeError(Exception):
    """The body, unpacked, is larger than the limit."""


class BodyUnreadableError(Exception):
    """The body is not packed as its header says."""


def read_body(raw: Raw, encoding: str | None, limit: int) -> bytes:
    """Return the whole body, unpacked; BodyTooLargeError as soon as it exceeds `limit` bytes."""
    name = (encoding or "identity").strip().lower()
    if name not in ("identity", "gzip", "x-gzip"):
        raise BodyUnreadableError("it is packed in a way that was not asked for")
    chunks = _chunks(raw)
    if name != "identity":
        chunks = _unpacked(chunks, limit)
    body = bytearray()
    for chunk in chunks:
        body += chunk
        if len(body) > limit:
            raise BodyTooLargeError
    return bytes(body)


def _chunks(raw: Raw) -> Iterator[bytes]:
    while chunk := raw.read(_CHUNK, decode_content=False):
        yield chunk


def _unpacked(chunks: Iterator[bytes], limit: int) -> Iterator[bytes]:
    unpacker = zlib.decompressobj(16 + zlib.MAX_WBITS)
    try:
        for chunk in chunks:
            yield unpacker.decompress(chunk, limit + 1)
            if unpacker.unconsumed_tail:  # one chunk unpacks to more than the whole limit
                raise BodyTooLargeError
    except zlib.error as error:
        raise BodyUnreadableError("it is not gzip") from error
    if not unpacker.eof or unpacker.unused_data:
        raise BodyUnreadableError("its gzip data end too early or too late")
