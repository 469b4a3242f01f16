"""What a condition that holds says: which paths are there. And conditions that never hold."""

from __future__ import annotations

from itertools import combinations

from fhir_backpain.mapping.clause import read_clauses
from fhir_backpain.mapping.scope import Scope
from fhir_backpain.outcome import MappingLocation

Words = frozenset[str]
_MISSING: Words = frozenset({"missing"})
_PRESENT: Words = frozenset({"present"})


def facts_of(condition: str, scope: Scope, where: MappingLocation) -> frozenset[str]:
    """Return the full paths that are there wherever a condition holds."""
    found = set()
    for path, negated, words in _clauses(condition):
        says_there = (words == _MISSING) if negated else (words != _MISSING)
        if says_there:
            found.add(scope.find(path, where).path)
    return frozenset(found)


def never_holds(condition: str, scope: Scope, where: MappingLocation) -> str | None:
    """Return why a condition can never hold, or None where it can.

    It asks for the absence of what is always there, or for two things that exclude each other.
    """
    clauses = [_plain(*clause) for clause in _clauses(condition)]
    for path, negated, words in clauses:
        if words == _MISSING and not negated and scope.find(path, where).certain:
            return f"'{path}' is always there"
    for one, other in combinations(clauses, 2):
        if one[0] == other[0] and _exclude(one[1:], other[1:]):
            return f"two of its parts exclude each other on '{one[0]}'"
    return None


def _plain(path: str, negated: bool, words: Words) -> tuple[str, bool, Words]:
    """Return a clause in which 'not present' reads 'missing', and the other way round."""
    opposite = {_PRESENT: _MISSING, _MISSING: _PRESENT}
    is_presence = negated and words in opposite
    return (path, False, opposite[words]) if is_presence else (path, negated, words)


def _exclude(one: tuple[bool, Words], other: tuple[bool, Words]) -> bool:
    if one[0] and other[0]:
        return False
    if one[0] or other[0]:
        (_, allowed), (_, refused) = sorted((one, other), key=lambda clause: clause[0])
        return allowed <= refused
    if _PRESENT in (one[1], other[1]):
        return _MISSING in (one[1], other[1])
    return one[1].isdisjoint(other[1])


def _clauses(condition: str) -> list[tuple[str, bool, Words]]:
    return [(one.path, one.is_negated, frozenset(one.words)) for one in read_clauses(condition)]
