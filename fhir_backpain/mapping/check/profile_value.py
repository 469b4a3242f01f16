"""Holds a made value against an element of a profile; UNKNOWN is let through."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from fhir_backpain.definitions.element import Binding
from fhir_backpain.definitions.profile import NOTHING, Profile, ProfileElement
from fhir_backpain.mapping import messages
from fhir_backpain.mapping.check.made_value import UNKNOWN
from fhir_backpain.outcome import Message


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with a value, and at which element."""

    message: Message
    path: str
    text: str


def matches(value: Any, pattern: Any) -> bool | None:
    """Return whether a value has all that a pattern has, or None where only the record tells.

    FHIR: ElementDefinition.pattern[x]
    """
    if value is UNKNOWN:
        return None
    if isinstance(pattern, dict):
        if not isinstance(value, dict) or not pattern.keys() <= value.keys():
            return False
        return all_of(matches(value[name], part) for name, part in pattern.items())
    if isinstance(pattern, list):
        if not isinstance(value, list):
            return False
        return all_of(any_of(matches(one, part) for one in value) for part in pattern)
    return bool(value == pattern)


def all_of(answers: Iterable[bool | None]) -> bool | None:
    """Return False where one is, None where one is unknown, else True."""
    found = list(answers)
    return False if False in found else None if None in found else True


def any_of(answers: Iterable[bool | None]) -> bool | None:
    """Return True where one is, None where one is unknown, else False."""
    found = list(answers)
    return True if True in found else None if None in found else False


def expected_of(element: ProfileElement) -> Any:
    """Return the fixed value or the pattern of an element, NOTHING where it has neither."""
    return element.pattern if element.fixed is NOTHING else element.fixed


def rules_for(profile: Profile, child: ProfileElement, json_name: str) -> list[ProfileElement]:
    """Return what holds for a member: its element, and the slice of its type where one is."""
    if not child.is_choice:
        return [child]
    slices = profile.slices(child.id)
    return [child, *(one for one in slices if one.json_names == (json_name,))]


def value_findings(
    profile: Profile, element: ProfileElement, value: Any, path: str
) -> Iterator[Finding]:
    """Yield what a profile says against a value at an element, and against all below."""
    if value is UNKNOWN:
        return
    expected = expected_of(element)
    if expected is not NOTHING and matches(value, expected) is False:
        text = f"{path} is not what {profile.name} fixes."
        yield Finding(messages.PROFILE_FIXED, path, text)
        return
    if element.binding is not None and _is_outside(value, element.binding):
        text = f"{path} is outside {element.binding.value_set}, which {profile.name} requires."
        yield Finding(messages.PROFILE_BINDING, path, text)
    if isinstance(value, dict):
        for child in profile.children(element.id).values():
            yield from _member_findings(profile, child, value, path)


def _member_findings(
    profile: Profile, child: ProfileElement, value: dict[str, Any], path: str
) -> Iterator[Finding]:
    there = [name for name in child.json_names if name in value]
    below = f"{path}.{(there or child.json_names or (child.name,))[0]}"
    if child.max == 0 and there:
        text = f"{profile.name} does not allow {below}."
        yield Finding(messages.PROFILE_CARDINALITY, below, text)
        return
    if child.min and not there:
        text = f"{below} is mandatory in {profile.name}."
        yield Finding(messages.PROFILE_MISSING, below, text)
    for name in there:
        found = value[name] if isinstance(value[name], list) else [value[name]]
        for rule in rules_for(profile, child, name):
            for one in found:
                yield from value_findings(profile, rule, one, f"{path}.{name}")


def _is_outside(value: Any, binding: Binding) -> bool:
    """Return whether a code is surely outside a required binding whose codes are known."""
    if binding.strength != "required" or binding.codes is None:
        return False
    if isinstance(value, str):
        return binding.find(value) is None
    if not isinstance(value, dict):
        return False
    codings = value.get("coding", [value])
    if UNKNOWN in codings or not all("code" in one for one in codings):
        return False
    return not any(binding.find(one["code"], one.get("system")) for one in codings)
