"""Names while one record is traced: which value a path means at a place, and its JSON pointer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Found:
    """What a path leads to: a value (None where it is missing) and the pointer of its place."""

    value: Any
    pointer: str

    @property
    def pointers(self) -> tuple[str, ...]:
        """The pointer, where there is a value."""
        return () if self.value is None else (self.pointer,)

    def step(self, name: str) -> Found:
        """Return a member; it is missing where this is no object."""
        value = self.value.get(name) if isinstance(self.value, dict) else None
        return Found(value, f"{self.pointer}/{escape(name)}")

    def items(self) -> Iterator[Found]:
        """Yield the items of a list; none where this is no list."""
        for index, item in enumerate(self.value if isinstance(self.value, list) else ()):
            yield Found(item, f"{self.pointer}/{index}")


@dataclass(frozen=True, slots=True)
class Scope:
    """The names that a path may begin with: repetition variables, then the record's own fields."""

    root: Found
    names: Mapping[str, Found]

    def find(self, path: str) -> Found:
        """Return what a path means here."""
        first, *rest = path.removeprefix("=").strip().split(".")
        here = self.names.get(first) or self.root.step(first)
        for name in rest:
            here = here.step(name)
        return here

    def with_name(self, name: str, found: Found) -> Scope:
        """Return the scope with one more name."""
        return Scope(self.root, {**self.names, name: found})

    def only(self, names: Mapping[str, Found]) -> Scope:
        """Return the scope inside a fragment: its parameters come before the record's fields."""
        return Scope(self.root, names)


def escape(name: str) -> str:
    """Return a step of a JSON pointer (RFC 6901)."""
    return name.replace("~", "~0").replace("/", "~1")
