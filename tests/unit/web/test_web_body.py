from __future__ import annotations

import gzip
import io

import pytest

from fhir_backpain.web.body import (
    BodyTooLargeError,
    BodyUnreadableError,
    UnknownEncodingError,
    read_body,
)

TEXT = b"back pain " * 1000


def body_of(wire: bytes, encoding: str | None, limit: int = len(TEXT), chunk: int = 7) -> bytes:
    stream = io.BytesIO(wire)
    return read_body(lambda: stream.read(chunk), encoding, limit)


@pytest.mark.parametrize("encoding", [None, "", "identity", " Identity "])
def test_a_plain_body_is_taken_as_it_is(encoding: str | None) -> None:
    assert body_of(TEXT, encoding) == TEXT
    assert body_of(b"", encoding) == b""


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "x-gzip"])
@pytest.mark.parametrize("chunk", [1, 7, 1 << 20])
def test_gzip_is_unpacked_however_it_is_cut(encoding: str, chunk: int) -> None:
    assert body_of(gzip.compress(TEXT, mtime=0), encoding, chunk=chunk) == TEXT


@pytest.mark.parametrize(
    ("wire", "encoding"), [(TEXT, None), (gzip.compress(TEXT, mtime=0), "gzip")]
)
@pytest.mark.parametrize("chunk", [7, 1 << 20])
def test_no_byte_more_than_the_limit(wire: bytes, encoding: str | None, chunk: int) -> None:
    with pytest.raises(BodyTooLargeError):
        body_of(wire, encoding, limit=len(TEXT) - 1, chunk=chunk)


def test_of_a_bomb_no_more_than_the_limit_is_read() -> None:
    bomb = io.BytesIO(gzip.compress(bytes(50_000_000)))
    with pytest.raises(BodyTooLargeError):
        read_body(lambda: bomb.read(1000), "gzip", 10_000)
    assert bomb.tell() == 1000


@pytest.mark.parametrize(
    "wire",
    [
        b"junk",
        b"",
        gzip.compress(TEXT, mtime=0)[:-4],
        gzip.compress(TEXT, mtime=0) + b"x",
        gzip.compress(b"", mtime=0) * 2,
    ],
)
def test_what_is_not_one_gzip_stream_is_refused(wire: bytes) -> None:
    with pytest.raises(BodyUnreadableError) as caught:
        body_of(wire, "gzip")
    assert not isinstance(caught.value, UnknownEncodingError)


@pytest.mark.parametrize("encoding", ["deflate", "br", "gzip, gzip"])
def test_another_encoding_is_told_apart(encoding: str) -> None:
    with pytest.raises(UnknownEncodingError):
        body_of(TEXT, encoding)
