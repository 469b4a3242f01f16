"""A source record as JSON text that keeps every digit, and back.

The same content gives the same text whatever the order of its keys, so that a hash of the text
tells whether a record has changed.
"""

from __future__ import annotations

import json
from decimal import Decimal
from hashlib import sha256
from json.encoder import encode_basestring_ascii
from typing import Any


def write_record(data: dict[str, Any]) -> str:
    """Return compact JSON with sorted keys; a Decimal keeps its digits.

    >>> write_record({"score": Decimal("1.10"), "id": "a"})
    '{"id":"a","score":1.10}'
    """
    try:
        return json.dumps(data, separators=(",", ":"), sort_keys=True, allow_nan=False)
    except TypeError:  # a Decimal is in the tree, which the fast encoder cannot write
        return _write(data)


def read_record(text: str) -> dict[str, Any]:
    """Return the data of a record's text; numbers with a fraction or exponent are Decimals."""
    data: dict[str, Any] = json.loads(text, parse_float=Decimal)
    return data


def content_hash(text: str) -> str:
    """Return the SHA-256 of a text in hexadecimal."""
    return sha256(text.encode()).hexdigest()


def _write(value: Any) -> str:
    if isinstance(value, dict):
        items = (f"{encode_basestring_ascii(key)}:{_write(value[key])}" for key in sorted(value))
        return "{" + ",".join(items) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_write, value)) + "]"
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise ValueError("a number of a record is not finite")
        return str(value)
    return json.dumps(value, allow_nan=False)
