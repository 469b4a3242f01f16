"""What a resource says that a second one does not, element by element, with FHIRPath."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

Kind = Literal["only in the resource", "different", "only in the mapping"]

_OF_THE_SERVER = frozenset({"meta.versionId", "meta.lastUpdated"})


def differences(given: dict[str, Any], made: dict[str, Any]) -> Iterator[tuple[str, Kind]]:
    """Yield (FHIRPath, kind) for each leaf in which a resource differs from what the mapping makes.

    What a server adds to every resource (version, time of update) is passed over.
    """
    kind = str(given.get("resourceType", "Resource"))
    for path, difference in _compare(given, made, ""):
        if path not in _OF_THE_SERVER:
            yield f"{kind}.{path}", difference


def leaf_count(value: Any) -> int:
    """Return how many leaves a JSON value has."""
    if isinstance(value, dict):
        return sum(leaf_count(item) for item in value.values())
    return sum(leaf_count(item) for item in value) if isinstance(value, list) else 1


def leaf_paths(value: Any, path: str = "") -> Iterator[str]:
    """Yield the path of each leaf of a JSON value, as FHIRPath writes it."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from leaf_paths(item, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from leaf_paths(item, f"{path}[{index}]")
    else:
        yield path


def _compare(given: Any, made: Any, path: str) -> Iterator[tuple[str, Kind]]:
    if isinstance(given, dict) and isinstance(made, dict):
        for key in [*given, *(key for key in made if key not in given)]:
            below = f"{path}.{key}" if path else key
            yield from _one(given, made, key, below)
    elif isinstance(given, list) and isinstance(made, list):
        for index in range(max(len(given), len(made))):
            below = f"{path}[{index}]"
            yield from _one(dict(enumerate(given)), dict(enumerate(made)), index, below)
    elif given != made:
        yield path, "different"


def _one(given: Any, made: Any, key: Any, path: str) -> Iterator[tuple[str, Kind]]:
    if key not in made:
        yield from ((leaf, "only in the resource") for leaf in leaf_paths(given[key], path))
    elif key not in given:
        yield from ((leaf, "only in the mapping") for leaf in leaf_paths(made[key], path))
    else:
        yield from _compare(given[key], made[key], path)
