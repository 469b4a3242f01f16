"""Writes the plan of a shape: one Python expression over the values of an object's members.

A nested plan looks into the objects and lists of an example as deep as they are alike; it may
raise where another object is nested otherwise, and the plain plan decides then.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

from fhir_backpain.validation.resource.element import ABSENT, Content, Member
from fhir_backpain.validation.resource.invariant import Rule
from fhir_backpain.validation.resource.memory import Remembering, copy_of
from fhir_backpain.validation.resource.plan_list import ListWriter, Looks
from fhir_backpain.validation.resource.quick_reference import type_names, wanted_types
from fhir_backpain.validation.resource.scope import Scope, bound
from fhir_backpain.validation.resource.shape import has_good_names, is_met_by_names, must_run

Sure = Callable[[Any], bool]

_MAX_NESTING = 6
_NOT_LOOKED_INTO = ("Extension", "Resource")
_IN_REFERENCES = {"reference", "type", "identifier", "display"}


class PlanWriter:
    """Writes one plan: of calls alone, or nested."""

    def __init__(self, looks: Looks, *, is_nested: bool) -> None:
        self.looks = looks
        self.scope = Scope()
        self._is_nested = is_nested
        self._lists = ListWriter(self)
        self._subjects: list[tuple[Member, Any, str, str]] = []

    def plan(self, content: Content, example: dict[str, Any], claims: Sequence[str] = ()) -> Sure:
        """Return the plan for objects of an example's shape.

        With `claims`, which are those of the example, it is for objects with the same claims.
        """
        values = {name: f"a{number}" for number, name in enumerate(example)}
        conditions = []
        for name, variable in values.items():
            member = content.members.get(name)
            if member is None:
                conditions.append(f"{variable} == {content.name!r}")  # resourceType
            elif name == "meta" and claims:
                conditions.append(self._claiming(member, example[name], variable))
            else:
                conditions.append(self._member(member, example[name], variable, 0))
        conditions += self._rules(content.rules, example, "it")
        body = " and ".join(conditions) or "True"
        return self.scope.compiled(
            f"    {', '.join(values.values())}, = it.values()\n    return {body}\n"
        )

    def member_plan(self, member: Member, example: Any) -> Sure | None:
        """Return the nested plan for a member's values as an example is, or None."""
        inner = self._inner(member, example, "it", 0)
        return self.scope.compiled(f"    return {inner}\n") if inner else None

    def primitive(self, member: Member, variable: str, example: Any = None) -> str:
        """Return the source of the look at one primitive, which often is as the example."""
        wanted = member.pattern if member.fixed is ABSENT else member.fixed
        if isinstance(wanted, str) and not member.rules:
            return f"{variable} == {self.scope.constant(wanted)}"
        if wanted is not ABSENT:
            return f"{self.scope.constant(self.looks.of_item(member))}({variable})"
        source, constant = self.looks.primitives.source(member)
        source = source.format(a=variable, c=self.scope.constant(constant))
        if not self._is_nested:
            return source
        if member.type == "uri" and example.__class__ is str:
            return f"({variable} == {self.scope.constant(example)} or {source})"
        return source

    def single(self, member: Member, example: Any, variable: str, depth: int) -> str | None:
        """Return the source that looks into an object as the example is; None: a call."""
        content = member.own or self.looks.base.content(member.content)
        if member.type == "Reference":
            inner = self._reference(member, content, example, variable, depth)
        else:
            inner = self.object(content, example, variable, depth)
        if inner is None or not all(is_met_by_names(rule, example) for rule in member.rules):
            return None
        return " and ".join([inner, *self._rules(member.rules, example, variable)])

    def object(
        self,
        content: Content,
        example: Any,
        variable: str,
        depth: int,
        settled: Collection[str] = (),
    ) -> str | None:
        """Return the source for an object; the members in `settled` are looked at elsewhere."""
        if not isinstance(example, dict) or not has_good_names(content, example):
            return None
        chosen = {name for choice in content.choices for name in choice.names}
        conditions = [f"len({variable}) == {len(example)}"]
        # Another member of a choice may stand here, which is no reason to raise.
        conditions += [f"{name!r} in {variable}" for name in example if name in chosen]
        for name in example:
            if name not in settled:
                part = self.scope.variable()
                inner = self._member(content.members[name], example[name], part, depth + 1)
                conditions.append(bound(inner, part, f"{variable}[{name!r}]"))
        conditions += self._rules(content.rules, example, variable)
        return f"({' and '.join(conditions)})"

    def _claiming(self, member: Member, example: Any, variable: str) -> str:
        content = member.own or self.looks.base.content("Meta")
        inner = self.object(content, example, variable, 1, ("profile",))
        same = f"{variable}['profile'] == {self.scope.constant([*example['profile']])}"
        if inner is None or is_narrowed(member):
            call = self.scope.constant(self.looks.of_member(member))
            return f"{call}({variable}) and {same}"
        return f"{inner} and {same}"

    def _rules(self, rules: Sequence[Rule], example: Any, variable: str) -> list[str]:
        return [
            f"{self.scope.constant(rule.test.holds)}({variable}, {variable})"
            for rule in rules
            if must_run(rule, example)
        ]

    def _member(self, member: Member, example: Any, variable: str, depth: int) -> str:
        """Return the source of the look at a member's value, which stands in a variable."""
        if member.refuse is not None and not member.is_list:
            return self.primitive(member, variable, example)
        look = self.looks.of_member(member)
        call = f"{self.scope.constant(look)}({variable})"
        if not self._is_nested:
            return call
        if isinstance(look, Remembering) and (key := look.key_source(example)) is not None:
            known = self.scope.constant(look.known)
            source = f"{known}.get({key.format(a=variable)}) == {variable} or {call}"
            if not member.is_list or (copy := copy_of(example)) is None:
                return f"({source})"
            # A category is mostly that of the example.
            return f"({variable} == {self.scope.constant(copy)} or {source})"
        inner = self._inner(member, example, variable, depth)
        if inner is None:
            return call
        if member.type == "Reference" and not member.is_list and depth == 0:
            inner = self._noted(member, example, variable, inner)
        return f"({inner} or {call})"

    def _inner(self, member: Member, example: Any, variable: str, depth: int) -> str | None:
        """Return the source that looks into an object or a list; None: a call."""
        if member.type in _NOT_LOOKED_INTO or depth >= _MAX_NESTING:
            return None
        if member.fixed is not ABSENT or member.pattern is not ABSENT or member.codes is not None:
            return None
        write = self._lists.look if member.is_list else self.single
        return write(member, example, variable, depth)

    def _reference(
        self, member: Member, content: Content, example: Any, variable: str, depth: int
    ) -> str | None:
        """Return the source for a reference: with a literal ``Type/id``, or with none."""
        if not isinstance(example, dict) or not example.keys() <= _IN_REFERENCES:
            return None
        base = self.looks.base.content("Reference").members
        if any(content.members[name] != base[name] for name in ("reference", "type")):
            return None
        inner = self.object(content, example, variable, depth, ("reference", "type"))
        if inner is None:
            return None
        if "reference" in example:
            source = f"{inner} and {self._literal(member, variable, 'type' in example)}"
            return self._same_or(member, example, variable, source)
        if "type" in example:
            return f"{inner} and {self._type_of(member, base['type'], variable)}"
        return inner

    def _noted(self, member: Member, example: Any, variable: str, inner: str) -> str:
        """Return the source with a note that a reference was found good, for those like it."""
        note = self.scope.variable()
        self._subjects.append((member, example, variable, note))
        return f"({note} := ({inner}))"

    def _same_or(self, member: Member, example: Any, variable: str, source: str) -> str:
        """Return the source that first asks whether a reference is one that was found good.

        A performer often is the subject. Only texts were noted, so that equality is identity.
        """
        allowed = wanted_types(member)
        for earlier, value, other, note in self._subjects:
            types = wanted_types(earlier)
            if value == example and (not allowed or (types and types <= allowed)):
                return f"({variable} == {other} and {note} or {source})"
        return source

    def _literal(self, member: Member, variable: str, has_type: bool) -> str:
        literals = self.looks.references.literals(member)
        text = self.scope.variable()
        if literals.come_again:
            seen = self.scope.constant(literals.seen)
            source = f"({text} in {seen} or {seen}.learn({text}))"
        else:
            source = f"{self.scope.constant(literals.is_one)}({text})"
        if has_type:
            source += f" and {text}.startswith({variable}['type'] + '/')"
        return bound(source, text, f"{variable}['reference']")

    def _type_of(self, member: Member, type_member: Member, variable: str) -> str:
        value = f"{variable}['type']"
        if types := wanted_types(member):
            return f"{value} in {self.scope.constant(type_names(types))}"
        return self.primitive(type_member, value)


def is_narrowed(member: Member) -> bool:
    """Return whether a profile fixes a member's value, or has a rule of its own for it."""
    return member.fixed is not ABSENT or member.pattern is not ABSENT or bool(member.rules)
