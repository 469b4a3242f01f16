"""What two resources have in common that differ in their values alone.

A validator looks at the form of an id, a date or a number and at the content of a code. So of
resources of one shape the first stands for the others, in the short form of a run: what it cannot
see is a value that is wrong though its form is right, such as a thirteenth month.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

# Every one of these is compared as it is; of all other values only the form.
_KEPT = frozenset({"code", "system", "display", "unit", "url", "profile", "questionnaire"})
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_DIGIT = re.compile(r"\d")


def shape(text: str) -> str:
    """Return a resource with its ids, and the digits of its other values, made the same.

    Codes, systems, displays, units and canonical URLs stay.

    >>> shape('{"id": "7", "code": "C7", "value": 4.2}')
    '{"id": "0", "code": "C7", "value": "0.0"}'
    """
    return json.dumps(_form(json.loads(text, parse_float=str), ""))


def one_of_each(texts: Iterable[str]) -> list[str]:
    """Return the first resource of every shape, in the order in which they came."""
    found: dict[str, str] = {}
    for text in texts:
        found.setdefault(shape(text), text)
    return list(found.values())


def _form(value: Any, name: str) -> Any:
    if isinstance(value, dict):
        return {key: _form(item, key) for key, item in value.items()}
    if isinstance(value, list):
        return [_form(item, name) for item in value]
    if isinstance(value, bool) or value is None or (isinstance(value, str) and name in _KEPT):
        return value
    return _DIGIT.sub("0", _UUID.sub("0", str(value)))
