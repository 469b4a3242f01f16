"""Walks a template beside the elements of one claimed profile, and yields what contradicts it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from fhir_backpain.definitions.definitions import Definitions
from fhir_backpain.definitions.profile import NOTHING, Profile, ProfileElement
from fhir_backpain.definitions.profile_folder import ProfileFolders
from fhir_backpain.mapping import messages
from fhir_backpain.mapping.check.certainty import Certainty, inside_each, inside_fragment
from fhir_backpain.mapping.check.facts import facts_of
from fhir_backpain.mapping.check.given import Given
from fhir_backpain.mapping.check.made_value import UNKNOWN, made_values
from fhir_backpain.mapping.check.profile_match import Matcher, is_list_slot
from fhir_backpain.mapping.check.profile_target import refused_target
from fhir_backpain.mapping.check.profile_value import expected_of, rules_for, value_findings
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
from fhir_backpain.outcome import Issue, MappingLocation, Message

Rules = Sequence[ProfileElement]


@dataclass(frozen=True, slots=True)
class Item:
    """An item of a list, in the scope in which it is read; and where its fragment is used."""

    node: Template
    scope: Scope
    is_repeated: bool = False
    used_at: MappingLocation | None = None


@dataclass(frozen=True, slots=True)
class ProfileWalk:
    """One claim of one mapping: what is walked, and what is given where the profile is claimed."""

    profile: Profile
    profiles: ProfileFolders
    definitions: Definitions
    library: Library
    given: Given

    def of_object(
        self, node: ObjectTemplate, owners: Rules, path: str, scope: Scope
    ) -> Iterator[Issue]:
        """Yield what is wrong with an object to which some elements of the profile apply."""
        for owner in owners:
            for child in self.profile.children(owner.id).values():
                yield from self._child(node, child, path, scope)

    def _child(
        self, node: ObjectTemplate, child: ProfileElement, path: str, scope: Scope
    ) -> Iterator[Issue]:
        there = {name: node.members[name] for name in child.json_names if name in node.members}
        there = {name: one for name, one in there.items() if self._can_be_there(one, scope)}
        refused = list(self._refused_types(node, child, path, scope))
        for member, below in refused:
            text = f"{self.profile.name} does not allow {below}; {child.name} is one of: "
            text += f"{', '.join(child.json_names)}."
            yield self._issue(messages.PROFILE_CHOICE, text, member.location, below)
        if child.max == 0:
            for name, member in there.items():
                text = f"{self.profile.name} does not allow {path}.{name}."
                yield self._issue(
                    messages.PROFILE_CARDINALITY, text, member.location, f"{path}.{name}"
                )
            return
        if child.min and not refused:
            yield from self._mandatory(node, child, list(there.values()), path, scope)
        for name, member in there.items():
            rules = rules_for(self.profile, child, name)
            yield from self._member(member, rules, f"{path}.{name}", scope)

    def _refused_types(
        self, node: ObjectTemplate, child: ProfileElement, path: str, scope: Scope
    ) -> Iterator[tuple[Template, str]]:
        """Yield the members that FHIR's choice has, and the profile has not."""
        if not child.is_choice or child.max == 0:
            return
        for name, member in node.members.items():
            element = self.definitions.element(f"{path}.{name}")
            choice = element.choice_of if element else None
            is_here = choice is not None and choice.path.rpartition(".")[2] == child.name
            refused = is_here and name not in child.json_names
            if refused and self._can_be_there(member, scope):
                yield member, f"{path}.{name}"

    def _can_be_there(self, node: Template, scope: Scope) -> bool:
        """A slot makes nothing where no word that is left where the claim is made has a row."""
        if not isinstance(node, Slot) or node.function not in ("concept", "concepts", "copy"):
            return True
        return any(True for _ in made_values(node, scope, self.given, self.library))

    def _mandatory(
        self, node: ObjectTemplate, child: ProfileElement, there: list[Template], path: str,
        scope: Scope,
    ) -> Iterator[Issue]:  # fmt: skip
        shown = f"{path}.{child.json_names[0]}" if child.json_names else path
        if self._is_mandatory_anyway(shown):
            return  # FHIR's own check tells it.
        certainty = Certainty(self.library.fragments)
        if not there:
            text = f"{shown} is mandatory in {self.profile.name}."
            yield self._issue(messages.PROFILE_MISSING, text, node.location, shown)
        elif not certainty.of_one(there, scope):
            live = [m for m in node.members.values() if certainty.is_live(m, scope)]
            if "." in path and live == there:
                return  # The object is there only where this member is.
            text = f"{shown} is mandatory in {self.profile.name}, but may be empty."
            yield self._issue(messages.PROFILE_MAY_BE_EMPTY, text, there[0].location, shown)

    def _is_mandatory_anyway(self, path: str) -> bool:
        element = self.definitions.element(path)
        if element is None:
            return False
        return bool(element.min or (element.choice_of and element.choice_of.min))

    def _member(self, node: Template, rules: Rules, path: str, scope: Scope) -> Iterator[Issue]:
        if isinstance(node, Use):
            template = self.library.fragments[node.fragment].template
            found = self._member(template, rules, path, inside_fragment(node, scope))
            yield from _told_at(node.location, found)
        elif isinstance(node, When):
            facts = facts_of(node.condition, scope, node.location)
            yield from self._member(node.body, rules, path, scope.with_facts(facts))
        elif isinstance(node, FirstOf):
            for alternative in node.alternatives:
                yield from self._member(alternative, rules, path, scope)
        elif isinstance(node, ListTemplate):
            yield from self._list(node, rules, path, scope)
        elif is_list_slot(node):
            assert isinstance(node, Slot)
            yield from self._list_slot(node, rules, path, scope)
        else:
            yield from self._item(node, rules, path, scope)

    def _list(self, node: ListTemplate, rules: Rules, path: str, scope: Scope) -> Iterator[Issue]:
        items = [item for one in node.items for item in self._items(one, scope)]
        element = rules[0]
        yield from self._too_many(items, element, node.location, path)
        slices = self.profile.slices(element.id)
        for slice_ in slices:
            yield from self._slice(items, element, slice_, node.location, path)
        matcher = Matcher(self.library, self.given)
        for item in items:
            taken = [
                one for one in slices
                if matcher.takes(self.profile, element, one, item.node, item.scope)
            ]  # fmt: skip
            found = self._item(item.node, [*rules, *taken], path, item.scope)
            yield from _told_at(item.used_at, found)

    def _items(self, node: Template, scope: Scope, repeated: bool = False) -> Iterator[Item]:
        if isinstance(node, Use):
            template = self.library.fragments[node.fragment].template
            for item in self._items(template, inside_fragment(node, scope), repeated):
                yield replace(item, used_at=node.location)
        elif isinstance(node, Each):
            yield from self._items(node.body, inside_each(node, scope), repeated=True)
        elif isinstance(node, FirstOf):
            for alternative in node.alternatives:
                yield from self._items(alternative, scope, repeated)
        elif isinstance(node, When):
            facts = facts_of(node.condition, scope, node.location)
            for item in self._items(node.body, scope.with_facts(facts), repeated):
                # What a condition holds back is not there for every record.
                yield replace(item, node=When(node.condition, item.node, node.location))
        else:
            yield Item(node, scope, repeated)

    def _too_many(
        self, items: Sequence[Item], element: ProfileElement, where: MappingLocation, path: str
    ) -> Iterator[Issue]:
        if element.max is None:
            return
        sure = sum(self._is_sure(item) for item in items)
        if sure > element.max or any(item.is_repeated for item in items):
            text = f"{path} can be there {element.max} times at most in {self.profile.name}."
            yield self._issue(messages.PROFILE_CARDINALITY, text, where, path)

    def _is_sure(self, item: Item) -> bool:
        return Certainty(self.library.fragments).of(item.node, item.scope)

    def _slice(
        self, items: Sequence[Item], element: ProfileElement, slice_: ProfileElement,
        where: MappingLocation, path: str,
    ) -> Iterator[Issue]:  # fmt: skip
        matcher = Matcher(self.library, self.given)
        answers = [
            (matcher.takes(self.profile, element, slice_, item.node, item.scope), item)
            for item in items
        ]
        shown = f"{path}:{slice_.slice_name}"
        sure = [item for answer, item in answers if answer and self._is_sure(item)]
        if slice_.max is not None and len(sure) > slice_.max:
            text = f"More than {slice_.max} items are {shown} of {self.profile.name}."
            yield self._issue(messages.PROFILE_CARDINALITY, text, where, path)
        if not slice_.min:
            return
        if all(answer is False for answer, _ in answers):
            text = f"No item is {shown}, which {self.profile.name} asks for."
            yield self._issue(messages.PROFILE_SLICE, text, where, path)
        elif not sure and not any(answer is None for answer, _ in answers):
            text = f"{shown} is mandatory in {self.profile.name}, but may be missing."
            yield self._issue(messages.PROFILE_MAY_BE_EMPTY, text, where, path)

    def _list_slot(self, node: Slot, rules: Rules, path: str, scope: Scope) -> Iterator[Issue]:
        element = rules[0]
        matcher = Matcher(self.library, self.given)
        for made in made_values(node, scope, self.given, self.library):
            word = f" for the word '{made.word}'" if made.word else ""
            if element.max is not None and len(made.value) > element.max:
                text = f"{path} can be there {element.max} times at most in {self.profile.name}"
                yield self._issue(
                    messages.PROFILE_CARDINALITY, f"{text}{word}.", node.location, path
                )
            for slice_ in self.profile.slices(element.id):
                answers = [
                    matcher.value_takes(self.profile, element, slice_, one) for one in made.value
                ]
                if slice_.min and all(answer is False for answer in answers):
                    text = f"No item is {path}:{slice_.slice_name}{word}, "
                    text += f"which {self.profile.name} asks for."
                    yield self._issue(messages.PROFILE_SLICE, text, node.location, path)
            for one in made.value:
                yield from self._value(one, rules, path, node.location, word)

    def _item(self, node: Template, rules: Rules, path: str, scope: Scope) -> Iterator[Issue]:
        if isinstance(node, When | Use | FirstOf):
            # An item is no list, so that its rules hold for what is inside.
            for item in self._items(node, scope):
                inner = item.node.body if isinstance(item.node, When) else item.node
                yield from self._item(inner, rules, path, item.scope)
        elif isinstance(node, ObjectTemplate):
            yield from self._fixed(node, rules, path, scope)
            yield from self.of_object(node, rules, path, scope)
        elif isinstance(node, Slot | Literal):
            yield from self._slot(node, rules, path, scope)

    def _slot(self, node: Slot | Literal, rules: Rules, path: str, scope: Scope) -> Iterator[Issue]:
        base = self.definitions.element(path)
        refused = refused_target(node, rules, self.profiles, base.targets if base else ())
        if refused:
            text = f"{path} refers to {refused}, which {self.profile.name} does not allow."
            yield self._issue(messages.PROFILE_TARGET, text, node.location, path)
        for made in made_values(node, scope, self.given, self.library):
            word = f" for the word '{made.word}'" if made.word and made.value is not UNKNOWN else ""
            yield from self._value(made.value, rules, path, node.location, word)

    def _value(
        self, value: object, rules: Rules, path: str, where: MappingLocation, word: str
    ) -> Iterator[Issue]:
        for rule in rules:
            for found in value_findings(self.profile, rule, value, path):
                text = found.text.removesuffix(".") + f"{word}."
                yield self._issue(found.message, text, where, found.path)

    def _fixed(
        self, node: ObjectTemplate, rules: Rules, path: str, scope: Scope
    ) -> Iterator[Issue]:
        matcher = Matcher(self.library, self.given)
        for rule in rules:
            expected = expected_of(rule)
            if expected is not NOTHING and matcher.of(node, (), expected, scope) is False:
                text = f"{path} is not what {self.profile.name} fixes."
                yield self._issue(messages.PROFILE_FIXED, text, node.location, path)

    def _issue(self, message: Message, text: str, where: MappingLocation, expression: str) -> Issue:
        return message.issue(text, mapping=where, expression=expression)


def _told_at(where: MappingLocation | None, found: Iterator[Issue]) -> Iterator[Issue]:
    """Yield findings inside a fragment at its use: it is the using mapping that makes the claim."""
    for issue in found:
        yield issue if where is None else replace(issue, mapping=where)
