"""What a condition that holds says: which paths are there. And conditions that never hold."""

from __future__ import annotations

from itertools import combinations

from fhir_backpain.mapping.clause import read_clauses
from fhir_backpain.mapping.scope import Scope
from fhir_backpain.outcome import MappingLocation


def facts_of(condition: str, scope: Scope, where: MappingLocation) -> frozenset[str]:
    """Return the full paths that are there wherever a condition holds."""
    found = set()
    for path, negated, word in _clauses(condition):
        says_there = (word == "missing") if negated else (word != "missing")
        if says_there:
            found.add(scope.find(path, where).path)
    return frozenset(found)


def never_holds(condition: str, scope: Scope, where: MappingLocation) -> str | None:
    """Return why a condition can never hold, or None where it can.

    It asks for the absence of what is always there, or for two things that exclude each other.
    """
    clauses = [_plain(*clause) for clause in _clauses(condition)]
    for path, negated, word in clauses:
        if word == "missing" and not negated and scope.find(path, where).certain:
            return f"'{path}' is always there"
    for one, other in combinations(clauses, 2):
        if one[0] == other[0] and _exclude(one[1:], other[1:]):
            return f"two of its parts exclude each other on '{one[0]}'"
    return None


def _plain(path: str, negated: bool, word: str) -> tuple[str, bool, str]:
    """Return a clause in which 'not present' reads 'missing', and the other way round."""
    opposite = {"present": "missing", "missing": "present"}
    return (path, False, opposite[word]) if negated and word in opposite else (path, negated, word)


def _exclude(one: tuple[bool, str], other: tuple[bool, str]) -> bool:
    if one[0] or other[0]:
        return one[0] != other[0] and one[1] == other[1]
    words = {one[1], other[1]}
    return len(words) == 2 and ("present" not in words or "missing" in words)


def _clauses(condition: str) -> list[tuple[str, bool, str]]:
    return [(one.path, one.is_negated, one.word) for one in read_clauses(condition)]
