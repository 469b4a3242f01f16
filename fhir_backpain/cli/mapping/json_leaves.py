"""The leaves of JSON data, by JSON pointer and by FHIRPath."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fhir_backpain.fhir import json_text


def by_pointer(value: Any, pointer: str = "") -> Iterator[tuple[str, Any]]:
    """Yield (JSON pointer, value) of each leaf; an empty object or list is one.

    >>> list(by_pointer({"a": [1, {"b/c": True}]}))
    [('/a/0', 1), ('/a/1/b~1c', True)]
    """
    if isinstance(value, dict) and value:
        for name, item in value.items():
            escaped = name.replace("~", "~0").replace("/", "~1")
            yield from by_pointer(item, f"{pointer}/{escaped}")
    elif isinstance(value, list) and value:
        for index, item in enumerate(value):
            yield from by_pointer(item, f"{pointer}/{index}")
    else:
        yield pointer, value


def by_path(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield (path as FHIRPath writes it, value) of each leaf.

    >>> list(by_path({"code": {"coding": [{"code": "x"}]}}, "Observation"))
    [('Observation.code.coding[0].code', 'x')]
    """
    if isinstance(value, dict) and value:
        for name, item in value.items():
            yield from by_path(item, f"{path}.{name}" if path else name)
    elif isinstance(value, list) and value:
        for index, item in enumerate(value):
            yield from by_path(item, f"{path}[{index}]")
    else:
        yield path, value


def shown(value: Any) -> str:
    """Return a leaf as JSON, with every digit and every letter."""
    return json_text.dump(value)
