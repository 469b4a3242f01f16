"""Strict reading of a JSON answer: numbers keep their digits, nothing ambiguous is accepted.

FHIR: http://hl7.org/fhir/R4/json.html
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

MAX_DEPTH = 64


class NotStrictJsonError(ValueError):
    """The text is not one strict JSON object; the message says why, without quoting it."""


def parse_answer(body: bytes) -> dict[str, Any]:
    """Return the JSON object in `body`; numbers are int or Decimal.

    Raises NotStrictJsonError for duplicate keys, NaN and Infinity, more than 64 levels, half of a
    surrogate pair or anything but one object in UTF-8.
    """
    try:
        value = json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_object,
            parse_float=Decimal,
            parse_constant=_refuse_constant,
        )
    except json.JSONDecodeError as error:
        text = f"{error.msg} at line {error.lineno}, column {error.colno}"
        raise NotStrictJsonError(text) from error
    except UnicodeDecodeError as error:
        raise NotStrictJsonError(f"byte {error.start} is not UTF-8") from error
    except RecursionError as error:
        raise NotStrictJsonError(f"it has more than {MAX_DEPTH} levels") from error
    except NotStrictJsonError:
        raise
    except (ValueError, ArithmeticError) as error:
        raise NotStrictJsonError("a number is too long") from error
    if not isinstance(value, dict):
        raise NotStrictJsonError("it is not an object")
    _check_depth(value)
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise NotStrictJsonError("an object has the same key twice")
    return found


def _refuse_constant(name: str) -> None:
    raise NotStrictJsonError(f"{name} is not a JSON number")


def _check_depth(root: dict[str, Any]) -> None:
    level: list[Any] = [root]
    for _ in range(MAX_DEPTH):
        level = [child for node in level for child in _children(node)]
        if not level:
            return
    raise NotStrictJsonError(f"it has more than {MAX_DEPTH} levels")


def _children(node: Any) -> list[Any]:
    if isinstance(node, dict):
        for key in node:
            _check_text(key)
        return list(node.values())
    if isinstance(node, str):
        _check_text(node)
        return []
    return node if isinstance(node, list) else []


def _check_text(text: str) -> None:
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise NotStrictJsonError("a string holds half of a surrogate pair") from error
