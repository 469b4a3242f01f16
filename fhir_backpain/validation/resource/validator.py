"""The built-in validator: quick where a resource is good, exact where it is not.

>>> [issue.expression for issue in BuiltInValidator().validate({"resourceType": "Patient", "x": 1})]
['Patient.x']
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from fhir_backpain.errors import SourceError
from fhir_backpain.fhir import json_text
from fhir_backpain.outcome import Issue
from fhir_backpain.validation.resource import messages
from fhir_backpain.validation.resource.certainty import Certainty
from fhir_backpain.validation.resource.element import Content
from fhir_backpain.validation.resource.judge import Judge, Sure
from fhir_backpain.validation.resource.rule_book import RuleBook, load_rule_book
from fhir_backpain.validation.resource.text_look import TextLook
from fhir_backpain.validation.resource.walk import Steps, expression_of, walked

_MAX_CLAIMS = 64
_MAX_JUDGES = 512
_MAX_SHAPES = 128
# What a quick look runs into where a value has not the form that it takes for granted.
_UNSURE = (TypeError, KeyError, IndexError, AttributeError, ValueError, RecursionError)
_CANONICAL = re.compile(r"https?://[\w./-]{1,200}", re.ASCII)


class _Planned(NamedTuple):
    """The plan of resources of the same names and claims, and what is told of them if good."""

    plan: Sure
    issues: tuple[Issue, ...] | None
    judge: Judge


class BuiltInValidator:
    """Holds resources against R4 and the profiles that they claim; nothing is fetched.

    `packages` are folders or package files (.tgz) of profiles beside the shipped ones; `profiles`
    are URLs that every resource of their type is held against, beside those it claims. Raises
    ArtifactError where a package cannot be read. Threads may share a validator.
    """

    def __init__(self, packages: Iterable[Path] = (), profiles: Sequence[str] = ()) -> None:
        # A copy: what is within a resource is held against the profiles of this validator.
        self._book: RuleBook = copy(load_rule_book(tuple(packages)))
        self._profiles = tuple(profiles)
        self._judges: dict[tuple[str, ...], Judge] = {}
        # By the first claim or else the type, then by the names of the members.
        self._plans: dict[str, dict[tuple[str, ...], _Planned]] = {}
        self._certainty = Certainty(self._book, self.is_sure)
        self._texts = TextLook()
        self._book.check_inner = self._inner

    def validate(self, resource: Any) -> list[Issue]:
        """Return every problem of a resource: JSON data, or its text as str or bytes.

        An empty list is good; so is one without errors. Data must come from the strict reader of
        `fhir.json_text`, which keeps the digits of numbers.
        """
        if resource.__class__ is not dict:
            told = self._texts.told(resource)
            return self._of_text(resource) if told is None else told
        try:
            meta = resource.get("meta")
            if meta is None or "profile" not in meta:
                plans = self._plans[resource["resourceType"]]
            else:
                plans = self._plans[meta["profile"][0]]
            plan, issues, judge = plans[tuple(resource)]
            if plan(resource):
                return judge.told(resource) if issues is None else [*issues]
        except _UNSURE:
            pass  # not planned for, or not the form that the plan takes for granted
        return self._exactly(resource)

    def is_sure(self, resource: Any) -> bool:
        """Return True where a quick look shows that nothing is wrong; False says nothing."""
        return self.quick(resource) == []

    def quick(self, resource: Any) -> list[Issue] | None:
        """Return what `validate` returns where a quick look can tell it, else None.

        It can where nothing is wrong but recommendations that are not followed.
        """
        try:
            judge = self._judge(resource)
            if not judge.is_sure(resource):
                return None
            self._plan(judge, resource)
            return judge.told(resource)
        except _UNSURE:
            return None  # not the form that the quick look takes for granted

    def _plan(self, judge: Judge, resource: dict[str, Any]) -> None:
        """Plan for resources of the names and claims of a good one, where there is no plan yet."""
        claims = resource.get("meta", {}).get("profile", [])
        first = claims[0] if claims else resource["resourceType"]
        if first not in self._plans and len(self._plans) >= _MAX_CLAIMS:
            self._plans.clear()
        plans = self._plans.setdefault(first, {})
        names = tuple(resource)
        if names not in plans:
            if len(plans) >= _MAX_SHAPES:
                plans.clear()
            settled = judge.settled(resource)
            plans[names] = _Planned(judge.plan(resource, claims), settled, judge)

    def _judge(self, resource: dict[str, Any]) -> Judge:
        """Return the judge of a resource; its type and claims must be of right form."""
        claims = resource.get("meta", {}).get("profile", [])
        key = (resource["resourceType"], *claims)
        return self._judges.get(key) or self._new_judge(key)

    def _new_judge(self, key: tuple[str, ...]) -> Judge:
        name, *claims = key
        content = self._book.base.resource(name)
        if content is None or not all(isinstance(claim, str) for claim in claims):
            raise ValueError(name)
        contents, notes = self._contents(content, claims)
        if any(note.is_error for note in notes):
            raise ValueError(name)  # a wrong claim is told by the walk
        if len(self._judges) >= _MAX_JUDGES:
            self._judges.clear()
        judge = self._judges[key] = Judge(self._certainty, contents, notes)
        return judge

    def _contents(
        self, content: Content, claims: Sequence[str]
    ) -> tuple[tuple[Content, ...], list[Issue]]:
        """Return the rules that count for a resource, and what is to be said of its claims."""
        found: list[Content] = []
        notes: list[Issue] = []
        wanted = [*claims, *(url for url in self._profiles if self._is_for(url, content.name))]
        known = {url.partition("|")[0] for url in wanted if self._book.profile(url)}
        covered = {base for url in known for base in self._book.conformance.ancestors(url)}
        for url in dict.fromkeys(wanted):
            plain = url.partition("|")[0]
            expression = f"{content.name}.meta.profile"
            profile = self._book.profile(url)
            kind = self._book.conformance.type_of(url)
            if profile is not None and kind != content.name:
                text = "A profile of another resource type is claimed."
                notes.append(messages.PROFILE_TYPE.issue(text, expression=expression))
            elif profile is not None and plain not in covered:
                found.append(profile)
            elif profile is None and plain not in covered:
                notes.append(self._not_held(plain, kind, content.name, expression))
        return tuple(found) or (content,), notes

    def _not_held(self, url: str, kind: str | None, name: str, expression: str) -> Issue:
        if url.startswith("https://fhir-backpain.org/"):
            text = "A profile of our own is claimed that does not exist."
            return messages.PROFILE_UNKNOWN.issue(text, expression=expression)
        if kind is not None and kind != name:
            text = "A profile of another resource type is claimed."
            return messages.PROFILE_TYPE.issue(text, expression=expression)
        named = url if _CANONICAL.fullmatch(url) else "A profile"
        text = f"{named} is claimed, whose rules are not held here."
        return messages.PROFILE_NOT_HELD.issue(text, expression=expression)

    def _is_for(self, url: str, name: str) -> bool:
        return self._book.conformance.type_of(url) in (None, name)

    def _of_text(self, text: Any) -> list[Issue]:
        """Return every problem of a text that no plan found good, or of what is no text."""
        if not isinstance(text, (str, bytes)):
            return self._exactly(text)
        try:
            data = json_text.parse(text)
        except SourceError as error:
            return list(error.issues)
        found = self.quick(data)
        if found is None:
            return self._all(data, ())
        self._texts.learn(text, data, self._judge(data))
        return found

    def _exactly(self, resource: Any) -> list[Issue]:
        """Return every problem of a resource that no plan found good."""
        found = self.quick(resource)
        return self._all(resource, ()) if found is None else found

    def _inner(self, resource: Any, steps: Steps) -> list[Issue]:
        """Judge a resource within a resource."""
        return [] if self.is_sure(resource) else self._all(resource, steps)

    def _all(self, resource: Any, around: Steps) -> list[Issue]:
        """Return every problem, at the speed of a walk."""
        place = expression_of(around) if around else _type_of(resource)
        if not isinstance(resource, dict) or not isinstance(resource.get("resourceType"), str):
            return [messages.NO_RESOURCE.issue("There is no resourceType.", expression=place)]
        name = resource["resourceType"]
        content = self._book.base.resource(name)
        if content is None:
            is_type = name in self._book.base.resource_types
            text = "Its definition is not held here." if is_type else "R4 has no such type."
            return [messages.TYPE_UNKNOWN.issue(text, expression=place)]
        contents, notes = self._contents(content, list(_claims(resource)))
        steps = around or (name,)
        found = [issue for one in contents for issue in walked(self._book, one, resource, steps)]
        placed = [replace(one, expression=f"{place}.meta.profile") for one in notes]
        return list(dict.fromkeys([*found, *placed]))


def _type_of(resource: Any) -> str | None:
    name = resource.get("resourceType") if isinstance(resource, dict) else None
    return name if isinstance(name, str) and name.isalpha() and len(name) < _MAX_CLAIMS else None


def _claims(resource: dict[str, Any]) -> Iterator[str]:
    meta = resource.get("meta")
    claims = meta.get("profile") if isinstance(meta, dict) else None
    if isinstance(claims, list):
        yield from (claim for claim in claims[:_MAX_CLAIMS] if isinstance(claim, str))
