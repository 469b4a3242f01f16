"""A source record as JSON text that keeps every digit, and back.

The same content gives the same text whatever the order of its keys, so that a hash of the text
tells whether a record has changed.
"""

from __future__ import annotations

from decimal import Decimal
from hashlib import sha256
from typing import Any

import msgspec

from fhir_backpain.fhir.json_text import dump


def write_record(data: dict[str, Any]) -> str:
    """Return compact JSON with sorted keys; a Decimal keeps its digits.

    >>> write_record({"score": Decimal("1.10"), "id": "a"})
    '{"id":"a","score":1.10}'
    """
    return dump(data, sort_keys=True)


def read_record(text: str) -> dict[str, Any]:
    """Return the data of a record's text; numbers with a fraction or exponent are Decimals."""
    data: dict[str, Any] = _DECODER.decode(text)
    return data


def content_hash(text: str) -> str:
    """Return the SHA-256 of a text in hexadecimal."""
    return sha256(text.encode()).hexdigest()


_DECODER = msgspec.json.Decoder(float_hook=Decimal)
