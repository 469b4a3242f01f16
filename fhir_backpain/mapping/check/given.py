"""What is known of a record at a place of a template: what is there, and which words it can be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from fhir_backpain.mapping.check.certainty import inside_each, inside_fragment
from fhir_backpain.mapping.check.facts import facts_of
from fhir_backpain.mapping.clause import read_clauses
from fhir_backpain.mapping.functions.arguments import arguments, option
from fhir_backpain.mapping.library import Library
from fhir_backpain.mapping.scope import Scope
from fhir_backpain.mapping.template import (
    Each,
    FirstOf,
    ListTemplate,
    ObjectTemplate,
    Slot,
    Template,
    Use,
    When,
)
from fhir_backpain.outcome import MappingLocation

_PRESENCE = ("present", "missing")
Words = Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Given:
    """What holds for a record where a profile is claimed.

    `facts` are full paths that are there; `only` and `never` say which words a path can have.
    """

    facts: frozenset[str] = frozenset()
    only: Words = field(default_factory=dict)
    never: Words = field(default_factory=dict)

    def allows(self, path: str, word: str) -> bool:
        """Return whether the value at a full path can be a word."""
        return word in self.only.get(path, (word,)) and word not in self.never.get(path, ())

    def where(self, condition: str, scope: Scope, place: MappingLocation) -> Given:
        """Return what holds where a condition holds, too."""
        given = replace(self, facts=self.facts | facts_of(condition, scope, place))
        for clause in read_clauses(condition):
            if clause.word in _PRESENCE:
                continue
            path, words = scope.find(clause.path, place).path, frozenset(clause.words)
            if clause.is_negated:
                never = {**given.never, path: given.never.get(path, frozenset()) | words}
                given = replace(given, never=never)
            else:
                given = given.with_words(path, words)
        return given

    def with_words(self, path: str, words: frozenset[str]) -> Given:
        """Return what holds where the value at a full path is one of some words."""
        return replace(self, only={**self.only, path: self.only.get(path, words) & words})


def vocabulary_of(template: Template, scope: Scope, library: Library) -> Given:
    """Return the words that the paths of a template can have by the record check.

    It knows the words of a concept map that has a kind; where two speak of one path, those of both.
    """
    given = Given()
    for slot, here in _slots(template, scope, library):
        paths = arguments(slot)
        concept_map = library.concept_maps.get(option(slot, "map") or "")
        if concept_map is not None and concept_map.kind and len(paths) == 1:
            path = here.find(paths[0], slot.location).path
            given = given.with_words(path, frozenset(concept_map.rows))
    return given


def _slots(node: Template, scope: Scope, library: Library) -> Iterator[tuple[Slot, Scope]]:
    """Yield the slots that translate a word, each with its scope."""
    if isinstance(node, Slot):
        if node.function in ("concept", "concepts", "coding", "code", "codes"):
            yield node, scope
    elif isinstance(node, Use):
        template = library.fragments[node.fragment].template
        yield from _slots(template, inside_fragment(node, scope), library)
    elif isinstance(node, Each):
        yield from _slots(node.body, inside_each(node, scope), library)
    elif isinstance(node, When):
        yield from _slots(node.body, scope, library)
    else:
        for inner in _parts(node):
            yield from _slots(inner, scope, library)


def _parts(node: Template) -> tuple[Template, ...]:
    if isinstance(node, ObjectTemplate):
        return tuple(node.members.values())
    if isinstance(node, ListTemplate):
        return node.items
    return node.alternatives if isinstance(node, FirstOf) else ()
