"""Writes the plan of a shape: one Python expression over the values of an object's members.

A nested plan looks into the objects and lists of the first example as deep as they are alike; it
may raise where another object is nested otherwise, and the plain plan decides then.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fhir_backpain.validation.resource.base_rules import BaseRules
from fhir_backpain.validation.resource.element import ABSENT, Content, Member
from fhir_backpain.validation.resource.invariant import is_asked
from fhir_backpain.validation.resource.memory import Remembering
from fhir_backpain.validation.resource.quick_primitive import Primitives
from fhir_backpain.validation.resource.shape import has_good_names, must_run

Sure = Callable[[Any], bool]

_MAX_NESTING = 3
_NO_NESTING = ("Extension", "Reference", "Resource")


class PlanWriter:
    """Writes one plan; `look` gives the look at a member's value that is called where needed."""

    def __init__(
        self,
        look: Callable[[Member], Sure],
        base: BaseRules,
        primitives: Primitives,
        *,
        is_nested: bool = False,
    ) -> None:
        self._look = look
        self._base = base
        self._primitives = primitives
        self._is_nested = is_nested
        self._constants: dict[str, Any] = {}
        self._variables = 0

    def plan(self, content: Content, value: dict[str, Any]) -> Callable[..., bool]:
        """Return the plan for objects of a shape: a function of the object and its values."""
        values = [f"a{number}" for number in range(len(value))]
        conditions = [
            self._member(content.members[name], value[name], variable, 0)
            for name, variable in zip(value, values, strict=True)
            if name in content.members  # resourceType is none; by it the content was found
        ]
        conditions += self._rules(content, value, "value")
        parameters = ", ".join(["value", *values])
        body = " and ".join(conditions) or "True"
        return compiled(f"def plan({parameters}):\n    return {body}\n", self._constants)

    def _constant(self, value: Any) -> str:
        name = f"c{len(self._constants)}"
        self._constants[name] = value
        return name

    def _variable(self) -> str:
        self._variables += 1
        return f"b{self._variables}_"

    def _rules(self, content: Content, value: dict[str, Any], variable: str) -> list[str]:
        return [
            f"{self._constant(rule.test.holds)}({variable}, {variable})"
            for rule in content.rules
            if must_run(rule, value)
        ]

    def _member(self, member: Member, value: Any, variable: str, depth: int) -> str:
        """Return the source of the look at a member's value, which stands in a variable."""
        if member.refuse is not None and not member.is_list:
            return self._primitive(member, variable)
        look = self._look(member)
        call = f"{self._constant(look)}({variable})"
        if not self._is_nested:
            return call
        if isinstance(look, Remembering):
            source = look.key_source(value)
            if source is None:
                return call
            known = self._constant(look.known)
            return f"({known}.get({source.format(a=variable)}) == {variable} or {call})"
        inner = self._inner(member, value, variable, depth)
        return f"({inner} or {call})" if inner else call

    def _primitive(self, member: Member, variable: str) -> str:
        assert member.refuse is not None
        wanted = member.pattern if member.fixed is ABSENT else member.fixed
        if isinstance(wanted, str) and not member.rules:
            return f"{variable} == {self._constant(wanted)}"
        if wanted is not ABSENT:
            return f"{self._constant(self._look(member))}({variable})"
        source, constant = self._primitives.source(member.type, member.refuse, member.codes)
        conditions = [source.format(a=variable, c=self._constant(constant))]
        conditions += [
            f"{self._constant(rule.test.holds)}({variable}, None)"
            for rule in member.rules
            if is_asked(rule, "")
        ]
        return " and ".join(conditions)

    def _inner(self, member: Member, value: Any, variable: str, depth: int) -> str | None:
        """Return the source that looks into an object, or into a list of one; None: a call."""
        if member.refuse is not None or member.type in _NO_NESTING or depth >= _MAX_NESTING:
            return None
        if member.slicing or is_narrowed(member) or member.codes is not None:
            return None
        if not member.is_list:
            return self._object(member, value, variable, depth)
        if not isinstance(value, list) or len(value) != 1 or member.min > 1:
            return None
        item = self._variable()
        inner = self._object(member, value[0], item, depth)
        return inner and f"(len({variable}) == 1 and {_bound(inner, item, f'{variable}[0]')})"

    def _object(self, member: Member, value: Any, variable: str, depth: int) -> str | None:
        content = member.own or self._base.content(member.content)
        if not isinstance(value, dict) or not has_good_names(content, value):
            return None
        conditions = [f"len({variable}) == {len(value)}"]
        for name in value:
            part = self._variable()
            inner = self._member(content.members[name], value[name], part, depth + 1)
            conditions.append(_bound(inner, part, f"{variable}[{name!r}]"))
        conditions += self._rules(content, value, variable)
        return f"({' and '.join(conditions)})"


def _bound(source: str, variable: str, value: str) -> str:
    """Return a source in which a variable is bound where it is first evaluated: its first place."""
    return source.replace(variable, f"({variable} := {value})", 1)


def is_narrowed(member: Member) -> bool:
    """Return whether a profile fixes a member's value, or has a rule of its own for it."""
    return member.fixed is not ABSENT or member.pattern is not ABSENT or bool(member.rules)


def compiled(source: str, constants: dict[str, Any]) -> Callable[..., bool]:
    """Return the function `plan` of a source that was written here."""
    scope = dict(constants)
    # The source holds names of FHIR's elements alone, never a part of the data.
    exec(compile(source, "<plan>", "exec"), scope)  # noqa: S102
    plan: Callable[..., bool] = scope["plan"]
    return plan
