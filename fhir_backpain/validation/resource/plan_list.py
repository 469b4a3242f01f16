"""Writes the part of a plan that looks at a list: at each item in its place, or in a loop."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, Protocol

from fhir_backpain.validation.resource.base_rules import BaseRules
from fhir_backpain.validation.resource.element import ABSENT, Content, Member, Slicing
from fhir_backpain.validation.resource.memory import copy_of
from fhir_backpain.validation.resource.quick_primitive import Primitives
from fhir_backpain.validation.resource.quick_reference import References
from fhir_backpain.validation.resource.scope import Scope, bound
from fhir_backpain.validation.resource.shape import has_good_names, must_run
from fhir_backpain.validation.resource.slicing import slice_of

Sure = Callable[[Any], bool]

_MAX_IN_PLACE = 4


class Looks(Protocol):
    """What plans call and share: the tools of one validator."""

    base: BaseRules
    primitives: Primitives
    references: References

    def of_member(self, member: Member) -> Sure:
        """Return the look at the value of a member that is no single primitive."""

    def of_item(self, member: Member) -> Sure:
        """Return the look at one item of a member that is a list."""


class ItemWriter(Protocol):
    """Writes the source of the look at one item; None where it must be a call."""

    looks: Looks
    scope: Scope

    def primitive(self, member: Member, variable: str, example: Any = None) -> str:
        """Return the source for a primitive in a variable."""

    def single(self, member: Member, example: Any, variable: str, depth: int) -> str | None:
        """Return the source for an object as the example is."""

    def object(
        self, content: Content, example: Any, variable: str, depth: int,
        settled: Collection[str] = (),
    ) -> str | None:  # fmt: skip
        """Return the source for an object; members in `settled` are looked at elsewhere."""


class ListWriter:
    """Writes the looks at lists, with what writes those at items."""

    def __init__(self, items: ItemWriter) -> None:
        self._items = items

    def look(self, member: Member, example: Any, variable: str, depth: int) -> str | None:
        """Return the source for a list as the example is; None where it must be a call."""
        if example.__class__ is not list or not _is_count(member, len(example)):
            return None
        if member.refuse is not None:
            return self._primitives(member, example, variable)
        if not all(isinstance(item, dict) for item in example):
            return None
        if member.slicing is not None:
            return self._sliced(member, member.slicing, example, variable, depth)
        if len(example) > 1 and len({tuple(item) for item in example}) == 1:
            return self._loop(member, example[0], variable, depth)
        if len(example) > _MAX_IN_PLACE:
            return None
        return self._in_place(member, example, variable, depth)

    def _primitives(self, member: Member, example: list[Any], variable: str) -> str | None:
        if len(example) != 1:
            return None
        item = self._items.scope.variable()
        inner = bound(self._items.primitive(member, item, example[0]), item, f"{variable}[0]")
        return f"({variable}.__class__ is list and len({variable}) == 1 and {inner})"

    def _in_place(
        self, member: Member, example: list[Any], variable: str, depth: int
    ) -> str | None:
        conditions = [f"len({variable}) == {len(example)}"]
        for index, value in enumerate(example):
            item = self._items.scope.variable()
            inner = self._items.single(member, value, item, depth)
            if inner is None:
                return None
            conditions.append(bound(inner, item, f"{variable}[{index}]"))
        return f"({' and '.join(conditions)})"

    def _loop(self, member: Member, example: Any, variable: str, depth: int) -> str | None:
        """Return the call of a function for a list of items that have one shape."""
        scope = self._items.scope
        if self._is_literal_alone(member, example):
            look = self._items.looks.references.literals(member).are_all
            return f"{scope.constant(look)}({variable})"
        item = scope.variable()
        inner = self._items.single(member, example, item, depth)
        if inner is None:
            return None
        call = scope.constant(self._items.looks.of_item(member))
        most = "" if member.max is None else f" <= {member.max}"
        function = scope.function(
            f"    if values.__class__ is not list:\n"
            f"        return False\n"
            f"    for {item} in values:\n"
            f"        if not ({inner} or {call}({item})):\n"
            f"            return False\n"
            f"    return {max(member.min, 1)} <= len(values){most}\n"
        )
        return f"{function}({variable})"

    def _is_literal_alone(self, member: Member, example: dict[str, Any]) -> bool:
        """Return whether a list is one of literal references, as Provenance.target is."""
        base = self._items.looks.base.content("Reference")
        content = member.own or base
        is_free = not member.rules and member.min <= 1 and member.max is None
        return (
            is_free
            and member.type == "Reference"
            and example.keys() == {"reference"}
            and content.members["reference"] == base.members["reference"]
            and has_good_names(content, example)
            and not any(must_run(rule, example) for rule in content.rules)
        )

    def _sliced(
        self, member: Member, slicing: Slicing, example: list[Any], variable: str, depth: int
    ) -> str | None:
        """Return the source for a list whose items are told apart just as those of the example.

        What tells them apart is held to be equal to the example's, which is known to be good.
        """
        heads = {by.path[0] for by in slicing.discriminators if by.path}
        is_by_value = all(by.by in ("value", "pattern") and by.path and "resolve()" not in by.path
                          for by in slicing.discriminators)  # fmt: skip
        if not is_by_value or len(example) > _MAX_IN_PLACE or member.type == "Reference":
            return None
        conditions = [f"len({variable}) == {len(example)}"]
        for index, value in enumerate(example):
            item = self._items.scope.variable()
            inner = self._slice_item(member, slicing, value, item, heads, depth)
            if inner is None:
                return None
            conditions.append(bound(inner, item, f"{variable}[{index}]"))
        return f"({' and '.join(conditions)})"

    def _slice_item(
        self,
        member: Member,
        slicing: Slicing,
        example: dict[str, Any],
        variable: str,
        heads: Collection[str],
        depth: int,
    ) -> str | None:
        looks, scope = self._items.looks, self._items.scope
        found = slice_of(slicing, example, looks.base, {})
        rules = found.member if found else member
        if rules.fixed is not ABSENT or rules.pattern is not ABSENT or rules.codes or rules.rules:
            return None
        settled = [name for name in heads if name in example]
        copies = [copy_of(example[name]) for name in settled]
        content = rules.own or looks.base.content(rules.content)
        inner = self._items.object(content, example, variable, depth, settled)
        if inner is None or any(copy is None for copy in copies):
            return None
        same = [f"{variable}[{name!r}] == {scope.constant(copy)}"
                for name, copy in zip(settled, copies, strict=True)]  # fmt: skip
        return " and ".join([inner, *same])


def _is_count(member: Member, count: int) -> bool:
    return max(member.min, 1) <= count and (member.max is None or count <= member.max)
