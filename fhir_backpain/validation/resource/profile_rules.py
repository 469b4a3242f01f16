"""The rules of a profile: those of its resource type, narrowed as its snapshot says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from fhir_backpain.validation.resource.base_rules import BaseRules
from fhir_backpain.validation.resource.conformance import Conformance
from fhir_backpain.validation.resource.element import (
    ABSENT,
    Choice,
    Content,
    Discriminator,
    Member,
    Slice,
    Slicing,
    required_names,
)
from fhir_backpain.validation.resource.invariant import Rule
from fhir_backpain.validation.resource.invariant_table import rules_of
from fhir_backpain.validation.resource.snapshot import Node, read_snapshot
from fhir_backpain.validation.resource.value_set import ValueSets

ExtensionRules = Callable[[str], Content | None]


class ProfileReader:
    """Reads profiles; `extension` gives the rules of an extension by its URL."""

    def __init__(self, base: BaseRules, conformance: Conformance) -> None:
        self._base = base
        self._conformance = conformance
        self._value_sets = ValueSets(base, conformance)

    def read(self, profile: dict[str, Any]) -> Content:
        """Return the rules of a StructureDefinition that has a snapshot."""
        root = read_snapshot(profile)
        content = self._content(self._base.content(profile["type"]), root)
        known = {rule.key for rule in content.rules}
        further = tuple(rule for rule in rules_of(root.constraints()) if rule.key not in known)
        return replace(content, rules=content.rules + further)

    def _content(self, content: Content, node: Node) -> Content:
        members = dict(content.members)
        choices = {choice.stem: choice for choice in content.choices}
        for name, child in node.members.items():
            if name in choices:
                choices[name] = self._choice(members, choices[name], child)
            elif name in members:
                members[name] = self._member(members[name], child)
        return replace(
            content,
            members=members,
            choices=tuple(choices.values()),
            required=required_names(members),
        )

    def _choice(self, members: dict[str, Member], choice: Choice, node: Node) -> Choice:
        """Narrow the members of a choice: a type that the profile drops is not allowed."""
        allowed = {written["code"] for written in node.types}
        stem = choice.stem.removesuffix("[x]")
        for name in choice.names:
            member = members[name]
            if node.max == 0 or (allowed and not _is_one_of(name, stem, member, allowed)):
                members[name] = replace(member, max=0)
                continue
            member = replace(self._member(member, node), min=0, max=1, slicing=None)
            for one in node.slices.values():
                if _is_one_of(name, stem, member, {written["code"] for written in one.types}):
                    member = replace(self._member(member, one), slicing=None, min=min(one.min, 1))
            members[name] = member
        return replace(choice, min=node.min)

    def _member(self, member: Member, node: Node) -> Member:
        url = node.required_value_set()
        plain = replace(
            member,
            min=node.min,
            max=node.max,
            targets=self._targets(member, node),
            codes=(self._value_sets.codes(url) if url else None) or member.codes,
            fixed=_or(node.value("fixed"), member.fixed),
            pattern=_or(node.value("pattern"), member.pattern),
            rules=self._rules(member, node),
            own=self._own(member, node),
        )
        if not member.is_list or not node.slices:
            return plain
        return replace(plain, slicing=self._slicing(plain, node))

    def _own(self, member: Member, node: Node) -> Content | None:
        if member.refuse is not None or not node.members:
            return member.own
        return self._content(member.own or self._base.content(member.content), node)

    def _rules(self, member: Member, node: Node) -> tuple[Rule, ...]:
        known = {rule.key for rule in member.rules}
        if member.refuse is None and member.type != "Resource":
            known |= {rule.key for rule in self._base.content(member.content).rules}
        return member.rules + tuple(r for r in rules_of(node.constraints()) if r.key not in known)

    def _targets(self, member: Member, node: Node) -> tuple[str, ...]:
        urls = [
            url
            for written in node.types
            if written["code"] == "Reference"
            for url in written.get("targetProfile", ())
        ]
        if member.type != "Reference" or not urls:
            return member.targets
        found = [self._conformance.type_of(url) for url in urls]
        # A profile that nothing is known of may be one of any type.
        return () if None in found else tuple(dict.fromkeys(name for name in found if name))

    def _slicing(self, member: Member, node: Node) -> Slicing:
        written = node.definition.get("slicing") or {}
        return Slicing(
            tuple(_discriminator(one) for one in written.get("discriminator", ())),
            written.get("rules") == "closed",
            tuple(self._slices(member, node)),
        )

    def _slices(self, member: Member, node: Node) -> Iterator[Slice]:
        for name, one in node.slices.items():
            narrowed = replace(self._member(member, one), slicing=None)
            if member.type == "Extension":
                narrowed = self._extension(narrowed, one)
            yield Slice(name, one.min, one.max, narrowed)

    def _extension(self, member: Member, node: Node) -> Member:
        """Tell the items of an extension slice by the URL of its definition."""
        urls = [url for written in node.types for url in written.get("profile", ())]
        if not urls:
            return member
        content = member.own or self._base.content("Extension")
        members = dict(content.members)
        members["url"] = replace(members["url"], fixed=urls[0].partition("|")[0])
        return replace(member, own=replace(content, members=members))


def _is_one_of(name: str, stem: str, member: Member, codes: set[str]) -> bool:
    """Return whether a member of a choice is of one of the types; valueQuantity of Quantity."""
    suffix = name.removeprefix(stem)
    return member.type in codes or any(
        suffix == code[:1].upper() + code[1:] or code == f"Simple{suffix}" for code in codes
    )


def _discriminator(written: dict[str, Any]) -> Discriminator:
    path = written["path"]
    return Discriminator(written["type"], () if path == "$this" else tuple(path.split(".")))


def _or(value: Any, other: Any) -> Any:
    return other if value is ABSENT else value
