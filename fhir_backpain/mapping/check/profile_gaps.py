"""The elements that a claimed profile wants to be supported, and that a mapping never fills.

FHIR: ElementDefinition.mustSupport, http://hl7.org/fhir/R4/profiling.html#mustsupport
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from fhir_backpain.definitions.profile import Profile
from fhir_backpain.mapping.check.claim import claims_of
from fhir_backpain.mapping.check.rule_scope import rule_scope
from fhir_backpain.mapping.declaration import Declaration
from fhir_backpain.mapping.library import Library
from fhir_backpain.mapping.source_shape import record_shape
from fhir_backpain.mapping.template import (
    Each,
    FirstOf,
    ListTemplate,
    ObjectTemplate,
    Template,
    Use,
    When,
)


@dataclass(frozen=True, slots=True)
class Gap:
    """A must-support element of a profile that no resource of a mapping has."""

    profile: str
    element: str

    def to_json(self) -> dict[str, str]:
        """Return the gap as JSON data."""
        return {"profile": self.profile, "element": self.element}


def profile_gaps(declaration: Declaration, library: Library) -> list[Gap]:
    """Return the must-support elements that a compiled mapping never fills, by claimed profile."""
    assert isinstance(declaration.template, ObjectTemplate)
    found: dict[Gap, None] = {}
    for source in declaration.sources:
        scope = rule_scope(declaration, record_shape(source))
        for claim in claims_of(declaration.template, scope, library):
            profile = library.profiles.find(claim.url)
            if profile is not None and profile.type == declaration.makes:
                walk = _Walk(profile, library)
                names = walk.unfilled([declaration.template], profile.type, declaration.makes)
                found.update((Gap(profile.name, name), None) for name in names)
    return list(found)


@dataclass(frozen=True, slots=True)
class _Walk:
    profile: Profile
    library: Library

    def unfilled(self, nodes: list[ObjectTemplate], id_: str, path: str) -> Iterator[str]:
        """Yield what none of the objects at an element has; what is below it is not told."""
        for child in self.profile.children(id_).values():
            there = [
                (name, node.members[name])
                for node in nodes
                for name in child.json_names
                if name in node.members
            ]
            if not there and child.is_must_support and child.max != 0:
                yield f"{path}.{child.name}"
            objects = [one for _, member in there for one in self._objects(member)]
            if objects:
                yield from self.unfilled(objects, child.id, f"{path}.{child.name}")

    def _objects(self, node: Template) -> Iterator[ObjectTemplate]:
        """Yield the objects that a node can make."""
        if isinstance(node, ObjectTemplate):
            yield node
        elif isinstance(node, Use):
            yield from self._objects(self.library.fragments[node.fragment].template)
        elif isinstance(node, When | Each):
            yield from self._objects(node.body)
        elif isinstance(node, FirstOf | ListTemplate):
            inside = node.alternatives if isinstance(node, FirstOf) else node.items
            for item in inside:
                yield from self._objects(item)
