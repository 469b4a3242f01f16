"""Tells every problem of a resource, each with its place: slow, exact, and for people."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fhir_backpain.outcome import Issue, Message, SourceLocation
from fhir_backpain.validation.resource import messages
from fhir_backpain.validation.resource.coded import outside
from fhir_backpain.validation.resource.element import ABSENT, Content, Member
from fhir_backpain.validation.resource.invariant import Rule, is_broken
from fhir_backpain.validation.resource.narrative import unsafe_narrative
from fhir_backpain.validation.resource.pattern import holds_pattern, is_same
from fhir_backpain.validation.resource.reference import has_reference_form, target_types
from fhir_backpain.validation.resource.rule_book import RuleBook
from fhir_backpain.validation.resource.slicing import slice_of

Steps = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Around:
    """What is around an element: the resource, and what its local references lead to."""

    resource: dict[str, Any]
    contained: dict[str, str]

    @classmethod
    def of(cls, resource: dict[str, Any]) -> Around:
        """Return the surroundings that a resource is to its elements."""
        inside = resource.get("contained")
        listed = inside if isinstance(inside, list) else []
        types = {
            str(one.get("id")): str(one.get("resourceType"))
            for one in listed
            if isinstance(one, dict)
        }
        return cls(resource, types)


class Walk:
    """One walk through one resource; `issues` has what was found, in the resource's order."""

    def __init__(self, book: RuleBook) -> None:
        self._book = book
        self.issues: list[Issue] = []

    def resource(self, content: Content, value: Any, steps: Steps) -> None:
        """Hold a resource against the rules of its type or profile."""
        self._object(content, value, steps, Around.of(value))

    def member(self, member: Member, value: Any, steps: Steps, around: Around) -> None:
        """Hold the value of one member against its rules."""
        if not member.is_list:
            self._item(member, value, steps, around)
        elif not isinstance(value, list):
            self._tell(messages.KIND_WRONG, "expected a list", steps)
        elif not value:
            self._tell(messages.EMPTY, "the list is empty", steps)
        else:
            self._list(member, value, steps, around)

    def _tell(self, message: Message, what: str, steps: Steps) -> None:
        self.issues.append(_issue(message, what, steps))

    def _object(self, content: Content, value: Any, steps: Steps, around: Around) -> None:
        if not isinstance(value, dict):
            self._tell(messages.KIND_WRONG, "expected an object", steps)
            return
        before = len(self.issues)
        for name, item in value.items():
            self._named(content, name, item, steps, around, value)
        self._presence(content, value, steps)
        # A rule may take for granted that the values it reads have their form.
        if len(self.issues) == before:
            self._rules(content.rules, value, steps, around)

    def _named(
        self,
        content: Content,
        name: str,
        item: Any,
        steps: Steps,
        around: Around,
        owner: dict[str, Any],
    ) -> None:
        member = content.members.get(name)
        if member is not None:
            if member.max == 0:
                self._tell(messages.TOO_MANY, "not allowed here", (*steps, name))
            elif member.refuse is not None and member.is_list:
                self._primitive_list(member, item, owner.get(f"_{name}"), (*steps, name), around)
            else:
                self.member(member, item, (*steps, name), around)
        elif name.startswith("_") and content.members.get(name[1:]):
            self._extras(content.members[name[1:]], item, owner, (*steps, name), around)
        elif not (name == "resourceType" and content.is_resource):
            self._tell(messages.ELEMENT_UNKNOWN, "FHIR has no such element", (*steps, name))

    def _presence(self, content: Content, value: dict[str, Any], steps: Steps) -> None:
        if value.keys() <= {"id"} and not content.is_resource:
            self._tell(messages.EMPTY, "the object says nothing", steps)
        for name in content.required:
            if name not in value and f"_{name}" not in value:
                self._tell(messages.TOO_FEW, "the element is required", (*steps, name))
        for choice in content.choices:
            there = [name for name in choice.names if name in value or f"_{name}" in value]
            place = (*steps, choice.stem)
            if len(there) > 1:
                self._tell(messages.ONE_TYPE, f"there are {' and '.join(there)}", place)
            elif not there and choice.min:
                self._tell(messages.TOO_FEW, "the element is required", place)

    def _list(self, member: Member, value: list[Any], steps: Steps, around: Around) -> None:
        self._count(member, len(value), steps)
        taken: dict[str, int] = {}
        for index, item in enumerate(value):
            rules, place = member, (*steps, index)
            if member.slicing is not None:
                found = slice_of(member.slicing, item, self._book.base, around.contained)
                if found is not None:
                    taken[found.name] = taken.get(found.name, 0) + 1
                    rules = found.member
                elif member.slicing.is_closed:
                    self._tell(messages.NO_SLICE, "the profile has no such item", place)
            self._item(rules, item, place, around)
        self._slice_counts(member, taken, steps)

    def _count(self, member: Member, count: int, steps: Steps) -> None:
        if count < member.min:
            self._tell(messages.TOO_FEW, f"at least {member.min} are required", steps)
        if member.max is not None and count > member.max:
            self._tell(messages.TOO_MANY, f"at most {member.max} are allowed", steps)

    def _slice_counts(self, member: Member, taken: dict[str, int], steps: Steps) -> None:
        if member.slicing is None:
            return
        for one in member.slicing.slices:
            count = taken.get(one.name, 0)
            if count < one.min or (one.max is not None and count > one.max):
                most = "" if one.max is None else f" and at most {one.max}"
                text = f"slice {one.name}: at least {one.min}{most} expected, found {count}"
                self._tell(messages.SLICE_COUNT, text, steps)

    def _primitive_list(
        self, member: Member, value: Any, extras: Any, steps: Steps, around: Around
    ) -> None:
        if not isinstance(value, list) or not value:
            self.member(member, value, steps, around)
            return
        self._count(member, len(value), steps)
        beside = extras if isinstance(extras, list) else []
        for index, item in enumerate(value):
            if item is None and index < len(beside) and beside[index]:
                continue
            self._item(member, item, (*steps, index), around)

    def _extras(
        self, member: Member, value: Any, owner: dict[str, Any], steps: Steps, around: Around
    ) -> None:
        """Hold against Element's rules what stands beside a primitive: its id and extensions."""
        if member.refuse is None or member.type == "xhtml" or member.max == 0:
            self._tell(messages.ELEMENT_UNKNOWN, "FHIR has no such element", steps)
            return
        element = self._book.base.content("Element")
        if not member.is_list:
            if value is None or value == {}:
                self._tell(messages.EMPTY, "the value is empty", steps)
            else:
                self._object(element, value, steps, around)
            return
        if not isinstance(value, list) or not value:
            self._tell(messages.KIND_WRONG, "expected a list that is not empty", steps)
            return
        plain = owner.get(str(steps[-1])[1:])
        if isinstance(plain, list) and len(plain) != len(value):
            self._tell(messages.KIND_WRONG, "not as long as the list of values", steps)
        for index, item in enumerate(value):
            if item is not None:
                self._object(element, item, (*steps, index), around)

    def _item(self, member: Member, value: Any, steps: Steps, around: Around) -> None:
        before = len(self.issues)
        if member.refuse is not None:
            self._primitive(member, value, steps)
        elif value is None or value in ({}, []):
            self._tell(messages.EMPTY, "the value is empty", steps)
        elif member.type == "Resource":
            self.issues += self._book.check_inner(value, steps)
        else:
            self._complex(member, value, steps, around)
        if len(self.issues) == before:
            self._wanted(member, value, steps)
            self._rules(member.rules, value, steps, around)

    def _primitive(self, member: Member, value: Any, steps: Steps) -> None:
        assert member.refuse is not None
        if value is None or value == "":
            self._tell(messages.EMPTY, "the value is empty", steps)
        elif isinstance(value, dict | list):
            self._tell(messages.KIND_WRONG, "expected a single plain value", steps)
        elif (reason := member.refuse(value)) is not None:
            wrong_kind = reason.startswith(("expected a text", "expected true"))
            self._tell(messages.KIND_WRONG if wrong_kind else messages.FORM_WRONG, reason, steps)
        elif member.type == "xhtml" and (unsafe := unsafe_narrative(value)) is not None:
            self._tell(messages.NARRATIVE_UNSAFE, unsafe, steps)

    def _complex(self, member: Member, value: Any, steps: Steps, around: Around) -> None:
        content = member.own or self._book.base.content(member.content)
        if member.type == "Extension" and isinstance(value, dict):
            content = self._book.extension(value.get("url")) or content
            if member.name == "modifierExtension" and not self._book.extension(value.get("url")):
                self._tell(messages.MODIFIER_UNKNOWN, "not known here", steps)
        self._object(content, value, steps, around)
        if member.type == "Reference" and isinstance(value, dict):
            self._reference(member, value, steps, around)

    def _reference(
        self, member: Member, value: dict[str, Any], steps: Steps, around: Around
    ) -> None:
        types = self._book.base.resource_types
        reference = value.get("reference")
        if isinstance(reference, str) and not has_reference_form(reference, types):
            self._tell(messages.REFERENCE_FORM, "not a reference", (*steps, "reference"))
            return
        told = target_types(value, around.contained, types)
        targets = () if "Resource" in member.targets else member.targets
        if len(told) > 1:
            text = "its literal and its type say different types"
            self._tell(messages.REFERENCE_TARGET, text, steps)
        elif told and targets and told.isdisjoint(targets):
            wanted = " or ".join(member.targets)
            self._tell(messages.REFERENCE_TARGET, f"expected a reference to {wanted}", steps)

    def _wanted(self, member: Member, value: Any, steps: Steps) -> None:
        """Hold a value of right form against what a binding or a profile asks of it."""
        if member.codes is not None and outside(member.codes, member.type, value):
            text = f"no code of the value set {member.codes.value_set}"
            self._tell(messages.CODE_OUTSIDE, text, steps)
        if member.fixed is not ABSENT and not is_same(value, member.fixed):
            self._tell(messages.NOT_FIXED, "not the value that the profile fixes", steps)
        if member.pattern is not ABSENT and not holds_pattern(value, member.pattern):
            self._tell(messages.NOT_FIXED, "lacks what the profile's pattern asks for", steps)

    def _rules(self, rules: tuple[Rule, ...], value: Any, steps: Steps, around: Around) -> None:
        for rule in rules:
            if is_broken(rule, value, around.resource):
                self.issues.append(issue_of_rule(rule, steps))


def issue_of_rule(rule: Rule, steps: Steps) -> Issue:
    """Return what is told of a broken rule."""
    is_error = rule.severity == "error"
    message = messages.INVARIANT_BROKEN if is_error else messages.INVARIANT_WARNED
    return _issue(message, f"{rule.key}: {rule.human.rstrip('.')}", steps)


def _issue(message: Message, what: str, steps: Steps) -> Issue:
    expression = expression_of(steps)
    place = SourceLocation(pointer="".join(f"/{step}" for step in steps[1:]))
    return message.issue(f"{expression}: {what}.", expression=expression, source=place)


def expression_of(steps: Steps) -> str:
    """Return steps as simple FHIRPath; what stands beside a primitive has the primitive's name.

    >>> expression_of(("Observation", "category", 0, "coding"))
    'Observation.category[0].coding'
    """
    parts = (
        f"[{step}]" if isinstance(step, int) else f".{step.removeprefix('_')}" for step in steps[1:]
    )
    return f"{steps[0]}{''.join(parts)}"


def walked(book: RuleBook, content: Content, value: Any, steps: Steps) -> Iterator[Issue]:
    """Yield the problems of a resource under one set of rules."""
    walk = Walk(book)
    try:
        walk.resource(content, value, steps)
    except RecursionError:  # deeper than the strict reader lets through
        place = expression_of(steps)
        yield messages.TOO_DEEP.issue(f"{place}: nested too deeply.", expression=place)
    yield from walk.issues
