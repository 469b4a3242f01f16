"""The codes of a value set, where the definitions themselves are enough to list them.

FHIR: http://hl7.org/fhir/R4/valueset.html#expansion
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from servers.definitions.specification import Specification

Codes = dict[str, dict[str, str]]
"""system -> code -> display, in the order of the definitions."""

_HIERARCHY = {"is-a": True, "descendent-of": False}
_PARENT = ("subsumedBy", "parent")


class NotListableError(Exception):
    """The value set needs a terminology server."""


def expand(specification: Specification, url: str) -> Codes | None:
    """Return the codes of a value set, or None where they cannot be listed from here.

    Deprecated and abstract codes are kept: a reader must accept them.
    """
    try:
        return _Expansion(specification).value_set(url)
    except NotListableError:
        return None


class _Expansion:
    def __init__(self, specification: Specification) -> None:
        self._specification = specification
        self._open: set[str] = set()

    def value_set(self, url: str) -> Codes:
        url = url.partition("|")[0]
        definition = self._specification.value_sets.get(url)
        if definition is None or "compose" not in definition or url in self._open:
            raise NotListableError(url)
        self._open.add(url)
        codes: Codes = {}
        for include in definition["compose"].get("include", []):
            for system, found in self._selected(include).items():
                codes.setdefault(system, {}).update(found)
        for exclude in definition["compose"].get("exclude", []):
            for system, found in self._selected(exclude).items():
                for code in found:
                    codes.get(system, {}).pop(code, None)
        self._open.discard(url)
        return {system: found for system, found in codes.items() if found}

    def _selected(self, rule: dict[str, Any]) -> Codes:
        """Return what one include or exclude selects: all its conditions hold at once."""
        parts = [self.value_set(url) for url in rule.get("valueSet", [])]
        if "system" in rule:
            parts.append({rule["system"]: self._of_system(rule)})
        if not parts:
            raise NotListableError
        first, *others = parts
        return {
            system: {
                code: display
                for code, display in found.items()
                if all(code in other.get(system, {}) for other in others)
            }
            for system, found in first.items()
        }

    def _of_system(self, rule: dict[str, Any]) -> dict[str, str]:
        if "concept" in rule:
            known = self._displays(rule["system"])
            return {
                concept["code"]: concept.get("display") or known.get(concept["code"], "")
                for concept in rule["concept"]
            }
        code_system = self._specification.code_systems.get(rule["system"])
        if code_system is None or code_system.get("content") != "complete":
            raise NotListableError(rule["system"])
        concepts = list(_walk(code_system.get("concept", []), ()))
        selected = {concept["code"]: concept.get("display", "") for concept, _ in concepts}
        for condition in rule.get("filter", []):
            below = _below(concepts, condition)
            selected = {code: text for code, text in selected.items() if code in below}
        return selected

    def _displays(self, system: str) -> dict[str, str]:
        code_system = self._specification.code_systems.get(system, {})
        return {
            concept["code"]: concept.get("display", "")
            for concept, _ in _walk(code_system.get("concept", []), ())
        }


def _walk(
    concepts: list[dict[str, Any]], above: tuple[str, ...]
) -> Iterator[tuple[dict[str, Any], tuple[str, ...]]]:
    """Yield every concept with the codes directly above it, by nesting or by property."""
    for concept in concepts:
        named = tuple(
            str(given.get("valueCode"))
            for given in concept.get("property", [])
            if given.get("code") in _PARENT
        )
        yield concept, above + named
        yield from _walk(concept.get("concept", []), (concept["code"],))


def _below(
    concepts: list[tuple[dict[str, Any], tuple[str, ...]]], condition: dict[str, Any]
) -> set[str]:
    if condition["op"] not in _HIERARCHY or condition["property"] != "concept":
        raise NotListableError(condition["op"])
    root = condition["value"]
    found, grown = {root}, True
    while grown:
        more = {concept["code"] for concept, above in concepts if found.intersection(above)}
        grown = not more <= found
        found |= more
    return found if _HIERARCHY[condition["op"]] else found - {root}
