"""A point of a template while one record goes through it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from fhir_backpain.mapping.clause import read_clauses, read_holdings
from fhir_backpain.mapping.trace.addressing import Address, RecordIdentity
from fhir_backpain.mapping.trace.scope import Found, Scope
from fhir_backpain.mapping.trace.trace import Decision, TracedResource
from fhir_backpain.mapping.trace.tree import Cause, Traced
from fhir_backpain.outcome import MappingLocation


@dataclass(frozen=True, slots=True)
class Made:
    """What a node came to: its tree, None where it is left out.

    `live` is true where the node depends on the record: an object whose live members are all left
    out is left out too.
    """

    tree: Traced | None
    live: bool = True


@dataclass(slots=True)
class Progress:
    """What one record has come to so far: resources with their addresses, and decisions."""

    resources: list[TracedResource] = field(default_factory=list)
    addresses: list[Address] = field(default_factory=list)
    decisions: dict[Decision, None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Point:
    """Where the walk is: the names, the fragments it is in, and the resource that is made."""

    scope: Scope
    identity: RecordIdentity
    progress: Progress
    own: Address | None = None
    used_at: tuple[MappingLocation, ...] = ()

    def inside(self, scope: Scope) -> Point:
        """Return the point with other names."""
        return replace(self, scope=scope)

    def in_fragment(self, scope: Scope, use: MappingLocation) -> Point:
        """Return the point inside a fragment that is used at `use`."""
        return replace(self, scope=scope, used_at=(*self.used_at, use))

    def cause(
        self,
        function: str,
        mapping: MappingLocation,
        pointers: tuple[str, ...] = (),
        *,
        is_identity: bool = False,
    ) -> Cause:
        """Return the cause of what a function makes here."""
        return Cause(function, mapping, self.used_at, pointers, is_identity)

    def holds(self, condition: str, mapping: MappingLocation) -> bool:
        """True where a condition holds; what it looked at is noted."""
        held = True
        for clause in read_clauses(condition):
            found = self.scope.find(clause.path)
            met = clause.holds(found.value)
            held &= met
            self._note(found, condition, met, mapping)
        for holding in read_holdings(condition):
            members = [one.step(holding.member) for one in self.scope.find(holding.path).items()]
            matched = [one for one in members if one.value in holding.words]
            held &= bool(matched)
            for one in matched:
                self._note(one, condition, True, mapping)
        return held

    def _note(self, found: Found, condition: str, met: bool, mapping: MappingLocation) -> None:
        if found.value is not None:
            decision = Decision(found.pointer, condition, met, mapping, self.used_at)
            self.progress.decisions[decision] = None
