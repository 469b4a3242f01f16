"""Strict JSON text to data and back: a number keeps every digit, and nothing is guessed.

Data are dict, list, str, bool, None, int and Decimal; never float.
FHIR: http://hl7.org/fhir/R4/json.html
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from decimal import Decimal
from json.encoder import encode_basestring
from typing import Any, NoReturn

from fhir_backpain.errors import SourceError
from fhir_backpain.fhir.json_fault import (
    JSON_SIZE,
    JSON_SYNTAX,
    NOT_UTF8,
    path_of,
    position,
    shift,
)
from fhir_backpain.fhir.json_number import any_decimal, any_integer, decimal, integer
from fhir_backpain.fhir.json_scanner import JsonScanner
from fhir_backpain.outcome import SourceLocation

FHIR_JSON = "application/fhir+json"
"""The media type of FHIR's JSON."""

_BOM = "\ufeff"
_SUSPECT = re.compile(r"\\u(?:0000|[dD][89a-fA-F])|[\ud800-\udfff]")
_HERE = SourceLocation(line=1, column=1)
_BRANCHES = (dict, list)  # a union is slower to ask for


@dataclass(frozen=True, slots=True)
class JsonLimits:
    """How much of a JSON text is taken: bytes of UTF-8 in all, and levels of nesting.

    `every_number` takes what another server may not keep as well: minus zero, magnitudes beyond
    a double's, hundreds of digits.
    """

    max_bytes: int = 8 * 1024 * 1024
    max_depth: int = 64
    every_number: bool = False


LIMITS = JsonLimits()


def parse(
    text: str | bytes, limits: JsonLimits = LIMITS, *, start: SourceLocation | None = None
) -> Any:
    """Return the data of one strict JSON text; 1.10 stays 1.10, and a leading BOM is accepted.

    Refused: duplicate fields, NaN and Infinity, minus zero, numbers that cannot be kept, NUL and
    unpaired surrogates, invalid UTF-8, text after the end, more than the limits allow.
    `start` is the place of the first character in its file. Raises SourceError with one Issue
    that names line, column and, where known, JSON pointer.

    >>> parse('{"score": 1.10}')
    {'score': Decimal('1.10')}
    """
    start = start or _HERE
    decoded = _decoded(text, limits, start)
    try:
        if _is_suspect(decoded):
            _refuse(decoded, limits, start)
        data = (_EVERY_NUMBER if limits.every_number else _DECODER).decode(decoded)
    except (ValueError, ArithmeticError, RecursionError):
        _refuse(decoded, limits, start)
        raise SourceError(JSON_SYNTAX.issue("The text is not JSON.", source=start)) from None
    brackets = decoded.count("[") + decoded.count("{")
    if brackets > limits.max_depth and _is_deeper(data, limits.max_depth):
        _refuse(decoded, limits, start)
    return data


def dump(data: Any, *, sort_keys: bool = False) -> str:
    """Return compact JSON text of `data`, each Decimal exactly as it is.

    The fields stand in the order of the data, or with `sort_keys` in that of their names, so
    that equal content has equal text. Field names must be str. Raises ValueError for NaN,
    Infinity and endless nesting, TypeError for what is not JSON data.

    >>> dump({"score": Decimal("1.10")})
    '{"score":1.10}'
    """
    try:
        return (_SORTING if sort_keys else _ENCODER).encode(data)
    except TypeError:  # a Decimal is in the tree, which the fast encoder cannot write
        pass
    except RecursionError:
        raise ValueError("the data are nested too deeply for JSON") from None
    try:
        return _written(data, sort_keys)
    except RecursionError:
        raise ValueError("the data are nested too deeply for JSON") from None


def pretty(data: Any, indent: str = "") -> str:
    """Return JSON text of `data` for people, a member on each line, with the digits of `dump`.

    `indent` stands before every line but the first. Raises as `dump` does.

    >>> print(pretty({"score": Decimal("1.10")}))
    {
      "score": 1.10
    }
    """
    inner = indent + "  "
    if isinstance(data, dict) and data:
        parts = [f"{_name(name)}: {pretty(value, inner)}" for name, value in data.items()]
    elif isinstance(data, list) and data:
        parts = [pretty(item, inner) for item in data]
    else:
        return dump(data)
    opener, closer = "{}" if isinstance(data, dict) else "[]"
    return f"{opener}\n{inner}" + f",\n{inner}".join(parts) + f"\n{indent}{closer}"


def locate(text: str, pointer: str) -> tuple[int, int] | None:
    """Return the 1-based line and column of the value at `pointer`, None where there is none.

    As slow as a second reading: meant for telling where something went wrong.

    >>> locate('{"pain":\\n  {"ratings": []}}', "/pain/ratings")
    (2, 15)
    """
    offset = JsonScanner(text, LIMITS.max_depth, path_of(pointer)).find()
    return None if offset is None else position(text, offset)


def _decoded(text: str | bytes, limits: JsonLimits, start: SourceLocation) -> str:
    if len(text) > limits.max_bytes:
        size = f"The JSON text has more than {limits.max_bytes} bytes."
        raise SourceError(JSON_SIZE.issue(size, source=start))
    try:
        decoded = text if isinstance(text, str) else text.decode()
    except UnicodeDecodeError as error:
        before = error.object[: error.start].decode().removeprefix(_BOM)
        place = shift(start, *position(before, len(before)))
        place_text = f"The byte at offset {error.start} of the JSON text is not UTF-8."
        raise SourceError(NOT_UTF8.issue(place_text, source=place)) from None
    return decoded.removeprefix(_BOM)


def _is_suspect(text: str) -> bool:
    """True where a look at each character is needed: NUL or halves of surrogate pairs."""
    return ("\\u" in text or not text.isascii()) and _SUSPECT.search(text) is not None


def _refuse(text: str, limits: JsonLimits, start: SourceLocation) -> None:
    fault = JsonScanner(text, limits.max_depth, every_number=limits.every_number).fault()
    if fault is not None:
        raise SourceError(fault.issue(text, start)) from None


def _is_deeper(data: Any, max_depth: int) -> bool:
    level = [data]
    for _ in range(max_depth):
        level = [
            child
            for node in level
            for child in (node.values() if isinstance(node, dict) else node)
            if isinstance(child, _BRANCHES)
        ]
        if not level:
            return False
    return True


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        raise ValueError("a field is given twice")
    return result


def _constant(name: str) -> NoReturn:
    raise ValueError(name)


def _written(value: Any, sort_keys: bool) -> str:
    if isinstance(value, dict):
        items = sorted(value.items()) if sort_keys else value.items()
        return (
            "{" + ",".join(f"{_name(key)}:{_written(item, sort_keys)}" for key, item in items) + "}"
        )
    if isinstance(value, list):
        return "[" + ",".join(_written(item, sort_keys) for item in value) + "]"
    if isinstance(value, str):
        return encode_basestring(value)
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise ValueError("JSON knows neither NaN nor Infinity")
        return str(value)
    return _ENCODER.encode(value)


def _name(key: Any) -> str:
    if not isinstance(key, str):
        raise TypeError("the name of a JSON field must be str")
    return encode_basestring(key)


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_float=decimal, parse_int=integer, parse_constant=_constant
)
_EVERY_NUMBER = json.JSONDecoder(
    object_pairs_hook=_object,
    parse_float=any_decimal,
    parse_int=any_integer,
    parse_constant=_constant,
)
_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
_SORTING = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, separators=(",", ":"), sort_keys=True
)
