"""Says quickly that nothing is wrong with a resource; whatever is not sure, the walk decides.

For each shape (the names of an object's members, in order) a plan is written as Python source and
compiled: unknown names, cardinality, choices and rules that depend on names alone are settled
then, once, and the plan looks at the values only. The looks here are those that plans call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from fhir_backpain.validation.resource.coded import outside
from fhir_backpain.validation.resource.element import ABSENT, Content, Member, Slicing
from fhir_backpain.validation.resource.invariant import Rule, is_broken
from fhir_backpain.validation.resource.learned_look import LearnedLook, shapes_of
from fhir_backpain.validation.resource.memory import is_remembered, remembering
from fhir_backpain.validation.resource.object_look import ObjectLook
from fhir_backpain.validation.resource.pattern import holds_pattern, is_same
from fhir_backpain.validation.resource.plan import PlanWriter, is_narrowed
from fhir_backpain.validation.resource.quick_primitive import Primitives, is_id, look_of
from fhir_backpain.validation.resource.quick_reference import References, wanted_types
from fhir_backpain.validation.resource.reference import has_reference_form, target_types
from fhir_backpain.validation.resource.rule_book import RuleBook
from fhir_backpain.validation.resource.slicing import slice_of

Sure = Callable[[Any], bool]


class Certainty:
    """Makes the quick looks; `is_sure` is that for a resource within a resource."""

    def __init__(self, book: RuleBook, is_sure: Sure) -> None:
        self.base = book.base
        self.primitives = Primitives()
        self.references = References(book.base.resource_types)
        self._book = book
        self._is_sure = is_sure
        self._objects: dict[int, tuple[Content, ObjectLook]] = {}
        self._members: dict[Member, Sure] = {}

    def of_object(self, content: Content) -> ObjectLook:
        """Return the quick look at the objects of a content."""
        found = self._objects.get(id(content))
        if found is None:
            # The content is kept too, so that its id is not used again.
            found = self._objects[id(content)] = (content, ObjectLook(self, content))
        return found[1]

    def of_member(self, member: Member) -> Sure:
        """Return the quick look at the value of a member that is no single primitive.

        Members with the same rules share one look, and so its memory.
        """
        if member.own is not None or member.slicing is not None or is_narrowed(member):
            return self._new_member(member)
        key = replace(member, name="", min=min(member.min, 1) if member.is_list else 0)
        if key not in self._members:
            self._members[key] = self._new_member(member)
        return self._members[key]

    def of_item(self, member: Member) -> Sure:
        """Return the quick look at one item of a member, or at its single value."""
        look = self._form(member) if member.refuse is None else look_of(member)
        wanted = list(_wanted(member))
        if not wanted:
            return look
        return lambda value: look(value) and all(want(value) for want in wanted)

    def _new_member(self, member: Member) -> Sure:
        if member.slicing is not None:
            look = self._sliced(member, member.slicing)
        elif member.is_list:
            look = _list_of(self.of_item(member), member.min, member.max)
        else:
            look = self.of_item(member)
        if is_remembered(member):
            return remembering(member, look)
        if member.refuse is not None or not (member.is_list or member.type == "Reference"):
            return look
        shape_of = shapes_of if member.is_list else tuple
        return LearnedLook(look, lambda example: self._nested(member, example), shape_of)

    def _nested(self, member: Member, example: Any) -> Sure | None:
        return PlanWriter(self, is_nested=True).member_plan(member, example)

    def _sliced(self, member: Member, slicing: Slicing) -> Sure:
        """Return the quick look at a list whose items fall into slices."""
        plain = self.of_item(member)
        looks = {one.name: self.of_item(one.member) for one in slicing.slices}
        base = self._book.base

        def item(value: Any, counts: dict[str, int]) -> bool:
            found = slice_of(slicing, value, base, {})
            if found is None:
                return not slicing.is_closed and plain(value)
            counts[found.name] = counts.get(found.name, 0) + 1
            return looks[found.name](value)

        def look(values: Any) -> bool:
            counts: dict[str, int] = {}
            return all(item(value, counts) for value in values) and all(
                one.min <= (count := counts.get(one.name, 0))
                and (one.max is None or count <= one.max)
                for one in slicing.slices
            )

        counted = _list_of(lambda value: True, member.min, member.max)
        return lambda values: counted(values) and look(values)

    def _form(self, member: Member) -> Sure:
        if member.type == "Resource":
            return self._is_sure
        if member.type == "Extension":
            return self._extension(member)
        look = self.of_object(member.own or self._book.base.content(member.content))
        return self._reference(member, look) if member.type == "Reference" else look

    def _extension(self, member: Member) -> Sure:
        plain = self.of_object(member.own or self._book.base.content("Extension"))

        def look(value: Any) -> bool:
            known = self._book.extension(value["url"])
            return plain(value) and (known is None or self.of_object(known)(value))

        return look

    def _reference(self, member: Member, look: Sure) -> Sure:
        types = self._book.base.resource_types
        targets = wanted_types(member)
        allowed = targets or types

        def check(value: Any) -> bool:
            reference = value.get("reference", "")
            kind, _, logical_id = reference.partition("/")
            if not look(value):
                return False
            if kind in allowed and is_id(logical_id) and value.get("type", kind) == kind:
                return True
            if reference[:1] == "#" or (reference and not has_reference_form(reference, types)):
                return False
            told = target_types(value, {}, types)
            return len(told) < 2 and (not targets or told <= targets)

        return check


def _wanted(member: Member) -> Iterator[Sure]:
    codes, fixed, pattern = member.codes, member.fixed, member.pattern
    if member.refuse is None:  # the look at a primitive asks for its codes and rules
        if codes is not None:
            yield lambda value: not outside(codes, member.type, value)
        for rule in member.rules:
            yield _obeys(rule)
    if fixed is not ABSENT:
        yield lambda value: is_same(value, fixed)
    if pattern is not ABSENT:
        yield lambda value: holds_pattern(value, pattern)


def _list_of(item: Sure, low: int, high: int | None) -> Sure:
    low = max(low, 1)
    most = high if high is not None else float("inf")

    def look(values: Any) -> bool:
        if values.__class__ is not list or not low <= len(values) <= most:
            return False
        for value in values:  # noqa: SIM110 - a generator would double the time
            if value is None or not item(value):
                return False
        return True

    return look


def _obeys(rule: Rule) -> Sure:
    return lambda value: not is_broken(rule, value, {})
