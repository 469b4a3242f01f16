"""Reading the body of an HTTP message: gzip or plain, never more than the limit."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator

CHUNK = 65536
"""How many bytes are best read at once."""


class BodyTooLargeError(Exception):
    """The body, as it came or unpacked, is larger than the limit."""


class BodyUnreadableError(Exception):
    """The body is not packed as its header says; the message says why."""


class UnknownEncodingError(BodyUnreadableError):
    """The body is packed in a way that is not read here."""


def read_body(read: Callable[[], bytes], encoding: str | None, limit: int) -> bytes:
    """Return the whole body, unpacked; BodyTooLargeError as soon as it exceeds `limit` bytes.

    `read` gives the next bytes as they come over the wire, none at the end; `encoding` is the
    Content-Encoding. Raises BodyUnreadableError for a body that is not packed as that says.
    """
    name = (encoding or "identity").strip().lower()
    if name not in ("identity", "gzip", "x-gzip"):
        raise UnknownEncodingError("it is packed in a way that is not read here")
    chunks = iter(read, b"")
    if name != "identity":
        chunks = _unpacked(chunks, limit)
    body = bytearray()
    for chunk in chunks:
        body += chunk
        if len(body) > limit:
            raise BodyTooLargeError
    return bytes(body)


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
