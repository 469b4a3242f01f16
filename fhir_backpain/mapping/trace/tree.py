"""Made JSON that remembers, leaf by leaf, what it was made from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fhir_backpain.outcome import MappingLocation


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a leaf is what it is: the slot function, its place, and the JSON pointers it read.

    `used_at` names the places where the fragments that hold the slot are used, outermost first.
    `is_identity` is true where the leaf is an address: what it read is in there as a key.
    """

    function: str
    mapping: MappingLocation
    used_at: tuple[MappingLocation, ...] = ()
    pointers: tuple[str, ...] = ()
    is_identity: bool = False


@dataclass(frozen=True, slots=True)
class TracedLeaf:
    """A single JSON value and its cause."""

    value: Any
    cause: Cause


@dataclass(frozen=True, slots=True)
class TracedObject:
    """A JSON object."""

    members: Mapping[str, Traced]


@dataclass(frozen=True, slots=True)
class TracedList:
    """A JSON list."""

    items: Sequence[Traced]


Traced = TracedLeaf | TracedObject | TracedList


def grow(value: Any, cause: Cause) -> Traced:
    """Return a JSON value in which every leaf has the same cause."""
    if isinstance(value, dict):
        return TracedObject({name: grow(item, cause) for name, item in value.items()})
    if isinstance(value, list):
        return TracedList([grow(item, cause) for item in value])
    return TracedLeaf(value, cause)


def plain(node: Traced) -> Any:
    """Return the JSON value alone."""
    if isinstance(node, TracedObject):
        return {name: plain(item) for name, item in node.members.items()}
    if isinstance(node, TracedList):
        return [plain(item) for item in node.items]
    return node.value


def leaves(node: Traced, path: str) -> Iterator[tuple[str, Cause]]:
    """Yield the FHIRPath and the cause of each leaf; `path` is that of the node itself."""
    if isinstance(node, TracedObject):
        for name, item in node.members.items():
            yield from leaves(item, f"{path}.{name}")
    elif isinstance(node, TracedList):
        for index, item in enumerate(node.items):
            yield from leaves(item, f"{path}[{index}]")
    else:
        yield path, node.cause
