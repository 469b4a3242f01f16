"""Keeps a record's values out of what a server says about them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from fhir_backpain.outcome import Issue

_SHORTEST = 3
_WORDS = frozenset(("record", "source", "measure", "status", "side", "site", "gender"))


def redacted(issues: Iterable[Issue], data: dict[str, Any]) -> tuple[Issue, ...]:
    """Return the issues with every value of the record in their text replaced by ``[value]``.

    Words of the mapping's own tables stay, and so do values of less than three characters.
    """
    values = sorted({text for text in _values(data) if len(text) >= _SHORTEST}, key=len)
    return tuple(replace(issue, text=_without(issue.text, values[::-1])) for issue in issues)


def _without(text: str, values: list[str]) -> str:
    for value in values:
        if value in text:
            text = text.replace(value, "[value]")
    return text


def _values(node: Any, name: str = "") -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            # Some sources make the ids of records and visits of a patient's.
            yield from _values(value, key if isinstance(value, str) else f"{name}.{key}")
    elif isinstance(node, list):
        for value in node:
            yield from _values(value, name)
    elif isinstance(node, str) and (name not in _WORDS or "|" in node):
        yield from (" ".join(node.split()), node)
    elif node is not None and not isinstance(node, bool | str):
        yield str(node)
