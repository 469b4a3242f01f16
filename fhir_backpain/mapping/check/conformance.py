"""Holds a mapping's template against the StructureDefinitions of a FHIR release.

Found before the first record: unknown elements, wrong datatypes, missing mandatory elements and
such as may be empty, wrong cardinality, two types of one choice, codes outside a required binding,
alternatives that can never apply.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from fhir_backpain.definitions.definitions import Definitions
from fhir_backpain.definitions.element import Choice, ElementDefinition
from fhir_backpain.errors import ArtifactError
from fhir_backpain.mapping import messages
from fhir_backpain.mapping.check.certainty import Certainty, inside_each, inside_fragment
from fhir_backpain.mapping.check.facts import facts_of, never_holds
from fhir_backpain.mapping.check.ignored import unknown_ignored
from fhir_backpain.mapping.check.made_type import codes_outside, fits, made_type
from fhir_backpain.mapping.check.profile_conformance import ProfileConformance
from fhir_backpain.mapping.check.rule_scope import repeated_scope, rule_scope
from fhir_backpain.mapping.declaration import Declaration
from fhir_backpain.mapping.library import Library
from fhir_backpain.mapping.scope import Scope
from fhir_backpain.mapping.source_shape import ObjectShape
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

_MADE_BY_US = frozenset({"resourceType", "id"})


class ConformanceCheck:
    """Checks declarations of one library against one release."""

    def __init__(self, definitions: Definitions, library: Library) -> None:
        self._definitions = definitions
        self._library = library
        self._certainty = Certainty(library.fragments)
        self._claims = ProfileConformance(definitions, library)

    def findings(self, declaration: Declaration, shape: ObjectShape) -> Iterator[Issue]:
        """Yield what is wrong with a mapping for one source, each finding at its place.

        Paths that the source does not have are left to the compiler, which names them too.
        """
        if self._definitions.resource(declaration.makes) is None:
            text = f"FHIR {self._definitions.release} has no resource {declaration.makes} here."
            yield messages.TARGET_UNKNOWN.issue(text, mapping=declaration.location)
            return
        yield from unknown_ignored(declaration)
        try:
            yield from _rule_condition(declaration, shape)
            scope = rule_scope(declaration, shape)
            yield from _key(declaration, scope)
            assert isinstance(declaration.template, ObjectTemplate)
            found = list(self._object(declaration.template, declaration.makes, scope))
            yield from found
            # What FHIR itself does not allow says nothing yet against a profile.
            yield from () if found else self._claims.findings(declaration, scope)
        except ArtifactError:
            return

    def _object(self, node: ObjectTemplate, path: str, scope: Scope) -> Iterator[Issue]:
        known = self._definitions.children(path)
        meant: set[str] = set()
        for name, member in node.members.items():
            element = known.get(name)
            if element is None:
                meant.update(self._definitions.suggest(path, name)[:1])
                yield self._unknown(path, name, member.location)
            else:
                yield from self._member(member, f"{path}.{name}", element, scope)
        yield from self._missing(node, path, known, meant, scope)
        yield from self._clashing_choices(node, path, known, scope)

    def _unknown(self, path: str, name: str, where: MappingLocation) -> Issue:
        near = self._definitions.suggest(path, name)
        hint = f" Did you mean {' or '.join(near)}?" if near else ""
        text = f"{path} has no element '{name}' in FHIR {self._definitions.release}.{hint}"
        return messages.TARGET_UNKNOWN.issue(text, mapping=where, expression=f"{path}.{name}")

    def _missing(
        self,
        node: ObjectTemplate,
        path: str,
        known: Mapping[str, ElementDefinition],
        meant: set[str],
        scope: Scope,
    ) -> Iterator[Issue]:
        """Yield what is mandatory and not there; a misspelt element was told already."""
        wanted: dict[tuple[str, ...], None] = {}
        for name, element in known.items():
            if element.min and not ("." not in path and name in _MADE_BY_US):
                wanted[name,] = None
            if element.choice_of and element.choice_of.min:
                wanted[element.choice_of.names] = None
        for names in wanted:
            if meant.isdisjoint(names):
                yield from self._wanted(node, path, names, scope)

    def _wanted(
        self, node: ObjectTemplate, path: str, names: tuple[str, ...], scope: Scope
    ) -> Iterator[Issue]:
        there = [node.members[name] for name in names if name in node.members]
        shown = f"{path}.{names[0]}"
        if not there:
            text = f"{shown} is mandatory in FHIR {self._definitions.release}."
            yield messages.TARGET_MISSING.issue(text, mapping=node.location, expression=shown)
        elif not any(self._certainty.of(member, scope) for member in there):
            live = [m for m in node.members.values() if self._certainty.is_live(m, scope)]
            if "." in path and live == there:
                return  # The object is there only where this member is.
            text = f"{shown} is mandatory, but a valid record may leave it empty."
            yield messages.TARGET_MAY_BE_EMPTY.issue(
                text, mapping=there[0].location, expression=shown
            )

    def _clashing_choices(
        self,
        node: ObjectTemplate,
        path: str,
        known: Mapping[str, ElementDefinition],
        scope: Scope,
    ) -> Iterator[Issue]:
        first: dict[Choice, str] = {}
        for name, member in node.members.items():
            choice = known[name].choice_of if name in known else None
            if choice is None or not self._certainty.of(member, scope):
                continue
            if choice in first:
                text = f"{path} has {first[choice]} and {name}; FHIR allows one of them."
                yield messages.TARGET_CHOICE.issue(
                    text, mapping=member.location, expression=f"{path}.{name}"
                )
            first.setdefault(choice, name)

    def _member(
        self, node: Template, path: str, element: ElementDefinition, scope: Scope
    ) -> Iterator[Issue]:
        """Check a member's value: a list where the element repeats, a single one elsewhere."""
        if element.max == 0:
            yield _issue(messages.TARGET_CARDINALITY, f"{path} is forbidden here.", node, path)
        elif isinstance(node, Use):
            inner = inside_fragment(node, scope)
            yield from self._member(self._fragment(node), path, element, inner)
        elif isinstance(node, When):
            yield from self._condition(node, scope)
            facts = facts_of(node.condition, scope, node.location)
            yield from self._member(node.body, path, element, scope.with_facts(facts))
        elif isinstance(node, FirstOf):
            yield from self._first_of(node, scope)
            for alternative in node.alternatives:
                yield from self._member(alternative, path, element, scope)
        elif isinstance(node, ListTemplate):
            yield from self._list(node, path, element, scope)
        elif isinstance(node, Slot):
            yield from self._single_or_list_slot(node, path, element, scope)
        elif element.is_list:
            text = f"{path} repeats: write a list."
            yield _issue(messages.TARGET_CARDINALITY, text, node, path)
        else:
            yield from self._value(node, path, element, scope)

    def _fragment(self, node: Use) -> Template:
        return self._library.fragments[node.fragment].template

    def _list(
        self, node: ListTemplate, path: str, element: ElementDefinition, scope: Scope
    ) -> Iterator[Issue]:
        if not element.is_list:
            text = f"{path} does not repeat: write a single value."
            yield _issue(messages.TARGET_CARDINALITY, text, node, path)
            return
        always = sum(not isinstance(item, Each | When) for item in node.items)
        if element.max is not None and always > element.max:
            text = f"{path} can be there {element.max} times at most."
            yield _issue(messages.TARGET_CARDINALITY, text, node, path)
        for index, item in enumerate(node.items):
            yield from self._value(item, f"{path}[{index}]", element, scope)

    def _single_or_list_slot(
        self, node: Slot, path: str, element: ElementDefinition, scope: Scope
    ) -> Iterator[Issue]:
        if made_type(node, scope).is_list != element.is_list:
            says = "repeats: write a list" if element.is_list else "does not repeat"
            yield _issue(messages.TARGET_CARDINALITY, f"{path} {says}.", node, path)
        else:
            yield from self._slot(node, path, element, scope)

    def _value(
        self, node: Template, path: str, element: ElementDefinition, scope: Scope
    ) -> Iterator[Issue]:
        """Check a single value of an element."""
        if isinstance(node, Literal):
            yield from self._literal(node, path, element)
        elif isinstance(node, Slot):
            yield from self._slot(node, path, element, scope)
        elif isinstance(node, ObjectTemplate):
            yield from self._complex(node, path, element, scope)
        elif isinstance(node, Use):
            inner = inside_fragment(node, scope)
            yield from self._value(self._fragment(node), path, element, inner)
        elif isinstance(node, Each):
            yield from self._value(node.body, path, element, inside_each(node, scope))
        elif isinstance(node, When):
            yield from self._condition(node, scope)
            facts = facts_of(node.condition, scope, node.location)
            yield from self._value(node.body, path, element, scope.with_facts(facts))
        elif isinstance(node, FirstOf):
            yield from self._first_of(node, scope)
            for alternative in node.alternatives:
                yield from self._value(alternative, path, element, scope)
        else:
            text = f"{path} takes a single value here."
            yield _issue(messages.TARGET_CARDINALITY, text, node, path)

    def _complex(
        self, node: ObjectTemplate, path: str, element: ElementDefinition, scope: Scope
    ) -> Iterator[Issue]:
        if self._definitions.primitive(element.type) is not None:
            text = f"{path} is a {element.type}, not an object."
            yield _issue(messages.TARGET_TYPE, text, node, path)
        else:
            yield from self._object(node, path, scope)

    def _slot(
        self, node: Slot, path: str, element: ElementDefinition, scope: Scope
    ) -> Iterator[Issue]:
        made = made_type(node, scope)
        if not fits(made, element, self._definitions):
            text = f"{path} is a {element.type}, but '={node.function}' makes {made.name} here."
            yield _issue(messages.TARGET_TYPE, text, node, path)
            return
        outside = list(codes_outside(node, scope, element, self._library))
        if outside:
            binding = element.binding.value_set if element.binding else ""
            text = f"{path}: {', '.join(outside[:5])} is outside {binding}."
            yield _issue(messages.CODE_OUTSIDE, text, node, path)
        yield from _wrong_target(node, path, element)

    def _literal(self, node: Literal, path: str, element: ElementDefinition) -> Iterator[Issue]:
        primitive = self._definitions.primitive(element.type)
        if primitive is None or not primitive.accepts(node.value):
            text = f"{path} is a {element.type}; the literal is not one."
            yield _issue(messages.TARGET_TYPE, text, node, path)
            return
        binding = element.binding
        if binding is None or binding.strength != "required" or binding.codes is None:
            return
        if binding.find(str(node.value)) is None:
            text = f"{path}: '{node.value}' is outside {binding.value_set}."
            yield _issue(messages.CODE_OUTSIDE, text, node, path)

    def _condition(self, node: When, scope: Scope) -> Iterator[Issue]:
        yield from _unreachable(node.condition, scope, node.location)

    def _first_of(self, node: FirstOf, scope: Scope) -> Iterator[Issue]:
        for index, alternative in enumerate(node.alternatives[:-1]):
            if self._certainty.of(alternative, scope):
                after = node.alternatives[index + 1]
                text = "This alternative never applies: the one before it is always there."
                yield messages.UNREACHABLE.issue(text, mapping=after.location)
                return


def _rule_condition(declaration: Declaration, shape: ObjectShape) -> Iterator[Issue]:
    if declaration.condition:
        scope = repeated_scope(declaration, shape)
        yield from _unreachable(declaration.condition, scope, declaration.location)


def _key(declaration: Declaration, scope: Scope) -> Iterator[Issue]:
    """A key whose first path is empty would give one identity to different things."""
    first = next((part for part in declaration.key if part.is_path), None)
    if first is not None and not scope.find(first.text, first.location).certain:
        text = f"The key of '{declaration.name}' may be empty at '{first.text}'."
        yield messages.TARGET_MAY_BE_EMPTY.issue(
            text, mapping=first.location, next_step="Add a 'when' to the rule."
        )


def _unreachable(condition: str, scope: Scope, where: MappingLocation) -> Iterator[Issue]:
    reason = never_holds(condition, scope, where)
    if reason:
        text = f"'{condition}' never holds: {reason}."
        yield messages.UNREACHABLE.issue(text, mapping=where)


def _wrong_target(node: Slot, path: str, element: ElementDefinition) -> Iterator[Issue]:
    if node.function not in ("reference", "actor") or not element.targets:
        return
    from_us = "Practitioner" if node.function == "actor" else getattr(node.argument, "text", "")
    if from_us not in element.targets and "Resource" not in element.targets:
        text = f"{path} refers to {', '.join(element.targets)}, not to {from_us}."
        yield _issue(messages.TARGET_TYPE, text, node, path)


def _issue(message: Message, text: str, node: Template, path: str) -> Issue:
    return message.issue(text, mapping=node.location, expression=path)
