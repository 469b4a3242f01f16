"""The profiles that a mapping's resources claim in ``meta.profile``, and under which conditions.

FHIR: Meta.profile, http://hl7.org/fhir/R4/resource.html#profile
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from fhir_backpain.mapping.check.certainty import inside_fragment
from fhir_backpain.mapping.check.given import Given, vocabulary_of
from fhir_backpain.mapping.functions.arguments import arguments, option
from fhir_backpain.mapping.library import Library
from fhir_backpain.mapping.scope import Scope
from fhir_backpain.mapping.template import (
    FirstOf,
    ListTemplate,
    Literal,
    ObjectTemplate,
    Slot,
    Template,
    Use,
    When,
)
from fhir_backpain.outcome import MappingLocation


@dataclass(frozen=True, slots=True)
class Claim:
    """A profile that a resource claims, where, and what is given then."""

    url: str
    location: MappingLocation
    given: Given


def claims_of(template: ObjectTemplate, scope: Scope, library: Library) -> Iterator[Claim]:
    """Yield each claim of a resource's template that can be read off it."""
    node: Template | None = template
    rule = scope
    for name in ("meta", "profile"):
        while isinstance(node, Use):
            scope = inside_fragment(node, scope)
            node = library.fragments[node.fragment].template
        node = node.members.get(name) if isinstance(node, ObjectTemplate) else None
    if node is not None:
        given = vocabulary_of(template, rule, library)
        yield from _Reader(library).claims(node, scope, given)


@dataclass(frozen=True, slots=True)
class _Reader:
    library: Library

    def claims(self, node: Template, scope: Scope, given: Given) -> Iterator[Claim]:
        if isinstance(node, Literal):
            yield Claim(str(node.value), node.location, given)
        elif isinstance(node, Slot):
            yield from self._of_slot(node, scope, given)
        elif isinstance(node, ListTemplate):
            for item in node.items:
                yield from self.claims(item, scope, given)
        elif isinstance(node, FirstOf):
            for item in node.alternatives:
                yield from self.claims(item, scope, given)
        elif isinstance(node, When):
            more = given.where(node.condition, scope, node.location)
            yield from self.claims(node.body, scope, more)
        elif isinstance(node, Use):
            inner = inside_fragment(node, scope)
            yield from self.claims(self.library.fragments[node.fragment].template, inner, given)

    def _of_slot(self, node: Slot, scope: Scope, given: Given) -> Iterator[Claim]:
        """A word of the record decides: each URL is claimed where the word has it in its row."""
        paths = arguments(node)
        if node.function not in ("code", "codes") or len(paths) != 1:
            return
        words: dict[str, set[str]] = {}
        rows = self.library.concept_map(option(node, "map") or "", node.location).rows
        for word, row in rows.items():
            taken = row.concepts if node.function == "codes" else row.concepts[:1]
            for concept in taken:
                words.setdefault(concept.code, set()).add(word)
        path = scope.find(paths[0], node.location).path
        for url, found in words.items():
            more = given.with_words(path, frozenset(found))
            if more.only[path]:
                yield Claim(url, node.location, more)
