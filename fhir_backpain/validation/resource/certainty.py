"""Says quickly that nothing is wrong with a resource; whatever is not sure, the walk decides.

For each shape (the names of an object's members, in order) a plan is written as Python source and
compiled: unknown names, cardinality, choices and rules that depend on names alone are settled
then, once, and the plan looks at the values only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from fhir_backpain.validation.resource.coded import outside
from fhir_backpain.validation.resource.element import ABSENT, Content, Member, Slicing
from fhir_backpain.validation.resource.invariant import Rule, is_broken
from fhir_backpain.validation.resource.memory import remembering
from fhir_backpain.validation.resource.pattern import holds_pattern, is_same
from fhir_backpain.validation.resource.plan import PlanWriter, compiled, is_narrowed
from fhir_backpain.validation.resource.quick_primitive import Primitives, is_id
from fhir_backpain.validation.resource.reference import has_reference_form, target_types
from fhir_backpain.validation.resource.rule_book import RuleBook
from fhir_backpain.validation.resource.shape import has_good_names
from fhir_backpain.validation.resource.slicing import slice_of

Sure = Callable[[Any], bool]
Plan = Callable[..., bool]

_MAX_SHAPES = 512


def _never(*_: Any) -> bool:
    return False


class Certainty:
    """Makes the quick looks; `is_sure` is that for a resource within a resource."""

    def __init__(self, book: RuleBook, is_sure: Sure) -> None:
        self._book = book
        self._is_sure = is_sure
        self._objects: dict[int, tuple[Content, Sure]] = {}
        self._members: dict[Member, Sure] = {}
        self._primitives = Primitives()

    def of_resource(self, contents: tuple[Content, ...]) -> Sure:
        """Return the quick look at resources that must meet all of some rules."""
        looks = [self.of_object(content) for content in contents]
        if len(looks) == 1:
            return looks[0]
        return lambda value: all(look(value) for look in looks)

    def of_object(self, content: Content) -> Sure:
        """Return the quick look at the objects of a content."""
        found = self._objects.get(id(content))
        if found is None:
            # The content is kept too, so that its id is not used again.
            found = self._objects[id(content)] = (content, self._new_object(content))
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

    def _new_member(self, member: Member) -> Sure:
        if member.slicing is not None:
            return remembering(member.type, True, self._sliced(member, member.slicing))
        item = self._item(member)
        if not member.is_list:
            return remembering(member.type, False, item) if member.refuse is None else item
        return remembering(member.type, True, _list_of(item, member.min, member.max))

    def _sliced(self, member: Member, slicing: Slicing) -> Sure:
        """Return the quick look at a list whose items fall into slices."""
        plain = self._item(replace(member, slicing=None))
        looks = {one.name: self._item(one.member) for one in slicing.slices}
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

    def _item(self, member: Member) -> Sure:
        if member.refuse is not None:
            return self._primitive(member)
        look = self._form(member)
        wanted = list(self._wanted(member))
        if not wanted:
            return look
        return lambda value: look(value) and all(want(value) for want in wanted)

    def _primitive(self, member: Member) -> Sure:
        """Return the look at one primitive, with what a profile fixes and its rules."""
        assert member.refuse is not None
        source, constant = self._primitives.source(member.type, member.refuse, member.codes)
        body = source.format(a="value", c="constant")
        look: Sure = compiled(f"def plan(value):\n    return {body}\n", {"constant": constant})
        wanted = list(self._wanted(replace(member, codes=None)))
        return lambda value: bool(look(value)) and all(want(value) for want in wanted)

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
        targets = frozenset(member.targets if "Resource" not in member.targets else ())
        allowed = targets or types

        def check(value: Any) -> bool:
            reference = value.get("reference", "")
            kind, _, logical_id = reference.partition("/")
            if len(value) == 1 and kind in allowed and is_id(logical_id):
                return True  # a literal and nothing else, as Provenance.target has many
            if not look(value):
                return False
            if kind in allowed and is_id(logical_id) and value.get("type", kind) == kind:
                return True
            if reference[:1] == "#" or (reference and not has_reference_form(reference, types)):
                return False
            told = target_types(value, {}, types)
            return len(told) < 2 and (not targets or told <= targets)

        return check

    def _wanted(self, member: Member) -> Iterator[Sure]:
        codes, fixed, pattern = member.codes, member.fixed, member.pattern
        if codes is not None:
            yield lambda value: not outside(codes, member.type, value)
        if fixed is not ABSENT:
            yield lambda value: is_same(value, fixed)
        if pattern is not ABSENT:
            yield lambda value: holds_pattern(value, pattern)
        for rule in member.rules:
            yield _obeys(rule)

    def _new_object(self, content: Content) -> Sure:
        plans: dict[tuple[str, ...], tuple[Plan, Plan]] = {}

        def look(value: Any) -> bool:
            found = plans.get(tuple(value))
            if found is None:
                if len(plans) >= _MAX_SHAPES:
                    plans.clear()
                found = plans[tuple(value)] = self._plans(content, value)
            try:
                if found[0](value, *value.values()):
                    return True
            except (TypeError, KeyError, IndexError, AttributeError):
                pass  # not nested as the first of its shape was
            return found[1](value, *value.values())

        return look

    def _plans(self, content: Content, value: Any) -> tuple[Plan, Plan]:
        """Return the nested and the plain plan of a shape; plans that say no where unsure."""
        if value.__class__ is not dict or not has_good_names(content, value):
            return _never, _never
        tools = (self.of_member, self._book.base, self._primitives)
        nested, plain = PlanWriter(*tools, is_nested=True), PlanWriter(*tools)
        return nested.plan(content, value), plain.plan(content, value)


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
