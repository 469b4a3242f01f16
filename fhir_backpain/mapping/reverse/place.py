"""Where in a record a path of a mapping points to, while the record is rebuilt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


class Mismatch(Exception):  # noqa: N818 - not an error: this template did not make this JSON
    """The JSON is not what the template makes."""


@dataclass(frozen=True, slots=True)
class Place:
    """A path below an object that is being rebuilt: the record, or an element of its lists."""

    base: dict[str, Any]
    path: tuple[str, ...] = ()

    def below(self, steps: tuple[str, ...]) -> Place:
        """Return the place some steps further down."""
        return Place(self.base, self.path + steps)

    def put(self, value: Any) -> None:
        """Set the value here; raises Mismatch where another one is there already."""
        owner = self._owner()
        if owner.setdefault(self.path[-1], value) != value:
            raise Mismatch

    def append(self, element: dict[str, Any]) -> None:
        """Add an element to the list here."""
        self._owner().setdefault(self.path[-1], []).append(element)

    def _owner(self) -> dict[str, Any]:
        owner = self.base
        for step in self.path[:-1]:
            owner = owner.setdefault(step, {})
        return owner


@dataclass(frozen=True, slots=True)
class Names:
    """The names that paths may begin with at a point of a template, beside the record's fields."""

    root: dict[str, Any]
    places: dict[str, Place]

    def place(self, path: str) -> Place:
        """Return what a path points to."""
        first, *rest = path.removeprefix("=").strip().split(".")
        if first in self.places:
            return self.places[first].below(tuple(rest))
        return Place(self.root, (first, *rest))

    def with_name(self, name: str, place: Place) -> Names:
        """Return the names with one more."""
        return Names(self.root, {**self.places, name: place})

    def only(self, places: dict[str, Place]) -> Names:
        """Return the names inside a fragment: its parameters."""
        return Names(self.root, places)


class Assignments:
    """What was read off so far; a trial that fails is undone."""

    def __init__(self) -> None:
        self._steps: list[tuple[str, Place, Any]] = []

    def put(self, place: Place, value: Any) -> None:
        """Note a value."""
        self._steps.append(("put", place, value))

    def append(self, place: Place, element: dict[str, Any]) -> None:
        """Note an element of a list."""
        self._steps.append(("append", place, element))

    def mark(self) -> int:
        """Return a mark to go back to."""
        return len(self._steps)

    def back_to(self, mark: int) -> None:
        """Forget what was noted since a mark."""
        del self._steps[mark:]

    def apply(self) -> None:
        """Write everything into the record; raises Mismatch where two values contradict."""
        for kind, place, value in self._steps:
            if kind == "append":
                place.append(value)
            else:
                place.put(value)
