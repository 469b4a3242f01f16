"""The entries of a record's lists, for checks that also meet records of the wrong shape."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Path = tuple[str | int, ...]


def entries(data: dict[str, Any], *names: str) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yield path and object of each entry of the list at `names`; other shapes are passed over."""
    node: Any = data
    for name in names:
        node = node.get(name) if isinstance(node, dict) else None
    if isinstance(node, list):
        for index, entry in enumerate(node):
            if isinstance(entry, dict):
                yield (*names, index), entry


def text_of(entry: dict[str, Any], name: str) -> str | None:
    """Return a field where it is a text."""
    value = entry.get(name)
    return value if isinstance(value, str) else None
