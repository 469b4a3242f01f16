"""The element definitions of a profile's snapshot, as a tree of elements and their slices.

FHIR: StructureDefinition.snapshot, http://hl7.org/fhir/R4/profiling.html
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from fhir_backpain.validation.resource.element import ABSENT


@dataclass(slots=True)
class Node:
    """One element: its definition, its members by name, and its slices by name."""

    definition: dict[str, Any] = field(default_factory=dict)
    members: dict[str, Node] = field(default_factory=dict)
    slices: dict[str, Node] = field(default_factory=dict)

    @property
    def min(self) -> int:
        """How often the element must be there."""
        return int(self.definition.get("min", 0))

    @property
    def max(self) -> int | None:
        """How often it may be there; None is without limit."""
        written = self.definition.get("max", "*")
        return None if written == "*" else int(written)

    @property
    def types(self) -> list[dict[str, Any]]:
        """The types that it may have; none where the snapshot says nothing of them."""
        found: list[dict[str, Any]] = self.definition.get("type", [])
        return found

    def value(self, prefix: str) -> Any:
        """Return the value of fixed[x] or pattern[x], or ABSENT."""
        for name, value in self.definition.items():
            if name.startswith(prefix) and name[len(prefix) :][:1].isupper():
                return value
        return ABSENT

    def required_value_set(self) -> str | None:
        """Return the URL of the value set of a required binding, or None."""
        binding = self.definition.get("binding") or {}
        return binding.get("valueSet") if binding.get("strength") == "required" else None

    def constraints(self) -> Iterator[tuple[str, str, str]]:
        """Yield key, severity and words of each invariant."""
        for one in self.definition.get("constraint", ()):
            yield one["key"], one.get("severity", "error"), one.get("human", "")


def read_snapshot(profile: dict[str, Any]) -> Node:
    """Return the root of a profile's snapshot."""
    root = Node()
    for definition in profile["snapshot"]["element"]:
        _place(root, definition["id"].split(".")[1:]).definition = definition
    return root


def _place(node: Node, steps: list[str]) -> Node:
    for step in steps:
        name, _, slice_name = step.partition(":")
        node = node.members.setdefault(name, Node())
        if slice_name:
            node = node.slices.setdefault(slice_name, Node())
    return node
