"""Spells out ``PATH is in MAP``: the condition that a word has a row in a concept map.

Everything after it reads ``PATH is WORD or WORD``, so that it need not know the concept maps.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from fhir_backpain.errors import ArtifactError
from fhir_backpain.mapping.clause import NO_WORD, split_clauses
from fhir_backpain.mapping.declaration import Declaration
from fhir_backpain.mapping.template import (
    Each,
    FirstOf,
    ListTemplate,
    ObjectTemplate,
    Template,
    When,
)
from fhir_backpain.outcome import MappingLocation
from fhir_backpain.terminology import messages as terminology_messages
from fhir_backpain.terminology.concept_map import ConceptMap

_IN_MAP = re.compile(r"^(?P<path>\S+) is (?P<negated>not )?in (?P<map>[A-Za-z0-9._-]+)$")


@dataclass(frozen=True, slots=True)
class WordSets:
    """The concept maps that conditions may name; raises ArtifactError where there is none."""

    concept_maps: Mapping[str, ConceptMap]

    def declaration(self, declaration: Declaration) -> Declaration:
        """Return a mapping with its conditions spelt out."""
        where = declaration.location
        return replace(
            declaration,
            condition=self._optional(declaration.condition, where),
            only_if_new=tuple(self.condition(one, where) for one in declaration.only_if_new),
            template=self.template(declaration.template),
        )

    def template(self, node: Template) -> Template:
        """Return a template with the conditions below it spelt out."""
        if isinstance(node, When):
            condition = self.condition(node.condition, node.location)
            return replace(node, condition=condition, body=self.template(node.body))
        if isinstance(node, ObjectTemplate):
            members = {name: self.template(item) for name, item in node.members.items()}
            return replace(node, members=members)
        if isinstance(node, ListTemplate):
            return replace(node, items=tuple(map(self.template, node.items)))
        if isinstance(node, FirstOf):
            return replace(node, alternatives=tuple(map(self.template, node.alternatives)))
        return replace(node, body=self.template(node.body)) if isinstance(node, Each) else node

    def condition(self, text: str, where: MappingLocation) -> str:
        """Return a condition with the words of each concept map that it names."""
        return " and ".join(self._clause(clause, where) for clause in split_clauses(text))

    def _optional(self, text: str | None, where: MappingLocation) -> str | None:
        return None if text is None else self.condition(text, where)

    def _clause(self, text: str, where: MappingLocation) -> str:
        found = _IN_MAP.match(text)
        if found is None:
            return text
        concept_map = self.concept_maps.get(found["map"])
        if concept_map is None:
            text = f"There is no concept map '{found['map']}'."
            raise ArtifactError(terminology_messages.MAP_UNKNOWN.issue(text, mapping=where))
        words = " or ".join(concept_map.rows) or NO_WORD
        return f"{found['path']} is {found['negated'] or ''}{words}"
