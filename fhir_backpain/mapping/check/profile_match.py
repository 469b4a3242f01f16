"""Whether what a template makes has what a profile fixes: always, never, or only the record tells.

With it the items of a list find their slices.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from fhir_backpain.definitions.profile import NOTHING, Discriminator, Profile, ProfileElement
from fhir_backpain.mapping.check.certainty import inside_each, inside_fragment
from fhir_backpain.mapping.check.given import Given
from fhir_backpain.mapping.check.made_type import MAKES_LIST
from fhir_backpain.mapping.check.made_value import UNKNOWN, made_values
from fhir_backpain.mapping.check.profile_value import all_of, any_of, expected_of, matches
from fhir_backpain.mapping.library import Library
from fhir_backpain.mapping.scope import Scope
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

Answer = bool | None


@dataclass(frozen=True, slots=True)
class Matcher:
    """Answers for the templates of one library, where a claim is made."""

    library: Library
    given: Given

    def takes(
        self, profile: Profile, owner: ProfileElement, slice_: ProfileElement, node: Template,
        scope: Scope,
    ) -> Answer:  # fmt: skip
        """Return whether an item belongs to a slice, by the discriminators of its element."""
        return all_of(self._by(profile, slice_, one, node, scope) for one in owner.discriminators)

    def value_takes(
        self, profile: Profile, owner: ProfileElement, slice_: ProfileElement, value: Any
    ) -> Answer:
        """Return whether a made value belongs to a slice."""
        answers = []
        for one in owner.discriminators:
            expected, steps = _wanted(profile, slice_, one)
            found = None if expected is NOTHING else _of_value(value, steps, expected)
            answers.append(found)
        return all_of(answers)

    def of(self, node: Template, steps: Sequence[str], expected: Any, scope: Scope) -> Answer:
        """Return whether what is at some steps below a node has all that is expected."""
        if isinstance(node, Use):
            template = self.library.fragments[node.fragment].template
            return self.of(template, steps, expected, inside_fragment(node, scope))
        if isinstance(node, When):
            return self.of(node.body, steps, expected, scope)
        if isinstance(node, Each):
            return self.of(node.body, steps, expected, inside_each(node, scope))
        if isinstance(node, FirstOf):
            return _same([self.of(one, steps, expected, scope) for one in node.alternatives])
        if isinstance(node, ListTemplate):
            return self._of_list(node, steps, expected, scope)
        if isinstance(node, ObjectTemplate):
            return self._of_object(node, steps, expected, scope)
        return _same([_of_value(value, steps, expected) for value in self._values(node, scope)])

    def _by(
        self, profile: Profile, slice_: ProfileElement, discriminator: Discriminator,
        node: Template, scope: Scope,
    ) -> Answer:  # fmt: skip
        expected, steps = _wanted(profile, slice_, discriminator)
        return None if expected is NOTHING else self.of(node, steps, expected, scope)

    def _of_list(
        self, node: ListTemplate, steps: Sequence[str], expected: Any, scope: Scope
    ) -> Answer:
        parts = [expected] if steps or not isinstance(expected, list) else expected
        return all_of(
            any_of(self.of(item, steps, part, scope) for item in node.items) for part in parts
        )

    def _of_object(
        self, node: ObjectTemplate, steps: Sequence[str], expected: Any, scope: Scope
    ) -> Answer:
        if steps:
            member = node.members.get(steps[0])
            return member is not None and self.of(member, steps[1:], expected, scope)
        if not isinstance(expected, dict) or not expected.keys() <= node.members.keys():
            return False
        return all_of(
            self.of(node.members[name], (), part, scope) for name, part in expected.items()
        )

    def _values(self, node: Slot | Literal, scope: Scope) -> Iterator[Any]:
        for made in made_values(node, scope, self.given, self.library):
            yield made.value


def is_list_slot(node: Template) -> bool:
    """Return whether a node is a slot that makes a list by itself."""
    return isinstance(node, Slot) and node.function in MAKES_LIST


def _wanted(
    profile: Profile, slice_: ProfileElement, discriminator: Discriminator
) -> tuple[Any, tuple[str, ...]]:
    """Return what a slice fixes at a discriminator's path, and the way to it."""
    if discriminator.type not in ("value", "pattern"):
        return NOTHING, ()
    if discriminator.path == "$this":
        return expected_of(slice_), ()
    element = profile.elements.get(f"{slice_.id}.{discriminator.path}")
    expected = NOTHING if element is None else expected_of(element)
    return expected, tuple(discriminator.path.split("."))


def _of_value(value: Any, steps: Sequence[str], expected: Any) -> Answer:
    if not steps or value is UNKNOWN:
        return matches(value, expected)
    if isinstance(value, list):
        return any_of(_of_value(one, steps, expected) for one in value)
    if not isinstance(value, dict) or steps[0] not in value:
        return False
    return _of_value(value[steps[0]], steps[1:], expected)


def _same(answers: Sequence[Answer]) -> Answer:
    """Return the answer that all give, else None."""
    return answers[0] if answers and len(set(answers)) == 1 else None
