"""The trace of one record: every leaf of every resource with where it came from, and back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from fhir_backpain.mapping.trace.tree import Traced, leaves, plain
from fhir_backpain.outcome import MappingLocation

Role = Literal["literal", "value", "identity"]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where one leaf of a made resource came from.

    `path` is a FHIRPath (``Observation.component[0].code.coding[0].code``). `pointers` are JSON
    pointers (RFC 6901) into the record; none where nothing of the record is in the leaf.
    `function` is the slot function, ``literal``, or ``identity`` for a logical id. `mapping` is
    the slot's place, in a fragment the fragment's line; `used_at` then names where it is used.

    `role` is ``literal`` where no record value is in the leaf, ``identity`` where it is an
    address made from keys, else ``value``.
    """

    url: str
    path: str
    pointers: tuple[str, ...]
    function: str
    mapping: MappingLocation
    used_at: tuple[MappingLocation, ...]
    role: Role

    def to_json(self) -> dict[str, Any]:
        """Return the origin as JSON data; it holds places, never a value."""
        return {
            "resource": self.url,
            "path": self.path,
            "pointers": list(self.pointers),
            "function": self.function,
            "role": self.role,
            "mapping": str(self.mapping),
            "usedAt": [str(place) for place in self.used_at],
        }


@dataclass(frozen=True, slots=True)
class Decision:
    """A condition that looked at one place of the record, and whether it held there."""

    pointer: str
    condition: str
    held: bool
    mapping: MappingLocation
    used_at: tuple[MappingLocation, ...]


@dataclass(frozen=True, slots=True)
class TracedResource:
    """One resource that a mapping made; `mapping` is the mapping's name."""

    type: str
    id: str
    mapping: str
    shared: bool
    tree: Traced

    @property
    def url(self) -> str:
        """The relative address, ``Observation/2f0c…``."""
        return f"{self.type}/{self.id}"

    @property
    def json(self) -> dict[str, Any]:
        """The resource as JSON data, as the compiled mapping makes it."""
        data: dict[str, Any] = plain(self.tree)
        return data

    def origins(self) -> Iterator[Origin]:
        """Yield the origin of each leaf, in the order of the resource."""
        for path, cause in leaves(self.tree, self.type):
            role: Role = "value" if cause.pointers else "literal"
            yield Origin(
                url=self.url,
                path=path,
                pointers=cause.pointers,
                function=cause.function,
                mapping=cause.mapping,
                used_at=cause.used_at,
                role="identity" if cause.is_identity else role,
            )


@dataclass(frozen=True)
class Trace:
    """What became of one record: its resources in the order in which they are made.

    `decisions` are the conditions that looked at values of the record, each once.
    """

    resources: tuple[TracedResource, ...]
    decisions: tuple[Decision, ...]

    @cached_property
    def leaves(self) -> tuple[Origin, ...]:
        """The origin of every leaf of every resource."""
        return tuple(origin for resource in self.resources for origin in resource.origins())

    @cached_property
    def _by_place(self) -> dict[tuple[str, str], Origin]:
        return {(origin.url, origin.path): origin for origin in self.leaves}

    @cached_property
    def _by_pointer(self) -> dict[str, list[Origin]]:
        found: dict[str, list[Origin]] = {}
        for origin in self.leaves:
            for pointer in dict.fromkeys(origin.pointers):
                found.setdefault(pointer, []).append(origin)
        return found

    def origin(self, url: str, path: str) -> Origin | None:
        """Return where the leaf at a FHIRPath of a resource came from, None where there is none."""
        return self._by_place.get((url, path))

    def destinations(self, pointer: str) -> list[Origin]:
        """Return every made leaf that holds the value at a pointer, or one of those below it."""
        if pointer in self._by_pointer:
            return list(self._by_pointer[pointer])
        below = f"{pointer}/"
        return [
            origin for origin in self.leaves if any(p.startswith(below) for p in origin.pointers)
        ]
