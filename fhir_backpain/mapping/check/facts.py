"""What a condition that holds says: which paths are there. And conditions that never hold."""

from __future__ import annotations

import re

from fhir_backpain.mapping.scope import Scope
from fhir_backpain.outcome import MappingLocation

_CLAUSE = re.compile(r"^(?P<path>\S+) is (?P<negated>not )?(?P<word>[A-Za-z0-9._-]+)$")


def facts_of(condition: str, scope: Scope, where: MappingLocation) -> frozenset[str]:
    """Return the full paths that are there wherever a condition holds."""
    found = set()
    for path, negated, word in _clauses(condition):
        says_there = (word == "missing") if negated else (word != "missing")
        if says_there:
            found.add(scope.find(path, where).path)
    return frozenset(found)


def never_holds(condition: str, scope: Scope, where: MappingLocation) -> bool:
    """Return whether a condition asks for the absence of what is always there."""
    for path, negated, word in _clauses(condition):
        says_absent = (word == "present") if negated else (word == "missing")
        if says_absent and scope.find(path, where).certain:
            return True
    return False


def _clauses(condition: str) -> list[tuple[str, bool, str]]:
    found = [_CLAUSE.match(part.strip()) for part in condition.split(" and ")]
    return [(clause["path"], bool(clause["negated"]), clause["word"]) for clause in found if clause]
