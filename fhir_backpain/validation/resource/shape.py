"""What is settled by which members an object has: the same for every object of its shape."""

from __future__ import annotations

from typing import Any

from fhir_backpain.validation.resource.element import Content
from fhir_backpain.validation.resource.invariant import Rule, is_asked

# What is inside a resource, or changes its meaning, needs the walk.
_NEEDS_WALK = ("contained", "modifierExtension")


def has_good_names(content: Content, value: dict[str, Any]) -> bool:
    """Return whether an object's names are surely good: known, complete, one of each choice."""
    if not value or (value.keys() <= {"id"} and not content.is_resource):
        return False
    if not all(_is_good_name(content, name) for name in value):
        return False
    if any(name not in value for name in content.required):
        return False
    for choice in content.choices:
        count = sum(name in value for name in choice.names)
        if count > 1 or (not count and choice.min):
            return False
    return all(is_met_by_names(rule, value) for rule in content.rules)


def _is_good_name(content: Content, name: str) -> bool:
    member = content.members.get(name)
    if member is None:
        return name == "resourceType" and content.is_resource
    return member.max != 0 and name not in _NEEDS_WALK


def is_met_by_names(rule: Rule, value: dict[str, Any]) -> bool:
    """Return False where a rule is broken by which members an object has."""
    if not rule.test.by_names or not is_asked(rule, value):
        return True
    return rule.test.holds(value, value)


def must_run(rule: Rule, value: dict[str, Any]) -> bool:
    """Return whether a rule needs the values of objects of this shape."""
    # ref-1 is about local references, of which the look at references is never sure.
    return not rule.test.by_names and rule.key != "ref-1" and is_asked(rule, value)
