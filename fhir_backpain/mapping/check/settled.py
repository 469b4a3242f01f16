"""A template where a profile is claimed: without what its words never let be there.

A score that a clinician gives has another performer than one of the patient; a profile for the one
is not held against the other.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from fhir_backpain.mapping.check.certainty import inside_each
from fhir_backpain.mapping.check.given import Given
from fhir_backpain.mapping.clause import read_clause, split_clauses
from fhir_backpain.mapping.scope import Scope
from fhir_backpain.mapping.template import (
    Each,
    FirstOf,
    ListTemplate,
    ObjectTemplate,
    Template,
    When,
)

_NOT_WORDS = frozenset({"present", "missing", "true", "false"})


def settled(template: ObjectTemplate, scope: Scope, given: Given) -> ObjectTemplate:
    """Return a resource's template with the conditions settled that its words alone decide.

    Conditions inside a fragment stay: what its parameters mean is another's.
    """
    found = _Settling(given).of(template, scope)
    return found if isinstance(found, ObjectTemplate) else template


@dataclass(frozen=True, slots=True)
class _Settling:
    given: Given

    def of(self, node: Template, scope: Scope) -> Template | None:
        """Return a node as it is left, None where it is never there."""
        if isinstance(node, When):
            return self._when(node, scope)
        if isinstance(node, ObjectTemplate):
            members = {name: self.of(item, scope) for name, item in node.members.items()}
            left = {name: item for name, item in members.items() if item is not None}
            return replace(node, members=left)
        if isinstance(node, ListTemplate):
            items = self._all(node.items, scope)
            return replace(node, items=items) if items or not node.items else None
        if isinstance(node, FirstOf):
            alternatives = self._all(node.alternatives, scope)
            if len(alternatives) == 1:
                return alternatives[0]
            return replace(node, alternatives=alternatives) if alternatives else None
        if isinstance(node, Each):
            body = self.of(node.body, inside_each(node, scope))
            return None if body is None else replace(node, body=body)
        return node

    def _all(self, nodes: tuple[Template, ...], scope: Scope) -> tuple[Template, ...]:
        found = (self.of(node, scope) for node in nodes)
        return tuple(node for node in found if node is not None)

    def _when(self, node: When, scope: Scope) -> Template | None:
        body = self.of(node.body, scope)
        clauses = split_clauses(node.condition)
        verdicts = [self._verdict(text, scope, node) for text in clauses]
        if body is None or False in verdicts:
            return None
        left = [text for text, held in zip(clauses, verdicts, strict=True) if not held]
        return replace(node, condition=" and ".join(left), body=body) if left else body

    def _verdict(self, text: str, scope: Scope, node: When) -> bool | None:
        """Return whether a clause holds for every word that is left, for none, or for some."""
        clause = read_clause(text)
        if clause is None or not _NOT_WORDS.isdisjoint(clause.words):
            return None
        reach = scope.find(clause.path, node.location)
        left = self.given.only.get(reach.path)
        if left is None or not reach.certain:
            return None
        asked = {word for word in left if self.given.allows(reach.path, word)}
        if asked.isdisjoint(clause.words):
            return clause.is_negated
        return not clause.is_negated if asked <= set(clause.words) else None
