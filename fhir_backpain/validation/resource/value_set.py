"""The codes of a value set, where what is at hand is enough to list them.

FHIR: ValueSet.compose, http://hl7.org/fhir/R4/valueset.html
"""

from __future__ import annotations

from typing import Any

from fhir_backpain.validation.resource.base_rules import BaseRules
from fhir_backpain.validation.resource.conformance import Conformance, us_core_codes
from fhir_backpain.validation.resource.element import Codes

Pairs = set[tuple[str | None, str]]


class ValueSets:
    """Lists value sets; None stands for one that only a terminology server could list."""

    def __init__(self, base: BaseRules, conformance: Conformance) -> None:
        self._base = base
        self._conformance = conformance
        self._known: dict[str, Codes | None] = {}

    def codes(self, url: str) -> Codes | None:
        """Return the codes of a value set by its URL, or None where they cannot be listed."""
        plain = url.partition("|")[0]
        if plain not in self._known:
            self._known[plain] = None  # a value set that includes itself has no list
            self._known[plain] = self._find(plain)
        return self._known[plain]

    def _find(self, url: str) -> Codes | None:
        found = self._conformance.find("ValueSet", url)
        if found is not None:
            pairs = self._composed(found.get("compose") or {})
            return _codes(url, pairs) if pairs else None
        listed = us_core_codes(url)
        if listed is not None:
            return _codes(url, {(system, code) for system in listed for code in listed[system]})
        return self._base.codes(url)

    def _composed(self, compose: dict[str, Any]) -> Pairs | None:
        included: Pairs = set()
        for part in compose.get("include", ()):
            pairs = self._part(part)
            if pairs is None:
                return None
            included |= pairs
        for part in compose.get("exclude", ()):
            pairs = self._part(part)
            if pairs is None:
                return None
            included -= pairs
        return included

    def _part(self, part: dict[str, Any]) -> Pairs | None:
        """Return what one include or exclude lists; None where a filter or a server is needed."""
        if part.get("filter"):
            return None
        sets = [self.codes(url) for url in part.get("valueSet", ())]
        if any(codes is None for codes in sets):
            return None
        found: Pairs | None = self._of_system(part) if "system" in part else None
        for codes in sets:
            assert codes is not None
            found = set(codes.pairs) if found is None else found & codes.pairs
        return found

    def _of_system(self, part: dict[str, Any]) -> Pairs | None:
        system = part["system"]
        if "concept" in part:
            return {(system, concept["code"]) for concept in part["concept"]}
        found = self._conformance.find("CodeSystem", system)
        if found is None or found.get("content") != "complete":
            return None
        return {(system, code) for code in _concepts(found)}


def _codes(url: str, pairs: Pairs) -> Codes:
    return Codes(url, frozenset(code for _, code in pairs), frozenset(pairs))


def _concepts(owner: dict[str, Any]) -> list[str]:
    found = []
    for concept in owner.get("concept", ()):
        found += [concept["code"], *_concepts(concept)]
    return found
