"""Interprets the templates of the mappings for one record, and remembers where each leaf is from.

The compiled mapping is the fast way there; this is the same way on foot. Both make the same
resources for every valid record.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from fhir_backpain.mapping.declaration import Declaration, Fragments
from fhir_backpain.mapping.library import Library
from fhir_backpain.mapping.template import (
    Each,
    FirstOf,
    ListTemplate,
    Literal,
    ObjectTemplate,
    Slot,
    Template,
    Use,
    When,
)
from fhir_backpain.mapping.trace.addressing import Address, RecordIdentity, trace_key
from fhir_backpain.mapping.trace.point import Made, Point, Progress
from fhir_backpain.mapping.trace.scope import Found, Scope
from fhir_backpain.mapping.trace.slot_tracer import SlotTracer
from fhir_backpain.mapping.trace.trace import Trace, TracedResource
from fhir_backpain.mapping.trace.tree import Traced, TracedLeaf, TracedList, TracedObject


class Tracer:
    """Traces records through the declarations of their record type, in the order given.

    The declarations must be those of a mapper: what is wrong in them was found by its compiler.
    """

    def __init__(self, library: Library, declarations: Mapping[str, Sequence[Declaration]]) -> None:
        self._declarations = declarations
        self._walk = _Walk(SlotTracer(library), library.fragments)

    def trace(self, data: Mapping[str, Any]) -> Trace:
        """Return what becomes of a checked record.

        Raises MappingFailed where a word of the record has no row in a concept map.
        """
        progress = Progress()
        start = Point(Scope(Found(data, ""), {}), RecordIdentity(data), progress)
        for declaration in self._declarations[data["record"]]:
            self._apply(declaration, start)
        return Trace(tuple(progress.resources), tuple(progress.decisions))

    def _apply(self, declaration: Declaration, start: Point) -> None:
        if declaration.repetition is None:
            self._make(declaration, start)
            return
        path, name = declaration.repetition
        for element in start.scope.find(path).items():
            self._make(declaration, start.inside(start.scope.with_name(name, element)))

    def _make(self, declaration: Declaration, point: Point) -> None:
        condition, place = declaration.condition, declaration.location
        if condition is not None and not point.holds(condition, place):
            return
        assert isinstance(declaration.template, ObjectTemplate)
        own = _own_address(declaration, point)
        type_ = TracedLeaf(declaration.makes, point.cause("literal", place))
        id_ = TracedLeaf(own.id, point.cause("identity", place, own.id_pointers, is_identity=True))
        members: dict[str, Traced] = {"resourceType": type_, "id": id_}
        members |= self._walk.members(declaration.template, replace(point, own=own))
        point.progress.addresses.append(own)
        point.progress.resources.append(
            TracedResource(
                declaration.makes,
                own.id,
                declaration.name,
                declaration.belongs_to != "record",
                TracedObject(members),
            )
        )


def _own_address(declaration: Declaration, point: Point) -> Address:
    if declaration.belongs_to == "person":
        return point.identity.person()
    owner = point.identity.owner(declaration.belongs_to)
    return point.identity.address(declaration.makes, owner, trace_key(declaration.key, point.scope))


def _exact(value: Any) -> Any:
    """Return a literal as it is read back from JSON text: numbers are int or Decimal."""
    return Decimal(repr(value)) if isinstance(value, float) else value


class _Walk:
    """Walks a template at a point."""

    def __init__(self, slots: SlotTracer, fragments: Fragments) -> None:
        self._slots = slots
        self._fragments = fragments

    def members(self, node: ObjectTemplate, point: Point) -> dict[str, Traced]:
        """Return the members of an object that are there."""
        made = {name: self.node(item, point).tree for name, item in node.members.items()}
        return {name: tree for name, tree in made.items() if tree is not None}

    def node(self, node: Template, point: Point) -> Made:
        """Return what a node comes to."""
        if isinstance(node, Slot):
            return self._slots.trace(node, point)
        if isinstance(node, Literal):
            cause = point.cause("literal", node.location)
            return Made(TracedLeaf(_exact(node.value), cause), live=False)
        if isinstance(node, ObjectTemplate):
            return self._object(node, point)
        if isinstance(node, ListTemplate):
            return self._list(node, point)
        if isinstance(node, Use):
            return self._use(node, point)
        return Made(self._chosen(node, point))

    def _object(self, node: ObjectTemplate, point: Point) -> Made:
        made = {name: self.node(item, point) for name, item in node.members.items()}
        live = [item for item in made.values() if item.live]
        if live and all(item.tree is None for item in live):
            return Made(None)
        there = {name: item.tree for name, item in made.items() if item.tree is not None}
        return Made(TracedObject(there), live=bool(live))

    def _list(self, node: ListTemplate, point: Point) -> Made:
        made = [
            one
            for item in node.items
            for one in (
                self._each(item, point) if isinstance(item, Each) else [self.node(item, point)]
            )
        ]
        there = [one.tree for one in made if one.tree is not None]
        live = any(isinstance(item, Each) for item in node.items) or any(one.live for one in made)
        return Made(TracedList(there) if there or not node.items else None, live=live)

    def _each(self, node: Each, point: Point) -> list[Made]:
        return [
            self.node(node.body, point.inside(point.scope.with_name(node.name, element)))
            for element in point.scope.find(node.path).items()
        ]

    def _use(self, node: Use, point: Point) -> Made:
        fragment = self._fragments[node.fragment]
        names = {name: point.scope.find(path) for name, path in node.arguments.items()}
        inner = point.in_fragment(point.scope.only(names), node.location)
        return self.node(fragment.template, inner)

    def _chosen(self, node: Template, point: Point) -> Traced | None:
        """Return what is made where a condition holds, or the first alternative that is there."""
        if isinstance(node, When):
            held = point.holds(node.condition, node.location)
            return self.node(node.body, point).tree if held else None
        assert isinstance(node, FirstOf)
        trees = (self.node(alternative, point).tree for alternative in node.alternatives)
        return next((tree for tree in trees if tree is not None), None)
