"""Strict JSON in, exact JSON out: a decimal keeps every digit that was sent.

FHIR: http://hl7.org/fhir/R4/json.html, http://hl7.org/fhir/R4/datatypes.html#decimal
"""

from __future__ import annotations

import json
from decimal import Decimal
from hashlib import sha256
from json.encoder import encode_basestring
from typing import Any

from fhir_backpain.sandbox.interaction_error import InteractionError
from fhir_backpain.sandbox.messages import INVALID_JSON

MAX_DEPTH = 64


def parse_json(body: bytes) -> dict[str, Any]:
    """Return the JSON object in `body`; numbers keep their precision as int, float or Decimal.

    Raises InteractionError 400 for anything but one strict UTF-8 JSON object: duplicate keys,
    NaN and Infinity, NUL and unpaired surrogates, or more than 64 levels.
    """
    try:
        value = json.loads(
            body.decode("utf-8-sig"),
            object_pairs_hook=_object,
            parse_float=_number,
            parse_constant=_refuse_constant,
        )
    except json.JSONDecodeError as error:
        raise _invalid(f"{error.msg} at line {error.lineno}, column {error.colno}.") from error
    except UnicodeDecodeError as error:
        raise _invalid(f"Byte {error.start} is not UTF-8.") from error
    except RecursionError as error:
        raise _invalid(f"It has more than {MAX_DEPTH} levels.") from error
    except (ValueError, ArithmeticError) as error:
        raise _invalid("A number is too long.") from error
    if not isinstance(value, dict):
        raise _invalid("It is not a JSON object.")
    _check_tree(value)
    return value


def write_json(value: Any) -> str:
    """Return compact JSON text in which each Decimal keeps its digits."""
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    except TypeError:  # a Decimal is in the tree, which the fast encoder cannot write
        return _write(value, ordered=False)


def content_digest(resource: dict[str, Any]) -> bytes:
    """Return the digest of what a client sent: all but the id, version and time of the server."""
    meta = {
        key: value
        for key, value in resource.get("meta", {}).items()
        if key not in ("versionId", "lastUpdated")
    }
    content = {key: value for key, value in resource.items() if key not in ("id", "meta")}
    if meta:
        content["meta"] = meta
    return sha256(_write(content, ordered=True).encode()).digest()


def _invalid(text: str) -> InteractionError:
    return InteractionError.of(400, INVALID_JSON, f"The body is not strict JSON. {text}")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        raise _invalid("An object has the same key twice.")
    return result


def _number(text: str) -> float | Decimal:
    value = float(text)
    return value if repr(value) == text else Decimal(text)


def _refuse_constant(name: str) -> None:
    raise _invalid(f"{name} is not a JSON number.")


def _check_tree(root: dict[str, Any]) -> None:
    level: list[Any] = [root]
    for _ in range(MAX_DEPTH):
        if not level:
            return
        level = [child for node in level for child in _children(node)]
    for node in level:
        if isinstance(node, dict | list):
            raise _invalid(f"It has more than {MAX_DEPTH} levels.")
        _children(node)


def _children(node: Any) -> list[Any]:
    if isinstance(node, str):
        _check_string(node)
        return []
    if isinstance(node, dict):
        for key in node:
            _check_string(key)
        return list(node.values())
    return node if isinstance(node, list) else []


def _check_string(text: str) -> None:
    if "\0" in text:
        raise _invalid("A string holds the character NUL.")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise _invalid("A string holds half of a surrogate pair.") from error


def _write(value: Any, *, ordered: bool) -> str:
    if isinstance(value, dict):
        items = sorted(value.items()) if ordered else value.items()
        inner = (f"{encode_basestring(key)}:{_write(item, ordered=ordered)}" for key, item in items)
        return "{" + ",".join(inner) + "}"
    if isinstance(value, list):
        return "[" + ",".join(_write(item, ordered=ordered) for item in value) + "]"
    if isinstance(value, str):
        return encode_basestring(value)
    return str(value) if isinstance(value, Decimal) else json.dumps(value, allow_nan=False)
