"""Remembers parts of resources that were found good: codes, references and meta come again.

What is kept holds texts alone, so that equality is identity: true equals 1, but no text equals
anything else. It is a copy, is bounded, and lives as long as the validator.
"""

from __future__ import annotations

import marshal
from collections.abc import Callable
from typing import Any

Sure = Callable[[Any], bool]

_MAX_PARTS = 1024
_MAX_BYTES = 4096
_MAX_ITEMS = 2

_CONCEPT = ('{a}["coding"][0]["code"]', '{a}["text"]')
_REFERENCE = ('{a}["reference"]', '{a}["identifier"]["value"]')
_KEYS: dict[tuple[str, bool], tuple[str, ...]] = {
    ("CodeableConcept", False): _CONCEPT,
    ("CodeableConcept", True): tuple(key.replace("{a}", "{a}[-1]") for key in _CONCEPT),
    ("Reference", False): _REFERENCE,
    ("Reference", True): tuple(key.replace("{a}", "{a}[0]") for key in _REFERENCE),
    ("Meta", False): ('{a}["profile"][0]', "len({a})"),
}
# Python source of the keys under which a part is kept: the first that a part has.


def remembering(type_name: str, is_list: bool, look: Sure) -> Sure:
    """Return a look that first asks the memory, where parts of the type come again."""
    sources = _KEYS.get((type_name, is_list))
    return Remembering(sources, look) if sources else look


class Remembering:
    """A look with a memory; `known` has the parts that were found good, by their keys."""

    __slots__ = ("_keys", "_look", "known")

    def __init__(self, sources: tuple[str, ...], look: Sure) -> None:
        self.known: dict[Any, Any] = {}
        self._look = look
        # Source from the table above alone.
        self._keys: list[tuple[str, Callable[[Any], Any]]] = [
            (source, eval(f"lambda it: {source.format(a='it')}"))  # noqa: S307
            for source in sources
        ]

    def key_source(self, example: Any) -> str | None:
        """Return the source of the key that an example has, or None where it has none."""
        for source, key in self._keys:
            try:
                key(example)
            except (KeyError, IndexError, TypeError):
                continue
            return source
        return None

    def __call__(self, value: Any) -> bool:
        for _, find_key in self._keys:
            try:
                key = find_key(value)
                if self.known.get(key) == value:
                    return True
            except (KeyError, IndexError, TypeError):
                continue
            return self._look(value) and self._keep(key, value)
        return self._look(value)

    def _keep(self, key: Any, value: Any) -> bool:
        """Keep a copy of a good value where it can be kept and may come again; always True."""
        if value.__class__ is list and len(value) > _MAX_ITEMS:
            return True
        try:
            copied = marshal.dumps(value)
        except ValueError:
            return True  # a Decimal: no text
        if len(copied) <= _MAX_BYTES and _is_text_only(value):
            if len(self.known) >= _MAX_PARTS:
                self.known.clear()
            self.known[key] = marshal.loads(copied)  # noqa: S302 (our own bytes, just written)
        return True


def _is_text_only(value: Any) -> bool:
    if value.__class__ is dict:
        return all(_is_text_only(item) for item in value.values())
    if value.__class__ is list:
        return all(_is_text_only(item) for item in value)
    return value.__class__ is str
